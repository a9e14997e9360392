"""What the merchant's own systems hear of orders. Called where an order or a payment moves, in that transaction.

The words are those of the API, so that an event and a later answer about the same thing read alike.
"""

from typing import Any

from payments.models import Order, Payment, Refund
from payments.states import PaymentStatus
from portal import outbox
from portal.outbox.events import moment


def order_paid(payment: Payment) -> None:
    """An order is paid."""
    _tell(outbox.Kind.ORDER_PAID, payment.order, payment=payment)


def order_failed(payment: Payment) -> None:
    """A payment ended without money: failed, or cancelled before anything was debited."""
    _tell(outbox.Kind.ORDER_FAILED, payment.order, payment=payment)


def order_cancelled(order: Order, payment: Payment | None = None) -> None:
    """An order is closed, unpaid or with everything given back by a cancel."""
    _tell(outbox.Kind.ORDER_CANCELLED, order, payment=payment)


def order_refunded(refund: Refund) -> None:
    """An amount was given back by refund. Not of money that was never ours: that order was never paid."""
    _tell(outbox.Kind.ORDER_REFUNDED, refund.payment.order, payment=refund.payment, refund=refund)


def _tell(kind: outbox.Kind, order: Order, *, payment: Payment | None, refund: Refund | None = None) -> None:
    outbox.tell(kind, order, label=order.number, data=lambda: _said(order.pk, payment, refund))


def _said(order_id: int, payment: Payment | None, refund: Refund | None) -> dict[str, Any]:
    order = Order.objects.select_related("buyer").get(pk=order_id)
    return {
        "order": order.number,
        "reference": order.reference,
        "customer": order.buyer.reference,
        "status": order.status,
        "amount": order.amount.to_wire(),
        "payment": _payment(payment.pk) if payment else None,
        "refund": _refund(refund) if refund else None,
    }


def _payment(payment_id: int) -> dict[str, Any]:
    payment = Payment.objects.select_related("wallet_account").get(pk=payment_id)
    is_paid = payment.status == PaymentStatus.SUCCEEDED
    return {
        "id": payment.payment_request_id,
        "status": "PAID" if is_paid else payment.status,
        "result_code": payment.result_code,
        "amount": payment.amount.to_wire(),
        "returned": payment.returned.to_wire(),
        "wallet_id": payment.wallet_account.public_id,
        "wallet": payment.wallet_account.wallet,
        "paid_at": moment(payment.paid_at),
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.refund_request_id,
        "status": refund.status,
        "amount": refund.amount.to_wire(),
        "reason_code": refund.reason_code,
        "refunded_at": moment(refund.refunded_at),
    }
