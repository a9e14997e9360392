"""Closing a month: what is in the way, what is booked, what comes to light later, and the journal as a file."""

import csv
import io
import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from beancount import loader
from beancount.core import data
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal import clock
from portal.actor import Actor
from portal.errors import Conflict
from portal.models import JournalEntry
from portal.money import Money
from portal.roles import FINANCE
from reconciliation import bookkeeping, journal_export, operations, periods
from reconciliation.bookkeeping import entries
from reconciliation.models import BankCredit, Batch, Discrepancy, Ledger, Period, Posting, ReportFile, SettlementRow
from tests.factories import UserFactory
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, every_file_obeys_the_law
from tests.reconciliation.reports import fee, row, settlement, summary, transactions
from tests.reconciliation.statements import arrives
from tests.reconciliation.test_desk import act, signed_in, words
from tests.reconciliation.test_desk_work import LINES, lines_behind_bars

NOON = datetime(2026, 1, 12, 4, 0, tzinfo=UTC)
"""12 January 2026, 12:00 in UTC+8; the tests' clock stands in March."""
DONE = {"by": BOOKKEEPER, "reason_code": "MONTH_END"}


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def of_batch(
    day: str, batch: str, *rows: dict[str, str], imported: Import, total: str, types: dict[str, tuple[int, str]]
) -> None:
    """Details and summary of one batch."""
    said = [cells | {"settlementInitiatedDate": day} for cells in rows]
    imported(settlement(*said, batch=batch), name=f"settlementItems_USD_{batch}_000.csv")
    lines = [
        {"summaryType": name, "count": str(count), "settlementAmountValue": net} for name, (count, net) in types.items()
    ]
    lines.append(
        {
            "summaryType": "TOTAL",
            "count": str(sum(count for count, _ in types.values())),
            "settlementAmountValue": total,
        }
    )
    said = [line | {"settlementInitiatedDate": day} for line in lines]
    imported(summary(*said, batch=batch), name=f"settlementSummary_USD_{batch}_000.csv")


@pytest.fixture
def january(books: Books, imported: Import) -> Period:
    """A payment of 12 January, told on its day, settled on the 14th, on our bank account on the 15th."""
    books.payment("P-1", usd(100_00), paid_at=NOON, created_at=NOON)
    imported(transactions(row("PAYMENT", "P-1", "100.00", "")), name="transactionItems_20260112_000.csv")
    of_batch(
        "2026-01-14",
        "B1",
        row("PAYMENT", "P-1", "100.00", "100.00"),
        imported=imported,
        total="100.00",
        types={"PAYMENT": (1, "100.00")},
    )
    arrives(books.account, "100.00,USD,2026-01-15,BANK-1,settlement")
    return Period.objects.get()


def failing(period: Period) -> list[str]:
    return [check.sentence for check in periods.checklist(period) if not check.holds]


def booked(period: Period) -> list[tuple[str, str, bool, dict[str, int]]]:
    """(day, batch, adjusting, lines) of each entry, which balances."""
    found = entries(period)
    assert {amount.value for amount in bookkeeping.balance(found).values()} <= {0}
    for entry in found:
        assert sum(value for _, value in entry.lines) == 0
    return [
        (
            entry.day.isoformat(),
            entry.batch.batch_id,
            entry.is_adjusting,
            {str(one): value for one, value in entry.lines},
        )
        for entry in found
    ]


# What is booked.


