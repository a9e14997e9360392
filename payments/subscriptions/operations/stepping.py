"""What every verb here does to a subscription that it holds: its next date, its next moment, its trouble, its end.

All of it runs inside the caller's transaction, on a row that is locked. Who locks several locks the subscription first,
then its cycles; an order that is being paid is held before either (``charging``).
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from authorizations.models import WalletAccount
from authorizations.states import CONSENT_ENDED
from payments.models import Cycle, Subscription
from payments.states import Messenger
from payments.subscriptions import announcements, policies
from payments.subscriptions.calendar import day_in
from payments.subscriptions.policies import Policy
from payments.subscriptions.states import (
    END_CODES,
    IN_TROUBLE,
    OPENING,
    RUNNING,
    TO_BE_PAID,
    UNPAID,
    CycleEvent,
    CycleStatus,
    SubscriptionEvent,
    SubscriptionStatus,
    Trouble,
)
from portal import clock, statements


def date_of(subscription: Subscription, number: int, *, charges_made: int) -> date | None:
    """When the cycle of a number is due after so many charges; None when the agreement ends before.

    A plan that is to be another's successor takes its place on that date, so the old one's count ends nothing.
    """
    goes_on = subscription.next_plan_id in (None, subscription.plan_id)
    count = subscription.plan.cycle_count if goes_on else None
    if count is not None and charges_made - subscription.charges_before >= count:
        return None
    day = subscription.due_on(number)
    return None if subscription.ends_on is not None and day > subscription.ends_on else day


def step_at(subscription: Subscription) -> datetime | None:
    """When the clock must look at it next: its next cycle opens, its last amount is too late, its grace or its time
    past due is over."""
    moments: list[datetime | None] = []
    if subscription.status in OPENING and subscription.next_on is not None:
        moments.append(subscription.moment(subscription.next_on))
    may_wait = subscription.status in OPENING and subscription.next_on is None and subscription.plan.is_metered
    if may_wait and unposted_of(subscription).exists():
        moments.append(last_amount_until(subscription))
    if subscription.status == SubscriptionStatus.IN_GRACE:
        moments.append(subscription.grace_until)
    if subscription.status == SubscriptionStatus.PAST_DUE:
        moments.append(subscription.past_due_until)
    return min((moment for moment in moments if moment is not None), default=None)


def last_amount_until(subscription: Subscription) -> datetime:
    """Until when the amount of the last date may be posted: as of every other one, until another would fall due."""
    return subscription.moment(subscription.due_on(subscription.next_number))


def put(subscription: Subscription, **facts: Any) -> None:
    """Write facts down, and when the clock must look next."""
    for name, value in facts.items():
        setattr(subscription, name, value)
    at = step_at(subscription)
    if subscription.status in RUNNING and _consent_has_ended(subscription):
        at = clock.now()  # whoever ended the consent let it be looked at; whatever is written here must not undo that
    facts |= {"due_at": at, "lease_until": None, "attempts": 0}
    statements.update(Subscription, facts, pk=subscription.pk)
    subscription.due_at, subscription.lease_until = facts["due_at"], None


def _consent_has_ended(subscription: Subscription) -> bool:
    return WalletAccount.objects.filter(pk=subscription.wallet_account_id, status__in=CONSENT_ENDED).exists()


def skip_next(subscription: Subscription, note: str, heard_from: Messenger = Messenger.US) -> Cycle:
    """Let the next cycle pass without a charge, and go on to the one after it."""
    number = subscription.next_number
    cycle = Cycle.objects.select_for_update().filter(subscription=subscription, number=number).first()
    if cycle is None:
        cycle = Cycle.objects.create(
            subscription=subscription,
            number=number,
            due_on=subscription.due_on(number),
            status=CycleStatus.SKIPPED,
            plan=subscription.plan,
            currency=subscription.plan.currency,
            closed_at=clock.now(),
        )
    else:
        cycle.advance(CycleEvent.SKIPPED, heard_from=heard_from, note=note, closed_at=clock.now(), due_at=None)
    number += 1
    put(subscription, next_number=number, next_on=date_of(subscription, number, charges_made=subscription.charges_made))
    return cycle


def go_on_from_today(subscription: Subscription) -> dict[str, Any]:
    """The next cycle whose day is not over: what passed meanwhile is not made up for."""
    day = day_in(clock.now(), subscription.plan.zone)
    if clock.now() > subscription.moment(day):
        day += timedelta(days=1)
    number = subscription.rhythm.number_from(day, least=subscription.next_number)
    let_posted_pass(subscription, "Its date passed while nothing was opened.", before=number)
    return {"next_number": number, "next_on": date_of(subscription, number, charges_made=subscription.charges_made)}


def fall_into_trouble(subscription: Subscription, trouble: Trouble, policy: Policy, *, note: str) -> None:
    """A charge failed: there is grace from now on, unless there is already."""
    if subscription.status == SubscriptionStatus.ACTIVE:
        grace_until = clock.now() + timedelta(days=policy.grace_days)
        subscription.advance(
            SubscriptionEvent.CHARGE_FAILED,
            heard_from=Messenger.CLOCK,
            note=note,
            trouble=trouble,
            grace_until=grace_until,
            past_due_until=grace_until + timedelta(days=policy.past_due_days),
        )
        put(subscription)
    elif subscription.status in UNPAID:
        put(subscription, trouble=trouble)


def recover(subscription: Subscription) -> None:
    """A cycle was paid: where no other is in trouble, all is well again; where none is open and none comes, it ends."""
    left = open_cycles_of(subscription).filter(status__in=IN_TROUBLE).order_by("first_failed_at", "pk").first()
    if subscription.status == SubscriptionStatus.IN_GRACE and left is not None:
        _count_grace_anew(subscription, left)
    elif subscription.status in UNPAID and left is None:
        was_past_due = subscription.status == SubscriptionStatus.PAST_DUE
        subscription.advance(
            SubscriptionEvent.RECOVERED,
            heard_from=Messenger.CLOCK,
            trouble="",
            grace_until=None,
            past_due_until=None,
        )
        put(subscription, **(go_on_from_today(subscription) if was_past_due else {}))
        announcements.recovered(subscription)
    end_if_done(subscription)


def _count_grace_anew(subscription: Subscription, oldest: Cycle) -> None:
    """The oldest debt is paid: grace is that of the oldest that is left, and never shorter than it was."""
    policy = policies.effective(
        Trouble(oldest.trouble), account=subscription.account.slug, wallet=subscription.wallet_account.wallet
    )
    grace_until = (oldest.first_failed_at or clock.now()) + timedelta(days=policy.grace_days)
    if subscription.grace_until is None or grace_until > subscription.grace_until:
        past_due_until = grace_until + timedelta(days=policy.past_due_days)
        put(subscription, grace_until=grace_until, past_due_until=past_due_until)


def end_if_done(subscription: Subscription) -> None:
    """It has ended once no cycle comes any more and none is open."""
    is_done = subscription.status == SubscriptionStatus.ACTIVE and subscription.next_on is None
    if is_done and not open_cycles_of(subscription).exists():
        end(subscription, SubscriptionEvent.LAST_CYCLE_DONE, "Every cycle that was agreed to is done.")


def end(
    subscription: Subscription, event: SubscriptionEvent, reason: str, heard_from: Messenger = Messenger.CLOCK
) -> None:
    """It is over. What is open is looked at at once: it is withdrawn, unless a payment of it has no answer yet."""
    subscription.advance(
        event,
        heard_from=heard_from,
        note=reason,
        ended_at=clock.now(),
        end_code=END_CODES[event],
        end_reason=reason[:256],
        next_on=None,
        due_at=None,
        lease_until=None,
        next_plan=None,
        ends_with_period=False,
    )
    let_unposted_pass(subscription, reason)
    let_posted_pass(subscription, reason)
    open_cycles_of(subscription).filter(status__in=TO_BE_PAID).update(due_at=clock.now(), lease_until=None)
    announcements.over(subscription)


def let_unposted_pass(subscription: Subscription, note: str) -> None:
    """No amount was posted for dates that have come: nothing is charged for these. One that is posted stays so."""
    _let_pass(subscription, note, status=CycleStatus.AWAITING_AMOUNT)


def let_posted_pass(subscription: Subscription, note: str, *, before: int | None = None) -> None:
    """Amounts were posted for dates that do not come any more, or below a number: nothing is charged for these."""
    _let_pass(subscription, note, status=CycleStatus.PLANNED, **({} if before is None else {"number__lt": before}))


def _let_pass(subscription: Subscription, note: str, **which: Any) -> None:
    for cycle in Cycle.objects.select_for_update().filter(subscription=subscription, **which):
        cycle.advance(CycleEvent.SKIPPED, heard_from=Messenger.CLOCK, note=note, closed_at=clock.now(), due_at=None)


def unposted_of(subscription: Subscription) -> QuerySet[Cycle]:
    """Dates of it that have come without an amount."""
    return Cycle.objects.filter(subscription=subscription, status=CycleStatus.AWAITING_AMOUNT)


def open_cycles_of(subscription: Subscription) -> QuerySet[Cycle]:
    """Cycles of it that are not closed."""
    return Cycle.objects.filter(subscription=subscription, closed_at__isnull=True)
