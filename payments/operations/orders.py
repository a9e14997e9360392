"""Placing and withdrawing orders. A buyer's client names products; only the merchant's server names an amount."""

from collections.abc import Sequence
from contextlib import suppress

from django.db import IntegrityError, transaction

from authorizations.models import Buyer
from payments import announcements
from payments.errors import AmountNotAllowed, OrderNotWithdrawable, PaymentInProgress, PriceMissing
from payments.models import LIVE, Order, OrderItem, Payment, Price
from payments.states import Messenger, OrderEvent, OrderStatus, PaymentStatus
from portal import clock, journal, statements
from portal.actor import Actor, ActorKind
from portal.errors import Conflict, TransitionNotAllowed
from portal.idempotency import Remember
from portal.money import Money, MoneyError
from portal.statements import Found, Given

MAX_LINES = 100
"""``order.goods`` takes a hundred lines (https://docs.antom.com/ac/ams/payment_agreement)."""
MAX_QUANTITY = 999
MAX_DESCRIPTION = 256


def place_order(
    buyer: Buyer, lines: Sequence[tuple[str, int]], currency: str, *, by: Actor, remember: Remember | None = None
) -> Order:
    """Order products at their price in a currency: ``lines`` are (sku, quantity) pairs.

    Raises PriceMissing and AmountNotAllowed. Nothing is sent.
    """
    if not 1 <= len(lines) <= MAX_LINES:
        raise AmountNotAllowed(field="lines", problem=f"An order has 1 to {MAX_LINES} lines.")
    prices = {
        price.product.sku: price
        for price in Price.objects.select_related("product").filter(
            product__account_id=buyer.account_id,
            product__is_active=True,
            product__sku__in=[sku for sku, _ in lines],
            currency=currency,
        )
    }
    items = []
    for sku, quantity in lines:
        price = prices.get(sku)
        if price is None:
            raise PriceMissing(field="lines", problem="no price", sku=sku, currency=currency)
        if not 1 <= quantity <= MAX_QUANTITY:
            raise AmountNotAllowed(field="lines", problem=f"A quantity is 1 to {MAX_QUANTITY}.")
        product = price.product
        items.append(
            OrderItem(
                product=product,
                sku=sku,
                name=product.name,
                unit_value=price.value,
                quantity=quantity,
                is_digital=product.is_digital,
            )
        )
    amount = Money(sum(item.unit_value * item.quantity for item in items), currency)
    names = ", ".join(f"{item.name} × {item.quantity}" if item.quantity > 1 else item.name for item in items)
    return _place(buyer, amount, items, description=names, reference="", by=by, remember=remember)


def place_merchant_order(
    buyer: Buyer,
    amount: Money,
    *,
    description: str,
    reference: str,
    by: Actor,
    remember: Remember | None = None,
) -> Order:
    """Order at an amount the merchant's own server names. The same reference twice is refused with Conflict."""
    item = OrderItem(sku=reference or "amount", name=description[:120], unit_value=amount.value, quantity=1)
    return _place(buyer, amount, [item], description=description, reference=reference, by=by, remember=remember)


def _place(
    buyer: Buyer,
    amount: Money,
    items: list[OrderItem],
    *,
    description: str,
    reference: str,
    by: Actor,
    remember: Remember | None,
) -> Order:
    try:
        amount.payable()
    except MoneyError as reason:
        raise AmountNotAllowed(field="amount", problem=str(reason)) from None
    try:
        with transaction.atomic(durable=True):
            order = Order(
                account_id=buyer.account_id,
                buyer=buyer,
                number=clock.fresh_id("O"),
                amount_value=amount.value,
                currency=amount.currency,
                description=description[:MAX_DESCRIPTION],
                reference=reference,
            )
            order.by(by)
            order.save()
            for item in items:
                item.order = order
            OrderItem.objects.bulk_create(items)
            if remember:
                remember(order)
    except IntegrityError:
        if reference and Order.objects.filter(account_id=buyer.account_id, reference=reference).exists():
            raise Conflict("An order with the reference {reference} exists already.", reference=reference) from None
        raise
    return order


_LIVE = Found(lambda: Payment.objects.filter(order_id=Given("order"), status__in=LIVE).order_by().values_list("status"))


def withdraw(
    order: Order, *, by: Actor, reason_code: str = "", note: str = "", remember: Remember | None = None
) -> Order:
    """Close an order nobody paid. An order that is withdrawn already is returned as it is.

    Raises PaymentInProgress while a payment's result is unknown, and OrderNotWithdrawable for a paid or closed order.
    """
    with transaction.atomic(durable=True):
        locked = statements.known(Order, order.pk)
        locked.lock()
        if any(status != PaymentStatus.SUCCEEDED for (status,) in _LIVE.tuples(order=order.pk)):
            raise PaymentInProgress(number=order.number)
        if locked.status == OrderStatus.INIT:
            with suppress(TransitionNotAllowed):
                locked.advance(OrderEvent.WITHDRAWN, heard_from=Messenger.US, note=str(by), closed_at=clock.now())
                announcements.order_cancelled(locked)
        elif locked.status != OrderStatus.CANCELLED:
            raise OrderNotWithdrawable(number=order.number, status=locked.get_status_display().lower())
        if by.kind is ActorKind.PERSON:
            journal.write("withdraw order", by=by, subject=order, reason_code=reason_code, note=note)
        if remember:
            remember(order)
    order.refresh_from_db()
    return order
