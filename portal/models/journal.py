"""The journal: a chain of lines, each holding to the one before by its hash, and the days it was written on."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction

from portal import chain, clock, statements
from portal.models.due import Due
from portal.models.history import AddedOnly
from portal.models.records import ActorFields
from portal.statements import Found

_LOCK = 0x6A6F75726E616C
"""The word "journal" in ASCII: PostgreSQL's advisory lock on the end of the chain."""


class JournalEntry(AddedOnly, ActorFields):
    """One act of a person (or of a key on a person's behalf): what, on what, why, with what end. Only ever added to.

    Saving is what makes the chain, so that there is no way around it; the database's triggers refuse a line that does
    not hold to the last one (``portal.journal.guard``).
    """

    at = models.DateTimeField(default=clock.now)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    """Who, as a number that stays when the account goes: nothing reaches back into what was written."""
    act = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.CharField(max_length=64, blank=True)
    subject_label = models.CharField(max_length=200, blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    note = models.TextField(blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    outcome = models.CharField(max_length=300, blank=True)
    position = models.BigIntegerField(unique=True, editable=False)
    """The how-many-th line, from 1, without a gap."""
    previous_hash = models.CharField(max_length=64, unique=True, editable=False)
    """Of the line before: no two lines hold to the same one, so the chain cannot fork."""
    hash = models.CharField(max_length=64, unique=True, editable=False)

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name_plural = "journal"
        indexes = [
            models.Index(fields=("-at", "-id"), name="journal_newest"),
            models.Index(fields=("subject_type", "subject_id"), name="journal_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.subject_label}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the line to the end of the chain, inside the caller's transaction. Raises TypeError on a second save.

        The end is held until that transaction ends: one act of a person after the other. They are few (a few hundred a
        second would be needed to feel it); so a transaction writes its line last, when it waits for nothing else.
        """
        if not self._state.adding:
            super().save(*args, **kwargs)
        self.before, self.after = chain.plain(self.before), chain.plain(self.after)
        with transaction.atomic(savepoint=False):
            _hold_the_end()
            last = _LAST.first()
            self.position, self.previous_hash = (last.position + 1, last.hash) if last else (1, chain.BEGINNING)
            self.hash = chain.link(self)
            super().save(*args, **kwargs)
            JournalDay.note(clock.now())


_LAST: Found[JournalEntry] = Found(lambda: JournalEntry.objects.order_by("-position")[:1])


def _hold_the_end() -> None:
    """Let nobody else add a line until this transaction ends.

    SQLite's IMMEDIATE transaction holds the only write lock already. PostgreSQL: an advisory lock instead of a lock on
    the last row, since the first line has no row before it, and whoever waited must then read the *new* last row.
    """
    line = connections[DEFAULT_DB_ALIAS]
    if line.vendor == "postgresql":
        with line.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


class JournalDay(Due):
    """A day (UTC) on which something was written. Due when it is over: then the chain's end is signed into a file."""

    day = models.DateField(unique=True)
    checkpoint = models.CharField(max_length=120, blank=True)
    """The name of the file, once it is written."""

    class Meta:
        ordering = ("day",)

    def __str__(self) -> str:
        return f"journal of {self.day}"

    @classmethod
    def note(cls, at: datetime) -> None:
        """Remember that something was written on the day of this moment; its checkpoint is due at midnight, UTC."""
        day = at.astimezone(UTC).date()
        over = datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
        statements.insert(cls(day=day, due_at=over), unless_there=True)
