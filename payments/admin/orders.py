"""The desk's pages of orders."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from authorizations.models import secrets_of
from payments import operations, queries
from payments.admin import chips, truths
from payments.admin.acts import PAYMENT_ACTS, REASONS, PaymentActs, payment_of, wallet_cell, wallet_words
from payments.admin.bulk import ChosenOrdersForm, refund_chosen
from payments.admin.payments import money_back_card
from payments.evidence import declarations_of, parts_of, take
from payments.models import Order, Payment
from payments.states import OrderStatus, PaymentStatus
from payments.today import WAITING
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done, ReasonForm
from portal.admin.display import Chip
from portal.admin.filters import AmountFilter, DayFilter
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table, WalletFilter
from portal.evidence import ORIGINALS, REVEALED, TAKEN, Told
from portal.words import in_english, lazy, say


class OrderQuestions(Questions):
    """What one asks about orders."""

    questions = (
        Question(
            "attention",
            lazy("Needs attention"),
            lambda: Q(pk__in=queries.needing_attention(WAITING, "order")),
        ),
        Question("to_be_paid", lazy("To be paid"), lambda: Q(status=OrderStatus.INIT)),
        Question("paid", lazy("Paid"), lambda: Q(status=OrderStatus.PAID)),
        Question(
            "refunded", lazy("Refunded"), lambda: Q(pk__in=Payment.objects.filter(returned_value__gt=0).values("order"))
        ),
        Question("cancelled", lazy("Cancelled"), lambda: Q(status=OrderStatus.CANCELLED)),
    )


class OrderWallet(WalletFilter):
    """By the wallet of a payment."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        paid_with = Payment.objects.filter(order=OuterRef("pk"), wallet_account__wallet=self.value()).order_by()
        return queryset.filter(Exists(paid_with))


