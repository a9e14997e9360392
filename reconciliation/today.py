"""What settlement shows on the first page: reports that should be here, months to close, what is not settled yet.

Reads only; every question is about the last days and no others.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import (
    BooleanField,
    CharField,
    Count,
    DateField,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from payments import figures
from payments.models import Payment
from payments.states import PaymentStatus
from portal import clock
from portal.admin.display import day_name
from portal.gather import Standing
from portal.models import AcquirerAccount
from portal.money import Money
from portal.registry import Once, Panel, TodayLine, TodayQueue, line_for_each
from portal.statements import Given
from portal.words import counted, say, told
from reconciliation.expecting import (
    PAYMENTS,
    REPORT_BY,
    Cycle,
    calendars_of,
    day_of,
    looked_through,
    not_settled,
    older,
    settling,
    watched,
)
from reconciliation.models import (
    AwaitedReport,
    Discrepancy,
    FileStatus,
    Period,
    PeriodStatus,
    Reason,
    ReportFile,
    ReportSource,
)
from reconciliation.periods import month_of, next_month

_FILES_ON_TODAY = 20
_MOST = 1_000
"""Of one file's discrepancies; what is above says so with a plus."""
_DAYS_LOOKED_AT = 13
_GRACE = timedelta(days=1)
"""Transaction details of a day are written on the day after it; a day later they should be here."""
_DAYS_AWAITED = 7
_REPORTS_ON_TODAY = 20


# Files with open discrepancies, and files that were tried and not imported.


class _Bounded(Subquery):
    """How many rows a subquery with a limit finds: never more are looked at."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS bounded)"


def _discrepancies() -> QuerySet[Any, Any]:
    """One row for each file, answered by indexes of what is open in it, however much that is."""
    mine = _open_in_file().values("pk")[: _MOST + 1]
    urgent = _open_in_file().filter(is_urgent=True).order_by().values("pk")[: _MOST + 1]
    found: QuerySet[Any, Any] = (
        _counting_files()
        .annotate(
            file_id=F("pk"),
            count=_Bounded(mine, output_field=IntegerField()),
            urgent=_Bounded(urgent, output_field=IntegerField()),
        )
        .order_by("since")
        .values("file_id", "name", "count", "since", "urgent")[:_FILES_ON_TODAY]
    )
    return found


def _counting() -> QuerySet[ReportFile]:
    return _counting_files()[:_FILES_ON_TODAY]


def _counting_files() -> QuerySet[Any]:
    """Those with something open. Not by EXISTS, which PostgreSQL answers by going through all that is open once."""
    since = _open_in_file().values("opened_at")[:1]
    imported = ReportFile.objects.filter(status=FileStatus.IMPORTED)
    return imported.annotate(since=Subquery(since)).filter(since__isnull=False).order_by()


def _open_in_file() -> QuerySet[Discrepancy]:
    """In an order that no other index has, since one of all files would be read past those of the others."""
    return Discrepancy.objects.filter(file=OuterRef("pk"), closed_at=None).order_by("opened_at", "-pk")


def _told(count: int) -> str:
    return f"{_MOST:,}+" if count > _MOST else f"{count:,}"


def _discrepancies_line(row: Mapping[str, Any]) -> TodayLine:
    noun = say("discrepancy") if row["count"] == 1 else say("discrepancies")
    urgent = say(", {urgent} urgent", urgent=_told(row["urgent"])) if row["urgent"] else ""
    return TodayLine(
        label=say("Discrepancies"),
        tone="bad" if row["urgent"] else "wait",
        sentence=say(
            "{count} {noun} in {file__name}{urgent}",
            count=_told(row["count"]),
            noun=noun,
            file__name=row["name"],
            urgent=urgent,
        ),
        url=f"{reverse('admin:reconciliation_discrepancy_changelist')}?file={row['file_id']}&ask=open",
        action=say("Explain"),
        since=row["since"],
    )


def _undecided() -> QuerySet[ReportFile, Any]:
    undecided = ReportFile.objects.filter(status__in=(FileStatus.TRIED, FileStatus.REFUSED)).order_by("tried_at")
    return undecided.values("pk", "name", "status", "tried_at")[:_FILES_ON_TODAY]


def _undecided_line(row: Mapping[str, Any]) -> TodayLine:
    was = (
        say("was tried and is not imported")
        if row["status"] == FileStatus.TRIED
        else say("was refused and waits for a word")
    )
    return TodayLine(
        label=say("Settlement files"),
        tone="wait",
        sentence=f"{row['name']} {was}",
        url=reverse("admin:reconciliation_reportfile_change", args=[row["pk"]]),
        action=say("Look"),
        since=row["tried_at"],
    )


# Accounts whose transaction details of some day should be here and are not, the oldest day named.
# Source for the times: https://docs.antom.com/ac/reconcile/transaction_details


@dataclass(frozen=True)
class _Day:
    """A day of the acquirer in a question, as it will be given."""

    begins: Given
    ends: Given
    name: Given

    @classmethod
    def at(cls, place: int) -> "_Day":
        moment = DateTimeField()
        return cls(
            Given(f"begins_{place}", moment), Given(f"ends_{place}", moment), Given(f"name_{place}", CharField())
        )


def _given_days() -> dict[str, Any]:
    given: dict[str, Any] = {}
    for place, day in enumerate(_days()):
        given[f"begins_{place}"], given[f"ends_{place}"] = _start(day), _start(day + timedelta(days=1))
        given[f"name_{place}"] = f"{day:%Y%m%d}"
    return given


def _missing_reports() -> QuerySet[AcquirerAccount, Any]:
    flags = {
        f"missing_{place}": ExpressionWrapper(_is_missing(_Day.at(place)), BooleanField())
        for place in range(_DAYS_LOOKED_AT)
    }
    accounts: QuerySet[AcquirerAccount, Any] = _accounts_missing().order_by("pk")
    return accounts.values("name", **flags)


def _missing_report_line(row: Mapping[str, Any]) -> TodayLine:
    return _missing_line(row["name"], [day for place, day in enumerate(_days()) if row[f"missing_{place}"]])


def _days() -> list[date]:
    """The acquirer's days whose report should be here, oldest first; always as many."""
    today = clock.now().astimezone(clock.ACQUIRER_ZONE).date()
    latest = today - timedelta(days=1) - _GRACE  # it ended a day ago at least
    return [latest - timedelta(days=back) for back in range(_DAYS_LOOKED_AT - 1, -1, -1)]


