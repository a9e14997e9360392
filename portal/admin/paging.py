"""Lists that are read from where one stands, not counted from the start.

A page begins behind the last row of the page before it: ``?after=…`` carries that row's values of the columns the list
is ordered by, ``?before=…`` leads back, ``?end=1`` reads the index from its other end. No OFFSET, which reads all the
rows it skips, and no COUNT, which reads them all: the millionth order costs what the first one does. A row that comes
or goes meanwhile moves nothing: no order is shown twice and none is jumped over.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import CharField, DateField, Field, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal.admin import display
from portal.words import say

AFTER, BEFORE, END = "after", "before", "end"
SORT, VIEW = "sort", "view"
REVERSED = "reversed"
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Key:
    """One column of the order, and whether it runs downwards."""

    field: "Field[Any, Any]"
    is_down: bool

    def beyond(self, value: Any) -> Q:
        """What comes after a row with this value."""
        return Q(**{f"{self.field.attname}__{'lt' if self.is_down else 'gt'}": value})

    def turned(self) -> "Key":
        """The same column the other way."""
        return Key(self.field, not self.is_down)

    def __str__(self) -> str:
        return f"{'-' if self.is_down else ''}{self.field.attname}"


def behind(keys: Sequence[Key], values: Sequence[Any]) -> Q:
    """The rows that come after the row with these values.

    It begins with a bound on the first column alone, since that is what an index is entered by.
    """
    first, *others = keys
    is_same = Q(**{first.field.attname: values[0]})
    if not others:
        return first.beyond(values[0])
    reach = "lte" if first.is_down else "gte"
    return Q(**{f"{first.field.attname}__{reach}": values[0]}) & (
        first.beyond(values[0]) | (is_same & behind(others, values[1:]))
    )


def place_of(keys: Sequence[Key], row: Any) -> str:
    """Where a row stands in the order, for a URL."""
    values = [getattr(row, key.field.attname) for key in keys]
    text = json.dumps([value.isoformat() if isinstance(value, date) else value for value in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_from(keys: Sequence[Key], text: str) -> list[Any] | None:
    """The values a URL carries; None for anything else, since people and programs write what they like into a URL."""
    try:
        given = json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        if not isinstance(given, list) or len(given) != len(keys):
            return None
        values = [key.field.to_python(value) for key, value in zip(keys, given, strict=True)]
    except (ValueError, TypeError, ValidationError, OverflowError, RecursionError):
        return None
    return values if all(map(_is_askable, values)) else None


def _is_askable(value: Any) -> bool:
    if isinstance(value, datetime):
        return timezone.is_aware(value)
    if isinstance(value, str):
        return "\x00" not in value
    return value is not None and (not isinstance(value, int) or abs(value) <= _LARGEST)


class KeysetList(ChangeList):
    """The admin's list, paged by keys. Parameters that no filter of the list declares are ignored: a lookup of
    somebody's own making could ask about columns that no page shows."""

    keys: list[Key]
    newer = older = first = last = ""
    """Query strings; empty where there is nothing that way."""

    def get_filters(self, request: HttpRequest) -> Any:
        """Take only what the list's filters ask for out of the URL."""
        known = {name for one in self.list_filter for name in expected_of(one)} | {SEARCH_VAR, SORT, VIEW}
        self.params = {name: value for name, value in self.params.items() if name in known}
        self.filter_params = {name: value for name, value in self.filter_params.items() if name in known}
        return super().get_filters(request)

    def get_filters_params(self, params: Any = None) -> Any:
        """What is left for the filters."""
        wanted = super().get_filters_params(params)
        return {name: value for name, value in wanted.items() if name not in {SORT, VIEW}}

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """As the ledger says, or the other way round: both are read from the same index. No other order has one."""
        stock: Any = self  # its own steps, which have no types
        said = self.model_admin.get_ordering(request) or stock._get_default_ordering()
        ordering = stock._get_deterministic_ordering([*said])
        keys = [self._key(str(name)) for name in ordering]
        self.keys = list({key.field.attname: key for key in reversed(keys)}.values())[::-1]  # each column once
        if self.params.get(SORT) == REVERSED:
            self.keys = [key.turned() for key in self.keys]
        return [str(key) for key in self.keys]

    def _key(self, name: str) -> Key:
        column = name.removeprefix("-")
        field: Any = self.lookup_opts.pk if column == "pk" else self.lookup_opts.get_field(column)
        return Key(field, name.startswith("-"))

    def orders(self) -> list[tuple[str, str, bool]]:
        """The two orders of this list as (label, query string, whether it is in force)."""
        keys = [key.turned() for key in self.keys] if self.params.get(SORT) == REVERSED else self.keys
        field, is_down = keys[0].field, keys[0].is_down
        desk_admin: Any = self.model_admin
        named = desk_admin.order_names.get(field.name)
        if named:
            words = named
        elif isinstance(field, CharField):
            words = (say("Z to A"), say("A to Z")) if is_down else (say("A to Z"), say("Z to A"))
        elif isinstance(field, DateField) or is_down:
            words = (
                (say("Newest first"), say("Oldest first")) if is_down else (say("Oldest first"), say("Newest first"))
            )
        else:
            words = (say("As it comes"), say("The other way round"))
        turned = self.params.get(SORT) == REVERSED
        return [
            (words[0], self.get_query_string({SORT: None}), not turned),
            (words[1], self.get_query_string({SORT: REVERSED}), turned),
        ]

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and one row beyond it, which tells whether there is more."""
        after, before = (
            place_from(self.keys, request.GET[name]) if name in request.GET else None for name in (AFTER, BEFORE)
        )
        if END in request.GET:
            rows, is_more = self._read(backwards=True, place=None)
            self._tell(rows, has_newer=is_more, has_older=False)
        elif before is not None:
            rows, is_more = self._read(backwards=True, place=before)
            if is_more:
                self._tell(rows, has_newer=True, has_older=True)
            else:  # fewer than a page are left that way: it is the first page, and is shown whole
                self._show_first()
        elif after is not None:
            rows, is_more = self._read(backwards=False, place=after)
            self._tell(rows, has_newer=True, has_older=is_more)
        else:
            self._show_first()

    def _show_first(self) -> None:
        rows, is_more = self._read(backwards=False, place=None)
        self._tell(rows, has_newer=False, has_older=is_more)

    def _read(self, *, backwards: bool, place: list[Any] | None) -> tuple[list[Any], bool]:
        keys = [key.turned() for key in self.keys] if backwards else self.keys
        rows = self.queryset.order_by(*map(str, keys))
        if place is not None:
            rows = rows.filter(behind(keys, place))
        found = self._found(rows, keys, self.list_per_page + 1)
        page = found[: self.list_per_page]
        return (page[::-1] if backwards else page), len(found) > self.list_per_page

    def _found(self, rows: QuerySet[Any], keys: Sequence[Key], at_most: int) -> list[Any]:
        """The first rows; of a question that is asked in parts, the first ones of all its parts."""
        parts: Sequence[Q] = next(filter(None, (getattr(spec, "parts", ()) for spec in self.filter_specs)), ())
        if not parts:
            return list(rows[:at_most])
        found = [row for part in parts for row in rows.filter(part)[:at_most]]
        for key in reversed(keys):
            found.sort(key=attrgetter(key.field.attname), reverse=key.is_down)
        return found[:at_most]

    def _tell(self, rows: list[Any], *, has_newer: bool, has_older: bool) -> None:
        """Keep what the templates show, under the names the stock list has for it."""
        desk_admin: Any = self.model_admin
        desk_admin.read_beside(rows)
        self.result_list: Any = rows
        self.has_newer, self.has_older = has_newer, has_older
        self.multi_page = has_newer or has_older
        self.result_count = len(rows)
        self.full_result_count = None
        self.show_full_result_count = self.can_show_all = self.show_admin_actions = False
        self.paginator: Any = None
        here = self.get_query_string()
        if has_newer:
            self.first = here
            self.newer = self.get_query_string({BEFORE: place_of(self.keys, rows[0])}) if rows else here
        if has_older:
            self.last = self.get_query_string({END: "1"})
            self.older = self.get_query_string({AFTER: place_of(self.keys, rows[-1])})

    def url_for_result(self, result: Any) -> str:
        """Where a row leads: to its page, or where its list says."""
        desk_admin: Any = self.model_admin
        return str(desk_admin.url_of_row(result) or super().url_for_result(result))

    def in_words(self) -> str:
        """How far the page reaches: all of it, or from when to when."""
        count = len(self.result_list)
        if not self.multi_page:
            return say("{count:,} in all", count=count)
        if not count:
            return say("No more rows")
        ends = [getattr(row, self.keys[0].field.attname) for row in (self.result_list[0], self.result_list[-1])]
        if not all(isinstance(end, datetime) for end in ends):
            return say("{count:,} rows", count=count)
        return say(
            "{count:,} rows, {short} – {short2}",
            count=count,
            short=display.short(ends[0]),
            short2=display.short(ends[1]),
        )


def expected_of(list_filter: Any) -> tuple[str, ...]:
    """The parameters of a filter class."""
    names: tuple[str, ...] | None = getattr(list_filter, "parameter_names", None)
    return names if names is not None else (list_filter.parameter_name,)
