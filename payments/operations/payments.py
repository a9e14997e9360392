"""Debiting an order once: promise, wire, record; and the one funnel every verdict about a payment ends in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, QuerySet
from django.db.models.functions import Cast

from authorizations import operations as authorization_operations
from authorizations.errors import WalletInDoubt, WalletNotActive
from authorizations.models import WalletAccount
from authorizations.states import WalletStatus
from payments import announcements, queries, schedule
from payments.customs import promising
from payments.errors import OrderNotPayable
from payments.methods import refuse_withheld
from payments.models import LIVE, Cancel, Contradiction, Order, OrderItem, Payment, Refund
from payments.states import (
    CancelEvent,
    CancelStatus,
    Messenger,
    OrderEvent,
    OrderStatus,
    PaymentEvent,
    PaymentStatus,
    RefundStatus,
)
from portal import catalogue, clock, incidents, journal, outbox, statements
from portal.acquirer import Acquirer, PaymentRequest, Terminal
from portal.acquirer.results import Advice, Outcome, PaymentInquiry, PaymentResult, Secret, WireExchange
from portal.actor import Actor, ActorKind
from portal.errors import NotFound, TransitionNotAllowed
from portal.gateways import acquirer_for, keys_beside, notification_url, to_keep
from portal.idempotency import Remember
from portal.models import Incident, Move
from portal.statements import Changed, Found, Given, Insert, Part, Rows, given_ids, ids

CONTRADICTION = "PAYMENT_CONTRADICTION"
UNKNOWN_TOO_LONG = "PAYMENT_UNKNOWN"
CANCEL_REFUSED = "CANCEL_REFUSED"
NEVER_SENT = "NEVER_SENT"
"""Ours, for a request that certainly never left this process before it expired, or before a cancel was wanted."""
AGAINST_UNPAID = (str(Outcome.SUCCESS),)
"""What contradicts a payment we hold as failed or cancelled."""
_AGAINST_PAID = (str(Outcome.FAIL), "CANCELLED")
_AGAINST_AMOUNT = ("AMOUNT",)
_CLOCKS_DIFFER_BY = timedelta(days=1)
_PRICE_DIGITS, _PRICE_DECIMALS = 12, 12

_ITEM = ("pk", "sku", "name", "unit_value", "quantity", "is_digital")
_ORDER_HELD = Found(
    lambda: (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("buyer")
        .annotate(
            its_items=Rows(OrderItem.objects.filter(order=OuterRef("pk")).order_by("pk").values_list(*_ITEM)),
        )
        .filter(pk=Given("pk"))
        .order_by()
    )
)
_WALLET_HELD = Found(
    lambda: (
        WalletAccount.objects.select_for_update(of=("self",), no_key=True)
        .select_related("account")
        .annotate(
            their_keys=keys_beside("account"),
            order_had_payments=Exists(Payment.objects.filter(order_id=Given("order"))),
            its_method=catalogue.method_beside("account", "wallet"),
        )
        .filter(pk=Given("pk"))
        .order_by()
    )
)
"""Asked once the order is held, so that whoever held it before has made the payment that is to be seen here; and what
the account's catalogue says of the wallet, as it is now."""
HELD = Found(
    lambda: (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("order", "wallet_account__account")
        .filter(pk=Given("pk"))
        .order_by()
    )
)
"""A payment, held until the transaction ends, with what is asked of it beside it."""
_LOOKED_AT_AGAIN = Changed(
    lambda: Payment.objects.filter(pk=Given("pk"), status=PaymentStatus.PROCESSING).exclude(
        cancels__status=CancelStatus.REQUESTED
    ),
    due_at=Given("at", Payment._meta.get_field("due_at")),
    lease_until=None,
)
_REQUESTED = Found(lambda: Cancel.objects.filter(payment_id=Given("payment"), status=CancelStatus.REQUESTED))
_STATUSES = Found(lambda: Payment.objects.filter(order_id=Given("order")).order_by().values_list("status"))


def _signs() -> list[Any]:
    of_payment = {"subject_type": Payment._meta.label, "subject_id": Cast(OuterRef("pk"), CharField())}
    return [
        Exists(Cancel.objects.filter(payment=OuterRef("pk"))),
        Exists(Contradiction.objects.filter(payment=OuterRef("pk"))),
        Exists(Incident.objects.filter(kind=UNKNOWN_TOO_LONG, closed_at__isnull=True, **of_payment)),
        "wallet_account__doubted_at",
        outbox.somebody_listens(),
    ]


