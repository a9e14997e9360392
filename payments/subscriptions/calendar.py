"""The dates of a subscription: pure arithmetic on days, and the moment a day means in a time zone.

Every date is counted from the first one, never from the one before it: the 31st is the 28th in February and the 31st
again in March, and the 29th of February comes back in the next leap year. The first one may be another day than the one
that is meant, where a plan took another's place in the middle: the dates after it are on the day that is meant.
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
    month_day: int | None = None
    """The day of the month that is meant where the span names none; None: that of ``first_on``."""

    def day(self, number: int) -> date:
        """The date of a number, which is not below the first one."""
        steps = (number - self.first_number) * self.span.every
        if not steps:
            return self.first_on
        if self.span.interval in _DAYS:
            return self._week_day() + timedelta(days=steps * _DAYS[self.span.interval])
        return _months_after(self.first_on, steps * _MONTHS[self.span.interval], self.meant_day)

    @property
    def meant_day(self) -> int:
        """Of months and years: the day of the month, which a short month has not."""
        return self.span.anchor_day or self.month_day or self.first_on.day

    def meant_on(self, day: date) -> int | None:
        """The day of the month that a date of it stands for; None where it is that date's own."""
        if self.span.interval in _DAYS or _in_month(day.year, day.month, self.meant_day) != day:
            return None
        return self.meant_day if self.meant_day != day.day else None

    def _week_day(self) -> date:
        """What weeks are counted from: the day that is meant, in the week of the first date."""
        if self.span.interval is not Interval.WEEK or self.span.anchor_day is None:
            return self.first_on
        return self.first_on + timedelta(days=self.span.anchor_day - self.first_on.isoweekday())

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
