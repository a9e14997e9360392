"""Every documented result code, of every API, first and repeated, through the real adapter and a signed answer.

The lists are written down here a second time, from the documents, so that a slip in a table cannot agree with itself.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from portal import clock
from portal.acquirer import (
    ConsultRequest,
    DeclarationRequest,
    PaymentRequest,
    RefundRequest,
    Terminal,
    TerminalType,
)
from portal.acquirer.antom import Antom, codes
from portal.acquirer.antom.codes import Api
from portal.acquirer.antom.meanings import ELSEWHERE, MEANINGS, meaning_of
from portal.acquirer.results import Advice, Outcome, Result, Secret
from portal.money import Money

from .peer import Peer, code

PAID = {
    "paymentRequestId": "PAY1",
    "paymentId": "2026P",
    "paymentAmount": {"currency": "PHP", "value": "49900"},
    "paymentTime": "2026-03-01T17:17:51+08:00",
}
REFUNDED = {"refundRequestId": "REF1", "refundId": "2026R", "refundAmount": {"currency": "PHP", "value": "100"}}
TERMINAL = Terminal(terminal_type=TerminalType.MINI_APP, os_type="IOS")


def pay(acquirer: Antom, *, repeated: bool = False) -> Result:
    request = PaymentRequest(
        payment_request_id="PAY1",
        amount=Money(49900, "PHP"),
        wallet="GCASH",
        access_token=Secret("token"),
        order_reference="O1",
        order_description="Plan",
        settlement_currency="USD",
        expires_at=clock.now() + timedelta(seconds=50),
        notify_url="",
        terminal=TERMINAL,
    )
    return acquirer.pay(request, is_repeat=repeated)


def refund(acquirer: Antom, *, repeated: bool = False) -> Result:
    request = RefundRequest(
        refund_request_id="REF1", payment_id="2026P", amount=Money(100, "PHP"), reason="", notify_url=""
    )
    return acquirer.refund(request, is_repeat=repeated)


def declare(acquirer: Antom, *, repeated: bool = False) -> Result:
    request = DeclarationRequest(
        declaration_request_id="DECL1",
        payment_id="2026P",
        amount=Money(100, "CNY"),
        customs_code="ZONGSHU",
        region="CN",
        merchant_customs_code="33",
        merchant_customs_name="Example",
    )
    return acquirer.declare(request, is_repeat=repeated)


def consult(acquirer: Antom, *, repeated: bool = False) -> Result:
    return acquirer.consult(
        ConsultRequest(auth_state="S1", wallet="GCASH", redirect_url="", notify_url="", terminal=TERMINAL)
    )


VERBS: dict[str, tuple[Callable[..., Result], dict[str, Any]]] = {
    "consult": (consult, {"normalUrl": "https://wallet.example/a"}),
    "applyToken": (
        lambda one, **_: one.apply_token(wallet="GCASH", auth_code=Secret("code")),
        {"accessToken": "token"},
    ),
    "revoke": (lambda one, **_: one.revoke(access_token=Secret("token")), {}),
    "pay": (pay, PAID),
    "inquiryPayment": (
        lambda one, **_: one.inquire_payment(payment_request_id="PAY1"),
        PAID | {"paymentStatus": "SUCCESS", "paymentResultCode": "SUCCESS"},
    ),
    "cancel": (lambda one, **_: one.cancel(payment_request_id="PAY1"), {"paymentId": "2026P"}),
    "refund": (refund, REFUNDED),
    "inquiryRefund": (
        lambda one, **_: one.inquire_refund(refund_request_id="REF1"),
        REFUNDED | {"refundStatus": "SUCCESS"},
    ),
    "declare": (declare, {"customsPaymentId": "2026C"}),
    "inquiryDeclarationRequests": (lambda one, **_: one.inquire_declarations(["DECL1"]), {}),
}

CALL_REFUSED = """ACCESS_DENIED CLIENT_FORBIDDEN_ACCESS_API CLIENT_INVALID UNKNOWN_CLIENT INVALID_CLIENT_STATUS
    INVALID_API INVALID_SIGNATURE KEY_NOT_FOUND NO_INTERFACE_DEF METHOD_NOT_SUPPORTED MEDIA_TYPE_NOT_ACCEPTABLE
    OAUTH_FAILED PARAM_ILLEGAL"""

# As on each API's page: what is F there, what is U. Everywhere SUCCESS is S.
DOCUMENTED: dict[str, tuple[str, str]] = {
    "consult": (
        """ACCESS_DENIED CLIENT_FORBIDDEN_ACCESS_API INVALID_API INVALID_CLIENT_STATUS INVALID_SIGNATURE KEY_NOT_FOUND
        MERCHANT_NOT_REGISTERED NO_INTERFACE_DEF OAUTH_FAILED PARAM_ILLEGAL PROCESS_FAIL RISK_REJECT SYSTEM_ERROR
        UNKNOWN_CLIENT INVALID_ACCESS_TOKEN NO_PAY_OPTIONS PAYMENT_NOT_QUALIFIED""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION",
    ),
    "applyToken": (
        """ACCESS_DENIED CLIENT_FORBIDDEN_ACCESS_API INVALID_API INVALID_CLIENT_STATUS INVALID_SIGNATURE KEY_NOT_FOUND
        NO_INTERFACE_DEF OAUTH_FAILED PARAM_ILLEGAL PROCESS_FAIL SYSTEM_ERROR UNKNOWN_CLIENT USER_NOT_EXIST
        USER_STATUS_ABNORMAL INVALID_AUTHCODE INVALID_REFRESH_TOKEN INVALID_ACCESS_TOKEN NO_PAY_OPTIONS""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION AUTH_IN_PROCESS",
    ),
    "revoke": (
        """ACCESS_DENIED CLIENT_FORBIDDEN_ACCESS_API INVALID_API INVALID_CLIENT_STATUS INVALID_SIGNATURE KEY_NOT_FOUND
        NO_INTERFACE_DEF OAUTH_FAILED PARAM_ILLEGAL PROCESS_FAIL SYSTEM_ERROR UNKNOWN_CLIENT INVALID_ACCESS_TOKEN""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION",
    ),
    "pay": (
        """ACCESS_DENIED INVALID_CONTRACT INVALID_MERCHANT_STATUS KEY_NOT_FOUND MERCHANT_NOT_REGISTERED NO_INTERFACE_DEF
        PARAM_ILLEGAL PROCESS_FAIL RISK_REJECT SYSTEM_ERROR USER_NOT_EXIST USER_STATUS_ABNORMAL CURRENCY_NOT_SUPPORT
        EXPIRED_CODE INVALID_ACCESS_TOKEN INVALID_PAYMENT_CODE INVALID_PAYMENT_METHOD_META_DATA
        MERCHANT_KYB_NOT_QUALIFIED NO_PAY_OPTIONS ORDER_IS_CANCELED ORDER_IS_CLOSED ORDER_NOT_EXIST
        PAYMENT_AMOUNT_EXCEED_LIMIT PAYMENT_COUNT_EXCEED_LIMIT PAYMENT_NOT_QUALIFIED REPEAT_REQ_INCONSISTENT
        SETTLE_CONTRACT_NOT_MATCH USER_AMOUNT_EXCEED_LIMIT USER_BALANCE_NOT_ENOUGH USER_KYC_NOT_QUALIFIED
        USER_PAYMENT_VERIFICATION_FAILED VERIFY_TIMES_EXCEED_LIMIT VERIFY_UNMATCHED""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT PAYMENT_IN_PROCESS UNKNOWN_EXCEPTION",
    ),
    "inquiryPayment": (
        """ACCESS_DENIED INVALID_API KEY_NOT_FOUND NO_INTERFACE_DEF PARAM_ILLEGAL PROCESS_FAIL SYSTEM_ERROR
        ORDER_NOT_EXIST""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION PAYMENT_IN_PROCESS",
    ),
    "cancel": (
        """ACCESS_DENIED INVALID_API KEY_NOT_FOUND NO_INTERFACE_DEF PARAM_ILLEGAL PROCESS_FAIL SYSTEM_ERROR
        USER_NOT_EXIST USER_STATUS_ABNORMAL CANCEL_WINDOW_EXCEED MERCHANT_BALANCE_NOT_ENOUGH ORDER_NOT_EXIST
        ORDER_STATUS_INVALID PAYMENT_METHOD_NOT_SUPPORTED""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION",
    ),
    "refund": (
        """ACCESS_DENIED INVALID_API INVALID_MERCHANT_STATUS KEY_NOT_FOUND NO_INTERFACE_DEF PARAM_ILLEGAL PROCESS_FAIL
        SYSTEM_ERROR CURRENCY_NOT_SUPPORT MERCHANT_BALANCE_NOT_ENOUGH MULTIPLE_REFUNDS_NOT_SUPPORTED ORDER_IS_CLOSED
        ORDER_IS_CANCELED ORDER_NOT_EXIST ORDER_STATUS_INVALID PARTIAL_REFUND_NOT_SUPPORTED
        PAYMENT_METHOD_NOT_SUPPORTED REFUND_AMOUNT_EXCEED REFUND_NOT_SUPPORTED REFUND_WINDOW_EXCEED
        REPEAT_REQ_INCONSISTENT""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION REFUND_IN_PROCESS",
    ),
    "inquiryRefund": (
        """ACCESS_DENIED INVALID_API KEY_NOT_FOUND NO_INTERFACE_DEF PARAM_ILLEGAL PROCESS_FAIL SYSTEM_ERROR
        ORDER_NOT_EXIST API_INVALID RISK_REJECT""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION",
    ),
    "declare": (
        """ACCESS_DENIED INVALID_API CLIENT_INVALID INVALID_CONTRACT INVALID_SIGNATURE KEY_NOT_FOUND
        MEDIA_TYPE_NOT_ACCEPTABLE MERCHANT_NOT_REGISTERED METHOD_NOT_SUPPORTED NO_INTERFACE_DEF PARAM_ILLEGAL
        PROCESS_FAIL RISK_REJECT SYSTEM_ERROR USER_STATUS_ABNORMAL DUPLICATED_DECLARATIONS ORDER_NOT_EXIST
        ORDER_STATUS_INVALID REPEAT_REQ_INCONSISTENT CONTEXT_INCONSISTENT TOTAL_DECLARATION_AMOUNT_EXCEED""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION",
    ),
    "inquiryDeclarationRequests": (
        """ACCESS_DENIED INVALID_API CLIENT_INVALID INVALID_CONTRACT INVALID_SIGNATURE KEY_NOT_FOUND
        MEDIA_TYPE_NOT_ACCEPTABLE MERCHANT_NOT_REGISTERED METHOD_NOT_SUPPORTED NO_INTERFACE_DEF PARAM_ILLEGAL
        PROCESS_FAIL RISK_REJECT SYSTEM_ERROR ARRAY_SIZE_EXCEEDED""",
        "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION",
    ),
}

