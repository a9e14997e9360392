"""The published shape of the reports, each example with its exact expected result."""

import json

import pytest

from payments.models import Payment, Refund
from portal.money import Money
from reconciliation import operations, queries
from reconciliation.models import (
    Batch,
    Discrepancy,
    Explanation,
    Match,
    ReportFile,
    RowState,
    SettlementRow,
    SummaryRow,
)
from reconciliation.operations import Result
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, law_of, opened


def test_a_batch_of_eight_rows_is_matched_and_explained_to_the_cent(may_books: Books, imported: Import) -> None:
    outcome = imported(reports.SETTLEMENT)

    assert (outcome.result, outcome.kind, outcome.edition, outcome.rows) == (Result.IMPORTED, "SETTLEMENT", "E4", 8)
    assert outcome.sentence == "Settlement details: 8 rows imported, nothing open."
    assert law_of(outcome) == [("USD", 102_77, 154_77, -52_00, 0)]
    assert (outcome.matched_rows, outcome.explained_rows, outcome.open_rows) == (5, 3, 0)
    assert [(line.type, line.count, line.reported_value) for line in outcome.types] == [
        ("DISPUTE", 1, -45_00),
        ("PAYMENT", 3, 179_63),
        ("REFUND", 2, -24_86),
        ("RESERVE", 1, -5_00),
        ("SETTLEMENT_FEE", 1, -2_00),
    ]
    assert (outcome.amount_unit, outcome.fee_sign) == ("MAJOR", "CHARGE_NEGATIVE")
    assert outcome.fee_sign_basis == "net = gross + fees closes on 6 rows, net = gross − fees on 0"
    assert opened() == []


def test_each_row_of_the_batch_finds_its_own(may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)

    found = {
        match.row.line_number: (match.role, str(match.refund or match.payment), match.value)
        for match in Match.objects.select_related("row", "refund", "payment")
    }
    assert found == {
        2: ("PAYMENT", "P-20260512-000001", 19_42),
        3: ("PAYMENT", "P-20260512-000002", 43_69),
        4: ("PAYMENT", "P-20260512-000003", 116_52),
        5: ("REFUND", "R-20260512-000001", -14_56),
        6: ("REFUND", "R-20260512-000002", -10_30),
        7: ("DISPUTE", "P-20260401-000077", 0),
    }
    explained = Explanation.objects.values_list("row__line_number", "kind", "value").order_by("row__line_number")
    assert list(explained) == [(7, "DISPUTE", -45_00), (8, "RESERVE", -5_00), (9, "FEE", -2_00)]
    gcash = SettlementRow.objects.get(line_number=2)
    assert (gcash.transaction_value, gcash.transaction_currency) == (1120_00, "PHP")
    assert (gcash.gross_value, gcash.converted_value, gcash.fees_value, gcash.settlement_value) == (
        20_00,
        20_00,
        -58,
        19_42,
    )
    assert gcash.fees == {"paymentMethodFeeAmountValue": -58}
    assert gcash.raw["quotePrice"] == "56.00"


def test_a_settled_payment_knows_its_row(may_books: Books, imported: Import) -> None:
    payment = Payment.objects.get(payment_request_id="P-20260512-000001")
    assert queries.settled(payment) is None

    imported(reports.SETTLEMENT)

    settled = queries.settled(payment)
    assert settled is not None
    assert (settled.line_number, settled.net) == (2, Money(19_42, "USD"))
    refund = Refund.objects.get(refund_request_id="R-20260512-000002")
    row = queries.settled(refund)
    assert row is not None
    assert row.net == Money(-10_30, "USD")
    disputed = Payment.objects.get(payment_request_id="P-20260401-000077")
    assert queries.settled(disputed) is None


