"""The first page's expected settlements are added up by the hour, and say what a look at every payment would say."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.models import Payment, PaymentHour
from payments.states import PaymentStatus
from portal import clock, work
from portal.money import Money
from portal.registry import Once
from reconciliation import operations, today
from reconciliation.expecting import PAYMENTS, not_settled
from reconciliation.models import ReportFile
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import
from tests.reconciliation.reports import row, settlement
from tests.story import StoryClock

NOON = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
"""Tuesday 12 May 2026, 12:00 in UTC+8."""
_DAY = timedelta(days=1)
Said = dict[date, tuple[int, dict[str, int], int]]
"""By day: how many, their sums by currency, and how many nobody has priced."""


def shown() -> Said:
    """What the panel says."""
    found = [one for panel in today.panels(Once()) for one in panel.context["awaited"]]
    return {one.day: (one.times, {sum_.currency: sum_.value for sum_ in one.amounts}, one.unpriced) for one in found}


def counted() -> Said:
    """What a look at each payment of the last seven days says."""
    first = timezone.localdate(clock.now()) - 6 * _DAY
    times: Counter[date] = Counter()
    unpriced: Counter[date] = Counter()
    sums: dict[date, Counter[str]] = {}
    for payment in Payment.objects.filter(not_settled(PAYMENTS)):
        day = timezone.localdate(payment.created_at)
        if day < first:
            continue
        times[day] += 1
        money = payment.gross_settlement
        unpriced[day] += money is None
        sums.setdefault(day, Counter())
        if money is not None:
            sums[day][money.currency] += money.value
    return {day: (count, dict(sums[day]), unpriced[day]) for day, count in times.items()}


def agree() -> Said:
    """Both, the panel as it adds up and as it remembers."""
    first, again = shown(), shown()
    assert first == again == counted()
    return first


class Shop:
    """Sells, and knows what it sold."""

    def __init__(self, books: Books, story_clock: StoryClock) -> None:
        self._books, self._clock = books, story_clock

    def sells(self, name: str, settles: int | None = 10_00, currency: str = "USD") -> Payment:
        """Paid now, 10.00; what it settles as is said in minor units, or not at all."""
        facts = {} if settles is None else {"gross_settlement_value": settles, "gross_settlement_currency": currency}
        return self._books.payment(name, Money(10_00, currency), paid_at=clock.now(), **facts)

    def goes_on(self, **by: float) -> None:
        """Time passes, and the worker works."""
        self._clock.move(timedelta(**by))
        work.run_all_due()


@pytest.fixture
def shop(books: Books, story_clock: StoryClock) -> Shop:
    story_clock.set(NOON)
    return Shop(books, story_clock)


def report(*names: str, batch: str, day: str) -> str:
    """Settlement details that have these, of 10.00 USD each."""
    rows = [row("PAYMENT", name, "10.00", "10.00") | {"settlementInitiatedDate": day} for name in names]
    return settlement(*rows, batch=batch)


def test_what_was_paid_is_expected_until_a_report_has_it(shop: Shop, imported: Import) -> None:
    for number in range(4):
        shop.sells(f"P-{number}")
        shop.goes_on(hours=1)
    shop.sells("UNPRICED", None)
    shop.sells("NOTHING", 0)
    shop.sells("EUR", 7_00, "EUR")
    assert agree() == {date(2026, 5, 12): (6, {"USD": 40_00, "EUR": 7_00}, 1)}
    shop.goes_on(hours=3)
    assert agree() == {date(2026, 5, 12): (6, {"USD": 40_00, "EUR": 7_00}, 1)}

    shop.goes_on(days=1)
    shop.sells("NEXT")
    imported(report("P-0", "P-2", batch="B1", day="2026-05-13"), name="one.csv")
    assert agree()[date(2026, 5, 12)] == (4, {"USD": 20_00, "EUR": 7_00}, 1)  # at once, and
    shop.goes_on(hours=5)
    assert agree()[date(2026, 5, 13)] == (1, {"USD": 10_00}, 0)  # after somebody has looked through

    operations.undo(ReportFile.objects.get(name="one.csv"), by=BOOKKEEPER, reason_code="WRONG_FILE")
    assert agree()[date(2026, 5, 12)] == (6, {"USD": 40_00, "EUR": 7_00}, 1)
    shop.goes_on(hours=1)
    assert agree()[date(2026, 5, 12)] == (6, {"USD": 40_00, "EUR": 7_00}, 1)

    imported(report("P-0", "P-1", "P-2", "P-3", "UNPRICED", batch="B2", day="2026-05-13"), name="two.csv")
    for _ in range(5):
        shop.goes_on(hours=20)
        agree()
    shop.goes_on(days=3)
    assert agree() == {}  # a week is over: what is missing has its own line


def test_what_is_cancelled_is_not_expected_whenever_the_hour_was_added_up(shop: Shop) -> None:
    early, late = shop.sells("EARLY"), shop.sells("LATE")
    shop.sells("STAYS")
    cancelled = {"status": PaymentStatus.CANCELLED}
    Payment.objects.filter(pk=early.pk).update(**cancelled)
    shop.goes_on(hours=4)
    assert agree() == {date(2026, 5, 12): (2, {"USD": 20_00}, 0)}

    assert PaymentHour.objects.filter(hour=NOON).exists()
    Payment.objects.filter(pk=late.pk).update(**cancelled)
    assert agree() == {date(2026, 5, 12): (1, {"USD": 10_00}, 0)}
    Payment.objects.filter(pk=late.pk).update(status=PaymentStatus.REVERSED)
    assert agree() == {date(2026, 5, 12): (1, {"USD": 10_00}, 0)}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "UTC"])
def test_a_day_is_the_desk_s_own(shop: Shop, settings: object, zone: str) -> None:
    settings.TIME_ZONE = zone  # type: ignore[attr-defined]
    for number in range(30):
        shop.sells(f"P-{number}")
        shop.goes_on(minutes=50)

    assert sum(times for times, _, _ in agree().values()) == 30
    shop.goes_on(days=5, minutes=20)
    agree()


def test_a_busy_week_costs_as_many_questions(shop: Shop, imported: Import) -> None:
    def asks() -> int:
        shown()
        with CaptureQueriesContext(connection) as asked:
            shown()
        return len(asked)

    shop.sells("P-0")
    shop.goes_on(hours=3)
    quiet = asks()
    for number in range(1, 12):
        shop.sells(f"P-{number}")
        shop.goes_on(hours=3)
    imported(report("P-1", "P-2", batch="B1", day="2026-05-13"), name="one.csv")

    assert asks() == quiet == 6