AT_ONCE = 50
"""Answers about so many payments, at most, are recorded in one transaction."""
_ALL_HELD = Found(
    lambda: Payment.objects.select_for_update(no_key=True).filter(pk__in=given_ids(AT_ONCE)).order_by("pk")
)
_ALL_HELD_WITH_ORDERS = Found(
    lambda: (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("order")
        .filter(pk__in=given_ids(AT_ONCE))
        .order_by("pk")
    )
)
_SIGNS = Found(lambda: Payment.objects.filter(pk=Given("pk")).order_by().values_list("pk", *_signs()))
_ALL_SIGNS = Found(lambda: Payment.objects.filter(pk__in=given_ids(AT_ONCE)).order_by().values_list("pk", *_signs()))


def pay(
    order: Order, wallet_account: WalletAccount, *, by: Actor, terminal: Terminal, remember: Remember | None = None
) -> Payment:
    """Charge the order once, through the bound wallet.

    Raises OrderNotPayable, WalletNotActive, WalletInDoubt, WalletNotContracted, TerminalNotServed, WrongCurrency or
    AmountNotAllowed before anything is kept or sent.
    The payment returned may still be PROCESSING; its result then comes by notifyPayment or inquiryPayment.
    Source: https://docs.antom.com/ac/ams/payment_agreement
    """
    with transaction.atomic(durable=True):  # promise: paymentRequestId is born here and committed
        order = _held(order)
        wallet_account = _WALLET_HELD.get(pk=wallet_account.pk, order=order.pk)
        acquirer = acquirer_for(wallet_account.account, keys=wallet_account.their_keys or ())  # read beside
        is_first = not wallet_account.order_had_payments
        refuse_unpayable(order, wallet_account, is_first=is_first)
        # Nobody is at a terminal when the clock charges: what the request says of one is only there to say something.
        at_terminal = "" if by.kind is ActorKind.CLOCK else terminal.terminal_type
        method = catalogue.read_beside(wallet_account.its_method)
        refuse_withheld(method, wallet_account.wallet, order.amount, terminal=at_terminal)
        at = clock.now()
        due_at = at + schedule.WIRE_GRACE
        payment = new_payment(order, wallet_account, acquirer, by=by, terminal=terminal, at=at, due_at=due_at)
        payment.is_first = is_first
        payment.begin(PaymentEvent.PAY_SENT, heard_from=Messenger.US, note=str(by))
        if remember:
            remember(payment)
    result = acquirer.pay(payment_request(payment, wallet_account))  # wire: no transaction is open
    return record_payment_result(payment, result, heard_from=Messenger.PAY_ANSWER)  # record: its own


def new_payment(
    order: Order,
    wallet_account: WalletAccount,
    acquirer: Acquirer,
    *,
    by: Actor,
    terminal: Terminal,
    at: datetime,
    due_at: datetime,
) -> Payment:
    """A payment of the order as it is promised; it is in no table yet."""
    payment = Payment(
        order=order,
        wallet_account=wallet_account,
        payment_request_id=clock.fresh_id("P"),
        amount_value=order.amount_value,
        currency=order.currency,
        token_index=wallet_account.access_token_index,
        terminal_type=terminal.terminal_type,
        os_type=terminal.os_type,
        client_ip=terminal.client_ip or None,
        settlement_currency=wallet_account.account.settlement_currency,
        expires_at=at + acquirer.capabilities.payment_expiry - schedule.EXPIRY_SHORTENING,
        due_at=due_at,
        created_at=at,
    )
    payment.by(by)
    return payment


def _held(order: Order) -> Order:
    """The order as it is now, held, with what a payment of it says to the acquirer."""
    held = _ORDER_HELD.get(pk=order.pk)
    rows = held.its_items or ()
    held.hold_items(OrderItem(**dict(zip(_ITEM, row, strict=True))) for row in rows)
    return held


def refuse_unpayable(order: Order, wallet_account: WalletAccount, *, is_first: bool) -> None:
    """Raise NotFound, OrderNotPayable, WalletNotActive or WalletInDoubt, of rows that are held; see ``pay``."""
    if wallet_account.buyer_id != order.buyer_id:
        raise NotFound(thing="wallet", key=wallet_account.pk)
    if order.status != OrderStatus.INIT:
        raise OrderNotPayable(number=order.number, why=f"it is {order.get_status_display().lower()}")
    earlier = set() if is_first else {status for (status,) in _STATUSES.tuples(order=order.pk)}
    if earlier.intersection(LIVE):
        raise OrderNotPayable(number=order.number, why="it is being paid")
    if earlier and _KEPT.tuples(order=order.pk):
        why = "the acquirer says that an earlier payment of it was taken after all; give that money back first"
        raise OrderNotPayable(number=order.number, why=why)
    if wallet_account.status != WalletStatus.ACTIVE:
        raise WalletNotActive(status=wallet_account.get_status_display().lower())
    if wallet_account.is_in_doubt:
        raise WalletInDoubt


