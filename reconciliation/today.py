"""What settlement shows on the first page: reports that should be here, months to close, what is not settled yet.

Reads only; every question is about the last days and no others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import (
    BooleanField,
    CharField,
    Count,
    DateField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from payments.models import Payment
from payments.states import PaymentStatus
from portal import clock
from portal.admin.display import day_name
from portal.gather import Standing
from portal.models import AcquirerAccount
from portal.money import Money
from portal.registry import Panel, TodayLine
from portal.statements import Given
from portal.words import counted, say, told
from reconciliation.expecting import REPORT_BY
from reconciliation.layouts import ReportKind
from reconciliation.models import (
    AwaitedReport,
    Discrepancy,
    Match,
    Period,
    PeriodStatus,
    Reason,
    ReportFile,
    Role,
)
from reconciliation.periods import month_of, next_month

_DAYS_LOOKED_AT = 13
_GRACE = timedelta(days=1)
"""Transaction details of a day are written on the day after it; a day later they should be here."""
_DAYS_AWAITED = 7
_REPORTS_ON_TODAY = 20
_LATE = timedelta(days=4)
"""Settled on the next business day by default: after a weekend and a holiday, somebody should ask."""


def missing_reports() -> list[TodayLine]:
    """One line for each account whose transaction details of some day should be here and are not, oldest day named.

    Source for the times: https://docs.antom.com/ac/reconcile/transaction_details
    """
    days = _days()
    flags = {f"missing_{day:%Y%m%d}": ExpressionWrapper(_is_missing(_Day.of(day)), BooleanField()) for day in days}
    found = _accounts_missing(map(_Day.of, days))
    accounts = found.annotate(**flags).values("name", *flags)
    return [
        _missing_line(row["name"], [day for day in days if row[f"missing_{day:%Y%m%d}"]])
        for row in accounts.order_by("pk")
    ]


@dataclass(frozen=True)
class _Day:
    """A day of the acquirer in a question, as it is or as it will be given."""

    begins: datetime | Given
    ends: datetime | Given
    name: str | Given

    @classmethod
    def of(cls, day: date) -> "_Day":
        return cls(_start(day), _start(day + timedelta(days=1)), f"{day:%Y%m%d}")

    @classmethod
    def given(cls, place: int) -> "_Day":
        moment = DateTimeField()
        return cls(
            Given(f"begins_{place}", moment), Given(f"ends_{place}", moment), Given(f"name_{place}", CharField())
        )


def _given_days() -> dict[str, Any]:
    days = [_Day.of(day) for day in _days()]
    return {f"{what}_{place}": getattr(day, what) for place, day in enumerate(days) for what in vars(day)}


MISSING_ROWS = [
    (
        "reconciliation.view_reportfile",
        Standing(lambda: _accounts_missing(map(_Day.given, range(len(_days())))), _given_days),
    )
]
"""What ``missing_reports`` has a line for."""


def _days() -> list[date]:
    """The acquirer's days whose report should be here, oldest first; always as many."""
    today = clock.now().astimezone(clock.ACQUIRER_ZONE).date()
    latest = today - timedelta(days=1) - _GRACE  # it ended a day ago at least
    return [latest - timedelta(days=back) for back in range(_DAYS_LOOKED_AT - 1, -1, -1)]


def _accounts_missing(days: Iterable[_Day]) -> QuerySet[AcquirerAccount]:
    any_missing = Q()
    for day in days:
        any_missing |= _is_missing(day)
    return AcquirerAccount.objects.filter(any_missing).order_by()


def _is_missing(day: _Day) -> Q:
    """There was something paid that day, and no report of it is here. Each half is answered by an index."""
    paid = Payment.objects.filter(
        order__account=OuterRef("pk"),
        created_at__gte=day.begins,
        created_at__lt=day.ends,
        status=PaymentStatus.SUCCEEDED,
    )
    here = ReportFile.objects.filter(account=OuterRef("pk"), kind=ReportKind.TRANSACTIONS, report_day=day.name)
    return Q(Exists(paid.order_by())) & ~Q(Exists(here.order_by()))


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, clock.ACQUIRER_ZONE)


