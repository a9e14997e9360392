"""Due work: a batch is worked on by whoever proves its claim, not beyond its lease, and what fails is an incident."""

from datetime import timedelta
from typing import Any

import pytest

from payments.models import Payment
from portal import clock, due, inbox, registry, work
from portal.gateways import AccountNotReady
from portal.models import AcquirerKey, Incident
from portal.registry import DueWork, Registry
from tests import factories
from tests.story import StoryClock

pytestmark = pytest.mark.django_db


def only(monkeypatch: pytest.MonkeyPatch, doing: Any) -> None:
    """Let payments be the only due work, done by ``doing``."""
    kinds: Registry[DueWork] = Registry("due work")
    kinds.register("payments", due.work_on(Payment.objects.all, doing))
    monkeypatch.setattr(registry, "due_work", kinds)


def waiting(count: int) -> list[int]:
    """So many rows that are due by now, in the order of their ids: rows of one moment come in any order."""
    first = clock.now() - timedelta(microseconds=count)
    due_at = [first + timedelta(microseconds=place) for place in range(count)]
    return [factories.PaymentFactory(unknown=True, due_at=moment).pk for moment in due_at]


def test_a_batch_is_left_to_others_before_its_lease_is_over(
    monkeypatch: pytest.MonkeyPatch, story_clock: StoryClock
) -> None:
    rows, worked, leased_until = waiting(4), [], []

    def slowly(pk: int) -> str:
        worked.append(pk)
        leased_until.append(Payment.objects.get(pk=pk).lease_until)
        story_clock.move(timedelta(seconds=45))
        return str(pk)

    only(monkeypatch, slowly)
    for _ in work.run_due():
        assert clock.now() <= leased_until[-1]
    assert worked == rows[:2]  # the third could have outlived its lease

    story_clock.move(timedelta(seconds=31))
    assert due.claim(Payment.objects.filter(pk__in=rows), 10) == rows  # nothing is lost


def test_a_batch_that_comes_twice_is_worked_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, copies = waiting(3), []
    only(monkeypatch, str)
    assert work.carry(copies.append, room=1) == 1
    batch = copies[0]
    assert (batch.kind, list(batch.ids), batch.held_until) == ("payments", rows, clock.now() + due.CARRIED)

    first, second = work.work_on(batch), work.work_on(batch)
    assert next(first) == ("payments", str(rows[0]))
    assert list(second) == []  # while the first is at it
    assert len(list(first)) == 2
    assert list(work.work_on(batch)) == []  # and afterwards: the rows are leased anew


def test_a_late_batch_is_worked_on_unless_its_rows_were_claimed_anew(
    monkeypatch: pytest.MonkeyPatch, story_clock: StoryClock
) -> None:
    rows, sent = waiting(4), []
    only(monkeypatch, str)
    work.carry(sent.append, room=2)
    assert [list(batch.ids) for batch in sent] == [rows[:2], rows[2:]]
    story_clock.move(due.CARRIED + timedelta(seconds=1))
    assert len(list(work.work_on(sent[0]))) == 2  # late, and nobody else came

    work.carry(sent.append, room=1)
    assert list(sent[2].ids) == rows[2:]
    assert list(work.work_on(sent[1])) == []
    assert len(list(work.work_on(sent[2]))) == 2


def test_what_nobody_can_be_given_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, sent = waiting(20), []
    only(monkeypatch, str)

    def send(batch: work.Batch) -> None:
        if len(sent) == 2:
            raise ConnectionResetError
        sent.append(batch)

    with pytest.raises(ConnectionResetError):
        work.carry(send, room=100)
    assert [list(batch.ids) for batch in sent] == [rows[:2], rows[2:4]]  # few rows for many hands
    assert due.claim(Payment.objects.all(), 100) == rows[4:]


def test_the_kinds_take_turns_and_no_more_is_claimed_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "BATCH", 2)
    monkeypatch.setattr(work, "CLAIM", 4)
    rows, sent = waiting(10), []
    only(monkeypatch, str)
    other = factories.NotificationFactory(status="RECEIVED", due_at=clock.now())
    registry.due_work.register("notifications", inbox.notifications_due, position=200)
    assert work.carry(sent.append, room=4) == 4
    assert [(batch.kind, list(batch.ids)) for batch in sent] == [
        ("payments", rows[:1]),
        ("payments", rows[1:2]),
        ("payments", rows[2:3]),
        ("payments", rows[3:4]),
    ]
    sent.clear()
    assert work.carry(sent.append, room=0) == 0
    assert work.carry(sent.append, room=100) == 7
    assert [(batch.kind, len(batch.ids)) for batch in sent] == [
        *[("payments", 1)] * 4,
        ("notifications", 1),
        *[("payments", 1)] * 2,
    ]
    assert other.pk == sent[4].ids[0]


def test_a_batch_of_a_kind_nobody_knows_is_refused_before_anything_is_touched() -> None:
    with pytest.raises(KeyError):
        list(work.work_on(work.Batch("parcels", (1,), clock.now())))


def test_what_was_claimed_and_not_begun_is_given_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = waiting(3)
    only(monkeypatch, str)
    for _ in work.run_due():
        break  # told to stop after the first
    assert list(due.free(Payment.objects.all(), clock.now()).values_list("pk", flat=True).order_by("pk")) == rows[1:]


def test_what_cannot_be_worked_on_is_an_incident_and_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, story_clock: StoryClock
) -> None:
    broken, _ = waiting(2)

    def once(pk: int) -> str:
        if pk == broken:
            raise ZeroDivisionError
        due.hold(Payment.objects.get(pk=pk), due_at=None)
        return "done"

    only(monkeypatch, once)
    assert work.run_all_due() == [f"payments {broken}: failed (ZeroDivisionError), tried again later", "done"]
    story_clock.move(due.LEASE + timedelta(seconds=1))
    work.run_all_due()
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject_type, incident.subject_id, incident.times_seen) == (
        work.FAILED,
        "payments.Payment",
        str(broken),
        2,
    )


def test_an_unknown_payment_of_an_account_without_keys_is_an_incident() -> None:
    payment = factories.PaymentFactory(unknown=True, due_at=clock.now())
    AcquirerKey.objects.filter(account=payment.account).delete()
    assert work.run_all_due() == [f"payments {payment.pk}: failed ({AccountNotReady.__name__}), tried again later"]
    incident = Incident.objects.get()
    assert incident.subject_id == str(payment.pk)
    assert "has no public key of the acquirer yet" in incident.detail


def test_what_is_soon_done_is_claimed_by_as_many_as_its_kind_says(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = waiting(work.BATCH + 2)
    together: list[list[int]] = []

    def many(ids: Any, may_go_on: Any) -> Any:
        together.append(list(ids))
        yield from ((pk, "done") for pk in ids)

    kinds: Registry[DueWork] = Registry("due work")
    kinds.register("payments", due.work_on(Payment.objects.all, str, many=many, at_once=len(rows) - 1))
    monkeypatch.setattr(registry, "due_work", kinds)

    assert len(list(work.run_due())) == len(rows) - 1
    assert together == [rows[:-1]]
    assert set(Payment.objects.filter(pk__in=rows[:-1]).values_list("lease_until", flat=True)) == {
        clock.now() + due.LEASE
    }
