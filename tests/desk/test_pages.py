"""Every page for every role: who may see it, that it obeys the content security policy, and what is on no page."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from portal.acquirer import signing
from portal.admin.ledger import LedgerAdmin
from portal.models import AcquirerAccount
from portal.roles import AUDITOR, OPERATOR, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"


def things() -> list[Any]:
    """One of everything, with the hostile text wherever somebody else may write."""
    account = factories.AcquirerAccountFactory(name="Antom <i>SG</i>", client_id="SANDBOX_5Y<i>")
    buyer = factories.BuyerFactory(account=account, reference=SCRIPT[:60])
    wallet = factories.WalletAccountFactory(buyer=buyer, login_label=SCRIPT[:60])
    payment = factories.PaymentFactory(
        order__buyer=buyer,
        order__description=SCRIPT,
        order__paid=True,
        wallet_account=wallet,
        result_message=SCRIPT,
        returned_value=200_00,
    )
    factories.OrderItemFactory(order=payment.order, name=SCRIPT)
    payment.contradictions.create(said="FAIL", heard_from="NOTIFICATION", detail=SCRIPT)
    subject = payment.payment_request_id
    return [
        account,
        buyer,
        wallet,
        factories.AuthorizationFactory(buyer=buyer, bound=True, wallet_account=wallet, result_message=SCRIPT),
        payment,
        payment.order,
        factories.RefundFactory(payment=payment, note=SCRIPT, result_message=SCRIPT),
        factories.CancelFactory(payment=payment, note=SCRIPT),
        factories.PriceFactory(product__account=account, product__name=SCRIPT).product,
        factories.ExchangeFactory(account=account, subject=subject, masked_response=SCRIPT, error=SCRIPT[:60]),
        factories.NotificationFactory(account=account, subject=subject, masked_body=SCRIPT, note=SCRIPT),
        factories.IncidentFactory(summary=SCRIPT, detail=SCRIPT, subject_id=str(payment.pk)),
        factories.JournalEntryFactory(note=SCRIPT, after={"said": SCRIPT}, subject_id=str(payment.pk)),
        factories.MerchantKeyFactory(account=account, name=SCRIPT),
        factories.UserFactory(first_name=SCRIPT[:100]),
        factories.SignInFactory(device=SCRIPT[:80], person__username=SCRIPT[:100]),
    ]


def every_url(made: list[Any]) -> Iterator[str]:
    """Lists, pages and acts."""
    yield "/admin/"
    yield "/admin/search/"
    yield f"/admin/search/?q={SCRIPT}"
    for thing in made:
        model_admin: Any = admin.site._registry[type(thing)]
        yield list_url(thing)
        yield page_url(thing)
        yield from (act_url(thing, act.name) for act in model_admin.acts)
        yield from (f"{list_url(thing)}acts/{act.name}/" for act in model_admin.list_acts)


class Watcher(HTMLParser):
    """Collects what the policy forbids, and the elements our texts must not have made."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            if (given.get(name) or "").split(":")[0] in {"javascript", "http", "https", "data"}:
                self.found.append(f"{tag} {name}={given[name]}")
        if tag in {"style", "i", "iframe", "object"} or (
            tag == "script" and not given.get("src") and given.get("type") != "application/json"
        ):
            self.found.append(tag)
        if tag == "img" and not (given.get("src") or "").startswith("/static/"):
            self.found.append(f"img {given.get('src')}")


def complaints(html: str) -> list[str]:
    """What is wrong with a page."""
    watcher = Watcher()
    watcher.feed(html)
    watcher.close()
    return watcher.found


def test_every_page_obeys_the_policy_and_takes_no_text_for_markup(chief: Desk) -> None:
    urls = list(every_url(things()))

    for url in urls:
        response = chief.client.get(url)

        assert response.status_code in {200, 302}, url
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self';" in f"{policy};", url
        assert "style-src 'self';" in f"{policy};", url
        assert complaints(response.content.decode()) == [], url
    assert len(urls) > 60


def test_a_browser_that_asks_for_an_icon_by_itself_gets_one(portal_url: str) -> None:
    for address in (f"{portal_url}/favicon.ico", re.findall(r'rel="icon"[^>]* href="([^"]+)"', docs_of(portal_url))[0]):
        icon = requests.get(urljoin(portal_url, address), timeout=20)
        assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml"), address


def docs_of(portal_url: str) -> str:
    """The page that describes the API, which no staff template frames."""
    return requests.get(f"{portal_url}/api/v1/docs/", timeout=20).text


