"""When a merchant is settled: the cycle of its contract, counted in the working days of its calendar.

The N-th working day after the day (T), after the week's Sunday (W), or after the month's last day (M).
Sources: https://docs.antom.com/ac/reconcile/rules, https://docs.antom.com/ac/cashier_payment_cn/reconcile
"""

import calendar
import functools
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

WISHES = ("settlement_cycle", "weekend", "holidays", "working_days")
"""What a control call may say of it."""
_CYCLE = re.compile(r"([TWM])\+(\d{1,2})")
_BOUNDS = {"T": (1, 60), "W": (2, 5), "M": (2, 30)}
_DAY = timedelta(days=1)


class MerchantUnclear(ValueError):
    """Merchant data that cannot be; the sentence says why."""


def checked(wish: Mapping[str, Any]) -> dict[str, Any]:
    """What a control call says of it. Raises MerchantUnclear."""
    said: dict[str, Any] = {}
    if "settlement_cycle" in wish:
        _parts(wish["settlement_cycle"])
        said["settlement_cycle"] = wish["settlement_cycle"]
    if "weekend" in wish:
        days = wish["weekend"]
        if not isinstance(days, list) or any(type(day) is not int for day in days) or not set(days) < set(range(7)):
            raise MerchantUnclear("'weekend' must be a list of weekdays, 0 for Monday to 6 for Sunday, and not of all.")
        said["weekend"] = tuple(days)
    for name in ("holidays", "working_days"):
        if name in wish:
            days = wish[name]
            if not isinstance(days, list) or not all(isinstance(day, str) and _is_day(day) for day in days):
                raise MerchantUnclear(f"{name!r} must be a list of days, each written as YYYYMMDD.")
            said[name] = tuple(days)
    return said


@functools.lru_cache(maxsize=1024)
def settles_on(
    day: str, cycle: str, weekend: tuple[int, ...], holidays: tuple[str, ...], working_days: tuple[str, ...]
) -> str:
    """The day on which what happened on a day is settled; both ``YYYYMMDD``."""
    together, count = _parts(cycle)
    reached = _last_day(_read(day), together)
    while count:
        reached += _DAY
        count -= is_working(_write(reached), weekend, holidays, working_days)
    return _write(reached)


def is_working(day: str, weekend: Collection[int], holidays: Collection[str], working_days: Collection[str]) -> bool:
    """Whether there is settlement on a day."""
    return day in working_days or (day not in holidays and _read(day).weekday() not in weekend)


def _last_day(day: date, together: str) -> date:
    if together == "W":
        return day + (6 - day.weekday()) * _DAY
    if together == "M":
        return day.replace(day=calendar.monthrange(day.year, day.month)[1])
    return day


def _parts(cycle: object) -> tuple[str, int]:
    found = _CYCLE.fullmatch(cycle) if isinstance(cycle, str) else None
    if found is not None:
        least, most = _BOUNDS[found[1]]
        if least <= int(found[2]) <= most:
            return found[1], int(found[2])
    raise MerchantUnclear("'settlement_cycle' must be T+1 or longer, W+2 to W+5, or M+2 to M+30.")


def _is_day(text: str) -> bool:
    try:
        return _write(_read(text)) == text
    except ValueError:
        return False


def _read(day: str) -> date:
    return datetime.strptime(day, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone


def _write(day: date) -> str:
    return f"{day:%Y%m%d}"
