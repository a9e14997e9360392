"""Every edition: its examples with their exact results, and what is peculiar to it."""

import itertools
from datetime import datetime

import pytest

from portal import incidents
from portal.money import Money
from reconciliation import operations, queries
from reconciliation.errors import ReportRefused
from reconciliation.layouts import LAYOUTS, Edition, recognise
from reconciliation.models import AmountUnit, Batch, Explanation, Match, ReportFile, SettlementRow, SummaryRow
from reconciliation.operations import Answers, Result
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, law_of, opened
from tests.reconciliation.editions import (
    DEFAULT_SUMMARY,
    E0_SETTLEMENT,
    E0_SUMMARY,
    E0_TRANSACTIONS,
    E1_HEADER,
    E1_TRANSACTIONS,
    E2_HEADER,
    E2_SUMMARY,
    E3_HEADER,
    E3_SETTLEMENT,
    EMPTY_SUMMARY,
    HK_SETTLEMENT,
    USUAL,
    earlier,
    settlement_of,
)


def on(day: str) -> datetime:
    """Noon of that day in UTC+8."""
    return datetime.fromisoformat(f"{day}T12:00:00+08:00")


def matched() -> dict[int, tuple[str, str, int]]:
    """By line: as what, of what, how much."""
    return {
        match.row.line_number: (match.role, str(match.refund or match.payment), match.value)
        for match in Match.objects.select_related("row", "refund", "payment")
    }


def answered_by_minor(unit: AmountUnit) -> Answers:
    return Answers(unit=unit)


def test_every_header_of_every_edition_is_recognised_for_what_it_is() -> None:
    for (edition, kind), layout in LAYOUTS.items():
        if edition in {Edition.E0_HK, Edition.C1}:
            continue  # one header for both; and in sections, whose columns are in no one header
        found = recognise([*layout.words, *(fee.amount for fee in layout.fees)])
        # E2 and E3 have the same columns but for those of interchange pricing, and no fees in transaction details.
        same = {Edition.E2, Edition.E3} if edition in {Edition.E2, Edition.E3} else {edition}
        assert found.edition in same, (edition, kind, found.edition)
        assert found.kind == kind, (edition, kind, found.kind)


def test_e3_settlement_with_a_fee_given_back(books: Books, imported: Import) -> None:
    payment = books.payment(
        "P-20240313-000101",
        Money(80_00, "SGD"),
        payment_id="2024031319401080010018800000000101",
        paid_at=on("2024-03-13"),
    )
    books.refund(
        "R-20240314-000102", payment, Money(20_00, "SGD"), refund_id="2024031319401080020018800000000102",
        refunded_at=on("2024-03-14"),
    )  # fmt: skip

    outcome = imported(E3_SETTLEMENT, name="settlementItems_SGD_2024031511029000007_000.csv")

    assert (outcome.kind, outcome.edition, outcome.rows) == ("SETTLEMENT", "E3", 2)
    assert law_of(outcome) == [("SGD", 58_20, 58_20, 0, 0)]
    assert (outcome.amount_unit, outcome.fee_sign) == ("MAJOR", "CHARGE_NEGATIVE")
    assert outcome.unknown_columns == []
    assert matched() == {2: ("PAYMENT", "P-20240313-000101", 77_60), 3: ("REFUND", "R-20240314-000102", -19_40)}
    assert opened() == []
    batch = Batch.objects.get()
    assert (batch.psp, batch.batch_id, str(batch.initiated_on)) == ("EXAMPLE_SG", "2024031511029000007", "2024-03-15")


def test_e2_summary_in_minor_units_asks_and_goes_on_with_the_answer(books: Books, imported: Import) -> None:
    name = "settlementSummary_CONNECTWALLET_USD_2023022211021099001_000.csv"
    with pytest.raises(ReportRefused) as refusal:
        imported(E2_SUMMARY, name=name)
    assert refusal.value.code == "unit_unclear"
    assert "line 2 says 19430 USD, which may be major or minor units. Say which" in refusal.value.message
    assert not ReportFile.objects.exists()

    outcome = imported(E2_SUMMARY, name=name, answers=answered_by_minor(AmountUnit.MINOR))

    assert (outcome.kind, outcome.edition, outcome.rows) == ("SUMMARY", "E2", 3)
    assert (outcome.amount_unit, outcome.amount_unit_basis) == ("MINOR", "as a person said")
    assert law_of(outcome) == [("USD", 194_30, 0, 0, 194_30)]  # its details are not here yet
    assert opened() == [("DETAILS_AWAITED", 3, "291.30 USD"), ("DETAILS_AWAITED", 4, "-97.00 USD")]
    assert list(SummaryRow.objects.order_by("line_number").values_list("summary_type", "fees")) == [
        ("TOTAL", {"paymentMethodFeeAmountValue": -570}),
        ("PAYMENT", {"paymentMethodFeeAmountValue": -870}),
        ("REFUND", {"paymentMethodFeeAmountValue": 300}),
    ]


