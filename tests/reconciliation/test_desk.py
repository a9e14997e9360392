"""The desk's pages of settlement: try, look, import, explain."""

import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payments.models import Payment, Refund
from portal import finding, gather
from portal.models import JournalEntry
from portal.money import Money
from portal.registry import timelines, today
from reconciliation import operations
from reconciliation.models import Batch, Discrepancy, FileStatus, Reason, ReportFile, SettlementRow
from tests.factories import AcquirerAccountFactory, UserFactory
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import
from tests.reconciliation.editions import E2_SUMMARY, zipped
from tests.reconciliation.reports import fee, row, settlement

NAME = "settlementItems_USD_2026051498700001_000.csv"
TRY = "/admin/reconciliation/reportfile/acts/import_files/"


def signed_in(*roles: str) -> Client:
    client = Client()
    client.force_login(UserFactory(roles=roles))
    return client


@pytest.fixture
def finance(books: Books) -> Client:
    """Somebody who closes the books."""
    return signed_in("Finance")


def words(response: Any) -> str:
    """What a page says, without its markup."""
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def once(page: Any) -> str:
    """The token of the form on a page."""
    found = re.search(r'name="once" value="([^"]+)"', page.content.decode())
    assert found is not None, words(page)
    return unescape(found[1])


def act(client: Client, url: str, saying: str, **data: Any) -> Any:
    """Open an act's page and press its button."""
    page = client.get(url)
    assert page.status_code == 200, words(page)
    return client.post(url, {"once": once(page), "saying": saying, **data}, follow=True)


def upload(*files: tuple[str, str | bytes]) -> list[SimpleUploadedFile]:
    return [
        SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content, content_type="text/csv")
        for name, content in files
    ]


def test_a_report_is_tried_looked_at_and_imported(finance: Client, may_books: Books) -> None:
    page = act(finance, TRY, "Try them first", reports=upload((NAME, reports.SETTLEMENT)))

    file = ReportFile.objects.get()
    assert (file.status, file.account) == (FileStatus.TRIED, may_books.account)
    assert page.redirect_chain[-1][0] == f"/admin/reconciliation/reportfile/{file.pk}/change/"
    said = words(page)
    assert "Settlement details: 8 rows would be imported, nothing open. Nothing of it is imported yet." in said
    assert "Reported 102.77 = matched 154.77 − explained 52.00 + open 0.00 USD" in said
    assert "Nothing: every row would be matched or explained." in said
    assert not SettlementRow.objects.exists()

    page = act(finance, f"/admin/reconciliation/reportfile/{file.pk}/acts/commit/", "Import 8 rows")

    assert "Settlement details: 8 rows imported, nothing open." in words(page)
    assert SettlementRow.objects.count() == 8
    file.refresh_from_db()
    assert (file.status, file.preview) == (FileStatus.IMPORTED, None)
    acts = JournalEntry.objects.order_by("pk").values_list("act", "actor_kind")
    assert list(acts) == [("try report", "PERSON"), ("import report", "PERSON")]


def test_a_double_click_imports_once(finance: Client, may_books: Books) -> None:
    act(finance, TRY, "Try them first", reports=upload((NAME, reports.SETTLEMENT)))
    url = f"/admin/reconciliation/reportfile/{ReportFile.objects.get().pk}/acts/commit/"
    data = {"once": once(finance.get(url)), "saying": "Import 8 rows"}

    finance.post(url, data)
    again = finance.post(url, data, follow=True)

    assert "That was already done with this form" in words(again)
    assert SettlementRow.objects.count() == 8
    assert JournalEntry.objects.filter(act="import report").count() == 1


def test_several_files_are_tried_and_the_damaged_one_is_named(finance: Client, may_books: Books) -> None:
    page = act(
        finance,
        TRY,
        "Try them first",
        reports=upload(
            (NAME, reports.SETTLEMENT),
            ("settlementSummary.csv", reports.SUMMARY),
            ("cut.csv", reports.SETTLEMENT.replace("<END>\n", "")),
        ),
    )

    said = words(page)
    assert "cut.csv: The file is truncated" in said
    assert "2 of 3 files were tried. Look at each, and import it." in said
    assert ReportFile.objects.filter(status=FileStatus.TRIED).count() == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not even a header line"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "This is not a text file."),
        (reports.SETTLEMENT.replace("<END>\n", "").encode(), "The file is truncated"),
        (reports.SETTLEMENT.replace(reports.CUSTOMER, "666").encode(), "belongs to merchant 666"),
    ],
)
def test_a_file_that_is_none_is_refused_on_the_form(
    finance: Client, may_books: Books, content: bytes, sentence: str
) -> None:
    page = act(finance, TRY, "Try them first", reports=upload(("x.csv", content)), account=str(may_books.account.pk))

    assert sentence in words(page)
    assert not ReportFile.objects.exists()


