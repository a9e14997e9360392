"""What the acquirer answers, through the wire and into our words; and what is not believed."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.acquirer.antom import Antom, answers
from portal.acquirer.client import Answer
from portal.acquirer.results import (
    Advice,
    CustomsStatus,
    Outcome,
    Quote,
    Result,
    Secret,
    SignatureVerdict,
    WireExchange,
)
from portal.money import Money

from .peer import Peer, Reply, code, credentials, drop, says
from .test_codes import PAID, REFUNDED, VERBS, consult, declare, pay, refund

QUOTED = {
    "grossSettlementAmount": {"currency": "USD", "value": "873"},
    "settlementQuote": {
        "quoteId": "Q1",
        "quoteCurrencyPair": "PHP/USD",
        "quotePrice": "0.0175",
        "guaranteed": "true",
        "quoteExpiryTime": "2026-03-02T00:00:00+08:00",
    },
}
QUOTE = Quote(
    quote_id="Q1",
    currency_pair="PHP/USD",
    price=Decimal("0.0175"),
    guaranteed=True,
    expires_at=datetime(2026, 3, 1, 16, 0, tzinfo=UTC),
)


def bare(result: Any) -> Any:
    """The result without its exchange, for comparing whole."""
    return replace(result, exchange=None)


# Binding.


def consulted(acquirer: Antom) -> Any:
    return consult(acquirer)


def test_a_consult_says_where_the_buyer_agrees(peer: Peer, acquirer: Antom) -> None:
    peer.will(
        says(
            normalUrl="https://wallet.example/a?b=c",
            schemeUrl="gcash://authorize?x=1",
            applinkUrl="https://app.example/a",
            appIdentifier="com.example.wallet",
        )
    )
    result = consulted(acquirer)
    assert result.outcome is Outcome.SUCCESS
    assert result.url_for(is_app=False) == result.normal_url == "https://wallet.example/a?b=c"
    assert result.url_for(is_app=True) == result.applink_url == "https://app.example/a"
    assert result.scheme_url == "gcash://authorize?x=1"
    assert set(result.links) == {"normal_url", "applink_url", "scheme_url", "app_identifier"}
    assert result.app_identifier == "com.example.wallet"
    assert result.expires_at is None


def test_the_old_url_is_the_last_resort(peer: Peer, acquirer: Antom) -> None:
    peer.will(says(authUrl="https://old.example/a"), says(authUrl="https://old.example/a", schemeUrl="app://a"))
    assert consulted(acquirer).url_for(is_app=False) == "https://old.example/a"
    second = consulted(acquirer)
    assert (second.normal_url, second.url_for(is_app=False), second.url_for(is_app=True)) == ("", "app://a", "app://a")
    assert second.links == {"scheme_url": "app://a"}


@pytest.mark.parametrize(
    "urls",
    [
        {},
        {"normalUrl": ""},
        {"normalUrl": None},
        {"normalUrl": "javascript:alert(1)"},
        {"schemeUrl": "javascript:alert(1)"},
        {"schemeUrl": " JavaScript:alert(1)"},
        {"schemeUrl": "data:text/html,x"},
        {"schemeUrl": "no scheme at all"},
        {"normalUrl": "https://long.example/" + "x" * 2048},
        {"normalUrl": ["https://a.example"]},
    ],
)
def test_a_consult_without_a_url_to_open_is_unknown(peer: Peer, acquirer: Antom, urls: dict[str, Any]) -> None:
    peer.will(says(**urls))
    result = consulted(acquirer)
    assert result.outcome is Outcome.UNKNOWN
    assert result.links == {}


def test_a_token_and_whose_it_is(peer: Peer, acquirer: Antom) -> None:
    peer.will(
        says(
            accessToken="28101003_TOKEN",
            accessTokenExpiryTime="2028-09-14T17:46:52+08:00",
            refreshToken="2026R",
            refreshTokenExpiryTime="2029-03-16T17:46:52+08:00",
            userLoginId="63-9****31111",
            extendInfo='{"userId":"217010000001111160","userLoginId":"another"}',
        )
    )
    result = acquirer.apply_token(wallet="GCASH", auth_code=Secret("663A"))
    assert result.outcome is Outcome.SUCCESS
    assert result.access_token == Secret("28101003_TOKEN")
    assert result.access_token_expires_at == datetime(2028, 9, 14, 9, 46, 52, tzinfo=UTC)
    assert result.refresh_token == Secret("2026R")
    assert result.refresh_token_expires_at == datetime(2029, 3, 16, 9, 46, 52, tzinfo=UTC)
    assert result.user_login_id == "63-9****31111"
    assert result.user_id == "217010000001111160"
    assert peer.heard[0].message["grantType"] == "AUTHORIZATION_CODE"
    assert result.exchange is not None
    assert "28101003_TOKEN" not in f"{result!r} {result.exchange.masked_response}"
    assert "663A" not in f"{result!r} {result.exchange.masked_request}"


def test_a_token_that_lives_very_long_comes_without_a_refresh_token(peer: Peer, acquirer: Antom) -> None:
    peer.will(says(accessToken="2810", accessTokenExpiryTime="2126-01-01T00:00:00+09:00"))
    result = acquirer.refresh_token(wallet="KAKAOPAY", refresh_token=Secret("2026R"))
    assert (result.refresh_token, result.refresh_token_expires_at) == (None, None)
    assert result.access_token_expires_at == datetime(2125, 12, 31, 15, 0, tzinfo=UTC)
    assert peer.heard[0].message["grantType"] == "REFRESH_TOKEN"


@pytest.mark.parametrize("answer", [{}, {"accessToken": ""}, {"accessToken": None}, {"accessToken": 5}])
def test_success_without_a_token_is_unknown(peer: Peer, acquirer: Antom, answer: dict[str, Any]) -> None:
    peer.will(says(**answer))
    result = acquirer.apply_token(wallet="GCASH", auth_code=Secret("663A"))
    assert (result.outcome, result.access_token) == (Outcome.UNKNOWN, None)


def test_a_refusal_brings_no_token_even_when_one_is_there(peer: Peer, acquirer: Antom) -> None:
    peer.will(code("INVALID_AUTHCODE", "F", accessToken="2810"))
    result = acquirer.apply_token(wallet="GCASH", auth_code=Secret("663A"))
    assert (result.outcome, result.advice, result.access_token) == (Outcome.FAIL, Advice.REAUTHORIZE, None)


def test_revoking_what_is_dead_reaches_the_same_end(peer: Peer, acquirer: Antom) -> None:
    peer.will(says(), code("INVALID_ACCESS_TOKEN", "F"))
    alive = acquirer.revoke(access_token=Secret("2810"))
    dead = acquirer.revoke(access_token=Secret("2810"))
    assert (alive.outcome, alive.already_dead) == (Outcome.SUCCESS, False)
    assert (dead.outcome, dead.already_dead) == (Outcome.SUCCESS, True)


# Paying.


def test_a_payment_that_was_debited(peer: Peer, acquirer: Antom) -> None:
    peer.will(
        says(
            **PAID,
            **QUOTED,
            paymentCreateTime="2026-03-01T01:17:50-08:00",
            pspCustomerInfo={"displayCustomerId": "63-9****31111", "pspCustomerId": "2170"},
            aFieldOfAnotherProduct={"x": [1]},
        )
    )
    result: Any = pay(acquirer)
    assert bare(result) == bare(
        answers.PaymentResult(
            outcome=Outcome.SUCCESS,
            code="SUCCESS",
            message="success.",
            payment_id="2026P",
            amount=Money(49900, "PHP"),
            created_at=datetime(2026, 3, 1, 9, 17, 50, tzinfo=UTC),
            paid_at=datetime(2026, 3, 1, 9, 17, 51, tzinfo=UTC),
            gross_settlement=Money(873, "USD"),
            quote=QUOTE,
            display_customer_id="63-9****31111",
        )
    )


def test_a_payment_in_process_is_unknown_and_knows_its_id(peer: Peer, acquirer: Antom) -> None:
    peer.will(code("PAYMENT_IN_PROCESS", "U", paymentRequestId="PAY1", paymentId="2026P"))
    result: Any = pay(acquirer)
    assert (result.outcome, result.advice, result.payment_id) == (Outcome.UNKNOWN, Advice.ASK, "2026P")
    assert result.may_have_arrived


UNREADABLE_AMOUNTS: list[Any] = [
    None,
    "",
    "49900",
    {},
    [],
    {"currency": "PHP"},
    {"value": "49900"},
    {"currency": "PHP", "value": None},
    {"currency": "PHP", "value": ""},
    {"currency": "PHP", "value": "499.00"},
    {"currency": "PHP", "value": "-49900"},
    {"currency": "PHP", "value": 499.0},
    {"currency": "PHP", "value": True},
    {"currency": "PHP", "value": "٤٩٩"},
    {"currency": "PHP", "value": "1" * 17},
    {"currency": "", "value": "49900"},
    {"currency": "XXX", "value": "49900"},
    {"currency": "php", "value": "49900"},
    {"currency": ["PHP"], "value": "49900"},
    {"currency": None, "value": "49900"},
]


@pytest.mark.parametrize("amount", UNREADABLE_AMOUNTS)
def test_success_without_a_readable_amount_is_unknown(peer: Peer, acquirer: Antom, amount: Any) -> None:
    paid = PAID | {"paymentAmount": amount}
    peer.will(
        says(**paid),
        says(**paid, paymentStatus="SUCCESS", paymentResultCode="SUCCESS"),
        says(**REFUNDED | {"refundAmount": amount}),
        says(**REFUNDED | {"refundAmount": amount}, refundStatus="SUCCESS"),
    )
    result: Any = pay(acquirer)
    assert (result.outcome, result.amount, result.payment_id) == (Outcome.UNKNOWN, None, "2026P")
    inquiry = acquirer.inquire_payment(payment_request_id="PAY1")
    assert inquiry.payment is not None
    assert (inquiry.outcome, inquiry.payment.outcome) == (Outcome.SUCCESS, Outcome.UNKNOWN)
    assert refund(acquirer).outcome is Outcome.UNKNOWN
    refund_inquiry = acquirer.inquire_refund(refund_request_id="REF1")
    assert refund_inquiry.refund is not None
    assert (refund_inquiry.outcome, refund_inquiry.refund.outcome) == (Outcome.SUCCESS, Outcome.UNKNOWN)


def test_an_amount_sent_as_a_number_is_read(peer: Peer, acquirer: Antom) -> None:
    peer.will(says(**PAID | {"paymentAmount": {"currency": "PHP", "value": 49900}}))
    result: Any = pay(acquirer)
    assert (result.outcome, result.amount) == (Outcome.SUCCESS, Money(49900, "PHP"))


def test_a_failure_needs_no_amount(peer: Peer, acquirer: Antom) -> None:
    peer.will(code("USER_BALANCE_NOT_ENOUGH", "F"))
    result = pay(acquirer)
    assert (result.outcome, result.advice) == (Outcome.FAIL, Advice.ASK_BUYER)


@pytest.mark.parametrize(
    "when",
    [
        None,
        "",
        "yesterday",
        "2026-03-01T01:17:51",
        "2026-03-01",
        1772327870000,
        "9999-12-31T23:59:59-23:59",
        "2026-13-01T00:00:00Z",
    ],
)
def test_a_time_that_cannot_be_read_is_absent(peer: Peer, acquirer: Antom, when: Any) -> None:
    peer.will(says(**PAID | {"paymentTime": when}))
    result: Any = pay(acquirer)
    assert (result.outcome, result.paid_at) == (Outcome.SUCCESS, None)


@pytest.mark.parametrize(
    ("printed", "utc"),
    [
        ("2026-03-01T01:17:51-08:00", (9, 17)),
        ("2026-03-01T17:17:51+08:00", (9, 17)),
        ("2026-03-01T17:47:51+08:30", (9, 17)),
        ("2026-03-01T09:17:51Z", (9, 17)),
    ],
)
def test_times_carry_their_own_offset(peer: Peer, acquirer: Antom, printed: str, utc: tuple[int, int]) -> None:
    peer.will(says(**PAID | {"paymentTime": printed}))
    result: Any = pay(acquirer)
    assert result.paid_at == datetime(2026, 3, 1, *utc, 51, tzinfo=UTC)


def test_an_answer_about_another_payment_is_unknown(peer: Peer, acquirer: Antom) -> None:
    other = PAID | {"paymentRequestId": "PAY2"}
    peer.will(says(**other))
    assert pay(acquirer).outcome is Outcome.UNKNOWN
    peer.will(says(**other, paymentStatus="SUCCESS", paymentResultCode="SUCCESS"))
    inquiry = acquirer.inquire_payment(payment_request_id="PAY1")
    assert (inquiry.outcome, inquiry.payment) == (Outcome.UNKNOWN, None)
    inquiry = acquirer.inquire_payment(payment_request_id="PAY2", payment_id="2026X")
    assert (inquiry.outcome, inquiry.payment) == (Outcome.UNKNOWN, None)
    peer.will(says(paymentRequestId="PAY2"))
    assert acquirer.cancel(payment_request_id="PAY1").outcome is Outcome.UNKNOWN
    peer.will(says(**REFUNDED | {"refundRequestId": "REF2"}))
    assert refund(acquirer).outcome is Outcome.UNKNOWN
    peer.will(says(**REFUNDED, paymentId="2026X"))
    assert refund(acquirer).outcome is Outcome.UNKNOWN
    peer.will(says(**REFUNDED | {"refundRequestId": "REF2"}, refundStatus="SUCCESS"))
    refund_inquiry = acquirer.inquire_refund(refund_request_id="REF1")
    assert (refund_inquiry.outcome, refund_inquiry.refund) == (Outcome.UNKNOWN, None)


# Asking about a payment.


def test_an_inquiry_keeps_the_call_and_the_payment_apart(peer: Peer, acquirer: Antom) -> None:
    peer.will(
        says(
            **PAID,
            paymentStatus="FAIL",
            paymentResultCode="USER_BALANCE_NOT_ENOUGH",
            paymentResultMessage="no money",
            transactions=None,
        )
    )
    inquiry = acquirer.inquire_payment(payment_request_id="PAY1")
    assert (inquiry.outcome, inquiry.code) == (Outcome.SUCCESS, "SUCCESS")
    assert inquiry.payment is not None
    assert (inquiry.payment.outcome, inquiry.payment.code) == (Outcome.FAIL, "USER_BALANCE_NOT_ENOUGH")
    assert (inquiry.payment.advice, inquiry.payment.message) == (Advice.ASK_BUYER, "no money")
    assert inquiry.refunds == ()
    assert inquiry.payment.exchange is inquiry.exchange


def test_a_customs_maximum_comes_with_a_payment_in_alipay(peer: Peer, acquirer: Antom) -> None:
    limit = {"currency": "CNY", "value": "10000"}
    peer.will(says(**PAID, paymentStatus="SUCCESS", paymentResultCode="SUCCESS", customsDeclarationAmount=limit))
    payment = acquirer.inquire_payment(payment_request_id="PAY1").payment
    assert payment is not None
    assert payment.customs_declaration_amount == Money(10000, "CNY")


@pytest.mark.parametrize("status", ["PROCESSING", "PENDING"])
def test_an_unfinished_payment_is_unknown(peer: Peer, acquirer: Antom, status: str) -> None:
    peer.will(says(paymentId="2026P", paymentStatus=status, paymentResultCode="PAYMENT_IN_PROCESS"))
    inquiry = acquirer.inquire_payment(payment_request_id="PAY1")
    assert inquiry.payment is not None
    assert (inquiry.payment.outcome, inquiry.payment.advice) == (Outcome.UNKNOWN, Advice.ASK)
    assert inquiry.payment.payment_id == "2026P"


def test_a_status_without_a_code_is_taken_at_its_word(peer: Peer, acquirer: Antom) -> None:
    peer.will(says(**PAID, paymentStatus="SUCCESS"), says(**PAID, paymentStatus="FAIL"))
    first = acquirer.inquire_payment(payment_request_id="PAY1").payment
    second = acquirer.inquire_payment(payment_request_id="PAY1").payment
    assert first is not None
    assert second is not None
    assert (first.outcome, second.outcome) == (Outcome.SUCCESS, Outcome.FAIL)


def test_a_payment_the_acquirer_does_not_know_is_neither_failed_nor_paid(peer: Peer, acquirer: Antom) -> None:
    peer.will(code("ORDER_NOT_EXIST", "F"))
    inquiry = acquirer.inquire_payment(payment_request_id="PAY1")
    assert (inquiry.outcome, inquiry.is_unknown_there, inquiry.payment) == (Outcome.FAIL, True, None)


@pytest.mark.parametrize(
    ("name", "status"), [("ORDER_NOT_EXIST", "U"), ("PROCESS_FAIL", "F"), ("UNKNOWN_EXCEPTION", "U")]
)
def test_no_other_answer_says_that_it_is_unknown_there(peer: Peer, acquirer: Antom, name: str, status: str) -> None:
    peer.will(code(name, status))
    assert not acquirer.inquire_payment(payment_request_id="PAY1").is_unknown_there
    assert not acquirer.inquire_refund(refund_request_id="REF1").is_unknown_there
    assert not acquirer.cancel(payment_request_id="PAY1").is_unknown_there


def transaction(**changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "transactionResult": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"},
        "transactionId": "2026R",
        "transactionType": "REFUND",
        "transactionStatus": "SUCCESS",
        "transactionAmount": {"currency": "PHP", "value": "100"},
        "transactionRequestId": "REF1",
        "transactionTime": "2026-03-05T10:11:12+08:00",
    }
    return given | changed


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, Outcome.SUCCESS),
        ({"transactionStatus": "PROCESSING"}, Outcome.UNKNOWN),
        ({"transactionStatus": "FAIL"}, Outcome.UNKNOWN),
        ({"transactionAmount": None}, Outcome.UNKNOWN),
        ({"transactionResult": None}, Outcome.UNKNOWN),
        (
            {"transactionStatus": "FAIL", "transactionResult": {"resultCode": "PROCESS_FAIL", "resultStatus": "F"}},
            Outcome.FAIL,
        ),
        (
            {"transactionStatus": "FAIL", "transactionResult": {"resultCode": "ORDER_NOT_EXIST", "resultStatus": "F"}},
            Outcome.UNKNOWN,
        ),
        (
            {"transactionStatus": "FAIL", "transactionResult": {"resultCode": "NEVER_SEEN", "resultStatus": "F"}},
            Outcome.UNKNOWN,
        ),
        (
            {"transactionStatus": "SUCCESS", "transactionResult": {"resultCode": "PROCESS_FAIL", "resultStatus": "F"}},
            Outcome.UNKNOWN,
        ),
    ],
)
def test_the_refunds_listed_under_a_payment(
    peer: Peer, acquirer: Antom, changed: dict[str, Any], outcome: Outcome
) -> None:
    peer.will(
        says(
            **PAID,
            paymentStatus="SUCCESS",
            transactions=[transaction(**changed), transaction(transactionType="CAPTURE"), None],
        )
    )
    (listed,) = acquirer.inquire_payment(payment_request_id="PAY1").refunds
    assert (listed.refund_request_id, listed.refund.refund_id) == ("REF1", "2026R")
    assert listed.refund.outcome is outcome
    assert listed.refund.refunded_at == datetime(2026, 3, 5, 2, 11, 12, tzinfo=UTC)


# Cancelling.


def test_a_cancel_that_was_done(peer: Peer, acquirer: Antom) -> None:
    peer.will(says(paymentRequestId="PAY1", paymentId="2026P", cancelTime="2026-03-01T17:25:03+08:00"))
    result = acquirer.cancel(payment_request_id="PAY1")
    assert (result.outcome, result.payment_id) == (Outcome.SUCCESS, "2026P")
    assert result.cancelled_at == datetime(2026, 3, 1, 9, 25, 3, tzinfo=UTC)
    assert peer.heard[0].message == {"paymentRequestId": "PAY1"}


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("CANCEL_WINDOW_EXCEED", (True, False, False)),
        ("PAYMENT_METHOD_NOT_SUPPORTED", (False, True, False)),
        ("ORDER_NOT_EXIST", (False, False, True)),
        ("ORDER_STATUS_INVALID", (False, False, False)),
    ],
)
def test_why_a_cancel_was_refused(peer: Peer, acquirer: Antom, name: str, flags: tuple[bool, bool, bool]) -> None:
    peer.will(code(name, "F"))
    result = acquirer.cancel(payment_request_id="PAY1")
    assert result.outcome is Outcome.FAIL
    assert (result.is_too_late, result.is_unsupported, result.is_unknown_there) == flags


# Refunding.


def test_a_refund_that_was_done(peer: Peer, acquirer: Antom) -> None:
    peer.will(says(**REFUNDED, **QUOTED, paymentId="2026P", refundTime="2026-03-05T10:11:12+08:00"))
    result: Any = refund(acquirer)
    assert bare(result) == bare(
        answers.RefundResult(
            outcome=Outcome.SUCCESS,
            code="SUCCESS",
            message="success.",
            refund_id="2026R",
            payment_id="2026P",
            amount=Money(100, "PHP"),
            refunded_at=datetime(2026, 3, 5, 2, 11, 12, tzinfo=UTC),
            gross_settlement=Money(873, "USD"),
            quote=QUOTE,
        )
    )


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("SUCCESS", Outcome.SUCCESS),
        ("FAIL", Outcome.FAIL),
        ("PROCESSING", Outcome.UNKNOWN),
        ("CANCELLED", Outcome.UNKNOWN),
        ("success", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),
    ],
)
def test_the_refund_status_is_about_the_refund(
    peer: Peer, acquirer: Antom, status: str | None, outcome: Outcome
) -> None:
    peer.will(says(**REFUNDED, refundStatus=status))
    inquiry = acquirer.inquire_refund(refund_request_id="REF1")
    assert inquiry.refund is not None
    assert (inquiry.outcome, inquiry.refund.outcome) == (Outcome.SUCCESS, outcome)
    assert (inquiry.code, inquiry.refund.code) == ("SUCCESS", "")


def test_a_refund_the_acquirer_does_not_know(peer: Peer, acquirer: Antom) -> None:
    peer.will(code("ORDER_NOT_EXIST", "F"))
    inquiry = acquirer.inquire_refund(refund_request_id="REF1")
    assert (inquiry.outcome, inquiry.is_unknown_there, inquiry.refund) == (Outcome.FAIL, True, None)


# Customs.


def test_a_declaration_was_taken(peer: Peer, acquirer: Antom) -> None:
    peer.will(
        says(
            customsPaymentId="C1",
            customsOrderId="O1",
            identityCheckResult="CHECK_PASSED",
            clearingChannel="OTHER",
            clearingTransactionId="T1",
            customsProviderRegistrationId="ZF14021901",
        )
    )
    result: Any = declare(acquirer)
    assert result.outcome is Outcome.SUCCESS
    assert (result.customs_payment_id, result.customs_order_id, result.identity_check) == ("C1", "O1", "CHECK_PASSED")
    assert (result.clearing_channel, result.clearing_transaction_id) == ("OTHER", "T1")
    assert result.provider_registration_id == "ZF14021901"


def test_declarations_as_the_acquirer_holds_them(peer: Peer, acquirer: Antom) -> None:
    record = {
        "declarationRequestId": "DECL1",
        "customsPaymentId": "C1",
        "customsOrderId": "O1",
        "declarationAmount": {"currency": "CNY", "value": "10000"},
        "splitOrder": False,
        "declarationRequestStatus": "IN_PROCESS",
        "lastModifiedTime": "2026-03-01T18:04:44+08:00",
        "customsDeclarationResultCode": "success",
        "customsDeclarationResultDesc": "accepted",
        "customsDeclarationReturnTime": "2026-03-01T18:10:00+08:00",
    }
    peer.will(
        says(
            declarationRequestsNotFound=["DECL3", "NOBODY_ASKED"],
            declarationRecords=[
                record,
                record | {"declarationRequestId": "DECL2", "declarationRequestStatus": "A_NEW_WORD"},
                record | {"declarationRequestId": "NOBODY_ASKED_EITHER"},
                "nonsense",
            ],
        )
    )
    result = acquirer.inquire_declarations(["DECL1", "DECL2", "DECL3"])
    first, second = result.records
    assert (first.declaration_request_id, first.status, first.status_text) == (
        "DECL1",
        CustomsStatus.IN_PROCESS,
        "IN_PROCESS",
    )
    assert (first.amount, first.result_code, first.result_description) == (Money(10000, "CNY"), "success", "accepted")
    assert first.returned_at == datetime(2026, 3, 1, 10, 10, tzinfo=UTC)
    assert first.modified_at == datetime(2026, 3, 1, 10, 4, 44, tzinfo=UTC)
    assert (second.declaration_request_id, second.status, second.status_text) == (
        "DECL2",
        CustomsStatus.OTHER,
        "A_NEW_WORD",
    )
    assert result.not_found == ("DECL3",)


# When no answer may be believed, for every verb alike.


@pytest.mark.parametrize("repeated", [False, True], ids=["first", "repeated"])
@pytest.mark.parametrize("api", VERBS)
def test_a_lost_answer_is_unknown_and_may_have_arrived(peer: Peer, acquirer: Antom, api: str, repeated: bool) -> None:
    peer.will(drop)
    result = VERBS[api][0](acquirer, repeated=repeated)
    assert (result.outcome, result.may_have_arrived, result.code) == (Outcome.UNKNOWN, True, "")
    assert result.message == "connection_lost"
    assert result.exchange is not None
    assert (result.exchange.api, result.exchange.error) == (api, "connection_lost")
    assert result.advice is not Advice.NEW_ID


@pytest.mark.parametrize("api", VERBS)
def test_what_never_left_may_be_sent_again(api: str) -> None:
    acquirer = Antom(credentials("http://gateway.example"))
    result = VERBS[api][0](acquirer)
    assert (result.outcome, result.may_have_arrived) == (Outcome.UNKNOWN, False)
    assert (result.advice, result.message) == (Advice.SEND_AGAIN, "plain_http_refused")


@pytest.mark.parametrize("api", ["pay", "refund", "declare"])
def test_a_repetition_that_never_left_says_nothing_about_the_first(api: str) -> None:
    result = VERBS[api][0](Antom(credentials("http://gateway.example")), repeated=True)
    assert (result.outcome, result.may_have_arrived, result.advice) == (Outcome.UNKNOWN, True, Advice.ASK)


@pytest.mark.parametrize("api", VERBS)
def test_an_unsigned_refusal_keeps_its_code_and_decides_nothing(peer: Peer, acquirer: Antom, api: str) -> None:
    reply = code("INVALID_SIGNATURE", "F")
    reply.is_signed = False
    peer.will(reply)
    result = VERBS[api][0](acquirer)
    assert (result.outcome, result.code) == (Outcome.UNKNOWN, "INVALID_SIGNATURE")
    assert result.message == "answer_unsigned (said=INVALID_SIGNATURE)"
    assert result.may_have_arrived


@pytest.mark.parametrize("api", VERBS)
@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"", b"nonsense", b'{"result":null}', b'{"result":{"resultCode":"SUCCESS"}}']
)
def test_a_signed_answer_that_is_none_is_unknown(peer: Peer, acquirer: Antom, api: str, body: bytes) -> None:
    peer.will(Reply(body))
    assert VERBS[api][0](acquirer).outcome is Outcome.UNKNOWN


# Whatever an answer holds, reading it never fails, and no nonsense is a success with money.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = """paymentRequestId paymentId paymentAmount paymentTime paymentStatus paymentResultCode transactions
    refundStatus refundAmount refundId settlementQuote grossSettlementAmount pspCustomerInfo extendInfo accessToken
    normalUrl schemeUrl declarationRecords declarationRequestsNotFound cancelTime userId"""
EXCHANGE = WireExchange(
    api="pay",
    method="POST",
    url="",
    request_headers={},
    request_body=b"",
    sent_at=datetime(2026, 3, 1, tzinfo=UTC),
    duration_ms=0,
    verdict=SignatureVerdict.VERIFIED,
)


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from(NAMES.split()), JSON),
    st.sampled_from([("SUCCESS", "S"), ("PARAM_ILLEGAL", "F"), ("", "")]),
)
def test_any_json_can_be_read(body: dict[str, Any], result: tuple[str, str]) -> None:
    answer = Answer(json.loads(json.dumps(body)), *result, "words", EXCHANGE)
    read: list[Result | None] = [
        answers.consult_result(answer),
        answers.token_result(answer),
        answers.revoke_result(answer),
        answers.cancel_result(answer, payment_request_id="PAY1"),
        answers.declaration_result(answer, is_repeat=False),
        answers.declaration_inquiry(answer, asked=["DECL1"]),
        answers.payment_inquiry(answer, payment_request_id="PAY1").payment,
        answers.payment_result(answer, payment_request_id="PAY1", is_repeat=False),
        answers.refund_result(answer, refund_request_id="REF1", payment_id="2026P", is_repeat=False),
        answers.refund_inquiry(answer, refund_request_id="REF1").refund,
    ]
    for one in read:
        if isinstance(one, answers.PaymentResult | answers.RefundResult) and one.outcome is Outcome.SUCCESS:
            assert one.amount is not None