def _kept() -> QuerySet[Payment, Any]:
    rows = queries.kept_against_status().filter(order_id=Given("order"))
    return rows.order_by().values_list("pk")[:1]


_KEPT = Found(_kept)


def payment_request(payment: Payment, wallet_account: WalletAccount) -> PaymentRequest:
    """The payment as the gateway wants it. Built from the row alone, so that a repeat says the same."""
    order = payment.order
    account = wallet_account.account
    return PaymentRequest(
        payment_request_id=payment.payment_request_id,
        amount=payment.amount,
        wallet=wallet_account.wallet,
        access_token=Secret(wallet_account.access_token),
        order_reference=order.number,
        order_description=order.description,
        settlement_currency=payment.settlement_currency,
        expires_at=payment.expires_at,
        notify_url=notification_url(account, "payment"),
        terminal=payment.terminal(),
        app_id=account.app_id,
        buyer_reference=order.buyer.reference,
        lines=order.lines(),
        merchant_reference=account.merchant_reference,
    )


def send_again(payment: Payment) -> Payment:
    """Send a request that certainly never left, under the same id.

    After its expiry, or once its cancel is wanted, it is closed as never sent instead.
    Source for the rule: only what certainly never left is sent again; what may have left is asked about.
    """
    acquirer = acquirer_for(payment.account)
    at = clock.now()
    with transaction.atomic(durable=True):  # promise: from now on it may have arrived
        payment.lock()
        if payment.status != PaymentStatus.PROCESSING or payment.may_have_arrived:
            return payment
        wallet_account = payment.wallet_account
        wallet_account.refresh_from_db()
        is_sendable = (
            at < payment.expires_at
            and wallet_account.status == WalletStatus.ACTIVE
            and not wallet_account.is_in_doubt
            and wallet_account.access_token_index == payment.token_index
            and not _cancel_is_wanted(payment)
        )
        if is_sendable:
            Payment.objects.filter(pk=payment.pk).update(may_have_arrived=True, due_at=at + schedule.WIRE_GRACE)
            payment.may_have_arrived = True
    if is_sendable:
        result = acquirer.pay(payment_request(payment, wallet_account))
        return record_payment_result(payment, result, heard_from=Messenger.PAY_ANSWER)
    never_sent = PaymentResult(
        outcome=Outcome.FAIL, code=NEVER_SENT, message="The request never left the portal.", advice=Advice.NEW_ID
    )
    return record_payment_result(payment, never_sent, heard_from=Messenger.US)


def _cancel_is_wanted(payment: Payment) -> bool:
    return _cancels_wanted().filter(payment=payment).exists()


def _cancels_wanted() -> QuerySet[Cancel]:
    return Cancel.objects.filter(status=CancelStatus.REQUESTED, gives_back_kept=False)


def record_payment_result(
    payment: Payment, result: PaymentResult, *, heard_from: Messenger, done: Callable[[], None] | None = None
) -> Payment:
    """Write down a verdict about a payment, whoever brings it. Safe to repeat, in any order.

    UNKNOWN moves nothing, and a message that decides nothing changes nothing. A verdict that the final status does not
    allow is kept as a contradiction with an incident; it never overwrites. Amount and currency are compared before a
    success is believed. ``done`` is called inside the transaction, when all is written.
    """
    if result.outcome is Outcome.UNKNOWN and heard_from == Messenger.NOTIFICATION:
        return payment
    with transaction.atomic(durable=True):
        payment.lock()
        with _kept_beside(payment, None if heard_from == Messenger.INQUIRY else result.exchange) as beside:
            _write_down(payment, result, heard_from=heard_from, beside=beside)
        if done:
            done()
    return payment


@contextmanager
def _kept_beside(payment: Payment, exchange: WireExchange | None) -> Iterator[list[Part]]:
    """What an exchange adds to what is written inside: whoever says it together with more takes it from the list."""
    row = to_keep(payment.account, exchange, subject=payment.payment_request_id)
    left: list[Part] = [] if row is None else [Insert(row)]
    yield left
    statements.together(*left)


def _write_down(
    payment: Payment,
    result: PaymentResult,
    *,
    heard_from: Messenger,
    also: Mapping[str, Any] | None = None,
    beside: list[Part],
) -> None:
    """Write a verdict down about a payment that is held; ``also`` is what else was learned of it."""
    learned = _learned(payment, result, also or {})
    if result.outcome is Outcome.SUCCESS:
        _record_success(payment, result, learned, heard_from=heard_from, beside=beside)
        return
    _learn(payment, learned)
    if result.outcome is Outcome.UNKNOWN:
        _note_unknown(payment, result, heard_from=heard_from)
    elif result.is_cancelled:
        _record_cancelled(payment, result, heard_from=heard_from)
    else:
        _record_failure(payment, result, heard_from=heard_from)


