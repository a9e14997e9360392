"""What a bookkeeper finds in a settlement: short, over, twice, missing, wrong currency, another day, another fee."""

from datetime import UTC, datetime
from typing import Any

import pytest

from payments.models import Payment
from payments.states import PaymentStatus, RefundStatus
from portal import clock
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.models import Incident, JournalEntry
from portal.money import Money
from reconciliation import operations, queries
from reconciliation.errors import BatchDiffers, ReportRefused
from reconciliation.models import Discrepancy, Explanation, FeeSign, Match, ReportFile, SettlementRow
from reconciliation.operations import Answers, Result
from tests.factories import UserFactory
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, every_file_obeys_the_law, law_of, opened
from tests.reconciliation.reports import fee, row, settlement, summary, transactions


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def sole_row() -> SettlementRow:
    return SettlementRow.objects.get()


# The amount.


def test_a_short_row_splits_into_the_agreed_part_and_the_difference(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))

    outcome = imported(settlement(row("PAYMENT", "P-1", "90.00", "87.30", **fee("-2.70"))))

    assert law_of(outcome) == [("USD", 87_30, 97_30, 0, -10_00)]
    assert opened() == [("AMOUNT_DIFFERS", 2, "-10.00 USD")]
    assert Discrepancy.objects.get().sentence == "The row is over 90.00 USD, ours over 100.00 USD: 10.00 USD less."
    assert Match.objects.get().value == 97_30
    assert sole_row().state == "OPEN"


def test_a_row_that_is_over_splits_the_other_way(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))

    outcome = imported(settlement(row("PAYMENT", "P-1", "110.00", "106.70", **fee("-3.30"))))

    assert law_of(outcome) == [("USD", 106_70, 96_70, 0, 10_00)]
    assert opened() == [("AMOUNT_DIFFERS", 2, "10.00 USD")]


def test_a_short_row_in_another_currency_splits_at_the_rows_own_rate(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(1120_00, "PHP"))
    cells = row("PAYMENT", "P-1", "560.00", "9.71", currency="PHP", quoteCurrencyPair="USD/PHP", quotePrice="56.00")

    outcome = imported(settlement(cells | fee("-0.29")))

    assert law_of(outcome) == [("USD", 9_71, 19_71, 0, -10_00)]
    assert opened() == [("AMOUNT_DIFFERS", 2, "-560.00 PHP")]


def test_a_refund_of_more_than_we_gave_back(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(100_00))
    books.refund("R-1", payment, usd(10_00))

    outcome = imported(settlement(row("REFUND", "R-1", "-15.00", "-15.00", originalTransactionRequestId="P-1")))

    assert law_of(outcome) == [("USD", -15_00, -10_00, 0, -5_00)]
    assert opened() == [("AMOUNT_DIFFERS", 2, "-5.00 USD")]


def test_another_currency_leaves_nothing_to_agree_on(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))

    outcome = imported(settlement(row("PAYMENT", "P-1", "100.00", "74.00", currency="SGD")))

    assert law_of(outcome) == [("USD", 74_00, 0, 0, 74_00)]
    assert opened() == [("CURRENCY_DIFFERS", 2, "74.00 USD")]
    match = Match.objects.get()
    assert (match.role, match.value, match.payment.payment_request_id) == ("DISAGREES", 0, "P-1")


@pytest.mark.parametrize("row_type", ["PAYMENT", "REFUND", "CANCEL", "DISPUTE", "PAYMENT_REVERSAL"])
def test_a_row_that_is_not_in_our_books_is_open_whole(books: Books, imported: Import, row_type: str) -> None:
    sign = "" if row_type in {"PAYMENT", "PAYMENT_REVERSAL"} else "-"

    outcome = imported(settlement(row(row_type, "P-UNKNOWN", f"{sign}50.00", f"{sign}50.00")))

    value = -50_00 if sign else 50_00
    assert law_of(outcome) == [("USD", value, 0, 0, value)]
    assert [reason for reason, _, _ in opened()] == ["NOT_IN_OUR_BOOKS"]
    assert not Match.objects.exists()


def test_another_accounts_payment_is_not_in_our_books(books: Books, imported: Import) -> None:
    from tests.factories import AcquirerAccountFactory  # noqa: PLC0415 - the one story with a second account

    Books(AcquirerAccountFactory(slug="other")).payment("P-1", usd(50_00))

    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    assert opened() == [("NOT_IN_OUR_BOOKS", 2, "50.00 USD")]


