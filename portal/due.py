"""Claiming due rows: any number of workers may claim at once, and each row goes to one of them.

A claim leases rows for a while instead of marking them taken: a worker that is killed loses nothing, its lease runs
out and another takes over. What is done with a row must therefore be safe to do twice.

**A claim names the moment its lease ends, and that moment, written on the row, is its proof.** Whoever wants to work
on rows that were claimed elsewhere, and came to it as ids on a broker, takes them over: the ids whose lease still ends
at that very moment get a new one, in one transaction, and all others are left alone. So of two copies of a message one
finds the proof gone; so does a message that comes after its rows were claimed anew; one that is merely late still
finds it. It needs no column beside the lease, no memory beside the rows, and nobody who reads the broker can forge it
into more than an early look at rows that are due anyway. Passed over: claiming inside the task alone (whoever looks for
due rows would send the same ones again and again until somebody begins), and a column for the holder's name (a second
truth beside the lease, and a message delivered twice carries the same name).

Whoever works on what it has itself just claimed has nothing to prove: it claims for LEASE at once.

All of it in seconds, on the clock of whoever claims::

    claimed ---- CARRIED 60 ----> free again, unless taken over before
                 taken over ---- begun within 60 ---- LONGEST_TASK 60 ----> LEASE 120: free again
                            ---- LIMIT 115 ----> the process is ended (Celery's workers)

A row is begun at most LEASE - LONGEST_TASK after it was taken over, and two signed calls with all their time-outs need
some 51 seconds: they end before the lease does. Where a row needs longer than anything we know of, a process of Celery
is ended before its lease is over, and the five seconds between are what the clocks of two machines may differ by.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, Count, F, Min, Q, QuerySet, When

from portal import clock
from portal.models.due import Due
from portal.registry import DueWork, Waiting
from portal.statements import EVER, Found, Given, Said, given_ids, update
from portal.statements import ids as given_as

CARRIED = timedelta(seconds=60)
"""From the claim until somebody begins: what a lost message costs. Shorter than LEASE, so that no two proofs of one
row are ever equal, not even under a clock that stands still."""
LEASE = timedelta(seconds=120)
LONGEST_TASK = timedelta(seconds=60)
"""Two signed calls (ask, then cancel), each with three connection attempts and a read time-out, and their records.

