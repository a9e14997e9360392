"""The other way round: what of ours a settlement should have by now, and where each of it stands. Reads only.

Nothing is written when something is paid or refunded. That it is expected follows from the row itself: it is final,
its moment in UTC+8 names the acquirer's day, and the account's cycle and calendar name the day of its settlement. From
there::

    expected on the day of the settlement
      -> late, once that day is over and its report, which is here, does not have it
      -> awaiting its report, while that is not here
      -> missing, after the grace if the report is here, and some days later in any case

Decision: whether the report of a day is here is asked of the rows, and of the batches only where no row tells. As soon
as one thing of a day is settled, whatever is left of that day is late, on whichever date the acquirer initiated it: a
holiday that no calendar of ours knows moves a batch, and a dropped row must not hide behind it. Passed over: a table of
the files an acquirer should write, since below the contract's minimum it writes none. An acquirer that clears first
writes one of every day, also of an empty one: there the file of the day is the answer.

What is cancelled is not expected: it was never cleared, or its PAYMENT and CANCEL come to nothing. Nor is a refund of
money that the acquirer kept against our status, whose payment is not expected either.
Sources: https://docs.antom.com/ac/reconcile/rules, https://docs.antom.com/ac/reconcile/settlement_details
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from typing import Any, NamedTuple

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate

from payments.models import Payment, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import clock
from portal.gateways import adapter_of
from portal.models import AcquirerAccount
from reconciliation import queries
from reconciliation.calendars import Calendar, ends_with, free_days
from reconciliation.layouts import ReportKind
from reconciliation.models import (
    Batch,
    Discrepancy,
    FileStatus,
    Match,
    Reason,
    ReportFile,
    Resolution,
    Role,
    SettlementCalendar,
    SettlementWatch,
)

REPORT_BY = timedelta(days=1)
"""A settlement's report is written at latest by 24:00 of the day after it; from then on somebody waits for it."""
AT_LATEST = timedelta(days=7)
"""So long after the grace a report is waited for: by then the acquirer may have removed it from its server."""
_DAY = timedelta(days=1)
_SOON = timedelta(days=2)
"""Nearly all is done so soon after it was made: by when it was made the index finds it."""


def start_of(day: date) -> datetime:
    """When a day of the acquirer begins."""
    return datetime.combine(day, time.min, clock.ACQUIRER_ZONE)


def day_of(moment: datetime) -> date:
    """The acquirer's day."""
    return moment.astimezone(clock.ACQUIRER_ZONE).date()


@dataclass(frozen=True)
class Cycle:
    """T+N, W+N or M+N and the grace, in working days of the account's calendar."""

    days: int
    grace: int
    together: str = AcquirerAccount.Cycle.DAILY
    calendar: Calendar = field(default_factory=Calendar)

    @classmethod
    def of(cls, account: AcquirerAccount) -> "Cycle":
        """As the account's contract and its calendar say. One query."""
        calendar = calendars_of([account.pk])[account.pk]
        return cls(account.settlement_days, account.settlement_grace_days, account.settlement_cycle, calendar)

    def expected_on(self, day: date) -> date:
        """The day on which what happened on ``day`` is settled."""
        return self.calendar.after(ends_with(self.together, day), self.days)

    def reported_by(self, day: date) -> date:
        """The first day on which its report should be here."""
        return self.expected_on(day) + REPORT_BY + _DAY

    def missing_on(self, day: date) -> date:
        """The first day on which it is missing if a report is here and does not have it."""
        return self.calendar.after(self.expected_on(day), self.grace) + _DAY

    def given_up_on(self, day: date) -> date:
        """The first day on which it is missing, whether a report is here or not."""
        return self.missing_on(day) + AT_LATEST

    def last_day(self, limit: Any, today: date) -> date:
        """The last day whose ``limit`` (one of the above) has come."""
        day = today
        while limit(day) > today:
            day -= _DAY
        return day


