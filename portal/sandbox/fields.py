"""The field tables of the ten APIs, and the one walk that checks a request against its table.

Sources: the API pages under https://docs.antom.com/ac/ams/ . Scalars are JSON strings; a field that is not in a table
is another product's and is left alone; null counts as absent. What is wrong is named by its path, as in
``paymentAmount.value``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from portal.money import MoneyError, from_wire
from portal.sandbox.codes import Refusal
from portal.sandbox.moments import parse_time

Check = Callable[[object, str], None]

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]+")
_REGION = re.compile(r"[A-Z]{2}")
_LONGEST_VALUE_SHOWN = 40


@dataclass(frozen=True)
class Field:
    """One line of a field table."""

    name: str
    check: Check
    required: bool = False


def illegal(path: str, complaint: str) -> Refusal:
    """The refusal of a field, by its path."""
    return Refusal("PARAM_ILLEGAL", f"Illegal parameter {path}: {complaint}.")


def check_request(table: tuple[Field, ...], request: dict[str, object]) -> None:
    """Walk a request along its table. Raises Refusal(PARAM_ILLEGAL) naming the first field that is wrong."""
    _walk(table, request, "")


def _walk(table: tuple[Field, ...], given: dict[str, object], prefix: str) -> None:
    for field in table:
        value = given.get(field.name)
        path = prefix + field.name
        if value is None or value == "":
            if field.required:
                raise illegal(path, "it is required")
            continue
        field.check(value, path)


def text(limit: int, *, shortest: int = 1, pattern: re.Pattern[str] | None = None, words: str = "") -> Check:
    """A string of at most ``limit`` characters."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, str):
            raise illegal(path, "a string is expected")
        if not shortest <= len(value) <= limit:
            raise illegal(path, f"at most {limit} characters are allowed, got {len(value)}")
        if pattern is not None and not pattern.fullmatch(value):
            raise illegal(path, words)

    return check


def request_id(limit: int) -> Check:
    """One of the merchant's ids: no special characters."""
    # "No special characters" is all the page says; we choose letters, digits, "_" and "-", because its samples have no
    # others.
    return text(limit, pattern=_REQUEST_ID, words="letters, digits, '_' and '-' only")


def one_of(*choices: str) -> Check:
    """A word of an enumeration."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, str) or value not in choices:
            raise illegal(path, f"one of {', '.join(choices)} is expected, got {str(value)[:_LONGEST_VALUE_SHOWN]!r}")

    return check


def yes_or_no(value: object, path: str) -> None:
    """A boolean: the string "true" or "false", or the raw JSON value that the acquirer's own samples show."""
    if value not in (True, False, "true", "false"):
        raise illegal(path, '"true" or "false" is expected')


def is_yes(value: object) -> bool:
    """What a checked boolean says."""
    return value in (True, "true")


def amount(value: object, path: str) -> None:
    """An Amount: currency and a value in minor units, as strings."""
    if isinstance(value, dict) and not isinstance(value.get("value"), str):
        raise illegal(f"{path}.value", "a string of digits is expected")
    try:
        from_wire(value)
    except MoneyError as reason:
        raise illegal(path, str(reason).rstrip(".")) from reason


def positive_amount(value: object, path: str) -> None:
    """An Amount of money that moves: above zero, and in units that are in use."""
    amount(value, path)
    try:
        from_wire(value).payable()
    except MoneyError as reason:
        raise illegal(f"{path}.value", str(reason).rstrip(".")) from reason


def whole_number(lowest: int) -> Check:
    """A string of digits."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or int(value) < lowest:
            raise illegal(path, f"a string of digits, {lowest} or more, is expected")

    return check


def datetime_with_offset(value: object, path: str) -> None:
    """ISO 8601 with an offset."""
    try:
        parse_time(value if isinstance(value, str) else "")
    except ValueError as reason:
        raise illegal(path, "a time such as 2026-03-01T17:25:03+08:00 is expected") from reason


def url(limit: int, *, web_only: bool = False) -> Check:
    """A URL. Browsers return to apps too, so other schemes than http are fine unless ``web_only``; scripts are not."""
    length = text(limit)

    def check(value: object, path: str) -> None:
        length(value, path)
        try:
            parts = urlsplit(str(value))
        except ValueError as reason:
            raise illegal(path, "it is not a URL") from reason
        harmless = parts.scheme not in ("javascript", "data", "vbscript", "file", "blob")
        right_scheme = parts.scheme in ("http", "https") if web_only else bool(parts.scheme) and harmless
        if not right_scheme or not parts.netloc or any(character.isspace() for character in str(value)):
            raise illegal(path, "a complete URL is expected")

    return check


def group(*table: Field) -> Check:
    """An object with a table of its own."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise illegal(path, "an object is expected")
        _walk(table, value, f"{path}.")

    return check


