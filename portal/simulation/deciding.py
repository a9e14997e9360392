"""What a second person decides: asking, approving, declining, letting it lapse; and many refunds asked for as one.

What somebody asks for is written down here too, as it was said, so that what comes of it can be held against it.
"""

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from payments import operations as paying
from payments.bulk_files import Said
from payments.models import BulkRefund, Payment, Refund
from payments.operations.bulk import BULK_REFUND
from payments.states import BulkStatus, LineStatus, PaymentStatus, ReasonCode
from payments.subscriptions import operations as reconsidering
from payments.subscriptions.policies import Policy
from payments.subscriptions.states import RETRYABLE, Trouble
from portal import approvals, work
from portal.actor import Actor
from portal.errors import NotAllowed
from portal.models import Approval, ApprovalStatus
from portal.money import Money
from portal.simulation.stage import ALONE, STAFF, WALLETS
from portal.simulation.world import Wish, World

_GRACE = timedelta(seconds=61)
"""Longer than whoever approved something is given to do it."""
_MOST_LINES = 4


def somebody(world: World, rng: random.Random, permission: str) -> Actor:
    """Somebody of the staff, if they may. Raises NotAllowed, as the desk refuses."""
    person = world.staff[rng.choices(tuple(world.staff), weights=[weight for _, weight in STAFF.values()])[0]]
    if not person.has_perm(permission):
        raise NotAllowed
    return Actor.person(person)


def goes_back(
    world: World, payment: Payment, amount: Callable[[], Money], by: Actor, act: Callable[[], Any]
) -> tuple[Any, str]:
    """What the act made, or the words of having asked for it: one of the two."""
    try:
        return act(), ""
    except approvals.ApprovalNeeded as needed:
        wished = amount()
        wish = Wish(by.name, frozenset({(payment.pk, wished.value)}))
        return None, f"{by.name} asks for {wished}: {_asks(world, needed, by, wish)}"


def _asks(world: World, needed: approvals.ApprovalNeeded, by: Actor, wish: Wish) -> str:
    def remember(row: Any) -> None:
        world.wishes[row.number] = wish

    approval = approvals.ask(needed, by=by, remember=remember)
    world.expected.append("somebody decides")
    return str(approval.number)


def a_policy_changes(world: World, rng: random.Random) -> str:
    """Somebody wants other tries to follow a failed charge, for one account, one wallet, or all."""
    by, trouble = somebody(world, rng, "payments.act_retry_policy"), rng.choice(tuple(Trouble))
    quiet_from, quiet_until = rng.choice(((None, None), (22, 7)))
    policy = Policy(
        trouble,
        delays_hours=rng.choice(((), (1,), (6, 24), (24, 72, 120))) if trouble in RETRYABLE else (),
        paydays=rng.choice(((), (15, 31))),
        payday_within_days=rng.choice((0, 3)),
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        tries_a_day=rng.choice((1, 2)),
        grace_days=rng.choice((1, 3, 7)),
        past_due_days=rng.choice((1, 7, 14)),
    )
    account, wallet = rng.choice(("", *world.accounts)), rng.choice(("", *WALLETS))
    try:
        row = reconsidering.set_policy(policy, account=account, wallet=wallet, by=by)
    except approvals.ApprovalNeeded as needed:
        wish = Wish(by.name, frozenset({"account": account, "wallet": wallet, **policy.as_columns()}.items()))
        return f"{by.name} asks for another policy: {_asks(world, needed, by, wish)}"
    return f"{by.name} changes what follows {row}"