def test_settled_twice_in_one_file(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    cells = row("PAYMENT", "P-1", "50.00", "50.00")

    outcome = imported(settlement(cells, cells))

    assert law_of(outcome) == [("USD", 100_00, 50_00, 0, 50_00)]
    assert opened() == [("DUPLICATE", 3, "50.00 USD")]
    assert list(SettlementRow.objects.values_list("occurrence", flat=True)) == [1, 2]


def test_settled_again_in_a_later_batch(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    outcome = imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00"), batch="2026051598700001"))

    assert law_of(outcome) == [("USD", 50_00, 0, 0, 50_00)]
    assert opened() == [("DUPLICATE", 2, "50.00 USD")]
    settled = queries.settled(Payment.objects.get())
    assert settled is not None
    assert settled.batch is not None
    assert settled.batch.batch_id == reports.BATCH


def test_same_amount_twins_are_told_apart_by_their_ids(books: Books, imported: Import) -> None:
    for number in (1, 2, 3):
        books.payment(f"P-{number}", usd(50_00))

    imported(settlement(*(row("PAYMENT", f"P-{number}", "50.00", "50.00") for number in (3, 1))))

    settled = Match.objects.order_by("row__line_number").values_list("payment__payment_request_id", flat=True)
    assert list(settled) == ["P-3", "P-1"]


def test_two_equal_reserve_movements_are_two(books: Books, imported: Import) -> None:
    cells = row("RESERVE", "", "", "-5.00", transactionId="INT-1")

    outcome = imported(settlement(cells, cells))

    assert law_of(outcome) == [("USD", -10_00, 0, -10_00, 0)]
    assert opened() == []


# The row's own sum.


def test_a_row_that_does_not_add_up_opens_what_is_missing(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    books.payment("P-2", usd(100_00))

    outcome = imported(
        settlement(
            row("PAYMENT", "P-1", "100.00", "97.00", **fee("-3.00")),
            row("PAYMENT", "P-2", "100.00", "96.50", **fee("-3.00")),
        )
    )

    assert law_of(outcome) == [("USD", 193_50, 194_00, 0, -50)]
    assert opened() == [("NET_DIFFERS", 3, "-0.50 USD")]
    assert Discrepancy.objects.get().sentence == (
        "Gross 100.00 USD and fees -3.00 USD make 97.00 USD, but the net is 96.50 USD."
    )


@pytest.mark.parametrize(("net", "rounding"), [("97.01", 1), ("97.02", 2), ("96.98", -2)])
def test_two_cents_are_rounding_and_booked_as_such(books: Books, imported: Import, net: str, rounding: int) -> None:
    books.payment("P-1", usd(100_00))

    outcome = imported(settlement(row("PAYMENT", "P-1", "100.00", net, **fee("-3.00"))))

    assert law_of(outcome) == [("USD", 97_00 + rounding, 97_00, rounding, 0)]
    assert list(Explanation.objects.values_list("kind", "value")) == [("ROUNDING", rounding)]
    assert opened() == []


def test_three_cents_are_not(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    books.payment("P-2", usd(100_00))

    imported(
        settlement(
            row("PAYMENT", "P-1", "100.00", "97.03", **fee("-3.00")),
            row("PAYMENT", "P-2", "100.00", "97.00", **fee("-3.00")),
        )
    )

    assert opened() == [("NET_DIFFERS", 2, "0.03 USD")]


@pytest.mark.parametrize(
    ("amount", "currency", "pair", "price", "gross"),
    [
        ("1120.00", "PHP", "USD/PHP", "56.00", 20_00),
        ("1000.00", "PHP", "USD/PHP", "57.3", 17_45),
        ("100.00", "SGD", "SGD/USD", "0.7405", 74_05),
        ("25000", "KRW", "USD/KRW", "1333.33", 18_75),
        ("320000", "IDR", "USD/IDR", "16000", 20_00),
        ("12.345", "KWD", "KWD/USD", "3.25", 40_12),
        ("0.05", "SGD", "SGD/USD", "0.5", 2),
        ("0.15", "SGD", "SGD/USD", "0.5", 8),
    ],
)
def test_the_gross_is_converted_left_times_right_divided_half_to_even(
    books: Books, imported: Import, amount: str, currency: str, pair: str, price: str, gross: int
) -> None:
    from portal.money import parse_major  # noqa: PLC0415 - reads the table's amounts

    books.payment("P-1", parse_major(amount, currency))
    net = usd(gross).major

    outcome = imported(
        settlement(row("PAYMENT", "P-1", amount, net, currency=currency, quoteCurrencyPair=pair, quotePrice=price))
    )

    assert sole_row().gross_value == gross
    assert law_of(outcome) == [("USD", gross, gross, 0, 0)]
    assert opened() == []


def test_a_printed_conversion_that_is_far_off_is_opened(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(1120_00, "PHP"))
    cells = row("PAYMENT", "P-1", "1120.00", "20.00", currency="PHP", quoteCurrencyPair="USD/PHP", quotePrice="56.00")

    imported(settlement(cells | {"convertedTransactionAmountValue": "20.03"}))

    assert opened() == [("QUOTE_UNCLEAR", 2, "0.03 USD")]


@pytest.mark.parametrize("quote", [{}, {"quoteCurrencyPair": "USD/SGD", "quotePrice": "1.35"}])
def test_a_conversion_nobody_can_follow_is_opened(books: Books, imported: Import, quote: dict[str, str]) -> None:
    books.payment("P-1", Money(1120_00, "PHP"))

    outcome = imported(settlement(row("PAYMENT", "P-1", "1120.00", "20.00", currency="PHP") | quote))

    assert law_of(outcome) == [("USD", 20_00, 0, 0, 20_00)]
    assert opened() == [("QUOTE_UNCLEAR", 2, "20.00 USD")]


def test_another_rate_than_the_one_told_at_payment_is_opened(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(1120_00, "PHP"), gross_settlement_value=20_00, gross_settlement_currency="USD")
    cells = row("PAYMENT", "P-1", "1120.00", "19.65", currency="PHP", quoteCurrencyPair="USD/PHP", quotePrice="57.00")

    outcome = imported(settlement(cells))

    assert law_of(outcome) == [("USD", 19_65, 20_00, 0, -35)]
    assert opened() == [("FX_DIFFERS", 2, "-0.35 USD")]


@pytest.mark.parametrize("value", ["45.001", "0.0001"])
def test_more_decimals_than_the_currency_has_are_never_rounded_away(books: Books, imported: Import, value: str) -> None:
    books.payment("P-1", usd(45_00))
    books.payment("P-2", usd(10_00))

    outcome = imported(settlement(row("PAYMENT", "P-1", value, "45.00"), row("PAYMENT", "P-2", "10.00", "10.00")))

    assert law_of(outcome) == [("USD", 55_00, 10_00, 0, 45_00)]
    assert opened() == [("TOO_PRECISE", 2, "45.00 USD")]
    assert SettlementRow.objects.get(line_number=2).raw["transactionAmountValue"] == value


def test_a_net_with_too_many_decimals_counts_nothing_and_is_open(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(45_00))

    outcome = imported(settlement(row("PAYMENT", "P-1", "45.00", "43.695")))

    assert law_of(outcome) == [("USD", 0, 0, 0, 0)]
    assert [(reason, line) for reason, line, _ in opened()] == [("TOO_PRECISE", 2)]
    assert Discrepancy.objects.get().sentence == (
        "settlementAmountValue is 43.695, but USD has 2 decimals: it is not rounded."
    )


def test_yen_have_no_decimals(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(1500, "JPY"))
    cells = row("PAYMENT", "P-1", "1500.5", "1450", currency="JPY", settlementCurrency="JPY")

    imported(settlement(cells))

    assert [reason for reason, _, _ in opened()] == ["TOO_PRECISE"]


def test_whole_rupiah_are_two_decimals_of_minor_units(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(45_000_00, "IDR"))
    cells = row("PAYMENT", "P-1", "45000", "45000", currency="IDR", settlementCurrency="IDR")

    outcome = imported(settlement(cells))

    assert law_of(outcome) == [("IDR", 45_000_00, 45_000_00, 0, 0)]
    assert outcome.amount_unit_basis == "equal to ours in major units (rows: 1)"


def test_minor_units_are_recognised_by_our_own_orders(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(45_00))
    books.payment("P-2", usd(120_00))

    outcome = imported(
        settlement(
            row("PAYMENT", "P-1", "4500", "4369", **fee("-131")),
            row("PAYMENT", "P-2", "12000", "11652", **fee("-348")),
        )
    )

    assert (outcome.amount_unit, outcome.amount_unit_basis) == (
        "MINOR",
        "equal to ours in minor units (rows: 2), never in major",
    )
    assert law_of(outcome) == [("USD", 160_21, 160_21, 0, 0)]


def test_a_charge_that_is_printed_positive_is_recognised_by_the_sums(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(200_00))
    books.refund("R-1", payment, usd(100_00))

    outcome = imported(
        settlement(
            row("PAYMENT", "P-1", "200.00", "192.00", **fee("8.00")),
            row("REFUND", "R-1", "-100.00", "-96.00", **fee("-4.00")),
        )
    )

    assert outcome.fee_sign == "CHARGE_POSITIVE"
    assert law_of(outcome) == [("USD", 96_00, 96_00, 0, 0)]
    assert list(SettlementRow.objects.values_list("fees_value", flat=True)) == [-8_00, 4_00]
    assert opened() == []


def test_a_file_whose_fees_close_neither_way_asks(books: Books, imported: Import) -> None:
    for number in (1, 2):
        books.payment(f"P-{number}", usd(200_00))
    text = settlement(*(row("PAYMENT", f"P-{number}", "200.00", "150.00", **fee("-8.00")) for number in (1, 2)))

    with pytest.raises(ReportRefused) as refusal:
        imported(text)
    assert refusal.value.code == "fees_unclear"
    assert "closes on 0 rows, net = gross − fees on 0." in refusal.value.message

    outcome = imported(text, answers=Answers(fee_sign=FeeSign.CHARGE_POSITIVE))

    assert outcome.fee_sign_basis.startswith("as a person said")
    assert opened() == [("NET_DIFFERS", 2, "-58.00 USD"), ("NET_DIFFERS", 3, "-58.00 USD")]


def test_one_row_against_another_is_no_majority(books: Books, imported: Import) -> None:
    text = settlement(
        row("PAYMENT", "P-1", "200.00", "192.00", **fee("-8.00")),
        row("PAYMENT", "P-2", "200.00", "192.00", **fee("8.00")),
    )

    with pytest.raises(ReportRefused) as refusal:
        imported(text)

    assert refusal.value.code == "fees_unclear"


def test_a_fee_in_another_currency_is_opened(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    cells = row(
        "PAYMENT", "P-1", "100.00", "97.00", paymentMethodFeeAmountValue="-3.00", paymentMethodFeeCurrency="SGD"
    )

    imported(settlement(cells))

    assert opened() == [("FEE_CURRENCY", 2, "97.00 USD")]


def test_fees_that_differ_from_the_transaction_details_are_opened(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    told = row("PAYMENT", "P-1", "100.00", "97.00", settlementCurrency="USD", **fee("-3.00"))
    imported(transactions(told), name="transactionItems_20260512_000.csv")

    outcome = imported(settlement(row("PAYMENT", "P-1", "100.00", "96.70", **fee("-3.30"))))

    assert law_of(outcome) == [("USD", 96_70, 97_00, 0, -30)]
    assert opened() == [("FEE_DIFFERS", 2, "-0.30 USD")]
    assert Discrepancy.objects.get().sentence == (
        "The fees are -3.30 USD here and -3.00 USD in the transaction details."
    )


def test_the_same_fee_difference_is_found_the_other_way_round(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "P-1", "100.00", "96.70", **fee("-3.30"))))
    told = row("PAYMENT", "P-1", "100.00", "97.00", settlementCurrency="USD", **fee("-3.00"))

    outcome = imported(transactions(told), name="transactionItems_20260512_000.csv")

    assert law_of(outcome) == [("USD", 100_00, 100_00, 0, 0)]
    assert outcome.restated_rows == 1
    assert opened(row__file__kind="SETTLEMENT") == [("FEE_DIFFERS", 2, "-0.30 USD")]
    assert opened(row__file__kind="TRANSACTIONS") == []


# The status, the type, the sign.


@pytest.mark.parametrize("status", [PaymentStatus.FAILED, PaymentStatus.PROCESSING, PaymentStatus.INITIATED])
def test_money_for_a_payment_we_do_not_hold_as_paid(books: Books, imported: Import, status: PaymentStatus) -> None:
    books.payment("P-1", usd(50_00), status=status)

    outcome = imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    assert law_of(outcome) == [("USD", 50_00, 0, 0, 50_00)]
    assert opened() == [("STATUS_DIFFERS", 2, "50.00 USD")]
    assert Payment.objects.get().status == status  # a settlement row never moves a payment


def test_a_refund_that_failed_in_our_books(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(50_00))
    books.refund("R-1", payment, usd(20_00), status=RefundStatus.FAILED, refunded_at=None)

    imported(settlement(row("REFUND", "R-1", "-20.00", "-20.00")))

    assert opened() == [("STATUS_DIFFERS", 2, "-20.00 USD")]


def test_a_payment_and_its_cancel_sum_to_nothing(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(50_00), status=PaymentStatus.CANCELLED)
    cancel = books.cancel(payment)

    outcome = imported(
        settlement(
            row("PAYMENT", "P-1", "50.00", "50.00"),
            row("CANCEL", "", "-50.00", "-50.00", originalTransactionRequestId="P-1"),
        )
    )

    assert law_of(outcome) == [("USD", 0, 0, 0, 0)]
    assert opened() == []
    settled = queries.settled(cancel)
    assert settled is not None
    assert settled.line_number == 3


@pytest.mark.parametrize("names", [{"transactionRequestId": "P-1"}, {"transactionId": "2026051200000000000000000001"}])
def test_a_cancel_is_found_by_whichever_id_the_row_carries(
    books: Books, imported: Import, names: dict[str, str]
) -> None:
    payment = books.payment("P-1", usd(50_00), payment_id="2026051200000000000000000001")
    cancel = books.cancel(payment)

    imported(settlement(row("CANCEL", "", "-50.00", "-50.00") | names))

    assert queries.settled(cancel) is not None
    assert opened() == []


def test_a_cancel_where_we_hold_none(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(50_00))
    books.refund("R-1", payment, usd(50_00))

    imported(settlement(row("CANCEL", "", "-50.00", "-50.00", originalTransactionRequestId="P-1")))

    assert opened() == [("TYPE_DIFFERS", 2, "-50.00 USD")]


def test_a_refund_row_with_the_id_of_a_payment(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))

    imported(settlement(row("REFUND", "P-1", "-50.00", "-50.00")))

    assert opened() == [("TYPE_DIFFERS", 2, "-50.00 USD")]


def test_a_payment_row_with_the_id_of_a_refund(books: Books, imported: Import) -> None:
    books.refund("R-1", books.payment("P-1", usd(50_00)), usd(50_00))

    imported(settlement(row("PAYMENT", "R-1", "50.00", "50.00")))

    assert opened() == [("TYPE_DIFFERS", 2, "50.00 USD")]


def test_a_refund_with_an_unknown_id_goes_to_the_only_one_of_its_amount(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(50_00))
    refund = books.refund("R-1", payment, usd(20_00))
    books.refund("R-2", payment, usd(10_00))

    imported(settlement(row("REFUND", "X-9", "-20.00", "-20.00", originalTransactionRequestId="P-1")))

    assert queries.settled(refund) is not None
    assert opened() == []


def test_two_refunds_of_the_same_amount_are_never_guessed_between(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(50_00))
    books.refund("R-1", payment, usd(20_00))
    books.refund("R-2", payment, usd(20_00))

    imported(settlement(row("REFUND", "", "-20.00", "-20.00", originalTransactionRequestId="P-1")))

    assert opened() == [("AMBIGUOUS", 2, "-20.00 USD")]
    assert Discrepancy.objects.get().sentence == "2 refunds of P-1 have this amount: R-1, R-2."


def test_a_refund_that_brings_money_in_has_the_wrong_sign(books: Books, imported: Import) -> None:
    books.refund("R-1", books.payment("P-1", usd(50_00)), usd(20_00))

    imported(settlement(row("REFUND", "R-1", "20.00", "20.00")))

    assert opened() == [("SIGN_DIFFERS", 2, "20.00 USD")]


def test_an_unknown_type_is_kept_counted_and_opened(books: Books, imported: Import) -> None:
    outcome = imported(settlement(row("LOYALTY_REBATE", "X-1", "1.00", "1.00")))

    assert law_of(outcome) == [("USD", 1_00, 0, 0, 1_00)]
    assert opened() == [("UNKNOWN_TYPE", 2, "1.00 USD")]
    assert sole_row().printed_type == "LOYALTY_REBATE"


def test_a_card_type_is_opened(books: Books, imported: Import) -> None:
    imported(settlement(row("CAPTURE", "X-1", "1.00", "1.00")))

    assert opened() == [("UNEXPECTED_TYPE", 2, "1.00 USD")]


@pytest.mark.parametrize("printed", ["RESERVE_WITHHOLDING", "RESERVE"])
def test_both_spellings_of_a_reserve_are_one(books: Books, imported: Import, printed: str) -> None:
    imported(settlement(row(printed, "", "", "-5.00", transactionId="INT-1")))

    assert (sole_row().transaction_type, sole_row().printed_type) == ("RESERVE", printed)
    assert list(Explanation.objects.values_list("kind", "value")) == [("RESERVE", -5_00)]


# Money against a final status.


def test_a_payment_reversal_is_urgent_and_moves_nothing(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(50_00), status=PaymentStatus.FAILED)

    outcome = imported(settlement(row("PAYMENT_REVERSAL", "P-1", "50.00", "50.00")))

    assert law_of(outcome) == [("USD", 50_00, 0, 0, 50_00)]
    found = Discrepancy.objects.get()
    assert (found.reason, found.is_urgent) == ("PAYMENT_REVERSAL", True)
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject_id) == ("payment_reversal", str(payment.pk))
    assert incident.summary == "The money of P-1 came after all: deliver, or give it back."
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.FAILED


def test_a_refund_reversal_is_urgent_and_moves_nothing(books: Books, imported: Import) -> None:
    refund = books.refund("R-1", books.payment("P-1", usd(50_00)), usd(20_00))

    imported(settlement(row("REFUND_REVERSAL", "R-1", "20.00", "20.00")))

    assert opened() == [("REFUND_REVERSAL", 2, "20.00 USD")]
    assert Incident.objects.get().kind == "refund_reversal"
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED


def test_closing_a_reversal_settles_its_incident(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00), status=PaymentStatus.FAILED)
    imported(settlement(row("PAYMENT_REVERSAL", "P-1", "50.00", "50.00")))
    person = Actor.person(UserFactory())

    operations.close(Discrepancy.objects.get(), by=person, resolution="OTHER", note="Delivered after all.")

    assert opened() == []
    assert Incident.objects.get().resolution == "Delivered after all."
    every_file_obeys_the_law()


# The day.


def test_half_past_five_in_the_evening_utc_is_the_next_report_day(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00), paid_at=datetime(2026, 5, 12, 17, 30, tzinfo=UTC))
    cells = row("PAYMENT", "P-1", "50.00", "")

    imported(transactions(cells), name="transactionItems_20260513_000.csv")

    assert opened() == []


