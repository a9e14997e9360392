"""Hosted pages: a link of the merchant's server, a browser, and what it may do. Forms as a browser sends them."""

import html
import re
from datetime import timedelta

import pytest
import requests
from django.utils import translation

from authorizations.models import Authorization, BuyerSession, WalletAccount
from authorizations.states import WalletStatus
from payments.hosted import pictures
from payments.models import Order, Payment
from payments.states import PaymentStatus
from portal.models import PaymentMethod
from portal.sandbox.server import Sandbox
from tests.api.conftest import Api
from tests.story import PHP, Acquirer, Shop, StoryClock

CUSTOMER = "ana"
PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36"


class Tab:
    """A browser that knows no script: it follows links, and presses buttons of forms."""

    def __init__(self, agent: str = "Mozilla/5.0 (X11; Linux x86_64)") -> None:
        self._session = requests.Session()
        self._session.headers["User-Agent"] = agent
        self.page: requests.Response

    def opens(self, url: str) -> "Tab":
        """Go there."""
        self.page = self._session.get(url, timeout=30)
        return self

    def enters(self, url: str) -> "Tab":
        """Go to a link and take it."""
        return self.opens(url).presses("Go on")

    def presses(self, words: str, **choices: str) -> "Tab":
        """Send the form with that button."""
        form, button = self._form(words)
        sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        sent |= dict(re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)" checked', form))
        self._sends(form, {**sent, **dict(re.findall(r'name="([^"]+)" value="([^"]*)"', button)), **choices})
        return self

    def _form(self, words: str) -> tuple[str, str]:
        for form in re.findall(r"<form.*?</form>", self.page.text, re.DOTALL):
            for button in re.findall(r"<button.*?</button>", form, re.DOTALL):
                if words in (told(button), *re.findall(r'aria-label="([^"]*)"', button)):
                    return form, button
        raise AssertionError(f"There is no button {words!r} in {told(self.page.text)}")

    def _sends(self, form: str, sent: dict[str, str]) -> None:
        action = re.search(r'<form[^>]*action="([^"]+)"', form)
        url = requests.compat.urljoin(self.page.url, action[1] if action else "")  # type: ignore[attr-defined]
        self.page = self._session.post(url, data=sent, headers={"Referer": self.page.url}, timeout=30)

    @property
    def says(self) -> str:
        """The words of the page."""
        return told(self.page.text)

    @property
    def goes_on_to(self) -> str:
        """Where the page leads by itself."""
        return self.page.headers["Refresh"].partition("url=")[2]


