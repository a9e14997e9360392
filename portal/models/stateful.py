"""A row whose status moves along a state table, by compare-and-set and in no other way."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from django.db import models

from portal import clock, statements
from portal.machine import Machine
from portal.models.history import AddedOnly


class Change(AddedOnly):
    """One move along a state table. Only ever added to."""

    at = models.DateTimeField(default=clock.now)
    source = models.CharField(max_length=24)
    event = models.CharField(max_length=40)
    target = models.CharField(max_length=24)
    heard_from = models.CharField(max_length=24)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


class Stateful(models.Model):
    """Gives a model ``advance()``. The model names its table (``machine``) and has ``changes``, its Change rows."""

    machine: ClassVar[Machine[Any, Any]]
    changes: Any
    settled: ClassVar[tuple[str, ...]] = ()
    """Relations that stay as they were read when the row is read anew: whoever acts on them looks for itself."""
    status = models.CharField(max_length=24)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add a new row by the statement that is kept for it; save an old one as ever."""
        if self._state.adding and self.pk is None:
            statements.insert(self)
        else:
            super().save(*args, **kwargs)

    def lock(self) -> None:
        """Hold the row until the caller's transaction ends, and see it as it is now.

        Who locks several does so in one order everywhere: buyer, order or payment first, then cancel, refund or wallet.
        Keys are left free (FOR NO KEY UPDATE): rows that only point here need not wait.
        """
        statements.reload(self, holding=True, keeping=self.settled)

    def advance(self, event: StrEnum, *, heard_from: str, note: str = "", **facts: Any) -> bool:
        """Move along the table unless someone moved first. True when this call did the moving.

        Runs inside the caller's transaction. Raises TransitionNotAllowed where the table has no such row.
        """
        move = self.move(event, heard_from=heard_from, note=note, **facts)
        statements.together(*move.parts)
        return move.is_done()

    def move(
        self, event: StrEnum, *, heard_from: str, note: str = "", when: "Move | None" = None, **facts: Any
    ) -> "Move":
        """What ``advance`` says, for who says more ``together`` with it, and calls ``is_done`` afterwards.

        ``when``: only if that other move was done. Raises TransitionNotAllowed where the table has no such row.
        """
        source, target = self.status, self.machine.target(self.status, event)
        set_to = {"status": target, **facts}
        after = when.change if when else None
        change = statements.CompareAndSet(type(self), set_to, pk=self.pk, while_={"status": source}, when=after)
        noted = self._note(self.pk, source, event, target, heard_from=heard_from, note=note)
        return Move(self, change, statements.Insert(noted, when=change))

    def begin(self, event: StrEnum, *, heard_from: str, note: str = "") -> None:
        """Add a new row as it is after its first move, and note the move. Inside the caller's transaction."""
        source, target = self.status, self.machine.target(self.status, event)
        self.status = target
        added = statements.Insert(self)
        noted = self._note(added, source, event, target, heard_from=heard_from, note=note)
        statements.together(added, statements.Insert(noted))

    @classmethod
    def begin_all(cls, rows: Sequence[Self], event: StrEnum, *, heard_from: str, note: str = "") -> None:
        """As ``begin``, for many new rows."""
        sources = [row.status for row in rows]
        for row, source in zip(rows, sources, strict=True):
            row.status = row.machine.target(source, event)
        statements.add_all(rows)
        noted = [
            row._note(row.pk, source, event, row.status, heard_from=heard_from, note=note)
            for row, source in zip(rows, sources, strict=True)
        ]
        statements.in_bulk([statements.Insert(change) for change in noted])

    def _note(self, key: Any, source: str, event: StrEnum, target: str, *, heard_from: str, note: str) -> Change:
        leads_here = type(self).changes.rel
        it = {"source": source, "event": event, "target": target, "heard_from": heard_from, "note": note[:300]}
        change: Change = statements.new(leads_here.related_model, **it, **{leads_here.field.attname: key})
        return change

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """See the row as it is now, by the statement that is kept for it; a part of it as ever."""
        if args or kwargs:
            super().refresh_from_db(*args, **kwargs)
        else:
            statements.reload(self)


@dataclass(frozen=True)
class Move:
    """A compare-and-set of a row's status, and the row of its history that is written only where it moved."""

    row: Stateful
    change: statements.CompareAndSet
    noted: statements.Insert

    @property
    def parts(self) -> tuple[statements.Part, ...]:
        """What is to be said ``together``."""
        return self.change, self.noted

    def is_done(self) -> bool:
        """Whether it moved, once it was said; the row is as it is now either way."""
        if not self.change.done:
            statements.reload(self.row, keeping=self.row.settled)
            return False
        for name, value in self.change.facts.items():
            setattr(self.row, name, value)
        return True
