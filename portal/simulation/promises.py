"""What must hold at the end of every history: the promises, each with its own check.

A check returns sentences, one per violation. The acquirer's own books are the truth they are held against. What a
person has an open incident about is known, and so not forgotten: such a row may still disagree.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Model

from authorizations.models import TOKEN_PURPOSE, Authorization, AuthorizationChange, WalletAccount, WalletAccountChange
from authorizations.states import AuthorizationStatus, WalletStatus
from payments.models import (
    Cancel,
    CancelChange,
    Declaration,
    Order,
    OrderChange,
    Payment,
    PaymentChange,
    Refund,
    RefundChange,
)
from payments.states import CancelStatus, Messenger, OrderStatus, PaymentStatus, RefundStatus
from portal import clock
from portal.encryption import blind_index
from portal.models import Notification, NotificationStatus, WebhookEvent
from portal.sandbox.moments import stamp
from portal.simulation import declaring, draining, four_eyes, offering, settling, subscribing
from portal.simulation.stage import CLIENTS, PEOPLE, PURSE, WALLETS
from portal.simulation.world import World
from portal.statements import Found

_MIRRORED = {"SUCCESS": PaymentStatus.SUCCEEDED, "CANCELLED": PaymentStatus.CANCELLED, "FAIL": PaymentStatus.FAILED}
_VERDICTS: dict[str, str] = {
    PaymentStatus.SUCCEEDED: "paid_at",
    PaymentStatus.FAILED: "finished_at",
    PaymentStatus.CANCELLED: "finished_at",
}
"""What we say of a payment, and when the acquirer decided it."""
_UNPAID = (PaymentStatus.FAILED, PaymentStatus.CANCELLED)


_ORDERS = Found(lambda: Order.objects.order_by("pk"))
_PAYMENTS = Found(lambda: Payment.objects.select_related("order__buyer", "wallet_account__account").order_by("pk"))
_REFUNDS = Found(lambda: Refund.objects.order_by("pk"))
_CANCELS = Found(lambda: Cancel.objects.order_by("pk"))
_WALLETS = Found(lambda: WalletAccount.objects.select_related("buyer__account", "account").order_by("pk"))
_BEING_BOUND = Found(
    lambda: Authorization.objects.filter(
        status__in=(AuthorizationStatus.STARTED, AuthorizationStatus.OFFERED, AuthorizationStatus.CODE_RECEIVED)
    )
)
_NOT_APPLIED = Found(lambda: Notification.objects.filter(is_verified=True).exclude(status=NotificationStatus.APPLIED))


def _values_of(model: type[Model], *columns: str, **where: Any) -> Found[Any]:
    return Found(lambda: model._base_manager.filter(**where).order_by("pk").values_list(*columns))


_CHANGES = {
    "payment": _values_of(PaymentChange, "payment_id", "target"),
    "refund": _values_of(RefundChange, "refund_id", "target"),
    "cancel": _values_of(CancelChange, "cancel_id", "target"),
    "order": _values_of(OrderChange, "order_id", "target"),
    "authorization": _values_of(AuthorizationChange, "authorization_id", "target"),
    "wallet_account": _values_of(WalletAccountChange, "wallet_account_id", "target"),
}
_MOVED_BY_MESSAGES = {
    "Order": _values_of(Order, "pk", "status"),
    "Payment": _values_of(Payment, "pk", "status", "returned_value", "kept_returned_value", "declared_value"),
    "Declaration": _values_of(Declaration, "pk", "status", "amount_value"),
    "Refund": _values_of(Refund, "pk", "status", "amount_value"),
    "Cancel": _values_of(Cancel, "pk", "status"),
    "WalletAccount": _values_of(WalletAccount, "pk", "status"),
    "Authorization": _values_of(Authorization, "pk", "status", "wallet_account_id"),
}
_PAID_BY_MESSAGE = _values_of(
    PaymentChange, "payment_id", target=PaymentStatus.SUCCEEDED, heard_from=Messenger.NOTIFICATION
)
_PAYMENTS_DECIDED = _values_of(PaymentChange, "payment_id", "target", "at", target__in=tuple(_VERDICTS))
_REFUNDS_GIVEN = _values_of(RefundChange, "refund_id", "at", target=RefundStatus.SUCCEEDED)
_CANCELS_REFUSED = _values_of(CancelChange, "cancel_id", "cancel__payment_id", "at", target=CancelStatus.REFUSED)


@dataclass
class Ending:
    """How a history ended, on both sides; read once for all checks."""

    world: World
    waiting: set[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = self.world.open_incidents()

    def waits(self, row: Model) -> bool:
        """Whether a person has an open incident about the row."""
        return (row._meta.label, str(row.pk)) in self.waiting

    @cached_property
    def orders(self) -> list[Order]:
        return _ORDERS.all()

    @cached_property
    def payments(self) -> list[Payment]:
        return _PAYMENTS.all()

    @cached_property
    def refunds(self) -> list[Refund]:
        return _REFUNDS.all()

    @cached_property
    def cancels(self) -> list[Cancel]:
        return _CANCELS.all()

    @cached_property
    def wallets(self) -> list[WalletAccount]:
        return _WALLETS.all()

    @cached_property
    def by_order(self) -> dict[int, list[Payment]]:
        found: dict[int, list[Payment]] = defaultdict(list)
        for payment in self.payments:
            found[payment.order_id].append(payment)
        return found

    @cached_property
    def payments_there(self) -> dict[str, Any]:
        return {row["payment_request_id"]: row for row in self.world.engine.store.all("SELECT * FROM payments")}

    @cached_property
    def refunds_there(self) -> dict[str, Any]:
        return {row["refund_request_id"]: row for row in self.world.engine.store.all("SELECT * FROM refunds")}

    @cached_property
    def declarations_there(self) -> dict[str, Any]:
        rows = self.world.engine.store.all("SELECT * FROM declarations ORDER BY number")
        return {row["declaration_request_id"]: row for row in rows}

    @cached_property
    def tokens_there(self) -> dict[str, Any]:
        rows = self.world.engine.store.all("SELECT * FROM tokens WHERE kind = 'AGREEMENT'")
        return {blind_index(row["access_token"], TOKEN_PURPOSE): row for row in rows}


def _kept(row: Any) -> int:
    """What the acquirer holds of a payment for the merchant, net of cancels and refunds."""
    return row["value"] - row["returned_value"] if row["status"] == "SUCCESS" else 0


def one_movement(end: Ending) -> list[str]:
    """Per order at most one debit stands; returned is at most paid; nothing is kept that we show as not paid."""
    found = []
    there = end.payments_there
    for order in end.orders:
        payments = end.by_order[order.pk]
        standing = [p for p in payments if p.payment_request_id in there and _kept(there[p.payment_request_id]) > 0]
        if len(standing) > 1:
            found.append(f"order {order.number} was debited {len(standing)} times")
        for payment in standing:
            if payment.status != PaymentStatus.SUCCEEDED and not end.waits(payment):
                found.append(f"{payment} is {payment.status} here, and the acquirer keeps money of it")
        for payment in payments:
            row = there.get(payment.payment_request_id)
            if row is not None and (row["value"], row["currency"]) != (order.amount_value, order.currency):
                found.append(f"{payment} was debited {row['value']} {row['currency']} for {order.amount}")
        stands = any(p.status == PaymentStatus.SUCCEEDED for p in payments)
        if (order.status in (OrderStatus.PAID, OrderStatus.REFUNDED)) != stands:
            found.append(f"order {order.number} is {order.status}; a payment of it stands: {stands}")
    for payment in end.payments:
        if not 0 <= payment.returned_value <= payment.amount_value:
            found.append(f"{payment} returned {payment.returned_value} of {payment.amount_value}")
    asked: dict[str, int] = defaultdict(int)
    for row in end.refunds_there.values():
        asked[row["payment_id"]] += row["value"] if row["status"] in ("SUCCESS", "PROCESSING") else 0
    for row in there.values():
        if max(row["returned_value"], asked[row["payment_id"]]) > row["value"]:
            found.append(f"{row['payment_request_id']}: {asked[row['payment_id']]} went back of {row['value']}")
    return found + end.world.line.twice


def every_intent_ends(end: Ending) -> list[str]:
    """Nothing is unknown days after the line healed, unless a person has an incident about it."""
    unknown: list[Any] = [
        *(p for p in end.payments if p.status in (PaymentStatus.INITIATED, PaymentStatus.PROCESSING)),
        *(r for r in end.refunds if r.status in (RefundStatus.INITIATED, RefundStatus.PROCESSING)),
        *(c for c in end.cancels if c.status == CancelStatus.REQUESTED),
        *_BEING_BOUND.all(),
        *(w for w in end.wallets if w.status == WalletStatus.REVOKING),
    ]
    known = {payment.pk: payment for payment in end.payments}
    return [
        f"{type(row).__name__} {row} is still {row.status}"
        for row in unknown
        if not end.waits(row) and not (isinstance(row, Cancel) and end.waits(known[row.payment_id]))
    ]


def every_message_counts_once(end: Ending) -> list[str]:
    """Whatever was said twice, late or out of order moved everything once, and changes nothing when said again."""
    found = []
    for name, changes in _CHANGES.items():
        seen: set[tuple[int, str]] = set()
        for pk, target in changes.tuples():
            if (pk, target) in seen and name != "wallet_account":
                found.append(f"{name} {pk} became {target} twice")
            seen.add((pk, target))
    cancels: dict[int, int] = defaultdict(int)
    refunds: dict[int, int] = defaultdict(int)
    for cancel in end.cancels:
        if cancel.status != CancelStatus.REFUSED and not cancel.gives_back_kept:
            cancels[cancel.payment_id] += cancel.amount_value
    for refund in end.refunds:
        if refund.status not in (RefundStatus.FAILED, RefundStatus.REVERSED) and not refund.gives_back_kept:
            refunds[refund.payment_id] += refund.amount_value
    for payment in end.payments:
        promised = cancels[payment.pk], refunds[payment.pk]
        if payment.returned_value != sum(promised):
            found.append(f"{payment} reserves {payment.returned_value}, but promises {promised[0]} + {promised[1]}")
    found += _believed_at_another_amount(end)
    bound: dict[str, int] = defaultdict(int)
    for wallet in end.wallets:
        bound[wallet.access_token_index] += 1
        if bound[wallet.access_token_index] > 1:
            found.append(f"{wallet} of {wallet.buyer} was bound twice by one token")
    return found


def _believed_at_another_amount(end: Ending) -> list[str]:
    """Payments that a message moved which spoke of another amount, and no message of the right one."""
    said: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in end.world.engine.store.all("SELECT reference, body FROM notifications WHERE kind = 'notifyPayment'"):
        amount = json.loads(row["body"])["paymentAmount"]
        said[row["reference"]].add((amount["value"], amount["currency"]))
    moved = {pk for (pk,) in _PAID_BY_MESSAGE.tuples()}
    return [
        f"{payment} was taken for paid by a message over another amount"
        for payment in end.payments
        if payment.pk in moved and (str(payment.amount_value), payment.currency) not in said[payment.payment_request_id]
    ]


def _told_again(world: World) -> list[str]:
    """At rest, every message the acquirer ever wrote is delivered once more, in another order: nothing may move."""
    if not world.is_told_again:
        return []
    # What falls due while the days pass would be new, too.
    subscribing.everybody_leaves()
    world.comes_to_rest()
    # What was lost on its way, or never taken, is heard for the first time: it may still move something.
    _deliver(world, "status <> 'ACKNOWLEDGED'")
    world.comes_to_rest()
    # A token may be refreshed meanwhile: that both sides hold the same one is checked afterwards.
    before = _state(world)
    _deliver(world, "TRUE")
    world.comes_to_rest()
    after = _state(world)
    return [
        f"{name} became {after.get(name)} from {state} when old messages came again"
        for name, state in before.items()
        if after.get(name) != state
    ] + [f"{name} is there since old messages came again" for name in after.keys() - before.keys()]


def _deliver(world: World, which: str) -> None:
    """Deliver messages once, in any order."""
    rows = world.engine.store.all(f"SELECT number FROM notifications WHERE {which} ORDER BY number")  # noqa: S608
    numbers = [row["number"] for row in rows]
    world.rng.shuffle(numbers)
    for number in numbers:
        world.engine.deliver_one(number)


def _state(world: World) -> dict[str, tuple[Any, ...]]:
    """Everything that a message may move, on both sides, in rows that can be compared."""
    state: dict[str, tuple[Any, ...]] = {}
    for name, rows in _MOVED_BY_MESSAGES.items():
        for pk, *values in rows.tuples():
            state[f"{name} {pk}"] = tuple(values)
    for name in PEOPLE:
        for wallet in WALLETS:
            state[f"{name}'s {wallet}"] = (world.engine.balance(name, wallet).value,)
    return state


def agreement(end: Ending) -> list[str]:
    """Our rows and the acquirer's are the same, to the minor unit, per payment, refund, wallet, purse and report."""
    engine = end.world.engine
    found = [f"the acquirer's books: {fault}" for fault in engine.faults_in_the_books()]
    there = end.payments_there
    for payment in end.payments:
        row = there.get(payment.payment_request_id)
        if end.waits(payment) or (row is None and payment.status in _UNPAID):
            continue  # what the acquirer never saw ends as failed, or as cancelled before it was ever made
        said = _MIRRORED.get(row["status"], "?") if row is not None else "unknown"
        if said != payment.status and not (said in _UNPAID and payment.status in _UNPAID):
            found.append(f"{payment} is {payment.status} here and {said} there")
        elif row is not None and row["status"] == "SUCCESS" and row["returned_value"] != payment.returned_value:
            found.append(f"{payment} returned {payment.returned_value} here and {row['returned_value']} there")
    for refund in end.refunds:
        row = end.refunds_there.get(refund.refund_request_id)
        is_done_there = row is not None and row["status"] == "SUCCESS"
        if (refund.status == RefundStatus.SUCCEEDED) != is_done_there and not end.waits(refund):
            found.append(f"{refund} is {refund.status} here and {row['status'] if row else 'unknown'} there")
        elif row is not None and is_done_there and row["value"] != refund.amount_value:
            found.append(f"{refund} is {refund.amount_value} here and {row['value']} there")
    held: dict[tuple[str, str], int] = defaultdict(int)
    for row in there.values():
        held[row["user_id"], row["wallet"]] += _kept(row)
    for name in PEOPLE:
        for wallet, currency in WALLETS.items():
            purse = engine.balance(name, wallet).value
            if purse + held[name, wallet] != PURSE:
                found.append(f"{name}'s {wallet} holds {purse} {currency} after {held[name, wallet]} were kept")
    return found + _decided_by_the_acquirer(end) + _tokens_agree(end) + _reports_agree(end)


