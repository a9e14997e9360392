"""Questions about orders and payments. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from payments import schedule
from payments.models import UNPAID, Cancel, Contradiction, Order, Payment, Refund
from payments.states import CancelStatus, PaymentStatus, RefundStatus
from portal import clock
from portal.acquirer.results import Outcome
from portal.acquirer.wallets import wallet_facts
from portal.gateways import AccountNotReady, acquirer_for
from portal.money import Money

KEPT = "KEPT"
"""The way back of money that the acquirer keeps for a payment we hold as not paid: it is asked first."""


@dataclass(frozen=True)
class MoneyBack:
    """What can still be given back of a payment, how, and until when."""

    cancel_until: datetime | None
    refund_until: datetime | None
    refundable: Money
    best: str
    """``CANCEL``, ``REFUND``, ``KEPT`` or empty."""
    why: str
    """Why nothing can be given back, or why it is a refund; a sentence part for a person."""


def cancel_until(payment: Payment) -> datetime | None:
    """Until when a paid payment may be cancelled; None where it cannot be.

    Source: https://docs.antom.com/ac/tokenized/cancel
    """
    if payment.paid_at is None:
        return None
    return acquirer_for(payment.account).cancel_deadline(payment.paid_at, wallet=payment.wallet_account.wallet)


def refund_until(payment: Payment) -> datetime | None:
    """Until when a paid payment may be refunded, by its wallet's window; None where no window is known."""
    facts = wallet_facts(payment.wallet_account.wallet)
    if payment.paid_at is None or facts is None:
        return None
    return payment.paid_at + timedelta(days=facts.refund_days)


def money_back(payment: Payment) -> MoneyBack:
    """What "give the money back" would do now."""
    try:
        until = cancel_until(payment)
    except AccountNotReady:
        until = None
    latest = refund_until(payment)
    at = clock.now()

    def answer(best: str, why: str) -> MoneyBack:
        return MoneyBack(until, latest, payment.refundable, best, why)

    if payment.status == PaymentStatus.PROCESSING:
        if payment.returned_value:
            return answer("", "its cancel is on its way")
        return answer("CANCEL", "its result is not known yet")
    if payment.status in UNPAID and is_said_to_be_kept(payment):
        if payment.kept_returned_value:
            return answer("", "what the acquirer kept was given back or is on its way back")
        why = "the acquirer is asked first; what it kept is cancelled while that is possible, else refunded"
        return MoneyBack(until, latest, payment.amount, KEPT, why)
    if payment.status != PaymentStatus.SUCCEEDED:
        return answer("", f"it is {payment.get_status_display().lower()}")
    if payment.refundable.value == 0:
        return answer("", "everything was given back or is on its way back")
    if payment.returned_value == 0 and until is not None and at < until - schedule.CANCEL_SAFETY:
        return answer("CANCEL", "")
    if latest is not None and at >= latest:
        return answer("", f"the time for a refund ended {latest:%d %b %Y}")
    if not payment.payment_id:
        return answer("", "the acquirer's id of it is not known yet; ask the acquirer first")
    if until is None:
        return answer("REFUND", "this wallet cannot cancel what is paid")
    return answer("REFUND", "the time to cancel has passed" if at >= until else "part of it was given back")


def is_said_to_be_kept(payment: Payment) -> bool:
    """Whether somebody said, and nobody settled, that the money of a payment that is not paid for us was taken."""
    if payment.status == PaymentStatus.REVERSED:
        return True
    return payment.contradictions.filter(said=Outcome.SUCCESS, settled_at__isnull=True).exists()


def contradicted() -> QuerySet[Contradiction, Any]:
    """The ids of payments about which something was said that their status does not allow, and nobody settled."""
    return Contradiction.objects.filter(settled_at__isnull=True).values_list("payment", flat=True)


def waiting_payments() -> QuerySet[Payment]:
    """Payments without a final answer."""
    return Payment.objects.filter(status=PaymentStatus.PROCESSING)


def payments_to_look_at() -> QuerySet[Payment]:
    """Payments the clock must ask about: without a final answer, or contradicted. Those with a due time."""
    return Payment.objects.filter(due_at__isnull=False)


def waiting_cancels() -> QuerySet[Cancel]:
    """Cancels without a final answer."""
    return Cancel.objects.filter(status=CancelStatus.REQUESTED)


def waiting_refunds() -> QuerySet[Refund]:
    """Refunds without a final answer."""
    return Refund.objects.filter(status=RefundStatus.PROCESSING)


def oldest_unknown() -> datetime | None:
    """When the oldest intent without a final answer was promised; None when nothing is unknown."""
    moments = [
        rows.order_by("created_at").values_list("created_at", flat=True).first()
        for rows in (waiting_payments(), waiting_cancels(), waiting_refunds())
    ]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


def live_payment(order: Order) -> Payment | None:
    """The payment that pays, or may yet pay, the order; else the newest one."""
    payments = order.payments.select_related("wallet_account").order_by("-created_at", "-pk")
    return payments.filter(status__in=(PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED)).first() or payments.first()


def refunded_total(payment: Payment) -> Money:
    """What was finally given back by refunds."""
    done = Refund.objects.filter(payment=payment, status=RefundStatus.SUCCEEDED).aggregate(
        total=Coalesce(Sum("amount_value"), 0)
    )["total"]
    return Money(done, payment.currency)
