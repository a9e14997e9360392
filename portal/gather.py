"""Several small questions in one statement: how many rows there are of each kind, or which.

A page that asks a dozen tables whether something waits there would go to the database a dozen times, and a search
through thirty columns thirty times. Each question here is a queryset with a bound; their SELECTs are joined by
UNION ALL, so that each is answered by its own index and all of them by one statement. Nothing is counted beyond the
bound, whatever the table holds.

What every page asks is a ``Standing`` question: its SELECT is worded once (``portal.statements``). Wording two dozen of
them anew took half the time of a page.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

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
    with statements.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(said), values)
        return list(cursor.fetchall())


def _worded(question: QuerySet[Any] | Standing, at_most: int) -> tuple[str, Sequence[Any]]:
    if isinstance(question, QuerySet):
        return _select(question, at_most)
    statement, params = statements.kept((question, at_most), lambda: _select(question.make(), at_most))
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
