"""The dates of a subscription: pure arithmetic on days, and the moment a day means in a time zone.

Every date is counted from the first one, never from the one before it: the 31st is the 28th in February and the 31st
again in March, and the 29th of February comes back in the next leap year.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from payments.subscriptions.states import Interval

_DAYS = {Interval.DAY: 1, Interval.WEEK: 7}
_MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}


@dataclass(frozen=True)
class Span:
    """From one date to the next: so many intervals, and the day that is meant."""

    interval: Interval
    every: int
    anchor_day: int | None = None

    def first(self, earliest: date) -> date:
        """The first date that is not before ``earliest``."""
        if self.anchor_day is None or self.interval is Interval.DAY:
            return earliest
        if self.interval is Interval.WEEK:
            return earliest + timedelta(days=(self.anchor_day - earliest.isoweekday()) % 7)
        this_month = _in_month(earliest.year, earliest.month, self.anchor_day)
        if this_month >= earliest:
            return this_month
        return _months_after(earliest, 1, self.anchor_day)


@dataclass(frozen=True)
class Rhythm:
    """Dates by number: ``first_on`` is the date of ``first_number``."""

    span: Span
    first_on: date
    first_number: int = 1

    def day(self, number: int) -> date:
        """The date of a number, which is not below the first one."""
        steps = (number - self.first_number) * self.span.every
        if self.span.interval in _DAYS:
            return self.first_on + timedelta(days=steps * _DAYS[self.span.interval])
        day = self.span.anchor_day or self.first_on.day
        return _months_after(self.first_on, steps * _MONTHS[self.span.interval], day) if steps else self.first_on

    def number_from(self, day: date, *, least: int) -> int:
        """The lowest number, ``least`` or above, whose date is not before ``day``."""
        number = max(least, self.first_number)
        if self.span.interval in _DAYS:
            length = _DAYS[self.span.interval] * self.span.every
            passed = (day - self.first_on).days
        else:
            length = _MONTHS[self.span.interval] * self.span.every
            passed = (day.year - self.first_on.year) * 12 + day.month - self.first_on.month
        number = max(number, self.first_number + passed // length - 1)
        while self.day(number) < day:
            number += 1
        return number

    @staticmethod
    def moment(day: date, hour: int, zone: str) -> datetime:
        """When that hour of the day is, in UTC.

        An hour that summer time leaves out is the one after it, and of one that comes twice the first is meant: each
        day has the hour exactly once.
        """
        return datetime.combine(day, time(hour), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_in(moment: datetime, zone: str) -> date:
    """The day of a moment, where the zone is."""
    return moment.astimezone(ZoneInfo(zone)).date()


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _months_after(start: date, months: int, day: int) -> date:
    count = start.year * 12 + start.month - 1 + months
    return _in_month(count // 12, count % 12 + 1, day)
