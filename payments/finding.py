"""How orders, payments, refunds, cancels, subscriptions and products are found by an id, and what a hit says."""

from collections.abc import Sequence
from typing import Any

from authorizations.models import secrets_of
from payments.admin import chips
from payments.admin.declarations import chip as declaration_chip
from payments.admin.subscriptions import subscription_chip
from payments.models import CERTIFICATE, Cancel, Declaration, Order, Payment, Product, Refund, Subscription
from portal.acquirer.wallets import name_of
from portal.admin.display import Chip, page_of
from portal.registry import Found, Searched
from portal.words import lazy, say


def _orders(keys: Sequence[Any]) -> list[Found]:
    rows = Order.objects.filter(pk__in=keys).select_related("buyer")
    return [
        _found(row, row.number, chips.order(row), amount=row.amount, detail=f"{row.buyer} · {row.description}")
        for row in rows
    ]


def _payments(keys: Sequence[Any]) -> list[Found]:
    rows = Payment.objects.filter(pk__in=keys).select_related("wallet_account").defer(*secrets_of("wallet_account"))
    return [
        _found(row, row.payment_request_id, chips.payment(row), amount=row.amount, detail=_wallet(row))
        for row in rows.prefetch_related("refunds", "cancels")
    ]


def _refunds(keys: Sequence[Any]) -> list[Found]:
    rows = Refund.objects.filter(pk__in=keys).select_related("payment__wallet_account")
    return [
        _found(
            row,
            row.refund_request_id,
            chips.refund(row),
            amount=row.amount,
            detail=say("to {wallet}", wallet=_wallet(row.payment)),
        )
        for row in rows.defer(*secrets_of("payment__wallet_account"))
    ]


def _cancels(keys: Sequence[Any]) -> list[Found]:
    rows = Cancel.objects.filter(pk__in=keys).select_related("payment__wallet_account")
    return [
        _found(
            row,
            row.cancel_id,
            chips.cancel(row),
            amount=row.payment.amount,
            detail=say("to {wallet}", wallet=_wallet(row.payment)),
        )
        for row in rows.defer(*secrets_of("payment__wallet_account"))
    ]


def _declarations(keys: Sequence[Any]) -> list[Found]:
    rows = Declaration.objects.filter(pk__in=keys).select_related("payment__order").defer(*CERTIFICATE)
    return [
        _found(
            row,
            row.declaration_request_id,
            declaration_chip(row),
            amount=row.amount,
            detail=say("of order {number}, to {office}", number=row.payment.order.number, office=row.customs_code),
        )
        for row in rows
    ]


def _products(keys: Sequence[Any]) -> list[Found]:
    return [
        Found(
            label=row.name,
            url=page_of(row),
            state=say("On sale") if row.is_active else say("Not on sale"),
            tone="good" if row.is_active else "",
            detail=row.sku,
        )
        for row in Product.objects.filter(pk__in=keys)
    ]


def _subscriptions(keys: Sequence[Any]) -> list[Found]:
    rows = Subscription.objects.filter(pk__in=keys).select_related("plan", "buyer")
    return [
        Found(
            label=row.number,
            url=page_of(row),
            amount=str(row.plan.amount or ""),
            state=(chip := subscription_chip(row)).word,
            tone=chip.tone,
            at=row.started_at,
            detail=f"{row.buyer} · {row.plan.name}",
        )
        for row in rows
    ]


def _wallet(payment: Payment) -> str:
    return f"{name_of(payment.wallet_account.wallet)} {payment.wallet_account.login_label}".strip()


def _found(
    row: Order | Payment | Refund | Cancel | Declaration, label: str, chip: Chip, *, amount: Any, detail: str
) -> Found:
    return Found(
        label=label,
        url=page_of(row),
        amount=str(amount),
        state=chip.word,
        tone=chip.tone,
        at=row.created_at,
        detail=detail,
    )


SEARCHED = {
    "orders": Searched(
        kind=lazy("Orders"),
        model=Order,
        show=_orders,
        own=("number", "reference"),
        mentions=("buyer__reference", "payments__wallet_account__login_label"),
        prefixes=("number", "reference"),
    ),
    "payments": Searched(
        kind=lazy("Payments"),
        model=Payment,
        show=_payments,
        own=("payment_request_id", "payment_id"),
        prefixes=("payment_request_id", "payment_id"),
    ),
    "refunds": Searched(
        kind=lazy("Refunds"),
        model=Refund,
        show=_refunds,
        own=("refund_request_id", "refund_id"),
        prefixes=("refund_request_id", "refund_id"),
    ),
    "cancels": Searched(kind=lazy("Cancels"), model=Cancel, show=_cancels, own=("cancel_id",), prefixes=("cancel_id",)),
    "declarations": Searched(
        kind=lazy("Customs declarations"),
        model=Declaration,
        show=_declarations,
        own=("declaration_request_id", "customs_payment_id"),
        mentions=("customs_order_id",),
        prefixes=("declaration_request_id", "customs_payment_id"),
    ),
    "subscriptions": Searched(
        kind=lazy("Subscriptions"),
        model=Subscription,
        show=_subscriptions,
        own=("number", "reference"),
        mentions=("buyer__reference",),
        prefixes=("number", "reference"),
    ),
    "products": Searched(kind=lazy("Products"), model=Product, show=_products, mentions=("sku",)),
}
