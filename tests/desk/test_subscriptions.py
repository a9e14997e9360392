"""Subscriptions at the desk: what happened, what is done about it, what is to come, and what a policy would change."""

from datetime import timedelta

import pytest
from django.urls import reverse

from authorizations.states import WalletStatus
from payments.models import Cycle, Plan, RetryPolicy, Subscription
from payments.states import PaymentStatus
from payments.subscriptions import operations as recurring
from payments.subscriptions.states import CycleStatus, SubscriptionStatus, Trouble
from portal import approvals, clock
from portal.actor import Actor
from portal.models import Approval, JournalEntry
from portal.roles import FINANCE, OPERATOR, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url

pytestmark = pytest.mark.django_db
FORECAST = "admin:payments_subscription_forecast"


@pytest.fixture
def unpaid() -> Cycle:
    """A cycle whose first charge failed, of a subscription in grace."""
    subscription = factories.SubscriptionFactory(
        status=SubscriptionStatus.IN_GRACE, trouble=Trouble.BALANCE, grace_until=clock.now() + timedelta(days=14)
    )
    subscription.due_at = subscription.grace_until
    subscription.save()
    cycle = factories.CycleFactory(subscription=subscription, due_at=clock.now() + timedelta(days=1))
    factories.PaymentFactory(
        order=cycle.order,
        wallet_account=subscription.wallet_account,
        status=PaymentStatus.FAILED,
        result_code="USER_BALANCE_NOT_ENOUGH",
        finished_at=clock.now(),
        paid_at=None,
    )
    return cycle


def test_the_page_tells_each_charge_and_why_it_failed(unpaid: Cycle) -> None:
    words = Desk(SUPPORT).reads(page_url(unpaid.subscription))
    for said in ("Monthly pass", "In grace", "Not enough money", "failed: USER_BALANCE_NOT_ENOUGH", "again"):
        assert said in words, words


def test_an_operator_has_an_unpaid_cycle_charged_again_once(unpaid: Cycle) -> None:
    desk = Desk(OPERATOR)
    form = desk.begins(act_url(unpaid.subscription, "charge_again"))
    assert form.saying == "Charge 499.00 PHP again"
    assert "The worker charges it now" in form.sends(reason_code="MENDED")
    assert "already done" in form.sends(reason_code="MENDED")

    unpaid.refresh_from_db()
    assert unpaid.status == CycleStatus.CHARGING
    assert [change.target for change in unpaid.changes.all()] == ["CHARGING"]
    line = JournalEntry.objects.get(act="charge cycle again")
    assert (line.reason_code, line.after["amount"]) == ("MENDED", "499.00 PHP")


def test_support_pauses_with_a_reason_and_the_page_says_who() -> None:
    subscription = factories.SubscriptionFactory()
    desk = Desk(SUPPORT)
    form = desk.begins(act_url(subscription, "pause"))
    assert "Choose a reason." in form.sends()
    words = desk.begins(act_url(subscription, "pause")).sends(reason_code="BUYER_REQUEST", note="On holiday.")
    assert "Nothing is charged until it is resumed." in words
    assert f"{desk.user.username}: On holiday." in words
    assert JournalEntry.objects.get(act="pause subscription").note == "On holiday."
    subscription.refresh_from_db()
    assert (subscription.status, subscription.due_at) == (SubscriptionStatus.PAUSED, None)
    desk.begins(act_url(subscription, "resume")).sends(reason_code="BUYER_REQUEST")
    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.ACTIVE


def test_a_plan_is_added_and_its_terms_cannot_be_changed() -> None:
    product = factories.PriceFactory().product
    desk = Desk(OPERATOR)
    url = f"{list_url(Plan)}acts/add/"
    said = {
        "product": product.pk,
        "code": "monthly",
        "name": "Monthly",
        "currency": "PHP",
        "amount": "499",
        "every": 1,
        "interval": "MONTH",
        "anchor_day": 31,
        "trial_days": 0,
        "zone": "Asia/Nowhere",
        "charge_hour": 10,
    }
    assert "this is no time zone" in desk.begins(url).sends(**said)
    words = desk.begins(url).sends(**(said | {"zone": "Asia/Manila"}))
    assert "every month, on day 31 or the last one" in words
    plan = Plan.objects.get()
    assert (plan.amount_value, plan.account) == (499_00, product.account)
    desk.begins(act_url(plan, "edit")).sends(name="Every month")
    plan.refresh_from_db()
    assert (plan.name, plan.is_offered) == ("Every month", False)


