"""The wallet's pages and the console, as a browser without scripts sees them."""

import html as html_module
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from portal.money import Money
from portal.sandbox.control import SandboxControl
from tests.sandbox.conftest import Shop, code

CLIENT = "SANDBOX_5X00000000000042"


def form_at(shop: Shop, url: str) -> dict[str, str]:
    """The authorization page's hidden fields, after checking that the page is safe to show."""
    page = shop.session.get(url)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert not re.search(r"<script|style=|onclick|javascript:", page.text)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


def decides(shop: Shop, url: str, decision: str, user: str = "ana") -> requests.Response:
    fields = form_at(shop, url) | {"decision": decision, "user": user}
    return shop.session.post(url.split("?", maxsplit=1)[0], data=fields)


def way_back(page: requests.Response) -> str | None:
    match = re.search(r'class="big main button" href="([^"]+)"', page.text)
    return html_module.unescape(match[1]) if match else None


def test_the_user_agrees_sees_the_result_and_returns_with_a_code(shop: Shop) -> None:
    url = shop.consults(authState="state & more")["normalUrl"]
    assert "Let Kape &amp; Co charge your GCash?" in shop.session.get(url).text

    page = decides(shop, url, "agree")

    assert page.status_code == 200
    assert "Agreed" in page.text
    back = urlsplit(way_back(page) or "")
    query = parse_qs(back.query)
    assert (back.path, query["lang"], query["authState"]) == ("/return", ["en"], ["state & more"])
    assert code(shop.redeems(query["authCode"][0])) == ("SUCCESS", "S")


def test_a_link_works_once(shop: Shop, control: SandboxControl) -> None:
    url = shop.consults()["normalUrl"]
    fields = form_at(shop, url) | {"decision": "agree", "user": "ana"}
    first = shop.session.post(url.split("?")[0], data=fields)
    again = shop.session.post(url.split("?")[0], data=fields | {"user": "paolo"})

    assert (first.status_code, again.status_code, shop.session.get(url).status_code) == (200, 410, 410)
    assert "used before" in again.text
    control.tick()
    assert len(shop.heard_bodies("/dashboard/authorization")) == 1


def test_the_user_refuses_and_returns_without_a_code(shop: Shop, control: SandboxControl) -> None:
    page = decides(shop, shop.consults(authState="s1")["normalUrl"], "refuse")

    assert "Not linked" in page.text
    assert parse_qs(urlsplit(way_back(page) or "").query) == {"lang": ["en"], "authState": ["s1"]}
    control.tick()
    assert shop.heard == []


def test_the_user_agrees_but_the_callback_is_lost(shop: Shop, control: SandboxControl) -> None:
    page = decides(shop, shop.consults(authState="s1")["normalUrl"], "agree_and_lose_the_callback")

    assert way_back(page) is None
    control.tick()
    (heard,) = shop.heard_bodies("/dashboard/authorization")
    assert heard["authState"] == "s1"
    assert code(shop.redeems(heard["authCode"])) == ("SUCCESS", "S")


def test_a_link_expires(shop: Shop) -> None:
    url = shop.consults()["normalUrl"]
    shop.moves_on(minutes=31)
    page = shop.session.get(url)
    assert (page.status_code, "expired" in page.text) == (410, True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/wallet/GCASH/authorize?authId=unknown", 410),
        ("/wallet/GCASH/authorize", 410),
        ("/wallet/NOSUCH/authorize?authId=x", 404),
        ("/wallet/GCASH/users/nobody", 404),
        ("/wallet/DANA/users/ana", 404),
        ("/wallet/GCASH/done?authId=x", 404),
        ("/static/../engine.py", 404),
        ("/static/none.css", 404),
        ("/nothing", 404),
    ],
)
def test_what_is_not_there(shop: Shop, path: str, status: int) -> None:
    assert shop.session.get(shop.sandbox.url + path).status_code == status


def test_a_link_of_one_wallet_does_not_work_in_another(shop: Shop) -> None:
    url = shop.consults()["normalUrl"].replace("/GCASH/", "/TNG/")
    page = shop.session.get(url)
    assert (page.status_code, "another wallet" in page.text) == (410, True)


@pytest.mark.parametrize(
    ("decision", "user"), [("perhaps", "ana"), ("agree", "nobody"), ("agree", "budi"), ("agree", "")]
)
def test_a_form_that_makes_no_sense_uses_up_nothing(shop: Shop, decision: str, user: str) -> None:
    url = shop.consults()["normalUrl"]
    assert decides(shop, url, decision, user).status_code == 400
    assert decides(shop, url, "agree").status_code == 200


