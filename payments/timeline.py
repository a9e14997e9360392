"""What happened to an order or a payment, as plain sentences with their evidence one click away. Writes nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch

from payments.models import Cancel, Order, Payment, PaymentChange, Refund
from payments.states import (
    CancelEvent,
    Messenger,
    OrderEvent,
    PaymentEvent,
    ReasonCode,
    RefundEvent,
)
from portal.acquirer.wallets import name_of
from portal.actor import ActorKind
from portal.admin.display import page_of, relative
from portal.models import Exchange, Notification
from portal.models.stateful import Change
from portal.registry import TimelineEntry

_API_OF = {
    Messenger.PAY_ANSWER: "pay",
    Messenger.INQUIRY: "inquiryPayment",
    Messenger.CANCEL_ANSWER: "cancel",
    Messenger.REFUND_ANSWER: "refund",
    Messenger.REFUND_INQUIRY: "inquiryRefund",
    Messenger.NOTIFICATION: "notifyPayment",
    Messenger.REFUND_NOTIFICATION: "notifyRefund",
}
"""Which messages a messenger brings."""
_CALLS_AT_MOST = 300
_VERIFIED = "VERIFIED"


def timeline(thing: Any) -> list[TimelineEntry]:
    """The story of an Order, Payment, Refund or Cancel, oldest first; of anything else, nothing."""
    match thing:
        case Order():
            entries = [*_order(thing), *_payments(_payments_of(order_id=thing.pk))]
        case Payment():
            entries = [*_order(thing.order), *_payments(_payments_of(pk=thing.pk))]
        case Refund() | Cancel():
            payment = _payments_of(pk=thing.payment_id)
            entries = list(_payments(payment, only=thing))
        case _:
            return []
    return sorted(entries, key=lambda entry: entry.at)


def _payments_of(**where: Any) -> list[Payment]:
    return list(
        Payment.objects.filter(**where)
        .select_related("wallet_account", "order")
        .prefetch_related(
            Prefetch("changes", PaymentChange.objects.order_by("at", "pk")),
            "contradictions",
            "refunds__changes",
            "cancels__changes",
        )
    )


def _by(thing: Any) -> str:
    kind = thing.actor_kind
    words = {
        ActorKind.BUYER: "the buyer",
        ActorKind.MERCHANT_SERVER: "the shop’s server",
        ActorKind.CLOCK: "the clock",
        ActorKind.COMMAND: "a command",
        ActorKind.ACQUIRER: "the acquirer",
    }
    return words.get(kind, thing.actor_name or "somebody")


def _order(order: Order) -> Iterator[TimelineEntry]:
    yield TimelineEntry(
        order.created_at,
        f"Order placed by {_by(order)}",
        f"{order.amount} · {order.description}",
        links=(("Order", page_of(order)),),
    )
    said = {
        OrderEvent.WITHDRAWN: ("Order withdrawn", ""),
        OrderEvent.PAYMENT_CANCELLED: ("Order closed: its payment was cancelled", ""),
        OrderEvent.ALL_REFUNDED: ("Order closed: everything was refunded", ""),
    }
    for change in order.changes.all():
        if change.event in said:  # its being paid is said by the payment
            sentence, tone = said[OrderEvent(change.event)]
            yield TimelineEntry(change.at, sentence, change.note, tone)


@dataclass(frozen=True)
class _Message:
    """A call or a notification, as evidence."""

    at: datetime
    api: str
    subject: str
    row: Exchange | Notification
    said: str
    is_answered: bool
    is_believed: bool


class _Evidence:
    """The messages about some ids; each is evidence for one line at most, and what is left has lines of its own."""

    def __init__(self, subjects: Iterable[str]) -> None:
        wanted = list(subjects)
        calls = Exchange.objects.filter(subject__in=wanted).only(
            "api", "subject", "sent_at", "duration_ms", "verdict", "result_code", "result_status", "error"
        )[:_CALLS_AT_MOST]
        heard = Notification.objects.filter(subject__in=wanted).only(
            "kind", "subject", "received_at", "is_verified", "deliveries", "status"
        )[:_CALLS_AT_MOST]
        self._messages = sorted(
            [
                *(
                    _Message(
                        call.sent_at,
                        call.api,
                        call.subject,
                        call,
                        call.result_code,
                        not call.error,
                        call.verdict == _VERIFIED,
                    )
                    for call in calls
                ),
                *(
                    _Message(
                        row.received_at, row.kind, row.subject, row, "", is_answered=True, is_believed=row.is_verified
                    )
                    for row in heard
                ),
            ],
            key=lambda message: message.at,
        )
        self._used: set[int] = set()

    def of(self, change: Change, subjects: set[str]) -> tuple[tuple[str, str], ...]:
        """A link to the message that brought a change: the last of its kind before it."""
        api = _API_OF.get(Messenger(change.heard_from)) if change.heard_from in Messenger.values else None
        before = [
            message
            for message in self._messages
            if message.api == api and message.subject in subjects and message.at <= change.at
        ]
        if not before:
            return ()
        self._used.add(id(before[-1]))
        label = "Message" if isinstance(before[-1].row, Notification) else "Exchange"
        return ((label, page_of(before[-1].row)),)

    def rest(self) -> Iterator[TimelineEntry]:
        """The messages that brought no change: no answers, answers not believed, and news that was known."""
        run: list[_Message] = []
        for message in self._messages:
            if id(message) in self._used:
                continue
            if run and (run[-1].api, run[-1].said, run[-1].is_answered) != (
                message.api,
                message.said,
                message.is_answered,
            ):
                yield _said(run)
                run = []
            run.append(message)
        if run:
            yield _said(run)


def _said(run: list[_Message]) -> TimelineEntry:
    last = run[-1]
    times = f"{len(run)} times since {relative(run[0].at)}. " if len(run) > 1 else ""
    if isinstance(last.row, Notification):
        often = f"Delivered {last.row.deliveries} times. " if last.row.deliveries > 1 else times
        return TimelineEntry(
            last.at, f"{last.api} came", f"{often}Nothing changed.", links=(("Message", page_of(last.row)),)
        )
    links = (("Exchange", page_of(last.row)),)
    if not last.is_answered:
        reason = last.row.error.replace("_", " ")
        detail = f"{times}{reason.capitalize()}. It may have arrived: we ask, we do not send it anew."
        return TimelineEntry(last.at, f"No answer to {last.api}: outcome unknown", detail, "wait", links)
    if not last.is_believed:
        detail = f"{times}Its signature does not verify; it changed nothing."
        return TimelineEntry(last.at, f"The answer to {last.api} could not be believed", detail, "wait", links)
    return TimelineEntry(
        last.at, f"{last.api} said {last.said or 'nothing new'}", f"{times}Nothing changed.", "", links
    )


def _payments(payments: list[Payment], *, only: Refund | Cancel | None = None) -> Iterator[TimelineEntry]:
    subjects = {payment.payment_request_id for payment in payments} | {
        refund.refund_request_id for payment in payments for refund in payment.refunds.all()
    }
    if isinstance(only, Refund):
        subjects = {only.refund_request_id}
    evidence = _Evidence(subjects)
    lines: list[TimelineEntry] = []
    for payment in payments:
        if only is None:
            lines += _payment(payment, evidence)
        for cancel in payment.cancels.all():
            if only is None or cancel == only:
                lines += _cancel(payment, cancel, evidence)
        for refund in payment.refunds.all():
            if only is None or refund == only:
                lines += _refund(payment, refund, evidence)
    yield from lines
    if not isinstance(only, Cancel):
        yield from evidence.rest()


def _heard(change: Change) -> str:
    return Messenger(change.heard_from).label if change.heard_from in Messenger.values else change.heard_from.lower()


def _payment(payment: Payment, evidence: _Evidence) -> Iterator[TimelineEntry]:
    wallet = payment.wallet_account
    mine = {payment.payment_request_id}
    for change in payment.changes.all():
        links = evidence.of(change, mine)
        match change.event:
            case PaymentEvent.PAY_SENT:
                detail = f"{payment.amount} from {name_of(wallet.wallet)} {wallet.login_label} · by {_by(payment)}"
                page = (("Payment", page_of(payment)),)
                yield TimelineEntry(
                    change.at, f"Promise written: {payment.payment_request_id}", detail, links=(*page, *links)
                )
            case PaymentEvent.RESULT_SUCCESS:
                detail = f"Acquirer’s id {payment.payment_id}" if payment.payment_id else ""
                yield TimelineEntry(change.at, f"Paid: {_heard(change)} said so", detail, "good", links)
            case PaymentEvent.RESULT_FAIL:
                detail = payment.result_message
                sentence = f"Failed: {_heard(change)} said {payment.result_code or 'so'}"
                yield TimelineEntry(change.at, sentence, detail, "bad", links)
            case PaymentEvent.CANCEL_CONFIRMED:
                yield TimelineEntry(change.at, f"Cancelled: {_heard(change)} confirmed it", change.note, "", links)
            case PaymentEvent.SETTLEMENT_REVERSED:
                sentence = "Reversed: a settlement report says the money came after all"
                yield TimelineEntry(change.at, sentence, change.note, "bad", links)
    for contradiction in payment.contradictions.all():
        sentence = f"Contradiction: {contradiction.get_heard_from_display()} said {contradiction.said}"
        yield TimelineEntry(contradiction.at, sentence, f"{contradiction.detail} Our status stands.".strip(), "bad")
        if contradiction.settled_at is not None:
            yield TimelineEntry(contradiction.settled_at, "Contradiction settled", contradiction.settled_how, "good")


def _reason(thing: Cancel | Refund) -> str:
    label = ReasonCode(thing.reason_code).label if thing.reason_code in ReasonCode.values else thing.reason_code
    return f"{label}: {thing.note}" if thing.note else label


def _cancel(payment: Payment, cancel: Cancel, evidence: _Evidence) -> Iterator[TimelineEntry]:
    page = (("Cancel", page_of(cancel)),)
    yield TimelineEntry(cancel.created_at, f"Cancel promised by {_by(cancel)}", _reason(cancel), "", page)
    for change in cancel.changes.all():
        links = evidence.of(change, {payment.payment_request_id})
        match change.event:
            case CancelEvent.CONFIRMED:
                sentence = f"Cancel confirmed by {_heard(change)}"
                yield TimelineEntry(change.at, sentence, f"{payment.amount} stays with the buyer.", "good", links)
            case CancelEvent.REFUSED:
                yield TimelineEntry(
                    change.at, f"Cancel refused: {cancel.result_code}", cancel.result_message, "bad", links
                )


def _refund(payment: Payment, refund: Refund, evidence: _Evidence) -> Iterator[TimelineEntry]:
    mine = {refund.refund_request_id}
    page = (("Refund", page_of(refund)),)
    for change in refund.changes.all():
        links = evidence.of(change, mine | {payment.payment_request_id})
        match change.event:
            case RefundEvent.REFUND_SENT:
                yield TimelineEntry(
                    change.at,
                    f"Refund of {refund.amount} promised by {_by(refund)}",
                    _reason(refund),
                    "",
                    (*page, *links),
                )
            case RefundEvent.RESULT_SUCCESS:
                detail = f"Acquirer’s id {refund.refund_id}" if refund.refund_id else ""
                yield TimelineEntry(
                    change.at, f"Refunded {refund.amount}: {_heard(change)} said so", detail, "good", links
                )
            case RefundEvent.RESULT_FAIL:
                sentence = f"Refund of {refund.amount} failed: {_heard(change)} said {refund.result_code or 'so'}"
                yield TimelineEntry(change.at, sentence, refund.result_message, "bad", links)
            case RefundEvent.SETTLEMENT_REVERSED:
                sentence = f"Refund of {refund.amount} reversed by a settlement report"
                yield TimelineEntry(change.at, sentence, change.note, "bad", links)
