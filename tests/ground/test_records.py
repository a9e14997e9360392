"""History is only ever added to, incidents are one per kind and subject, and a lease belongs to one worker."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from payments.models import Payment
from payments.states import PaymentStatus
from portal import clock, due, incidents, journal
from portal.actor import Actor
from portal.errors import Conflict
from portal.idempotency import KeyInFlight, KeyReused, remember, replayed
from portal.models import Exchange, Incident, JournalEntry
from tests.factories import ExchangeFactory, PaymentFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_the_journal_is_only_added_to() -> None:
    entry = journal.write("refund", by=Actor.person(UserFactory()), note="broken cup")
    entry.note = "something else"
    for attempt in (entry.save, entry.delete, JournalEntry.objects.all().delete):
        with pytest.raises(TypeError, match="only added to"):
            attempt()
    with pytest.raises(TypeError, match="only added to"):
        JournalEntry.objects.update(note="something else")
    assert JournalEntry.objects.get().note == "broken cup"


def test_exchanges_and_changes_are_only_added_to() -> None:
    exchange = ExchangeFactory()
    with pytest.raises(TypeError):
        exchange.save()
    with pytest.raises(TypeError):
        Exchange.objects.all().delete()


def test_one_open_incident_per_kind_and_subject() -> None:
    payment = PaymentFactory()
    first = incidents.raise_incident("PAYMENT_UNKNOWN", "no answer", subject=payment)
    assert incidents.raise_incident("PAYMENT_UNKNOWN", "no answer", subject=payment).pk == first.pk
    assert Incident.objects.get().times_seen == 2
    staff = Actor.person(UserFactory())
    incidents.close(first, by=staff, resolution="asked support")
    with pytest.raises(Conflict):
        incidents.close(first, by=staff, resolution="again")
    assert incidents.raise_incident("PAYMENT_UNKNOWN", "no answer", subject=payment).pk != first.pk


def test_a_lease_goes_to_one_worker_and_runs_out(story_clock: clock.VirtualClock) -> None:
    payment = PaymentFactory(status=PaymentStatus.PROCESSING, due_at=clock.now())
    rows = Payment.objects.all()
    assert due.claim(rows, 10) == [payment.pk]
    assert due.claim(rows, 10) == []  # a second worker finds nothing
    assert due.next_due(rows) == clock.now() + due.LEASE
    story_clock.move(due.LEASE + timedelta(seconds=1))  # the first was killed
    assert due.claim(rows, 10) == [payment.pk]


def test_an_idempotency_key_belongs_to_one_request() -> None:
    with transaction.atomic():
        remember("buyer:1", "k", "f1", resource_type="payment", resource_id="7")
    assert replayed("buyer:1", "k", "f1") == ("payment", "7")
    assert replayed("buyer:2", "k", "f1") is None
    with pytest.raises(KeyReused):
        replayed("buyer:1", "k", "f2")
    with pytest.raises(KeyInFlight):
        remember("buyer:1", "k", "f1", resource_type="payment", resource_id="8")


@pytest.mark.parametrize(
    "facts",
    [
        {"amount_value": 0},
        {"amount_value": -1},
        {"returned_value": -1},
        {"returned_value": 10**9},
        {"status": "DONE"},
        {"status": PaymentStatus.SUCCEEDED, "paid_at": None},
    ],
    ids=str,
)
def test_the_database_refuses_what_cannot_be_true(facts: dict[str, object]) -> None:
    payment = PaymentFactory(status=PaymentStatus.PROCESSING)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**facts)


def test_one_live_payment_per_order() -> None:
    payment = PaymentFactory(status=PaymentStatus.PROCESSING)
    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentFactory(order=payment.order, wallet_account=payment.wallet_account, status=PaymentStatus.SUCCEEDED)
    Payment.objects.filter(pk=payment.pk).update(status=PaymentStatus.FAILED)
    PaymentFactory(order=payment.order, wallet_account=payment.wallet_account, status=PaymentStatus.SUCCEEDED)