def gives_back_all_day(world: World, rng: random.Random) -> str:
    """Somebody gives back one payment after another, each time as much as they may alone, until they may no more."""
    payment = world.some(rng, Payment, "status = 'SUCCEEDED'")
    if payment is None:
        return ""
    by, said = somebody(world, rng, "payments.act_refund"), []
    at_once = ALONE[payment.currency]
    for one in Payment.objects.filter(status=PaymentStatus.SUCCEEDED, currency=payment.currency).order_by("pk"):
        left = one.amount_value - one.returned_value
        for value in [at_once] * (left // at_once) + [left % at_once] * (left % at_once > 0):
            amount = Money(value, one.currency)
            refund, asked = goes_back(
                world, one, partial(Money, value, one.currency), by, partial(_refunds, one, amount, by)
            )
            said.append(asked or f"{amount} of {one}: {refund.status}")
            if asked:
                return f"{by.name} gives back all day: " + ", ".join(said)
    return f"{by.name} gives back all day: " + ", ".join(said)


def _refunds(payment: Payment, amount: Money, by: Actor) -> Refund:
    return paying.refund(payment, amount, by=by, reason_code=ReasonCode.BUYER_REQUEST)


def somebody_decides(world: World, rng: random.Random) -> str:
    """Somebody of the staff decides on a request, whoever they are: the one who asked for it, too."""
    approval = world.some(rng, Approval, "status = 'WAITING'")
    if approval is None:
        return ""
    asker = world.staff[approval.actor_name]
    person, kind = rng.choice((asker, *world.staff.values())), rng.random()
    by, word = Actor.person(person), f"{approval.number} of {asker.username}"
    if person == asker and kind < 0.3:
        taken_back = approvals.withdraw(approval, by=by)
        world.ended[approval.number] = ApprovalStatus.WITHDRAWN
        return f"{word} is taken back: {taken_back.status}"
    if person == asker and kind < 0.5:
        world.expected.append("somebody reviews")
        return (
            f"{word} is done in an emergency: {approvals.break_glass(approval, by=by, note='They stand here').status}"
        )
    if kind < 0.2:
        declined = approvals.decline(approval, by=by, note="No")
        world.ended[approval.number] = ApprovalStatus.DECLINED
        return f"{person.username} declines {word}: {declined.status}"
    done = approvals.approve(approval, by=by)
    if done.kind == BULK_REFUND:
        world.expected += ["worker looks", "many go on"]
    return f"{person.username} approves {word}: {done.status}, {done.result}"


def somebody_reviews(world: World, rng: random.Random) -> str:
    """Somebody looks at what another did in an emergency."""
    approval = world.some(rng, Approval, "is_glass_broken AND reviewed_at IS NULL")
    if approval is None:
        return ""
    person = rng.choice(tuple(world.staff.values()))
    approvals.review(approval, by=Actor.person(person), is_right=rng.random() < 0.8, note="Looked at")
    return f"{person.username} reviews {approval.number}"


def who_approved_is_slow(world: World, rng: random.Random) -> str:
    """Whoever approved something has not come to doing it within a minute, and a worker finds it."""
    if world.some(rng, Approval, "status = 'APPROVED'") is None or world.line.under_way.total():
        return ""
    world.clock.move(_GRACE)
    return f"a minute later, worker: {len(list(itertools.islice(work.run_due(), 50)))} rows"


def many_are_prepared(world: World, rng: random.Random) -> str:
    """Somebody gives in a file of refunds: all that is left of a payment, or a part."""
    payments = list(Payment.objects.filter(status="SUCCEEDED").order_by("pk"))
    if len(payments) < 2:
        return ""
    chosen = rng.sample(payments, min(len(payments), rng.randrange(2, _MOST_LINES + 1)))
    by = somebody(world, rng, "payments.act_bulk_refund")
    said = [
        Said(number, payment.payment_request_id, _part(rng, payment)) for number, payment in enumerate(chosen, start=2)
    ]
    world.files += 1
    note = f"file {world.files}"
    paying.draft_bulk(note, said, by=by, reason_code=ReasonCode.BUYER_REQUEST, note=note)
    world.expected.append("many go on")
    return f"{by.name} prepares {len(said)} refunds, {note}"


def _part(rng: random.Random, payment: Payment) -> str:
    if rng.random() < 0.4:
        return ""
    value = payment.amount_value // rng.choice((2, 3, 5))
    return Money(value // 100 * 100 if payment.currency == "IDR" else value, payment.currency).major


def many_go_on(world: World, rng: random.Random) -> str:
    """A bulk refund is started, stopped, gone on with, or thrown away."""
    bulk = world.some(rng, BulkRefund, "status <> 'DISCARDED'")
    if bulk is None:
        return ""
    by, kind = somebody(world, rng, "payments.act_bulk_refund"), rng.random()
    if bulk.status == BulkStatus.DRAFT and kind < 0.1:
        return f"{by.name} discards {bulk.name}: {paying.discard_bulk(bulk, by=by).status}"
    if bulk.status == BulkStatus.DRAFT:
        lines = bulk.lines.filter(status=LineStatus.DRAFT)
        wish = Wish(by.name, frozenset(lines.values_list("payment_id", "amount_value")), bulk.name)
        try:
            return f"{by.name} starts {bulk.name}: {paying.start_bulk(bulk, by=by).status}"
        except approvals.ApprovalNeeded as needed:
            return f"{by.name} asks for {bulk.name}: {_asks(world, needed, by, wish)}"
    if bulk.status == BulkStatus.STARTED and kind < 0.5:
        world.expected.append("many go on")
        return f"{by.name} stops {bulk.name}: {paying.stop_bulk(bulk, by=by).status}"
    return f"{by.name} goes on with {bulk.name}: {paying.resume_bulk(bulk, by=by).status}"
