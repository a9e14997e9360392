"""Filters with two ends: days in the desk's zone, amounts in one currency. What cannot be read is said, not guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal import clock
from portal.acquirer.wallets import WALLETS
from portal.admin import display
from portal.money import Money, MoneyError, parse_major
from portal.words import lazy, say


@dataclass(frozen=True)
class Asked:
    """One field of a filter's form."""

    name: str
    label: str
    kind: str
    value: str
    options: Sequence[str] = ()


class DayFilter(admin.SimpleListFilter):
    """The days of a list, in the desk's zone; subclasses name the ``field``.

    ``?day=0`` is today, ``?day=7`` the last seven days, ``?day=2026-03-14`` that day;
    ``?day_from=2026-03-01&day_to=2026-03-14`` are all days between, both included.
    """

    title = "day"
    parameter_name = "day"
    parameter_names = ("day", "day_from", "day_to")
    field = "created_at"
    is_range = True

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.ends = [_taken(params, name) for name in self.parameter_names[1:]]
        super().__init__(request, params, model, model_admin)
        self.days, self.problem = self._read()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("0", say("Today")), ("1", say("Yesterday")), ("7", say("Last 7 days")), ("30", say("Last 30 days"))]

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameter_names)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.problem:
            return queryset.none()
        if self.days is None:
            return queryset
        first, last = self.days
        if first is not None:
            queryset = queryset.filter(**{f"{self.field}__gte": _begin(first)})
        return queryset if last is None else queryset.filter(**{f"{self.field}__lt": _begin(last)})

    def choices(self, changelist: Any) -> Any:
        """The days by name; choosing one takes the two ends back."""
        for choice in super().choices(changelist):
            wanted = dict.fromkeys(self.parameter_names[1:])
            value = next((key for key, label in self.lookup_choices if label == choice["display"]), None)
            url = changelist.get_query_string({**wanted, self.parameter_name: value})
            yield {**choice, "query_string": url}

    def asked(self) -> list[Asked]:
        """The two ends."""
        return [Asked("day_from", say("From"), "date", self.ends[0]), Asked("day_to", say("To"), "date", self.ends[1])]

    @property
    def note(self) -> str:
        """Whose days they are."""
        return say("Days in {TIME_ZONE}, both included.", TIME_ZONE=settings.TIME_ZONE)

    def in_words(self) -> list[str]:
        """``Last 7 days``, ``1 Mar 2026 – 14 Mar 2026``."""
        if self.problem or self.days is None:
            return []
        named = dict(self.lookup_choices).get(self.value() or "")
        if named:
            return [str(named)]
        first, last = self.days
        ends = [_day(first), _day(last - timedelta(days=1) if last else None)]
        return [ends[0] if ends[0] == ends[1] else " – ".join(ends)]

    def _read(self) -> tuple[tuple[date | None, date | None] | None, str]:
        """The first day and the one after the last; or what is wrong."""
        if any(self.ends):
            try:
                first, last = (date.fromisoformat(end) if end else None for end in self.ends)
                last = last + timedelta(days=1) if last else None
                for end in (first, last):
                    if end is not None:
                        _begin(end)
            except (ValueError, OverflowError):
                return None, say("A day is written like 2026-03-14.")
            if first and last and first >= last:
                return None, say("The first day is after the last one.")
            return (first, last), ""
        today = timezone.localtime(clock.now()).date()
        tomorrow = today + timedelta(days=1)
        value = self.value()
        match value:
            case None | "":
                return None, ""
            case "0":
                return (today, tomorrow), ""
            case "1":
                return (today - timedelta(days=1), today), ""
            case "7" | "30":
                return (tomorrow - timedelta(days=int(value)), tomorrow), ""
        try:
            day = date.fromisoformat(value)
            _begin(day)
            return (day, day + timedelta(days=1)), ""
        except (ValueError, OverflowError):
            return None, say("A day is written like 2026-03-14.")


class AmountFilter(admin.ListFilter):
    """Amounts of one currency, from and to. A number alone says nothing: amounts of two currencies do not compare."""

    title = "amount"
    parameter_names = ("currency", "least", "most")
    is_range = True
    currency_path = "currency"
    value_path = "amount_value"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.currency, *self.ends = (_taken(params, name).strip() for name in self.parameter_names)
        self.amounts: list[Money | None] = [None, None]
        self.problem = self._read()

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Any:
        return iter(())

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameter_names)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.problem:
            return queryset.none()
        if not self.currency:
            return queryset
        queryset = queryset.filter(**{self.currency_path: self.currency})
        for amount, comparison in zip(self.amounts, ("gte", "lte"), strict=True):
            if amount is not None:
                queryset = queryset.filter(**{f"{self.value_path}__{comparison}": amount.value})
        return queryset

    def asked(self) -> list[Asked]:
        """Currency and the two ends."""
        currencies = sorted({wallet.currency for wallet in WALLETS.values()} | ({self.currency} - {""}))
        return [
            Asked("currency", say("Currency"), "choice", self.currency, currencies),
            Asked("least", say("At least"), "amount", self.ends[0]),
            Asked("most", say("At most"), "amount", self.ends[1]),
        ]

    note = lazy("In one currency: amounts of different ones do not compare.")

    def in_words(self) -> list[str]:
        """``PHP``, ``at least 100.00 PHP``, ``100.00 – 500.00 PHP``."""
        if self.problem or not self.currency:
            return []
        least, most = self.amounts
        if least and most:
            return [f"{least.display} – {most}"]
        if least or most:
            return [say("at least {least}", least=least) if least else say("at most {most}", most=most)]
        return [self.currency]

    def _read(self) -> str:
        if not self.currency:
            return say("Choose the currency of the amount.") if any(self.ends) else ""
        try:
            self.amounts = [parse_major(end, self.currency) if end else None for end in self.ends]
            Money(0, self.currency)
        except MoneyError as reason:
            return str(reason)
        least, most = self.amounts
        for amount in self.amounts:
            if amount is not None and amount.value >= 2**63:
                return say("No amount is as large as that.")
        return say("The least amount is above the most.") if least and most and least > most else ""


def _taken(params: dict[str, Any], name: str) -> str:
    """A parameter of the filter, taken out of those that are left for the others."""
    given = params.pop(name, "")
    text = given[-1] if isinstance(given, list) else given
    return "" if "\x00" in text else str(text)


def _begin(day: date) -> datetime:
    """When a day begins in the desk's zone; raises OverflowError for days that no calendar reaches."""
    begin = timezone.make_aware(datetime.combine(day, time.min))
    begin.astimezone(timezone.get_default_timezone()).utctimetuple()
    return begin


def _day(day: date | None) -> str:
    return display.day_name(day, with_year=True) if day is not None else "…"
