"""States of money as a chip says them: a word, and a tone."""

from datetime import timedelta

from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal import clock
from portal.admin.display import Chip, span
from portal.words import lazy, say

_ALARMING = timedelta(hours=1)

_FAILURES = {
    "USER_BALANCE_NOT_ENOUGH": "balance",
    "INVALID_ACCESS_TOKEN": lazy("consent ended"),
    "EXPIRED_ACCESS_TOKEN": lazy("consent ended"),
    "RISK_REJECT": "risk",
    "USER_AMOUNT_EXCEED_LIMIT": "limit",
    "USER_PAYMENT_VERIFICATION_FAILED": "verification",
    "ORDER_IS_CLOSED": "expired",
    "ORDER_NOT_EXIST": lazy("never arrived"),
}
"""The commonest reasons in a word; others are told on the payment's page."""


def unknown(thing: Payment | Refund | Cancel) -> Chip:
    """Nobody knows yet, and since when."""
    age = clock.now() - thing.created_at
    return Chip(say("Unknown {span}", span=span(age)), "bad" if age >= _ALARMING else "wait")


def payment(thing: Payment) -> Chip:
    """A payment's state, with what was given back of it."""
    match PaymentStatus(thing.status):
        case PaymentStatus.SUCCEEDED if thing.returned_value and (returning := thing.returning).value:
            return Chip(say("Giving back {amount}", amount=returning), "wait")
        case PaymentStatus.SUCCEEDED if thing.returned_value:
            back = (
                say("Given back") if thing.refundable.value == 0 else say("Given back {amount}", amount=thing.returned)
            )
            return Chip(back)
        case PaymentStatus.SUCCEEDED:
            return Chip(say("Paid"), "good")
        case PaymentStatus.FAILED:
            reason = _FAILURES.get(thing.result_code, "")
            return Chip(say("Failed: {reason}", reason=reason) if reason else say("Failed"), "bad")
        case PaymentStatus.CANCELLED:
            return Chip(say("Cancelled"))
        case PaymentStatus.REVERSED:
            return Chip(say("Reversed"), "bad")
        case PaymentStatus.INITIATED:
            return Chip(say("Initiated"), "wait")
        case _:
            return unknown(thing)


def status(thing: Payment) -> Chip:
    """A payment's status alone."""
    tones = {PaymentStatus.SUCCEEDED: "good", PaymentStatus.FAILED: "bad", PaymentStatus.REVERSED: "bad"}
    tones |= {PaymentStatus.PROCESSING: "wait", PaymentStatus.INITIATED: "wait"}
    known = PaymentStatus(thing.status)
    return Chip(known.label, tones.get(known, ""))


def order(thing: Order) -> Chip:
    """An order's state."""
    tones = {OrderStatus.PAID: "good", OrderStatus.INIT: "wait"}
    status = OrderStatus(thing.status)
    return Chip(status.label, tones.get(status, ""))


def refund(thing: Refund) -> Chip:
    """A refund's state."""
    match RefundStatus(thing.status):
        case RefundStatus.SUCCEEDED:
            return Chip(say("Refunded"), "good")
        case RefundStatus.FAILED:
            return Chip(say("Failed"), "bad")
        case RefundStatus.REVERSED:
            return Chip(say("Reversed"), "bad")
        case _:
            return unknown(thing)


def cancel(thing: Cancel) -> Chip:
    """A cancel's state."""
    match CancelStatus(thing.status):
        case CancelStatus.CONFIRMED:
            return Chip(say("Confirmed"), "good")
        case CancelStatus.REFUSED:
            return Chip(say("Refused"), "bad")
        case _:
            return unknown(thing)
