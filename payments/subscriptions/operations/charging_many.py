"""Charging many cycles about which there is nothing to weigh; ``charging`` does all others, one by one.

Plain is a cycle that was never tried, of an active subscription on a wallet that can be debited. Whatever it becomes
but paid is left as it is for ``work_cycle``, which looks at the order and goes on from there.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, prefetch_related_objects

from payments.models import Cycle, Subscription
from payments.operations.paying_many import pay_many
from payments.operations.payments import AT_ONCE
from payments.states import Messenger, PaymentStatus
from payments.subscriptions import announcements
from payments.subscriptions.operations.charging import TERMINAL
from payments.subscriptions.operations.stepping import end_if_done
from payments.subscriptions.states import CycleEvent, CycleStatus, SubscriptionStatus
from portal import clock, statements
from portal.actor import Actor
from portal.statements import Found, given_ids, ids


def _active() -> QuerySet[Subscription]:
    return Subscription.objects.filter(pk__in=given_ids(AT_ONCE), status=SubscriptionStatus.ACTIVE).order_by("pk")


def _charging() -> QuerySet[Cycle]:
    return Cycle.objects.filter(pk__in=given_ids(AT_ONCE), status=CycleStatus.CHARGING).order_by("pk")


_WALLET = ("pk", "wallet_account_id")
_UNTRIED = Found(
    lambda: _charging().filter(tries=0, order__isnull=False).values_list("order_id", "pk", "subscription_id")
)
_ACTIVE = Found(lambda: _active().values_list(*_WALLET))
_ACTIVE_HELD = Found(lambda: _active().select_for_update(no_key=True))
_WALLETS_HELD = Found(lambda: _active().select_for_update(no_key=True).values_list(*_WALLET))
_CHARGING_HELD = Found(lambda: _charging().select_for_update(no_key=True))
_KEYS_HELD = Found(lambda: _charging().select_for_update(no_key=True).values_list("pk"))


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
    cycles = _UNTRIED.tuples(**ids(keys, AT_ONCE))
    if not cycles:
        return {}
    wallets = dict(_ACTIVE.tuples(**ids([subscription for _, _, subscription in cycles], AT_ONCE)))
    return {
        order: (cycle, subscription, wallets[subscription])
        for order, cycle, subscription in cycles
        if subscription in wallets
    }


def _still_wanted(plain: dict[int, tuple[int, int, int]], orders: Sequence[int]) -> Collection[int]:
    """Inside the promise: nobody has ended or changed the subscription, and the cycle is still to be charged.

    Until the answers are written down, the lease keeps others from the cycles; and who comes to one that a killed
    worker has left finds its payment.
    """
    if not orders:
        return ()
    by_cycle = {plain[order][0]: order for order in orders}
    wallets = dict(_WALLETS_HELD.tuples(**ids([plain[order][1] for order in orders], AT_ONCE)))
    on_its_wallet = [cycle for cycle, order in by_cycle.items() if wallets.get(plain[order][1]) == plain[order][2]]
    if not on_its_wallet:
        return ()
    return {by_cycle[cycle] for (cycle,) in _KEYS_HELD.tuples(**ids(on_its_wallet, AT_ONCE))}


def _close(paid: Sequence[tuple[int, int]]) -> list[Cycle]:
    """Write down that these are paid: (cycle, subscription), in ids. What is in trouble meanwhile is left."""
    if not paid:
        return []
    with transaction.atomic(durable=True):
        held = {it.pk: it for it in _ACTIVE_HELD.all(**ids([subscription for _, subscription in paid], AT_ONCE))}
        cycles = [
            it for it in _CHARGING_HELD.all(**ids([cycle for cycle, _ in paid], AT_ONCE)) if it.subscription_id in held
        ]
        done: dict[str, Any] = {"closed_at": clock.now(), "due_at": None, "lease_until": None}
        moves = [cycle.move(CycleEvent.PAID, heard_from=Messenger.CLOCK, **done) for cycle in cycles]
        statements.in_bulk([part for move in moves for part in move.parts])
        closed = [cycle for cycle, move in zip(cycles, moves, strict=True) if move.is_done()]
        for cycle in closed:
            cycle.subscription = held[cycle.subscription_id]
        listening = {key: announcements.is_heard(key) for key in {it.account_id for it in held.values()}}
        told = [it for it in held.values() if listening[it.account_id]]
        prefetch_related_objects(told, "plan", "buyer", "account", "wallet_account")
        for cycle in closed:
            if listening[cycle.subscription.account_id]:
                announcements.charged(cycle.subscription, cycle)
            end_if_done(cycle.subscription)
    return closed