@pytest.mark.parametrize(
    ("paid_at", "day", "is_open"),
    [
        (datetime(2026, 5, 12, 15, 59, 59, tzinfo=UTC), "20260512", False),
        (datetime(2026, 5, 12, 16, 0, 0, tzinfo=UTC), "20260512", True),
        (datetime(2026, 5, 12, 16, 0, 0, tzinfo=UTC), "20260513", False),
        (datetime(2026, 5, 11, 15, 59, 59, tzinfo=UTC), "20260512", True),
    ],
)
def test_the_report_day_ends_at_midnight_utc_plus_8(
    books: Books, imported: Import, paid_at: datetime, day: str, is_open: bool
) -> None:
    books.payment("P-1", usd(50_00), paid_at=paid_at)

    outcome = imported(transactions(row("PAYMENT", "P-1", "50.00", "")), name=f"transactionItems_{day}_000.csv")

    assert law_of(outcome) == [("USD", 50_00, 50_00, 0, 0)]
    assert [reason for reason, _, _ in opened()] == (["DAY_DIFFERS"] if is_open else [])


def test_settled_before_it_was_paid(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00), paid_at=datetime(2026, 5, 14, 16, 0, tzinfo=UTC))

    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    assert [(reason, line) for reason, line, _ in opened()] == [("DAY_DIFFERS", 2)]