def test_every_part_of_a_settlement_has_its_account(may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    [may] = Period.objects.all()
    assert may.month == date(2026, 5, 1)

    assert booked(may) == [
        (
            "2026-05-14",
            reports.BATCH,
            False,
            {
                "IN_TRANSIT": 102_77,
                "CLEARING": -(185_00 - 25_00),
                "FEES": 5_37 - 44 + 30 + 15_00 + 2_00,
                "RESERVE": 5_00,
                "DISPUTES": 30_00,
            },
        )
    ]


def test_differences_go_where_they_were_explained_to(books: Books, imported: Import) -> None:
    for name in ("P-1", "P-2", "P-3", "P-4", "P-5"):
        books.payment(name, usd(100_00))
    short = "99.00"
    imported(
        settlement(
            row("PAYMENT", "P-1", short, "96.03", **fee("-2.97")),
            row("PAYMENT", "P-2", short, short),
            row("PAYMENT", "P-3", short, short),
            row("PAYMENT", "P-4", short, short),
            row("PAYMENT", "P-5", "100.00", "99.99"),
            row("PAYMENT", "X-1", "7.00", "7.00"),
            row("REFUND", "X-2", "-3.00", "-3.00"),
            row("DEFAULT", "", "", "0.24"),
        )
    )
    by_line = {one.row.line_number: one for one in Discrepancy.objects.all() if one.row is not None}
    operations.write_off(by_line[2], by=BOOKKEEPER, reason_code="TOO_SMALL")
    operations.close(by_line[3], by=BOOKKEEPER, resolution="CREDITED")
    operations.close(by_line[4], by=BOOKKEEPER, resolution="CONFIRMED")
    operations.close(by_line[7], by=BOOKKEEPER, resolution="OTHER_CHANNEL")

    [(_, _, _, lines)] = booked(Period.objects.get())

    assert lines == {
        "IN_TRANSIT": 497_26,
        "CLEARING": -500_00,
        "FEES": 2_97,
        "ROUNDING": 1,
        "CORRECTIONS": -24,
        "WRITTEN_OFF": 1_00,
        "ACQUIRER": 1_00,
        "DIFFERENCES": 1_00,
        "OTHER_CHANNELS": -7_00,
        "SUSPENSE": 1_00 + 3_00,
    }


def test_a_fee_that_differs_stands_beside_the_fees(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    told = row("PAYMENT", "P-1", "100.00", "97.00", settlementCurrency="USD", **fee("-3.00"))
    imported(transactions(told), name="transactionItems_20260512_000.csv")
    imported(settlement(row("PAYMENT", "P-1", "100.00", "96.00", **fee("-4.00"))))
    period = Period.objects.get()
    assert booked(period)[0][3] == {"IN_TRANSIT": 96_00, "CLEARING": -100_00, "FEES": 3_00, "SUSPENSE": 1_00}

    operations.close(Discrepancy.objects.get(), by=BOOKKEEPER, resolution="CONFIRMED")

    assert booked(period)[0][3] == {"IN_TRANSIT": 96_00, "CLEARING": -100_00, "FEES": 4_00}


def test_after_a_full_refund_at_another_rate_nothing_is_left_on_clearing(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", Money(1120_00, "PHP"))
    books.refund("R-1", payment, Money(373_33, "PHP"))
    books.refund("R-2", payment, Money(746_67, "PHP"))

    def at(rate: str, request_id: str, amount: str, net: str) -> dict[str, str]:
        kind = "PAYMENT" if request_id == "P-1" else "REFUND"
        more = {"quoteCurrencyPair": "USD/PHP", "quotePrice": rate, "originalTransactionRequestId": ""}
        return row(kind, request_id, amount, net, currency="PHP", **more)

    imported(settlement(at("56", "P-1", "1120.00", "20.00")), name="1.csv")
    imported(
        settlement(at("50", "R-1", "-373.33", "-7.47"), at("57", "R-2", "-746.67", "-13.10"), batch="B2"), name="2.csv"
    )
    assert not Discrepancy.objects.exists()

    first, second = booked(Period.objects.get())

    assert first[3] == {"IN_TRANSIT": 20_00, "CLEARING": -20_00}
    assert second[3] == {"IN_TRANSIT": -20_57, "CLEARING": 20_00, "FX": 57}


# Closing.


def test_a_month_is_closed_once_everything_of_it_is_here_and_explained(january: Period) -> None:
    assert failing(january) == []

    operations.lock(january, note="as agreed", **DONE)

    assert (january.is_open, january.locked_by, january.note) == (False, str(BOOKKEEPER), "as agreed")
    assert booked(january) == [("2026-01-14", "B1", False, {"BANK": 100_00, "CLEARING": -100_00})]
    assert list(Posting.objects.values_list("ledger", "value")) == [("BANK", 100_00), ("CLEARING", -100_00)]
    assert [str(one) for one in Period.objects.all()] == ["February 2026", "January 2026"]
    entry = JournalEntry.objects.latest("pk")
    assert (entry.act, entry.reason_code) == ("close month", "MONTH_END")
    with pytest.raises(Conflict, match="closed already"):
        operations.lock(january, **DONE)
    with pytest.raises(Conflict, match="January 2026 is closed with this file in it, so it stays"):
        operations.undo(Batch.objects.get().details, by=BOOKKEEPER, reason_code="WRONG_FILE")
    with pytest.raises(Conflict, match="so it stays"):
        operations.undo(ReportFile.objects.get(kind="TRANSACTIONS"), by=BOOKKEEPER, reason_code="WRONG_FILE")
    assert SettlementRow.objects.filter(batch__isnull=False).count() == 1


def test_it_says_everything_that_is_in_the_way_and_closes_nothing(books: Books, imported: Import) -> None:
    for day in (12, 13):
        books.payment(f"P-{day}", usd(100_00), paid_at=NOON.replace(day=day), created_at=NOON.replace(day=day))
    paid = books.payment("P-99", usd(100_00), paid_at=NOON, created_at=NOON)
    books.refund("R-1", paid, usd(1_00), refunded_at=NOON)
    imported(settlement(row("PAYMENT", "P-12", "90.00", "90.00", settlementInitiatedDate="2026-01-14"), batch="B1"))
    earlier = Period.objects.create(account=books.account, month=date(2025, 12, 1))
    january = Period.objects.get(month=date(2026, 1, 1))

    assert failing(january) == [
        f"{earlier} is open.",
        "Missing: 2026-01-12, 2026-01-13.",
        "Details or summary missing: B1.",
        "Not credited or explained: B1 90.00 USD.",
        "1 discrepancy is open.",
        "2 payments should be settled by now.",
        "1 refund should be settled by now.",
    ]
    with pytest.raises(Conflict, match=r"cannot be closed\. December 2025 is open\. Missing: 2026-01-12"):
        operations.lock(january, **DONE)
    assert january.is_open
    assert not Posting.objects.exists()
    march = Period.objects.create(account=books.account, month=date(2026, 3, 1))
    assert failing(march)[0] == "It ends with 2026-03-31 (UTC+8)."


def test_the_day_of_the_acquirer_decides_which_month_it_is(january: Period, books: Books) -> None:
    last = datetime(2026, 1, 31, 15, 59, 59, tzinfo=UTC)  # one second before February in UTC+8
    books.payment("P-LAST", usd(5_00), paid_at=last, created_at=last)
    first = last + timedelta(seconds=1)
    books.payment("P-FIRST", usd(5_00), paid_at=first, created_at=first)

    assert failing(january) == ["Missing: 2026-01-31.", "1 payment should be settled by now."]


# What comes to light later.


def test_a_late_batch_of_a_closed_month_adjusts_the_next(january: Period, books: Books, imported: Import) -> None:
    operations.lock(january, **DONE)
    frozen = journal_export.csv_text(january, entries(january))
    books.payment("P-2", usd(50_00), paid_at=NOON, created_at=NOON)
    of_batch(
        "2026-01-30",
        "B2",
        row("PAYMENT", "P-2", "50.00", "50.00"),
        imported=imported,
        total="50.00",
        types={"PAYMENT": (1, "50.00")},
    )
    february = Period.objects.get(month=date(2026, 2, 1))

    assert booked(february) == [("2026-02-01", "B2", True, {"IN_TRANSIT": 50_00, "CLEARING": -50_00})]
    assert failing(february) == ["Not credited or explained: B2 50.00 USD."]
    arrives(books.account, "50.00,USD,2026-02-02,BANK-2,settlement")
    late = Batch.objects.get(batch_id="B2").details
    assert late is not None
    assert periods.closed_with(late) is None  # not booked yet: it may still be undone
    operations.lock(february, **DONE)
    assert booked(february) == [("2026-02-01", "B2", True, {"BANK": 50_00, "CLEARING": -50_00})]
    assert journal_export.csv_text(january, entries(january)) == frozen
    with pytest.raises(Conflict, match="February 2026 is closed with this file in it"):
        operations.undo(late, by=BOOKKEEPER, reason_code="WRONG_FILE")


def test_what_a_closed_batch_comes_to_later_is_the_difference_alone(
    january: Period, books: Books, imported: Import
) -> None:
    operations.lock(january, **DONE)
    frozen = journal_export.beancount_text(january, entries(january))
    line = SettlementRow.objects.get(batch__isnull=False)

    operations.unmatch(line, by=BOOKKEEPER, reason_code="WRONG_MATCH")

    february = Period.objects.get(month=date(2026, 2, 1))
    assert booked(february) == [("2026-02-01", "B1", True, {"CLEARING": 100_00, "SUSPENSE": -100_00})]
    assert failing(february) == ["1 discrepancy is open."]
    operations.close(Discrepancy.objects.get(closed_at=None), by=BOOKKEEPER, resolution="OTHER_CHANNEL")
    operations.lock(february, **DONE)
    assert booked(february) == [("2026-02-01", "B1", True, {"CLEARING": 100_00, "OTHER_CHANNELS": -100_00})]
    assert journal_export.beancount_text(january, entries(january)) == frozen
    # An import that changes nothing of it leaves nothing to adjust.
    assert booked(Period.objects.get(month=date(2026, 3, 1))) == []
    every_file_obeys_the_law()


def test_a_row_that_an_earlier_batch_takes_over_is_adjusted(january: Period, imported: Import) -> None:
    operations.lock(january, **DONE)

    imported(settlement(row("PAYMENT", "P-1", "100.00", "100.00", settlementInitiatedDate="2026-01-10"), batch="B0"))

    february = Period.objects.get(month=date(2026, 2, 1))
    assert booked(february) == [
        ("2026-02-01", "B0", True, {"IN_TRANSIT": 100_00, "CLEARING": -100_00}),
        ("2026-02-01", "B1", True, {"CLEARING": 100_00, "SUSPENSE": -100_00}),
    ]


# The journal as a file.


def sums_of_beancount(text: bytes) -> list[dict[str, Decimal]]:
    """What beancount itself reads, which complains of nothing; the sums of each transaction by currency."""
    entries, errors, _ = loader.load_string(text.decode())
    assert errors == []
    found: list[dict[str, Decimal]] = []
    for one in entries:
        if isinstance(one, data.Transaction):
            found.append(defaultdict(Decimal))
            for posting in one.postings:
                found[-1][posting.units.currency] += posting.units.number
    return found


def test_both_files_balance_and_are_the_same_bytes_again(may_books: Books, imported: Import) -> None:
    account = may_books.account
    account.name = 'Antom "SG" \\ 1'
    account.save()
    imported(reports.SETTLEMENT)
    yen = settlement(row("PAYMENT", "X-1", "500", "480", currency="JPY", settlementCurrency="JPY"), batch="=J1")
    imported(yen.replace("USD", "JPY"), name="jpy.csv")
    arrives(account, f"100.00,USD,2026-05-15,BANK-1,{reports.BATCH}")
    batch = Batch.objects.get(batch_id=reports.BATCH)
    operations.match_credit(BankCredit.objects.get(), batch, by=BOOKKEEPER, reason_code="NAMED")
    operations.name_difference(batch, cause="BANK_CHARGE", amount=usd(2_77), by=BOOKKEEPER)
    may = Period.objects.get()

    text = journal_export.beancount_text(may, entries(may))
    table = journal_export.csv_text(may, entries(may))

    assert [dict(one) for one in sums_of_beancount(text)] == [{"USD": 0}, {"JPY": 0}]
    assert re.search(r"^  Assets:Bank:Antom-sg +100\.00 USD$", text.decode(), re.MULTILINE)
    assert re.search(r"^  Expenses:Bank-Charges:Antom-sg +2\.77 USD$", text.decode(), re.MULTILINE)
    assert re.search(r"^  Assets:In-Transit:Antom-sg +480 JPY$", text.decode(), re.MULTILINE)
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    ours = {"BANK", "BANK_CHARGES", "IN_TRANSIT", "CLEARING", "FEES", "RESERVE", "DISPUTES", "SUSPENSE"}
    assert {line["ledger"] for line in rows} == ours
    assert {line["batch"] for line in rows} == {"'=J1", reports.BATCH}
    by_batch: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in rows:
        by_batch[line["batch"], line["currency"]] += Decimal(line["debit"] or 0) - Decimal(line["credit"] or 0)
    assert set(by_batch.values()) == {Decimal(0)}
    assert [line["debit"] for line in rows if line["currency"] == "JPY" and line["debit"]] == ["480"]
    assert journal_export.beancount_text(may, entries(may)) == text
    assert journal_export.csv_text(may, entries(may)) == table


def test_every_account_has_a_name_of_its_own() -> None:
    assert set(journal_export.NAMES) == set(Ledger)
    assert len(set(journal_export.NAMES.values())) == len(Ledger)


# The desk.


@pytest.fixture
def finance(books: Books) -> Client:
    """Somebody who closes the books."""
    return signed_in(FINANCE)


def test_the_page_of_a_month_tells_what_is_missing_closes_it_and_hands_out_its_journal(
    finance: Client, january: Period, books: Books
) -> None:
    late = books.payment("P-2", usd(50_00), paid_at=NOON, created_at=NOON)
    here = f"/admin/reconciliation/period/{january.pk}/"
    said = words(finance.get(f"{here}change/"))
    assert "January 2026" in said
    assert (
        "Not yet No payment of the month waits for its settlement too long 1 payment should be settled by now." in said
    )
    page = act(finance, f"{here}acts/lock/", "Close January 2026", reason_code="MONTH_END")
    assert "January 2026 cannot be closed. 1 payment should be settled by now." in words(page)
    late.delete()

    page = act(finance, f"{here}acts/lock/", "Close January 2026", reason_code="MONTH_END")

    assert "January 2026 is closed." in words(page)
    assert "Journal as it was booked" in words(page)
    response = act(finance, f"{here}acts/books/", "Take the journal", kind="beancount")
    assert response["Content-Disposition"] == 'attachment; filename="journal-antom-sg-2026-01.beancount"'
    assert response.content == journal_export.beancount_text(january, entries(Period.objects.get(pk=january.pk)))
    assert JournalEntry.objects.latest("pk").act == "take the journal of a month"
    assert act(finance, f"{here}acts/books/", "Take the journal", kind="csv").content.startswith(b"period,account,day")
    assert "It is closed already" in words(finance.get(f"{here}acts/lock/"))
    file = Batch.objects.get().details_id
    assert "so it stays" in words(finance.get(f"/admin/reconciliation/reportfile/{file}/acts/undo/"))


def test_every_bar_of_a_month_leads_to_its_rows(finance: Client, may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    may = Period.objects.get()

    assert lines_behind_bars(finance, f"/admin/reconciliation/period/{may.pk}/change/") == LINES

    for odd in ("?month=abc", "?month=99999999999999999999.USD", f"?month={may.pk}.&step=x"):
        assert finance.get(f"/admin/reconciliation/settlementrow/{odd}").status_code in {200, 302}


def test_the_list_and_the_page_of_months_cost_the_same_however_much_there_is(
    finance: Client, january: Period, books: Books, imported: Import
) -> None:
    urls = ("/admin/reconciliation/period/", f"/admin/reconciliation/period/{january.pk}/change/")

    def cost(url: str) -> int:
        finance.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert finance.get(url).status_code == 200
        return len(queries)

    before = [cost(url) for url in urls]
    for number in range(2, 6):
        Period.objects.create(account=books.account, month=date(2026 + number, 1, 1))
        line = row("PAYMENT", f"X-{number}", "1.00", "1.00", settlementInitiatedDate="2026-01-20")
        imported(settlement(line, batch=f"N{number}"), name=f"{number}.csv")

    assert [cost(url) for url in urls] == before


def test_nobody_but_finance_closes_a_month(january: Period) -> None:
    url = f"/admin/reconciliation/period/{january.pk}/acts/lock/"

    assert {role: signed_in(role).get(url).status_code for role in ("Auditor", "Operator", "Finance")} == {
        "Auditor": 403,
        "Operator": 403,
        "Finance": 200,
    }
    operations.lock(january, by=Actor.person(UserFactory(roles=(FINANCE,))), reason_code="AUDIT")
    assert clock.now() >= (Period.objects.get(pk=january.pk).locked_at or clock.now())
