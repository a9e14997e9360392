"""Statements of the bank: what is read of them, and that a damaged one is refused whole, with a sentence."""

import re
from datetime import date
from pathlib import Path

import pytest
from django.utils import translation

import portal
from portal.money import Money
from portal.words import told
from reconciliation import operations
from reconciliation.errors import ReportRefused
from reconciliation.models import CreditSource
from reconciliation.reading.statements import OPTIONAL, REQUIRED, Entry, read_statement
from tests.reconciliation.conftest import BOOKKEEPER, Books
from tests.reconciliation.statements import HEADER, balance, camt, details, entry, statement
from tests.reconciliation.test_damaged import rows_in_every_table
from tests.words.test_pages import CHINESE, english_on

GOOD = "100.00,USD,2026-02-11,BANK-1,settlement"
BOMB = '<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE Document [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def with_doctype(doctype: str) -> str:
    head, rest = camt(entry("1.00", reference="&a;")).split("\n", 1)
    return f"{head}\n{doctype}\n{rest}"


REFUSED: list[tuple[str, str | bytes, str, str]] = [
    # what happened to the file, its content, the code, a part of the sentence
    ("nothing at all", b"", "not_a_statement", "The file is empty"),
    ("a picture", b"\x89PNG\x00\x00", "not_a_statement", "This is not a text file in UTF-8"),
    ("another encoding", statement(GOOD).encode() + b"\n1.00,USD,2026-02-11,B,\xe9", "line_unreadable", "Line 4"),
    ("a report of the acquirer", "settlementBatchId,count\n1,2\n", "not_a_statement", "neither a CAMT.053 nor a CSV"),
    ("semicolons", statement(GOOD).replace(",", ";"), "not_a_statement", "neither a CAMT.053 nor a CSV"),
    ("a header alone", f"{HEADER}\n", "not_a_statement", "The statement has no entry"),
    ("a column missing", "amount,currency,reference\n1.00,USD,B\n", "not_a_statement", "The header lacks value_date"),
    ("a column too many", f"{HEADER},debit_credit\n{GOOD},C\n", "not_a_statement", "'debit_credit', which is none of"),
    (
        "a column twice",
        f"{HEADER},text\n{GOOD},x\n",
        "line_unreadable",
        "Line 1 of the statement: the column text stands here twice",
    ),
    (
        "cut in a line",
        f"{HEADER}\n{GOOD}\n70.00,USD,2026-02",
        "line_unreadable",
        "Line 3 of the statement: 3 cells, but the header",
    ),
    ("a decimal comma", statement('"100,00",USD,2026-02-11,B,'), "line_unreadable", "amount is '100,00', which is"),
    (
        "three decimals",
        statement("1.005,USD,2026-02-11,B,"),
        "line_unreadable",
        "Line 2 of the statement: amount is 1.005, but USD",
    ),
    ("nothing credited", statement("0.00,USD,2026-02-11,B,"), "line_unreadable", "amount is zero"),
    ("no such currency", statement("1.00,XXX,2026-02-11,B,"), "line_unreadable", "XXX, a currency the portal does"),
    ("an American day", statement("1.00,USD,02/11/2026,B,"), "line_unreadable", "'02/11/2026'. Write it like"),
    ("a day that never was", statement("1.00,USD,2026-02-30,B,"), "line_unreadable", "no such day"),
    ("a reference too long", statement(f"1.00,USD,2026-02-11,{'B' * 65},"), "line_unreadable", "longer than 64"),
    ("XML, cut", camt(entry("1.00"))[:-20], "not_a_statement", "Line 4: this is not XML. The file is damaged or cut"),
    ("XML of something else", "<html></html>", "not_a_statement", "is not a CAMT.053: it begins with html."),
    (
        "another message",
        camt(entry("1.00"), namespace="urn:iso:std:iso:20022:tech:xsd:camt.052.001.02"),
        "not_a_statement",
        "it begins with camt.052.001.02:Document",
    ),
    ("a document type", with_doctype(BOMB), "not_a_statement", "declares a document type"),
    ("an entity from outside", with_doctype(OUTSIDE), "not_a_statement", "declares a document type"),
    ("deeper than any", camt("<a>" * 90 + "</a>" * 90), "not_a_statement", "larger or deeper than any statement"),
    ("a text without end", camt(entry("1.00", details=details("A" * 20_000))), "not_a_statement", "larger or deeper"),
    ("no statement", camt().replace("Stmt>", "Page>"), "not_a_statement", "holds no statement"),
    ("no entry", camt(), "not_a_statement", "The statement has no entry"),
    (
        "an amount that is none",
        camt(entry("1.00"), entry("1,50")),
        "entry_unreadable",
        "Entry 2 of the statement (line 4): its amount is '1,50'",
    ),
    ("a currency lost", camt(entry("1.00").replace(' Ccy="USD"', "")), "entry_unreadable", "its currency is ''"),
    ("neither way", camt(entry("1.00", way="CREDIT")), "entry_unreadable", "CdtDbtInd is 'CREDIT'"),
    ("no value date", camt(entry("1.00", day="soon")), "entry_unreadable", "no value date (ValDt) that is a day"),
    ("a status nobody knows", camt(entry("1.00", status="<Sts>DONE</Sts>")), "entry_unreadable", "(Sts) is 'DONE'"),
    (
        "an entry taken out",
        camt(balance("OPBD", "10.00"), balance("CLBD", "13.50"), entry("1.00"), entry("1.50", reference="BANK-2")),
        "statement_incomplete",
        "opens with 10.00 USD and closes with 13.50 USD, but its entries make 12.50 USD",
    ),
    (
        "fewer entries than it says",
        camt("<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>", entry("1.00")),
        "statement_incomplete",
        "says that it has 2 entries, but 1 are here",
    ),
]


