"""A refund that one person asks for and another approves from a phone; and who asked reads why they cannot."""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from payments.models import Payment
from portal.models import Approval
from portal.roles import FINANCE
from tests.factories import PASSWORD, UserFactory
from tests.story import PHP, Acquirer, Customer, Shop

NARROW = {"width": 390, "height": 844}


def signs_in(page: Page, shop: Shop, user: Any, to: str = "/admin/") -> None:
    page.goto(f"{shop.url}/admin/login/?next={to}")
    page.fill("[name=login]", user.username)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_visible()


def keeps_picture(page: Page, name: str) -> None:
    """For whoever wants to look: into the folder named in SCREENSHOTS."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def fits(page: Page) -> bool:
    """Nothing stands beyond the right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_refund_is_asked_for_and_approved_from_a_phone(
    page: Page, chromium: Browser, shop: Shop, buyer: Customer, acquirer: Acquirer, complaints: list[str]
) -> None:
    fei, finn = UserFactory(username="fei", roles=(FINANCE,)), UserFactory(username="finn", roles=(FINANCE,))
    buyer.binds("GCASH")
    payment: Payment = shop.charges(shop.sells("Espresso machine", PHP(12_900_00), to=buyer))

    signs_in(page, shop, fei, f"/admin/payments/payment/{payment.pk}/acts/refund/")
    page.get_by_label("Amount").fill("6000")
    page.get_by_label("Reason").select_option("DAMAGED")
    page.get_by_label("Note").fill("Arrived dented.")
    keeps_picture(page, "refund-that-needs-approval")
    page.get_by_role("button", name="Ask for a refund of 6,000.00 PHP").click()
    expect(page.get_by_text("Nothing was done yet: your request waits for somebody else.")).to_be_visible()
    keeps_picture(page, "request")
    request = Approval.objects.get()
    page.goto(f"{shop.url}/admin/portal/approval/{request.pk}/acts/approve/")
    expect(page.get_by_text("You asked for this yourself. Somebody else has to decide.")).to_be_visible()
    keeps_picture(page, "requester-refused")
    assert acquirer.gave_back_to(buyer) == []

    context = chromium.new_context(viewport=NARROW, has_touch=True, color_scheme="dark", locale="en-GB")
    phone = context.new_page()
    phone.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    signs_in(phone, shop, finn)
    keeps_picture(phone, "today-390-dark")
    phone.get_by_role("link", name="Decide…").click()
    expect(phone.get_by_role("heading", name="Approve")).to_be_visible()
    expect(phone.get_by_role("link", name="Decline…")).to_be_visible()
    assert fits(phone)
    keeps_picture(phone, "approve-390-dark")
    phone.get_by_role("button", name="Approve 6,000.00 PHP").click()
    expect(phone.get_by_text("Approved and done.")).to_be_visible()
    assert fits(phone)
    keeps_picture(phone, "done-390-dark")
    assert acquirer.gave_back_to(buyer) == [PHP(6_000_00)]
    context.close()

    page.goto(f"{shop.url}/admin/payments/payment/{payment.pk}/change/")
    expect(page.get_by_text("Approved by finn")).to_be_visible()
    keeps_picture(page, "payment-with-approval")
    page.goto(f"{shop.url}/admin/portal/approval/")
    keeps_picture(page, "approvals")
