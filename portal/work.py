"""Doing what is due, whoever runs it: the worker, Celery's workers, the tour, a test that moves the clock.

There are two ways. ``manage.py worker`` works on what it has just claimed (``run_due``). With a broker configured beat
carries batches as messages (``carry``) to workers on many machines (``portal/celery.py``); there ``work_on`` begins by
taking its rows over from the claim, so what a batch brings is worked on only where nobody else has begun: a message
that is lost, doubled or late costs time and nothing else (``portal/due.py`` says how).

One row that cannot be worked on does not stop the others: its error is reported as an incident, its lease runs out,
and it is tried again; the error text never holds a secret, since secrets have no ``repr``.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from portal import clock, due, incidents, registry
from portal.errors import PortalError
from portal.outage import DATABASE_GONE
from portal.registry import DueWork

BATCH = 50
"""At most so many rows are carried at once: the fewer, the less has to wait behind a slow one."""
HANDS = 16
"""What is due at once is spread over so many batches before any is filled: one hand must not hold it all."""
CLAIM = 1000
"""Rows leased in one transaction when batches are carried: far more come through when the leasing is shared."""
LEAST_TOGETHER = 2
FAILED = "WORK_FAILED"

logger = logging.getLogger("portal.worker")


@dataclass(frozen=True)
class Batch:
    """Claimed rows on their way to whoever works on them. ``held_until`` is the lease, and the proof of the claim."""

    kind: str
    ids: tuple[int, ...]
    held_until: datetime


def claim(name: str, kind: DueWork, limit: int) -> Batch:
    """Lease up to ``limit`` due rows of a kind for as long as they may be carried."""
    held_until = clock.now() + due.CARRIED
    return Batch(name, tuple(kind.claim(limit, held_until)), held_until)


def carry(send: Callable[[Batch], None], *, room: int) -> int:
    """Claim what is due and ``send`` it in at most ``room`` batches, the kinds taking turns; how many were sent.

    What could not be sent is given back. Raises DATABASE_GONE, and whatever ``send`` raises.
    """
    sent = 0
    kinds = list(registry.due_work.items())
    while kinds and sent < room:
        for name, kind in list(kinds):
            hands = min(HANDS, room - sent)
            if not hands:
                break
            wanted = min(CLAIM, hands * BATCH)
            claimed = claim(name, kind, wanted)
            if len(claimed.ids) < wanted:
                kinds.remove((name, kind))
            sent += _send(claimed, kind, send, hands)
    return sent


def _send(claimed: Batch, kind: DueWork, send: Callable[[Batch], None], hands: int) -> int:
    size = -(-len(claimed.ids) // hands)
    sent = 0
    waiting = claimed.ids
    try:
        while waiting:
            send(Batch(claimed.kind, waiting[:size], claimed.held_until))
            waiting = waiting[size:]
            sent += 1
    finally:
        if waiting:
            kind.release(waiting, claimed.held_until)
    return sent


def work_on(batch: Batch, *, stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[str, str]]:
    """Take over what is still held as it was claimed, and work on it; yields (kind, line) per row.

    A row that has waited in its batch until its lease is nearly over is given back, and so is what is left when told to
    stop. Raises KeyError for a kind this program does not know, and DATABASE_GONE.
    """
    kind = registry.due_work.get(batch.kind)
    if kind is None:
        raise KeyError(batch.kind)
    held_until = clock.now() + due.LEASE

    waiting = kind.take_over(batch.ids, batch.held_until, held_until)
    yield from _work_while_held(batch.kind, kind, waiting, held_until, stop)


def _work_while_held(
    name: str, kind: DueWork, waiting: list[int], held_until: datetime, stop: Callable[[], bool]
) -> Iterator[tuple[str, str]]:
    def may_go_on() -> bool:
        return not stop() and clock.now() < held_until - due.LONGEST_TASK

    try:
        for pk, line in _work_on_many(name, kind, tuple(waiting), may_go_on):
            waiting.remove(pk)
            yield name, line
        while waiting and may_go_on():
            yield name, _work_on(name, kind, waiting.pop(0))
    finally:
        if waiting:
            kind.release(waiting, held_until)


def _work_on_many(
    name: str, kind: DueWork, ids: tuple[int, ...], may_go_on: Callable[[], bool]
) -> Iterator[tuple[int, str]]:
    """What the kind does together. When that fails, each row is worked on by itself, and tells of itself."""
    if kind.work_on_many is None or len(ids) < LEAST_TOGETHER:
        return
    try:
        yield from kind.work_on_many(ids, may_go_on)
    except DATABASE_GONE:
        raise
    except Exception:
        logger.exception("%s could not be worked on together", name)


def run_due(*, stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[str, str]]:
    """Claim and work on what is due now, kind by kind; yields (kind, line) per row. Raises DATABASE_GONE.

    The kinds are asked together what is due: a claim writes, and most of them would find nothing.
    """
    kinds = list(registry.due_work.items())
    waiting = due.kinds_with_work(kinds)
    for name, kind in kinds:
        if name not in waiting:
            continue
        yield from run_due_of(name, kind, stop=stop)
        if stop():
            return


def run_due_of(name: str, kind: DueWork, *, stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[str, str]]:
    """Claim and work on some of what is due now of one kind. Nobody carries it, so the claim is for the work itself."""
    held_until = clock.now() + due.LEASE
    ids = kind.claim(kind.at_once or BATCH, held_until)
    yield from _work_while_held(name, kind, ids, held_until, stop)


def _work_on(name: str, kind: DueWork, pk: int) -> str:
    try:
        return kind.work(pk)
    except DATABASE_GONE:
        raise
    except Exception as reason:
        logger.exception("%s %s could not be worked on", name, pk)
        incidents.raise_incident(
            FAILED,
            f"{name} {pk} could not be worked on: {type(reason).__name__}.",
            subject=kind.find(pk),
            detail=f"{reason.message if isinstance(reason, PortalError) else 'See the log of the worker.'} "
            f"It is tried again every {due.LEASE.seconds // 60} minutes.",
        )
        return f"{name} {pk}: failed ({type(reason).__name__}), tried again later"


def run_all_due(limit: int = 10_000) -> list[str]:
    """Run until nothing is due now; the lines that were written. Raises RuntimeError when it does not come to rest."""
    lines: list[str] = []
    while True:
        done = [line for _, line in run_due()]
        if not done:
            return lines
        lines += done
        if len(lines) > limit:
            raise RuntimeError(f"due work does not come to rest; last: {lines[-3:]}")


def next_due() -> datetime | None:
    """When the earliest waiting row of any kind falls due; None when nothing waits."""
    moments = [moment for kind in registry.due_work if (moment := kind.next_due()) is not None]
    return min(moments) if moments else None
