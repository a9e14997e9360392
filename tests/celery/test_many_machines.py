"""Celery as the engine of many machines: whatever the broker does, every row is worked on, and never twice at once."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from payments.models import Payment
from payments.states import PaymentStatus
from portal import clock, due, work
from portal.models import Incident
from tests.celery import brokers
from tests.celery.machines import PROCESSES, Machines, at_once
from tests.story import PHP, Acquirer, Customer, Shop

pytestmark = pytest.mark.timeout(150)
COUNT = 32
FEE = PHP(10_00)


@pytest.fixture
def unknown(buyer: Customer, shop: Shop, acquirer: Acquirer) -> list[int]:
    """Payments whose answer and notification were lost; asked, the sandbox takes its time. None is due yet."""
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay", calls=COUNT)
    acquirer.will("notification_lost", notification="notifyPayment", calls=COUNT)
    acquirer.will("slow_answer", api="inquiryPayment", seconds=0.05, calls=10_000)
    return [shop.charges(shop.sells(f"Pass {number}", FEE, to=buyer)).pk for number in range(COUNT)]


def fall_due(shop: Shop) -> None:
    shop.clock_stands_at(max(Payment.objects.values_list("due_at", flat=True)))


def paid() -> int:
    return Payment.objects.filter(status=PaymentStatus.SUCCEEDED).count()


def all_heal(machines: Machines, acquirer: Acquirer) -> None:
    machines.until(lambda: paid() == COUNT, meanwhile=acquirer.tick)


def everything_ended_well(buyer: Customer, acquirer: Acquirer) -> None:
    """The whole picture of the rows: each paid, its money taken once, and nobody holds or waits for any."""
    assert Counter(Payment.objects.values_list("status", "due_at", "lease_until")) == {
        (PaymentStatus.SUCCEEDED, None, None): COUNT
    }
    assert acquirer.took_from(buyer) == [FEE] * COUNT
    assert list(Incident.objects.values_list("kind", "summary", "detail")) == []


def each_was_handled_once(machines: Machines, unknown: list[int], acquirer: Acquirer) -> None:
    handled = Counter((one.kind, one.pk) for one in machines.handled())
    assert handled == {("payments", pk): 1 for pk in unknown}
    assert len(acquirer.calls("inquiryPayment")) == COUNT


def claims_run_out(shop: Shop) -> None:
    """Let it be so much later that what was sent and not begun is free again."""
    shop.clock_stands_at(clock.now() + due.CARRIED)
    shop.seconds_pass(1)


@contextmanager
def in_the_middle(machines: Machines, acquirer: Acquirer) -> Iterator[None]:
    """All processes wait for an answer, some rows are paid, and messages wait at the broker. Then it goes on.

    Left alone, they need less than half a second for everything: a busy test would come to look when all is over.
    """
    may_answer = threading.Event()
    for _ in range(2 * PROCESSES):  # a message holds two rows, so some are through with theirs
        acquirer.meanwhile("inquiryPayment", lambda: None, moment="come")
    for _ in range(PROCESSES):
        acquirer.meanwhile("inquiryPayment", lambda: may_answer.wait(30), moment="come")
    try:
        machines.until(lambda: paid() >= 3 and brokers.waiting(machines.broker) > 0, meanwhile=acquirer.tick)
        yield
    finally:
        may_answer.set()


def nothing_in_hand() -> bool:
    """Whether nobody works on a row: what is held is only claimed."""
    held = Payment.objects.filter(lease_until__isnull=False).values_list("lease_until", flat=True)
    return all(lease_until <= clock.now() + due.CARRIED for lease_until in held)


def nothing_claimed() -> bool:
    """Whether every row is free: beat takes some each time it tries to send, and lets them go when it cannot."""
    return not Payment.objects.filter(lease_until__gte=clock.now()).exists()


def test_unknown_payments_heal_and_the_processes_share_the_work(
    machines: Machines, unknown: list[int], buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    all_are_there = threading.Barrier(PROCESSES)
    for _ in range(PROCESSES):  # nobody is answered before everybody has asked: they ask at the same time
        acquirer.meanwhile("inquiryPayment", lambda: all_are_there.wait(30), moment="come")
    fall_due(shop)
    all_heal(machines, acquirer)
    everything_ended_well(buyer, acquirer)
    each_was_handled_once(machines, unknown, acquirer)

    assert (all_are_there.broken, acquirer.mishaps) == (False, [])
    assert len({one.pid for one in machines.handled()}) == PROCESSES
    said = {f" portal.worker payment {one.payment_request_id}: Paid" for one in Payment.objects.all()}
    machines.until(lambda: all(machines.said(line) for line in said), meanwhile=acquirer.tick)


def test_the_broker_is_emptied_in_the_middle(
    machines: Machines, unknown: list[int], buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    fall_due(shop)
    with in_the_middle(machines, acquirer):
        assert brokers.purge(machines.broker) > 0
    machines.until(nothing_in_hand, meanwhile=acquirer.tick)
    assert paid() < COUNT  # what was thrown away is a delay

    claims_run_out(shop)
    all_heal(machines, acquirer)
    everything_ended_well(buyer, acquirer)
    each_was_handled_once(machines, unknown, acquirer)


def test_the_broker_dies_and_comes_back_with_nothing(
    machines: Machines, unknown: list[int], buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    fall_due(shop)
    with ExitStack() as story:
        with in_the_middle(machines, acquirer):
            story.enter_context(brokers.gone(machines.broker))
        machines.until(nothing_in_hand, meanwhile=acquirer.tick)  # what was in hand is finished without a broker
        assert paid() < COUNT
        claims_run_out(shop)
        machines.until(lambda: bool(machines.said("beat: the broker does not answer")), meanwhile=acquirer.tick)
        machines.until(nothing_claimed, meanwhile=acquirer.tick)  # what could not be sent is free again

    all_heal(machines, acquirer)
    everything_ended_well(buyer, acquirer)
    each_was_handled_once(machines, unknown, acquirer)


def test_every_message_is_delivered_twice(
    machines: Machines, unknown: list[int], buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    machines.deliver_everything_twice(on=True)
    fall_due(shop)
    all_heal(machines, acquirer)
    machines.until(lambda: set(Counter(machines.messages()).values()) == {2}, meanwhile=acquirer.tick)
    machines.until(lambda: brokers.waiting(machines.broker) == 0, meanwhile=acquirer.tick)
    everything_ended_well(buyer, acquirer)
    each_was_handled_once(machines, unknown, acquirer)


def test_the_worker_without_a_broker_may_help(
    machines: Machines,
    unknown: list[int],
    buyer: Customer,
    shop: Shop,
    acquirer: Acquirer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work, "BATCH", 2)
    fall_due(shop)
    here = work.run_all_due()
    all_heal(machines, acquirer)
    everything_ended_well(buyer, acquirer)
    assert len(here) + len(machines.handled()) == COUNT
    assert len(acquirer.calls("inquiryPayment")) == COUNT


def test_a_worker_told_to_stop_finishes_the_rows_in_hand_and_gives_back_the_rest(
    machines: Machines, unknown: list[int], buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    asked, may_answer = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        asked.release()
        may_answer.wait(30)

    for _ in range(PROCESSES):
        acquirer.meanwhile("inquiryPayment", wait, moment="come")
    fall_due(shop)
    assert all(asked.acquire(timeout=30) for _ in range(PROCESSES))
    machines.tell_the_worker_to_stop()
    may_answer.set()
    machines.wait_for_the_worker_to_end()
    assert paid() == len(machines.handled()) == PROCESSES
    assert nothing_in_hand()

    machines.start()
    all_heal(machines, acquirer)
    everything_ended_well(buyer, acquirer)
    each_was_handled_once(machines, unknown, acquirer)


def test_a_worker_is_killed_with_batches_in_hand_and_another_finishes_after_the_lease(
    machines: Machines, unknown: list[int], buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    asked, may_answer = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        asked.release()
        may_answer.wait(30)

    for _ in range(PROCESSES):
        acquirer.meanwhile("inquiryPayment", wait, moment="come")
    fall_due(shop)
    assert all(asked.acquire(timeout=30) for _ in range(PROCESSES))
    machines.kill_the_worker()
    killed_at = time.monotonic()
    may_answer.set()
    in_hand = set(Payment.objects.filter(lease_until=clock.now() + due.LEASE).values_list("pk", flat=True))
    begun = {one.pk: one.pid for one in machines.handled()}
    assert paid() == 0
    assert len(begun) == PROCESSES < len(in_hand) < COUNT
    assert set(begun) <= in_hand

    machines.start()
    machines.until(lambda: paid() == COUNT - len(in_hand), meanwhile=acquirer.tick)
    assert set(Payment.objects.filter(status=PaymentStatus.PROCESSING).values_list("pk", flat=True)) == in_hand
    shop.clock_stands_at(clock.now() + due.LEASE)
    assert paid() == COUNT - len(in_hand)  # not a moment before the lease is over
    shop.seconds_pass(1)
    all_heal(machines, acquirer)
    everything_ended_well(buyer, acquirer)
    handled = machines.handled()
    assert Counter(one.pk for one in handled) == {pk: 2 if pk in begun else 1 for pk in unknown}
    assert at_once(handled, ended=dict.fromkeys(begun.values(), killed_at)) == []
