"""Ending an order from outside, whatever has become of it: one wish, and the order's state decides the way."""

from payments import queries
from payments.errors import NeedsMerchant, OrderOfSubscription
from payments.models import Cycle, Order
from payments.operations.cancels import cancel
from payments.operations.orders import withdraw
from payments.states import OrderStatus, PaymentStatus
from portal.actor import Actor, ActorKind
from portal.idempotency import Remember


def call_off(order: Order, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None) -> Order:
    """Withdraw an order nobody paid; cancel the payment of one that is paid or being paid, and so end the order.

    A buyer ends unpaid orders only: NeedsMerchant for a paid one, PaymentInProgress while its payment is unknown, and
    OrderOfSubscription for one that a subscription made, because withdrawing that forgives it.
    The order returned may still be INIT or PAID, its cancel on the way.
    Raises what ``withdraw`` and ``cancel`` raise, before anything is sent.
    """
    order.refresh_from_db()
    is_buyer = by.kind is ActorKind.BUYER
    if is_buyer and order.status in (OrderStatus.PAID, OrderStatus.REFUNDED):
        raise NeedsMerchant(number=order.number)
    if is_buyer and Cycle.objects.filter(order=order).exists():
        raise OrderOfSubscription(number=order.number)
    payment = queries.live_payment(order)
    if (
        payment is not None
        and not is_buyer
        and order.status in (OrderStatus.INIT, OrderStatus.PAID)
        and payment.status in (PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED)
    ):
        cancel(payment, by=by, reason_code=reason_code, note=note, ends_order=True, remember=remember)
        order.refresh_from_db()
        return order
    return withdraw(order, by=by, reason_code=reason_code, note=note, remember=remember)
