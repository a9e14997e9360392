"""Debiting an order once: promise, wire, record; and the one funnel every verdict about a payment ends in."""

from contextlib import suppress
from typing import Any

from django.db import transaction
from django.db.models import F

from authorizations import operations as authorization_operations
from authorizations.errors import WalletNotActive
from authorizations.models import WalletAccount
from authorizations.states import WalletStatus
from payments import schedule
from payments.errors import AmountNotAllowed, OrderNotPayable, WrongCurrency
from payments.models import LIVE, Cancel, Order, Payment
from payments.states import (
    CancelEvent,
    CancelStatus,
    Messenger,
    OrderEvent,
    OrderStatus,
    PaymentEvent,
    PaymentStatus,
)
from portal import clock, incidents, journal
from portal.acquirer import PaymentRequest, Terminal
from portal.acquirer.results import Advice, Outcome, PaymentInquiry, PaymentResult, Secret
from portal.acquirer.wallets import wallet_facts
from portal.actor import Actor, ActorKind
from portal.errors import NotFound, TransitionNotAllowed
from portal.gateways import acquirer_for, keep, notification_url
from portal.idempotency import Remember
from portal.money import MoneyError

CONTRADICTION = "PAYMENT_CONTRADICTION"
UNKNOWN_TOO_LONG = "PAYMENT_UNKNOWN"
NEVER_SENT = "NEVER_SENT"
"""Ours, for a request that certainly never left this process before it expired."""


def pay(
    order: Order, wallet_account: WalletAccount, *, by: Actor, terminal: Terminal, remember: Remember | None = None
) -> Payment:
    """Charge the order once, through the bound wallet.

    Raises OrderNotPayable, WalletNotActive, WrongCurrency or AmountNotAllowed before anything is sent. The payment
    returned may still be PROCESSING; its result then comes by notifyPayment or inquiryPayment.
    Source: https://docs.antom.com/ac/ams/payment_agreement
    """
    acquirer = acquirer_for(order.account)
    at = clock.now()
    expires_at = at + acquirer.capabilities.payment_expiry - schedule.EXPIRY_SHORTENING
    with transaction.atomic(durable=True):  # promise: paymentRequestId is born here and committed
        order = Order.objects.select_for_update().select_related("account", "buyer").get(pk=order.pk)
        wallet_account = WalletAccount.objects.select_for_update().get(pk=wallet_account.pk)
        _refuse_unpayable(order, wallet_account)
        payment = Payment(
            order=order,
            wallet_account=wallet_account,
            payment_request_id=clock.fresh_id("P"),
            amount_value=order.amount_value,
            currency=order.currency,
            token_index=wallet_account.access_token_index,
            terminal_type=terminal.terminal_type,
            os_type=terminal.os_type,
            client_ip=terminal.client_ip or None,
            settlement_currency=order.account.settlement_currency,
            expires_at=expires_at,
            due_at=at + schedule.WIRE_GRACE,
        )
        payment.by(by)
        payment.save()
        payment.advance(PaymentEvent.PAY_SENT, heard_from=Messenger.US, note=str(by))
        if remember:
            remember(payment)
    result = acquirer.pay(payment_request(payment, wallet_account))  # wire: no transaction is open
    return record_payment_result(payment, result, heard_from=Messenger.PAY_ANSWER)  # record: its own


def _refuse_unpayable(order: Order, wallet_account: WalletAccount) -> None:
    if wallet_account.buyer_id != order.buyer_id or wallet_account.account_id != order.account_id:
        raise NotFound(thing="wallet", key=wallet_account.pk)
    if order.status != OrderStatus.INIT:
        raise OrderNotPayable(number=order.number, why=f"it is {order.get_status_display().lower()}")
    live = Payment.objects.filter(order=order, status__in=LIVE).first()
    if live is not None:
        raise OrderNotPayable(number=order.number, why="it is being paid")
    if wallet_account.status != WalletStatus.ACTIVE:
        raise WalletNotActive(status=wallet_account.get_status_display().lower())
    facts = wallet_facts(wallet_account.wallet)
    if facts is None:
        return
    if facts.currency != order.currency:
        raise WrongCurrency(
            field="wallet", problem="", wallet=facts.name, wallet_currency=facts.currency, currency=order.currency
        )
    try:
        facts.check(order.amount)
    except MoneyError as reason:
        raise AmountNotAllowed(field="amount", problem=str(reason)) from None


