"""Giving money back by refund: full, partial, several, asynchronous.

The amount is reserved on the payment with the promise and released only when the refund has finally failed. What may
have arrived is asked about; "no such refund", said often enough, means that it never arrived, and then the same id is
sent again. The refusal of such a repeat closes the refund only once the acquirer denies it again.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from payments import announcements, queries, schedule
from payments.errors import AmountNotAllowed, RefundExceedsPayment, RefundNotPossible
from payments.models import Order, Payment, Refund
from payments.operations.payments import (
    AGAINST_UNPAID,
    HELD,
    believable,
    inquire,
    record_inquiry,
    release,
    settle_contradictions,
)
from payments.operations.permission import REFUND, permit
from payments.states import (
    Messenger,
    OrderEvent,
    PaymentStatus,
    RefundEvent,
    RefundStatus,
)
from portal import clock, due, incidents, journal
from portal.acquirer import RefundRequest
from portal.acquirer.results import Outcome, RefundInquiry, RefundResult
from portal.actor import Actor, ActorKind
from portal.errors import TransitionNotAllowed
from portal.gateways import acquirer_for, keep, notification_url
from portal.idempotency import Remember
from portal.money import Money, MoneyError

REFUND_UNKNOWN = "REFUND_UNKNOWN"
REFUND_CONTRADICTION = "REFUND_CONTRADICTION"


def refund(
    payment: Payment,
    amount: Money,
    *,
    by: Actor,
    reason_code: str,
    note: str = "",
    remember: Remember | None = None,
) -> Refund:
    """Give back ``amount`` of a paid payment, once, under a new refundRequestId.

    Raises RefundNotPossible, RefundExceedsPayment, AmountNotAllowed or, for a person above their limit, ApprovalNeeded
    before anything is sent. The refund returned may still be PROCESSING; its result then comes by notifyRefund or
    inquiryRefund.
    Source: https://docs.antom.com/ac/ams/refund_online
    """
    acquirer_for(payment.account)  # refuses here, before the promise
    with transaction.atomic(durable=True):  # promise: refundRequestId is born here, the amount reserved
        payment = HELD.get(pk=payment.pk)
        _refuse_unrefundable(payment, amount)
        permit(payment, amount, REFUND, by=by, reason_code=reason_code, note=note)
        promised = promise(payment, amount, by=by, reason_code=reason_code, note=note)
        reserved = Payment.objects.filter(
            pk=payment.pk,
            status=PaymentStatus.SUCCEEDED,
            returned_value__lte=F("amount_value") - amount.value,
        ).update(returned_value=F("returned_value") + amount.value)
        if not reserved:
            raise RefundExceedsPayment(amount=str(amount), refundable=str(payment.refundable))
        if by.kind is ActorKind.PERSON:
            journal.write(
                "refund", by=by, subject=payment, reason_code=reason_code, note=note, after={"amount": str(amount)}
            )
        if remember:
            remember(promised)
    return send(promised)


def promise(
    payment: Payment, amount: Money, *, by: Actor, reason_code: str, note: str, gives_back_kept: bool = False
) -> Refund:
    """Write down, inside the caller's transaction, that an amount goes back. The caller reserves it."""
    promised = Refund(
        payment=payment,
        refund_request_id=clock.fresh_id("R"),
        amount_value=amount.value,
        currency=amount.currency,
        gives_back_kept=gives_back_kept,
        reason_code=reason_code,
        note=note[:256],
        due_at=clock.now() + schedule.WIRE_GRACE,  # its caller sends it now; the worker comes when that one has died
    )
    promised.by(by)
    promised.save()
    promised.advance(
        RefundEvent.REFUND_SENT, heard_from=Messenger.US, note=f"By {by}: {reason_code.replace('_', ' ').lower()}"
    )
    return promised


