"""Paying, cancelling and refunding one order, with every answer in any order, late, doubled, contradicting.

The rules are the verbs and the record functions of ``payments.operations`` over rows in a database; the acquirer never
answers by itself, so that hypothesis alone decides what is heard, when, and from whom.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from authorizations.models import Buyer
from payments import operations
from payments.models import LIVE, Cancel, Order, Payment, Refund
from payments.states import CancelStatus, Messenger, OrderStatus, PaymentStatus, ReasonCode, RefundStatus
from portal import gateways
from portal.acquirer import Terminal, TerminalType
from portal.acquirer.results import (
    Advice,
    CancelResult,
    Outcome,
    PaymentInquiry,
    PaymentResult,
    Quote,
    RefundInquiry,
    RefundResult,
)
from portal.actor import Actor
from portal.errors import PortalError
from portal.models import AcquirerAccount
from portal.money import Money
from tests.conftest import START
from tests.factories import AcquirerAccountFactory, BuyerFactory, WalletAccountFactory
from tests.properties.effort import tried
from tests.properties.machines import SilentLine, assert_history
from tests.story import StoryClock

WEB = Terminal(terminal_type=TerminalType.WEB)
SOMEBODY = Actor.command("property")
PAYMENT_NEWS = [Messenger.PAY_ANSWER, Messenger.INQUIRY, Messenger.NOTIFICATION]
REFUND_NEWS = [Messenger.REFUND_ANSWER, Messenger.REFUND_INQUIRY, Messenger.REFUND_NOTIFICATION]
outcomes = some.sampled_from(list(Outcome))
which = some.integers(0, 9)
amounts = some.sampled_from(["none", "right", "right", "short", "foreign"])
_CLOCK: StoryClock
_ACCOUNT: AcquirerAccount


def told(amount: Money, how: str) -> Money | None:
    """The amount as a message tells it."""
    said = {"none": None, "right": amount, "short": Money(amount.value + 1, amount.currency)}
    return said.get(how, Money(amount.value, "USD"))


class OneOrder(RuleBasedStateMachine):
    """Everything that may happen to one order of one buyer."""

    def __init__(self) -> None:
        super().__init__()
        _CLOCK.restart(START)
        self.buyer: Buyer = BuyerFactory(account=_ACCOUNT)
        self.wallet = WalletAccountFactory(buyer=self.buyer, wallet="GCASH")
        self.order: Order = operations.place_merchant_order(
            self.buyer, Money(499_00, "PHP"), description="Pass", reference="", by=SOMEBODY
        )
        self.ended: dict[str, set[str]] = {}

    def payment(self, number: int) -> Payment:
        rows = list(Payment.objects.filter(order=self.order).order_by("pk"))
        return rows[number % len(rows)]

    def payments(self) -> int:
        return Payment.objects.filter(order=self.order).count()

    def cancels(self) -> list[Cancel]:
        return list(Cancel.objects.filter(payment__order=self.order).order_by("pk"))

    def refunds(self) -> list[Refund]:
        return list(Refund.objects.filter(payment__order=self.order).order_by("pk"))

    @initialize(already=some.sampled_from(["placed", "sent", "paid", "paid", "partly refunded", "being cancelled"]))
    def begin(self, already: str) -> None:
        """Begin somewhere on the way: from the start alone few short histories come far."""
        if already == "placed":
            return
        self.pay()
        payment = self.payment(0)
        if already == "being cancelled":
            operations.cancel_unfinished(payment)
        elif already != "sent":
            paid = PaymentResult(outcome=Outcome.SUCCESS, amount=payment.amount, payment_id=f"there-{payment.pk}")
            operations.record_payment_result(payment, paid, heard_from=Messenger.PAY_ANSWER)
        if already == "partly refunded":
            operations.refund(payment, Money(200_00, "PHP"), by=SOMEBODY, reason_code=ReasonCode.BUYER_REQUEST)

    @rule()
    def pay(self) -> None:
        with suppress(PortalError):
            operations.pay(self.order, self.wallet, by=SOMEBODY, terminal=WEB)

    @precondition(lambda self: self.payments())
    @rule(number=which, outcome=outcomes, amount=amounts, news=some.sampled_from(PAYMENT_NEWS), data=some.data())
    def hear_of_a_payment(
        self, number: int, outcome: Outcome, amount: str, news: Messenger, data: some.DataObject
    ) -> None:
        payment = self.payment(number)
        result = PaymentResult(
            outcome=outcome,
            code="SUCCESS" if outcome is Outcome.SUCCESS else data.draw(some.sampled_from(["RISK_REJECT", "", "X"])),
            advice=data.draw(some.sampled_from([Advice.NOTHING, Advice.NEW_ID])),
            amount=told(payment.amount, amount),
            payment_id=data.draw(some.sampled_from(["", f"there-{payment.pk}"])),
            is_cancelled=outcome is Outcome.FAIL and data.draw(some.booleans()),
            may_have_arrived=True,
            quote=data.draw(some.sampled_from([None, Quote(currency_pair="PHP/USD", price=Decimal("0.0178"))])),
        )
        operations.record_payment_result(payment, result, heard_from=news)

    @precondition(lambda self: self.payments())
    @rule(number=which, outcome=some.none() | outcomes, is_unknown_there=some.booleans(), amount=amounts)
    def be_answered(self, number: int, outcome: Outcome | None, is_unknown_there: bool, amount: str) -> None:
        payment = self.payment(number)
        said = None
        if outcome is not None and not is_unknown_there:
            said = PaymentResult(outcome=outcome, amount=told(payment.amount, amount), payment_id=f"there-{payment.pk}")
        inquiry = PaymentInquiry(outcome=Outcome.SUCCESS, payment=said, is_unknown_there=is_unknown_there)
        operations.record_inquiry(payment, inquiry)

    @precondition(lambda self: self.payments())
    @rule(number=which, ends_order=some.booleans())
    def cancel(self, number: int, ends_order: bool) -> None:
        with suppress(PortalError):
            reason = ReasonCode.BUYER_REQUEST
            operations.cancel(self.payment(number), by=SOMEBODY, reason_code=reason, ends_order=ends_order)

    @precondition(lambda self: self.payments())
    @rule(number=which)
    def give_up_waiting(self, number: int) -> None:
        operations.cancel_unfinished(self.payment(number))

    @precondition(lambda self: self.cancels())
    @rule(number=which, outcome=outcomes, is_unknown_there=some.booleans(), is_too_late=some.booleans())
    def hear_of_a_cancel(self, number: int, outcome: Outcome, is_unknown_there: bool, is_too_late: bool) -> None:
        rows = self.cancels()
        result = CancelResult(
            outcome=Outcome.FAIL if is_unknown_there else outcome,
            code="ORDER_NOT_EXIST" if is_unknown_there else "CANCEL_WINDOW_EXCEED" if is_too_late else "",
            is_unknown_there=is_unknown_there,
            is_too_late=is_too_late,
        )
        operations.record_cancel_result(rows[number % len(rows)], result)

    @precondition(lambda self: self.payments())
    @rule(number=which, value=some.sampled_from([1, 100, 100_00, 249_50, 399_00, 498_99, 499_00, 499_01]))
    def refund(self, number: int, value: int) -> None:
        with suppress(PortalError):
            reason = ReasonCode.BUYER_REQUEST
            operations.refund(self.payment(number), Money(value, "PHP"), by=SOMEBODY, reason_code=reason)

    @precondition(lambda self: self.refunds())
    @rule(number=which, outcome=outcomes, amount=amounts, news=some.sampled_from(REFUND_NEWS))
    def hear_of_a_refund(self, number: int, outcome: Outcome, amount: str, news: Messenger) -> None:
        rows = self.refunds()
        refund = rows[number % len(rows)]
        result = RefundResult(outcome=outcome, code="X", amount=told(refund.amount, amount), refund_id=f"r{refund.pk}")
        operations.record_refund_result(refund, result, heard_from=news)

    @precondition(lambda self: self.refunds())
    @rule(number=which, outcome=some.none() | outcomes, is_unknown_there=some.booleans())
    def be_answered_about_a_refund(self, number: int, outcome: Outcome | None, is_unknown_there: bool) -> None:
        rows = self.refunds()
        said = None if outcome is None or is_unknown_there else RefundResult(outcome=outcome, code="X")
        inquiry = RefundInquiry(outcome=Outcome.SUCCESS, refund=said, is_unknown_there=is_unknown_there)
        operations.record_refund_inquiry(rows[number % len(rows)], inquiry)

    @rule()
    def withdraw(self) -> None:
        with suppress(PortalError):
            operations.withdraw(self.order, by=SOMEBODY)

    @rule(seconds=some.sampled_from([1, 30, 130, 3600, 100_000]))
    def time_passes(self, seconds: int) -> None:
        _CLOCK.move(timedelta(seconds=seconds))

    # What holds, whatever happened.

    @invariant()
    def the_books_balance(self) -> None:
        """After every step, from the rows as they are."""
        self.order.refresh_from_db()
        payments = list(Payment.objects.filter(order=self.order))
        cancels, refunds = self.cancels(), self.refunds()
        self.a_final_answer_stays([*payments, *cancels, *refunds])
        for payment in payments:
            mine = [cancel for cancel in cancels if cancel.payment_id == payment.pk]
            given = [refund for refund in refunds if refund.payment_id == payment.pk]
            self.what_is_reserved_is_promised_or_done(payment, mine, given)
            self.somebody_will_look_at_all_that_is_unknown(payment, mine, given)
        self.the_order_is_paid_while_a_payment_stands(payments, refunds)

    def a_final_answer_stays(self, rows: Sequence[Payment | Cancel | Refund]) -> None:
        """But for a paid payment, which our own cancel may end."""
        for row in rows:
            said = self.ended.setdefault(f"{type(row).__name__} {row.pk}", set())
            if row.status in {"SUCCEEDED", "FAILED", "CANCELLED", "CONFIRMED", "REFUSED"}:
                said.add(row.status)
            assert len(said) <= 1 or (said == {"SUCCEEDED", "CANCELLED"} and row.status == "CANCELLED"), (row, said)

    def what_is_reserved_is_promised_or_done(
        self, payment: Payment, cancels: list[Cancel], refunds: list[Refund]
    ) -> None:
        promised = sum(cancel.amount_value for cancel in cancels if cancel.status != CancelStatus.REFUSED)
        promised += sum(refund.amount_value for refund in refunds if refund.status != RefundStatus.FAILED)
        assert payment.returned_value == promised <= payment.amount_value, payment

    def the_order_is_paid_while_a_payment_stands(self, payments: list[Payment], refunds: list[Refund]) -> None:
        assert sum(payment.status in LIVE for payment in payments) <= 1
        standing = [payment for payment in payments if payment.status == PaymentStatus.SUCCEEDED]
        assert (self.order.status in (OrderStatus.PAID, OrderStatus.REFUNDED)) == bool(standing)
        for payment in standing:
            assert payment.paid_at is not None
            done = sum(refund.amount_value for refund in refunds if refund.status == RefundStatus.SUCCEEDED)
            assert (self.order.status == OrderStatus.REFUNDED) == (done == payment.amount_value)

    def somebody_will_look_at_all_that_is_unknown(
        self, payment: Payment, cancels: list[Cancel], refunds: list[Refund]
    ) -> None:
        if payment.status == PaymentStatus.PROCESSING:
            live = [cancel for cancel in cancels if cancel.status == CancelStatus.REQUESTED]
            assert payment.due_at is not None or live, payment
        for cancel in cancels:
            assert (cancel.due_at is not None) == (cancel.status == CancelStatus.REQUESTED), cancel
        for refund in refunds:
            assert (refund.due_at is not None) == (refund.status == RefundStatus.PROCESSING), refund

    def teardown(self) -> None:
        """Read the histories: nothing is ever taken out of them."""
        assert_history(self.order, OrderStatus.INIT)
        for payment in Payment.objects.filter(order=self.order):
            assert_history(payment, PaymentStatus.INITIATED)
        for cancel in self.cancels():
            assert_history(cancel, CancelStatus.REQUESTED)
        for refund in self.refunds():
            assert_history(refund, RefundStatus.INITIATED)


@pytest.fixture
def _silence(transactional_db: None, story_clock: StoryClock) -> Iterator[None]:
    global _CLOCK, _ACCOUNT
    _CLOCK, _ACCOUNT = story_clock, AcquirerAccountFactory()
    with gateways.speaking_over(SilentLine()):
        yield


@pytest.mark.timeout(600)  # a failure is told by its smallest history, and finding that takes a while
@pytest.mark.usefixtures("_silence")
def test_whatever_is_heard_in_whatever_order_the_books_balance() -> None:
    machine: Any = OneOrder
    run_state_machine_as_test(machine, settings=tried(25, steps=14))
