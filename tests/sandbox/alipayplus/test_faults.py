"""The same plain words for what may go wrong, in the second protocol."""

from pathlib import Path
from typing import Any

import pytest
import requests

from portal.acquirer.signing import new_private_key, private_pem
from portal.clock import VirtualClock
from portal.money import Money
from portal.sandbox.context import Keys
from portal.sandbox.control import ControlFailed, SandboxControl
from portal.sandbox.server import Sandbox
from portal.sandbox.store import Store
from tests.sandbox.alipayplus.conftest import BASE, SHOP, Partner
from tests.sandbox.conftest import Shop, code

PHP_499 = Money(499_00, "PHP")


def test_an_answer_is_lost_after_the_money_moved(partner: Partner, control: SandboxControl) -> None:
    request = partner.payment(partner.binds())
    control.fault("answer_lost", api="pay")
    with pytest.raises(requests.ConnectionError):
        partner.call("payments/pay", request)
    assert control.taken_from("ana") == [PHP_499]
    assert partner.asks(paymentRequestId=request["paymentRequestId"])["paymentResult"]["resultStatus"] == "S"
    assert code(partner.call("payments/pay", request)) == ("SUCCESS", "S")
    assert control.taken_from("ana") == [PHP_499]


def test_a_request_is_lost_and_nothing_happens(partner: Partner, control: SandboxControl) -> None:
    request = partner.payment(partner.binds())
    control.fault("request_lost", api="pay")
    with pytest.raises(requests.ConnectionError):
        partner.call("payments/pay", request)
    assert control.taken_from("ana") == []


@pytest.mark.parametrize("word", ["answer_unsigned", "answer_wrongly_signed", "http_500"])
@pytest.mark.parametrize("api", ["cancel", "cancelPayment"])
def test_an_answer_that_proves_nothing(partner: Partner, control: SandboxControl, word: str, api: str) -> None:
    paid = partner.pays(partner.binds())
    control.fault(word, api=api, **({"work_done": True} if word == "http_500" else {}))
    path = f"{BASE}payments/cancelPayment"
    answer = partner.send(path, b'{"paymentId":"%s"}' % paid["paymentId"].encode())
    assert not partner.verifies(answer, path)
    assert answer.status_code == (500 if word == "http_500" else 200)
    assert control.given_back_to("ana") == [PHP_499]


def test_an_own_name_or_a_protocol_leaves_the_other_alone(
    partner: Partner, shop: Shop, control: SandboxControl
) -> None:
    there, here = partner.pays(partner.binds()), shop.pays(shop.binds())
    control.fault("answer_code", api="cancelPayment", code="PROCESS_FAIL")
    assert code(shop.call("payments/cancel", {"paymentId": here["paymentId"]})) == ("SUCCESS", "S")
    assert code(partner.cancels(paymentId=there["paymentId"])) == ("PROCESS_FAIL", "F")
    control.fault("payment_fails", code="RISK_REJECT", protocol="alipayplus")
    assert code(shop.pays(shop.binds())) == ("SUCCESS", "S")
    assert code(partner.pays(partner.binds())) == ("RISK_REJECT", "F")
    assert control.faults() == []
    with pytest.raises(ControlFailed, match="There is no protocol"):
        control.fault("answer_lost", protocol="swift")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("INVALID_TOKEN", "INVALID_TOKEN"),
        ("INVALID_ACCESS_TOKEN", "INVALID_TOKEN"),
        ("UNAVAILABLE_PAYMENT_METHOD", "UNAVAILABLE_PAYMENT_METHOD"),
        ("PAYMENT_IN_PROCESS", "PAYMENT_IN_PROCESS"),
        ("SYSTEM_ERROR", "PROCESS_FAIL"),
    ],
)
def test_a_code_is_said_in_its_own_words(partner: Partner, control: SandboxControl, word: str, said: str) -> None:
    token = partner.binds()
    control.fault("answer_code", api="pay", code=word)
    assert code(partner.pays(token))[0] == said


def test_a_payment_is_not_known_for_a_while(partner: Partner, control: SandboxControl) -> None:
    paid = partner.pays(partner.binds())
    control.fault("answer_code", api="inquiryPayment", code="ORDER_NOT_EXIST", minutes=0.5)
    assert code(partner.asks(paymentId=paid["paymentId"])) == ("ORDER_NOT_EXIST", "F")
    partner.moves_on(seconds=30)
    assert partner.asks(paymentId=paid["paymentId"])["paymentResult"]["resultStatus"] == "S"


def test_a_success_comes_late_after_an_unknown_answer(partner: Partner, control: SandboxControl) -> None:
    token = partner.binds()
    control.fault("payment_stays_processing", seconds=20)
    unknown = partner.pays(token)
    assert code(unknown) == ("PAYMENT_IN_PROCESS", "U")
    partner.moves_on(seconds=20)
    assert partner.asks(paymentId=unknown["paymentId"])["paymentResult"]["resultStatus"] == "S"
    statuses = {one["paymentResult"]["resultStatus"] for one in partner.heard_of("notifyPayment")}
    assert statuses == {"S"}
    control.fault("payment_stays_processing", expires=False)
    partner.pays(token)
    with pytest.raises(Exception, match="results that are final"):
        partner.sandbox.engine.tell_pending(control.payments(status="PROCESSING")[0]["payment_id"])