def _learned(payment: Payment, result: PaymentResult, also: Mapping[str, Any]) -> dict[str, Any]:
    learned, is_ours = dict(also), result.amount in (None, payment.amount)
    if result.payment_id and not payment.payment_id and is_ours:
        learned["payment_id"] = result.payment_id[:64]
    most = result.customs_declaration_amount  # told by inquiry and notification only, when it is paid already
    if most is not None and most.currency == payment.currency and most.value != payment.customs_value and is_ours:
        learned["customs_value"] = most.value
    return learned


def _is_simply_paid(payment: Payment, result: PaymentResult) -> bool:
    """Whether nothing is to be weighed: it is unknown to us, and said to be paid with the amount we asked for."""
    is_paid = result.outcome is Outcome.SUCCESS and result.amount in (None, payment.amount)
    return is_paid and payment.status == PaymentStatus.PROCESSING


def _learn(payment: Payment, facts: Mapping[str, Any]) -> None:
    """Write facts down that move nothing, of a payment that is held."""
    if facts:
        statements.update(Payment, facts, pk=payment.pk)
        for name, value in facts.items():
            setattr(payment, name, value)


def _note_unknown(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> None:
    if payment.status != PaymentStatus.PROCESSING:
        return
    facts: dict[str, Any] = {"result_code": result.code[:64], "result_message": result.message[:256]}
    if heard_from == Messenger.PAY_ANSWER:
        facts["may_have_arrived"] = result.may_have_arrived
        facts["lease_until"] = None
        # What never left is closed here; about what may have left, the cancel's own ladder asks once there is one.
        if not (result.may_have_arrived and _cancel_is_wanted(payment)):
            facts["due_at"] = clock.now() + acquirer_for(payment.account).capabilities.payment_poll
    _learn(payment, facts)


def look_again(payment: Payment, *, at: datetime) -> None:
    """Ask about a payment then, and give up the lease; unless it is final by now, or its cancel asks anyway."""
    _LOOKED_AT_AGAIN.run(pk=payment.pk, at=at)


def believable(moment: datetime | None, *, since: datetime) -> datetime:
    """The acquirer's time of an event, or now when it gave none, or one before we asked or in the future.

    Deadlines are counted from it, so a clock that is wrong somewhere must not move them.
    """
    at = clock.now()
    if moment is None or not since - _CLOCKS_DIFFER_BY <= moment <= at + _CLOCKS_DIFFER_BY:
        return at
    return moment


def _verdict(result: PaymentResult) -> dict[str, Any]:
    return {
        "result_code": result.code[:64],
        "result_message": result.message[:256],
        "advice": result.advice,
        "due_at": None,
        "lease_until": None,
        "attempts": 0,
        "finished_at": clock.now(),
    }


def _record_success(
    payment: Payment, result: PaymentResult, learned: Mapping[str, Any], *, heard_from: Messenger, beside: list[Part]
) -> None:
    if result.amount is not None and result.amount != payment.amount:
        _learn(payment, learned)
        _contradict(payment, "AMOUNT", heard_from, f"The acquirer says {result.amount}, we asked for {payment.amount}.")
        return
    if payment.status != PaymentStatus.PROCESSING:
        _learn(payment, learned)
        if payment.status in (PaymentStatus.FAILED, PaymentStatus.CANCELLED):
            _hear_that_it_was_kept(payment, result, heard_from=heard_from)
        elif heard_from == Messenger.INQUIRY:
            settle_contradictions(payment, _AGAINST_PAID, "The acquirer was asked and holds it as paid.")
        return
    (signs,) = _read_signs(_SIGNS.tuples(pk=payment.pk)).values()
    if signs.has_cancels and _cancel_is_wanted(payment):
        _learn(payment, learned)
        # Our own cancel is on its way: whether this money stays is decided by its answer, so nobody delivers yet.
        if heard_from in (Messenger.PAY_ANSWER, Messenger.NOTIFICATION):
            waiting = Cancel.objects.filter(payment=payment, status=CancelStatus.REQUESTED, lease_until__isnull=True)
            waiting.update(due_at=clock.now())
        return
    said = _Success(payment, signs, result, learned, heard_from)
    statements.together(*beside, *said.parts)
    beside.clear()
    said.is_said()


class _Success:
    """That a payment which is held was paid: what is said of it, and what follows once it was said."""

    def __init__(
        self,
        payment: Payment,
        signs: "_Signs",
        result: PaymentResult,
        learned: Mapping[str, Any],
        heard_from: Messenger,
    ) -> None:
        self._payment, self._signs, self._heard_from = payment, signs, heard_from
        self._paid_at = believable(result.paid_at, since=payment.created_at)
        facts = {**learned, **_verdict(result), "paid_at": self._paid_at}
        if result.gross_settlement is not None:
            facts["gross_settlement_value"] = result.gross_settlement.value
            facts["gross_settlement_currency"] = result.gross_settlement.currency
        if result.quote is not None and result.quote.price.adjusted() < _PRICE_DIGITS:
            facts["quote_currency_pair"] = result.quote.currency_pair[:16]
            facts["quote_price"] = result.quote.price.quantize(Decimal(1).scaleb(-_PRICE_DECIMALS))
        self._move = payment.move(PaymentEvent.RESULT_SUCCESS, heard_from=heard_from, **facts)
        self._order_move = _paying_off(payment.order, self._paid_at, heard_from=heard_from, when=self._move)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The move of the payment, and that of its order."""
        return (*self._move.parts, *(self._order_move.parts if self._order_move else ()))

    def is_said(self) -> None:
        """Do what follows, in the same transaction."""
        payment, signs = self._payment, self._signs
        if not self._move.is_done():
            return
        is_paid = _is_paid_off(self._order_move, self._paid_at, heard_from=self._heard_from)
        if is_paid and signs.somebody_listens:
            announcements.order_paid(payment)
        payment.is_alone = payment.is_first and not signs.has_cancels
        if payment.currency == promising.CURRENCY:
            promising.promise_by_rule(payment)
        if signs.is_incident:
            incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="Paid.")
        if signs.is_contradicted:
            settle_contradictions(payment, _AGAINST_AMOUNT, "The acquirer says the right amount now.")
        if signs.token_is_doubted:
            authorization_operations.token_worked(payment.wallet_account, payment.token_index)


class _Signs(NamedTuple):
    """What stands about a payment beside its own row, asked in one question."""

    has_cancels: bool
    is_contradicted: bool
    is_incident: bool
    token_is_doubted: bool
    somebody_listens: bool


def _read_signs(rows: Sequence[tuple[Any, ...]]) -> dict[int, _Signs]:
    """By payment."""
    return {
        key: _Signs(bool(cancel), bool(contradiction), bool(incident), doubted_at is not None, bool(endpoint))
        for key, cancel, contradiction, incident, doubted_at, endpoint in rows
    }


def _paying_off(order: Order, paid_at: datetime, *, heard_from: Messenger, when: Move | None = None) -> Move | None:
    """What moves the order to paid; None when, as it was read, it cannot be."""
    with suppress(TransitionNotAllowed):
        return order.move(OrderEvent.PAYMENT_SUCCEEDED, heard_from=heard_from, when=when, paid_at=paid_at)
    return None


def _is_paid_off(move: Move | None, paid_at: datetime, *, heard_from: Messenger) -> bool:
    """Whether the order moved. As it was read it may be old: then nothing moved, and it is looked at once more."""
    if move is None or move.is_done():
        return move is not None
    order = move.row
    with suppress(TransitionNotAllowed):
        return order.advance(OrderEvent.PAYMENT_SUCCEEDED, heard_from=heard_from, paid_at=paid_at)
    return False


def _was_asked_since(payment: Payment, result: PaymentResult, heard_from: Messenger) -> bool:
    """Whether this is the acquirer's answer to a question we put after all that happened to the payment.

    An inquiry may be on its way while a cancel is: what it says then is older than the cancel.
    """
    if heard_from != Messenger.INQUIRY:
        return False
    kept = payment.cancels.filter(gives_back_kept=True, finished_at__isnull=False)
    moments = [payment.finished_at, *kept.values_list("finished_at", flat=True)]
    asked_at = result.exchange.sent_at if result.exchange is not None else clock.now()
    return all(moment is None or asked_at >= moment for moment in moments)


def _hear_that_it_was_kept(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> None:
    """Somebody says SUCCESS of a payment that we hold as failed or cancelled."""
    is_asked_now = _was_asked_since(payment, result, heard_from)
    if payment.refunds.filter(gives_back_kept=True, status=RefundStatus.SUCCEEDED).exists():
        return  # a refunded payment stays a success at the acquirer
    if payment.kept_returned_value and not (
        is_asked_now and payment.cancels.filter(gives_back_kept=True, status=CancelStatus.CONFIRMED).exists()
    ):
        return  # known, and given back or on its way back
    if is_asked_now or payment.status == PaymentStatus.FAILED:
        _contradict(payment, str(Outcome.SUCCESS), heard_from, f"Our status is {payment.get_status_display()}.")
    if not is_asked_now:
        # Of a cancelled payment it may be old news, and of a failed one a mistake.
        _let_be_checked(payment)


def _let_be_checked(payment: Payment) -> None:
    """Let the clock ask the acquirer whether the contradiction of a final payment is one."""
    Payment.objects.filter(pk=payment.pk).update(due_at=clock.now(), lease_until=None, attempts=0)
    payment.refresh_from_db()


def _record_failure(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> None:
    if payment.status == PaymentStatus.SUCCEEDED:
        _contradict(payment, str(Outcome.FAIL), heard_from, f"{result.code} about a payment we hold as paid.")
        if heard_from != Messenger.INQUIRY:
            _let_be_checked(payment)
        return
    if payment.status != PaymentStatus.PROCESSING:
        _hear_that_it_was_not_kept(payment, heard_from=heard_from)
        return
    if result.code == NEVER_SENT and payment.may_have_arrived:
        return  # somebody sent it in the meantime
    if payment.advance(PaymentEvent.RESULT_FAIL, heard_from=heard_from, note=result.code, **_verdict(result)):
        announcements.order_failed(payment)
        for cancel in _REQUESTED.all(payment=payment.pk):
            cancel.payment = payment
            refuse_cancel(cancel, heard_from=Messenger.US, note="The payment failed; there is nothing to cancel.")
            _end_order(cancel, heard_from=heard_from)
        incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="Failed.")
        if result.advice is Advice.REAUTHORIZE:
            authorization_operations.token_refused(payment.wallet_account, payment.token_index)


def _record_cancelled(payment: Payment, result: PaymentResult, *, heard_from: Messenger) -> None:
    live = payment.cancels.filter(status=CancelStatus.REQUESTED).first()
    if live is not None:
        confirm_cancel(live, heard_from=heard_from)
    elif payment.status == PaymentStatus.PROCESSING:
        if payment.advance(PaymentEvent.CANCEL_CONFIRMED, heard_from=heard_from, **_verdict(result)):
            announcements.order_failed(payment)
        incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="Cancelled.")
    elif payment.status == PaymentStatus.SUCCEEDED:
        _contradict(payment, "CANCELLED", heard_from, "The acquirer holds it as cancelled; we did not cancel it.")
    else:
        _hear_that_it_was_not_kept(payment, heard_from=heard_from)
    payment.refresh_from_db()


def _hear_that_it_was_not_kept(payment: Payment, *, heard_from: Messenger) -> None:
    """The acquirer, asked, agrees with our status: whatever said otherwise was a mistake."""
    if heard_from != Messenger.INQUIRY:
        return
    for cancel in payment.cancels.filter(status=CancelStatus.REQUESTED, gives_back_kept=True):
        refuse_cancel(cancel, heard_from=heard_from, note="The acquirer keeps nothing; there is nothing to cancel.")
    settle_contradictions(payment, AGAINST_UNPAID + _AGAINST_AMOUNT, "The acquirer was asked and keeps nothing.")


def settle_contradictions(payment: Payment, said: tuple[str, ...], how: str) -> None:
    """Write down, inside the caller's transaction, that what was said against our status holds no more."""
    Contradiction.objects.filter(payment=payment, said__in=said, settled_at__isnull=True).update(
        settled_at=clock.now(), settled_how=how
    )
    if not payment.contradictions.filter(settled_at__isnull=True).exists():
        incidents.settle(CONTRADICTION, subject=payment, by=Actor.clock(), resolution=how)


def confirm_cancel(cancel: Cancel, *, heard_from: Messenger, **facts: Any) -> None:
    """Write down, inside the caller's transaction, that a cancel is done: on the cancel, its payment and its order."""
    at = clock.now()
    with suppress(TransitionNotAllowed):
        cancel.advance(
            CancelEvent.CONFIRMED, heard_from=heard_from, due_at=None, lease_until=None, finished_at=at, **facts
        )
    payment = Payment.objects.select_related("order").get(pk=cancel.payment_id)
    incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="Cancelled.")
    if cancel.gives_back_kept:
        settle_contradictions(payment, AGAINST_UNPAID, "What the acquirer kept was given back by cancel.")
        return
    was_paid = payment.status == PaymentStatus.SUCCEEDED
    with suppress(TransitionNotAllowed):
        moved = payment.advance(
            PaymentEvent.CANCEL_CONFIRMED,
            heard_from=heard_from,
            due_at=None,
            lease_until=None,
            attempts=0,
            finished_at=at,
        )
        if moved and not was_paid:
            announcements.order_failed(payment)
    if was_paid:
        with suppress(TransitionNotAllowed):
            if payment.order.advance(OrderEvent.PAYMENT_CANCELLED, heard_from=heard_from, closed_at=at):
                announcements.order_cancelled(payment.order, payment)
    _end_order(cancel, heard_from=heard_from)


