"""What must hold at the end of every history, each a named property with its own check.

A check returns sentences, one per violation. The acquirer's own books are the truth they are held against.
"""

from collections.abc import Callable
from typing import Any

from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal.simulation.world import BUYERS, PURSE, WALLETS, World


def _payments_there(world: World) -> dict[str, Any]:
    return {row["payment_request_id"]: row for row in world.engine.store.all("SELECT * FROM payments")}


def _kept(row: Any) -> int:
    """What the acquirer holds of a payment for the merchant, net of cancels and refunds."""
    return row["value"] - row["returned_value"] if row["status"] == "SUCCESS" else 0


def one_movement(world: World) -> list[str]:
    """Per order at most one debit stands; returned is at most paid; nothing is kept that we show as failed."""
    found = []
    there = _payments_there(world)
    waiting = world.open_incidents()
    for order in Order.objects.all():
        payments = list(order.payments.all())
        standing = [p for p in payments if p.payment_request_id in there and _kept(there[p.payment_request_id]) > 0]
        if len(standing) > 1:
            found.append(f"order {order.number} was debited {len(standing)} times")
        for payment in standing:
            if payment.status != PaymentStatus.SUCCEEDED and not _is_waiting(waiting, payment):
                found.append(f"{payment} is {payment.status} here, and the acquirer keeps money of it")
    for payment in Payment.objects.all():
        if not 0 <= payment.returned_value <= payment.amount_value:
            found.append(f"{payment} returned {payment.returned_value} of {payment.amount_value}")
    return found


def _is_waiting(waiting: set[tuple[str, str]], row: Any) -> bool:
    return any(subject == str(row.pk) for _, subject in waiting)


def every_intent_ends(world: World) -> list[str]:
    """Nothing is unknown days after the line healed, unless a person has an incident about it."""
    waiting = world.open_incidents()
    unknown = [
        *Payment.objects.filter(status__in=(PaymentStatus.INITIATED, PaymentStatus.PROCESSING)),
        *Refund.objects.filter(status__in=(RefundStatus.INITIATED, RefundStatus.PROCESSING)),
        *Cancel.objects.filter(status=CancelStatus.REQUESTED),
        *Authorization.objects.filter(
            status__in=(AuthorizationStatus.STARTED, AuthorizationStatus.OFFERED, AuthorizationStatus.CODE_RECEIVED)
        ),
        *WalletAccount.objects.filter(status=WalletStatus.REVOKING),
    ]
    return [
        f"{type(row).__name__} {row} is still {row.status}"
        for row in unknown
        if not _is_waiting(waiting, row) and not (isinstance(row, Cancel) and _is_waiting(waiting, row.payment))
    ]


def every_message_counts_once(world: World) -> list[str]:
    """No row reached the same final status twice, and what is reserved is what is promised or done."""
    found = []
    for payment in Payment.objects.all():
        if payment.changes.filter(target=PaymentStatus.SUCCEEDED).count() > 1:
            found.append(f"{payment} was paid twice")
        cancels = sum(c.amount_value for c in payment.cancels.exclude(status=CancelStatus.REFUSED))
        refunds = sum(
            r.amount_value for r in payment.refunds.exclude(status__in=(RefundStatus.FAILED, RefundStatus.REVERSED))
        )
        if payment.returned_value != cancels + refunds:
            found.append(f"{payment} reserves {payment.returned_value}, but promises {cancels} + {refunds}")
    return found


def agreement(world: World) -> list[str]:
    """Our rows and the acquirer's are the same, to the minor unit, per payment, refund and purse."""
    found = [f"the acquirer's books: {fault}" for fault in world.engine.faults_in_the_books()]
    there = _payments_there(world)
    same = {"SUCCESS": PaymentStatus.SUCCEEDED, "CANCELLED": PaymentStatus.CANCELLED, "FAIL": PaymentStatus.FAILED}
    waiting = world.open_incidents()
    for payment in Payment.objects.all():
        row = there.get(payment.payment_request_id)
        if _is_waiting(waiting, payment):
            continue
        said = same.get(row["status"], "?") if row is not None else PaymentStatus.FAILED
        # A payment the acquirer never saw may end here as failed, or as cancelled before it was ever made.
        if row is None and payment.status in (PaymentStatus.FAILED, PaymentStatus.CANCELLED):
            continue
        if payment.status == PaymentStatus.CANCELLED and said == PaymentStatus.FAILED:
            continue  # nothing was taken, whichever word is used for it
        if said != payment.status:
            found.append(f"{payment} is {payment.status} here and {row['status'] if row else 'unknown'} there")
        elif row is not None and row["status"] == "SUCCESS" and row["returned_value"] != payment.returned_value:
            found.append(f"{payment} returned {payment.returned_value} here and {row['returned_value']} there")
    refunds_there = {row["refund_request_id"]: row for row in world.engine.store.all("SELECT * FROM refunds")}
    for refund in Refund.objects.all():
        row = refunds_there.get(refund.refund_request_id)
        is_done_there = row is not None and row["status"] == "SUCCESS"
        if (refund.status == RefundStatus.SUCCEEDED) != is_done_there and not _is_waiting(waiting, refund):
            found.append(f"{refund} is {refund.status} here and {row['status'] if row else 'unknown'} there")
    for name in BUYERS:
        for wallet, currency in WALLETS.items():
            moved = sum(_kept(row) for row in there.values() if (row["user_id"], row["wallet"]) == (name, wallet))
            held = world.engine.balance(name, wallet).value
            if held + moved != PURSE:
                found.append(f"{name}'s {wallet} holds {held} {currency} after {moved} were kept")
    return found


def orders_tell_the_truth(world: World) -> list[str]:
    """An order is paid exactly while one of its payments stands."""
    found = []
    for order in Order.objects.all():
        stands = order.payments.filter(status=PaymentStatus.SUCCEEDED).first()
        if (order.status in (OrderStatus.PAID, OrderStatus.REFUNDED)) != (stands is not None):
            found.append(f"order {order.number} is {order.status}; its payment that stands: {stands}")
    return found


def nobody_elses(world: World) -> list[str]:
    """No order was paid with another buyer's wallet, and no wallet was bound by another's consent."""
    found = [
        f"{payment} of {payment.order.buyer} was paid with {payment.wallet_account.buyer}'s wallet"
        for payment in Payment.objects.select_related("order__buyer", "wallet_account__buyer")
        if payment.order.buyer_id != payment.wallet_account.buyer_id
    ]
    for wallet in WalletAccount.objects.exclude(access_token="").select_related("buyer"):
        holder = world.engine.store.value("SELECT user_id FROM tokens WHERE access_token = ?", (wallet.access_token,))
        if holder is not None and holder != wallet.buyer.reference:
            found.append(f"{wallet.buyer} holds a token of {holder}")
    return found


PROMISES: dict[str, Callable[[World], list[str]]] = {
    "one movement": one_movement,
    "every intent ends": every_intent_ends,
    "every message counts once": every_message_counts_once,
    "agreement": agreement,
    "orders tell the truth": orders_tell_the_truth,
    "nobody else's": nobody_elses,
}
