"""Recurring charges over the API: a buyer's own, a merchant's metered amounts, and what ends with a consent."""

from typing import Any

import pytest

from payments.models import Payment, Subscription
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api, bind, log_in
from tests.api.test_nobody_elses import stranger  # noqa: F401 - a fixture
from tests.story import PHP, Acquirer, Shop


@pytest.fixture
def wallet(mini: Api, sandbox: Sandbox) -> dict[str, Any]:
    """Ana's bound GCash."""
    return bind(mini, sandbox)


def start(api: Api, plan: str, wallet: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Subscribe."""
    body = {"plan": plan, "wallet_id": wallet["id"], **more}
    begun: dict[str, Any] = api.post("subscriptions", body, status=201)
    return begun


def test_a_buyer_sees_what_is_next_pauses_resumes_skips_and_cancels(
    anybody: Api, mini: Api, wallet: dict[str, Any], shop: Shop, acquirer: Acquirer, sandbox: Sandbox
) -> None:
    plan = shop.offers(PHP(499_00), anchor_day=31)
    assert [item["code"] for item in mini.get("plans")["items"]] == [plan.code]

    begun = start(mini, plan.code, wallet)
    assert (begun["status"], begun["next_on"], begun["next_amount"]["display"]) == ("ACTIVE", "2026-03-31", "499.00")
    path = f"subscriptions/{begun['id']}"
    assert mini.post(f"{path}/skip", {"due_on": "2026-03-31"})["next_on"] == "2026-04-30"
    assert mini.refused("POST", f"{path}/skip", {"due_on": "2026-05-01"})["code"] == "no_such_due_date"
    assert mini.post(f"{path}/pause")["next_on"] is None
    assert mini.post(f"{path}/resume")["next_on"] == "2026-04-30"
    shop.clock_moves(days=60)
    mini = log_in(anybody, sandbox, "ana")  # the session of March has ended
    shown = mini.get(path)
    assert [(cycle["due_on"], cycle["status"]) for cycle in shown["cycles"]] == [
        ("2026-04-30", "PAID"),
        ("2026-03-31", "SKIPPED"),
    ]
    assert mini.post(f"{path}/cancel", {"at": "PERIOD_END"})["ends_with_period"] is True
    assert mini.post(f"{path}/cancel")["status"] == "CANCELLED"
    assert mini.refused("POST", f"{path}/pause", {})["code"] == "subscription_not_possible"
    assert acquirer.engine.taken_from("ana") == [PHP(499_00)]


def test_before_a_revoke_what_ends_is_named(mini: Api, server: Api, wallet: dict[str, Any], shop: Shop) -> None:
    begun = start(mini, shop.offers(PHP(499_00), trial_days=3).code, wallet)
    assert [item["id"] for item in mini.get(f"subscriptions?wallet_id={wallet['id']}")["items"]] == [begun["id"]]
    assert mini.get("subscriptions?wallet_id=W0")["items"] == []
    over = start(mini, shop.offers(PHP(1_00), trial_days=3).code, wallet)
    mini.post(f"subscriptions/{over['id']}/cancel")
    assert [item["id"] for item in mini.get(f"subscriptions?wallet_id={wallet['id']}")["items"]] == [begun["id"]]
    cancelled = mini.get(f"subscriptions?wallet_id={wallet['id']}&status=CANCELLED")["items"]
    assert [item["id"] for item in cancelled] == [over["id"]]

    mini.post(f"wallets/{wallet['id']}/revoke")
    shop.clock_moves(days=4)
    assert server.get(f"subscriptions/{begun['id']}")["status"] == "CANCELLED"
    assert Payment.objects.count() == 0


def test_the_same_key_starts_one(mini: Api, wallet: dict[str, Any], shop: Shop) -> None:
    body = {"plan": shop.offers(PHP(499_00)).code, "wallet_id": wallet["id"]}
    first = mini.post("subscriptions", body, status=201, key="once")
    again = mini.call("POST", "subscriptions", body, key="once")
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (first["id"], "true")
    assert Subscription.objects.count() == 1


def test_the_merchants_server_posts_what_a_meter_says(
    server: Api, mini: Api, wallet: dict[str, Any], shop: Shop, acquirer: Acquirer
) -> None:
    plan = shop.offers(None, name="Electricity")
    agreed = {"customer": wallet["customer"], "most": {"value": "50000", "currency": "PHP"}, "reference": "M1"}
    begun = start(server, plan.code, wallet, **agreed)
    shop.comes_to_rest()
    path = f"subscriptions/{begun['id']}"
    posted = {"due_on": "2026-03-02", "amount": {"value": "30000", "currency": "PHP"}}
    assert mini.refused("POST", f"{path}/amounts", posted)["code"] == "merchants_only"
    too_much = posted | {"amount": {"value": "50001", "currency": "PHP"}}
    problem = server.refused("POST", f"{path}/amounts", too_much)
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("amount_above_agreed", "#/amount")
    server.post(f"{path}/amounts", posted)
    shop.comes_to_rest()
    assert server.refused("POST", f"{path}/amounts", posted)["code"] == "no_such_due_date"
    assert acquirer.engine.taken_from("ana") == [PHP(300_00)]
    assert [item["id"] for item in server.get("subscriptions?reference=M1")["items"]] == [begun["id"]]


def test_who_pays_an_unpaid_cycle_by_hand_is_charged_once(
    mini: Api, wallet: dict[str, Any], shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("answer_code", api="pay", code="USER_BALANCE_NOT_ENOUGH")
    begun = start(mini, shop.offers(PHP(499_00)).code, wallet)
    shop.comes_to_rest()
    shown = mini.get(f"subscriptions/{begun['id']}")
    assert (shown["status"], shown["trouble"]["action"]) == ("IN_GRACE", "choose_another_wallet")
    assert shown["cycles"][0]["next_try_at"] is not None

    paid = mini.post(f"orders/{shown['cycles'][0]['order']}/pay", {"wallet_id": wallet["id"], "os_type": "IOS"})
    assert paid["status"] == "PAID"
    assert mini.get(f"subscriptions/{begun['id']}")["status"] == "ACTIVE"
    shop.clock_moves(days=20)
    assert acquirer.engine.taken_from("ana") == [PHP(499_00)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"plan": "nothing"}, "plan_not_offered"),
        ({"most": {"value": "100", "currency": "PHP"}}, "invalid_input"),
        ({"ends_on": "2026-02-30"}, "invalid_input"),
        ({"ends_on": "2026-01-01"}, "invalid_input"),
        ({"wallet_id": "W0"}, "not_found"),
    ],
)
def test_what_cannot_be_agreed_to_is_refused_in_words(
    body: dict[str, Any], code: str, mini: Api, wallet: dict[str, Any], shop: Shop
) -> None:
    whole = {"plan": shop.offers(PHP(499_00)).code, "wallet_id": wallet["id"]} | body
    problem = mini.refused("POST", "subscriptions", whole)
    assert problem["code"] == code
    assert Subscription.objects.count() == 0


@pytest.mark.parametrize("who", ["other", "stranger"])
def test_somebody_elses_subscription_is_not_there(
    who: str, request: pytest.FixtureRequest, mini: Api, wallet: dict[str, Any], shop: Shop
) -> None:
    begun = start(mini, shop.offers(PHP(499_00), trial_days=3).code, wallet)
    caller: Api = request.getfixturevalue(who)
    assert caller.get("subscriptions")["items"] == []
    path = f"subscriptions/{begun['id']}"
    bodies: dict[str, dict[str, Any]] = {
        "skip": {"due_on": "2026-03-05"},
        "change": {"plan": "plan-1"},
        "amounts": {"due_on": "2026-03-05", "amount": {"value": "100", "currency": "PHP"}},
    }
    assert caller.refused("GET", path)["code"] == "not_found"
    for verb in ("pause", "resume", "skip", "change", "cancel", "amounts"):
        assert caller.refused("POST", f"{path}/{verb}", bodies.get(verb, {}))["code"] == "not_found"
    body = {"plan": "plan-1", "wallet_id": wallet["id"]} | ({"customer": "ana"} if who == "stranger" else {})
    assert caller.refused("POST", "subscriptions", body)["code"] in ("not_found", "plan_not_offered")
    assert mini.get(path)["status"] == "ACTIVE"