def test_a_form_from_another_site_is_refused(shop: Shop) -> None:
    url = shop.consults()["normalUrl"]
    fields = form_at(shop, url) | {"decision": "agree", "user": "ana"}
    answer = shop.session.post(url.split("?")[0], data=fields, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert decides(shop, url, "agree").status_code == 200


def test_what_the_shop_writes_is_shown_as_text(shop: Shop, control: SandboxControl) -> None:
    control.register_merchant(name="<script>alert(1)</script>")
    token = shop.binds()
    shop.pays(token, order={"orderAmount": {"currency": "PHP", "value": "1"}, "orderDescription": "<img src=x>"})
    for path in ("/wallet/GCASH/users/ana", "/", "/console/payments", "/console/calls", "/console/tokens"):
        text = shop.session.get(shop.sandbox.url + path).text
        assert "<script>" not in text
        assert "<img src=x>" not in text
    assert token not in shop.session.get(f"{shop.sandbox.url}/console/tokens").text
    assert "<script>" not in shop.session.get(shop.consults()["normalUrl"]).text


def test_the_user_ends_an_agreement_in_the_wallet(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds("farah", "TNG")
    account = f"{shop.sandbox.url}/wallet/TNG/users/farah"
    assert "Kape &amp; Co" in shop.session.get(account).text
    question = shop.session.get(f"{account}/end?client={CLIENT}")
    assert "tells Kape &amp; Co" in question.text

    page = shop.session.post(f"{account}/end", data={"client": CLIENT, "reason": "moving on"})

    assert "can no longer charge you" in page.text
    control.tick()
    heard = shop.heard_bodies("/dashboard/authorization")[-1]
    assert (heard["authorizationNotifyType"], heard["accessToken"], heard["reason"]) == (
        "TOKEN_CANCELED",
        token,
        "moving on",
    )
    assert shop.session.get(f"{account}/end?client={CLIENT}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        *(
            f"/console/{one}"
            for one in ["payments", "users", "tokens", "ledger", "calls", "notifications", "faults", "reports"]
        ),
    ],
)
def test_every_page_of_the_console_opens_empty_and_full(shop: Shop, control: SandboxControl, path: str) -> None:
    def opens() -> str:
        page = shop.session.get(shop.sandbox.url + path)
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert not re.search(r"<script|style=|onclick", page.text)
        return page.text

    empty = opens()
    paid = shop.pays(shop.binds())
    shop.refunds(paid["paymentId"], 100_00)
    control.fault("payment_stays_processing", expires=False)
    shop.pays(shop.binds())
    control.tick()
    control.close_day()
    control.fault("answer_lost", api="pay")
    assert opens() != empty


def test_the_console_does_what_its_buttons_say(shop: Shop, control: SandboxControl) -> None:
    def presses(act: str, **fields: str) -> str:
        page = shop.session.post(f"{shop.sandbox.url}/console/act", data={"act": act, "back": "/", **fields})
        assert page.status_code == 200
        match = re.search(r'<p class="said (\w+)" role="status">([^<]+)</p>', page.text)
        assert match
        return f"{match[1]}: {html_module.unescape(match[2])}"

    assert presses("set_balance", user="paolo", wallet="GCASH", balance="1,250.50").startswith("good: paolo now holds")
    assert control.balance("paolo", "GCASH") == Money(1_250_50, "PHP")
    assert presses("set_balance", user="paolo", wallet="GCASH", balance="12.345").startswith("bad: PHP has 2 decimals")
    assert presses("set_status", user="paolo", wallet="GCASH", status="FROZEN").startswith("good")
    assert presses("set_fault", fault="answer_lost", api="pay", calls="2").startswith("good")
    assert presses("set_fault", fault="slow_answer", seconds="soon").startswith("bad: 'seconds' must be a number")
    assert [one["fault"] for one in control.faults()] == ["answer_lost"]
    assert presses("clear_fault") == "good: Ended: 1."
    before = control.now()
    presses("move_clock", span="3600")
    assert (control.now() - before).total_seconds() == 3600
    assert presses("add_user", id="nina", name="Nina Okafor").startswith("good")
    assert presses("plant", kind="fee_differs", by="7").startswith("good")
    assert presses("close_day") == "good: Closed: there was nothing to settle."
    assert presses("dance").startswith("bad")
    assert presses("resend", number="99").startswith("bad")


def test_a_fault_in_force_is_said_in_plain_words(shop: Shop, control: SandboxControl) -> None:
    control.fault("http_500", api="pay", work_done=True)
    control.fault("notification_wrongly_signed", notification="notifyPayment", attempts=1, calls=3)
    control.fault("payment_stays_processing", expires=False)
    page = shop.session.get(f"{shop.sandbox.url}/console/faults").text
    in_force = page.split("Let something go wrong", maxsplit=2)[1]
    cells = [html_module.unescape(cell) for cell in re.findall(r"<td>([^<]*)</td>", in_force)]
    assert cells == [
        *("HTTP 500", "pay, the work is done all the same", "the next call"),
        *("Notification wrongly signed", "notifyPayment, 1 attempt", "3 messages"),
        *("Payment stays processing", "it stays open", "the next call"),
    ]
    assert not re.search(r"work_done|expires is|\bHttp\b", re.sub(r"<[^>]+>", " ", page))


def test_a_browser_that_asks_for_an_icon_by_itself_gets_one(shop: Shop) -> None:
    icon = shop.session.get(f"{shop.sandbox.url}/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")


def test_the_console_returns_only_to_its_own_pages(shop: Shop) -> None:
    answer = shop.session.post(
        f"{shop.sandbox.url}/console/act", data={"act": "tick", "back": "//evil.example"}, allow_redirects=False
    )
    assert answer.headers["location"].startswith("/?said=")
