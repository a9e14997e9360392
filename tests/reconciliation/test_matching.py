"""Whatever stands in a row and whatever our books hold: all of the row is matched, explained or open."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from payments.states import CancelStatus, PaymentStatus, RefundStatus
from portal.money import Money
from reconciliation import amounts
from reconciliation.books import Books, OurCancel, OurPayment, OurRefund
from reconciliation.layouts import ReportKind
from reconciliation.lines import Line
from reconciliation.matching import decide
from reconciliation.models import SETTLING, Reason, RowState
from reconciliation.row_types import FAILED, PENDING, ROW_TYPES

NOON = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
VALUES = st.integers(min_value=-20_00, max_value=20_00)
CURRENCIES = st.sampled_from(["USD", "PHP", "JPY"])
IDS = st.sampled_from(["P-1", "P-2", "R-1", "R-2", "X-1", ""])


@st.composite
def books(draw: st.DrawFn) -> Books:
    """One or two payments with refunds and a cancel, in any state."""
    made = Books()
    for number in (1, 2):
        amount = Money(draw(st.integers(1, 20_00)), draw(CURRENCIES))
        told = draw(st.none() | st.integers(1, 20_00))
        payment = OurPayment(
            number,
            f"P-{number}",
            f"A-{number}",
            amount,
            draw(st.sampled_from(PaymentStatus.values)),
            draw(st.sampled_from([None, NOON])),
            None if told is None else Money(told, "USD"),
        )
        made.payments[number] = made.by_request_id[payment.request_id] = made.by_payment_id[payment.payment_id] = (
            payment
        )
        refund = OurRefund(
            number,
            number,
            f"R-{number}",
            f"AR-{number}",
            Money(draw(st.integers(1, 20_00)), amount.currency),
            draw(st.sampled_from(RefundStatus.values)),
            draw(st.sampled_from([None, NOON])),
            None,
        )
        made.refunds[refund.request_id] = refund
        made.refunds_of[number].append(refund)
        if draw(st.booleans()):
            made.cancels[number] = OurCancel(number, number, amount, draw(st.sampled_from(CancelStatus.values)))
        if draw(st.booleans()):
            made.fees_told["PAYMENT", f"P-{number}"] = Money(draw(VALUES), "USD")
    return made


@st.composite
def lines(draw: st.DrawFn, kind: ReportKind) -> Line:
    """A row as a report could print it, sensible or not."""
    amount = draw(st.none() | st.builds(Money, VALUES, CURRENCIES))
    pair, price = draw(st.sampled_from([("", ""), ("USD/PHP", "56"), ("PHP/USD", "0.018"), ("USD/SGD", "1.35")]))
    net = draw(VALUES) if kind is ReportKind.SETTLEMENT else draw(st.none() | VALUES)
    status = draw(st.sampled_from(["TO_BE_SETTLED", "FAILED", "PROCESSING", "HELD", ""]))
    gross = amounts.gross_in("USD", amount, pair, price) if amount is not None else None
    row_type = draw(st.sampled_from([*ROW_TYPES, "LOYALTY"]))
    reported = Money(net or 0, "USD")
    if kind is ReportKind.TRANSACTIONS:
        is_counted = amount is not None and status not in FAILED and status not in PENDING
        reported = amount if is_counted and amount is not None else Money(0, amount.currency if amount else "USD")
    fees = draw(st.none() | VALUES)
    return Line(
        part=0,
        number=2,
        printed_type=row_type,
        row_type=row_type,
        status=status,
        has_status=kind is ReportKind.TRANSACTIONS,
        psp="PSP",
        batch_id="B",
        initiated_on=draw(st.sampled_from([date(2026, 5, 11), date(2026, 5, 14)])),
        occurred_at=draw(st.sampled_from([None, NOON])),
        transaction_id=draw(st.sampled_from(["A-1", "A-2", "A-9", ""])),
        original_id=draw(st.sampled_from(["A-1", ""])),
        request_id=draw(IDS),
        original_request_id=draw(IDS),
        reference_id="",
        wallet="",
        amount=amount,
        pair=pair,
        price=price,
        converted=draw(st.none() | VALUES),
        gross=gross,
        settlement_currency="USD",
        net=net,
        fees={} if fees is None else {"paymentMethodFeeAmountValue": fees},
        fees_sum=fees,
        coupon=draw(st.sampled_from([0, 0, 5])),
        raw={},
        trouble=draw(st.sampled_from([None, None, None, (Reason.TOO_PRECISE, "too precise")])),
        reported=reported,
    )


@given(books(), st.lists(lines(ReportKind.SETTLEMENT), min_size=1, max_size=4))
def test_every_settlement_row_obeys_the_law(ours: Books, rows: list[Line]) -> None:
    settled = set(ours.settled)
    for line in rows:
        decision = decide(line, ReportKind.SETTLEMENT, ours)

        assert line.reported.value == decision.matched + decision.explained_value + decision.open_value
        assert decision.matched == 0 or decision.role in SETTLING
        assert (decision.state is RowState.OPEN) == bool(decision.findings)
        assert (decision.state is RowState.MATCHED) <= (decision.role in SETTLING)
        if decision.role in SETTLING:
            # Each thing of ours is settled by one row at most.
            assert len(ours.settled) == len(settled) + 1
        assert all(finding.sentence for finding in decision.findings)
        settled = set(ours.settled)


@given(books(), lines(ReportKind.TRANSACTIONS))
def test_every_transaction_row_obeys_the_law(ours: Books, line: Line) -> None:
    decision = decide(line, ReportKind.TRANSACTIONS, ours, report_day="20260512")

    assert line.reported.value == decision.matched + decision.explained_value + decision.open_value
    assert decision.matched == 0 or decision.role in SETTLING
    assert not ours.settled


@given(books(), lines(ReportKind.SETTLEMENT))
def test_nothing_is_matched_by_its_amount_alone(ours: Books, line: Line) -> None:
    line.request_id = line.original_request_id = "X-1"
    line.transaction_id = line.original_id = "A-9"

    decision = decide(line, ReportKind.SETTLEMENT, ours)

    assert (decision.payment, decision.matched) == (None, 0)
