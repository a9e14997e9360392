"""Bulk refunds under four eyes: one request for all of it; its refunds are covered by it, and nothing else is."""

from collections.abc import Sequence
from typing import Any

from payments import operations
from payments.models import BulkRefund, Payment
from payments.operations.permission import MONEY_BACK
from payments.states import BulkStatus, LineStatus
from portal.actor import Actor
from portal.idempotency import Remember
from portal.models import Approval
from portal.registry import ApprovalKind, Rule
from portal.roles import ADMINISTRATOR, FINANCE


def carry_out(approval: Approval, by: Actor, remember: Remember) -> str:
    """Start it; the worker makes its refunds."""
    bulk = operations.start_bulk(_bulk(approval), by=by, remember=remember)
    return f"{bulk.lines.exclude(status=LineStatus.PROBLEM).count()} refunds are being made."


def foresee(approval: Approval) -> Sequence[str]:
    """How many, and how much of each currency."""
    bulk = _bulk(approval)
    left_out = bulk.lines.filter(status=LineStatus.PROBLEM).count()
    said = [approval.sentence, "Each becomes an ordinary refund, which is checked once more before it is sent."]
    if left_out:
        said.append(f"{left_out} of its {bulk.line_count} lines are left out, with their reasons.")
    return said


def objection(approval: Approval) -> str:
    """Why it could not be started now."""
    bulk = _bulk(approval)
    if bulk.status == BulkStatus.DRAFT:
        return ""
    return f"It could not be done now: it is {str(bulk.get_status_display()).lower()} already."


def covers(approval: Approval, kind: str, subject: Any, amount: Any) -> bool:
    """A refund that a waiting line of this very bulk refund asks for."""
    if kind != MONEY_BACK or not isinstance(subject, Payment) or amount is None:
        return False
    lines = _bulk(approval).lines.filter(status=LineStatus.WAITING, payment=subject)
    return lines.filter(amount_value=amount.value, currency=amount.currency).exists()


def _bulk(approval: Approval) -> BulkRefund:
    return BulkRefund.objects.get(pk=approval.subject_id)


KIND = ApprovalKind(
    "Refund many at once",
    carry_out,
    foresee=foresee,
    objection=objection,
    covers=covers,
    defaults=(Rule(approvers=(FINANCE, ADMINISTRATOR), is_always=True),),
)
