"""Several small questions in one statement: how many rows there are of each kind, or which.

A page that asks a dozen tables whether something waits there would go to the database a dozen times, and a search
through thirty columns thirty times. Each question here is a queryset with a bound; their SELECTs are joined by
UNION ALL, so that each is answered by its own index and all of them by one statement. Nothing is counted beyond the
bound, whatever the table holds.
"""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

MOST = 100
"""Nobody reads a number of waiting things above it; the page then says so with a plus."""


def counts(questions: Sequence[QuerySet[Any]], *, at_most: int = MOST) -> list[int]:
    """How many rows each question finds, counted to ``at_most`` of each."""
    found = [0] * len(questions)
    for index, count in _answers(questions, at_most, "SELECT {index}, COUNT(*) FROM ({rows}) AS of_{index}"):
        found[index] = count
    return found


def keys(questions: Sequence[QuerySet[Any]], *, at_most: int) -> list[list[Any]]:
    """The primary keys that each question finds, at most so many of each, in no order."""
    found: list[list[Any]] = [[] for _ in questions]
    for index, key in _answers(questions, at_most, "SELECT {index}, of_{index}.* FROM ({rows}) AS of_{index}"):
        found[index].append(key)
    return found


def _answers(questions: Sequence[QuerySet[Any]], at_most: int, pattern: str) -> list[tuple[int, Any]]:
    statements: list[str] = []
    values: list[Any] = []
    for index, question in enumerate(questions):
        query = question.values("pk")[:at_most].query
        query.clear_ordering(force=True)  # an order would make an index of the wrong column look good
        try:
            statement, given = query.sql_with_params()
        except EmptyResultSet:  # it is known without asking that nothing matches
            continue
        statements.append(pattern.format(index=index, rows=statement))
        values += given
    if not statements:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), values)
        return list(cursor.fetchall())
