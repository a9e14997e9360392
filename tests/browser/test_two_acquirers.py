"""A shop with a second acquirer, in the browser: a buyer links and pays through it, staff see which it was."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from authorizations.models import BuyerSession, WalletAccount
from authorizations.operations.buyers import meet
from authorizations.states import WalletStatus
from payments.hosted.doors import link_for
from payments.models import Payment, Refund
from payments.operations import place_merchant_order
from payments.states import PaymentStatus, RefundStatus
from portal import accounts, roles
from portal.actor import Actor
from portal.models import AcquirerAccount
from portal.sandbox.server import Sandbox
from tests import partner
from tests.browser import axe
from tests.browser.people import Phone
from tests.factories import PASSWORD, UserFactory
from tests.story import PHP, Acquirer, Shop

PICTURES = os.environ.get("PICTURES_OF_STORIES", "")
"""A folder, for whoever wants to look."""


@pytest.fixture
def second(account: AcquirerAccount, acquirer: Acquirer) -> AcquirerAccount:
    """The preferred account; its acquirer lets the buyer choose the wallet on a page of its own."""
    made = partner.connected(account, acquirer, name="Partner Hong Kong", protocol_settings={})
    accounts.order_places(account, [made, account], by=Actor.command("story"), note="contract of March")
    return made


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
def test_linked_paid_given_back_and_removed_through_the_second(
    page: Page,
    shop: Shop,
    account: AcquirerAccount,
    second: AcquirerAccount,
    sandbox: Sandbox,
    scheme: Any,
    width: int,
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    order = place_merchant_order(
        meet(account, "ana"), PHP(349_00), description="Barako beans", reference="", by=Actor.merchant_server("shop")
    )
    url, _ = link_for(account, "ana", opened_by="shop", order=order.number)

    page.goto(url)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Link GCash").click()
    page.wait_for_url(f"{sandbox.url}/**")
    _look(page, f"consent-{scheme}")
    page.get_by_role("link", name="GCash").or_(page.get_by_role("button", name="GCash")).first.click()
    page.get_by_role("button", name="Agree", exact=True).click()
    page.get_by_role("link", name=re.compile("^Back to")).click()
    expect(page.get_by_role("heading", name="GCash is linked")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Back to")).click()
    page.get_by_role("button", name="Pay 349.00 PHP").click()
    expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    payment = Payment.objects.get()
    assert (payment.status, payment.account, order.account) == (PaymentStatus.SUCCEEDED, second, account)

    _signs_in(page, shop)
    page.goto(f"{shop.url}/admin/payments/order/{order.pk}/change/")
    expect(page.get_by_text("Debited through")).to_be_visible()
    _look(page, f"order-{scheme}")
    page.goto(f"{shop.url}/admin/payments/payment/")
    _look(page, f"payments-{scheme}")
    if width > 1000:
        expect(page.get_by_role("cell", name="Partner Hong Kong")).to_be_visible()
    page.goto(f"{shop.url}/admin/portal/acquireraccount/{second.pk}/change/")
    expect(page.get_by_text("To settle with the acquirer")).to_be_visible()
    _look(page, f"account-{scheme}")
    page.goto(f"{shop.url}/admin/portal/acquireraccount/{account.pk}/acts/order_places/")
    _look(page, f"places-{scheme}")
    page.goto(f"{shop.url}/admin/portal/acquireraccount/{second.pk}/acts/drain/")
    expect(page.get_by_text("Buyers of Sandbox are offered what Sandbox has.")).to_be_visible()
    _look(page, f"drain-{scheme}")

    shop.refunds(payment, PHP(49_00))
    shop.comes_to_rest()
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED

    page.goto(f"{shop.url}/pay/wallets")
    page.get_by_role("link", name="Remove GCash").click()
    page.get_by_role("button", name="Remove GCash").click()
    expect(page.get_by_text("No wallet is linked")).to_be_visible()
    assert WalletAccount.objects.get().status == WalletStatus.REVOKED


def test_the_phone_comes_to_the_shop_it_was_built_for(
    phone: Phone, second: AcquirerAccount, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.engine.context, "portal_account", second.slug)
    phone.belongs_to("ana", "GCASH").opens("Payment methods").shows("Link GCash")
    assert BuyerSession.objects.get().buyer.account == second


def _signs_in(page: Page, shop: Shop) -> None:
    roles.install()
    user = UserFactory(roles=(roles.ADMINISTRATOR, roles.FINANCE))
    page.goto(f"{shop.url}/admin/login/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()


def _look(page: Page, name: str) -> None:
    """Nothing beyond the edge, and nothing that axe-core finds serious, where it is installed."""
    page.wait_for_load_state()
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    if axe.SCRIPT.exists():
        assert axe.findings(page) == []
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide == 0, f"{page.url} is {too_wide} px too wide"