def _refuse_unrefundable(payment: Payment, amount: Money) -> None:
    if payment.status != PaymentStatus.SUCCEEDED:
        raise RefundNotPossible(why=f"it is {payment.get_status_display().lower()}")
    if not payment.payment_id:
        raise RefundNotPossible(why="the acquirer's id of it is not known yet; ask the acquirer first")
    method = queries.method_of(payment)
    until = queries.refund_until(payment, method)
    if until is not None and clock.now() >= until:
        raise RefundNotPossible(why=f"the time for it ended {until:%d %b %Y}")
    if amount.currency != payment.currency:
        raise AmountNotAllowed(field="amount", problem=f"The payment is in {payment.currency}.")
    try:
        amount.payable()
        if method is not None:
            method.check_refund(amount, of=payment.amount)
    except MoneyError as reason:
        raise AmountNotAllowed(field="amount", problem=str(reason)) from None
    if amount > payment.refundable:
        raise RefundExceedsPayment(amount=str(amount), refundable=str(payment.refundable))


def _request(refund: Refund) -> RefundRequest:
    payment = refund.payment
    return RefundRequest(
        refund_request_id=refund.refund_request_id,
        payment_id=payment.payment_id,
        amount=refund.amount,
        reason=refund.get_reason_code_display(),
        notify_url=notification_url(payment.account, "refund"),
        reference=payment.order.number,
    )


def send_refund_again(refund: Refund) -> Refund:
    """Send the same refund again under its id: it never left, or the acquirer says that it never arrived."""
    return send(refund, is_leased=True)


def send(refund: Refund, *, is_leased: bool = False) -> Refund:
    """Send a promised refund, unless somebody else is at it: the first time, or again under its id."""
    acquirer = acquirer_for(refund.payment.account)
    at = clock.now()
    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)
    with transaction.atomic(durable=True):  # counted, and perhaps arrived, before it is sent
        refund.lock()
        # As the row is now: to whoever was slow the worker may have come first, and the refusal is of a repeat.
        is_repeat = refund.times_sent > 0 and refund.may_have_arrived
        is_out_of_turn = not is_leased and refund.times_sent > 0 and refund.due_at is not None and refund.due_at > at
        next_look = refund.due_at if is_out_of_turn else None
        held = Refund.objects.filter(free, pk=refund.pk, status=RefundStatus.PROCESSING).update(
            lease_until=at + due.LEASE,
            due_at=at + schedule.WIRE_GRACE,
            times_sent=F("times_sent") + 1,
            may_have_arrived=True,
            times_denied=0,
        )
        refund.refresh_from_db()
    if not held:
        return refund
    result = acquirer.refund(_request(refund), is_repeat=is_repeat)  # wire
    if is_repeat and result.outcome is Outcome.FAIL:
        result = _compared_with_list(refund, result)
    return record_refund_result(refund, result, heard_from=Messenger.REFUND_ANSWER, next_look=next_look)


def _compared_with_list(refund: Refund, refused: RefundResult) -> RefundResult:
    """The refusal of a repeat, which is final with this acquirer, unless the payment's own list knows better.

    An earlier sending may have been carried out. Where the list cannot be had, nothing is decided.
    """
    inquiry = inquire(refund.payment)
    record_inquiry(refund.payment, inquiry)
    listed = [told.refund for told in inquiry.refunds if told.refund_request_id == refund.refund_request_id]
    if inquiry.outcome is Outcome.SUCCESS and not listed:
        return refused
    if listed and listed[0].outcome is not Outcome.UNKNOWN:
        return replace(listed[0], exchange=refused.exchange)
    return replace(refused, outcome=Outcome.UNKNOWN)


