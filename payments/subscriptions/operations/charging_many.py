"""Charging many cycles about which there is nothing to weigh; ``charging`` does all others, one by one.

Plain is a cycle that was never tried, of an active subscription on a wallet that can be debited. Whatever it becomes
but paid is left as it is for ``work_cycle``, which looks at the order and goes on from there.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.db import transaction

from payments.models import Cycle, Subscription
from payments.operations.paying_many import GRACE, pay_many
from payments.states import Messenger, PaymentStatus
from payments.subscriptions import announcements
from payments.subscriptions.operations.charging import TERMINAL
from payments.subscriptions.operations.stepping import end_if_done
from payments.subscriptions.states import CycleEvent, CycleStatus, SubscriptionStatus
from portal import clock, statements
from portal.actor import Actor


def charge_many(keys: Sequence[int], may_go_on: Callable[[], bool]) -> list[Cycle]:
    """Charge those of the cycles that are plain, once each; those that are paid now. Safe to do twice at once."""
    plain = _plain(keys)
    if not plain:
        return []
    payments = pay_many(
        {order: wallet for order, (_, _, wallet) in plain.items()},
        by=Actor.clock(),
        terminal=TERMINAL,
        still_wanted=lambda orders: _still_wanted(plain, orders),
        may_go_on=may_go_on,
    )
    paid = [plain[it.order_id] for it in payments if it.status == PaymentStatus.SUCCEEDED]
    return _close([(cycle, subscription) for cycle, subscription, _ in paid])


def _plain(keys: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """(cycle, subscription, wallet) of those that may be plain, in ids, by order.

    Asked by keys alone: joined, PostgreSQL may begin at a status that nearly every row has. How orders and wallets
    stand, and whether somebody is paying by hand, the promise sees.
    """
    rows = Cycle.objects.filter(pk__in=keys, status=CycleStatus.CHARGING, tries=0, order__isnull=False)
    cycles = list(rows.order_by("pk").values_list("order_id", "pk", "subscription_id"))
    active = Subscription.objects.filter(
        pk__in={subscription for _, _, subscription in cycles}, status=SubscriptionStatus.ACTIVE
    )
    wallets = dict(active.order_by().values_list("pk", "wallet_account_id"))
    return {
        order: (cycle, subscription, wallets[subscription])
        for order, cycle, subscription in cycles
        if subscription in wallets
    }


def _still_wanted(plain: dict[int, tuple[int, int, int]], orders: Sequence[int]) -> Collection[int]:
    """Inside the promise: nobody has ended or changed the subscription, and the cycle is still to be charged."""
    by_cycle = {plain[order][0]: order for order in orders}
    active = Subscription.objects.select_for_update(no_key=True).filter(
        pk__in={plain[order][1] for order in orders}, status=SubscriptionStatus.ACTIVE
    )
    wallets = dict(active.order_by("pk").values_list("pk", "wallet_account"))
    on_its_wallet = [cycle for cycle, order in by_cycle.items() if wallets.get(plain[order][1]) == plain[order][2]]
    charging = Cycle.objects.select_for_update(no_key=True).filter(pk__in=on_its_wallet, status=CycleStatus.CHARGING)
    wanted = list(charging.order_by("pk").values_list("pk", flat=True))
    Cycle.objects.filter(pk__in=wanted).update(due_at=clock.now() + GRACE)
    return {by_cycle[cycle] for cycle in wanted}


def _close(paid: Sequence[tuple[int, int]]) -> list[Cycle]:
    """Write down that these are paid: (cycle, subscription), in ids. What is in trouble meanwhile is left."""
    if not paid:
        return []
    with transaction.atomic(durable=True):
        subscriptions = (
            Subscription.objects.select_for_update(of=("self",), no_key=True)
            .select_related("plan", "buyer", "account", "wallet_account")
            .filter(pk__in={subscription for _, subscription in paid}, status=SubscriptionStatus.ACTIVE)
            .order_by("pk")
        )
        held = {it.pk: it for it in subscriptions}
        cycles = list(
            Cycle.objects.select_for_update(no_key=True)
            .filter(pk__in=[cycle for cycle, _ in paid], subscription__in=held, status=CycleStatus.CHARGING)
            .order_by("pk")
        )
        done: dict[str, Any] = {"closed_at": clock.now(), "due_at": None, "lease_until": None}
        moves = [cycle.move(CycleEvent.PAID, heard_from=Messenger.CLOCK, **done) for cycle in cycles]
        statements.in_bulk([part for move in moves for part in move.parts])
        closed = [cycle for cycle, move in zip(cycles, moves, strict=True) if move.is_done()]
        for cycle in closed:
            cycle.subscription = held[cycle.subscription_id]
        listening = {key: announcements.is_heard(key) for key in {it.account_id for it in held.values()}}
        for cycle in closed:
            if listening[cycle.subscription.account_id]:
                announcements.charged(cycle.subscription, cycle)
            end_if_done(cycle.subscription)
    return closed
