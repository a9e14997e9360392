"""What follows a failed charge: when it is tried again, and what another policy would have made of the past."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from payments.models import RetryPolicy
from payments.subscriptions import operations as recurring
from payments.subscriptions.failures import trouble
from payments.subscriptions.forecast import (
    BELOW_THE_MINIMUM,
    CONSENT_ENDS,
    NEEDS_AUTHORIZATION,
    OVER_THE_LIMIT,
    PAST_DUE_BY_THEN,
    UNPOSTED,
    forecast,
)
from payments.subscriptions.policies import DEFAULTS, MOST_TRIES, Policy, effective, numbers, of_row, zone_of
from payments.subscriptions.replay import History, again, replay
from payments.subscriptions.states import RETRYABLE, CycleStatus, Interval, Trouble
from portal import clock
from portal.acquirer.antom.codes import PAY
from portal.acquirer.results import Outcome
from portal.actor import Actor
from portal.errors import InvalidInput
from portal.models import PaymentMethod
from tests.story import PHONE, PHP, Acquirer, Customer, Shop

MANILA = "Asia/Manila"
FAILED = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
"""Noon in Manila."""


def test_every_documented_refusal_is_some_kind_of_trouble_and_final_ones_are_not_tried_again() -> None:
    kinds = {code: trouble(code, row.advice) for code, row in PAY.items() if row.outcome is Outcome.FAIL}
    assert set(kinds.values()) == set(Trouble)
    for code in ("RISK_REJECT", "INVALID_ACCESS_TOKEN", "USER_NOT_EXIST", "INVALID_CONTRACT", "PARAM_ILLEGAL"):
        assert DEFAULTS[kinds[code]].next_try([FAILED], MANILA) is None
    assert all(policy.delays_hours == () for kind, policy in DEFAULTS.items() if kind not in RETRYABLE)


@pytest.mark.parametrize(
    ("policy", "failures", "expected"),
    [
        (Policy(Trouble.BALANCE, (24,)), [FAILED], FAILED + timedelta(days=1)),
        (Policy(Trouble.BALANCE, (24,)), [FAILED, FAILED], None),
        # Wages come on the 15th and on the last day, whichever that is.
        (Policy(Trouble.BALANCE, (72,), (15,), 2), [FAILED], datetime(2026, 3, 15, 4, tzinfo=UTC)),
        (Policy(Trouble.BALANCE, (24,), (15,), 2), [FAILED], FAILED + timedelta(days=1)),
        (
            Policy(Trouble.BALANCE, (24,), (31,), 3),
            [datetime(2026, 2, 25, 4, tzinfo=UTC)],
            datetime(2026, 2, 28, 4, tzinfo=UTC),
        ),
        # Quiet from 21 to 9 in Manila: 22:00 there becomes 9:00 of the next day, 8:00 becomes 9:00 of the same.
        (Policy(Trouble.LIMIT, (10,), quiet_from=21, quiet_until=9), [FAILED], datetime(2026, 3, 11, 1, tzinfo=UTC)),
        (Policy(Trouble.LIMIT, (20,), quiet_from=21, quiet_until=9), [FAILED], datetime(2026, 3, 11, 1, tzinfo=UTC)),
        (
            Policy(Trouble.LIMIT, (1,), quiet_from=13, quiet_until=15, tries_a_day=2),
            [FAILED],
            datetime(2026, 3, 10, 7, tzinfo=UTC),
        ),
        # One a day: an hour later would be the second of the same day.
        (Policy(Trouble.TEMPORARY, (1,)), [FAILED], datetime(2026, 3, 10, 16, tzinfo=UTC)),
        (Policy(Trouble.TEMPORARY, (1,), tries_a_day=2), [FAILED], FAILED + timedelta(hours=1)),
    ],
)
def test_when_a_charge_is_tried_again(policy: Policy, failures: list[datetime], expected: datetime | None) -> None:
    assert policy.next_try(failures, MANILA) == expected


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"trouble": Trouble.REFUSED, "delays_hours": (24,)}, "delays_hours"),
        ({"delays_hours": (0,)}, "delays_hours"),
        ({"delays_hours": (24,) * (MOST_TRIES + 1)}, "delays_hours"),
        ({"paydays": (32,)}, "paydays"),
        ({"quiet_from": 21}, "quiet_until"),
        ({"grace_days": 91}, "grace_days"),
        ({"tries_a_day": 0}, "tries_a_day"),
    ],
)
def test_what_cannot_be_a_policy_is_refused_by_name(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        Policy(**({"trouble": Trouble.BALANCE} | changed)).check()


def test_numbers_are_numbers() -> None:
    assert numbers("24, 72 120") == (24, 72, 120)
    for text in ("-1", "1.5", "²", "12345"):
        with pytest.raises(InvalidInput):
            numbers(text)


def test_the_row_that_fits_most_exactly_counts(shop: Shop) -> None:
    recurring.install_policies()
    recurring.install_policies()
    assert RetryPolicy.objects.count() == len(Trouble)
    for row in RetryPolicy.objects.all():
        assert of_row(row) == DEFAULTS[row.trouble]

    for account, wallet, hours in (("sandbox", "", 1), ("", "GCASH", 2), ("sandbox", "GCASH", 3)):
        policy = Policy(Trouble.BALANCE, (hours,))
        recurring.set_policy(policy, account=account, wallet=wallet, by=shop.staff)
        assert effective(Trouble.BALANCE, account="sandbox", wallet="GCASH").delays_hours == (hours,)
    assert effective(Trouble.BALANCE, account="sandbox", wallet="DANA").delays_hours == (1,)
    assert effective(Trouble.BALANCE, account="other", wallet="DANA") == DEFAULTS[Trouble.BALANCE]
    assert (zone_of("DANA", MANILA), zone_of("NOBODY", MANILA)) == ("Asia/Jakarta", MANILA)


# Replay.


def day(number: int) -> datetime:
    """Noon in Manila, so many days after the failure."""
    return FAILED + timedelta(days=number)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (History((day(0),), day(5)), ("perhaps", 3)),  # nobody asked between: it may have been there before
        (History((day(0), day(4)), day(5)), ("failed", 3)),
        (History((day(0),), day(3)), ("recovered", 3)),
        (History((day(0),), day(1)), ("recovered", 1)),
        (History((day(0),), None), ("perhaps", 3)),
        (History((day(0), day(9)), None), ("failed", 3)),
    ],
)
def test_a_try_is_judged_by_what_was_seen(history: History, expected: tuple[str, int]) -> None:
    policy = Policy(Trouble.BALANCE, (24, 24, 24))
    assert again(policy, history, MANILA, day(30)) == expected


def test_nothing_is_tried_when_the_subscription_would_have_ended() -> None:
    policy = Policy(Trouble.BALANCE, (24, 24, 24), grace_days=1, past_due_days=1)
    assert again(policy, History((day(0),), day(3)), MANILA, day(30)) == ("perhaps", 2)


def test_what_the_buyer_paid_by_hand_is_no_try_of_the_clock(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    cycle = subscription.cycles.get()
    assert cycle.order is not None
    buyer.owns("GCASH", 1_000_00)
    recurring.pay_by_hand(cycle.pk, cycle.order, buyer.wallet(), by=buyer.by, terminal=PHONE)
    shop.clock_moves(minutes=5)
    found = replay(DEFAULTS[Trouble.BALANCE])
    assert (found.was_recovered.count, found.was_tried) == (1, 0)


def test_a_policy_is_tried_on_the_past(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds(purse=1_00)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    shop.clock_moves(days=1, hours=1)
    buyer.owns("GCASH", 1_000_00)
    shop.clock_moves(days=10)
    assert subscription.cycles.get().status == CycleStatus.PAID

    none = replay(Policy(Trouble.BALANCE))
    assert (none.failed.count, none.recovered.count, none.was_recovered.count) == (1, 0, 1)
    assert (none.tried, none.was_tried) == (0, 2)
    same = replay(DEFAULTS[Trouble.BALANCE])
    assert (same.recovered.sums(), same.tried) == ([PHP(499_00)], 2)
    assert replay(Policy(Trouble.LIMIT)).failed.count == 0
    assert replay(DEFAULTS[Trouble.BALANCE], wallet="DANA").failed.count == 0
    recurring.cancel(subscription, by=buyer.by)
    shop.clock_moves(days=95)
    assert replay(DEFAULTS[Trouble.BALANCE]).failed.count == 0


# Forecast.


def test_what_will_be_charged_and_what_of_it_will_fail(
    buyer: Customer, shop: Shop, django_assert_num_queries: Any
) -> None:
    wallet = buyer.binds()
    weekly = shop.offers(PHP(100_00), interval=Interval.WEEK, trial_days=3)
    subscription = buyer.subscribes(weekly)
    buyer.subscribes(shop.offers(None, name="Electricity", trial_days=3), most=PHP(900_00))

    found = forecast(30)
    assert [(one.wallet, one.count, one.total, one.unknown_count, one.failing) for one in found.sums] == [
        ("GCASH", 5, PHP(400_00), 1, {})
    ]
    for facts, why in (
        ({"access_token_expires_at": subscription.started_at, "refresh_token": ""}, CONSENT_ENDS),
        ({"status": "NEEDS_AUTHORIZATION"}, NEEDS_AUTHORIZATION),
    ):
        type(wallet).objects.filter(pk=wallet.pk).update(**facts)
        with django_assert_num_queries(5):
            found = forecast(30)
        assert found.sums[0].failing == {why: (5, 400_00)}
    type(wallet).objects.filter(pk=wallet.pk).update(status="ACTIVE", access_token_expires_at=None)
    type(weekly).objects.filter(pk=weekly.pk).update(amount_value=1)
    assert forecast(30).sums[0].failing == {BELOW_THE_MINIMUM: (4, 4)}
    PaymentMethod.objects.filter(code="GCASH").update(maximum_value=99_00)
    type(weekly).objects.filter(pk=weekly.pk).update(amount_value=100_00)
    assert forecast(30).sums[0].failing == {OVER_THE_LIMIT: (4, 400_00)}


def test_an_amount_that_is_posted_is_foreseen(buyer: Customer, shop: Shop) -> None:
    buyer.binds()
    subscription = buyer.subscribes(shop.offers(None, interval=Interval.WEEK), most=PHP(900_00))
    wanting = [(one.wallet, one.why, one.count, one.value) for one in forecast(20).stuck]
    assert wanting == [("GCASH", UNPOSTED, 1, None)]
    recurring.post_amount(subscription, date(2026, 3, 9), PHP(120_00), by=Actor.merchant_server("utility"))
    (foreseen,) = forecast(20).sums
    assert (foreseen.count, foreseen.unknown_count, foreseen.total) == (2, 1, PHP(120_00))


def test_what_falls_due_after_the_grace_of_what_nobody_tries_again_is_not_counted_on(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds()
    acquirer.will("answer_code", api="pay", code="USER_KYC_NOT_QUALIFIED")
    buyer.subscribes(shop.offers(PHP(100_00), interval=Interval.WEEK))
    (foreseen,) = forecast(20).sums  # grace is a week, and the next date falls due in the moment in which it ends
    assert foreseen.count == 2
    assert foreseen.failing == {PAST_DUE_BY_THEN: (2, 200_00)}


def test_of_what_is_tried_again_it_says_what_will_fail_again(buyer: Customer, shop: Shop) -> None:
    wallet = buyer.binds(purse=1_00)
    buyer.subscribes(shop.offers(PHP(499_00)))
    shop.clock_moves(days=1, hours=1)
    assert [(one.count, one.total, one.failing) for one in forecast(5).sums] == [(1, PHP(499_00), {})]

    type(wallet).objects.filter(pk=wallet.pk).update(status="NEEDS_AUTHORIZATION")
    assert forecast(5).sums[0].failing == {NEEDS_AUTHORIZATION: (1, 499_00)}
    assert [charge.is_retry for charge in forecast(5).failing] == [True]


def test_it_knows_how_long_a_consent_lasts(buyer: Customer, shop: Shop) -> None:
    wallet = buyer.binds()
    buyer.subscribes(shop.offers(PHP(100_00), trial_days=20))
    now = clock.now()
    alive = {"refresh_token_expires_at": now + timedelta(days=10), "due_at": now + timedelta(days=2)}
    soon, later = now + timedelta(days=5), now + timedelta(days=60)
    for facts, why in (
        (alive | {"access_token_expires_at": soon}, {}),  # refreshed before either ends
        (alive | {"access_token_expires_at": soon, "refresh_result": "REFUSED"}, {CONSENT_ENDS: (1, 100_00)}),
        (alive | {"access_token_expires_at": later, "refresh_result": "REFUSED"}, {}),
        (alive | {"access_token_expires_at": later, "refresh_result": ""}, {}),
    ):
        type(wallet).objects.filter(pk=wallet.pk).update(**facts)
        assert forecast(25).sums[0].failing == why, facts


def test_a_policy_is_tried_only_on_what_it_would_govern(buyer: Customer, shop: Shop) -> None:
    buyer.binds(purse=1_00)
    buyer.subscribes(shop.offers(PHP(499_00)))
    everybodys = DEFAULTS[Trouble.BALANCE]
    assert replay(everybodys).failed.count == 1
    recurring.set_policy(everybodys, account="", wallet="GCASH", by=shop.staff)
    assert replay(everybodys).failed.count == 0
    assert replay(everybodys, wallet="GCASH").failed.count == 1
    assert replay(everybodys, account=shop.account.slug).failed.count == 0
    assert replay(everybodys, account=shop.account.slug, wallet="GCASH").failed.count == 1
