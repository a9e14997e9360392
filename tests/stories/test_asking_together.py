"""Many payments are unknown at once: the worker asks about one after the other and records together what it heard.

Nothing that a payment would end as alone may change by that, whoever acts or dies while answers wait to be recorded.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import operations, tasks
from payments.models import Cancel, Contradiction, Payment
from payments.states import CancelStatus, Messenger, OrderStatus, PaymentStatus
from portal import clock, due, registry, work
from portal.acquirer.results import PaymentInquiry
from portal.models import Exchange, Incident
from portal.work import work_on
from tests.stories.test_killed import Killed, killed
from tests.story import PHP, Acquirer, Customer, Shop, StoryClock

pytestmark = pytest.mark.django_db
S = PaymentStatus
Heard = Sequence[tuple[Payment, PaymentInquiry]]


@pytest.fixture
def unknown(buyer: Customer, shop: Shop, acquirer: Acquirer) -> Callable[..., Payment]:
    """A payment whose answer and message were lost; or that fails, or goes on, at the acquirer."""
    buyer.binds("GCASH")

    def one(fault: str = "", **options: Any) -> Payment:
        acquirer.will("answer_lost", api="pay")
        acquirer.will("notification_lost", notification="notifyPayment")
        if fault:
            acquirer.will(fault, **options)
        return shop.charges(shop.sells("Pass", PHP(100_00), to=buyer))

    return one


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers were recorded at once, time after time."""
    sizes: list[int] = []
    record = operations.record_inquiries

    def noted(heard: Heard) -> None:
        sizes.append(len(heard))
        record(heard)

    monkeypatch.setattr(operations, "record_inquiries", noted)
    return sizes


def later(story_clock: StoryClock, **span: float) -> list[str]:
    """The lines of the worker, which looks once after that time."""
    story_clock.move(timedelta(**span))
    return [line for kind, line in work.run_due() if kind == "payments"]


def now(*payments: Payment) -> list[str]:
    """Their states."""
    for payment in payments:
        payment.refresh_from_db()
    return [payment.status for payment in payments]


def test_each_ends_as_it_would_alone(
    unknown: Callable[..., Payment], together: list[int], story_clock: StoryClock, acquirer: Acquirer, buyer: Customer
) -> None:
    paid, failed, also = unknown(), unknown("payment_fails", code="RISK_REJECT"), unknown()
    goes_on = unknown("payment_stays_processing", expires=False)
    lines = later(story_clock, seconds=30)
    assert together == [4]
    assert len(lines) == 4
    assert now(paid, failed, also, goes_on) == [S.SUCCEEDED, S.FAILED, S.SUCCEEDED, S.PROCESSING]
    assert [payment.order.status for payment in Payment.objects.order_by("pk")] == [
        OrderStatus.PAID,
        OrderStatus.INIT,
        OrderStatus.PAID,
        OrderStatus.INIT,
    ]
    for payment in (paid, also):
        assert payment.order.changes.count() == 1
        assert [change.heard_from for change in payment.changes.all()] == [Messenger.US, Messenger.INQUIRY]
        assert (payment.payment_id != "", payment.due_at, payment.lease_until, payment.questions_asked) == (
            True,
            None,
            None,
            1,
        )
        assert Exchange.objects.filter(api="inquiryPayment", subject=payment.payment_request_id).count() == 1
    assert goes_on.due_at is not None
    assert goes_on.due_at > clock.now()
    assert goes_on.lease_until is None
    assert acquirer.took_from(buyer) == [PHP(100_00)] * 2


def test_many_take_as_many_statements_as_two(unknown: Callable[..., Payment], story_clock: StoryClock) -> None:
    def statements(count: int) -> int:
        for _ in range(count):
            unknown()
        with CaptureQueriesContext(connection) as captured:
            assert len(later(story_clock, seconds=30)) == count
        return len(captured)

    statements(2)  # whatever is read once
    assert statements(5) == statements(2)


