"""What the doors of recurring charges answer."""

from datetime import date, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from payments.api.reasons import ACTIONS, TROUBLES
from payments.models import Cycle, Plan, Subscription
from payments.subscriptions.states import RUNNING, CycleStatus, EndCode, Interval, SubscriptionStatus, Trouble
from portal.acquirer.wallets import name_of
from portal.api.fields import Amount, Moment
from portal.api.fields import shown as as_shown

NEWEST = 12
"""Cycles that an answer shows."""


@extend_schema_serializer(component_name="SubscriptionTrouble")
class TroubleShown(serializers.Serializer[Any]):
    """Why a cycle is not paid."""

    code = serializers.ChoiceField(choices=Trouble.values)
    text = serializers.CharField(help_text="For the buyer.")
    action = serializers.ChoiceField(choices=ACTIONS, help_text="What to offer the buyer.")


@extend_schema_serializer(component_name="Plan")
class PlanShown(serializers.Serializer[Plan]):
    """What is charged again and again."""

    code = serializers.CharField()
    name = serializers.CharField()
    sku = serializers.CharField(source="product.sku", help_text="Of its product.")
    amount = serializers.SerializerMethodField(help_text="Of each cycle; null for a metered plan.")
    currency = serializers.CharField()
    interval = serializers.ChoiceField(choices=Interval.values)
    every = serializers.IntegerField(help_text="So many intervals from one charge to the next.")
    anchor_day = serializers.IntegerField(
        allow_null=True, help_text="Day of the month (its last day where it is shorter), or of the week (1: Monday)."
    )
    trial_days = serializers.IntegerField(help_text="The first charge is due after them.")
    charges = serializers.IntegerField(source="cycle_count", allow_null=True, help_text="Null: it goes on.")
    zone = serializers.CharField(help_text="The time zone whose days are meant.")

    @extend_schema_field(Amount(allow_null=True))
    def get_amount(self, plan: Plan) -> dict[str, Any] | None:
        """Of each cycle."""
        return as_shown(Amount, plan.amount) if plan.amount else None


class PlanPage(serializers.Serializer[Any]):
    """Plans, by name."""

    items = PlanShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="SubscriptionCycle")
class CycleShown(serializers.Serializer[Cycle]):
    """One date."""

    due_on = serializers.DateField()
    status = serializers.ChoiceField(choices=CycleStatus.values)
    status_text = serializers.CharField(source="get_status_display", help_text="For people.")
    amount = serializers.SerializerMethodField(help_text="Null while nobody has posted it.")
    order = serializers.SerializerMethodField(help_text="Number of its order; null without one.")
    next_try_at = serializers.SerializerMethodField(help_text="When it is tried again; null otherwise.")

    @extend_schema_field(Amount(allow_null=True))
    def get_amount(self, cycle: Cycle) -> dict[str, Any] | None:
        """What it costs."""
        return as_shown(Amount, cycle.amount) if cycle.amount else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_order(self, cycle: Cycle) -> str | None:
        """Its order's number."""
        return cycle.order.number if cycle.order else None

    @extend_schema_field(Moment(allow_null=True))
    def get_next_try_at(self, cycle: Cycle) -> datetime | None:
        """When it is tried again."""
        return cycle.due_at if cycle.status == CycleStatus.RETRYING else None


@extend_schema_serializer(component_name="Subscription")
class SubscriptionShown(serializers.Serializer[Subscription]):
    """One buyer's agreement to a plan."""

    id = serializers.CharField(source="number")
    status = serializers.ChoiceField(choices=SubscriptionStatus.values)
    status_text = serializers.CharField(source="get_status_display", help_text="For people.")
    plan = PlanShown()
    customer = serializers.CharField(source="buyer.reference")
    reference = serializers.CharField(help_text="The merchant's own; may be empty.")
    wallet_id = serializers.CharField(source="wallet_account.public_id")
    wallet = serializers.CharField(source="wallet_account.wallet")
    name = serializers.SerializerMethodField(help_text="The wallet's name.")
    label = serializers.CharField(source="wallet_account.login_label", help_text="The user's login, masked.")  # type: ignore[assignment]  # a field of the answer
    most = serializers.SerializerMethodField(help_text="Metered: the most that one cycle may cost; else null.")
    next_on = serializers.SerializerMethodField(help_text="The day of the next charge; null when none comes.")
    next_at = serializers.SerializerMethodField(help_text="The moment of it.")
    next_amount = serializers.SerializerMethodField(help_text="Of the next charge; null where it is not known yet.")
    next_plan = serializers.CharField(source="next_plan.code", default=None, allow_null=True)
    ends_with_period = serializers.BooleanField(help_text="It ends when the next charge would fall due.")
    ends_on = serializers.DateField(allow_null=True)
    trouble = serializers.SerializerMethodField(help_text="Null when nothing is unpaid, and once it is over.")
    grace_until = Moment(allow_null=True, help_text="The service goes on until then.")
    past_due_until = Moment(allow_null=True, help_text="It ends then, unless it is paid.")
    started_at = Moment()
    ended_at = Moment(allow_null=True)
    end = serializers.SerializerMethodField(help_text="Why it is over; null while it runs.")

    @extend_schema_field(serializers.ChoiceField(choices=EndCode.values, allow_null=True))
    def get_end(self, subscription: Subscription) -> str | None:
        """A code."""
        return subscription.end_code or None

    def get_name(self, subscription: Subscription) -> str:
        """The wallet's name for people."""
        return name_of(subscription.wallet_account.wallet)

    @extend_schema_field(Amount(allow_null=True))
    def get_most(self, subscription: Subscription) -> dict[str, Any] | None:
        """What the buyer agreed to."""
        return as_shown(Amount, subscription.most) if subscription.most else None

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_next_on(self, subscription: Subscription) -> date | None:
        """None while no cycle opens."""
        is_opening = subscription.status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.IN_GRACE)
        is_coming = is_opening and not subscription.ends_with_period
        return subscription.next_on if is_coming else None

    @extend_schema_field(Moment(allow_null=True))
    def get_next_at(self, subscription: Subscription) -> datetime | None:
        """In UTC."""
        day = self.get_next_on(subscription)
        return subscription.moment(day) if day else None

    @extend_schema_field(Amount(allow_null=True))
    def get_next_amount(self, subscription: Subscription) -> dict[str, Any] | None:
        """As far as it is known."""
        is_coming = self.get_next_on(subscription) is not None
        return as_shown(Amount, subscription.next_amount) if is_coming and subscription.next_amount else None

    @extend_schema_field(TroubleShown(allow_null=True))
    def get_trouble(self, subscription: Subscription) -> dict[str, str] | None:
        """For the buyer."""
        if not subscription.trouble or subscription.status not in RUNNING:
            return None
        text, action = TROUBLES[subscription.trouble]
        return {"code": subscription.trouble, "text": text, "action": action}


@extend_schema_serializer(component_name="SubscriptionWithCycles")
class SubscriptionDetail(SubscriptionShown):
    """One buyer's agreement to a plan, with its newest dates."""

    cycles = serializers.SerializerMethodField(help_text=f"The {NEWEST} newest, newest first.")

    @extend_schema_field(CycleShown(many=True))
    def get_cycles(self, subscription: Subscription) -> list[dict[str, Any]]:
        """Newest first."""
        newest = subscription.cycles.select_related("order").order_by("-number")[:NEWEST]
        return [as_shown(CycleShown, cycle) for cycle in newest]


class SubscriptionPage(serializers.Serializer[Any]):
    """Subscriptions, newest first."""

    items = SubscriptionShown(many=True)
    next_cursor = serializers.CharField(allow_null=True)