Rows are claimed many at a time: one that has waited in its batch until less than this is left of the lease is not
begun any more, or a second worker could claim it while it is being worked on.
"""
LIMIT = LEASE - timedelta(seconds=5)
"""No process works on one batch for longer, where somebody watches over it."""

D = TypeVar("D", bound=Due)
_LEASE_UNTIL = next(field for field in Due._meta.local_fields if field.name == "lease_until")


def free(rows: QuerySet[D], at: datetime | Given) -> QuerySet[D]:
    """The rows that are due and that nobody holds."""
    return rows.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=at), due_at__lte=at)


def claim(rows: QuerySet[D], limit: int, until: datetime | None = None) -> list[int]:
    """Lease up to ``limit`` due rows ``until`` then (LEASE from now), longest due first, and return their ids."""
    return _Claims(lambda: rows).claim(limit, until or clock.now() + LEASE)


def take_over(rows: QuerySet[D], ids: Sequence[int], held_until: datetime, until: datetime) -> list[int]:
    """Lease ``until`` then those of the rows that are still held ``held_until``: nobody claimed them since."""
    return _Claims(lambda: rows).take_over(ids, held_until, until)


class _Claims(Generic[D]):
    """Claims of one kind of rows. Workers say these statements all day long, so they are worded once."""

    def __init__(self, rows: Callable[[], QuerySet[D]]) -> None:
        self._rows = rows
        self._claiming: dict[int, Said] = {}
        self._taking_over: dict[int, Said] = {}
        self._next: Found[D] = Found(lambda: _by_moment(rows(), Given("at", _LEASE_UNTIL)).values_list("moment")[:1])

    def claim(self, limit: int, until: datetime) -> list[int]:
        """Lease up to ``limit`` due rows ``until`` then, longest due first, and return their ids."""

        def first(line: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
            # Rows of one moment come as the index holds them: sorted by id, too, all of them would be read each time.
            rows = free(self._rows(), Given("at", _LEASE_UNTIL)).order_by("due_at")[:limit]
            return _leasing(rows, line, skips_held=True)

        said = self._claiming.setdefault(limit, Said(first))
        return [pk for _, pk in sorted(said.run(at=clock.now(), until=until))]

    def take_over(self, ids: Sequence[int], held_until: datetime, until: datetime) -> list[int]:
        """Lease ``until`` then those of the rows that are still held ``held_until``: nobody claimed them since."""
        if not ids:
            return []
        count = len(ids)

        def held(line: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
            rows = self._rows().model._base_manager.filter(
                pk__in=given_ids(count), lease_until=Given("held_until", _LEASE_UNTIL)
            )
            # In the order of ids: two who wait here never wait for each other.
            return _leasing(rows.order_by("pk"), line, skips_held=False)

        said = self._taking_over.setdefault(count, Said(held))
        taken = said.run(**given_as(ids, count), held_until=held_until, until=until)
        still_held = {pk for _, pk in taken}
        return [pk for pk in ids if pk in still_held]

    def next_due(self) -> datetime | None:
        """When the earliest waiting row falls due, leases counted; None when nothing waits."""
        found = self._next.tuples(at=clock.now())
        return found[0][0] if found else None


def _by_moment(rows: QuerySet[Any], at: datetime | Given) -> QuerySet[Any]:
    """The waiting rows in the order in which they fall due, leases counted."""
    held_until = Case(When(lease_until__gte=at, then=F("lease_until")), default=F("due_at"))
    ordered: QuerySet[Any] = rows.filter(due_at__isnull=False).annotate(moment=held_until).order_by("moment")
    return ordered


def _leasing(rows: QuerySet[Any], line: BaseDatabaseWrapper, *, skips_held: bool) -> tuple[str, list[Any]]:
    """The words that lease what a query chooses ``until`` then, and return when each row was due, and its id.

    One statement, and so a transaction of its own: SQLite gives it the only write lock before it reads. Materialized,
    since a plan that asked for the rows more than once would lock others each time.
    """
    chosen, params = rows.values("pk").query.get_compiler(connection=line).as_sql()
    meta, quoted = rows.model._meta, line.ops.quote_name
    table, key = quoted(meta.db_table), quoted(str(meta.pk.column))
    if line.features.has_select_for_update:
        chosen = f"{chosen} FOR NO KEY UPDATE OF {table}{' SKIP LOCKED' if skips_held else ''}"
    return (
        f"WITH chosen AS MATERIALIZED ({chosen}) UPDATE {table} SET lease_until = %s "  # noqa: S608 - our own names
        f"WHERE {key} IN (SELECT pk FROM chosen) RETURNING due_at, {key}"
    ), [*params, Given("until", _LEASE_UNTIL)]


def release(rows: QuerySet[D], ids: Sequence[int], held_until: datetime) -> None:
    """Give back rows that were claimed and not begun, as far as they are still held ``held_until``."""
    rows.model._base_manager.filter(pk__in=ids, lease_until=held_until).update(lease_until=None)


def work_on(
    rows: Callable[[], QuerySet[D]],
    work: Callable[[int], str],
    *,
    many: Callable[[Sequence[int], Callable[[], bool]], Iterator[tuple[int, str]]] | None = None,
    at_once: int = 0,
) -> DueWork:
    """The kind of due work that does ``work(id)`` with the waiting ``rows()`` once each is due.

    ``many`` does several together, where it can, and ``at_once`` so many (``DueWork.work_on_many``).
    """
    claims = _Claims(rows)
    return DueWork(
        claim=claims.claim,
        take_over=claims.take_over,
        work=work,
        next_due=claims.next_due,
        release=lambda ids, held_until: release(rows(), ids, held_until),
        find=lambda pk: rows().model._base_manager.filter(pk=pk).first(),
        overdue=lambda: overdue(rows()),
        rows=rows,
        work_on_many=many,
        at_once=at_once,
    )


def kinds_with_work(kinds: Sequence[tuple[str, DueWork]]) -> set[str]:
    """Which kinds have rows that are due and that nobody holds; who of many gets them is decided by their claims.

    One question for all of them, worded once.
    """
    if not kinds:
        return set()
    key = tuple((name, kind.rows) for name, kind in kinds)
    said = _asked.setdefault(key, Said(lambda line: _whether_any(kinds, line)))
    return {name for (name,) in said.run(at=clock.now())}


_asked: dict[tuple[tuple[str, Callable[[], Any]], ...], Said] = {}


def _whether_any(kinds: Sequence[tuple[str, DueWork]], line: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
    said: list[str] = []
    given: list[Any] = []
    for name, kind in kinds:
        # A range with two ends, so that PostgreSQL plans it once (statements.EVER).
        rows = free(kind.rows(), Given("at", _LEASE_UNTIL)).filter(due_at__gte=EVER).order_by().values("pk")[:1]
        sql, params = rows.query.get_compiler(connection=line).as_sql()
        said.append(f"SELECT '{name}' WHERE EXISTS ({sql})")
        given += params
    return " UNION ALL ".join(said), given


def next_due(rows: QuerySet[D]) -> datetime | None:
    """When the earliest of these rows falls due, leases counted; None when nothing waits."""
    return _Claims(lambda: rows).next_due()


def overdue(rows: QuerySet[D]) -> Waiting:
    """How many rows have their moment behind them, those in hand included, and the earliest such moment."""
    return waiting(rows.filter(due_at__lte=clock.now()), "due_at")


def waiting(rows: QuerySet[Any], since: str) -> Waiting:
    """How many rows these are, and the earliest of their moments ``since``."""
    found = rows.order_by().aggregate(count=Count("pk"), first=Min(since))
    return Waiting(found["count"], found["first"])


def hold(row: Due, *, due_at: datetime | None, attempts: int | None = None) -> None:
    """Set when the row is due next (None: nothing waits) and give up the lease."""
    facts: dict[str, object] = {"due_at": due_at, "lease_until": None}
    if attempts is not None:
        facts["attempts"] = attempts
    update(type(row), facts, pk=row.pk)
    for name, value in facts.items():
        setattr(row, name, value)
