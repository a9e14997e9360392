"""Stories of staff at the desk: giving money back, ending a wallet, bringing in a report, and looking around."""

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import FilePayload, Page, Route, expect

from authorizations.models import WalletAccount
from authorizations.states import WalletStatus
from payments.models import Order, Payment, Refund
from payments.states import RefundStatus
from portal.models import JournalEntry
from portal.roles import ADMINISTRATOR, FINANCE, OPERATOR, PURPOSES
from portal.sandbox.control import SandboxControl
from portal.sandbox.server import Sandbox
from reconciliation.models import FileStatus, ReportFile
from tests.browser.people import Phone
from tests.factories import PASSWORD, UserFactory
from tests.story import PHP, Acquirer, Customer, Shop


class Staff:
    """Somebody who signs in and works in the desk's pages."""

    def __init__(self, page: Page, portal_url: str, *roles: str) -> None:
        self.page, self._url = page, portal_url
        self.user = UserFactory(roles=roles)

    def signs_in(self) -> "Staff":
        """By name and password, as anybody does."""
        self.page.goto(f"{self._url}/admin/")
        self.page.get_by_label("Username").fill(self.user.username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in", exact=True).click()
        expect(self.page.get_by_role("search")).to_be_visible()
        return self

    def searches(self, words: str) -> "Staff":
        """Type into the one search box, and wait for what it finds: the page before may say the same words."""
        self.page.keyboard.press("/")
        self.page.keyboard.type(words)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self

    def opens(self, view: str, *arguments: Any) -> "Staff":
        """Go to a page of the desk."""
        self.page.goto(self._url + reverse(f"admin:{view}", args=arguments))
        return self

    def follows(self, words: str) -> "Staff":
        """Follow a link."""
        self.page.get_by_role("link", name=words).first.click()
        return self

    def presses(self, words: str) -> "Staff":
        """Press a button."""
        self.page.get_by_role("button", name=words, exact=True).click()
        return self

    def reads(self, words: str | re.Pattern[str]) -> "Staff":
        """These words are on the page."""
        expect(self.page.get_by_text(words).first).to_be_visible()
        return self


@pytest.fixture
def operator(page: Page, portal_url: str, shop: Shop) -> Staff:
    """Somebody who may give money back."""
    return Staff(page, portal_url, OPERATOR)


def test_a_refund_by_staff_reaches_the_buyers_phone(
    phone: Phone, portal_url: str, acquirer: Acquirer, sandbox: Sandbox
) -> None:
    phone.belongs_to("ana", "GCASH").binds().opens("Shop").taps("Buy Barako beans").taps("Pay 349.00 PHP")
    phone.shows("Paid. Thank you!")
    payment = Payment.objects.get()

    desk = Staff(phone.page.context.new_page(), portal_url, OPERATOR).signs_in()
    desk.searches(payment.payment_request_id).follows("Refund…")
    desk.page.get_by_label("Amount").fill("200")
    desk.page.get_by_label("Reason").select_option(label="Buyer asked for it")
    desk.presses("Refund 200.00 PHP")

    desk.reads(re.compile(r"200\.00 PHP"))
    assert [(one.amount_value, one.status) for one in Refund.objects.all()] == [(200_00, RefundStatus.SUCCEEDED)]
    assert sandbox.engine.given_back_to("ana") == [PHP(200_00)]
    assert JournalEntry.objects.filter(actor_name=desk.user.username).count() == 1

    phone.taps("Back to the shop").shows("Partly given back").taps("Barako beans Partly given back")
    phone.shows("200.00 PHP")


def test_a_wallet_revoked_by_staff_is_gone_from_the_buyers_phone(phone: Phone, portal_url: str) -> None:
    phone.belongs_to("ana", "GCASH").binds().goes_home()
    wallet = WalletAccount.objects.get()

    desk = Staff(phone.page.context.new_page(), portal_url, OPERATOR).signs_in()
    desk.opens("authorizations_walletaccount_change", wallet.pk).follows("Revoke…")
    desk.reads("To pay with it again, the buyer must agree anew in the wallet.")
    desk.page.get_by_label("Reason").select_option(label="Buyer asked for it")
    desk.presses(f"Revoke GCash {wallet.login_label}")
    desk.reads("Revoked")

    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.REVOKED
    phone.comes_back().shows("Pay with GCash, in one tap")


def test_a_report_is_tried_and_then_imported(
    page: Page, portal_url: str, shop: Shop, buyer: Customer, sandbox: Sandbox
) -> None:
    buyer.binds("GCASH")
    for price in (PHP(499_00), PHP(120_00)):
        shop.charges(shop.sells("Monthly pass", price, to=buyer))
    shop.clock_moves(days=1)
    control = SandboxControl(sandbox.url)
    reports = [one for one in control.reports() if one["name"].startswith("settlementItems")]
    upload: list[FilePayload] = [
        {"name": one["name"], "mimeType": "text/csv", "buffer": control.report(one["day"], one["name"]).encode()}
        for one in reports
    ]

    desk = Staff(page, portal_url, FINANCE).signs_in()
    desk.opens("reconciliation_reportfile_changelist").follows("Import reports…")
    page.get_by_label("Reports").set_input_files(upload)
    desk.presses("Try them first")
    assert ReportFile.objects.get().status == FileStatus.TRIED

    desk.follows("Import…").presses("Import 2 rows")
    desk.reads("Imported")
    file = ReportFile.objects.get()
    assert (file.status, file.row_count) == (FileStatus.IMPORTED, 2)


def test_whoever_leaves_while_the_acquirer_is_asked_is_not_called_back(
    page: Page, portal_url: str, shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    acquirer.will("payment_stays_processing", expires=False)
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    shop.seconds_pass(60)
    desk = Staff(page, portal_url, OPERATOR).signs_in()
    held: list[Route] = []
    asked = re.compile("/acts/ask/$")
    for door in (asked, re.compile("/payments/refund/$")):
        page.route(door, lambda route: held.append(route))  # noqa: PLW0108 - the library marks its handlers

    desk.opens("payments_payment_change", payment.pk)
    with page.expect_request(re.compile("/payments/refund/$")):
        page.locator("nav.side").get_by_role("link", name="Refunds", exact=True).click(no_wait_after=True)
    with page.expect_response(asked):
        held[0].fulfill(body="")
    page.wait_for_timeout(300)  # for the page to do what it does then
    held[1].continue_()

    expect(page.get_by_role("heading", name="Refunds", exact=True)).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_every_page_of_the_desk_keeps_to_the_policy_and_to_the_screen(
    page: Page, portal_url: str, shop: Shop, buyer: Customer, scheme: Any, width: int
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    shop.refunds(payment, PHP(100_00))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)

    desk = Staff(page, portal_url, *PURPOSES).signs_in()
    lists = page.locator("nav.side ul a").evaluate_all("links => links.map(link => link.href)")
    assert len(set(lists)) >= 15
    things = [
        reverse("admin:payments_order_change", args=[Order.objects.get().pk]),
        reverse("admin:payments_payment_change", args=[payment.pk]),
        reverse("admin:payments_payment_act", args=[payment.pk, "refund"]),
        reverse("admin:payments_refund_change", args=[Refund.objects.get().pk]),
        reverse("admin:authorizations_walletaccount_change", args=[WalletAccount.objects.get().pk]),
        reverse("admin:portal_acquireraccount_change", args=[shop.account.pk]),
        reverse("api-docs"),
    ]
    for url in [*dict.fromkeys(lists), *(portal_url + thing for thing in things)]:
        response = page.goto(url)
        assert response is not None
        assert response.status == 200, url
        icon = page.locator("link[rel=icon]").get_attribute("href")  # a browser with a window would ask for another
        assert icon is not None, url
        assert page.request.get(portal_url + icon).ok, url
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide == 0, f"{url} is {too_wide} px too wide at {width}"
        if width == 1280:  # a laptop's: nothing stands beyond an edge that does not look like one
            cut = page.locator(".scroll").evaluate_all(
                "boxes => boxes.filter(box => box.scrollWidth > box.clientWidth).map(box => box.ariaLabel)"
            )
            assert cut == [], url
    assert desk.user.is_authenticated


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
def test_an_order_is_found_by_any_id_and_a_list_is_made_one_s_own(
    page: Page, portal_url: str, shop: Shop, buyer: Customer, scheme: Any, width: int
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    refund = shop.refunds(payment, PHP(100_00))
    shop.charges(shop.sells("Day pass", PHP(20_00), to=buyer))
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    desk = Staff(page, portal_url, ADMINISTRATOR).signs_in()

    for text, title in (
        (payment.order.number, "499.00"),
        (payment.payment_request_id, "499.00"),
        (payment.payment_id, "499.00"),
        (refund.refund_request_id, "100.00"),
        (payment.order.number[:-3], "these begin with it"),
    ):
        desk.searches(text).reads(re.compile(re.escape(title)))

    desk.opens("payments_order_changelist")
    page.locator("summary", has_text="Amount").click()
    page.get_by_label("Currency").select_option("PHP")
    page.get_by_label("At least").fill("100")
    desk.presses("Show these").reads("Amount: at least 100.00 PHP")
    expect(page.locator("tbody tr")).to_have_count(1)

    desk.follows("Columns")
    page.get_by_label("Buyer", exact=True).uncheck()
    page.get_by_role("button", name="Move State up").press("Enter")
    desk.presses("Show these columns")
    expect(page.locator("thead th:not(.tick)").nth(2)).to_have_text("State")

    desk.follows("Save view")
    page.get_by_label("Name", exact=True).fill("Large ones")
    desk.presses("Save this view").reads("“Large ones” is saved.")
    expect(page.get_by_role("link", name="Large ones")).to_have_attribute("aria-current", "page")

    desk.follows("Export").reads("at least 100.00 PHP")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV, 1 row").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "Order,What,State,Wallet,Amount,Currency,Time"
    assert lines[1].startswith(f"{payment.order.number},Monthly pass,")
    assert len(lines) == 2
    assert JournalEntry.objects.filter(act="export", actor_name=desk.user.username).count() == 1
