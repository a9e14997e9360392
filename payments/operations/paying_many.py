"""Debiting many orders while nobody is present: promised together, several calls in flight, written down together.

Only what surrounds the wire is shared, and only of orders about which there is nothing to weigh: nobody has tried to
pay them yet. Each has a payment of its own with a paymentRequestId of its own, committed before anything is sent; no
transaction is open while a call is on its way. Whoever dies meanwhile leaves payments that are asked about like any
other whose answer is missing; what was promised and, for want of time, not sent has certainly not left, and says so.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from django.db import transaction

from authorizations.models import WalletAccount
from payments import schedule
from payments.methods import refuse_withheld
from payments.models import Order, OrderItem, Payment
from payments.operations.payments import (
    AT_ONCE,
    new_payment,
    payment_request,
    record_pay_answers,
    refuse_unpayable,
)
from payments.states import Messenger, OrderStatus, PaymentEvent, PaymentStatus
from portal import catalogue, clock, flights
from portal.acquirer import Acquirer, PaymentRequest, Terminal
from portal.acquirer.results import PaymentResult
from portal.actor import Actor
from portal.errors import PortalError
from portal.gateways import acquirer_for, keys_beside
from portal.models import AcquirerAccount, PaymentMethod
from portal.statements import Found, Given, given_ids, ids

PATIENCE = timedelta(seconds=5)
"""After the promise nothing more is sent than in this time, and nobody asks before it and a call are over."""
GRACE = PATIENCE + schedule.WIRE_GRACE
Wanted = Callable[[Sequence[int]], Collection[int]]
"""Asked inside the promise, when orders and wallets are held: which of these orders are still to be paid."""

_ORDERS = Found(
    lambda: (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("buyer")
        .filter(pk__in=given_ids(AT_ONCE), status=OrderStatus.INIT)
        .order_by("pk")
    )
)
_WALLETS = Found(
    lambda: WalletAccount.objects.select_for_update(no_key=True).filter(pk__in=given_ids(AT_ONCE)).order_by("pk")
)
_TRIED = Found(lambda: Payment.objects.filter(order__pk__in=given_ids(AT_ONCE)).order_by().values_list("order_id"))
_LINES = Found(lambda: OrderItem.objects.filter(order__pk__in=given_ids(AT_ONCE)).order_by("pk"))
_ACCOUNT = Found(
    lambda: AcquirerAccount.objects.annotate(their_keys=keys_beside("pk")).filter(pk=Given("pk")).order_by()
)


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
    may still be PROCESSING, as of ``pay``. Raises whatever nobody expected of a call, once the other answers are
    written down: that payment is asked about like any whose answer is missing.
    """
    promised = _promise(wallets, by=by, terminal=terminal, still_wanted=still_wanted)
    until = clock.now() + PATIENCE

    def call(acquirer: Acquirer, request: PaymentRequest) -> PaymentResult | None:
        return acquirer.pay(request) if may_go_on() and clock.now() <= until else None

    answers = flights.made(
        [partial(call, acquirer, payment_request(it, it.wallet_account)) for it, acquirer in promised]
    )
    payments = [payment for payment, _ in promised]
    heard = [(it, answer.result()) for it, answer in zip(payments, answers, strict=True) if not answer.exception()]
    unsent = [payment for payment, result in heard if result is None]
    if unsent:
        _let_be_sent_later(unsent)
    told = [(payment, result) for payment, result in heard if result is not None]
    if told:
        record_pay_answers(told)
    for answer in answers:
        answer.result()
    return payments


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
    orders = _ORDERS.all(**ids(list(wallets), AT_ONCE))
    if not orders:
        return []
    keys = ids([order.pk for order in orders], AT_ONCE)
    held = {it.pk: it for it in _WALLETS.all(**ids(sorted({wallets[order.pk] for order in orders}), AT_ONCE))}
    # Asked once the orders are held: whoever held one before has made the payment that is to be seen here.
    tried = {order for (order,) in _TRIED.tuples(**keys)}
    items: dict[int, list[OrderItem]] = {}
    for item in _LINES.all(**keys):
        items.setdefault(item.order_id, []).append(item)
    sides = {key: _side(key) for key in sorted({wallet.account_id for wallet in held.values()})}
    payable: list[tuple[Order, WalletAccount, Acquirer]] = []
    for order in orders:
        wallet = held[wallets[order.pk]]
        side = sides[wallet.account_id]
        if order.pk in tried or side.acquirer is None:
            continue
        wallet.account = side.account
        order.hold_items(items.get(order.pk, ()))
        if not _is_refused(order, wallet, side):
            payable.append((order, wallet, side.acquirer))
    return payable


class _Side(NamedTuple):
    """An account that is debited through, as it is now."""

    account: AcquirerAccount
    acquirer: Acquirer | None
    """None: it has no keys, so nothing is sent."""
    methods: dict[str, PaymentMethod | None]
    """What its catalogue says of the wallets that were asked about."""


def _side(pk: int) -> _Side:
    account = _ACCOUNT.get(pk=pk)
    try:
        return _Side(account, acquirer_for(account, keys=account.their_keys or ()), {})
    except PortalError:
        return _Side(account, None, {})


def _is_refused(order: Order, wallet: WalletAccount, side: _Side) -> bool:
    """Whether ``pay`` would refuse it; whoever pays it alone says why."""
    if wallet.wallet not in side.methods:
        side.methods[wallet.wallet] = catalogue.method_of(side.account.pk, wallet.wallet)
    try:
        refuse_unpayable(order, wallet, is_first=True)
        refuse_withheld(side.methods[wallet.wallet], wallet.wallet, order.amount)
    except PortalError:
        return True
    return False


def _let_be_sent_later(payments: Sequence[Payment]) -> None:
    """Say of promised payments that they have not left; ``send_again`` sends them, while there is time."""
    with transaction.atomic(durable=True):
        waiting = Payment.objects.filter(pk__in=[it.pk for it in payments], status=PaymentStatus.PROCESSING)
        waiting.update(may_have_arrived=False, due_at=clock.now())