# F that is not a failure of the thing just asked for: the id was used before, or the end is reached already.
SPEAKS_OF_ANOTHER = {
    ("pay", "ORDER_IS_CANCELED"),
    ("pay", "ORDER_IS_CLOSED"),
    ("pay", "REPEAT_REQ_INCONSISTENT"),
    ("refund", "ORDER_IS_CLOSED"),
    ("refund", "REPEAT_REQ_INCONSISTENT"),
    ("declare", "REPEAT_REQ_INCONSISTENT"),
    ("declare", "CONTEXT_INCONSISTENT"),
}
CLOSES_NOTHING_WHEN_REPEATED = {"pay", "refund", "declare"}


def documented(api: str) -> dict[str, str]:
    failed, unknown = DOCUMENTED[api]
    statuses = dict.fromkeys((failed + " " + CALL_REFUSED).split(), "F")
    return statuses | dict.fromkeys(unknown.split(), "U") | {"SUCCESS": "S"}


def expected(api: str, name: str, status: str, *, repeated: bool) -> Outcome:
    if (api, name) == ("revoke", "INVALID_ACCESS_TOKEN"):
        return Outcome.SUCCESS
    if status == "S":
        return Outcome.SUCCESS
    if status == "U" or (api, name) in SPEAKS_OF_ANOTHER:
        return Outcome.UNKNOWN
    return Outcome.UNKNOWN if repeated and api in CLOSES_NOTHING_WHEN_REPEATED else Outcome.FAIL


