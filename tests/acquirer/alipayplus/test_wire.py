"""What goes over the wire, byte by byte where a signature is over it, and what is read from what comes."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal import clock
from portal.acquirer import (
    ConsultRequest,
    OrderLine,
    PaymentRequest,
    RefundRequest,
    Terminal,
    TerminalType,
    Unbinding,
    signing,
)
from portal.acquirer.alipayplus import AlipayPlus
from portal.acquirer.results import (
    Advice,
    AuthorizationEventKind,
    AuthorizationMessage,
    Outcome,
    PaymentMessage,
    Secret,
    UnbindingQuestion,
    UnreadableMessage,
)
from portal.money import Money
from tests.acquirer.peer import OURS, THEIRS, Peer, code, says

from .conftest import speaking

PRICE = Money(19900, "PHP")
AMOUNT = {"currency": "PHP", "value": "19900"}
MINI = Terminal(terminal_type=TerminalType.MINI_APP, os_type="ANDROID")
WEB = Terminal(terminal_type=TerminalType.WEB, os_type="", client_ip="2001:0db8:0000:0000:0000:0000:0000:0001")


def payment(**changed: Any) -> PaymentRequest:
    given: dict[str, Any] = {
        "payment_request_id": "PAY1",
        "amount": PRICE,
        "wallet": "GCASH",
        "access_token": Secret("the-token"),
        "order_reference": "order-1",
        "order_description": "Monthly plan",
        "settlement_currency": "USD",
        "expires_at": clock.now() + timedelta(seconds=50),
        "notify_url": "https://shop.example/notify/plus/payment",
        "terminal": MINI,
        "buyer_reference": "u-1",
    }
    return PaymentRequest(**given | changed)


def consult(terminal: Terminal = MINI) -> ConsultRequest:
    return ConsultRequest(
        auth_state="STATE1",
        wallet="GCASH",
        redirect_url="https://shop.example/return",
        notify_url="https://shop.example/notify/plus/authorization",
        terminal=terminal,
    )


REFUND = RefundRequest(
    refund_request_id="REF1", payment_id="P1", amount=Money(100, "PHP"), reason="Item returned", notify_url=""
)


@pytest.mark.parametrize(
    ("path", "time", "body", "length", "digest"),
    [
        (
            "/aps/api/v1/payments/pay",
            "2025-02-20T08:51:49.09Z",
            (
                b'{"order":{"orderId":"OrderID_0101010101","orderDescription":"sample_order",'
                b'"orderAmount":{"value":"100","currency":"JPY"}},"paymentAmount":{"value":"100","currency":"JPY"},'
                b'"paymentFactor":{"isInStorePayment":"true"}}'
            ),
            296,
            "8872cf2476c0d61e52dd33b25ce329a16025f5b30e68f9893dac8791bcbe6f20",
        ),
        (
            "/aps/api/v1/payments/inquiryPayment",
            "2025-02-21T05:43:09Z",
            b'{"result":{"resultCode":"ORDER_NOT_EXIST","resultMessage":"Order does not exist.","resultStatus":"F"}}',
            190,
            "8c152614f9044e309c24ff88ed9377f9a69f0500ffb7e1c112f5705309e3e7b4",
        ),
    ],
)
def test_what_is_signed_is_what_the_documents_sign(path: str, time: str, body: bytes, length: int, digest: str) -> None:
    content = signing.content_to_sign("POST", path, "SANDBOX_5YC47N2ZQHJ004124", time, body)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (length, digest)


def test_a_request_has_its_time_as_iso_and_is_signed_over_its_own_path(peer: Peer, alipayplus: AlipayPlus) -> None:
    peer.will(code("ORDER_NOT_EXIST", "F"))
    alipayplus.inquire_payment(payment_request_id="PAY1", payment_id="P1")
    (heard,) = peer.heard
    assert heard.uri == "/aps/api/v1/payments/inquiryPayment"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", heard.headers["request-time"])
    assert heard.is_signed_by(OURS.public_key())
    assert heard.message == {"paymentRequestId": "PAY1"}


def test_the_text_form_and_the_key_version_are_as_settled(peer: Peer) -> None:
    peer.will(code("ORDER_NOT_EXIST", "F"))
    speaking(peer).inquire_payment(payment_request_id="PAY1")
    speaking(peer, signature_form="base64url", sends_key_version="no").inquire_payment(payment_request_id="PAY1")
    first, second = (signing.parse_header(heard.headers["signature"]) for heard in peer.heard)
    assert ("keyVersion" in first, "keyVersion" in second) == (True, False)
    assert not set("-_") & set(first["signature"])
    assert not set("%+/=") & set(second["signature"])
    assert all(heard.is_signed_by(OURS.public_key()) for heard in peer.heard)


def test_a_payment_says_what_the_page_wants_and_nothing_empty(peer: Peer, alipayplus: AlipayPlus) -> None:
    line = OrderLine(reference="sku", name="Plan", unit_amount=PRICE, quantity=1)
    alipayplus.pay(payment(lines=(line,)))
    message = peer.heard[0].message
    assert message["paymentExpiryTime"].endswith("+08:00")
    del message["paymentExpiryTime"]
    assert message == {
        "paymentRequestId": "PAY1",
        "order": {
            "referenceOrderId": "order-1",
            "orderDescription": "Monthly plan",
            "orderAmount": AMOUNT,
            "merchant": {
                "referenceMerchantId": "M001",
                "merchantName": "Example Ltd",
                "merchantDisplayName": "Example",
                "merchantMCC": "5735",
                "merchantAddress": {"region": "SG", "city": "Singapore", "address1": "1 Road"},
            },
            "goods": [
                {"referenceGoodsId": "sku", "goodsName": "Plan", "goodsUnitAmount": AMOUNT, "goodsQuantity": "1"}
            ],
            "buyer": {"referenceBuyerId": "u-1"},
            "env": {"terminalType": "MINI_APP", "osType": "ANDROID"},
        },
        "paymentAmount": AMOUNT,
        "paymentMethod": {"paymentMethodType": "CONNECT_WALLET", "paymentMethodId": "the-token"},
        "paymentFactor": {"isAgreementPayment": "true"},
        "paymentNotifyUrl": "https://shop.example/notify/plus/payment",
        "settlementStrategy": {"settlementCurrency": "USD"},
    }


def test_every_scalar_is_a_text_and_none_is_empty(peer: Peer) -> None:
    one = speaking(peer, pay_sends_all_factors="yes", pay_presentment_mode="UNIFIED", pay_user_region="PH")
    one.pay(payment(terminal=WEB, settlement_currency="", buyer_reference=""))
    one.consult(consult(WEB))
    one.refund(REFUND)
    for heard in peer.heard:
        assert set(map(type, _scalars(heard.message))) == {str}
        assert "" not in _scalars(heard.message)
    paid = peer.heard[0].message
    assert paid["paymentFactor"] == {
        "isAgreementPayment": "true",
        "isInStorePayment": "false",
        "isCashierPayment": "false",
        "presentmentMode": "UNIFIED",
    }
    assert paid["userRegion"] == "PH"
    assert paid["order"]["env"] == {"terminalType": "WEB"}  # half an address would be none


def _scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in _scalars(inner)]
    return [one for inner in value for one in _scalars(inner)] if isinstance(value, list) else [value]


def test_an_expiry_is_never_a_minute_away(peer: Peer, alipayplus: AlipayPlus) -> None:
    before = clock.now()
    alipayplus.pay(payment(expires_at=before + timedelta(hours=1)))
    expires_at = datetime.fromisoformat(peer.heard[0].message["paymentExpiryTime"])
    assert expires_at <= clock.now() + timedelta(seconds=59)


@pytest.mark.parametrize(
    ("settled", "terminal", "named"),
    [
        ({}, MINI, None),
        ({"wallet_selector_field": "walletName"}, MINI, "GCASH"),
        ({"wallet_selector_field": "walletName", "wallet_selector_values": "GCASH=gc, DANA=da"}, MINI, "gc"),
        ({"wallet_selector_field": "walletName"}, WEB, None),
    ],
)
def test_the_wallet_is_named_inside_a_super_app_where_the_field_is_known(
    peer: Peer, settled: dict[str, str], terminal: Terminal, named: str | None
) -> None:
    peer.will(says(authUrl="https://pay.example/authorize"))
    offered = speaking(peer, **settled).consult(consult(terminal))
    message = peer.heard[0].message
    assert (message.get("walletName"), offered.outcome) == (named, Outcome.SUCCESS)
    assert (message["authClientId"], message["authClientName"], message["authClientDisplayName"]) == (
        "M001",
        "Example Ltd",
        "Example",
    )
    assert (message["scopes"], message["authState"], message["referenceAgreementId"]) == (
        ["AGREEMENT_PAY"],
        "STATE1",
        "STATE1",
    )


@pytest.mark.parametrize(
    ("terminal", "urls", "opened"),
    [
        (MINI, {"authUrl": "https://a.example/", "normalUrl": "https://n.example/"}, "https://a.example/"),
        (WEB, {"authUrl": "https://a.example/", "normalUrl": "https://n.example/"}, "https://n.example/"),
        (WEB, {"authUrl": "https://a.example/"}, "https://a.example/"),
        (MINI, {"authUrl": "javascript:alert(1)"}, ""),
        (MINI, {}, ""),
    ],
)
def test_which_url_is_opened(peer: Peer, terminal: Terminal, urls: dict[str, str], opened: str) -> None:
    peer.will(says(**urls))
    offered = speaking(peer).consult(consult(terminal))
    assert offered.url_for(is_app=False) == opened
    assert offered.outcome is (Outcome.SUCCESS if opened else Outcome.UNKNOWN)


PAID = {
    "paymentRequestId": "PAY1",
    "paymentId": "P1",
    "paymentAmount": AMOUNT,
    "paymentTime": "2026-03-01T17:17:51+08:00",
}


@pytest.mark.parametrize(
    ("payment_result", "outcome", "is_unknown_there"),
    [
        ({"resultCode": "SUCCESS", "resultStatus": "S"}, Outcome.SUCCESS, False),
        ({"resultCode": "USER_BALANCE_NOT_ENOUGH", "resultStatus": "F"}, Outcome.FAIL, False),
        ({"resultCode": "PAYMENT_IN_PROCESS", "resultStatus": "U"}, Outcome.UNKNOWN, False),
        ({"resultCode": "NEVER_SEEN", "resultStatus": "F"}, Outcome.UNKNOWN, False),
        ({"resultCode": "SUCCESS", "resultStatus": "F"}, Outcome.UNKNOWN, False),
        ({"resultCode": "ORDER_NOT_EXIST", "resultStatus": "F"}, None, True),
        ({}, Outcome.UNKNOWN, False),
        (None, Outcome.UNKNOWN, False),
    ],
)
def test_an_inquiry_has_two_results_and_the_second_is_the_payments(
    peer: Peer, alipayplus: AlipayPlus, payment_result: Any, outcome: Outcome | None, is_unknown_there: bool
) -> None:
    peer.will(says(paymentResult=payment_result, **PAID))
    asked = alipayplus.inquire_payment(payment_request_id="PAY1")
    assert (asked.outcome, asked.is_unknown_there) == (Outcome.SUCCESS, is_unknown_there)
    assert (asked.payment.outcome if asked.payment else None) is outcome


def test_a_success_without_a_readable_amount_is_unknown(peer: Peer, alipayplus: AlipayPlus) -> None:
    paid = {name: value for name, value in PAID.items() if name != "paymentAmount"}
    peer.will(says(paymentResult={"resultCode": "SUCCESS", "resultStatus": "S"}, **paid))
    asked = alipayplus.inquire_payment(payment_request_id="PAY1")
    assert asked.payment is not None
    assert asked.payment.outcome is Outcome.UNKNOWN


def test_a_cancel_that_is_listed_overrides_the_payments_own_success(peer: Peer, alipayplus: AlipayPlus) -> None:
    cancel = {"transactionType": "CANCEL", "transactionStatus": "SUCCESS"}
    peer.will(says(paymentResult={"resultCode": "SUCCESS", "resultStatus": "S"}, transactions=[cancel], **PAID))
    asked = alipayplus.inquire_payment(payment_request_id="PAY1")
    assert asked.payment is not None
    assert (asked.payment.outcome, asked.payment.is_cancelled) == (Outcome.FAIL, True)


@pytest.mark.parametrize(
    ("name", "status", "first", "repeated"),
    [
        ("REFUND_AMOUNT_EXCEED", "F", Outcome.FAIL, Outcome.FAIL),
        ("PROCESS_FAIL", "F", Outcome.FAIL, Outcome.FAIL),
        ("INVALID_SIGNATURE", "F", Outcome.FAIL, Outcome.UNKNOWN),
        ("PARAM_ILLEGAL", "F", Outcome.FAIL, Outcome.UNKNOWN),
        ("REPEAT_REQ_INCONSISTENT", "F", Outcome.UNKNOWN, Outcome.UNKNOWN),
        ("UNKNOWN_EXCEPTION", "U", Outcome.UNKNOWN, Outcome.UNKNOWN),
        ("NEVER_SEEN", "F", Outcome.UNKNOWN, Outcome.UNKNOWN),
    ],
)
def test_the_refusal_of_a_repeated_refund_speaks_of_the_refund_unless_it_is_the_calls(
    peer: Peer, alipayplus: AlipayPlus, name: str, status: str, first: Outcome, repeated: Outcome
) -> None:
    peer.will(code(name, status))
    assert alipayplus.refund(REFUND).outcome is first
    assert alipayplus.refund(REFUND, is_repeat=True).outcome is repeated
    one, other = peer.heard
    assert one.body == other.body


@pytest.mark.parametrize(("name", "already_dead"), [("INVALID_TOKEN", True), ("EXPIRED_ACCESS_TOKEN", True)])
def test_a_dead_token_is_ended(peer: Peer, alipayplus: AlipayPlus, name: str, already_dead: bool) -> None:
    peer.will(code(name, "F"))
    ended = alipayplus.revoke(access_token=Secret("the-token"))
    assert (ended.outcome, ended.already_dead) == (Outcome.SUCCESS, already_dead)
    assert peer.heard[0].message == {"accessToken": "the-token", "authClientId": "M001"}


def test_which_wallet_the_buyer_chose_is_said_by_its_psp(peer: Peer) -> None:
    peer.will(says(accessToken="T", pspId="1020001"))
    code_ = Secret("CODE")
    assert speaking(peer).apply_token(wallet="GCASH", auth_code=code_).wallet == ""
    known = speaking(peer, psp_wallets="1020001=DANA").apply_token(wallet="GCASH", auth_code=code_)
    assert (known.wallet, known.advice) == ("DANA", Advice.NOTHING)


# What comes in.

NOTIFIED = {"acquirerId": "ACQ1", "paymentResult": {"resultCode": "SUCCESS", "resultStatus": "S"}, **PAID}
TOKEN = {
    "authorizationNotifyType": "TOKEN_CREATED",
    "authClientId": "M001",
    "referenceAgreementId": "STATE1",
    "accessToken": "T",
    "accessTokenExpiryTime": "2027-03-01T17:17:51+08:00",
    "refreshToken": "R",
}


def parsed(alipayplus: AlipayPlus, message: Any) -> Any:
    return alipayplus.parse(json.dumps(message).encode())


def test_a_payment_is_told(alipayplus: AlipayPlus) -> None:
    told = parsed(alipayplus, NOTIFIED)
    assert (told.kind, told.subject) == ("notifyPayment", "PAY1")
    assert isinstance(told.message, PaymentMessage)
    assert (told.message.payment.outcome, told.message.payment.amount) == (Outcome.SUCCESS, PRICE)
    assert told.message.payment.paid_at == datetime(2026, 3, 1, 9, 17, 51, tzinfo=UTC)


def test_a_token_that_comes_by_notification_finds_its_attempt(alipayplus: AlipayPlus) -> None:
    told = parsed(alipayplus, TOKEN)
    assert (told.kind, told.subject) == ("authNotify", "STATE1")
    assert isinstance(told.message, AuthorizationMessage)
    assert told.message.kind is AuthorizationEventKind.TOKEN_CREATED
    assert told.message.token is not None
    assert told.message.token.access_token == Secret("T")
    assert '"T"' not in told.masked_body


def test_a_question_before_unbinding(alipayplus: AlipayPlus) -> None:
    asked = {"authClientId": "M001", "referenceMerchantId": "M001", "accessToken": "T", "acquirerId": "ACQ1"}
    told = parsed(alipayplus, asked)
    assert (told.kind, told.message) == ("consultUnbinding", UnbindingQuestion(access_token=Secret("T")))


@pytest.mark.parametrize(
    "message",
    [
        NOTIFIED | {"acquirerId": "SOMEBODY"},
        TOKEN | {"authClientId": "M002"},
        TOKEN | {"authorizationNotifyType": "TOKEN_RENEWED"},
        {name: value for name, value in TOKEN.items() if name != "accessToken"},
        {name: value for name, value in NOTIFIED.items() if name != "paymentRequestId"},
        {"authorizationNotifyType": "AUTHCODE_CREATED", "authClientId": "M001", "authCode": "C"},
    ],
)
def test_what_is_not_for_us_or_not_whole_is_not_applied(alipayplus: AlipayPlus, message: Any) -> None:
    assert isinstance(parsed(alipayplus, message).message, UnreadableMessage)


@pytest.mark.parametrize("form", list(signing.Form))
def test_a_message_is_believed_in_both_text_forms(alipayplus: AlipayPlus, form: signing.Form) -> None:
    body, path, time = json.dumps(NOTIFIED).encode(), "/notify/plus/payment", "2026-03-01T09:17:51+00:00"
    client_id = "SANDBOX_5X00000000000000"
    content = signing.content_to_sign("POST", path, client_id, time, body)
    header = signing.signature_header(signing.sign(THEIRS, content, form=form)).replace(", ", ",")
    headers = {"Client-Id": client_id, "Request-Time": time, "Signature": header}
    assert alipayplus.read(path=path, headers=headers, body=body).subject == "PAY1"


@pytest.mark.parametrize(("allows", "said"), [(True, "true"), (False, "false"), (None, None)])
def test_an_answer_is_signed_and_says_whether_it_may_unbind(
    alipayplus: AlipayPlus, allows: bool | None, said: str | None
) -> None:
    at = datetime(2026, 3, 1, 9, 17, 51, tzinfo=UTC)
    answer = alipayplus.acknowledge(path="/notify/plus/unbinding", now=at, allows=allows)
    message = json.loads(answer.body)
    assert (message["result"]["resultStatus"], message.get("allowUnbinding")) == ("S", said)
    assert answer.headers["response-time"] == "2026-03-01T09:17:51+00:00"


def test_capabilities_are_as_settled(peer: Peer) -> None:
    assert speaking(peer).capabilities.unbinding is Unbinding.ALWAYS
    settled = speaking(peer, unbinding="never", refresh_before_days="3").capabilities
    assert (settled.unbinding, settled.refresh_before_days) == (Unbinding.NEVER, 3)