def test_the_details_tell_the_unit_of_their_summary(books: Books, imported: Import) -> None:
    payments = [books.payment(f"P-{number}", Money(100_00, "USD"), paid_at=on("2022-05-10")) for number in (1, 2, 3)]
    books.refund("R-1", payments[0], Money(100_00, "USD"), refund_id="A-R1", refunded_at=on("2022-05-10"))
    usual = {**USUAL, "settlementBatchId": "2023022211021099001", "settlementTime": "2023-02-22T10:00:00+08:00"}
    rows = [earlier("PAYMENT", f"P-{number}", "10000", "9710", "-290") for number in (1, 2, 3)]
    imported(settlement_of(E2_HEADER, *rows, earlier("REFUND", "R-1", "-10000", "-9700", "300"), usual=usual))

    outcome = imported(E2_SUMMARY, name="summary.csv")

    assert outcome.amount_unit_basis == "equal to the details in minor units (rows: 1), never in major"
    assert opened() == []
    assert law_of(outcome) == [("USD", 194_30, 194_30, 0, 0)]


def test_a_correction_line_makes_the_total_of_another_acquirer(books: Books, imported: Import) -> None:
    outcome = imported(DEFAULT_SUMMARY, name="settlementSummary_JPY_ACQ9X00017_000.csv")

    assert (outcome.kind, outcome.rows, outcome.amount_unit) == ("SUMMARY", 4, "MAJOR")
    assert outcome.amount_unit_basis == "no amount has decimals: both units look the same"
    assert law_of(outcome) == [("JPY", 3843, 0, 0, 3843)]
    # Types and correction make TOTAL, in value, count and every fee: only the details are waited for.
    assert opened() == [
        ("DETAILS_AWAITED", 2, "4,800 JPY"),
        ("DETAILS_AWAITED", 3, "-960 JPY"),
        ("DETAILS_AWAITED", 5, "3 JPY"),
    ]
    assert [(line.type, line.count, line.reported_value) for line in outcome.types] == [
        ("DEFAULT", 1, 3),
        ("PAYMENT", 1, 4800),
        ("REFUND", 1, -960),
        ("TOTAL", 1, 0),
    ]


@pytest.mark.parametrize("lost", [",4,3843,", ",160,JPY,13,"])
def test_a_total_that_its_types_do_not_make_is_opened(books: Books, imported: Import, lost: str) -> None:
    imported(DEFAULT_SUMMARY.replace(lost, lost.replace("4,", "5,").replace("13", "14"), 1))

    assert [(reason, line) for reason, line, _ in opened() if reason != "DETAILS_AWAITED"] == [
        ("COUNT_DIFFERS" if "3843" in lost else "FEE_DIFFERS", 4)
    ]


def test_the_correction_stands_in_the_details_too_and_is_explained(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(2600, "JPY"), paid_at=on("2022-05-10"))
    books.payment("P-2", Money(2400, "JPY"), paid_at=on("2022-05-10"))
    header = E3_HEADER
    usual = {
        **USUAL, "settlementBatchId": "ACQ9X00017", "acquirer": "OTHER_ACQ", "settlementCurrency": "JPY",
        "transactionCurrency": "JPY", "settlementTime": "2022-11-30T23:00:00+08:00",
    }  # fmt: skip
    jpy = {"feeCurrency": "JPY", "taxFeeCurrency": "JPY"}
    text = settlement_of(
        header,
        earlier("PAYMENT", "P-1", "2600", "2496", "104", taxFeeAmountValue="10", **jpy),
        earlier("PAYMENT", "P-2", "2400", "2304", "96", taxFeeAmountValue="10", **jpy),
        {"transactionType": "DEFAULT", "settlementAmountValue": "3", "transactionCurrency": "", **jpy,
         "feeAmountValue": "0", "taxFeeAmountValue": "-3"},
        {"transactionType": "DEFAULT", "settlementAmountValue": "", "transactionCurrency": "", **jpy,
         "feeAmountValue": "-2"},
        usual=usual,
    )  # fmt: skip

    outcome = imported(text, name="items.csv")

    assert (outcome.fee_sign, outcome.fee_parts) == ("CHARGE_POSITIVE", "INSIDE")
    assert law_of(outcome) == [("JPY", 4801, 4800, 1, 0)]
    assert list(Explanation.objects.order_by("row__line_number").values_list("kind", "value")) == [
        ("CORRECTION", 3),
        ("CORRECTION", -2),
    ]
    assert opened() == []


