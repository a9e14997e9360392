"""Every documented result code, of every API, first and repeated, through the adapter and a signed answer.

The lists are written down here a second time, from the documents, so that a slip in a table cannot agree with itself.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest

from portal.acquirer.alipayplus import AlipayPlus, codes, meaning_of
from portal.acquirer.alipayplus.codes import Api
from portal.acquirer.alipayplus.meanings import ELSEWHERE, MEANINGS
from portal.acquirer.results import Advice, Outcome, Result, Secret
from tests.acquirer.peer import Peer, code

from .test_wire import PAID, REFUND, consult, payment

F, S, U = Outcome.FAIL, Outcome.SUCCESS, Outcome.UNKNOWN

CALL = (
    "PARAM_ILLEGAL METHOD_NOT_SUPPORTED MEDIA_TYPE_NOT_ACCEPTABLE INVALID_API NO_INTERFACE_DEF INVALID_CLIENT "
    "INVALID_SIGNATURE KEY_NOT_FOUND ACCESS_DENIED"
)
CONTRACT = "INVALID_CONTRACT BUSINESS_NOT_SUPPORT MERCHANT_NOT_REGISTERED RISK_REJECT REGULATION_RESTRICTION"
WALLET = (
    "CURRENCY_NOT_SUPPORT INVALID_TOKEN EXPIRED_ACCESS_TOKEN USER_BALANCE_NOT_ENOUGH USER_AMOUNT_EXCEED_LIMIT "
    "PAYMENT_AMOUNT_EXCEED_LIMIT PAYMENT_COUNT_EXCEED_LIMIT USER_NOT_EXIST USER_STATUS_ABNORMAL "
    "USER_KYC_NOT_QUALIFIED USER_PAYMENT_VERIFICATION_FAILED UNAVAILABLE_PAYMENT_METHOD"
)
OWN = {
    "prepare": f"{CONTRACT} REPEAT_REQ_INCONSISTENT",
    "applyToken": f"{CONTRACT} INVALID_REFRESH_TOKEN EXPIRED_REFRESH_TOKEN USED_REFRESH_TOKEN INVALID_CODE USED_CODE "
    "EXPIRED_CODE INVALID_AUTH_CLIENT AUTH_CLIENT_UNSUPPORTED_GRANT_TYPE USER_NOT_EXIST USER_STATUS_ABNORMAL",
    "cancelToken": "INVALID_TOKEN EXPIRED_ACCESS_TOKEN INVALID_AUTH_CLIENT",
    "pay": f"{CONTRACT} {WALLET} ORDER_IS_CLOSED REPEAT_REQ_INCONSISTENT",
    "inquiryPayment": "ORDER_NOT_EXIST",
    "cancelPayment": "ORDER_NOT_EXIST CANCEL_WINDOW_EXCEED",
    "refund": f"{CONTRACT} REFUND_AMOUNT_EXCEED REFUND_WINDOW_EXCEED ORDER_NOT_EXIST ORDER_IS_CLOSED "
    "CURRENCY_NOT_SUPPORT REPEAT_REQ_INCONSISTENT",
}
UNKNOWN = "UNKNOWN_EXCEPTION REQUEST_TRAFFIC_EXCEED_LIMIT"
ONCE_MORE_UNKNOWN = {"pay": "PAYMENT_IN_PROCESS", "inquiryPayment": "PAYMENT_IN_PROCESS"}

ASKS: dict[str, Callable[[AlipayPlus, bool], Result]] = {
    "prepare": lambda one, _: one.consult(consult()),
    "applyToken": lambda one, _: one.apply_token(wallet="GCASH", auth_code=Secret("C")),
    "cancelToken": lambda one, _: one.revoke(access_token=Secret("T")),
    "pay": lambda one, again: one.pay(payment(), is_repeat=again),
    "inquiryPayment": lambda one, _: one.inquire_payment(payment_request_id="PAY1"),
    "cancelPayment": lambda one, _: one.cancel(payment_request_id="PAY1"),
    "refund": lambda one, again: one.refund(REFUND, is_repeat=again),
}
WHOLE: dict[str, Any] = {
    "authUrl": "https://pay.example/",
    "accessToken": "T",
    **PAID,
    "refundAmount": {"currency": "PHP", "value": "100"},
}
"""What makes a success of each of them believable."""


def expected(api: str, name: str, *, again: bool) -> Outcome:
    """What may be believed of an F: by the rules, and by nothing in the tables."""
    if api == "cancelToken" and name in ("INVALID_TOKEN", "EXPIRED_ACCESS_TOKEN"):
        return S
    if name == "REPEAT_REQ_INCONSISTENT":
        return F if api == "prepare" else U
    if api == "pay":
        return U if again or name == "ORDER_IS_CLOSED" else F
    return U if api == "refund" and again and name in CALL.split() else F


@pytest.mark.parametrize("again", [False, True], ids=["first", "repeated"])
@pytest.mark.parametrize("api", OWN)
def test_every_documented_code_through_the_wire(peer: Peer, alipayplus: AlipayPlus, api: str, again: bool) -> None:
    refusals = f"{CALL} PROCESS_FAIL {OWN[api]}".split()
    unknown = f"{UNKNOWN} {ONCE_MORE_UNKNOWN.get(api, '')}".split()
    assert set(codes.TABLES.first[Api(api)]) == {"SUCCESS", *refusals, *unknown}
    for name, status, outcome in (
        ("SUCCESS", "S", S),
        *((name, "F", expected(api, name, again=again)) for name in refusals),
        *((name, "U", U) for name in unknown),
    ):
        peer.will(code(name, status, **WHOLE))
        result = ASKS[api](alipayplus, again)
        assert (result.outcome, result.code) == (outcome, name)
        for other in {"S", "F", "U", "X", ""} - {status}:
            peer.will(code(name, other, **WHOLE))
            assert ASKS[api](alipayplus, again).outcome is U, (name, other)
    for status in ("S", "F", "U"):
        peer.will(code("A_CODE_NEVER_SEEN", status, **WHOLE))
        assert ASKS[api](alipayplus, again).outcome is U


def test_what_a_payment_may_have_ended_with() -> None:
    table = codes.TABLES.first[Api.PAYMENT_RESULT]
    final = {name for name, row in table.items() if row.outcome is F}
    assert final == set(f"{CALL} {CONTRACT} {WALLET} PROCESS_FAIL ORDER_IS_CLOSED".split())
    assert {name for name, row in table.items() if row.outcome is S} == {"SUCCESS"}


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    everywhere = {name for table in codes.TABLES.first.values() for name in table}
    assert set(MEANINGS) == everywhere
    assert [(api, name) for api, name in ELSEWHERE if name not in codes.TABLES.first[Api(api)]] == []
    for name, (meaning, what_to_do) in [*MEANINGS.items(), *ELSEWHERE.items()]:
        assert meaning.endswith("."), name
        assert what_to_do.endswith("."), name


@pytest.mark.parametrize("api", sorted(set(Api) - {Api.PAY, Api.PAYMENT_RESULT, Api.INQUIRY_PAYMENT}))
def test_nobody_is_sent_to_a_new_payment_where_no_payment_was_tried(api: str) -> None:
    for name in codes.TABLES.first[Api(api)]:
        assert not re.search("new payment", meaning_of(name, api).what_to_do), name


@pytest.mark.parametrize(
    ("api", "name", "advice"),
    [
        ("pay", "INVALID_TOKEN", Advice.REAUTHORIZE),
        ("pay", "USER_BALANCE_NOT_ENOUGH", Advice.ASK_BUYER),
        ("cancelPayment", "CANCEL_WINDOW_EXCEED", Advice.REFUND),
        ("refund", "UNKNOWN_EXCEPTION", Advice.SEND_AGAIN),
        ("applyToken", "EXPIRED_REFRESH_TOKEN", Advice.REAUTHORIZE),
        ("noSuchApi", "SUCCESS", Advice.CALL_SUPPORT),
    ],
)
def test_advice_for_pages(api: str, name: str, advice: Advice) -> None:
    assert codes.TABLES.advice_for(api, name) is advice
