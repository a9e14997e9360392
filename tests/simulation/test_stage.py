"""Every history begins where the shop opened, whatever the one before it left, and keys lead somewhere at its end."""

import pytest
from django.db import connection, transaction

from authorizations.models import Buyer
from payments.models import Order
from portal.simulation.history import Teller
from portal.simulation.stage import dangling

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_a_history_writes_is_there_while_it_is_told_and_taken_back_afterwards(teller: Teller) -> None:
    with teller.world(1) as world:
        buyers = Buyer.objects.count()
        with transaction.atomic():
            Buyer.objects.create(account=world.accounts["sim"], reference="nobody")
            transaction.set_rollback(True)
        with transaction.atomic():
            kept = Buyer.objects.create(account=world.accounts["sim"], reference="otto")
            with transaction.atomic():
                Buyer.objects.create(account=world.accounts["sim"], reference="nobody")
                transaction.set_rollback(True)
        assert Buyer.objects.count() == buyers + 1

    with teller.world(1) as world:
        assert Buyer.objects.count() == buyers
        assert Buyer.objects.create(account=world.accounts["sim"], reference="otto").pk <= kept.pk


def test_what_was_written_between_two_histories_is_not_in_the_second(teller: Teller) -> None:
    with teller.world(1):
        buyers = Buyer.objects.count()
    first = Buyer.objects.order_by("pk").values_list("pk", flat=True)[0]
    Buyer.objects.filter(pk=first).update(reference="somebody else")

    with teller.world(1):
        assert Buyer.objects.count() == buyers
        assert not Buyer.objects.filter(reference="somebody else").exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL refuses the commit")
def test_a_row_that_points_nowhere_breaks_a_history(teller: Teller) -> None:
    with teller.world(1) as world:
        assert dangling() == []
        buyer = world.buyers[0]
        Order.objects.create(account=buyer.account, buyer_id=9999, number="O1", amount_value=100, currency="PHP")

        assert len(dangling()) == 1
        assert dangling()[0].endswith("of payments_order points to no row of authorizations_buyer")
