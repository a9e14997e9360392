"""What the doors of recurring charges take."""

import datetime
from typing import Any

from rest_framework import serializers

from authorizations.api.forms import REFERENCE, ByCustomer
from payments.subscriptions.states import SubscriptionStatus
from portal.api.fields import AmountGiven, Choice, Listing, Strict, Text

NOW, PERIOD_END = "NOW", "PERIOD_END"
WHEN = [NOW, PERIOD_END]


class Day(Text):
    """A day, without a time."""

    says = {"format": "date"}
    default_error_messages = {"day": "This is no day: give one such as 2026-03-31."}

    def __init__(self, **options: Any) -> None:
        super().__init__(pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}", **options)

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            self.fail("day")


class SubscriptionByBuyer(Strict):
    """A plan, and the wallet that pays it."""

    plan = Text(max_length=64, help_text="`code` of one of GET plans.")
    wallet_id = Text(max_length=64, help_text="`id` of one of GET wallets.")
    most = AmountGiven(required=False, help_text="Metered plans: the most that one cycle may cost.")
    ends_on = Day(required=False, help_text="No cycle is due after this day.")


class SubscriptionByMerchant(SubscriptionByBuyer):
    """A customer, a plan, and the wallet that pays it. The customer agreed to `most` somewhere; keep where."""

    customer = Text(max_length=REFERENCE, help_text="Your own reference of the customer.")
    reference = Text(max_length=64, required=False, help_text="Your own reference of the subscription; taken once.")


class SubscriptionQuery(Listing, ByCustomer):
    """The query of the list of subscriptions."""

    status = Choice(choices=SubscriptionStatus.values, required=False, help_text="Only those in this state.")
    wallet_id = Text(
        max_length=64, required=False, help_text="Only those that this wallet pays: they end when it is revoked."
    )
    reference = Text(max_length=64, required=False, help_text="Merchant keys only: of this reference.")


class CancelGiven(Strict):
    """When it ends."""

    at = Choice(choices=WHEN, required=False, help_text="Usually NOW. PERIOD_END: when the next cycle would fall due.")
    note = Text(max_length=200, required=False, help_text="For the merchant's staff.")


class SkipGiven(Strict):
    """Which date is not charged."""

    due_on = Day(help_text="`next_on` of the subscription.")


class ChangeGiven(Strict):
    """Another plan, or another wallet."""

    plan = Text(max_length=64, required=False, help_text="`code` of another plan, from the next cycle on.")
    most = AmountGiven(required=False, help_text="Metered plans: the most that one cycle may cost.")
    wallet_id = Text(max_length=64, required=False, help_text="Another wallet, from now on.")

    def say(self, described: dict[str, Any]) -> dict[str, Any]:
        return {**described, "oneOf": [{"required": ["plan"]}, {"required": ["wallet_id"]}]}

    def validate(self, attrs: Any) -> Any:
        if ("plan" in attrs) == ("wallet_id" in attrs):
            raise serializers.ValidationError({"plan": ["Give a plan or a wallet_id, and not both."]}, "required")
        return attrs


class AmountPosted(Strict):
    """What a cycle of a metered plan costs."""

    due_on = Day(help_text="`next_on`, or the `due_on` of a cycle that waits for its amount.")
    amount = AmountGiven(help_text="At most what the customer agreed to.")