def _accounts_missing() -> QuerySet[AcquirerAccount]:
    any_missing = Q()
    for place in range(_DAYS_LOOKED_AT):
        any_missing |= _is_missing(_Day.at(place))
    return AcquirerAccount.objects.filter(any_missing).order_by()


def _is_missing(day: _Day) -> Q:
    """There was something paid that day, and no report of it is here. Each half is answered by an index."""
    paid = Payment.objects.filter(
        wallet_account__account=OuterRef("pk"),
        created_at__gte=day.begins,
        created_at__lt=day.ends,
        status=PaymentStatus.SUCCEEDED,
    )
    here = ReportFile.objects.filter(account=OuterRef("pk"), report_day=day.name)
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


# Accounts with a month that has ended and is not closed, the oldest named.


def _unclosed_months() -> QuerySet[Period, Any]:
    return _ended().order_by("month", "account").values("pk", "month", "account__name")


def _month_lines(rows: Sequence[Mapping[str, Any]]) -> list[TodayLine]:
    by_account: dict[str, list[Period]] = {}
    for row in rows:
        by_account.setdefault(row["account__name"], []).append(Period(pk=row["pk"], month=row["month"]))
    return [_month_line(account, found) for account, found in by_account.items()]


def _accounts_unclosed() -> QuerySet[AcquirerAccount]:
    return AcquirerAccount.objects.filter(Exists(_ended().filter(account=OuterRef("pk")))).order_by()


def _this_month() -> dict[str, date]:
    """Of the acquirer's days (UTC+8)."""
    return {"this_month": month_of(clock.now().astimezone(clock.ACQUIRER_ZONE).date())}


def _ended() -> QuerySet[Period]:
    """Months that are over and open."""
    return Period.objects.filter(status=PeriodStatus.OPEN, month__lt=Given("this_month", DateField())).order_by()


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


# Accounts with payments, and accounts with refunds, that no settlement report has in time.


def _missing_in_settlement() -> QuerySet[Discrepancy, Any]:
    return (
        _missing()
        .order_by()
        .annotate(is_refund=ExpressionWrapper(Q(refund__isnull=False), BooleanField()))
        .values("account__name", "account__slug", "is_refund", "currency")
        .annotate(times=Count("pk"), value=Sum("stake_value"), since=Min("opened_at"))
    )


def _missing_lines(rows: Sequence[Mapping[str, Any]]) -> list[TodayLine]:
    by_line: dict[tuple[str, str, bool], list[Any]] = {}
    for row in sorted(rows, key=lambda row: tuple(row.values())):
        by_line.setdefault((row["account__name"], row["account__slug"], row["is_refund"]), []).append(
            [row["currency"], row["times"], row["value"], row["since"]]
        )
    return [
        _missing_in("refund" if is_refund else "payment", account, slug, sums)
        for (account, slug, is_refund), sums in by_line.items()
    ]