def told(text: str) -> str:
    """A page's words."""
    text = re.sub(r"<(title|style|script).*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture
def order(server: Api, shop: Shop) -> str:
    """The number of an order of Ana's."""
    body = {"customer": CUSTOMER, "amount": PHP(349_00).to_wire(), "description": "Barako beans"}
    return str(server.post("orders", body, status=201)["number"])


def link(server: Api, **more: str) -> str:
    """A fresh link."""
    return str(server.post("hosted-pages", {"customer": CUSTOMER, **more}, status=201)["url"])


def agrees(tab: Tab, sandbox: Sandbox, wallet: str = "GCash") -> Tab:
    """From a page of ours to the wallet, and back."""
    tab.presses(f"Link {wallet}")
    assert f"Taking you to {wallet}" in tab.says
    decision = sandbox.engine.agree(tab.goes_on_to, CUSTOMER)
    return tab.opens(decision.return_url)


def test_a_wallet_is_linked_from_the_cashier_and_pays_once(
    server: Api, order: str, sandbox: Sandbox, acquirer: Acquirer
) -> None:
    tab = Tab().enters(link(server, order=order, return_url="https://shop.example/thanks"))
    assert tab.page.url.endswith(f"/pay/orders/{order}")
    assert "349.00 PHP" in tab.says
    assert "nothing is charged before you press Pay" in tab.says

    agrees(tab, sandbox)
    assert "GCash is linked" in tab.says
    back = re.search(r'href="(/pay/orders/[^"]+)"', tab.page.text)
    assert back is not None
    tab.opens(requests.compat.urljoin(tab.page.url, back[1]))  # type: ignore[attr-defined]
    assert Payment.objects.count() == 0
    before = tab.page
    tab.presses("Pay 349.00 PHP")
    assert "Paid. Thank you!" in tab.says
    tab.page = before
    tab.presses("Pay 349.00 PHP")  # once more, from a page that is still open
    assert "Paid. Thank you!" in tab.says

    assert [payment.status for payment in Payment.objects.all()] == [PaymentStatus.SUCCEEDED]
    assert len(acquirer.calls("pay")) == 1
    tab.presses(_leaving(tab))
    assert tab.goes_on_to == "https://shop.example/thanks"
    assert "This page is closed" in tab.opens(before.url).says


def _leaving(tab: Tab) -> str:
    found = re.search(r"Back to [^<]+", tab.page.text)
    assert found is not None
    return html.unescape(found[0]).strip()


def test_a_phone_is_told_from_a_desk(server: Api, order: str, sandbox: Sandbox) -> None:
    for tab in (Tab(PHONE), Tab()):
        tab.enters(link(server, order=order)).presses("Link GCash")
    begun = Authorization.objects.order_by("pk").values_list("terminal_type", "os_type")
    assert list(begun) == [("WAP", "ANDROID"), ("WEB", "")]


def test_a_link_is_taken_once_and_not_for_ever(server: Api, story_clock: StoryClock) -> None:
    url = link(server)
    first, second = Tab().opens(url), Tab().opens(url)
    before = first.page
    first.presses("Go on")
    second.presses("Go on")
    assert ("Your wallets" in first.says, second.page.status_code) == (True, 410)
    assert "Its link was used before, or is too old." in second.says
    assert "Go on in the browser in which you began" in second.says
    assert second.opens(url).page.status_code == 410
    assert "Your wallets" in first.opens(first.page.url).says
    assert "Your wallets" in first.opens(url).says  # whoever is inside is led back in
    first.page = before
    assert "Your wallets" in first.presses("Go on").says  # twice, from a page that is still open

    late = link(server)
    tab = Tab().opens(late)
    story_clock.move(timedelta(minutes=11))
    assert tab.presses("Go on").page.status_code == 410
    assert tab.opens(late).page.status_code == 410
    assert tab.opens(f"{late}x").page.status_code == 410
    assert tab.opens(url.rpartition("/enter/")[0] + "/wallets").page.status_code == 410


def test_what_looks_at_a_link_before_the_buyer_does_uses_nothing_up(server: Api, order: str) -> None:
    url = link(server, order=order)
    before = BuyerSession.objects.get().digest
    for agent in ("Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1"):
        preview = Tab(agent).opens(url)
        assert preview.page.status_code == 200
        assert (order in preview.page.text, "349.00" in preview.page.text) == (False, False)
        assert "hosted=" not in preview.page.headers.get("Set-Cookie", "")
        assert requests.head(url, headers={"User-Agent": agent}, timeout=30).status_code == 200
    assert BuyerSession.objects.get().digest == before
    assert "349.00 PHP" in Tab().enters(url).says


def test_a_link_cannot_be_taken_from_another_site_or_without_its_page(server: Api) -> None:
    url = link(server)
    assert requests.post(url, data={"key": "x"}, timeout=30).status_code == 403
    tab = Tab().opens(url)
    tab.presses("Go on", key="")
    assert tab.page.status_code == 410
    assert "Your wallets" in Tab().enters(url).says


def test_the_token_is_in_no_link_no_page_and_no_script_s_reach(server: Api) -> None:
    tab = Tab()
    url = link(server)
    tab.opens(url)
    seen = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', tab._form("Go on")[0]))
    answer = tab._session.post(url, data=seen, headers={"Referer": url}, timeout=30, allow_redirects=False)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/pay/" in cookie
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "bs_" not in url
    tab.opens(answer.url.rpartition("/enter/")[0] + "/wallets")
    assert "bs_" not in tab.page.text
    assert "<script" not in tab.page.text
    assert "no-store" in tab.page.headers["Cache-Control"]
    assert BuyerSession.objects.filter(ended_at=None).count() == 1


def test_nobody_sees_or_pays_what_is_somebody_else_s(server: Api, order: str, shop: Shop) -> None:
    problem = server.refused("POST", "hosted-pages", {"customer": "paolo", "order": order})
    assert problem["code"] == "not_found"
    tab = Tab().enters(str(server.post("hosted-pages", {"customer": "paolo"}, status=201)["url"]))
    tab.opens(tab.page.url.replace("wallets", f"orders/{order}"))
    assert (tab.page.status_code, "No such order" in tab.says) == (404, True)
    assert Order.objects.get(number=order).payments.count() == 0


def test_a_session_makes_no_links(mini: Api) -> None:
    assert mini.refused("POST", "hosted-pages", {"customer": CUSTOMER})["code"] == "merchants_only"


@pytest.mark.parametrize(
    "address",
    [
        "http://shop.example/",
        "javascript:alert(1)",
        "https://",
        "//shop.example",
        "https://ana:secret@shop.example/",
        "https://[::1/",
        "shop.example/thanks",
    ],
)
def test_the_way_back_is_a_page_of_the_merchant_s(server: Api, address: str) -> None:
    problem = server.refused("POST", "hosted-pages", {"customer": CUSTOMER, "return_url": address})
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("invalid_input", "#/return_url")
    assert BuyerSession.objects.count() == 0


def test_what_was_refused_is_said_and_another_try_is_another_act(
    server: Api, order: str, sandbox: Sandbox, acquirer: Acquirer
) -> None:
    tab = agrees(Tab().enters(link(server, order=order)), sandbox)
    tab.opens(tab.page.url.partition("/return/")[0] + f"/pay/orders/{order}")
    acquirer.will("payment_fails", code="USER_BALANCE_NOT_ENOUGH")
    tab.presses("Pay 349.00 PHP")
    assert "There is not enough money in the wallet. Top it up, or use another one." in tab.says
    tab.presses("Pay 349.00 PHP")
    assert "Paid. Thank you!" in tab.says
    assert Payment.objects.count() == 2


def test_a_page_waits_and_then_lets_the_buyer_go(
    server: Api, order: str, sandbox: Sandbox, acquirer: Acquirer, story_clock: StoryClock
) -> None:
    tab = agrees(Tab().enters(link(server, order=order)), sandbox)
    tab.opens(tab.page.url.partition("/return/")[0] + f"/pay/orders/{order}")
    acquirer.will("payment_stays_processing", seconds=600, expires=False)
    tab.presses("Pay 349.00 PHP")
    assert "This page looks again by itself." in tab.says
    assert tab.page.headers["Refresh"].startswith("3; url=/pay/orders/")

    story_clock.move(timedelta(seconds=76))
    tab.opens(tab.page.url)
    assert "You need not wait" in tab.says
    assert "Refresh" not in tab.page.headers


def test_removing_names_what_ends_and_is_done_once(server: Api, sandbox: Sandbox, acquirer: Acquirer) -> None:
    tab = agrees(Tab().enters(link(server)), sandbox)
    tab.opens(tab.page.url.partition("/return/")[0] + "/pay/wallets")
    found = re.search(r'href="(/pay/wallets/[^"]+/remove)"', tab.page.text)
    assert found is not None
    tab.opens(requests.compat.urljoin(tab.page.url, found[1]))  # type: ignore[attr-defined]
    assert "Remove GCash?" in tab.says
    before = tab.page
    tab.presses("Remove GCash")
    assert tab.page.url.endswith("/pay/wallets")
    tab.page = before
    tab.presses("Remove GCash")
    assert WalletAccount.objects.get().status == WalletStatus.REVOKED
    assert len(acquirer.calls("revoke")) == 1


def test_a_refused_wallet_leaves_the_order_as_it_was(server: Api, order: str, sandbox: Sandbox) -> None:
    tab = Tab().enters(link(server, order=order)).presses("Link GCash")
    tab.opens(sandbox.engine.refuse(tab.goes_on_to).return_url)
    assert "GCash was not linked" in tab.says
    assert f'href="/pay/orders/{order}"' in tab.page.text
    assert Order.objects.get(number=order).status == "INIT"


def test_garbage_in_a_form_is_a_sentence(server: Api, order: str) -> None:
    tab = Tab().enters(link(server, order=order))
    before = tab.page
    for wallet in ("NO_SUCH", "", "\x00", "x" * 500):
        tab.page = before
        tab.presses("Link GCash", wallet=wallet)
        assert tab.page.status_code == 409
        assert "349.00 PHP" in tab.says
    tab.page = before
    tab.presses("Link GCash", place="https://evil.example/")
    assert "Taking you to GCash" in tab.says
    assert "evil" not in tab.page.text


def test_in_the_buyer_s_language(server: Api, order: str, shop: Shop) -> None:
    tab = Tab().enters(link(server, order=order))
    tab.presses("简体中文")
    assert "付款" in tab.says
    assert 'lang="zh' in tab.page.text


def test_wallets_are_shown_with_the_logos_of_the_catalogue_and_no_other_server_is_allowed(
    server: Api, order: str, shop: Shop
) -> None:
    methods = PaymentMethod.objects.filter(account=shop.account)
    methods.filter(code="GCASH").update(logo_url="https://logos.example/gcash.png")
    methods.filter(code="DANA").update(logo_url="https://logos.example; script-src *")  # the form takes none such
    for page in (Tab().enters(link(server)).page, Tab().enters(link(server, order=order)).page):
        assert re.findall(r'<img class="logo" src="([^"]+)"', page.text) == ["https://logos.example/gcash.png"]
        allowed = re.search(r"img-src ([^;]*)", page.headers["Content-Security-Policy"])
        assert allowed is not None
        assert sorted(allowed[1].split()) == ["'self'", "data:", "https://logos.example"]


@pytest.mark.parametrize(
    ("presentation", "logo", "promotion"),
    [
        (None, "https://ours.example/a.png", ""),
        ({"is_available": True}, "https://theirs.example/b.png", "5% off"),
        ({"is_available": False}, "https://ours.example/a.png", ""),
        ({"is_available": True, "logo_url": ""}, "https://ours.example/a.png", ""),
    ],
)
def test_the_acquirers_own_picture_comes_with_its_promotion(
    presentation: dict[str, object] | None, logo: str, promotion: str
) -> None:
    told_of = {"logo_url": "https://theirs.example/b.png", "promotions": {"en_US": "5% off", "zh_CN": "九五折"}}
    presented = presentation and {**told_of, **presentation}
    method = {"logo_url": "https://ours.example/a.png", "presentation": presented}
    look = pictures.look_of(method)
    assert (look["logo"], look["promotion"]) == (logo, promotion)
    with translation.override("zh-hans"):
        assert pictures.look_of(method)["promotion"] == ("九五折" if promotion else "")


def test_a_refund_is_promised_only_where_it_comes(server: Api, order: str, shop: Shop, acquirer: Acquirer) -> None:
    shop.customer(CUSTOMER).binds()
    payment = shop.charges(Order.objects.get(number=order))
    acquirer.will("answer_code", api="refund", code="MERCHANT_BALANCE_NOT_ENOUGH")
    shop.refunds(payment, PHP(100_00))
    tab = Tab().enters(link(server, order=order))
    assert "goes back to the wallet" not in tab.says
    shop.refunds(payment, PHP(100_00))
    assert tab.opens(tab.page.url).says.count("100.00 PHP goes back to the wallet") == 1


def test_a_wallet_that_is_not_offered_any_more_can_still_be_removed(
    server: Api, shop: Shop, acquirer: Acquirer
) -> None:
    shop.customer(CUSTOMER).binds()
    shop.says_of("GCASH", is_contracted=False)
    tab = Tab().enters(link(server))
    assert "No wallet is linked" not in tab.says
    assert "GCash" in tab.says
    assert "/remove" in tab.page.text
