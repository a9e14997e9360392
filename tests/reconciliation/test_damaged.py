"""Damaged files: each is refused with its sentence, or opened as the right discrepancy; none is half-imported."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps

from portal.money import Money
from reconciliation import operations
from reconciliation.errors import ReportRefused
from reconciliation.reading import MAX_REPORT_BYTES
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, opened
from tests.reconciliation.editions import (
    E0_SETTLEMENT,
    E0_SUMMARY,
    E1_HEADER,
    E1_TRANSACTIONS,
    E2_SUMMARY,
    E3_SETTLEMENT,
    EMPTY_SUMMARY,
    HK_SETTLEMENT,
    USUAL,
    as_workbook,
    earlier,
    settlement_of,
    zipped,
)

GOOD = reports.SETTLEMENT
LINES = GOOD.splitlines()


def text(change: Callable[[str], str], source: str = GOOD) -> bytes:
    return change(source).encode()


def swapped(old: str, new: str, source: str = GOOD, count: int = 1) -> bytes:
    assert old in source
    return source.replace(old, new, count).encode()


def without_column(name: str, source: str = GOOD) -> bytes:
    position = source.splitlines()[0].split(",").index(name)
    kept = [
        line if line == "<END>" else ",".join(cell for at, cell in enumerate(line.split(",")) if at != position)
        for line in source.splitlines()
    ]
    return "\n".join(kept).encode()


def _on_line(whole: str, number: int, old: str, new: str) -> str:
    lines = whole.split("\n")
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    return "\n".join(lines)


def _without(name: str, source: str) -> bytes:
    """A report, its blanks and quotes aside, without one of its columns."""
    plain = source.replace('"Tea, green"', "Tea").replace(", ", ",")
    position = plain.splitlines()[0].split(",").index(name)
    kept = [
        line if line == "<END>" else ",".join(cell for at, cell in enumerate(line.split(",")) if at != position)
        for line in plain.splitlines()
    ]
    return "\n".join(kept).encode()


HK_MORE = HK_SETTLEMENT.splitlines()[1].replace("000001", "000003").replace("12.5,0.25,12.25", "10,0.25,9.75") + "\n"
E1_TEXT = settlement_of(E1_HEADER, earlier("PAYMENT", "P-9", "45.00", "45.00"), usual=USUAL)

REFUSED: list[tuple[str, bytes, str, str]] = [
    # what happened to the file, its bytes, the code, words of its sentence
    ("nothing in it", b"", "not_a_report", "The file is empty"),
    ("only blank lines", b"\n\n\n", "not_a_report", "holds no text"),
    ("only a mark", b"\xef\xbb\xbf", "not_a_report", "holds no text"),
    ("a broken archive", b"PK\x03\x04" + b"\x00" * 40, "not_a_report", "The archive is damaged"),
    ("a picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not_a_report", "not a text file"),
    ("UTF-16", GOOD.encode("utf-16"), "not_a_report", "UTF-16"),
    (
        "another code page",
        swapped("ORD-1001", "ORD-é").replace("é".encode(), b"\xe9"),
        "report_unreadable",
        "Line 2: this is not UTF-8",
    ),
    ("a NUL inside", swapped("ORD-1001", "ORD\x00"), "not_a_report", "not a text file"),
    ("a control character", swapped("ORD-1001", "ORD\x07"), "report_unreadable", "Line 2: a cell has control"),
    ("too large", b"a" * (MAX_REPORT_BYTES + 1), "not_a_report", "larger than 32 MiB"),
    ("a shopping list", b"milk,bread\n1,2\n<END>\n", "not_a_report", "not one of the acquirer's reports"),
    (
        "a page of HTML",
        b"<!doctype html><html><body>404</body></html>",
        "not_a_report",
        "not one of the acquirer's reports",
    ),
    ("JSON", b'{"result":{"resultCode":"SUCCESS"}}', "not_a_report", "not one of the acquirer's reports"),
    ("no header", text(lambda whole: whole.split("\n", 1)[1]), "not_a_report", "not one of the acquirer's reports"),
    ("only the end", b"<END>\n", "not_a_report", "no header line"),
    ("semicolons", text(lambda whole: whole.replace(",", ";")), "not_a_report", "separated by semicolons"),
    ("tabs", text(lambda whole: whole.replace(",", "\t")), "not_a_report", "separated by tabs"),
    (
        "a column named twice",
        swapped("referenceStoreId", "referenceMerchantId"),
        "report_unreadable",
        "referenceMerchantId stands here twice",
    ),
    ("a column without a name", swapped("referenceStoreId", ""), "report_unreadable", "column 6 has no name"),
    *(
        (f"no {name}", without_column(name), "column_missing", f": {name}. Ask")
        for name in (
            "settlementBatchId",
            "customerId",
            "transactionId",
            "transactionRequestId",
            "transactionType",
            "transactionAmountValue",
            "transactionCurrency",
            "settlementAmountValue",
            "settlementCurrency",
            "settlementInitiatedDate",
            "PSP",
        )
    ),
    (
        "a header in small letters",
        text(lambda whole: whole.replace("settlementBatchId", "settlementbatchid")),
        "column_missing",
        "Missing in the settlement details: settlementBatchId",
    ),
    (
        "a summary without count",
        without_column("count", reports.SUMMARY),
        "column_missing",
        "Missing in the settlement summary: count",
    ),
    (
        "transactions, no status",
        without_column("status", reports.TRANSACTIONS),
        "column_missing",
        "Missing in the transaction details: status",
    ),
    (
        "cut before its end",
        text(lambda whole: whole.replace("<END>\n", "")),
        "report_truncated",
        "stops after line 9 (8 rows)",
    ),
    ("cut in a row", GOOD[:1500].encode(), "report_unreadable", "cells, but the header names 26"),
    ("cut in the header", GOOD[:300].encode(), "column_missing", "Missing in the"),
    ("cut in the end", text(lambda whole: whole.replace("<END>", "<EN")), "report_unreadable", "Line 10: 1 cells"),
    ("cut in a quoted text", swapped("ORD-1003", '"ORD'), "report_unreadable", "Line 4: this is not CSV"),
    (
        "text after the end",
        text(lambda whole: whole + "anything\n"),
        "report_truncated",
        "Line 11: there is text after <END>",
    ),
    ("two files in one", text(lambda whole: whole + whole), "report_truncated", "Two files were joined"),
    ("an end with company", swapped("<END>", "<END>,8"), "report_truncated", "Line 10: <END> must stand alone"),
    (
        "a cell too few",
        swapped(",-15.00,USD\n", ",-15.00\n"),
        "report_unreadable",
        "Line 7: 25 cells, but the header names 26",
    ),
    (
        "a cell too many",
        swapped(",-0.58,USD,,,,\n", ",-0.58,USD,,,,,x\n"),
        "report_unreadable",
        "Line 2: 27 cells, but the header names only 26",
    ),
    ("a row of commas", swapped("<END>", "," * 25 + "\n<END>"), "foreign_merchant", "merchant without an id"),
    ("a stray quote", swapped("ORD-1001", '"ORD"-1001'), "report_unreadable", "Line 2: this is not CSV"),
    (
        "a foreign merchant",
        text(lambda whole: whole.replace(reports.CUSTOMER, "2188990000000099")),
        "foreign_merchant",
        "belongs to merchant 2188990000000099",
    ),
    ("one foreign row", swapped(reports.CUSTOMER, "2188990000000099"), "foreign_merchant", "Line 2"),
    ("no merchant", text(lambda whole: whole.replace(reports.CUSTOMER, "")), "foreign_merchant", "without an id"),
    ("no batch id", swapped("\n2026051498700001,", "\n,"), "report_unreadable", "Line 2: settlementBatchId is empty"),
    (
        "two batches",
        text(lambda whole: _on_line(whole, 5, "2026051498700001", "2026051598700001")),
        "report_unreadable",
        "Line 5: batch 2026051598700001 begins here",
    ),
    (
        "two currencies",
        text(lambda whole: _on_line(whole, 9, ",USD,", ",SGD,")),
        "report_unreadable",
        "Line 9: settles in SGD",
    ),
    ("a row without PSP", swapped("EXAMPLE_PSP", ""), "report_unreadable", "Line 2: PSP is empty"),
    ("no type", swapped("GCASH,PAYMENT,", "GCASH,,"), "report_unreadable", "Line 2: transactionType is empty"),
    ("no net", swapped(",19.42,", ",,"), "report_unreadable", "Line 2: settlementAmountValue is empty"),
    (
        "a word for a net",
        swapped(",19.42,", ",nineteen,"),
        "report_unreadable",
        "Line 2: settlementAmountValue is 'nineteen', which is not an amount",
    ),
    (
        "a decimal comma",
        swapped(",19.42,", ',"19,42",'),
        "report_unreadable",
        "Line 2: settlementAmountValue is '19,42'",
    ),
    ("a grouping comma", swapped(",1120.00,", ',"1,120.00",'), "report_unreadable", "'1,120.00'"),
    ("a currency sign", swapped(",19.42,", ",$19.42,"), "report_unreadable", "'$19.42'"),
    ("an exponent", swapped(",19.42,", ",1.942E1,"), "report_unreadable", "'1.942E1'"),
    ("not a number", swapped(",19.42,", ",NaN,"), "report_unreadable", "'NaN'"),
    ("two points", swapped(",19.42,", ",19.4.2,"), "report_unreadable", "'19.4.2'"),
    ("two signs", swapped(",-0.58,", ",--0.58,"), "report_unreadable", "paymentMethodFeeAmountValue is '--0.58'"),
    ("a point alone", swapped(",19.42,", ",.42,"), "report_unreadable", "'.42'"),
    ("another alphabet's digits", swapped(",19.42,", ",१९.४२,"), "report_unreadable", "Line 2: settlementAmountValue"),
    ("an amount without end", swapped(",19.42,", "," + "9" * 40 + ","), "report_unreadable", "which is not an amount"),
    (
        "more than there is",
        reports.settlement(*[reports.row("RESERVE", "", "", "9" * 15 + ".00")] * 60).encode(),
        "report_unreadable",
        "larger than any currency's",
    ),
    (
        "an unknown settlement currency",
        text(lambda whole: whole.replace(",USD,2026", ",XXX,2026")),
        "report_unreadable",
        "XXX, a currency the portal does not know",
    ),
    (
        "a currency in small letters",
        swapped(",1120.00,PHP,", ",1120.00,php,"),
        "report_unreadable",
        "transactionCurrency is 'php'",
    ),
    (
        "an amount without currency",
        swapped(",1120.00,PHP,", ",1120.00,,"),
        "report_unreadable",
        "transactionAmountValue has no transactionCurrency",
    ),
    ("a pair that is none", swapped("USD/PHP", "USDPHP"), "report_unreadable", "quoteCurrencyPair is 'USDPHP'"),
    ("a rate of nothing", swapped(",56.00,", ",0.00,"), "report_unreadable", "quotePrice is '0.00'"),
    ("a rate that is a word", swapped(",56.00,", ",fifty,"), "report_unreadable", "quotePrice is 'fifty'"),
    ("a negative rate", swapped(",56.00,", ",-56.00,"), "report_unreadable", "quotePrice is '-56.00'"),
    ("a day that never was", swapped("2026-05-14", "2026-02-30"), "report_unreadable", "2026-02-30': no such day"),
    ("a day in words", swapped("2026-05-14", "14 May 2026"), "report_unreadable", "which is not a time"),
    ("an American day", swapped("2026-05-14", "05/14/2026"), "report_unreadable", "which is not a time"),
    ("no day", swapped("2026-05-14", ""), "report_unreadable", "settlementInitiatedDate is empty"),
    (
        "an id without end",
        swapped("P-20260512-000001", "P" * 65),
        "report_unreadable",
        "transactionRequestId is longer than 64",
    ),
    ("a cell without end", swapped("ORD-1001", "O" * 2001), "report_unreadable", "more than 2000 characters"),
    (
        "a line break in an id",
        swapped("P-20260512-000001", '"P-2026\n0512"'),
        "report_unreadable",
        "Line 2: transactionRequestId has a line break",
    ),
    (
        "a count that is a word",
        swapped(",3,179.63", ",three,179.63", reports.SUMMARY),
        "report_unreadable",
        "count is 'three'",
    ),
    (
        "a count below nothing",
        swapped(",3,179.63", ",-3,179.63", reports.SUMMARY),
        "report_unreadable",
        "count is '-3'",
    ),
    (
        "a type twice in a summary",
        swapped(",REFUND,", ",PAYMENT,", reports.SUMMARY),
        "report_unreadable",
        "Line 3: PAYMENT stands twice",
    ),
    (
        "a sum with three decimals",
        swapped("179.63", "179.631", reports.SUMMARY),
        "report_unreadable",
        "it is not rounded",
    ),
    (
        "a fee of the summary in yen",
        swapped("-5.37,USD", "-5.37,JPY", reports.SUMMARY),
        "report_unreadable",
        "paymentMethodFeeAmountValue is not in USD",
    ),
    (
        "transactions: a net without currency",
        swapped("43.69,USD,-1.31,USD", "43.69,,-1.31,USD", reports.TRANSACTIONS),
        "report_unreadable",
        "settlementAmountValue has no settlementCurrency",
    ),
    # Editions: each refuses what it cannot do without.
    *(
        (f"E1, no {name}", _without(name, E1_TEXT), "column_missing", f": {name}. Ask")
        for name in ("transactionId", "transactionType", "transactionAmountValue", "settlementAmountValue")
    ),
    *(
        (f"E3, no {name}", _without(name, E3_SETTLEMENT), "column_missing", f": {name}. Ask")
        for name in ("settlementBatchId", "customerId", "transactionRequestId", "settlementTime", "settlementCurrency")
    ),
    ("E2 summary, no count", _without("count", E2_SUMMARY), "column_missing", "settlement summary: count"),
    ("E0, no merchant's id", _without("merchantTransId", E0_SETTLEMENT), "column_missing", ": merchantTransId"),
    ("E0 summary, no type", _without("type", E0_SUMMARY), "column_missing", "settlement summary: type"),
    ("E0-HK, no net", _without("Settlement", HK_SETTLEMENT), "column_missing", ": Settlement. Ask"),
    ("E1, cut before its end", E1_TEXT.replace("<END>\n", "").encode(), "report_truncated", "stops after line 2"),
    ("E1 transactions, cut", E1_TRANSACTIONS.replace("<END>\n", "").encode(), "report_truncated", "without the line"),
    ("an empty report, cut", EMPTY_SUMMARY.replace("<END>\n", "").encode(), "report_truncated", "(0 rows)"),
    ("E2, a foreign merchant", swapped("2188990000000042", "77", E2_SUMMARY), "foreign_merchant", "merchant 77"),
    ("E0, a foreign merchant", swapped("2188990000000042", "77", E0_SETTLEMENT), "foreign_merchant", "merchant 77"),
    ("E3 without an acquirer", swapped("EXAMPLE_SG", "", E3_SETTLEMENT), "report_unreadable", "acquirer is empty"),
    ("E0-HK, a European day", swapped("01/07/2019", "31.01.2019", HK_SETTLEMENT), "report_unreadable", "not a time"),
    ("E0-HK, a month too many", swapped("01/07/2019", "13/07/2019", HK_SETTLEMENT), "report_unreadable", "not a time"),
    ("minor units of nobody", E2_SUMMARY.encode(), "unit_unclear", "Say which unit"),
    (
        "fees that close neither way",
        reports.settlement(reports.row("PAYMENT", "P-9", "9.00", "8.00", **reports.fee("-0.20"))).encode(),
        "fees_unclear",
        "Say whether a charge",
    ),
    ("vertical bars", text(lambda whole: whole.replace(",", "|")), "not_a_report", "separated by vertical bars"),
    ("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 40, "not_a_report", "Save it as .xlsx"),
    (
        "a workbook with an id as a number",
        as_workbook(GOOD, lambda book, sheet: setattr(sheet["G2"], "value", 2026051219401080010018800000000001)),
        "report_unreadable",
        "transactionId is a number with more than 15 digits",
    ),
    (
        "a workbook with its batch as a number",
        as_workbook(GOOD, lambda book, sheet: setattr(sheet["A2"], "value", 2026051498700001)),
        "report_unreadable",
        "settlementBatchId is a number with more than 15 digits",
    ),
    (
        "a workbook without its end",
        as_workbook(GOOD, lambda book, sheet: sheet.delete_rows(10)),
        "report_truncated",
        "stops after line 9",
    ),
    (
        "a workbook with text after its end",
        as_workbook(GOOD, lambda book, sheet: sheet.append(["more"])),
        "report_truncated",
        "text after <END>",
    ),
    (
        "a workbook of two sheets",
        as_workbook(GOOD, lambda book, sheet: book.create_sheet("Notes").append(["note"])),
        "not_a_report",
        "several sheets",
    ),
    (
        "a workbook of something else",
        as_workbook(GOOD, lambda book, sheet: sheet.delete_rows(1)),
        "not_a_report",
        "not one of the acquirer's reports",
    ),
    ("half a workbook", as_workbook(GOOD)[:3000], "not_a_report", "archive is damaged"),
    ("an archive of nothing", zipped({}), "not_a_report", "not a text file"),
    (
        "an archive of two reports",
        zipped({"a.csv": GOOD, "b.csv": reports.SUMMARY}),
        "not_a_report",
        "The archive holds 2 reports",
    ),
    ("an archive in an archive", zipped({"a.zip": zipped({"a.csv": GOOD})}), "not_a_report", "inside the archive"),
    ("an archive of a picture", zipped({"a.csv": b"\x89PNG\x00"}), "not_a_report", "not a text file"),
    (
        "an archive without its first part",
        zipped({"settlementItems_USD_1_001.csv": GOOD}),
        "part_missing",
        "Part 000 of this report is missing",
    ),
]

OPENED: list[tuple[str, bytes, list[tuple[str, int | None, str]]]] = [
    # what happened to the file, its bytes, what it opens
    (
        "a transaction in an unknown currency",
        swapped(",1120.00,PHP,", ",1120.00,XXX,"),
        [("CURRENCY_UNKNOWN", 2, "19.42 USD")],
    ),
    ("three decimals in a dollar amount", swapped(",45.00,USD", ",45.005,USD"), [("TOO_PRECISE", 3, "43.69 USD")]),
    ("three decimals in a fee", swapped(",-1.31,", ",-1.315,"), [("TOO_PRECISE", 3, "43.69 USD")]),
    (
        "an id with a letter lost",
        swapped("P-20260512-000003", "P-20260512-00000", GOOD.replace("2026051219401080010018800000000003", "")),
        [("NOT_IN_OUR_BOOKS", 4, "116.52 USD")],
    ),
    ("the net of another row", swapped(",116.52,", ",43.69,"), [("NET_DIFFERS", 4, "-72.83 USD")]),
    ("a flipped sign", swapped(",-15.00,USD,,,,-14.56,", ",15.00,USD,,,,14.56,"), [("SIGN_DIFFERS", 5, "14.56 USD")]),
    ("a type misspelt", swapped("DANA,PAYMENT", "DANA,PAYMNT"), [("UNKNOWN_TYPE", 3, "43.69 USD")]),
    (
        "a row printed twice",
        text(lambda whole: whole.replace(LINES[2] + "\n", LINES[2] + "\n" + LINES[2] + "\n")),
        [("DUPLICATE", 4, "43.69 USD")],
    ),
    ("the rate is lost", swapped(",USD/PHP,56.00,", ",,,"), [("QUOTE_UNCLEAR", 2, "19.42 USD")]),
    (
        "an E3 type misspelt",
        swapped("PAYMENT,2024", "PAYMNT,2024", E3_SETTLEMENT),
        [("UNKNOWN_TYPE", 2, "77.60 SGD"), ("NOT_IN_OUR_BOOKS", 3, "-19.40 SGD")],
    ),
    (
        "an E0-HK row with another net",
        swapped(",12.25,", ",11.25,", HK_SETTLEMENT + HK_MORE),
        [(r, n, s) for n, s in ((2, "11.25 HKD"), (3, "-2.50 HKD"), (4, "9.75 HKD")) for r in ("NOT_IN_OUR_BOOKS",)],
    ),
    ("an amount lost", swapped("TNG,PAYMENT,120.00,USD", "TNG,PAYMENT,,"), [("AMOUNT_DIFFERS", 4, "116.52 USD")]),
]


def rows_in_every_table() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in apps.get_models()}


@pytest.mark.parametrize(
    ("content", "code", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_damaged_file_is_refused_whole(may_books: Books, content: bytes, code: str, words: str) -> None:
    before = rows_in_every_table()

    with pytest.raises(ReportRefused) as refusal:
        operations.import_report("report.csv", content, by=BOOKKEEPER, account=may_books.account)

    assert (refusal.value.code, words in refusal.value.message) == (code, True), refusal.value.message
    assert rows_in_every_table() == before


@pytest.mark.parametrize(("content", "expected"), [case[1:] for case in OPENED], ids=[case[0] for case in OPENED])
def test_a_damaged_row_is_opened_for_what_it_is(
    may_books: Books, imported: Import, content: bytes, expected: list[Any]
) -> None:
    imported(content)  # and holds every file to the law

    assert opened() == expected


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len({case[0] for case in REFUSED} | {case[0] for case in OPENED}) == len(REFUSED) + len(OPENED) >= 120


def test_a_file_whose_amounts_are_in_two_units_is_refused(books: Books) -> None:
    books.payment("P-1", Money(45_00, "USD"))
    books.payment("P-2", Money(120_00, "USD"))
    content = reports.settlement(
        reports.row("PAYMENT", "P-1", "4500", "4500"), reports.row("PAYMENT", "P-2", "120", "120")
    )

    with pytest.raises(ReportRefused) as refusal:
        operations.import_report("report.csv", content.encode(), by=BOOKKEEPER, account=books.account)

    assert refusal.value.code == "unit_unclear"


def test_what_goes_wrong_in_the_middle_leaves_nothing(may_books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciliation.operations import importing  # noqa: PLC0415 - its seam is what is broken here

    before = rows_in_every_table()

    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the machine is switched off")

    monkeypatch.setattr(importing.queries, "prove", fails)
    with pytest.raises(RuntimeError):
        operations.import_report("report.csv", GOOD.encode(), by=BOOKKEEPER, account=may_books.account)

    assert rows_in_every_table() == before


def test_sums_that_do_not_add_up_undo_the_import(may_books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciliation.operations import keeping  # noqa: PLC0415 - its seam is what is broken here

    before = rows_in_every_table()
    monkeypatch.setattr(keeping.Explanation.objects, "bulk_create", lambda *args, **kwargs: [])

    with pytest.raises(ReportRefused) as refusal:
        operations.import_report("report.csv", GOOD.encode(), by=BOOKKEEPER, account=may_books.account)

    assert refusal.value.code == "law_broken"
    assert rows_in_every_table() == before
