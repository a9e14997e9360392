"""Everything that may go wrong, in the words that set it, and proof of what did and did not happen."""

import time
from typing import Any

import pytest
import requests

from portal.money import Money
from portal.sandbox.control import ControlFailed, SandboxControl
from portal.sandbox.faults import KINDS
from tests.sandbox.conftest import Shop, code

PHP_499 = Money(499_00, "PHP")


def test_an_answer_is_lost_after_the_money_moved(shop: Shop, control: SandboxControl) -> None:
    request = shop.payment(shop.binds())
    control.fault("answer_lost", api="pay")

    with pytest.raises(requests.ConnectionError):
        shop.call("payments/pay", request)

    assert control.taken_from("ana") == [PHP_499]
    assert shop.asks(paymentRequestId=request["paymentRequestId"])["paymentStatus"] == "SUCCESS"
    assert code(shop.call("payments/pay", request)) == ("SUCCESS", "S")
    assert control.taken_from("ana") == [PHP_499]


def test_a_request_is_lost_and_nothing_happens(shop: Shop, control: SandboxControl) -> None:
    request = shop.payment(shop.binds())
    control.fault("request_lost", api="pay")

    with pytest.raises(requests.ConnectionError):
        shop.call("payments/pay", request)

    assert control.taken_from("ana") == []
    assert code(shop.asks(paymentRequestId=request["paymentRequestId"])) == ("ORDER_NOT_EXIST", "F")


