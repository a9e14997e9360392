"""The desk's pages of refunds and cancels: money on its way back."""

from typing import Any

from django.contrib import admin
from django.db.models import DateTimeField, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from authorizations.models import secrets_of
from payments import operations
from payments.admin import chips
from payments.admin.acts import wallet_cell, wallet_words
from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus, RefundStatus
from payments.today import WAITING
from portal import clock, gather, registry
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.filters import AmountFilter, DayFilter
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, WalletFilter
from portal.statements import Given
from portal.words import lazy, say


class ReturnWallet(WalletFilter):
    """By wallet."""

    path = "payment__wallet_account__wallet"


class ReturnAccount(AccountFilter):
    """By account."""

    path = "payment__wallet_account__account"


class AskReturnForm(ActForm):
    """Ask the acquirer what became of it."""

    title = lazy("Ask the acquirer now")

    def will_happen(self) -> list[str]:
        return [
            say("We ask the acquirer what became of it, and write down what it says."),
            say("Nothing new is given back by asking. What is final stays."),
        ]

    def button(self) -> str:
        return say("Ask now")


class _ReturnAdmin(LedgerAdmin):
    """What refunds and cancels share."""

    section = "Payments"
    hint = lazy("newest first")
    list_select_related = ("payment__order", "payment__wallet_account")
    account_path = "payment__wallet_account__account"
    page_select_related = ("payment__wallet_account__account",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer(*secrets_of("payment__wallet_account"))

    @display.column(lazy("Order"), is_minor=True)
    def order_number(self, thing: Refund | Cancel) -> SafeString | str:
        return display.to(thing.payment.order, display.ident(thing.payment.order.number))

    @display.column(lazy("To"), is_minor=True)
    def wallet(self, thing: Refund | Cancel) -> SafeString:
        return wallet_cell(thing.payment)

    @display.column(lazy("Reason"), wraps=True, is_minor=True)
    def reason(self, thing: Refund | Cancel) -> str:
        return thing.get_reason_code_display()

    @display.column(lazy("Time"), numeric=True)
    def time(self, thing: Refund | Cancel) -> SafeString | str:
        return display.when(thing.created_at)


def _facts(thing: Refund | Cancel) -> list[tuple[str, Any]]:
    return [
        (say("Payment"), display.to(thing.payment, display.mono(thing.payment.payment_request_id))),
        (say("Order"), display.to(thing.payment.order, display.ident(thing.payment.order.number))),
        (say("To"), wallet_words(thing.payment)),
        (say("Reason"), thing.get_reason_code_display()),
        (say("Note"), thing.note or display.NOTHING),
        (say("By"), f"{thing.actor_name} ({thing.actor_kind.replace('_', ' ').lower()})"),
        (say("Result"), display.joined((thing.result_code, thing.result_message)) or display.NOTHING),
        *display.meaning_facts(
            thing.payment.account, thing.result_code, "refund" if isinstance(thing, Refund) else "cancel"
        ),
        (say("Sent"), say("{times_sent} times", times_sent=thing.times_sent) if thing.times_sent != 1 else say("once")),
        (say("Promised"), display.stamp(thing.created_at)),
        (say("Finished"), display.stamp(thing.finished_at)),
        (say("Asked next"), display.when(thing.due_at)),
    ]


class RefundQuestions(Questions):
    """What one asks about refunds."""

    questions = (
        Question(
            "waiting",
            lazy("Waiting longer than 5 min"),
            lambda: Q(status=RefundStatus.PROCESSING, created_at__lt=clock.now() - WAITING),
        ),
        Question("refunded", lazy("Refunded"), lambda: Q(status=RefundStatus.SUCCEEDED)),
        Question("failed", lazy("Failed"), lambda: Q(status=RefundStatus.FAILED)),
        Question("reversed", lazy("Reversed"), lambda: Q(status=RefundStatus.REVERSED)),
    )


@admin.register(Refund)
class RefundAdmin(_ReturnAdmin):
    """One refundRequestId."""

    position, icon = 30, "refund"
    empty_title = lazy("No refund yet")
    empty_text = lazy("Refunds begin on the page of a payment or an order.")
    list_display = ("request_id", "order_number", "wallet", "reason", "state", "amount_shown", "time")
    more_columns = ("refund_id", "note", "actor_name", "result_code", "refunded_at", "finished_at")
    personal_columns = ("wallet",)
    list_filter = (RefundQuestions, ReturnWallet, DayFilter, AmountFilter, ReturnAccount)
    search_fields = (
        "refund_request_id",
        "refund_id",
        "payment__payment_request_id",
        "payment__payment_id",
        "payment__order__number",
        "payment__order__reference",
    )
    acts = (
        Act(
            "ask_refund",
            lazy("Ask now"),
            form=AskReturnForm,
            permission="act_ask",
            why_not=lambda refund: "" if refund.status == RefundStatus.PROCESSING else say("Its result is known."),
        ),
    )

    hot_rows = gather.Standing(
        lambda: Refund.objects.filter(status=RefundStatus.PROCESSING, created_at__lt=Given("latest", DateTimeField())),
        lambda: {"latest": clock.now() - WAITING},
    )

    @display.column(lazy("Refund"))
    def request_id(self, refund: Refund) -> SafeString | str:
        return display.ident(refund.refund_request_id)

    @display.column(lazy("State"))
    def state(self, refund: Refund) -> Chip:
        return chips.refund(refund)

    @display.column(lazy("Amount"), numeric=True, is_money=True)
    def amount_shown(self, refund: Refund) -> SafeString | str:
        return display.money(refund.amount)

    def headline(self, refund: Refund) -> Headline:
        line = say(
            "Refund of order {order_number} · {wallet_words}",
            order_number=display.brief(refund.payment.order.number),
            wallet_words=wallet_words(refund.payment),
        )
        return Headline(display.money(refund.amount), (chips.refund(refund),), line)

    def subjects(self, refund: Refund) -> list[str]:
        return [refund.refund_request_id]

    def cards(self, request: HttpRequest, refund: Refund) -> list[Card]:
        facts = [
            ("refundRequestId", display.mono(refund.refund_request_id)),
            ("refundId", display.mono(refund.refund_id)),
            (say("Refunded"), display.stamp(refund.refunded_at)),
            (say("Of", sense="amount"), display.money(refund.payment.amount)),
        ]
        if refund.gross_settlement_value is not None:
            facts.append(
                (say("Settles as"), display.minor(refund.gross_settlement_value, refund.gross_settlement_currency))
            )
        facts += [fact for contributor in registry.facts for fact in contributor(refund)]
        return [Card(say("Refund"), facts=[*facts, *_facts(refund)])]

    def ask_refund(self, request: HttpRequest, refund: Refund, form: ActForm) -> Done:
        asked = operations.ask_refund(refund, by=form.actor)
        if asked.status == RefundStatus.PROCESSING:
            return Done(say("The acquirer has no final answer yet. We keep asking."), "wait")
        return Done(say("The acquirer was asked. The refund is {status}.", status=asked.get_status_display().lower()))


class CancelAmount(AmountFilter):
    """In the currency of its payment."""

    currency_path = "payment__currency"


class CancelQuestions(Questions):
    """What one asks about cancels."""

    questions = (
        Question("waiting", lazy("Unknown"), lambda: Q(status=CancelStatus.REQUESTED)),
        Question("confirmed", lazy("Confirmed"), lambda: Q(status=CancelStatus.CONFIRMED)),
        Question("refused", lazy("Refused"), lambda: Q(status=CancelStatus.REFUSED)),
    )


@admin.register(Cancel)
class CancelAdmin(_ReturnAdmin):
    """One wish to cancel a payment whole."""

    position, icon = 40, "cancel"
    empty_title = lazy("No cancel yet")
    empty_text = lazy(
        "A cancel begins on the page of a payment, or by itself when a payment gets no final answer in time."
    )
    list_display = ("shown_id", "order_number", "wallet", "reason", "state", "amount_shown", "time")
    more_columns = ("note", "actor_name", "result_code", "finished_at")
    personal_columns = ("wallet",)
    list_filter = (CancelQuestions, ReturnWallet, DayFilter, CancelAmount, ReturnAccount)
    search_fields = ("cancel_id", "payment__payment_request_id", "payment__payment_id", "payment__order__number")
    acts = (
        Act(
            "ask_cancel",
            lazy("Ask now"),
            form=AskReturnForm,
            permission="act_ask",
            why_not=lambda cancel: "" if cancel.status == CancelStatus.REQUESTED else say("Its result is known."),
        ),
    )

    @display.column(lazy("Cancel"))
    def shown_id(self, cancel: Cancel) -> SafeString | str:
        return display.ident(cancel.cancel_id)

    @display.column(lazy("State"))
    def state(self, cancel: Cancel) -> Chip:
        return chips.cancel(cancel)

    @display.column(lazy("Amount"), numeric=True, is_money=True)
    def amount_shown(self, cancel: Cancel) -> SafeString | str:
        return display.minor(cancel.amount_value, cancel.payment.currency)

    def headline(self, cancel: Cancel) -> Headline:
        amount = display.minor(cancel.amount_value, cancel.payment.currency)
        line = say(
            "Cancel of order {order_number} · {wallet_words}",
            order_number=display.brief(cancel.payment.order.number),
            wallet_words=wallet_words(cancel.payment),
        )
        return Headline(amount, (chips.cancel(cancel),), line)

    def subjects(self, cancel: Cancel) -> list[str]:
        return [cancel.payment.payment_request_id]

    def cards(self, request: HttpRequest, cancel: Cancel) -> list[Card]:
        return [Card(say("Cancel"), facts=[(say("Our id"), display.mono(cancel.cancel_id)), *_facts(cancel)])]

    def ask_cancel(self, request: HttpRequest, cancel: Cancel, form: ActForm) -> Done:
        asked = operations.ask_cancel(cancel, by=form.actor)
        payment: Payment = asked.payment
        payment.refresh_from_db()
        if asked.status == CancelStatus.REQUESTED:
            return Done(say("The acquirer has no final answer yet. We keep asking."), "wait")
        return Done(say("The acquirer was asked. The cancel is {status}.", status=asked.get_status_display().lower()))
