"""A row whose status moves along a state table, by compare-and-set and in no other way."""

from enum import StrEnum
from typing import Any, ClassVar

from django.db import models

from portal import clock
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
    status = models.CharField(max_length=24)

    class Meta:
        abstract = True

    def lock(self) -> None:
        """Hold the row until the caller's transaction ends, and see it as it is now.

        Who locks several does so in one order everywhere: buyer, order or payment first, then cancel, refund or wallet.
        Keys are left free (FOR NO KEY UPDATE): rows that only point here need not wait.
        """
        self.refresh_from_db(from_queryset=type(self)._base_manager.select_for_update(no_key=True))

    def advance(self, event: StrEnum, *, heard_from: str, note: str = "", **facts: Any) -> bool:
        """Move along the table unless someone moved first. True when this call did the moving.

        Runs inside the caller's transaction. Raises TransitionNotAllowed where the table has no such row.
        """
        source, target = self.status, self.machine.target(self.status, event)
        moved = type(self)._base_manager.filter(pk=self.pk, status=source).update(status=target, **facts)
        if moved:
            self.changes.create(source=source, event=event, target=target, heard_from=heard_from, note=note[:300])
        self.refresh_from_db()
        return bool(moved)
