"""What makes a table of result codes, one per (API, first or repeated), and how one is read.

A row says the status the code is documented with, the outcome we may believe *of the thing asked about*, and what the
merchant may do next. Four rules make the tables, whichever acquirer's they are:

1. Only an explicit S about this very thing is SUCCESS, and only an explicit F about it, on the first send, is FAIL.
   All else is UNKNOWN: U, a code we never saw (whatever its status), a status that contradicts its code.
2. The F of a request sent a second time may speak of the second (the token was rotated meanwhile, the expiry passed),
   so it closes nothing, unless the acquirer documents that a repeat is how one asks.
3. A code that says "this id was used before" never speaks of the thing just sent, not even on the first send.
4. The F of an inquiry or of a cancel speaks of that call alone, and of nothing else.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from portal.acquirer.results import Advice, Outcome


class Row(NamedTuple):
    """What one code means in one place."""

    status: str
    """As documented: S, F or U."""
    outcome: Outcome
    advice: Advice


def success(advice: Advice = Advice.NOTHING) -> Row:
    """S about the thing."""
    return Row("S", Outcome.SUCCESS, advice)


def failure(advice: Advice) -> Row:
    """F about the thing, on the first send."""
    return Row("F", Outcome.FAIL, advice)


def unknown(advice: Advice) -> Row:
    """U."""
    return Row("U", Outcome.UNKNOWN, advice)


USED_BEFORE = Row("F", Outcome.UNKNOWN, Advice.ASK)
"""F, but about an earlier request under the same id."""

Table = Mapping[str, Row]
P = TypeVar("P", bound=StrEnum)


def closing_nothing(table: Table) -> dict[str, Row]:
    """The table of the same request sent again: what was an F is a question."""
    return {code: USED_BEFORE if row.status == "F" else row for code, row in table.items()}


class Tables(Generic[P]):
    """An acquirer's tables by place (an API, or where else a code stands), for a first and for a repeated request."""

    def __init__(self, first: Mapping[P, Table], repeated: Mapping[P, Table]) -> None:
        self.first: Mapping[P, Table] = first
        self.repeated: Mapping[P, Table] = {**first, **repeated}
        self._places = {str(place): place for place in first}
        self._unsure = {
            place: table["UNKNOWN_EXCEPTION"].advice if "UNKNOWN_EXCEPTION" in table else Advice.ASK
            for place, table in first.items()
        }

    def read(self, place: P, *, code: str, status: str, repeated: bool = False) -> tuple[Outcome, Advice]:
        """What ``code`` with ``status`` means there. An unknown code or a status that contradicts it is UNKNOWN."""
        row = (self.repeated if repeated else self.first)[place].get(code)
        if row is None or row.status != status:
            return Outcome.UNKNOWN, self._unsure[place]
        return row.outcome, row.advice

    def unsure(self, place: P) -> Advice:
        """What to do when no answer came that we may believe."""
        return self._unsure[place]

    def advice_for(self, name: str, code: str, *, repeated: bool = False) -> Advice:
        """What the merchant may do after ``code`` from the API of that wire name, for pages. Raises nothing."""
        place = self._places.get(name)
        if place is None:
            return Advice.CALL_SUPPORT
        row = (self.repeated if repeated else self.first)[place].get(code)
        return row.advice if row else self._unsure[place]

    def refusals(self, *places: P) -> frozenset[tuple[str, Advice]]:
        """Every (code, advice) that ends the thing asked about in one of these places."""
        rows = (entry for place in places for entry in self.first[place].items())
        return frozenset((code, row.advice) for code, row in rows if row.outcome is Outcome.FAIL)