def calendars_of(accounts: Collection[int]) -> dict[int, Calendar]:
    """The calendar of each account; Monday to Friday where it has none. One query."""
    kept = SettlementCalendar.objects.filter(account__in=accounts).order_by("days__day")
    weekends: dict[int, int] = {}
    listed: dict[int, dict[bool, dict[date, str]]] = {}
    for account, weekend, day, is_working, name in kept.values_list(
        "account", "weekend", "days__day", "days__is_working", "days__name"
    ):
        weekends[account] = weekend
        if day is not None:
            listed.setdefault(account, {True: {}, False: {}})[is_working][day] = name
    found = dict.fromkeys(accounts, Calendar())
    for account, weekend in weekends.items():
        days = listed.get(account, {True: {}, False: {}})
        found[account] = Calendar(free_days(weekend), days[False], days[True])
    return found


@dataclass(frozen=True)
class Expectation:
    """Days in a row that are settled together."""

    first: date
    last: date
    expected_on: date
    missing_on: date


def ahead(cycle: Cycle, first: date, count: int) -> list[Expectation]:
    """When the sales of ``count`` days from ``first`` on are settled."""
    found: list[Expectation] = []
    for day in (first + number * _DAY for number in range(count)):
        expected_on = cycle.expected_on(day)
        if found and found[-1].expected_on == expected_on:
            found[-1] = replace(found[-1], last=day)
        else:
            found.append(Expectation(day, day, expected_on, cycle.missing_on(day)))
    return found


# What is expected, and in no report.


@dataclass(frozen=True)
class Kind:
    """Payments or refunds, as far as their settlement goes."""

    name: str
    model: Any
    role: Role
    moment: str
    """The column that says when it happened, by the acquirer's clock."""
    account: str
    currency: str
    """The path to the currency it is settled in."""
    row_type: str
    expected: Q
    undecided: tuple[str, ...]
    """The statuses from which it may yet be expected."""

    def unsettled(self) -> QuerySet[Any]:
        """What is expected, and that no report which counts has."""
        found: QuerySet[Any] = self.model._base_manager.filter(self.expected).exclude(gross_settlement_value=0)
        return found.filter(~Exists(told_of(self, OuterRef("pk"))))

    def of(self, account: AcquirerAccount | int) -> Q:
        """Of an account."""
        return Q(**{self.account: account})

    def of_days(self, first: date | None, end: date) -> Q:
        """Which happened from ``first`` on, and before ``end``."""
        found = Q(**{f"{self.moment}__lt": start_of(end)})
        return found if first is None else found & Q(**{f"{self.moment}__gte": start_of(first)})

    def named(self) -> Q:
        """Discrepancies about things of this kind."""
        return Q(**{f"{self.name}__isnull": False})


PAYMENTS = Kind(
    name="payment",
    model=Payment,
    role=Role.PAYMENT,
    moment="paid_at",
    account="wallet_account__account",
    currency="settlement_currency",
    row_type="PAYMENT",
    expected=Q(status=PaymentStatus.SUCCEEDED),
    undecided=(PaymentStatus.INITIATED, PaymentStatus.PROCESSING),
)
REFUNDS = Kind(
    name="refund",
    model=Refund,
    role=Role.REFUND,
    moment="refunded_at",
    account="payment__wallet_account__account",
    currency="payment__settlement_currency",
    row_type="REFUND",
    expected=Q(status=RefundStatus.SUCCEEDED, gives_back_kept=False),
    undecided=(RefundStatus.INITIATED, RefundStatus.PROCESSING),
)
KINDS = (PAYMENTS, REFUNDS)
# Undocumented, whether a report has a row for what comes to 0.00 in the settlement currency; we choose not to expect
# one, because no money would be missing. Should it be there, it is matched as any other.


def kind_of(thing: Payment | Refund) -> Kind:
    """Its kind."""
    return PAYMENTS if isinstance(thing, Payment) else REFUNDS


def told_of(kind: Kind, key: Any) -> QuerySet[Match]:
    """The rows of settlements that have it: those that settle it, and those that name it and disagree.

    The latter are discrepancies themselves. A row that a person unmatched is not its row.
    """
    unmatched = Discrepancy.objects.filter(row=OuterRef("row"), reason=Reason.UNMATCHED).order_by()
    disagrees = Q(role=Role.DISAGREES, row__transaction_type=kind.row_type) & ~Q(Exists(unmatched))
    found = Match.objects.filter(
        Q(role=kind.role) | disagrees, is_settlement=True, row__file__status=FileStatus.IMPORTED, **{kind.name: key}
    )
    return found.order_by()