def test_whoever_dies_before_the_answers_are_recorded_asks_again(
    unknown: Callable[..., Payment], together: list[int], story_clock: StoryClock, acquirer: Acquirer, buyer: Customer
) -> None:
    payments = [unknown() for _ in range(3)]
    with killed("after the wire", "inquiryPayment"):
        later(story_clock, seconds=30)

    def dies(heard: Heard) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(operations, "record_inquiries", dies)
        with pytest.raises(Killed):
            later(story_clock, seconds=0)
    assert (now(*payments), together) == ([S.PROCESSING] * 3, [])
    assert not Exchange.objects.filter(api="inquiryPayment").exists()
    later(story_clock, seconds=due.LEASE.total_seconds() + 1)
    assert (now(*payments), together) == ([S.SUCCEEDED] * 3, [3])
    assert acquirer.took_from(buyer) == [PHP(100_00)] * 3


def test_what_happens_while_answers_wait_is_seen_when_they_are_recorded(
    unknown: Callable[..., Payment], story_clock: StoryClock, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled, told, untouched = unknown(), unknown(), unknown()
    record = operations.record_inquiries

    def meanwhile(heard: Heard) -> None:
        shop.seconds_pass(1)
        shop.cancels(Payment.objects.get(pk=cancelled.pk))
        operations.ask(Payment.objects.get(pk=told.pk))  # a person asks, and is faster
        record(heard)

    monkeypatch.setattr(operations, "record_inquiries", meanwhile)
    later(story_clock, seconds=30)
    assert now(cancelled, told, untouched) == [S.CANCELLED, S.SUCCEEDED, S.SUCCEEDED]
    assert Cancel.objects.get().status == CancelStatus.CONFIRMED
    assert [payment.changes.count() for payment in (cancelled, told, untouched)] == [2, 2, 2]
    assert [payment.order.changes.count() for payment in (told, untouched)] == [1, 1]
    monkeypatch.undo()
    later(story_clock, hours=1)
    assert now(cancelled, told, untouched) == [S.CANCELLED, S.SUCCEEDED, S.SUCCEEDED]
    assert not Contradiction.objects.filter(settled_at=None).exists()


def test_answers_that_come_slowly_wait_for_nobody(
    unknown: Callable[..., Payment], together: list[int], story_clock: StoryClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = [unknown() for _ in range(3)]
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.0)
    later(story_clock, seconds=30)
    assert (now(*payments), together) == ([S.SUCCEEDED] * 3, [1, 1, 1])


def test_when_they_cannot_be_recorded_together_each_is_worked_on_by_itself(
    unknown: Callable[..., Payment], story_clock: StoryClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = [unknown() for _ in range(3)]
    monkeypatch.setattr(operations, "record_inquiries", lambda heard: 1 / 0)
    lines = later(story_clock, seconds=30)
    assert (now(*payments), len(lines)) == ([S.SUCCEEDED] * 3, 3)
    assert not Incident.objects.exists()


def test_nothing_more_is_asked_when_the_worker_is_told_to_stop(
    unknown: Callable[..., Payment], together: list[int], story_clock: StoryClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = [unknown() for _ in range(4)]
    asked: list[int] = []
    inquire = operations.inquire

    def noted(payment: Payment, *who: Any) -> PaymentInquiry:
        asked.append(payment.pk)
        return inquire(payment, *who)

    monkeypatch.setattr(operations, "inquire", noted)
    story_clock.move(timedelta(seconds=30))
    kind = registry.due_work.get("payments")
    assert kind is not None
    batch = work.claim("payments", kind, work.BATCH)
    lines = list(work_on(batch, stop=lambda: len(asked) == 2))  # here, also where a broker carries batches elsewhere
    assert (len(asked), together, len(lines)) == (2, [2], 2)
    assert sorted(now(*payments)) == [S.PROCESSING] * 2 + [S.SUCCEEDED] * 2
    assert Payment.objects.filter(status=S.PROCESSING, lease_until=None, due_at__lte=clock.now()).count() == 2
