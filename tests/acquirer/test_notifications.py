"""What the acquirer tells us unasked: believed only as it was signed, and never a reason to crash."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.acquirer import signing
from portal.acquirer.antom import Antom
from portal.acquirer.errors import BadSignature
from portal.acquirer.results import (
    AuthorizationEventKind,
    AuthorizationMessage,
    InboundMessage,
    Outcome,
    PaymentMessage,
    RefundMessage,
    Secret,
    UnreadableMessage,
)
from portal.money import Money

from .peer import CLIENT_ID, OURS, STRANGERS, THEIRS, credentials
from .test_codes import INSIDE, Api

PATH = "/notify/antom/payment?src=auth"
OK = {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"}
TIME = "1685599933871"


@pytest.fixture
def reader() -> Antom:
    return Antom(credentials("http://127.0.0.1:9"))


def envelope(
    body: bytes,
    *,
    path: str = PATH,
    client_id: str = CLIENT_ID,
    time: str = TIME,
    key: Any = THEIRS,
    key_version: str = "keyVersion=1,",
) -> dict[str, str]:
    content = signing.content_to_sign("POST", path, client_id, time, body)
    return {
        "Client-Id": client_id,
        "Request-Time": time,
        "Signature": f"algorithm=RSA256,{key_version}signature={signing.sign(key, content)}",
        "Content-Type": "application/json; charset=UTF-8",
    }


def told(reader: Antom, message: Any) -> InboundMessage:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return reader.read(path=PATH, headers=envelope(body), body=body)


PAID = {
    "notifyType": "PAYMENT_RESULT",
    "result": OK,
    "paymentRequestId": "PAY_20260301_000042_1",
    "paymentId": "202603011140108001001888A0210000042",
    "paymentAmount": {"currency": "PHP", "value": "49900"},
    "paymentCreateTime": "2026-03-01T01:17:50-08:00",
    "paymentTime": "2026-03-01T01:17:51-08:00",
}
REFUNDED = {
    "notifyType": "REFUND_RESULT",
    "result": OK,
    "refundStatus": "SUCCESS",
    "refundRequestId": "REF_20260305_000042_1",
    "refundId": "202603051940108001001888A0210000777",
    "refundAmount": {"currency": "PHP", "value": "10000"},
    "refundTime": "2026-03-05T10:11:12+08:00",
}
AGREED = {
    "authorizationNotifyType": "AUTHCODE_CREATED",
    "authState": "bind_7f3a9c_1",
    "authCode": "663A8FA9D83648EE8AA11FF68298AB12",
    "result": OK,
}
ENDED = {
    "authorizationNotifyType": "TOKEN_CANCELED",
    "accessToken": "28100103_TESTTOKEN",
    "reason": "no longer needed",
    "result": OK,
}


# The three messages.


def test_a_payment_was_made(reader: Antom) -> None:
    inbound = told(reader, PAID)
    assert (inbound.kind, inbound.subject) == ("notifyPayment", "PAY_20260301_000042_1")
    assert isinstance(inbound.message, PaymentMessage)
    assert inbound.message.payment_request_id == "PAY_20260301_000042_1"
    assert not inbound.message.is_pending
    payment = inbound.message.payment
    assert (payment.outcome, payment.code, payment.message) == (Outcome.SUCCESS, "SUCCESS", "success")
    assert payment.payment_id == "202603011140108001001888A0210000042"
    assert payment.amount == Money(49900, "PHP")
    assert payment.created_at == datetime(2026, 3, 1, 9, 17, 50, tzinfo=UTC)
    assert payment.paid_at == datetime(2026, 3, 1, 9, 17, 51, tzinfo=UTC)


def test_a_pending_payment_is_not_paid_though_it_says_s(reader: Antom) -> None:
    inbound = told(reader, PAID | {"notifyType": "PAYMENT_PENDING"})
    assert isinstance(inbound.message, PaymentMessage)
    assert inbound.message.is_pending
    assert inbound.message.payment.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("name", sorted(INSIDE[Api.NOTIFY_PAYMENT][0]))
def test_a_payment_failed(reader: Antom, name: str) -> None:
    result = {"resultCode": name, "resultStatus": "F", "resultMessage": "words"}
    inbound = told(reader, {"notifyType": "PAYMENT_RESULT", "result": result, "paymentRequestId": "PAY1"})
    assert isinstance(inbound.message, PaymentMessage)
    assert (inbound.message.payment.outcome, inbound.message.payment.code) == (Outcome.FAIL, name)


@pytest.mark.parametrize(
    "changed",
    [
        {"result": None},
        {"result": {}},
        {"result": "SUCCESS"},
        {"result": {"resultCode": "SUCCESS", "resultStatus": "F"}},
        {"result": {"resultCode": "SUCCESS", "resultStatus": "U"}},
        {"result": {"resultCode": "PAYMENT_IN_PROCESS", "resultStatus": "U"}},
        {"result": {"resultCode": "A_CODE_NEVER_SEEN", "resultStatus": "F"}},
        {"result": {"resultCode": "A_CODE_NEVER_SEEN", "resultStatus": "S"}},
        {"paymentAmount": None},
        {"paymentAmount": {"currency": "PHP", "value": "499.00"}},
    ],
)
def test_a_payment_message_that_decides_nothing(reader: Antom, changed: dict[str, Any]) -> None:
    inbound = told(reader, PAID | changed)
    assert isinstance(inbound.message, PaymentMessage)
    assert inbound.message.payment.outcome is Outcome.UNKNOWN


def test_a_refund_was_made(reader: Antom) -> None:
    inbound = told(reader, REFUNDED)
    assert (inbound.kind, inbound.subject) == ("notifyRefund", "REF_20260305_000042_1")
    assert isinstance(inbound.message, RefundMessage)
    refund = inbound.message.refund
    assert (refund.outcome, refund.amount) == (Outcome.SUCCESS, Money(10000, "PHP"))
    assert refund.refund_id == "202603051940108001001888A0210000777"
    assert refund.refunded_at == datetime(2026, 3, 5, 2, 11, 12, tzinfo=UTC)
    assert refund.payment_id == ""


@pytest.mark.parametrize("name", sorted(INSIDE[Api.NOTIFY_REFUND][0] - {"REPEAT_REQ_INCONSISTENT"}))
def test_a_refund_failed(reader: Antom, name: str) -> None:
    result = {"resultCode": name, "resultStatus": "F", "resultMessage": "words"}
    inbound = told(reader, REFUNDED | {"result": result, "refundStatus": "FAIL"})
    assert isinstance(inbound.message, RefundMessage)
    assert (inbound.message.refund.outcome, inbound.message.refund.code) == (Outcome.FAIL, name)


@pytest.mark.parametrize(
    "changed",
    [
        {"refundStatus": "FAIL"},
        {"refundStatus": "PROCESSING"},
        {"refundStatus": None},
        {"result": {"resultCode": "PROCESS_FAIL", "resultStatus": "F"}},
        {"result": {"resultCode": "REPEAT_REQ_INCONSISTENT", "resultStatus": "F"}, "refundStatus": "FAIL"},
        {"result": {"resultCode": "A_CODE_NEVER_SEEN", "resultStatus": "F"}, "refundStatus": "FAIL"},
        {"refundAmount": None},
    ],
)
def test_a_refund_message_that_decides_nothing(reader: Antom, changed: dict[str, Any]) -> None:
    inbound = told(reader, REFUNDED | changed)
    assert isinstance(inbound.message, RefundMessage)
    assert inbound.message.refund.outcome is Outcome.UNKNOWN


def test_the_buyer_agreed(reader: Antom) -> None:
    inbound = told(reader, AGREED)
    assert (inbound.kind, inbound.subject) == ("notifyAuthorization", "bind_7f3a9c_1")
    assert inbound.message == AuthorizationMessage(
        kind=AuthorizationEventKind.CODE_CREATED,
        auth_state="bind_7f3a9c_1",
        auth_code=Secret("663A8FA9D83648EE8AA11FF68298AB12"),
    )


def test_a_token_came_without_being_asked_for(reader: Antom) -> None:
    inbound = told(
        reader,
        {
            "authorizationNotifyType": "TOKEN_CREATED",
            "authState": "bind_1",
            "accessToken": "2810",
            "userId": "2170",
            "userLoginId": "63-9****31111",
            "result": OK,
        },
    )
    assert isinstance(inbound.message, AuthorizationMessage)
    token = inbound.message.token
    assert token is not None
    assert (token.outcome, token.access_token, token.user_id) == (Outcome.SUCCESS, Secret("2810"), "2170")
    assert token.user_login_id == "63-9****31111"
    assert (inbound.message.kind, inbound.message.access_token) == (AuthorizationEventKind.TOKEN_CREATED, None)


def test_the_agreement_ended(reader: Antom) -> None:
    inbound = told(reader, ENDED)
    assert inbound.message == AuthorizationMessage(
        kind=AuthorizationEventKind.TOKEN_CANCELED,
        access_token=Secret("28100103_TESTTOKEN"),
        reason="no longer needed",
    )
    assert inbound.subject == ""


def test_people_see_no_code_and_no_token(reader: Antom) -> None:
    for message in (AGREED, ENDED):
        inbound = told(reader, message)
        shown = f"{inbound!r} {inbound.masked_body}"
        assert "28100103_TESTTOKEN" not in shown
        assert "663A8FA9D83648EE8AA11FF68298AB12" not in shown
        assert "authorizationNotifyType" in inbound.masked_body


# What was verified but is no message.

UNREADABLE: list[tuple[Any, str]] = [
    (b"", "the body is not JSON"),
    (b"not json", "the body is not JSON"),
    (b"\xff\xfe", "the body is not JSON"),
    (b"[" * 100_000, "the body is not JSON"),
    (b'{"notifyType":', "the body is not JSON"),
    (b"[]", "the body is not a JSON object"),
    (b'"PAYMENT_RESULT"', "the body is not a JSON object"),
    (b"null", "the body is not a JSON object"),
    ({}, "it says no notifyType"),
    ({"notifyType": None}, "it says no notifyType"),
    ({"notifyType": ["PAYMENT_RESULT"]}, "it says no notifyType"),
    ({"notifyType": "CAPTURE_RESULT"}, "it is of a type the portal does not know: CAPTURE_RESULT"),
    ({"notifyType": "PAYMENT_RESULT"}, "it names no paymentRequestId"),
    (PAID | {"paymentRequestId": ""}, "it names no paymentRequestId"),
    (PAID | {"paymentRequestId": None}, "it names no paymentRequestId"),
    (PAID | {"paymentRequestId": {"a": 1}}, "it names no paymentRequestId"),
    (PAID | {"paymentRequestId": "x" * 65}, "it names no paymentRequestId"),
    (REFUNDED | {"refundRequestId": ""}, "it names no refundRequestId"),
    (AGREED | {"authCode": ""}, "AUTHCODE_CREATED without authCode"),
    (AGREED | {"authState": None}, "AUTHCODE_CREATED without authState"),
    (AGREED | {"authState": "x" * 257}, "AUTHCODE_CREATED without authState"),
    (ENDED | {"accessToken": 5}, "TOKEN_CANCELED without accessToken"),
    ({"authorizationNotifyType": "TOKEN_CREATED", "result": OK}, "TOKEN_CREATED without authState and accessToken"),
    (
        AGREED | {"authorizationNotifyType": "TOKEN_CANCELLED"},
        "it is of a type the portal does not know: TOKEN_CANCELLED",
    ),
    (AGREED | {"result": {"resultStatus": "F"}}, "an authorization message with resultStatus F"),
]


@pytest.mark.parametrize(("message", "reason"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_understood_is_kept_with_a_reason(reader: Antom, message: Any, reason: str) -> None:
    inbound = told(reader, message)
    assert inbound.message == UnreadableMessage(reason=reason)


def test_an_unknown_kind_still_names_what_it_speaks_of(reader: Antom) -> None:
    assert told(reader, {"notifyType": "CAPTURE_RESULT", "paymentRequestId": "PAY1"}).subject == "PAY1"


def test_fields_of_other_products_do_not_disturb(reader: Antom) -> None:
    inbound = told(reader, PAID | {"acquirerInfo": {"x": [1, None]}, "metadata": "{}", "retryInfo": 3})
    assert isinstance(inbound.message, PaymentMessage)
    assert inbound.message.payment.outcome is Outcome.SUCCESS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*PAID, *REFUNDED, *AGREED, *ENDED])


@given(
    st.sampled_from([{}, PAID, REFUNDED, AGREED, ENDED]),
    st.dictionaries(NAMES, JSON, max_size=4),
)
def test_any_json_is_a_message_or_is_kept(start: dict[str, Any], changed: dict[str, Any]) -> None:
    inbound = Antom(credentials("http://127.0.0.1:9")).parse(json.dumps(start | changed).encode())
    inbound.masked_body.encode()
    inbound.subject.encode()
    if isinstance(inbound.message, PaymentMessage) and inbound.message.payment.outcome is Outcome.SUCCESS:
        assert inbound.message.payment.amount is not None


@given(st.binary(max_size=200))
def test_any_bytes_are_kept(body: bytes) -> None:
    assert isinstance(Antom(credentials("http://127.0.0.1:9")).parse(body), InboundMessage)


# Who it is from.


def refused(reader: Antom, headers: dict[str, str], body: bytes, path: str = PATH) -> BadSignature:
    with pytest.raises(BadSignature) as caught:
        reader.read(path=path, headers=headers, body=body)
    assert caught.value.may_have_arrived is False
    return caught.value


BODY = json.dumps(PAID).encode()


@pytest.mark.parametrize("name", ["Client-Id", "Request-Time", "Signature"])
def test_a_header_is_missing_or_empty(reader: Antom, name: str) -> None:
    headers = envelope(BODY)
    reason = refused(reader, {key: value for key, value in headers.items() if key != name}, BODY)
    assert (reason.code, reason.params) == ("missing_header", {"header": name.lower()})
    assert refused(reader, headers | {name: ""}, BODY).code == "missing_header"


@pytest.mark.parametrize("header", ["nonsense", "algorithm=RSA256, keyVersion=1", "keyVersion=1, signature="])
def test_a_signature_header_without_a_signature(reader: Antom, header: str) -> None:
    assert refused(reader, envelope(BODY) | {"Signature": header}, BODY).code == "missing_header"


def test_a_message_for_another_client(reader: Antom) -> None:
    assert refused(reader, envelope(BODY, client_id="SANDBOX_ANOTHER"), BODY).code == "wrong_client"
    # Neither may the client id be exchanged afterwards.
    headers = envelope(BODY, client_id="SANDBOX_ANOTHER") | {"Client-Id": CLIENT_ID}
    assert refused(reader, headers, BODY).code == "wrong_signature"


def test_a_key_version_we_do_not_hold(reader: Antom) -> None:
    reason = refused(reader, envelope(BODY, key_version="keyVersion=2,"), BODY)
    assert (reason.code, reason.params) == ("unknown_key_version", {"version": "2"})


def test_a_message_without_a_key_version_is_tried_with_every_key(reader: Antom) -> None:
    assert reader.read(path=PATH, headers=envelope(BODY, key_version=""), body=BODY).kind == "notifyPayment"


@pytest.mark.parametrize(
    ("changed_headers", "body", "path"),
    [
        ({}, BODY.replace(b"49900", b"49901"), PATH),
        ({}, BODY + b" ", PATH),
        ({}, json.dumps(PAID, indent=1).encode(), PATH),
        ({}, b"", PATH),
        ({}, BODY, "/notify/antom/payment"),
        ({}, BODY, "/notify/antom/refund?src=auth"),
        ({}, BODY, "/notify/antom/payment?src=Auth"),
        ({"Request-Time": "1685599933872"}, BODY, PATH),
        ({"Request-Time": "2023-06-01T14:12:14+08:00"}, BODY, PATH),
    ],
)
def test_a_message_that_was_tampered_with(
    reader: Antom, changed_headers: dict[str, str], body: bytes, path: str
) -> None:
    assert refused(reader, envelope(BODY) | changed_headers, body, path).code == "wrong_signature"


@pytest.mark.parametrize("key", [STRANGERS, OURS], ids=["a stranger's", "our own"])
def test_a_message_signed_by_somebody_else(reader: Antom, key: Any) -> None:
    assert refused(reader, envelope(BODY, key=key), BODY).code == "wrong_signature"


@pytest.mark.parametrize(
    "signature", ["algorithm=RSA256,keyVersion=1,signature=%%%", "keyVersion=1,signature=ü", "signature=" + "A" * 9000]
)
def test_a_signature_that_is_none(reader: Antom, signature: str) -> None:
    assert refused(reader, envelope(BODY) | {"Signature": signature}, BODY).code == "wrong_signature"


def test_headers_that_are_no_text_are_a_wrong_signature(reader: Antom) -> None:
    assert refused(reader, envelope(BODY) | {"Request-Time": "\ud800"}, BODY).code == "wrong_signature"


@pytest.mark.parametrize("time", [TIME, "2019-01-01T01:01:01Z", "2019-05-28T12:12:12+08:00"])
def test_the_time_is_signed_as_it_stands_in_either_format(reader: Antom, time: str) -> None:
    assert reader.read(path=PATH, headers=envelope(BODY, time=time), body=BODY).kind == "notifyPayment"


def test_header_names_may_have_any_case(reader: Antom) -> None:
    headers = {name.upper(): value for name, value in envelope(BODY).items()}
    assert reader.read(path=PATH, headers=headers, body=BODY).kind == "notifyPayment"


@given(
    st.dictionaries(st.sampled_from(["client-id", "request-time", "signature", "x"]), st.text(max_size=60)),
    st.binary(max_size=60),
)
def test_nothing_but_a_bad_signature_is_ever_raised(headers: dict[str, str], body: bytes) -> None:
    reader = Antom(credentials("http://127.0.0.1:9"))
    with pytest.raises(BadSignature):
        reader.read(path=PATH, headers={"client-id": CLIENT_ID, **headers}, body=body)


# The answer.


def test_the_acknowledgement_is_the_fixed_body(reader: Antom) -> None:
    answer = reader.acknowledge(path=PATH, now=datetime(2026, 3, 1, tzinfo=UTC))
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"}
    }
    assert answer.headers == {"content-type": "application/json; charset=UTF-8"}


def test_a_refusal_is_no_acknowledgement(reader: Antom) -> None:
    answer = reader.acknowledge(path=PATH, now=datetime(2026, 3, 1, tzinfo=UTC), accepted=False)
    assert answer.status == 401
    assert json.loads(answer.body)["result"]["resultStatus"] == "F"
