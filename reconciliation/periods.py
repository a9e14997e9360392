"""The months of an account: which days they are, what belongs in them, and whether one can be closed.

A batch belongs to the month of its initiation, a report of transactions to that of its day, both in UTC+8. What comes
to light of a month that is closed (a late batch, a row decided on otherwise) belongs to the earliest month that is
open. Reads only, but for the months' own rows.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.urls import reverse

from payments.models import Payment, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import clock
from reconciliation import bank
from reconciliation.layouts import ReportKind
from reconciliation.models import (
    Batch,
    Discrepancy,
    FileStatus,
    Match,
    Period,
    PeriodStatus,
    Posting,
    ReportFile,
    Resolution,
    Role,
)

LATE = timedelta(days=5)
"""Settled on the next business day by default; after a weekend, a holiday and a day of grace it is overdue."""
_NAMED_AT_MOST = 5
_CREATED_BEFORE = timedelta(days=2)
"""A payment is paid at most so long after it was made: by when it was made the index finds it."""


@dataclass(frozen=True)
class Check:
    """One line of the checklist: what must hold, and what is in the way."""

    claim: str
    holds: bool
    sentence: str = ""
    url: str = ""


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def days(period: Period) -> tuple[date, date]:
    """Its first day, and the one after its last."""
    return period.month, next_month(period.month)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, clock.ACQUIRER_ZONE)


def open_months_of(file: ReportFile) -> None:
    """Make the rows of the months a file belongs to. Inside the import's last transaction, with the account locked."""
    found = {month_of(day) for day in _batches_of(file).values_list("initiated_on", flat=True)}
    if file.report_day:
        found.add(month_of(date.fromisoformat(file.report_day)))
    for month in found:
        Period.objects.get_or_create(account_id=file.account_id, month=month)


def _batches_of(file: ReportFile) -> QuerySet[Batch]:
    return Batch.objects.filter(Q(details=file) | Q(summary=file))


def closed_with(file: ReportFile) -> Period | None:
    """The closed month that has booked something of the file, or was closed with it."""
    booked = Posting.objects.filter(batch__in=_batches_of(file).values("pk")).select_related("period").first()
    if booked is not None:
        return booked.period
    if file.kind != ReportKind.TRANSACTIONS or not file.report_day or file.imported_at is None:
        return None
    month = month_of(date.fromisoformat(file.report_day))
    closed = Period.objects.filter(account=file.account_id, month=month, status=PeriodStatus.LOCKED)
    return closed.filter(locked_at__gte=file.imported_at).first()


def to_book(period: Period) -> tuple[list[Batch], list[Batch]]:
    """The batches an open month would book: its own, and those of earlier months of which something came to light."""
    first, end = days(period)
    waiting = Batch.objects.filter(account=period.account_id, needs_booking=True, details__isnull=False)
    is_booked = Exists(Posting.objects.filter(batch=OuterRef("pk")).order_by())
    own = waiting.filter(~is_booked, initiated_on__gte=first, initiated_on__lt=end)
    earlier = Period.objects.filter(account=period.account_id, status=PeriodStatus.OPEN, month__lt=first)
    if earlier.exists():
        return list(own.order_by("pk")), []
    late = waiting.filter(Q(is_booked) | Q(initiated_on__lt=first), initiated_on__lt=end)
    return list(own.order_by("pk")), list(late.order_by("pk"))


def batches(period: Period) -> QuerySet[Batch]:
    """The batches of the month's days."""
    first, end = days(period)
    here = Batch.objects.filter(account=period.account_id, initiated_on__gte=first, initiated_on__lt=end)
    return here.exclude(details=None, summary=None)


def open_discrepancies(period: Period) -> QuerySet[Discrepancy]:
    """What must be explained before the month is closed: of its files, and of what came to light of earlier ones."""
    _, end = days(period)
    ours = Batch.objects.filter(account=period.account_id, initiated_on__lt=end)
    about = Q(row__batch__in=ours.values("pk")) | Q(summary_row__batch__in=ours.values("pk"))
    about |= Q(row=None, summary_row=None, file__in=ours.exclude(details=None).values("details"))
    about |= Q(row=None, summary_row=None, file__in=ours.exclude(summary=None).values("summary"))
    about |= Q(file__kind=ReportKind.TRANSACTIONS, file__report_day__gt="", file__report_day__lt=f"{end:%Y%m%d}")
    waiting = Discrepancy.objects.filter(closed_at=None, file__account=period.account_id)
    return waiting.filter(about, file__status=FileStatus.IMPORTED)


def checklist(period: Period) -> list[Check]:
    """What must hold before a month is closed, each with what is in the way. A constant number of queries."""
    return [
        _is_over(period),
        _earlier_ones(period),
        _report_days(period),
        _tie_out(period),
        _at_bank(period),
        _explained(period),
        _expected(period, Payment, "payment"),
        _expected(period, Refund, "refund"),
    ]


def _is_over(period: Period) -> Check:
    _, end = days(period)
    holds = clock.now() >= _begin(end)
    return Check("The month is over", holds, "" if holds else f"It ends with {end - timedelta(days=1)} (UTC+8).")