def list_of(item: Check, most: int, *, least: int = 0, code: str = "PARAM_ILLEGAL") -> Check:
    """A list; ``code`` is what too many elements are answered with."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, list):
            raise illegal(path, "a list is expected")
        if len(value) > most:
            raise Refusal(code, f"Illegal parameter {path}: at most {most} elements are allowed.")
        if len(value) < least:
            raise illegal(path, f"at least {least} is expected")
        for position, element in enumerate(value):
            item(element, f"{path}[{position}]")

    return check


TERMINALS = ("WEB", "WAP", "APP", "MINI_APP")
_SCOPES = (
    "AGREEMENT_PAY",
    "BASE_USER_INFO",
    "USER_INFO",
    "ABA_DIRECT_PAYMENT_AUTHORIZATION",
    "USER_LOGIN_ID",
    "HASH_LOGIN_ID",
    "SEND_OTP",
    "TAOBAO_REBIND",
)
_GAGW_REGIONS = one_of("US", "JP", "PK", "SG")
_region = text(2, pattern=_REGION, words="a two-letter country code is expected")
_currency = text(3, pattern=re.compile(r"[A-Z]{3}"), words="an ISO 4217 code is expected")
_name = group(
    Field("firstName", text(32)),
    Field("middleName", text(32)),
    Field("lastName", text(32)),
    Field("fullName", text(128)),
)
_address = group(
    Field("region", _region),
    Field("state", text(8)),
    Field("city", text(32)),
    Field("address1", text(256)),
    Field("address2", text(256)),
    Field("zipCode", text(32)),
)
_environment = group(
    Field("terminalType", one_of(*TERMINALS)),
    Field("osType", one_of("IOS", "ANDROID")),
    Field("deviceTokenId", text(64)),
    Field("clientIp", text(64)),
    Field("deviceBrand", text(64)),
    Field("deviceModel", text(128)),
    Field("extendInfo", text(2048)),
)
_goods = group(
    Field("referenceGoodsId", text(64)),
    Field("goodsName", text(256)),
    Field("goodsCategory", text(64)),
    Field("goodsUnitAmount", amount),
    Field("goodsQuantity", whole_number(1)),
    Field("goodsUrl", text(2048)),
    Field("deliveryMethodType", one_of("PHYSICAL", "DIGITAL")),
)
_order = group(
    Field("orderAmount", amount, required=True),
    # Every sample carries these two, but their required flag is not published; we choose optional, because refusing
    # what the acquirer may take would be a rule of our own.
    Field("referenceOrderId", text(64)),
    Field("orderDescription", text(256)),
    Field("merchant", group(Field("referenceMerchantId", text(64)), Field("store", group()))),
    Field("goods", list_of(_goods, 100)),
    Field(
        "buyer",
        group(
            Field("referenceBuyerId", text(64)),
            Field("buyerName", _name),
            Field("buyerPhoneNo", text(24)),
            Field("buyerEmail", text(64)),
            Field("buyerRegistrationTime", datetime_with_offset),
        ),
    ),
    Field(
        "shipping",
        group(
            Field("shippingName", _name),
            Field("shippingAddress", _address),
            Field("shippingCarrier", text(128)),
            Field("shippingPhoneNo", text(16)),
            Field("shipToEmail", text(64)),
        ),
    ),
    Field("env", _environment),
)

TABLES: dict[str, tuple[Field, ...]] = {
    "consult": (
        Field("customerBelongsTo", text(64), required=True),
        Field("authClientId", text(64)),
        Field("authRedirectUrl", url(1024), required=True),
        Field("scopes", list_of(one_of(*_SCOPES), 4, least=1), required=True),
        Field("authState", text(256), required=True),
        Field("terminalType", one_of(*TERMINALS), required=True),
        Field("osType", one_of("IOS", "ANDROID")),
        Field("osVersion", text(16)),
        Field("merchantRegion", _GAGW_REGIONS),
        Field("recurringPayment", yes_or_no),
        Field("authNotifyUrl", url(1024, web_only=True)),
        Field("merchantAccountId", text(64)),
    ),
    "applyToken": (
        Field("grantType", one_of("AUTHORIZATION_CODE", "REFRESH_TOKEN"), required=True),
        Field("customerBelongsTo", text(64), required=True),
        Field("authCode", text(128)),
        Field("refreshToken", text(128)),
        Field("merchantRegion", _GAGW_REGIONS),
        Field("merchantAccountId", text(64)),
    ),
    "revoke": (
        Field("accessToken", text(128), required=True),
        Field("merchantAccountId", text(64)),
    ),
    "pay": (
        Field("productCode", one_of("AGREEMENT_PAYMENT"), required=True),
        Field("paymentRequestId", text(64), required=True),
        Field("order", _order, required=True),
        Field("paymentAmount", positive_amount, required=True),
        Field(
            "paymentMethod",
            group(
                Field("paymentMethodType", text(64), required=True),
                Field("paymentMethodId", text(128), required=True),
                Field("extendInfo", text(2048)),
            ),
            required=True,
        ),
        Field("settlementStrategy", group(Field("settlementCurrency", _currency)), required=True),
        Field("paymentExpiryTime", datetime_with_offset),
        Field("paymentNotifyUrl", url(2048, web_only=True)),
        Field("appId", text(32)),
        Field("merchantAccountId", text(32)),
        Field("userRegion", _region),
        Field("merchantRegion", _region),
    ),
    "inquiryPayment": (
        Field("paymentRequestId", text(64)),
        Field("paymentId", text(64)),
        Field("merchantAccountId", text(32)),
    ),
    "cancel": (
        Field("paymentId", text(64)),
        Field("paymentRequestId", text(64)),
        Field("merchantAccountId", text(32)),
    ),
    "refund": (
        Field("refundRequestId", request_id(64), required=True),
        Field("paymentId", text(64), required=True),
        Field("refundAmount", positive_amount, required=True),
        Field("referenceRefundId", text(64)),
        Field("refundReason", text(256)),
        Field("refundNotifyUrl", url(1024, web_only=True)),
    ),
    "inquiryRefund": (
        Field("refundRequestId", text(64)),
        Field("refundId", text(64)),
        Field("merchantAccountId", text(32)),
    ),
    "declare": (
        Field("declarationRequestId", text(32), required=True),
        Field("paymentId", text(64), required=True),
        Field("declarationAmount", positive_amount, required=True),
        Field(
            "customs",
            group(Field("customsCode", text(64), required=True), Field("region", one_of("CN"), required=True)),
            required=True,
        ),
        Field(
            "merchantCustomsInfo",
            group(
                Field("merchantCustomsCode", text(64), required=True),
                Field("merchantCustomsName", text(256), required=True),
            ),
            required=True,
        ),
        Field("splitOrder", yes_or_no, required=True),
        Field("suborderId", text(64)),
        Field(
            "buyerCertificate",
            group(
                Field(
                    "certificateType",
                    one_of(
                        "ID_CARD",
                        "PASSPORT",
                        "DRIVING_LICENSE",
                        "ENTERPRISE_REGISTRATION",
                        "LICENSE_INFO",
                        "CPF",
                        "CNPJ",
                    ),
                ),
                Field("certificateNo", text(64)),
                Field("holderName", _name),
            ),
        ),
    ),
    "inquiryDeclarationRequests": (
        Field(
            "declarationRequestIds",
            list_of(text(32), 10, least=1, code="ARRAY_SIZE_EXCEEDED"),
            required=True,
        ),
    ),
    "login": (
        Field("grantType", one_of("AUTHORIZATION_CODE", "REFRESH_TOKEN"), required=True),
        Field("authCode", text(32)),
        Field("refreshToken", text(128)),
        Field("referenceClientId", text(128)),
        Field("extendInfo", text(2048)),
    ),
}
