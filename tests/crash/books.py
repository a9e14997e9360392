"""Looking for every cent: the portal's rows beside the sandbox's own books, which are asked over HTTP.

Each check returns sentences, one per complaint; the sandbox is believed. What a person has an open incident about is
not settled, and is left to that person.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count, Model

from authorizations import queries as authorization_queries
from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from payments.customs.states import ON_ITS_WAY, DeclarationStatus
from payments.models import Cancel, Cycle, Declaration, Order, OrderChange, Payment, Refund, Subscription
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from payments.subscriptions.states import CycleStatus
from portal import clock
from portal.acquirer.results import Secret
from portal.models import (
    DeliveryState,
    Incident,
    Notification,
    NotificationStatus,
    WebhookDelivery,
    WebhookEvent,
)
from portal.sandbox.control import ControlFailed, SandboxControl
from reconciliation import queries as reports
from reconciliation.models import Discrepancy, FileStatus, ReportFile
from tests.crash.backend import Backend
from tests.crash.town import PURSE, Town

_SAID = {"SUCCESS": PaymentStatus.SUCCEEDED, "CANCELLED": PaymentStatus.CANCELLED, "FAIL": PaymentStatus.FAILED}
_SECRET_LINE = re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|accessToken|refreshToken|authCode=", re.IGNORECASE)
_NAMED_THERE = ("notifyAuthorization", "authNotify", "consultUnbinding")
"""Messages that the sandbox names by numbers of its own, which nobody else knows."""
_ASKED_ONCE = ("consultUnbinding",)
"""Without an answer the wallet lets nothing end, and asks again when its user presses again."""
IN_THE_WALLET = "no longer needed"
"""Why buyers end a binding in the wallet's own app; most wallets tell nobody, and the next payment finds out."""
_FEWEST_LETTERS = 8
"""What is shorter is no secret that could be told from other text."""


def complaints(town: Town) -> list[str]:
    """Everything that is wrong; empty when all promises hold and both sides agree to the minor unit."""
    town.control.tick()  # what is on its way arrives first
    waiting = Waiting()
    there = Ledger(town.control)
    return [
        *town.heard.complaints,
        *one_movement(there, waiting),
        *every_intent_ends(waiting),
        *every_message_counts_once(town.control),
        *payments_agree(there, waiting),
        *refunds_agree(there, waiting),
        *purses_agree(town, there),
        *orders_tell_the_truth(),
        *dates_are_charged_once(),
        *declarations_agree(town, waiting),
        *wallets_are_their_owners(town.control, waiting),
        *reports_close(),
        *(everything_was_told(town.backend) if town.backend is not None else ()),
        *logs_are_clean(town),
    ]


class Waiting:
    """What a person is to look at."""

    def __init__(self) -> None:
        self.incidents = list(Incident.objects.filter(closed_at=None))
        self._subjects = {(one.subject_type, one.subject_id) for one in self.incidents}

    def has(self, row: Model) -> bool:
        """Whether somebody has an open incident about this row."""
        return (row._meta.label, str(row.pk)) in self._subjects


class Ledger:
    """The sandbox's payments and refunds, all of them: its lists end at 500, so each order is asked about."""

    def __init__(self, control: SandboxControl) -> None:
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        for number in Order.objects.values_list("number", flat=True):
            for row in control.payments(order_id=number):
                self.payments[row["payment_request_id"]] = row
        for payment_id in Refund.objects.values_list("payment__payment_id", flat=True).distinct():
            for row in control.refunds(payment_id=payment_id):
                self.refunds[row["refund_request_id"]] = row
        self.complaints = []
        try:
            control.ledger_balances()
        except ControlFailed as reason:
            self.complaints.append(f"the sandbox's books: {reason}")

    def kept(self, request_id: str) -> int:
        """What it holds of a payment for the merchant."""
        row = self.payments.get(request_id)
        return row["value"] - row["returned_value"] if row and row["status"] == "SUCCESS" else 0


def one_movement(there: Ledger, waiting: Waiting) -> list[str]:
    """Per order at most one debit stands, and nothing is kept that we show as failed or cancelled."""
    found = list(there.complaints)
    for order in Order.objects.annotate(attempts=Count("payments")).filter(attempts__gt=0).prefetch_related("payments"):
        standing = [one for one in order.payments.all() if there.kept(one.payment_request_id) > 0]
        if len(standing) > 1:
            found.append(f"order {order.number} was debited {len(standing)} times")
        found += [
            f"{one.payment_request_id} is {one.status} here, and the acquirer keeps money of it"
            for one in standing
            if one.status != PaymentStatus.SUCCEEDED and not waiting.has(one)
        ]
    known = set(Payment.objects.values_list("payment_request_id", flat=True))
    return found + [f"{one} was debited and is not known here" for one in there.payments if one not in known]


