"""A small year of subscriptions; ``python -m tests.simulation.year`` tells a large one."""

from datetime import timedelta

import pytest

from payments.models import Cycle, SubscriptionChange
from payments.subscriptions import operations
from portal.actor import Actor
from portal.simulation.history import Teller
from tests.simulation.year import FIRST, Year

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_due_cycle_of_a_year_is_charged_once(teller: Teller) -> None:
    with teller.world(5) as world:
        year = Year(world, 16, 5)
        year.tell()

        assert year.mistakes() == []
        assert Cycle.objects.filter(status="PAID").count() > 60
        assert set(SubscriptionChange.objects.values_list("target", flat=True)) >= {"PAUSED", "ACTIVE", "IN_GRACE"}
        assert Cycle.objects.filter(due_on="2028-02-29").exists()


def test_who_pauses_before_the_first_charge_was_opened_is_not_charged(teller: Teller) -> None:
    with teller.world(6) as world:
        year = Year(world, 18, 6)
        year.begin()
        for begun in year.subscriptions[::2]:
            operations.pause(begun, by=Actor.buyer("year"))
        year.pass_until(FIRST + timedelta(days=3))

        assert year.mistakes() == []
        assert not Cycle.objects.filter(subscription__in=year.subscriptions[::2]).exists()
        assert Cycle.objects.filter(due_on__lte=FIRST.date(), status="PAID").exists()
