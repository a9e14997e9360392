"""What a cycle of a metered plan costs, posted by the merchant's server: before its due date, or after it."""

from datetime import date

from django.db import transaction

from payments.errors import AmountAboveAgreed, AmountNotAllowed, NoSuchDueDate, SubscriptionNotPossible
from payments.methods import refuse_withheld
from payments.models import Cycle, Subscription
from payments.states import Messenger
from payments.subscriptions.operations.billing import place_orders
from payments.subscriptions.operations.stepping import date_of, let_posted_pass, put
from payments.subscriptions.states import OPENING, CycleEvent, CycleStatus
from portal import catalogue, clock, journal
from portal.actor import Actor, ActorKind
from portal.idempotency import Remember
from portal.money import Money


def post_amount(
    subscription: Subscription, due_on: date, amount: Money, *, by: Actor, remember: Remember | None = None
) -> Cycle:
    """Say what the cycle of a due date costs. Posted before the day it may be posted anew until then; posted after it,
    the cycle is charged at once.

    Raises AmountAboveAgreed, AmountNotAllowed, WalletNotContracted, WrongCurrency, NoSuchDueDate, and
    SubscriptionNotPossible where the price is fixed.
    """
    with transaction.atomic(durable=True):
        subscription.lock()
        plan = subscription.plan
        if not plan.is_metered:
            raise SubscriptionNotPossible(number=subscription.number, why="its plan has a fixed price")
        if subscription.status not in OPENING:
            why = f"it is {subscription.get_status_display().lower()}"
            raise SubscriptionNotPossible(number=subscription.number, why=why)
        if subscription.ends_with_period and due_on == subscription.next_on:
            raise SubscriptionNotPossible(number=subscription.number, why="it ends with its period")
        _check(subscription, amount, is_next=due_on == subscription.next_on)
        cycle = Cycle.objects.select_for_update().filter(subscription=subscription, due_on=due_on).first()
        if cycle is None and due_on == subscription.next_on:
            cycle = Cycle.objects.create(
                subscription=subscription,
                number=subscription.next_number,
                due_on=due_on,
                status=CycleStatus.PLANNED,
                plan=plan,
                amount_value=amount.value,
                currency=amount.currency,
            )
        elif cycle is not None and cycle.status == CycleStatus.PLANNED:
            Cycle.objects.filter(pk=cycle.pk, status=CycleStatus.PLANNED).update(amount_value=amount.value)
            cycle.amount_value = amount.value
        elif cycle is not None and cycle.status == CycleStatus.AWAITING_AMOUNT:
            (order,) = place_orders([(subscription, due_on, amount)])
            cycle.advance(
                CycleEvent.AMOUNT_POSTED,
                heard_from=Messenger.US,
                note=str(by),
                amount_value=amount.value,
                order=order,
                due_at=clock.now(),
            )
            made = subscription.charges_made + 1
            next_on = subscription.next_on
            if next_on is not None:  # the plan's number of charges may be reached by this one
                next_on = date_of(subscription, subscription.next_number, charges_made=made)
            put(subscription, charges_made=made, next_on=next_on)
            if next_on is None:
                let_posted_pass(subscription, "Every charge that was agreed to is made.")
        else:
            raise NoSuchDueDate(field="due_on", problem="", day=due_on, next_on=subscription.next_on or "none")
        if by.kind is ActorKind.PERSON:
            journal.write("post amount", by=by, subject=subscription, after={"due": str(due_on), "amount": str(amount)})
        if remember:
            remember(cycle)
    return cycle


def _check(subscription: Subscription, amount: Money, *, is_next: bool) -> None:
    most = subscription.most
    if is_next and subscription.next_plan is not None:
        if not subscription.next_plan.is_metered:
            raise SubscriptionNotPossible(
                number=subscription.number, why="its plan from that date on has a fixed price"
            )
        if subscription.next_most_value is not None:
            most = Money(subscription.next_most_value, subscription.next_plan.currency)
    if amount.currency != subscription.plan.currency:
        raise AmountNotAllowed(field="amount", problem=f"The plan is in {subscription.plan.currency}.")
    if most is not None and amount > most:
        raise AmountAboveAgreed(field="amount", problem="", amount=amount, most=most)
    wallet_account = subscription.wallet_account
    method = catalogue.method_of(wallet_account.account_id, wallet_account.wallet)
    refuse_withheld(method, wallet_account.wallet, amount)
