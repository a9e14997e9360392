"""The desk with several people at it, at a table and on phones, light and dark.

Two who refund the same payment at once; many refunds of which some fail; a wallet that is revoked; a message nobody
here can apply; a threshold that one changes and another approves; a list that is taken home.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from authorizations.states import WalletStatus
from payments.models import BulkRefund, Payment, Refund
from portal import approvals, clock
from portal.acquirer import PaymentRequest
from portal.acquirer.results import Secret
from portal.demonstration.customers import SERVER_TERMINAL
from portal.gateways import acquirer_for, notification_url
from portal.models import ApprovalRule, Incident, JournalEntry, Notification
from portal.roles import ADMINISTRATOR, AUDITOR, FINANCE, OPERATOR
from tests.browser.test_desk import Staff
from tests.desk.conftest import act_url, list_url, page_url
from tests.story import PHP, Acquirer, Customer, Shop

_TOO_LATE = (
    "Everything was given back, or is on its way back.",
    "499.00 PHP is more than can still be given back: 0.00 PHP is left.",
)
VIEWS = [("light", 1360), ("dark", 390)]


@pytest.fixture(params=VIEWS, ids=lambda view: f"{view[0]}-{view[1]}")
def comes_in(
    request: pytest.FixtureRequest, chromium: Browser, portal_url: str, shop: Shop, complaints: list[str]
) -> Iterator[Callable[..., Staff]]:
    """Somebody signs in, each with a browser of their own. No page may be wider than the screen, or complain."""
    scheme, width = request.param
    pages: list[Page] = []

    def somebody(*roles: str) -> Staff:
        context = chromium.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, locale="en-GB", timezone_id="Asia/Manila"
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("load", lambda page: pages.append(page) if page not in pages else None)
        return Staff(page, portal_url, *roles).signs_in()

    yield somebody
    for page in pages:
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide == 0, page.url
        page.context.close()
    assert complaints == []


def test_two_who_give_the_same_money_back_at_once_give_it_once(
    comes_in: Callable[..., Staff], shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    both = [comes_in(OPERATOR), comes_in(OPERATOR)]
    for one in both:
        one.page.goto(shop.url + act_url(payment, "refund"))
        one.page.get_by_label("Reason").select_option(label="Buyer asked for it")
    for one in both:  # nobody waits for the other's page
        button = one.page.get_by_role("button", name="Refund 499.00 PHP")
        button.evaluate("button => { setTimeout(() => button.click()) }")
    for one in both:
        expect(one.page.get_by_role("status").or_(one.page.get_by_role("alert")).first).to_be_visible()

    said = [one.page.get_by_role("status").or_(one.page.get_by_role("alert")).first.inner_text() for one in both]
    assert len([words for words in said if words.startswith("499.00 PHP went back to GCash")]) == 1, said
    assert len([words for words in said if words in _TOO_LATE]) == 1, said
    assert Refund.objects.count() == 1
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]
    assert JournalEntry.objects.filter(act="refund").count() == 1


def test_many_refunds_from_a_file_are_approved_by_another_and_three_of_them_fail(
    comes_in: Callable[..., Staff], shop: Shop, buyer: Customer, acquirer: Acquirer, tmp_path: Path
) -> None:
    operator, finance = comes_in(OPERATOR), comes_in(FINANCE)
    is_phone = operator.page.viewport_size == {"width": 390, "height": 844}
    count = 100 if is_phone else 10  # once is proof enough that a hundred fit on the page
    wallet = buyer.binds("GCASH")
    paid = [shop.charges(shop.sells("Cup", PHP(165_00 + n), to=buyer), wallet) for n in range(count)]
    file = tmp_path / "cups.csv"
    file.write_text("\n".join(["id", *(payment.payment_request_id for payment in paid)]))

    operator.page.goto(f"{shop.url}{list_url(BulkRefund)}acts/upload/")
    operator.page.get_by_label("File").set_input_files(file)
    operator.page.get_by_label("Reason").select_option("DAMAGED")
    operator.page.get_by_label("Note").fill("a broken batch")
    operator.presses("Look at it first")
    total = PHP(sum(165_00 + n for n in range(count)))
    operator.reads(f"{count} refunds ·").follows("Start").presses(f"Refund {total}")
    operator.reads("Nothing was done yet: your request waits for somebody else.")
    for payment in paid[:2]:  # somebody gives two of them back meanwhile
        shop.refunds(payment)
    given_before = len(acquirer.gave_back_to(buyer))
    acquirer.will("refund_fails", code="MERCHANT_BALANCE_NOT_ENOUGH", calls=1)
    finance.opens("index").follows("Decide…").reads(f"{count} refunds from cups.csv")
    finance.page.locator("form button[name=saying]").click()
    finance.reads("Approved and done.")
    shop.comes_to_rest()

    bulk = BulkRefund.objects.get()
    operator.page.goto(shop.url + page_url(bulk))
    operator.reads("Finished").reads("MERCHANT_BALANCE_NOT_ENOUGH")
    assert len(acquirer.gave_back_to(buyer)) - given_before == count - 3
    operator.follows("Go on").presses("Go on")
    shop.comes_to_rest()
    assert len(acquirer.gave_back_to(buyer)) - given_before == count - 2
    assert Refund.objects.filter(status="SUCCEEDED").count() == count


def test_a_wallet_is_revoked_and_charged_no_more(comes_in: Callable[..., Staff], shop: Shop, buyer: Customer) -> None:
    wallet = buyer.binds("GCASH")
    desk = comes_in(OPERATOR)

    desk.page.goto(shop.url + page_url(wallet))
    desk.follows("Revoke…").reads("To pay with it again, the buyer must agree anew in the wallet.")
    desk.page.get_by_label("Reason").select_option(label="Buyer asked for it")
    desk.presses(f"Revoke GCash {wallet.login_label}").reads("Revoked")

    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.REVOKED


def test_a_message_nobody_here_can_apply_is_taken_looked_at_and_closed(
    comes_in: Callable[..., Staff], shop: Shop, buyer: Customer
) -> None:
    wallet = buyer.binds("GCASH")
    _another_till_charges(wallet, "STALL1")
    shop.clock_moves(days=3)
    message, incident = Notification.objects.get(subject="STALL1"), Incident.objects.get()

    desk = comes_in(OPERATOR).opens("index")
    desk.follows("notifyPayment STALL1 could not be applied").follows("Take it").presses("Take it")
    desk.page.goto(shop.url + act_url(message, "try_again"))
    desk.presses("Try again now").reads("It speaks of something that is not known here (yet).")
    desk.page.goto(shop.url + act_url(incident, "close"))
    desk.page.get_by_label("How was it resolved?").fill("Sold at the pop-up stall, which shares our merchant id.")
    desk.presses("Close the incident")
    desk.opens("index").reads("Nothing waits")

    incident.refresh_from_db()
    assert incident.owner == desk.user
    assert not incident.is_open
    assert Payment.objects.count() == 0


def _another_till_charges(wallet: Any, request_id: str) -> None:
    """A system that shares our merchant id debits the wallet; the portal hears of a payment it never made."""
    acquirer_for(wallet.account).pay(
        PaymentRequest(
            payment_request_id=request_id,
            amount=PHP(570_00),
            wallet=wallet.wallet,
            access_token=Secret(wallet.access_token),
            order_reference=request_id,
            order_description="Pop-up stall",
            settlement_currency=wallet.account.settlement_currency,
            expires_at=clock.now() + timedelta(seconds=50),
            notify_url=notification_url(wallet.account, "payment"),
            terminal=SERVER_TERMINAL,
        )
    )


def test_a_threshold_that_one_changes_holds_once_another_agrees(comes_in: Callable[..., Staff], shop: Shop) -> None:
    approvals.install_rules()
    rule = ApprovalRule.objects.get(kind="refund", currency="PHP", role="")
    chief, finance = comes_in(ADMINISTRATOR), comes_in(FINANCE)
    chief.page.goto(shop.url + act_url(rule, "change_rule"))
    chief.page.locator("[name=above]").fill("7500.00")
    chief.page.get_by_label("Note").fill("Machines cost more now.")
    chief.page.locator("form button[name=saying]").click()
    chief.reads("Nothing was done yet")
    rule.refresh_from_db()
    assert rule.above_value == 5_000_00

    finance.opens("index").follows("Decide…").reads("Now it is: above 5,000.00 PHP")
    finance.page.locator("form button[name=saying]").click()
    finance.reads("Approved and done.")
    rule.refresh_from_db()
    assert rule.above_value == 7_500_00


def test_a_list_is_taken_home_and_no_cell_of_it_is_a_formula(
    comes_in: Callable[..., Staff], shop: Shop, buyer: Customer, tmp_path: Path
) -> None:
    buyer.binds("GCASH")
    shop.charges(shop.sells("=1+1", PHP(499_00), to=buyer))
    shop.charges(shop.sells("Day pass", PHP(20_00), to=buyer))

    desk = comes_in(AUDITOR)
    desk.page.goto(shop.url + list_url(Payment))
    desk.follows("Export")
    with desk.page.expect_download() as taking:
        desk.presses("CSV, 2 rows")
    taking.value.save_as(tmp_path / "list.csv")
    rows = list(csv.reader((tmp_path / "list.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 1 + Payment.objects.count()
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "@")]
    assert JournalEntry.objects.filter(actor_name=desk.user.username).count() == 1
