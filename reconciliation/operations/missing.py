"""Raising what no settlement report has, and closing it again once one does.

The clock looks once a day, when the acquirer's day ends, and after every import; ``reconciliation.expecting`` says what
is expected. A look raises by portions, each a short transaction that holds the account as imports do, so that nothing
is raised which a report just brought. That something is missing is one row for each payment or refund, by a constraint:
whoever is killed, or looks twice, raises nothing twice. It closes itself with the import that has it, and opens again,
with its owner and its age, where that import is undone. What a person said of it stands.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Least

from payments.models import Payment
from portal import clock
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import expecting
from reconciliation.expecting import KINDS, PAYMENTS, Cycle, Group, Kind, day_of, start_of
from reconciliation.models import (
    AwaitedReport,
    Discrepancy,
    Reason,
    Resolution,
    SettlementRow,
    SettlementWatch,
)

PORTION = 2_000
"""So many are raised in one transaction."""
_DAY = timedelta(days=1)
_FOUND = "A settlement report has it."
_NOT_EXPECTED = "It is not expected in a settlement any more."
_NOT_DUE = "By the account's calendar it is not due yet."


def watch(account: AcquirerAccount) -> None:
    """From now on somebody looks whether it settles what it should. Inside the transaction that connects it."""
    now = clock.now()
    SettlementWatch.objects.get_or_create(
        account=account, defaults={"since": now, "through": now, "due_at": _next_look(now)}
    )


def look_soon(account: AcquirerAccount, over: "Iterable[int] | QuerySet[Any, Any]" = ()) -> None:
    """Let the clock look now: a report came or went. Inside the transaction of what happened.

    ``over`` are payments about which something may not hold any more: from the oldest of them on, all is looked
    through.
    """
    made = account.created_at
    defaults = {"since": made, "through": made}
    held, _ = SettlementWatch.objects.get_or_create(account=account, defaults=defaults)
    facts: dict[str, Any] = {"due_at": clock.now()}
    oldest = Payment.objects.filter(pk__in=over).aggregate(oldest=Min("created_at"))["oldest"] if over else None
    if oldest is not None:
        facts["through"] = Least(F("through"), oldest)
    SettlementWatch.objects.filter(pk=held.pk).update(**facts)


def settled_by(rows: Iterable[SettlementRow]) -> set[int]:
    """The payments that these rows, as they were read, speak of."""
    return {match.payment_id for row in rows if (match := getattr(row, "match", None)) is not None}


def heal(account: AcquirerAccount, note: str = _FOUND) -> int:
    """Close what is missing no longer, with a word; how many. Inside the transaction of what brought it."""
    if not Discrepancy.objects.filter(account=account, reason=Reason.MISSING, closed_at=None).exists():
        return 0
    healed = 0
    for kind in KINDS:
        mine = expecting.missing(kind).filter(account=account)
        healed += _heal(mine.filter(Exists(expecting.told_of(kind, OuterRef(kind.name)))), note)
        expected = kind.model._base_manager.filter(kind.expected, pk=OuterRef(kind.name))
        healed += _heal(mine.filter(~Exists(expected.order_by())), _NOT_EXPECTED)
    return healed


def _heal_what_is_not_due(account: AcquirerAccount, held: SettlementWatch, at: datetime) -> None:
    """Close what another cycle or calendar, said after it was raised, does not miss yet, and look through it again.

    It is raised again, as the same row, once its time is over.
    """
    cycle = Cycle.of(account)
    end = cycle.last_day(cycle.missing_on, day_of(at)) + _DAY
    for kind in KINDS:
        mine = expecting.missing(kind).filter(account=account)
        early = mine.filter(**{f"{kind.name}__{kind.moment}__gte": start_of(end)})
        oldest = early.aggregate(oldest=Min(f"{kind.name}__created_at"))["oldest"]
        if oldest is not None:
            _heal(early, _NOT_DUE)
            held.through = min(held.through, oldest)
            SettlementWatch.objects.filter(pk=held.pk).update(through=held.through)


def _heal(found: "QuerySet[Discrepancy]", note: str) -> int:
    return found.update(closed_at=clock.now(), closed_by="import", resolution=Resolution.HEALED, note=note[:400])


def look(
    held: SettlementWatch, *, at: datetime | None = None, is_time_up: Callable[[], bool] = lambda: False
) -> tuple[int, bool]:
    """Raise what is missing by now, close what is not, count what waits for its report.

    How many were raised, and whether it came to its end; else it goes on with the next look. ``at`` is the moment by
    which things are expected, where it is another one than now.
    """
    at = at or clock.now()
    raised = 0
    while True:
        with transaction.atomic(durable=True):
            account = _held(held)
            heal(account)
            _heal_what_is_not_due(account, held, at)
            done = _raise_some(account, held.through, at)
        raised += done
        if done < PORTION:
            break
        if is_time_up():
            return raised, False
    with transaction.atomic(durable=True):
        _count_awaited(_held(held), held.through, at)
    return raised, True


def rest(held: SettlementWatch) -> None:
    """Until the acquirer's day ends; where a report came meanwhile, not at all."""
    now = clock.now()
    oldest = [now - _DAY]  # what was promised while we looked is younger
    for kind in KINDS:
        ours = kind.model._base_manager.filter(kind.of(held.account_id), created_at__gte=held.through)
        pending = expecting.unraised(kind).filter(kind.of(held.account_id), created_at__gte=held.through)
        for rows in (ours.filter(status__in=kind.undecided), pending):
            first = rows.order_by().aggregate(first=Min("created_at"))["first"]
            if first is not None:
                oldest.append(first)
    facts = {"due_at": _next_look(now), "lease_until": None, "through": max(held.through, min(oldest))}
    if not SettlementWatch.objects.filter(pk=held.pk, due_at=held.due_at).update(**facts):
        SettlementWatch.objects.filter(pk=held.pk).update(lease_until=None)