def _decided_by_the_acquirer(end: Ending) -> list[str]:
    """Verdicts that we believed before the acquirer had come to them, or though it never did.

    An open incident excuses none of them: the acquirer of a history says nothing false in signed words, so whoever
    believed something else has misread it, even where a later message brought that to light.
    """
    found = []
    payments = {payment.pk: end.payments_there.get(payment.payment_request_id) for payment in end.payments}
    for payment_id, target, at in _PAYMENTS_DECIDED.tuples():
        row = payments[payment_id]
        if row is None and target in _UNPAID:
            continue  # it never arrived
        decided_at = row[_VERDICTS[target]] if row is not None else None
        was_paid = row is not None and row["paid_at"] is not None
        if decided_at is None or decided_at > stamp(at) or (target == PaymentStatus.FAILED and was_paid):
            found.append(f"payment {payment_id} became {target} here before the acquirer had decided that")
    failed = {payment.pk for payment in end.payments if payment.status == PaymentStatus.FAILED}
    refunds = {refund.pk: end.refunds_there.get(refund.refund_request_id) for refund in end.refunds}
    for refund_id, at in _REFUNDS_GIVEN.tuples():
        row = refunds[refund_id]
        if row is None or row["finished_at"] is None or row["finished_at"] > stamp(at):
            found.append(f"refund {refund_id} became SUCCEEDED here before the acquirer had decided that")
    for cancel_id, payment_id, at in _CANCELS_REFUSED.tuples():
        row = payments[payment_id]
        done_at = row["cancelled_at"] if row is not None else None
        # In the same moment somebody may have wanted it anew, and got it.
        is_another_s = any(
            wish.pk > cancel_id and wish.created_at >= at and done_at is not None and done_at >= stamp(wish.created_at)
            for wish in end.cancels
            if wish.payment_id == payment_id
        )
        # One acquirer cancels what has failed, too: in the moment in which the failure was heard of here, a cancel
        # that was on its way already may have come after it.
        is_after_failure = payment_id in failed and done_at == stamp(at)
        if done_at is not None and done_at <= stamp(at) and not is_another_s and not is_after_failure:
            found.append(f"cancel {cancel_id} became REFUSED here, and the acquirer had carried it out")
    return found


