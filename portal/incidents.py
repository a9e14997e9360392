"""Incidents: what a person must look at, each with an owner and an age; one open row per kind and subject."""

from django.db import IntegrityError, transaction
from django.db.models import F, Model, QuerySet

from portal import clock, journal, statements
from portal.actor import Actor
from portal.errors import Conflict
from portal.idempotency import Remember
from portal.models import Incident


def raise_incident(kind: str, summary: str, *, subject: Model | None = None, detail: str = "") -> Incident:
    """Open an incident, or count another sighting of the one that is open."""
    identity = {
        "kind": kind,
        "subject_type": subject._meta.label if subject is not None else "",
        "subject_id": str(subject.pk) if subject is not None else "",
    }
    seen = {"last_seen_at": clock.now(), "times_seen": F("times_seen") + 1}
    with transaction.atomic():  # the row that was found is held until it is read
        if Incident.objects.filter(**identity, closed_at__isnull=True).update(**seen):
            return Incident.objects.get(**identity, closed_at__isnull=True)
    try:
        with transaction.atomic():
            return Incident.objects.create(
                **identity,
                subject_label=str(subject)[:200] if subject is not None else "",
                summary=summary[:300],
                detail=detail,
            )
    except IntegrityError:  # somebody else opened it in between
        return Incident.objects.filter(**identity).latest("pk")


def settle(kind: str, *, subject: Model, by: Actor, resolution: str) -> None:
    """Close the open incident of this kind about ``subject``, if there is one: what it waited for has happened."""
    statements.update(
        Incident,
        {"closed_at": clock.now(), "closed_by": str(by)[:150], "resolution": resolution},
        kind=kind,
        subject_type=subject._meta.label,
        subject_id=str(subject.pk),
        closed_at=None,
    )


def take(incident: Incident, *, by: Actor, remember: Remember | None = None) -> None:
    """Make an open incident a person's own. Raises Conflict when it was closed in the meantime."""
    with transaction.atomic():
        if not Incident.objects.filter(pk=incident.pk, closed_at__isnull=True).update(owner_id=by.user_id):
            raise Conflict("This incident is already closed.")
        journal.write("take incident", by=by, subject=incident)
        if remember:
            remember(incident)
    incident.refresh_from_db()


def close(incident: Incident, *, by: Actor, resolution: str) -> None:
    """Close by a person, with a word on how it was resolved. Raises Conflict when somebody was faster."""
    with transaction.atomic():
        moved = Incident.objects.filter(pk=incident.pk, closed_at__isnull=True).update(
            closed_at=clock.now(), closed_by=str(by)[:150], resolution=resolution
        )
        if not moved:
            raise Conflict("This incident is already closed.")
        journal.write("close incident", by=by, subject=incident, note=resolution)
    incident.refresh_from_db()


def open_incidents() -> QuerySet[Incident]:
    """What waits, oldest first."""
    return Incident.objects.filter(closed_at__isnull=True).select_related("owner").order_by("opened_at")