def payment_request(payment: Payment, wallet_account: WalletAccount) -> PaymentRequest:
    """The payment as the gateway wants it. Built from the row alone, so that a repeat says the same."""
    order = payment.order
    account = order.account
    return PaymentRequest(
        payment_request_id=payment.payment_request_id,
        amount=payment.amount,
        wallet=wallet_account.wallet,
        access_token=Secret(wallet_account.access_token),
        order_reference=order.number,
        order_description=order.description,
        settlement_currency=payment.settlement_currency,
        expires_at=payment.expires_at,
        notify_url=notification_url(account, "payment"),
        terminal=payment.terminal(),
        app_id=account.app_id,
        buyer_reference=order.buyer.reference,
        lines=order.lines(),
        merchant_reference=account.merchant_reference,
    )


def send_again(payment: Payment) -> Payment:
    """Send a request that certainly never left, under the same id; after its expiry, close it as never sent.

    Source for the rule: only what certainly never left is sent again; what may have left is asked about.
    """
    at = clock.now()
    wallet_account = payment.wallet_account
    is_sendable = (
        at < payment.expires_at
        and wallet_account.status == WalletStatus.ACTIVE
        and wallet_account.access_token_index == payment.token_index
    )
    if not is_sendable:
        never_sent = PaymentResult(
            outcome=Outcome.FAIL, code=NEVER_SENT, message="The request never left the portal.", advice=Advice.NEW_ID
        )
        return record_payment_result(payment, never_sent, heard_from=Messenger.US)
    acquirer = acquirer_for(payment.account)
    with transaction.atomic(durable=True):  # promise: from now on it may have arrived
        held = Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PROCESSING, may_have_arrived=False).update(
            may_have_arrived=True, due_at=at + schedule.WIRE_GRACE
        )
        payment.refresh_from_db()
    if not held:
        return payment
    result = acquirer.pay(payment_request(payment, wallet_account))
    return record_payment_result(payment, result, heard_from=Messenger.PAY_ANSWER)


