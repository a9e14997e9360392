"""A shop without a front end of its own: its customer's browser goes from our cashier to the wallet and back."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from authorizations.models import WalletAccount
from authorizations.operations.buyers import meet
from authorizations.states import WalletStatus
from payments.hosted.doors import link_for
from payments.models import Payment
from payments.operations import place_merchant_order
from payments.states import PaymentStatus
from portal.actor import Actor
from portal.models import AcquirerAccount
from portal.sandbox.server import Sandbox
from tests.browser import axe
from tests.story import PHP, Shop


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
def test_from_the_cashier_to_the_wallet_and_back_and_out_again(
    page: Page, shop: Shop, account: AcquirerAccount, sandbox: Sandbox, scheme: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    order = place_merchant_order(
        meet(account, "ana"), PHP(349_00), description="Barako beans", reference="", by=Actor.merchant_server("shop")
    )
    url, _ = link_for(account, "ana", opened_by="shop", order=order.number, back=f"{sandbox.url}/")

    page.goto(url)
    _fits(page)
    page.get_by_role("button", name="Go on").dblclick()
    expect(page).to_have_title(re.compile("^Pay · "))
    page.get_by_role("button", name="Link GCash").click()
    page.get_by_role("button", name="Agree", exact=True).click()
    page.get_by_role("link", name=re.compile("^Back to")).click()
    expect(page.get_by_role("heading", name="GCash is linked")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Back to")).click()
    expect(page).to_have_title(re.compile("^Pay · "))
    _fits(page)

    pay = page.get_by_role("button", name="Pay 349.00 PHP")
    expect(page.get_by_role("radio")).to_be_checked()
    assert Payment.objects.count() == 0
    pay.dblclick()
    expect(page.get_by_role("heading", name="Paid. Thank you!")).to_be_visible()
    _fits(page)
    assert [payment.status for payment in Payment.objects.all()] == [PaymentStatus.SUCCEEDED]

    page.goto(f"{shop.url}/pay/wallets")
    page.get_by_role("link", name="Remove GCash").click()
    expect(page.get_by_role("button", name="Remove GCash")).to_be_visible()
    _fits(page)
    page.get_by_role("button", name="Remove GCash").click()
    expect(page.get_by_text("No wallet is linked")).to_be_visible()
    assert WalletAccount.objects.get().status == WalletStatus.REVOKED
    _fits(page)

    page.get_by_role("button", name=re.compile("^Back to")).click()
    page.wait_for_url(f"{sandbox.url}/**")
    closed = page.request.get(f"{shop.url}/pay/wallets")
    assert (closed.status, "This page is closed" in closed.text()) == (410, True)


def _fits(page: Page) -> None:
    """Nothing beyond the edge, and nothing that axe-core finds serious, where it is installed.

    A click does not wait for the page it leads to: whoever looks has seen something of that page before.
    """
    page.wait_for_load_state()
    if axe.SCRIPT.exists():
        assert axe.findings(page) == []
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide == 0, f"{page.url} is {too_wide} px too wide"