# Transaction details.


def test_a_failed_row_about_a_paid_payment_is_opened(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))

    outcome = imported(transactions(row("PAYMENT", "P-1", "50.00", "", status="FAILED")), name="t.csv")

    assert law_of(outcome) == [("USD", 0, 0, 0, 0)]
    assert opened() == [("STATUS_DIFFERS", 2, "-50.00 USD")]


def test_a_pending_row_is_not_counted(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00), status=PaymentStatus.PROCESSING)

    outcome = imported(transactions(row("PAYMENT", "P-1", "50.00", "", status="PROCESSING")), name="t.csv")

    assert law_of(outcome) == [("USD", 0, 0, 0, 0)]
    assert opened() == []


def test_a_status_word_nobody_knows_is_counted_and_opened(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))

    outcome = imported(transactions(row("PAYMENT", "P-1", "50.00", "", status="HELD")), name="t.csv")

    assert law_of(outcome) == [("USD", 50_00, 0, 0, 50_00)]
    assert opened() == [("UNKNOWN_STATUS", 2, "50.00 USD")]


def test_the_copy_of_the_day_after_replaces_the_first(books: Books, imported: Import) -> None:
    books.payment("P-1", Money(1120_00, "PHP"))
    known = row("PAYMENT", "P-1", "1120.00", "", currency="PHP", transactionId="A1")
    unknown = row("PAYMENT", "P-9", "30.00", "", transactionId="A9")
    imported(transactions(known, unknown), name="transactionItems_20260512_000.csv")
    assert opened() == [("NOT_IN_OUR_BOOKS", 3, "30.00 USD")]

    books.payment("P-2", usd(45_00))
    dollars = row("PAYMENT", "P-2", "45.00", "43.69", transactionId="A2", settlementCurrency="USD", **fee("-1.31"))
    filled = known | {"settlementAmountValue": "19.42", "settlementCurrency": "USD"} | fee("-0.58")
    imported(transactions(filled, unknown, dollars), name="transactionItems_20260512_000.csv")

    assert opened() == [("NOT_IN_OUR_BOOKS", 3, "30.00 USD")]  # once, though both copies tell it
    first, second = ReportFile.objects.order_by("pk")
    replaced = first.rows.get(transaction_request_id="P-1").superseded_by
    assert replaced is not None
    assert (replaced.file, replaced.fees_value) == (second, -58)


