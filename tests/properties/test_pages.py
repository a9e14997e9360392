"""Lists by cursor: every row that was there when one began to read is met once, whatever is added meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from payments.models import Order, Product
from portal import clock
from portal.api.pages import page
from portal.models import AcquirerAccount
from tests.factories import AcquirerAccountFactory, BuyerFactory, OrderFactory, ProductFactory
from tests.properties.effort import tried

moments = some.integers(-3, 3)
"""Few, so that many rows share one."""
names = some.sampled_from(["", "a", "A", "aa", "b", "é", "ß", "z%", "z_", "日本", "🙂", "a'b", 'a"b', "\\"])


@pytest.fixture
def account(db: None) -> AcquirerAccount:
    return AcquirerAccountFactory()


def walk(rows: Any, limit: int, by: str, meanwhile: list[Any]) -> list[int]:
    """The ids of all pages, something being added after each."""
    query: dict[str, Any] = {"limit": str(limit)}
    met: list[int] = []
    while True:
        found, query["cursor"] = page(rows, query, by=by)
        met += [row.pk for row in found]
        if query["cursor"] is None:
            return met
        assert len(found) == limit
        if meanwhile:
            meanwhile.pop()()


def test_orders_newest_first(account: AcquirerAccount) -> None:
    @tried(25)
    @given(some.lists(moments, max_size=12), some.integers(1, 5), some.lists(moments, max_size=6))
    def walked(there: list[int], limit: int, added: list[int]) -> None:
        buyer = BuyerFactory(account=account)

        def place(moment: int) -> Order:
            order: Order = OrderFactory.build(
                account=account, buyer=buyer, created_at=clock.now() + timedelta(microseconds=moment)
            )
            order.save()
            return order

        before = [place(moment) for moment in there]
        rows = Order.objects.filter(buyer=buyer)
        met = walk(rows, limit, "-created_at", [lambda moment=moment: place(moment) for moment in added])
        expected = [row.pk for row in sorted(before, key=lambda row: (row.created_at, row.pk), reverse=True)]
        assert [pk for pk in met if pk in expected] == expected
        assert len(met) == len(set(met))

    walked()


def test_products_by_name(account: AcquirerAccount) -> None:
    @tried(20)
    @given(some.lists(names, max_size=10), some.integers(1, 4), some.lists(names, max_size=4))
    def walked(there: list[str], limit: int, added: list[str]) -> None:
        Product.objects.all().delete()
        before = {ProductFactory(account=account, name=name).pk for name in there}
        meanwhile = [lambda name=name: ProductFactory(account=account, name=name) for name in added]
        met = walk(Product.objects.filter(account=account), limit, "name", meanwhile)
        assert before <= set(met)
        assert len(met) == len(set(met))

    walked()
