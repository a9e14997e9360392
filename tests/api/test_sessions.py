"""Who calls: logins by the wallet, sessions opened by the merchant, keys, and their ends."""

import hashlib

import pytest

from authorizations.models import Buyer, BuyerSession
from portal import merchant_keys
from portal.actor import Actor
from portal.models import AcquirerAccount, Exchange, JournalEntry, MerchantKey
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api, log_in
from tests.factories import AcquirerAccountFactory
from tests.story import Acquirer, Shop, StoryClock


def test_the_same_wallet_user_is_the_same_buyer_at_every_login(anybody: Api, sandbox: Sandbox, shop: Shop) -> None:
    log_in(anybody, sandbox, "ana")
    log_in(anybody, sandbox, "ana")
    log_in(anybody, sandbox, "paolo")
    references = [buyer.reference for buyer in Buyer.objects.order_by("pk")]
    assert len(references) == 2
    assert all(reference.startswith("GCASH-") for reference in references)
    assert BuyerSession.objects.count() == 3


def test_the_wallets_id_of_its_user_is_kept_nowhere_in_the_clear(anybody: Api, sandbox: Sandbox, shop: Shop) -> None:
    log_in(anybody, sandbox, "ana")
    exchange = Exchange.objects.get(api="walletLogin")
    customer_id = exchange.response_body.decode().split('"customerId":"')[1].split('"')[0]
    assert len(customer_id) > 5
    assert customer_id not in exchange.masked_response
    assert customer_id not in "".join(anybody.heard)
    assert customer_id not in Buyer.objects.get().reference


def test_a_login_code_works_once(anybody: Api, sandbox: Sandbox, shop: Shop) -> None:
    code = sandbox.engine.login_code("GCASH", "ana")
    anybody.post("sessions", {"login_code": code, "site_name": "GCASH"}, status=201)
    problem = anybody.refused("POST", "sessions", {"login_code": code, "site_name": "GCASH"})
    assert (problem["status"], problem["code"]) == (401, "login_refused")
    assert "USED_CODE" in problem["detail"]
    assert BuyerSession.objects.count() == 1


def test_a_code_of_another_wallet_logs_nobody_in(anybody: Api, sandbox: Sandbox, shop: Shop) -> None:
    code = sandbox.engine.login_code("GCASH", "ana")
    assert anybody.refused("POST", "sessions", {"login_code": code, "site_name": "DANA"})["code"] == "login_refused"
    assert BuyerSession.objects.count() == 0


def test_a_lost_login_answer_logs_nobody_in(anybody: Api, acquirer: Acquirer, shop: Shop) -> None:
    acquirer.will("answer_lost", api="login")
    code = acquirer.engine.login_code("GCASH", "ana")
    problem = anybody.refused("POST", "sessions", {"login_code": code, "site_name": "GCASH"})
    assert (problem["status"], problem["code"]) == (503, "login_unknown")
    assert BuyerSession.objects.count() == 0
    assert Exchange.objects.get(api="walletLogin").error == "connection_lost"


def test_without_a_wallet_login_only_the_merchant_opens_sessions(
    anybody: Api, server: Api, settings: object, shop: Shop
) -> None:
    settings.PORTAL_WALLET_LOGIN_URL = ""  # type: ignore[attr-defined]
    problem = anybody.refused("POST", "sessions", {"login_code": "x", "site_name": "GCASH"})
    assert (problem["status"], problem["code"]) == (403, "logins_off")
    opened = server.post("sessions", {"customer": "customer-8812"}, status=201)
    assert (opened["customer"], opened["site_name"], opened["account"]) == ("customer-8812", "", "sandbox")
    buyer = Api(anybody.url, anybody.description, anybody.heard, opened["token"])
    assert buyer.get("wallets") == {"items": [], "next_cursor": None}


def test_with_several_accounts_a_login_says_which(anybody: Api, sandbox: Sandbox, shop: Shop) -> None:
    AcquirerAccountFactory(slug="second")
    body = {"login_code": sandbox.engine.login_code("GCASH", "ana"), "site_name": "GCASH"}
    problem = anybody.refused("POST", "sessions", body)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("#/account", "unknown_account")]
    assert anybody.post("sessions", {**body, "account": "sandbox"}, status=201)["account"] == "sandbox"


