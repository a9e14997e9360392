"""What stops when a consent is revoked or a method left out, named before it is done. For ``portal.registry``."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from payments.models import Subscription
from payments.subscriptions.queries import stopping_with
from payments.subscriptions.states import OPENING, RUNNING
from portal import clock
from portal.registry import COUNTED_AT_MOST
from portal.words import say

MOST_NAMED = 10


def named(wallet_account: Any) -> list[str]:
    """A sentence for each subscription that ends with this wallet's consent, and one for those beyond the first ten."""
    rows = list(stopping_with(wallet_account)[: MOST_NAMED + 1])
    sentences = [
        say("It ends the subscription {number}: {plan}.", number=row.number, plan=row.plan.name)
        for row in rows[:MOST_NAMED]
    ]
    if len(rows) > MOST_NAMED:
        count = stopping_with(wallet_account).count()
        sentences.append(say("It ends {count} further subscriptions.", count=count - MOST_NAMED))
    return sentences


def follow(older: Sequence[Any], newer: Any) -> None:
    """What was charged through these goes on with the binding that took their place, and ends with that one.

    Not only at the next charge: a consent that is revoked before it would end none of them, and agreeing once more,
    to something new, would pay for what was agreed to before. Other accounts' subscriptions stay where they are.
    """
    here = [one for one in older if one.account_id == newer.account_id]
    _held(Subscription.objects.filter(wallet_account__in=here, status__in=RUNNING)).update(wallet_account=newer)


def end_with(wallet_account: Any) -> None:
    """What is charged through it is looked at at once: it ends now, not when it would have been charged next."""
    _held(Subscription.objects.filter(wallet_account=wallet_account, status__in=RUNNING)).update(due_at=clock.now())


def _held(rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """The rows, locked in the order in which the billing run locks them."""
    keys = list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    return Subscription.objects.filter(pk__in=keys)


def charged_with(method: Any) -> tuple[str, int]:
    """How many subscriptions are charged with a payment method."""
    rows = Subscription.objects.filter(
        account=method.account_id, wallet_account__wallet=method.code, status__in=OPENING
    )
    return say("Subscriptions charged"), rows.order_by().values("pk")[: COUNTED_AT_MOST + 1].count()
