"""Claiming due rows: any number of workers may claim at once, and each row goes to one of them.

A claim leases the row for a while instead of marking it taken: a worker that is killed loses nothing, its lease runs
out and another takes over. What is done with a row must therefore be safe to do twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Case, F, Min, Q, QuerySet, When

from portal import clock
from portal.models.due import Due
from portal.registry import DueWork

LEASE = timedelta(seconds=120)
LONGEST_TASK = timedelta(seconds=60)
"""Two signed calls (ask, then cancel), each with three connection attempts and a read time-out, and their records.

Rows are claimed many at a time: one that has waited in its batch until less than this is left of the lease is not
begun any more, or a second worker could claim it while it is being worked on.
"""

D = TypeVar("D", bound=Due)


def free(rows: QuerySet[D], at: datetime) -> QuerySet[D]:
    """The rows that are due and that nobody holds."""
    return rows.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=at), due_at__lte=at)


def claim(rows: QuerySet[D], limit: int) -> list[int]:
    """Lease up to ``limit`` due rows, longest due first, and return their ids."""
    at = clock.now()
    with transaction.atomic():
        chosen = free(rows, at).order_by("due_at", "pk")
        if connection.features.has_select_for_update_skip_locked:
            chosen = chosen.select_for_update(skip_locked=True)
        ids = list(chosen.values_list("pk", flat=True)[:limit])
        if ids:
            # SQLite has no row locks, but IMMEDIATE gave this transaction the only write lock before it read.
            rows.model._base_manager.filter(pk__in=ids).update(lease_until=at + LEASE)
    return ids


def release(rows: QuerySet[D], ids: list[int]) -> None:
    """Give back rows that were claimed and not begun. Only while their lease is certainly still ours."""
    rows.model._base_manager.filter(pk__in=ids).update(lease_until=None)


def work_on(rows: Callable[[], QuerySet[D]], work: Callable[[int], str]) -> DueWork:
    """The kind of due work that does ``work(id)`` with the waiting ``rows()`` once each is due."""
    return DueWork(
        claim=lambda limit: claim(rows(), limit),
        work=work,
        next_due=lambda: next_due(rows()),
        release=lambda ids: release(rows(), ids),
        find=lambda pk: rows().model._base_manager.filter(pk=pk).first(),
    )


def next_due(rows: QuerySet[D]) -> datetime | None:
    """When the earliest waiting row falls due, leases counted; None when nothing waits."""
    at = clock.now()
    held_until = Case(When(lease_until__gte=at, then=F("lease_until")), default=F("due_at"))
    earliest: datetime | None = rows.filter(due_at__isnull=False).aggregate(first=Min(held_until))["first"]
    return earliest


def hold(row: Due, *, due_at: datetime | None, attempts: int | None = None) -> None:
    """Set when the row is due next (None: nothing waits) and give up the lease."""
    facts: dict[str, object] = {"due_at": due_at, "lease_until": None}
    if attempts is not None:
        facts["attempts"] = attempts
    type(row)._base_manager.filter(pk=row.pk).update(**facts)
    for name, value in facts.items():
        setattr(row, name, value)
