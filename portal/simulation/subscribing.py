"""What buyers and staff do about recurring charges in a history, and what must hold of them at its end.

The worker opens the cycles and charges them like everything else that is due.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from authorizations.models import WalletAccount
from payments.models import Cycle, Payment, Plan, Subscription, SubscriptionChange
from payments.states import OrderStatus
from payments.subscriptions import operations
from payments.subscriptions.states import OPENING, RUNNING, TO_BE_PAID, CycleStatus, SubscriptionStatus
from portal import clock
from portal.actor import Actor, ActorKind
from portal.money import Money
from portal.simulation.deciding import somebody
from portal.simulation.stage import PHONE, PRICES, WALLETS
from portal.simulation.world import World
from portal.statements import Found

if TYPE_CHECKING:
    from portal.simulation.promises import Ending

_RUNS = "status IN ('ACTIVE', 'PAUSED', 'IN_GRACE', 'PAST_DUE')"
_UNPAID = "status IN ('CHARGING', 'RETRYING', 'NEEDS_CONSENT', 'FAILED')"
_SOON = timedelta(days=2)
_SERVER = Actor.merchant_server("simulate")


def subscribes(world: World, rng: random.Random) -> str:
    """A buyer agrees to a plan, through the API or at the shop."""
    buyer = rng.choice(world.buyers)
    wallet = world.some(rng, WalletAccount, "buyer_id = %s AND status = 'ACTIVE'", [buyer.pk])
    if wallet is None:
        return ""
    currency = WALLETS[wallet.wallet]
    code, most = _some_plan(rng, currency)
    world.expected += ["is charged again", "thinks again"]
    if rng.random() < 0.5:
        body: dict[str, Any] = {"plan": code, "wallet_id": wallet.public_id}
        if most:
            body["most"] = {"value": str(most.value), "currency": currency}
        answer = world.posts(rng, buyer, world.session_of(buyer), "/subscriptions", body)
        return f"{buyer} subscribes to {code}: {answer.word}"
    plan = Plan.objects.get(account_id=buyer.account_id, code=code)
    begun = operations.start(buyer, plan, wallet, by=Actor.buyer(buyer.reference), most=most)
    return f"{buyer} subscribes to {code}: {begun.status}"


def _some_plan(rng: random.Random, currency: str) -> tuple[str, Money | None]:
    """Its code, and the most that one cycle may cost where a meter is read."""
    kind = rng.choice(("week", "week", "month", "metered"))
    most = Money(PRICES[currency] * 2, currency) if kind == "metered" else None
    return f"{kind}-{currency.lower()}", most


def thinks_again(world: World, rng: random.Random) -> str:
    """A buyer pauses, resumes, skips one, cancels, or takes another plan: by the API, or staff does it."""
    subscription = world.some(rng, Subscription, _RUNS)
    if subscription is None:
        return ""
    buyer, kind = subscription.buyer, rng.random()
    verbs = (("pause", 0.3), ("resume", 0.6), ("skip", 0.72), ("change", 0.88), ("cancel", 1.0))
    verb = next(name for name, most in verbs if kind < most)
    code, most = _some_plan(rng, subscription.plan.currency) if verb == "change" else ("", None)
    if rng.random() < 0.5:
        body: dict[str, Any] = {}
        if verb == "skip":
            body = {"due_on": str(subscription.next_on or subscription.first_on)}
        elif verb == "change":
            body = {"plan": code} | ({"most": most.to_wire()} if most else {})
        path = f"/subscriptions/{subscription.number}/{verb}"
        answer = world.posts(rng, buyer, world.session_of(buyer), path, body)
        return f"{buyer} wants to {verb}: {answer.word}"
    by = somebody(world, rng, "payments.act_subscription")
    if verb == "pause":
        operations.pause(subscription, by=by)
    elif verb == "resume":
        operations.resume(subscription, by=by)
    elif verb == "skip":
        operations.skip(subscription, subscription.next_on or subscription.first_on, by=by)
    elif verb == "change":
        plan = Plan.objects.get(account_id=subscription.account_id, code=code)
        operations.change_plan(subscription, plan, by=by, most=most)
    else:
        operations.cancel(subscription, by=by, at_period_end=rng.random() < 0.3)
    return f"{buyer} wants to {verb}, staff does: {subscription.status}"


def is_charged_again(world: World, rng: random.Random) -> str:
    """Staff lets an unpaid cycle be charged again, or the buyer pays it or changes the wallet; or a meter is read."""
    kind = rng.random()
    if kind < 0.35:
        return _reads_a_meter(world, rng)
    if kind < 0.65:
        return _is_paid_by_hand(world, rng)
    cycle = world.some(rng, Cycle, "status IN ('RETRYING', 'NEEDS_CONSENT', 'FAILED')")
    if cycle is None:
        return ""
    subscription = cycle.subscription
    if rng.random() < 0.5:
        done = operations.try_again(cycle, by=somebody(world, rng, "payments.act_charge_cycle"))
        return f"{cycle} is charged again: {done.status}"
    where, values = "buyer_id = %s AND wallet = %s AND status = 'ACTIVE'", [subscription.buyer_id]
    wallet = world.some(rng, WalletAccount, where, [*values, subscription.wallet_account.wallet])
    if wallet is None:
        return ""
    operations.change_wallet(subscription, wallet, by=Actor.buyer(subscription.buyer.reference))
    return f"{subscription} has another wallet"


def _is_paid_by_hand(world: World, rng: random.Random) -> str:
    """The buyer pays a cycle's order as any other, whether or not the worker has come to it."""
    cycle = world.some(rng, Cycle, _UNPAID) or _one_that_opens(world, rng)
    if cycle is None or cycle.order is None:
        return ""
    buyer = cycle.subscription.buyer
    wallets = [wallet for wallet, currency in WALLETS.items() if currency == cycle.currency]
    where = "buyer_id = %s AND wallet = %s AND status = 'ACTIVE'"
    wallet = world.some(rng, WalletAccount, where, [buyer.pk, wallets[0]])
    if wallet is None:
        return ""
    if rng.random() < 0.5:
        body = {"wallet_id": wallet.public_id, "os_type": "ANDROID"}
        answer = world.posts(rng, buyer, world.session_of(buyer), f"/orders/{cycle.order.number}/pay", body)
        return f"{buyer} pays {cycle}: {answer.word}"
    by = Actor.buyer(buyer.reference)
    payment = operations.pay_by_hand(cycle.pk, cycle.order, wallet, by=by, terminal=PHONE)
    return f"{buyer} pays {cycle}: {payment.status} {payment.result_code}".strip()


