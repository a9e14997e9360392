"""What was paid, per hour: the figures of the first page, which a busy week makes too many rows to add up each time.

An hour is added up once, when everything in it is final, and kept (``PaymentHour``). The page adds the kept hours and
asks the payments and refunds themselves only for the others: the running hour, and hours that hold something unknown.

Why it stays right. A payment counts in the hour it was made in. What it counts for is fixed once it is final: a cancel
or a refund of a paid one does not make it unpaid, and a refund counts in an hour of its own. Only a settlement row can
undo what was final, a refund that is reversed. It comes days later; and since an hour is added up anew after a day,
neither it nor anything else is told wrongly for longer.

Hours are those of UTC and each knows the days of the desk's zone within
it, so a zone of half hours and a day of 23 or 25 hours come out right; another zone's hours are not read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone

from payments.models import Payment, PaymentHour, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import clock

KEPT_FOR = timedelta(hours=24)
_HOUR = timedelta(hours=1)
_UNKNOWN = (PaymentStatus.INITIATED, PaymentStatus.PROCESSING)
_UNKNOWN_REFUND = (RefundStatus.INITIATED, RefundStatus.PROCESSING)


@dataclass(frozen=True)
class Figure:
    """One wallet and currency on one day (of the desk's zone), or in one hour of it."""

    day: date
    wallet: str
    currency: str
    times: int
    final_times: int
    paid_times: int
    paid_value: int
    refunded_value: int


def since(moment: datetime) -> list[Figure]:
    """The figures of all payments and refunds made since then; of the hour it falls into, all."""
    first, now = _hour_of(moment), clock.now()
    kept = {
        hour.hour: hour
        for hour in PaymentHour.objects.filter(
            hour__gte=first, hour__lt=now, zone=settings.TIME_ZONE, made_at__gt=now - KEPT_FOR
        )
    }
    missing = [hour for hour in _hours(first, now) if hour not in kept]
    figures = [figure for hour in kept.values() for figure in _read(hour.figures)]
    fresh = _added_up(missing)
    _keep(fresh, now)
    return figures + [figure for _, found in fresh.values() for figure in found]


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hours(first: datetime, until: datetime) -> Iterator[datetime]:
    while first <= until:
        yield first
        first += _HOUR


def _added_up(hours: list[datetime]) -> dict[datetime, tuple[int, list[Figure]]]:
    """Of each hour how many things in it are not final, and its figures: two queries over the spans they form."""
    if not hours:
        return {}
    zone = timezone.get_default_timezone()
    spans = Q()
    for begin, end in _spans(hours):
        spans |= Q(created_at__gte=begin, created_at__lt=end)
    paid = Q(paid_at__isnull=False)
    places = {"hour": TruncHour("created_at", tzinfo=UTC), "day": TruncDate("created_at", tzinfo=zone)}
    payments = (
        Payment.objects.filter(spans)
        .values("currency", wallet=F("wallet_account__wallet"), **places)
        .annotate(
            times=Count("pk"),
            final=Count("pk", filter=~Q(status__in=_UNKNOWN)),
            paid=Count("pk", filter=paid),
            value=Sum("amount_value", filter=paid, default=0),
        )
        .order_by()
    )
    refunds = (
        Refund.objects.filter(spans)
        .values("currency", wallet=F("payment__wallet_account__wallet"), **places)
        .annotate(
            unknown=Count("pk", filter=Q(status__in=_UNKNOWN_REFUND)),
            value=Sum("amount_value", filter=Q(status=RefundStatus.SUCCEEDED), default=0),
        )
        .order_by()
    )
    found: dict[datetime, tuple[int, list[Figure]]] = {hour: (0, []) for hour in hours}

    def add(row: Any, unknown: int, *numbers: int) -> None:
        count, figures = found[row["hour"]]
        figures.append(Figure(row["day"], row["wallet"], row["currency"], *numbers))
        found[row["hour"]] = (count + unknown, figures)

    for row in payments:
        add(row, row["times"] - row["final"], row["times"], row["final"], row["paid"], row["value"], 0)
    for returned in refunds:
        add(returned, returned["unknown"], 0, 0, 0, 0, returned["value"])
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


def _keep(fresh: dict[datetime, tuple[int, list[Figure]]], now: datetime) -> None:
    """Keep the hours that are over and whole; of two readers who add up the same hour, either may be the one."""
    # A payment is dated before its transaction commits: an hour that has just ended may still grow.
    done = [hour for hour, (unknown, _) in fresh.items() if not unknown and hour + 2 * _HOUR <= now]
    if done:
        PaymentHour.objects.bulk_create(
            [
                PaymentHour(hour=hour, zone=settings.TIME_ZONE, made_at=now, figures=_written(fresh[hour][1]))
                for hour in done
            ],
            update_conflicts=True,
            unique_fields=("hour", "zone"),
            update_fields=("made_at", "figures"),
        )


def _written(figures: list[Figure]) -> list[list[Any]]:
    return [
        [one.day.isoformat(), one.wallet, one.currency, one.times, one.final_times, one.paid_times, one.paid_value,
         one.refunded_value]
        for one in figures
    ]  # fmt: skip


def _read(figures: list[list[Any]]) -> Iterator[Figure]:
    for day, *others in figures:
        yield Figure(date.fromisoformat(day), *others)