@pytest.mark.django_db
def test_a_damaged_statement_is_refused_whole(books: Books) -> None:
    before = rows_in_every_table()
    wrong = []
    for what, content, code, words in REFUSED:
        raw = content.encode() if isinstance(content, str) else content
        with pytest.raises(ReportRefused) as refusal:
            operations.import_statement("bank", raw, account=books.account, by=BOOKKEEPER)
        with translation.override(CHINESE):
            left = english_on(told(refusal.value.message))
        if (refusal.value.code, words in refusal.value.message, left) != (code, True, []):
            wrong.append((what, refusal.value.code, refusal.value.message, left))

    assert wrong == []
    assert rows_in_every_table() == before
    assert len({case[0] for case in REFUSED}) == len(REFUSED)


def test_the_columns_are_those_of_readmes_table() -> None:
    text = (Path(portal.__file__).parents[1] / "README.md").read_text()
    table = text.partition("<!-- columns of a statement -->\n")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == (*REQUIRED, *OPTIONAL)
    assert ",".join((*REQUIRED, *OPTIONAL)) == HEADER


def test_a_csv_is_read_to_the_minor_unit() -> None:
    content = "\ufeffvalue_date,amount,currency,reference\r\n2026-02-11,1234.5,USD,B-1\r\n\r\n2026-02-12,-500,JPY,\r\n"

    read = read_statement(content.encode())

    assert (read.source, read.passed_over) == (CreditSource.CSV, 0)
    assert read.entries == (
        Entry(2, Money(1234_50, "USD"), date(2026, 2, 11), "B-1", ""),
        Entry(4, Money(-500, "JPY"), date(2026, 2, 12), "", ""),
    )


def test_a_camt_is_read_entry_by_entry() -> None:
    whole = camt(
        balance("PRCD", "10.00"),
        balance("CLBD", "61.00", "DBIT"),
        "<TxsSummry><TtlNtries><NbOfNtries>5</NbOfNtries></TtlNtries></TxsSummry>",
        entry("1.00", details=details("ANTOM  SETTLEMENT", "SB-000001", end_to_end="E2E-1")),
        entry("72.00", way="DBIT", status="<Sts><Cd>BOOK</Cd></Sts>", reference=""),
        entry("9.00", status="<Sts>PDNG</Sts>"),
        entry("0.00"),
        entry("0.000", currency="JOD"),
    )

    read = read_statement(whole.encode("utf-8"))

    assert (read.source, read.passed_over) == (CreditSource.CAMT053, 3)
    assert read.entries == (
        Entry(1, Money(1_00, "USD"), date(2026, 5, 15), "BANK-1", "E2E-1 · ANTOM SETTLEMENT · SB-000001"),
        Entry(2, Money(-72_00, "USD"), date(2026, 5, 15), "", ""),
    )
    later = camt(
        entry(
            "3.123",
            currency="JOD",
            status="<Sts><Cd>BOOK</Cd></Sts>",
            details=details("Zahlung für Mai"),
        ).replace("<ValDt><Dt>2026-05-15</Dt>", "<ValDt><DtTm>2026-05-14T23:30:00Z</DtTm>"),
        namespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08",
    )
    latin = later.replace("UTF-8", "ISO-8859-1").encode("latin-1")
    for raw in (later.encode(), later.encode("utf-8-sig"), latin):
        assert [(one.amount, one.value_date, one.text) for one in read_statement(raw).entries] == [
            (Money(3_123, "JOD"), date(2026, 5, 14), "Zahlung für Mai")
        ]