def test_no_file_at_all(finance: Client) -> None:
    assert "Choose at least one file." in words(act(finance, TRY, "Try them first"))


def test_between_two_accounts_the_form_asks(finance: Client, books: Books) -> None:
    AcquirerAccountFactory(slug="other")
    foreign = reports.SETTLEMENT.replace(reports.CUSTOMER, "2188990000000077")

    page = act(finance, TRY, "Try them first", reports=upload((NAME, foreign)))

    assert "It cannot be told which acquirer account this file belongs to." in words(page)


def test_an_imported_file_again_says_when(finance: Client, may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)

    page = act(finance, TRY, "Try them first", reports=upload((NAME, reports.SETTLEMENT)))

    assert "This very file was imported already, on 2026-03-02 at 10:00 UTC+8" in words(page)
    assert ReportFile.objects.count() == 1


def test_a_tried_file_can_be_discarded_an_imported_one_not(finance: Client, may_books: Books) -> None:
    act(finance, TRY, "Try them first", reports=upload((NAME, reports.SETTLEMENT)))
    url = f"/admin/reconciliation/reportfile/{ReportFile.objects.get().pk}/acts/discard/"

    act(finance, url, "Discard")

    assert not ReportFile.objects.exists()
    outcome = operations.import_report(NAME, reports.SETTLEMENT.encode(), by=BOOKKEEPER, account=may_books.account)
    assert outcome.rows == 8
    file = ReportFile.objects.get()
    refused = finance.get(f"/admin/reconciliation/reportfile/{file.pk}/acts/discard/")
    assert "It is imported already." in words(refused)


def test_a_batch_that_was_imported_meanwhile_is_refused_at_the_commit(finance: Client, may_books: Books) -> None:
    other = reports.SETTLEMENT.replace(",43.69,", ",43.70,")
    act(finance, TRY, "Try them first", reports=upload((NAME, other)))
    file = ReportFile.objects.get()
    operations.import_report(NAME, reports.SETTLEMENT.encode(), by=BOOKKEEPER, account=may_books.account)

    page = act(finance, f"/admin/reconciliation/reportfile/{file.pk}/acts/commit/", "Import 8 rows")

    assert "A batch is never added up twice" in words(page)
    assert SettlementRow.objects.count() == 8


