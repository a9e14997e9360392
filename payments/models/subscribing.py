"""Plans, subscriptions and their cycles: what a buyer agreed to be charged, and when; said in SQL where it can be said.

Amounts are integers in minor units. Days are days in the plan's time zone: an acquirer account sells in several
countries, so it has none of its own.
"""

from datetime import date, datetime
from typing import Any

from django.db import models
from django.db.models import F, Q

from authorizations.models import Buyer, WalletAccount
from payments.models.paying import Order, Product
from payments.subscriptions.calendar import Rhythm, Span
from payments.subscriptions.states import (
    CYCLE,
    RETRYABLE,
    RUNNING,
    STUCK,
    SUBSCRIPTION,
    TO_BE_PAID,
    CycleStatus,
    EndCode,
    Interval,
    SubscriptionStatus,
    Trouble,
)
from portal import clock
from portal.models import AcquirerAccount, ActorFields, Change, Due, Stateful
from portal.money import Money


def fresh_subscription_number() -> str:
    """A new public id of a subscription."""
    return clock.fresh_id("S")


class Plan(models.Model):
    """What is charged again and again: how much, how often. Its terms never change; other terms are another plan."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="plans")
    code = models.SlugField(max_length=64)
    """What mini programs and merchant servers know it by."""
    name = models.CharField(max_length=120)
    product = models.ForeignKey(Product, models.PROTECT, related_name="plans")
    currency = models.CharField(max_length=3)
    amount_value = models.BigIntegerField(null=True, blank=True)
    """Minor units, each cycle; None: metered, the merchant's server posts the amount of each due date."""
    interval = models.CharField(max_length=8, choices=Interval.choices)
    every = models.PositiveSmallIntegerField(default=1)
    """So many intervals from one date to the next."""
    anchor_day = models.PositiveSmallIntegerField(null=True, blank=True)
    """Of months and years the day of the month, the last one where a month is shorter; of weeks 1 (Monday) to 7.
    None: the day on which the first cycle is due."""
    trial_days = models.PositiveSmallIntegerField(default=0)
    cycle_count = models.PositiveSmallIntegerField(null=True, blank=True)
    """It ends after so many charges; None: it goes on."""
    zone = models.CharField(max_length=64)
    charge_hour = models.PositiveSmallIntegerField(default=10)
    """At which hour of the day, in its zone, a cycle falls due."""
    is_offered = models.BooleanField(default=True)
    """Whether it may be started; subscriptions that run go on."""
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name", "pk")
        permissions = [("act_edit_plan", "Can add and withdraw plans")]
        constraints = [
            models.UniqueConstraint(fields=("account", "code"), name="plan_code_once"),
            models.CheckConstraint(
                condition=Q(amount_value__isnull=True) | Q(amount_value__gt=0), name="plan_above_zero"
            ),
            models.CheckConstraint(condition=Q(interval__in=Interval.values), name="plan_interval_known"),
            models.CheckConstraint(condition=Q(every__gte=1), name="plan_every_above_zero"),
            models.CheckConstraint(
                condition=Q(anchor_day__isnull=True)
                | Q(interval__in=(Interval.MONTH, Interval.YEAR), anchor_day__gte=1, anchor_day__lte=31)
                | Q(interval=Interval.WEEK, anchor_day__gte=1, anchor_day__lte=7),
                name="plan_anchor_is_a_day",
            ),
            models.CheckConstraint(condition=Q(charge_hour__lte=23), name="plan_hour_is_an_hour"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_metered(self) -> bool:
        return self.amount_value is None

    @property
    def amount(self) -> Money | None:
        return None if self.amount_value is None else Money(self.amount_value, self.currency)

    @property
    def span(self) -> Span:
        return Span(Interval(self.interval), self.every, self.anchor_day)


class Subscription(Stateful, Due, ActorFields):
    """One buyer's agreement to a plan, on one bound wallet. Due when its next cycle opens, or its grace is over."""

    machine = SUBSCRIPTION
    settled = ("plan", "buyer", "account")

    number = models.CharField(max_length=64, unique=True, default=fresh_subscription_number, editable=False)
    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="subscriptions")
    buyer = models.ForeignKey(Buyer, models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="subscriptions")
    wallet_account = models.ForeignKey(WalletAccount, models.PROTECT, related_name="subscriptions")
    reference = models.CharField(max_length=64, blank=True, db_index=True)
    """The merchant's own reference, when its server started it; it is taken once."""
    status = models.CharField(max_length=16, choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE)
    most_value = models.BigIntegerField(null=True, blank=True)
    """Metered: the most that the buyer agreed to be charged in one cycle, in minor units of the plan's currency."""
    next_plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, related_name="+")
    """Takes the plan's place when the next cycle opens."""
    next_most_value = models.BigIntegerField(null=True, blank=True)
    first_on = models.DateField()
    """The date that the dates are counted from, and the number of the cycle that is due on it."""
    first_number = models.PositiveIntegerField(default=1)
    month_day = models.PositiveSmallIntegerField(null=True, blank=True)
    """The day of the month that ``first_on`` stands for in a shorter month, where the plan names none."""
    next_number = models.PositiveIntegerField(default=1)
    next_on = models.DateField(null=True, blank=True)
    """When the next cycle is due, in the plan's zone; None: none comes any more."""
    ends_on = models.DateField(null=True, blank=True)
    """No cycle is due after this day."""
    charges_made = models.PositiveIntegerField(default=0)
    """Cycles that got an order; what was skipped does not count toward the plan's number of charges."""
    charges_before = models.PositiveIntegerField(default=0)
    """How many of them were made before the plan took its place: they do not count toward that either."""
    ends_with_period = models.BooleanField(default=False)
    """Cancelled when the next cycle would fall due."""
    trouble = models.CharField(max_length=16, choices=Trouble.choices, blank=True)
    """Why the open cycle is not paid; empty when nothing is wrong."""
    grace_until = models.DateTimeField(null=True, blank=True)
    past_due_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_code = models.CharField(max_length=16, choices=EndCode.choices, blank=True)
    end_reason = models.CharField(max_length=256, blank=True)

    class Meta:
        ordering = ("-started_at", "-pk")
        permissions = [
            ("act_subscription", "Can pause, resume, skip, change and cancel subscriptions"),
            ("act_charge_cycle", "Can let an unpaid cycle be charged again"),
        ]
        indexes = [
            models.Index(fields=("-started_at", "-id"), name="subscription_newest"),
            models.Index(fields=("status", "-started_at"), name="subscription_by_status"),
            models.Index(fields=("next_on",), condition=Q(next_on__isnull=False), name="subscription_next"),
            models.Index(fields=("plan",), condition=Q(status__in=RUNNING), name="subscription_running"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=SubscriptionStatus.values), name="subscription_status_known"),
            models.CheckConstraint(
                condition=Q(most_value__isnull=True) | Q(most_value__gt=0), name="subscription_most_above_zero"
            ),
            models.CheckConstraint(
                condition=Q(status__in=RUNNING) | Q(ended_at__isnull=False, next_on__isnull=True),
                name="ended_subscription_opens_nothing",
            ),
            models.CheckConstraint(condition=Q(next_number__gte=F("first_number")), name="subscription_counts_forward"),
            models.UniqueConstraint(
                fields=("account", "reference"), condition=~Q(reference=""), name="subscription_reference_once"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def most(self) -> Money | None:
        return None if self.most_value is None else Money(self.most_value, self.plan.currency)

    @property
    def rhythm(self) -> Rhythm:
        """Its dates, by number."""
        return Rhythm(self.plan.span, self.first_on, self.first_number, self.month_day)

    def take_next_plan(self) -> dict[str, Any]:
        """Let the plan that was wanted take the place of the old one, in memory; what is to be written.

        The next date stays; dates and charges count from this one on. The plan itself with another most goes on as it
        was.
        """
        facts = {"most_value": self.next_most_value, "next_plan": None, "next_most_value": None}
        if self.next_plan_id != self.plan_id:
            facts |= self._begun_anew()
        for name, value in facts.items():
            setattr(self, name, value)
        return facts

    def _begun_anew(self) -> dict[str, Any]:
        return {
            "plan": self.next_plan,
            "month_day": self.rhythm.meant_on(self.next_on) if self.next_on else None,
            "first_on": self.next_on or self.first_on,
            "first_number": self.next_number,
            "charges_before": self.charges_made,
        }

    def due_on(self, number: int) -> date:
        """The day on which the cycle of this number is due."""
        return self.rhythm.day(number)

    def moment(self, day: date) -> datetime:
        """When a cycle of this day falls due."""
        return Rhythm.moment(day, self.plan.charge_hour, self.plan.zone)

    @property
    def next_amount(self) -> Money | None:
        """What the next cycle will cost, as far as it is known: of a metered one that was read by ``with_posted``."""
        plan = self.next_plan or self.plan
        posted = getattr(self, "posted_value", None)
        return Money(posted, plan.currency) if plan.is_metered and posted is not None else plan.amount


class SubscriptionChange(Change):
    """A move of a subscription."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="changes")


class Cycle(Stateful, Due):
    """One date of a subscription: at most one order, and so at most one charge. Due while something is to be done."""

    machine = CYCLE
    settled = ("subscription",)

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="cycles")
    number = models.PositiveIntegerField()
    due_on = models.DateField()
    status = models.CharField(max_length=16, choices=CycleStatus.choices, default=CycleStatus.CHARGING)
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+")
    """As it was when the cycle opened."""
    amount_value = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    order = models.OneToOneField(Order, models.PROTECT, null=True, blank=True, related_name="cycle")
    tries = models.PositiveSmallIntegerField(default=0)
    """Payments of its order that have failed."""
    trouble = models.CharField(max_length=16, choices=Trouble.choices, blank=True)
    result_code = models.CharField(max_length=64, blank=True)
    """The newest failure's, as the acquirer said it."""
    first_failed_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(default=clock.now, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-due_on", "-number")
        constraints = [
            models.UniqueConstraint(fields=("subscription", "number"), name="cycle_once"),
            models.CheckConstraint(condition=Q(status__in=CycleStatus.values), name="cycle_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=(*TO_BE_PAID, CycleStatus.PAID, CycleStatus.GIVEN_UP))
                | Q(order__isnull=False, amount_value__gt=0),
                name="charged_cycle_has_order",
            ),
            models.CheckConstraint(
                condition=Q(order__isnull=True) | Q(status__in=(*TO_BE_PAID, CycleStatus.PAID, CycleStatus.GIVEN_UP)),
                name="uncharged_cycle_has_none",
            ),
        ]
        indexes = [
            models.Index(fields=("subscription",), condition=Q(status__in=TO_BE_PAID), name="cycle_to_be_paid"),
            models.Index(fields=("trouble",), condition=Q(status__in=STUCK), name="cycle_stuck"),
            models.Index(fields=("first_failed_at",), name="cycle_failed", condition=Q(first_failed_at__isnull=False)),
            models.Index(
                fields=("subscription",), name="cycle_unposted", condition=Q(status=CycleStatus.AWAITING_AMOUNT)
            ),
        ]

    def __str__(self) -> str:
        return f"cycle {self.number} of {self.subscription}"

    @property
    def amount(self) -> Money | None:
        return None if self.amount_value is None else Money(self.amount_value, self.currency)


class CycleChange(Change):
    """A move of a cycle."""

    cycle = models.ForeignKey(Cycle, models.CASCADE, related_name="changes")


class RetryPolicy(models.Model):
    """What follows a failed charge, for one kind of trouble; the more exactly a row fits, the more it counts."""

    account = models.CharField(max_length=40, blank=True)
    """Slug of an account; empty: every account."""
    wallet = models.CharField(max_length=64, blank=True)
    """The acquirer's enum value; empty: every wallet."""
    trouble = models.CharField(max_length=16, choices=Trouble.choices)
    delays_hours = models.CharField(max_length=120, blank=True)
    """Hours from each failure to the next try, ``24 72 120``; as many tries as there are numbers."""
    paydays = models.CharField(max_length=60, blank=True)
    """Days of the month, ``15 31`` (31: the last one), on which a try is likelier to find money."""
    payday_within_days = models.PositiveSmallIntegerField(default=0)
    """A try is moved to the next payday when that is at most so far away; 0: never."""
    quiet_from = models.PositiveSmallIntegerField(null=True, blank=True)
    quiet_until = models.PositiveSmallIntegerField(null=True, blank=True)
    """Hours of the day in the wallet's zone: no try falls between them."""
    tries_a_day = models.PositiveSmallIntegerField(default=1)
    """At most so many charges of one cycle in a day of the wallet's zone."""
    grace_days = models.PositiveSmallIntegerField(default=7)
    past_due_days = models.PositiveSmallIntegerField(default=14)
    changed_at = models.DateTimeField(default=clock.now)
    changed_by = models.CharField(max_length=150, blank=True)
    """Empty: as it was shipped."""

    class Meta:
        ordering = ("trouble", "pk")
        verbose_name_plural = "retry policies"
        permissions = [("act_retry_policy", "Can ask for other retry policies")]
        constraints = [
            models.UniqueConstraint(fields=("account", "wallet", "trouble"), name="retry_policy_once"),
            models.CheckConstraint(condition=Q(trouble__in=Trouble.values), name="retry_policy_trouble_known"),
            models.CheckConstraint(
                condition=Q(trouble__in=RETRYABLE) | Q(delays_hours=""), name="retry_policy_only_where_it_helps"
            ),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__lte=23, quiet_until__lte=23),
                name="retry_policy_quiet_hours",
            ),
            models.CheckConstraint(condition=Q(tries_a_day__gte=1), name="retry_policy_tries_a_day"),
        ]

    def __str__(self) -> str:
        where = " · ".join(part for part in (self.account, self.wallet) if part)
        return f"{self.get_trouble_display()}{f' ({where})' if where else ''}"
