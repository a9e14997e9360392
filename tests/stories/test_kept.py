"""Money the acquirer kept although we hold the payment as failed or cancelled: seen, verified, given back once."""

from datetime import datetime

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from payments import operations as paying
from payments import queries
from payments.errors import OrderNotPayable, RefundNotPossible
from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, Messenger, OrderStatus, PaymentEvent, PaymentStatus, ReasonCode, RefundStatus
from portal.acquirer.results import Outcome, PaymentResult
from portal.actor import Actor
from portal.clock import ACQUIRER_ZONE
from portal.models import Incident, JournalEntry
from portal.money import Money
from tests.story import PHP, Acquirer, Customer, Shop


@pytest.fixture
def order(buyer: Customer, shop: Shop) -> Order:
    """499.00 PHP, to be paid from a bound wallet."""
    buyer.binds("GCASH")
    return shop.sells("Monthly pass", PHP(499_00), to=buyer)


def pays_and_is_told_that_it_failed(shop: Shop, acquirer: Acquirer, order: Order) -> Payment:
    """The acquirer takes the money and answers F: its error, and our final status."""
    acquirer.will("answer_code", api="pay", code="PROCESS_FAIL", work_done=True)
    payment = shop.charges(order)
    assert payment.status == PaymentStatus.FAILED
    return payment


def whole_picture(payment: Payment) -> tuple[str, str, int, int, list[bool]]:
    payment.refresh_from_db()
    payment.order.refresh_from_db()
    return (
        payment.status,
        payment.order.status,
        payment.returned_value,
        payment.kept_returned_value,
        [contradiction.settled_at is not None for contradiction in payment.contradictions.all()],
    )


def test_a_failed_payment_that_was_paid_blocks_the_order_until_the_money_is_back(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    shop.clock_moves(minutes=1)  # notifyPayment says SUCCESS, and the acquirer, asked, says it too
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 0, [False])
    assert Incident.objects.get().kind == "PAYMENT_CONTRADICTION"
    with pytest.raises(OrderNotPayable, match="an earlier payment of it was taken after all"):
        shop.charges(order)

    given = shop.gives_back(payment)

    assert isinstance(given, Cancel)
    assert (given.status, given.gives_back_kept) == (CancelStatus.CONFIRMED, True)
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 499_00, [True])
    assert Incident.objects.get().resolution == "What the acquirer kept was given back by cancel."
    assert acquirer.took_from(buyer) == acquirer.gave_back_to(buyer) == [PHP(499_00)]
    shop.clock_moves(days=2)  # whatever the acquirer still sends
    assert Incident.objects.get().closed_at is not None

    assert shop.charges(order).status == PaymentStatus.SUCCEEDED  # and the order may be paid again
    assert acquirer.took_from(buyer) == [PHP(499_00), PHP(499_00)]


def test_after_the_deadline_it_is_refunded(order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    shop.clock_moves_to(datetime(2026, 3, 3, 0, 15, tzinfo=ACQUIRER_ZONE))
    given = shop.gives_back(payment)
    assert isinstance(given, Refund)
    assert (given.status, given.amount, given.gives_back_kept) == (RefundStatus.SUCCEEDED, PHP(499_00), True)
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 499_00, [True])
    paying.ask(payment)  # a refunded payment stays a success at the acquirer: no news
    assert whole_picture(payment)[4] == [True]
    assert Incident.objects.get().closed_at is not None
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_what_a_bank_cannot_cancel_is_refunded(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("DIRECT_DEBIT_SIAMCOMMERCIALBANK")
    payment = pays_and_is_told_that_it_failed(shop, acquirer, shop.sells("One", Money(100_00, "THB"), to=buyer))
    shop.clock_moves(minutes=1)
    assert isinstance(shop.gives_back(payment), Refund)
    with pytest.raises(RefundNotPossible, match="on its way back"):
        shop.gives_back(payment)
    shop.clock_moves(minutes=10)  # a bank says "in process" first
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 100_00, [True])
    assert acquirer.gave_back_to(buyer) == [Money(100_00, "THB")]


