"""Paying: one debit per order, whatever happens to the answers."""

import pytest

from authorizations.states import WalletStatus
from payments.errors import OrderNotPayable
from payments.models import Payment
from payments.states import OrderStatus, PaymentStatus
from portal.models import Exchange, Incident
from tests.story import PHP, Acquirer, Customer, Shop


def test_a_payment_that_goes_well(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)

    payment = shop.charges(order)

    order.refresh_from_db()
    assert (payment.status, order.status) == (PaymentStatus.SUCCEEDED, OrderStatus.PAID)
    assert acquirer.took_from(buyer) == [PHP(499_00)]
    shop.clock_moves(minutes=5)  # the notification says the same again
    assert [change.target for change in payment.changes.all()] == ["PROCESSING", "SUCCEEDED"]


def test_a_lost_answer_never_charges_twice(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    acquirer.will("answer_lost", api="pay")

    payment = shop.charges(order)
    assert payment.status == PaymentStatus.PROCESSING
    with pytest.raises(OrderNotPayable):
        shop.charges(order)

    shop.clock_moves(minutes=5)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED
    assert acquirer.took_from(buyer) == [PHP(499_00)]
    assert len(acquirer.calls("pay")) == 1


def test_every_call_is_kept_once(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_lost", notification="notifyPayment")
    acquirer.will("refund_stays_processing", seconds=60)
    acquirer.will("notification_lost", notification="notifyRefund")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    shop.clock_moves(minutes=5)
    payment.refresh_from_db()
    shop.refunds(payment, PHP(100_00))
    shop.clock_moves(minutes=5)

    for api, subject in (("inquiryPayment", payment), ("inquiryRefund", payment.refunds.get())):
        assert subject.status == "SUCCEEDED"
        kept = Exchange.objects.filter(api=api, subject=str(subject)).count()
        assert kept == len(acquirer.calls(api)) > 0


def test_a_request_that_never_arrived_is_closed_only_after_both_say_so(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    acquirer.will("request_lost", api="pay")

    payment = shop.charges(order)
    shop.clock_moves(seconds=65)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.PROCESSING  # asked, denied, cancelled, denied: too early to believe it

    shop.clock_moves(minutes=5)
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, payment.result_code) == (PaymentStatus.FAILED, "ORDER_NOT_EXIST")
    assert payment.returned_value == 0
    assert acquirer.took_from(buyer) == []
    assert order.status == OrderStatus.INIT

    assert shop.charges(order).status == PaymentStatus.SUCCEEDED  # under a new id
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_a_payment_without_end_is_cancelled_and_the_order_can_be_paid_again(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    acquirer.will("payment_stays_processing", expires=False)

    payment = shop.charges(order)
    shop.clock_moves(minutes=2)

    payment.refresh_from_db()
    assert payment.status == PaymentStatus.CANCELLED
    assert payment.questions_asked >= 20
    acquirer.heals()
    assert shop.charges(order).status == PaymentStatus.SUCCEEDED
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_money_taken_while_our_cancel_is_on_its_way_comes_back(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    acquirer.will("payment_stays_processing", seconds=70, expires=False)
    acquirer.will("request_lost", api="cancel", calls=2)

    payment = shop.charges(order)
    shop.clock_moves(hours=1)

    payment.refresh_from_db()
    order.refresh_from_db()
    assert payment.status == PaymentStatus.CANCELLED
    assert order.status == OrderStatus.INIT
    assert acquirer.took_from(buyer) == acquirer.gave_back_to(buyer) == [PHP(499_00)]


@pytest.mark.parametrize(
    ("code", "wallet_after"),
    [
        ("USER_BALANCE_NOT_ENOUGH", WalletStatus.ACTIVE),
        ("RISK_REJECT", WalletStatus.ACTIVE),
        ("PROCESS_FAIL", WalletStatus.ACTIVE),
    ],
)
def test_a_refusal_is_final_and_moves_nothing(
    buyer: Customer, shop: Shop, acquirer: Acquirer, code: str, wallet_after: str
) -> None:
    wallet = buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    acquirer.will("payment_fails", code=code)

    payment = shop.charges(order)

    wallet.refresh_from_db()
    assert (payment.status, payment.result_code) == (PaymentStatus.FAILED, code)
    assert wallet.status == wallet_after
    assert acquirer.took_from(buyer) == []
    assert Incident.objects.count() == 0


def test_two_charges_at_once_debit_once(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    shop.charges(order)
    with pytest.raises(OrderNotPayable):
        shop.charges(order)
    assert Payment.objects.count() == 1
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_the_wrong_amount_is_not_believed(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_wrong_amount", notification="notifyPayment")

    payment = shop.charges(order)
    acquirer.tick()
    payment.refresh_from_db()

    assert payment.status == PaymentStatus.PROCESSING
    assert [c.said for c in payment.contradictions.all()] == ["AMOUNT"]
    assert Incident.objects.get().kind == "PAYMENT_CONTRADICTION"
    shop.clock_moves(minutes=1)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED  # the inquiry says the right one
