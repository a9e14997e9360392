"""Giving back what the acquirer kept against our status: one act of a person, for a payment we hold as not paid.

We hold a payment as failed or cancelled, and somebody says that the money was taken: the status stands (a final answer
is final), the order takes no other payment meanwhile, and a person gives the money back. The acquirer is asked first;
only when it says that it keeps exactly this amount, the payment is cancelled there, while its deadline allows, and else
refunded. What is promised back is reserved in ``kept_returned_value``, apart from ``returned_value``: the one counts
against what was paid for us, the other against what was kept. Whatever comes of the cancel or refund is recorded like
that of any other, and settles the contradiction.
"""

from datetime import timedelta

from django.db import transaction

from payments import queries, schedule
from payments.errors import RefundNotPossible
from payments.models import UNPAID, Cancel, Payment, Refund
from payments.operations import refunds
from payments.operations.cancels import ask_cancel
from payments.operations.payments import believable, inquire, record_inquiry
from payments.operations.permission import GIVE_BACK, permit
from payments.queries import method_of
from payments.states import CancelStatus
from portal import clock, journal
from portal.acquirer.results import Outcome, PaymentResult
from portal.actor import Actor, ActorKind
from portal.gateways import acquirer_for
from portal.idempotency import Remember


def give_kept_back(
    payment: Payment, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> Cancel | Refund:
    """Ask whether the acquirer keeps the money of a payment that is not paid for us, and give it back if so, whole.

    The payment's status stays. A cancel that is refused is followed by a refund in the same act.
    Raises RefundNotPossible when nothing says that it was kept, when it is on its way back already, and when the
    acquirer does not answer, keeps nothing, or keeps another amount.
    """
    payment.refresh_from_db()
    back = queries.money_back(payment)
    if back.best != queries.KEPT:
        raise RefundNotPossible(why=back.why)
    said = _asked(payment)
    paid_at = believable(said.paid_at, since=payment.created_at)
    method = method_of(payment)
    until = acquirer_for(payment.account).cancel_deadline(paid_at, method=method)
    if until is not None and clock.now() < until - schedule.CANCEL_SAFETY:
        cancel = _promise_cancel(payment, by=by, reason_code=reason_code, note=note, remember=remember)
        if ask_cancel(cancel).status != CancelStatus.REFUSED:
            return cancel
        remember = None  # the caller's key is tied to the cancel; the refund follows from it
    if method is not None and clock.now() >= paid_at + timedelta(days=method.refund_days):
        raise RefundNotPossible(why="the acquirer keeps the money, and the time for a refund has passed")
    if not payment.payment_id:
        raise RefundNotPossible(why="the acquirer's id of it is not known")
    refund = _promise_refund(payment, by=by, reason_code=reason_code, note=note, remember=remember)
    return refunds.send(refund)


def _asked(payment: Payment) -> PaymentResult:
    """What the acquirer says of it now: that it keeps exactly this amount. Raises RefundNotPossible otherwise."""
    inquiry = inquire(payment)
    record_inquiry(payment, inquiry)
    said = inquiry.payment
    if inquiry.is_unknown_there:
        raise RefundNotPossible(why="the acquirer, asked just now, knows no such payment")
    if said is None or said.outcome is Outcome.UNKNOWN:
        raise RefundNotPossible(why="the acquirer does not say whether it was taken; try again later")
    if said.outcome is not Outcome.SUCCESS:
        raise RefundNotPossible(why="the acquirer, asked just now, keeps nothing")
    if said.amount != payment.amount:
        raise RefundNotPossible(
            why=f"the acquirer says that it took {said.amount}, not {payment.amount}; settle it with its support"
        )
    return said


def _promise_cancel(payment: Payment, *, by: Actor, reason_code: str, note: str, remember: Remember | None) -> Cancel:
    with transaction.atomic(durable=True):
        _reserve(payment, by=by, reason_code=reason_code, note=note)
        promised = Cancel(
            payment=payment,
            cancel_id=clock.fresh_id("C"),
            amount_value=payment.amount_value,
            gives_back_kept=True,
            reason_code=reason_code,
            note=note[:256],
            due_at=clock.now() + schedule.WIRE_GRACE,
        )
        promised.by(by)
        promised.save()
        _write(payment, by, reason_code, note, "cancel")
        if remember:
            remember(promised)
    return promised


def _promise_refund(payment: Payment, *, by: Actor, reason_code: str, note: str, remember: Remember | None) -> Refund:
    with transaction.atomic(durable=True):
        _reserve(payment, by=by, reason_code=reason_code, note=note)
        promised = refunds.promise(
            payment, payment.amount, by=by, reason_code=reason_code, note=note, gives_back_kept=True
        )
        _write(payment, by, reason_code, note, "refund")
        if remember:
            remember(promised)
    return promised


def _reserve(payment: Payment, *, by: Actor, reason_code: str, note: str) -> None:
    reserved = Payment.objects.filter(pk=payment.pk, status__in=UNPAID, kept_returned_value=0).update(
        kept_returned_value=payment.amount_value
    )
    if not reserved:
        raise RefundNotPossible(why="it was given back already, or is on its way back")
    payment.lock()
    permit(payment, payment.amount, GIVE_BACK, by=by, reason_code=reason_code, note=note)


def _write(payment: Payment, by: Actor, reason_code: str, note: str, way: str) -> None:
    if by.kind is ActorKind.PERSON:
        after = {"amount": str(payment.amount), "way": way}
        journal.write("give kept money back", by=by, subject=payment, reason_code=reason_code, note=note, after=after)
