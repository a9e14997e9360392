"""The same reports in any order come to the same; and an import that is undone was never there."""

import itertools
import random
from collections.abc import Iterable
from typing import Any

import pytest

from payments.models import Payment
from portal.errors import Conflict, InvalidInput
from portal.models import Incident, JournalEntry
from portal.money import Money
from reconciliation import operations, queries
from reconciliation.models import (
    Batch,
    Discrepancy,
    FileStatus,
    Match,
    ReportFile,
    Resolution,
    SettlementRow,
    SummaryRow,
)
from reconciliation.operations import Result
from tests.reconciliation.conftest import BOOKKEEPER, Books, every_file_obeys_the_law, opened
from tests.reconciliation.reports import fee, row, settlement, summary, transactions


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.fixture
def month(books: Books) -> dict[str, str]:
    """Eight reports that touch one another in every way there is."""
    one, two, three = (books.payment(f"P-{number}", usd(100_00)) for number in (1, 2, 3))
    books.refund("R-1", one, usd(10_00))
    books.refund("R-2", one, usd(10_00))
    books.cancel(books.payment("P-4", usd(40_00), status="CANCELLED", paid_at=None))
    books.payment("P-5", usd(50_00), status="FAILED")
    del two, three
    day = {"settlementCurrency": "USD"}
    later = {"settlementInitiatedDate": "2026-05-20"}
    unknown = {"transactionRequestId": "R-unknown", "originalTransactionRequestId": "P-1"}
    return {
        # The refund with an id is in one batch, the one without in another: it is R-2, and nobody has to guess.
        "b1": settlement(
            row("PAYMENT", "P-1", "100.00", "97.00", **fee("-3.00")),
            row("PAYMENT", "P-2", "100.00", "96.70", **fee("-3.30")),
            row("REFUND", "R-1", "-10.00", "-10.00"),
            row("PAYMENT", "P-4", "40.00", "40.00"),
            batch="B1",
        ),
        # P-2 is settled twice, with another amount at that; and a cancel that makes P-4 settleable.
        "b2": settlement(
            {**row("PAYMENT", "P-2", "90.00", "90.00"), **later},
            {**row("REFUND", "", "-10.00", "-10.00"), **unknown, **later},
            {**row("CANCEL", "P-4", "-40.00", "-40.00"), **later},
            {**row("PAYMENT_REVERSAL", "P-5", "50.00", "50.00"), **later},
            batch="B2",
        ),
        "b3": settlement(
            {**row("PAYMENT", "P-2", "100.00", "100.00"), "settlementInitiatedDate": "2026-05-13"}, batch="B3"
        ),
        "t1": transactions(
            {**row("PAYMENT", "P-1", "100.00", "97.00", **fee("-3.00")), **day},
            {**row("PAYMENT", "P-2", "100.00", "", **day), "settlementCurrency": ""},
            {**row("PAYMENT", "P-3", "100.00", ""), "status": "FAILED"},
        ),
        # The copy of the day after: its fees of P-2 are not those of the settlement; P-3 is successful by now.
        "t2": transactions(
            {**row("PAYMENT", "P-1", "100.00", "97.00", **fee("-3.00")), **day},
            {**row("PAYMENT", "P-2", "100.00", "97.00", **fee("-3.00")), **day},
            row("PAYMENT", "P-3", "100.00", ""),
        ),
        "s1": summary(
            {"summaryType": "PAYMENT", "count": "3", "settlementAmountValue": "233.70"},
            {"summaryType": "REFUND", "count": "2", "settlementAmountValue": "-10.00"},
            {"summaryType": "TOTAL", "count": "5", "settlementAmountValue": "223.70"},
            batch="B1",
        ),
        "s3": summary(
            {"summaryType": "PAYMENT", "count": "1", "settlementAmountValue": "100.00"},
            {"summaryType": "TOTAL", "count": "1", "settlementAmountValue": "101.00"},
            batch="B3",
        ),
    }


def imports(books: Books, texts: dict[str, str], order: Iterable[str]) -> str:
    """Import them in this order; the digest they come to."""
    for which in order:
        operations.import_report(f"{which}.csv", texts[which].encode(), by=BOOKKEEPER, account=books.account)
    every_file_obeys_the_law()
    return queries.digest(books.account)


def undoes(books: Books, which: str) -> None:
    file = ReportFile.objects.get(name=f"{which}.csv")
    operations.undo(file, by=BOOKKEEPER, reason_code="WRONG_FILE")
    every_file_obeys_the_law()


def forgets_everything(books: Books) -> None:
    for file in ReportFile.objects.filter(status=FileStatus.IMPORTED):
        operations.undo(file, by=BOOKKEEPER, reason_code="WRONG_FILE")
    for file in ReportFile.objects.all():
        operations.discard(file, by=BOOKKEEPER)
    assert not SettlementRow.objects.exists()
    assert not SummaryRow.objects.exists()
    assert not Batch.objects.exists()


