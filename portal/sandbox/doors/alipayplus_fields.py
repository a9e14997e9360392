"""Alipay+'s field tables: every scalar is a string, and nothing is "".

Sources: the API pages under https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/ and
https://docs.alipayplus.com/alipayplus/alipayplus/place_order/model. Where a page lists no size, none is checked.
"""

from portal.sandbox.fields import (
    TERMINALS,
    Field,
    amount,
    check_request,
    datetime_with_offset,
    group,
    illegal,
    list_of,
    one_of,
    positive_amount,
    text,
    url,
)

_LONG = 20_000
_flag = one_of("true", "false")
_currency = text(3, shortest=3)
_region = text(2, shortest=2)
_name = group(
    Field("firstName", text(_LONG)),
    Field("middleName", text(_LONG)),
    Field("lastName", text(_LONG)),
    Field("fullName", text(_LONG)),
)
_address = group(
    Field("region", _region, required=True),
    Field("state", text(8)),
    Field("city", text(32)),
    Field("address1", text(256)),
    Field("address2", text(256)),
    Field("zipCode", text(32)),
)
_merchant = group(
    Field("referenceMerchantId", text(32), required=True),
    Field("merchantName", text(256)),
    Field("merchantDisplayName", text(64)),
    Field("merchantMCC", text(4, shortest=4)),
    Field("merchantAddress", _address),
    Field("store", group(Field("referenceStoreId", text(_LONG)))),
)
_order = group(
    Field("referenceOrderId", text(64), required=True),
    Field("orderDescription", text(256), required=True),
    Field("orderAmount", amount, required=True),
    # The page's list of required fields is cut off; we choose required, because the vendor's own sample has it.
    Field("merchant", _merchant, required=True),
    Field("goods", list_of(group(Field("referenceGoodsId", text(_LONG)), Field("goodsUnitAmount", amount)), 100)),
    Field("buyer", group(Field("referenceBuyerId", text(_LONG)), Field("buyerName", _name))),
    Field("shipping", group(Field("shippingName", _name), Field("shippingAddress", _address))),
    Field(
        "env",
        group(
            Field("terminalType", one_of(*TERMINALS)),
            Field("osType", one_of("IOS", "ANDROID")),
            Field("deviceTokenId", text(64)),
            Field("clientIp", text(32)),
        ),
    ),
)
_one_payment = (Field("paymentRequestId", text(64)), Field("paymentId", text(64)))

TABLES: dict[str, tuple[Field, ...]] = {
    "prepare": (
        Field("authClientId", text(64), required=True),
        Field("authClientName", text(256), required=True),
        Field("authClientDisplayName", text(64)),
        Field("authClientLogo", url(2048, web_only=True)),
        Field("authRedirectUrl", url(2048), required=True),
        # Only the names of the following are documented; we choose required as for Antom's consult, and its size.
        Field("authState", text(256), required=True),
        Field(
            "scopes",
            list_of(
                one_of("AGREEMENT_PAY", "BASE_USER_INFO", "USER_INFO", "USER_LOGIN_ID", "HASH_LOGIN_ID", "SEND_OTP"),
                6,
                least=1,
            ),
            required=True,
        ),
        Field("terminalType", one_of(*TERMINALS), required=True),
        Field("osType", one_of("IOS", "ANDROID")),
        Field("referenceAgreementId", text(64)),
        Field("referenceMerchantId", text(32)),
        Field("passThroughInfo", text(_LONG)),
    ),
    "applyToken": (
        Field("authClientId", text(64), required=True),
        Field("grantType", one_of("AUTHORIZATION_CODE", "REFRESH_TOKEN"), required=True),
        Field("authCode", text(64)),
        Field("refreshToken", text(128)),
        Field("passThroughInfo", text(_LONG)),
    ),
    "cancelToken": (
        Field("accessToken", text(128), required=True),
        Field("authClientId", text(64), required=True),
        Field("passThroughInfo", text(_LONG)),
    ),
    "pay": (
        Field("paymentRequestId", text(64), required=True),
        Field("order", _order, required=True),
        Field("paymentAmount", positive_amount, required=True),
        Field(
            "paymentMethod",
            group(
                Field("paymentMethodType", one_of("CONNECT_WALLET"), required=True),
                Field("paymentMethodId", text(128), required=True),
            ),
            required=True,
        ),
        Field(
            "paymentFactor",
            group(
                Field("isAgreementPayment", one_of("true"), required=True),
                Field("isPaymentEvaluation", _flag),
                Field("isInStorePayment", one_of("false")),
                Field("isCashierPayment", one_of("false")),
                Field("presentmentMode", one_of("BUNDLE", "TILED", "UNIFIED")),
            ),
            required=True,
        ),
        Field("paymentExpiryTime", datetime_with_offset),
        Field("paymentNotifyUrl", url(2048, web_only=True)),
        Field("settlementStrategy", group(Field("settlementCurrency", _currency))),
        Field("userRegion", _region),
        Field("splitSettlementId", text(64)),
    ),
    "inquiryPayment": _one_payment,
    "cancelPayment": _one_payment,
    "refund": (
        *_one_payment,
        Field("refundRequestId", text(64), required=True),
        Field("refundAmount", positive_amount, required=True),
        Field("refundReason", text(256)),
    ),
}


def check(api: str, request: dict[str, object]) -> None:
    """Walk a request along its table. Raises Refusal(PARAM_ILLEGAL) naming the first field that is wrong."""
    _only_texts(request, "")
    check_request(TABLES[api], request)


def _only_texts(value: object, path: str) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _only_texts(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            _only_texts(inner, f"{path}[{position}]")
    elif value is not None and not isinstance(value, str):
        raise illegal(path, "a string is expected")
    elif value == "":
        raise illegal(path, "it is empty; leave it out")
