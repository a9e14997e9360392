"""Messages no acquirer sends: malformed, forged, or about something else. Each gets its exact answer; nothing changes.

A message that is not verified is refused with 401 and kept as REFUSED. A verified one that cannot be read is kept for
a person (UNAPPLIED); about something unknown here it waits (WAITING); one that decides nothing is APPLIED and done.
"""

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from authorizations.models import Authorization
from authorizations.operations import redeem
from authorizations.states import Messenger
from payments.models import Contradiction, Payment, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import inbox
from portal.acquirer import signing
from portal.acquirer.results import Secret
from portal.models import AcquirerAccount, AcquirerKey, Incident, Notification, NotificationStatus
from portal.sandbox.server import Sandbox
from tests import factories
from tests.malformed.digest import everything
from tests.malformed.wire import request_bytes, spoken
from tests.story import PHP, Acquirer, Customer, Shop

ACCEPTED = b'{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}'
REFUSED = b'{"result":{"resultCode":"INVALID_SIGNATURE","resultStatus":"F","resultMessage":"not verified"}}'
TIME = "1772416800000"
STRANGER = signing.new_private_key()
KEPT_REFUSED, KEPT_UNREAD = NotificationStatus.REFUSED, NotificationStatus.UNAPPLIED
WAITS, DONE = NotificationStatus.WAITING, NotificationStatus.APPLIED


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is wrong, in words; how it differs from a good message; the answer; what is kept of it."""

    wrong: str
    message: Any = None
    """The JSON; ``{payment}`` and the like stand for ids of the world. None: a good notifyPayment."""
    body: bytes | None = None
    """The body as it is, instead of a message."""
    sent: Any = None
    """What is sent instead of what was signed: bytes, or a function of the signed body."""
    method: str = "POST"
    path: str = "/notify/sandbox/payment"
    headers: dict[str, str | bytes | None] = field(default_factory=dict)
    """Other values of headers; None: left out."""
    signed: dict[str, str] = field(default_factory=dict)
    """What was signed instead: method, path, client, time."""
    signer: str = "acquirer"
    status: int = 200
    answer: bytes = ACCEPTED
    kept: str = ""
    """The status of the notification's row; empty: none is kept."""
    contradicts: bool = False
    """It is kept as a contradiction of the payment, or reported of the refund."""


def paid(**changes: Any) -> dict[str, Any]:
    """A good notifyPayment about the payment whose result is unknown, with something changed; ``...`` leaves it out."""
    message = {
        "notifyType": "PAYMENT_RESULT",
        "result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"},
        "paymentRequestId": "{payment}",
        "paymentId": "202603021140108001001888A0210000042",
        "paymentAmount": {"currency": "PHP", "value": "49900"},
        "paymentTime": "2026-03-02T10:00:01+08:00",
    }
    return {name: value for name, value in {**message, **changes}.items() if value is not ...}


def amount(value: Any, currency: Any = "PHP") -> dict[str, Any]:
    """The same, of another amount."""
    return paid(paymentAmount={"currency": currency, "value": value})


def result(code: Any, status: Any) -> dict[str, Any]:
    """The same, with another result."""
    return paid(result={"resultCode": code, "resultStatus": status, "resultMessage": "…"})


def refunded(**changes: Any) -> dict[str, Any]:
    """A good notifyRefund about the refund whose result is unknown, with something changed."""
    message = {
        "notifyType": "REFUND_RESULT",
        "result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"},
        "refundStatus": "SUCCESS",
        "refundRequestId": "{refund}",
        "refundId": "202603021140108001001888A0210000043",
        "refundAmount": {"currency": "PHP", "value": "10000"},
        "refundTime": "2026-03-02T10:00:01+08:00",
    }
    return {name: value for name, value in {**message, **changes}.items() if value is not ...}


