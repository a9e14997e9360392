"""When the worker has something to do next, asked of all kinds in one statement.

An idle worker of the portal asks kind by kind, in a transaction each, which is what nobody feels who has a second to
spare; a history asks thousands of times. So the rows that wait are read together, once after every change, and what
they say of any time of the day is reckoned here; and a kind of which no row's time has come, held by somebody or not,
is not asked to claim anything. Whether what is held is left alone, its claim must show.

The statement has no places for values: SQLite plans one anew at each new value that a partial index asks about, which
costs several times what its answer does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from unittest.mock import patch

from django.db import connection

from portal import clock, registry
from portal.registry import DueWork, Registry

Waits = tuple[datetime, datetime | None]
"""When a row is due, and until when somebody holds it."""


class Agenda:
    """The due times of every kind of due work."""

    def __init__(self) -> None:
        self._sql = " UNION ALL ".join(
            f"SELECT '{name}', asked.* FROM ({self._worded(kind)}) AS asked"  # noqa: S608 - our own words
            for name, kind in registry.due_work.items()
        )
        self._written: object = None
        self._known: dict[str, list[Waits]] = {}

    @staticmethod
    def _worded(kind: DueWork) -> str:
        rows = kind.rows().filter(due_at__isnull=False).order_by().values_list("due_at", "lease_until")
        sql, values = rows.query.get_compiler(connection=connection).as_sql()
        quoted = connection.schema_editor().quote_value
        return str(sql) % tuple(quoted(value) for value in values)

    def next_due(self) -> datetime | None:
        """When the earliest waiting row of any kind falls due, leases counted; None when nothing waits."""
        at = clock.now()
        waiting = (row for rows in self._waiting().values() for row in rows)
        return min((due if held is None or held < at else held for due, held in waiting), default=None)

    def is_due(self) -> bool:
        """Whether the worker would find something to do now."""
        moment = self.next_due()
        return moment is not None and moment <= clock.now()

    def looks_due(self, kind: str = "") -> bool:
        """Whether the time of something, of this kind or of any, has come, though somebody may hold it."""
        at, waiting = clock.now(), self._waiting()
        return any(due <= at for name in ([kind] if kind else waiting) for due, _ in waiting.get(name, ()))

    def _waiting(self) -> dict[str, list[Waits]]:
        """The rows of each kind that wait; asked again once a row was written."""
        written = self._rows_written()
        if written is None or written != self._written:
            waiting: dict[str, list[Waits]] = {}
            with connection.cursor() as cursor:
                cursor.execute(self._sql)
                for kind, due, held in cursor.fetchall():
                    waiting.setdefault(kind, []).append((_moment(due), None if held is None else _moment(held)))
            self._known, self._written = waiting, written
        return self._known

    @staticmethod
    def _rows_written() -> object:
        """How many rows this connection has written in all; nobody else writes. None where the driver cannot say."""
        return connection.connection.total_changes if connection.vendor == "sqlite" else None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While it lasts, the worker claims nothing of a kind that has nothing due: it would find nothing."""
        self._written = None
        kinds: Registry[DueWork] = Registry("due work")
        for position, (name, kind) in enumerate(registry.due_work.items()):
            kinds.register(name, replace(kind, claim=partial(self._claim, name, kind)), position=position)
        with patch.object(registry, "due_work", kinds):
            yield

    def _claim(self, name: str, kind: DueWork, limit: int, until: datetime) -> list[int]:
        return kind.claim(limit, until) if self.looks_due(name) else []


def _moment(at: datetime) -> datetime:
    """SQLite keeps no zone."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
