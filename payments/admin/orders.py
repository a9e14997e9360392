"""The desk's pages of orders."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from payments import operations, queries
from payments.admin import chips
from payments.admin.acts import PAYMENT_ACTS, REASONS, PaymentActs, payment_of, wallet_cell, wallet_words
from payments.admin.payments import money_back_card
from payments.models import Order, Payment
from payments.states import OrderStatus, PaymentStatus
from payments.today import WAITING
from portal import clock
from portal.admin import display
from portal.admin.acts import Act, ReasonForm
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


class OrderQuestions(Questions):
    """What one asks about orders."""

    questions = (
        Question(
            "attention",
            "Needs attention",
            lambda: Q(
                pk__in=Payment.objects.filter(
                    Q(status=PaymentStatus.PROCESSING, created_at__lt=clock.now() - WAITING)
                    | Q(status=PaymentStatus.REVERSED)
                    | Q(pk__in=queries.contradicted())
                ).values("order")
            ),
        ),
        Question("to_be_paid", "To be paid", lambda: Q(status=OrderStatus.INIT)),
        Question("paid", "Paid", lambda: Q(status=OrderStatus.PAID)),
        Question(
            "refunded", "Refunded", lambda: Q(pk__in=Payment.objects.filter(returned_value__gt=0).values("order"))
        ),
        Question("cancelled", "Cancelled", lambda: Q(status=OrderStatus.CANCELLED)),
    )


class OrderWallet(WalletFilter):
    """By the wallet of a payment."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(pk__in=Payment.objects.filter(wallet_account__wallet=self.value()).values("order"))


class WithdrawForm(ReasonForm):
    """Close an order nobody paid."""

    reasons = REASONS
    title = "Withdraw the order"

    def will_happen(self) -> list[str]:
        return [
            f"The order of {self.thing.amount} is closed. Nothing was paid, so nothing goes back.",
            "It stays closed.",
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return f"Withdraw the order of {self.thing.amount}"


def _not_open(order: Order) -> str:
    if order.status != OrderStatus.INIT:
        return f"The order is {order.get_status_display().lower()}."
    payment = queries.live_payment(order)
    if payment is not None and payment.status == PaymentStatus.PROCESSING:
        return "Its payment is unknown: cancel that first."
    return ""


@admin.register(Order)
class OrderAdmin(PaymentActs, LedgerAdmin):
    """What a buyer owes, and what became of it."""

    section, position, icon = "Payments", 10, "order"
    hint = "newest first"
    empty_title = "No order yet"
    empty_text = "Orders come from your mini program or your server, and appear here as soon as they are placed."
    list_display = ("number_shown", "what", "buyer_shown", "wallet", "state", "amount_shown", "time")
    list_select_related = ("buyer",)
    page_select_related = ("account",)
    list_filter = (OrderQuestions, OrderWallet, DayFilter, AccountFilter)
    search_fields = (
        "number",
        "reference",
        "buyer__reference",
        "payments__payment_request_id",
        "payments__payment_id",
        "payments__wallet_account__login_label",
        "payments__refunds__refund_request_id",
        "payments__refunds__refund_id",
        "payments__cancels__cancel_id",
    )
    acts = (*PAYMENT_ACTS, Act("withdraw", "Withdraw…", form=WithdrawForm, tone="risk", why_not=_not_open))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        newest = Payment.objects.select_related("wallet_account").order_by("-created_at", "-pk")
        return super().get_queryset(request).prefetch_related(Prefetch("payments", newest))

    @display.column("Order")
    def number_shown(self, order: Order) -> SafeString | str:
        return display.ident(order.number)

    @display.column("What", wraps=True, is_minor=True)
    def what(self, order: Order) -> str:
        return order.description

    @display.column("Buyer", is_minor=True)
    def buyer_shown(self, order: Order) -> SafeString | str:
        return display.cut(order.buyer.reference)

    @display.column("Wallet", is_minor=True)
    def wallet(self, order: Order) -> SafeString | str:
        payment = _newest(order)
        return wallet_cell(payment) if payment else display.NOTHING

    @display.column("State")
    def state(self, order: Order) -> Chip:
        payment = _newest(order)
        return (
            chips.order(order) if payment is None or order.status == OrderStatus.CANCELLED else chips.payment(payment)
        )

    @display.column("Amount", numeric=True)
    def amount_shown(self, order: Order) -> SafeString | str:
        return display.money(order.amount)

    @display.column("Time", numeric=True)
    def time(self, order: Order) -> SafeString | str:
        return display.when(order.created_at)

    def headline(self, order: Order) -> Headline:
        payment = payment_of(order)
        states = [chips.order(order)]
        if payment is not None and (payment.status != PaymentStatus.SUCCEEDED or payment.returned_value):
            states.append(chips.payment(payment))
        who = wallet_words(payment) if payment else order.buyer.reference
        return Headline(display.money(order.amount), states, f"Order {display.brief(order.number)} · {who}")

    def subjects(self, order: Order) -> list[str]:
        ids: list[str] = []
        for payment in order.payments.all():
            ids += [payment.payment_request_id, *payment.refunds.values_list("refund_request_id", flat=True)]
        return ids

    def cards(self, request: HttpRequest, order: Order) -> list[Card]:
        payment = payment_of(order)
        by = f"{order.actor_name} ({order.actor_kind.replace('_', ' ').lower()})"
        cards = [
            *([money_back_card(payment)] if payment else []),
            Card(
                "Order",
                facts=[
                    ("Number", display.mono(order.number)),
                    ("Your reference", display.mono(order.reference)),
                    ("What", order.description),
                    ("Buyer", display.to(order.buyer)),
                    ("Placed by", by),
                    ("Account", display.to(order.account)),
                    ("Placed", display.stamp(order.created_at)),
                    ("Paid", display.stamp(order.paid_at)),
                    ("Closed", display.stamp(order.closed_at)),
                ],
            ),
            Card(
                "Payments",
                table=Table(
                    ("Payment", "State", "Amount", "Time"),
                    [
                        (
                            display.to(row, display.ident(row.payment_request_id)),
                            chips.payment(row),
                            display.money(row.amount),
                            display.when(row.created_at),
                        )
                        for row in order.payments.all()
                    ],
                    frozenset({2, 3}),
                    empty="Nobody has tried to pay it yet.",
                ),
                wide=True,
            ),
        ]
        items = list(order.items.all())
        if items:
            rows = [
                (item.name, display.mono(item.sku), str(item.quantity), display.minor(item.unit_value, order.currency))
                for item in items
            ]
            cards.append(
                Card("Items", table=Table(("What", "Number", "Quantity", "Each"), rows, frozenset({2, 3})), wide=True)
            )
        return cards

    def withdraw(self, request: HttpRequest, order: Order, form: WithdrawForm) -> str:
        operations.withdraw(
            order,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return f"Order {order.number} is withdrawn."


def _newest(order: Order) -> Payment | None:
    """The newest payment, from what the list has read already."""
    return next(iter(order.payments.all()), None)