def test_e1_transactions_with_a_ragged_row_and_a_quoted_text(books: Books, imported: Import) -> None:
    tea = books.payment(
        "P-20220510-000201",
        Money(25000, "KRW"),
        payment_id="2022051019401080010018800000000201",
        paid_at=on("2022-05-10"),
    )
    books.refund(
        "R-77", tea, Money(5000, "KRW"), refund_id="2022051019401080020018800000000202", refunded_at=on("2022-05-10")
    )

    outcome = imported(E1_TRANSACTIONS, name="transactionItems_20220510_000.csv")

    assert (outcome.kind, outcome.edition, outcome.rows) == ("TRANSACTIONS", "E1", 2)
    assert law_of(outcome) == [("KRW", 20000, 20000, 0, 0)]
    assert outcome.amount_unit_basis == "no amount has decimals: both units look the same"
    # The refund row repeats the request id of its payment: the acquirer's refundId tells.
    assert matched() == {2: ("PAYMENT", "P-20220510-000201", 25000), 3: ("REFUND", "R-77", -5000)}
    assert opened() == []
    assert SettlementRow.objects.get(line_number=2).raw["orderDescription"] == "Tea, green"
    assert ReportFile.objects.get().report_day == "20220510"


def test_an_e1_refund_without_a_known_id_goes_to_the_only_one_of_its_payment(books: Books, imported: Import) -> None:
    tea = books.payment(
        "P-20220510-000201",
        Money(25000, "KRW"),
        payment_id="2022051019401080010018800000000201",
        paid_at=on("2022-05-10"),
    )
    books.refund("R-77", tea, Money(5000, "KRW"), refunded_at=on("2022-05-10"))

    imported(E1_TRANSACTIONS)

    assert matched()[3] == ("REFUND", "R-77", -5000)


def test_no_transactions(books: Books, imported: Import) -> None:
    outcome = imported(EMPTY_SUMMARY, name="settlementSummary_KaKaoPay_USD_0000000000000000000_000.csv")

    assert (outcome.result, outcome.kind, outcome.edition, outcome.rows) == (Result.IMPORTED, "SUMMARY", "E3", 0)
    assert outcome.sentence == "Settlement summary without transactions imported."
    assert (outcome.law, Batch.objects.count(), opened()) == ([], 0, [])


def test_hong_kong_settlement(books: Books, imported: Import) -> None:
    payment = books.payment("P-20190105-000001", Money(12_50, "HKD"), paid_at=on("2019-01-05"))
    books.refund("R-20190105-000002", payment, Money(2_50, "HKD"), refunded_at=on("2019-01-05"))

    outcome = imported(HK_SETTLEMENT, name="2188990000000042_settle_20190107_B77.csv")

    assert (outcome.kind, outcome.edition, outcome.rows) == ("SETTLEMENT", "E0-HK", 2)
    assert law_of(outcome) == [("HKD", 9_75, 9_75, 0, 0)]
    assert outcome.fee_sign == "CHARGE_POSITIVE"
    assert outcome.fee_sign_basis == "net = gross − fees closes on 1 rows, net = gross + fees on 0"
    assert matched() == {2: ("PAYMENT", "P-20190105-000001", 12_25), 3: ("REFUND", "R-20190105-000002", -2_50)}
    assert opened() == []
    rows = SettlementRow.objects.order_by("line_number").values_list("transaction_value", "fees_value")
    assert list(rows) == [(12_50, -25), (-2_50, 0)]
    batch = Batch.objects.get()
    assert (batch.psp, batch.batch_id, str(batch.initiated_on)) == ("AlipayHK", "201901070940", "2019-01-07")


