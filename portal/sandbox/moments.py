"""Moments as the sandbox keeps them (whole milliseconds since 1970) and as it writes them (ISO 8601 with offset)."""

import functools
from datetime import UTC, datetime, timedelta

from portal.clock import ACQUIRER_ZONE

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(moment: datetime) -> int:
    """A moment in milliseconds."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment(milliseconds: int) -> datetime:
    """Milliseconds as an aware moment in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def on_the_wire(milliseconds: int) -> str:
    """``2026-03-01T17:25:03+08:00``: to the second, in the acquirer's zone."""
    return moment(milliseconds).astimezone(ACQUIRER_ZONE).isoformat(timespec="seconds")


def day_of(milliseconds: int) -> str:
    """The acquirer's day of a moment, ``YYYYMMDD``."""
    return moment(milliseconds).astimezone(ACQUIRER_ZONE).strftime("%Y%m%d")


@functools.lru_cache(maxsize=64)
def start_of(day: str) -> int:
    """The first millisecond of an acquirer's day. Raises ValueError for anything but ``YYYYMMDD``."""
    try:
        if len(day) != len("YYYYMMDD"):
            raise ValueError(day)
        return stamp(datetime.strptime(day, "%Y%m%d").replace(tzinfo=ACQUIRER_ZONE))
    except ValueError:
        raise ValueError(f"{day[:40]!r} is no day: write it as YYYYMMDD.") from None


def end_of(day: str) -> int:
    """The first millisecond after an acquirer's day."""
    return start_of(day) + DAY


def next_day(day: str) -> str:
    """The acquirer's day after ``day``."""
    return day_of(end_of(day))


def parse_time(text: str) -> int:
    """Milliseconds of an ISO 8601 time with an offset. Raises ValueError without one."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError("a time needs an offset")
    return stamp(parsed)


def is_iso_time(text: str) -> bool:
    """Whether ``parse_time`` reads it."""
    try:
        parse_time(text)
    except ValueError:
        return False
    return True
