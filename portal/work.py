"""Doing what is due, whoever runs it: the worker, the tour, a test that moves the clock.

One row that cannot be worked on does not stop the others: its error is reported, its lease runs out, and it is tried
again; the error text never holds a secret, since secrets have no ``repr``.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import OperationalError

from portal import registry

BATCH = 50

logger = logging.getLogger("portal.worker")


def run_due(*, stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[str, str]]:
    """Claim and work on what is due now, kind by kind; yields (kind, line) per row. Raises OperationalError."""
    for name, kind in registry.due_work.items():
        for pk in kind.claim(BATCH):
            if stop():
                return
            try:
                line = kind.work(pk)
            except OperationalError:
                raise
            except Exception as reason:
                logger.exception("%s %s could not be worked on", name, pk)
                line = f"{name} {pk}: failed ({type(reason).__name__}), tried again later"
            yield name, line


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