def test_the_transaction_file_of_hong_kong_has_the_same_header(books: Books, imported: Import) -> None:
    books.payment("P-20190105-000001", Money(12_50, "HKD"), paid_at=on("2019-01-05"))
    header, first, *_ = HK_SETTLEMENT.splitlines()
    text = "\n".join(
        [header, first.replace(",0.25,12.25,", ",,,").replace("01/07/2019 9:40", "").replace("SETTLED", "SUCCESS")]
    )

    outcome = imported(text, name="2188990000000042_fptrade_20190105.csv")

    assert (outcome.kind, outcome.edition) == ("TRANSACTIONS", "E0-HK")
    assert law_of(outcome) == [("HKD", 12_50, 12_50, 0, 0)]
    assert ReportFile.objects.get().report_day == "20190105"


def test_hong_kong_of_another_merchant_is_refused_by_the_only_place_that_says_so(books: Books) -> None:
    with pytest.raises(ReportRefused) as refusal:
        operations.import_report(
            "2188990000000099_settle_20190107_B77.csv", HK_SETTLEMENT.encode(), by=BOOKKEEPER, account=books.account
        )

    assert refusal.value.code == "foreign_merchant"


@pytest.mark.parametrize("order", list(itertools.permutations(["details", "summary", "transactions"])))
def test_e0_in_all_its_reports(books: Books, imported: Import, order: tuple[str, ...]) -> None:
    payment = books.payment("P-20181201-000401", Money(100_00, "HKD"), paid_at=on("2018-12-01"))
    books.refund("R-20181202-000402", payment, Money(20_00, "HKD"), refunded_at=on("2018-12-02"))
    texts = {"details": E0_SETTLEMENT, "summary": E0_SUMMARY, "transactions": E0_TRANSACTIONS}

    outcomes = {which: imported(texts[which], name=f"{which}.csv") for which in order}

    assert {outcome.edition for outcome in outcomes.values()} == {"E0"}
    assert law_of(outcomes["details"]) == [("HKD", 77_30, 77_30, 0, 0)]
    assert law_of(outcomes["transactions"]) == [("HKD", 100_00, 100_00, 0, 0)]
    assert opened() == []
    assert [(law.reported, law.matched) for law in queries.law(ReportFile.objects.get(kind="SUMMARY"))] == [
        (Money(77_30, "HKD"), Money(77_30, "HKD"))
    ]
    # A wallet's user id is personal and stays in the encrypted file.
    assert not any("siteUserId" in row.raw for row in SettlementRow.objects.all())
    assert Batch.objects.get().batch_id == "1357924680"


def test_a_published_e0_summary_that_does_not_add_up_is_opened(books: Books, imported: Import) -> None:
    imported(E0_SUMMARY.replace("TOTAL,2018-12-03T10:00:00+08:00,2,77.30", "TOTAL,2018-12-03T10:00:00+08:00,2,72.27"))

    assert ("TOTAL_DIFFERS", 4, "-5.03 HKD") in opened()


# How amounts are printed.


