"""States of money as a chip says them: a word, and a tone."""

from datetime import timedelta

from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal import clock
from portal.admin.display import Chip, span

_ALARMING = timedelta(hours=1)

_FAILURES = {
    "USER_BALANCE_NOT_ENOUGH": "balance",
    "INVALID_ACCESS_TOKEN": "consent ended",
    "EXPIRED_ACCESS_TOKEN": "consent ended",
    "RISK_REJECT": "risk",
    "USER_AMOUNT_EXCEED_LIMIT": "limit",
    "USER_PAYMENT_VERIFICATION_FAILED": "verification",
    "ORDER_IS_CLOSED": "expired",
    "ORDER_NOT_EXIST": "never arrived",
}
"""The commonest reasons in a word; others are told on the payment's page."""


def unknown(thing: Payment | Refund | Cancel) -> Chip:
    """Nobody knows yet, and since when."""
    age = clock.now() - thing.created_at
    return Chip(f"Unknown {span(age)}", "bad" if age >= _ALARMING else "wait")


def payment(thing: Payment) -> Chip:
    """A payment's state, with what was given back of it."""
    match PaymentStatus(thing.status):
        case PaymentStatus.SUCCEEDED if thing.returned_value:
            back = "Given back" if thing.refundable.value == 0 else f"Given back {thing.returned.display}"
            return Chip(back)
        case PaymentStatus.SUCCEEDED:
            return Chip("Paid", "good")
        case PaymentStatus.FAILED:
            reason = _FAILURES.get(thing.result_code, "")
            return Chip(f"Failed: {reason}" if reason else "Failed", "bad")
        case PaymentStatus.CANCELLED:
            return Chip("Cancelled")
        case PaymentStatus.REVERSED:
            return Chip("Reversed", "bad")
        case PaymentStatus.INITIATED:
            return Chip("Initiated", "wait")
        case _:
            return unknown(thing)


def order(thing: Order) -> Chip:
    """An order's state."""
    tones = {OrderStatus.PAID: "good", OrderStatus.INIT: "wait"}
    status = OrderStatus(thing.status)
    return Chip(status.label, tones.get(status, ""))


def refund(thing: Refund) -> Chip:
    """A refund's state."""
    match RefundStatus(thing.status):
        case RefundStatus.SUCCEEDED:
            return Chip("Refunded", "good")
        case RefundStatus.FAILED:
            return Chip("Failed", "bad")
        case RefundStatus.REVERSED:
            return Chip("Reversed", "bad")
        case _:
            return unknown(thing)


def cancel(thing: Cancel) -> Chip:
    """A cancel's state."""
    match CancelStatus(thing.status):
        case CancelStatus.CONFIRMED:
            return Chip("Confirmed", "good")
        case CancelStatus.REFUSED:
            return Chip("Refused", "bad")
        case _:
            return unknown(thing)