@pytest.mark.parametrize("order", [("details", "summary"), ("summary", "details")])
def test_the_summary_agrees_with_its_details_in_either_order(
    may_books: Books, imported: Import, order: tuple[str, str]
) -> None:
    texts = {"details": reports.SETTLEMENT, "summary": reports.SUMMARY}

    for which in order:
        outcome = imported(texts[which], name=f"{which}.csv")

    assert outcome.result is Result.IMPORTED
    assert opened() == []
    batch = Batch.objects.get()
    assert (batch.batch_id, batch.psp, batch.currency) == (reports.BATCH, "EXAMPLE_PSP", "USD")
    assert (batch.details is not None, batch.summary is not None) == (True, True)
    rows = SummaryRow.objects.values_list("summary_type", "state", "reported_value", "matched_value")
    assert list(rows.order_by("line_number")) == [
        ("PAYMENT", "MATCHED", 179_63, 179_63),
        ("REFUND", "MATCHED", -24_86, -24_86),
        ("DISPUTE", "MATCHED", -45_00, -45_00),
        ("RESERVE", "MATCHED", -5_00, -5_00),
        ("SETTLEMENT_FEE", "MATCHED", -2_00, -2_00),
        ("TOTAL", "MATCHED", 0, 0),
    ]


def test_a_summary_alone_waits_for_its_details(may_books: Books, imported: Import) -> None:
    outcome = imported(reports.SUMMARY, name="settlementSummary_USD_2026051498700001_000.csv")

    assert law_of(outcome) == [("USD", 102_77, 0, 0, 102_77)]
    assert {reason for reason, _, _ in opened()} == {"DETAILS_AWAITED"}

    outcome = imported(reports.SETTLEMENT)

    assert opened() == []
    summary = ReportFile.objects.get(kind="SUMMARY")
    assert [law.matched for law in queries.law(summary)] == [Money(102_77, "USD")]
    healed = Discrepancy.objects.filter(reason="DETAILS_AWAITED").values_list("resolution", "value")
    assert list(healed) == [("HEALED", 0)] * 5


def test_transaction_details_count_only_what_was_successful(may_books: Books, imported: Import) -> None:
    outcome = imported(reports.TRANSACTIONS, name="transactionItems_20260512_000.csv")

    assert (outcome.kind, outcome.rows) == ("TRANSACTIONS", 3)
    assert law_of(outcome) == [("PHP", 1120_00, 1120_00, 0, 0), ("USD", 45_00, 45_00, 0, 0)]
    states = SettlementRow.objects.values_list("line_number", "state", "reported_value").order_by("line_number")
    assert list(states) == [(2, "MATCHED", 45_00), (3, "EXPLAINED", 0), (4, "MATCHED", 1120_00)]
    assert opened() == []
    assert ReportFile.objects.get().report_day == "20260512"
    # Transaction details settle nothing.
    assert queries.settled(Payment.objects.get(payment_request_id="P-20260512-000002")) is None


def test_all_three_reports_of_the_batch_leave_nothing_open(may_books: Books, imported: Import) -> None:
    for name, text in (
        ("transactionItems_20260512_000.csv", reports.TRANSACTIONS),
        ("settlementItems_USD_2026051498700001_000.csv", reports.SETTLEMENT),
        ("settlementSummary_USD_2026051498700001_000.csv", reports.SUMMARY),
    ):
        imported(text, name=name)

    assert opened() == []
    assert ReportFile.objects.count() == 3
    assert queries.settled(Payment.objects.get(payment_request_id="P-20260512-000002")) is not None


def test_a_report_without_transactions_is_a_header_and_an_end(books: Books, imported: Import) -> None:
    header = "settlementBatchId, customerId, PSP, summaryType, settlementInitiatedDate, count, settlementAmountValue, "
    outcome = imported(header + "settlementCurrency\n<END>\n", name="settlementSummary_USD_0000000000000000000_000.csv")

    assert (outcome.result, outcome.rows, outcome.law) == (Result.IMPORTED, 0, [])
    assert outcome.sentence == "Settlement summary without transactions imported."
    assert not Batch.objects.exists()