def record_refund_result(
    refund: Refund, result: RefundResult, *, heard_from: Messenger, next_look: datetime | None = None
) -> Refund:
    """Write down a verdict about a refund, whoever brings it. Safe to repeat, in any order; UNKNOWN moves nothing.

    ``next_look`` is when the clock looks at it anyway; None: on the next rung of the ladder.
    """
    if result.outcome is Outcome.UNKNOWN and heard_from == Messenger.REFUND_NOTIFICATION:
        return refund
    with transaction.atomic(durable=True):
        payment = HELD.get(pk=refund.payment_id)
        if heard_from != Messenger.REFUND_INQUIRY:  # record_refund_inquiry kept that exchange
            keep(payment.account, result.exchange, subject=refund.refund_request_id)
        refund.lock()
        is_of_this_amount = result.amount in (None, refund.amount)
        if result.refund_id and not refund.refund_id and is_of_this_amount:
            Refund.objects.filter(pk=refund.pk).update(refund_id=result.refund_id[:64])
            refund.refresh_from_db()
        if result.outcome is Outcome.SUCCESS and not is_of_this_amount:
            _contradict(refund, heard_from, f"The acquirer says {result.amount}, we asked for {refund.amount}.")
            if heard_from == Messenger.REFUND_ANSWER and refund.status == RefundStatus.PROCESSING:
                Refund.objects.filter(pk=refund.pk).update(**_climb(refund, next_look))
                refund.refresh_from_db()
        elif result.outcome is Outcome.UNKNOWN:
            _note_unknown(refund, result, heard_from=heard_from, next_look=next_look)
        elif result.outcome is Outcome.SUCCESS:
            _record_success(refund, result, heard_from=heard_from)
        else:
            _record_failure(refund, result, heard_from=heard_from)
    return refund


def _note_unknown(refund: Refund, result: RefundResult, *, heard_from: Messenger, next_look: datetime | None) -> None:
    if refund.status != RefundStatus.PROCESSING:
        return
    facts: dict[str, Any] = {"result_code": result.code[:64], "result_message": result.message[:256]}
    if heard_from == Messenger.REFUND_ANSWER:
        facts |= _climb(refund, next_look)
        facts["may_have_arrived"] = result.may_have_arrived
        is_refused = result.exchange is not None and not result.exchange.error and result.exchange.result_status == "F"
        facts["is_refused_on_repeat"] = refund.times_sent > 1 and is_refused
    Refund.objects.filter(pk=refund.pk, status=RefundStatus.PROCESSING).update(**facts)
    refund.refresh_from_db()


def _climb(refund: Refund, next_look: datetime | None = None) -> dict[str, Any]:
    """When to look at it again, the ladder one rung up; past the last rung a person looks at it too.

    What a person sends out of turn moves no rung: the clock looks at it when it would have (``next_look``).
    """
    step = refund.attempts
    if next_look is not None:
        return {"due_at": next_look, "lease_until": None}
    if schedule.ladder_has_ended(step - 1):
        _report_unknown(refund)
    return {"due_at": schedule.later(schedule.REFUND_FIRST, step), "lease_until": None, "attempts": step + 1}


def _verdict(result: RefundResult) -> dict[str, Any]:
    return {
        "result_code": result.code[:64],
        "result_message": result.message[:256],
        "due_at": None,
        "lease_until": None,
        "finished_at": clock.now(),
    }


def _record_success(refund: Refund, result: RefundResult, *, heard_from: Messenger) -> None:
    if refund.status != RefundStatus.PROCESSING:
        if refund.status == RefundStatus.FAILED:
            _contradict(refund, heard_from, "It was given back, although we hold it as failed.")
        return
    facts = _verdict(result) | {"refunded_at": believable(result.refunded_at, since=refund.created_at)}
    if result.gross_settlement is not None:
        facts["gross_settlement_value"] = result.gross_settlement.value
        facts["gross_settlement_currency"] = result.gross_settlement.currency
    if not refund.advance(RefundEvent.RESULT_SUCCESS, heard_from=heard_from, **facts):
        return
    incidents.settle(REFUND_UNKNOWN, subject=refund, by=Actor.clock(), resolution="Refunded.")
    payment = refund.payment
    if refund.gives_back_kept:
        settle_contradictions(payment, AGAINST_UNPAID, "What the acquirer kept was given back by refund.")
        return
    done = sum(
        Refund.objects.filter(payment=payment, status=RefundStatus.SUCCEEDED).values_list("amount_value", flat=True)
    )
    if done == payment.amount_value:
        order = Order.objects.get(pk=payment.order_id)
        with suppress(TransitionNotAllowed):
            order.advance(OrderEvent.ALL_REFUNDED, heard_from=heard_from, closed_at=clock.now())
    announcements.order_refunded(refund)


