"""A bookkeeper in the browser: gives a report, looks at what it would do, imports it, explains what differs."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal import roles
from portal.sandbox.control import SandboxControl
from reconciliation.models import Discrepancy, ReportFile, SettlementRow
from tests.factories import PASSWORD, UserFactory
from tests.reconciliation.test_sandbox_days import a_day_of_trade, day_passes
from tests.story import Acquirer, Customer, Shop


@pytest.fixture
def bookkeeper(page: Page, shop: Shop) -> Page:
    """Somebody of Finance, signed in."""
    roles.install()
    user = UserFactory(roles=(roles.FINANCE,))
    page.goto(f"{shop.url}/admin/login/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    return page


def test_from_the_report_to_nothing_open(
    bookkeeper: Page, shop: Shop, buyer: Customer, acquirer: Acquirer, tmp_path: Path
) -> None:
    payments = a_day_of_trade(shop, buyer)
    acquirer.engine.plant("amount_short", request_id=payments[0].payment_request_id, by=100)
    day_passes(shop)
    control = SandboxControl(acquirer.sandbox.url)
    [report] = [one for one in control.reports() if str(one["name"]).startswith("settlementItems")]
    path = tmp_path / report["name"]
    path.write_text(control.report(report["day"], report["name"]))

    bookkeeper.get_by_role("link", name="Settlement files").click()
    bookkeeper.get_by_role("link", name="Import reports…").click()
    bookkeeper.get_by_label("Reports").set_input_files(path)
    bookkeeper.get_by_role("button", name="Try them first").click()

    expect(bookkeeper.get_by_text("Nothing of it is imported yet.")).to_be_visible()
    expect(bookkeeper.get_by_role("cell", name="Amount differs")).to_be_visible()
    assert not SettlementRow.objects.exists()

    bookkeeper.get_by_role("link", name="Import…").click()
    bookkeeper.get_by_role("button", name="Import 8 rows").click()

    expect(bookkeeper.get_by_text("8 rows imported, 1 of them open with 1 discrepancy.").first).to_be_visible()
    expect(bookkeeper.locator(".law")).to_contain_text("open 0.0")

    bookkeeper.get_by_role("link", name="Amount differs").click()
    bookkeeper.get_by_role("link", name="Close…").click()
    bookkeeper.get_by_label("Reason").select_option(label="The acquirer corrects it in a later batch")
    bookkeeper.get_by_role("button", name="Close with").click()

    expect(bookkeeper.get_by_text("Closed: The acquirer corrects it in a later batch.").first).to_be_visible()
    assert not Discrepancy.objects.filter(closed_at=None).exists()

    bookkeeper.get_by_role("link", name="Settlement batches").click()
    expect(bookkeeper.get_by_text("Nothing open")).to_be_visible()
    bookkeeper.locator("table.list tbody a").first.click()
    expect(bookkeeper.get_by_role("img", name="Gross")).to_be_visible()
    bookkeeper.set_viewport_size({"width": 390, "height": 844})
    assert bookkeeper.evaluate("document.documentElement.scrollWidth") == 390


def test_a_cut_report_is_refused_where_it_was_given(bookkeeper: Page, shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "settlementItems_USD_1_000.csv"
    path.write_text("settlementBatchId,customerId,PSP,transactionId,transactionRequestId,transactionType")

    bookkeeper.goto(f"{shop.url}/admin/reconciliation/reportfile/acts/import_files/")
    bookkeeper.get_by_label("Reports").set_input_files(path)
    bookkeeper.get_by_role("button", name="Try them first").click()

    expect(bookkeeper.get_by_role("alert")).to_contain_text("Missing in the settlement details: transactionAmountValue")
    assert not ReportFile.objects.exists()