@pytest.mark.parametrize("word", ["answer_lost", "answer_unsigned", "answer_code"])
def test_a_token_nobody_heard_of_arrives_by_notification(partner: Partner, control: SandboxControl, word: str) -> None:
    url = partner.prepares(referenceAgreementId="A-1")["authUrl"]
    granted = control.agree(url, "ana", wallet="GCASH")["authCode"]
    options: dict[str, Any] = {"code": "UNKNOWN_EXCEPTION", "work_done": True} if word == "answer_code" else {}
    control.fault(word, api="applyToken", **options)
    body = b'{"authClientId":"%s","grantType":"AUTHORIZATION_CODE","authCode":"%s"}' % (SHOP.encode(), granted.encode())
    try:
        partner.send(f"{BASE}authorizations/applyToken", body)
    except requests.ConnectionError:
        assert word == "answer_lost"
    partner.ticks()

    told = partner.heard_of("authNotify")
    assert [one["authorizationNotifyType"] for one in told] == ["AUTHCODE_CREATED", "TOKEN_CREATED"]
    assert [one["referenceAgreementId"] for one in told] == ["A-1", "A-1"]
    assert ("authState" in told[0], "authState" in told[1]) == (True, False)
    assert code(partner.pays(told[1]["accessToken"])) == ("SUCCESS", "S")
    assert code(partner.refreshes(told[1]["refreshToken"])) == ("SUCCESS", "S")


@pytest.mark.parametrize("how", ["unsigned", "a stranger's key", "another result"])
def test_an_acknowledgement_that_proves_nothing_is_asked_for_again(
    partner: Partner, control: SandboxControl, how: str
) -> None:
    token = partner.binds()
    partner.ticks()
    if how == "unsigned":
        partner.signs = False
    elif how == "another result":
        partner.answers_with = b'{"result":{"resultCode":"PROCESS_FAIL","resultStatus":"F"}}'
    else:
        partner.signs_with = private_pem(new_private_key())
    partner.pays(token)
    partner.ticks()
    (row,) = control.notifications(kind="notifyPayment")
    assert (row["status"], [one["outcome"] for one in row["tries"]]) == ("DUE", ["not acknowledged"])
    partner.signs, partner.signs_with = True, ""
    partner.answers_with = b'{"result":{"resultCode":"SUCCESS","resultStatus":"S"}}'
    partner.moves_on(minutes=2)
    assert len(partner.heard_of("notifyPayment")) == 2
    assert control.notifications(kind="notifyPayment")[0]["status"] == "ACKNOWLEDGED"


def test_notifications_late_lost_doubled_and_out_of_order(partner: Partner, control: SandboxControl) -> None:
    token = partner.binds()
    partner.ticks()
    partner.heard.clear()
    control.fault("notification_doubled", notification="notifyPayment")
    partner.pays(token, 1_00)
    control.fault("notification_lost", notification="notifyPayment")
    partner.pays(token, 2_00)
    control.fault("notification_out_of_order", notification="notifyPayment")
    partner.pays(token, 3_00)
    partner.pays(token, 4_00)
    control.fault("notification_wrong_amount", notification="notifyPayment")
    partner.pays(token, 5_00)
    control.fault("notification_wrongly_signed", notification="authNotify")
    partner.call("authorizations/cancelToken", {"accessToken": token, "authClientId": SHOP})
    partner.ticks()
    partner.ticks()
    heard = [one["paymentAmount"]["value"] for one in partner.heard_of("notifyPayment")]
    assert sorted(heard) == ["100", "100", "300", "400", "600"]
    assert heard.index("400") < heard.index("300")
    assert [one.genuine for one in partner.heard if one.path.endswith("authNotify")] == [False]


def test_a_restart_forgets_nothing(clock: VirtualClock, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(clock, store=Store(path), keys=keys, ticking=False) as sandbox:
        partner = Partner(sandbox, "http://127.0.0.1:9")
        token = partner.binds()
        request = partner.payment(token)
        first = partner.call("payments/pay", request)
        before = sandbox.connection
    with Sandbox(clock, store=Store(path), ticking=False) as sandbox:
        partner = Partner(sandbox, "http://127.0.0.1:9", counter=100)
        assert sandbox.connection.alipayplus | {"gateway_url": ""} == before.alipayplus | {"gateway_url": ""}
        assert partner.call("payments/pay", request) == first
        assert code(partner.pays(token)) == ("SUCCESS", "S")
        assert sandbox.engine.faults_in_the_books() == []


def test_a_database_of_the_version_before_is_taken_over(clock: VirtualClock, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(clock, store=Store(path), keys=keys, ticking=False) as sandbox:
        for statement in (
            "ALTER TABLE authorizations DROP COLUMN shop_name",
            "ALTER TABLE payments DROP COLUMN compared",
            "ALTER TABLE transactions DROP COLUMN service_fee_value",
            "DROP TABLE clearing_batches",
            "DELETE FROM merchants WHERE client_id LIKE 'SANDBOX_5Y%'",
            "PRAGMA user_version = 1",
        ):
            sandbox.store.run(statement)
    with Sandbox(clock, store=Store(path), ticking=False) as sandbox:
        partner = Partner(sandbox, "http://127.0.0.1:9")
        assert code(partner.pays(partner.binds())) == ("SUCCESS", "S")
