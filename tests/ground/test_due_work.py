"""Due work: a batch is not worked on beyond its lease, and what cannot be worked on becomes an incident."""

from datetime import timedelta
from typing import Any

import pytest

from payments.models import Payment
from portal import clock, due, registry, work
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
    return [factories.PaymentFactory(unknown=True, due_at=clock.now()).pk for _ in range(count)]


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
