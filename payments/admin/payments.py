"""The desk's pages of payments."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import DateTimeField, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from authorizations.models import secrets_of
from payments import queries
from payments.admin import chips, truths
from payments.admin.acts import PAYMENT_ACTS, PaymentActs, wallet_cell, wallet_words
from payments.admin.bulk import ChosenPaymentsForm, refund_chosen
from payments.admin.declarations import DeclareForm, declare, why_not_declare
from payments.models import Payment
from payments.states import PaymentStatus
from payments.today import WAITING
from portal import clock, gather, registry
from portal.acquirer.results import Advice
from portal.admin import display
from portal.admin.acts import Act, Done
from portal.admin.display import Chip
from portal.admin.filters import AmountFilter, DayFilter
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table, WalletFilter
from portal.money import Money
from portal.statements import Given
from portal.words import lazy, say, told

DECLARE = Act("declare", lazy("Declare to customs…"), form=DeclareForm, why_not=why_not_declare)
_ADVICE = {
    Advice.ASK: lazy("Ask the acquirer; never send it again under a new id."),
    Advice.SEND_AGAIN: lazy("The same request may be sent again under its id."),
    Advice.CANCEL: lazy("Cancel it to be sure that the buyer is not charged."),
    Advice.REFUND: lazy("Too late to cancel; give the money back by refund."),
    Advice.NEW_ID: lazy("This one is over. Another try is a new payment."),
    Advice.REAUTHORIZE: lazy("The buyer must agree again in the wallet."),
    Advice.ASK_BUYER: lazy("The buyer can mend it: balance, limit, or another wallet."),
    Advice.FIX_REQUEST: lazy("Our request or configuration is wrong; look at the exchange."),
    Advice.WAIT: lazy("It mends itself; try a new payment later."),
    Advice.GIVE_UP: lazy("Nothing more can be done."),
    Advice.CALL_SUPPORT: lazy("Call the acquirer’s support with the exchanges at hand."),
}


class PaymentQuestions(Questions):
    """What one asks about payments."""

    questions = (
        Question(
            "attention",
            lazy("Needs attention"),
            lambda: Q(pk__in=queries.needing_attention(WAITING, "pk")),
        ),
        Question(
            "waiting",
            lazy("Waiting longer than 5 min"),
            lambda: Q(status=PaymentStatus.PROCESSING, created_at__lt=clock.now() - WAITING),
        ),
        Question("paid", lazy("Paid"), lambda: Q(status=PaymentStatus.SUCCEEDED)),
        Question("given_back", lazy("Given back"), lambda: Q(returned_value__gt=0)),
        Question("failed", lazy("Failed"), lambda: Q(status=PaymentStatus.FAILED)),
        Question("was_paid", lazy("Ever paid"), lambda: Q(paid_at__isnull=False)),
        Question(
            "ended_unpaid",
            lazy("Ended unpaid"),
            lambda: Q(paid_at__isnull=True) & ~Q(status__in=(PaymentStatus.INITIATED, PaymentStatus.PROCESSING)),
        ),
    )


class PaymentWallet(WalletFilter):
    """By wallet."""

    path = "wallet_account__wallet"


class PaymentAccount(AccountFilter):
    """By account."""

    path = "wallet_account__account"


@admin.register(Payment)
class PaymentAdmin(PaymentActs, LedgerAdmin):
    """One paymentRequestId: its story, its money, and what may be done."""

    section, position, icon = "Payments", 20, "payment"
    hint = lazy("newest first")
    empty_title = lazy("No payment yet")
    empty_text = lazy("When a buyer pays an order, its payment appears here with everything that happened to it.")
    list_display = ("request_id", "order_number", "wallet", "state", "amount_shown", "time")
    more_columns = ("payment_identity", "reference", "result_code", "returned_shown", "paid_at", "finished_at")
    personal_columns = ("wallet",)
    list_select_related = ("order", "wallet_account")
    account_path = "wallet_account__account"
    page_select_related = ("wallet_account__account", "order__buyer")
    list_filter = (PaymentQuestions, PaymentWallet, DayFilter, AmountFilter, PaymentAccount)
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
    acts = (*PAYMENT_ACTS, DECLARE)
    list_acts = (Act("bulk_refund", lazy("Refund the ticked…"), form=ChosenPaymentsForm, of_chosen=True),)
    acts_in_timeline = ("refund", "cancel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        rows: QuerySet[Payment] = super().get_queryset(request).prefetch_related("refunds", "cancels")
        return rows.defer(*secrets_of("wallet_account"))

    def bulk_refund(self, request: HttpRequest, thing: None, form: ChosenPaymentsForm) -> Done:
        return refund_chosen(form)

    def declare(self, request: HttpRequest, payment: Payment, form: DeclareForm) -> Done:
        return declare(payment, form)

    hot_rows = gather.Standing(
        lambda: Payment.objects.filter(
            status=PaymentStatus.PROCESSING, created_at__lt=Given("latest", DateTimeField())
        ),
        lambda: {"latest": clock.now() - WAITING},
    )

    @display.column(lazy("Payment"))
    def request_id(self, payment: Payment) -> SafeString | str:
        return display.ident(payment.payment_request_id)

    @display.column(lazy("Order"), is_minor=True)
    def order_number(self, payment: Payment) -> SafeString | str:
        return display.to(payment.order, display.ident(payment.order.number))

    @display.column(lazy("Wallet"), wraps=True, is_minor=True)
    def wallet(self, payment: Payment) -> SafeString:
        return wallet_cell(payment)

    @display.column(lazy("State"))
    def state(self, payment: Payment) -> Chip:
        return chips.payment(payment)

    @display.column(lazy("Amount"), numeric=True, is_money=True)
    def amount_shown(self, payment: Payment) -> SafeString | str:
        return display.money(payment.amount)

    @display.column("paymentId", is_minor=True)
    def payment_identity(self, payment: Payment) -> SafeString | str:
        return display.ident(payment.payment_id) or display.NOTHING

    @display.column(lazy("Your reference"), is_minor=True)
    def reference(self, payment: Payment) -> SafeString | str:
        return display.mono(payment.order.reference)

    @display.column(lazy("Given back"), numeric=True, is_minor=True, is_money=True)
    def returned_shown(self, payment: Payment) -> SafeString | str:
        return display.money(payment.returned) if payment.returned_value else display.NOTHING

    @display.column(lazy("Time"), numeric=True)
    def time(self, payment: Payment) -> SafeString | str:
        return display.when(payment.created_at)

    def headline(self, payment: Payment) -> Headline:
        return payment_headline(
            payment,
            display.joined(
                (
                    display.to(
                        payment.order, say("Order {order_number}", order_number=display.brief(payment.order.number))
                    ),
                    wallet_words(payment),
                )
            ),
        )

    def subjects(self, payment: Payment) -> list[str]:
        refunds = payment.refunds.values_list("refund_request_id", flat=True)
        return [payment.payment_request_id, *refunds]

    def cards(self, request: HttpRequest, payment: Payment) -> list[Card]:
        return [
            truths.card(payment, self.ready_form(request, payment, "ask")),
            money_back_card(payment),
            _facts(payment),
            *returns_cards(payment),
        ]


def payment_headline(payment: Payment, line: Any) -> Headline:
    """Amount, state, whose wallet."""
    states = [chips.payment(payment)]
    if payment.status == PaymentStatus.SUCCEEDED and payment.returned_value:
        states.insert(0, Chip(say("Paid"), "good"))
    if payment.contradictions.filter(settled_at__isnull=True).exists():
        states.append(Chip(say("Contradiction"), "bad"))
    return Headline(display.money(payment.amount), states, line)


_WAYS = {"CANCEL": lazy("By cancel."), "REFUND": lazy("By refund."), queries.KEPT: lazy("After asking the acquirer.")}


def money_back_card(payment: Payment) -> Card:
    """How much can still be given back, how that would happen and why, and until when."""
    back = queries.money_back(payment)
    facts: list[tuple[str, Any]] = []
    if payment.status == PaymentStatus.SUCCEEDED:
        returning = payment.returning
        facts.append((say("Given back"), display.money(payment.returned - returning)))
        if returning.value:
            facts.append((say("On its way back"), display.money(returning)))
    windows = []
    if payment.paid_at is not None and payment.status != PaymentStatus.CANCELLED:
        is_out = back.best != "CANCEL" and back.cancel_until is not None and clock.now() < back.cancel_until
        windows = [
            _window(say("Cancel until"), payment.paid_at, None, say("not possible: a part was given back"))
            if is_out and payment.returned_value
            else _window(
                say("Cancel until"), payment.paid_at, back.cancel_until, display.acquirer_time(back.cancel_until)
            ),
            _window(
                say("Refund until"), payment.paid_at, back.refund_until, display.short(back.refund_until or clock.now())
            ),
        ]
    amount = back.refundable if back.best else Money(0, payment.currency)
    context = {
        "word": say("Can be given back") if back.best else say("Nothing can be given back."),
        "amount": amount,
        "way": _WAYS.get(back.best, ""),
        "why": _because(payment, back),
        "windows": windows,
        "facts": facts,
    }
    return Card(say("Money back"), template="payments/money_back.html", context=context)


def _window(label: str, since: datetime, until: datetime | None, words: str) -> dict[str, Any]:
    """A span of time that runs out, and how many hundredths of it are gone."""
    if until is None:
        words = words if words != display.NOTHING else say("not possible with this wallet")
        return {"label": label, "until": None, "words": words, "gone": 100}
    gone = (clock.now() - since) / (until - since) if until > since else 1
    return {"label": label, "until": until, "words": words, "gone": max(0, min(100, round(100 * gone)))}


def _because(payment: Payment, back: queries.MoneyBack) -> str:
    """Why it would happen that way, as a sentence."""
    if back.why:
        why = told(back.why)
        return say("{why}.", why=f"{why[:1].upper()}{why[1:]}")
    if back.best == "CANCEL":
        return say("It is whole and within the time to cancel: no refund fee. A part of it would be a refund.")
    return ""


def _times(count: int) -> str:
    return say("never") if count == 0 else say("once") if count == 1 else say("{count} times", count=count)


def _facts(payment: Payment) -> Card:
    advice = _ADVICE.get(Advice(payment.advice), "") if payment.advice in set(Advice) else ""
    facts: list[tuple[str, Any]] = [
        (
            say("Order"),
            display.joined((display.to(payment.order, display.ident(payment.order.number)), payment.order.description)),
        ),
        (say("Buyer"), display.to(payment.order.buyer)),
        (say("Wallet"), display.to(payment.wallet_account, wallet_words(payment))),
        (say("Account"), display.to(payment.account)),
        ("paymentRequestId", display.mono(payment.payment_request_id)),
        ("paymentId", display.mono(payment.payment_id)),
        (say("Result"), display.joined((payment.result_code, payment.result_message)) or display.NOTHING),
        *display.meaning_facts(payment.account, payment.result_code, "pay"),
        *([(say("What now"), advice)] if advice else []),
        (say("Promised"), display.stamp(payment.created_at)),
        (say("Expires"), display.stamp(payment.expires_at)),
        (say("Paid"), display.stamp(payment.paid_at)),
        (say("Asked"), _times(payment.questions_asked)),
        (say("Asked next"), display.when(payment.due_at)),
        (say("Device"), f"{payment.terminal_type} {payment.os_type}".strip()),
    ]
    facts += [fact for contributor in registry.facts for fact in contributor(payment)]
    if payment.gross_settlement is not None:
        facts.append((say("Settles as"), display.money(payment.gross_settlement)))
    if payment.quote_price is not None:
        facts.append((say("Rate"), f"{payment.quote_currency_pair} {payment.quote_price.normalize():f}"))
    return Card(say("Payment"), facts=facts)


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
        Card(
            say("Refunds and cancels"),
            table=Table((say("Id"), say("State"), say("Amount"), say("Time")), rows, frozenset({2, 3})),
            wide=True,
        )
    ]