def test_a_code_is_pinned_to_an_api_for_some_calls(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.fault("answer_code", api="pay", code="USER_BALANCE_NOT_ENOUGH", calls=2)

    answers = [code(shop.pays(token)) for _ in range(3)]

    assert answers == [("USER_BALANCE_NOT_ENOUGH", "F")] * 2 + [("SUCCESS", "S")]
    assert control.taken_from("ana") == [PHP_499]


def test_a_code_is_pinned_to_a_wallet_whatever_the_call_names(shop: Shop, control: SandboxControl) -> None:
    token, other = shop.binds(), shop.binds(wallet="MAYA")
    paid = shop.pays(token)
    elsewhere = shop.pays(other, 499_00, "PHP", wallet="MAYA")
    refund = shop.refunds(elsewhere["paymentId"], 100_00)["refundRequestId"]
    for api in ("cancel", "refund", "inquiryPayment", "inquiryRefund", "revoke"):
        control.fault("answer_code", api=api, code="PROCESS_FAIL" if api != "revoke" else "SYSTEM_ERROR", wallet="MAYA")

    assert code(shop.asks(paymentRequestId=paid["paymentRequestId"])) == ("SUCCESS", "S")
    assert code(shop.asks(paymentRequestId=elsewhere["paymentRequestId"])) == ("PROCESS_FAIL", "F")
    assert code(shop.refunds(paid["paymentId"], 1_00)) == ("SUCCESS", "S")
    assert code(shop.refunds(elsewhere["paymentId"], 1_00)) == ("PROCESS_FAIL", "F")
    assert code(shop.call("payments/inquiryRefund", {"refundRequestId": refund})) == ("PROCESS_FAIL", "F")
    assert code(shop.call("payments/cancel", {"paymentId": elsewhere["paymentId"]})) == ("PROCESS_FAIL", "F")
    assert code(shop.call("authorizations/revoke", {"accessToken": token})) == ("SUCCESS", "S")
    assert code(shop.call("authorizations/revoke", {"accessToken": other})) == ("SYSTEM_ERROR", "F")
    assert control.faults() == []


def test_a_code_is_pinned_to_an_api_for_some_minutes(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.fault("answer_code", api="pay", code="REQUEST_TRAFFIC_EXCEED_LIMIT", minutes=30)

    assert code(shop.pays(token)) == ("REQUEST_TRAFFIC_EXCEED_LIMIT", "U")
    shop.moves_on(minutes=29)
    assert code(shop.pays(token)) == ("REQUEST_TRAFFIC_EXCEED_LIMIT", "U")
    assert control.faults()[0]["calls_left"] is None
    shop.moves_on(minutes=1)
    assert code(shop.pays(token)) == ("SUCCESS", "S")
    assert control.faults() == []


def test_an_unknown_answer_may_hide_work_that_was_done(shop: Shop, control: SandboxControl) -> None:
    control.fault("answer_code", api="pay", code="UNKNOWN_EXCEPTION", work_done=True)

    assert code(shop.pays(shop.binds())) == ("UNKNOWN_EXCEPTION", "U")
    assert control.taken_from("ana") == [PHP_499]


def test_a_slow_answer_comes_after_the_work(shop: Shop, control: SandboxControl) -> None:
    request = shop.payment(shop.binds())
    control.fault("slow_answer", api="pay", seconds=2)

    begun = time.monotonic()
    with pytest.raises(requests.ReadTimeout):
        shop.call("payments/pay", request, timeout=0.5)

    while not control.taken_from("ana") and time.monotonic() - begun < 30:
        time.sleep(0.02)  # half a second may have been too little even for the work
    assert control.taken_from("ana") == [PHP_499]
    begun = time.monotonic()
    control.fault("slow_answer", api="pay", seconds=0.2)
    assert code(shop.call("payments/pay", request)) == ("SUCCESS", "S")
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize(("fault", "signed"), [("answer_wrongly_signed", True), ("answer_unsigned", False)])
def test_an_answer_that_proves_nothing(shop: Shop, control: SandboxControl, fault: str, signed: bool) -> None:
    control.fault(fault, api="revoke")
    path, token = "/ams/sandbox/api/v1/authorizations/revoke", shop.binds()

    response = shop.send(path, b'{"accessToken":"%s"}' % token.encode())

    assert code(response.json()) == ("SUCCESS", "S")
    assert ("signature" in response.headers) is signed
    assert not shop.verifies(response, path)
    assert code(shop.call("authorizations/revoke", {"accessToken": token})) == ("INVALID_ACCESS_TOKEN", "F")


@pytest.mark.parametrize(("options", "taken"), [({}, []), ({"work_done": True}, [PHP_499])])
def test_a_server_error(shop: Shop, control: SandboxControl, options: dict[str, Any], taken: list[Money]) -> None:
    request = shop.payment(shop.binds())
    control.fault("http_500", api="pay", **options)

    response = shop.send("/ams/sandbox/api/v1/payments/pay", str(request).replace("'", '"').encode())

    assert (response.status_code, "signature" in response.headers) == (500, False)
    assert control.taken_from("ana") == taken


def test_a_payment_stays_in_process_until_it_expires(shop: Shop, control: SandboxControl) -> None:
    control.fault("payment_stays_processing")

    answer = shop.pays(shop.binds())

    assert code(answer) == ("PAYMENT_IN_PROCESS", "U")
    ids = {"paymentRequestId": answer["paymentRequestId"]}
    shop.moves_on(seconds=59)
    assert shop.asks(**ids)["paymentStatus"] == "PROCESSING"
    shop.moves_on(seconds=1)
    asked = shop.asks(**ids)
    assert (asked["paymentStatus"], asked["paymentResultCode"]) == ("FAIL", "ORDER_IS_CLOSED")
    assert control.taken_from("ana") == []
    (heard,) = shop.heard_bodies("/notify/payment")
    assert heard["result"]["resultCode"] == "ORDER_IS_CLOSED"


def test_a_payment_stays_in_process_for_some_seconds(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.fault("payment_stays_processing", seconds=90)
    control.fault("payment_stays_processing", seconds=5, then="FAIL", code="RISK_REJECT")
    first, second = shop.pays(token), shop.pays(token)

    shop.moves_on(seconds=90)

    assert shop.asks(paymentId=first["paymentId"])["paymentStatus"] == "SUCCESS"
    failed = shop.asks(paymentId=second["paymentId"])
    assert (failed["paymentStatus"], failed["paymentResultCode"]) == ("FAIL", "RISK_REJECT")
    assert control.taken_from("ana") == [PHP_499]


def test_a_payment_stays_in_process_until_told(shop: Shop, control: SandboxControl) -> None:
    control.fault("payment_stays_processing", expires=False)
    answer = shop.pays(shop.binds())
    shop.moves_on(days=2)
    assert shop.asks(paymentId=answer["paymentId"])["paymentStatus"] == "PROCESSING"

    assert control.finish_payment(answer["paymentId"]) == "SUCCESS"

    assert control.taken_from("ana") == [PHP_499]
    with pytest.raises(ControlFailed, match="in process"):
        control.finish_payment(answer["paymentId"])


def test_a_payment_fails_for_a_reason_and_is_remembered(shop: Shop, control: SandboxControl) -> None:
    control.fault("payment_fails", code="RISK_REJECT")
    request = shop.payment(shop.binds())

    answers = [code(shop.call("payments/pay", request)) for _ in range(2)]

    assert answers == [("RISK_REJECT", "F")] * 2
    assert shop.asks(paymentRequestId=request["paymentRequestId"])["paymentResultCode"] == "RISK_REJECT"


def test_a_refund_stays_in_process_then_fails_and_frees_its_amount(shop: Shop, control: SandboxControl) -> None:
    paid = shop.pays(shop.binds())
    control.fault("refund_stays_processing", then="FAIL", code="MERCHANT_BALANCE_NOT_ENOUGH")

    answer = shop.refunds(paid["paymentId"], 499_00)

    assert code(answer) == ("REFUND_IN_PROCESS", "U")
    assert code(shop.refunds(paid["paymentId"], 1_00)) == ("REFUND_AMOUNT_EXCEED", "F")
    assert control.finish_refund(answer["refundRequestId"], "MERCHANT_BALANCE_NOT_ENOUGH") == "FAIL"
    assert control.given_back_to("ana") == []
    assert code(shop.refunds(paid["paymentId"], 499_00)) == ("SUCCESS", "S")
    control.tick()
    assert [(one["refundStatus"], one["result"]["resultCode"]) for one in shop.heard_bodies("/notify/refund")] == [
        ("FAIL", "REFUND_AMOUNT_EXCEED"),
        ("FAIL", "MERCHANT_BALANCE_NOT_ENOUGH"),
        ("SUCCESS", "SUCCESS"),
    ]


def test_a_refund_fails_for_a_reason(shop: Shop, control: SandboxControl) -> None:
    paid = shop.pays(shop.binds())
    control.fault("refund_fails", code="MERCHANT_BALANCE_NOT_ENOUGH")

    assert code(shop.refunds(paid["paymentId"], 1_00)) == ("MERCHANT_BALANCE_NOT_ENOUGH", "F")
    assert control.given_back_to("ana") == []


def test_a_notification_is_late(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.fault("notification_late", notification="notifyPayment", seconds=300)
    shop.pays(token)

    shop.moves_on(seconds=299)
    assert shop.heard_bodies("/notify/payment") == []
    shop.moves_on(seconds=1)
    assert len(shop.heard_bodies("/notify/payment")) == 1


def test_a_notification_comes_twice(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.fault("notification_doubled", notification="notifyPayment")
    shop.pays(token)
    control.tick()

    first, second = (one.raw for one in shop.heard if one.path.startswith("/notify/payment"))
    assert first == second


def test_notifications_come_out_of_order(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.tick()
    control.fault("notification_out_of_order", notification="notifyPayment")
    first, second = shop.pays(token), shop.pays(token)
    control.tick()

    assert [one["paymentId"] for one in shop.heard_bodies("/notify/payment")] == [
        second["paymentId"],
        first["paymentId"],
    ]


def test_a_notification_is_lost(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.fault("notification_lost", notification="notifyPayment")
    shop.pays(token)
    shop.moves_on(days=3)

    assert shop.heard_bodies("/notify/payment") == []
    assert [one["status"] for one in control.notifications(kind="notifyPayment")] == ["LOST"]


def test_a_notification_is_wrongly_signed_the_first_time(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.tick()
    control.fault("notification_wrongly_signed", notification="notifyPayment")
    shop.answers_with = b"no"
    shop.pays(token)
    control.tick()
    shop.moves_on(minutes=2)

    assert [one.genuine for one in shop.heard if one.path.startswith("/notify/payment")] == [False, True]


def test_a_notification_names_another_amount(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    control.fault("notification_wrong_amount", notification="notifyPayment")
    shop.pays(token)
    control.tick()

    (heard,) = shop.heard_bodies("/notify/payment")
    assert heard["paymentAmount"] == {"currency": "PHP", "value": "50000"}
    assert shop.heard[-1].genuine
    assert control.taken_from("ana") == [PHP_499]


def test_a_wallet_that_tells_of_no_failure(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds("paolo")
    control.fault("no_failure_notification", wallet="GCASH", minutes=60)
    assert code(shop.pays(token)) == ("USER_BALANCE_NOT_ENOUGH", "F")
    shop.moves_on(minutes=10)

    assert shop.heard_bodies("/notify/payment") == []


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"fault": "meteor"}, "no fault 'meteor'"),
        ({"fault": "answer_code", "api": "pay"}, "needs 'code'"),
        ({"fault": "answer_code", "api": "pay", "code": "REFUND_IN_PROCESS"}, "not documented for pay"),
        ({"fault": "answer_code", "api": "fly", "code": "SUCCESS"}, "no API 'fly'"),
        ({"fault": "answer_lost", "calls": 0}, "'calls' must be"),
        ({"fault": "answer_lost", "minutes": -1}, "'minutes' must be"),
        ({"fault": "slow_answer"}, "needs 'seconds'"),
        ({"fault": "slow_answer", "seconds": "3"}, "'seconds' must be"),
        ({"fault": "payment_fails", "code": "PAYMENT_IN_PROCESS"}, "not a documented reason"),
        ({"fault": "notification_lost", "notification": "notifyWeather"}, "no notification"),
        ({"fault": "notification_lost", "api": "pay"}, "takes"),
        ({"fault": "payment_stays_processing", "then": "MAYBE"}, "SUCCESS or FAIL"),
        ({"fault": "http_500", "work_done": "yes"}, "true or false"),
    ],
)
def test_a_fault_that_cannot_be_set_says_why(control: SandboxControl, wish: dict[str, Any], sentence: str) -> None:
    word = wish.pop("fault")
    with pytest.raises(ControlFailed, match=sentence):
        control.fault(word, **wish)
    assert control.faults() == []


def test_faults_are_listed_and_cleared(control: SandboxControl) -> None:
    first = control.fault("answer_lost", api="pay", calls=3)
    control.fault("notification_lost")

    assert [(one["fault"], one["calls_left"]) for one in control.faults()] == [
        ("answer_lost", 3),
        ("notification_lost", 1),
    ]
    assert control.clear_faults(first) == 1
    assert control.clear_faults() == 1
    assert control.faults() == []


def test_every_word_of_a_fault_is_explained() -> None:
    assert all(kind.does and kind.needs <= kind.takes for kind in KINDS.values())


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/faults", '{"fault": "answer_lost", "minutes": 1e400}', "'minutes' must be a number above zero, and at most"),
        ("/faults", '{"fault": "answer_lost", "minutes": NaN}', "'minutes' must be a number above zero, and at most"),
        ("/faults", '{"fault": "slow_answer", "seconds": 1e308}', "'seconds' must be a number above zero, and at most"),
        ("/faults", '{"fault": "answer_lost", "wallet": "NOPE"}', "There is no wallet 'NOPE'. There are: ALIPAY_CN"),
        ("/clock/move", '{"seconds": 1e400}', "Say how far: seconds, minutes, hours or days, as a number."),
        ("/clock/move", '{"days": 1e300}', "The clock cannot move that far: it knows the years 1 to 9999."),
        ("/clock/move", '{"days": 9000000}', "The clock cannot move that far: it knows the years 1 to 9999."),
        ("/day-close", '{"day": 5}', "'day' is missing: a string is expected."),
    ],
)
def test_a_number_that_is_none_is_refused_in_words(
    shop: Shop, control: SandboxControl, path: str, body: str, sentence: str
) -> None:
    json = {"Content-Type": "application/json"}

    answer = requests.post(f"{control.base_url}/control{path}", data=body, headers=json, timeout=10)

    assert (answer.status_code, answer.json()["detail"][: len(sentence)]) == (400, sentence)
    assert control.faults() == []