def _missing_line(account: str, days: list[date]) -> TodayLine:
    oldest = days[0]
    more = (
        say(" and of {days} more day{ending}", days=len(days) - 1, ending="s" if len(days) > 2 else "")
        if len(days) > 1
        else ""
    )
    return TodayLine(
        label=say("Report missing"),
        tone="wait",
        sentence=say(
            "Transaction details of {day}{more}: not here, {account}",
            day=day_name(oldest),
            more=more,
            account=account,
        ),
        url=reverse("admin:reconciliation_reportfile_changelist"),
        act_url=reverse("admin:reconciliation_reportfile_list_act", args=("import_files",)),
        action=say("Import"),
        since=_start(oldest + timedelta(days=1)) + _GRACE,
    )


def unclosed_months() -> list[TodayLine]:
    """One line for each account with a month that has ended and is not closed, the oldest named."""
    by_account: dict[str, list[Period]] = {}
    for period in _ended(_this_month()).select_related("account").order_by("month", "account"):
        by_account.setdefault(period.account.name, []).append(period)
    return [_month_line(account, found) for account, found in by_account.items()]


def _accounts_unclosed() -> QuerySet[AcquirerAccount]:
    ended = _ended(Given("this_month", DateField())).filter(account=OuterRef("pk"))
    return AcquirerAccount.objects.filter(Exists(ended)).order_by()


UNCLOSED_ROWS = [
    ("reconciliation.view_period", Standing(_accounts_unclosed, lambda: {"this_month": _this_month()})),
]
"""What ``unclosed_months`` has a line for."""


def _this_month() -> date:
    """Of the acquirer's days (UTC+8)."""
    return month_of(clock.now().astimezone(clock.ACQUIRER_ZONE).date())


def _ended(this_month: date | Given) -> QuerySet[Period]:
    """Months that are over and open."""
    return Period.objects.filter(status=PeriodStatus.OPEN, month__lt=this_month).order_by()


def _month_line(account: str, found: list[Period]) -> TodayLine:
    oldest, others = found[0], len(found) - 1
    more = say(" and {others} more month{ending}", others=others, ending="" if others == 1 else "s") if others else ""
    return TodayLine(
        label=say("Month to close"),
        tone="wait",
        sentence=say(
            "{month}{more}: over and not closed, {account}", month=told(str(oldest)), more=more, account=account
        ),
        url=reverse("admin:reconciliation_period_change", args=[oldest.pk]),
        action=say("Look"),
        since=_start(next_month(oldest.month)),
    )


def missing_in_settlement() -> list[TodayLine]:
    """One line for each account with payments, and one with refunds, that no settlement report has in time."""
    found = (
        _missing()
        .order_by()
        .annotate(is_refund=ExpressionWrapper(Q(refund__isnull=False), BooleanField()))
        .values_list("account__name", "account__slug", "is_refund", "currency")
        .annotate(Count("pk"), Sum("stake_value"), Min("opened_at"))
    )
    by_line: dict[tuple[str, str, bool], list[Any]] = {}
    for account, slug, is_refund, *rest in sorted(found):
        by_line.setdefault((account, slug, bool(is_refund)), []).append(rest)
    return [
        _missing_in("refund" if is_refund else "payment", account, slug, sums)
        for (account, slug, is_refund), sums in by_line.items()
    ]


def _accounts_with_missing(kind: str) -> QuerySet[AcquirerAccount]:
    mine = _missing().filter(**{f"{kind}__isnull": False}, account=OuterRef("pk"))
    return AcquirerAccount.objects.filter(Exists(mine.order_by())).order_by()


MISSING_IN_SETTLEMENT_ROWS = [
    ("reconciliation.view_discrepancy", Standing(lambda: _accounts_with_missing("payment"))),
    ("reconciliation.view_discrepancy", Standing(lambda: _accounts_with_missing("refund"))),
]
"""What ``missing_in_settlement`` has a line for."""


def _missing() -> QuerySet[Discrepancy]:
    return Discrepancy.objects.filter(reason=Reason.MISSING, closed_at=None)


def _missing_in(name: str, account: str, slug: str, sums: list[Any]) -> TodayLine:
    count = sum(times for _, times, _, _ in sums)
    amounts = ", ".join(str(Money(abs(value), currency)) for currency, _, value, _ in sums)
    if name == "payment":
        sentence = counted(
            "{count} payment is late in settlement, {amounts}: {account}",
            "{count} payments are late in settlement, {amounts}: {account}",
            count,
            amounts=amounts,
            account=account,
        )
    else:
        sentence = counted(
            "{count} refund is late in settlement, {amounts}: {account}",
            "{count} refunds are late in settlement, {amounts}: {account}",
            count,
            amounts=amounts,
            account=account,
        )
    asked = urlencode({"ask": "missing", "account": slug})
    return TodayLine(
        label=say("Missing"),
        tone="bad",
        sentence=sentence,
        url=f"{reverse('admin:reconciliation_discrepancy_changelist')}?{asked}",
        action=say("Look"),
        since=min(since for _, _, _, since in sums),
    )