def test_a_disabled_account_takes_no_logins(anybody: Api, sandbox: Sandbox, account: AcquirerAccount) -> None:
    AcquirerAccount.objects.update(is_enabled=False)
    body = {"login_code": sandbox.engine.login_code("GCASH", "ana"), "site_name": "GCASH"}
    assert anybody.refused("POST", "sessions", body)["errors"][0]["pointer"] == "#/account"


def test_a_session_ends_with_its_hours_and_with_the_buyers_wish(
    mini: Api, anybody: Api, sandbox: Sandbox, story_clock: StoryClock, shop: Shop
) -> None:
    second = log_in(anybody, sandbox, "ana")
    second.post("sessions/end")
    assert second.refused("GET", "wallets")["code"] == "session_expired"
    assert mini.get("wallets")["items"] == []
    shop.clock_moves(hours=24)
    problem = mini.refused("GET", "wallets")
    assert (problem["status"], problem["code"]) == (401, "session_expired")


def test_a_401_says_how_to_authenticate(anybody: Api, shop: Shop) -> None:
    assert anybody.call("GET", "wallets").headers["www-authenticate"] == 'Bearer realm="api"'


def test_a_merchant_key_is_kept_as_a_digest_and_journaled(account: AcquirerAccount) -> None:
    key, text = merchant_keys.create(account, "till", by=Actor.command("test"))
    assert text.startswith("mk_")
    assert len(text) > 40
    assert key.digest == hashlib.sha256(text.encode()).hexdigest()
    assert text.startswith(key.prefix)
    assert text not in repr(list(MerchantKey.objects.values()))
    assert [line.act for line in JournalEntry.objects.all()] == ["create merchant key"]


def test_a_revoked_merchant_key_opens_nothing(server: Api, account: AcquirerAccount) -> None:
    assert server.get("orders")["items"] == []
    key = MerchantKey.objects.get()
    assert key.last_used_at is not None
    merchant_keys.revoke(key, by=Actor.command("test"), note="left the company")
    problem = server.refused("GET", "orders")
    assert (problem["status"], problem["code"]) == (401, "key_unknown")


@pytest.mark.parametrize("code", ["INVALID_CODE", "USED_CODE", "EXPIRED_CODE", "INVALID_AUTH_CLIENT"])
def test_each_refusal_of_the_wallet_is_said_and_logs_nobody_in(code: str, anybody: Api, acquirer: Acquirer) -> None:
    acquirer.will("answer_code", api="login", code=code)
    body = {"login_code": acquirer.engine.login_code("GCASH", "ana"), "site_name": "GCASH"}
    problem = anybody.refused("POST", "sessions", body)
    assert (problem["status"], problem["code"]) == (401, "login_refused")
    assert code in problem["detail"]
    assert BuyerSession.objects.count() == 0


@pytest.mark.parametrize("fault", ["answer_unsigned", "answer_wrongly_signed", "http_500", "request_lost"])
def test_an_answer_nobody_can_believe_logs_nobody_in(fault: str, anybody: Api, acquirer: Acquirer) -> None:
    acquirer.will(fault, api="login")
    body = {"login_code": acquirer.engine.login_code("GCASH", "ana"), "site_name": "GCASH"}
    problem = anybody.refused("POST", "sessions", body)
    assert (problem["status"], problem["code"]) == (503, "login_unknown")
    assert BuyerSession.objects.count() == 0


def test_the_wallets_login_may_live_elsewhere_and_never_over_plain_http(
    anybody: Api, sandbox: Sandbox, settings: object, shop: Shop
) -> None:
    body = {"login_code": sandbox.engine.login_code("GCASH", "ana"), "site_name": "GCASH"}
    settings.PORTAL_WALLET_LOGIN_URL = "http://wallet.example/v1/authorizations/applyToken"  # type: ignore[attr-defined]
    assert anybody.refused("POST", "sessions", body)["code"] == "login_unknown"
    assert Exchange.objects.get(api="walletLogin").error == "plain_http_refused"
    settings.PORTAL_WALLET_LOGIN_URL = f"{sandbox.url}/v1/authorizations/applyToken"  # type: ignore[attr-defined]
    assert anybody.post("sessions", body, status=201)["site_name"] == "GCASH"
