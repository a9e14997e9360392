"""Debiting many orders while nobody is present: promised together, sent one after the other, written down together.

Only what surrounds the wire is shared, and only of orders about which there is nothing to weigh: nobody has tried to
pay them yet. Each has a payment of its own with a paymentRequestId of its own, committed before anything is sent; no
transaction is open while a call is on its way. Whoever dies meanwhile leaves payments that are asked about like any
other whose answer is missing; what was promised and, for want of time, not sent has certainly not left, and says so.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

from django.db import transaction

from authorizations.models import WalletAccount
from payments import schedule
from payments.methods import refuse_withheld
from payments.models import Order, OrderItem, Payment
from payments.operations.payments import (
    new_payment,
    payment_request,
    record_pay_answers,
    refuse_unpayable,
)
from payments.states import Messenger, OrderStatus, PaymentEvent, PaymentStatus
from portal import catalogue, clock
from portal.acquirer import Acquirer, Terminal
from portal.acquirer.results import PaymentResult
from portal.actor import Actor
from portal.errors import PortalError
from portal.gateways import acquirer_for
from portal.models import AcquirerAccount

PATIENCE = timedelta(seconds=5)
"""After the promise nothing more is sent than in this time, and nobody asks before it and a call are over."""
GRACE = PATIENCE + schedule.WIRE_GRACE
Wanted = Callable[[Sequence[int]], Collection[int]]
"""Asked inside the promise, when orders and wallets are held: which of these orders are still to be paid."""


def pay_many(
    wallets: Mapping[int, int],
    *,
    by: Actor,
    terminal: Terminal,
    still_wanted: Wanted,
    may_go_on: Callable[[], bool] = lambda: True,
) -> list[Payment]:
    """Charge orders once each, at most AT_ONCE, through the bound wallets: ``wallets`` is wallet by order, in ids.

    What ``pay`` would refuse is left out, and so is an order that somebody has tried to pay before. A payment returned
    may still be PROCESSING, as of ``pay``.
    """
    promised = _promise(wallets, by=by, terminal=terminal, still_wanted=still_wanted)
    until = clock.now() + PATIENCE
    heard: list[tuple[Payment, PaymentResult]] = []
    for payment, acquirer in promised:
        if not may_go_on() or clock.now() > until:
            break
        heard.append((payment, acquirer.pay(payment_request(payment, payment.wallet_account))))
    unsent = [payment for payment, _ in promised[len(heard) :]]
    if unsent:
        _let_be_sent_later(unsent)
    if heard:
        record_pay_answers(heard)
    return [payment for payment, _ in promised]


def _promise(
    wallets: Mapping[int, int], *, by: Actor, terminal: Terminal, still_wanted: Wanted
) -> list[tuple[Payment, Acquirer]]:
    with transaction.atomic(durable=True):
        payable = _payable(wallets)
        wanted = set(still_wanted([order.pk for order, _, _ in payable]))
        at = clock.now()
        promised = [
            (new_payment(order, wallet, acquirer, by=by, terminal=terminal, at=at, due_at=at + GRACE), acquirer)
            for order, wallet, acquirer in payable
            if order.pk in wanted
        ]
        payments = [payment for payment, _ in promised]
        for payment in payments:
            payment.is_first = True
        if payments:
            Payment.begin_all(payments, PaymentEvent.PAY_SENT, heard_from=Messenger.US, note=str(by))
    return promised


def _payable(wallets: Mapping[int, int]) -> list[tuple[Order, WalletAccount, Acquirer]]:
    """Orders and wallets, held, of which nothing is refused. Orders first, then wallets, each in the order of ids."""
    orders = list(
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("buyer")
        .filter(pk__in=wallets, status=OrderStatus.INIT)
        .order_by("pk")
    )
    keys = [order.pk for order in orders]
    held = {
        wallet.pk: wallet
        for wallet in WalletAccount.objects.select_for_update(of=("self",), no_key=True)
        .annotate(its_method=catalogue.method_beside("account", "wallet"))
        .filter(pk__in={wallets[key] for key in keys})
        .order_by("pk")
    }
    # Asked once the orders are held: whoever held one before has made the payment that is to be seen here.
    tried = set(Payment.objects.filter(order__in=keys).order_by().values_list("order", flat=True))
    items: dict[int, list[OrderItem]] = {}
    for item in OrderItem.objects.filter(order__in=keys).order_by("pk"):
        items.setdefault(item.order_id, []).append(item)
    accounts = AcquirerAccount.objects.in_bulk({wallet.account_id for wallet in held.values()})
    payable: list[tuple[Order, WalletAccount, Acquirer]] = []
    for order in orders:
        wallet = held[wallets[order.pk]]
        wallet.account = accounts[wallet.account_id]
        order.hold_items(items.get(order.pk, ()))
        if order.pk not in tried and (acquirer := _acquirer_if_payable(order, wallet)) is not None:
            payable.append((order, wallet, acquirer))
    return payable


def _acquirer_if_payable(order: Order, wallet: WalletAccount) -> Acquirer | None:
    """None where ``pay`` would refuse; whoever pays it alone says why."""
    try:
        refuse_unpayable(order, wallet, is_first=True)
        method = catalogue.read_beside(wallet.its_method)  # type: ignore[attr-defined]  # read beside
        refuse_withheld(method, wallet.wallet, order.amount)
        return acquirer_for(wallet.account)
    except PortalError:
        return None


def _let_be_sent_later(payments: Sequence[Payment]) -> None:
    """Say of promised payments that they have not left; ``send_again`` sends them, while there is time."""
    with transaction.atomic(durable=True):
        waiting = Payment.objects.filter(pk__in=[it.pk for it in payments], status=PaymentStatus.PROCESSING)
        waiting.update(may_have_arrived=False, due_at=clock.now())
