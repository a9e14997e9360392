"""Which days the acquirer settles on: weekend days, holidays by date, and the weekend days worked in exchange for them.

The acquirer settles on working days only and publishes its calendar on its dashboard, nowhere else; so each account has
one of its own here, which a person fills in from there. Until then, and for every year nobody has filled in, Monday to
Friday are taken for working days, because that much is sure.
Sources: https://docs.antom.com/ac/reconcile/rules, https://docs.antom.com/ac/cashier_payment_cn/reconcile
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from portal.errors import InvalidInput
from portal.models import AcquirerAccount

SATURDAY_AND_SUNDAY = frozenset({5, 6})
NAME_LENGTH = 60
MOST_DAYS = 1_000
"""That a calendar may list; some thirty years of holidays."""
_LONGEST_RANGE = 31
_LINE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*\.\.\s*(\d{4}-\d\d-\d\d))?(?:\s+(.*))?")
_DAY = timedelta(days=1)


class CalendarUnclear(InvalidInput):
    """A calendar as it was written cannot be read, or contradicts itself."""

    code = "calendar_unclear"


@dataclass(frozen=True)
class Calendar:
    """Days by what they are; a weekday is 0 for Monday to 6 for Sunday."""

    weekend: frozenset[int] = SATURDAY_AND_SUNDAY
    holidays: Mapping[date, str] = field(default_factory=dict)
    """With the holiday's name."""
    made_up: Mapping[date, str] = field(default_factory=dict)
    """Weekend days that are worked."""

    def is_working(self, day: date) -> bool:
        """Whether the acquirer settles on it."""
        return day in self.made_up or (day not in self.holidays and day.weekday() not in self.weekend)

    def or_next(self, day: date) -> date:
        """The day itself if it is a working day, else the next one."""
        while not self.is_working(day):
            day += _DAY
        return day

    def after(self, day: date, count: int) -> date:
        """The ``count``-th working day after a day; with 0 the day itself, or the next working one."""
        for _ in range(count):
            day = self.or_next(day + _DAY)
        return self.or_next(day)


def free_days(mask: int) -> frozenset[int]:
    """The weekdays of a weekend as it is kept: a bit for each, Monday the lowest."""
    return frozenset(weekday for weekday in range(7) if mask >> weekday & 1)


def ends_with(cycle: str, day: date) -> date:
    """The last day of what is settled together with a day: itself, its week's Sunday, or its month's last.

    ``W`` and ``M`` count from there, as T counts from the day: a week is settled on the N-th working day of the next
    one, a month likewise. That a week ends on Sunday is seen in the acquirer's example, and said nowhere.
    """
    if cycle == AcquirerAccount.Cycle.WEEKLY:
        return day + (6 - day.weekday()) * _DAY
    if cycle == AcquirerAccount.Cycle.MONTHLY:
        return (day.replace(day=28) + 4 * _DAY).replace(day=1) - _DAY
    return day


def read_days(text: str) -> dict[date, str]:
    """Days as a person lists them, one a line: ``2026-10-01 National Day``, or ``2026-10-01..2026-10-07 Golden Week``.

    Raises CalendarUnclear with the number of the line.
    """
    days: dict[date, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        first, last, name = _range(number, line.strip())
        while first <= last:
            if first in days:
                raise CalendarUnclear("Line {number}: {day} is listed twice.", number=number, day=first.isoformat())
            days[first] = name
            first += _DAY
        if len(days) > MOST_DAYS:
            raise CalendarUnclear("A calendar lists at most {most} days.", most=MOST_DAYS)
    return days


def _range(number: int, line: str) -> tuple[date, date, str]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise CalendarUnclear(
            "Line {number}: write a day as 2026-10-01, then its name; several as 2026-10-01..2026-10-07.", number=number
        )
    try:
        first = date.fromisoformat(found[1])
        last = date.fromisoformat(found[2]) if found[2] else first
    except ValueError:
        raise CalendarUnclear("Line {number}: there is no such day.", number=number) from None
    if not first <= last < first + _LONGEST_RANGE * _DAY:
        raise CalendarUnclear(
            "Line {number}: a range ends after it begins, and has at most {most} days.",
            number=number,
            most=_LONGEST_RANGE,
        )
    name = (found[3] or "").strip()
    if len(name) > NAME_LENGTH:
        raise CalendarUnclear("Line {number}: a name has at most {most} letters.", number=number, most=NAME_LENGTH)
    return first, last, name


def write_days(days: Mapping[date, str]) -> str:
    """The same days as ``read_days`` takes them; those in a row with one name as a range."""
    lines = []
    for first, last, name in spans(sorted(days.items())):
        lines.append(f"{first}..{last} {name}" if last > first else f"{first} {name}")
    return "\n".join(line.strip() for line in lines)


def spans(named: Iterable[tuple[date, str]]) -> list[tuple[date, date, str]]:
    """Days in a row with the same name, as (first, last, name); a range as long as ``read_days`` takes it."""
    found: list[tuple[date, date, str]] = []
    for day, name in named:
        if found:
            first, last, before = found[-1]
            if before == name and day == last + _DAY and day < first + _LONGEST_RANGE * _DAY:
                found[-1] = (first, day, name)
                continue
        found.append((day, day, name))
    return found


def calendar_of(weekend: Iterable[int], holidays: Mapping[date, str], made_up: Mapping[date, str]) -> Calendar:
    """A calendar that makes sense. Raises CalendarUnclear for one that does not."""
    free = frozenset(weekend)
    if len(free) >= 7:
        raise CalendarUnclear("A week needs a working day: not all seven can be its weekend.")
    for day in sorted(made_up):
        if day in holidays:
            raise CalendarUnclear("{day} is listed as a holiday and as a working day.", day=day.isoformat())
        if day.weekday() not in free:
            raise CalendarUnclear(
                "{day} is no weekend day, so it is a working day already: take it from the list.", day=day.isoformat()
            )
    return Calendar(free, holidays, made_up)
