"""Deciding on a request: who may; approving, declining, withdrawing; breaking the glass and its review."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from portal import clock, incidents, journal
from portal.actor import Actor
from portal.approvals.asking import digest_of, person_of
from portal.approvals.carrying_out import PERSON, carry_out
from portal.approvals.rules import roles_of
from portal.errors import Conflict, InvalidInput, NotAllowed
from portal.idempotency import Remember
from portal.models import Approval, ApprovalEvent, ApprovalStatus, Deputy

APPROVAL_BROKEN_GLASS = "APPROVAL_BROKEN_GLASS"
APPROVAL_FOUND_WRONG = "APPROVAL_FOUND_WRONG"
_GRACE = timedelta(seconds=60)
"""Who approved carries it out now; the worker comes when that one has died."""
_LONGEST_DEPUTY = timedelta(days=92)
_DECIDE, _BREAK_GLASS = "portal.act_decide", "portal.act_break_glass"


def approve(approval: Approval, *, by: Actor, note: str = "", remember: Remember | None = None) -> Approval:
    """Approve a request and carry it out. The request returned is done, or tells in ``result`` why it could not be.

    Raises NotAllowed for whoever may not decide, Conflict when somebody was faster or it has expired.
    """
    with transaction.atomic(durable=True):
        words = _may_decide_now(approval, by)
        at = clock.now()
        approval.advance(
            ApprovalEvent.APPROVE,
            heard_from=PERSON,
            note=note,
            **_decision(by, words, note, at),
            due_at=at + _GRACE,
            attempts=0,
        )
        journal.write("approve", by=by, subject=approval, note=note, after=_shown(approval))
        if remember:
            remember(approval)
    return carry_out(approval)


def decline(approval: Approval, *, by: Actor, note: str, remember: Remember | None = None) -> Approval:
    """Decline a request, with a word on why. Nothing is done. Raises NotAllowed and Conflict, as ``approve``."""
    with transaction.atomic(durable=True):
        words = _may_decide_now(approval, by)
        at = clock.now()
        approval.advance(
            ApprovalEvent.DECLINE,
            heard_from=PERSON,
            note=note,
            **_decision(by, words, note, at),
            finished_at=at,
            due_at=None,
        )
        journal.write("decline", by=by, subject=approval, note=note, after=_shown(approval))
        if remember:
            remember(approval)
    return approval


def _decision(by: Actor, words: str, note: str, at: datetime) -> dict[str, object]:
    """Who decided what, as the row keeps it."""
    return {
        "decider_id": by.user_id,
        "decided_by": words[:200],
        "decided_at": at,
        "decision_note": note[:256],
        "lease_until": None,
    }


def withdraw(approval: Approval, *, by: Actor, note: str = "", remember: Remember | None = None) -> Approval:
    """Take one's own request back. Raises NotAllowed for anybody else, Conflict when somebody decided before."""
    with transaction.atomic(durable=True):
        approval.lock()
        if approval.requester_id != by.user_id:
            raise NotAllowed("Only who asked for it can take it back. You can decline it.")
        _refuse_ended(approval)
        approval.advance(
            ApprovalEvent.WITHDRAW,
            heard_from=PERSON,
            note=note,
            finished_at=clock.now(),
            due_at=None,
            lease_until=None,
        )
        journal.write("withdraw request", by=by, subject=approval, note=note, after=_shown(approval))
        if remember:
            remember(approval)
    return approval


# Breaking the glass.


def may_break_glass(approval: Approval, user: User) -> bool:
    """Whether this person may do at once, on their own, what they asked for."""
    return approval.requester_id == user.pk and user.is_active and user.has_perm(_BREAK_GLASS)


def break_glass(approval: Approval, *, by: Actor, note: str, remember: Remember | None = None) -> Approval:
    """Carry out one's own request without waiting: an emergency, and an incident until another person reviewed it.

    Raises NotAllowed for whoever may not, InvalidInput without a note, Conflict when it was decided before.
    """
    if not note.strip():
        raise InvalidInput(field="note", problem="say what the emergency is.")
    with transaction.atomic(durable=True):
        approval.lock()
        if not may_break_glass(approval, person_of(by)):
            raise NotAllowed("You may not do this on your own. Ask somebody who approves.")
        _refuse_ended(approval)
        at = clock.now()
        approval.advance(
            ApprovalEvent.APPROVE,
            heard_from=PERSON,
            note=note,
            **_decision(by, by.name, note, at),
            is_glass_broken=True,
            due_at=at + _GRACE,
            attempts=0,
        )
        incidents.raise_incident(
            APPROVAL_BROKEN_GLASS,
            f"{by.name} did on their own what needs a second person: {approval.sentence}",
            subject=approval,
            detail="Another person reviews it on the page of the request.",
        )
        journal.write("break the glass", by=by, subject=approval, note=note, after=_shown(approval))
        if remember:
            remember(approval)
    return carry_out(approval)


