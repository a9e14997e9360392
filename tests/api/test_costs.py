"""What an answer costs: lists take the same number of queries, however long they are."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from authorizations.models import Buyer
from tests.api.conftest import Api
from tests.factories import (
    OrderFactory,
    OrderItemFactory,
    PaymentFactory,
    PriceFactory,
    RefundFactory,
    WalletAccountFactory,
)
from tests.story import Shop


def queries(server: Api, path: str) -> tuple[int, int]:
    """(queries, items) of one page."""
    client = Client(headers={"Authorization": f"Bearer {server.token}"})
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(f"/api/v1/{path}")
    assert response.status_code == 200, response.content
    return len(captured), len(response.json()["items"])


@pytest.mark.parametrize("path", ["orders?limit=100", "wallets?limit=100", "products?limit=100", "payment-methods"])
def test_a_long_page_costs_as_many_queries_as_a_short_one(path: str, server: Api, shop: Shop) -> None:
    def fill(count: int) -> None:
        for _ in range(count):
            buyer = Buyer.objects.create(account=shop.account, reference=f"customer-{Buyer.objects.count()}")
            order = OrderFactory(buyer=buyer, paid=True)
            OrderItemFactory(order=order)
            payment = PaymentFactory(order=order, wallet_account=WalletAccountFactory(buyer=buyer))
            RefundFactory(payment=payment)
            PriceFactory(product__account=shop.account)

    fill(1)
    queries(server, path)  # the key's first use is noted
    short, _ = queries(server, path)
    fill(30)
    long, items = queries(server, path)
    assert items >= 8
    assert long == short
