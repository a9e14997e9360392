"""The page a wallet sends the buyer back to by browser."""

import re
from typing import Any

import pytest
import requests

from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus
from portal.models import Incident
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api
from tests.story import Acquirer, Shop


@pytest.fixture
def begun(mini: Api) -> dict[str, Any]:
    """An attempt that waits for the buyer."""
    attempt: dict[str, Any] = mini.post("authorizations", {"site_name": "GCASH", "os_type": "ANDROID"}, status=201)
    return attempt


def come_back(url: str) -> requests.Response:
    """Follow the wallet's redirect as a browser does."""
    return requests.get(url, timeout=30)


def heading(response: requests.Response) -> str:
    """What the page says first."""
    found = re.search(r"<h1>(.*?)</h1>", response.text)
    assert found, response.text
    return found[1]


def test_the_redirect_binds_and_leaves_no_code_behind(mini: Api, begun: dict[str, Any], sandbox: Sandbox) -> None:
    decision = sandbox.engine.agree(begun["sign_str"], "ana")
    assert f"/return/{begun['id']}?" in decision.return_url
    response = come_back(decision.return_url)
    assert (response.status_code, heading(response)) == (200, "GCash is linked")
    assert decision.auth_code not in response.url
    assert decision.auth_code not in response.text
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "no-store" in response.headers["cache-control"]
    assert mini.get(f"authorizations/{begun['id']}")["status"] == "BOUND"