def test_a_refused_cancel_is_followed_by_a_refund(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    shop.clock_moves(minutes=1)
    acquirer.will("answer_code", api="cancel", code="CANCEL_WINDOW_EXCEED")
    assert isinstance(shop.gives_back(payment), Refund)
    assert whole_picture(payment)[3] == 499_00
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


@pytest.mark.parametrize("fault", ["answer_lost", "request_lost", "http_500", "answer_wrongly_signed"])
@pytest.mark.parametrize("way", ["cancel", "refund"])
def test_whatever_becomes_of_the_answer_it_goes_back_once(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer, fault: str, way: str
) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    shop.clock_moves(minutes=1)
    if way == "refund":
        shop.clock_moves_to(datetime(2026, 3, 3, 1, 0, tzinfo=ACQUIRER_ZONE))
    acquirer.will(fault, api=way)
    shop.gives_back(payment)
    with pytest.raises(RefundNotPossible, match="given back or is on its way back"):
        shop.gives_back(payment)
    with pytest.raises(OrderNotPayable):
        shop.charges(order)
    shop.clock_moves(minutes=30)
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 499_00, [True])
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_a_refused_refund_gives_the_reservation_free(order: Order, shop: Shop, acquirer: Acquirer) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    shop.clock_moves_to(datetime(2026, 3, 3, 1, 0, tzinfo=ACQUIRER_ZONE))
    acquirer.will("answer_code", api="refund", code="MERCHANT_BALANCE_NOT_ENOUGH")
    assert shop.gives_back(payment).status == RefundStatus.FAILED
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 0, [False])
    assert Incident.objects.get().closed_at is None
    assert shop.gives_back(payment).status == RefundStatus.SUCCEEDED


def test_a_mistaken_message_is_found_out_by_asking(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("payment_fails", code="RISK_REJECT")
    payment = shop.charges(order)
    says_paid = PaymentResult(outcome=Outcome.SUCCESS, code="SUCCESS", amount=PHP(499_00))
    paying.record_payment_result(payment, says_paid, heard_from=Messenger.NOTIFICATION)
    assert Incident.objects.get().closed_at is None
    shop.comes_to_rest()
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 0, [True])
    assert Incident.objects.get().resolution == "The acquirer was asked and keeps nothing."
    assert shop.charges(order).status == PaymentStatus.SUCCEEDED


def test_a_person_who_acts_before_the_clock_learns_that_nothing_is_kept(
    order: Order, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("payment_fails", code="RISK_REJECT")
    payment = shop.charges(order)
    payment.contradictions.create(said="SUCCESS", heard_from=Messenger.NOTIFICATION)
    with pytest.raises(RefundNotPossible, match="asked just now, keeps nothing"):
        shop.gives_back(payment)
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 0, [True])
    assert Cancel.objects.count() == Refund.objects.count() == 0


def test_when_the_acquirer_does_not_answer_nothing_is_promised(order: Order, shop: Shop, acquirer: Acquirer) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    shop.clock_moves(minutes=1)
    acquirer.will("http_500", api="inquiryPayment")
    with pytest.raises(RefundNotPossible, match="does not say whether it was taken"):
        shop.gives_back(payment)
    assert whole_picture(payment) == (PaymentStatus.FAILED, OrderStatus.INIT, 0, 0, [False])


def test_only_the_whole_goes_back(order: Order, shop: Shop, acquirer: Acquirer) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    shop.clock_moves(minutes=1)
    with pytest.raises(RefundNotPossible, match=r"goes back whole: 499\.00 PHP"):
        paying.give_money_back(payment, by=shop.staff, reason_code=ReasonCode.OTHER, amount=PHP(1_00))


