"""What belongs to somebody else looks exactly like what is not there."""

import json
import re
from typing import Any

import pytest

from payments.models import Payment
from portal import merchant_keys
from portal.actor import Actor
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api, bind
from tests.factories import AcquirerAccountFactory, PriceFactory
from tests.story import Acquirer, Shop

AMOUNT = {"value": "100", "currency": "PHP"}


@pytest.fixture
def places(mini: Api, server: Api, sandbox: Sandbox, shop: Shop) -> dict[str, str]:
    """Ana's wallet, attempt, orders and refund."""
    PriceFactory(product__account=shop.account, product__sku="pass")
    wallet = bind(mini, sandbox)
    attempt = mini.post("authorizations", {"wallet": "DANA", "os_type": "IOS"}, status=201)
    body = {"items": [{"sku": "pass", "quantity": 1}], "currency": "PHP"}
    paid, unpaid = (mini.post("orders", body, status=201)["number"] for _ in range(2))
    mini.post(f"orders/{paid}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"})
    refund = server.post(f"orders/{paid}/refunds", {"amount": AMOUNT}, status=201)
    return {
        "wallet": wallet["id"],
        "attempt": attempt["id"],
        "paid": paid,
        "unpaid": unpaid,
        "refund": refund["id"],
        "state": attempt["auth_state"],
    }


@pytest.fixture
def stranger(anybody: Api, shop: Shop) -> Api:
    """The server of another merchant account."""
    _, text = merchant_keys.create(AcquirerAccountFactory(), "another shop", by=Actor.command("test"))
    return Api(anybody.url, anybody.description, anybody.heard, text)


ADDRESSES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "authorizations/{attempt}", None),
    ("POST", "authorizations/{attempt}/code", {"auth_code": "x", "auth_state": "{state}"}),
    ("POST", "authorizations/{attempt}/failure", {"error": "6001"}),
    ("POST", "wallets/{wallet}/revoke", {}),
    ("GET", "orders/{paid}", None),
    ("POST", "orders/{unpaid}/pay", {"wallet_id": "{wallet}", "os_type": "IOS"}),
    ("POST", "orders/{unpaid}/cancel", {}),
    ("POST", "orders/{paid}/cancel", {}),
    ("POST", "orders/{paid}/refunds", {"amount": AMOUNT}),
    ("GET", "refunds/{refund}", None),
]


@pytest.mark.parametrize("who", ["other", "stranger"])
def test_every_address_of_somebody_elses_things_leads_nowhere(
    who: str, places: dict[str, str], mini: Api, other: Api, stranger: Api, acquirer: Acquirer
) -> None:
    caller = {"other": other, "stranger": stranger}[who]
    before = mini.get("orders"), mini.get("wallets"), mini.get(f"authorizations/{places['attempt']}")
    absent = dict.fromkeys(places, "X20260302")
    for method, path, body in ADDRESSES:
        filled = {
            name: value.format(**places) if isinstance(value, str) else value for name, value in (body or {}).items()
        }
        there = caller.refused(method, path.format(**places), filled if body is not None else None)
        nowhere = caller.refused(method, path.format(**absent), filled if body is not None else None)
        (named,) = re.findall(r"\{(\w+)\}", path)  # the id that was asked for is all that differs
        assert json.loads(json.dumps(there).replace(places[named], absent[named])) == nowhere, path
        assert (there["status"], there["code"]) == (404, "not_found"), path
    assert (mini.get("orders"), mini.get("wallets"), mini.get(f"authorizations/{places['attempt']}")) == before
    assert Payment.objects.count() == 1
    assert acquirer.calls("revoke") == []


@pytest.mark.parametrize("who", ["other", "stranger"])
def test_lists_hold_the_callers_own_things_only(who: str, places: dict[str, str], other: Api, stranger: Api) -> None:
    caller = {"other": other, "stranger": stranger}[who]
    assert caller.get("orders")["items"] == []
    assert caller.get("wallets")["items"] == []
    assert [item["wallet_account"] for item in caller.get("payment-methods")["items"] if item["wallet_account"]] == []


def test_a_buyer_pays_from_its_own_wallets_only(places: dict[str, str], other: Api) -> None:
    body = {"items": [{"sku": "pass", "quantity": 1}], "currency": "PHP"}
    number = other.post("orders", body, status=201)["number"]
    for wallet in (places["wallet"], "W0"):
        problem = other.refused("POST", f"orders/{number}/pay", {"wallet_id": wallet, "os_type": "IOS"})
        assert (problem["status"], problem["code"]) == (404, "not_found")
    assert Payment.objects.count() == 1


def test_another_account_has_its_own_products(stranger: Api, shop: Shop) -> None:
    PriceFactory(product__account=shop.account, product__sku="pass")
    assert stranger.get("products")["items"] == []


def test_another_accounts_customer_of_the_same_name_is_another_customer(server: Api, stranger: Api, shop: Shop) -> None:
    body = {"customer": "customer-1", "amount": AMOUNT, "description": "Pass", "reference": "INV-1"}
    mine, theirs = (caller.post("orders", body, status=201) for caller in (server, stranger))
    assert mine["number"] != theirs["number"]
    assert [item["number"] for item in server.get("orders?customer=customer-1")["items"]] == [mine["number"]]