def test_fees_of_another_currency_that_no_row_tells_the_sign_of_are_kept_and_not_read(
    books: Books, imported: Import
) -> None:
    books.payment("P-1", Money(1120_00, "PHP"))
    filled = row("PAYMENT", "P-1", "1120.00", "19.42", currency="PHP", settlementCurrency="USD", **fee("-0.58"))

    outcome = imported(transactions(filled), name="transactionItems_20260512_000.csv")

    assert outcome.fee_sign_basis == "no row tells how fees are printed, so they are kept and not read"
    assert (sole_row().fees_value, sole_row().raw["paymentMethodFeeAmountValue"]) == (None, "-0.58")


# Copies.


def test_the_same_file_again_is_a_no_op_that_says_when(may_books: Books, imported: Import, story_clock: Any) -> None:
    first = imported(reports.SETTLEMENT)
    before = (SettlementRow.objects.count(), Match.objects.count(), JournalEntry.objects.count())
    story_clock.sleep(3600)

    again = imported(reports.SETTLEMENT, name="another name.csv")

    assert (first.result, again.result) == (Result.IMPORTED, Result.KNOWN)
    assert again.sentence == (
        "This very file was imported already, on 2026-03-02 at 10:00 UTC+8 as "
        "settlementItems_USD_2026051498700001_000.csv (by the command bookkeeper). Nothing was added."
    )
    assert law_of(again) == law_of(first)
    assert (SettlementRow.objects.count(), Match.objects.count(), JournalEntry.objects.count()) == before


