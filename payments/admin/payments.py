"""The desk's pages of payments."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from payments import queries
from payments.admin import chips
from payments.admin.acts import PAYMENT_ACTS, PaymentActs, wallet_cell, wallet_words
from payments.models import Payment
from payments.states import PaymentStatus
from payments.today import WAITING
from portal import clock
from portal.acquirer.results import Advice
from portal.admin import display
from portal.admin.display import Chip
from portal.admin.ledger import (
    AccountFilter,
    Card,
    DayFilter,
    Headline,
    LedgerAdmin,
    Question,
    Questions,
    Table,
    WalletFilter,
)

_ADVICE = {
    Advice.ASK: "Ask the acquirer; never send it again under a new id.",
    Advice.SEND_AGAIN: "The same request may be sent again under its id.",
    Advice.CANCEL: "Cancel it to be sure that the buyer is not charged.",
    Advice.REFUND: "Too late to cancel; give the money back by refund.",
    Advice.NEW_ID: "This one is over. Another try is a new payment.",
    Advice.REAUTHORIZE: "The buyer must agree again in the wallet.",
    Advice.ASK_BUYER: "The buyer can mend it: balance, limit, or another wallet.",
    Advice.FIX_REQUEST: "Our request or configuration is wrong; look at the exchange.",
    Advice.WAIT: "It mends itself; try a new payment later.",
    Advice.GIVE_UP: "Nothing more can be done.",
    Advice.CALL_SUPPORT: "Call the acquirer’s support with the exchanges at hand.",
}


class PaymentQuestions(Questions):
    """What one asks about payments."""

    questions = (
        Question(
            "attention",
            "Needs attention",
            lambda: (
                Q(status=PaymentStatus.PROCESSING, created_at__lt=clock.now() - WAITING)
                | Q(status=PaymentStatus.REVERSED)
                | Q(pk__in=queries.contradicted())
            ),
        ),
        Question(
            "waiting",
            "Waiting longer than 5 min",
            lambda: Q(status=PaymentStatus.PROCESSING, created_at__lt=clock.now() - WAITING),
        ),
        Question("paid", "Paid", lambda: Q(status=PaymentStatus.SUCCEEDED)),
        Question("given_back", "Given back", lambda: Q(returned_value__gt=0)),
        Question("failed", "Failed", lambda: Q(status=PaymentStatus.FAILED)),
    )


class PaymentWallet(WalletFilter):
    """By wallet."""

    path = "wallet_account__wallet"


class PaymentAccount(AccountFilter):
    """By account."""

    path = "order__account"


@admin.register(Payment)
class PaymentAdmin(PaymentActs, LedgerAdmin):
    """One paymentRequestId: its story, its money, and what may be done."""

    section, position, icon = "Payments", 20, "payment"
    hint = "newest first"
    empty_title = "No payment yet"
    empty_text = "When a buyer pays an order, its payment appears here with everything that happened to it."
    list_display = ("request_id", "order_number", "wallet", "state", "amount_shown", "time")
    list_select_related = ("order", "wallet_account")
    page_select_related = ("order__account", "order__buyer")
    list_filter = (PaymentQuestions, PaymentWallet, DayFilter, PaymentAccount)
    search_fields = (
        "payment_request_id",
        "payment_id",
        "order__number",
        "order__reference",
        "order__buyer__reference",
        "wallet_account__login_label",
        "refunds__refund_request_id",
        "refunds__refund_id",
        "cancels__cancel_id",
    )
    acts = PAYMENT_ACTS
    acts_in_timeline = ("refund", "cancel")

    def hot_count(self) -> int:
        latest = clock.now() - WAITING
        return Payment.objects.filter(status=PaymentStatus.PROCESSING, created_at__lt=latest).count()

    @display.column("Payment")
    def request_id(self, payment: Payment) -> SafeString | str:
        return display.ident(payment.payment_request_id)

    @display.column("Order", is_minor=True)
    def order_number(self, payment: Payment) -> SafeString | str:
        return display.to(payment.order, display.ident(payment.order.number))

    @display.column("Wallet", is_minor=True)
    def wallet(self, payment: Payment) -> SafeString:
        return wallet_cell(payment)

    @display.column("State")
    def state(self, payment: Payment) -> Chip:
        return chips.payment(payment)

    @display.column("Amount", numeric=True)
    def amount_shown(self, payment: Payment) -> SafeString | str:
        return display.money(payment.amount)

    @display.column("Time", numeric=True)
    def time(self, payment: Payment) -> SafeString | str:
        return display.when(payment.created_at)

    def headline(self, payment: Payment) -> Headline:
        return payment_headline(
            payment,
            display.joined(
                (display.to(payment.order, f"Order {display.brief(payment.order.number)}"), wallet_words(payment))
            ),
        )

    def subjects(self, payment: Payment) -> list[str]:
        refunds = payment.refunds.values_list("refund_request_id", flat=True)
        return [payment.payment_request_id, *refunds]

    def cards(self, request: HttpRequest, payment: Payment) -> list[Card]:
        return [money_back_card(payment), _facts(payment), *returns_cards(payment)]


def payment_headline(payment: Payment, line: Any) -> Headline:
    """Amount, state, whose wallet."""
    states = [chips.payment(payment)]
    if payment.status == PaymentStatus.SUCCEEDED and payment.returned_value:
        states.insert(0, Chip("Paid", "good"))
    if payment.contradictions.filter(settled_at__isnull=True).exists():
        states.append(Chip("Contradiction", "bad"))
    return Headline(display.money(payment.amount), states, line)


def _until(moment: Any, words: str) -> str:
    if moment is None:
        return "not possible"
    left = moment - clock.now()
    return f"{words} ({'passed' if left <= timedelta(0) else display.span(left)})"


def money_back_card(payment: Payment) -> Card:
    """Until when, how much, and how."""
    back = queries.money_back(payment)
    ways = {"CANCEL": "by cancel", "REFUND": "by refund", queries.KEPT: "after asking"}
    way = ways.get(back.best, "not possible")
    facts: list[tuple[str, Any]] = []
    if payment.paid_at is not None:
        facts += [
            ("Cancel until", _until(back.cancel_until, display.acquirer_time(back.cancel_until))),
            ("Refund until", _until(back.refund_until, display.short(back.refund_until) if back.refund_until else "")),
        ]
    if payment.status == PaymentStatus.SUCCEEDED:
        facts += [("Refundable", display.money(back.refundable)), ("Given back", display.money(payment.returned))]
    facts.append(("Now", f"{way}: {back.why}" if back.why else way))
    return Card("Money back", facts=facts)


def _times(count: int) -> str:
    return "never" if count == 0 else "once" if count == 1 else f"{count} times"


def _facts(payment: Payment) -> Card:
    advice = _ADVICE.get(Advice(payment.advice), "") if payment.advice in set(Advice) else ""
    facts: list[tuple[str, Any]] = [
        (
            "Order",
            display.joined((display.to(payment.order, display.ident(payment.order.number)), payment.order.description)),
        ),
        ("Buyer", display.to(payment.order.buyer)),
        ("Wallet", display.to(payment.wallet_account, wallet_words(payment))),
        ("paymentRequestId", display.mono(payment.payment_request_id)),
        ("paymentId", display.mono(payment.payment_id)),
        ("Result", display.joined((payment.result_code, payment.result_message)) or display.NOTHING),
        *([("What now", advice)] if advice else []),
        ("Promised", display.stamp(payment.created_at)),
        ("Expires", display.stamp(payment.expires_at)),
        ("Paid", display.stamp(payment.paid_at)),
        ("Asked", _times(payment.questions_asked)),
        ("Asked next", display.when(payment.due_at)),
        ("Device", f"{payment.terminal_type} {payment.os_type}".strip()),
    ]
    if payment.gross_settlement is not None:
        facts.append(("Settles as", display.money(payment.gross_settlement)))
    if payment.quote_price is not None:
        facts.append(("Rate", f"{payment.quote_currency_pair} {payment.quote_price.normalize():f}"))
    return Card("Payment", facts=facts)


def returns_cards(payment: Payment) -> list[Card]:
    """The refunds and cancels of a payment, where there are any."""
    rows = [
        (
            display.to(refund, display.ident(refund.refund_request_id)),
            chips.refund(refund),
            display.money(refund.amount),
            display.when(refund.created_at),
        )
        for refund in payment.refunds.all()
    ]
    rows += [
        (
            display.to(cancel, display.ident(cancel.cancel_id)),
            chips.cancel(cancel),
            display.money(payment.amount),
            display.when(cancel.created_at),
        )
        for cancel in payment.cancels.all()
    ]
    if not rows:
        return []
    return [
        Card("Refunds and cancels", table=Table(("Id", "State", "Amount", "Time"), rows, frozenset({2, 3})), wide=True)
    ]
