"""Writing very many rows at once: COPY on PostgreSQL, one prepared INSERT on SQLite. Into the real tables, durably.

Constraints and foreign keys hold as ever. What Django does besides, defaults and signals, does not happen: who calls
this says every column that the database does not fill in itself.
"""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection, connections
from django.db.models import Model
from django.db.utils import ProgrammingError

Value = str | int | None

_NULL = "\x1e"
"""A control character, which no text of ours has."""
_PARTED = "\x1f"
"""Another."""
_SELDOM = 500_000
"""More objects than a few portions have."""
_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def write(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
    """Write rows whose values stand in the order of ``columns``. Raises IntegrityError; then nothing is written."""
    if not rows:
        return
    quoted = connection.ops.quote_name
    names = ", ".join(map(quoted, columns))
    table = quoted(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 - names of a model
            return
        text = "\n".join([_line(row) for row in rows])
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY {table} ({names}) FROM STDIN WITH (NULL '{_NULL}')") as copy,
        ):
            copy.write(text)


def _line(row: Sequence[Value]) -> str:
    line = "\t".join([value if type(value) is str else _NULL if value is None else str(value) for value in row])
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(row):
        return "\t".join(
            [
                value.translate(_SPECIAL) if isinstance(value, str) else _NULL if value is None else str(value)
                for value in row
            ]
        )
    return line


def fresh_keys(model: type[Model], count: int) -> list[int]:
    """So many primary keys that nobody has or will get; on SQLite as long as the transaction lasts."""
    table = model._meta.db_table
    if not count:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            drawn = [cursor.fetchone()[0], count]
            fresh = "SELECT nextval(%s::regclass) AS key FROM generate_series(1, %s)"
            cursor.execute(f"SELECT min(key), max(key) FROM ({fresh}) AS fresh", drawn)  # noqa: S608 - as above
            first, last = cursor.fetchone()
            if last - first + 1 == count:
                return list(range(first, last + 1))
            cursor.execute(fresh, drawn)  # somebody else drew from between them
            return [key for (key,) in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
    last = found[0] if found else 0
    return list(range(last + 1, last + 1 + count))


def among(column: str, kind: str = "text") -> str:
    """SQL: the column, of that kind on PostgreSQL, is one of the values that ``given`` made into one parameter."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(string_to_array(%s, '{_PARTED}')::{kind}[])"
    if connection.vendor == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column of ours
    raise ProgrammingError(f"The portal does not run on {connection.vendor}.")


def day(moment: str) -> str:
    """SQL: the acquirer's day, in UTC+8, of a moment."""
    if connection.vendor == "postgresql":
        return f"({moment} AT TIME ZONE INTERVAL '+08:00')::date"
    return f"date({moment}, '+8 hours')"


def given(values: Iterable[str | int]) -> str:
    """Very many values as one parameter: one text, since a list is quoted value by value."""
    return _PARTED.join(map(str, values)) if connection.vendor == "postgresql" else json.dumps(list(values))


@contextmanager
def aside() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Run one thing after another beside the caller, who prepares the next one meanwhile.

    On PostgreSQL in a thread with a connection of its own; SQLite has one writer and this very process for its server,
    so there it is done at once. What goes wrong is raised at the next call, or at the end.
    """
    if connection.vendor != "postgresql":
        yield lambda what: what()
        return
    waiting: list[Future[None]] = []

    def run(what: Callable[[], None]) -> None:
        while waiting:
            waiting.pop().result()
        waiting.append(thread.submit(what))

    with ThreadPoolExecutor(1, "aside") as thread:
        try:
            yield run
        finally:
            closed = thread.submit(connections.close_all)
        closed.result()
        while waiting:
            waiting.pop().result()


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Look for garbage once in a while only: what a portion is made of is no garbage, and there is a million of it."""
    before = gc.get_threshold()
    gc.set_threshold(_SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