def test_the_waterfall_leads_from_gross_to_net(may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)

    steps = queries.waterfall(Batch.objects.get())

    assert [(step.label, step.amount.value) for step in steps] == [
        ("Gross", 185_00),
        ("Refunds", -25_00),
        ("Fees", -22_23),
        ("Disputes", -30_00),
        ("Reserve", -5_00),
        ("Net", 102_77),
    ]
    assert sum(step.amount.value for step in steps if not step.is_sum) + 185_00 == 102_77


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("CRLF", lambda text: text.replace("\n", "\r\n").encode()),
        ("a byte order mark", lambda text: b"\xef\xbb\xbf" + text.encode()),
        ("a mark and CRLF", lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()),
        ("no last line end", lambda text: text.rstrip("\n").encode()),
        ("blanks in the header", lambda text: text.replace(",PSP,ARN,", ", PSP , ARN,", 1).encode()),
        ("a surplus empty cell", lambda text: text.replace(",-0.58,USD,,,,\n", ",-0.58,USD,,,,,\n").encode()),
        ("everything quoted", lambda text: _quoted(text).encode()),
        ("padded cells", lambda text: text.replace(",19.42,", ", 19.42 ,").encode()),
        ("blank lines", lambda text: text.replace("\n<END>", "\n\n<END>\n\n").encode()),
        ("an END with empty cells", lambda text: text.replace("<END>", "<END>,,,,").encode()),
        ("fewer decimals", lambda text: text.replace(",45.00,", ",45,").replace(",120.00,", ",120.0,").encode()),
        ("explicit plus", lambda text: text.replace(",0.44,", ",+0.44,").encode()),
        ("columns in another order", lambda text: _reversed_columns(text).encode()),
        ("a time with an offset", lambda text: text.replace("2026-05-14", "2026-05-14T10:00:00+08:00").encode()),
        ("a time with a blank", lambda text: text.replace("2026-05-14", "2026-05-14 02:00:00+00:00").encode()),
    ],
)
def test_the_same_report_printed_otherwise_says_the_same(
    may_books: Books, imported: Import, what: str, change: object
) -> None:
    assert callable(change)
    content = change(reports.SETTLEMENT)
    assert content != reports.SETTLEMENT.encode()

    outcome = imported(content)

    assert law_of(outcome) == [("USD", 102_77, 154_77, -52_00, 0)]
    assert str(Batch.objects.get().initiated_on) == "2026-05-14"


def _quoted(text: str) -> str:
    return "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) if line else "" for line in text.split("\n"))


def _reversed_columns(text: str) -> str:
    return "\n".join(
        line if line in ("", "<END>") else ",".join(reversed(line.split(","))) for line in text.split("\n")
    )


def test_an_unknown_column_is_kept_and_announced(may_books: Books, imported: Import) -> None:
    lines = reports.SETTLEMENT.splitlines()
    text = "\n".join([lines[0] + ",loyaltyTier", *(line + ",gold" for line in lines[1:-1]), "<END>"])

    outcome = imported(text)

    assert outcome.unknown_columns == ["loyaltyTier"]
    assert SettlementRow.objects.get(line_number=2).raw["loyaltyTier"] == "gold"
    assert opened() == []


def test_personal_data_stays_in_the_encrypted_file(may_books: Books, imported: Import) -> None:
    lines = reports.TRANSACTIONS.splitlines()
    header = lines[0] + ',accountHolderName,"cardNumber(Last 4 digits)"'
    text = "\n".join([header, *(line + ",Maria Reyes,4242" for line in lines[1:-1]), "<END>"])

    outcome = imported(text, name="transactionItems_20260512_000.csv")

    assert "Maria" not in json.dumps([row.raw for row in SettlementRow.objects.all()])
    assert "4242" not in json.dumps([row.raw for row in SettlementRow.objects.all()])
    assert "Maria" not in json.dumps(outcome.as_json())
    assert b"Maria Reyes" in bytes(ReportFile.objects.get().content)


def test_a_rehearsal_shows_everything_and_keeps_nothing(may_books: Books) -> None:
    outcome = operations.rehearse(
        "settlementItems_USD_2026051498700001_000.csv",
        reports.SETTLEMENT.encode(),
        by=BOOKKEEPER,
        account=may_books.account,
    )

    assert outcome.result is Result.TRIED
    assert outcome.sentence == "Settlement details: 8 rows would be imported, nothing open."
    assert law_of(outcome) == [("USD", 102_77, 154_77, -52_00, 0)]
    for model in (ReportFile, Batch, SettlementRow, Match, Explanation, Discrepancy):
        assert not model.objects.exists(), model
    assert RowState.MATCHED == "MATCHED"