def _next_look(now: datetime) -> datetime:
    return start_of(day_of(now) + _DAY)


def _held(held: SettlementWatch) -> AcquirerAccount:
    """The account, locked against imports and nobody else: an order that is being placed does not wait."""
    return AcquirerAccount.objects.select_for_update(no_key=True).get(pk=held.account_id)


def _raise_some(account: AcquirerAccount, through: datetime, at: datetime) -> int:
    raised = 0
    for kind in KINDS:
        rows = list(_due(kind, account, through, at)[: PORTION - raised])
        _raise(kind, account, rows)
        raised += len(rows)
    return raised


def _due(kind: Kind, account: AcquirerAccount, through: datetime, at: datetime) -> "QuerySet[Any]":
    """What is missing by then and not raised yet."""
    cycle, today = Cycle.of(account), day_of(at)
    end = cycle.last_day(cycle.missing_on, today) + _DAY
    given_up = cycle.last_day(cycle.given_up_on, today) + _DAY
    rows = expecting.unraised(kind).filter(kind.of(account), kind.of_days(None, end), created_at__gte=through)
    is_due = kind.of_days(None, given_up)
    waiting = expecting.groups(kind, rows.filter(kind.of_days(given_up, end)))
    for group in expecting.reported(account, waiting):
        is_due |= kind.of_days(group.day, group.day + _DAY) & Q(**{kind.currency: group.currency})
    return rows.filter(is_due).order_by("pk")


def _raise(kind: Kind, account: AcquirerAccount, rows: list[Any]) -> None:
    if not rows:
        return
    keys = [row.pk for row in rows]
    before = Discrepancy.objects.filter(resolution=Resolution.HEALED, **{f"{kind.name}__in": keys})
    again = set(before.values_list(kind.name, flat=True))
    before.update(closed_at=None, closed_by="", resolution="", note="")
    Discrepancy.objects.bulk_create(
        [_discrepancy(kind, account, row) for row in rows if row.pk not in again], ignore_conflicts=True
    )


def _discrepancy(kind: Kind, account: AcquirerAccount, thing: Any) -> Discrepancy:
    amount: Money = thing.amount
    day = day_of(getattr(thing, kind.moment))
    expected = Cycle.of(account).expected_on(day)
    if kind is PAYMENTS:
        sentence = f"{thing} was paid on {day} and should be settled since {expected} (UTC+8): no report has it."
    else:
        sentence = f"{thing} was refunded on {day} and should be settled since {expected} (UTC+8): no report has it."
    # A payment that is not settled is lost; a refund that is not was given by the acquirer.
    stake = -amount if kind is PAYMENTS else amount
    return Discrepancy(
        account=account,
        reason=Reason.MISSING,
        sentence=sentence,
        currency=amount.currency,
        stake_value=stake.value,
        stake_currency=stake.currency,
        **{kind.name: thing},
    )


def _count_awaited(account: AcquirerAccount, through: datetime, at: datetime) -> None:
    cycle = Cycle.of(account)
    end = cycle.last_day(cycle.reported_by, day_of(at)) + _DAY
    counts: dict[tuple[str, Any], dict[str, int]] = {}
    for kind in KINDS:
        rows = expecting.unraised(kind).filter(kind.of(account), kind.of_days(None, end), created_at__gte=through)
        found = expecting.groups(kind, rows)
        here: set[Group] = expecting.reported(account, found)
        for group, count in found.items():
            if group not in here:
                waiting = counts.setdefault((group.currency, cycle.expected_on(group.day)), {"payment": 0, "refund": 0})
                waiting[kind.name] += count
    wanted = [
        AwaitedReport(
            account=account, currency=currency, day=day, payment_count=one["payment"], refund_count=one["refund"]
        )
        for (currency, day), one in sorted(counts.items())
    ]
    kept = AwaitedReport.objects.filter(account=account)
    if {_said(one) for one in wanted} != {_said(one) for one in kept}:
        kept.delete()
        AwaitedReport.objects.bulk_create(wanted)


def _said(one: AwaitedReport) -> tuple[Any, ...]:
    return one.currency, one.day, one.payment_count, one.refund_count
