"""The week's figures are added up once per hour, and stay what the payments say."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from payments import figures
from payments.models import Payment, PaymentHour
from payments.states import PaymentStatus
from portal import clock
from tests import factories
from tests.story import StoryClock

pytestmark = pytest.mark.django_db


def paid_since(hours: int) -> int:
    return sum(one.paid_value for one in figures.since(clock.now() - timedelta(hours=hours)).figures())


def test_the_kept_hours_say_what_the_payments_say(story_clock: StoryClock) -> None:
    for hours in range(30):
        factories.PaymentFactory(
            order__amount_value=(hours + 1) * 100, order__paid=True, created_at=clock.now() - timedelta(hours=hours)
        )
        factories.PaymentFactory(failed=True, created_at=clock.now() - timedelta(hours=hours))

    first, again = paid_since(48), paid_since(48)

    assert first == again == Payment.objects.filter(paid_at__isnull=False).aggregate(all=Sum("amount_value"))["all"]
    assert PaymentHour.objects.count() == 47  # all but the running hour and the one that has just ended
    assert sum(one.times for one in figures.since(clock.now() - timedelta(hours=48)).figures()) == 60


def test_an_hour_that_holds_something_unknown_is_asked_again_each_time() -> None:
    then = clock.now() - timedelta(hours=5)
    payment = factories.PaymentFactory(unknown=True, created_at=then)

    assert paid_since(10) == 0
    Payment.objects.filter(pk=payment.pk).update(status=PaymentStatus.SUCCEEDED, paid_at=clock.now())

    assert paid_since(10) == payment.amount_value
    assert paid_since(10) == payment.amount_value
    assert PaymentHour.objects.filter(hour=then.replace(minute=0, second=0, microsecond=0)).exists()


def test_an_hour_is_added_up_anew_after_a_day(story_clock: StoryClock) -> None:
    then = clock.now() - timedelta(hours=5)
    payment = factories.PaymentFactory(created_at=then)
    assert paid_since(10) == payment.amount_value
    Payment.objects.filter(pk=payment.pk).update(amount_value=payment.amount_value + 100)
    assert paid_since(10) == payment.amount_value  # as it was added up

    story_clock.move(timedelta(hours=25))
    assert paid_since(40) == payment.amount_value + 100


@pytest.mark.parametrize("zone", ["Asia/Singapore", "Asia/Kolkata", "America/New_York", "UTC"])
def test_each_payment_counts_on_its_day_in_any_zone(settings: object, zone: str) -> None:
    settings.TIME_ZONE = zone  # type: ignore[attr-defined]
    from django.utils import timezone  # noqa: PLC0415

    made = [factories.PaymentFactory(created_at=clock.now() - timedelta(minutes=25 * count)) for count in range(80)]
    expected: dict[object, int] = {}
    for payment in made:
        day = timezone.localtime(payment.created_at).date()
        expected[day] = expected.get(day, 0) + 1

    for _ in range(2):  # added up, and kept
        counted: dict[object, int] = {}
        for one in figures.since(clock.now() - timedelta(days=3)).figures():
            counted[one.day] = counted.get(one.day, 0) + one.times
        assert counted == expected


def test_a_week_costs_the_same_when_it_was_busy() -> None:
    def costs() -> int:
        with CaptureQueriesContext(connection) as asked:
            paid_since(7 * 24)
        return len(asked)

    factories.PaymentFactory()
    paid_since(7 * 24)
    quiet = costs()
    for hours in range(40):
        factories.PaymentFactory(unknown=True, created_at=clock.now() - timedelta(minutes=hours))

    assert costs() == quiet == 3