def review(approval: Approval, *, by: Actor, is_right: bool, note: str, remember: Remember | None = None) -> Approval:
    """Look at what somebody did on their own. Found wrong, it becomes an incident that a person must close.

    Raises NotAllowed for the requester and whoever may not decide, Conflict when there is nothing to review.
    """
    with transaction.atomic(durable=True):
        approval.lock()
        if not approval.needs_review:
            raise Conflict("There is nothing to review: nobody broke the glass, or it was reviewed.")
        objection = objection_to_reviewing(approval, person_of(by))
        if objection:
            raise NotAllowed(objection)
        Approval.objects.filter(pk=approval.pk).update(
            reviewer_id=by.user_id,
            reviewed_by=by.name[:200],
            reviewed_at=clock.now(),
            review_note=note[:256],
            is_found_right=is_right,
        )
        incidents.settle(
            APPROVAL_BROKEN_GLASS,
            subject=approval,
            by=by,
            resolution=f"Reviewed: {'right' if is_right else 'not right'}. {note}".strip(),
        )
        if not is_right:
            incidents.raise_incident(
                APPROVAL_FOUND_WRONG,
                f"{by.name} found that this should not have been done: {approval.sentence}",
                subject=approval,
                detail=f"{approval.actor_name} did it on their own. {note}",
            )
        journal.write("review broken glass", by=by, subject=approval, note=note, after={"right": is_right})
        if remember:
            remember(approval)
    approval.refresh_from_db()
    return approval


# Who may decide.


def objection_to_deciding(approval: Approval, user: User) -> str:
    """Why this person may not decide on the request, in a sentence; empty when they may."""
    if approval.requester_id == user.pk:
        return "You asked for this yourself. Somebody else has to decide."
    if not _standing(approval, user):
        return f"Only {' or '.join(approval.approvers)} may decide on this, or a deputy of theirs."
    return ""


def objection_to_reviewing(approval: Approval, user: User) -> str:
    """Why this person may not review it, in a sentence; empty when they may."""
    if approval.requester_id == user.pk:
        return "You did this yourself. Somebody else has to review it."
    return objection_to_deciding(approval, user)


def _standing(approval: Approval, user: User) -> str:
    """In whose right they decide, their own first; empty: in nobody's. A deputy's right ends with the principal's."""
    wanted = set(approval.approvers)
    if not user.is_active:
        return ""
    if wanted & roles_of(user) and user.has_perm(_DECIDE):
        return user.get_username()
    for held in deputies_of(deputy=user):
        principal = held.principal
        may = principal.is_active and principal.pk != approval.requester_id and principal.has_perm(_DECIDE)
        if may and wanted & roles_of(principal):
            return f"{user.get_username()} for {principal.get_username()}"
    return ""


def _may_decide_now(approval: Approval, by: Actor) -> str:
    """Hold the request; in whose right it is decided. Raises NotAllowed and Conflict."""
    approval.lock()
    user = person_of(by)
    objection = objection_to_deciding(approval, user)
    if objection:
        raise NotAllowed(objection)
    _refuse_ended(approval)
    if digest_of(approval) != approval.digest:
        raise Conflict("What is written here is not what was asked for. It cannot be decided.")
    return _standing(approval, user)


def _refuse_ended(approval: Approval) -> None:
    if approval.status != ApprovalStatus.WAITING:
        who = f" by {approval.decided_by}" if approval.decided_by else ""
        raise Conflict("Nothing was done now: it is {status} already{who}.", status=_word(approval), who=who)
    if approval.expires_at <= clock.now():
        raise Conflict("Nobody decided in time: the request has expired. Ask anew.")


def _word(approval: Approval) -> str:
    return str(approval.get_status_display()).lower()


def _shown(approval: Approval) -> dict[str, str]:
    return {"act": approval.act, "of": approval.sentence, "digest": approval.digest}


# Deputies.


def deputies_of(*, principal: User | None = None, deputy: User | None = None) -> QuerySet[Deputy]:
    """Who stands in now: for a person, or by a person."""
    at = clock.now()
    rows = Deputy.objects.filter(starts_at__lte=at, ends_at__gt=at, ended_at__isnull=True)
    if principal is not None:
        rows = rows.filter(principal=principal)
    if deputy is not None:
        rows = rows.filter(deputy=deputy)
    return rows.select_related("principal", "deputy").order_by("starts_at", "pk")


def name_deputy(
    deputy: User,
    *,
    starts_at: datetime,
    ends_at: datetime,
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> Deputy:
    """Let somebody decide in one's place for a time. Nobody passes on what they hold as a deputy themselves.

    Raises InvalidInput for oneself, somebody shut out, or a time that is none, or too long.
    """
    if deputy.pk == by.user_id or not deputy.is_active:
        raise InvalidInput(field="deputy", problem="choose another person who may come in.")
    if ends_at <= max(starts_at, clock.now()) or ends_at - starts_at > _LONGEST_DEPUTY:
        problem = f"it ends after it starts, still to come, and within {_LONGEST_DEPUTY.days} days."
        raise InvalidInput(field="ends_at", problem=problem)
    with transaction.atomic():
        row = Deputy.objects.create(
            principal=person_of(by), deputy=deputy, starts_at=starts_at, ends_at=ends_at, note=note[:256]
        )
        after = {"deputy": deputy.get_username(), "from": starts_at.isoformat(), "until": ends_at.isoformat()}
        journal.write("name deputy", by=by, subject=row, note=note, after=after)
        if remember:
            remember(row)
    return row


def end_deputy(row: Deputy, *, by: Actor, remember: Remember | None = None) -> None:
    """Take a deputy's right back before its time. Raises NotAllowed for anybody but the principal and the deputy."""
    if by.user_id not in (row.principal_id, row.deputy_id):
        raise NotAllowed("Only the two of them can end this.")
    with transaction.atomic():
        if not Deputy.objects.filter(pk=row.pk, ended_at__isnull=True).update(ended_at=clock.now()):
            raise Conflict("It has ended already.")
        journal.write("end deputy", by=by, subject=row)
        if remember:
            remember(row)
    row.refresh_from_db()