def agreed(kind: Any, **fields: Any) -> dict[str, Any]:
    """A notifyAuthorization of a kind."""
    ok = {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"}
    return {"authorizationNotifyType": kind, "result": ok, **fields}


def refused(wrong: str, **how: Any) -> Row:
    """A message that is not verified."""
    return Row(wrong=wrong, status=401, answer=REFUSED, kept=KEPT_REFUSED, **how)


def unread(wrong: str, message: Any = None, **how: Any) -> Row:
    """A verified message that cannot be read."""
    return Row(wrong=wrong, message=message, kept=KEPT_UNREAD, **how)


def waits(wrong: str, message: Any) -> Row:
    """A verified message about something that is not known here."""
    return Row(wrong=wrong, message=message, kept=WAITS)


def decides_nothing(wrong: str, message: Any) -> Row:
    """A verified message that says nothing we may believe."""
    return Row(wrong=wrong, message=message, kept=DONE)


def contradicts(wrong: str, message: Any) -> Row:
    """A verified message about another amount than we asked for."""
    return Row(wrong=wrong, message=message, kept=DONE, contradicts=True)


def turned_away(wrong: str, status: int, answer: bytes, **how: Any) -> Row:
    """A request that is no message."""
    return Row(wrong=wrong, status=status, answer=answer, **how)


ONLY_POST = b"POST only."
NO_ACCOUNT = b"No such account."
NO_LENGTH = b"Say the length of the message."

# fmt: off
TABLE: list[Row] = [
    # The request.
    turned_away("it is asked for with GET", 405, ONLY_POST, method="GET"),
    turned_away("it is put", 405, ONLY_POST, method="PUT"),
    turned_away("it is patched", 405, ONLY_POST, method="PATCH"),
    turned_away("it is deleted", 405, ONLY_POST, method="DELETE"),
    turned_away("only its head is asked for", 405, b"", method="HEAD"),
    turned_away("it is for an account we do not have", 404, NO_ACCOUNT, path="/notify/nobody/payment"),
    turned_away("it is for an account that is switched off", 404, NO_ACCOUNT, path="/notify/closed/payment"),
    turned_away("it does not say its length", 411, NO_LENGTH, headers={"content-length": None}),
    turned_away("it comes in chunks", 411, NO_LENGTH,
                headers={"content-length": None, "transfer-encoding": "chunked"},
                sent=lambda body: b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
    turned_away("it comes in chunks and says its length too", 411, NO_LENGTH,
                headers={"transfer-encoding": "chunked"},
                sent=lambda body: b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
    turned_away("it is longer than any message", 413, b"Too large.", body=b" " * (inbox.LARGEST_BODY + 1)),
    turned_away("its length is a number of twenty digits", 413, b"Too large.", headers={"content-length": "9" * 20}),
    turned_away("its length is negative", 411, NO_LENGTH, headers={"content-length": "-1"}),
    turned_away("its length is a word", 400, b"Malformed Content-Length Header.", headers={"content-length": "many"}),
    refused("its length is less than what was signed", headers={"content-length": "10"}),
    # The signature.
    refused("it has no client-id", headers={"client-id": None}),
    refused("it has no request-time", headers={"request-time": None}),
    refused("it has no signature", headers={"signature": None}),
    refused("its signature header is empty", headers={"signature": ""}),
    refused("its signature header is one word", headers={"signature": "signed"}),
    refused("its signature is empty", headers={"signature": "algorithm=RSA256, keyVersion=1, signature="}),
    refused("its signature is not base64", headers={"signature": "algorithm=RSA256, keyVersion=1, signature=%%%"}),
    refused("its signature is a few bytes", headers={"signature": "algorithm=RSA256, keyVersion=1, signature=YWJj"}),
    refused("its signature is of 100,000 characters",
            headers={"signature": "algorithm=RSA256, keyVersion=1, signature=" + "A" * 60_000}),
    refused("its signature is no ASCII", headers={"signature": b"algorithm=RSA256, keyVersion=1, signature=\xff\xfe"}),
    refused("a stranger signed it", signer="stranger"),
    refused("we ourselves signed it", signer="merchant"),
    refused("it is signed over SHA-1", signer="sha1"),
    refused("it is signed with PSS padding", signer="pss"),
    refused("it names a key version we do not hold", signer="version 2"),
    refused("its key version is an attempt at SQL", signer="version 1' OR '1'='1"),
    refused("its client-id is another merchant's", headers={"client-id": "SANDBOX_5X00000000000099"}),
    refused("its client-id is in lower case", headers={"client-id": "sandbox_5x00000000000042"}),
    refused("its client-id is no ASCII", headers={"client-id": b"\xc3\xa4\xc3\xb6"}),
    refused("it was signed for another client", signed={"client": "SANDBOX_5X00000000000099"}),
    refused("it was signed at another time", signed={"time": "1772416800001"}),
    refused("its request-time is no ASCII", headers={"request-time": b"\xd9\xa1\xd9\xa2"}),
    refused("it was signed for the refund URL", signed={"path": "/notify/sandbox/refund"}),
    refused("it was signed as a GET", signed={"method": "GET"}),
    refused("a query was added to the URL", path="/notify/sandbox/payment?paid=true",
            signed={"path": "/notify/sandbox/payment"}),
    refused("a blank was added to the body", sent=lambda body: body + b" "),
    refused("the amount was changed", sent=lambda body: body.replace(b'"49900"', b'"49901"')),
    refused("the id was changed", sent=lambda body: body.replace(b'"paymentRequestId": "P', b'"paymentRequestId": "Q')),
    refused("the body was emptied", sent=b""),
    refused("the body was replaced by another good one", sent=json.dumps({"notifyType": "PAYMENT_PENDING"}).encode()),
    # The JSON.
    unread("it is empty", body=b""),
    unread("it is blank", body=b" \r\n"),
    unread("it is a word", body=b"paid"),
    unread("it is XML", body=b"<notify><paid/></notify>"),
    unread("it is a form", body=b"notifyType=PAYMENT_RESULT&paymentRequestId=P1"),
    unread("it is cut off", body=b'{"notifyType": "PAYMENT_RES'),
    unread("it is two objects", body=b"{}{}"),
    unread("it is a list", body=b"[]"),
    unread("it is null", body=b"null"),
    unread("it is a text", body=b'"PAYMENT_RESULT"'),
    unread("it is a number", body=b"49900"),
    unread("it is true", body=b"true"),
    unread("it is no UTF-8", body=b'{"notifyType": "\xff\xfe"}'),
    unread("it is compressed", body=gzip.compress(b'{"notifyType": "PAYMENT_RESULT"}', mtime=0),
           headers={"content-encoding": "gzip"}),
    unread("it is nested 50,000 deep", body=b"[" * 50_000),
    unread("its objects are nested 20,000 deep", body=b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    unread("a number of 10,000 digits stands in it", body=b'{"paymentAmount": ' + b"9" * 10_000 + b"}"),
    unread("it is not a number at all", body=b'{"notifyType": NaN}'),
    unread("it has nothing in it", {}),
    unread("it says no type", paid(notifyType=...)),
    unread("its type is null", paid(notifyType=None)),
    unread("its type is a list", paid(notifyType=["PAYMENT_RESULT"])),
    unread("its type is unknown", paid(notifyType="PAYMENT_MAYBE")),
    unread("its type is in lower case", paid(notifyType="payment_result")),
    unread("its type has a NUL in it", paid(notifyType="PAYMENT_RESULT\u0000")),
    unread("its type has half a surrogate in it", paid(notifyType="PAYMENT\ud800")),
    unread("its type is very long", paid(notifyType="P" * 5_000)),
    unread("it says its type twice, the second time another",
           body=b'{"notifyType": "PAYMENT_RESULT", "paymentRequestId": "P1", "notifyType": "OTHER"}'),
    # A payment.
    unread("it names no payment", paid(paymentRequestId=...)),
    unread("its payment is null", paid(paymentRequestId=None)),
    unread("its payment is empty", paid(paymentRequestId="")),
    unread("its payment is a list", paid(paymentRequestId=["{payment}"])),
    unread("its payment is an object", paid(paymentRequestId={"id": "{payment}"})),
    unread("its payment's id is longer than ids are", paid(paymentRequestId="P" * 65)),
    waits("its payment is a number", paid(paymentRequestId=5)),
    waits("its payment is unknown", paid(paymentRequestId="P20260302NOBODYHASTHISONE")),
    waits("its payment is another account's", paid(paymentRequestId="{elsewhere}")),
    waits("its payment's id is in lower case", paid(paymentRequestId="{payment:lower}")),
    waits("its payment's id has a blank behind it", paid(paymentRequestId="{payment} ")),
    waits("its payment's id has a NUL behind it", paid(paymentRequestId="{payment}\u0000")),
    waits("its payment is a refund's id", paid(paymentRequestId="{refund}")),
    waits("its payment is an attempt at SQL", paid(paymentRequestId="' OR 1=1 --")),
    decides_nothing("it has no result", paid(result=...)),
    decides_nothing("its result is null", paid(result=None)),
    decides_nothing("its result is a text", paid(result="SUCCESS")),
    decides_nothing("its result is a list", paid(result=[{"resultCode": "SUCCESS", "resultStatus": "S"}])),
    decides_nothing("its result has no status", paid(result={"resultCode": "SUCCESS"})),
    decides_nothing("its result has no code", paid(result={"resultStatus": "S"})),
    decides_nothing("its status is in lower case", result("SUCCESS", "s")),
    decides_nothing("its status is a number", result("SUCCESS", 1)),
    decides_nothing("it says S with a code of failure", result("USER_BALANCE_NOT_ENOUGH", "S")),
    decides_nothing("it says F with the code of success", result("SUCCESS", "F")),
    decides_nothing("it says F with a code nobody knows", result("WENT_WRONG", "F")),
    decides_nothing("it says S with a code nobody knows", result("WENT_RIGHT", "S")),
    decides_nothing("it says U", result("UNKNOWN_EXCEPTION", "U")),
    decides_nothing("it is pending, and says S", paid(notifyType="PAYMENT_PENDING")),
    decides_nothing("it has no amount", paid(paymentAmount=...)),
    decides_nothing("its amount is null", paid(paymentAmount=None)),
    decides_nothing("its amount is a text", paid(paymentAmount="49900 PHP")),
    decides_nothing("its amount is a list", paid(paymentAmount=["PHP", "49900"])),
    decides_nothing("its value is missing", paid(paymentAmount={"currency": "PHP"})),
    decides_nothing("its value is negative", amount("-49900")),
    decides_nothing("its value has decimals", amount("499.00")),
    decides_nothing("its value is a broken number", amount(49900.5)),
    decides_nothing("its value has an exponent", amount("4.99e4")),
    decides_nothing("its value has a sign", amount("+49900")),
    decides_nothing("its value has a blank in it", amount("49 900")),
    decides_nothing("its value is in Arabic digits", amount("٤٩٩٠٠")),
    decides_nothing("its value is true", paid(paymentAmount={"currency": "PHP", "value": True})),
    decides_nothing("its value has seventeen digits", amount("1" * 17)),
    decides_nothing("its currency is missing", paid(paymentAmount={"value": "49900"})),
    decides_nothing("its currency is in lower case", amount("49900", "php")),
    decides_nothing("its currency is none", amount("49900", "QQQ")),
    decides_nothing("its currency is a number", amount("49900", 608)),
    contradicts("it is one centavo short", amount("49899")),
    contradicts("it is one centavo over", amount("49901")),
    contradicts("its value is zero", amount("0")),
    contradicts("its value has sixteen digits", amount("9" * 16)),
    contradicts("it is in another currency", amount("49900", "USD")),
    contradicts("it is a hundred times too much", amount("4990000")),
    # A refund.
    unread("it names no refund", refunded(refundRequestId=...)),
    unread("its refund's id is longer than ids are", refunded(refundRequestId="R" * 65)),
    waits("its refund is unknown", refunded(refundRequestId="R20260302NOBODYHASTHISONE")),
    waits("its refund is another account's", refunded(refundRequestId="{refund elsewhere}")),
    waits("its refund is a payment's id", refunded(refundRequestId="{payment}")),
    decides_nothing("its refund says no status", refunded(refundStatus=...)),
    decides_nothing("its refund's status and result disagree", refunded(refundStatus="FAIL")),
    decides_nothing("its refund is processing, and says S", refunded(refundStatus="PROCESSING")),
    decides_nothing("its refund has no amount", refunded(refundAmount=...)),
    decides_nothing("its refund's amount is negative", refunded(refundAmount={"currency": "PHP", "value": "-10000"})),
    contradicts("its refund is of more than asked", refunded(refundAmount={"currency": "PHP", "value": "49900"})),
    contradicts("its refund is in another currency", refunded(refundAmount={"currency": "USD", "value": "10000"})),
    # An authorization.
    unread("its kind of authorization is unknown", agreed("TOKEN_INVENTED", authState="{attempt}")),
    unread("its kind of authorization is null", agreed(None, authState="{attempt}", authCode="c")),
    unread("a code without an attempt", agreed("AUTHCODE_CREATED", authCode="c" * 24)),
    unread("an attempt without a code", agreed("AUTHCODE_CREATED", authState="{attempt}")),
    unread("an empty code", agreed("AUTHCODE_CREATED", authState="{attempt}", authCode="")),
    unread("a code that is a number", agreed("AUTHCODE_CREATED", authState="{attempt}", authCode=5)),
    unread("an attempt whose name is too long", agreed("AUTHCODE_CREATED", authState="A" * 257, authCode="c")),
    unread("a code, and a result that failed",
           agreed("AUTHCODE_CREATED", authState="{attempt}", authCode="c")
           | {"result": {"resultCode": "PROCESS_FAIL", "resultStatus": "F"}}),
    waits("an attempt nobody made", agreed("AUTHCODE_CREATED", authState="A20260302NOBODYMADETHISONE", authCode="c")),
    waits("an attempt at another account", agreed("AUTHCODE_CREATED", authState="{attempt elsewhere}", authCode="c")),
    decides_nothing("a code that another attempt used",
                    agreed("AUTHCODE_CREATED", authState="{attempt}", authCode="{used code}")),
    decides_nothing("another code for an attempt that is bound",
                    agreed("AUTHCODE_CREATED", authState="{bound}", authCode="another")),
    unread("a token that is not there", agreed("TOKEN_CREATED", authState="{attempt}")),
    unread("a token without an attempt", agreed("TOKEN_CREATED", accessToken="t" * 24)),
    waits("another buyer's token", agreed("TOKEN_CREATED", authState="{attempt}", accessToken="{token of ben}")),
    unread("the end of no token", agreed("TOKEN_CANCELED")),
    unread("the end of a list", agreed("TOKEN_CANCELED", accessToken=["{token}"])),
    waits("the end of a token nobody has", agreed("TOKEN_CANCELED", accessToken="nobody has this")),
    waits("the end of another account's token", agreed("TOKEN_CANCELED", accessToken="{token elsewhere}")),
    waits("the end of a token in other letters", agreed("TOKEN_CANCELED", accessToken="{token:swapped}")),
]
# fmt: on


@pytest.fixture
def world(buyer: Customer, shop: Shop, acquirer: Acquirer, account: AcquirerAccount) -> dict[str, str]:
    """A payment and a refund nobody knows the result of, an open attempt, a bound one, and all of it elsewhere too."""
    wallet = buyer.binds("GCASH")
    first = shop.charges(shop.sells("One", PHP(499_00), to=buyer))
    acquirer.will("refund_stays_processing")
    refund = shop.refunds(first, PHP(100_00))
    acquirer.will("payment_stays_processing", expires=False)
    payment = shop.charges(shop.sells("Two", PHP(499_00), to=buyer))
    attempt = buyer.begins("DANA")
    bound = Authorization.objects.get(wallet_account=wallet)
    ben = shop.customer("ben")
    ben.owns("DANA")
    code, _ = ben.agrees(ben.begins("DANA"))
    theirs = redeem(Authorization.objects.latest("pk"), Secret(code), heard_from=Messenger.BUYER).wallet_account
    assert isinstance(attempt, Authorization)
    assert theirs is not None
    assert (payment.status, refund.status) == (PaymentStatus.PROCESSING, RefundStatus.PROCESSING)
    elsewhere = factories.PaymentFactory(unknown=True)
    other = elsewhere.account
    assert other != account
    refund_elsewhere = factories.RefundFactory(
        payment=factories.PaymentFactory(order__account=other, order__buyer__account=other), refunded_at=None,
        status=RefundStatus.PROCESSING,
    )  # fmt: skip
    attempt_elsewhere = factories.AuthorizationFactory(account=other, buyer__account=other)
    token_elsewhere = elsewhere.wallet_account.access_token
    factories.AcquirerAccountFactory(slug="closed", is_enabled=False)
    acquirer.engine.clear_faults()
    Notification.objects.all().delete()
    Incident.objects.all().delete()
    return {
        "{payment}": payment.payment_request_id,
        "{payment:lower}": payment.payment_request_id.lower(),
        "{refund}": refund.refund_request_id,
        "{attempt}": attempt.auth_state,
        "{bound}": bound.auth_state,
        "{used code}": code,
        "{token}": wallet.access_token,
        "{token:swapped}": wallet.access_token.swapcase(),
        "{token of ben}": theirs.access_token,
        "{elsewhere}": elsewhere.payment_request_id,
        "{refund elsewhere}": refund_elsewhere.refund_request_id,
        "{attempt elsewhere}": attempt_elsewhere.auth_state,
        "{token elsewhere}": token_elsewhere,
    }


def signature(row: Row, content: bytes, sandbox: Sandbox) -> str:
    """The signature header, by whoever the row says signs."""
    acquirer = signing.load_private_key(sandbox.engine.context.keys.acquirer)
    match row.signer:
        case "stranger":
            return signing.signature_header(signing.sign(STRANGER, content))
        case "merchant":
            merchant = signing.load_private_key(sandbox.connection.merchant_private_key)
            return signing.signature_header(signing.sign(merchant, content))
        case "sha1":
            raw = acquirer.sign(content, padding.PKCS1v15(), hashes.SHA1())
        case "pss":
            raw = acquirer.sign(content, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        case signer:
            version = signer.removeprefix("version ") if signer.startswith("version ") else "1"
            return signing.signature_header(signing.sign(acquirer, content), key_version=version)
    return signing.signature_header(signing.base64.b64encode(raw).decode())


def as_said(row: Row, world: dict[str, str], account: AcquirerAccount, sandbox: Sandbox) -> bytes:
    """The request of a row, byte by byte."""
    body = row.body
    if body is None:
        text = json.dumps(paid() if row.message is None else row.message)
        for name, value in world.items():
            text = text.replace(name, value)
        body = text.encode()
    signed = {"method": "POST", "path": row.path, "client": account.client_id, "time": TIME, **row.signed}
    content = signing.content_to_sign(signed["method"], signed["path"], signed["client"], signed["time"], body)
    sent: bytes = body if row.sent is None else row.sent(body) if callable(row.sent) else row.sent
    headers: dict[str, str | bytes | None] = {
        "host": "127.0.0.1",
        "client-id": account.client_id,
        "request-time": TIME,
        "signature": signature(row, content, sandbox),
        "content-type": "application/json; charset=UTF-8",
        "content-length": str(len(sent)),
        "connection": "close",
        **row.headers,
    }
    told = [(name, value) for name, value in headers.items() if value is not None]
    return request_bytes(row.method, row.path, told, sent)


def test_the_table_is_long_enough_and_says_each_thing_once() -> None:
    assert len(TABLE) >= 150
    assert len({row.wrong for row in TABLE}) == len(TABLE)


def test_the_message_all_others_differ_from_is_a_good_one(
    world: dict[str, str], account: AcquirerAccount, sandbox: Sandbox, portal_url: str
) -> None:
    good = Row(wrong="nothing")
    assert spoken(portal_url, as_said(good, world, account, sandbox)) == (200, ACCEPTED)
    assert Payment.objects.get(payment_request_id=world["{payment}"]).status == PaymentStatus.SUCCEEDED
    good = Row(wrong="nothing", message=refunded(), path="/notify/sandbox/refund")
    assert spoken(portal_url, as_said(good, world, account, sandbox)) == (200, ACCEPTED)
    assert Refund.objects.get(refund_request_id=world["{refund}"]).status == RefundStatus.SUCCEEDED


def gets_its_answer_and_changes_nothing(
    row: Row, world: dict[str, str], account: AcquirerAccount, sandbox: Sandbox, portal_url: str
) -> None:
    """Say what the row says. Raises AssertionError."""
    kept_apart = (Contradiction._meta.label,) if row.contradicts else ()
    before = everything(but=kept_apart)

    status, answer = spoken(portal_url, as_said(row, world, account, sandbox), method=row.method)

    assert (status, answer) == (row.status, row.answer)
    assert everything(but=kept_apart) == before
    assert list(Notification.objects.values_list("status", flat=True)) == ([row.kept] if row.kept else [])
    told = {KEPT_UNREAD: [inbox.UNAPPLIED]}.get(row.kept, [])
    if row.contradicts:
        told = ["REFUND_CONTRADICTION" if "refund" in row.wrong else "PAYMENT_CONTRADICTION"]
    assert list(Incident.objects.values_list("kind", flat=True)) == told


def test_each_gets_its_answer_and_changes_nothing(
    world: dict[str, str], account: AcquirerAccount, sandbox: Sandbox, portal_url: str
) -> None:
    """In one world, which is as it was after each: making it takes fifteen times as long as a message."""
    faults = []
    for row in TABLE:
        if row.contradicts:
            continue
        try:
            gets_its_answer_and_changes_nothing(row, world, account, sandbox, portal_url)
        except AssertionError as reason:
            faults.append(f"{row.wrong}: {reason}")
        Notification.objects.all().delete()
        Incident.objects.all().delete()
    assert faults == []


@pytest.mark.parametrize("row", [row for row in TABLE if row.contradicts], ids=lambda row: str(row.wrong))
def test_it_is_kept_as_a_contradiction_and_changes_nothing(
    row: Row, world: dict[str, str], account: AcquirerAccount, sandbox: Sandbox, portal_url: str
) -> None:
    gets_its_answer_and_changes_nothing(row, world, account, sandbox, portal_url)


@pytest.mark.parametrize("which", ["ours", "theirs"])
def test_an_account_without_a_key_is_not_ready_for_messages(
    world: dict[str, str], account: AcquirerAccount, sandbox: Sandbox, portal_url: str, which: str
) -> None:
    said = as_said(Row(wrong="nothing"), world, account, sandbox)
    if which == "ours":
        AcquirerAccount.objects.filter(pk=account.pk).update(private_key="")
    else:
        AcquirerKey.objects.filter(account=account).update(retired_at=account.created_at)
    before = everything()
    assert spoken(portal_url, said) == (503, b"Not ready.")
    assert everything() == before
    assert Notification.objects.count() == 0