def record_payment_result(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> Payment:
    """Write down a verdict about a payment, whoever brings it. Safe to repeat, in any order.

    UNKNOWN moves nothing. A verdict that the final status does not allow is kept as a contradiction with an incident;
    it never overwrites. Amount and currency are compared before a success is believed.
    """
    with transaction.atomic(durable=True):
        keep(payment.account, result.exchange, subject=payment.payment_request_id)
        Payment.objects.select_for_update().get(pk=payment.pk)
        payment.refresh_from_db()
        _learn_ids(payment, result)
        if result.outcome is Outcome.UNKNOWN:
            _note_unknown(payment, result, heard_from=heard_from)
        elif result.outcome is Outcome.SUCCESS:
            _record_success(payment, result, heard_from=heard_from)
        elif result.is_cancelled:
            _record_cancelled(payment, result, heard_from=heard_from)
        else:
            _record_failure(payment, result, heard_from=heard_from)
        has_failed = payment.status == PaymentStatus.FAILED and payment.result_code == result.code
    if has_failed and result.advice is Advice.REAUTHORIZE:
        authorization_operations.token_refused(payment.wallet_account, payment.token_index)
    if payment.status == PaymentStatus.SUCCEEDED:
        authorization_operations.token_worked(payment.wallet_account)
    return payment


def _learn_ids(payment: Payment, result: PaymentResult) -> None:
    if result.payment_id and not payment.payment_id:
        Payment.objects.filter(pk=payment.pk, payment_id="").update(payment_id=result.payment_id[:64])
        payment.refresh_from_db()


def _note_unknown(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> None:
    if payment.status != PaymentStatus.PROCESSING:
        return
    facts: dict[str, Any] = {"result_code": result.code[:64], "result_message": result.message[:256]}
    if heard_from == Messenger.PAY_ANSWER:
        facts["may_have_arrived"] = result.may_have_arrived
        facts["due_at"] = clock.now() + acquirer_for(payment.account).capabilities.payment_poll
        facts["lease_until"] = None
    Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PROCESSING).update(**facts)
    payment.refresh_from_db()


def _verdict(result: PaymentResult) -> dict[str, Any]:
    return {
        "result_code": result.code[:64],
        "result_message": result.message[:256],
        "advice": result.advice,
        "due_at": None,
        "lease_until": None,
        "finished_at": clock.now(),
    }


def _record_success(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> None:
    if result.amount is not None and result.amount != payment.amount:
        _contradict(payment, "AMOUNT", heard_from, f"The acquirer says {result.amount}, we asked for {payment.amount}.")
        return
    if payment.status != PaymentStatus.PROCESSING:
        # A success said again of a payment that we cancelled afterwards is old news, unless it is asked about now.
        is_old_news = payment.status == PaymentStatus.CANCELLED and heard_from != Messenger.INQUIRY
        if payment.status != PaymentStatus.SUCCEEDED and not is_old_news:
            _contradict(payment, str(Outcome.SUCCESS), heard_from, f"Our status is {payment.get_status_display()}.")
        return
    if payment.cancels.filter(status=CancelStatus.REQUESTED).exists():
        # Our own cancel is on its way: whether this money stays is decided by its answer, so nobody delivers yet.
        Cancel.objects.filter(payment=payment, status=CancelStatus.REQUESTED, lease_until__isnull=True).update(
            due_at=clock.now()
        )
        return
    paid_at = result.paid_at or clock.now()
    facts = _verdict(result) | {"paid_at": paid_at}
    if result.gross_settlement is not None:
        facts["gross_settlement_value"] = result.gross_settlement.value
        facts["gross_settlement_currency"] = result.gross_settlement.currency
    if result.quote is not None:
        facts["quote_currency_pair"] = result.quote.currency_pair[:16]
        facts["quote_price"] = result.quote.price
    if result.customs_declaration_amount is not None:
        facts["customs_value"] = result.customs_declaration_amount.value
    if payment.advance(PaymentEvent.RESULT_SUCCESS, heard_from=heard_from, **facts):
        with suppress(TransitionNotAllowed):
            payment.order.refresh_from_db()
            payment.order.advance(OrderEvent.PAYMENT_SUCCEEDED, heard_from=heard_from, paid_at=paid_at)
        incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="Paid.")


def _record_failure(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> None:
    if payment.status == PaymentStatus.SUCCEEDED:
        _contradict(payment, str(Outcome.FAIL), heard_from, f"{result.code} about a payment we hold as paid.")
        return
    if payment.status != PaymentStatus.PROCESSING:
        return
    if payment.advance(PaymentEvent.RESULT_FAIL, heard_from=heard_from, note=result.code, **_verdict(result)):
        _drop_cancels(payment, "The payment failed; there is nothing to cancel.")
        incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="Failed.")


def _record_cancelled(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> None:
    live = payment.cancels.filter(status=CancelStatus.REQUESTED).first()
    if live is not None:
        confirm_cancel(live, heard_from=heard_from)
    elif payment.status == PaymentStatus.PROCESSING:
        payment.advance(PaymentEvent.CANCEL_CONFIRMED, heard_from=heard_from, **_verdict(result))
        incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="Cancelled.")
    elif payment.status == PaymentStatus.SUCCEEDED:
        _contradict(payment, "CANCELLED", heard_from, "The acquirer holds it as cancelled; we did not cancel it.")
    payment.refresh_from_db()


def confirm_cancel(cancel: Cancel, *, heard_from: Messenger, **facts: Any) -> None:
    """Write down, inside the caller's transaction, that a cancel is done: on the cancel, its payment and its order."""
    at = clock.now()
    with suppress(TransitionNotAllowed):
        cancel.advance(
            CancelEvent.CONFIRMED, heard_from=heard_from, due_at=None, lease_until=None, finished_at=at, **facts
        )
    payment = Payment.objects.select_related("order").get(pk=cancel.payment_id)
    was_paid = payment.status == PaymentStatus.SUCCEEDED
    with suppress(TransitionNotAllowed):
        payment.advance(
            PaymentEvent.CANCEL_CONFIRMED, heard_from=heard_from, due_at=None, lease_until=None, finished_at=at
        )
    if was_paid:
        with suppress(TransitionNotAllowed):
            payment.order.advance(OrderEvent.PAYMENT_CANCELLED, heard_from=heard_from, closed_at=at)
    incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="Cancelled.")


