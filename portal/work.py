"""Doing what is due, whoever runs it: the worker, the tour, a test that moves the clock.

One row that cannot be worked on does not stop the others: its error is reported as an incident, its lease runs out,
and it is tried again; the error text never holds a secret, since secrets have no ``repr``.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import InterfaceError, OperationalError

from portal import clock, due, incidents, registry
from portal.errors import PortalError
from portal.registry import DueWork

BATCH = 50
FAILED = "WORK_FAILED"
DATABASE_GONE = (OperationalError, InterfaceError)
"""The database is restarting, or would not wait for two rows at once: no fault of the row."""

logger = logging.getLogger("portal.worker")


def run_due(*, stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[str, str]]:
    """Claim and work on what is due now, kind by kind; yields (kind, line) per row. Raises DATABASE_GONE.

    A row that has waited in its batch until its lease is nearly over is left to the next claim.
    """
    for name, kind in registry.due_work.items():
        claimed_at = clock.now()
        waiting = kind.claim(BATCH)
        try:
            while waiting and not stop() and clock.now() < claimed_at + due.LEASE - due.LONGEST_TASK:
                yield name, _work_on(name, kind, waiting.pop(0))
        finally:
            if waiting and clock.now() < claimed_at + due.LEASE - due.LONGEST_TASK:
                kind.release(waiting)
        if stop():
            return


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
