"""What each caller may see of orders and refunds."""

from django.db.models import Prefetch, QuerySet

from authorizations.api.callers import BuyerCaller
from payments.models import Order, Payment, Product, Refund
from portal.api.callers import Caller


def orders_of(caller: Caller) -> QuerySet[Order]:
    """The caller's orders, with all that is shown of them."""
    payments = Payment.objects.select_related("wallet_account").prefetch_related("cancels", "refunds")
    rows = Order.objects.select_related("account", "buyer__account").prefetch_related(
        "items", Prefetch("payments", payments.order_by("-created_at", "-pk"))
    )
    if isinstance(caller, BuyerCaller):
        return rows.filter(buyer=caller.buyer)
    return rows.filter(account=caller.account)


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
