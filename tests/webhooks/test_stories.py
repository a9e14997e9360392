"""What the merchant's own systems hear, in which order, and what happens when they do not listen."""

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from authorizations import operations as binding
from authorizations.models import WalletAccount
from payments import announcements
from payments import operations as paying
from payments.models import Order, Payment
from payments.operations.calling_off import call_off
from payments.states import ReasonCode
from portal import clock, due, outbox, work
from portal.errors import Conflict
from portal.models import (
    DeliveryState,
    EndpointState,
    Incident,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.outbox import attempts, endpoints, schedule
from tests.story import PHP, Acquirer, Customer, Shop
from tests.webhooks.conftest import STAFF, Listens
from tests.webhooks.receiver import Receiver, is_signed

Passes = Callable[..., None]


@pytest.fixture
def order(buyer: Customer, shop: Shop) -> Order:
    """499.00 PHP, to be paid from a bound wallet; nobody has heard of the wallet."""
    buyer.binds("GCASH")
    return shop.sells("Monthly pass", PHP(499_00), to=buyer)


def another(shop: Shop, buyer: Customer) -> Order:
    """One more order, paid."""
    order = shop.sells("Cold brew", PHP(180_00), to=buyer)
    shop.charges(order)
    return order


# What is heard.


def test_the_shop_hears_of_an_order_from_the_wallet_to_the_last_refund(
    shop: Shop, buyer: Customer, receiver: Receiver, listens: Listens
) -> None:
    listens(receiver)
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    payment = shop.charges(order)
    refund = shop.refunds(payment, PHP(100_00))
    shop.refunds(payment)

    shop.comes_to_rest()

    assert receiver.kinds() == ["wallet.bound", "order.paid", "order.refunded", "order.refunded"]
    bound, paid, part, rest = (message.said for message in receiver.messages)
    wallet = buyer.wallet()
    assert bound == {
        "id": receiver.messages[0].id,
        "kind": "wallet.bound",
        "created": "2026-03-02T02:00:00Z",
        "account": "sandbox",
        "object": wallet.public_id,
        "sequence": 1,
        "data": {
            "wallet_id": wallet.public_id,
            "wallet": "GCASH",
            "name": "GCash",
            "currency": "PHP",
            "customer": "ana",
            "status": "ACTIVE",
            "bound_at": "2026-03-02T02:00:00Z",
            "ended_at": None,
            "replaces": [],
        },
    }
    about = {
        "order": order.number,
        "reference": "",
        "customer": "ana",
        "amount": {"value": "49900", "currency": "PHP"},
    }
    payment_said = {
        "id": payment.payment_request_id,
        "status": "PAID",
        "result_code": "SUCCESS",
        "amount": {"value": "49900", "currency": "PHP"},
        "wallet_id": wallet.public_id,
        "wallet": "GCASH",
        "paid_at": "2026-03-02T02:00:00Z",
    }
    nothing, hundred, all_of_it = ({"value": value, "currency": "PHP"} for value in ("0", "10000", "49900"))
    assert paid["data"] == about | {
        "status": "PAID",
        "payment": payment_said | {"returned": nothing},
        "refund": None,
    }
    assert part["data"] == about | {
        "status": "PAID",
        "payment": payment_said | {"returned": hundred},
        "refund": {
            "id": refund.refund_request_id,
            "status": "SUCCEEDED",
            "amount": hundred,
            "reason_code": "BUYER_REQUEST",
            "refunded_at": "2026-03-02T02:00:00Z",
        },
    }
    assert (rest["data"]["status"], rest["data"]["payment"]["returned"]) == ("REFUNDED", all_of_it)
    assert [said["sequence"] for said in (paid, part, rest)] == [1, 2, 3]
    assert {said["object"] for said in (paid, part, rest)} == {order.number}
    assert all(is_signed(message, receiver.secret) for message in receiver.messages)
    assert len({message.id for message in receiver.messages}) == 4


def test_no_message_holds_a_token_or_what_the_wallet_knows_of_the_buyer(
    shop: Shop, buyer: Customer, receiver: Receiver, listens: Listens
) -> None:
    listens(receiver)
    buyer.binds("GCASH")
    held = WalletAccount.objects.get()
    another(shop, buyer)
    shop.comes_to_rest()
    told = b"".join(message.body for message in receiver.messages) + str(WebhookEvent.objects.values()).encode()
    assert held.access_token
    assert held.refresh_token
    for secret in (held.access_token, held.refresh_token, held.user_id, held.login_label):
        assert not secret or secret.encode() not in told


def test_a_payment_that_fails_and_an_order_that_is_withdrawn(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens
) -> None:
    listens(receiver)
    buyer.owns("GCASH", 1_00)
    payment = shop.charges(order)
    paying.withdraw(order, by=STAFF)
    paying.withdraw(order, by=STAFF)  # says so again, and nothing happens
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.failed", "order.cancelled"]
    failed, cancelled = (message.said["data"] for message in receiver.messages)
    assert (failed["status"], failed["payment"]["id"]) == ("INIT", payment.payment_request_id)
    assert (failed["payment"]["status"], failed["payment"]["result_code"]) == ("FAILED", "USER_BALANCE_NOT_ENOUGH")
    assert (cancelled["status"], cancelled["payment"]) == ("CANCELLED", None)


def test_a_paid_order_that_is_cancelled(shop: Shop, order: Order, receiver: Receiver, listens: Listens) -> None:
    listens(receiver)
    payment = shop.charges(order)
    shop.cancels(payment)
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.paid", "order.cancelled"]
    said = receiver.messages[1].said["data"]
    assert (said["status"], said["payment"]["status"]) == ("CANCELLED", "CANCELLED")
    assert said["payment"]["returned"] == {"value": "49900", "currency": "PHP"}


def test_an_order_called_off_while_nobody_knows_whether_it_is_paid(
    shop: Shop, order: Order, acquirer: Acquirer, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    listens(receiver)
    acquirer.will("request_lost", api="pay", calls=1)
    shop.charges(order)
    assert receiver.kinds() == []
    call_off(order, by=STAFF, reason_code=ReasonCode.BUYER_REQUEST)
    passes(minutes=30)
    assert receiver.kinds() == ["order.failed", "order.cancelled"]


def test_a_lost_answer_is_told_once_when_it_is_known(
    shop: Shop, order: Order, acquirer: Acquirer, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    listens(receiver)
    acquirer.will("answer_lost", api="pay", calls=1)
    acquirer.will("notification_doubled", calls=1)
    shop.charges(order)
    shop.comes_to_rest()
    passes(minutes=10)
    assert receiver.kinds() == ["order.paid"]


def test_a_wallet_that_dies_is_bound_anew_and_revoked(
    shop: Shop, buyer: Customer, acquirer: Acquirer, receiver: Receiver, listens: Listens
) -> None:
    listens(receiver, kinds=["wallet.bound", "wallet.revoked", "wallet.needs_authorization"])
    first = buyer.binds("GCASH")
    WalletAccount.objects.filter(pk=first.pk).update(refresh_token="")
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN", calls=1)
    shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    shop.comes_to_rest()
    second = buyer.binds("GCASH")
    binding.revoke(second, by=STAFF)
    shop.comes_to_rest()
    assert [(message.kind, message.said["object"]) for message in receiver.messages] == [
        ("wallet.bound", first.public_id),
        ("wallet.needs_authorization", first.public_id),
        ("wallet.bound", second.public_id),
        ("wallet.revoked", second.public_id),
    ]
    assert receiver.messages[2].said["data"]["replaces"] == [first.public_id]
    assert receiver.messages[3].said["data"]["status"] == "REVOKED"


def test_a_wallet_that_is_ended_in_the_wallet_is_told_once(
    shop: Shop, buyer: Customer, acquirer: Acquirer, receiver: Receiver, listens: Listens
) -> None:
    buyer.binds("TNG")
    listens(receiver)
    acquirer.will("notification_doubled", calls=1)
    buyer.revokes_in_the_wallet("TNG")
    shop.comes_to_rest()
    assert receiver.kinds() == ["wallet.revoked"]


def test_an_endpoint_hears_of_its_account_and_of_the_kinds_it_wants(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens
) -> None:
    other, everything, refunds = Receiver(), receiver, Receiver()
    from tests import factories  # noqa: PLC0415 - only here

    listens(other, "Elsewhere", account=factories.AcquirerAccountFactory())
    listens(everything, "Everything")
    listens(refunds, "Refunds", account=shop.account, kinds=["order.refunded"])
    shop.refunds(shop.charges(order))
    shop.comes_to_rest()
    for one in (other, refunds):
        one.close()
    assert other.kinds() == []
    assert everything.kinds() == ["order.paid", "order.refunded"]
    assert refunds.kinds() == ["order.refunded"]
    assert refunds.messages[0].body == everything.messages[1].body


def test_where_nobody_listens_nothing_is_written(
    shop: Shop, order: Order, receiver: Receiver, listens: Listens
) -> None:
    outbox.disable(listens(receiver), by=STAFF)
    shop.charges(order)
    shop.comes_to_rest()
    assert (WebhookEvent.objects.count(), WebhookDelivery.objects.count(), receiver.messages) == (0, 0, [])


def test_what_is_rolled_back_was_never_told(shop: Shop, order: Order, receiver: Receiver, listens: Listens) -> None:
    listens(receiver)
    payment = shop.charges(order)
    shop.comes_to_rest()
    with transaction.atomic():
        announcements.order_failed(payment)
        transaction.set_rollback(True)
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.paid"]
    with pytest.raises(RuntimeError, match="inside the transaction"):
        announcements.order_failed(payment)


# Order, repetition, the ladder.


def test_the_later_event_of_an_order_waits_and_other_orders_go_on(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    listens(receiver)
    receiver.before_answer = lambda message: receiver.will(500) if message.said["object"] == order.number else None
    shop.refunds(shop.charges(order))
    others = [another(shop, buyer) for _ in range(2)]
    shop.comes_to_rest()
    assert [message.said["object"] for message in receiver.messages] == [order.number, *(o.number for o in others)]

    receiver.before_answer = lambda message: None
    passes(seconds=20)

    mine = [message for message in receiver.messages if message.said["object"] == order.number]
    assert [message.kind for message in mine] == ["order.paid", "order.paid", "order.refunded"]
    assert mine[0].body == mine[1].body
    assert mine[0].id == mine[1].id
    assert all(is_signed(message, receiver.secret) for message in mine)


def test_a_repetition_is_the_same_bytes_with_a_timestamp_of_now(
    shop: Shop, order: Order, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    listens(receiver)
    receiver.will(500, 503, 301, 404)
    payment = shop.charges(order)
    shop.comes_to_rest()
    passes(minutes=1)
    shop.refunds(payment)  # what is true now is something else
    passes(minutes=10)
    outbox.resend(WebhookDelivery.objects.get(event__kind="order.paid"), by=STAFF)
    shop.comes_to_rest()
    paid = [message for message in receiver.messages if message.kind == "order.paid"]
    assert len(paid) == 6
    assert len({(message.body, message.id) for message in paid}) == 1
    assert len({message.headers["webhook-timestamp"] for message in paid}) == 6
    stamps = [int(message.headers["webhook-timestamp"]) for message in paid]
    pauses = [later - earlier for earlier, later in itertools.pairwise(stamps[:-1])]
    assert all(rung <= pause <= rung * 1.1 + 1 for rung, pause in zip((15, 30, 60, 120), pauses, strict=True))
    tried = WebhookAttempt.objects.order_by("pk").values_list("http_status", "is_success", "note")
    redirected = "A redirect is not followed: give the endpoint the final address."
    assert [row[:2] for row in tried][:5] == [(500, False), (503, False), (301, False), (404, False), (200, True)]
    assert [row[2] for row in tried if row[0] == 301] == [redirected]


def test_what_is_resent_holds_nothing_up(shop: Shop, order: Order, receiver: Receiver, listens: Listens) -> None:
    listens(receiver)
    payment = shop.charges(order)
    shop.comes_to_rest()
    receiver.will(500)
    outbox.resend(WebhookDelivery.objects.get(), by=STAFF)
    shop.comes_to_rest()
    shop.refunds(payment)
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.paid", "order.paid", "order.refunded"]


def test_after_thirty_days_it_is_given_up_and_the_next_goes_on(
    shop: Shop, order: Order, receiver: Receiver, listens: Listens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "DEAD_FAILURES", 1000)  # the endpoint is well: it takes everything but this order
    listens(receiver)
    receiver.before_answer = lambda message: receiver.will(500) if message.kind == "order.paid" else None
    began = clock.now()
    shop.refunds(shop.charges(order))
    shop.comes_to_rest()
    paid = WebhookDelivery.objects.get(event__kind="order.paid")
    while paid.due_at is not None:
        assert set(receiver.kinds()) == {"order.paid"}
        shop.clock_stands_at(paid.due_at)
        work.run_all_due()
        paid.refresh_from_db()
    assert receiver.kinds() == ["order.paid"] * (len(schedule.LADDER) + 1) + ["order.refunded"]
    assert (paid.state, paid.due_at, paid.times_tried) == (DeliveryState.GIVEN_UP, None, 42)
    assert paid.finished_at is not None
    assert timedelta(days=30) <= paid.finished_at - began <= timedelta(days=30, hours=7)
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject_type) == (endpoints.GIVEN_UP, "portal.WebhookEndpoint")


def test_a_person_lets_go_what_holds_the_others_up(
    shop: Shop, order: Order, receiver: Receiver, listens: Listens
) -> None:
    listens(receiver)
    receiver.will(500)
    shop.refunds(shop.charges(order))
    shop.comes_to_rest()
    paid = WebhookDelivery.objects.get(event__kind="order.paid")
    outbox.let_go(paid, by=STAFF, note="Entered by hand.")
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.paid", "order.refunded"]
    with pytest.raises(Conflict):
        outbox.let_go(paid, by=STAFF)
    outbox.resend(paid, by=STAFF)
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.paid", "order.refunded", "order.paid"]


# The dead.


def test_a_dead_endpoint_is_paused_announced_probed_and_loses_nothing(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    endpoint = listens(receiver)
    receiver.always(502)
    payment = shop.charges(order)
    passes(hours=5)  # ten attempts take 3:49 h, and up to a tenth more
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.PAUSED
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject_id, incident.is_open) == (endpoints.PAUSED, str(endpoint.pk), True)
    assert "10 attempts failed" in incident.summary
    assert "HTTP 502" in incident.summary
    tried = receiver.kinds().count("order.paid")
    assert tried == 10

    shop.refunds(payment)
    others = [another(shop, buyer) for _ in range(3)]
    passes(hours=1)
    assert receiver.kinds().count("order.paid") == tried  # only pings
    assert receiver.kinds()[tried:] == ["ping"] * len(receiver.kinds()[tried:])
    assert len(receiver.kinds()[tried:]) >= 4

    receiver.always(200)
    receiver.messages.clear()
    passes(minutes=15)

    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failures, endpoint.due_at) == (EndpointState.ACTIVE, 0, None)
    incident.refresh_from_db()
    assert (incident.is_open, incident.resolution) == (False, "The endpoint was resumed.")
    assert receiver.kinds() == ["ping", "order.paid", "order.paid", "order.paid", "order.paid", "order.refunded"]
    assert {m.said["object"] for m in receiver.messages[1:]} == {order.number, *(o.number for o in others)}
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {DeliveryState.DELIVERED}


def test_an_endpoint_that_nobody_answers_at_costs_one_attempt_at_a_time(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    listens(receiver)
    receiver.close()
    shop.charges(order)
    for _ in range(8):
        another(shop, buyer)
    shop.comes_to_rest()
    assert WebhookAttempt.objects.count() == 1
    attempt = WebhookAttempt.objects.get()
    assert (attempt.error, attempt.http_status, attempt.address) == ("no_connection", None, "")
    passes(minutes=2)
    assert WebhookAttempt.objects.count() <= 5
    assert WebhookDelivery.objects.filter(state=DeliveryState.WAITING).count() == 9


def test_a_person_pauses_and_resumes(
    shop: Shop, order: Order, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    endpoint = listens(receiver)
    outbox.pause(endpoint, by=STAFF, note="Moving house.")
    shop.charges(order)
    passes(hours=5)
    assert receiver.messages == []  # not even a ping: it is not dead
    with pytest.raises(Conflict, match="Resume it first"):
        outbox.resend(WebhookDelivery.objects.get(), by=STAFF)
    outbox.resume(endpoint, by=STAFF)
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.paid"]


def test_a_ping_that_is_taken_resumes(shop: Shop, order: Order, receiver: Receiver, listens: Listens) -> None:
    endpoint = listens(receiver)
    outbox.pause(endpoint, by=STAFF)
    shop.charges(order)
    receiver.will(500)
    assert not outbox.ping(endpoint, by=STAFF).is_success
    assert endpoint.state == EndpointState.PAUSED
    assert outbox.ping(endpoint, by=STAFF).is_success
    assert endpoint.state == EndpointState.ACTIVE
    shop.comes_to_rest()
    assert receiver.kinds() == ["ping", "ping", "order.paid"]
    assert all(is_signed(message, receiver.secret) for message in receiver.messages)
    assert receiver.messages[0].said["data"] == {}


def test_410_disables_and_a_person_finds_what_was_missed(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens
) -> None:
    keeper = Receiver()
    endpoint = listens(receiver)
    listens(keeper, "Keeper")
    receiver.will(410)
    shop.charges(order)
    shop.comes_to_rest()
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.DISABLED
    assert Incident.objects.get().kind == endpoints.DISABLED
    missed = another(shop, buyer)
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.paid"]

    outbox.resume(endpoint, by=STAFF)
    outbox.send_to(WebhookEvent.objects.get(subject_label=missed.number), [endpoint], by=STAFF)
    shop.comes_to_rest()
    keeper.close()

    assert [message.said["object"] for message in receiver.messages] == [order.number, order.number, missed.number]
    assert keeper.kinds() == ["order.paid", "order.paid"]
    assert not Incident.objects.get().is_open


def test_a_receiver_may_ask_for_time(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    listens(receiver)
    receiver.says(429, Retry_After="600")
    shop.charges(order)
    shop.comes_to_rest()
    another(shop, buyer)
    passes(minutes=9)
    assert len(receiver.messages) == 1
    passes(minutes=2)
    assert len(receiver.messages) == 3


# Secrets.


def test_after_a_rotation_both_secrets_sign_for_a_while(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens, passes: Passes
) -> None:
    endpoint = listens(receiver)
    old: Any = receiver.secret
    new = outbox.rotate_secret(endpoint, overlap=timedelta(hours=24), by=STAFF)
    shop.charges(order)
    shop.comes_to_rest()
    passes(hours=25)
    another(shop, buyer)
    shop.comes_to_rest()
    at_once = outbox.rotate_secret(endpoint, overlap=timedelta(0), by=STAFF)
    another(shop, buyer)
    shop.comes_to_rest()
    assert [[is_signed(message, key) for key in (old, new, at_once)] for message in receiver.messages] == [
        [True, True, False],
        [False, True, False],
        [False, False, True],
    ]
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT secret, previous_secret FROM portal_webhookendpoint")
        stored = str(cursor.fetchall())
    assert not any(key.removeprefix("whsec_") in stored for key in (old, new, at_once))


# Killed, and two at once.


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", ["before the deliveries", "before the wire", "after the wire"])
def test_a_process_killed_between_commit_and_delivery_forgets_nothing(
    shop: Shop, order: Order, receiver: Receiver, listens: Listens, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listens(receiver)
    shop.charges(order)  # the event is committed with the order
    real = attempts.post

    def dies(*args: Any, **options: Any) -> Any:
        if moment == "after the wire":
            real(*args)
        raise Killed

    with monkeypatch.context() as patched:
        if moment == "before the deliveries":
            patched.setattr(WebhookDelivery.objects, "bulk_create", dies)
        else:
            patched.setattr(attempts, "post", dies)
        with pytest.raises(Killed):
            work.run_all_due()
    shop.seconds_pass(due.LEASE.total_seconds() + 1)
    shop.comes_to_rest()

    assert receiver.kinds() == ["order.paid"] * (2 if moment == "after the wire" else 1)
    assert len({(message.id, message.body) for message in receiver.messages}) == 1
    assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED


def test_two_workers_at_once_send_each_event_once(
    shop: Shop, buyer: Customer, order: Order, receiver: Receiver, listens: Listens
) -> None:
    listens(receiver)
    for _ in range(12):
        another(shop, buyer)
    shop.refunds(shop.charges(order), PHP(1_00))
    start, mishaps = threading.Barrier(3), []

    def works() -> None:
        try:
            start.wait(10)
            work.run_all_due()
        except BaseException as reason:
            mishaps.append(reason)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=works) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert mishaps == []
    shop.comes_to_rest()
    ids = [message.id for message in receiver.messages]
    assert len(ids) == len(set(ids)) == 14
    mine = [message.kind for message in receiver.messages if message.said["object"] == order.number]
    assert mine == ["order.paid", "order.refunded"]


def test_one_order_told_of_by_two_at_once_counts_without_a_gap(
    shop: Shop, order: Order, receiver: Receiver, listens: Listens
) -> None:
    listens(receiver)
    payment = shop.charges(order)
    start, mishaps = threading.Barrier(6), []

    def tells() -> None:
        try:
            start.wait(10)
            with transaction.atomic():
                announcements.order_failed(Payment.objects.get(pk=payment.pk))
        except BaseException as reason:
            mishaps.append(reason)
        finally:
            connections.close_all()

    tellers = [threading.Thread(target=tells) for _ in range(6)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join(60)
    assert mishaps == []
    shop.comes_to_rest()
    assert [message.said["sequence"] for message in receiver.messages] == [1, 2, 3, 4, 5, 6, 7]


def test_an_endpoint_paused_while_a_delivery_is_in_hand_gets_it_after_the_resume(
    shop: Shop, order: Order, receiver: Receiver, listens: Listens
) -> None:
    endpoint = listens(receiver)
    shop.charges(order)
    for key in due.claim(WebhookEvent.objects.filter(due_at__isnull=False), 10):
        outbox.events_due.work(key)
    (held,) = outbox.deliveries_due.claim(10, clock.now() + due.CARRIED)
    outbox.pause(WebhookEndpoint.objects.get(), by=STAFF)
    assert outbox.deliveries_due.work(held).endswith("waits")
    assert WebhookDelivery.objects.get().due_at is None
    shop.comes_to_rest()
    assert receiver.messages == []
    outbox.resume(endpoint, by=STAFF)
    shop.comes_to_rest()
    assert receiver.kinds() == ["order.paid"]
