"""A bookkeeper in the browser: gives a report, looks at what it would do, imports it, explains what differs."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal import roles
from portal.sandbox.control import SandboxControl
from reconciliation.models import Batch, Discrepancy, Period, ReportFile, SettlementRow
from tests.factories import PASSWORD, UserFactory
from tests.reconciliation.test_sandbox_days import a_day_of_trade, day_passes, imports_every_report
from tests.story import Acquirer, Customer, Shop


@pytest.fixture
def bookkeeper(page: Page, shop: Shop) -> Page:
    """Somebody of Finance, signed in."""
    return signs_in(page, shop)


def signs_in(page: Page, shop: Shop) -> Page:
    """Somebody of Finance comes in."""
    roles.install()
    user = UserFactory(roles=(roles.FINANCE,))
    page.goto(f"{shop.url}/admin/login/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():
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
    expect(bookkeeper.get_by_role("group", name="Gross")).to_be_visible()
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


def test_the_month_is_closed_and_its_journal_taken(
    page: Page, shop: Shop, buyer: Customer, acquirer: Acquirer, tmp_path: Path
) -> None:
    a_day_of_trade(shop, buyer)
    day_passes(shop)
    imports_every_report(shop.account, acquirer)
    shop.clock_moves_to(datetime(2026, 4, 2, 4, tzinfo=UTC))
    signs_in(page, shop)
    batch = Batch.objects.get()
    assert batch.net is not None
    paper = tmp_path / "bank.csv"
    paid = f"{batch.net.major},{batch.currency},2026-03-05,BANK-1,settlement {batch}"
    paper.write_text(f"amount,currency,value_date,reference,text\n{paid}\n-3.00,USD,2026-03-05,BANK-2,fee\n")

    page.get_by_role("link", name="Bank credits").click()
    page.get_by_role("link", name="Import a statement…").click()
    page.get_by_label("Statement").set_input_files(paper)
    page.get_by_role("button", name="Import the statement").click()
    expect(page.get_by_text("bank.csv: credits 1, matched 1, waiting for a person 0, debits 1.").first).to_be_visible()
    page.get_by_role("link", name=str(batch)).click()
    expect(page.get_by_text("Ties out")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size({"width": 1280, "height": 900})

    page.get_by_role("link", name="Accounting months").click()
    page.get_by_role("link", name="March 2026").click()
    expect(page.get_by_text("Holds")).to_have_count(8)
    page.get_by_role("link", name="Close the month…").click()
    page.get_by_label("Reason").select_option(label="The month is done")
    page.get_by_role("button", name="Close March 2026").click()

    expect(page.get_by_text("March 2026 is closed.").first).to_be_visible()
    page.get_by_role("link", name="Journal…").click()
    page.get_by_label("As", exact=True).select_option(label="beancount")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Take the journal").click()
    path = tmp_path / taken.value.suggested_filename
    taken.value.save_as(path)
    assert path.name.endswith("-2026-03.beancount")
    assert "Assets:Clearing:" in path.read_text()
    page.go_back()
    page.get_by_role("link", name="Refunds −").click()
    expect(page.get_by_role("cell", name="CANCEL")).to_be_visible()
    assert not Period.objects.get(month=date(2026, 3, 1)).is_open