def settling(kind: Kind) -> QuerySet[Match]:
    """What settles one of this kind, in a report that counts."""
    return Match.objects.filter(role=kind.role, is_settlement=True, row__file__status=FileStatus.IMPORTED)


def not_settled(kind: Kind) -> Q:
    """What is expected and that no report which counts settles."""
    is_settled = Exists(settling(kind).filter(**{kind.name: OuterRef("pk")}).order_by())
    return kind.expected & ~Q(gross_settlement_value=0) & Q(~is_settled)


def where_to_look(kind: Kind) -> list[Q]:
    """Where what is not settled is to be found: a condition on what is new, and one on what is older.

    What was made before the last look is settled, raised, or named by a row that disagrees; the past is not looked
    through again, however long it is.
    """
    through = looked_through(watched())
    if through is None:
        return [Q(created_at__isnull=False)]
    return [Q(created_at__gte=through), older(kind, through)]


def older(kind: Kind, through: datetime) -> Q:
    """What was made before, and may be unsettled all the same."""
    raised = Discrepancy.objects.filter(kind.named(), reason=Reason.MISSING).order_by().values(kind.name)
    odd = Match.objects.filter(kind.named(), role=Role.DISAGREES, is_settlement=True).order_by().values(kind.name)
    return Q(created_at__lt=through, pk__in=raised.union(odd, all=True))


class Watched(NamedTuple):
    """An account, when it settles, and up to where somebody has looked."""

    account_id: int
    days: int
    together: str
    through: datetime | None
    """None where nobody has looked yet."""


def watched() -> list[Watched]:
    """All accounts. One query."""
    through = SettlementWatch.objects.filter(account=OuterRef("pk")).values("through")
    rows = AcquirerAccount.objects.order_by()
    return [Watched(*row) for row in rows.values_list("pk", "settlement_days", "settlement_cycle", Subquery(through))]


def looked_through(accounts: Collection[Watched]) -> datetime | None:
    """Whatever was made before is final, and settled, raised or not expected; None where nobody has looked yet."""
    moments = [one.through for one in accounts]
    return min((moment for moment in moments if moment is not None), default=None) if all(moments) else None


def missing(kind: Kind) -> QuerySet[Discrepancy]:
    """The open discrepancies about what is missing."""
    return Discrepancy.objects.filter(kind.named(), reason=Reason.MISSING, closed_at=None)


def unraised(kind: Kind) -> QuerySet[Any]:
    """What is unsettled and no discrepancy speaks of: there is none, or it has healed and does not hold any more."""
    stands = Discrepancy.objects.filter(**{kind.name: OuterRef("pk")}).exclude(resolution=Resolution.HEALED)
    return kind.unsettled().filter(~Exists(stands.order_by()))


# Whether the report of a day is here.


@dataclass(frozen=True)
class Group:
    """What happened on one day of the acquirer and is settled in one currency."""

    day: date
    currency: str


def groups(kind: Kind, rows: QuerySet[Any]) -> dict[Group, int]:
    """How many of the rows there are of each day and currency."""
    by_day = rows.order_by().values_list(TruncDate(kind.moment, tzinfo=clock.ACQUIRER_ZONE), F(kind.currency))
    return {Group(day, currency): count for day, currency, count in by_day.annotate(count=Count("pk"))}


def reported(account: AcquirerAccount, wanted: Iterable[Group]) -> set[Group]:
    """Of which of these the report is here, whole. Few queries, and two short ones for each that no batch tells of."""
    wanted = set(wanted)
    if not wanted:
        return set()
    if adapter_of(account).capabilities.clears_first:
        return _cleared(account, wanted)
    cycle = Cycle.of(account)
    days = {group: cycle.expected_on(group.day) for group in wanted}
    incomplete, here = _batches(account, set(days.values()))
    return {
        group
        for group in wanted
        if (days[group], group.currency) not in incomplete
        and ((days[group], group.currency) in here or _is_settled_in_part(account, group))
    }


def _cleared(account: AcquirerAccount, wanted: set[Group]) -> set[Group]:
    """Of which of these the clearing is here: it is of one day, whenever that is paid, and there also when empty."""
    days = {f"{group.day:%Y%m%d}" for group in wanted}
    files = ReportFile.objects.filter(account=account, report_day__in=days)
    clearings = files.filter(kind=ReportKind.SETTLEMENT, status=FileStatus.IMPORTED).order_by()
    here = list(clearings.values_list("report_day", "name"))
    incomplete, _ = _batches(account, {group.day + _DAY for group in wanted})
    return {
        group
        for group in wanted
        if (group.day + _DAY, group.currency) not in incomplete
        # An empty one has no row that says its currency, but its name does.
        and any(day == f"{group.day:%Y%m%d}" and f"_{group.currency}_" in name for day, name in here)
    }