def _tokens_agree(end: Ending) -> list[str]:
    found = []
    ended = {WalletStatus.REVOKED}
    for wallet in end.wallets:
        token = end.tokens_there.get(wallet.access_token_index)
        if token is None:
            found.append(f"{wallet} of {wallet.buyer} has a token that the acquirer never gave out")
        elif wallet.status in ended and _lives(token, end) and not end.waits(wallet):
            found.append(f"{wallet} of {wallet.buyer} is {wallet.status} here, and its token lives there")
        elif wallet.status == WalletStatus.ACTIVE and token["status"] == "ACTIVE":
            if wallet.access_token != token["access_token"] or wallet.refresh_token != (token["refresh_token"] or ""):
                found.append(f"{wallet} of {wallet.buyer} keeps other tokens than the acquirer gave out")
        elif wallet.status == WalletStatus.ACTIVE and token["status"] == "REFRESHED":
            found.append(f"{wallet} of {wallet.buyer} is ACTIVE here, and its token was refreshed there")
        elif wallet.status == WalletStatus.ACTIVE and token["status"] == "REPLACED":
            newer = (one for one in end.wallets if _is_in_force_instead(one, wallet, end))
            found += [
                f"{wallet} of {wallet.buyer} took the place of {one}, which had replaced it there" for one in newer
            ]
    return found


