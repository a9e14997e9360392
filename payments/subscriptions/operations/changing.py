"""What a buyer, the merchant's server or staff wants of a subscription. Every act of staff has a reason in the journal.

Who asks for what is so already gets it as it is: pressing twice does nothing twice.
"""

from datetime import date

from django.db import transaction

from authorizations.models import WalletAccount
from payments.errors import NoSuchDueDate, PlanNotOffered, SubscriptionNotPossible
from payments.models import Plan, Subscription
from payments.states import Messenger
from payments.subscriptions import announcements
from payments.subscriptions.operations.starting import refuse_unfit
from payments.subscriptions.operations.stepping import (
    date_of,
    end,
    end_if_done,
    go_on_from_today,
    let_posted_pass,
    let_unposted_pass,
    open_cycles_of,
    put,
    skip_next,
)
from payments.subscriptions.states import (
    IN_TROUBLE,
    OPENING,
    RUNNING,
    TO_BE_PAID,
    CycleEvent,
    CycleStatus,
    SubscriptionEvent,
    SubscriptionStatus,
)
from portal import clock, journal
from portal.actor import Actor, ActorKind
from portal.errors import InvalidInput
from portal.idempotency import Remember
from portal.money import Money


def pause(
    subscription: Subscription, *, by: Actor, reason_code: str = "", note: str = "", remember: Remember | None = None
) -> Subscription:
    """Open no further cycle until it is resumed. Raises SubscriptionNotPossible while a charge of it is open, and where
    it ends with its period anyway."""
    with transaction.atomic(durable=True):
        _hold(subscription)
        if subscription.status != SubscriptionStatus.PAUSED:
            _demand(subscription, SubscriptionStatus.ACTIVE)
            if subscription.ends_with_period:
                raise SubscriptionNotPossible(number=subscription.number, why="it ends with its period")
            if open_cycles_of(subscription).filter(status__in=TO_BE_PAID).exists():
                raise SubscriptionNotPossible(number=subscription.number, why="a charge of it is being made")
            subscription.advance(SubscriptionEvent.PAUSED, heard_from=Messenger.US, note=_noted(by, note))
            let_unposted_pass(subscription, "Paused before an amount was posted.")
            put(subscription)
            announcements.paused(subscription)
            _write("pause subscription", subscription, by, reason_code, note)
        if remember:
            remember(subscription)
    return subscription


def resume(
    subscription: Subscription, *, by: Actor, reason_code: str = "", note: str = "", remember: Remember | None = None
) -> Subscription:
    """Open cycles again, from the next date on that has not passed. Takes back a cancel at the period's end, too."""
    with transaction.atomic(durable=True):
        _hold(subscription)
        if subscription.status not in OPENING:
            _demand(subscription, SubscriptionStatus.PAUSED)
            subscription.advance(SubscriptionEvent.RESUMED, heard_from=Messenger.US, note=_noted(by, note))
            put(subscription, **go_on_from_today(subscription), ends_with_period=False)
            announcements.resumed(subscription)
            _write("resume subscription", subscription, by, reason_code, note)
            if subscription.next_on is None:
                end(subscription, SubscriptionEvent.LAST_CYCLE_DONE, "Its last day has passed.", Messenger.US)
        elif subscription.ends_with_period:
            put(subscription, ends_with_period=False)
            _write("resume subscription", subscription, by, reason_code, note)
        if remember:
            remember(subscription)
    return subscription


def skip(
    subscription: Subscription,
    due_on: date,
    *,
    by: Actor,
    reason_code: str = "",
    note: str = "",
    remember: Remember | None = None,
) -> Subscription:
    """Charge nothing on the next due date, which must be this one. A day that is skipped already stays so."""
    with transaction.atomic(durable=True):
        _hold(subscription)
        if not subscription.cycles.filter(due_on=due_on, status=CycleStatus.SKIPPED).exists():
            _demand(subscription, *OPENING, SubscriptionStatus.PAUSED)
            if subscription.ends_with_period:
                raise SubscriptionNotPossible(number=subscription.number, why="it ends with its period")
            if due_on != subscription.next_on:
                raise NoSuchDueDate(field="due_on", problem="", day=due_on, next_on=subscription.next_on or "none")
            skip_next(subscription, _noted(by, note))
            end_if_done(subscription)
            _write("skip cycle", subscription, by, reason_code, note, due_on=str(due_on))
        if remember:
            remember(subscription)
    return subscription


