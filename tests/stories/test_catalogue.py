"""What staff say of a payment method counts: what is not offered is neither bound nor debited."""

from datetime import timedelta
from typing import Any

import pytest

from authorizations.errors import TerminalNotServed, WalletNotContracted
from authorizations.models import Authorization
from payments.errors import AmountNotAllowed, CancelNotPossible, RefundNotPossible, WrongCurrency
from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from payments.subscriptions.forecast import NOT_CONTRACTED, OVER_THE_LIMIT, forecast
from payments.subscriptions.states import CycleStatus, Interval, Trouble
from portal import clock
from portal.errors import PortalError
from portal.money import Money
from tests.story import PHP, Acquirer, Customer, Shop


def _nothing_was_kept_or_sent(order: Order, acquirer: Acquirer) -> None:
    order.refresh_from_db()
    assert (order.status, Payment.objects.count(), acquirer.calls("pay")) == (OrderStatus.INIT, 0, [])


def test_a_wallet_that_left_the_contract_is_neither_bound_nor_debited(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Pass", PHP(499_00), to=buyer)
    shop.says_of("GCASH", is_contracted=False)

    with pytest.raises(WalletNotContracted, match="GCASH is not offered here"):
        shop.charges(order)
    with pytest.raises(WalletNotContracted):
        shop.customer("ben").begins("GCASH")

    _nothing_was_kept_or_sent(order, acquirer)
    assert (Authorization.objects.count(), len(acquirer.calls("consult"))) == (1, 1)
    shop.says_of("GCASH", is_contracted=True)
    assert shop.charges(order).status == PaymentStatus.SUCCEEDED
    assert acquirer.took_from(buyer) == [PHP(499_00)]


@pytest.mark.parametrize(
    ("said", "value", "sentence"),
    [
        ({"minimum_value": 100_00}, 99_99, "GCash takes payments of at least 100.00 PHP."),
        ({"maximum_value": 500_00}, 500_01, "GCash takes payments of at most 500.00 PHP."),
    ],
)
def test_an_amount_outside_the_limits_is_refused_before_the_wire(
    buyer: Customer, shop: Shop, acquirer: Acquirer, said: dict[str, int], value: int, sentence: str
) -> None:
    buyer.binds("GCASH")
    shop.says_of("GCASH", **said)
    order = shop.sells("Pass", PHP(value), to=buyer)

    with pytest.raises(AmountNotAllowed) as refused:
        shop.charges(order)

    assert refused.value.message == sentence
    _nothing_was_kept_or_sent(order, acquirer)
    (limit,) = said.values()
    assert shop.charges(shop.sells("Pass", PHP(limit), to=buyer)).status == PaymentStatus.SUCCEEDED


def test_another_currency_is_refused_and_an_unknown_one_is_the_acquirers_to_decide(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Pass", PHP(499_00), to=buyer)
    shop.says_of("GCASH", currency="USD", minimum_value=None, refund_minimum_value=None)

    with pytest.raises(WrongCurrency, match="GCash is debited in USD; this order is in PHP"):
        shop.charges(order)

    _nothing_was_kept_or_sent(order, acquirer)
    shop.says_of("GCASH", currency="")
    assert shop.charges(order).status == PaymentStatus.SUCCEEDED


def test_a_terminal_that_is_not_served_is_refused_where_a_buyer_is_at_one(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    order = shop.sells("Pass", PHP(499_00), to=buyer)
    shop.says_of("GCASH", terminals="WAP APP")

    with pytest.raises(TerminalNotServed, match="GCash does not work from a MINI_APP terminal"):
        shop.charges(order)
    with pytest.raises(TerminalNotServed):
        shop.customer("ben").begins("GCASH")

    _nothing_was_kept_or_sent(order, acquirer)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))  # charged by the clock, and nobody is at a terminal
    assert subscription.cycles.get().status == CycleStatus.PAID


def test_what_was_promised_before_the_catalogue_changed_is_sent_as_it_was(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(shop.sells("Pass", PHP(499_00), to=buyer))
    assert payment.status == PaymentStatus.PROCESSING
    acquirer.heals()
    shop.says_of("GCASH", is_contracted=False, maximum_value=1_00, minimum_value=None)

    shop.clock_moves(minutes=1)

    payment.refresh_from_db()
    assert (payment.status, acquirer.took_from(buyer)) == (PaymentStatus.SUCCEEDED, [PHP(499_00)])
    assert shop.gives_back(payment).status == CancelStatus.CONFIRMED  # what was taken goes back in any case


def test_money_goes_back_by_the_windows_of_the_catalogue(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    shop.says_of("GCASH", cancellable_when_paid=False, refund_days=10)
    payments = [shop.charges(shop.sells("Pass", PHP(100_00), to=buyer)) for _ in range(2)]

    with pytest.raises(CancelNotPossible, match="cannot cancel what is paid"):
        shop.cancels(payments[0])
    back = shop.gives_back(payments[0])
    assert isinstance(back, Refund)
    assert back.status == RefundStatus.SUCCEEDED
    assert (Cancel.objects.count(), acquirer.calls("cancel")) == (0, [])

    paid_at = payments[1].paid_at
    assert paid_at is not None
    shop.clock_moves_to(paid_at + timedelta(days=10))
    with pytest.raises(RefundNotPossible, match="the time for it ended"):
        shop.refunds(payments[1])
    with pytest.raises(RefundNotPossible, match="the time for a refund ended"):
        shop.gives_back(payments[1])
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]

    shop.says_of("GCASH", refund_days=11)
    assert shop.refunds(payments[1]).status == RefundStatus.SUCCEEDED
    assert acquirer.gave_back_to(buyer) == [PHP(100_00), PHP(100_00)]


def test_a_cancel_ends_when_the_contract_says(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    local = clock.now().astimezone(clock.ACQUIRER_ZONE)
    in_an_hour = local.hour * 60 + local.minute + 60
    shop.says_of("GCASH", cancel_days=0, cancel_minutes=in_an_hour)
    early, late = (shop.charges(shop.sells("Pass", PHP(100_00), to=buyer)) for _ in range(2))

    shop.clock_moves(minutes=50)
    assert shop.cancels(early).status == CancelStatus.CONFIRMED
    shop.clock_moves(minutes=11)

    with pytest.raises(CancelNotPossible, match="the time for it has passed"):
        shop.cancels(late)
    assert isinstance(shop.gives_back(late), Refund)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"refunds_in_part": False}, "GCash gives back the whole amount only: 100.00 PHP."),
        ({"refund_minimum_value": 50_00}, "GCash gives back at least 50.00 PHP."),
    ],
)
def test_a_part_that_the_method_does_not_give_back_is_refused(
    buyer: Customer, shop: Shop, acquirer: Acquirer, said: dict[str, Any], sentence: str
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Pass", PHP(100_00), to=buyer))
    shop.says_of("GCASH", **said)

    with pytest.raises(AmountNotAllowed) as refused:
        shop.refunds(payment, PHP(49_99))

    assert (refused.value.message, Refund.objects.count(), acquirer.calls("refund")) == (sentence, 0, [])
    assert shop.refunds(payment).status == RefundStatus.SUCCEEDED


def test_a_subscription_whose_charge_outgrew_the_limit_waits_for_a_person(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    subscription = buyer.subscribes(shop.offers(PHP(499_00), interval=Interval.WEEK))
    shop.says_of("GCASH", maximum_value=400_00)
    assert forecast(10).sums[0].failing == {OVER_THE_LIMIT: (1, 499_00)}

    shop.clock_moves(days=8)

    cycle = subscription.cycles.latest("number")
    assert (cycle.status, cycle.trouble, cycle.result_code) == (
        CycleStatus.FAILED,
        Trouble.OURS,
        AmountNotAllowed.code.upper(),
    )
    assert acquirer.took_from(buyer) == [PHP(499_00)]
    shop.says_of("GCASH", is_contracted=False)
    assert set(forecast(10).sums[0].failing) == {NOT_CONTRACTED}


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"is_contracted": False}, WalletNotContracted),
        ({"currency": "USD", "minimum_value": None, "refund_minimum_value": None}, WrongCurrency),
        ({"maximum_value": 498_99}, AmountNotAllowed),
    ],
)
def test_nobody_agrees_to_a_plan_that_cannot_be_charged(
    buyer: Customer, shop: Shop, said: dict[str, Any], refusal: type[PortalError]
) -> None:
    buyer.binds("GCASH")
    plan = shop.offers(PHP(499_00))
    shop.says_of("GCASH", **said)

    with pytest.raises(refusal):
        buyer.subscribes(plan)


def test_a_currency_of_no_decimals_is_held_against_its_own_limit(buyer: Customer, shop: Shop) -> None:
    buyer.binds("KAKAOPAY")
    shop.says_of("KAKAOPAY", maximum_value=10_000)
    with pytest.raises(AmountNotAllowed, match="at most 10,000 KRW"):
        shop.charges(shop.sells("Pass", Money(10_001, "KRW"), to=buyer))
    assert shop.charges(shop.sells("Pass", Money(10_000, "KRW"), to=buyer)).status == PaymentStatus.SUCCEEDED
