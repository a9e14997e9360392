"""What is sold, and for how much: acts of staff, journaled. Orders keep the price they were placed at."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from payments.models import Price, Product
from portal import journal
from portal.actor import Actor
from portal.errors import Conflict
from portal.idempotency import Remember
from portal.models import AcquirerAccount
from portal.money import Money


class SkuTaken(Conflict):
    """The account sells something else under this number."""

    code = "sku_taken"
    sentence = "Another product of this account has the number {sku}."


def add_product(
    account: AcquirerAccount,
    sku: str,
    name: str,
    *,
    description: str,
    is_digital: bool,
    prices: Mapping[str, Money],
    by: Actor,
    remember: Remember | None = None,
) -> Product:
    """Sell something new. Raises SkuTaken."""
    product = Product(account=account, sku=sku, name=name, description=description, is_digital=is_digital)
    try:
        with transaction.atomic():
            product.save()
            _set_prices(product, prices)
            journal.write("add product", by=by, subject=product, after=shown(product))
            if remember:
                remember(product)
    except IntegrityError:
        raise SkuTaken(sku=sku) from None
    return product


def edit_product(
    product: Product,
    *,
    name: str,
    description: str,
    is_digital: bool,
    is_active: bool,
    prices: Mapping[str, Money],
    by: Actor,
    remember: Remember | None = None,
) -> Product:
    """Change what is said of a product, and its prices from now on. A currency that is left out is not sold in."""
    with transaction.atomic():
        before = shown(product)
        product.name, product.description = name, description
        product.is_digital, product.is_active = is_digital, is_active
        product.save(update_fields=["name", "description", "is_digital", "is_active"])
        _set_prices(product, prices)
        journal.write("edit product", by=by, subject=product, before=before, after=shown(product))
        if remember:
            remember(product)
    return product


def shown(product: Product) -> dict[str, Any]:
    """A product as the journal keeps it."""
    return {
        "name": product.name,
        "description": product.description,
        "is_digital": product.is_digital,
        "is_active": product.is_active,
        "prices": [str(price) for price in Price.objects.filter(product=product)],
    }


def _set_prices(product: Product, prices: Mapping[str, Money]) -> None:
    Price.objects.filter(product=product).exclude(currency__in=prices).delete()
    for currency, price in prices.items():
        Price.objects.update_or_create(product=product, currency=currency, defaults={"value": price.value})