def _one_that_opens(world: World, rng: random.Random) -> Cycle | None:
    """A cycle that has just fallen due, and that no worker has come to yet: few are unpaid for long."""
    if world.is_overtaking or world.line.under_way.total():
        return None
    subscription = world.some(rng, Subscription, "status = 'ACTIVE' AND next_on IS NOT NULL")
    if subscription is None or subscription.next_on is None:
        return None
    moment = subscription.moment(subscription.next_on)
    if moment > clock.now() + _SOON:
        return None
    world.clock.set(max(moment, clock.now()))
    operations.open_cycles([subscription.pk])
    return subscription.cycles.filter(status=CycleStatus.CHARGING).select_related("order").first()


def _reads_a_meter(world: World, rng: random.Random) -> str:
    subscription = world.some(rng, Subscription, f"{_RUNS} AND most_value IS NOT NULL")
    if subscription is None:
        return ""
    waiting = subscription.cycles.filter(status=CycleStatus.AWAITING_AMOUNT).order_by("number").first()
    day = waiting.due_on if waiting is not None else subscription.next_on
    if day is None:
        return ""
    units = PRICES[subscription.plan.currency]
    amount = Money(units if rng.random() < 0.8 else units * 3, subscription.plan.currency)
    cycle = operations.post_amount(subscription, day, amount, by=_SERVER)
    return f"the meter of {subscription} says {amount}: {cycle.status}"


def everybody_leaves() -> None:
    """No subscription goes on."""
    for subscription in Subscription.objects.filter(status__in=RUNNING).order_by("pk"):
        operations.cancel(subscription, by=Actor.command("simulate"))


# What must hold.


def charged_once(end: "Ending") -> list[str]:
    """Exactly one order for each cycle that fell due, and none for one that was paused, past due or over."""
    return [*_once(), *_never_after_the_end(), *_none_forgotten(), *_ended_in_time()]