def every_intent_ends(waiting: Waiting) -> list[str]:
    """Nothing is unknown once all is at rest, unless a person has an incident about it."""
    unknown: list[Any] = [
        *Payment.objects.filter(status__in=(PaymentStatus.INITIATED, PaymentStatus.PROCESSING)),
        *Refund.objects.filter(status__in=(RefundStatus.INITIATED, RefundStatus.PROCESSING)),
        *Cancel.objects.filter(status=CancelStatus.REQUESTED).select_related("payment"),
        *WalletAccount.objects.filter(status=WalletStatus.REVOKING),
        *Authorization.objects.filter(
            status__in=(AuthorizationStatus.STARTED, AuthorizationStatus.OFFERED, AuthorizationStatus.CODE_RECEIVED)
        ),
    ]
    return [
        f"{type(row).__name__} {row} is still {row.status}, due {row.due_at}"
        for row in unknown
        if not waiting.has(row) and not (isinstance(row, Cancel) and waiting.has(row.payment))
    ]


def every_message_counts_once(control: SandboxControl) -> list[str]:
    """Every message that was taken is one row, applied; no payment was paid twice; sums are what was promised."""
    found = [
        f"{row} was not applied: {row.status} {row.note}"
        for row in Notification.objects.filter(is_verified=True).exclude(status=NotificationStatus.APPLIED)
        if not _ends_what_never_came(row)
    ]
    kept = set(Notification.objects.filter(is_verified=True).values_list("kind", "subject"))
    for row in control.notifications():
        if row["status"] == "ACKNOWLEDGED" and row["kind"] not in _NAMED_THERE:
            if (row["kind"], row["reference"]) not in kept:
                found.append(f"{row['kind']} about {row['reference']} was acknowledged and is not kept")
        elif row["status"] in ("DUE", "SENDING", "HELD", "GIVEN_UP") and row["kind"] not in _ASKED_ONCE:
            found.append(f"{row['kind']} about {row['reference']} is {row['status']}: {row['tries'][-2:]}")
    for payment in Payment.objects.prefetch_related("changes", "cancels", "refunds"):
        if sum(change.target == PaymentStatus.SUCCEEDED for change in payment.changes.all()) > 1:
            found.append(f"{payment} was paid twice")
        promised = sum(
            one.amount_value
            for one in payment.cancels.all()
            if one.status != CancelStatus.REFUSED and not one.gives_back_kept
        ) + sum(
            one.amount_value
            for one in payment.refunds.all()
            if one.status not in (RefundStatus.FAILED, RefundStatus.REVERSED) and not one.gives_back_kept
        )
        if not payment.returned_value == promised <= payment.amount_value:
            found.append(f"{payment} reserves {payment.returned_value} of {payment.amount_value}, promised {promised}")
    return found


def _ends_what_never_came(row: Notification) -> bool:
    """Whether a wallet tells of the end of a token whose answer, or message, was lost: there is nothing to end here.

    Alipay keeps several agreements of one person, so that one nobody knows of is in force until its owner ends all.
    """
    said = json.loads(bytes(row.body))
    if said.get("authorizationNotifyType") != "TOKEN_CANCELED":
        return False
    return authorization_queries.wallet_of_token(row.account, Secret(said["accessToken"])) is None


def payments_agree(there: Ledger, waiting: Waiting) -> list[str]:
    """Status, and what went back, payment by payment."""
    found = []
    for payment in Payment.objects.all():
        row = there.payments.get(payment.payment_request_id)
        if waiting.has(payment):
            continue
        if row is None or row["status"] != "SUCCESS":
            # Nothing was taken, or all of it went back, whichever word is used for it.
            is_same = payment.status in (PaymentStatus.FAILED, PaymentStatus.CANCELLED)
            if row is not None and row["status"] == "CANCELLED":
                is_same = payment.status == PaymentStatus.CANCELLED
            if not is_same:
                found.append(f"{payment} is {payment.status} here and {row['status'] if row else 'unknown'} there")
        elif payment.status != _SAID[row["status"]]:
            found.append(f"{payment} is {payment.status} here and {row['status']} there")
        elif (row["returned_value"], row["value"]) != (payment.returned_value, payment.amount_value):
            found.append(f"{payment} returned {payment.returned_value} here and {row['returned_value']} there")
    return found


def refunds_agree(there: Ledger, waiting: Waiting) -> list[str]:
    """What is done here is done there, by the same id and amount."""
    found = []
    for refund in Refund.objects.all():
        row = there.refunds.get(refund.refund_request_id)
        is_done_there = row is not None and row["status"] == "SUCCESS"
        if (refund.status == RefundStatus.SUCCEEDED) != is_done_there and not waiting.has(refund):
            found.append(f"{refund} is {refund.status} here and {row['status'] if row else 'unknown'} there")
        elif row is not None and row["value"] != refund.amount_value:
            found.append(f"{refund} is {refund.amount_value} here and {row['value']} there")
    known = set(Refund.objects.values_list("refund_request_id", flat=True))
    return found + [f"{one} was refunded and is not known here" for one in there.refunds if one not in known]


