"""The journal: every act of staff on money, consent, keys, people or settings, and every look at personal data.

``write`` belongs inside the transaction of the act's own record, so that act and line stand or fall together; and near
its end, since from then on nobody else can write a line until it is over.

Nothing is ever changed in it, by four means, each against another hand:

- the model refuses it (``portal.models.history``): a mistake in the code;
- triggers refuse it (``portal.journal.guard``): a statement typed by hand, another program;
- each line holds to the line before by its hash (``portal.chain``): somebody who took the triggers away;
- once a day the end of the chain is signed into a file (``portal.journal.checkpoints``): somebody who, with the
  database alone, wrote the whole chain anew.

``manage.py verify_journal`` proves the last two.
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
        outcome=(outcome or (f"under {by.approval}" if by.approval else ""))[:300],
    )
    entry.by(by)
    entry.save()
    return entry


def differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """``before`` and ``after`` of a line about an edit: only what changed."""
    changed = [name for name in before if before[name] != after[name]]
    return {
        "before": {name: before[name] for name in changed},
        "after": {name: after[name] for name in changed},
    }


def about(subject: Model) -> QuerySet[JournalEntry]:
    """Every line about one thing, newest first."""
    return JournalEntry.objects.filter(subject_type=subject._meta.label, subject_id=str(subject.pk))