def _end_order(cancel: Cancel, *, heard_from: Messenger) -> None:
    """The whole order was called off while its payment was unknown: now that nothing is paid, nobody pays it again."""
    if cancel.ends_order:
        order = Order.objects.get(payments=cancel.payment_id)
        with suppress(TransitionNotAllowed):
            note = "It was called off."
            if order.advance(OrderEvent.WITHDRAWN, heard_from=heard_from, note=note, closed_at=clock.now()):
                announcements.order_cancelled(order)


def refuse_cancel(cancel: Cancel, *, heard_from: Messenger, note: str = "", **facts: Any) -> bool:
    """Write down, inside the caller's transaction, that a cancel did not happen, and release what it reserved.

    A payment whose result is still unknown is asked about again from here on.
    """
    moved = cancel.advance(
        CancelEvent.REFUSED,
        heard_from=heard_from,
        note=note,
        due_at=None,
        lease_until=None,
        finished_at=clock.now(),
        **facts,
    )
    if not moved:
        return False
    release(cancel)
    payment = Payment.objects.get(pk=cancel.payment_id)
    if payment.status == PaymentStatus.PROCESSING:
        _resume(payment, climbs=cancel.actor_kind == ActorKind.CLOCK)
    else:
        incidents.settle(UNKNOWN_TOO_LONG, subject=payment, by=Actor.clock(), resolution="The cancel was refused.")
    is_wanted = cancel.actor_kind != ActorKind.CLOCK and clock.now() >= cancel.created_at + schedule.NOBODY_WAITS
    if payment.status == PaymentStatus.SUCCEEDED and is_wanted:
        incidents.raise_incident(
            CANCEL_REFUSED,
            f"The cancel of {payment.payment_request_id} ({payment.amount}) was refused after all: {note}.",
            subject=payment,
            detail="Whoever wanted it was told that the money is on its way back. It is not: give it back by refund.",
        )
    return True