def test_the_same_batch_with_other_line_ends_is_recognised_row_by_row(may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)

    again = imported(reports.SETTLEMENT.replace("\n", "\r\n"))

    assert again.result is Result.KNOWN
    assert "This copy says the same in all 8 rows. Nothing was added." in again.sentence
    assert (ReportFile.objects.count(), SettlementRow.objects.count()) == (1, 8)


def test_a_reissued_batch_is_refused_with_its_differences(may_books: Books, imported: Import) -> None:
    imported(reports.SETTLEMENT)
    lines = reports.SETTLEMENT.replace(",43.69,", ",43.70,").splitlines()
    text = "\n".join([*lines[:8], lines[9]]) + "\n"

    with pytest.raises(BatchDiffers) as refusal:
        imported(text)

    assert "line 3 (PAYMENT P-20260512-000002): settlementAmountValue is 43.70, was 43.69" in refusal.value.message
    assert "its line 9 (SETTLEMENT_FEE INT-0000000002) is missing here" in refusal.value.message
    assert "never added up twice" in refusal.value.message
    assert (ReportFile.objects.count(), SettlementRow.objects.count()) == (1, 8)
    every_file_obeys_the_law()


def test_a_reissued_summary_is_refused_too(may_books: Books, imported: Import) -> None:
    imported(reports.SUMMARY)

    with pytest.raises(BatchDiffers, match=r"settlementAmountValue is 102\.78, was 102\.77"):
        imported(reports.SUMMARY.replace(",102.77,", ",102.78,"))


