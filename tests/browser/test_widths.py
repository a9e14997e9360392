"""What stands where, measured: screens of a phone, a small laptop, a desk and a wide desk."""

import pytest
from playwright.sync_api import Page

from payments.models import Payment
from portal.roles import OPERATOR
from tests.browser.test_desk import Staff
from tests.factories import AcquirerAccountFactory
from tests.story import PHP, Customer, Shop

LONG = "Cold brew, six-pack, Barako beans, 250 g, Barako beans, 1 kg"


@pytest.fixture
def paid(shop: Shop, buyer: Customer) -> Payment:
    """A payment of much."""
    buyer.binds("GCASH")
    return shop.charges(shop.sells(LONG, PHP(12_499_00), to=buyer))


def test_doors_stand_in_the_middle_and_lists_in_their_card(page: Page, portal_url: str, paid: Payment) -> None:
    AcquirerAccountFactory()  # of several accounts, lists name the row's
    for width in (390, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{portal_url}/admin/login/")
        card = page.locator(".door .card").bounding_box()
        assert card is not None
        assert abs(card["x"] + card["width"] / 2 - width / 2) < 1, width

    Staff(page, portal_url, OPERATOR).signs_in()
    for width in (390, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{portal_url}/admin/payments/order/")
        rows = page.get_by_role("region", name="orders").bounding_box()
        tick = page.locator("td.tick").first.bounding_box()
        amount = page.locator("td.num").first.bounding_box()
        last = page.locator("tbody tr").first.locator("td").last.bounding_box()
        assert rows is not None
        assert tick is not None
        assert amount is not None
        assert last is not None
        ends_at = rows["x"] + rows["width"] + 1
        assert tick["width"] < 60, width
        assert amount["x"] + amount["width"] <= ends_at, width
        if width > 390:
            assert last["x"] + last["width"] <= ends_at, width
            assert width - ends_at < 40, width