def test_the_batch_opens_on_the_law_and_its_proof(finance: Client, may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    imported(reports.SUMMARY, name="settlementSummary_USD_2026051498700001_000.csv")
    batch = Batch.objects.get()

    page = finance.get(f"/admin/reconciliation/batch/{batch.pk}/change/")

    said = words(page)
    assert "Reported 102.77 = matched 154.77 − explained 52.00 + open 0.00 USD" in said
    assert said.count("Holds") == 4
    assert "Details = summary, per type and fee" in said
    picture = page.content.decode()
    assert 'aria-label="Gross 185.00 USD, Refunds −25.00 USD, Fees −22.23 USD, Disputes −30.00 USD' in picture


def test_the_rows_and_the_discrepancy_have_their_pages(finance: Client, books: Books, imported: Import) -> None:
    books.payment("P-1", Money(100_00, "USD"))
    imported(settlement(row("PAYMENT", "P-1", "90.00", "87.30", **fee("-2.70"))))
    found = Discrepancy.objects.get()

    said = words(finance.get(f"/admin/reconciliation/settlementrow/{found.row_id}/change/"))
    assert "Matched Payment · P-1 · 100.00 USD 97.30 USD" in said
    said = words(finance.get(f"/admin/reconciliation/discrepancy/{found.pk}/change/"))
    assert "The row is over 90.00 USD, ours over 100.00 USD: 10.00 USD less." in said
    said = words(finance.get(f"/admin/reconciliation/reportfile/{found.file_id}/change/"))
    assert "Reported 87.30 = matched 97.30 + explained 0.00 − open 10.00 USD" in said
    said = words(finance.get(f"/admin/reconciliation/batch/{Batch.objects.get().pk}/change/"))
    assert "1 open" in said


def test_a_discrepancy_is_taken_checked_and_closed(finance: Client, books: Books, imported: Import) -> None:
    books.payment("P-1", Money(100_00, "USD"))
    imported(settlement(row("PAYMENT", "P-1", "90.00", "90.00")))
    url = f"/admin/reconciliation/discrepancy/{Discrepancy.objects.get().pk}/acts/"

    act(finance, f"{url}take/", "Take it")
    page = act(finance, f"{url}check_again/", "Check again")
    assert "Checked again: nothing has changed." in words(page)
    page = act(finance, f"{url}close/", "Close with -10.00 USD", reason_code="OTHER")
    assert "Say in a few words what the reason is." in words(page)
    page = act(finance, f"{url}close/", "Close with -10.00 USD")
    assert "Choose a reason." in words(page)
    assert Discrepancy.objects.get().is_open

    page = act(finance, f"{url}close/", "Close with -10.00 USD", reason_code="CREDITED", note="Ticket 4711")

    assert "Closed: The acquirer corrects it in a later batch." in words(page)
    closed = Discrepancy.objects.get()
    assert (closed.is_open, closed.resolution, closed.note) == (False, "CREDITED", "Ticket 4711")
    assert closed.owner is not None


@pytest.mark.parametrize(
    ("role", "sees", "imports", "closes"),
    [
        ("Finance", True, True, True),
        ("Auditor", True, False, False),
        ("Operator", True, False, False),
        ("Administrator", False, False, False),
        ("Support", False, False, False),
        ("Developer", False, False, False),
    ],
)
def test_every_role_does_what_it_may(
    books: Books,
    imported: Import,
    role: str,
    sees: bool,
    imports: bool,
    closes: bool,
) -> None:
    imported(settlement(row("PAYMENT", "P-1", "90.00", "90.00")))
    found = Discrepancy.objects.get()
    client = signed_in(role)
    pages = [
        "/admin/reconciliation/batch/",
        "/admin/reconciliation/reportfile/",
        "/admin/reconciliation/settlementrow/",
        "/admin/reconciliation/discrepancy/",
        f"/admin/reconciliation/batch/{Batch.objects.get().pk}/change/",
        f"/admin/reconciliation/reportfile/{found.file_id}/change/",
        f"/admin/reconciliation/settlementrow/{found.row_id}/change/",
        f"/admin/reconciliation/discrepancy/{found.pk}/change/",
    ]

    assert {client.get(page).status_code for page in pages} == {200 if sees else 403}
    assert client.get(TRY).status_code == (200 if imports else 403)
    close = client.get(f"/admin/reconciliation/discrepancy/{found.pk}/acts/close/")
    assert close.status_code == (200 if closes else 403)


def test_nothing_is_edited_here(finance: Client, may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    row_pk = SettlementRow.objects.values_list("pk", flat=True)[0]

    assert finance.post(f"/admin/reconciliation/settlementrow/{row_pk}/change/", {"state": "OPEN"}).status_code == 405
    assert finance.get("/admin/reconciliation/settlementrow/add/").status_code == 403
    assert finance.get(f"/admin/reconciliation/settlementrow/{row_pk}/delete/").status_code == 403


def test_what_the_acquirer_writes_is_never_markup(finance: Client, books: Books, imported: Import) -> None:
    evil = '"<script>alert(1)</script>"'
    imported(
        settlement(row(evil, evil, "1.00", "1.00", referenceTransactionId=evil, PSP=evil)),
        name="<img src=x onerror=alert(2)>.csv",
    )
    found = Discrepancy.objects.get()

    for page in (
        "/admin/reconciliation/discrepancy/",
        "/admin/reconciliation/settlementrow/",
        "/admin/reconciliation/reportfile/",
        f"/admin/reconciliation/discrepancy/{found.pk}/change/",
        f"/admin/reconciliation/settlementrow/{found.row_id}/change/",
        f"/admin/reconciliation/reportfile/{found.file_id}/change/",
        f"/admin/reconciliation/batch/{Batch.objects.get().pk}/change/",
    ):
        body = finance.get(page).content.decode()
        assert "<script>alert" not in body
        assert "<img src=x" not in body


def test_pages_carry_no_inline_style_or_script(finance: Client, may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    imported(reports.SUMMARY, name="settlementSummary.csv")
    file = ReportFile.objects.order_by("pk")[0]

    for page in (
        f"/admin/reconciliation/batch/{Batch.objects.get().pk}/change/",
        f"/admin/reconciliation/reportfile/{file.pk}/change/",
        TRY,
    ):
        response = finance.get(page)
        body = response.content.decode()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\bsrc=)", body)
        assert "script-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("page", ["batch", "reportfile", "settlementrow", "discrepancy"])
def test_a_list_costs_the_same_with_one_row_and_with_two_hundred(
    finance: Client, books: Books, imported: Import, page: str
) -> None:
    url = f"/admin/reconciliation/{page}/"

    def cost() -> int:
        finance.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert finance.get(url).status_code == 200
        return len(queries)

    books.payment("P-1", Money(1_00, "USD"))
    imported(settlement(row("PAYMENT", "P-1", "1.00", "1.00"), row("PAYMENT", "X-0", "1.00", "1.00")))
    one = cost()
    for number in range(10):
        rows = [row("PAYMENT", f"X-{number}-{index}", "1.00", "1.00") for index in range(20)]
        operations.import_report(
            f"{number}.csv", settlement(*rows, batch=f"B{number}").encode(), by=BOOKKEEPER, account=books.account
        )

    assert cost() == one


def test_lists_answer_questions_and_search_by_exact_id(finance: Client, may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    file = ReportFile.objects.get()

    listed = words(finance.get(f"/admin/reconciliation/settlementrow/?file={file.pk}&ask=explained"))
    assert "RESERVE" in listed
    assert "P-20260512-000001" not in listed
    listed = words(finance.get("/admin/reconciliation/settlementrow/?q=R-20260512-000002"))
    assert "R-20260512-000002" in listed
    assert "P-20260512-000001" not in listed
    for odd in ("?file=abc", "?file=99999999999999999999", "?ask=nonsense", "?q=%00", "?p=-1"):
        assert finance.get(f"/admin/reconciliation/settlementrow/{odd}").status_code in {200, 302}


def test_the_registries_hear_of_it(may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    imported(settlement(row("PAYMENT", "P-9", "90.00", "90.00"), batch="B2"), name="second.csv")
    payment = Payment.objects.get(payment_request_id="P-20260512-000001")
    contributor = timelines.get("reconciliation")
    queue = today.get("discrepancies")
    assert contributor is not None
    assert queue is not None

    [entry] = contributor(payment)
    assert (entry.sentence, entry.tone) == ("Payment settled: 19.42 USD net.", "good")
    assert entry.detail == "Gross 20.00 USD, fees -0.58 USD. Initiated on 2026-05-14 (UTC+8)."
    assert contributor(payment.order) == [entry]
    assert contributor(payment.order.buyer) == []

    [line] = queue.lines(*gather.rows([queue.rows]))
    assert line.sentence == "1 discrepancy in second.csv"
    batch = Batch.objects.get(batch_id=reports.BATCH)
    only = finding.find(f" {reports.BATCH} ").only
    assert only is not None
    assert (only.label, only.url) == (
        reports.BATCH,
        reverse("admin:reconciliation_batch_change", args=[batch.pk]),
    )
    assert only.amount == str(batch.net)
    refund = finding.find("R-20260512-000002").only  # its page tells of the row
    assert refund is not None
    assert refund.url == reverse(
        "admin:payments_refund_change", args=[Refund.objects.get(refund_request_id="R-20260512-000002").pk]
    )
    rows_alone = finding.find("R-20260512-000002", may_see=lambda model: model is SettlementRow)
    assert [group.kind for group in rows_alone.groups] == ["Settlement rows"]


def test_the_first_page_shows_what_waits(finance: Client, books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "P-9", "90.00", "90.00")))

    page = finance.get("/admin/")

    assert f"1 discrepancy in {NAME}" in words(page)


def test_what_is_settled_is_marked_and_what_is_not_is_asked_for(
    finance: Client, books: Books, imported: Import
) -> None:
    settled = books.payment("P-1", Money(90_00, "USD"))
    late = books.payment("P-2", Money(100_00, "USD"))
    imported(settlement(row("PAYMENT", "P-1", "90.00", "87.30", **fee("-2.70"))))

    listed = words(finance.get("/admin/payments/payment/?ask=not_settled"))

    assert "90.00 USD Paid Settled" in words(finance.get(f"/admin/payments/payment/{settled.pk}/change/"))
    assert "90.00 USD Paid Settled" in words(finance.get(f"/admin/payments/order/{settled.order_id}/change/"))
    assert "100.00 USD Paid Not settled yet Order" in words(finance.get(f"/admin/payments/payment/{late.pk}/change/"))
    assert "Paid, not settled" in listed
    assert "1 in all" in listed
    assert "P-2" in listed


def test_a_file_that_asks_is_answered_imported_with_others_and_undone(finance: Client, may_books: Books) -> None:
    """Upload a ZIP of three; one asks for its unit; all are imported as one act, and one is taken back."""
    archive = zipped({"a.csv": reports.SETTLEMENT, "b.csv": reports.SUMMARY, "c.csv": E2_SUMMARY})

    page = act(finance, TRY, "Try them first", reports=upload(("may.zip", archive)))

    said = words(page)
    assert "c.csv: The file prints whole numbers only" in said
    assert "2 of 3 files were tried." in said
    asking = ReportFile.objects.get(status=FileStatus.REFUSED)
    here = f"/admin/reconciliation/reportfile/{asking.pk}/"
    assert "which may be major or minor units. Say which unit it is in." in words(finance.get(f"{here}change/"))
    page = act(finance, f"{here}acts/answer/", "Try again")
    assert "Say at least one of them; the file alone cannot tell." in words(page)
    page = act(finance, f"{here}acts/answer/", "Try again", unit="MINOR")
    assert "Settlement summary: 3 rows would be imported, 2 of them open with 2 discrepancies." in words(page)
    assert "minor units (1450): as a person said" in words(page)

    chosen = [str(pk) for pk in ReportFile.objects.order_by("pk").values_list("pk", flat=True)]
    url = "/admin/reconciliation/reportfile/acts/commit_chosen/"
    form = finance.get(url, {"chosen": chosen})
    page = finance.post(url, {"once": once(form), "saying": "Import 3 files", "chosen": chosen}, follow=True)

    said = words(page)
    assert "3 of 3 files imported." in said
    for file in ReportFile.objects.all():
        left = file.discrepancies.filter(closed_at=None).count()
        assert (f"{file}: imported, with {left} open discrepanc" in said) is bool(left), (file, left)
    # The details came before the summary that sums them up, whatever was chosen first.
    assert not Discrepancy.objects.filter(file__name="b.csv", reason=Reason.DETAILS_AWAITED).exists()
    assert set(ReportFile.objects.values_list("status", flat=True)) == {FileStatus.IMPORTED}
    details = ReportFile.objects.get(kind="SETTLEMENT")
    url = f"/admin/reconciliation/reportfile/{details.pk}/acts/undo/"
    assert "Choose a reason." in words(act(finance, url, "Take back 8 rows"))
    page = act(finance, url, "Take back 8 rows", reason_code="WRONG_FILE")
    assert f"The import of {details} is undone." in words(page)
    assert not SettlementRow.objects.exists()
    assert JournalEntry.objects.latest("pk").act == "undo import"


def test_a_copy_that_differs_is_kept_and_shown_row_by_row(finance: Client, may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    other = reports.SETTLEMENT.replace(",43.69,", ",43.70,")

    page = act(finance, TRY, "Try them first", reports=upload((NAME, other)))

    file = ReportFile.objects.get(status=FileStatus.REFUSED)
    assert file.differences == [
        {"row": "line 3 (PAYMENT P-20260512-000002)", "column": "settlementAmountValue", "was": "43.69", "now": "43.70"}
    ]
    assert "How it differs from what is imported" in words(page)
    assert SettlementRow.objects.count() == 8
    act(finance, f"/admin/reconciliation/reportfile/{file.pk}/acts/discard/", "Discard")
    assert ReportFile.objects.count() == 1


@pytest.mark.parametrize("role", ["Auditor", "Operator"])
def test_who_may_not_import_may_not_undo(books: Books, imported: Import, role: str) -> None:
    imported(settlement(row("PAYMENT", "P-1", "90.00", "90.00")))

    url = f"/admin/reconciliation/reportfile/{ReportFile.objects.get().pk}/acts/"

    assert {signed_in(role).get(f"{url}{name}/").status_code for name in ("undo", "answer", "commit")} == {403}
