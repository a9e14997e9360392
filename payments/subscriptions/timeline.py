"""What happened to a subscription, as plain sentences: its moves, its cycles, each charge and what followed from it."""

from typing import Any

from django.db.models import Prefetch

from payments.models import Cycle, CycleChange, Order, Payment, Subscription
from payments.states import PaymentStatus
from payments.subscriptions.states import CycleEvent, CycleStatus, SubscriptionEvent, Trouble
from portal.admin.display import day_name, page_of
from portal.registry import TimelineEntry
from portal.words import say

_CYCLES_AT_MOST = 40
_TROUBLES = {trouble.value: trouble.label for trouble in Trouble}


def timeline(thing: Any) -> list[TimelineEntry]:
    """The story of a Subscription, oldest first."""
    subscription: Subscription = thing
    entries = [
        TimelineEntry(
            subscription.started_at, say("Started: {plan}", plan=subscription.plan.name), subscription.actor_name
        )
    ]
    payments = Payment.objects.order_by("pk")
    cycles = subscription.cycles.prefetch_related(
        Prefetch("changes", CycleChange.objects.order_by("at", "pk")), Prefetch("order__payments", payments)
    )
    for cycle in cycles[:_CYCLES_AT_MOST]:
        entries += _of_cycle(cycle)
    # Told after the cycles: of one moment, what became of a charge comes before what follows from it.
    for change in subscription.changes.all():
        sentence, tone = _moved(change.event)
        entries.append(TimelineEntry(change.at, sentence, _detail(change.note), tone))
    return sorted(entries, key=lambda entry: entry.at)


def about_order(thing: Any) -> list[TimelineEntry]:
    """For the page of an order: which cycle it is of."""
    if not isinstance(thing, Order):
        return []
    cycle = Cycle.objects.select_related("subscription__plan").filter(order=thing).first()
    if cycle is None:
        return []
    day = day_name(cycle.due_on, with_year=True)
    link = (say("Subscription"), page_of(cycle.subscription))
    sentence = say("Made for the cycle of {day} of {plan}", day=day, plan=cycle.subscription.plan.name)
    return [TimelineEntry(cycle.opened_at, sentence, links=(link,))]


def _moved(event: str) -> tuple[str, str]:
    words = {
        SubscriptionEvent.PAUSED: (say("Paused"), ""),
        SubscriptionEvent.RESUMED: (say("Resumed"), "good"),
        SubscriptionEvent.CHARGE_FAILED: (say("In grace: a charge failed"), "wait"),
        SubscriptionEvent.RECOVERED: (say("Nothing is unpaid any more"), "good"),
        SubscriptionEvent.GRACE_OVER: (say("Past due: grace is over"), "bad"),
        SubscriptionEvent.CANCELLED: (say("Cancelled"), ""),
        SubscriptionEvent.CONSENT_ENDED: (say("Cancelled: the consent of its wallet ended"), "bad"),
        SubscriptionEvent.GIVEN_UP: (say("Cancelled: not paid in time"), "bad"),
        SubscriptionEvent.LAST_CYCLE_DONE: (say("Ended: every cycle is done"), "good"),
    }
    return words[SubscriptionEvent(event)]


def _of_cycle(cycle: Cycle) -> list[TimelineEntry]:
    day = day_name(cycle.due_on, with_year=True)
    links = ((say("Order"), page_of(cycle.order)),) if cycle.order else ()
    entries = []
    if cycle.status == CycleStatus.SKIPPED and not cycle.changes.all():
        entries.append(TimelineEntry(cycle.opened_at, say("{day} is skipped: nothing is charged", day=day)))
    elif cycle.order is not None:
        amount = str(cycle.amount)
        entries.append(
            TimelineEntry(cycle.opened_at, say("{day} is due: {amount}", day=day, amount=amount), links=links)
        )
    for payment in cycle.order.payments.all() if cycle.order else ():
        if payment.status in (PaymentStatus.FAILED, PaymentStatus.CANCELLED) and payment.finished_at:
            sentence = say("The charge for {day} failed: {result_code}", day=day, result_code=payment.result_code)
            link = ((say("Payment"), page_of(payment)),)
            entries.append(TimelineEntry(payment.finished_at, sentence, tone="bad", links=link))
    for change in cycle.changes.all():
        told = _cycle_moved(change.event, day)
        if told is not None:
            entries.append(TimelineEntry(change.at, told[0], _detail(change.note), told[1], links))
    return entries


def _cycle_moved(event: str, day: str) -> tuple[str, str] | None:
    match event:
        case CycleEvent.PAID:
            return say("{day} is paid", day=day), "good"
        case CycleEvent.WILL_RETRY:
            return say("{day} will be tried again", day=day), "wait"
        case CycleEvent.CONSENT_DIED:
            return say("{day} waits until the buyer agrees again", day=day), "bad"
        case CycleEvent.REFUSED:
            return say("{day} is not tried again by itself", day=day), "bad"
        case CycleEvent.SKIPPED:
            return say("{day} is skipped: nothing is charged", day=day), ""
        case CycleEvent.GIVEN_UP:
            return say("{day} is given up, unpaid", day=day), "bad"
        case CycleEvent.AMOUNT_POSTED:
            return say("The amount for {day} was posted", day=day), ""
        case _:
            return None


def _detail(note: str) -> str:
    return str(_TROUBLES.get(note, note))