def test_a_policy_is_tried_first_and_then_asked_for() -> None:
    recurring.install_policies()
    row = RetryPolicy.objects.get(trouble=Trouble.BALANCE)
    asking, deciding = Desk(OPERATOR), Desk(FINANCE)
    said = {
        "delays_hours": "24 48",
        "paydays": "15",
        "payday_within_days": 3,
        "tries_a_day": 1,
        "grace_days": 10,
        "past_due_days": 5,
        "note": "fewer tries",
    }
    form = asking.begins(act_url(row, "change_policy"))
    assert "whole numbers" in form.sends(**(said | {"delays_hours": "soon"}))
    form = asking.begins(act_url(row, "change_policy"))
    tried = form.presses(**said).content.decode()
    assert "nothing to try it on" in tried
    assert "Read the button once more" in tried
    saying = "Ask for this policy: tried again after 24, 48 h; moved to day 15 of the month if within 3 days; "
    form.sends(saying + "grace 10 days, past due 5 days", **said)

    row.refresh_from_db()
    assert row.changed_by == ""
    request = Approval.objects.get()
    assert "nothing to try it on" in deciding.reads(page_url(request))
    approvals.approve(request, by=Actor.person(deciding.user), note="good")
    row.refresh_from_db()
    assert (row.delays_hours, row.paydays, row.grace_days) == ("24 48", "15", 10)
    assert row.changed_by == asking.user.username
    assert JournalEntry.objects.get(act="set retry policy").before["grace_days"] == 14


def test_the_forecast_names_what_will_fail_and_why() -> None:
    subscription = factories.SubscriptionFactory()
    desk = Desk(SUPPORT)
    assert "As far as is known today, nothing will fail." in desk.reads(reverse(FORECAST))
    wallet = subscription.wallet_account
    wallet.status = WalletStatus.NEEDS_AUTHORIZATION
    wallet.save()
    words = desk.reads(f"{reverse(FORECAST)}?days=30")
    assert "needs authorization" in words
    assert "499.00 PHP" in words
    assert "Nothing is charged in these days." in desk.reads(f"{reverse(FORECAST)}?days=7")
    assert desk.status(f"{reverse(FORECAST)}?days=x") == 200


def test_what_nobody_tries_again_is_told_and_found() -> None:
    desk = Desk(OPERATOR)
    assert "not tried again" not in desk.reads(reverse("admin:index"))
    assert "Unpaid, and not tried again" not in desk.reads(reverse(FORECAST))
    factories.CycleFactory(subscription__status=SubscriptionStatus.IN_GRACE)  # tried again by itself
    factories.CycleFactory(
        subscription__status=SubscriptionStatus.IN_GRACE,
        status=CycleStatus.NEEDS_CONSENT,
        trouble=Trouble.CONSENT,
        first_failed_at=clock.now(),
    )
    factories.CycleFactory(
        subscription__status=SubscriptionStatus.PAST_DUE,
        subscription__grace_until=clock.now(),
        status=CycleStatus.FAILED,
        trouble=Trouble.BUYER,
    )  # that one has its line already
    factories.CycleFactory(status=CycleStatus.AWAITING_AMOUNT, order=None, amount_value=None)

    words = desk.reads(reverse("admin:index"))
    assert "1 subscription is charged again once its buyer authorizes the wallet anew" in words
    assert "not tried again" not in words
    assert "1 metered charge is due, and your server has not posted its amount" in words
    everyone = reverse("admin:payments_subscription_changelist")
    assert "1 in all" in desk.reads(f"{everyone}?ask=in_grace&unpaid=CONSENT")
    assert "1 in all" in desk.reads(f"{everyone}?unpaid=BUYER")
    assert "1 in all" in desk.reads(f"{everyone}?ask=unposted")
    assert "4 in all" in desk.reads(f"{everyone}?unpaid=NONSENSE")
    rows = desk.reads(f"{reverse('admin:payments_subscription_changelist')}?ask=stuck")
    assert "2 in all" in rows
    foreseen = desk.reads(reverse(FORECAST))
    assert "Unpaid, and not tried again" in foreseen
    assert "The token died 1 499.00 PHP" in foreseen
    assert "The buyer has to act in the wallet 1 499.00 PHP" in foreseen
    assert "no amount was posted 1 –" in foreseen


def test_who_revokes_a_wallet_reads_what_ends_with_it() -> None:
    subscription = factories.SubscriptionFactory()
    words = Desk(SUPPORT).reads(act_url(subscription.wallet_account, "revoke"))
    assert f"It ends the subscription {subscription.number}: Monthly pass." in words


def test_today_says_how_many_are_past_due() -> None:
    desk = Desk(OPERATOR)
    assert "past due" not in desk.reads(reverse("admin:index"))
    for _ in range(2):
        factories.SubscriptionFactory(status=SubscriptionStatus.PAST_DUE, grace_until=clock.now())
    words = desk.reads(reverse("admin:index"))
    assert "2 subscriptions are past due" in words
    assert Subscription.objects.count() == 2