def _is_in_force_instead(other: WalletAccount, wallet: WalletAccount, end: Ending) -> bool:
    """Whether this one is over here, and its token is the one that lives there. What was lost nobody can know."""
    places = [(one.account_id, one.buyer_id, one.wallet) for one in (other, wallet)]
    token = end.tokens_there.get(other.access_token_index)
    is_over = other.status == WalletStatus.REPLACED
    return is_over and places[0] == places[1] and token is not None and _lives(token, end)


def _lives(token: Any, end: Ending) -> bool:
    return bool(token["status"] == "ACTIVE" and token["expires_at"] > end.world.engine.context.now())


def _reports_agree(end: Ending) -> list[str]:
    """The reports of the days leave nothing open but what was planted in them, and what a person knows of already."""
    world = end.world
    if not world.is_settled:
        return []
    settling.every_report_is_imported(world)
    found = []
    expected = {(one.slug, reason) for one in world.planted for reason in settling.PLANTS[one.kind]}
    for one in settling.still_open():
        match = getattr(one.row, "match", None) if one.row is not None else None
        if match is not None and (end.waits(match.payment) or (match.refund is not None and end.waits(match.refund))):
            continue
        if one.row is not None and one.file is not None and (one.file.account.slug, one.reason) in expected:
            # Transaction and settlement details may both show one planted fee or amount.
            continue
        found.append(f"{one.file} leaves open: {one.reason}, {one.sentence}")
    return found + _missing_agree(end)


