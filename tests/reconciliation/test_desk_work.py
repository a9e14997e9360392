"""The desk's pages for working discrepancies: whose it is, the evidence side by side, matched, written off, raised."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal import clock
from portal.models import Approval, Exchange, JournalEntry
from portal.money import Money
from portal.roles import FINANCE
from reconciliation import operations
from reconciliation.models import Batch, Discrepancy, Match
from tests.factories import UserFactory
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, every_file_obeys_the_law
from tests.reconciliation.reports import row, settlement
from tests.reconciliation.test_desk import act, once, signed_in, words
from tests.reconciliation.test_sandbox_days import day_passes, imports_every_report
from tests.story import PHP, Acquirer, Customer, Shop

LIST = "/admin/reconciliation/discrepancy/"


@pytest.fixture
def finance(books: Books) -> Client:
    """Somebody who closes the books."""
    return signed_in(FINANCE)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def page_of(one: Discrepancy) -> str:
    return f"{LIST}{one.pk}/change/"


def act_of(one: Discrepancy, name: str) -> str:
    return f"{LIST}{one.pk}/acts/{name}/"


def test_whose_row_it_is_is_said_looked_at_once_more_and_done(finance: Client, books: Books, imported: Import) -> None:
    named = books.payment("P-1", usd(100_00))
    named.order.reference = "ORD-7"
    named.order.save()
    imported(settlement(row("PAYMENT", "X-1", "90.00", "90.00", referenceTransactionId="ORD-7")))
    one = Discrepancy.objects.get()
    said = words(finance.get(page_of(one)))
    assert "The row as printed" in said
    assert "It may belong to not matched by itself Ours State Amount P-1 Paid 100.00 USD" in said
    url = act_of(one, "match")

    page = act(finance, url, "Match it", reason_code="SAME_ORDER")
    assert "Say whose it is." in words(page)
    page = act(finance, url, "Match it", reason_code="SAME_ORDER", named="P-9")
    assert "Nothing of this account has this id." in words(page)
    page = act(finance, url, "Match it", reason_code="SAME_ORDER", proposal="P-1")

    said = words(page)
    assert "Read the button once more" in said
    assert "100.00 USD of the row count as matched with payment P-1 of 100.00 USD." in said
    assert "-10.00 USD stay open: The row is over 90.00 USD, ours over 100.00 USD: 10.00 USD less." in said
    assert not Match.objects.exists()
    data = {"once": once(page), "reason_code": "SAME_ORDER", "proposal": "P-1"}
    page = finance.post(url, {**data, "saying": "Match with payment P-1 of 100.00 USD"}, follow=True)

    left = Discrepancy.objects.get(closed_at=None)
    assert page.redirect_chain[-1][0] == page_of(left)
    assert "Matched; what is not agreed is open as a discrepancy of its own." in words(page)
    assert "Three truths" in words(page)
    assert "Closed by" in words(finance.get(page_of(one)))
    row_page = f"/admin/reconciliation/settlementrow/{left.row_id}/"
    assert "Payment · P-1 · 100.00 USD · by hand" in words(finance.get(f"{row_page}change/"))
    page = act(finance, f"{row_page}acts/unmatch/", "Unmatch 90.00 USD", reason_code="MISTAKE")
    assert "Unmatched. It is open now." in words(page)
    assert page.redirect_chain[-1][0] == page_of(one)
    every_file_obeys_the_law()


def test_it_is_not_taken_from_somebody_unseen(finance: Client, books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "5.00", "5.00")))
    one, colleague = Discrepancy.objects.get(), UserFactory(roles=(FINANCE,))
    form = finance.get(act_of(one, "take"))
    operations.assign(one, colleague, by=BOOKKEEPER)

    page = finance.post(act_of(one, "take"), {"once": once(form), "saying": "Take it"}, follow=True)

    assert f"Take it from {colleague.username}" in page.content.decode()
    assert Discrepancy.objects.get().owner == colleague
    page = act(finance, act_of(one, "assign"), f"Take it from {colleague.username} and assign it", owner="")
    assert "It is back in the queue." in words(page)
    assert Discrepancy.objects.get().owner is None


def test_a_large_one_becomes_a_request(finance: Client, books: Books, imported: Import) -> None:
    books.payment("P-1", usd(1_000_00))
    imported(settlement(row("PAYMENT", "P-1", "100.00", "100.00")))
    one = Discrepancy.objects.get()
    form = words(finance.get(act_of(one, "write_off")))
    assert "900.00 USD become a loss of ours; -900.00 USD of the file count as explained." in form
    assert "Above 100.00 USD a second person approves: then this becomes a request" in form

    page = act(finance, act_of(one, "write_off"), "Write off 900.00 USD", reason_code="TOO_OLD")

    assert "Nothing was done yet: your request waits for somebody else." in words(page)
    request = Approval.objects.get()
    assert "900.00 USD are written off as a loss" in words(page)
    assert page.redirect_chain[-1][0] == f"/admin/portal/approval/{request.pk}/change/"
    page = act(signed_in(FINANCE), f"/admin/portal/approval/{request.pk}/acts/approve/", "Approve 900.00 USD")
    assert "Approved and done." in words(page)
    assert "Written off as a loss or a gain" in words(finance.get(page_of(one)))
    page = act(finance, act_of(one, "reopen"), "Open it again", reason_code="NEWS")
    assert "It is open again." in words(page)
    every_file_obeys_the_law()


def test_several_are_written_off_and_each_tells_its_end(finance: Client, books: Books, imported: Import) -> None:
    books.payment("P-1", usd(1_000_00))
    imported(
        settlement(
            row("PAYMENT", "X-1", "5.00", "5.00"),
            row("PAYMENT", "X-2", "6.00", "6.00"),
            row("PAYMENT", "P-1", "100.00", "100.00"),
        )
    )
    small, closed, large = Discrepancy.objects.order_by("row__line_number")
    url, chosen = f"{LIST}acts/write_off_chosen/", [str(one.pk) for one in (small, closed, large)]
    form = finance.get(url, {"chosen": chosen})
    operations.close(closed, by=BOOKKEEPER, resolution="TIMING")
    data = {"once": once(form), "saying": "Write off 3 discrepancies", "chosen": chosen, "reason_code": "TOO_SMALL"}

    page = finance.post(url, data, follow=True)

    said = words(page)
    number = Approval.objects.get().number
    assert f"2 {closed} Refused Write off: Too small to pursue. This discrepancy is already closed." in said
    waits = "Waits for a second person Write off: Too small to pursue."
    assert f"{waits} Above 100.00 USD a second person approves: request {number}." in said
    assert "1 of 3 done." in said
    assert JournalEntry.objects.latest("pk").act == "end to write discrepancies off"
    assert "That was already done with this form" in words(finance.post(url, data, follow=True))
    url = f"{LIST}acts/assign_chosen/"
    form = finance.get(url, {"chosen": chosen[2:]})
    owner = UserFactory(roles=(FINANCE,))
    data = {"once": once(form), "saying": "Assign 1 discrepancy", "chosen": chosen[2:], "owner": str(owner.pk)}
    assert "1 of 1 done." in words(finance.post(url, data, follow=True))
    assert Discrepancy.objects.get(closed_at=None).owner == owner


def test_the_bundle_is_taken_and_the_queue_says_where_it_is(finance: Client, books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "5.00", "5.00")))
    one = Discrepancy.objects.get()

    response = act(finance, act_of(one, "raise_it"), "Take the bundle", reason_code="ASK", case_reference="C-1")

    assert response["Content-Disposition"] == f'attachment; filename="discrepancy-{one.pk}.zip"'
    names = zipfile.ZipFile(io.BytesIO(response.content)).namelist()
    assert names == [*sorted(names[:-1]), "SHA256SUMS"]
    assert {"letter.txt", "rows/row.json", "README.txt", "timeline.txt"} <= set(names)
    assert "With the acquirer" in words(finance.get(f"{LIST}?ask=raised"))
    assert "C-1" in words(finance.get(page_of(one)))


def test_the_queue_tells_what_is_late_and_whose_it_is(finance: Client, books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "5.00", "5.00"), row("PAYMENT", "X-2", "6.00", "6.00")))
    mine, late = Discrepancy.objects.order_by("row__line_number")
    Discrepancy.objects.filter(pk=late.pk).update(opened_at=clock.now() - timedelta(days=5, hours=1))
    act(finance, act_of(mine, "take"), "Take it")

    listed = words(finance.get(f"{LIST}?ask=overdue"))
    assert "X-2" in listed
    assert "X-1" not in listed
    assert "2 days late" in listed
    assert "X-1" in words(finance.get(f"{LIST}?owner=me"))
    assert "X-1" not in words(finance.get(f"{LIST}?owner=nobody"))
    assert "X-1" not in words(finance.get(f"{LIST}?owner=others"))


def test_a_page_costs_the_same_however_many_are_open(finance: Client, books: Books, imported: Import) -> None:
    books.payment("P-1", usd(1_00))
    imported(settlement(row("PAYMENT", "P-1", "2.00", "2.00")))
    urls = [page_of(Discrepancy.objects.get()), f"{LIST}?ask=overdue&owner=nobody"]

    def cost(url: str) -> int:
        finance.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert finance.get(url).status_code == 200
        return len(queries)

    before = [cost(url) for url in urls]
    imported(settlement(*(row("PAYMENT", f"X-{n}", "1.00", "1.00") for n in range(60)), batch="B2"), name="2.csv")
    Discrepancy.objects.update(opened_at=clock.now() - timedelta(days=9))

    assert [cost(url) for url in urls] == before


LINES = {
    "Gross": ["2", "3", "4"],
    "Refunds": ["5", "6"],
    "Fees": ["2", "3", "4", "5", "6", "7", "9"],
    "Disputes": ["7"],
    "Reserve": ["8"],
    "Net": ["2", "3", "4", "5", "6", "7", "8", "9"],
}
"""Of the example: which lines each step from gross to net is made of."""


def lines_behind_bars(desk: Client, page: str) -> dict[str, list[str]]:
    """The lines in the list that each bar of a page's picture leads to."""
    bars = re.findall(r'<a href="([^"]+)" aria-label="([^ ]+) [^"]+, its rows">', desk.get(page).content.decode())
    return {
        name: re.findall(rf"{reports.BATCH} · (\d+)", words(desk.get(url.replace("&amp;", "&")))) for url, name in bars
    }


