"""The desk's pages of customs: what was declared, what customs says, and what is declared by itself."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from authorizations.models import secrets_of
from payments.admin.returns import AskReturnForm
from payments.customs import operations
from payments.customs.states import (
    AMENDABLE,
    CHANNEL_WORDS,
    IDENTITY_WORDS,
    ON_ITS_WAY,
    CertificateKind,
    CustomsOffice,
    DeclarationStatus,
    RuleScope,
)
from payments.customs.timeline import timeline
from payments.customs.today import REFUSED, STUCK, TURNED_DOWN
from payments.models import CERTIFICATE, Contents, CustomsRule, Declaration, Payment
from portal import clock, gather
from portal.admin import display
from portal.admin.acts import Act, ActForm, AmountField, Done, ReasonForm
from portal.admin.display import Chip
from portal.admin.filters import AmountFilter, DayFilter
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions
from portal.errors import InvalidInput
from portal.models import AcquirerAccount
from portal.money import Money, MoneyError, parse_major
from portal.registry import TimelineEntry
from portal.words import lazy, say, told

REASONS = (
    ("WRONG_DATA", lazy("What was declared is wrong")),
    ("LOST", lazy("Customs has lost it")),
    ("REFUSED", lazy("Customs refused it")),
    ("OTHER", lazy("Other (see note)")),
)
REVEALING = (
    ("BUYER_ASKS", lazy("The buyer asks about it")),
    ("CUSTOMS_ASKS", lazy("Customs asks about it")),
    ("COMPARE", lazy("To compare it with the buyer’s papers")),
    ("OTHER", lazy("Other (see note)")),
)
_TONES = {
    DeclarationStatus.ACCEPTED: "good",
    DeclarationStatus.REFUSED: "bad",
    DeclarationStatus.FAILED: "bad",
}


def chip(declaration: Declaration) -> Chip:
    """Where it stands."""
    status = DeclarationStatus(declaration.status)
    return Chip(status.label, _TONES.get(status, "wait"))


def why_not_declare(payment: Payment) -> str:
    """For the button of a payment's page."""
    why = operations.why_not_declare(payment)
    return say("This payment cannot be declared to customs: {why}.", why=told(why)) if why else ""


def _why_not_amend(declaration: Declaration) -> str:
    why = operations.why_not_amend(declaration)
    return say("This declaration cannot be transmitted again: {why}.", why=told(why, is_ours=True)) if why else ""