def test_the_pages_around_obey_it_too(chief: Desk, client: Client) -> None:
    outside = [
        client.get("/admin/login/"),
        client.get("/admin/nothing"),
        client.get("/nothing"),
        client.post("/admin/login/"),
    ]
    inside = [
        chief.client.get("/admin/password_change/"),
        chief.client.get("/admin/nothing/"),
        chief.client.post("/admin/logout/"),
    ]

    for response in (*outside, *inside):
        if response.status_code != 302:
            assert complaints(response.content.decode()) == []
            assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_no_page_shows_a_private_key_a_token_a_code_or_the_bytes(chief: Desk) -> None:
    made = things()
    account = next(thing for thing in made if isinstance(thing, AcquirerAccount))
    private = signing.load_private_key(account.private_key)
    numbers = private.private_numbers()
    secrets = [
        "PRIVATE KEY",
        "".join(account.private_key.split("-----")[2].split())[:64],
        str(numbers.d)[:40],
        made[2].access_token,
        made[2].refresh_token,
        made[3].auth_url,
        "the-token",
        made[13].digest,
    ]

    for url in every_url(made):
        text = chief.client.get(url).content.decode()
        bare = re.sub(r"\s|&#\w+;", "", text)
        for secret in secrets:
            assert secret not in text, url
            assert secret not in bare, url


def test_a_button_is_shown_to_whoever_may_press_it_only(person: Callable[..., Desk]) -> None:
    payment = factories.PaymentFactory()

    operator = person(OPERATOR).reads(page_url(payment))
    support = person(SUPPORT).reads(page_url(payment))
    auditor = person(AUDITOR).reads(page_url(payment))

    assert "Give the money back…" in operator
    assert "Ask now" in support
    assert "Cancel…" in operator
    assert "Cancel…" not in support
    assert "Ask now" not in auditor


def test_the_navigation_shows_only_what_one_may_open(person: Callable[..., Desk]) -> None:
    page = person(SUPPORT).opens("/admin/")

    assert list_url(factories.PaymentFactory()) in page
    assert "/admin/portal/acquireraccount/" not in page
    assert "/admin/auth/user/" not in page


def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    payment = factories.PaymentFactory()

    for url in ("/admin/", "/admin/search/?q=x", page_url(payment), act_url(payment, "refund")):
        response = client.get(url)
        assert (response.status_code, response.headers["Location"].split("?")[0]) == (302, "/admin/login/")


def test_nothing_is_added_changed_or_deleted_through_the_stock_pages(chief: Desk) -> None:
    root = User.objects.create_superuser("root", "", factories.PASSWORD)
    chief.client.force_login(root)

    for thing in things():
        assert isinstance(admin.site._registry[type(thing)], LedgerAdmin)
        assert chief.client.post(page_url(thing), {"status": "PAID"}).status_code == 405
        assert chief.client.post(f"{list_url(thing)}{thing.pk}/delete/", {"post": "yes"}).status_code == 403
        assert chief.client.get(f"{list_url(thing)}add/").status_code == 403
        before = type(thing).objects.count()
        chief.client.post(list_url(thing), {"action": "delete_selected", "_selected_action": [thing.pk], "post": "yes"})
        assert type(thing).objects.count() == before


@pytest.mark.parametrize("key", ["0", "999999", "99999999999999999999999999", "x", "1/2", "%00", "-1", "_3D"])
def test_a_page_that_is_not_there_says_so(chief: Desk, key: str) -> None:
    for url in (f"/admin/payments/payment/{key}/change/", f"/admin/payments/payment/{key}/acts/refund/"):
        response = chief.client.get(url)
        assert response.status_code == 404
        assert "There is no such page" in response.content.decode()


def test_an_act_that_is_not_there_says_so(chief: Desk) -> None:
    payment = factories.PaymentFactory()

    assert chief.status(act_url(payment, "refund").replace("refund", "nonsense")) == 404
    assert chief.client.put(act_url(payment, "refund")).status_code == 405


def test_the_top_bar_says_sandbox_and_shows_its_clock(chief: Desk, settings: Any) -> None:
    assert "Sandbox clock 2 Mar 10:00 UTC+8" in chief.reads("/admin/")
    settings.IS_PRODUCTION = True
    assert "Sandbox" not in chief.reads("/admin/")


def test_stock_addresses_lead_to_the_first_page(chief: Desk) -> None:
    assert chief.client.get("/admin/payments/").headers["Location"] == "/admin/"
    assert chief.client.get("/").headers["Location"] == "/admin/"