def _once() -> Iterator[str]:
    paid = (OrderStatus.PAID, OrderStatus.REFUNDED)
    for cycle in _CYCLES.all():
        order = cycle.order
        if order is None:
            continue
        if (order.amount_value, order.currency) != (cycle.amount_value, cycle.currency):
            yield f"{cycle} costs {cycle.amount}, and its order {order.amount}"
        if cycle.plan.amount not in (None, cycle.amount):
            yield f"{cycle} costs {cycle.amount}, and its plan {cycle.plan.amount}"
        if cycle.status == CycleStatus.PAID and order.paid_at is None:
            yield f"{cycle} is PAID, and its order never was"
        if order.status in paid and cycle.status in (CycleStatus.GIVEN_UP, CycleStatus.SKIPPED):
            yield f"{cycle} is {cycle.status}, and its order is {order.status}"
        if order.status in paid and cycle.status == CycleStatus.CHARGING:
            yield f"{cycle} is still CHARGING, and its order is {order.status}"
        if cycle.status in TO_BE_PAID and cycle.subscription.status not in RUNNING:
            yield f"{cycle} is {cycle.status}, and its subscription is {cycle.subscription.status}"


def _never_after_the_end() -> Iterator[str]:
    gaps = _not_opening()
    for payment in _CHARGED_BY_CLOCK.all():
        subscription = payment.order.cycle.subscription
        if subscription.ended_at is not None and payment.created_at > subscription.ended_at:
            yield f"{payment} was promised by the clock after {subscription} was over"
    for cycle in _CYCLES.all():
        if cycle.order is None:
            continue
        for begun, ended in gaps[cycle.subscription_id]:
            if begun < cycle.opened_at and (ended is None or cycle.opened_at < ended):
                yield f"{cycle} opened while {cycle.subscription} opened nothing"


def _none_forgotten() -> Iterator[str]:
    at, not_opening = clock.now(), _not_opening()
    numbers: dict[int, dict[int, datetime]] = defaultdict(dict)
    for cycle in _CYCLES.all():
        numbers[cycle.subscription_id][cycle.number] = cycle.opened_at
    for subscription in _SUBSCRIPTIONS.all():
        day = subscription.next_on
        if subscription.status in OPENING and day is not None and subscription.moment(day) < at:
            yield f"{subscription} was due on {day}, and nothing was opened"
        opened, gaps = numbers[subscription.pk], not_opening[subscription.pk]
        for number in range(subscription.first_number, subscription.next_number):
            moment = subscription.moment(subscription.due_on(number))
            # One that had fallen due when it was paused, and that no worker had come to yet, is not charged either.
            until = max(moment, min((then for other, then in opened.items() if other > number), default=at))
            is_excused = any(begun <= until and (ended is None or moment <= ended) for begun, ended in gaps)
            if number not in opened and not is_excused:
                yield f"{subscription} has no cycle {number} of {subscription.due_on(number)}"


def _ended_in_time() -> Iterator[str]:
    """No more charges than the plan has, and nothing goes on of which nothing comes."""
    charged: Counter[int] = Counter()
    is_open: set[int] = set()
    for cycle in _CYCLES.all():
        charged[cycle.subscription_id] += cycle.order is not None and cycle.number >= cycle.subscription.first_number
        if cycle.closed_at is None:
            is_open.add(cycle.subscription_id)
    for it in _SUBSCRIPTIONS.all():
        count = it.plan.cycle_count
        if charged[it.pk] != it.charges_made - it.charges_before or (count is not None and charged[it.pk] > count):
            yield f"{it} was charged {charged[it.pk]} times of {count}, and counts {it.charges_made}"
        if it.status == SubscriptionStatus.ACTIVE and it.next_on is None and it.pk not in is_open:
            yield f"{it} is active, and nothing comes any more"


def _not_opening() -> dict[int, list[tuple[datetime, datetime | None]]]:
    """The times in which each subscription was paused or past due, or over."""
    found: dict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    begun: dict[int, datetime] = {}
    for subscription, target, at in _MOVES.tuples():
        if target not in OPENING:
            begun.setdefault(subscription, at)
        elif subscription in begun:
            found[subscription].append((begun.pop(subscription), at))
    for subscription, at in begun.items():
        found[subscription].append((at, None))
    return found


_CYCLES = Found(lambda: Cycle.objects.select_related("order", "subscription", "plan").order_by("pk"))
_SUBSCRIPTIONS = Found(lambda: Subscription.objects.select_related("plan").order_by("pk"))
_CHARGED_BY_CLOCK = Found(
    lambda: Payment.objects.filter(actor_kind=ActorKind.CLOCK, order__cycle__isnull=False).select_related(
        "order__cycle__subscription"
    )
)
_MOVES = Found(lambda: SubscriptionChange.objects.order_by("at", "pk").values_list("subscription_id", "target", "at"))
