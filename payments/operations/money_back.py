"""One wish, "give the money back", and the portal decides how: by cancel while that is possible, else by refund."""

from payments import queries
from payments.errors import RefundNotPossible
from payments.models import Cancel, Payment, Refund
from payments.operations.cancels import cancel
from payments.operations.kept import give_kept_back
from payments.operations.permission import GIVE_BACK, words
from payments.operations.refunds import refund
from payments.states import CancelStatus, PaymentStatus
from portal.actor import Actor
from portal.approvals import ApprovalNeeded
from portal.idempotency import Remember
from portal.money import Money


def give_money_back(
    payment: Payment,
    *,
    by: Actor,
    reason_code: str,
    note: str = "",
    amount: Money | None = None,
    remember: Remember | None = None,
) -> Cancel | Refund:
    """Give back ``amount``, or all that is left, by the way the method, the account and the clock allow.

    A cancel costs no refund fee and reaches the buyer sooner, so it comes first where the whole amount goes back. When
    the acquirer refuses the cancel of a paid payment, the refund follows in the same act. What the acquirer kept of a
    payment that is not paid for us goes back whole (``give_kept_back``).
    Raises RefundNotPossible and what ``cancel`` and ``refund`` raise, before anything is sent. What needs approval is
    asked for as this wish, so that its way is decided anew once somebody has approved it.
    """
    try:
        return _give(payment, by=by, reason_code=reason_code, note=note, amount=amount, remember=remember)
    except ApprovalNeeded as needed:
        asked: Money = needed.wish["amount"]
        sentence = words(payment, asked, GIVE_BACK)
        raise needed.worded(GIVE_BACK, params=needed.wish["params"], sentence=sentence) from None


def _give(
    payment: Payment,
    *,
    by: Actor,
    reason_code: str,
    note: str,
    amount: Money | None,
    remember: Remember | None,
) -> Cancel | Refund:
    payment.refresh_from_db()
    back = queries.money_back(payment)
    if back.best == queries.KEPT and amount in (None, back.refundable):
        return give_kept_back(payment, by=by, reason_code=reason_code, note=note, remember=remember)
    if back.best == queries.KEPT:
        raise RefundNotPossible(why=f"what the acquirer kept goes back whole: {back.refundable}")
    wanted = amount or back.refundable
    if back.best == "CANCEL" and wanted == payment.amount:
        tried = cancel(payment, by=by, reason_code=reason_code, note=note, remember=remember)
        payment.refresh_from_db()
        if tried.status != CancelStatus.REFUSED or payment.status != PaymentStatus.SUCCEEDED:
            return tried
        return refund(payment, wanted, by=by, reason_code=reason_code, note=note)
    if not back.best:
        raise RefundNotPossible(why=back.why)
    return refund(payment, wanted, by=by, reason_code=reason_code, note=note, remember=remember)
