"""What the clock starts: ask about payments, cancels and refunds without a final answer. Safe to run twice at once."""

from payments import operations, queries
from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus, PaymentStatus, RefundStatus
from portal import clock, due
from portal.gateways import acquirer_for


def work_payment(pk: int) -> str:
    """Act on a payment without a final answer: send what never left, ask, and at last cancel.

    Of a final one that somebody contradicted, the acquirer is asked.
    """
    payment = Payment.objects.select_related("order__account", "order__buyer", "wallet_account").get(pk=pk)
    if payment.status == PaymentStatus.PROCESSING and not payment.may_have_arrived:
        operations.send_again(payment)
    elif payment.status == PaymentStatus.PROCESSING:
        _ask_then_cancel(payment)
    else:
        operations.check(payment)
    payment.refresh_from_db()
    return f"payment {payment.payment_request_id}: {payment.get_status_display()}"


def _ask_then_cancel(payment: Payment) -> None:
    operations.ask(payment)
    if payment.status != PaymentStatus.PROCESSING:
        return
    capabilities = acquirer_for(payment.account).capabilities
    polled_until = payment.created_at + capabilities.payment_poll * capabilities.payment_poll_count
    # People ask too: what counts is that both the questions were asked and their time has passed.
    if payment.questions_asked < capabilities.payment_poll_count or clock.now() < polled_until:
        operations.look_again(payment, at=clock.now() + capabilities.payment_poll)
    else:
        operations.cancel_unfinished(payment)


def work_cancel(pk: int) -> str:
    """Act on a cancel without a final answer."""
    cancel = Cancel.objects.select_related("payment__order__account", "payment__wallet_account").get(pk=pk)
    if cancel.status == CancelStatus.REQUESTED:
        operations.ask_cancel(cancel, is_leased=True)
    return f"cancel of {cancel.payment.payment_request_id}: {cancel.get_status_display()}"


def work_refund(pk: int) -> str:
    """Act on a refund without a final answer: send what never arrived, ask about the rest."""
    refund = Refund.objects.select_related("payment__order__account", "payment__wallet_account").get(pk=pk)
    if refund.status == RefundStatus.PROCESSING:
        denials = acquirer_for(refund.payment.account).capabilities.refund_missing_after
        never_arrived = refund.times_denied >= denials and not refund.is_refused_on_repeat
        if not refund.times_sent or not refund.may_have_arrived or never_arrived:
            operations.send_refund_again(refund)
        else:
            operations.ask_refund(refund)
    return f"refund {refund.refund_request_id}: {refund.get_status_display()}"


payments_due = due.work_on(queries.payments_to_look_at, work_payment)
cancels_due = due.work_on(queries.waiting_cancels, work_cancel)
refunds_due = due.work_on(queries.waiting_refunds, work_refund)
