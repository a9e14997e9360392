"""What each caller may see of orders and refunds."""

from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from authorizations.api.callers import BuyerCaller
from authorizations.models import Buyer, WalletAccount
from payments.models import Cancel, Order, Payment, Product, Refund
from portal.api.callers import Caller
from portal.errors import NotFound
from portal.statements import Found, Given, hold, known


def orders_of(caller: Caller) -> QuerySet[Order]:
    """The caller's orders, with all that is shown of them."""
    payments = Payment.objects.select_related("wallet_account__account").prefetch_related("cancels", "refunds")
    rows = Order.objects.select_related("account", "buyer__account").prefetch_related(
        "items", Prefetch("payments", payments.order_by("-created_at", "-pk"))
    )
    if isinstance(caller, BuyerCaller):
        return rows.filter(buyer=caller.buyer)
    return rows.filter(account=caller.account)


def order_alone(caller: Caller, number: str) -> Order:
    """The caller's order of that number, by itself. Raises NotFound; somebody else's is not there."""
    if isinstance(caller, BuyerCaller):
        order = _BUYERS_OWN.first(number=number, buyer=caller.buyer.pk)
    else:
        order = _ACCOUNTS_OWN.first(number=number, account=caller.account.pk)
    if order is None:
        raise NotFound(thing="order", key=number)
    if order.account_id == caller.account.pk:
        order.account = caller.account
    return order


def order_of(caller: Caller, number: str) -> Order:
    """The caller's order of that number, with all that is shown of it. Raises NotFound."""
    order = order_alone(caller, number)
    order.buyer = caller.buyer if isinstance(caller, BuyerCaller) else _BUYER.get(pk=order.buyer_id)
    order.lines()
    payments = _PAYMENTS.all(order=order.pk)
    found = {payment.pk: payment for payment in payments}
    for relation, worded in _OF_PAYMENTS.items():
        beside: dict[int, list[Any]] = {pk: [] for pk in found}
        for row in worded.all(order=order.pk):
            row.payment = found[row.payment_id]
            beside[row.payment_id].append(row)
        for payment in payments:
            hold(payment, relation, beside[payment.pk])
    for payment in payments:
        payment.order = order
    hold(order, "payments", payments)
    return order


_BUYER = Found(lambda: Buyer.objects.select_related("account").filter(pk=Given("pk")).order_by())
_PAYMENTS = Found(
    lambda: (
        Payment.objects.select_related("wallet_account__account")
        .filter(order_id=Given("order"))
        .order_by("-created_at", "-pk")
    )
)
_OF_PAYMENTS: dict[str, Found[Any]] = {
    "cancels": Found(lambda: Cancel.objects.filter(payment__order_id=Given("order")).order_by("pk")),
    "refunds": Found(lambda: Refund.objects.filter(payment__order_id=Given("order")).order_by("pk")),
}
_BUYERS_OWN = Found(lambda: Order.objects.filter(number=Given("number"), buyer_id=Given("buyer")).order_by())
_ACCOUNTS_OWN = Found(lambda: Order.objects.filter(number=Given("number"), account_id=Given("account")).order_by())
_OF_BUYER = Found(lambda: _to_pay().filter(number=Given("number"), buyer_id=Given("buyer")))
_OF_ACCOUNT = Found(lambda: _to_pay().filter(number=Given("number"), account_id=Given("account")))


def _to_pay() -> QuerySet[Order, Any]:
    wallets = WalletAccount.objects.filter(public_id=Given("wallet"), buyer=OuterRef("buyer")).order_by()
    return Order.objects.order_by().values_list("pk", Subquery(wallets.values("pk")), "cycle")


def order_and_wallet(caller: Caller, number: str, wallet_id: str) -> tuple[Order, WalletAccount | None, int | None]:
    """The caller's order of that number, its buyer's wallet of that id, and the cycle of a subscription it is of.

    Order and wallet are read when they are held.

    Raises NotFound; somebody else's order is not there. None for any other wallet, there or not.
    """
    if isinstance(caller, BuyerCaller):
        found = _OF_BUYER.tuples(number=number, buyer=caller.buyer.pk, wallet=wallet_id)
    else:
        found = _OF_ACCOUNT.tuples(number=number, account=caller.account.pk, wallet=wallet_id)
    if not found:
        raise NotFound(thing="order", key=number)
    ((order, wallet, cycle),) = found
    return known(Order, order), None if wallet is None else known(WalletAccount, wallet), cycle


def refunds_of(caller: Caller) -> QuerySet[Refund]:
    """The refunds of the caller's orders."""
    rows = Refund.objects.select_related("payment__order")
    if isinstance(caller, BuyerCaller):
        return rows.filter(payment__order__buyer=caller.buyer)
    return rows.filter(payment__order__account=caller.account)


def products_of(caller: Caller) -> QuerySet[Product]:
    """What the caller's account sells: active, with a price."""
    return (
        Product.objects.filter(account=caller.account, is_active=True, prices__isnull=False)
        .distinct()
        .prefetch_related("prices")
    )
