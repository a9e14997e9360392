"""What a protocol's documents leave open, as settings: each with the safe default until the acquirer has said more.

An adapter declares its points in one table; an account keeps what was settled, by name, and an account that settled
nothing speaks as the defaults say. Values are text, as a form and a JSON column hold them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

_LONGEST = 500
_PAIR = re.compile(r"[^\s=,]+=[^\s=,]+")
YES, NO = "yes", "no"


class Kind(StrEnum):
    """What a point is settled with."""

    TEXT = "TEXT"
    FLAG = "FLAG"
    """``yes`` or ``no``."""
    CHOICE = "CHOICE"
    NUMBER = "NUMBER"
    PAIRS = "PAIRS"
    """``A=B, C=D``."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point. The sentences are English and told in the reader's language."""

    name: str
    title: str
    question: str
    """What is not confirmed, and so what to ask the acquirer."""
    kind: Kind = Kind.TEXT
    default: str = ""
    default_means: str = ""
    """What the default does, and why it is safe."""
    choices: tuple[str, ...] = ()
    pattern: str = ""
    """Of a text: what it must be, as an expression that fits the whole of it. An empty text fits every point."""
    most: int = 0
    """Of a number."""
    is_web_address: bool = False

    def accepts(self, value: str) -> bool:
        """Whether the point can be settled with this."""
        if len(value) > _LONGEST or not value.isprintable():
            return False
        match self.kind:
            case Kind.FLAG:
                return value in (YES, NO)
            case Kind.CHOICE:
                return value in self.choices
            case Kind.NUMBER:
                return value.isascii() and value.isdigit() and len(value) <= 6 and int(value) <= self.most
            case Kind.PAIRS:
                return all(_PAIR.fullmatch(pair.strip()) for pair in value.split(",") if pair.strip())
            case Kind.TEXT:
                return not value or re.fullmatch(self.pattern or ".*", value) is not None


class Settled:
    """What was settled of an adapter's points; a value that the point does not accept counts as not settled."""

    def __init__(self, points: Iterable[Point], values: Mapping[str, str]) -> None:
        self._values = {
            point.name: values[point.name]
            if point.name in values and point.accepts(values[point.name])
            else point.default
            for point in points
        }

    def text(self, name: str) -> str:
        """A text or a choice."""
        return self._values[name]

    def flag(self, name: str) -> bool:
        """A yes or no."""
        return self._values[name] == YES

    def number(self, name: str) -> int:
        """A number; zero for none."""
        return int(self._values[name] or 0)

    def pairs(self, name: str) -> dict[str, str]:
        """Pairs, by what stands before the sign."""
        parts = (pair.strip().partition("=") for pair in self._values[name].split(","))
        return {key: value for key, sign, value in parts if sign}
