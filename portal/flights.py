"""Calls in flight: several signed calls at once, each on a thread of its own, which touches no database.

What is promised before a call, and what becomes of its answer, stays with the thread that has the database: whoever
makes calls here has committed what they are about, and writes the answers down itself. A call is mostly waiting for the
acquirer, so eight under way do in a second what one after the other take eight for. Where there is hardly anything to
wait for, threads cost more than they save: they take turns at Python, and calls are made one after the other.
"""

import functools
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from django.conf import settings

from portal import gateways

T = TypeVar("T")
WORTH_WAITING_SECONDS = 0.005
"""From such an average on, a call of ours is worth a thread."""


class _Pace:
    """How long calls took the last time."""

    seconds = 0.0


_pace = _Pace()


def made(calls: Sequence[Callable[[], T]]) -> "list[Future[T]]":
    """Make the calls, begun in their order; what became of each, once all have ended.

    At most PORTAL_CALLS_IN_FLIGHT at a time, so whoever has to wait for a turn asks by itself whether it is still
    wanted. An exception is kept for whoever asks for its result. Over a line that is no socket they are made one after
    the other, so that a simulated history is told alike each time.
    """
    if not calls:
        return []
    begun, together = time.monotonic(), min(settings.PORTAL_CALLS_IN_FLIGHT, len(calls))
    if together == 1 or _pace.seconds < WORTH_WAITING_SECONDS or gateways.is_simulated():
        together = 1
        flights = [_made(call) for call in calls]
    else:
        threads = _threads(settings.PORTAL_CALLS_IN_FLIGHT, os.getpid())
        flights = [threads.submit(call) for call in calls]
        wait(flights)
    _pace.seconds = (time.monotonic() - begun) * together / len(calls)
    return flights


def _made(call: Callable[[], T]) -> "Future[T]":
    flight: Future[T] = Future()
    try:
        flight.set_result(call())
    except Exception as reason:  # as a thread would keep it
        flight.set_exception(reason)
    return flight


@functools.lru_cache(maxsize=1)
def _threads(most: int, _process: int) -> ThreadPoolExecutor:
    """The threads of this process; one that was forked has none of its parent's."""
    return ThreadPoolExecutor(max_workers=most, thread_name_prefix="call")
