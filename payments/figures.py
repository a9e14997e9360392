"""What was paid, per hour: the figures of the first page, which a busy week makes too many rows to add up each time.

There are two kinds of them: what was tried, paid and refunded (``Hours.figures``), and what is to be settled
(``Hours.to_settle``). An hour is added up once, when everything in it is final, and kept (``PaymentHour``). The page
adds the kept hours and asks the payments and refunds themselves only for the others: the running hour, and hours that
hold something unknown.

Why it stays right. A payment counts in the hour it was made in. What it counts for is fixed once it is final: a cancel
or a refund of a paid one does not make it unpaid, what it will be settled as is known with its success, and a refund
counts in an hour of its own. Only a settlement row can undo what was final, a refund that is reversed. It comes days
later; and since an hour is added up anew after a day, neither it nor anything else is told wrongly for longer.

Hours are those of UTC and each knows the days of the desk's zone within it, so a zone of half hours and a day of 23 or
25 hours come out right; another zone's hours are not read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone

from payments.models import Payment, PaymentHour, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import clock

DAYS = 30
"""The first page looks back so far."""
KEPT_FOR = timedelta(hours=24)
_HOUR = timedelta(hours=1)
_UNKNOWN = (PaymentStatus.INITIATED, PaymentStatus.PROCESSING)
_Rows = list[list[Any]]
_UNKNOWN_REFUND = (RefundStatus.INITIATED, RefundStatus.PROCESSING)


class Figure(NamedTuple):
    """One wallet and currency on one day (of the desk's zone), or in one hour of it."""

    day: date
    wallet: str
    currency: str
    times: int
    final_times: int
    paid_times: int
    paid_value: int
    refunded_value: int


class ToSettle(NamedTuple):
    """What of one account and settlement currency was paid on one day (of the desk's zone), or in one hour of it.

    All that was paid and is not 0.00 in the settlement currency, whatever became of it: cancelled later, or settled.
    """

    day: date
    account_id: int
    currency: str
    """Empty where the acquirer has not said what it will settle."""
    times: int
    value: int
    unpriced: int
    """How many of them the acquirer has not said the amount of."""
    first_id: int
    """The smallest id of these payments."""


@dataclass
class _Hour:
    """What an hour adds up to."""

    unknown: int = 0
    """How many things in it are not final."""
    figures: list[Figure] = field(default_factory=list)
    to_settle: list[ToSettle] = field(default_factory=list)


class Hours:
    """Hours as they are kept, and those that had to be added up."""

    def __init__(self, kept: dict[datetime, tuple[_Rows, _Rows]], fresh: dict[datetime, _Hour]) -> None:
        self._kept, self._fresh = kept, fresh

    def figures(self) -> list[Figure]:
        """What was tried, paid and refunded: one figure for each day, wallet and currency."""
        sums: dict[tuple[str, str, str], list[int]] = {}
        for written, _ in self._kept.values():
            _add_up(sums, written)
        for hour in self._fresh.values():
            _add_up(sums, _written(hour.figures))
        days = {day: date.fromisoformat(day) for day, _, _ in sums}
        return [Figure(days[day], wallet, code, *numbers) for (day, wallet, code), numbers in sums.items()]

    def to_settle(self, moment: datetime) -> list[ToSettle]:
        """What is to be settled of what was made since then; of the hour it falls into, all."""
        first = hour_of(moment)
        found = [one for hour, made in self._fresh.items() if hour >= first for one in made.to_settle]
        for hour, (_, written) in self._kept.items():
            if hour >= first:
                found += [ToSettle(date.fromisoformat(day), *others) for day, *others in written]
        return found


def _sums(figures: Iterable[Figure]) -> dict[tuple[str, str, str], list[int]]:
    sums: dict[tuple[str, str, str], list[int]] = {}
    _add_up(sums, _written(figures))
    return sums


def _add_up(sums: dict[tuple[str, str, str], list[int]], rows: _Rows) -> None:
    """A month holds thousands of them."""
    for day, wallet, currency, *numbers in rows:
        held = sums.setdefault((day, wallet, currency), [0, 0, 0, 0, 0])
        for place, number in enumerate(numbers):
            if number:
                held[place] += number


def recent() -> Hours:
    """Of so many days of the desk's zone as the first page looks back."""
    zone = timezone.get_default_timezone()
    first = timezone.localtime(clock.now(), zone).date() - timedelta(days=DAYS - 1)
    return since(timezone.make_aware(datetime.combine(first, time.min), zone))


def since(moment: datetime) -> Hours:
    """Of all payments and refunds made since then; of the hour it falls into, all."""
    first, now = hour_of(moment), clock.now()
    rows = PaymentHour.objects.filter(
        hour__gte=first, hour__lt=now, zone=settings.TIME_ZONE, made_at__gt=now - KEPT_FOR, to_settle__isnull=False
    )
    columns = rows.values_list("hour", "figures", "to_settle")
    kept = {hour: (figures, to_settle or []) for hour, figures, to_settle in columns}
    fresh = _added_up([hour for hour in _hours(first, now) if hour not in kept])
    _keep(fresh, now)
    return Hours(kept, fresh)


def hour_of(moment: datetime) -> datetime:
    """The full hour of UTC that it falls into."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hours(first: datetime, until: datetime) -> Iterator[datetime]:
    while first <= until:
        yield first
        first += _HOUR


def _added_up(hours: list[datetime]) -> dict[datetime, _Hour]:
    """What these hours add up to: two queries over the spans they form."""
    if not hours:
        return {}
    zone = timezone.get_default_timezone()
    spans = Q()
    for begin, end in _spans(hours):
        spans |= Q(created_at__gte=begin, created_at__lt=end)
    paid = Q(paid_at__isnull=False)
    settles = paid & ~Q(gross_settlement_value=0)
    places = {"hour": TruncHour("created_at", tzinfo=UTC), "day": TruncDate("created_at", tzinfo=zone)}
    payments: QuerySet[Any, Any] = (
        Payment.objects.filter(spans)
        .values(
            "currency",
            "gross_settlement_currency",
            wallet=F("wallet_account__wallet"),
            account=F("wallet_account__account"),
            **places,
        )
        .annotate(
            times=Count("pk"),
            final=Count("pk", filter=~Q(status__in=_UNKNOWN)),
            paid=Count("pk", filter=paid),
            value=Sum("amount_value", filter=paid, default=0),
            settling=Count("pk", filter=settles),
            settling_value=Sum("gross_settlement_value", filter=settles, default=0),
            unpriced=Count("pk", filter=settles & Q(gross_settlement_value=None)),
            first_id=Min("pk", filter=settles),
        )
        .order_by()
    )
    refunds: QuerySet[Any, Any] = (
        Refund.objects.filter(spans)
        .values("currency", wallet=F("payment__wallet_account__wallet"), **places)
        .annotate(
            unknown=Count("pk", filter=Q(status__in=_UNKNOWN_REFUND)),
            value=Sum("amount_value", filter=Q(status=RefundStatus.SUCCEEDED), default=0),
        )
        .order_by()
    )
    found = {hour: _Hour() for hour in hours}
    for row in payments:
        hour = found[row["hour"]]
        hour.unknown += row["times"] - row["final"]
        tried = row["times"], row["final"], row["paid"], row["value"], 0
        hour.figures.append(Figure(row["day"], row["wallet"], row["currency"], *tried))
        if row["settling"]:
            settling = row["settling"], row["settling_value"], row["unpriced"], row["first_id"]
            hour.to_settle.append(ToSettle(row["day"], row["account"], row["gross_settlement_currency"], *settling))
    for row in refunds:
        hour = found[row["hour"]]
        hour.unknown += row["unknown"]
        hour.figures.append(Figure(row["day"], row["wallet"], row["currency"], 0, 0, 0, 0, row["value"]))
    return found


def _spans(hours: Iterable[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Hours that follow one another, as one span each."""
    begin = end = None
    for hour in hours:
        if hour != end:
            if begin is not None and end is not None:
                yield begin, end
            begin = hour
        end = hour + _HOUR
    if begin is not None and end is not None:
        yield begin, end


def _keep(fresh: dict[datetime, _Hour], now: datetime) -> None:
    """Keep the hours that are over and whole; of two readers who add up the same hour, either may be the one."""
    # A payment is dated before its transaction commits: an hour that has just ended may still grow.
    done = [hour for hour, found in fresh.items() if not found.unknown and hour + 2 * _HOUR <= now]
    if done:
        PaymentHour.objects.bulk_create(
            [
                PaymentHour(
                    hour=hour,
                    zone=settings.TIME_ZONE,
                    made_at=now,
                    figures=[[*whose, *numbers] for whose, numbers in _sums(fresh[hour].figures).items()],
                    to_settle=_written(fresh[hour].to_settle),
                )
                for hour in done
            ],
            update_conflicts=True,
            unique_fields=("hour", "zone"),
            update_fields=("made_at", "figures", "to_settle"),
        )


def _written(rows: Iterable[Figure | ToSettle]) -> _Rows:
    return [[day.isoformat(), *others] for day, *others in rows]