def purses_agree(town: Town, there: Ledger) -> list[str]:
    """What is missing in a purse is what the portal's own rows say was kept, wallet by wallet."""
    kept: dict[tuple[str, str], int] = {}
    for payment in Payment.objects.filter(status=PaymentStatus.SUCCEEDED).select_related("wallet_account__buyer"):
        place = payment.wallet_account.buyer.reference, payment.wallet_account.wallet
        kept[place] = kept.get(place, 0) + payment.amount_value - payment.returned_value
    held = {
        (person["id"], account["wallet"]): account["balance"]
        for person in town.control.users()
        for account in person["accounts"]
    }
    return [
        f"{name}'s {wallet} holds {held[name, wallet]}, and the portal kept {kept.get((name, wallet), 0)} of {PURSE}"
        for name in town.names
        for wallet in town.wallets
        if held[name, wallet] + kept.get((name, wallet), 0) != PURSE
    ]


def orders_tell_the_truth() -> list[str]:
    """An order is paid exactly while one of its payments stands."""
    found = []
    for order in Order.objects.prefetch_related("payments"):
        stands = [one for one in order.payments.all() if one.status == PaymentStatus.SUCCEEDED]
        if len(stands) > 1 or (order.status in (OrderStatus.PAID, OrderStatus.REFUNDED)) != bool(stands):
            found.append(f"order {order.number} is {order.status}; payments that stand: {stands}")
    return found


def dates_are_charged_once() -> list[str]:
    """Every date of a subscription that has come is there, none is doubtful, and it is paid exactly if its order is."""
    found = []
    cycles: dict[int, list[Cycle]] = defaultdict(list)
    for cycle in Cycle.objects.select_related("order", "subscription").order_by("number"):
        cycles[cycle.subscription_id].append(cycle)
        is_paid = cycle.order is not None and cycle.order.status in (OrderStatus.PAID, OrderStatus.REFUNDED)
        was_paid = cycle.order is not None and cycle.order.changes.filter(target=OrderStatus.PAID).exists()
        if (is_paid and cycle.status != CycleStatus.PAID) or (cycle.status == CycleStatus.PAID and not was_paid):
            found.append(f"{cycle} is {cycle.status}, and its order {cycle.order and cycle.order.status}")
        if cycle.status == CycleStatus.CHARGING:
            found.append(f"{cycle} is still being charged, due {cycle.due_at}")
    for subscription in Subscription.objects.all():
        numbers = [cycle.number for cycle in cycles[subscription.pk] if cycle.number < subscription.next_number]
        if numbers != list(range(1, subscription.next_number)):
            found.append(f"subscription {subscription} has cycles {numbers}, and {subscription.next_number} is next")
        if subscription.due_at is not None and subscription.due_at <= clock.now():
            found.append(f"subscription {subscription} was to take a step at {subscription.due_at}")
    return found


def declarations_agree(town: Town, waiting: Waiting) -> list[str]:
    """What is declared here is declared there, once, of the same amount, and never more than was paid."""
    found = []
    there = {}
    for payment_id in Declaration.objects.values_list("payment__payment_id", flat=True).distinct():
        there |= {row["declaration_request_id"]: row for row in town.control.declarations(payment_id=payment_id)}
    declared: Counter[int] = Counter()
    for one in Declaration.objects.select_related("payment"):
        row = there.pop(one.declaration_request_id, None)
        is_over = one.status == DeclarationStatus.FAILED
        declared[one.payment_id] += 0 if is_over else one.amount_value
        if one.status in ON_ITS_WAY and not waiting.has(one):
            found.append(f"declaration {one} is still {one.status}, due {one.due_at}")
        if (row is None) != is_over and not waiting.has(one):
            found.append(f"declaration {one} is {one.status} here and {'there' if row else 'unknown'} there")
        elif row is not None and row["value"] != one.amount_value and not waiting.has(one):
            found.append(f"declaration {one} is of {one.amount_value} here and of {row['value']} there")
    found += [f"{one} was declared and is not known here" for one in there]
    return found + [
        f"{payment} has {payment.declared_value} declared, and its declarations come to {declared[payment.pk]}"
        for payment in Payment.objects.filter(pk__in=declared)
        if not payment.declared_value == declared[payment.pk] <= payment.amount_value
    ]


