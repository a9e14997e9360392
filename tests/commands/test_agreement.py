"""Portal and sandbox are compared by the sandbox's own books; what they say differently is said in a sentence."""

import pytest

from payments.models import Payment
from portal.demonstration import agreement
from portal.models import AcquirerAccount
from portal.sandbox.control import SandboxControl
from tests.story import PHP, Acquirer, Customer, Shop


@pytest.fixture
def control(acquirer: Acquirer) -> SandboxControl:
    return SandboxControl(acquirer.sandbox.url)


@pytest.fixture
def paid(shop: Shop, buyer: Customer) -> Payment:
    """499.00 PHP, of which 100.00 went back."""
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    shop.refunds(payment, PHP(100_00))
    return payment


def test_two_sides_that_saw_the_same_agree(
    control: SandboxControl, account: AcquirerAccount, paid: Payment, shop: Shop, buyer: Customer
) -> None:
    shop.cancels(shop.charges(shop.sells("Mug", PHP(250_00), to=buyer)))
    assert agreement.differences(control, account) == []


def test_a_centavo_more_is_named_with_its_order_and_wallet(
    control: SandboxControl, account: AcquirerAccount, paid: Payment
) -> None:
    Payment.objects.filter(pk=paid.pk).update(amount_value=499_01)
    assert agreement.differences(control, account) == [
        f"Order {paid.order.number}, GCASH: PAYMENT of 499.01 PHP here, 499.00 PHP there."
    ]


def test_a_debit_the_portal_did_not_hear_of_is_named_twice_by_money_and_by_status(
    control: SandboxControl, account: AcquirerAccount, shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_lost")
    payment = shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    assert agreement.differences(control, account) == [
        f"Order {payment.order.number}, GCASH: PAYMENT of 0.00 PHP here, 499.00 PHP there.",
        f"Payment {payment} is PROCESSING here and SUCCESS there.",
    ]


def test_an_agreement_that_ended_in_silence_is_named(
    control: SandboxControl, account: AcquirerAccount, paid: Payment, buyer: Customer
) -> None:
    buyer.revokes_in_the_wallet("GCASH")
    assert agreement.differences(control, account) == ["GCASH of ana is active here and ended there."]


def test_books_that_do_not_balance_are_named(
    control: SandboxControl, account: AcquirerAccount, paid: Payment, acquirer: Acquirer
) -> None:
    acquirer.engine.store.run("UPDATE entries SET value = value + 1 WHERE kind = 'TOP_UP' AND account = 'outside'")
    assert any("PHP" in sentence for sentence in agreement.differences(control, account))
