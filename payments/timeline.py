"""What happened to an order or a payment, as plain sentences with their evidence one click away. Writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch

from payments.models import Cancel, Order, Payment, PaymentChange, Refund
from payments.operations.payments import NEVER_SENT
from payments.states import (
    CancelEvent,
    CancelStatus,
    Messenger,
    OrderEvent,
    PaymentEvent,
    ReasonCode,
    RefundEvent,
)
from portal.acquirer.wallets import name_of
from portal.actor import ActorKind
from portal.admin.display import exact, page_of
from portal.models import Exchange, Notification
from portal.models.stateful import Change
from portal.registry import TimelineEntry
from portal.words import say

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
_QUESTIONS = {"inquiryPayment", "inquiryRefund"}
_MAY_HAVE_ARRIVED = {"read_timeout", "connection_lost"}
"""The line broke after the request had begun to leave; any other error without an answer means that it never did."""


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
        ActorKind.BUYER: say("the buyer"),
        ActorKind.MERCHANT_SERVER: say("the shop’s server"),
        ActorKind.CLOCK: say("the clock"),
        ActorKind.COMMAND: say("a command"),
        ActorKind.ACQUIRER: say("the acquirer"),
    }
    return words.get(kind, thing.actor_name or say("somebody"))


def _order(order: Order) -> Iterator[TimelineEntry]:
    yield TimelineEntry(
        order.created_at,
        say("Order placed by {by}", by=_by(order)),
        f"{order.amount} · {order.description}",
        links=((say("Order"), page_of(order)),),
    )
    said = {
        OrderEvent.WITHDRAWN: (say("Order withdrawn"), ""),
        OrderEvent.PAYMENT_CANCELLED: (say("Order closed: its payment was cancelled"), ""),
        OrderEvent.ALL_REFUNDED: (say("Order closed: everything was refunded"), ""),
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
    error: str = ""
    has_answer: bool = True
    is_believed: bool = True
    is_early: bool = False
    """It came before anything was final."""

    @property
    def kind(self) -> tuple[str, str, str, str, bool]:
        """Messages alike, about one thing, are told in one line."""
        return self.api, self.subject, self.said, self.error, self.is_early


class _Evidence:
    """The messages about some ids; each is evidence for one line at most, and what is left has lines of its own."""

    def __init__(self, ends: Mapping[str, datetime | None]) -> None:
        wanted = list(ends)
        calls = Exchange.objects.filter(subject__in=wanted).only(
            "api", "subject", "sent_at", "duration_ms", "verdict", "http_status", "result_code", "error"
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
                        error=call.error,
                        has_answer=call.http_status is not None,
                        is_believed=call.verdict == _VERIFIED and not call.error,
                        is_early=(end := ends[call.subject]) is None or call.sent_at < end,
                    )
                    for call in calls
                ),
                *(
                    _Message(row.received_at, row.kind, row.subject, row, "", is_believed=row.is_verified)
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
        label = say("Message") if isinstance(before[-1].row, Notification) else say("Exchange")
        return ((label, page_of(before[-1].row)),)

    def rest(self) -> Iterator[TimelineEntry]:
        """The messages that brought no change: no answers, answers not believed, and news that was known."""
        runs: dict[tuple[Any, ...], list[_Message]] = {}
        for message in self._messages:
            if id(message) in self._used:
                continue
            # Two refunds that are asked about by turns are two lines, not one for each question.
            if message.kind not in runs and any(run[-1].api != message.api for run in runs.values()):
                yield from map(_said, runs.values())
                runs = {}
            runs.setdefault(message.kind, []).append(message)
        yield from map(_said, runs.values())


def _said(run: list[_Message]) -> TimelineEntry:
    last = run[-1]
    times = say("{run} times, first {exact}. ", run=len(run), exact=exact(run[0].at)) if len(run) > 1 else ""
    if isinstance(last.row, Notification):
        often = (
            say("Delivered {deliveries} times. ", deliveries=last.row.deliveries) if last.row.deliveries > 1 else times
        )
        return TimelineEntry(
            last.at,
            say("{api} came", api=last.api),
            say("{often}Nothing changed.", often=often),
            links=((say("Message"), page_of(last.row)),),
        )
    sentence, detail = _told(last)
    tone = "" if last.is_believed and not (last.is_early and last.api in _QUESTIONS) else "wait"
    return TimelineEntry(last.at, sentence, f"{times}{detail}", tone, ((say("Exchange"), page_of(last.row)),))


def _told(message: _Message) -> tuple[str, str]:
    """A call that changed nothing: what became of it, and what that means."""
    api, reason = message.api, message.error.replace("_", " ").capitalize()
    if not message.has_answer and message.error not in _MAY_HAVE_ARRIVED:
        return say("{api} never left the portal", api=api), say("{reason}. Nothing can have come of it.", reason=reason)
    if not message.has_answer:
        means = (
            say("We ask again.") if api in _QUESTIONS else say("It may have arrived: we ask, we do not send it anew.")
        )
        return say("No answer to {api}: outcome unknown", api=api), f"{reason}. {means}"
    if not message.is_believed:
        return say("The answer to {api} could not be believed", api=api), say(
            "{reason}. It changed nothing.", reason=reason or say("Signature")
        )
    if api in _QUESTIONS and message.is_early:
        return say("{api} brought no final result", api=api), say(
            "It was answered {said}. We keep asking.", said=message.said or say("without a code")
        )
    return say("{api} said {said}", api=api, said=message.said or say("nothing new")), say("Nothing changed.")


def _payments(payments: list[Payment], *, only: Refund | Cancel | None = None) -> Iterator[TimelineEntry]:
    ends = {payment.payment_request_id: payment.finished_at for payment in payments}
    ends |= {refund.refund_request_id: refund.finished_at for payment in payments for refund in payment.refunds.all()}
    if isinstance(only, Refund):
        ends = {only.refund_request_id: only.finished_at}
    evidence = _Evidence(ends)
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
                detail = say(
                    "{amount} from {name_of} {login_label} · by {by}",
                    amount=payment.amount,
                    name_of=name_of(wallet.wallet),
                    login_label=wallet.login_label,
                    by=_by(payment),
                )
                page = ((say("Payment"), page_of(payment)),)
                yield TimelineEntry(
                    change.at,
                    say("Promise written: {payment_request_id}", payment_request_id=payment.payment_request_id),
                    detail,
                    links=(*page, *links),
                )
            case PaymentEvent.RESULT_SUCCESS:
                detail = say("Acquirer’s id {payment_id}", payment_id=payment.payment_id) if payment.payment_id else ""
                yield TimelineEntry(
                    change.at, say("Paid: {heard} said so", heard=_heard(change)), detail, "good", links
                )
            case PaymentEvent.RESULT_FAIL:
                detail = payment.result_message
                sentence = say(
                    "Failed: {heard} said {result_code}", heard=_heard(change), result_code=payment.result_code or "so"
                )
                if payment.result_code == NEVER_SENT:
                    sentence, detail = (
                        say("Failed: nothing left the portal"),
                        say("It may be tried again, as a new payment."),
                    )
                yield TimelineEntry(change.at, sentence, detail, "bad", links)
            case PaymentEvent.CANCEL_CONFIRMED if not any(
                cancel.status == CancelStatus.CONFIRMED for cancel in payment.cancels.all()
            ):  # else the cancel says it
                yield TimelineEntry(
                    change.at, say("Cancelled: {heard} confirmed it", heard=_heard(change)), change.note, "", links
                )
            case PaymentEvent.SETTLEMENT_REVERSED:
                sentence = say("Reversed: a settlement report says the money came after all")
                yield TimelineEntry(change.at, sentence, change.note, "bad", links)
    for contradiction in payment.contradictions.all():
        sentence = say(
            "Contradiction: {heard_from} said {said}",
            heard_from=contradiction.get_heard_from_display(),
            said=contradiction.said,
        )
        yield TimelineEntry(
            contradiction.at, sentence, say("{detail} Our status stands.", detail=contradiction.detail).strip(), "bad"
        )
        if contradiction.settled_at is not None:
            yield TimelineEntry(
                contradiction.settled_at, say("Contradiction settled"), contradiction.settled_how, "good"
            )


def _reason(thing: Cancel | Refund) -> str:
    label = ReasonCode(thing.reason_code).label if thing.reason_code in ReasonCode.values else thing.reason_code
    return f"{label}: {thing.note}" if thing.note else label


def whose_money(payment: Payment) -> str:
    """Where the amount of a cancelled payment is."""
    wallet = f"{name_of(payment.wallet_account.wallet)} {payment.wallet_account.login_label}"
    if payment.paid_at is not None:
        return say("{amount} went back to {wallet}.", amount=payment.amount, wallet=wallet)
    return say(
        "{wallet} was not debited, or has {amount} back.", wallet=wallet, amount=payment.amount
    )  # whether it had been taken was never known


def _cancel(payment: Payment, cancel: Cancel, evidence: _Evidence) -> Iterator[TimelineEntry]:
    page = ((say("Cancel"), page_of(cancel)),)
    yield TimelineEntry(cancel.created_at, say("Cancel promised by {by}", by=_by(cancel)), _reason(cancel), "", page)
    for change in cancel.changes.all():
        links = evidence.of(change, {payment.payment_request_id})
        match change.event:
            case CancelEvent.CONFIRMED:
                sentence = say("Cancel confirmed by {heard}", heard=_heard(change))
                yield TimelineEntry(change.at, sentence, whose_money(payment), "good", links)
            case CancelEvent.REFUSED:
                yield TimelineEntry(
                    change.at,
                    say("Cancel refused: {result_code}", result_code=cancel.result_code),
                    cancel.result_message,
                    "bad",
                    links,
                )


def _refund(payment: Payment, refund: Refund, evidence: _Evidence) -> Iterator[TimelineEntry]:
    mine = {refund.refund_request_id}
    page = ((say("Refund"), page_of(refund)),)
    for change in refund.changes.all():
        links = evidence.of(change, mine | {payment.payment_request_id})
        match change.event:
            case RefundEvent.REFUND_SENT:
                yield TimelineEntry(
                    change.at,
                    say("Refund of {amount} promised by {by}", amount=refund.amount, by=_by(refund)),
                    _reason(refund),
                    "",
                    (*page, *links),
                )
            case RefundEvent.RESULT_SUCCESS:
                detail = say("Acquirer’s id {refund_id}", refund_id=refund.refund_id) if refund.refund_id else ""
                yield TimelineEntry(
                    change.at,
                    say("Refunded {amount}: {heard} said so", amount=refund.amount, heard=_heard(change)),
                    detail,
                    "good",
                    links,
                )
            case RefundEvent.RESULT_FAIL:
                sentence = say(
                    "Refund of {amount} failed: {heard} said {result_code}",
                    amount=refund.amount,
                    heard=_heard(change),
                    result_code=refund.result_code or "so",
                )
                yield TimelineEntry(change.at, sentence, refund.result_message, "bad", links)
            case RefundEvent.SETTLEMENT_REVERSED:
                sentence = say("Refund of {amount} reversed by a settlement report", amount=refund.amount)
                yield TimelineEntry(change.at, sentence, change.note, "bad", links)
