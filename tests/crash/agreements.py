"""Scenes of subscriptions and of customs: whoever dies at one of their seams charges and declares nothing twice.

Most verbs of a subscription speak to nobody outside; they die when they are done and nobody has heard of it.
"""

from collections.abc import Callable, Iterator
from typing import Any

from payments.customs.states import DeclarationStatus
from payments.models import Cycle, Declaration, Order, Payment, Subscription
from payments.states import PaymentStatus
from payments.subscriptions.states import CycleStatus, SubscriptionStatus
from portal.models import JournalEntry
from tests.crash.stage import OFFICE, WHERE_CUSTOMS_ARE, Stage, scene
from tests.crash.town import DAILY, LATER, METERED, PURSE, Shopper

AMOUNT = {"value": "12300", "currency": "PHP"}


def subscribed(stage: Stage, plan: str) -> tuple[Shopper, str]:
    """A newcomer who has agreed to a plan, and the number of the subscription."""
    buyer = stage.town.newcomer()
    wallet_id = buyer.binds("GCASH")
    assert wallet_id is not None
    return buyer, buyer.subscribes(plan, wallet_id)


def refused_for_want_of_money(stage: Stage) -> tuple[Shopper, str]:
    """Somebody whose purse was empty when a cycle was charged, and is full now; and the subscription's number."""
    buyer = stage.town.newcomer()
    wallet_id = str(buyer.binds("GCASH"))
    stage.control.set_balance(buyer.name, "GCASH", 0)
    number = buyer.subscribes(DAILY, wallet_id)
    unpaid = Cycle.objects.filter(subscription__number=number, status=CycleStatus.RETRYING)
    stage.waits_until(unpaid.exists, "refused for want of money")
    stage.control.set_balance(buyer.name, "GCASH", PURSE)
    return buyer, number


def charged_once_a_day(number: str) -> Subscription:
    """Every date of it that has come has one order, and one payment of that."""
    subscription = Subscription.objects.get(number=number)
    cycles = list(subscription.cycles.order_by("number"))
    assert [cycle.number for cycle in cycles] == list(range(1, subscription.next_number)), cycles
    assert cycles, "nothing fell due"
    for cycle in cycles:
        payments = Payment.objects.filter(order=cycle.order_id)
        assert cycle.status == CycleStatus.PAID, (cycle, cycle.status)
        assert payments.filter(status=PaymentStatus.SUCCEEDED).count() == 1, list(payments)
    return subscription


# The web server dies; whoever asked it asks again.


@scene("subscriptions.recorded")
def agreeing(stage: Stage, seam: str) -> Iterator[None]:
    buyer = stage.town.newcomer()
    wallet_id = buyer.binds("GCASH")
    assert wallet_id is not None
    with stage.dies_at(seam):
        number = buyer.subscribes(DAILY, wallet_id)
    yield
    assert list(Subscription.objects.filter(buyer__reference=buyer.name)) == [charged_once_a_day(number)]


_Wish = Callable[[Subscription], dict[str, Any]]
_CHANGES: dict[str, tuple[list[str], _Wish, Callable[[Subscription], bool]]] = {
    "pause": ([], lambda it: {}, lambda it: it.status == SubscriptionStatus.PAUSED),
    "resume": (["pause"], lambda it: {}, lambda it: it.status == SubscriptionStatus.ACTIVE),
    "skip": (
        [],
        lambda it: {"due_on": str(it.next_on)},
        lambda it: it.next_number == 2 and it.cycles.get().status == CycleStatus.SKIPPED,
    ),
    "change": ([], lambda it: {"plan": DAILY}, lambda it: it.next_plan is not None and it.next_plan.code == DAILY),
    "cancel": ([], lambda it: {"at": "NOW"}, lambda it: it.status == SubscriptionStatus.CANCELLED),
}
"""Of each act: what comes before it, what is said, and what is true at the end."""


@scene(*(f"subscription.{act}.recorded" for act in _CHANGES))
def changing(stage: Stage, seam: str) -> Iterator[None]:
    act = seam.split(".")[1]
    before, wish, is_done = _CHANGES[act]
    buyer, number = subscribed(stage, LATER)
    for earlier in before:
        buyer.caller.post(f"subscriptions/{number}/{earlier}")
    with stage.dies_at(seam):
        buyer.caller.post(f"subscriptions/{number}/{act}", wish(Subscription.objects.get(number=number)))
    yield
    subscription = Subscription.objects.get(number=number)
    assert is_done(subscription), (subscription.status, subscription.next_plan, subscription.next_number)
    assert not Order.objects.filter(cycle__subscription=subscription).exists()


