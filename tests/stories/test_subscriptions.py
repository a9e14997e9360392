"""Recurring charges: each cycle once, whatever the months, the wallets and the people do."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from authorizations import operations as binding
from authorizations.models import Authorization
from authorizations.states import Messenger
from payments import operations as paying
from payments.errors import (
    AmountAboveAgreed,
    NoSuchDueDate,
    OrderNotPayable,
    OrderOfSubscription,
    SubscriptionNotPossible,
)
from payments.models import Cycle, Order, Payment, Subscription
from payments.operations.calling_off import call_off
from payments.states import OrderStatus, ReasonCode
from payments.subscriptions import operations as recurring
from payments.subscriptions import queries
from payments.subscriptions.forecast import forecast
from payments.subscriptions.operations import charging
from payments.subscriptions.states import CycleStatus, Interval, SubscriptionStatus
from portal import clock
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.errors import InvalidInput
from portal.models import PaymentMethod, WebhookEvent
from portal.money import Money
from tests.factories import WebhookEndpointFactory
from tests.story import PHONE, PHP, Acquirer, Customer, Shop


def days_of(subscription: Subscription, *statuses: CycleStatus) -> list[str]:
    """The due dates of its cycles, oldest first."""
    rows = subscription.cycles.order_by("number")
    return [str(cycle.due_on) for cycle in (rows.filter(status__in=statuses) if statuses else rows)]


def stands(subscription: Subscription) -> tuple[str, str]:
    """Its status, and that of its newest cycle."""
    subscription.refresh_from_db()
    newest = subscription.cycles.order_by("-number").first()
    return subscription.status, newest.status if newest else ""


def test_every_month_end_is_charged_once(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    shop.clock_moves_to(datetime(2026, 3, 31, 1, 0, tzinfo=UTC))

    subscription = buyer.subscribes(shop.offers(PHP(499_00), anchor_day=31))
    assert days_of(subscription) == []  # due at 10:00 in Manila, which is 02:00 UTC
    shop.clock_moves_to(datetime(2026, 6, 30, 3, 0, tzinfo=UTC))

    assert days_of(subscription, CycleStatus.PAID) == ["2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"]
    assert acquirer.took_from(buyer) == [PHP(499_00)] * 4
    subscription.refresh_from_db()
    assert (subscription.status, subscription.next_on) == (SubscriptionStatus.ACTIVE, date(2026, 7, 31))


def test_a_trial_then_a_counted_number_of_charges_then_the_end(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(100_00), interval=Interval.WEEK, trial_days=7, cycle_count=2))

    shop.clock_moves(days=6)
    assert acquirer.took_from(buyer) == []
    shop.clock_moves(days=30)

    assert days_of(subscription) == ["2026-03-09", "2026-03-16"]
    assert stands(subscription) == (SubscriptionStatus.ENDED, CycleStatus.PAID)
    assert acquirer.took_from(buyer) == [PHP(100_00)] * 2


def test_a_lost_answer_does_not_charge_a_cycle_twice(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    acquirer.will("answer_lost", api="pay")

    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.CHARGING)
    with pytest.raises(SubscriptionNotPossible):
        recurring.pause(subscription, by=buyer.by)
    shop.clock_moves(minutes=5)

    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.PAID)
    assert acquirer.took_from(buyer) == [PHP(499_00)]
    assert len(acquirer.calls("pay")) == 1


def test_too_little_money_is_tried_again_on_a_payday_and_recovers(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds(purse=100_00)
    shop.clock_moves_to(datetime(2026, 3, 12, 2, 0, tzinfo=UTC))
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))

    cycle = subscription.cycles.get()
    assert (cycle.status, cycle.trouble, cycle.tries) == (CycleStatus.RETRYING, "BALANCE", 1)
    assert stands(subscription)[0] == SubscriptionStatus.IN_GRACE
    # 24 hours later is the 13th; the 15th is a payday and near enough.
    assert cycle.due_at is not None
    assert timedelta(0) <= cycle.due_at - datetime(2026, 3, 15, 2, 0, tzinfo=UTC) < timedelta(minutes=1)
    buyer.owns("GCASH", 1_000_00)
    shop.clock_moves(days=4)

    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.PAID)
    assert acquirer.took_from(buyer) == [PHP(499_00)]
    assert [change.target for change in subscription.changes.all()] == ["IN_GRACE", "ACTIVE"]


def test_nobody_pays_then_grace_then_past_due_then_over(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))

    shop.clock_moves(days=15)
    assert stands(subscription) == (SubscriptionStatus.PAST_DUE, CycleStatus.FAILED)
    shop.clock_moves(days=40)

    assert stands(subscription) == (SubscriptionStatus.CANCELLED, CycleStatus.GIVEN_UP)
    assert days_of(subscription) == ["2026-03-02"]  # past due, no further cycle opened
    order = Order.objects.get()
    assert (order.status, order.payments.count()) == (OrderStatus.CANCELLED, 5)
    assert acquirer.took_from(buyer) == []


def test_what_risk_control_refused_is_not_tried_again(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    acquirer.will("answer_code", api="pay", code="RISK_REJECT")
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))

    shop.clock_moves(days=10)
    assert stands(subscription) == (SubscriptionStatus.PAST_DUE, CycleStatus.FAILED)
    assert len(acquirer.calls("pay")) == 1


def test_a_dead_token_waits_for_the_buyer_and_goes_on_with_the_new_one(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    old = buyer.binds()
    acquirer.will("answer_code", api="pay", code="INVALID_ACCESS_TOKEN")
    acquirer.will("answer_code", api="applyToken", code="INVALID_REFRESH_TOKEN")
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    shop.clock_moves(days=1)
    assert stands(subscription) == (SubscriptionStatus.IN_GRACE, CycleStatus.NEEDS_CONSENT)
    acquirer.heals()

    new = buyer.binds()
    shop.clock_moves(minutes=1)

    assert new.pk != old.pk
    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.PAID)
    assert subscription.wallet_account_id == new.pk
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_a_revoked_consent_ends_its_subscriptions(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    wallet = buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    binding.revoke(wallet, by=buyer.by)
    buyer.binds()  # agreeing anew is agreeing to nothing old

    shop.clock_moves(days=40)

    assert stands(subscription) == (SubscriptionStatus.CANCELLED, CycleStatus.PAID)
    assert subscription.end_reason == "The consent of its wallet was revoked."
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_paused_means_no_charge_and_nothing_is_made_up_for(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY))
    recurring.pause(subscription, by=buyer.by)
    recurring.pause(subscription, by=buyer.by)  # pressed twice

    shop.clock_moves(days=5, hours=1)
    assert days_of(subscription) == ["2026-03-02"]
    recurring.resume(subscription, by=buyer.by)
    shop.clock_moves(days=2)

    assert days_of(subscription, CycleStatus.PAID) == ["2026-03-02", "2026-03-08", "2026-03-09"]
    assert [change.target for change in subscription.changes.all()] == ["PAUSED", "ACTIVE"]


def test_one_is_skipped(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY, cycle_count=3))
    with pytest.raises(NoSuchDueDate):
        recurring.skip(subscription, date(2026, 3, 9), by=buyer.by)
    recurring.skip(subscription, date(2026, 3, 3), by=buyer.by)
    recurring.skip(subscription, date(2026, 3, 3), by=buyer.by)
    shop.clock_moves(days=6)

    assert days_of(subscription, CycleStatus.SKIPPED) == ["2026-03-03"]
    assert days_of(subscription, CycleStatus.PAID) == ["2026-03-02", "2026-03-04", "2026-03-05"]
    assert stands(subscription)[0] == SubscriptionStatus.ENDED


def test_cancelled_now_or_at_the_end_of_the_period(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    plan = shop.offers(PHP(50_00), interval=Interval.DAY)
    now, later = buyer.subscribes(plan), buyer.subscribes(plan)
    recurring.cancel(now, by=buyer.by)
    recurring.cancel(later, by=buyer.by, at_period_end=True)
    recurring.resume(later, by=buyer.by)
    assert not later.ends_with_period
    recurring.cancel(later, by=buyer.by, at_period_end=True)
    assert (stands(now)[0], stands(later)[0]) == (SubscriptionStatus.CANCELLED, SubscriptionStatus.ACTIVE)

    shop.clock_moves(days=3)
    assert stands(later)[0] == SubscriptionStatus.CANCELLED
    assert acquirer.took_from(buyer) == [PHP(50_00)] * 2


def test_whoever_cancels_while_a_cycle_is_unpaid_is_never_charged_for_it(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    buyer.owns("GCASH", 1_000_00)
    recurring.cancel(subscription, by=buyer.by)

    shop.clock_moves(days=10)
    assert stands(subscription) == (SubscriptionStatus.CANCELLED, CycleStatus.GIVEN_UP)
    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert acquirer.took_from(buyer) == []


def test_another_plan_from_the_next_cycle_on(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY))
    weekly = shop.offers(PHP(300_00), interval=Interval.WEEK)
    recurring.change_plan(subscription, weekly, by=buyer.by)

    shop.clock_moves(days=9)
    assert days_of(subscription) == ["2026-03-02", "2026-03-03", "2026-03-10"]
    assert acquirer.took_from(buyer) == [PHP(50_00), PHP(300_00), PHP(300_00)]


def test_another_wallet_pays_what_was_left_open(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    acquirer.heals()
    shop.contracts("MAYA")
    other = buyer.binds("MAYA")
    recurring.change_wallet(subscription, other, by=buyer.by)
    shop.comes_to_rest()

    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.PAID)
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_a_meter_is_read_before_or_after_the_due_date(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    server = Actor.merchant_server("utility")
    plan = shop.offers(None, interval=Interval.DAY, name="Electricity")
    subscription = buyer.subscribes(plan, most=PHP(800_00))
    assert stands(subscription)[1] == CycleStatus.AWAITING_AMOUNT

    with pytest.raises(AmountAboveAgreed):
        recurring.post_amount(subscription, date(2026, 3, 2), PHP(800_01), by=server)
    recurring.post_amount(subscription, date(2026, 3, 2), PHP(120_00), by=server)  # after it
    with pytest.raises(NoSuchDueDate):
        recurring.post_amount(subscription, date(2026, 3, 2), PHP(120_00), by=server)  # charged already
    recurring.post_amount(subscription, date(2026, 3, 3), PHP(70_00), by=server)  # before it
    recurring.post_amount(subscription, date(2026, 3, 3), PHP(75_00), by=server)  # read anew
    shop.clock_moves(days=3)

    assert days_of(subscription, CycleStatus.PAID) == ["2026-03-02", "2026-03-03"]
    assert days_of(subscription, CycleStatus.SKIPPED) == ["2026-03-04"]  # nothing was posted before the next one
    assert acquirer.took_from(buyer) == [PHP(120_00), PHP(75_00)]


def test_the_buyer_pays_by_hand_and_is_not_charged_again(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    wallet = buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    cycle = subscription.cycles.get()
    buyer.owns("GCASH", 1_000_00)

    assert cycle.order is not None
    recurring.pay_by_hand(cycle.pk, cycle.order, wallet, by=buyer.by, terminal=PHONE)
    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.PAID)
    shop.clock_moves(days=10)
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_staff_withdraws_the_order_and_so_forgives_the_cycle(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    acquirer.will("answer_code", api="pay", code="RISK_REJECT")
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    acquirer.heals()
    paying.withdraw(Order.objects.get(), by=shop.staff)

    shop.comes_to_rest()
    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.GIVEN_UP)


def test_the_database_takes_a_cycle_once(buyer: Customer, shop: Shop) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    before = Cycle.objects.count()
    assert recurring.open_cycles([subscription.pk, subscription.pk]) == {}
    assert Cycle.objects.count() == before


DAYS = timedelta(days=3)
SERVER = Actor.merchant_server("utility")


def meters(shop: Shop, buyer: Customer, ends_on: date | None = None, **terms: Any) -> Subscription:
    """A daily meter, whose first amount nobody has posted when it was due."""
    buyer.binds()
    subscription = buyer.subscribes(
        shop.offers(None, interval=Interval.DAY, name="Electricity", **terms), most=PHP(800_00), ends_on=ends_on
    )
    assert stands(subscription)[1] == CycleStatus.AWAITING_AMOUNT
    return subscription


def test_an_amount_that_is_posted_early_is_charged_though_the_one_before_never_came(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    subscription = meters(shop, buyer)
    recurring.post_amount(subscription, date(2026, 3, 3), PHP(75_00), by=SERVER)
    shop.clock_moves(days=1)
    assert days_of(subscription, CycleStatus.SKIPPED) == ["2026-03-02"]
    assert days_of(subscription, CycleStatus.PAID) == ["2026-03-03"]
    assert acquirer.took_from(buyer) == [PHP(75_00)]


def test_an_amount_that_is_posted_stays_posted_over_a_short_pause(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    subscription = meters(shop, buyer)
    recurring.post_amount(subscription, date(2026, 3, 3), PHP(75_00), by=SERVER)
    recurring.pause(subscription, by=buyer.by)
    recurring.resume(subscription, by=buyer.by)
    shop.clock_moves(days=1)
    assert acquirer.took_from(buyer) == [PHP(75_00)]

    recurring.post_amount(subscription, date(2026, 3, 4), PHP(80_00), by=SERVER)
    recurring.pause(subscription, by=buyer.by)
    shop.clock_moves(days=3)
    recurring.resume(subscription, by=buyer.by)  # its date has passed: nothing is made up for
    shop.clock_moves(days=2)
    assert "2026-03-04" in days_of(subscription, CycleStatus.SKIPPED)
    assert acquirer.took_from(buyer) == [PHP(75_00)]


def test_a_counted_meter_ends_with_its_last_charge_however_late_it_is_posted(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    subscription = meters(shop, buyer, cycle_count=1)
    recurring.post_amount(subscription, date(2026, 3, 2), PHP(75_00), by=SERVER)
    shop.clock_moves(days=3)
    assert stands(subscription)[0] == SubscriptionStatus.ENDED
    assert acquirer.took_from(buyer) == [PHP(75_00)]
    assert len(days_of(subscription)) == 1


def test_a_cycle_costs_what_its_order_does_after_a_change_of_plan(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    subscription = meters(shop, buyer)
    recurring.post_amount(subscription, date(2026, 3, 3), PHP(75_00), by=SERVER)
    fixed = shop.offers(PHP(300_00), interval=Interval.DAY)
    lower = shop.offers(None, interval=Interval.DAY, name="Electricity, small")
    with pytest.raises(SubscriptionNotPossible, match="are posted"):
        recurring.change_plan(subscription, lower, by=buyer.by, most=PHP(50_00))
    recurring.change_plan(subscription, fixed, by=buyer.by)
    with pytest.raises(SubscriptionNotPossible, match="fixed price"):
        recurring.post_amount(subscription, date(2026, 3, 3), PHP(80_00), by=SERVER)
    shop.clock_moves(days=1)
    cycle = Cycle.objects.get(due_on=date(2026, 3, 3))
    assert cycle.order is not None
    assert (cycle.amount, cycle.order.amount, cycle.status) == (PHP(300_00), PHP(300_00), CycleStatus.PAID)


def test_whoever_has_paid_is_not_cancelled_for_not_paying(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    """The payment is known to have succeeded, and the cycle has not been looked at since."""
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    buyer.owns("GCASH")
    cycle = Cycle.objects.get()
    recurring.try_again(cycle, by=shop.staff)
    shop.comes_to_rest()
    # As it is after the news of it came, and before the worker has come to the cycle again.
    Cycle.objects.filter(pk=cycle.pk).update(status=CycleStatus.CHARGING, closed_at=None, due_at=clock.now() + DAYS)
    Subscription.objects.filter(pk=subscription.pk).update(
        status=SubscriptionStatus.PAST_DUE, past_due_until=clock.now(), due_at=clock.now()
    )
    shop.clock_moves(hours=2)
    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.PAID)


def test_the_last_date_skipped_is_the_end(buyer: Customer, shop: Shop) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY), ends_on=date(2026, 3, 3))
    recurring.skip(subscription, date(2026, 3, 3), by=buyer.by)
    assert stands(subscription)[0] == SubscriptionStatus.ENDED


def test_resuming_takes_back_the_end_of_the_period(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY))
    recurring.cancel(subscription, by=buyer.by, at_period_end=True)
    recurring.resume(subscription, by=buyer.by)
    shop.clock_moves(days=1)
    assert acquirer.took_from(buyer) == [PHP(50_00), PHP(50_00)]


def test_a_charge_that_fails_after_the_end_is_not_tried_again(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds(purse=1_00)
    acquirer.will("answer_lost", api="pay")
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    recurring.cancel(subscription, by=buyer.by)
    shop.clock_moves(minutes=30)
    assert stands(subscription) == (SubscriptionStatus.CANCELLED, CycleStatus.GIVEN_UP)
    assert not WebhookEvent.objects.filter(kind="subscription.charge_failed").exists()


def test_a_consent_that_was_bound_anew_and_revoked_ends_its_subscriptions_too(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.owns("GCASH")
    attempts = [buyer.begins("GCASH"), buyer.begins("GCASH")]
    subscription = None
    for attempt in attempts:
        assert isinstance(attempt, Authorization)
        code, _ = buyer.agrees(attempt)
        binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
        subscription = subscription or buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY))
    assert subscription is not None
    wallet = buyer.wallet()
    assert [row.pk for row in queries.stopping_with(wallet)] == [subscription.pk]
    binding.revoke(wallet, by=buyer.by)
    shop.clock_moves(days=1)
    buyer.binds()  # agreeing anew is agreeing to nothing old
    shop.clock_moves(days=2)
    assert stands(subscription)[0] == SubscriptionStatus.CANCELLED
    assert acquirer.took_from(buyer) == [PHP(50_00)]


def test_the_last_amount_may_come_as_late_as_any_other_and_then_it_is_over(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    never = meters(shop, buyer, ends_on=date(2026, 3, 2))
    late = meters(shop, buyer, ends_on=date(2026, 3, 2))
    shop.clock_moves(hours=20)
    recurring.post_amount(late, date(2026, 3, 2), PHP(75_00), by=SERVER)
    shop.clock_moves(hours=2)
    assert stands(late) == (SubscriptionStatus.ENDED, CycleStatus.PAID)
    assert stands(never) == (SubscriptionStatus.ACTIVE, CycleStatus.AWAITING_AMOUNT)
    shop.clock_moves(hours=4)
    assert stands(never) == (SubscriptionStatus.ENDED, CycleStatus.SKIPPED)
    assert acquirer.took_from(buyer) == [PHP(75_00)]


def test_a_weekly_plan_that_takes_anothers_place_goes_on_on_its_own_weekday(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY))
    recurring.change_plan(subscription, shop.offers(PHP(300_00), interval=Interval.WEEK, anchor_day=5), by=buyer.by)
    shop.clock_moves(days=20)
    # The date that was agreed to stays; after it come the Fridays of the weeks that follow.
    assert days_of(subscription) == ["2026-03-02", "2026-03-03", "2026-03-13", "2026-03-20"]


def test_whoever_changes_the_plan_at_the_end_of_february_is_charged_on_the_31st_again(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds()
    shop.clock_moves_to(datetime(2027, 1, 31, 1, 0, tzinfo=UTC))
    subscription = buyer.subscribes(shop.offers(PHP(50_00)))
    for price in (60_00, 70_00):
        shop.clock_moves(days=2)
        recurring.change_plan(subscription, shop.offers(PHP(price)), by=buyer.by)
        shop.clock_moves_to(datetime(2027, 2, 28, 3, 0, tzinfo=UTC) if price == 60_00 else clock.now())
    shop.clock_moves_to(datetime(2027, 5, 1, 3, 0, tzinfo=UTC))
    assert days_of(subscription) == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]
    assert acquirer.took_from(buyer) == [PHP(50_00), PHP(60_00), PHP(70_00), PHP(70_00)]


def test_a_new_plan_counts_its_own_charges(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY, cycle_count=4))
    shop.clock_moves(days=1)
    recurring.change_plan(subscription, shop.offers(PHP(60_00), interval=Interval.DAY, cycle_count=2), by=buyer.by)
    assert [charge.total for charge in forecast(30).sums] == [PHP(120_00)]
    shop.clock_moves(days=6)
    assert acquirer.took_from(buyer) == [PHP(50_00), PHP(50_00), PHP(60_00), PHP(60_00)]
    assert stands(subscription)[0] == SubscriptionStatus.ENDED
    with pytest.raises(SubscriptionNotPossible, match="it is ended"):
        recurring.change_plan(subscription, subscription.plan, by=buyer.by)


def test_the_old_plans_last_charge_does_not_end_what_goes_on_under_a_new_one(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    kept, taken_back = meters(shop, buyer, cycle_count=1), meters(shop, buyer, cycle_count=1)
    fixed = shop.offers(PHP(60_00), interval=Interval.DAY)
    for subscription in (kept, taken_back):
        recurring.change_plan(subscription, fixed, by=buyer.by)
        recurring.post_amount(subscription, date(2026, 3, 2), PHP(75_00), by=SERVER)
    recurring.change_plan(taken_back, taken_back.plan, by=buyer.by, most=PHP(800_00))
    shop.clock_moves(days=1)
    assert stands(taken_back)[0] == SubscriptionStatus.ENDED
    assert days_of(kept, CycleStatus.PAID) == ["2026-03-02", "2026-03-03"]
    assert acquirer.took_from(buyer) == [PHP(75_00), PHP(75_00), PHP(60_00)]


def test_no_other_plan_follows_when_no_charge_comes_any_more(buyer: Customer, shop: Shop) -> None:
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(50_00), cycle_count=1))
    with pytest.raises(SubscriptionNotPossible, match="no charge of it comes any more"):
        recurring.change_plan(subscription, shop.offers(PHP(60_00)), by=buyer.by)


def test_a_buyer_does_not_forgive_its_own_debt(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    order = Order.objects.get()
    with pytest.raises(OrderOfSubscription):
        call_off(order, by=buyer.by, reason_code=ReasonCode.BUYER_REQUEST)
    call_off(order, by=SERVER, reason_code=ReasonCode.BUYER_REQUEST)  # the merchant may
    shop.clock_moves(days=1)
    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.GIVEN_UP)


def test_a_change_is_not_taken_back_below_what_is_posted(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    subscription = meters(shop, buyer)
    larger = shop.offers(None, interval=Interval.DAY, name="Electricity, large")
    recurring.change_plan(subscription, larger, by=buyer.by, most=PHP(5_000_00))
    recurring.post_amount(subscription, date(2026, 3, 3), PHP(4_000_00), by=SERVER)
    with pytest.raises(SubscriptionNotPossible, match="are posted"):
        recurring.change_plan(subscription, subscription.plan, by=buyer.by)
    recurring.post_amount(subscription, date(2026, 3, 3), PHP(700_00), by=SERVER)
    recurring.change_plan(subscription, subscription.plan, by=buyer.by)
    shop.clock_moves(days=1)
    assert acquirer.took_from(buyer) == [PHP(700_00)]


def test_another_most_counts_from_the_next_date_on_and_so_does_everything_else(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    subscription = meters(shop, buyer, cycle_count=2)
    plan = subscription.plan
    plan.is_offered = False  # withdrawn meanwhile: who has it keeps it
    plan.save()
    recurring.post_amount(subscription, date(2026, 3, 2), PHP(700_00), by=SERVER)
    recurring.change_plan(subscription, plan, by=buyer.by, most=PHP(100_00))
    with pytest.raises(AmountAboveAgreed):
        recurring.post_amount(subscription, date(2026, 3, 3), PHP(700_00), by=SERVER)
    recurring.post_amount(subscription, date(2026, 3, 3), PHP(99_00), by=SERVER)
    shop.clock_moves(days=3)
    assert stands(subscription)[0] == SubscriptionStatus.ENDED  # both charges of the plan are made
    assert acquirer.took_from(buyer) == [PHP(700_00), PHP(99_00)]


def test_what_staff_calls_off_is_not_charged_an_hour_later(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    acquirer.will("request_lost", api="pay")
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    shop.cancels(Payment.objects.get())
    shop.clock_moves(hours=12)
    assert stands(subscription) == (SubscriptionStatus.IN_GRACE, CycleStatus.FAILED)
    assert Payment.objects.count() == 1
    assert acquirer.took_from(buyer) == []


def test_who_paid_according_to_the_acquirer_is_not_ended_for_not_paying(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    Payment.objects.get().contradictions.create(said="SUCCESS", heard_from="NOTIFICATION")
    buyer.owns("GCASH", 1_000_00)
    shop.clock_moves(days=60)
    assert stands(subscription) == (SubscriptionStatus.IN_GRACE, CycleStatus.FAILED)
    assert Cycle.objects.get().trouble == "OURS"
    assert Payment.objects.count() == 1


def test_a_charge_that_found_its_wallet_revoked_looks_whether_it_was_moved_meanwhile(
    buyer: Customer, shop: Shop, acquirer: Acquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    shop.contracts("MAYA")
    new = buyer.binds("MAYA")
    cycle = Cycle.objects.get()
    read = charging._read(cycle.pk)
    monkeypatch.setattr(charging, "_read", lambda pk: read)
    recurring.change_wallet(subscription, new, by=buyer.by)
    binding.revoke(old, by=buyer.by)
    charging.work_cycle(cycle.pk)
    monkeypatch.undo()
    shop.comes_to_rest()
    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.PAID)


def test_a_revoked_consent_ends_at_once_what_hangs_on_it_paused_or_not(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds()
    running, paused = (buyer.subscribes(shop.offers(PHP(499_00), trial_days=20)) for _ in range(2))
    recurring.pause(paused, by=buyer.by)
    binding.revoke(wallet, by=buyer.by)
    shop.comes_to_rest()
    for subscription in (running, paused):
        subscription.refresh_from_db()
        assert (subscription.status, subscription.end_code) == (SubscriptionStatus.CANCELLED, "CONSENT_ENDED")


def test_what_is_refused_before_the_wire_is_told_too(buyer: Customer, shop: Shop) -> None:
    buyer.binds()
    WebhookEndpointFactory(account=shop.account, kinds=["subscription.charge_failed"])
    subscription = buyer.subscribes(shop.offers(PHP(499_00), trial_days=1))
    PaymentMethod.objects.filter(code="GCASH").update(is_contracted=False)
    shop.clock_moves(days=1)
    assert stands(subscription)[0] == SubscriptionStatus.IN_GRACE
    assert WebhookEvent.objects.filter(kind="subscription.charge_failed").count() == 1


def test_what_ends_with_its_period_is_not_paused(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY))
    recurring.cancel(subscription, by=buyer.by, at_period_end=True)
    with pytest.raises(SubscriptionNotPossible, match="ends with its period"):
        recurring.pause(subscription, by=buyer.by)
    shop.clock_moves(days=2)
    assert stands(subscription)[0] == SubscriptionStatus.CANCELLED
    assert acquirer.took_from(buyer) == [PHP(50_00)]


def test_whoever_waits_for_a_subscription_sees_the_plan_it_has_then(buyer: Customer, shop: Shop) -> None:
    """The billing run lets another plan take over while a request has read the row and waits for it."""
    buyer.binds()
    yearly = shop.offers(PHP(900_00), interval=Interval.YEAR)
    subscription = buyer.subscribes(shop.offers(PHP(50_00)))
    read = Subscription.objects.select_related("plan").get(pk=subscription.pk)
    monthly = read.plan
    recurring.change_plan(subscription, yearly, by=buyer.by)
    shop.clock_moves(days=32)
    recurring.change_plan(read, monthly, by=buyer.by)  # taken for a change back by whoever read it before
    read.refresh_from_db()
    assert (read.plan_id, read.next_on) == (yearly.pk, date(2027, 4, 2))


def test_a_consent_that_was_revoked_ends_it_whatever_is_done_meanwhile(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(499_00), trial_days=20))
    binding.revoke(wallet, by=buyer.by)
    recurring.pause(subscription, by=buyer.by)  # before the worker has looked
    shop.comes_to_rest()
    subscription.refresh_from_db()
    assert subscription.end_code == "CONSENT_ENDED"


def test_who_pays_a_day_late_each_day_keeps_the_service(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    wallet = buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00), interval=Interval.DAY))
    for _ in range(20):
        shop.clock_moves(hours=12)
        buyer.owns("GCASH", 500_00)
        cycle = subscription.cycles.exclude(status=CycleStatus.PAID).order_by("number").first()
        assert cycle is not None
        assert cycle.order is not None
        recurring.pay_by_hand(cycle.pk, cycle.order, wallet, by=buyer.by, terminal=PHONE)
        shop.clock_moves(hours=12)
    assert stands(subscription)[0] == SubscriptionStatus.IN_GRACE
    assert subscription.cycles.filter(status=CycleStatus.PAID).count() == 20
    assert len(days_of(subscription)) == 21


def test_what_a_buyer_tries_by_hand_uses_up_no_try_of_the_clock(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    cycle = subscription.cycles.get()
    planned = cycle.due_at
    assert cycle.order is not None
    for _ in range(5):
        shop.clock_moves(minutes=10)
        recurring.pay_by_hand(cycle.pk, cycle.order, wallet, by=buyer.by, terminal=PHONE)
    cycle.refresh_from_db()
    assert (cycle.status, cycle.tries) == (CycleStatus.RETRYING, 6)
    assert cycle.due_at is not None
    assert planned is not None
    assert (
        timedelta(0) <= cycle.due_at - planned < DAYS
    )  # the first delay still; another day, where a day has its tries
    buyer.owns("GCASH")
    shop.clock_moves(days=4)
    assert stands(subscription) == (SubscriptionStatus.ACTIVE, CycleStatus.PAID)


def test_an_order_of_what_is_over_is_not_paid_by_hand(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    wallet = buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    cycle = subscription.cycles.get()
    assert cycle.order is not None
    buyer.owns("GCASH")
    recurring.cancel(subscription, by=buyer.by)
    with pytest.raises(OrderNotPayable, match="is over"):
        recurring.pay_by_hand(cycle.pk, cycle.order, wallet, by=buyer.by, terminal=PHONE)
    shop.comes_to_rest()
    assert acquirer.took_from(buyer) == []


def test_what_ends_with_its_period_is_not_skipped_onward(buyer: Customer, shop: Shop) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(PHP(50_00), interval=Interval.DAY))
    recurring.cancel(subscription, by=buyer.by, at_period_end=True)
    with pytest.raises(SubscriptionNotPossible, match="ends with its period"):
        recurring.skip(subscription, date(2026, 3, 3), by=buyer.by)


def test_the_plea_for_an_amount_says_until_when_it_may_come(buyer: Customer, shop: Shop) -> None:
    WebhookEndpointFactory(account=shop.account, kinds=["subscription.needs_amount"])
    meters(shop, buyer)
    told = json.loads(WebhookEvent.objects.get(kind="subscription.needs_amount").body)["data"]
    assert (told["cycle"]["due_on"], told["next_on"]) == ("2026-03-02", "2026-03-03")


def test_another_currency_is_another_subscription(buyer: Customer, shop: Shop) -> None:
    buyer.binds()
    PaymentMethod.objects.filter(code="GCASH").update(
        currency="", minimum_value=None, maximum_value=None, refund_minimum_value=None
    )
    subscription = buyer.subscribes(shop.offers(PHP(50_00)))
    with pytest.raises(InvalidInput, match="is in PHP"):
        recurring.change_plan(subscription, shop.offers(Money(5_00, "USD"), currency="USD"), by=buyer.by)