@pytest.mark.parametrize("repeated", [False, True], ids=["first", "repeated"])
@pytest.mark.parametrize("api", DOCUMENTED)
def test_every_documented_code_through_the_wire(peer: Peer, acquirer: Antom, api: str, repeated: bool) -> None:
    verb, facts = VERBS[api]
    seen = {}
    for name, status in documented(api).items():
        peer.will(code(name, status, **(facts if status == "S" else {})))
        result = verb(acquirer, repeated=repeated)
        assert result.code == name
        assert result.exchange is not None
        assert result.exchange.api == api
        seen[name] = result.outcome
    assert seen == {name: expected(api, name, status, repeated=repeated) for name, status in documented(api).items()}


@pytest.mark.parametrize("api", DOCUMENTED)
def test_the_tables_hold_the_documented_codes_and_no_others(api: str) -> None:
    table = {name: row.status for name, row in codes.FIRST[Api(api)].items()}
    assert table == documented(api)
    assert {name: row.status for name, row in codes.REPEATED[Api(api)].items()} == documented(api)


@pytest.mark.parametrize("repeated", [False, True], ids=["first", "repeated"])
@pytest.mark.parametrize("api", DOCUMENTED)
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("A_CODE_NEVER_SEEN", "F"),
        ("A_CODE_NEVER_SEEN", "S"),
        ("A_CODE_NEVER_SEEN", "U"),
        ("SUCCESS", "F"),
        ("SUCCESS", "U"),
        ("PARAM_ILLEGAL", "S"),
        ("PARAM_ILLEGAL", "U"),
        ("UNKNOWN_EXCEPTION", "S"),
        ("UNKNOWN_EXCEPTION", "F"),
        ("SUCCESS", "X"),
        ("success", "S"),
        ("SUCCESS", "SUCCESS"),
        ("", "S"),
        ("", "F"),
    ],
)
def test_a_code_never_seen_or_a_status_that_contradicts_it_is_unknown(
    peer: Peer, acquirer: Antom, api: str, repeated: bool, name: str, status: str
) -> None:
    verb, facts = VERBS[api]
    peer.will(code(name, status, **facts))
    assert verb(acquirer, repeated=repeated).outcome is Outcome.UNKNOWN


