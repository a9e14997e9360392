"""The desk's benchmark in the small: every list and the search ask few questions, count nothing whole and skip nothing.

Some hundred orders on whatever database the suite has; how fast anything is, no test says.
"""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import Client

from authorizations.models import Buyer, WalletAccount
from payments.models import Order, Payment
from payments.states import OrderStatus, PaymentStatus
from portal import clock
from portal.models import AcquirerAccount, Exchange
from tests import factories
from tests.benchmarks import desk
from tests.desk.conftest import list_url

pytestmark = pytest.mark.django_db

ORDERS = 600


@pytest.fixture
def past() -> None:
    """Some hundred orders with their payments and calls, a minute apart."""
    account: AcquirerAccount = factories.AcquirerAccountFactory()
    buyer: Buyer = factories.BuyerFactory(account=account)
    wallet: WalletAccount = factories.WalletAccountFactory(buyer=buyer)
    now = clock.now()

    def at(number: int) -> dict[str, object]:
        return {"created_at": now - timedelta(minutes=number)}

    orders = Order.objects.bulk_create(
        [
            factories.OrderFactory.build(
                account=account,
                buyer=buyer,
                number=f"O{number:09d}",
                status=OrderStatus.PAID,
                paid_at=now,
                **at(number),
            )
            for number in range(ORDERS)
        ]
    )
    Payment.objects.bulk_create(
        [
            factories.PaymentFactory.build(
                order=order,
                wallet_account=wallet,
                payment_request_id=f"P{number:09d}",
                status=PaymentStatus.SUCCEEDED if number % 10 else PaymentStatus.FAILED,
                paid_at=now if number % 10 else None,
                **at(number),
            )
            for number, order in enumerate(orders)
        ]
    )
    Exchange.objects.bulk_create(
        [factories.ExchangeFactory.build(account=account, subject=f"P{number:09d}") for number in range(ORDERS)]
    )


@pytest.mark.usefixtures("past")
def test_every_list_the_search_and_today_ask_little_and_nothing_whole() -> None:
    client = desk.signed_in()
    lists = [list_url(model) for model, one in admin.site._registry.items() if getattr(one, "section", "")]
    urls = ["/admin/", "/admin/search/?q=O000000100", "/admin/search/?q=nobody", "/admin/search/?q=O0000001"]
    urls += [f"{url}{query}" for url in lists for query in ("", "?end=1", "?sort=reversed")]
    urls += [
        f"{list_url(Payment)}?ask={name}"
        for name in ("attention", "waiting", "failed", "not_settled", "not_settled&end=1")
    ]
    urls += [
        f"{list_url(Order)}?{query}" for query in ("ask=paid", "wallet=GCASH", "currency=PHP&least=1", "q=O000000007")
    ]
    client.get("/admin/")  # the hours of the week are added up once

    for url in urls:
        measured = desk.measure(client, url, url, "SELECT 1", times=0)

        assert measured.unbounded == [], url
        assert measured.queries <= desk.ALLOWED_QUERIES, url
    assert len(urls) > 60


def test_a_page_that_is_not_shown_is_not_measured() -> None:
    with pytest.raises(RuntimeError, match="/admin/ answers 302 /admin/login/"):
        desk.measure(Client(), "Today", "/admin/", "SELECT 1", times=0)


@pytest.mark.parametrize(
    ("statement", "unbounded"),
    [
        ('SELECT COUNT(*) AS "__count" FROM "payments_order"', True),
        ('SELECT COUNT(*) FROM "payments_order" WHERE "status" = %s', True),
        ('SELECT "id" FROM "payments_order" LIMIT 50 OFFSET 100', True),
        ('SELECT 0, COUNT(*) FROM (SELECT "id" FROM "payments_order" LIMIT 100) AS of_0', False),
        (
            'SELECT 0, COUNT(*) FROM (SELECT 1 LIMIT 9) AS of_0 UNION ALL SELECT 1, COUNT(*) FROM "payments_order"',
            True,
        ),
        ('SELECT "id" FROM "payments_order" ORDER BY "id" DESC LIMIT 51', False),
    ],
)
def test_what_counts_as_counting(statement: str, unbounded: bool) -> None:
    assert desk.is_unbounded(statement) is unbounded