def test_e1_before_may_2023_is_in_minor_units_as_our_orders_tell(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", Money(14_50, "USD"), paid_at=on("2022-05-10"))
    books.refund("R-1", payment, Money(7_25, "USD"), refund_id="A-R1", refunded_at=on("2022-05-10"))
    text = settlement_of(
        E1_HEADER,
        earlier("PAYMENT", "P-1", "1450", "1400", "-50"),
        earlier("REFUND", "R-1", "-725", "-700", "25"),
        usual=USUAL,
    )

    outcome = imported(text)

    assert (outcome.edition, outcome.amount_unit) == ("E1", "MINOR")
    assert outcome.amount_unit_basis == "equal to ours in minor units (rows: 2), never in major"
    assert law_of(outcome) == [("USD", 7_00, 7_00, 0, 0)]
    assert SettlementRow.objects.get(line_number=2).raw["transactionAmountValue"] == "1450"
    assert Batch.objects.get().psp == ""


def test_whole_numbers_of_nobody_are_asked_about_in_every_edition(books: Books, imported: Import) -> None:
    for text in (
        reports.settlement(reports.row("PAYMENT", "P-9", "45", "45")),
        settlement_of(E3_HEADER, earlier("PAYMENT", "P-9", "45", "45"), usual=USUAL),
        settlement_of(E1_HEADER, earlier("PAYMENT", "P-9", "45", "45"), usual=USUAL),
    ):
        with pytest.raises(ReportRefused) as refusal:
            imported(text)
        assert refusal.value.code == "unit_unclear"
    assert not ReportFile.objects.exists()

    outcome = imported(reports.settlement(reports.row("PAYMENT", "P-9", "45", "45")), answers=Answers(AmountUnit.MAJOR))

    assert law_of(outcome) == [("USD", 45_00, 0, 0, 45_00)]
    assert ReportFile.objects.get().answers == {"unit": "MAJOR"}


def test_interchange_parts_are_inside_the_total_and_not_added_twice(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(200_00, "USD"), paid_at=on("2022-05-10"))
    parts = {
        "interchangeFeeAmountValue": "-1.00", "interchangeFeeCurrency": "USD", "schemeFeeAmountValue": "-2.00",
        "schemeFeeCurrency": "USD", "acquirerMarkupAmountValue": "-1.00", "acquirerMarkupCurrency": "USD",
    }  # fmt: skip

    outcome = imported(
        settlement_of(E2_HEADER, earlier("PAYMENT", "P-1", "200.00", "196.00", "-4.00", **parts), usual=USUAL)
    )

    assert (outcome.edition, outcome.fee_parts) == ("E2", "NONE")
    row = SettlementRow.objects.get()
    assert row.fees_value == -4_00
    assert row.fees["schemeFeeAmountValue"] == -2_00
    assert opened() == []


@pytest.mark.parametrize(
    ("net", "parts"), [("95.80", "BESIDE"), ("96.00", "INSIDE")], ids=["tax beside the total", "tax inside the total"]
)
def test_whether_tax_is_in_the_total_is_found_out_by_the_rows(
    books: Books, imported: Import, net: str, parts: str
) -> None:
    for number in (1, 2):
        books.payment(f"P-{number}", Money(100_00, "USD"), paid_at=on("2022-05-10"))
    tax = {"taxFeeAmountValue": "-0.20", "taxFeeCurrency": "USD"}

    outcome = imported(
        settlement_of(
            E3_HEADER, *(earlier("PAYMENT", f"P-{n}", "100.00", net, "-4.00", **tax) for n in (1, 2)), usual=USUAL
        )
    )

    assert outcome.fee_parts == parts
    assert "on 2 rows" in outcome.fee_sign_basis
    assert opened() == []
    fees = -4_20 if parts == "BESIDE" else -4_00
    assert list(SettlementRow.objects.values_list("fees_value", flat=True)) == [fees, fees]


def test_a_coupon_is_not_settled_to_us(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(18000, "KRW"), paid_at=on("2022-05-10"))
    text = settlement_of(
        E1_HEADER,
        earlier(
            "PAYMENT", "P-1", "18000", "13.50", "-0.50", transactionCurrency="KRW", quoteCurrencyPair="USD/KRW",
            quotePrice="1200", nonGuaranteeCouponValue="1.00", nonGuaranteeCouponCurrency="USD",
        ),
        usual=USUAL,
    )  # fmt: skip

    outcome = imported(text)

    assert law_of(outcome) == [("USD", 13_50, 13_50, 0, 0)]
    assert SettlementRow.objects.get().coupon_value == -1_00
    assert opened() == []


def test_small_letters_are_types_too(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(50_00, "USD"), paid_at=on("2022-05-10"))

    imported(settlement_of(E1_HEADER, earlier("payment", "P-1", "50.00", "50.00"), usual=USUAL))

    row = SettlementRow.objects.get()
    assert (row.printed_type, row.transaction_type, row.state) == ("payment", "PAYMENT", "MATCHED")


def test_a_cancel_and_a_dispute_of_e3_are_found_by_their_original(books: Books, imported: Import) -> None:
    books.cancel(books.payment("P-1", Money(50_00, "USD"), payment_id="A-1", paid_at=None, status="CANCELLED"))
    books.payment("P-2", Money(30_00, "USD"), payment_id="A-2", paid_at=on("2022-05-10"))
    text = settlement_of(
        E3_HEADER,
        earlier("PAYMENT", "P-1", "50.00", "50.00", transactionId="A-1"),
        earlier("CANCEL", "P-1", "-50.00", "-50.00", transactionId="A-1"),
        earlier("DISPUTE", "", "-30.00", "-30.00", transactionId="D-9", originalTransactionId="A-2"),
        usual=USUAL,
    )

    imported(text)

    assert matched() == {
        2: ("PAYMENT", "P-1", 50_00),
        3: ("CANCEL", "P-1", -50_00),
        4: ("DISPUTE", "P-2", 0),
    }
    assert opened() == []


def test_a_changed_layout_is_an_incident_and_stands_in_the_outcome(may_books: Books, imported: Import) -> None:
    lines = reports.SETTLEMENT.splitlines()
    position = lines[0].split(",").index("ARN")
    rows = [[cell for at, cell in enumerate(line.split(",")) if at != position] for line in lines[:-1]]
    text = "\n".join([",".join([*rows[0], "loyaltyTier"]), *(",".join([*row, "gold"]) for row in rows[1:]), "<END>"])

    outcome = imported(text)

    assert (outcome.unknown_columns, outcome.absent_columns) == (["loyaltyTier"], ["ARN"])
    [incident] = incidents.open_incidents()
    assert incident.kind == "report_layout"
    assert "loyaltyTier is a column we do not know; not here, though documented: ARN." in incident.summary
    assert opened() == []


# One batch in two editions.


def test_a_batch_in_another_edition_says_the_same_or_shows_row_by_row_how_it_differs(
    books: Books, imported: Import
) -> None:
    payment = books.payment("P-1", Money(100_00, "USD"), payment_id="A-1", paid_at=on("2022-05-10"))
    books.refund("R-1", payment, Money(20_00, "USD"), refund_id="A-R1", refunded_at=on("2022-05-10"))
    usual = {**USUAL, "settlementBatchId": reports.BATCH, "settlementTime": "2026-05-14T10:00:00+08:00"}
    old = settlement_of(
        E3_HEADER,
        earlier("PAYMENT", "P-1", "100.00", "97.00", "-3.00", transactionId="A-1"),
        earlier("REFUND", "R-1", "-20.00", "-19.40", "0.60", transactionId="A-R1", originalTransactionId="A-1"),
        usual={**usual, "acquirer": "EXAMPLE_PSP"},
    )

    def current(net: str) -> str:
        return reports.settlement(
            {**reports.row("REFUND", "R-1", "-20.00", "-19.40", **reports.fee("0.60")), "transactionId": "A-1"},
            {**reports.row("PAYMENT", "P-1", "100.00", net, **reports.fee("-3.00")), "transactionId": "A-1"},
        )

    imported(old, name="old.csv")
    same = imported(current("97.00"), name="new.csv")
    with pytest.raises(ReportRefused) as refusal:
        imported(current("96.50"), name="reissued.csv")

    assert same.result is Result.KNOWN
    assert "This copy says the same in all 2 rows. Nothing was added." in same.sentence
    assert refusal.value.code == "batch_differs"
    assert refusal.value.params["differences"] == [
        {"row": "line 3 (PAYMENT P-1)", "column": "net", "was": "97.00 USD", "now": "96.50 USD"}
    ]
    assert (ReportFile.objects.count(), SettlementRow.objects.count(), Batch.objects.count()) == (1, 2, 1)


def test_a_batch_without_a_psp_is_the_one_that_another_edition_names(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(50_00, "USD"), paid_at=on("2022-05-10"))
    imported(settlement_of(E1_HEADER, earlier("PAYMENT", "P-1", "50.00", "50.00"), usual=USUAL), name="e1.csv")
    imported(
        reports.summary(
            {"summaryType": "PAYMENT", "count": "1", "settlementAmountValue": "50.00", "PSP": "EXAMPLE_SG"},
            {"summaryType": "TOTAL", "count": "1", "settlementAmountValue": "50.00", "PSP": "EXAMPLE_SG"},
            batch=USUAL["settlementBatchId"],
        ),
        name="e4.csv",
    )

    batch = Batch.objects.get()
    assert (batch.psp, batch.details is not None, batch.summary is not None) == ("EXAMPLE_SG", True, True)
    assert opened() == []