# The places inside answers and notifications.

PAYMENT_RESULT_FAILED = """ACCESS_DENIED CURRENCY_NOT_SUPPORT FRAUD_REJECT INVALID_API INVALID_ACCESS_TOKEN
    INVALID_MERCHANT_STATUS KEY_NOT_FOUND MERCHANT_KYB_NOT_QUALIFIED NO_INTERFACE_DEF NO_PAY_OPTIONS ORDER_IS_CLOSED
    PARAM_ILLEGAL PAYMENT_AMOUNT_EXCEED_LIMIT PAYMENT_COUNT_EXCEED_LIMIT PAYMENT_NOT_QUALIFIED PROCESS_FAIL RISK_REJECT
    SUSPECTED_RISK SYSTEM_ERROR USER_AMOUNT_EXCEED_LIMIT USER_BALANCE_NOT_ENOUGH USER_KYC_NOT_QUALIFIED
    USER_PAYMENT_VERIFICATION_FAILED USER_STATUS_ABNORMAL"""
CARDS = "INVALID_CARD CARD_NOT_SUPPORTED ISSUER_REJECTS_TRANSACTION AUTHENTICATION_REQUIRED DO_NOT_HONOR INVALID_AMOUNT"
NOTIFY_PAYMENT_FAILED = """ACCESS_DENIED INVALID_API CURRENCY_NOT_SUPPORT EXPIRED_CODE FRAUD_REJECT INVALID_ACCESS_TOKEN
    INVALID_CONTRACT INVALID_MERCHANT_STATUS KEY_NOT_FOUND MERCHANT_BALANCE_NOT_ENOUGH NO_INTERFACE_DEF NO_PAY_OPTIONS
    ORDER_IS_CLOSED ORDER_NOT_EXIST PARAM_ILLEGAL PAYMENT_AMOUNT_EXCEED_LIMIT PAYMENT_COUNT_EXCEED_LIMIT
    PAYMENT_NOT_QUALIFIED PAYMENT_PROHIBITED PROCESS_FAIL RISK_REJECT SUSPECTED_RISK SYSTEM_ERROR
    USER_AMOUNT_EXCEED_LIMIT USER_BALANCE_NOT_ENOUGH USER_KYC_NOT_QUALIFIED USER_NOT_EXIST
    USER_PAYMENT_VERIFICATION_FAILED USER_STATUS_ABNORMAL VERIFY_TIMES_EXCEED_LIMIT VERIFY_UNMATCHED"""
