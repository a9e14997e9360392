"""The desk under the fingers: a button that follows the typing, a double click, the back button, queue and theme."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from payments.models import Payment, Refund
from payments.states import PaymentStatus
from portal.models import AcquirerAccount
from portal.roles import OPERATOR
from tests.factories import PASSWORD, UserFactory
from tests.story import PHP, Acquirer, Customer, Shop

PRICE = PHP(1_499_00)


@pytest.fixture
def log_in(page: Page, account: AcquirerAccount, portal_url: str) -> Callable[..., Page]:
    """Log in as somebody of these roles."""

    def as_somebody(*roles: str) -> Page:
        user = UserFactory(roles=roles)
        page.goto(f"{portal_url}/admin/")
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.get_by_role("heading", name="Today")).to_be_visible()
        return page

    return as_somebody


@pytest.fixture
def paid(shop: Shop, buyer: Customer) -> Payment:
    """A payment of 1,499.00 PHP, paid a moment ago."""
    buyer.binds("GCASH")
    return shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))


def test_the_button_repeats_the_amount_as_it_is_typed_and_a_double_click_refunds_once(
    log_in: Callable[..., Page], paid: Payment, acquirer: Acquirer, buyer: Customer
) -> None:
    page = log_in(OPERATOR)
    page.keyboard.press("/")
    page.keyboard.type(paid.payment_request_id)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("link", name="Refund…").click()
    expect(page.get_by_role("button", name="Refund 1,499.00 PHP")).to_be_visible()

    page.get_by_label("Amount").fill("1200")
    button = page.get_by_role("button", name="Refund 1,200.00 PHP")
    expect(button).to_be_visible()
    for no_amount in ("12x", "300,00", "0.001"):
        page.get_by_label("Amount").fill(no_amount)
        expect(page.get_by_role("button", name="Refund", exact=True)).to_be_visible()
    page.get_by_label("Amount").fill("1,200.5")
    page.get_by_label("Reason").select_option("DAMAGED")
    page.get_by_role("button", name="Refund 1,200.50 PHP").dblclick()

    expect(page.get_by_role("status")).to_contain_text("1,200.50 PHP went back to GCash")
    expect(page.get_by_text("Refunded 1,200.50 PHP: the answer to refund said so")).to_be_visible()
    assert acquirer.gave_back_to(buyer) == [PHP(1_200_50)]
    assert Refund.objects.count() == 1


def test_the_back_button_after_a_refund_shows_what_is_left(
    log_in: Callable[..., Page], paid: Payment, acquirer: Acquirer, buyer: Customer, portal_url: str
) -> None:
    page = log_in(OPERATOR)
    page.goto(f"{portal_url}/admin/payments/payment/{paid.pk}/acts/refund/")
    page.get_by_label("Amount").fill("100")
    page.get_by_label("Reason").select_option("DAMAGED")
    page.get_by_role("button", name="Refund 100.00 PHP").click()
    expect(page.get_by_role("status")).to_contain_text("100.00 PHP went back")

    page.go_back()

    expect(page.get_by_text("of 1,399.00 PHP that can still be given back")).to_be_visible()
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]


def test_an_unknown_payment_is_asked_about_from_the_queue(
    log_in: Callable[..., Page], shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    acquirer.will("payment_stays_processing", seconds=7200)
    acquirer.will("answer_code", api="cancel", code="UNKNOWN_EXCEPTION", minutes=120)
    payment = shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))
    shop.clock_moves(minutes=30)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.PROCESSING
    page = log_in(OPERATOR)
    line = page.get_by_role("listitem").filter(has_text="Payment of order")
    expect(line).to_contain_text("Unknown 30 min")

    line.get_by_role("link", name="Ask now").click()
    page.get_by_role("button", name="Ask now").click()

    expect(page.get_by_role("status")).to_contain_text("The acquirer has no final answer yet. We keep asking.")


def test_light_and_dark_are_kept(log_in: Callable[..., Page]) -> None:
    page = log_in(OPERATOR)
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark

    page.locator(".who summary").click()
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == light
    page.reload()
    assert page.evaluate(ground) == light
    page.locator(".who summary").click()
    page.get_by_role("button", name="As the system").click()
    assert page.evaluate(ground) == dark


def test_the_menu_folds_on_a_narrow_screen(log_in: Callable[..., Page], paid: Payment, portal_url: str) -> None:
    page = log_in(OPERATOR)
    page.set_viewport_size({"width": 390, "height": 844})
    menu = page.locator("#menu")
    expect(menu).to_be_hidden()

    page.get_by_role("button", name="Menu", exact=True).click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    menu.get_by_role("link", name="Payments").click()
    expect(page.get_by_role("heading", name="Payments")).to_be_visible()
    for place in ("payment/", f"payment/{paid.pk}/change/", f"payment/{paid.pk}/acts/refund/"):
        page.goto(f"{portal_url}/admin/payments/{place}")
        assert page.evaluate("document.documentElement.scrollWidth") == 390, place


def test_a_filter_is_pressed_and_taken_back(log_in: Callable[..., Page], paid: Payment, portal_url: str) -> None:
    page = log_in(OPERATOR)
    page.goto(f"{portal_url}/admin/payments/payment/")
    rows = page.locator("table.list tbody tr")
    expect(rows).to_have_count(1)

    page.get_by_role("link", name="Failed").click()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Failed").click()
    expect(rows).to_have_count(1)
    page.locator("summary", has_text="Wallet").click()
    page.get_by_role("group", name="Filters").get_by_role("link", name="GCash").click()
    expect(page.locator("summary", has_text=re.compile("Wallet: GCash"))).to_be_visible()
    expect(rows).to_have_count(1)
