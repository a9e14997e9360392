"""When the worker has something to do next, asked of all kinds in one statement.

An idle worker of the portal asks kind by kind, in a transaction each, which is what nobody feels who has a second to
spare; a history asks thousands of times. So the statements by which the kinds say what is due next are noted once, as
Django makes them, and asked together from then on with the time of the day put in; and a kind that says by them that
nothing is due, held by somebody or not, is not asked to claim anything. Whether what is held is left alone, its claim
must show.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest.mock import patch

from django.db import connection

from portal import clock, registry
from portal.registry import DueWork, Registry

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""No lease ends later: asked at this time, nothing is held."""


class Agenda:
    """The due times of every kind of due work."""

    def __init__(self) -> None:
        asked = {name: self._asked_by(kind) for name, kind in registry.due_work.items()}
        self._sql = " UNION ALL ".join(
            f"SELECT '{name}', asked.* FROM ({sql}) AS asked"  # noqa: S608 - our own words
            for name, (sql, _) in asked.items()
        )
        self._values = [value for _, values in asked.values() for value in values]
        self._known: dict[datetime, tuple[object, dict[str, datetime]]] = {}

    @classmethod
    def _asked_by(cls, kind: DueWork) -> tuple[str, list[Any]]:
        """The SQL by which a kind says what is due next, and its values; None where the time of the day belongs."""
        now = cls._as_asked(clock.now())
        asked: list[tuple[str, Any]] = []

        def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            asked.append((sql, params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            kind.next_due()
        ((sql, params),) = asked
        return sql, [None if value == now else value for value in params]

    @staticmethod
    def _as_asked(at: datetime) -> Any:
        return connection.ops.adapt_datetimefield_value(at)

    def next_due(self) -> datetime | None:
        """When the earliest waiting row of any kind falls due, leases counted; None when nothing waits."""
        return min(self._earliest(clock.now()).values(), default=None)

    def is_due(self) -> bool:
        """Whether the worker would find something to do now."""
        moment = self.next_due()
        return moment is not None and moment <= clock.now()

    def looks_due(self, kind: str = "") -> bool:
        """Whether the time of something, of this kind or of any, has come, though somebody may hold it."""
        earliest = self._earliest(_NEVER)
        moment = earliest.get(kind) if kind else min(earliest.values(), default=None)
        return moment is not None and moment <= clock.now()

    def _earliest(self, at: datetime) -> dict[str, datetime]:
        """When the earliest row of each kind is due that waits at a time; asked again once a row was written."""
        written = self._rows_written()
        then, known = self._known.get(at, (None, {}))
        if then is not None and then == written:
            return known
        now = self._as_asked(at)
        with connection.cursor() as cursor:
            cursor.execute(self._sql, [now if value is None else value for value in self._values])
            known = {kind: _moment(first) for kind, first in cursor.fetchall() if first is not None}
        self._known = {_NEVER: self._known.get(_NEVER, (None, {})), at: (written, known)}
        return known

    @staticmethod
    def _rows_written() -> object:
        """How many rows this connection has written in all; nobody else writes. None where the driver cannot say."""
        return connection.connection.total_changes if connection.vendor == "sqlite" else None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While it lasts, the worker claims nothing of a kind that has nothing due: it would find nothing."""
        self._known.clear()
        kinds: Registry[DueWork] = Registry("due work")
        for position, (name, kind) in enumerate(registry.due_work.items()):
            kinds.register(name, replace(kind, claim=partial(self._claim, name, kind)), position=position)
        with patch.object(registry, "due_work", kinds):
            yield

    def _claim(self, name: str, kind: DueWork, limit: int, until: datetime) -> list[int]:
        return kind.claim(limit, until) if self.looks_due(name) else []


def _moment(first: Any) -> datetime:
    return datetime.fromisoformat(first).replace(tzinfo=UTC) if isinstance(first, str) else first