NOTIFY_REFUND_LACKS = "ORDER_IS_CANCELED PARTIAL_REFUND_NOT_SUPPORTED PAYMENT_METHOD_NOT_SUPPORTED REFUND_NOT_SUPPORTED"
NOTIFY_REFUND_ADDS = """CLIENT_INVALID INVALID_CONTRACT INVALID_SIGNATURE MEDIA_TYPE_NOT_ACCEPTABLE
    MERCHANT_NOT_REGISTERED METHOD_NOT_SUPPORTED RISK_REJECT"""
TRANSACTION_FAILED = """ACCESS_DENIED INVALID_API CLIENT_INVALID KEY_NOT_FOUND NO_INTERFACE_DEF ORDER_NOT_EXIST
    PARAM_ILLEGAL PROCESS_FAIL SYSTEM_ERROR"""
INSIDE: dict[Api, tuple[set[str], set[str]]] = {
    Api.PAYMENT_RESULT: (
        set((PAYMENT_RESULT_FAILED + " " + CARDS).split()),
        {"PAYMENT_IN_PROCESS", "UNKNOWN_EXCEPTION"},
    ),
    Api.NOTIFY_PAYMENT: (
        set((NOTIFY_PAYMENT_FAILED + " " + CARDS).split()),
        {"PAYMENT_IN_PROCESS", "UNKNOWN_EXCEPTION"},
    ),
    Api.TRANSACTION_RESULT: (
        set(TRANSACTION_FAILED.split()),
        {"PAYMENT_IN_PROCESS", "REQUEST_TRAFFIC_EXCEED_LIMIT", "UNKNOWN_EXCEPTION"},
    ),
    Api.NOTIFY_REFUND: (
        set((DOCUMENTED["refund"][0] + " " + NOTIFY_REFUND_ADDS).split()) - set(NOTIFY_REFUND_LACKS.split()),
        {"REQUEST_TRAFFIC_EXCEED_LIMIT", "UNKNOWN_EXCEPTION", "REFUND_IN_PROCESS"},
    ),
}
SPEAKS_OF_ANOTHER_INSIDE = {
    (Api.TRANSACTION_RESULT, "ORDER_NOT_EXIST"),
    (Api.NOTIFY_REFUND, "REPEAT_REQ_INCONSISTENT"),
}


@pytest.mark.parametrize("place", INSIDE)
def test_the_codes_inside_answers_and_notifications(place: Api) -> None:
    failed, unknown = INSIDE[place]
    statuses = dict.fromkeys(failed, "F") | dict.fromkeys(unknown, "U") | {"SUCCESS": "S"}
    assert {name: row.status for name, row in codes.FIRST[place].items()} == statuses
    for name, status in statuses.items():
        outcome, _ = codes.read(place, code=name, status=status)
        believed = {"S": Outcome.SUCCESS, "F": Outcome.FAIL, "U": Outcome.UNKNOWN}[status]
        assert outcome is (Outcome.UNKNOWN if (place, name) in SPEAKS_OF_ANOTHER_INSIDE else believed), name


@pytest.mark.parametrize("name", sorted(INSIDE[Api.PAYMENT_RESULT][0] | {"SUCCESS", "PAYMENT_IN_PROCESS"}))
@pytest.mark.parametrize("status", ["SUCCESS", "FAIL", "PROCESSING", "PENDING", "CANCELLED", "NEW_WORD", None])
def test_the_payment_status_and_its_code_speak_together(
    peer: Peer, acquirer: Antom, status: str | None, name: str
) -> None:
    peer.will(code("SUCCESS", "S", **PAID, paymentStatus=status, paymentResultCode=name))
    payment = acquirer.inquire_payment(payment_request_id="PAY1").payment
    assert payment is not None
    believed = Outcome.UNKNOWN
    if status == "SUCCESS" and name == "SUCCESS":
        believed = Outcome.SUCCESS
    if status == "FAIL" and name in INSIDE[Api.PAYMENT_RESULT][0]:
        believed = Outcome.FAIL
    if status == "CANCELLED":
        believed = Outcome.FAIL
    assert payment.outcome is believed
    assert payment.is_cancelled is (status == "CANCELLED")
    assert payment.code == name


