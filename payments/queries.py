"""Questions about orders and payments. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from payments import schedule
from payments.models import UNPAID, BulkLine, Cancel, Contradiction, Order, Payment, Refund
from payments.states import CancelStatus, LineStatus, PaymentStatus, RefundStatus
from portal import catalogue, clock, due
from portal.acquirer.results import Outcome, PaymentResult, RefundMessage, SignatureVerdict
from portal.acquirer.wallets import Wallet
from portal.gateways import AccountNotReady, acquirer_for, kept
from portal.models import Exchange
from portal.money import Money
from portal.registry import Waiting
from portal.statements import Found, Given

UNPAID_YET = (PaymentStatus.INITIATED, PaymentStatus.PROCESSING)
UNDONE_YET = (RefundStatus.INITIATED, RefundStatus.PROCESSING)
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


def method_of(payment: Payment) -> Wallet | None:
    """What the account's catalogue says now of the method a payment was made with."""
    wallet_account = payment.wallet_account
    return catalogue.facts_of(wallet_account.account_id, wallet_account.wallet)


def cancel_until(payment: Payment, method: Wallet | None) -> datetime | None:
    """Until when a paid payment may be cancelled; None where it cannot be.

    Source: https://docs.antom.com/ac/tokenized/cancel
    """
    if payment.paid_at is None:
        return None
    return acquirer_for(payment.account).cancel_deadline(payment.paid_at, method=method)


def refund_until(payment: Payment, method: Wallet | None) -> datetime | None:
    """Until when a paid payment may be refunded, by its method's window; None where no window is known."""
    if payment.paid_at is None or method is None:
        return None
    return payment.paid_at + timedelta(days=method.refund_days)


def money_back(payment: Payment) -> MoneyBack:
    """What "give the money back" would do now."""
    method = method_of(payment)
    try:
        until = cancel_until(payment, method)
    except AccountNotReady:
        until = None
    latest = refund_until(payment, method)
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
        return answer("", _OVER[PaymentStatus(payment.status)])
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


_OVER = {
    PaymentStatus.INITIATED: "it was not sent yet",
    PaymentStatus.FAILED: "it failed",
    PaymentStatus.CANCELLED: "it was cancelled",
    PaymentStatus.REVERSED: "it was reversed",
}


def is_said_to_be_kept(payment: Payment) -> bool:
    """Whether somebody said, and nobody settled, that the money of a payment that is not paid for us was taken."""
    if payment.status == PaymentStatus.REVERSED:
        return True
    return payment.contradictions.filter(said=Outcome.SUCCESS, settled_at__isnull=True).exists()


@dataclass(frozen=True)
class LastAnswer:
    """What the acquirer said when it was last asked about a payment."""

    asked_at: datetime | None = None
    """When the newest question was put; None: never."""
    exchange: Exchange | None = None
    """The newest exchange that brought an answer we believe."""
    said: PaymentResult | None = None
    """What that answer says of the payment; None when it says nothing of it."""
    refunds: tuple[RefundMessage, ...] = ()
    is_unknown_there: bool = False
    silence: str = ""
    """Why the newest question brought no answer, in a short code of the gateway; empty when it did."""


def last_answer(payment: Payment) -> LastAnswer:
    """The acquirer's last answer about a payment, read from the kept exchange. Asks nobody."""
    asked = Exchange.objects.filter(api="inquiryPayment", subject=payment.payment_request_id)
    newest = asked.order_by("-sent_at", "-pk").first()
    if newest is None:
        return LastAnswer()
    believed: Exchange | None = newest
    silence = ""
    if newest.error or newest.verdict != SignatureVerdict.VERIFIED:
        silence = newest.error or "not_believed"
        believed = asked.filter(error="", verdict=SignatureVerdict.VERIFIED).order_by("-sent_at", "-pk").first()
    if believed is None:
        return LastAnswer(newest.sent_at, silence=silence)
    try:
        acquirer = acquirer_for(payment.account)
    except AccountNotReady:
        return LastAnswer(newest.sent_at, believed, silence=silence or "account_not_ready")
    # By our id alone: where the acquirer's own id is another one, that is a difference to be shown.
    inquiry = acquirer.recall_inquiry(kept(believed), payment_request_id=payment.payment_request_id)
    return LastAnswer(newest.sent_at, believed, inquiry.payment, inquiry.refunds, inquiry.is_unknown_there, silence)


