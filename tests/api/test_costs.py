"""What an answer costs: lists take the same number of queries, however long they are; paying takes few."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from authorizations.models import Buyer
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api, bind
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


def test_paying_says_little_to_the_database(mini: Api, sandbox: Sandbox, shop: Shop) -> None:
    PriceFactory(product__account=shop.account, product__sku="pass")
    wallet = bind(mini, sandbox)
    client = Client(headers={"Authorization": f"Bearer {mini.token}"})

    def pay() -> int:
        placed = mini.post("orders", {"items": [{"sku": "pass", "quantity": 1}], "currency": "PHP"}, status=201)
        with CaptureQueriesContext(connection) as captured:
            answer = client.post(
                f"/api/v1/orders/{placed['number']}/pay",
                {"wallet_id": wallet["id"], "os_type": "IOS"},
                "application/json",
                headers={"Idempotency-Key": placed["number"]},
            )
        assert answer.json()["status"] == "PAID", answer.content
        said = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "INSERT", "UPDATE", "WITH"))]
        return len(said)

    pay()  # the limits of the API are read now and then
    # PostgreSQL takes the rows of a promise, and those of its result, in one statement each.
    assert pay() == (9 if connection.vendor == "postgresql" else 14)