def _batches(account: AcquirerAccount, days: set[date]) -> tuple[set[tuple[date, str]], set[tuple[date, str]]]:
    """Days and currencies of which a part is awaited, and of which the details are here.

    A summary without its details, or with more rows than they have, says that a file is still to come.
    """
    parts = Discrepancy.objects.filter(
        summary_row__batch=OuterRef("pk"),
        reason__in=(Reason.DETAILS_AWAITED, Reason.COUNT_DIFFERS),
        closed_at=None,
    )
    found = Batch.objects.filter(account=account, initiated_on__in=days).exclude(details=None, summary=None)
    incomplete: set[tuple[date, str]] = set()
    here: set[tuple[date, str]] = set()
    for day, currency, details, waits in found.annotate(waits=Exists(parts.order_by())).values_list(
        "initiated_on", "currency", "details__status", "waits"
    ):
        if details == FileStatus.IMPORTED:
            here.add((day, currency))
        if waits or details != FileStatus.IMPORTED:
            incomplete.add((day, currency))
    return incomplete, here


def _is_settled_in_part(account: AcquirerAccount, group: Group) -> bool:
    """Whether something of that day and currency is settled: the first such row is answer enough."""
    for kind in KINDS:
        counting = settling(kind)
        rows = kind.model._base_manager.filter(
            kind.of(account),
            kind.of_days(group.day, group.day + _DAY),
            Exists(counting.filter(**{kind.name: OuterRef("pk")}).order_by()),
            created_at__gte=start_of(group.day) - _SOON,
            created_at__lt=start_of(group.day + _DAY),
            **{kind.currency: group.currency},
        )
        if rows.order_by().exists():
            return True
    return False


# Where one of them stands.


class State(Enum):
    """Where a payment or refund stands with its settlement."""

    EXPECTED = auto()
    AWAITING = auto()
    """Its report is not here."""
    LATE = auto()
    """Its report is here and does not have it; the grace runs."""
    MISSING = auto()
    EXPLAINED = auto()
    """It is missing, and a person said what became of it."""
    SETTLED = auto()


@dataclass(frozen=True)
class Standing:
    """Where it stands, and the day that says most about it."""

    state: State
    day: date
    """When it was settled; else when it was, or is, expected."""
    missing_on: date
    discrepancy: Discrepancy | None = None


def standing(thing: Payment | Refund, account: AcquirerAccount) -> Standing | None:
    """Where it stands; None where no settlement is expected. A constant number of queries."""
    kind = kind_of(thing)
    moment: datetime | None = getattr(thing, kind.moment)
    if moment is None:
        return None
    cycle, happened = Cycle.of(account), day_of(moment)
    expected, missing_on = cycle.expected_on(happened), cycle.missing_on(happened)
    row = queries.settled(thing)
    if row is not None:
        assert row.batch is not None  # noqa: S101 - of a settlement
        return Standing(State.SETTLED, row.batch.initiated_on, missing_on)
    if not kind.unsettled().filter(pk=thing.pk).exists():
        return None
    found = Discrepancy.objects.filter(**{kind.name: thing}).exclude(resolution=Resolution.HEALED).first()
    if found is not None:
        return Standing(State.MISSING if found.is_open else State.EXPLAINED, expected, missing_on, found)
    today = day_of(clock.now())
    is_old = SettlementWatch.objects.filter(account=account, since__gt=thing.created_at)
    if today <= expected or is_old.exists():  # of before we had its reports: nobody misses it
        return Standing(State.EXPECTED, expected, missing_on)
    currency = thing.settlement_currency if isinstance(thing, Payment) else thing.payment.settlement_currency
    if reported(account, [Group(happened, currency)]):
        return Standing(State.LATE, expected, missing_on)
    is_awaited = today >= cycle.reported_by(happened)
    return Standing(State.AWAITING if is_awaited else State.EXPECTED, expected, missing_on)
