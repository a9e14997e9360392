"""Whom to message, over the API: the merchant's server gets what the desk lists, and nobody else does."""

from datetime import timedelta
from typing import Any

import pytest

from authorizations.models import WalletAccount
from portal import clock
from portal.sandbox.server import Sandbox
from tests import factories
from tests.api.conftest import Api, bind
from tests.api.test_costs import queries
from tests.api.test_nobody_elses import stranger  # noqa: F401 - a fixture
from tests.story import PHP, Acquirer, Customer, Shop


@pytest.fixture
def wallet(mini: Api, sandbox: Sandbox) -> dict[str, Any]:
    """Ana's bound GCash."""
    return bind(mini, sandbox)


def ending(wallet: dict[str, Any], days: int, **facts: Any) -> None:
    """Let its token end in so many days."""
    ends = clock.now() + timedelta(days=days)
    facts = {"refresh_token": "", "access_token_expires_at": ends, **facts}
    WalletAccount.objects.filter(public_id=wallet["id"]).update(**facts)


def test_what_ends_for_good_is_listed_with_what_hangs_on_it(
    server: Api, mini: Api, wallet: dict[str, Any], shop: Shop
) -> None:
    assert server.get("consents")["items"] == []
    ending(wallet, 20)
    mini.post(
        "subscriptions", {"plan": shop.offers(PHP(499_00), trial_days=40).code, "wallet_id": wallet["id"]}, status=201
    )

    (item,) = server.get("consents")["items"]
    ends = clock.now() + timedelta(days=20)
    assert item == {
        "wallet": wallet,
        "reason": "NOT_REFRESHABLE",
        "since": None,
        "ends_at": item["ends_at"],
        "last_refresh": None,
        "subscriptions": 1,
        "next_charges": [{"value": "49900", "currency": "PHP", "display": "499.00"}],
        "unpaid": [],
        "message": f"Your authorization of GCash ends on {ends:%-d %b %Y}. Please authorize it again before then.",
        "action": "authorize_again",
    }
    assert server.get("consents?days=19")["items"] == []
    assert server.refused("GET", "consents?days=0")["errors"][0]["parameter"] == "days"


def test_a_dead_token_is_listed_with_what_waits_until_its_buyer_has_agreed_again(
    server: Api, mini: Api, wallet: dict[str, Any], shop: Shop, acquirer: Acquirer, sandbox: Sandbox
) -> None:
    Customer(shop, "ana").revokes_in_the_wallet()  # GCash tells nobody
    plan = shop.offers(PHP(499_00))
    mini.post("subscriptions", {"plan": plan.code, "wallet_id": wallet["id"]}, status=201)
    shop.comes_to_rest()

    (item,) = server.get("consents?days=1")["items"]
    assert (item["reason"], item["wallet"]["status"], item["last_refresh"]["result"]) == (
        "TOKEN_DIED",
        "NEEDS_AUTHORIZATION",
        "REFUSED",
    )
    assert (item["subscriptions"], [amount["display"] for amount in item["unpaid"]]) == (1, ["499.00"])
    assert item["message"] == "Your authorization of GCash has ended. Please authorize it again."

    bind(mini, sandbox)
    shop.comes_to_rest()
    assert server.get("consents")["items"] == []
    assert acquirer.engine.taken_from("ana") == [PHP(499_00)]


def test_a_wallet_in_doubt_is_not_charged_and_says_so(
    mini: Api, wallet: dict[str, Any], shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN")
    ana = Customer(shop, wallet["customer"])
    shop.charges(shop.sells("One", PHP(10_00), to=ana), ana.wallet())
    two = shop.sells("Two", PHP(10_00), to=ana)

    problem = mini.refused("POST", f"orders/{two.number}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"})
    assert (problem["status"], problem["code"]) == (409, "wallet_in_doubt")
    shop.comes_to_rest()
    assert mini.post(f"orders/{two.number}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"})["status"] == "PAID"


def test_nobody_else_is_told(mini: Api, request: pytest.FixtureRequest, wallet: dict[str, Any]) -> None:
    ending(wallet, 3)
    problem = mini.refused("GET", "consents")
    assert (problem["status"], problem["code"]) == (403, "merchants_only")
    other: Api = request.getfixturevalue("stranger")
    assert other.get("consents")["items"] == []


def test_pages_follow_one_another_and_cost_the_same(server: Api, shop: Shop, wallet: dict[str, Any]) -> None:
    ending(wallet, 3)
    queries(server, "consents?limit=100")  # the key's first use is noted
    few, count = queries(server, "consents?limit=100")
    for _ in range(60):
        buyer = factories.BuyerFactory(account=shop.account)
        ends = clock.now() + timedelta(days=3)
        made = factories.WalletAccountFactory(buyer=buyer, refresh_token="", access_token_expires_at=ends)
        factories.SubscriptionFactory(buyer=buyer, wallet_account=made)
    assert count == 1
    assert queries(server, "consents?limit=100") == (few, 61)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = server.get(f"consents?limit=25{cursor and f'&cursor={cursor}'}")
        seen += [item["wallet"]["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
    assert (len(seen), len(set(seen))) == (61, 61)
