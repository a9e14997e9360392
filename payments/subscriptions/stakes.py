"""What hangs on the consents of bound wallets: subscriptions, their next charges, what is unpaid. Reads only.

Plugged into ``portal.registry``: whoever looks after consents lies below and knows no subscriptions.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Case, Count, F, Q, Sum, When

from payments.models import Cycle, Subscription
from payments.subscriptions.states import IN_TROUBLE, OPENING, RUNNING
from portal.registry import Stake

_COMING = Q(status__in=OPENING, next_on__isnull=False, ends_with_period=False)
_PRICE = Case(When(next_plan__isnull=True, then=F("plan__amount_value")), default=F("next_plan__amount_value"))

_IS_METERED = Q(next_plan=None, plan__amount_value=None) | Q(next_plan__isnull=False, next_plan__amount_value=None)


def of_wallets(keys: Sequence[Any]) -> Mapping[Any, Stake]:
    """By wallet account; those on which nothing hangs are left out. Two queries, however many are asked about."""
    counts: dict[Any, int] = defaultdict(int)
    unknown: dict[Any, int] = defaultdict(int)
    coming: dict[Any, dict[str, int]] = defaultdict(dict)
    unpaid: dict[Any, dict[str, int]] = defaultdict(dict)
    running = Subscription.objects.filter(wallet_account__in=keys, status__in=RUNNING).order_by()
    for key, currency, count, value, metered in (
        running.values("wallet_account", "plan__currency")
        .annotate(
            count=Count("pk"),
            value=Sum(_PRICE, filter=_COMING),
            metered=Count("pk", filter=_COMING & _IS_METERED),
        )
        .values_list("wallet_account", "plan__currency", "count", "value", "metered")
    ):
        counts[key] += count
        unknown[key] += metered
        if value:
            coming[key][currency] = value
    due = Cycle.objects.filter(
        subscription__wallet_account__in=keys, subscription__status__in=RUNNING, status__in=IN_TROUBLE
    ).order_by()
    for key, currency, value in (
        due.values("subscription__wallet_account", "currency")
        .annotate(value=Sum("amount_value"))
        .values_list("subscription__wallet_account", "currency", "value")
    ):
        unpaid[key][currency] = value
    return {
        key: Stake(count, next_charges=coming[key], unknown=unknown[key], unpaid=unpaid[key])
        for key, count in counts.items()
    }
