"""Incidents: what a person must look at, each with an owner and an age; one open row per kind and subject."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Model, QuerySet

from portal import clock, journal, statements
from portal.actor import Actor
from portal.errors import Conflict
from portal.idempotency import Remember
from portal.models import Incident


def raise_incident(
    kind: str, summary: str, *, subject: Model | None = None, detail: str = "", count: int | None = None
) -> Incident:
    """Open an incident, or count another sighting of the one that is open.

    ``count``: of one that is about many things, how many there are by now; its summary grows with them.
    """
    identity = _identity(kind, subject)
    seen: dict[str, Any] = {"last_seen_at": clock.now(), "times_seen": F("times_seen") + 1}
    if count is not None:
        seen |= {"times_seen": count, "summary": summary[:300]}
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
                times_seen=count or 1,
            )
    except IntegrityError:  # somebody else opened it in between
        return Incident.objects.filter(**identity).latest("pk")


def settle(kind: str, *, subject: Model, by: Actor, resolution: str) -> None:
    """Close the open incident of this kind about ``subject``, if there is one: what it waited for has happened."""
    statements.update(
        Incident,
        {"closed_at": clock.now(), "closed_by": str(by)[:150], "resolution": resolution},
        closed_at=None,
        **_identity(kind, subject),
    )


def settle_all(kind: str, *, subjects: Iterable[Model], by: Actor, resolution: str) -> None:
    """Close the open incidents of this kind about any of ``subjects``, which are of one model."""
    found = list(subjects)
    if found:
        Incident.objects.filter(
            kind=kind,
            subject_type=found[0]._meta.label,
            subject_id__in=[str(subject.pk) for subject in found],
            closed_at__isnull=True,
        ).update(closed_at=clock.now(), closed_by=str(by)[:150], resolution=resolution)


def hold(kind: str, *, subject: Model) -> Incident | None:
    """The open incident of this kind about ``subject``, held until the caller's transaction ends; None without one."""
    return about(kind, subject).select_for_update(no_key=True).filter(closed_at__isnull=True).first()


def about(kind: str, subject: Model) -> QuerySet[Incident]:
    """Every incident of this kind about ``subject``, open or closed, in no order."""
    return Incident.objects.filter(**_identity(kind, subject)).order_by()


def _identity(kind: str, subject: Model | None) -> dict[str, str]:
    """What makes it this incident: only one of it is open at a time."""
    return {
        "kind": kind,
        "subject_type": subject._meta.label if subject is not None else "",
        "subject_id": str(subject.pk) if subject is not None else "",
    }


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