def test_nothing_is_given_back_of_a_failed_payment_that_nobody_contradicted(
    order: Order, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("payment_fails", code="RISK_REJECT")
    payment = shop.charges(order)
    with pytest.raises(RefundNotPossible, match="it failed"):
        shop.gives_back(payment)
    assert len(acquirer.calls("inquiryPayment")) == 0


def test_a_cancel_that_was_confirmed_and_not_done_is_found_out(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("payment_stays_processing", seconds=20, expires=False)
    payment = shop.charges(order)
    acquirer.will("answer_code", api="cancel", code="SUCCESS")
    assert shop.cancels(payment).status == CancelStatus.CONFIRMED
    assert whole_picture(payment) == (PaymentStatus.CANCELLED, OrderStatus.INIT, 499_00, 0, [])

    shop.clock_moves(minutes=1)  # it was taken all the same; the notification makes us ask
    assert whole_picture(payment) == (PaymentStatus.CANCELLED, OrderStatus.INIT, 499_00, 0, [False])
    assert queries.money_back(payment).refundable == PHP(499_00)

    assert shop.gives_back(payment).status == CancelStatus.CONFIRMED
    assert whole_picture(payment) == (PaymentStatus.CANCELLED, OrderStatus.INIT, 499_00, 499_00, [True])
    assert acquirer.took_from(buyer) == acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_a_late_success_of_a_cancelled_payment_is_old_news(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("notification_late", notification="notifyPayment", seconds=60)
    payment = shop.charges(order)
    shop.cancels(payment)
    shop.clock_moves(minutes=5)
    assert whole_picture(payment) == (PaymentStatus.CANCELLED, OrderStatus.CANCELLED, 499_00, 0, [])
    assert Incident.objects.count() == 0
    assert len(acquirer.calls("inquiryPayment")) == 1  # asked once, to be sure


def test_a_payment_reversed_by_a_settlement_row_is_given_back_the_same_way(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    with transaction.atomic():
        payment.advance(PaymentEvent.SETTLEMENT_REVERSED, heard_from=Messenger.SETTLEMENT)
    with pytest.raises(OrderNotPayable):
        shop.charges(order)
    shop.gives_back(payment)
    assert whole_picture(payment)[::3] == (PaymentStatus.REVERSED, 499_00)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]
    assert shop.charges(order).status == PaymentStatus.SUCCEEDED


def test_the_acts_of_another_payment_of_the_order_are_not_mixed_up(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    """The contradiction comes to light only after the order was paid by a second payment."""
    acquirer.will("notification_late", notification="notifyPayment", seconds=600)
    first = pays_and_is_told_that_it_failed(shop, acquirer, order)
    second = shop.charges(order)
    assert second.status == PaymentStatus.SUCCEEDED
    shop.clock_moves_to(datetime(2026, 3, 3, 1, 0, tzinfo=ACQUIRER_ZONE))
    assert isinstance(shop.gives_back(first), Refund)
    assert whole_picture(first) == (PaymentStatus.FAILED, OrderStatus.PAID, 0, 499_00, [True])
    assert whole_picture(second) == (PaymentStatus.SUCCEEDED, OrderStatus.PAID, 0, 0, [])
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_it_is_a_line_in_the_journal(order: Order, shop: Shop, acquirer: Acquirer) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    shop.clock_moves(minutes=1)
    person = Actor.person(get_user_model().objects.create_user("mia"))
    paying.give_money_back(payment, by=person, reason_code=ReasonCode.OTHER, note="the acquirer kept it")
    entry = JournalEntry.objects.get(act="give kept money back")
    assert (entry.actor_name, entry.reason_code, entry.note) == ("mia", "OTHER", "the acquirer kept it")
    assert entry.after == {"amount": "499.00 PHP", "way": "cancel"}


def test_a_failure_said_of_a_paid_payment_is_found_out_by_asking(order: Order, shop: Shop) -> None:
    payment = shop.charges(order)
    result = PaymentResult(outcome=Outcome.FAIL, code="PROCESS_FAIL")
    paying.record_payment_result(payment, result, heard_from=Messenger.NOTIFICATION)
    assert whole_picture(payment)[4] == [False]
    shop.comes_to_rest()
    assert whole_picture(payment) == (PaymentStatus.SUCCEEDED, OrderStatus.PAID, 0, 0, [True])
    assert Incident.objects.get().resolution == "The acquirer was asked and holds it as paid."


@pytest.mark.parametrize("value", [-1, 499_01])
def test_the_database_refuses_to_give_back_more_than_was_kept(
    order: Order, shop: Shop, acquirer: Acquirer, value: int
) -> None:
    payment = pays_and_is_told_that_it_failed(shop, acquirer, order)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(kept_returned_value=value)


def test_the_database_refuses_kept_money_of_a_paid_payment(order: Order, shop: Shop) -> None:
    payment = shop.charges(order)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(kept_returned_value=1)