def release(returning: Cancel | Refund) -> None:
    """Give free what a cancel or refund reserved of its payment, once it has finally failed."""
    reserved = "kept_returned_value" if returning.gives_back_kept else "returned_value"
    Payment.objects.filter(pk=returning.payment_id).update(**{reserved: F(reserved) - returning.amount_value})


def _resume(payment: Payment, *, climbs: bool) -> None:
    """A cancel was refused while the payment is unknown: go on asking about the payment, ever more slowly.

    Only the clock's own cancels climb: a person who presses the button ten times has not waited for a day.
    """
    step = payment.attempts
    Payment.objects.filter(pk=payment.pk).update(
        due_at=schedule.later(schedule.SOON, step) if climbs else clock.now() + schedule.SOON,
        lease_until=None,
        attempts=step + 1 if climbs else step,
    )
    if climbs and schedule.ladder_has_ended(step - 1):
        report_unknown(payment)


def report_unknown(payment: Payment) -> None:
    """Let a person look at a payment that the whole ladder brought no answer about."""
    incidents.raise_incident(
        UNKNOWN_TOO_LONG,
        f"{payment.payment_request_id} ({payment.amount}) has had no final answer since "
        f"{payment.created_at:%d %b %H:%M}.",
        subject=payment,
        detail="It is asked about once a day. Ask the acquirer's support with the exchanges of this payment at hand.",
    )


