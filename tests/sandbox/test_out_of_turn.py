"""The verbs of whoever tells a story: which message arrives next, what is still pending, and a copy to begin from."""

from portal.sandbox.control import SandboxControl
from portal.sandbox.engine import Engine
from portal.sandbox.server import Sandbox
from tests.sandbox.conftest import Shop


def test_messages_arrive_in_the_order_somebody_chooses_and_as_often(shop: Shop, sandbox: Sandbox) -> None:
    token = shop.binds()
    sandbox.engine.tick()
    first, second = shop.payment(token), shop.payment(token)
    shop.call("payments/pay", first)
    shop.call("payments/pay", second)
    shop.heard.clear()
    early, late = sandbox.engine.undelivered()

    for number in (late, early, late):
        assert sandbox.engine.deliver_one(number)

    said = [heard.body["paymentRequestId"] for heard in shop.heard]
    assert said == [request["paymentRequestId"] for request in (second, first, second)]
    assert sandbox.engine.undelivered() == []
    assert not sandbox.engine.deliver_one(4711)


def test_pending_says_s_while_nothing_is_paid(shop: Shop, sandbox: Sandbox, control: SandboxControl) -> None:
    control.fault("payment_stays_processing")
    request = shop.payment(shop.binds())
    shop.call("payments/pay", request)
    sandbox.engine.tick()
    shop.heard.clear()

    sandbox.engine.tell_pending(request["paymentRequestId"])
    sandbox.engine.tick()

    (told,) = shop.heard
    assert (told.body["notifyType"], told.body["result"]["resultStatus"]) == ("PAYMENT_PENDING", "S")
    assert control.taken_from("ana") == []


def test_a_copy_goes_its_own_way(shop: Shop, sandbox: Sandbox) -> None:
    shop.call("payments/pay", shop.payment(shop.binds()))
    engine = sandbox.engine

    twin = Engine(engine.store.copy(), engine.clock)
    twin.set_balance("ana", "GCASH", 7)

    assert len(twin.taken_from("ana")) == 1
    assert twin.balance("ana", "GCASH").value == 7
    assert engine.balance("ana", "GCASH").value != 7
