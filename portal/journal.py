"""The journal: every staff act on money, consent, keys or settings, with its reason. Append-only.

``write`` belongs inside the transaction of the act's own record, so that act and line stand or fall together.
"""

from typing import Any

from django.db.models import Model, QuerySet

from portal.actor import Actor
from portal.models import JournalEntry


def write(
    act: str,
    *,
    by: Actor,
    subject: Model | None = None,
    reason_code: str = "",
    note: str = "",
    before: Any = None,
    after: Any = None,
    outcome: str = "",
) -> JournalEntry:
    """Add a line. ``before`` and ``after`` hold no secret: they are shown."""
    entry = JournalEntry(
        user_id=by.user_id,
        act=act,
        subject_type=subject._meta.label if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        subject_label=str(subject)[:200] if subject is not None else "",
        reason_code=reason_code,
        note=note,
        before=before,
        after=after,
        outcome=outcome[:300],
    )
    entry.by(by)
    entry.save()
    return entry


def about(subject: Model) -> QuerySet[JournalEntry]:
    """Every line about one thing, newest first."""
    return JournalEntry.objects.filter(subject_type=subject._meta.label, subject_id=str(subject.pk))