class _CertificateFields(ActForm):
    """The three fields of a buyer's certificate: what somebody types now, never what is kept."""

    certificate_kind = forms.ChoiceField(
        label=lazy("Buyer’s certificate"), choices=CertificateKind.choices, required=False
    )
    certificate_number = forms.CharField(
        label=lazy("Its number"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=lazy("Recommended: without it you answer for it that the buyer is the payer. Kept encrypted."),
    )
    certificate_name = forms.CharField(
        label=lazy("Full name on it"),
        max_length=256,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """Read the certificate, or nothing."""
        said = super().clean() or self.cleaned_data
        try:
            said["buyer"] = operations.certificate_given(
                said.get("certificate_kind", ""), said.get("certificate_number", ""), said.get("certificate_name", "")
            )
        except InvalidInput as reason:
            self.add_error("certificate_number", reason.message)
        return said


class DeclareForm(_CertificateFields):
    """Tell customs of a payment, or of a part of it."""

    title = lazy("Declare to customs")
    is_roomy = True
    customs_code = forms.ChoiceField(label=lazy("Customs office"), choices=CustomsOffice.choices)
    merchant_customs_code = forms.CharField(label=lazy("Merchant’s code at customs"), max_length=64)
    merchant_customs_name = forms.CharField(label=lazy("Merchant’s name at customs"), max_length=128)
    suborder_id = forms.CharField(
        label=lazy("Id of the part of the order"),
        max_length=64,
        required=False,
        help_text=lazy("Only where the order is declared in several parts."),
    )
    field_order = (
        "amount",
        "customs_code",
        "merchant_customs_code",
        "merchant_customs_name",
        "suborder_id",
        "certificate_kind",
        "certificate_number",
        "certificate_name",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = self.thing.declarable
        self.fields["amount"] = AmountField(
            most=most,
            beyond=say("At most {most} can be declared.", most=most),
            help_text=say("of {most} that can still be declared", most=most),
        )
        self.order_fields(self.field_order)
        rule = CustomsRule.objects.filter(account=self.thing.account).first()
        if rule is not None:
            names = ("customs_code", "merchant_customs_code", "merchant_customs_name")
            self.initial.update({name: getattr(rule, name) for name in names})

    def amount(self) -> Money:
        """What is declared; before the form is sent, all that is left."""
        given = getattr(self, "cleaned_data", {}).get("amount")
        return given if isinstance(given, Money) else self.thing.declarable

    def will_happen(self) -> list[str]:
        return [
            say("The acquirer passes it on to customs; what customs says comes minutes to days later."),
            say("Together the declarations of a payment are at most what was paid."),
        ]

    def button(self) -> str:
        return say("Declare {amount}", amount=self.amount())

    def button_pattern(self) -> str:
        return say("Declare {amount}", amount="{amount}")


_PAPER = ("certificate_number", "certificate_name")


class AmendForm(ReasonForm, _CertificateFields):
    """Transmit again: once to see what changes, once more to do it."""

    title = lazy("Transmit again")
    is_roomy = True
    reasons = REASONS
    amount = forms.CharField(
        label=lazy("Amount"),
        max_length=24,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    merchant_customs_code = forms.CharField(label=lazy("Merchant’s code at customs"), max_length=64)
    merchant_customs_name = forms.CharField(label=lazy("Merchant’s name at customs"), max_length=128)
    suborder_id = forms.CharField(label=lazy("Id of the part of the order"), max_length=64, required=False)
    field_order = (
        "amount",
        "merchant_customs_code",
        "merchant_customs_name",
        "suborder_id",
        "certificate_kind",
        "certificate_number",
        "certificate_name",
        "reason_code",
        "note",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ("merchant_customs_code", "merchant_customs_name", "suborder_id")
        self.initial.update({name: getattr(self.thing, name) for name in names}, amount=self.thing.amount.display)
        self.fields["suborder_id"].required = self.thing.is_split
        if not self.thing.is_split:
            del self.fields["suborder_id"]
        del self.fields["certificate_kind"]  # only its number and name may change
        for name in _PAPER:
            if self.thing.certificate_kind:
                self.fields[name].label = told(operations.CHANGEABLE[name])
                self.fields[name].help_text = say("Empty: the one that was given stays.")
            else:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """Read the amount by the declaration's currency."""
        if self.thing.certificate_kind:
            self.cleaned_data["certificate_kind"] = self.thing.certificate_kind
            if any(self.cleaned_data.get(name) for name in _PAPER):
                held = self.thing.contents
                self.cleaned_data |= {name: self.cleaned_data.get(name) or getattr(held, name) for name in _PAPER}
        said = super().clean() or self.cleaned_data
        if said.get("amount"):
            try:
                said["money"] = parse_major(said["amount"], self.thing.currency).payable()
            except MoneyError as reason:
                self.add_error("amount", str(reason))
        return said

    def contents(self) -> Contents:
        """What it would be afterwards."""
        said = self.cleaned_data
        before: Contents = self.thing.contents
        wanted = replace(
            before,
            amount=said["money"],
            merchant_customs_code=said["merchant_customs_code"].strip(),
            merchant_customs_name=said["merchant_customs_name"].strip(),
            suborder_id=said.get("suborder_id", "").strip(),
        )
        if buyer := said.get("buyer"):
            return replace(
                wanted,
                certificate_kind=buyer.kind,
                certificate_number=buyer.number,
                certificate_name=buyer.name,
            )
        return wanted

    def _changes(self) -> list[tuple[str, str, str]] | None:
        is_read = self.is_bound and self.is_valid() and "money" in self.cleaned_data
        return operations.differences(self.thing.contents, self.contents()) if is_read else None

    def will_happen(self) -> list[str]:
        changes = self._changes()
        sentences = [
            say("{label}: {before} → {after}", label=told(label), before=told(before), after=told(after))
            for label, before, after in changes or ()
        ]
        if changes is not None and not changes:
            sentences = [say("Nothing changes: it is transmitted once more as it was.")]
        if changes is None:
            sentences = [say("First you see what changes, then you transmit it.")]
        return [*sentences, say("The amount takes the place of the one before; it does not add to it.")]

    def button(self) -> str:
        changes = self._changes()
        if changes is None:
            return say("See what changes")
        if not changes:
            return say("Transmit it again, unchanged")
        names = ", ".join(f"{told(label)} → {told(after)}" for label, _, after in changes)
        return say("Transmit it again: {names}", names=names)


class RevealForm(ReasonForm):
    """See the buyer's certificate."""

    title = lazy("See the buyer’s certificate")
    reasons = REVEALING

    def will_happen(self) -> list[str]:
        return [say("Number and name are shown to you once. The journal keeps who saw them, when and why.")]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Show it")


class AskDeclarationForm(AskReturnForm):
    """Ask what customs says."""

    def will_happen(self) -> list[str]:
        return [
            say("We ask the acquirer what customs says of it, and write it down."),
            say("Nothing is declared by asking. What is final stays."),
        ]


class RuleForm(ActForm):
    """What of an account is declared by itself."""

    title = lazy("Set what is declared by itself")
    is_roomy = True
    account = forms.ModelChoiceField(label=lazy("Account"), queryset=AcquirerAccount.objects.none(), empty_label=None)
    customs_code = forms.ChoiceField(label=lazy("Customs office"), choices=CustomsOffice.choices)
    merchant_customs_code = forms.CharField(label=lazy("Merchant’s code at customs"), max_length=64)
    merchant_customs_name = forms.CharField(label=lazy("Merchant’s name at customs"), max_length=128)
    scope = forms.ChoiceField(label=lazy("Which orders"), choices=RuleScope.choices)
    skus = forms.CharField(
        label=lazy("Products"),
        required=False,
        help_text=lazy("Their codes, separated by blanks. Only where the rule is about products."),
    )
    is_active = forms.BooleanField(label=lazy("Declare by itself"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts: Any = self.fields["account"]
        accounts.queryset = AcquirerAccount.objects.only("name").order_by("name")
        if self.thing is None:
            self.initial.update(is_active=True, scope=RuleScope.GOODS)
            return
        del self.fields["account"]
        names = ("customs_code", "merchant_customs_code", "merchant_customs_name", "scope", "is_active")
        self.initial.update({name: getattr(self.thing, name) for name in names}, skus=" ".join(self.thing.skus))

    def will_happen(self) -> list[str]:
        return [
            say("Payments by Alipay in CNY that are paid from now on are declared so, each whole."),
            say("What is declared already stays as it is."),
        ]

    def button(self) -> str:
        return say("Set the rule")


class DeclarationQuestions(Questions):
    """What one asks about declarations."""

    questions = (
        Question("refused", lazy("Refused by customs"), lambda: REFUSED),
        Question("turned_down", lazy("Not made by rule"), lambda: TURNED_DOWN),
        Question("stuck", lazy("No last word for long"), lambda: STUCK),
        Question(
            "unknown",
            lazy("Unknown"),
            lambda: Q(status__in=(DeclarationStatus.PROCESSING, DeclarationStatus.AMENDING)),
        ),
        Question("at_customs", lazy("At customs"), lambda: Q(status=DeclarationStatus.DECLARED)),
        Question("accepted", lazy("Accepted"), lambda: Q(status=DeclarationStatus.ACCEPTED)),
        Question("not_declared", lazy("Not declared"), lambda: Q(status=DeclarationStatus.FAILED)),
        Question("mismatch", lazy("Buyer is not the payer"), lambda: Q(identity_check="CHECK_NOT_PASSED")),
    )


class OfficeFilter(admin.SimpleListFilter):
    """By customs office."""

    title = "customs"
    parameter_name = "customs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, told(label)) for code, label in CustomsOffice.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(customs_code=self.value()) if self.value() else queryset


_AMEND = "act_amend_declaration"


@admin.register(Declaration)
class DeclarationAdmin(LedgerAdmin):
    """One declarationRequestId: what was declared, and what customs says."""

    section, position, icon = "Payments", 48, "globe"
    hint = lazy("newest first")
    empty_title = lazy("No declaration yet")
    empty_text = lazy("What is paid by Alipay is declared by an account’s customs rule, or on the payment’s page.")
    list_display = ("request_id", "order_number", "office", "state", "amount_shown", "next_shown", "time")
    more_columns = ("suborder_id", "customs_payment_id", "customs_result_code", "result_code", "finished_at")
    list_select_related = ("payment__order", "payment__wallet_account")
    account_path = "account"
    page_select_related = ("payment__order", "payment__wallet_account__account", "account")
    list_filter = (DeclarationQuestions, OfficeFilter, DayFilter, AmountFilter, AccountFilter)
    search_fields = (
        "declaration_request_id",
        "customs_payment_id",
        "customs_order_id",
        "suborder_id",
        "payment__payment_request_id",
        "payment__payment_id",
        "payment__order__number",
        "payment__order__reference",
    )
    hot_rows = gather.Standing(lambda: Declaration.objects.filter(REFUSED))
    acts = (
        Act(
            "ask_declaration",
            lazy("Ask now"),
            form=AskDeclarationForm,
            permission="act_ask",
            why_not=lambda it: (
                ""
                if it.status in (DeclarationStatus.PROCESSING, DeclarationStatus.DECLARED, DeclarationStatus.REFUSED)
                else say("There is nothing to ask now: it is {status}.", status=it.get_status_display().lower())
            ),
        ),
        Act(
            "amend",
            lazy("Transmit again…"),
            form=AmendForm,
            permission=_AMEND,
            tone="main",
            why_not=_why_not_amend,
        ),
        Act(
            "reveal",
            lazy("See the certificate…"),
            form=RevealForm,
            permission="act_reveal_certificate",
            why_not=lambda it: "" if it.certificate_kind else say("No certificate was given."),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Declaration]:
        rows: QuerySet[Declaration] = super().get_queryset(request)
        return rows.defer(*CERTIFICATE, *secrets_of("payment__wallet_account"))

    @display.column(lazy("Declaration"))
    def request_id(self, declaration: Declaration) -> SafeString | str:
        return display.ident(declaration.declaration_request_id)

    @display.column(lazy("Order"), is_minor=True)
    def order_number(self, declaration: Declaration) -> SafeString | str:
        order = declaration.payment.order
        return display.to(order, display.ident(order.number))

    @display.column(lazy("Customs"), is_minor=True)
    def office(self, declaration: Declaration) -> str:
        return declaration.customs_code

    @display.column(lazy("State"))
    def state(self, declaration: Declaration) -> Chip:
        return chip(declaration)

    @display.column(lazy("Amount"), numeric=True, is_money=True)
    def amount_shown(self, declaration: Declaration) -> SafeString | str:
        return display.money(declaration.amount)

    @display.column(lazy("Asked next"), numeric=True, is_minor=True)
    def next_shown(self, declaration: Declaration) -> SafeString | str:
        return display.when(declaration.due_at)

    @display.column(lazy("Time"), numeric=True)
    def time(self, declaration: Declaration) -> SafeString | str:
        return display.when(declaration.created_at)

    def headline(self, declaration: Declaration) -> Headline:
        chips = [chip(declaration)]
        if declaration.identity_check == "CHECK_NOT_PASSED":
            chips.append(Chip(say("Buyer is not the payer"), "bad"))
        line = say(
            "Declaration of order {order_number} · {office}",
            order_number=display.brief(declaration.payment.order.number),
            office=told(declaration.get_customs_code_display()),
        )
        return Headline(display.money(declaration.amount), chips, line)

    acts_in_timeline = ("declare to customs",)

    def timeline(self, declaration: Declaration) -> list[TimelineEntry]:
        return timeline(declaration)

    def subjects(self, declaration: Declaration) -> list[str]:
        return [declaration.declaration_request_id, declaration.asked_under]

    def cards(self, request: HttpRequest, declaration: Declaration) -> list[Card]:
        return [self._declared(declaration), self._said(declaration), self._deadlines(declaration)]

    @staticmethod
    def _declared(it: Declaration) -> Card:
        kind = str(it.get_certificate_kind_display())
        return Card(
            say("What is declared"),
            facts=[
                ("declarationRequestId", display.mono(it.declaration_request_id)),
                (say("Payment"), display.to(it.payment, display.mono(it.payment.payment_request_id))),
                (say("Order"), display.to(it.payment.order, display.ident(it.payment.order.number))),
                (say("Of", sense="amount"), display.money(it.payment.amount)),
                (say("Customs office"), display.mono(it.customs_code)),  # in words it heads the page
                (say("Merchant’s code at customs"), display.mono(it.merchant_customs_code)),
                (say("Merchant’s name at customs"), it.merchant_customs_name),
                (say("Id of the part of the order"), display.mono(it.suborder_id)),
                (say("Buyer’s certificate"), say("{kind}, encrypted", kind=told(kind)) if kind else say("not given")),
            ],
        )

    @staticmethod
    def _said(it: Declaration) -> Card:
        identity = IDENTITY_WORDS.get(it.identity_check, "")
        channel = CHANNEL_WORDS.get(it.clearing_channel, "")
        ids = (
            ("customsPaymentId", display.mono(it.customs_payment_id)),
            ("customsOrderId", display.mono(it.customs_order_id)),
            (say("Clearing"), told(channel)),
            ("clearingTransactionId", display.mono(it.clearing_transaction_id)),
            (say("Registration of the acquirer"), display.mono(it.provider_registration_id)),
        )
        return Card(
            say("What was said of it"),
            facts=[
                (say("Result"), display.joined((it.result_code, it.result_message)) or display.NOTHING),
                *display.meaning_facts(it.account, it.result_code, "declare"),
                (say("Customs said"), display.joined((it.customs_result_code, it.customs_result)) or display.NOTHING),
                (say("Identity check"), display.joined((it.identity_check, told(identity))) or display.NOTHING),
                *(ids if it.customs_payment_id else ()),  # of what was not taken nobody says any
            ],
            wide=True,
        )

    @staticmethod
    def _deadlines(it: Declaration) -> Card:
        begins = operations.may_amend_from(it) if it.status in AMENDABLE else None
        again = display.NOTHING if begins is None else display.stamp(begins)
        if begins is not None and begins > clock.now():
            again = display.countdown(begins)
        return Card(
            say("When"),
            facts=[
                (say("Promised"), display.stamp(it.created_at)),
                (say("Last transmission"), display.stamp(it.sent_at)),
                (say("May be transmitted again from"), again),
                (say("Asked next"), display.when(it.due_at) if it.status in ON_ITS_WAY else display.NOTHING),
                (say("Finished"), display.stamp(it.finished_at)),
            ],
        )

    def ask_declaration(self, request: HttpRequest, declaration: Declaration, form: ActForm) -> Done:
        asked = operations.ask(Declaration.objects.get(pk=declaration.pk), by=form.actor)
        if asked.status in ON_ITS_WAY:
            return Done(say("Customs has not spoken yet. We keep asking."), "wait")
        return Done(say("The acquirer was asked. The declaration is {status}.", status=_small(asked)))

    def amend(self, request: HttpRequest, declaration: Declaration, form: AmendForm) -> Done:
        said = form.cleaned_data
        amended = operations.amend(
            Declaration.objects.get(pk=declaration.pk),
            form.contents(),
            by=form.actor,
            reason_code=said["reason_code"],
            note=said["note"],
            remember=form.remember,
        )
        return transmitted(amended)

    def reveal(self, request: HttpRequest, declaration: Declaration, form: RevealForm) -> HttpResponse:
        said = form.cleaned_data
        buyer = operations.reveal(declaration, by=form.actor, reason_code=said["reason_code"], note=said["note"])
        context = {
            **self.page_context(request, declaration),
            "kind": told(CertificateKind(buyer.kind).label),
            "buyer": buyer,
            "home": self.home_of(declaration),
        }
        return TemplateResponse(request, "payments/certificate.html", context)


def _small(declaration: Declaration) -> str:
    return str(declaration.get_status_display()).lower()


def transmitted(declaration: Declaration, url: str = "") -> Done:
    """What became of a call, in words."""
    match DeclarationStatus(declaration.status):
        case DeclarationStatus.FAILED:
            return Done(say("It was not declared: {code}.", code=declaration.result_code), "bad", url)
        case DeclarationStatus.PROCESSING | DeclarationStatus.AMENDING | DeclarationStatus.INITIATED:
            return Done(say("Nobody knows yet whether it arrived. We keep asking."), "wait", url)
        case _ if declaration.result_code not in ("", "SUCCESS"):
            return Done(say("It was not taken: {code}. What was before stands.", code=declaration.result_code), "bad")
        case _:
            return Done(say("The acquirer has passed it on to customs."), "good", url)


def declare(payment: Payment, form: DeclareForm) -> Done:
    """The act of a payment's page."""
    said = form.cleaned_data
    made = operations.declare(
        payment,
        form.amount(),
        office=said["customs_code"],
        merchant_customs_code=said["merchant_customs_code"].strip(),
        merchant_customs_name=said["merchant_customs_name"].strip(),
        suborder_id=said["suborder_id"].strip(),
        buyer=said.get("buyer"),
        by=form.actor,
        remember=form.remember,
    )
    return transmitted(made, display.page_of(made))


class RuleQuestions(Questions):
    """What one asks about rules."""

    questions = (
        Question("on", lazy("Declared by itself"), lambda: Q(is_active=True)),
        Question("off", lazy("By hand only"), lambda: Q(is_active=False)),
    )


_RULE = "act_customs_rule"


@admin.register(CustomsRule)
class CustomsRuleAdmin(LedgerAdmin):
    """What of an account is declared by itself, and as whom."""

    section, position, icon = "Payments", 49, "globe"
    empty_title = lazy("Nothing is declared by itself")
    empty_text = lazy("Set a rule for an account, and what is paid to it by Alipay is declared to customs.")
    list_display = ("account", "state", "office", "scope_shown", "merchant_customs_name", "changed")
    list_select_related = ("account",)
    list_filter = (RuleQuestions, AccountFilter)
    search_fields = ("account__slug", "merchant_customs_code")
    list_acts = (Act("set_rule", lazy("Set a rule…"), form=RuleForm, permission=_RULE, tone="main"),)
    acts = (Act("change_rule", lazy("Change…"), form=RuleForm, permission=_RULE),)

    @display.column(lazy("State"))
    def state(self, rule: CustomsRule) -> Chip:
        return Chip(say("Declared by itself"), "good") if rule.is_active else Chip(say("By hand only"))

    @display.column(lazy("Customs"))
    def office(self, rule: CustomsRule) -> str:
        return rule.customs_code

    @display.column(lazy("Which orders"), wraps=True)
    def scope_shown(self, rule: CustomsRule) -> str:
        scope = told(rule.get_scope_display())
        return f"{scope}: {', '.join(rule.skus)}" if rule.skus else scope

    @display.column(lazy("Changed"), numeric=True)
    def changed(self, rule: CustomsRule) -> SafeString | str:
        return display.when(rule.changed_at)

    def headline(self, rule: CustomsRule) -> Headline:
        line = display.joined((rule.customs_code, self.scope_shown(rule)))
        return Headline(rule.account.name, (self.state(rule),), line)

    def cards(self, request: HttpRequest, rule: CustomsRule) -> list[Card]:
        return [
            Card(
                say("Rule"),
                facts=[
                    (say("Account"), display.to(rule.account)),
                    (say("Customs office"), display.joined((rule.customs_code, told(rule.get_customs_code_display())))),
                    (say("Merchant’s code at customs"), display.mono(rule.merchant_customs_code)),
                    (say("Merchant’s name at customs"), rule.merchant_customs_name),
                    (say("Which orders"), self.scope_shown(rule)),
                    (say("Changed"), display.stamp(rule.changed_at)),
                    (say("By"), rule.changed_by or display.NOTHING),
                ],
            )
        ]

    def set_rule(self, request: HttpRequest, thing: CustomsRule | None, form: RuleForm) -> Done:
        said = form.cleaned_data
        rule = operations.set_rule(
            thing.account if thing else said["account"],
            customs_code=said["customs_code"],
            merchant_customs_code=said["merchant_customs_code"],
            merchant_customs_name=said["merchant_customs_name"],
            scope=said["scope"],
            skus=said["skus"].split(),
            is_active=said["is_active"],
            by=form.actor,
            remember=form.remember,
        )
        return self.done(say("The rule holds from now on."), rule)

    change_rule = set_rule