def wallets_are_their_owners(control: SandboxControl, waiting: Waiting) -> list[str]:
    """Nobody pays with another's wallet; what is active here is in force there, and what we ended is not."""
    found = [
        f"{payment} of {payment.order.buyer} was paid with {payment.wallet_account.buyer}'s wallet"
        for payment in Payment.objects.select_related("order__buyer", "wallet_account__buyer")
        if payment.order.buyer_id != payment.wallet_account.buyer_id
    ]
    for wallet in WalletAccount.objects.filter(status=WalletStatus.ACTIVE).select_related("buyer"):
        digest = hashlib.sha256(wallet.access_token.encode()).hexdigest()
        tokens = control.tokens(user_id=wallet.buyer.reference, wallet=wallet.wallet)
        token = next((one for one in tokens if one["access_token_sha256"] == digest), None)
        if token is None:
            found.append(f"{wallet} of {wallet.buyer} is active here, by a token of somebody else")
        elif token["status"] == "REPLACED" and _lost_a_newer_one(wallet):
            continue  # the newer token's answer was lost: the next payment, or the buyer, finds out; nothing is charged
        elif token["status"] != "ACTIVE" and token["reason"] != IN_THE_WALLET and not waiting.has(wallet):
            found.append(f"{wallet} of {wallet.buyer} is active here and {token['status']} there")
    return found


def _lost_a_newer_one(wallet: WalletAccount) -> bool:
    """Whether a later code was used up without an answer; that ends as "authorize again"."""
    return Authorization.objects.filter(
        buyer=wallet.buyer, wallet=wallet.wallet, status=AuthorizationStatus.FAILED, codes_sent__gt=1
    ).exists()


def everything_was_told(backend: Backend) -> list[str]:
    """The shop's backend took every event at least once, in order per object, in the bytes that were written; no other.

    An event of which an order's payment is the news is told exactly as often as it happened: once.
    """
    found = list(backend.complaints)
    written = {event.event_id: event for event in WebhookEvent.objects.all()}
    latest: dict[str, int] = defaultdict(int)
    for message in backend.taken:
        event = written.get(message.id)
        if event is None or message.body != event.body.encode("ascii"):
            found.append(f"the shop was told {message.id} {message.body[:80]!r}, which was never written")
            continue
        about = f"{event.subject_type} {event.subject_label}"
        if event.sequence > latest[about] + 1:
            found.append(f"event {event.sequence} of {about} came after {latest[about]}")
        latest[about] = max(latest[about], event.sequence)
    taken = {message.id for message in backend.taken}
    found += [f"{event} was never taken" for event in written.values() if event.event_id not in taken]
    waiting = WebhookDelivery.objects.exclude(state=DeliveryState.DELIVERED).select_related("event")
    found += [f"webhook {one.event} is {one.state}: {one.said}, due {one.due_at}" for one in waiting]
    told = Counter(event.subject_label for event in written.values() if event.kind == "order.paid")
    paid = set(OrderChange.objects.filter(target=OrderStatus.PAID).values_list("order__number", flat=True))
    found += [
        f"that order {number} was paid was told {told[number]} times"
        for number in paid | set(told)
        if told[number] != 1
    ]
    return found


def reports_close() -> list[str]:
    """Reported = matched + explained + open in every file, and nothing is open."""
    found = []
    for file in ReportFile.objects.filter(status=FileStatus.IMPORTED):
        for law in reports.law(file):
            if law.reported != law.matched + law.explained + law.open or law.open.value:
                found.append(f"{file.name}: {law.reported} = {law.matched} + {law.explained} + {law.open}")
    for one in Discrepancy.objects.filter(closed_at=None).select_related("file"):
        found.append(f"{one.file or one.account}: {one.reason}: {one.sentence}")
    return found


def logs_are_clean(town: Town) -> list[str]:
    """No process has said a secret, or ended a request in a traceback."""
    secrets = set(town.heard.secrets)
    for wallet in WalletAccount.objects.all():
        secrets |= {wallet.access_token, wallet.refresh_token, wallet.user_id}
    secrets |= set(Authorization.objects.values_list("auth_code", flat=True))
    return [
        complaint
        for name, said in town.premises.said.items()
        for complaint in _flaws(name, list(said), {one for one in secrets if one and len(one) >= _FEWEST_LETTERS})
    ]


def _flaws(name: str, lines: Sequence[str], secrets: Iterable[str]) -> list[str]:
    text = "".join(lines)
    found = [f"{name} has said a secret" for secret in secrets if secret in text]
    found += [f"{name} has said a secret: {line[:40]}…" for line in lines if _SECRET_LINE.search(line)]
    for at, line in enumerate(lines):
        if line.startswith("Traceback"):
            ends = next((n for n in range(at + 1, len(lines)) if not lines[n].startswith((" ", "\n"))), at)
            found.append(f"{name} wrote a traceback: {lines[at - 1].strip()} … {lines[ends].strip()}")
    return found


def told(found: Sequence[str]) -> str:
    """Complaints for a person."""
    return "\n".join([f"{len(found)} complaints:", *found[:40]])
