"""Whatever JSON comes to whatever door, the answer is a clear refusal or a described success, and never a 500."""

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.api.conftest import Api
from tests.factories import AuthorizationFactory, BuyerFactory, OrderFactory, PriceFactory, WalletAccountFactory
from tests.story import Shop

NAMES = [
    "account",
    "amount",
    "auth_code",
    "auth_state",
    "currency",
    "customer",
    "description",
    "error",
    "items",
    "login_code",
    "note",
    "os_type",
    "quantity",
    "reason_code",
    "reference",
    "return_to",
    "site_name",
    "sku",
    "terminal_type",
    "value",
    "wallet",
    "wallet_id",
]
SENSIBLE = ["GCASH", "PHP", "IDR", "ANDROID", "WEB", "49900", "pass", "OTHER", "6001", "customer-1", ""]
simple = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(min_value=-(2**70), max_value=2**70),
    some.floats(allow_nan=False, allow_infinity=False),
    some.text(max_size=40),
    some.sampled_from(SENSIBLE),
)
values = some.recursive(
    simple,
    lambda inner: some.one_of(
        some.lists(inner, max_size=3), some.dictionaries(some.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)
bodies = some.dictionaries(some.one_of(some.sampled_from(NAMES), some.text(max_size=10)), values, max_size=6)


@pytest.mark.parametrize("who", ["anybody", "mini", "server"])
def test_no_body_is_too_strange(
    who: str, anybody: Api, mini: Api, server: Api, shop: Shop, settings: LazySettings
) -> None:
    settings.PORTAL_API_LIMITS = {}
    PriceFactory(product__account=shop.account, product__sku="pass")
    token = {"anybody": "", "mini": mini.token, "server": server.token}[who]
    buyer = BuyerFactory(account=shop.account)
    places = {
        "wallet": WalletAccountFactory(buyer=buyer).public_id,
        "attempt": AuthorizationFactory(buyer=buyer).public_id,
        "order": OrderFactory(buyer=buyer).number,
    }
    _ask(token, places, anybody)


def _ask(token: str, places: dict[str, str], anybody: Api) -> None:
    client = Client(raise_request_exception=False)
    addresses = [
        "sessions",
        "sessions/end",
        "authorizations",
        f"authorizations/{places['attempt']}/code",
        f"authorizations/{places['attempt']}/failure",
        f"wallets/{places['wallet']}/revoke",
        "orders",
        f"orders/{places['order']}/pay",
        f"orders/{places['order']}/cancel",
        f"orders/{places['order']}/refunds",
    ]

    @settings(max_examples=120, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(address=some.sampled_from(addresses), body=bodies, key=some.text(min_size=1, max_size=20))
    def ask(address: str, body: dict[str, Any], key: str) -> None:
        headers = {"Idempotency-Key": key, **({"Authorization": f"Bearer {token}"} if token else {})}
        response = client.post(f"/api/v1/{address}", json.dumps(body), content_type="application/json", headers=headers)
        assert response.status_code < 500 or response.json()["code"] in {"account_not_ready", "login_unknown"}
        anybody.description.check("POST", f"/api/v1/{address}", _Answer(response))  # type: ignore[arg-type]

    ask()


class _Answer:
    """Django's answer in the words of requests."""

    def __init__(self, response: Any) -> None:
        self.status_code = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.json = response.json


words = some.text(max_size=60)


def test_no_query_is_too_strange(server: Api, settings: LazySettings) -> None:
    settings.PORTAL_API_LIMITS = {}
    _query(server.token)


def _query(token: str) -> None:
    client = Client(raise_request_exception=False)

    @settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        address=some.sampled_from(["orders", "wallets", "products", "payment-methods"]),
        query=some.dictionaries(
            some.sampled_from(["cursor", "limit", "status", "customer", "reference", "currency", "x"]),
            words,
            max_size=3,
        ),
    )
    def ask(address: str, query: dict[str, str]) -> None:
        response = client.get(f"/api/v1/{address}", query, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code in {200, 400}

    ask()
