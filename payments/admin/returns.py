"""The desk's pages of refunds and cancels: money on its way back."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from payments import operations
from payments.admin import chips
from payments.admin.acts import wallet_cell, wallet_words
from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus, RefundStatus
from payments.today import WAITING
from portal import clock
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.ledger import (
    AccountFilter,
    Card,
    DayFilter,
    Headline,
    LedgerAdmin,
    Question,
    Questions,
    WalletFilter,
)


class ReturnWallet(WalletFilter):
    """By wallet."""

    path = "payment__wallet_account__wallet"


class ReturnAccount(AccountFilter):
    """By account."""

    path = "payment__order__account"


class AskReturnForm(ActForm):
    """Ask the acquirer what became of it."""

    title = "Ask the acquirer now"

    def will_happen(self) -> list[str]:
        return [
            "We ask the acquirer what became of it, and write down what it says.",
            "Nothing new is given back by asking. What is final stays.",
        ]

    def button(self) -> str:
        return "Ask now"


class _ReturnAdmin(LedgerAdmin):
    """What refunds and cancels share."""

    section = "Payments"
    hint = "newest first"
    list_select_related = ("payment__order", "payment__wallet_account")
    page_select_related = ("payment__order__account",)

    @display.column("Order", is_minor=True)
    def order_number(self, thing: Refund | Cancel) -> SafeString | str:
        return display.to(thing.payment.order, display.ident(thing.payment.order.number))

    @display.column("To", is_minor=True)
    def wallet(self, thing: Refund | Cancel) -> SafeString:
        return wallet_cell(thing.payment)

    @display.column("Reason", wraps=True, is_minor=True)
    def reason(self, thing: Refund | Cancel) -> str:
        return thing.get_reason_code_display()

    @display.column("Time", numeric=True)
    def time(self, thing: Refund | Cancel) -> SafeString | str:
        return display.when(thing.created_at)


def _facts(thing: Refund | Cancel) -> list[tuple[str, Any]]:
    return [
        ("Payment", display.to(thing.payment, display.mono(thing.payment.payment_request_id))),
        ("Order", display.to(thing.payment.order, display.ident(thing.payment.order.number))),
        ("To", wallet_words(thing.payment)),
        ("Reason", thing.get_reason_code_display()),
        ("Note", thing.note or display.NOTHING),
        ("By", f"{thing.actor_name} ({thing.actor_kind.replace('_', ' ').lower()})"),
        ("Result", display.joined((thing.result_code, thing.result_message)) or display.NOTHING),
        ("Sent", f"{thing.times_sent} times" if thing.times_sent != 1 else "once"),
        ("Promised", display.stamp(thing.created_at)),
        ("Finished", display.stamp(thing.finished_at)),
        ("Asked next", display.when(thing.due_at)),
    ]


class RefundQuestions(Questions):
    """What one asks about refunds."""

    questions = (
        Question(
            "waiting",
            "Waiting longer than 5 min",
            lambda: Q(status=RefundStatus.PROCESSING, created_at__lt=clock.now() - WAITING),
        ),
        Question("refunded", "Refunded", lambda: Q(status=RefundStatus.SUCCEEDED)),
        Question("failed", "Failed", lambda: Q(status=RefundStatus.FAILED)),
        Question("reversed", "Reversed", lambda: Q(status=RefundStatus.REVERSED)),
    )


@admin.register(Refund)
class RefundAdmin(_ReturnAdmin):
    """One refundRequestId."""

    position, icon = 30, "refund"
    empty_title = "No refund yet"
    empty_text = "Refunds begin on the page of a payment or an order."
    list_display = ("request_id", "order_number", "wallet", "reason", "state", "amount_shown", "time")
    list_filter = (RefundQuestions, ReturnWallet, DayFilter, ReturnAccount)
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
            "Ask now",
            form=AskReturnForm,
            permission="act_ask",
            why_not=lambda refund: "" if refund.status == RefundStatus.PROCESSING else "Its result is known.",
        ),
    )

    def hot_count(self) -> int:
        latest = clock.now() - WAITING
        return Refund.objects.filter(status=RefundStatus.PROCESSING, created_at__lt=latest).count()

    @display.column("Refund")
    def request_id(self, refund: Refund) -> SafeString | str:
        return display.ident(refund.refund_request_id)

    @display.column("State")
    def state(self, refund: Refund) -> Chip:
        return chips.refund(refund)

    @display.column("Amount", numeric=True)
    def amount_shown(self, refund: Refund) -> SafeString | str:
        return display.money(refund.amount)

    def headline(self, refund: Refund) -> Headline:
        line = f"Refund of order {display.brief(refund.payment.order.number)} · {wallet_words(refund.payment)}"
        return Headline(display.money(refund.amount), (chips.refund(refund),), line)

    def subjects(self, refund: Refund) -> list[str]:
        return [refund.refund_request_id]

    def cards(self, request: HttpRequest, refund: Refund) -> list[Card]:
        facts = [
            ("refundRequestId", display.mono(refund.refund_request_id)),
            ("refundId", display.mono(refund.refund_id)),
            ("Refunded", display.stamp(refund.refunded_at)),
            ("Of", display.money(refund.payment.amount)),
        ]
        if refund.gross_settlement_value is not None:
            facts.append(("Settles as", display.minor(refund.gross_settlement_value, refund.gross_settlement_currency)))
        return [Card("Refund", facts=[*facts, *_facts(refund)])]

    def ask_refund(self, request: HttpRequest, refund: Refund, form: ActForm) -> Done:
        asked = operations.ask_refund(refund, by=form.actor)
        if asked.status == RefundStatus.PROCESSING:
            return Done("The acquirer has no final answer yet. We keep asking.", "wait")
        return Done(f"The acquirer was asked. The refund is {asked.get_status_display().lower()}.")


class CancelQuestions(Questions):
    """What one asks about cancels."""

    questions = (
        Question("waiting", "Unknown", lambda: Q(status=CancelStatus.REQUESTED)),
        Question("confirmed", "Confirmed", lambda: Q(status=CancelStatus.CONFIRMED)),
        Question("refused", "Refused", lambda: Q(status=CancelStatus.REFUSED)),
    )


@admin.register(Cancel)
class CancelAdmin(_ReturnAdmin):
    """One wish to cancel a payment whole."""

    position, icon = 40, "cancel"
    empty_title = "No cancel yet"
    empty_text = "A cancel begins on the page of a payment, or by itself when a payment gets no final answer in time."
    list_display = ("shown_id", "order_number", "wallet", "reason", "state", "amount_shown", "time")
    list_filter = (CancelQuestions, ReturnWallet, DayFilter, ReturnAccount)
    search_fields = ("cancel_id", "payment__payment_request_id", "payment__payment_id", "payment__order__number")
    acts = (
        Act(
            "ask_cancel",
            "Ask now",
            form=AskReturnForm,
            permission="act_ask",
            why_not=lambda cancel: "" if cancel.status == CancelStatus.REQUESTED else "Its result is known.",
        ),
    )

    @display.column("Cancel")
    def shown_id(self, cancel: Cancel) -> SafeString | str:
        return display.ident(cancel.cancel_id)

    @display.column("State")
    def state(self, cancel: Cancel) -> Chip:
        return chips.cancel(cancel)

    @display.column("Amount", numeric=True)
    def amount_shown(self, cancel: Cancel) -> SafeString | str:
        return display.minor(cancel.amount_value, cancel.payment.currency)

    def headline(self, cancel: Cancel) -> Headline:
        amount = display.minor(cancel.amount_value, cancel.payment.currency)
        line = f"Cancel of order {display.brief(cancel.payment.order.number)} · {wallet_words(cancel.payment)}"
        return Headline(amount, (chips.cancel(cancel),), line)

    def subjects(self, cancel: Cancel) -> list[str]:
        return [cancel.payment.payment_request_id]

    def cards(self, request: HttpRequest, cancel: Cancel) -> list[Card]:
        return [Card("Cancel", facts=[("Our id", display.mono(cancel.cancel_id)), *_facts(cancel)])]

    def ask_cancel(self, request: HttpRequest, cancel: Cancel, form: ActForm) -> Done:
        asked = operations.ask_cancel(cancel, by=form.actor)
        payment: Payment = asked.payment
        payment.refresh_from_db()
        if asked.status == CancelStatus.REQUESTED:
            return Done("The acquirer has no final answer yet. We keep asking.", "wait")
        return Done(f"The acquirer was asked. The cancel is {asked.get_status_display().lower()}.")
