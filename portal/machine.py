"""A state table in plain Python: which event leads from which status to which.

The table answers one question and moves nothing. The move itself is a compare-and-set in SQL, in the model's
``advance()``: libraries that check the object in memory let two workers who loaded the same row both pass.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Generic, TypeVar

from portal.errors import TransitionNotAllowed

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Machine(Generic[S, E]):
    """The transitions one kind of row may make: ``Machine((source, event, target), …)``."""

    def __init__(self, *rows: tuple[S, E, S]) -> None:
        self._targets: dict[tuple[S, E], S] = {}
        for source, event, target in rows:
            if (source, event) in self._targets:
                raise ValueError(f"two rows for {source} on {event}")
            self._targets[source, event] = target

    def target(self, source: str, event: E) -> S:
        """The status that ``event`` leads to. Raises TransitionNotAllowed where the table has no row."""
        for (known_source, known_event), target in self._targets.items():
            if known_source == source and known_event == event:
                return target
        raise TransitionNotAllowed(status=str(source), event=str(event))

    def allows(self, source: str, event: E) -> bool:
        """Whether the table has a row for this status and event."""
        return any(known == source and on == event for known, on in self._targets)

    def __iter__(self) -> Iterator[tuple[S, E, S]]:
        for (source, event), target in self._targets.items():
            yield source, event, target

    @property
    def statuses(self) -> set[S]:
        """Every status the table names."""
        return {status for source, _, target in self for status in (source, target)}

    @property
    def events(self) -> set[E]:
        """Every event the table names."""
        return {event for _, event, _ in self}

    @property
    def final(self) -> set[S]:
        """The statuses no row leads out of."""
        return self.statuses - {source for source, _, _ in self}

    def diagram(self) -> str:
        """The table as a Mermaid state diagram, for README."""
        lines = ["stateDiagram-v2"]
        lines += [f"    {source} --> {target}: {event}" for source, event, target in self]
        return "\n".join(lines)