def _earlier_ones(period: Period) -> Check:
    earlier = Period.objects.filter(account=period.account_id, status=PeriodStatus.OPEN, month__lt=period.month)
    first = earlier.order_by("month").first()
    sentence = "" if first is None else f"{first} is open."
    url = "" if first is None else reverse("admin:reconciliation_period_change", args=[first.pk])
    return Check("Every earlier month is closed", first is None, sentence, url)


def _report_days(period: Period) -> Check:
    first, end = days(period)
    paid = (
        Payment.objects.filter(
            wallet_account__account=period.account_id,
            created_at__gte=_begin(first) - _CREATED_BEFORE,
            created_at__lt=_begin(end),
            paid_at__gte=_begin(first),
            paid_at__lt=_begin(end),
        )
        .order_by()
        .values_list(TruncDate("paid_at", tzinfo=clock.ACQUIRER_ZONE), flat=True)
        .distinct()
    )
    here = ReportFile.objects.filter(
        account=period.account_id,
        status=FileStatus.IMPORTED,
        report_day__gte=f"{first:%Y%m%d}",
        report_day__lt=f"{end:%Y%m%d}",
    ).values_list("report_day", flat=True)
    held = set(here)
    missing = sorted(day for day in paid if f"{day:%Y%m%d}" not in held)
    named = ", ".join(day.isoformat() for day in missing[:_NAMED_AT_MOST])
    more = len(missing) - _NAMED_AT_MOST
    sentence = f"Missing: {named} and {more} more." if more > 0 else f"Missing: {named}."
    return Check(
        "Transaction details of every day with a payment are imported",
        not missing,
        sentence if missing else "",
        reverse("admin:reconciliation_reportfile_changelist") if missing else "",
    )


def _tie_out(period: Period) -> Check:
    _, end = days(period)
    waiting = Batch.objects.filter(account=period.account_id, initiated_on__lt=end, needs_booking=True)
    alone = waiting.exclude(details=None, summary=None).filter(Q(details=None) | Q(summary=None)).order_by("pk")
    named = list(alone[: _NAMED_AT_MOST + 1])
    names = ", ".join(str(batch) for batch in named[:_NAMED_AT_MOST])
    sentence = f"Details or summary missing: {names}."
    if len(named) > _NAMED_AT_MOST:
        sentence = f"Details or summary missing: {names} and more."
    return Check(
        "Every batch has details and summary, and they tie out",
        not named,
        sentence if named else "",
        _list("batch", ask="no_summary") if named else "",
    )


def _at_bank(period: Period) -> Check:
    _, end = days(period)
    waiting = Batch.objects.filter(account=period.account_id, initiated_on__lt=end, needs_booking=True)
    here = bank.with_standing(waiting.exclude(details=None, summary=None)).filter(bank.OPEN_AT_BANK)
    named = list(here.order_by("initiated_on", "pk")[: _NAMED_AT_MOST + 1])
    names = ", ".join(f"{batch} {bank.open_of(batch)}" for batch in named[:_NAMED_AT_MOST])
    sentence = f"Not credited or explained: {names}."
    if len(named) > _NAMED_AT_MOST:
        sentence = f"Not credited or explained: {names} and more."
    return Check(
        "What every batch pays is credited by the bank, or explained",
        not named,
        sentence if named else "",
        _list("batch", ask="at_bank") if named else "",
    )


def _explained(period: Period) -> Check:
    count = open_discrepancies(period).count()
    sentence = f"{count} discrepancy is open." if count == 1 else f"{count} discrepancies are open."
    return Check(
        "Every row is matched or explained",
        not count,
        sentence if count else "",
        _list("discrepancy", ask="open") if count else "",
    )


def _expected(period: Period, model: type[Payment] | type[Refund], noun: str) -> Check:
    first, end = days(period)
    until = min(_begin(end), clock.now() - LATE)
    is_payment = model is Payment
    settled = Match.objects.filter(
        **{noun: OuterRef("pk")}, role=Role.PAYMENT if is_payment else Role.REFUND, is_settlement=True
    )
    explained = Discrepancy.objects.filter(**{noun: OuterRef("pk")}, closed_at__isnull=False)
    waiting: Any = model._default_manager.filter(
        ~Exists(settled.order_by()), ~Exists(explained.exclude(resolution=Resolution.HEALED).order_by())
    )
    if is_payment:
        waiting = waiting.filter(
            wallet_account__account=period.account_id,
            status=PaymentStatus.SUCCEEDED,
            created_at__gte=_begin(first) - _CREATED_BEFORE,
            created_at__lt=until,
            paid_at__gte=_begin(first),
            paid_at__lt=until,
        )
    else:
        waiting = waiting.filter(
            payment__wallet_account__account=period.account_id,
            status=RefundStatus.SUCCEEDED,
            refunded_at__gte=_begin(first),
            refunded_at__lt=until,
        )
    count = waiting.count()
    sentence = f"1 {noun} should be settled by now." if count == 1 else f"{count} {noun}s should be settled by now."
    url = reverse(f"admin:payments_{noun}_changelist")
    return Check(
        f"No {noun} of the month waits for its settlement too long",
        not count,
        sentence if count else "",
        f"{url}?{urlencode({'ask': 'not_settled'})}" if count else "",
    )


def _list(model: str, **asked: Any) -> str:
    return f"{reverse(f'admin:reconciliation_{model}_changelist')}?{urlencode(asked)}"
