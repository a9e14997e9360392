"""Cancels and refunds: never more than was paid, never twice, whatever happens to the answers."""

from datetime import datetime

import pytest

from payments.errors import CancelNotPossible, RefundExceedsPayment, RefundNotPossible
from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal.clock import ACQUIRER_ZONE
from portal.money import Money
from tests.story import PHP, Acquirer, Customer, Shop


@pytest.fixture
def paid(buyer: Customer, shop: Shop) -> Payment:
    """499.00 PHP, paid on 2 March at 10:00 UTC+8."""
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    assert payment.status == PaymentStatus.SUCCEEDED
    return payment


def status_of(payment: Payment) -> tuple[str, str, int]:
    payment.refresh_from_db()
    payment.order.refresh_from_db()
    return payment.status, payment.order.status, payment.returned_value


def test_refunds_in_parts_until_nothing_is_left(paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    assert shop.refunds(paid, PHP(100_00)).status == RefundStatus.SUCCEEDED
    assert shop.refunds(paid, PHP(399_00)).status == RefundStatus.SUCCEEDED
    with pytest.raises(RefundExceedsPayment):
        shop.refunds(paid, PHP(1_00))
    assert status_of(paid) == (PaymentStatus.SUCCEEDED, OrderStatus.REFUNDED, 499_00)
    assert acquirer.gave_back_to(buyer) == [PHP(100_00), PHP(399_00)]


def test_a_lost_refund_answer_gives_back_once(paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("answer_lost", api="refund")
    refund = shop.refunds(paid, PHP(100_00))
    assert refund.status == RefundStatus.PROCESSING
    assert status_of(paid)[2] == 100_00  # promised money is gone until the promise has failed

    shop.clock_moves(minutes=5)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]


def test_a_refund_that_never_arrived_is_sent_again_under_its_id(
    paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("request_lost", api="refund")
    refund = shop.refunds(paid, PHP(100_00))
    shop.clock_moves(minutes=5)
    refund.refresh_from_db()
    assert (refund.status, refund.times_sent) == (RefundStatus.SUCCEEDED, 2)
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]


def test_a_refused_refund_releases_what_it_reserved(
    paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("answer_code", api="refund", code="MERCHANT_BALANCE_NOT_ENOUGH")
    refund = shop.refunds(paid, PHP(100_00))
    assert (refund.status, refund.result_code) == (RefundStatus.FAILED, "MERCHANT_BALANCE_NOT_ENOUGH")
    assert status_of(paid) == (PaymentStatus.SUCCEEDED, OrderStatus.PAID, 0)
    assert shop.refunds(paid).amount == PHP(499_00)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_an_asynchronous_refund_ends_by_notification(
    paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("refund_stays_processing", seconds=40)
    refund = shop.refunds(paid, PHP(100_00))
    assert refund.status == RefundStatus.PROCESSING
    shop.clock_moves(minutes=1)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]


def test_a_cancel_on_the_same_day_and_not_after_the_deadline(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    first = shop.charges(shop.sells("One", PHP(100_00), to=buyer))
    second = shop.charges(shop.sells("Two", PHP(200_00), to=buyer))

    assert shop.cancels(first).status == CancelStatus.CONFIRMED
    assert status_of(first) == (PaymentStatus.CANCELLED, OrderStatus.CANCELLED, 100_00)

    shop.clock_moves_to(datetime(2026, 3, 3, 0, 15, tzinfo=ACQUIRER_ZONE))
    with pytest.raises(CancelNotPossible, match="time for it has passed"):
        shop.cancels(second)
    assert isinstance(shop.gives_back(second), Refund)
    assert status_of(second) == (PaymentStatus.SUCCEEDED, OrderStatus.REFUNDED, 200_00)
    assert acquirer.gave_back_to(buyer) == [PHP(100_00), PHP(200_00)]


def test_give_the_money_back_cancels_while_it_can(
    paid: Payment, shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    assert isinstance(shop.gives_back(paid), Cancel)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_what_a_bank_cannot_cancel_is_refunded(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("DIRECT_DEBIT_SIAMCOMMERCIALBANK")
    payment = shop.charges(shop.sells("One", Money(100_00, "THB"), to=buyer))
    with pytest.raises(CancelNotPossible, match="cannot cancel what is paid"):
        shop.cancels(payment)
    assert isinstance(shop.gives_back(payment), Refund)
    shop.clock_moves(minutes=10)  # a bank says "in process" first
    assert acquirer.gave_back_to(buyer) == [Money(100_00, "THB")]


def test_a_lost_cancel_answer_is_asked_about(paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("answer_lost", api="cancel")
    cancel = shop.cancels(paid)
    assert cancel.status == CancelStatus.REQUESTED
    with pytest.raises((RefundExceedsPayment, RefundNotPossible)):
        shop.refunds(paid, PHP(1_00))  # the cancel reserved it all

    shop.clock_moves(minutes=2)
    cancel.refresh_from_db()
    assert cancel.status == CancelStatus.CONFIRMED
    assert status_of(paid) == (PaymentStatus.CANCELLED, OrderStatus.CANCELLED, 499_00)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_a_refused_cancel_of_a_paid_payment_releases_and_refunds(
    paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("answer_code", api="cancel", code="CANCEL_WINDOW_EXCEED")
    assert isinstance(shop.gives_back(paid), Refund)
    assert status_of(paid) == (PaymentStatus.SUCCEEDED, OrderStatus.REFUNDED, 499_00)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_a_refund_after_the_window_is_refused_before_the_wire(paid: Payment, shop: Shop, acquirer: Acquirer) -> None:
    shop.clock_moves(days=366)
    with pytest.raises(RefundNotPossible, match="ended"):
        shop.refunds(paid)
    assert acquirer.calls("refund") == []
