"""A small year of subscriptions; ``python -m tests.simulation.year`` tells a large one."""

import pytest

from payments.models import Cycle, SubscriptionChange
from portal.simulation.history import Teller
from tests.simulation.year import Year

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_due_cycle_of_a_year_is_charged_once(teller: Teller) -> None:
    with teller.world(5) as world:
        year = Year(world, 16, 5)
        year.tell()

        assert year.mistakes() == []
        assert Cycle.objects.filter(status="PAID").count() > 60
        assert set(SubscriptionChange.objects.values_list("target", flat=True)) >= {"PAUSED", "ACTIVE", "IN_GRACE"}
        assert Cycle.objects.filter(due_on="2028-02-29").exists()
