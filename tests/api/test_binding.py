"""Binding over the API: every way the buyer may come back, for a mini program and for a merchant's server."""

from typing import Any

import pytest
import requests

from authorizations.models import Authorization, Buyer, WalletAccount
from portal.models import Incident
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api, bind
from tests.story import Acquirer, Shop

BEGIN = {"site_name": "GCASH", "os_type": "ANDROID"}


def begin(api: Api, **more: Any) -> dict[str, Any]:
    """An attempt, just begun."""
    begun: dict[str, Any] = api.post("authorizations", {**BEGIN, **more}, status=201)
    return begun


def test_the_attempt_shows_what_to_sign_once_and_never_again(mini: Api) -> None:
    begun = begin(mini, return_to="pages/checkout?order=7")
    assert begun["status"] == "OFFERED"
    assert begun["sign_str"].startswith("http")
    assert begun["return_to"] == "pages/checkout?order=7"
    asked = mini.get(f"authorizations/{begun['id']}")
    assert (asked["status"], asked["sign_str"], asked["auth_state"]) == ("OFFERED", None, None)


@pytest.mark.parametrize(
    ("terminal_type", "wallet", "user", "opens", "named"),
    [
        ("APP", "DANA", "budi", "applink_url", {"normal_url", "applink_url", "app_identifier"}),
        ("APP", "GCASH", "ana", "normal_url", {"normal_url", "app_identifier"}),
        ("WAP", "DANA", "budi", "normal_url", {"normal_url", "app_identifier"}),
        ("WEB", "DANA", "budi", "normal_url", {"normal_url"}),
    ],
)
def test_each_client_gets_the_url_that_works_there(
    server: Api, sandbox: Sandbox, terminal_type: str, wallet: str, user: str, opens: str, named: set[str]
) -> None:
    body = {"customer": user, "wallet": wallet, "terminal_type": terminal_type}
    if terminal_type != "WEB":
        body["os_type"] = "IOS"
    begun = server.post("authorizations", body, status=201)
    assert {name for name, value in begun["links"].items() if value} == named
    assert begun["sign_str"] == begun["links"][opens]
    assert server.get(f"authorizations/{begun['id']}")["links"] is None

    decision = sandbox.engine.agree(begun["sign_str"], user)
    assert requests.get(decision.return_url, timeout=20).status_code == 200
    assert server.get(f"authorizations/{begun['id']}")["status"] == "BOUND"
    held = Authorization.objects.get(public_id=begun["id"])
    assert (held.auth_url, held.links) == ("", "")


def test_a_bound_wallet_is_answered_at_once(mini: Api, sandbox: Sandbox) -> None:
    wallet = bind(mini, sandbox)
    again = mini.post("authorizations", BEGIN, status=200)
    assert (again["id"], again["status"], again["wallet_account"]) == (None, "BOUND", wallet)
    assert Authorization.objects.count() == 1