def change_plan(
    subscription: Subscription,
    plan: Plan,
    *,
    by: Actor,
    most: Money | None = None,
    reason_code: str = "",
    note: str = "",
    remember: Remember | None = None,
) -> Subscription:
    """Let another plan take its place when the next cycle opens, which keeps its date; the plan's own rhythm follows.

    The present plan takes a change back that is not made yet; with another ``most`` it is the change to that. Raises
    what ``start`` raises, and SubscriptionNotPossible where more is posted for the next date than may be charged then.
    """
    with transaction.atomic(durable=True):
        _hold(subscription)
        _demand(subscription, *OPENING, SubscriptionStatus.PAUSED)
        is_present = plan.pk == subscription.plan_id
        is_taken_back = is_present and most in (None, subscription.most)
        if is_taken_back:
            _refuse_posted_above(subscription, subscription.most)
        else:
            if subscription.next_on is None:
                raise SubscriptionNotPossible(number=subscription.number, why="no charge of it comes any more")
            if plan.currency != subscription.plan.currency:
                raise InvalidInput(field="plan", problem=f"the subscription is in {subscription.plan.currency}.")
            if not (plan.is_offered or is_present) or plan.account_id != subscription.account_id:
                raise PlanNotOffered(field="plan", problem="", plan=plan.code)
            refuse_unfit(plan, subscription.wallet_account, subscription.buyer, most)
            _refuse_posted_above(subscription, most)
        subscription.next_plan = None if is_taken_back else plan
        next_on = subscription.next_on
        if next_on is not None:  # taken back: the present plan's number of charges may be reached
            next_on = date_of(subscription, subscription.next_number, charges_made=subscription.charges_made)
        put(
            subscription,
            next_plan=subscription.next_plan,
            next_most_value=None if is_taken_back or most is None else most.value,
            next_on=next_on,
        )
        if next_on is None:
            let_posted_pass(subscription, "Every charge that was agreed to is made.")
            end_if_done(subscription)
        _write("change plan of subscription", subscription, by, reason_code, note, plan=plan.code)
        if remember:
            remember(subscription)
    return subscription


def change_wallet(
    subscription: Subscription,
    wallet_account: WalletAccount,
    *,
    by: Actor,
    reason_code: str = "",
    note: str = "",
    remember: Remember | None = None,
) -> Subscription:
    """Charge another bound wallet of the buyer from now on; what is open and unpaid is tried with it at once."""
    with transaction.atomic(durable=True):
        _hold(subscription)
        _demand(subscription, *RUNNING)
        refuse_unfit(subscription.plan, wallet_account, subscription.buyer, subscription.most)
        if subscription.wallet_account_id != wallet_account.pk:
            put(subscription, wallet_account=wallet_account)
            for cycle in open_cycles_of(subscription).filter(status__in=IN_TROUBLE).select_for_update():
                cycle.advance(
                    CycleEvent.TRIED_AGAIN, heard_from=Messenger.US, note=f"With {wallet_account}.", due_at=clock.now()
                )
            _write("change wallet of subscription", subscription, by, reason_code, note, wallet=str(wallet_account))
        if remember:
            remember(subscription)
    return subscription


def cancel(
    subscription: Subscription,
    *,
    by: Actor,
    at_period_end: bool = False,
    reason_code: str = "",
    note: str = "",
    remember: Remember | None = None,
) -> Subscription:
    """End it now, or when the next cycle would fall due. What is open and unpaid is withdrawn, and never charged.

    A payment that is on its way already ends as it ends. A paused one, and one with an unpaid cycle, ends now.
    """
    with transaction.atomic(durable=True):
        _hold(subscription)
        if subscription.status not in (SubscriptionStatus.CANCELLED, SubscriptionStatus.ENDED):
            if at_period_end and subscription.status == SubscriptionStatus.ACTIVE and subscription.next_on:
                put(subscription, ends_with_period=True)
            else:
                end(subscription, SubscriptionEvent.CANCELLED, f"Cancelled by {_noted(by, note)}", Messenger.US)
            when = "at period end" if subscription.ends_with_period else "now"
            _write("cancel subscription", subscription, by, reason_code, note, when=when)
        if remember:
            remember(subscription)
    return subscription


def _refuse_posted_above(subscription: Subscription, most: Money | None) -> None:
    """What is posted for the next date is charged under the new plan: it must be within what is agreed to then."""
    posted = open_cycles_of(subscription).filter(status=CycleStatus.PLANNED).first()
    if most is not None and posted is not None and posted.amount is not None and posted.amount > most:
        why = f"{posted.amount} are posted for {posted.due_on}, which is more than that"
        raise SubscriptionNotPossible(number=subscription.number, why=why)


def _hold(subscription: Subscription) -> None:
    subscription.lock()


def _demand(subscription: Subscription, *statuses: SubscriptionStatus) -> None:
    if subscription.status not in statuses:
        raise SubscriptionNotPossible(
            number=subscription.number, why=f"it is {subscription.get_status_display().lower()}"
        )


def _noted(by: Actor, note: str) -> str:
    return f"{by}: {note}" if note else str(by)


def _write(act: str, subscription: Subscription, by: Actor, reason_code: str, note: str, **after: str) -> None:
    if by.kind is ActorKind.PERSON:
        journal.write(act, by=by, subject=subscription, reason_code=reason_code, note=note, after=after or None)