def _accounts_with_missing(kind: str) -> QuerySet[AcquirerAccount]:
    mine = _missing().filter(**{f"{kind}__isnull": False}, account=OuterRef("pk"))
    return AcquirerAccount.objects.filter(Exists(mine.order_by())).order_by()


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


# Settlements whose report should be here and is not, with how many of ours wait for it.


def _awaited_settlements() -> QuerySet[AwaitedReport, Any]:
    oldest = AwaitedReport.objects.order_by("day", "pk")[:_REPORTS_ON_TODAY]
    return oldest.values("currency", "day", "payment_count", "refund_count", "account__name")


def _awaited_settlement(row: Mapping[str, Any]) -> TodayLine:
    waiting = []
    if row["payment_count"]:
        waiting.append(counted("{count} payment", "{count} payments", row["payment_count"]))
    if row["refund_count"]:
        waiting.append(counted("{count} refund", "{count} refunds", row["refund_count"]))
    return TodayLine(
        label=say("Report missing"),
        tone="wait",
        sentence=say(
            "Settlement details in {currency} of {day}: not here, {account}. Awaiting it: {waiting}",
            currency=row["currency"],
            day=day_name(row["day"]),
            account=row["account__name"],
            waiting=", ".join(waiting),
        ),
        url=reverse("admin:reconciliation_reportfile_changelist"),
        act_url=reverse("admin:reconciliation_reportfile_list_act", args=("import_files",)),
        action=say("Import"),
        since=_start(row["day"] + timedelta(days=1)) + REPORT_BY,
    )


def _unknown_servers() -> QuerySet[ReportSource, Any]:
    """Sources whose server shows its host key for the first time; one that shows another is an incident."""
    unknown = ReportSource.objects.filter(is_enabled=True, host_key="").exclude(offered_host_key="")
    return unknown.order_by("pk").values("pk", "host", "account__name", "looked_at")[:_REPORTS_ON_TODAY]


def _unknown_server_line(row: Mapping[str, Any]) -> TodayLine:
    return TodayLine(
        label=say("Host key to confirm"),
        tone="wait",
        sentence=say(
            "{host} shows its host key, and reports wait for that: {account}",
            host=row["host"],
            account=row["account__name"],
        ),
        url=reverse("admin:reconciliation_reportsource_change", args=[row["pk"]]),
        action=say("Compare"),
        since=row["looked_at"] or clock.now(),
    )


_UNDECIDED, _AWAITED = Standing(_undecided), Standing(_awaited_settlements)
QUEUES = {
    "missing in settlement": TodayQueue(
        "reconciliation.view_discrepancy",
        [Standing(lambda: _accounts_with_missing("payment")), Standing(lambda: _accounts_with_missing("refund"))],
        Standing(_missing_in_settlement),
        _missing_lines,
    ),
    "discrepancies": TodayQueue(
        "reconciliation.view_discrepancy",
        [Standing(_counting)],
        Standing(_discrepancies),
        line_for_each(_discrepancies_line),
    ),
    "settlement files": TodayQueue(
        "reconciliation.view_reportfile", [_UNDECIDED], _UNDECIDED, line_for_each(_undecided_line)
    ),
    "missing reports": TodayQueue(
        "reconciliation.view_reportfile",
        [Standing(_accounts_missing, _given_days)],
        Standing(_missing_reports, _given_days),
        line_for_each(_missing_report_line),
    ),
    "months": TodayQueue(
        "reconciliation.view_period",
        [Standing(_accounts_unclosed, _this_month)],
        Standing(_unclosed_months, _this_month),
        _month_lines,
    ),
    "awaited settlements": TodayQueue(
        "reconciliation.view_reportfile", [_AWAITED], _AWAITED, line_for_each(_awaited_settlement)
    ),
    "report sources": TodayQueue(
        "reconciliation.view_reportsource",
        [Standing(_unknown_servers)],
        Standing(_unknown_servers),
        line_for_each(_unknown_server_line),
    ),
}
"""What waits for a person, as the first page asks for it."""


class _Awaiting(NamedTuple):
    """Whose settlement is awaited."""

    day: date
    account_id: int
    currency: str


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


