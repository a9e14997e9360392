"""What subscriptions show on the first page: what is past due, and what the clock does not try again. Reads only."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.urls import reverse

from payments.models import Cycle, Subscription
from payments.subscriptions.states import OPENING, STUCK, CycleStatus, SubscriptionStatus, Trouble
from portal.gather import Standing
from portal.registry import TodayLine, TodayQueue, line_for_each
from portal.words import say, told


def _any_past_due() -> QuerySet[Subscription]:
    return Subscription.objects.filter(status=SubscriptionStatus.PAST_DUE).order_by("pk")[:1]


def _past_due() -> QuerySet[Subscription, Any]:
    rows = Subscription.objects.filter(status=SubscriptionStatus.PAST_DUE).order_by()
    return rows.values("status").annotate(count=Count("pk"), since=Min("grace_until"))


def _line(row: Mapping[str, Any]) -> TodayLine:
    """One line for all of them: their buyers get no service, and nothing is charged."""
    count = row["count"]
    what = say("1 subscription is past due") if count == 1 else say("{count:,} subscriptions are past due", count=count)
    sentence = say("{what}: no further charge is made until the open one is paid", what=what)
    return _look_at("ask=past_due", row, say("Past due"), "bad", sentence)


def _any_stuck() -> QuerySet[Cycle]:
    return Cycle.objects.filter(status__in=STUCK).order_by("pk")[:1]


def _stuck() -> QuerySet[Cycle, Any]:
    """In grace: what is past due has its line already."""
    rows = Cycle.objects.filter(status__in=STUCK, subscription__status=SubscriptionStatus.IN_GRACE).order_by()
    how_many = Count("subscription", distinct=True)
    return rows.values("trouble").annotate(count=how_many, since=Min("first_failed_at")).order_by("trouble")


def _stuck_line(row: Mapping[str, Any]) -> TodayLine:
    """One line for each reason: until somebody acts, the open charge is not tried again, and the grace runs."""
    count, trouble = row["count"], told(Trouble(row["trouble"]).label)
    if row["trouble"] == Trouble.CONSENT:
        one = say("1 subscription is charged again once its buyer authorizes the wallet anew")
        several = say("{count:,} subscriptions are charged again once their buyers authorize anew", count=count)
    else:
        one = say("1 subscription has a charge that is not tried again by itself: {trouble}", trouble=trouble)
        several = say(
            "{count:,} subscriptions have charges that are not tried again by themselves: {trouble}",
            count=count,
            trouble=trouble,
        )
    which = f"ask=in_grace&unpaid={row['trouble']}"
    return _look_at(which, row, say("In grace"), "wait", one if count == 1 else several)


def _any_unposted() -> QuerySet[Cycle]:
    return Cycle.objects.filter(status=CycleStatus.AWAITING_AMOUNT).order_by("pk")[:1]


def _unposted() -> QuerySet[Cycle, Any]:
    rows = Cycle.objects.filter(status=CycleStatus.AWAITING_AMOUNT, subscription__status__in=OPENING).order_by()
    return rows.values("status").annotate(count=Count("pk"), since=Min("opened_at"))


def _unposted_line(row: Mapping[str, Any]) -> TodayLine:
    """One line for all of them: what is not posted before the next date is not charged at all."""
    count = row["count"]
    one = say("1 metered charge is due, and your server has not posted its amount")
    several = say("{count:,} metered charges are due, and your server has not posted their amounts", count=count)
    return _look_at("ask=unposted", row, say("No amount"), "wait", one if count == 1 else several)


def _look_at(which: str, row: Mapping[str, Any], label: str, tone: str, sentence: str) -> TodayLine:
    """A line that leads to these of the list."""
    url = f"{reverse('admin:payments_subscription_changelist')}?{which}"
    return TodayLine(label=label, tone=tone, sentence=sentence, url=url, action=say("Look"), since=row["since"])


UNPOSTED = TodayQueue(
    "payments.view_subscription", [Standing(_any_unposted)], Standing(_unposted), line_for_each(_unposted_line)
)
"""One line for all charges that wait for an amount."""

STUCK_CHARGES = TodayQueue(
    "payments.view_subscription", [Standing(_any_stuck)], Standing(_stuck), line_for_each(_stuck_line)
)
"""One line for each reason why charges of subscriptions wait for somebody."""
PAST_DUE = TodayQueue(
    "payments.view_subscription", [Standing(_any_past_due)], Standing(_past_due), line_for_each(_line)
)
"""One line for all that are past due."""
