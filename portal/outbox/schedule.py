"""When a delivery that was not taken is tried again, and when an endpoint counts as dead."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

_S, _M, _H, _D = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))

LASTS: Final = 30 * _D
"""How long an event is tried; then a person is told that it was given up."""
_CLIMB = (15 * _S, 30 * _S, _M, 2 * _M, 5 * _M, 10 * _M, 30 * _M, _H, 2 * _H, 4 * _H, 8 * _H, 12 * _H)
_DAILY = (_D,) * ((LASTS - sum(_CLIMB, timedelta())) // _D)
LADDER: Final = (*_CLIMB, *_DAILY, LASTS - sum((*_CLIMB, *_DAILY), timedelta()))
"""The pauses between attempts: 15 s at first, soon once a day, and the last one fills the 30 days."""
MOST_JITTER: Final = timedelta(minutes=10)
_SHARE = 10

DEAD_FAILURES: Final = 10
DEAD_AFTER: Final = timedelta(hours=1)
"""Dead: ten attempts in a row failed, over an hour or longer. The two together, since a busy shop fails ten times in a
second while its receiver restarts, and a quiet one's only event fails three times in a minute."""
PROBE_EVERY: Final = timedelta(minutes=15)
"""A dead endpoint is sent a ping so often; when it takes one, everything that waits goes out by itself."""

_FIRST_REST, _LONGEST_REST = 15 * _S, 5 * _M
SLOW: Final = timedelta(seconds=1)


def next_try(event_id: str, step: int, *, after: datetime) -> datetime | None:
    """When to try again after the ``step``-th failure (from 0); None when the ladder has ended.

    The pause is lengthened by up to a tenth (ten minutes at most), decided by the event's id: events that failed
    together are not tried together, and the same history gives the same moments.
    """
    if step >= len(LADDER):
        return None
    digest = hashlib.sha256(f"{event_id}/{step}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    return after + LADDER[step] + min(LADDER[step] / _SHARE, MOST_JITTER) * share


def rest(failures: int) -> timedelta:
    """How long an endpoint that did not answer at all is left alone, after so many failures in a row.

    A dead endpoint costs the worker one time-out per rest, however many events wait for it.
    """
    return min(_FIRST_REST * 2 ** min(failures - 1, 10), _LONGEST_REST) if failures > 0 else timedelta(0)
