"""Charging a cycle that has its order, through the ordinary payment path; and what follows from what became of it.

``work_cycle`` looks at the order first, whoever paid or tried to: so who died between any two lines is gone on from,
and what the buyer paid by hand is never charged again. The promise of a payment holds the order, and inside it the
subscription is looked at once more (``_still_wanted``): whoever cancels or pauses at the same moment is either before
it, and nothing is sent, or after it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from authorizations import queries as authorization_queries
from authorizations.errors import WalletNotActive
from authorizations.models import WalletAccount, secrets_of
from authorizations.states import CONSENT_ENDED, WalletStatus
from payments import queries, schedule
from payments.errors import OrderNotPayable, OrderNotWithdrawable, PaymentInProgress, SubscriptionNotPossible
from payments.models import Cycle, Order, Payment, Subscription
from payments.operations.orders import withdraw
from payments.operations.payments import pay
from payments.states import Messenger, OrderStatus, PaymentStatus
from payments.subscriptions import announcements, policies
from payments.subscriptions.failures import trouble_of
from payments.subscriptions.operations.stepping import end, fall_into_trouble, recover
from payments.subscriptions.policies import Policy
from payments.subscriptions.states import (
    IN_TROUBLE,
    RUNNING,
    TO_BE_PAID,
    CycleEvent,
    CycleStatus,
    SubscriptionEvent,
    Trouble,
)
from portal import clock, due, journal, statements
from portal.acquirer import Terminal, TerminalType
from portal.actor import Actor, ActorKind
from portal.errors import PortalError
from portal.idempotency import Remember
from portal.statements import Found, Given

_UNKNOWN = (PaymentStatus.INITIATED, PaymentStatus.PROCESSING)
TERMINAL = Terminal(terminal_type=TerminalType.WEB)
# Undocumented for a debit without the buyer; we choose WEB, because it is the one terminal that names no device.


def work_cycle(pk: int) -> Cycle:
    """Do what is to be done about a cycle with an order: record what became of it, charge it, or let it go.

    Safe to repeat, and to do twice at once.
    """
    cycle = _read(pk)
    if cycle.status not in TO_BE_PAID or cycle.order is None:
        due.hold(cycle, due_at=None)
        return cycle
    if _record_what_became(cycle):
        return cycle
    if cycle.subscription.status not in RUNNING:
        _let_go(cycle)
        return cycle
    if cycle.status in IN_TROUBLE:
        with transaction.atomic():
            cycle.advance(CycleEvent.TRIED_AGAIN, heard_from=Messenger.CLOCK, due_at=clock.now())
    _charge(cycle)
    return cycle


def try_again(
    cycle: Cycle, *, by: Actor, reason_code: str = "", note: str = "", remember: Remember | None = None
) -> Cycle:
    """Let an unpaid cycle be charged once more now, whatever its policy says. The worker does it.

    Raises SubscriptionNotPossible when it is not in trouble.
    """
    with transaction.atomic(durable=True):
        subscription = cycle.subscription
        subscription.lock()
        cycle.lock()
        if cycle.status not in IN_TROUBLE or subscription.status not in RUNNING:
            why = f"its cycle of {cycle.due_on} is {cycle.get_status_display().lower()}"
            raise SubscriptionNotPossible(number=subscription.number, why=why)
        cycle.advance(
            CycleEvent.TRIED_AGAIN, heard_from=Messenger.US, note=str(by), due_at=clock.now(), lease_until=None
        )
        journal.write(
            "charge cycle again",
            by=by,
            subject=subscription,
            reason_code=reason_code,
            note=note,
            after={"due": str(cycle.due_on), "amount": str(cycle.amount)},
        )
        if remember:
            remember(cycle)
    return cycle


def pay_by_hand(
    cycle_id: int,
    order: Order,
    wallet_account: WalletAccount,
    *,
    by: Actor,
    terminal: Terminal,
    remember: Remember | None = None,
) -> Payment:
    """Pay a cycle's order as any other order is paid; the cycle is told of the promise, so that no second one follows.

    Raises what ``operations.pay`` raises.
    """

    of_subscription = Cycle.objects.values_list("subscription", flat=True).get(pk=cycle_id)

    def promised(payment: Payment) -> None:
        subscription = statements.known(Subscription, of_subscription)
        subscription.lock()
        if subscription.status not in RUNNING:
            raise OrderNotPayable(number=order.number, why="its subscription is over")
        cycle = Cycle.objects.select_for_update().get(pk=cycle_id)
        if cycle.status in IN_TROUBLE:
            cycle.advance(CycleEvent.TRIED_AGAIN, heard_from=Messenger.US, note=str(by))
        Cycle.objects.filter(pk=cycle_id, status=CycleStatus.CHARGING).update(due_at=clock.now() + schedule.WIRE_GRACE)
        if remember:
            remember(payment)

    payment = pay(order, wallet_account, by=by, terminal=terminal, remember=promised)
    _record_what_became(_read(cycle_id))
    return payment


def _read(pk: int) -> Cycle:
    return _CYCLE.get(pk=pk)


def _of_a_cycle() -> QuerySet[Cycle]:
    related = ("order", "plan", "subscription__plan", "subscription__buyer", "subscription__account")
    rows = Cycle.objects.select_related(*related, "subscription__wallet_account").filter(pk=Given("pk")).order_by()
    return rows.defer(*secrets_of("subscription__wallet_account"))


_CYCLE = Found(_of_a_cycle)
_PAYMENTS = Found(
    lambda: Payment.objects.filter(order_id=Given("order")).select_related("wallet_account").order_by("pk")
)


def _payments(cycle: Cycle) -> list[Payment]:
    return _PAYMENTS.all(order=cycle.order_id)


def _record_what_became(cycle: Cycle) -> bool:
    """Write down what became of the order. False when nothing has: it is still to be charged."""
    order = cycle.order
    if order is None:
        return True
    order.refresh_from_db()
    payments = _payments(cycle)
    if order.status in (OrderStatus.PAID, OrderStatus.REFUNDED) or any(
        it.status == PaymentStatus.SUCCEEDED for it in payments
    ):
        _close(cycle, CycleEvent.PAID)
    elif order.status == OrderStatus.CANCELLED:
        _close(cycle, CycleEvent.GIVEN_UP, "Its order was withdrawn.")
    elif any(it.status in _UNKNOWN for it in payments):
        due.hold(cycle, due_at=schedule.later(schedule.SOON, cycle.attempts), attempts=cycle.attempts + 1)
    elif len(payments) > cycle.tries:
        newest = payments[-1]
        _fail(cycle, trouble_of(newest), newest.result_code, payments, newest.wallet_account)
    else:
        return False
    return True


def _close(cycle: Cycle, event: CycleEvent, note: str = "") -> None:
    with transaction.atomic():
        cycle.subscription.lock()
        cycle.lock()
        if cycle.status not in TO_BE_PAID:
            return
        if cycle.status in IN_TROUBLE and event is CycleEvent.PAID:
            cycle.advance(CycleEvent.TRIED_AGAIN, heard_from=Messenger.CLOCK, note="Paid meanwhile.")
        done = {"closed_at": clock.now(), "due_at": None, "lease_until": None}
        cycle.advance(event, heard_from=Messenger.CLOCK, note=note, **done)
        if event is CycleEvent.PAID:
            announcements.charged(cycle.subscription, cycle)
        if cycle.subscription.status in RUNNING:
            recover(cycle.subscription)


def _fail(
    cycle: Cycle, trouble: Trouble, code: str, failures: Sequence[Payment], wallet_account: WalletAccount
) -> None:
    """A charge did not happen, for this reason, after these had failed: what follows stands in the policy."""
    subscription = cycle.subscription
    policy = policies.effective(trouble, account=subscription.account.slug, wallet=wallet_account.wallet)
    zone = policies.zone_of(wallet_account.wallet, subscription.plan.zone)
    next_at = _next_try(policy, failures, zone)
    with transaction.atomic():
        subscription.lock()
        cycle.lock()
        if cycle.status not in TO_BE_PAID:
            return
        if subscription.status not in RUNNING:  # it ended while the charge had no answer: nothing is tried again
            next_at = None
        if cycle.status in IN_TROUBLE:  # by hand, or by a worker that died before it wrote this down
            cycle.advance(CycleEvent.TRIED_AGAIN, heard_from=Messenger.CLOCK)
        facts = {
            "tries": len(failures),
            "trouble": trouble,
            "result_code": code[:64],
            "first_failed_at": cycle.first_failed_at or clock.now(),
            "lease_until": None,
            "attempts": 0,
        }
        event, at = CycleEvent.REFUSED, clock.now()
        if trouble is Trouble.CONSENT and subscription.status in RUNNING:
            event = CycleEvent.CONSENT_DIED
        elif next_at is not None:
            event, at = CycleEvent.WILL_RETRY, max(next_at, at)
        note = f"{trouble.label}: {code}" if code else str(trouble.label)
        cycle.advance(event, heard_from=Messenger.CLOCK, note=note, due_at=at, **facts)
        if subscription.status not in RUNNING:
            return
        fall_into_trouble(subscription, trouble, policy, note=note)
        if failures or trouble is not Trouble.CONSENT:  # a dead token that nobody tried is told as what it is
            announcements.charge_failed(subscription, cycle)
        if trouble is Trouble.CONSENT:
            announcements.needs_authorization(subscription, cycle)


def _next_try(policy: Policy, failures: Sequence[Payment], zone: str) -> datetime | None:
    moments = [(it.actor_kind == ActorKind.CLOCK, it.finished_at or it.created_at) for it in failures]
    by_clock = [at for is_clocks, at in moments if is_clocks] or [at for _, at in moments[:1]]
    by_hand = [at for is_clocks, at in moments if not is_clocks and at not in by_clock]
    return policy.next_try(by_clock, zone, by_hand=by_hand) if by_clock else None


def _charge(cycle: Cycle) -> None:
    """Send one charge of a cycle whose order nobody is paying."""
    order = cycle.order
    wallet_account = _wallet_of(cycle.subscription)
    if order is None or wallet_account is None:
        due.hold(cycle, due_at=clock.now())  # it has ended, or was moved to another wallet: looked at again
        return
    failures = _payments(cycle)
    if wallet_account.status != WalletStatus.ACTIVE:
        _fail(cycle, Trouble.CONSENT, "", failures, wallet_account)
        return
    try:
        pay(order, wallet_account, by=Actor.clock(), terminal=TERMINAL, remember=_still_wanted(cycle))
    except (OrderNotPayable, SubscriptionNotPossible, WalletNotActive) as refusal:
        if queries.kept_against_status().filter(order=order).exists():  # nothing is tried again until a person acts
            _fail(cycle, Trouble.OURS, refusal.code.upper(), failures, wallet_account)
            return
        # Somebody was faster: what they did is looked at next. Or the wallet is in doubt: its refresh comes first.
        due.hold(cycle, due_at=schedule.later(schedule.SOON, cycle.attempts), attempts=cycle.attempts + 1)
        return
    except PortalError as refusal:
        _fail(cycle, Trouble.OURS, refusal.code.upper(), failures, wallet_account)
        return
    _record_what_became(cycle)


def _still_wanted(cycle: Cycle) -> Callable[[Payment], None]:
    """Inside the promise: nobody has ended or changed the subscription, and the cycle is still to be charged."""

    def look(payment: Payment) -> None:
        held = statements.known(Subscription, cycle.subscription_id)
        held.lock()
        until = {"due_at": clock.now() + schedule.WIRE_GRACE}
        is_wanted = held.status in RUNNING and held.wallet_account_id == payment.wallet_account_id
        if not is_wanted or not statements.update(Cycle, until, pk=cycle.pk, status=CycleStatus.CHARGING):
            raise SubscriptionNotPossible(number=held.number, why="it was changed in this moment")

    return look


def _wallet_of(subscription: Subscription) -> WalletAccount | None:
    """The wallet to charge: the one agreed to, or the newer binding that took its place. None when consent ended."""
    wallet_account = subscription.wallet_account
    wallet_account.refresh_from_db()
    if wallet_account.status in CONSENT_ENDED:
        with transaction.atomic():
            subscription.lock()
            is_moved = subscription.wallet_account_id != wallet_account.pk
            if subscription.status in RUNNING and not is_moved:
                reason = "The consent of its wallet was revoked."
                end(subscription, SubscriptionEvent.CONSENT_ENDED, reason)
        return None
    if wallet_account.status == WalletStatus.ACTIVE:
        return wallet_account
    newer = authorization_queries.active_wallet(subscription.buyer, wallet_account.wallet)
    if newer is None:
        return wallet_account
    moved = Subscription.objects.filter(pk=subscription.pk, wallet_account=wallet_account)
    moved.update(wallet_account=newer)
    subscription.refresh_from_db()
    return newer


def _let_go(cycle: Cycle) -> None:
    """Its subscription is over: the order is withdrawn, unless it is being paid."""
    order = cycle.order
    if order is None:
        return
    with suppress(PaymentInProgress, OrderNotWithdrawable):
        withdraw(order, by=Actor.clock())
    if not _record_what_became(cycle):
        due.hold(cycle, due_at=schedule.later(schedule.SOON, cycle.attempts), attempts=cycle.attempts + 1)
