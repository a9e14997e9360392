"""Finding a thing by any of its ids: every column that carries one is asked at once, each by its own index.

What can be found stands in ``registry.searches``. One statement asks all columns for the whole text; only when no
column has it, a second one asks those that an index can answer by their beginning. Then one query for each kind that
was found fetches what its hits say about themselves. So a search costs the same at a thousand orders and at ten
million, and a kind that somebody may not open is not even asked: neither its hits nor their number can be seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from portal import gather, registry
from portal.registry import Found, Searched

LONGEST = 200
"""Longer texts are no id of anybody's."""
SHORTEST_BEGINNING = 4
SHOWN_OF_A_KIND = 10


@dataclass(frozen=True)
class Group:
    """The hits of one kind. ``is_more``: there are others; which ones are shown is the database's choice."""

    kind: str
    hits: Sequence[Found]
    is_more: bool


@dataclass(frozen=True)
class Findings:
    """What a search found."""

    groups: Sequence[Group] = ()
    only: Found | None = None
    """The one thing whose own id this is, or the only thing that was found at all: no need to choose."""
    by_beginning: bool = False
    """Nothing carries the whole text; these ids begin with it."""


def find(text: str, *, may_see: Callable[[type[Any]], bool] = lambda model: True) -> Findings:
    """Look for whole ids first, then for beginnings."""
    wanted = text.strip()
    if not wanted or len(wanted) > LONGEST or "\x00" in wanted:
        return Findings()
    kinds = [kind for kind in registry.searches if may_see(kind.model)]
    questions = [
        (kind, is_own, _rows(kind, {lookup: wanted}))
        for kind in kinds
        for is_own, lookups in ((True, kind.own), (False, kind.mentions))
        for lookup in lookups
    ]
    own, found = _answers(questions)
    if len(own) == 1:
        ((kind, key),) = own
        for only in kind.show([key]):
            return Findings(only=only)  # what else speaks of it is told on its page
    if found:
        groups = _groups(found)
        hits = [hit for group in groups for hit in group.hits]
        return Findings(groups, hits[0] if len(hits) == 1 else None)
    if len(wanted) < SHORTEST_BEGINNING:
        return Findings()
    _, found = _answers(
        [(kind, False, _rows(kind, begins(lookup, wanted))) for kind in kinds for lookup in kind.prefixes]
    )
    return Findings(_groups(found), by_beginning=True)


def thing_of(text: str) -> Found | None:
    """The thing whose own id this is, whoever asks."""
    return find(text).only if text else None


def begins(lookup: str, text: str) -> dict[str, str]:
    """The condition that a column begins with a text, in the form that an index of this database answers.

    PostgreSQL has an index of its own kind for LIKE beside every indexed text. SQLite's LIKE knows no case and reads
    the table; its texts are ordered by their bytes, so a beginning is a range.
    """
    if connection.vendor == "postgresql":
        return {f"{lookup}__startswith": text}
    return {f"{lookup}__gte": text, f"{lookup}__lt": text + "\U0010ffff"}


def _rows(kind: Searched, condition: dict[str, str]) -> QuerySet[Any]:
    rows: QuerySet[Any] = kind.model._default_manager.filter(**condition)
    return rows


def _answers(
    questions: Sequence[tuple[Searched, bool, QuerySet[Any]]],
) -> tuple[list[tuple[Searched, Any]], dict[int, tuple[Searched, list[Any]]]]:
    """Whose own id it is, and everything that was found: kinds with keys, in the order of the registry."""
    own: dict[tuple[int, Any], tuple[Searched, Any]] = {}
    found: dict[int, tuple[Searched, list[Any]]] = {}
    answers = gather.keys([rows for _, _, rows in questions], at_most=SHOWN_OF_A_KIND + 1)
    for (kind, is_own, _), keys in zip(questions, answers, strict=True):
        for key in keys:
            held = found.setdefault(id(kind), (kind, []))[1]
            if key not in held:
                held.append(key)
            if is_own:
                own[id(kind), key] = (kind, key)
    return list(own.values()), found


def _groups(found: dict[int, tuple[Searched, list[Any]]]) -> list[Group]:
    return [
        Group(kind.kind, kind.show(keys)[:SHOWN_OF_A_KIND], len(keys) > SHOWN_OF_A_KIND)
        for kind, keys in found.values()
    ]