class WithdrawForm(ReasonForm):
    """Close an order nobody paid."""

    reasons = REASONS
    title = lazy("Withdraw the order")

    def will_happen(self) -> list[str]:
        return [
            say("The order of {amount} is closed. Nothing was paid, so nothing goes back.", amount=self.thing.amount),
            say("It stays closed."),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Withdraw the order of {amount}", amount=self.thing.amount)


def _not_open(order: Order) -> str:
    if order.status != OrderStatus.INIT:
        return say("The order is {status}.", status=order.get_status_display().lower())
    payment = queries.live_payment(order)
    if payment is not None and payment.status == PaymentStatus.PROCESSING:
        return say("Its payment is unknown: cancel that first.")
    return ""


class EvidenceForm(ActForm):
    """Take the order's evidence as one file."""

    title = lazy("Take the evidence")
    is_download = True
    originals = forms.BooleanField(
        label=lazy("Messages in their original bytes"),
        required=False,
        help_text=lazy("With tokens and personal data, for a court or the acquirer. Say below why."),
    )
    note = forms.CharField(
        label=lazy("Note"),
        max_length=256,
        required=False,
        help_text=lazy("What it is for, for whoever reads the journal."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        person = User.objects.filter(pk=self.actor.user_id or 0).first()
        if person is None or not person.has_perm(ORIGINALS):
            del self.fields["originals"]

    def clean(self) -> dict[str, Any]:
        """Demand a reason for the originals."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("originals") and not cleaned.get("note", "").strip():
            self.add_error("note", say("Say in a few words what the original messages are needed for."))
        return cleaned

    def will_happen(self) -> list[str]:
        return [
            say("One ZIP: timeline, rows, messages with the verdicts on their signatures, and a file of checksums."),
            say("Messages are masked, each with the SHA-256 of its original. That you took it stands in the journal."),
        ]

    def button(self) -> str:
        return say("Take the evidence")


@admin.register(Order)
class OrderAdmin(PaymentActs, LedgerAdmin):
    """What a buyer owes, and what became of it."""

    section, position, icon = "Payments", 10, "order"
    hint = lazy("newest first")
    empty_title = lazy("No order yet")
    empty_text = lazy("Orders come from your mini program or your server, and appear here as soon as they are placed.")
    list_display = ("number_shown", "what", "buyer_shown", "wallet", "state", "amount_shown", "time")
    more_columns = ("reference", "account", "payment_request_id", "payment_id", "returned", "paid_at", "closed_at")
    personal_columns = ("buyer_shown", "wallet")
    list_select_related = ("buyer", "account")
    account_path = "account"
    list_filter = (OrderQuestions, OrderWallet, DayFilter, AmountFilter, AccountFilter)
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
    acts = (
        *PAYMENT_ACTS,
        Act("withdraw", lazy("Withdraw…"), form=WithdrawForm, tone="risk", why_not=_not_open),
        Act("evidence", lazy("Evidence…"), form=EvidenceForm, permission="view_order"),
    )

    # The permission of refunding many is the payments' own, wherever they were ticked.
    list_acts = (Act("bulk_refund", lazy("Refund the ticked…"), form=ChosenOrdersForm, of_chosen=True),)

    def bulk_refund(self, request: HttpRequest, thing: None, form: ChosenOrdersForm) -> Done:
        return refund_chosen(form)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        newest = (
            Payment.objects.select_related("wallet_account__account")
            .defer(*secrets_of("wallet_account"))
            .prefetch_related("refunds", "cancels")
            .order_by("-created_at", "-pk")
        )
        return super().get_queryset(request).prefetch_related(Prefetch("payments", newest))

    @display.column(lazy("Order"))
    def number_shown(self, order: Order) -> SafeString | str:
        return display.ident(order.number)

    @display.column(lazy("What"), wraps=True, is_minor=True)
    def what(self, order: Order) -> str:
        return order.description

    @display.column(lazy("Buyer"), is_minor=True)
    def buyer_shown(self, order: Order) -> SafeString | str:
        return display.cut(order.buyer.reference)

    @display.column(lazy("Wallet"), wraps=True, is_minor=True)
    def wallet(self, order: Order) -> SafeString | str:
        payment = _newest(order)
        return wallet_cell(payment) if payment else display.NOTHING

    @display.column(lazy("State"))
    def state(self, order: Order) -> Chip:
        payment = _newest(order)
        return (
            chips.order(order) if payment is None or order.status == OrderStatus.CANCELLED else chips.payment(payment)
        )

    @display.column(lazy("Amount"), numeric=True, is_money=True)
    def amount_shown(self, order: Order) -> SafeString | str:
        return display.money(order.amount)

    @display.column("paymentRequestId", is_minor=True)
    def payment_request_id(self, order: Order) -> SafeString | str:
        payment = _newest(order)
        return display.ident(payment.payment_request_id) if payment else display.NOTHING

    @display.column("paymentId", is_minor=True)
    def payment_id(self, order: Order) -> SafeString | str:
        payment = _newest(order)
        return display.ident(payment.payment_id) if payment else display.NOTHING

    @display.column(lazy("Given back"), numeric=True, is_minor=True, is_money=True)
    def returned(self, order: Order) -> SafeString | str:
        payment = _newest(order)
        return display.money(payment.returned) if payment and payment.returned_value else display.NOTHING

    @display.column(lazy("Time"), numeric=True)
    def time(self, order: Order) -> SafeString | str:
        return display.when(order.created_at)

    def headline(self, order: Order) -> Headline:
        payment = payment_of(order)
        states = [chips.order(order)]
        if payment is not None and (payment.status != PaymentStatus.SUCCEEDED or payment.returned_value):
            states.append(chips.payment(payment))
        who = wallet_words(payment) if payment else order.buyer.reference
        return Headline(
            display.money(order.amount),
            states,
            say("Order {number} · {who}", number=display.brief(order.number), who=who),
        )

    acts_in_timeline = ("refund", "cancel")

    def parts(self, order: Order) -> list[Model]:
        return parts_of(order)

    def subjects(self, order: Order) -> list[str]:
        ids: list[str] = []
        for payment in order.payments.all():
            ids += [payment.payment_request_id, *payment.refunds.values_list("refund_request_id", flat=True)]
        return ids + [declaration.declaration_request_id for declaration in declarations_of(order)]

    def name_of_account(self) -> Any:
        """Of an order that somebody tried to pay, the newest payment's; else the one it was placed with."""
        newest = Payment.objects.filter(order=OuterRef("pk")).order_by("-created_at", "-pk")
        return Coalesce(Subquery(newest.values("wallet_account__account__name")[:1]), super().name_of_account())

    def cards(self, request: HttpRequest, order: Order) -> list[Card]:
        payment = payment_of(order)
        by = f"{order.actor_name} ({order.actor_kind.replace('_', ' ').lower()})"
        cards = [
            *([truths.card(payment, self.ready_form(request, order, "ask"))] if payment else []),
            *([money_back_card(payment)] if payment else []),
            Card(
                say("Order"),
                facts=[
                    (say("Number"), display.mono(order.number)),
                    (say("Your reference"), display.mono(order.reference)),
                    (say("What"), order.description),
                    (say("Buyer"), display.to(order.buyer)),
                    (say("Placed by"), by),
                    (say("Account"), display.to(order.account)),
                    *(
                        [(say("Debited through"), display.to(payment.account))]
                        if payment and payment.account != order.account
                        else []
                    ),
                    (say("Placed"), display.stamp(order.created_at)),
                    (say("Paid"), display.stamp(order.paid_at)),
                    (say("Closed"), display.stamp(order.closed_at)),
                ],
            ),
            Card(
                say("Payments"),
                table=Table(
                    (say("Payment"), say("State"), say("Amount"), say("Time")),
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
                    empty=say("Nobody has tried to pay it yet."),
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
                Card(
                    say("Items"),
                    table=Table((say("What"), say("Number"), say("Quantity"), say("Each")), rows, frozenset({2, 3})),
                    wide=True,
                )
            )
        return cards

    def evidence(self, request: HttpRequest, order: Order, form: EvidenceForm) -> HttpResponse:
        user: Any = request.user
        with_originals = bool(form.cleaned_data.get("originals"))
        if with_originals and not user.has_perm(ORIGINALS):
            raise PermissionDenied
        with in_english():  # one document, whoever takes it
            lines = [
                Told(line.at, str(line.sentence), str(line.detail), tuple(label for label, url in line.links if url))
                for line in self._lines(order, without=(TAKEN, REVEALED))
            ]
        content = take(
            order,
            by=form.actor,
            lines=lines,
            subjects=self.subjects(order),
            with_messages=user.has_perm("portal.view_exchange"),
            with_originals=with_originals,
            note=form.cleaned_data["note"],
        )
        response = HttpResponse(content, content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="evidence-{order.number}.zip"'
        response["Cache-Control"] = "no-store"
        return response

    def withdraw(self, request: HttpRequest, order: Order, form: WithdrawForm) -> str:
        operations.withdraw(
            order,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say("Order {number} is withdrawn.", number=order.number)


def _newest(order: Order) -> Payment | None:
    """The newest payment, from what the list has read already."""
    return next(iter(order.payments.all()), None)
