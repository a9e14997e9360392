"""What a history asks in place of the idle worker's many questions says the same as they do, and hides no work."""

from datetime import timedelta

import pytest

from payments.models import Payment
from portal import clock, due, registry, work
from portal.simulation.agenda import Agenda
from tests import factories
from tests.story import StoryClock

pytestmark = pytest.mark.django_db


def test_it_says_when_the_worker_has_something_to_do(story_clock: StoryClock) -> None:
    agenda = Agenda()
    assert (agenda.next_due(), agenda.is_due(), agenda.looks_due()) == (None, False, False)

    factories.NotificationFactory(status="RECEIVED", due_at=clock.now() + timedelta(hours=2))
    factories.PaymentFactory(unknown=True, due_at=clock.now() + timedelta(minutes=1))
    assert agenda.next_due() == work.next_due() == clock.now() + timedelta(minutes=1)
    assert not agenda.looks_due()

    story_clock.move(timedelta(minutes=1))
    assert agenda.is_due()
    assert agenda.looks_due("payments")
    assert not agenda.looks_due("notifications")


def test_what_somebody_holds_looks_due_all_the_same(story_clock: StoryClock) -> None:
    agenda = Agenda()
    payment = factories.PaymentFactory(unknown=True, due_at=clock.now())
    due.claim(Payment.objects.all(), 1)

    assert not agenda.is_due()
    assert agenda.next_due() == clock.now() + due.LEASE
    assert agenda.looks_due("payments")  # that it is left alone is for the claim to show

    Payment.objects.filter(pk=payment.pk).update(due_at=None, lease_until=None)
    assert agenda.next_due() is None
    assert not agenda.looks_due()


def test_while_it_is_kept_only_what_looks_due_is_claimed(story_clock: StoryClock) -> None:
    agenda, kinds = Agenda(), dict(registry.due_work.items())
    until = clock.now() + due.CARRIED
    waiting = factories.PaymentFactory(unknown=True, due_at=clock.now())

    with agenda.kept():
        assert [name for name, _ in registry.due_work.items()] == list(kinds)
        claimed = {name: kind.claim(10, until) for name, kind in registry.due_work.items()}
        factories.NotificationFactory(status="RECEIVED", due_at=clock.now())
        afterwards = {name: kind.claim(10, until) for name, kind in registry.due_work.items()}

    assert {name: ids for name, ids in claimed.items() if ids} == {"payments": [waiting.pk]}
    assert [name for name, ids in afterwards.items() if ids] == ["notifications"]
    assert dict(registry.due_work.items()) == kinds