def _missing_agree(end: Ending) -> list[str]:
    """What no report has is missing here, once each, and nothing else is: what came later is missing no more."""
    ours: dict[str, Model] = {str(one): one for one in end.payments if one.status == PaymentStatus.SUCCEEDED}
    ours |= {str(one): one for one in end.refunds if one.status == RefundStatus.SUCCEEDED and not one.gives_back_kept}
    left_out = {name for name in settling.left_out(end.world) if name in ours}
    missing = settling.missing_in_the_end()
    known = {name for name, one in ours.items() if end.waits(one)}
    found = [f"{name} is in no report, and nobody misses it" for name in left_out - missing - known]
    return found + [f"{name} is missing here, and a report has it" for name in missing - left_out - known]


def nothing_forgotten(end: Ending) -> list[str]:
    """Whatever was killed, the rows know of everything the acquirer did for us, and nothing waits for nobody."""
    found = []
    ours = {payment.payment_request_id for payment in end.payments}
    found += [f"the acquirer has a payment {one} that we never promised" for one in set(end.payments_there) - ours]
    promised = {refund.refund_request_id for refund in end.refunds}
    found += [f"the acquirer has a refund {one} that we never promised" for one in set(end.refunds_there) - promised]
    for row in end.payments_there.values():
        if row["client_id"] not in CLIENTS.values():
            found.append(f"{row['payment_request_id']} was debited for nobody")
    for message in _NOT_APPLIED.all():
        if not end.waits(message):
            found.append(f"{message} is still {message.status}")
    moment = end.world.agenda.next_due()
    if moment is not None and moment <= clock.now():
        found.append(f"something has been due since {moment}")
    return found