def awaited_settlements() -> list[TodayLine]:
    """One line for each settlement whose report should be here and is not, with how many of ours wait for it."""
    found = AwaitedReport.objects.select_related("account").order_by("day", "pk")[:_REPORTS_ON_TODAY]
    return [_awaited_settlement(one) for one in found]


AWAITED_SETTLEMENT_ROWS = [
    ("reconciliation.view_reportfile", Standing(lambda: AwaitedReport.objects.order_by()[:_REPORTS_ON_TODAY])),
]
"""What ``awaited_settlements`` has a line for."""


def _awaited_settlement(one: AwaitedReport) -> TodayLine:
    waiting = []
    if one.payment_count:
        waiting.append(counted("{count} payment", "{count} payments", one.payment_count))
    if one.refund_count:
        waiting.append(counted("{count} refund", "{count} refunds", one.refund_count))
    return TodayLine(
        label=say("Report missing"),
        tone="wait",
        sentence=say(
            "Settlement details in {currency} of {day}: not here, {account}. Awaiting it: {waiting}",
            currency=one.currency,
            day=day_name(one.day),
            account=one.account.name,
            waiting=", ".join(waiting),
        ),
        url=reverse("admin:reconciliation_reportfile_changelist"),
        act_url=reverse("admin:reconciliation_reportfile_list_act", args=("import_files",)),
        action=say("Import"),
        since=_start(one.day + timedelta(days=1)) + REPORT_BY,
    )


@dataclass(frozen=True)
class _Awaited:
    """A day's payments that no settlement has named yet."""

    day: date
    url: str
    times: int
    amounts: list[Money]
    """What they will bring, per settlement currency, before fees; as far as the acquirer has said it."""
    unpriced: int
    is_late: bool


def panels() -> list[Panel]:
    """What is paid and not settled, by day: the settlements to come."""
    zone = timezone.get_default_timezone()
    now = clock.now()
    today = timezone.localtime(now, zone).date()
    since = timezone.make_aware(datetime.combine(today - timedelta(days=_DAYS_AWAITED - 1), time.min), zone)
    settled = Match.objects.filter(payment=OuterRef("pk"), is_settlement=True, role=Role.PAYMENT)
    found = (
        Payment.objects.filter(~Exists(settled), created_at__gte=since, status=PaymentStatus.SUCCEEDED)
        .values("gross_settlement_currency", day=TruncDate("created_at", tzinfo=zone))
        .annotate(
            times=Count("pk"),
            value=Sum("gross_settlement_value"),
            unpriced=Count("pk", filter=Q(gross_settlement_value__isnull=True)),
        )
        .order_by()
    )
    by_day: dict[date, list[Mapping[str, Any]]] = {}
    for row in found:
        by_day.setdefault(row["day"], []).append(row)
    if not by_day:
        return []
    awaited = [_awaited(day, rows, today) for day, rows in sorted(by_day.items())]
    return [
        Panel(
            title=say("Expected settlements"),
            note=say("last {days_awaited} days", days_awaited=_DAYS_AWAITED),
            template="reconciliation/awaited.html",
            context={"awaited": awaited},
            permission="reconciliation.view_batch",
        )
    ]


def _awaited(day: date, rows: list[Mapping[str, Any]], today: date) -> _Awaited:
    amounts = [
        Money(row["value"], row["gross_settlement_currency"])
        for row in sorted(rows, key=lambda row: str(row["gross_settlement_currency"]))
        if row["value"] and row["gross_settlement_currency"]
    ]
    asked = urlencode({"ask": "not_settled", "day": day.isoformat()})
    return _Awaited(
        day=day,
        url=f"{reverse('admin:payments_payment_changelist')}?{asked}",
        times=sum(row["times"] for row in rows),
        amounts=amounts,
        unpriced=sum(row["unpriced"] for row in rows),
        is_late=today - day >= _LATE,
    )