# What follows from a code.


def test_success_asks_for_nothing_and_failure_always_for_something() -> None:
    for table in (*codes.FIRST.values(), *codes.REPEATED.values()):
        for name, row in table.items():
            assert (row.advice is Advice.NOTHING) == (row.outcome is Outcome.SUCCESS), name


def test_nothing_unknown_about_money_may_be_tried_under_a_new_id() -> None:
    for tables in (codes.FIRST, codes.REPEATED):
        for api in (Api.PAY, Api.REFUND, Api.DECLARE):
            unknown = {row.advice for row in tables[api].values() if row.outcome is Outcome.UNKNOWN}
            assert unknown == {Advice.ASK}


@pytest.mark.parametrize(
    ("api", "name", "advice"),
    [
        ("pay", "INVALID_ACCESS_TOKEN", Advice.REAUTHORIZE),
        ("pay", "USER_BALANCE_NOT_ENOUGH", Advice.ASK_BUYER),
        ("pay", "PROCESS_FAIL", Advice.CALL_SUPPORT),
        ("pay", "RISK_REJECT", Advice.GIVE_UP),
        ("pay", "PAYMENT_IN_PROCESS", Advice.ASK),
        ("pay", "A_CODE_NEVER_SEEN", Advice.ASK),
        ("inquiryPayment", "ORDER_NOT_EXIST", Advice.CANCEL),
        ("cancel", "CANCEL_WINDOW_EXCEED", Advice.REFUND),
        ("cancel", "PAYMENT_METHOD_NOT_SUPPORTED", Advice.REFUND),
        ("cancel", "UNKNOWN_EXCEPTION", Advice.SEND_AGAIN),
        ("refund", "MERCHANT_BALANCE_NOT_ENOUGH", Advice.WAIT),
        ("refund", "REFUND_IN_PROCESS", Advice.ASK),
        ("applyToken", "INVALID_AUTHCODE", Advice.REAUTHORIZE),
        ("applyToken", "AUTH_IN_PROCESS", Advice.SEND_AGAIN),
        ("revoke", "INVALID_ACCESS_TOKEN", Advice.NOTHING),
        ("paymentResultCode", "SUSPECTED_RISK", Advice.WAIT),
        ("noSuchApi", "SUCCESS", Advice.CALL_SUPPORT),
    ],
)
def test_advice_for_pages(api: str, name: str, advice: Advice) -> None:
    assert codes.advice_for(api, name) is advice


def test_advice_after_a_repetition_is_to_ask() -> None:
    assert codes.advice_for("pay", "INVALID_ACCESS_TOKEN", repeated=True) is Advice.ASK


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    everywhere = {name for table in codes.FIRST.values() for name in table}
    assert set(MEANINGS) == everywhere
    assert [(api, name) for api, name in ELSEWHERE if name not in codes.FIRST[codes.Api(api)]] == []
    for name, (meaning, what_to_do) in [*MEANINGS.items(), *ELSEWHERE.items()]:
        assert meaning.endswith("."), name
        assert what_to_do.endswith("."), name


@pytest.mark.parametrize("api", sorted(set(codes.Api) - {codes.Api.PAY, codes.Api.PAYMENT_RESULT}))
def test_nobody_is_sent_to_a_new_payment_where_no_payment_was_tried(api: str) -> None:
    payments = {codes.Api.NOTIFY_PAYMENT, codes.Api.INQUIRY_PAYMENT, codes.Api.TRANSACTION_RESULT}
    for name in codes.FIRST[codes.Api(api)]:
        if api not in payments:
            assert "new payment" not in meaning_of(name, api).what_to_do, name


def test_words_for_a_code_never_seen_and_for_none() -> None:
    assert "never seen" in meaning_of("A_CODE_NEVER_SEEN").meaning
    assert meaning_of("") == ("", "")
