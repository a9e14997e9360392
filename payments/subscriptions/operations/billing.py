"""The billing run: what is due of subscriptions, many in one transaction; nothing is sent.

Each due subscription either opens its next cycle (an order with its one line, the cycle, the next date), or takes the
step that stands before that: its grace is over, its time past due is, it was to end with the period, or its consent was
revoked. Rows are locked, so two runs at once take one after the other, and the second finds the next date moved;
behind that the database takes a number of a subscription once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from authorizations.models import WalletAccount
from authorizations.states import CONSENT_ENDED
from payments import queries
from payments.models import Cycle, Order, OrderItem, Payment, Plan, Subscription
from payments.operations.orders import MAX_DESCRIPTION
from payments.states import Messenger, PaymentStatus
from payments.subscriptions import announcements
from payments.subscriptions.operations.stepping import (
    date_of,
    end,
    end_if_done,
    last_amount_until,
    let_unposted_pass,
    put,
    step_at,
)
from payments.subscriptions.states import (
    OPENING,
    RUNNING,
    TO_BE_PAID,
    CycleEvent,
    CycleStatus,
    SubscriptionEvent,
    SubscriptionStatus,
)
from portal import clock, statements
from portal.actor import Actor
from portal.money import Money
from portal.statements import CompareAndSet, Insert

LOOK_AGAIN = timedelta(hours=1)
"""Nobody is past due while a payment has no final answer: that is looked at again so much later."""


def open_cycles(keys: Sequence[int]) -> dict[int, str]:
    """Take the step that is due of each of these subscriptions; what was done, in a word, by id.

    Safe to repeat, and to do twice at once: what is not due any more is left alone.
    """
    at = clock.now()
    said: dict[int, str] = {}
    opening: list[Subscription] = []
    with transaction.atomic(durable=True):
        for subscription, wallet_status in _held(keys, at):
            word = _step_before(subscription, wallet_status, at)
            if word:
                said[subscription.pk] = word
            else:
                opening.append(subscription)
        said |= _open(opening)
    return said


def _held(keys: Sequence[int], at: datetime) -> Iterator[tuple[Subscription, str]]:
    """Those that are due, held, each with the status of its wallet. Plans are few, so each is read once, not joined."""
    rows = Subscription.objects.select_for_update(no_key=True).filter(pk__in=keys, due_at__lte=at).order_by("pk")
    found = list(rows)
    wanted = {key for row in found for key in (row.plan_id, row.next_plan_id) if key is not None}
    plans = Plan.objects.select_related("product").in_bulk(wanted)
    wallets = WalletAccount.objects.filter(pk__in={row.wallet_account_id for row in found})
    statuses = dict(wallets.values_list("pk", "status"))
    for row in found:
        row.plan = plans[row.plan_id]
        row.next_plan = plans[row.next_plan_id] if row.next_plan_id is not None else None
        yield row, statuses[row.wallet_account_id]


def _step_before(subscription: Subscription, wallet_status: str, at: datetime) -> str:
    """Take the step that stands before the next cycle; empty when the cycle opens."""
    if wallet_status in CONSENT_ENDED:
        end(subscription, SubscriptionEvent.CONSENT_ENDED, "The consent of its wallet was revoked.")
        return "consent ended"
    over = {
        SubscriptionStatus.IN_GRACE: subscription.grace_until,
        SubscriptionStatus.PAST_DUE: subscription.past_due_until,
    }.get(SubscriptionStatus(subscription.status))
    if over is not None and over <= at:
        return _grace_is_over(subscription)
    is_opening = (
        subscription.status in OPENING
        and subscription.next_on is not None
        and subscription.moment(subscription.next_on) <= at
    )
    if is_opening and subscription.ends_with_period:
        end(subscription, SubscriptionEvent.CANCELLED, "Cancelled to the end of its period.")
        return "cancelled"
    if not is_opening:
        if subscription.next_on is None and last_amount_until(subscription) <= at:
            let_unposted_pass(subscription, "No amount was posted until another cycle would have fallen due.")
            end_if_done(subscription)
        if subscription.status in RUNNING:
            put(subscription)
        return "nothing to do yet"
    return ""


def _grace_is_over(subscription: Subscription) -> str:
    unknown = (PaymentStatus.INITIATED, PaymentStatus.PROCESSING)
    payments = Payment.objects.filter(order__cycle__subscription=subscription)
    paid = payments.filter(status=PaymentStatus.SUCCEEDED, order__cycle__status__in=TO_BE_PAID)
    # What is paid, and not written down as such yet, is looked at first: nobody is cancelled who has paid.
    Cycle.objects.filter(order__payments__in=paid).update(due_at=clock.now())
    # Nor whoever has paid as the acquirer says, against our status: a person gives that back first.
    of_it = {"order__cycle__subscription": subscription, "order__cycle__status__in": TO_BE_PAID}
    kept = queries.kept_against_status().filter(**of_it)
    if paid.exists() or payments.filter(status__in=unknown).exists() or kept.exists():
        Subscription.objects.filter(pk=subscription.pk).update(due_at=clock.now() + LOOK_AGAIN, lease_until=None)
        return "a payment has no answer yet"
    if subscription.status == SubscriptionStatus.PAST_DUE:
        end(subscription, SubscriptionEvent.GIVEN_UP, "Not paid in time.")
        return "given up"
    subscription.advance(SubscriptionEvent.GRACE_OVER, heard_from=Messenger.CLOCK, note=subscription.trouble)
    put(subscription)
    announcements.past_due(subscription)
    return "past due"


@dataclass
class _Opening:
    """A cycle that opens: what it costs (None: nobody said), and the row it had before, when its amount was posted."""

    subscription: Subscription
    amount: Money | None
    planned: Cycle | None
    was: int
    """The number as it was read."""
    order: Order | None = None
    opened: Cycle | None = None
    """The row it got, where it had none."""

    def facts(self) -> dict[str, Any]:
        """What its subscription is afterwards."""
        it = self.subscription
        it.charges_made += self.order is not None
        it.next_number = self.was + 1
        it.next_on = date_of(it, it.next_number, charges_made=it.charges_made)
        return {
            "next_number": it.next_number,
            "next_on": it.next_on,
            "charges_made": it.charges_made,
            "due_at": step_at(it),
            "lease_until": None,
            "attempts": 0,
        }


def _open(subscriptions: Sequence[Subscription]) -> dict[int, str]:
    metered = [it.pk for it in subscriptions if it.plan.is_metered or it.next_plan_id]
    planned = {}
    if metered:
        _let_the_last_ones_pass(subscriptions)
        rows = Cycle.objects.select_for_update().filter(subscription__in=metered, status=CycleStatus.PLANNED)
        planned = {(cycle.subscription_id, cycle.number): cycle for cycle in rows}
    opening = []
    for subscription in subscriptions:
        if subscription.next_plan is not None:
            _take_the_new_plan(subscription)
        number = subscription.next_number
        row = planned.get((subscription.pk, number))
        amount = subscription.plan.amount or (row.amount if row else None)
        opening.append(_Opening(subscription, amount, row, number))
    _place(opening)
    steps = [
        CompareAndSet(Subscription, one.facts(), pk=one.subscription.pk, while_={"next_number": one.was})
        for one in opening
    ]
    if steps:
        statements.in_bulk(steps)
    for one in opening:
        if one.opened is not None and one.order is None:
            announcements.needs_amount(one.subscription, one.opened)
        if one.subscription.next_on is None:
            end_if_done(one.subscription)
    return {one.subscription.pk: "charged" if one.order else "waits for its amount" for one in opening}


def _let_the_last_ones_pass(subscriptions: Sequence[Subscription]) -> None:
    """Whose amount was never posted is not charged for a date once the next one is due."""
    unposted = Cycle.objects.filter(subscription__in=subscriptions, status=CycleStatus.AWAITING_AMOUNT)
    late = set(unposted.values_list("subscription", flat=True))
    for subscription in subscriptions:
        if subscription.pk in late:
            let_unposted_pass(subscription, "No amount was posted before the next cycle fell due.")


def _take_the_new_plan(subscription: Subscription) -> None:
    """The plan that was wanted takes the place of the old one; dates count from this one on."""
    Subscription.objects.filter(pk=subscription.pk).update(**subscription.take_next_plan())
    posted = Cycle.objects.filter(
        subscription=subscription, number=subscription.first_number, status=CycleStatus.PLANNED
    )
    posted.update(plan=subscription.plan)


def _place(opening: Sequence[_Opening]) -> None:
    charged = [one for one in opening if one.amount is not None]
    wanted = [
        (one.subscription, one.subscription.due_on(one.was), one.amount) for one in charged if one.amount is not None
    ]
    for one, order in zip(charged, place_orders(wanted), strict=True):
        one.order = order
    at = clock.now()
    new = [one for one in opening if one.planned is None]
    cycles = [
        Cycle(
            subscription=one.subscription,
            number=one.was,
            due_on=one.subscription.due_on(one.was),
            status=CycleStatus.CHARGING if one.order else CycleStatus.AWAITING_AMOUNT,
            plan=one.subscription.plan,
            amount_value=one.amount.value if one.amount else None,
            currency=one.subscription.plan.currency,
            order=one.order,
            due_at=at if one.order else None,
            opened_at=at,
        )
        for one in new
    ]
    statements.in_bulk([Insert(cycle) for cycle in cycles])
    for one, cycle in zip(new, cycles, strict=True):
        one.opened = cycle
    for one in opening:
        if one.planned is not None:
            costs: dict[str, Any] = (
                {"amount_value": one.amount.value, "currency": one.amount.currency} if one.amount else {}
            )
            facts = {"order": one.order, "due_at": at, "opened_at": at, **costs}
            one.planned.advance(CycleEvent.FELL_DUE, heard_from=Messenger.CLOCK, **facts)


def place_orders(wanted: Sequence[tuple[Subscription, date, Money]]) -> list[Order]:
    """An order with its one line for each cycle, in the caller's transaction: (subscription, day, amount)."""
    at = clock.now()
    orders = []
    for subscription, day, amount in wanted:
        order = Order(
            account_id=subscription.account_id,
            buyer_id=subscription.buyer_id,
            number=clock.fresh_id("O"),
            amount_value=amount.value,
            currency=amount.currency,
            description=f"{subscription.plan.name}, {day:%d %b %Y}"[:MAX_DESCRIPTION],
            created_at=at,
        )
        order.by(Actor.clock())
        orders.append(order)
    statements.add_all(orders)
    items = [
        OrderItem(
            order=order,
            product=subscription.plan.product,
            sku=subscription.plan.product.sku,
            name=subscription.plan.name,
            unit_value=amount.value,
            quantity=1,
            is_digital=subscription.plan.product.is_digital,
        )
        for order, (subscription, _, amount) in zip(orders, wanted, strict=True)
    ]
    statements.in_bulk([Insert(item) for item in items])
    return orders