def nobody_elses(end: Ending) -> list[str]:
    """No order was paid with another's wallet or through another account, and no wallet bound by another's consent."""
    found = []
    owners = {wallet.pk: wallet for wallet in end.wallets}
    for payment in end.payments:
        wallet = owners[payment.wallet_account_id]
        if wallet.buyer_id != payment.order.buyer_id:
            found.append(f"{payment} of {payment.order.buyer} was paid with {wallet.buyer}'s wallet")
        row = end.payments_there.get(payment.payment_request_id)
        if row is not None and row["user_id"] not in ("", payment.order.buyer.reference):
            found.append(f"{payment} of {payment.order.buyer} was debited from {row['user_id']}")
        if row is not None and row["client_id"] != payment.account.client_id:
            found.append(f"{payment} was debited through {row['client_id']}, and the wallet is {payment.account}'s")
    for wallet in end.wallets:
        token = end.tokens_there.get(wallet.access_token_index)
        if token is not None and token["user_id"] != wallet.buyer.reference:
            found.append(f"{wallet.buyer} holds a token of {token['user_id']}")
        if token is not None and token["client_id"] != wallet.account.client_id:
            found.append(f"{wallet} of {wallet.buyer} was bound through another account")
    return found


def told_in_order(end: Ending) -> list[str]:
    """Every event reached the merchant's own system at least once, in order per object, in the same bytes."""
    receiver = end.world.receiver
    if receiver is None:
        return []
    found = []
    bodies: dict[str, bytes] = {}
    latest: dict[str, int] = defaultdict(int)
    for taken in receiver.taken:
        if bodies.setdefault(taken.event_id, taken.body) != taken.body:
            found.append(f"event {taken.event_id} came in other bytes")
        if taken.sequence > latest[taken.about] + 1:
            found.append(f"event {taken.sequence} of {taken.about} came after {latest[taken.about]}")
        latest[taken.about] = max(latest[taken.about], taken.sequence)
    told: dict[tuple[str, str], int] = defaultdict(int)
    for event in WebhookEvent.objects.order_by("pk"):
        told[event.kind, event.subject_label] += 1
        if event.event_id not in bodies:
            found.append(f"{event.kind} of {event.subject_label} was never taken")
        elif event.body.encode() != bodies[event.event_id]:
            found.append(f"{event.kind} of {event.subject_label} came in other bytes than were written")
    listening = end.world.accounts["sim"].pk
    paid = OrderChange.objects.filter(order__account_id=listening, target=OrderStatus.PAID)
    for number in paid.values_list("order__number", flat=True):
        if told["order.paid", number] != 1:
            found.append(f"that order {number} was paid was told {told['order.paid', number]} times")
    return found


def _of_the_world(check: Callable[[World], list[str]]) -> Callable[[Ending], list[str]]:
    return lambda end: check(end.world)


PROMISES: dict[str, Callable[[Ending], list[str]]] = {
    "one movement": one_movement,
    "every intent ends": every_intent_ends,
    "every message counts once": every_message_counts_once,
    "agreement": agreement,
    "nothing forgotten": nothing_forgotten,
    "nobody else's": nobody_elses,
    "told in order": told_in_order,
    "charged once": subscribing.charged_once,
    declaring.AS_PAID: declaring.declared_as_paid,
    "nothing withheld is charged": offering.nothing_withheld_is_charged,
    "a drained account binds nothing": draining.a_drained_account_binds_nothing,
    **{name: _of_the_world(check) for name, check in four_eyes.PROMISES.items()},
}


def broken(world: World) -> list[str]:
    """Every promise a history broke, in sentences: what was seen on the way, and what shows at the end."""
    found = [f"{name}: {sentence}" for name, sentence in world.seen]
    found += [f"every message counts once: {sentence}" for sentence in _told_again(world)]
    end = Ending(world)
    for name, check in PROMISES.items():
        found += [f"{name}: {sentence}" for sentence in check(end)]
    return found
