"""Workbooks, archives, parts, other encodings: what a report may travel in."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from portal.money import Money
from reconciliation.errors import ReportRefused
from reconciliation.models import Batch, ReportFile, ReportPart, SettlementRow
from reconciliation.operations import Result
from reconciliation.reading import gather, read
from tests.reconciliation import reports
from tests.reconciliation.conftest import Books, Import, law_of, opened
from tests.reconciliation.editions import as_workbook, zipped

STEM = "settlementItems_USD_2026051498700001"


def parts(*sizes: int) -> dict[str, str]:
    """The rows of the May batch in parts of so many rows, each with its own header and end."""
    header, *rows = reports.SETTLEMENT.splitlines()[:-1]
    found: dict[str, str] = {}
    for number, size in enumerate(sizes):
        some, rows = rows[:size], rows[size:]
        found[f"{STEM}_{number:03d}.csv"] = "\n".join([header, *some, "<END>", ""])
    return found


def test_a_workbook_says_the_same_as_the_text(may_books: Books, imported: Import) -> None:
    outcome = imported(as_workbook(reports.SETTLEMENT), name=f"{STEM}_000.xlsx")

    assert law_of(outcome) == [("USD", 102_77, 154_77, -52_00, 0)]
    assert outcome.encodings == ["XLSX"]
    assert SettlementRow.objects.get(line_number=2).raw["quotePrice"] == "56.00"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda book, sheet: setattr(sheet["A10"], "value", "END"), id="the word END"),
        pytest.param(
            lambda book, sheet: (setattr(sheet["A10"], "value", None), setattr(sheet["C10"], "value", "<END>")),
            id="the end in another column",
        ),
        pytest.param(lambda book, sheet: book.create_sheet("Notes"), id="an empty second sheet"),
        pytest.param(lambda book, sheet: setattr(sheet["R2"], "value", 19.42), id="an amount as a number"),
        pytest.param(
            lambda book, sheet: setattr(sheet["T2"], "value", __import__("datetime").date(2026, 5, 14)),
            id="a day as a day",
        ),
        pytest.param(lambda book, sheet: sheet.insert_rows(1), id="a blank row above"),
    ],
)
def test_a_workbook_may_be_written_otherwise(may_books: Books, imported: Import, change: Any) -> None:
    outcome = imported(as_workbook(reports.SETTLEMENT, change), name="book.xlsx")

    assert law_of(outcome) == [("USD", 102_77, 154_77, -52_00, 0)]


def test_a_workbook_that_lies_about_its_size_is_read_whole(may_books: Books, imported: Import) -> None:
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(as_workbook(reports.SETTLEMENT))) as book,
        zipfile.ZipFile(written, "w") as other,
    ):
        for member in book.infolist():
            content = book.read(member)
            if member.filename.endswith("sheet1.xml"):
                assert b'<dimension ref="A1:Z10"' in content
                content = content.replace(b'<dimension ref="A1:Z10"', b'<dimension ref="A1"')
            other.writestr(member.filename, content)

    assert imported(written.getvalue(), name="book.xlsx").rows == 8


def test_an_archive_of_three_reports_is_three_deliveries(may_books: Books, imported: Import) -> None:
    archive = zipped(
        {
            "20260514/settlementItems_USD_2026051498700001_000.csv": reports.SETTLEMENT,
            "20260514/settlementSummary_USD_2026051498700001_000.csv": as_workbook(reports.SUMMARY),
            "20260513/transactionItems_20260512_000.csv": reports.TRANSACTIONS,
            "__MACOSX/._x": b"\x00",
        }
    )

    deliveries = gather([("reports.zip", archive)])
    for delivery in deliveries:
        assert delivery.refusal is None
        imported(delivery.content, name=delivery.name)

    assert sorted(ReportFile.objects.values_list("kind", flat=True)) == ["SETTLEMENT", "SUMMARY", "TRANSACTIONS"]
    assert opened() == []


@pytest.mark.parametrize("sizes", [(8,), (4, 4), (3, 3, 2), (8, 0), (0, 8)])
def test_a_report_in_parts_is_one_report(may_books: Books, imported: Import, sizes: tuple[int, ...]) -> None:
    files = parts(*sizes)

    [delivery] = gather([(name, text.encode()) for name, text in reversed(files.items())])
    outcome = imported(delivery.content, name=delivery.name)

    assert law_of(outcome) == [("USD", 102_77, 154_77, -52_00, 0)]
    assert (outcome.rows, outcome.parts) == (8, len(sizes))
    assert [(part.name, part.row_count) for part in ReportPart.objects.order_by("number")] == list(
        zip(files, sizes, strict=True)
    )
    # The same parts again, in another archive and order, and one of them alone: nothing is added.
    [again] = gather([("again.zip", zipped(dict(sorted(files.items(), reverse=True))))])
    assert imported(again.content, name=again.name).result is Result.KNOWN
    name, text = next(iter(files.items()))
    assert imported(text, name=name).result is Result.KNOWN
    assert (SettlementRow.objects.count(), Batch.objects.count()) == (8, 1)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ((0, 2), "Part 001 of this report is missing; here are 000, 002."),
        ((1, 2), "Part 000 of this report is missing; here are 001, 002."),
        ((2,), "Part 000, 001 of this report is missing; here is 002."),
    ],
)
def test_a_missing_part_is_refused(books: Books, kept: tuple[int, ...], words: str) -> None:
    files = list(parts(3, 3, 2).items())
    given = [(files[number][0], files[number][1].encode()) for number in kept]

    [delivery] = gather(given)

    assert delivery.refusal is not None
    assert (delivery.refusal.code, words in delivery.refusal.message) == ("part_missing", True)
    with pytest.raises(ReportRefused) as refusal:
        read(zipped(dict(given)))
    assert refusal.value.code == "part_missing"


def test_a_cut_part_refuses_the_whole(may_books: Books, imported: Import) -> None:
    files = parts(4, 4)
    files[f"{STEM}_000.csv"] = files[f"{STEM}_000.csv"].replace("<END>\n", "")
    [delivery] = gather([(name, text.encode()) for name, text in files.items()])

    with pytest.raises(ReportRefused) as refusal:
        imported(delivery.content, name=delivery.name)

    assert refusal.value.code == "report_truncated"
    assert not ReportFile.objects.exists()


def test_parts_of_two_reports_are_not_one(may_books: Books, imported: Import) -> None:
    files = {f"{STEM}_000.csv": reports.SETTLEMENT, f"{STEM}_001.csv": reports.SUMMARY}
    [delivery] = gather([(name, text.encode()) for name, text in files.items()])

    with pytest.raises(ReportRefused) as refusal:
        imported(delivery.content, name=delivery.name)

    assert refusal.value.code == "parts_differ"


def test_two_different_files_with_one_number_are_refused() -> None:
    name = f"{STEM}_000.csv"

    deliveries = gather([(name, reports.SETTLEMENT.encode()), (name, reports.SUMMARY.encode())])

    assert [delivery.refusal.code if delivery.refusal else "" for delivery in deliveries] == ["", "part_missing"]


def test_a_row_of_a_part_is_named_by_part_and_line(books: Books, imported: Import) -> None:
    [delivery] = gather([(name, text.encode()) for name, text in parts(4, 4).items()])

    imported(delivery.content, name=delivery.name)

    assert list(SettlementRow.objects.order_by("pk").values_list("part", "line_number")) == [
        (part, line) for part in (0, 1) for line in (2, 3, 4, 5)
    ]


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        (lambda text: text.encode("gbk"), "GBK"),
        (lambda text: b"\xef\xbb\xbf" + text.encode(), "UTF-8"),
    ],
)
def test_a_spreadsheet_may_have_saved_it_anew(
    books: Books, imported: Import, encode: Callable[[str], bytes], said: str
) -> None:
    books.payment("P-1", Money(50_00, "USD"))
    text = reports.settlement(
        reports.row("PAYMENT", "P-1", "50.00", "50.00", referenceTransactionId="茶-1", paymentMethodType="ALIPAY_CN")
    ).replace("\n", "\r\n")

    outcome = imported(encode(text))

    assert outcome.encodings == [said]
    assert SettlementRow.objects.get().reference_transaction_id == "茶-1"