def _drop_cancels(payment: Payment, note: str) -> None:
    for cancel in payment.cancels.filter(status=CancelStatus.REQUESTED):
        refuse_cancel(cancel, heard_from=Messenger.US, note=note)


def refuse_cancel(cancel: Cancel, *, heard_from: Messenger, note: str = "", **facts: Any) -> bool:
    """Write down, inside the caller's transaction, that a cancel did not happen, and release what it reserved."""
    moved = cancel.advance(
        CancelEvent.REFUSED,
        heard_from=heard_from,
        note=note,
        due_at=None,
        lease_until=None,
        finished_at=clock.now(),
        **facts,
    )
    if moved:
        Payment.objects.filter(pk=cancel.payment_id).update(returned_value=F("returned_value") - cancel.amount_value)
    return moved


def _contradict(payment: Payment, said: str, heard_from: Messenger, detail: str) -> None:
    payment.contradictions.get_or_create(said=said, defaults={"heard_from": heard_from, "detail": detail[:300]})
    incidents.raise_incident(
        CONTRADICTION,
        f"{Messenger(heard_from).label} contradicts payment {payment.payment_request_id}: {detail}",
        subject=payment,
        detail="Our status stands. Ask the acquirer now, compare, and give the money back if it was kept.",
    )


def ask(payment: Payment, *, by: Actor | None = None) -> Payment:
    """Ask the acquirer about a payment and write down what it says. Also of a final one: then it only compares.

    Source: https://docs.antom.com/ac/ams/paymentri_online
    """
    acquirer = acquirer_for(payment.account)
    if by is not None and by.kind is ActorKind.PERSON:
        with transaction.atomic(durable=True):
            journal.write("ask the acquirer", by=by, subject=payment)
    inquiry = acquirer.inquire_payment(payment_request_id=payment.payment_request_id, payment_id=payment.payment_id)
    return record_inquiry(payment, inquiry)


def record_inquiry(payment: Payment, inquiry: PaymentInquiry) -> Payment:
    """Write down an inquiry: the call's own result decides nothing, what it says of the payment goes to the funnel."""
    with transaction.atomic(durable=True):
        keep(payment.account, inquiry.exchange, subject=payment.payment_request_id)
        is_past = clock.now() > payment.expires_at + schedule.DENIAL_MARGIN
        Payment.objects.filter(pk=payment.pk).update(
            questions_asked=F("questions_asked") + 1,
            is_denied_by_inquiry=inquiry.is_unknown_there and is_past,
        )
        payment.refresh_from_db()
    if inquiry.payment is not None:
        return record_payment_result(payment, inquiry.payment, heard_from=Messenger.INQUIRY)
    return payment
