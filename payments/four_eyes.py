"""Giving money back under four eyes: by refund or by cancel, of a part or of all. Plugged into ``portal.registry``.

One kind for every way, or whoever may not refund above a limit would cancel instead.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from payments import operations, queries
from payments.models import Cancel, Order, Payment, Refund
from payments.operations.permission import CANCEL, GIVE_BACK, REFUND
from payments.states import CancelStatus, RefundStatus
from portal.actor import Actor
from portal.admin.approvals import stories_about
from portal.errors import Conflict
from portal.idempotency import Remember
from portal.models import Approval
from portal.money import Money
from portal.registry import ApprovalKind, Became, Rule, TimelineEntry
from portal.roles import ADMINISTRATOR, FINANCE, SUPPORT

# fmt: off
LIMITS = {
    # currency: (one act, one person's day), in minor units; about 100 and 1,000 US dollars
    "AUD": (150_00,       1_500_00),
    "BRL": (500_00,       5_000_00),
    "CNY": (700_00,       7_000_00),
    "EUR": (100_00,       1_000_00),
    "GBP": (80_00,        800_00),
    "HKD": (800_00,       8_000_00),
    "IDR": (1_500_000_00, 15_000_000_00),
    "JPY": (15_000,       150_000),
    "KRW": (130_000,      1_300_000),
    "MYR": (450_00,       4_500_00),
    "PHP": (5_000_00,     50_000_00),
    "SGD": (130_00,       1_300_00),
    "THB": (3_500_00,     35_000_00),
    "USD": (100_00,       1_000_00),
}
"""What one person gives back on their own, unless a rule of the desk says otherwise."""
# fmt: on
_TONES: dict[str, str] = {
    RefundStatus.INITIATED: "wait",
    RefundStatus.PROCESSING: "wait",
    RefundStatus.SUCCEEDED: "good",
    RefundStatus.FAILED: "bad",
    RefundStatus.REVERSED: "bad",
    CancelStatus.REQUESTED: "wait",
    CancelStatus.CONFIRMED: "good",
    CancelStatus.REFUSED: "bad",
}


def _defaults() -> tuple[Rule, ...]:
    approvers = (FINANCE, ADMINISTRATOR)
    by_amount = (
        Rule(approvers=approvers, currency=currency, above_value=one, above_a_day_value=day)
        for currency, (one, day) in LIMITS.items()
    )
    return Rule(approvers=approvers, role=SUPPORT, is_always=True), *by_amount


def carry_out(approval: Approval, by: Actor, remember: Remember) -> str:
    """Give the money back as it was asked for, through the ordinary verbs."""
    payment = _payment(approval)
    said: dict[str, Any] = {"by": by, "reason_code": approval.reason_code, "note": approval.note, "remember": remember}
    made: Cancel | Refund
    if approval.act == REFUND:
        made = operations.refund(payment, _amount(approval), **said)
    elif approval.act == CANCEL:
        made = operations.cancel(payment, ends_order=bool(approval.params.get("ends_order")), **said)
    elif approval.act == GIVE_BACK:
        made = operations.give_money_back(payment, amount=_amount(approval), **said)
    else:
        raise Conflict("This version does not know the act that was asked for.")
    return _said(approval, made)


def _said(approval: Approval, made: Cancel | Refund) -> str:
    amount, state = _amount(approval), str(made.get_status_display()).lower()
    return f"Refund of {amount}: {state}." if isinstance(made, Refund) else f"Cancel of {amount}: {state}."


def became(approvals: Sequence[Approval]) -> Mapping[int, Became]:
    """How the refunds and cancels that were made stand now, in at most two questions."""
    found: dict[int, Became] = {}
    for model in (Refund, Cancel):
        theirs = {it.pk: int(it.result_id) for it in approvals if it.result_type == model._meta.label}
        made = model._default_manager.in_bulk(theirs.values()) if theirs else {}
        for approval in approvals:
            if row := made.get(theirs.get(approval.pk)):
                found[approval.pk] = Became(_said(approval, row), _TONES[row.status])
    return found


def foresee(approval: Approval) -> Sequence[str]:
    """What approving it does, as things are now."""
    payment = _payment(approval)
    back = queries.money_back(payment)
    said = [approval.sentence]
    if approval.act == GIVE_BACK:
        whole = _amount(approval) == payment.amount
        way = "a cancel, without a refund fee" if back.best == "CANCEL" and whole else "a refund"
        said.append(f"As things are now it will be {way}. It cannot be taken back.")
    if payment.returned_value:
        said.append(f"{payment.returned} of {payment.amount} went back already, or is on its way.")
    return said


def objection(approval: Approval) -> str:
    """Why the money could not go back now."""
    payment = _payment(approval)
    back = queries.money_back(payment)
    if not back.best:
        return f"It could not be done now: {back.why}."
    amount = _amount(approval)
    if back.best != queries.KEPT and amount > back.refundable and payment.returned_value:
        return f"It could not be done now: only {back.refundable} can still be given back."
    return ""


def timeline(thing: object) -> list[TimelineEntry]:
    """What was asked for about an order's payments, for the order's page; a payment's own page has it already."""
    return stories_about(*thing.payments.all()) if isinstance(thing, Order) else []


def _payment(approval: Approval) -> Payment:
    return Payment.objects.select_related("order", "wallet_account__account").get(pk=approval.subject_id)


def _amount(approval: Approval) -> Money:
    if approval.amount is None:
        raise Conflict("It was asked for without an amount.")
    return approval.amount


KIND = ApprovalKind(
    "Give money back",
    carry_out,
    foresee=foresee,
    objection=objection,
    defaults=_defaults(),
    has_amount=True,
    became=became,
)