def test_the_code_with_another_authstate_is_an_incident_and_binds_nothing(mini: Api, sandbox: Sandbox) -> None:
    begun = begin(mini)
    decision = sandbox.engine.agree(begun["sign_str"], "ana")
    path = f"authorizations/{begun['id']}/code"
    problem = mini.refused("POST", path, {"auth_code": decision.auth_code, "auth_state": "A20260302FORGED"})
    assert (problem["status"], problem["code"]) == (422, "auth_state_mismatch")
    assert WalletAccount.objects.count() == 0
    assert Incident.objects.get().kind == "AUTH_STATE_MISMATCH"
    # The right one still works.
    body = {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    assert mini.post(path, body)["status"] == "BOUND"


def test_one_buyer_cannot_bring_the_code_another_agreed_to(mini: Api, other: Api, sandbox: Sandbox) -> None:
    mine, theirs = begin(mini), begin(other)
    decision = sandbox.engine.agree(mine["sign_str"], "ana")
    body = {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    assert other.refused("POST", f"authorizations/{mine['id']}/code", body)["status"] == 404
    problem = other.refused("POST", f"authorizations/{theirs['id']}/code", body)
    assert problem["code"] == "auth_state_mismatch"
    assert WalletAccount.objects.count() == 0


def test_bringing_the_code_twice_binds_once(mini: Api, sandbox: Sandbox, acquirer: Acquirer) -> None:
    begun = begin(mini)
    decision = sandbox.engine.agree(begun["sign_str"], "ana")
    body = {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    answers = [mini.post(f"authorizations/{begun['id']}/code", body) for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(acquirer.calls("applyToken")) == 1


def test_a_lost_token_answer_is_being_confirmed_and_heals(mini: Api, acquirer: Acquirer, shop: Shop) -> None:
    begun = begin(mini)
    acquirer.will("request_lost", api="applyToken")
    decision = acquirer.engine.agree(begun["sign_str"], "ana")
    body = {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    answer = mini.post(f"authorizations/{begun['id']}/code", body)
    assert (answer["status"], answer["status_text"], answer["wallet_account"]) == (
        "CODE_RECEIVED",
        "Being confirmed",
        None,
    )
    shop.clock_moves(minutes=1)
    assert mini.get(f"authorizations/{begun['id']}")["status"] == "BOUND"


def test_what_signcontract_reports_moves_only_what_is_certain(mini: Api, sandbox: Sandbox) -> None:
    begun = begin(mini)
    path = f"authorizations/{begun['id']}/failure"
    assert mini.post(path, {"error": 7001})["status"] == "OFFERED"
    assert mini.post(path, {"error": "somethingNew"})["status"] == "OFFERED"
    refused = mini.post(path, {"error": "6001"})
    assert (refused["status"], refused["reason"]["code"]) == ("CANCELLED", "6001")
    second = begin(mini)
    failed = mini.post(f"authorizations/{second['id']}/failure", {"error": 7002})
    assert (failed["status"], failed["reason"]["text"]) == ("FAILED", "The wallet could not authorize. Try again.")
    # Whoever agreed after all, has agreed.
    decision = sandbox.engine.agree(begun["sign_str"], "ana")
    body = {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    assert mini.post(f"authorizations/{begun['id']}/code", body)["status"] == "BOUND"


def test_an_acquirer_that_refuses_is_a_failed_attempt_with_a_reason(mini: Api, acquirer: Acquirer) -> None:
    acquirer.will("answer_code", api="consult", code="NO_PAY_OPTIONS")
    begun = begin(mini)
    assert (begun["status"], begun["sign_str"]) == ("FAILED", None)
    assert begun["reason"] == {"code": "NO_PAY_OPTIONS", "text": "This wallet is not available at the moment."}


def test_an_attempt_nobody_came_back_from_has_run_out(mini: Api, shop: Shop) -> None:
    begun = begin(mini)
    shop.clock_moves(minutes=31)
    asked = mini.get(f"authorizations/{begun['id']}")
    assert (asked["status"], asked["reason"]["code"]) == ("EXPIRED", "EXPIRED")


def test_the_merchants_server_binds_for_its_customer(server: Api, sandbox: Sandbox) -> None:
    body = {"customer": "customer-8812", "wallet": "GCASH", "return_to": "https://shop.example/wallets"}
    begun = server.post("authorizations", body, status=201)
    assert Buyer.objects.get().reference == "customer-8812"
    decision = sandbox.engine.agree(begun["sign_str"], "ana")
    bound = server.post(
        f"authorizations/{begun['id']}/code", {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    )
    assert bound["wallet_account"]["customer"] == "customer-8812"
    assert [item["id"] for item in server.get("wallets?customer=customer-8812")["items"]] == [
        bound["wallet_account"]["id"]
    ]
    assert server.get("wallets?customer=nobody")["items"] == []
    methods = {item["wallet"]: item for item in server.get("payment-methods?customer=customer-8812")["items"]}
    assert methods["GCASH"]["wallet_account"]["id"] == bound["wallet_account"]["id"]
    assert server.get("payment-methods")["items"][0]["wallet_account"] is None


def test_payment_methods_tell_limits_in_the_wallets_own_currency(mini: Api) -> None:
    methods = {item["wallet"]: item for item in mini.get("payment-methods")["items"]}
    assert list(methods)[:2] == ["GCASH", "DANA"]
    assert methods["TRUEMONEY"]["minimum"] == {"value": "100", "currency": "THB", "display": "1.00"}
    assert methods["TRUEMONEY"]["maximum"] == {"value": "3000000", "currency": "THB", "display": "30,000.00"}
    assert methods["DANA"]["minimum"]["display"] == "300"
    assert methods["KAKAOPAY"]["currency"] == "KRW"
    assert [item["wallet"] for item in methods.values() if item["is_here"]] == ["GCASH"]


def test_a_wallet_ended_in_the_wallets_app_is_seen_at_the_next_look(mini: Api, sandbox: Sandbox, shop: Shop) -> None:
    begun = mini.post("authorizations", {"wallet": "TNG", "os_type": "IOS"}, status=201)
    decision = sandbox.engine.agree(begun["sign_str"], "farah")
    body = {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    assert mini.post(f"authorizations/{begun['id']}/code", body)["status"] == "BOUND"
    sandbox.engine.revoke_in_the_wallet("farah", "TNG", reason="no longer needed")
    shop.comes_to_rest()
    wallets = mini.get("wallets?status=REVOKED")["items"]
    assert [(item["wallet"], item["status"]) for item in wallets] == [("TNG", "REVOKED")]


def test_a_revoke_whose_answer_is_lost_is_revoking_until_it_is_known(
    mini: Api, sandbox: Sandbox, acquirer: Acquirer, shop: Shop
) -> None:
    wallet = bind(mini, sandbox)
    acquirer.will("request_lost", api="revoke")
    assert mini.post(f"wallets/{wallet['id']}/revoke", {"note": "too many apps"})["status"] == "REVOKING"
    shop.clock_moves(minutes=1)
    assert mini.get("wallets")["items"][0]["status"] == "REVOKED"