def _record_failure(refund: Refund, result: RefundResult, *, heard_from: Messenger) -> None:
    if refund.status == RefundStatus.SUCCEEDED:
        _contradict(refund, heard_from, f"{result.code} about a refund we hold as done.")
        return
    if refund.status != RefundStatus.PROCESSING:
        return
    if refund.advance(RefundEvent.RESULT_FAIL, heard_from=heard_from, note=result.code, **_verdict(result)):
        release(refund)
        incidents.settle(REFUND_UNKNOWN, subject=refund, by=Actor.clock(), resolution="Failed.")


def _contradict(refund: Refund, heard_from: Messenger, detail: str) -> None:
    incidents.raise_incident(
        REFUND_CONTRADICTION,
        f"{Messenger(heard_from).label} contradicts refund {refund.refund_request_id}: {detail}",
        subject=refund,
        detail="Our status stands. Ask the acquirer now and compare.",
    )


def ask_refund(refund: Refund, *, by: Actor | None = None, is_leased: bool = False) -> Refund:
    """Ask the acquirer about a refund and write down what it says.

    An acquirer that cannot be asked gets the same request again instead, under its id, which is its documented way.
    Source: https://docs.antom.com/ac/ams/ir_online
    """
    acquirer = acquirer_for(refund.payment.account)
    if by is not None and by.kind is ActorKind.PERSON:
        with transaction.atomic(durable=True):
            journal.write("ask the acquirer", by=by, subject=refund)
    if not acquirer.capabilities.can_inquire_refund:
        return send(refund, is_leased=is_leased) if refund.status == RefundStatus.PROCESSING else refund
    inquiry = acquirer.inquire_refund(refund_request_id=refund.refund_request_id, refund_id=refund.refund_id)
    return record_refund_inquiry(refund, inquiry)


def record_refund_inquiry(refund: Refund, inquiry: RefundInquiry) -> Refund:
    """Write down an inquiry and when to look again. Denied often enough, the refund never arrived."""
    denials = acquirer_for(refund.payment.account).capabilities.refund_missing_after
    with transaction.atomic(durable=True):
        keep(refund.payment.account, inquiry.exchange, subject=refund.refund_request_id)
        refund.lock()
        if refund.status == RefundStatus.PROCESSING:
            Refund.objects.filter(pk=refund.pk).update(**_next_look(refund, inquiry, denials))
            refund.refresh_from_db()
    if inquiry.refund is not None:
        return record_refund_result(refund, inquiry.refund, heard_from=Messenger.REFUND_INQUIRY)
    if refund.status == RefundStatus.PROCESSING and refund.times_denied >= denials and refund.is_refused_on_repeat:
        # Sent again, refused, and denied again: it was never made and never will be.
        refused = RefundResult(outcome=Outcome.FAIL, code=refund.result_code, message=refund.result_message)
        return record_refund_result(refund, refused, heard_from=Messenger.REFUND_INQUIRY)
    return refund


def _next_look(refund: Refund, inquiry: RefundInquiry, denials: int) -> dict[str, Any]:
    """Denials are counted 15 seconds apart, and no more of them than it takes; all else climbs the ladder."""
    at = clock.now()
    if refund.due_at is not None and at < refund.due_at:
        return {}  # somebody asked out of turn: that is no denial more, and no rung
    if not inquiry.is_unknown_there:
        return _climb(refund) | {"times_denied": 0}
    times_denied = refund.times_denied + 1
    if times_denied > denials:
        return _climb(refund) | {"times_denied": times_denied}
    return {"times_denied": times_denied, "due_at": at + schedule.REFUND_FIRST, "lease_until": None}


def _report_unknown(refund: Refund) -> None:
    incidents.raise_incident(
        REFUND_UNKNOWN,
        f"Refund {refund.refund_request_id} ({refund.amount}) has had no final answer since "
        f"{refund.created_at:%d %b %H:%M}.",
        subject=refund,
        detail="It is asked about once a day. Its amount stays reserved until there is an answer.",
    )