def _contradict(payment: Payment, said: str, heard_from: Messenger, detail: str) -> None:
    kept, is_new = payment.contradictions.get_or_create(
        said=said, defaults={"heard_from": heard_from, "detail": detail[:300]}
    )
    if not is_new and kept.settled_at is not None:
        Contradiction.objects.filter(pk=kept.pk).update(settled_at=None, settled_how="")
    incidents.raise_incident(
        CONTRADICTION,
        f"{Messenger(heard_from).label} contradicts payment {payment.payment_request_id}: {detail}",
        subject=payment,
        detail="Our status stands. Ask the acquirer now, compare, and give the money back if it was kept.",
    )


def ask(payment: Payment, *, by: Actor | None = None) -> Payment:
    """Ask the acquirer about a payment and write down what it says. Also of a final one: then it only compares.

    Source: https://docs.antom.com/ac/ams/paymentri_online
    """
    if by is not None and by.kind is ActorKind.PERSON:
        acquirer_for(payment.account)  # refuses here, before the journal says that it was asked
        with transaction.atomic(durable=True):
            journal.write("ask the acquirer", by=by, subject=payment)
    return record_inquiry(payment, inquire(payment))


def inquire(payment: Payment, acquirer: Acquirer | None = None) -> PaymentInquiry:
    """Ask the acquirer about a payment; what it says is still to be recorded."""
    return (acquirer or acquirer_for(payment.account)).inquire_payment(
        payment_request_id=payment.payment_request_id, payment_id=payment.payment_id
    )