def test_two_psps_in_one_file_are_two_batches(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    books.payment("P-2", usd(60_00))

    outcome = imported(
        settlement(
            row("PAYMENT", "P-1", "50.00", "50.00", PSP="PSP_A"), row("PAYMENT", "P-2", "60.00", "60.00", PSP="PSP_B")
        )
    )

    assert [(batch.psp, batch.batch_id) for batch in outcome.batches] == [
        ("PSP_A", reports.BATCH),
        ("PSP_B", reports.BATCH),
    ]
    assert law_of(outcome) == [("USD", 110_00, 110_00, 0, 0)]


# Summary against details.


def _line(row_type: str, count: int, net: str, **more: str) -> dict[str, str]:
    return {"summaryType": row_type, "count": str(count), "settlementAmountValue": net, **more}


def test_a_row_missing_from_the_details_shows_in_the_summary(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    outcome = imported(summary(_line("PAYMENT", 2, "80.00"), _line("TOTAL", 2, "80.00")))

    assert law_of(outcome) == [("USD", 80_00, 50_00, 0, 30_00)]
    assert opened() == [("COUNT_DIFFERS", 2, "30.00 USD")]
    assert Discrepancy.objects.get().sentence == "The summary counts 2 PAYMENT rows, the details have 1."


def test_a_type_of_another_value_shows(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    outcome = imported(summary(_line("PAYMENT", 1, "49.00"), _line("TOTAL", 1, "49.00")))

    assert law_of(outcome) == [("USD", 49_00, 50_00, 0, -1_00)]
    assert opened() == [("NET_DIFFERS", 2, "-1.00 USD")]


def test_rounded_rows_may_miss_the_rounded_sum_by_a_little(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    outcome = imported(summary(_line("PAYMENT", 1, "50.10"), _line("TOTAL", 1, "50.10")))

    assert law_of(outcome) == [("USD", 50_10, 50_00, 10, 0)]
    assert list(Explanation.objects.values_list("kind", "value")) == [("ROUNDING", 10)]
    assert opened() == []


def test_fees_per_column_are_compared(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(settlement(row("PAYMENT", "P-1", "50.00", "48.50", **fee("-1.50"))))

    imported(summary(_line("PAYMENT", 1, "48.50", **fee("-2.00")), _line("TOTAL", 1, "48.50")))

    assert opened() == [("FEE_DIFFERS", 2, "-0.50 USD")]


def test_types_that_do_not_make_the_total(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    outcome = imported(summary(_line("TOTAL", 1, "51.00"), _line("PAYMENT", 1, "50.00")))

    assert law_of(outcome) == [("USD", 51_00, 50_00, 0, 1_00)]
    assert opened() == [("TOTAL_DIFFERS", 2, "1.00 USD")]


def test_a_summary_without_its_total(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    imported(summary(_line("PAYMENT", 1, "50.00")))

    assert opened() == [("TOTAL_MISSING", None, "50.00 USD")]


def test_a_type_that_only_the_details_have(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(
        settlement(
            row("PAYMENT", "P-1", "50.00", "50.00"), row("SETTLEMENT_FEE", "", "", "-2.00", transactionId="INT-1")
        )
    )

    imported(summary(_line("PAYMENT", 1, "50.00"), _line("TOTAL", 1, "50.00")))

    assert opened() == [("NOT_IN_SUMMARY", None, "-2.00 USD")]


# Working them.


def test_a_closed_discrepancy_counts_as_explained(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "P-1", "90.00", "90.00")))
    person = Actor.person(UserFactory(username="maria"))
    found = Discrepancy.objects.get()

    operations.close(found, by=person, resolution="CREDITED", note="Ticket 4711.")

    every_file_obeys_the_law()
    [law] = queries.law(ReportFile.objects.get())
    assert (law.matched.value, law.explained.value, law.open.value) == (100_00, -10_00, 0)
    assert sole_row().state == "MATCHED"
    entry = JournalEntry.objects.get(act="close discrepancy")
    assert (entry.reason_code, entry.note, entry.actor_name) == ("CREDITED", "Ticket 4711.", "maria")
    with pytest.raises(Conflict, match="already closed"):
        operations.close(found, by=person, resolution="CREDITED")
    assert JournalEntry.objects.filter(act="close discrepancy").count() == 1


@pytest.mark.parametrize(
    ("resolution", "note"), [("OTHER", ""), ("OTHER", "  "), ("HEALED", "x"), ("", "x"), ("NONSENSE", "x")]
)
def test_a_discrepancy_is_not_closed_without_a_reason(
    books: Books, imported: Import, resolution: str, note: str
) -> None:
    imported(settlement(row("PAYMENT", "P-1", "90.00", "90.00")))

    with pytest.raises(InvalidInput):
        operations.close(Discrepancy.objects.get(), by=BOOKKEEPER, resolution=resolution, note=note)

    assert len(opened()) == 1


def test_checking_again_matches_what_has_become_known(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(50_00), status=PaymentStatus.PROCESSING)
    imported(settlement(row("PAYMENT", "P-1", "50.00", "49.00", **fee("-1.00"))))
    found = Discrepancy.objects.get()
    assert operations.check_again(found, by=BOOKKEEPER) is False
    Payment.objects.filter(pk=payment.pk).update(status=PaymentStatus.SUCCEEDED, paid_at=clock.now())
    Payment.objects.filter(pk=payment.pk).update(paid_at=datetime(2026, 5, 12, 4, 0, tzinfo=UTC))

    assert operations.check_again(found, by=BOOKKEEPER) is True

    every_file_obeys_the_law()
    assert opened() == []
    assert (found.resolution, found.value) == ("HEALED", 0)
    assert (sole_row().state, sole_row().matched_value) == ("MATCHED", 49_00)
    assert queries.settled(payment) is not None


def test_checking_again_keeps_what_still_holds(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(50_00), status=PaymentStatus.PROCESSING)
    imported(settlement(row("PAYMENT", "P-1", "49.00", "49.00")))
    [found] = Discrepancy.objects.all()
    Payment.objects.filter(pk=payment.pk).update(
        status=PaymentStatus.SUCCEEDED, paid_at=datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
    )

    operations.check_again(found, by=BOOKKEEPER)

    every_file_obeys_the_law()
    assert opened() == [("AMOUNT_DIFFERS", 2, "-1.00 USD")]
    with pytest.raises(Conflict, match="Only an open discrepancy"):
        operations.check_again(found, by=BOOKKEEPER)


def test_our_books_cannot_heal_a_row_with_too_many_decimals(books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "P-1", "45.001", "45.00")))

    with pytest.raises(Conflict, match="own figures are at fault"):
        operations.check_again(Discrepancy.objects.get(), by=BOOKKEEPER)


def test_what_somebody_else_took_is_not_taken_over_unseen(books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "P-1", "90.00", "90.00")))
    maria, lena = UserFactory(), UserFactory()
    as_maria_saw_it, as_lena_saw_it = Discrepancy.objects.get(), Discrepancy.objects.get()

    operations.take(as_maria_saw_it, by=Actor.person(maria))

    with pytest.raises(Conflict):
        operations.take(as_lena_saw_it, by=Actor.person(lena))
    assert Discrepancy.objects.get().owner == maria


def test_what_was_accepted_without_the_details_stays_accepted(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(50_00))
    imported(summary(_line("PAYMENT", 1, "50.00"), _line("TOTAL", 1, "50.00")))
    operations.close(Discrepancy.objects.get(), by=BOOKKEEPER, resolution="CONFIRMED", note="By telephone.")

    imported(settlement(row("PAYMENT", "P-1", "50.00", "50.00")))

    assert opened() == []
    laws = queries.law(ReportFile.objects.get(kind="SUMMARY"))
    assert [(law.matched.value, law.explained.value) for law in laws] == [(0, 50_00)]