def contradicted() -> QuerySet[Contradiction, Any]:
    """The ids of payments about which something was said that their status does not allow, and nobody settled."""
    return Contradiction.objects.filter(settled_at__isnull=True).values_list("payment", flat=True)


def needing_attention(age: timedelta, what: str) -> QuerySet[Payment, Any]:
    """Of payments unknown for longer than ``age``, reversed or contradicted: their ``pk``, or their ``order``.

    Three questions whose answers are united, not one OR, which no index could answer.
    """
    unknown = Payment.objects.filter(status=PaymentStatus.PROCESSING, created_at__lt=clock.now() - age)
    undone = Payment.objects.filter(status=PaymentStatus.REVERSED)
    odd = Payment.objects.filter(pk__in=contradicted())
    first, *others = (rows.order_by().values(what) for rows in (unknown, undone, odd))
    found: QuerySet[Payment, Any] = first.union(*others, all=True)
    return found


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


def unknown_payments() -> Waiting:
    """Payments that were begun and have no final answer."""
    return due.waiting(Payment.objects.filter(status__in=UNPAID_YET), "created_at")


def unknown_cancels() -> Waiting:
    """Cancels without a final answer; each has a moment at which it is asked about."""
    return due.waiting(waiting_cancels().filter(due_at__isnull=False), "created_at")


def unknown_refunds() -> Waiting:
    """Refunds that were begun and have no final answer."""
    return due.waiting(Refund.objects.filter(status__in=UNDONE_YET), "created_at")


def waiting_bulk_lines() -> QuerySet[BulkLine]:
    """Lines of bulk refunds whose refund is not made yet; those of one that is stopped are not due."""
    return BulkLine.objects.filter(status=LineStatus.WAITING)


def oldest_unknown() -> datetime | None:
    """When the oldest intent without a final answer was promised; None when nothing is unknown."""
    moments = [
        rows.order_by("created_at").values_list("created_at", flat=True).first()
        for rows in (waiting_payments(), waiting_cancels(), waiting_refunds())
    ]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


_PAYMENTS = Found(
    lambda: (
        Payment.objects.select_related("wallet_account__account")
        .filter(order_id=Given("order"))
        .order_by("-created_at", "-pk")
    )
)


def live_payment(order: Order) -> Payment | None:
    """The payment that pays, or may yet pay, the order; else the newest one."""
    payments = _PAYMENTS.all(order=order.pk)
    for payment in payments:
        payment.order = order
    live = (one for one in payments if one.status in (PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED))
    return next(live, payments[0] if payments else None)


def refunded_total(payment: Payment) -> Money:
    """What was finally given back by refunds."""
    done = Refund.objects.filter(payment=payment, status=RefundStatus.SUCCEEDED).aggregate(
        total=Coalesce(Sum("amount_value"), 0)
    )["total"]
    return Money(done, payment.currency)


def kept_against_status() -> QuerySet[Payment]:
    """Payments that are not held as paid, and whose money the acquirer keeps, or may keep."""
    said_so = Q(contradictions__said=Outcome.SUCCESS, contradictions__settled_at__isnull=True)
    given_back = Exists(
        Refund.objects.filter(payment=OuterRef("pk"), gives_back_kept=True, status=RefundStatus.SUCCEEDED)
    ) | Exists(Cancel.objects.filter(payment=OuterRef("pk"), gives_back_kept=True, status=CancelStatus.CONFIRMED))
    is_reversed = Q(status=PaymentStatus.REVERSED) & ~given_back
    return Payment.objects.filter(said_so | is_reversed, status__in=UNPAID)
