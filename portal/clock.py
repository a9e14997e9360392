"""Time and fresh ids are arguments of this program, and this module is where they come from.

Nothing else reads the machine's clock or its randomness for ids. In production that is a formality; in the
sandbox it lets the demo make a month of history in seconds, lets the tour wait a day without waiting, and lets
the simulator tell the same story twice from one seed, all with the code that runs in production.

Three clocks: ``SystemClock`` (production), ``FileClock`` (the system's time plus an offset that another
process may move: the sandbox moves it, the portal follows) and ``VirtualClock`` (stands still until moved).
"""

import json
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

ACQUIRER_ZONE = timezone(timedelta(hours=8))
"""UTC+8: the acquirer's day, whatever zone the shop or the buyer is in."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is read as a digit. Ids stay free of special characters, which
``refundRequestId`` must be (https://docs.antom.com/ac/ams/refund_online)."""
_ID_RANDOM_CHARACTERS = 20


class Clock(Protocol):
    """What the program asks of time."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed on this clock."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class VirtualClock:
    """A clock that stands still until somebody moves it; sleeping moves it."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware datetime")
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.move(timedelta(seconds=seconds))

    def move(self, by: timedelta) -> datetime:
        """Move by a span (never backwards) and return the new time."""
        if by < timedelta(0):
            raise ValueError("a clock does not move backwards")
        with self._lock:
            self._now += by
            return self._now

    def set(self, to: datetime) -> datetime:
        """Move to a moment, which must not lie in this clock's past."""
        return self.move(to.astimezone(UTC) - self._now)


class FileClock:
    """The system's time plus the offset kept in a small JSON file, so that processes share one moved clock.

    The file holds ``{"offset_seconds": 0.0}``, or ``{"frozen_at": "<ISO 8601>"}`` for a clock that stands still.
    It is replaced atomically; readers look at its identity and time stamp and read it again only when those change.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._offset = timedelta(0)
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        self._refresh()
        return self._frozen_at or datetime.now(UTC) + self._offset

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def move(self, by: timedelta) -> datetime:
        """Move by a span (never backwards) for every process that reads the file."""
        if by < timedelta(0):
            raise ValueError("a clock does not move backwards")
        return self.set(self.now() + by)

    def set(self, to: datetime) -> datetime:
        """Move to a moment, which must not lie in this clock's past. A frozen clock stays frozen."""
        now = self.now()
        if to < now:
            raise ValueError("a clock does not move backwards")
        if self._frozen_at is not None:
            self._write({"frozen_at": to.astimezone(UTC).isoformat()})
        else:
            self._write({"offset_seconds": (to - datetime.now(UTC)).total_seconds()})
        return self.now()

    def freeze(self, at: datetime) -> None:
        """Let the clock stand still at a moment, in the past or not: history is made under a frozen clock."""
        self._write({"frozen_at": at.astimezone(UTC).isoformat()})

    def unfreeze(self) -> None:
        """Let the clock run on from where it stands."""
        self._write({"offset_seconds": (self.now() - datetime.now(UTC)).total_seconds()})

    def run_with_the_system(self) -> None:
        """Drop every offset: the clock shows the machine's time again."""
        self._write({"offset_seconds": 0.0})

    def is_frozen(self) -> bool:
        """Whether this clock stands still."""
        self._refresh()
        return self._frozen_at is not None

    def is_moved(self) -> bool:
        """Whether this clock shows anything but the machine's time."""
        self._refresh()
        return self._frozen_at is not None or self._offset != timedelta(0)

    def _write(self, state: dict[str, object]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.new")
        draft.write_text(json.dumps(state))
        draft.replace(self._path)
        self._seen = None

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._seen, self._offset, self._frozen_at = None, timedelta(0), None
            return
        identity = (stat.st_ino, stat.st_mtime_ns)
        if identity == self._seen:
            return
        state = json.loads(self._path.read_text())
        self._offset = timedelta(seconds=float(state.get("offset_seconds", 0.0)))
        frozen_at = state.get("frozen_at")
        self._frozen_at = datetime.fromisoformat(frozen_at) if frozen_at else None
        self._seen = identity


def _system_draw(count: int) -> str:
    """Of 32 letters each is five bits of a byte, so all of them are equally likely."""
    return "".join([_ALPHABET[byte & 31] for byte in secrets.token_bytes(count)])


_clock: Clock = SystemClock()
_draw: Callable[[int], str] = _system_draw


def current() -> Clock:
    """The clock in force."""
    return _clock


def use(clock: Clock, *, seed: int | None = None) -> None:
    """Put a clock in force; with a seed, ids come from that seed too (simulation only)."""
    global _clock, _draw  # noqa: PLW0603 - the one place where time is chosen
    _clock = clock
    if seed is None:
        _draw = _system_draw
    else:
        source = random.Random(seed)  # noqa: S311 - a repeatable story, not a secret
        _draw = lambda count: "".join(source.choices(_ALPHABET, k=count))  # noqa: E731


@contextmanager
def using(clock: Clock, *, seed: int | None = None) -> Iterator[Clock]:
    """Put a clock in force for a while."""
    before, draw_before = _clock, _draw
    use(clock, seed=seed)
    try:
        yield clock
    finally:
        _restore(before, draw_before)


def _restore(clock: Clock, draw: Callable[[int], str]) -> None:
    global _clock, _draw
    _clock, _draw = clock, draw


def now() -> datetime:
    """The time, aware, in UTC."""
    return _clock.now()


def sleep(seconds: float) -> None:
    """Let ``seconds`` pass on the clock in force."""
    _clock.sleep(seconds)


def acquirer_day(moment: datetime) -> str:
    """The acquirer's day (UTC+8) of a moment, as ``YYYYMMDD``."""
    return moment.astimezone(ACQUIRER_ZONE).strftime("%Y%m%d")


def fresh_id(prefix: str) -> str:
    """A new id: prefix, the acquirer's day, 20 random characters; letters and digits only.

    With a prefix of up to four letters it fits every id of the protocol, ``declarationRequestId`` (32) included.
    """
    return f"{prefix}{acquirer_day(now())}{_draw(_ID_RANDOM_CHARACTERS)}"