def test_every_bar_of_a_batch_leads_to_its_rows(finance: Client, may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)

    assert lines_behind_bars(finance, f"/admin/reconciliation/batch/{Batch.objects.get().pk}/change/") == LINES

    for odd in ("?batch=é", "?batch=99999999999999999999", "?step=fx", "?step=nonsense"):
        assert finance.get(f"/admin/reconciliation/settlementrow/{odd}").status_code in {200, 302}


def test_one_click_asks_the_acquirer_and_comes_back(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    """The row is short; the acquirer, asked now, says what we hold: its report is wrong."""
    wallet = buyer.binds("GCASH")
    payment = shop.charges(shop.sells("pass", PHP(499_00), to=buyer), wallet)
    acquirer.engine.plant("amount_short", request_id=payment.payment_request_id, by=100)
    day_passes(shop)
    imports_every_report(shop.account, acquirer)
    one = Discrepancy.objects.get(closed_at=None, row__batch__isnull=False)
    desk = signed_in(FINANCE)
    said = words(desk.get(page_of(one)))
    assert "Three truths" in said
    assert "498.00" in said
    asked = Exchange.objects.filter(api="inquiryPayment").count()

    page = act(desk, act_of(one, "ask"), "Ask now")

    assert "The acquirer was asked. The payment is paid." in words(page)
    assert page.redirect_chain[-1][0] == page_of(one)
    assert Exchange.objects.filter(api="inquiryPayment").count() == asked + 1
    assert re.search(r"\d fields? differs?", words(page))
