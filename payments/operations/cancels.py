"""Cancelling a payment, whole: by a person, by the merchant's server, or by the clock when no final answer came.

A cancel reserves the amount from its promise on, like a refund. Repeating it is the documented retry; but the refusal
of a *repeated* cancel may be the lost first one's work, so it is believed only after the payment was asked about.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from payments import queries, schedule
from payments.errors import CancelNotPossible
from payments.models import Cancel, Payment
from payments.operations.payments import (
    HELD,
    confirm_cancel,
    inquire,
    record_inquiry,
    record_payment_result,
    refuse_cancel,
    report_unknown,
)
from payments.operations.permission import CANCEL, permit
from payments.states import CancelStatus, Messenger, PaymentStatus, ReasonCode
from portal import clock, due, journal
from portal.acquirer.results import Advice, CancelResult, Outcome, PaymentResult
from portal.actor import Actor, ActorKind
from portal.gateways import acquirer_for, keep
from portal.idempotency import Remember


def cancel(
    payment: Payment,
    *,
    by: Actor,
    reason_code: str,
    note: str = "",
    ends_order: bool = False,
    remember: Remember | None = None,
) -> Cancel:
    """Cancel a payment: before success the buyer is not debited, after success the money goes back.

    ``ends_order``: an order nobody has paid by then is withdrawn too, instead of waiting for another payment.
    Returns the cancel, REQUESTED while its answer is unknown; a live one of the same payment is returned as it is.
    Raises CancelNotPossible before anything is sent: wrong state, partly refunded, too late, or a method that cannot;
    ApprovalNeeded where a person cancels what is paid, above their limit.
    Source: https://docs.antom.com/ac/ams/paymentc_online
    """
    acquirer_for(payment.account)  # refuses here, before the promise
    with transaction.atomic(durable=True):  # promise
        payment = _held(payment)
        live = payment.cancels.exclude(status=CancelStatus.REFUSED).filter(gives_back_kept=False).first()
        if live is None:
            if payment.status == PaymentStatus.SUCCEEDED:  # money goes back; before success none has come
                said: dict[str, Any] = {"reason_code": reason_code, "note": note, "ends_order": ends_order}
                permit(payment, payment.amount, CANCEL, by=by, **said)
            live = _promise(payment, by=by, reason_code=reason_code, note=note, ends_order=ends_order)
            if by.kind is ActorKind.PERSON:
                journal.write("cancel", by=by, subject=payment, reason_code=reason_code, note=note)
        elif ends_order and not live.ends_order:
            Cancel.objects.filter(pk=live.pk).update(ends_order=True)
        if remember:
            remember(live)
    return ask_cancel(live) if live.status == CancelStatus.REQUESTED else live


def _held(payment: Payment) -> Payment:
    return HELD.get(pk=payment.pk)


def cancel_unfinished(payment: Payment) -> Cancel | None:
    """Begin the cancel of a payment that got no final answer in time; None when someone else settled it or began."""
    with transaction.atomic(durable=True):
        payment = _held(payment)
        if payment.status != PaymentStatus.PROCESSING:
            return None
        if payment.cancels.filter(status=CancelStatus.REQUESTED).exists():
            return None
        live = _promise(payment, by=Actor.clock(), reason_code=ReasonCode.NO_FINAL_ANSWER, note="", ends_order=False)
    return ask_cancel(live)


def _promise(payment: Payment, *, by: Actor, reason_code: str, note: str, ends_order: bool) -> Cancel:
    if payment.status not in (PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED):
        raise CancelNotPossible(why=f"it is {payment.get_status_display().lower()}")
    if payment.status == PaymentStatus.SUCCEEDED:
        until = queries.cancel_until(payment, queries.method_of(payment))
        if until is None:
            raise CancelNotPossible(why="this wallet cannot cancel what is paid; refund it")
        if clock.now() >= until - schedule.CANCEL_SAFETY:
            raise CancelNotPossible(why="the time for it has passed; refund it")
    if payment.returned_value:
        raise CancelNotPossible(why="part of it was given back already; refund the rest")
    at = clock.now()
    promised = Cancel(
        payment=payment,
        cancel_id=clock.fresh_id("C"),
        amount_value=payment.amount_value,
        ends_order=ends_order,
        reason_code=reason_code,
        note=note[:256],
        due_at=at + schedule.WIRE_GRACE,  # its caller sends it now; the worker comes when that one has died
    )
    promised.by(by)
    promised.save()
    # The cancel's own ladder asks about the payment from here on; what never left is closed by the payment's.
    Payment.objects.filter(pk=payment.pk).update(
        returned_value=F("amount_value"), due_at=None if payment.may_have_arrived else at, lease_until=None
    )
    return promised


def ask_cancel(cancel: Cancel, *, is_leased: bool = False, by: Actor | None = None) -> Cancel:
    """Send the promised cancel: the first time, or again, then only after asking whether it has been done.

    Only the first sending and the clock's repeats climb the ladder; what people add meanwhile moves no rung.
    """
    acquirer = acquirer_for(cancel.payment.account)
    if by is not None and by.kind is ActorKind.PERSON:
        with transaction.atomic(durable=True):
            journal.write("ask the acquirer", by=by, subject=cancel)
    if cancel.times_sent and _settled_by_asking(cancel, is_leased=is_leased):
        return cancel
    at = clock.now()
    is_out_of_turn = not is_leased and cancel.times_sent > 0 and cancel.due_at is not None and cancel.due_at > at
    next_look = cancel.due_at if is_out_of_turn else None
    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)
    with transaction.atomic(durable=True):  # promise: counted before it is sent
        held = Cancel.objects.filter(free, pk=cancel.pk, status=CancelStatus.REQUESTED).update(
            lease_until=at + due.LEASE, due_at=at + schedule.WIRE_GRACE, times_sent=F("times_sent") + 1
        )
        cancel.refresh_from_db()
    if not held:
        return cancel
    payment = cancel.payment
    result = acquirer.cancel(payment_request_id=payment.payment_request_id, payment_id=payment.payment_id)
    return record_cancel_result(cancel, result, next_look=next_look)


def _settled_by_asking(cancel: Cancel, *, is_leased: bool) -> bool:
    """Ask about the payment of a cancel that was sent before; True when that settled the cancel.

    A refusal is believed only when it stood before we asked, and nobody sent the cancel once more meanwhile.
    """
    cancel.refresh_from_db()
    payment = cancel.payment
    was_refused, times_sent, asked_at = cancel.is_refused_on_repeat, cancel.times_sent, clock.now()
    is_being_sent = not is_leased and cancel.lease_until is not None and cancel.lease_until >= asked_at
    inquiry = inquire(payment)
    record_inquiry(payment, inquiry)
    cancel.refresh_from_db()
    if cancel.status != CancelStatus.REQUESTED:
        return True
    said = inquiry.payment
    if not was_refused or is_being_sent or said is None or said.outcome is not Outcome.SUCCESS:
        return False
    with transaction.atomic(durable=True):  # refused, and the money is there: nothing was cancelled
        payment.lock()
        cancel.lock()
        if cancel.times_sent != times_sent:
            return False
        if cancel.status == CancelStatus.REQUESTED:
            refuse_cancel(cancel, heard_from=Messenger.INQUIRY, note=cancel.result_code)
    record_payment_result(payment, said, heard_from=Messenger.INQUIRY)
    return True


def record_cancel_result(cancel: Cancel, result: CancelResult, *, next_look: datetime | None = None) -> Cancel:
    """Write down what cancel answered. Its F speaks of the cancel, never of the payment.

    ``next_look`` is when the clock looks at it anyway; None: on the next rung of the ladder.
    """
    closes_payment = False
    with transaction.atomic(durable=True):
        payment = _held(cancel.payment)
        cancel.lock()
        keep(payment.account, result.exchange, subject=payment.payment_request_id)
        facts = {"result_code": result.code[:64], "result_message": result.message[:256]}
        if cancel.status != CancelStatus.REQUESTED:
            return cancel
        if result.outcome is Outcome.SUCCESS:
            confirm_cancel(cancel, heard_from=Messenger.CANCEL_ANSWER, **facts)
        elif result.is_unknown_there:
            # Inquiry and cancel both say, after the expiry and a margin, that there is no such payment.
            is_past = clock.now() > payment.expires_at + schedule.DENIAL_MARGIN
            closes_payment = is_past and payment.is_denied_by_inquiry and payment.status == PaymentStatus.PROCESSING
            _climb(cancel, facts, at=next_look)
        elif result.outcome is Outcome.FAIL and cancel.times_sent <= 1:
            refuse_cancel(cancel, heard_from=Messenger.CANCEL_ANSWER, note=result.code, **facts)
        elif result.outcome is Outcome.FAIL:
            # The refusal of a repeat may be the lost first one's work: ask before believing it, at first soon.
            soon = next_look if cancel.is_refused_on_repeat else clock.now() + schedule.SOON
            _climb(cancel, facts | {"is_refused_on_repeat": True}, at=soon)
        else:
            _climb(cancel, facts, at=next_look)
        cancel.refresh_from_db()
    if closes_payment:
        never = PaymentResult(
            outcome=Outcome.FAIL, code=result.code, message="The acquirer has no such payment.", advice=Advice.NEW_ID
        )
        record_payment_result(payment, never, heard_from=Messenger.CANCEL_ANSWER)
        cancel.refresh_from_db()
    return cancel


def _climb(cancel: Cancel, facts: dict[str, Any], *, at: datetime | None = None) -> None:
    """Try again on the next rung; past the last one a person looks at it, and it is tried once a day."""
    step = cancel.attempts
    Cancel.objects.filter(pk=cancel.pk).update(
        due_at=at or schedule.ladder_time(step), lease_until=None, attempts=step if at else step + 1, **facts
    )
    if at is None and schedule.ladder_has_ended(step):
        report_unknown(cancel.payment)
