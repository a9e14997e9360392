"""Several small questions in one statement: how many rows there are of each kind, which, or what they say.

A page that asks a dozen tables whether something waits there would go to the database a dozen times, and a search
through thirty columns thirty times. Each question here is a queryset with a bound; their SELECTs are joined by
UNION ALL, so that each is answered by its own index and all of them by one statement. Nothing is counted beyond the
bound, whatever the table holds.

What every page asks is a ``Standing`` question: its SELECT is worded once (``portal.statements``). Wording two dozen of
them anew took half the time of a page.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BooleanField, DateField, DateTimeField, Field, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from portal import statements

MOST = 100
"""Nobody reads a number of waiting things above it; the page then says so with a plus."""


class Standing:
    """A question that every page asks: ``make`` builds its query, with ``statements.Given`` where values come in.

    ``given`` says what they are at the moment of asking.
    """

    def __init__(self, make: Callable[[], QuerySet[Any, Any]], given: Callable[[], dict[str, Any]] = dict) -> None:
        self.make, self.given = make, given


def counts(questions: Sequence[QuerySet[Any] | Standing], *, at_most: int = MOST) -> list[int]:
    """How many rows each question finds, counted to ``at_most`` of each."""
    found = [0] * len(questions)
    for index, count in _answers(questions, at_most, "SELECT {index}, COUNT(*) FROM ({rows}) AS of_{index}"):
        found[index] = count
    return found


def keys(questions: Sequence[QuerySet[Any] | Standing], *, at_most: int) -> list[list[Any]]:
    """The primary keys that each question finds, at most so many of each, in no order."""
    found: list[list[Any]] = [[] for _ in questions]
    for index, key in _answers(questions, at_most, "SELECT {index}, of_{index}.* FROM ({rows}) AS of_{index}"):
        found[index].append(key)
    return found


def rows(questions: Sequence[Standing]) -> list[list[dict[str, Any]]]:
    """What the rows of each question say, by the names of its ``values()``, in its order. Each has its own bound."""
    worded = [_said_by(question) for question in questions]
    if not worded:
        return []
    values = [
        value
        for question, one in zip(questions, worded, strict=True)
        for value in statements.values_of(one.params, question.given())
    ]
    with statements.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(one.statement for one in worded)}", values)
        found = cursor.fetchone()
    return [one.read(said) for one, said in zip(worded, found, strict=True)]


def _said_by(question: Standing) -> "_Rows":
    return statements.kept((question, "rows"), lambda: _Rows(question.make()))


class _Rows:
    """All rows of a query of values as one value of a wider statement: a list of lists in JSON."""

    def __init__(self, query: QuerySet[Any, Any]) -> None:
        line = connections[DEFAULT_DB_ALIAS]
        compiler = query.query.get_compiler(connection=line)
        statement, self.params = statements.with_constants(*compiler.as_sql(with_col_aliases=True))
        columns = ", ".join(f"said.{line.ops.quote_name(alias)}" for _, _, alias in compiler.select)
        is_postgresql = line.vendor == "postgresql"
        gather, array = ("jsonb_agg", "jsonb_build_array") if is_postgresql else ("json_group_array", "json_array")
        self.statement = f"(SELECT {gather}({array}({columns})) FROM ({statement}) AS said)"  # noqa: S608 - as above
        self._names = list(query.query.selected or ())
        self._fields = [expression.output_field for expression, _, _ in compiler.select]

    def read(self, said: str | None) -> list[dict[str, Any]]:
        return [
            {
                name: None if value is None else _of_json(value, field)
                for name, value, field in zip(self._names, row, self._fields, strict=True)
            }
            for row in json.loads(said or "[]")
        ]


def _of_json(value: Any, field: "Field[Any, Any]") -> Any:
    """A value as Python has it: JSON knows no moments and no days, and SQLite no booleans either."""
    match field:
        case DateTimeField():
            moment = parse_datetime(value)
            return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
        case DateField():
            return parse_date(value)
        case BooleanField():
            return bool(value)
        case _:
            return value


def _answers(questions: Sequence[QuerySet[Any] | Standing], at_most: int, pattern: str) -> list[tuple[int, Any]]:
    said: list[str] = []
    values: list[Any] = []
    for index, question in enumerate(questions):
        statement, params = _worded(question, at_most)
        if statement:
            said.append(pattern.format(index=index, rows=statement))
            values += params
    if not said:
        return []
    # What is worded for the occasion is planned for its own values: a plan for any value reads a whole table where a
    # column is nearly always empty.
    is_kept = all(isinstance(question, Standing) for question in questions)
    with statements.cursor() if is_kept else connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(said), values)
        return list(cursor.fetchall())


def _worded(question: QuerySet[Any] | Standing, at_most: int) -> tuple[str, Sequence[Any]]:
    if isinstance(question, QuerySet):
        return _select(question, at_most)
    statement, params = statements.kept(
        (question, at_most), lambda: statements.with_constants(*_select(question.make(), at_most))
    )
    return statement, statements.values_of(params, question.given())


def _select(rows: QuerySet[Any], at_most: int) -> tuple[str, Sequence[Any]]:
    """The SELECT of the rows' keys, and its values; no words when nothing can match, which is known without asking.

    Where only what is distinct counts, that is what the rows select, and not their keys.
    """
    query = (rows if rows.query.distinct else rows.values("pk"))[:at_most].query
    query.clear_ordering(force=True)  # an order would make an index of the wrong column look good
    try:
        return query.sql_with_params()
    except EmptyResultSet:
        return "", ()
