"""What subscriptions show on the first page: how many are past due, and since when. Reads only."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.urls import reverse

from payments.models import Subscription
from payments.subscriptions.states import SubscriptionStatus
from portal.gather import Standing
from portal.registry import TodayLine, TodayQueue, line_for_each
from portal.words import say


def _any_past_due() -> QuerySet[Subscription]:
    return Subscription.objects.filter(status=SubscriptionStatus.PAST_DUE).order_by("pk")[:1]


def _past_due() -> QuerySet[Subscription, Any]:
    rows = Subscription.objects.filter(status=SubscriptionStatus.PAST_DUE).order_by()
    return rows.values("status").annotate(count=Count("pk"), since=Min("grace_until"))


def _line(row: Mapping[str, Any]) -> TodayLine:
    """One line for all of them: their buyers get no service, and nothing is charged."""
    count = row["count"]
    what = say("1 subscription is past due") if count == 1 else say("{count:,} subscriptions are past due", count=count)
    return TodayLine(
        label=say("Past due"),
        tone="bad",
        sentence=say("{what}: no further charge is made until the open one is paid", what=what),
        url=f"{reverse('admin:payments_subscription_changelist')}?ask=past_due",
        action=say("Look"),
        since=row["since"],
    )


PAST_DUE = TodayQueue(
    "payments.view_subscription", [Standing(_any_past_due)], Standing(_past_due), line_for_each(_line)
)
"""One line for all that are past due."""
