"""Doing what was approved: once, by whoever comes to it, and its end in words."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from portal import clock, due, registry
from portal.approvals.asking import actor_of, digest_of
from portal.errors import Conflict, PortalError
from portal.models import Approval, ApprovalEvent, ApprovalStatus

PERSON, CLOCK = "PERSON", "CLOCK"
"""Who brings the news of a move, in the changes of a request."""


class CarriedOutAlready(Conflict):
    """Somebody else carried it out a moment ago."""

    code = "carried_out_already"
    sentence = "It was carried out already."


def carry_out(approval: Approval) -> Approval:
    """Do what an approved request asks for, outside of any transaction. Safe to repeat, and by several at once.

    The act's own refusal becomes the result. Anything else that goes wrong is raised; the request stays approved, and
    the worker tries again.
    """
    approval.refresh_from_db()
    if approval.status != ApprovalStatus.APPROVED:
        return approval
    kind = registry.approvals.get(approval.kind)

    def remember(made: Any) -> None:
        held = Approval.objects.select_for_update(of=("self",), no_key=True).get(pk=approval.pk)
        if held.status == ApprovalStatus.DONE and held.result_id == str(made.pk):
            return
        if held.status != ApprovalStatus.APPROVED:
            raise CarriedOutAlready
        held.advance(
            ApprovalEvent.CARRY_OUT,
            heard_from=PERSON,
            finished_at=clock.now(),
            due_at=None,
            lease_until=None,
            result_type=made._meta.label,
            result_id=str(made.pk),
        )

    try:
        _refuse_if_untrue(approval)
        if kind is None:
            raise Conflict("Nobody here knows how to carry this out any more.")
        sentence = kind.carry_out(approval, actor_of(approval), remember)
    except PortalError as refusal:
        approval.refresh_from_db()
        if approval.status == ApprovalStatus.APPROVED:
            _end_refused(approval, refusal.message)
        return approval
    Approval.objects.filter(pk=approval.pk, status=ApprovalStatus.DONE).update(result=sentence[:300])
    approval.refresh_from_db()
    if approval.status == ApprovalStatus.APPROVED:
        raise RuntimeError(f"{approval.kind} was carried out without remembering it")
    return approval


def _refuse_if_untrue(approval: Approval) -> None:
    if digest_of(approval) != approval.digest:
        raise Conflict("What is written here is not what was asked for. Nothing was done.")
    if not User.objects.filter(pk=approval.requester_id, is_active=True).exists():
        raise Conflict("Whoever asked for this may not come in any more. Nothing was done.")


def _end_refused(approval: Approval, why: str) -> None:
    with transaction.atomic():
        approval.lock()
        if approval.status == ApprovalStatus.APPROVED:
            approval.advance(
                ApprovalEvent.REFUSE,
                heard_from=CLOCK,
                note=why,
                finished_at=clock.now(),
                due_at=None,
                lease_until=None,
                result=why[:300],
            )


def waiting() -> QuerySet[Approval]:
    """Requests that wait for a person or for being carried out."""
    return Approval.objects.filter(status__in=(ApprovalStatus.WAITING, ApprovalStatus.APPROVED))


def work(pk: int) -> str:
    """Carry out what was approved and not done yet; end what nobody decided in time."""
    approval = Approval.objects.get(pk=pk)
    if approval.status == ApprovalStatus.APPROVED:
        approval = carry_out(approval)
    elif approval.status == ApprovalStatus.WAITING and approval.expires_at <= clock.now():
        with transaction.atomic():
            approval.lock()
            if approval.status == ApprovalStatus.WAITING:
                approval.advance(
                    ApprovalEvent.EXPIRE, heard_from=CLOCK, finished_at=clock.now(), due_at=None, lease_until=None
                )
    return f"request {approval.number}: {approval.get_status_display()}"


approvals_due = due.work_on(waiting, work)