def test_redirect_jsapi_and_a_reload_bind_once(
    mini: Api, begun: dict[str, Any], sandbox: Sandbox, acquirer: Acquirer
) -> None:
    decision = sandbox.engine.agree(begun["sign_str"], "ana")
    body = {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    assert mini.post(f"authorizations/{begun['id']}/code", body)["status"] == "BOUND"
    for _ in range(2):
        assert heading(come_back(decision.return_url)) == "GCash is linked"
    assert len(acquirer.calls("applyToken")) == 1
    assert WalletAccount.objects.count() == 1


def test_alipay_cn_comes_by_its_own_browser_by_message_and_by_the_mini_program(
    mini: Api, sandbox: Sandbox, acquirer: Acquirer
) -> None:
    """The page lies over the mini program, which brings the same code when the buyer closes it."""
    attempt = mini.post("authorizations", {"site_name": "ALIPAY_CN", "os_type": "ANDROID"}, status=201)
    decision = sandbox.engine.agree(attempt["sign_str"], "meiling")
    page = come_back(decision.return_url)
    assert heading(page) == "Alipay is linked"
    assert "Close this page: the shop is right behind it and knows already." in page.text
    acquirer.tick()
    body = {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    assert mini.post(f"authorizations/{attempt['id']}/code", body)["status"] == "BOUND"
    assert heading(come_back(decision.return_url)) == "Alipay is linked"
    assert len(acquirer.calls("applyToken")) == 1
    assert WalletAccount.objects.get().wallet == "ALIPAY_CN"


def test_alipay_cn_refused_in_its_own_browser_is_tried_again_behind_it(mini: Api, sandbox: Sandbox) -> None:
    attempt = mini.post("authorizations", {"site_name": "ALIPAY_CN", "os_type": "ANDROID"}, status=201)
    page = come_back(sandbox.engine.refuse(attempt["sign_str"]).return_url)
    assert heading(page) == "Alipay was not linked"
    assert "Close this page to try again in the shop." in page.text


def test_why_nothing_was_linked_is_said_in_the_buyers_language(mini: Api, begun: dict[str, Any], shop: Shop) -> None:
    mini.post(f"authorizations/{begun['id']}/failure", {"error": "6001"})
    page = requests.get(f"{mini.url}/return/{begun['id']}", headers={"accept-language": "zh-CN"}, timeout=30)
    assert "您未同意授权，未绑定任何钱包。" in page.text


def test_a_refusal_is_known_by_the_missing_code(begun: dict[str, Any], sandbox: Sandbox, mini: Api) -> None:
    decision = sandbox.engine.refuse(begun["sign_str"])
    response = come_back(decision.return_url)
    assert heading(response) == "GCash was not linked"
    assert "You did not agree" in response.text
    assert mini.get(f"authorizations/{begun['id']}")["status"] == "CANCELLED"


@pytest.mark.parametrize("query", ["?authCode=&authState=", "", "?authCode=abc", "?authState="])
def test_anything_missing_or_empty_means_refused(query: str, begun: dict[str, Any], portal_url: str) -> None:
    response = come_back(f"{portal_url}/return/{begun['id']}{query}")
    assert heading(response) == "GCash was not linked"
    assert Authorization.objects.get().status == AuthorizationStatus.CANCELLED


@pytest.mark.parametrize(
    "state",
    ["A20260302FORGED", "x" * 300, "%00", "%F0%9F%98%80", "a%20b"],
    ids=["other", "long", "nul", "emoji", "blank"],
)
def test_a_wrong_authstate_binds_nothing(state: str, begun: dict[str, Any], sandbox: Sandbox, portal_url: str) -> None:
    decision = sandbox.engine.agree(begun["sign_str"], "ana")
    response = come_back(f"{portal_url}/return/{begun['id']}?authCode={decision.auth_code}&authState={state}")
    assert (response.status_code, heading(response)) == (400, "This could not be used")
    assert decision.auth_code not in response.text
    assert Authorization.objects.get().status == AuthorizationStatus.OFFERED
    assert WalletAccount.objects.count() == 0
    assert Incident.objects.count() == (1 if state == "A20260302FORGED" else 0)


def test_a_refusal_with_a_foreign_authstate_refuses_nothing(begun: dict[str, Any], portal_url: str) -> None:
    response = come_back(f"{portal_url}/return/{begun['id']}?authState=A20260302FORGED")
    assert heading(response) == "Waiting for GCash"
    assert Authorization.objects.get().status == AuthorizationStatus.OFFERED


def test_while_it_is_being_confirmed_the_page_looks_again(
    begun: dict[str, Any], acquirer: Acquirer, shop: Shop
) -> None:
    acquirer.will("request_lost", api="applyToken")
    decision = acquirer.engine.agree(begun["sign_str"], "ana")
    response = come_back(decision.return_url)
    assert (heading(response), response.headers["refresh"]) == ("Being confirmed", "3")
    shop.clock_moves(minutes=1)
    response = come_back(response.url)
    assert heading(response) == "GCash is linked"
    assert "refresh" not in response.headers


def test_a_code_used_up_says_authorize_again(begun: dict[str, Any], acquirer: Acquirer) -> None:
    acquirer.will("answer_code", api="applyToken", code="INVALID_AUTHCODE")
    decision = acquirer.engine.agree(begun["sign_str"], "ana")
    response = come_back(decision.return_url)
    assert heading(response) == "GCash was not linked"
    assert "The authorization has run out. Authorize again." in response.text


@pytest.mark.parametrize("place", ["B0", "B0/result", "%00", "x" * 80, "1'--"])
def test_an_address_nobody_gave_out_is_not_found(place: str, portal_url: str, mini: Api) -> None:
    assert come_back(f"{portal_url}/return/{place}").status_code == 404


def test_the_way_back_is_the_merchants_and_never_a_strangers(
    mini: Api, server: Api, sandbox: Sandbox, portal_url: str
) -> None:
    by_server = {"customer": "customer-1", "wallet": "GCASH", "return_to": "https://shop.example/wallets?a=1&b=2"}
    begun = server.post("authorizations", by_server, status=201)
    page = come_back(sandbox.engine.agree(begun["sign_str"], "ana").return_url).text
    assert 'href="https://shop.example/wallets?a=1&amp;b=2"' in page
    for caller, return_to in (
        (mini, "https://evil.example/"),
        (server, "javascript:alert(1)"),
        (server, "//evil.example"),
        (server, "https://[broken"),
    ):
        body = {"wallet": "TNG", "os_type": "IOS", "return_to": return_to}
        if caller is server:
            body["customer"] = "customer-2"
        begun = caller.post("authorizations", body, status=201)
        page = come_back(f"{portal_url}/return/{begun['id']}/result").text
        assert "evil" not in page
        assert "javascript" not in page
        assert 'class="button"' not in page


def test_the_page_obeys_our_policy(begun: dict[str, Any], portal_url: str) -> None:
    response = come_back(f"{portal_url}/return/{begun['id']}/result")
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert not re.search(r"<script|<style|style=|\son\w+=", response.text)
    assert requests.post(f"{portal_url}/return/{begun['id']}", timeout=30).status_code in {403, 405}