def test_the_reports_of_a_month_in_any_order_come_to_the_same(books: Books, month: dict[str, str]) -> None:
    names = sorted(month)
    expected = imports(books, month, names)
    # Whatever the order, this is what a bookkeeper finds.
    assert [(reason, stake) for reason, _, stake in opened(file__name="b1.csv")] == [
        ("DUPLICATE", "96.70 USD"),
    ]
    assert [(reason, stake) for reason, _, stake in opened(file__name="b2.csv")] == [
        ("DUPLICATE", "90.00 USD"),
        ("PAYMENT_REVERSAL", "50.00 USD"),
    ]
    assert [(reason, stake) for reason, _, stake in opened(file__name="b3.csv")] == [("FEE_DIFFERS", "3.00 USD")]
    assert {reason for reason, _, _ in opened(file__name="t1.csv")} == set()
    settled = Match.objects.filter(is_settlement=True, role__in=("PAYMENT", "REFUND", "CANCEL"))
    assert settled.count() == 6

    shuffled = random.Random(20260514)
    for _ in range(6):
        forgets_everything(books)
        order = shuffled.sample(names, len(names))
        assert imports(books, month, order) == expected, order


@pytest.mark.parametrize("which", ["b1", "b2", "b3", "t2", "s1"])
def test_an_import_that_is_undone_was_never_there(books: Books, month: dict[str, str], which: str) -> None:
    others = [name for name in sorted(month) if name != which]
    without = imports(books, month, others)
    incidents = sorted(Incident.objects.filter(closed_at=None).values_list("kind", "subject_id"))

    imports(books, month, [which])
    assert queries.digest(books.account) != without
    undoes(books, which)

    assert queries.digest(books.account) == without
    assert sorted(Incident.objects.filter(closed_at=None).values_list("kind", "subject_id")) == incidents
    file = ReportFile.objects.get(name=f"{which}.csv")
    assert (file.status, file.rows.count(), file.summary_rows.count(), file.discrepancies.count()) == ("TRIED", 0, 0, 0)
    last = JournalEntry.objects.latest("pk")
    assert (last.act, last.reason_code, last.subject_label) == ("undo import", "WRONG_FILE", f"{which}.csv")


def test_it_can_be_imported_again_and_undone_only_once(books: Books, month: dict[str, str]) -> None:
    expected = imports(books, month, sorted(month))
    undoes(books, "b1")

    with pytest.raises(Conflict):
        operations.undo(ReportFile.objects.get(name="b1.csv"), by=BOOKKEEPER, reason_code="WRONG_FILE")
    with pytest.raises(InvalidInput):
        operations.undo(ReportFile.objects.get(name="b2.csv"), by=BOOKKEEPER, reason_code="OTHER")

    assert imports(books, month, ["b1"]) == expected


def test_what_somebody_accepted_stays_when_others_come_and_go(books: Books, month: dict[str, str]) -> None:
    imports(books, month, ["b1", "b2"])
    twice = Discrepancy.objects.get(reason="DUPLICATE")
    operations.close(twice, by=BOOKKEEPER, resolution=Resolution.CREDITED)
    before = queries.digest(books.account)

    imports(books, month, ["b3"])
    undoes(books, "b3")

    assert queries.digest(books.account) == before


def test_a_forecast_is_what_the_import_then_does(books: Books, month: dict[str, str]) -> None:
    for which in sorted(month):
        args: dict[str, Any] = {"by": BOOKKEEPER, "account": books.account}
        foretold = operations.rehearse(f"{which}.csv", month[which].encode(), **args)
        done = operations.import_report(f"{which}.csv", month[which].encode(), **args)

        assert (foretold.result, done.result) == (Result.TRIED, Result.IMPORTED)
        for name in ("kind", "rows", "amount_unit_basis", "fee_sign_basis", "batches", "restated_rows"):
            assert getattr(foretold, name) == getattr(done, name), (which, name)
        if foretold.kind != "SUMMARY":
            for name in ("law", "types", "discrepancies", "discrepancy_count", "matched_rows", "open_rows"):
                assert getattr(foretold, name) == getattr(done, name), (which, name)
        else:
            assert foretold.discrepancies == done.discrepancies, which


def test_a_forecast_is_made_anew_when_another_file_came(books: Books, month: dict[str, str]) -> None:
    _, tried = operations.try_report("b2.csv", month["b2"].encode(), by=BOOKKEEPER, account=books.account)
    assert tried is not None
    first = operations.forecast(tried)

    imports(books, month, ["b1"])
    tried.refresh_from_db()
    second = operations.forecast(tried)

    assert first is not None
    assert second is not None
    assert [one.reason for one in first.discrepancies] != [one.reason for one in second.discrepancies]
    assert "DUPLICATE" in {one.reason for one in second.discrepancies}


@pytest.mark.parametrize("order", list(itertools.permutations(["b1", "b2", "b3"])))
def test_the_earliest_of_three_settlements_counts(books: Books, month: dict[str, str], order: tuple[str, ...]) -> None:
    imports(books, month, order)

    settled = queries.settled(Payment.objects.get(payment_request_id="P-2"))
    assert settled is not None
    assert settled.file.name == "b3.csv"