@scene("subscription.amounts.recorded")
def posting_an_amount(stage: Stage, seam: str) -> Iterator[None]:
    _, number = subscribed(stage, METERED)
    stage.waits_until(lambda: Cycle.objects.filter(subscription__number=number).exists(), "due")
    cycle = Cycle.objects.get(subscription__number=number)
    assert cycle.status == CycleStatus.AWAITING_AMOUNT, cycle.status
    with stage.dies_at(seam):
        said = {"due_on": str(cycle.due_on), "amount": AMOUNT}
        stage.town.server.post(f"subscriptions/{number}/amounts", said)
    yield
    cycle.refresh_from_db()
    assert (cycle.status, cycle.amount_value) == (CycleStatus.PAID, 123_00)
    assert Payment.objects.filter(order=cycle.order_id).count() == 1


@scene("charge_again.recorded")
def charging_again_by_hand(stage: Stage, seam: str) -> Iterator[None]:
    _, number = refused_for_want_of_money(stage)
    subscription = Subscription.objects.get(number=number)
    form = stage.clerk().opens(subscription, "charge_again")
    with stage.dies_at(seam):
        form.is_sent_until_heard(reason_code="BUYER_REQUEST")
    yield
    charged_once_a_day(number)
    told = JournalEntry.objects.filter(act="charge cycle again", subject_id=str(subscription.pk))
    assert told.count() == 1, list(told)


# The worker dies while it charges.


@scene("work.subscriptions.recorded", "work.subscription charges.recorded", "charge.promised", "charge.answered")
def charging(stage: Stage, seam: str) -> Iterator[None]:
    with stage.dies_at(seam):
        _, number = subscribed(stage, DAILY)
    yield
    if seam == "charge.promised":  # that one never left, and is tried again by its policy
        first = Cycle.objects.get(subscription__number=number, number=1)
        assert first.status in (CycleStatus.RETRYING, CycleStatus.PAID), first.status
        return
    charged_once_a_day(number)


# Customs.


@scene("declare.promised", "declare.answered", "declarations.recorded", among=WHERE_CUSTOMS_ARE)
def declaring(stage: Stage, seam: str) -> Iterator[None]:
    number = stage.declarable()
    with stage.dies_at(seam):
        stage.town.server.post(f"orders/{number}/declarations", OFFICE)
    yield
    accepted_once(stage, number)


def accepted_once(stage: Stage, number: str) -> None:
    """One declaration of it, here and there, with customs' last word."""
    declaration = Declaration.objects.get(payment__order__number=number)
    assert declaration.status == DeclarationStatus.ACCEPTED, declaration.status
    there = stage.control.declarations(payment_id=declaration.payment.payment_id)
    assert [one["declaration_request_id"] for one in there] == [declaration.declaration_request_id]


@scene(
    "inquiryDeclarationRequests.promised",
    "inquiryDeclarationRequests.answered",
    "work.declarations.recorded",
    among=WHERE_CUSTOMS_ARE,
)
def asking_what_customs_says(stage: Stage, seam: str) -> Iterator[None]:
    numbers = [stage.declarable() for _ in range(2)]
    for number in numbers:
        stage.town.server.post(f"orders/{number}/declarations", OFFICE)
    stage.premises.arm(seam)
    yield
    for number in numbers:
        accepted_once(stage, number)


AMENDED = {**{name: OFFICE[name] for name in OFFICE if name != "customs_code"}, "amount": "100.00"} | {
    "reason_code": "WRONG_DATA"
}
"""What the form of an amendment says: another amount, and the rest as it was."""


def refused_by_customs(stage: Stage) -> Declaration:
    """A declaration that customs has refused, and that may be transmitted again."""
    number = stage.declarable()
    stage.control.fault("customs_refuses")
    stage.town.server.post(f"orders/{number}/declarations", OFFICE)
    stage.premises.clock_moves(minutes=10)
    declaration = Declaration.objects.get(payment__order__number=number)
    assert declaration.status == DeclarationStatus.REFUSED, declaration.status
    return declaration


@scene("amend.recorded", among=WHERE_CUSTOMS_ARE)
def transmitting_again(stage: Stage, seam: str) -> Iterator[None]:
    declaration = refused_by_customs(stage)
    form = stage.clerk().opens(declaration, "amend")
    with stage.dies_at(seam):
        form.is_sent_until_heard("Transmit it again: Amount → 100.00 CNY", **AMENDED)
    yield
    accepted_once(stage, declaration.payment.order.number)
    declaration.refresh_from_db()
    assert declaration.amount_value == declaration.payment.declared_value == 100_00
    told = JournalEntry.objects.filter(act="transmit declaration again", subject_id=str(declaration.pk))
    assert told.count() == 1, list(told)