def check(payment: Payment) -> Payment:
    """Ask about a payment that is final for us, since somebody said otherwise; until the acquirer has answered."""
    inquiry = inquire(payment)
    record_inquiry(payment, inquiry)
    said = inquiry.payment
    is_answered = inquiry.is_unknown_there or (said is not None and said.outcome is not Outcome.UNKNOWN)
    step = payment.attempts
    has_ended = schedule.ladder_has_ended(step)
    with transaction.atomic(durable=True):
        payment.lock()
        if has_ended and not is_answered:
            _contradict(payment, str(Outcome.SUCCESS), Messenger.NOTIFICATION, "The acquirer does not answer about it.")
        Payment.objects.filter(pk=payment.pk).update(
            due_at=None if is_answered or has_ended else schedule.ladder_time(step),
            lease_until=None,
            attempts=step + 1,
        )
        payment.refresh_from_db()
    return payment


def record_inquiry(payment: Payment, inquiry: PaymentInquiry) -> Payment:
    """Write down an inquiry: the call's own result decides nothing, what it says of the payment goes to the funnel."""
    with transaction.atomic(durable=True):
        payment.lock()
        _record_alone(_heard_by_inquiry(payment, inquiry))
    return payment


def record_inquiries(heard: Sequence[tuple[Payment, PaymentInquiry]]) -> None:
    """Write down what was heard of several payments, at most AT_ONCE, in one transaction. As ``record_inquiry``.

    An inquiry moves no money, so its answer may wait a moment for others: killed before they are written down, the
    leases of these payments run out, and they are asked about again. No more of a payment need have been read than what
    was asked, its wallet and whose that is.
    """
    with transaction.atomic(durable=True):
        signs = _held_together([payment for payment, _ in heard], _ALL_HELD_WITH_ORDERS)
        _record_together([_heard_by_inquiry(payment, inquiry) for payment, inquiry in heard], signs)


def record_pay_answers(heard: Sequence[tuple[Payment, PaymentResult]]) -> None:
    """Write down the answers to several payments, at most AT_ONCE, in one transaction. As ``record_payment_result``.

    Killed before they are written down, these payments are asked about like any whose answer was lost.
    """
    with transaction.atomic(durable=True):
        signs = _held_together([payment for payment, _ in heard], _ALL_HELD)
        _record_together(
            [_Heard(payment, result, result.exchange, {}, Messenger.PAY_ANSWER) for payment, result in heard], signs
        )


class _Heard(NamedTuple):
    """What somebody said of a payment."""

    payment: Payment
    result: PaymentResult | None
    """None: of the payment itself nothing was said."""
    exchange: WireExchange | None
    also: dict[str, Any]
    """What else was learned of it."""
    heard_from: Messenger


def _heard_by_inquiry(payment: Payment, inquiry: PaymentInquiry) -> _Heard:
    return _Heard(payment, inquiry.payment, inquiry.exchange, _learned_by(payment, inquiry), Messenger.INQUIRY)


def _held_together(payments: Sequence[Payment], found: Found[Payment]) -> dict[int, _Signs]:
    """Hold the payments, at most AT_ONCE, and see them as they are now; what stands beside them, by payment."""
    keys = ids([payment.pk for payment in payments], AT_ONCE)
    statements.reload_all(payments, found, keeping=Payment.settled, **keys)
    return _read_signs(_ALL_SIGNS.tuples(**keys))


def _record_together(heard: Sequence[_Heard], signs: Mapping[int, _Signs]) -> None:
    """Those that are simply paid are written down in bulk, whatever else was heard one by one. All are held."""
    successes: list[_Success] = []
    parts: list[Part] = []
    for it in heard:
        payment, result = it.payment, it.result
        if result is None or not _is_simply_paid(payment, result) or signs[payment.pk].has_cancels:
            _record_alone(it)
            continue
        learned = _learned(payment, result, it.also)
        success = _Success(payment, signs[payment.pk], result, learned, it.heard_from)
        kept = to_keep(payment.account, it.exchange, subject=payment.payment_request_id)
        parts += [*([] if kept is None else [Insert(kept)]), *success.parts]
        successes.append(success)
    statements.in_bulk(parts)
    for success in successes:
        success.is_said()


def _record_alone(heard: _Heard) -> None:
    payment, result, exchange, also, heard_from = heard
    with _kept_beside(payment, exchange) as beside:
        if result is not None:
            _write_down(payment, result, heard_from=heard_from, also=also, beside=beside)
        else:
            _learn(payment, also)


def _learned_by(payment: Payment, inquiry: PaymentInquiry) -> dict[str, Any]:
    asked_at = inquiry.exchange.sent_at if inquiry.exchange is not None else clock.now()
    is_past = asked_at > payment.expires_at + schedule.DENIAL_MARGIN
    return {
        "questions_asked": payment.questions_asked + 1,
        "is_denied_by_inquiry": inquiry.is_unknown_there and is_past,
    }