def panels(once: Once) -> list[Panel]:
    """What is paid and not settled, by day: the settlements to come.

    What was paid since the last look (``expecting.where_to_look``) is added up in the kept hours of
    ``payments.figures``; what was cancelled of it, and what reports have of it by now, is taken away: few rows, where a
    look through all of them would be many.
    """
    zone = timezone.get_default_timezone()
    first = timezone.localtime(clock.now(), zone).date() - timedelta(days=_DAYS_AWAITED - 1)
    since = timezone.make_aware(datetime.combine(first, time.min), zone)
    accounts = watched()
    through = looked_through(accounts)
    start = figures.hour_of(since if through is None else max(since, through))
    sums: dict[_Awaiting, list[int]] = defaultdict(lambda: [0, 0, 0])
    smallest: list[int] = []
    for one in once(figures.recent).to_settle(start):
        smallest.append(one.first_id)
        _add(sums[_Awaiting(one.day, one.account_id, one.currency)], one.times, one.value, one.unpriced)
    for row in _corrections(min(smallest, default=None), start, since):
        awaiting = _Awaiting(row["day"], row["account"], row["settled_in"])
        _add(sums[awaiting], row["times"], row["value"], row["unpriced"])
    by_day: dict[date, list[tuple[_Awaiting, list[int]]]] = defaultdict(list)
    for awaiting, numbers in sums.items():
        if awaiting.day >= first and numbers[0]:
            by_day[awaiting.day].append((awaiting, numbers))
    if not by_day:
        return []
    calendars = calendars_of({one.account_id for one in accounts})
    cycles = {one.account_id: Cycle(one.days, 0, one.together, calendars[one.account_id]) for one in accounts}
    return [
        Panel(
            title=say("Expected settlements"),
            note=say("last {days_awaited} days", days_awaited=_DAYS_AWAITED),
            template="reconciliation/awaited.html",
            context={"awaited": [_awaited(day, rows, cycles) for day, rows in sorted(by_day.items())]},
            permission="reconciliation.view_batch",
        )
    ]


def _add(sums: list[int], *numbers: int) -> None:
    for place, number in enumerate(numbers):
        sums[place] += number


def _corrections(first_id: int | None, start: datetime, since: datetime) -> QuerySet[Any, Any]:
    """What is older than ``start`` and unsettled, as more; what was cancelled or settled of what is newer, as less.

    ``first_id`` is the smallest id of the newer ones: it spares the database the settlements of the past.
    """
    waiting = Payment.objects.filter(not_settled(PAYMENTS), older(PAYMENTS, start), created_at__gte=since)
    found = _added_up(waiting, "", 1)
    if first_id is None:
        return found
    undone = Payment.objects.filter(
        status__in=(PaymentStatus.CANCELLED, PaymentStatus.REVERSED), paid_at__isnull=False, created_at__gte=start
    ).exclude(gross_settlement_value=0)
    settled = (
        settling(PAYMENTS)
        .filter(payment__gte=first_id, payment__created_at__gte=start, payment__status=PaymentStatus.SUCCEEDED)
        .exclude(payment__gross_settlement_value=0)
    )
    return found.union(_added_up(undone, "", -1), _added_up(settled, "payment__", -1), all=True)


def _added_up(rows: QuerySet[Any], payment: str, sign: int) -> QuerySet[Any, Any]:
    """``payment`` is the way from a row to its payment."""
    value = f"{payment}gross_settlement_value"
    found: QuerySet[Any, Any] = (
        rows.values(
            settled_in=F(f"{payment}gross_settlement_currency"),
            account=F(f"{payment}wallet_account__account"),
            day=TruncDate(f"{payment}created_at", tzinfo=timezone.get_default_timezone()),
        )
        .annotate(
            times=sign * Count("pk"),
            value=sign * Sum(value, default=0),
            unpriced=sign * Count("pk", filter=Q(**{value: None})),
        )
        .order_by()
    )
    return found


def _awaited(day: date, rows: list[tuple[_Awaiting, list[int]]], cycles: Mapping[int, Cycle]) -> _Awaited:
    today = day_of(clock.now())
    amounts: Counter[str] = Counter()
    for awaiting, (_, value, _) in rows:
        amounts[awaiting.currency] += value
    asked = urlencode({"ask": "not_settled", "day": day.isoformat()})
    return _Awaited(
        day=day,
        url=f"{reverse('admin:payments_payment_changelist')}?{asked}",
        times=sum(times for _, (times, _, _) in rows),
        amounts=[Money(value, currency) for currency, value in sorted(amounts.items()) if value and currency],
        unpriced=sum(unpriced for _, (_, _, unpriced) in rows),
        is_late=any(cycles[awaiting.account_id].reported_by(day) <= today for awaiting, _ in rows),
    )
