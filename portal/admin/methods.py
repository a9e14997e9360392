"""The desk's pages of payment methods: what each account may offer, and what each method can and cannot do."""

from datetime import time
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from portal import approvals, catalogue, registry
from portal.acquirer import TerminalType
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done, asks_first
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, OfferedAct, Question, Questions
from portal.admin.offer import TERMINALS, offer_view, range_of
from portal.errors import InvalidInput
from portal.models import AcquirerAccount, PaymentMethod
from portal.models.methods import LAST_MINUTE, MOST_DAYS, words_of
from portal.money import EXPONENTS, MoneyError, parse_major
from portal.words import counted, lazy, say, told

_HOUR = 60
_KINDS = {"WALLET": lazy("Wallet"), "BANK_DEBIT": lazy("Bank debit")}
_AMOUNTS = ("minimum", "maximum", "refund_minimum")
_YES_NO = {"": None, "yes": True, "no": False}


class _MethodForm(ActForm):
    is_roomy = True
    is_contracted = forms.BooleanField(
        label=lazy("In the contract"), required=False, help_text=lazy("Only what is contracted is offered and debited.")
    )
    kind = forms.ChoiceField(label=lazy("Kind"), required=False, choices=[("", lazy("not known")), *_KINDS.items()])
    country = forms.CharField(
        label=lazy("Country of its buyers"),
        required=False,
        max_length=2,
        help_text=lazy("Two letters of ISO 3166, such as PH. Empty: not known."),
    )
    currency = forms.ChoiceField(
        label=lazy("Currency"),
        required=False,
        choices=[("", lazy("not known")), *((code, code) for code in sorted(EXPONENTS))],
        help_text=lazy("The one it debits. Where it is not known, no amount is held against anything."),
    )
    minimum = forms.CharField(
        label=lazy("Smallest payment"), max_length=24, required=False, help_text=lazy("Empty: not known.")
    )
    maximum = forms.CharField(
        label=lazy("Largest payment"), max_length=24, required=False, help_text=lazy("Empty: not known.")
    )
    limits = forms.CharField(
        label=lazy("Limits per period"),
        max_length=200,
        required=False,
        help_text=lazy("In words, for people: they depend on what else the buyer pays, so the acquirer decides."),
    )
    terminals = forms.MultipleChoiceField(
        label=lazy("Works from"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(kind.value, words) for kind, words in TERMINALS.items()],
        help_text=lazy("None ticked: not known, and the acquirer decides."),
    )
    refund_days = forms.IntegerField(
        label=lazy("Refund within days"),
        required=False,
        min_value=0,
        max_value=MOST_DAYS,
        help_text=lazy("Counted from the payment. Empty: not known, and taken for 365."),
    )
    refunds_in_part = forms.ChoiceField(
        label=lazy("Refund of a part"),
        required=False,
        choices=[("", lazy("not known")), ("yes", lazy("yes")), ("no", lazy("no"))],
        help_text=lazy("Where it is not known it is tried, and the acquirer decides."),
    )
    refund_minimum = forms.CharField(
        label=lazy("Smallest refund"), max_length=24, required=False, help_text=lazy("Empty: not known.")
    )
    cancellable_when_paid = forms.BooleanField(
        label=lazy("Cancel works once paid"),
        required=False,
        help_text=lazy("Where it does not, money goes back by refund alone."),
    )
    cancel_days = forms.IntegerField(
        label=lazy("Cancel within days"),
        min_value=0,
        max_value=MOST_DAYS,
        help_text=lazy("Days of the acquirer (UTC+8) after that of the payment."),
    )
    cancel_time = forms.TimeField(
        label=lazy("Until this time of that day"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=lazy("In UTC+8, the acquirer's time."),
    )
    logo_url = forms.CharField(
        label=lazy("Address of its logo"),
        max_length=500,
        required=False,
        help_text=lazy("https:// only. It is given to mini programs, not shown here."),
    )
    note = forms.CharField(
        label=lazy("Reason"), max_length=256, help_text=lazy("For whoever decides, and whoever reads the journal.")
    )

    def clean_country(self) -> str:
        """As ISO 3166 writes it."""
        return str(self.cleaned_data["country"]).upper()

    def clean(self) -> dict[str, Any]:
        """Read the amounts in the method's currency, and refuse what cannot be a method."""
        cleaned = super().clean() or self.cleaned_data
        currency = cleaned.get("currency", "")
        for name in _AMOUNTS:
            cleaned[f"{name}_value"] = None
            if not cleaned.get(name):
                continue
            if not currency:
                self.add_error(name, say("Choose the currency of the amount."))
                continue
            try:
                cleaned[f"{name}_value"] = parse_major(cleaned[name], currency).payable().value
            except MoneyError as reason:
                self.add_error(name, told(str(reason)))
        if not self.errors:
            try:
                catalogue.checked(self.facts())
            except InvalidInput as refusal:
                self._say_where(refusal)
        return cleaned

    def _say_where(self, refusal: InvalidInput) -> None:
        place = str(refusal.params["field"]).removesuffix("_value")
        problem = str(refusal.params["problem"])
        self.add_error(place if place in self.fields else None, told(f"{problem[:1].upper()}{problem[1:]}"))

    def facts(self) -> dict[str, Any]:
        """What was said, as a row has it."""
        said = self.cleaned_data
        until: time = said["cancel_time"]
        return {
            "is_contracted": said["is_contracted"],
            "kind": said["kind"],
            "country": said["country"],
            "currency": said["currency"],
            **{f"{name}_value": said[f"{name}_value"] for name in _AMOUNTS},
            "limits": said["limits"],
            "refund_days": said["refund_days"],
            "refunds_in_part": _YES_NO[said["refunds_in_part"]],
            "cancellable_when_paid": said["cancellable_when_paid"],
            "cancel_days": said["cancel_days"],
            "cancel_minutes": min(until.hour * _HOUR + until.minute, LAST_MINUTE),
            "terminals": words_of(said["terminals"]),
            "logo_url": said["logo_url"],
        }

    def will_happen(self) -> list[str]:
        return [
            say("It holds for the next attempt to bind, the next payment and the next refund."),
            say("Subscriptions keep running: a charge that the method does not take waits for a person."),
            *asks_first(self._needs()),
        ]

    def _needs(self) -> str:
        account = self._account()
        if account is None or not account.works():
            return ""
        return approvals.would_need(catalogue.METHOD_CHANGE, by=self.actor, account=account)

    def _account(self) -> AcquirerAccount | None:
        raise NotImplementedError


class EditMethodForm(_MethodForm):
    """What else a method is."""

    title = lazy("Edit the payment method")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held: PaymentMethod = self.thing
        in_part = {value: word for word, value in _YES_NO.items()}
        self.initial.update(
            is_contracted=held.is_contracted,
            kind=held.kind,
            country=held.country,
            currency=held.currency,
            limits=held.limits,
            terminals=held.terminals.split(),
            refund_days=held.refund_days,
            refunds_in_part=in_part[held.refunds_in_part],
            cancellable_when_paid=held.cancellable_when_paid,
            cancel_days=held.cancel_days,
            cancel_time=time(held.cancel_minutes // _HOUR, held.cancel_minutes % _HOUR),
            logo_url=held.logo_url,
            **{name: _major(held, name) for name in _AMOUNTS},
        )

    def _account(self) -> AcquirerAccount:
        account: AcquirerAccount = self.thing.account
        return account

    def will_happen(self) -> list[str]:
        told = ", ".join(f"{label}: {number}" for label, number in _hanging(self.thing))
        return [say("On it hang now: {told}.", told=told), *super().will_happen()]

    def button(self) -> str:
        return say("Save the method")


def _major(method: PaymentMethod, name: str) -> str:
    amount = method.money(getattr(method, f"{name}_value"))
    return amount.major if amount is not None else ""


class NewMethodForm(_MethodForm):
    """A method the acquirer has named since, or names to us alone."""

    title = lazy("Add a payment method")
    account = forms.ModelChoiceField(label=lazy("Account"), queryset=AcquirerAccount.objects.all(), empty_label=None)
    code = forms.RegexField(
        r"\A[A-Z0-9_]{1,64}\Z",
        label=lazy("Value"),
        help_text=lazy("As the acquirer spells it in paymentMethodType, such as GCASH."),
        error_messages={"invalid": lazy("A value has capital letters, digits and _ only.")},
    )
    field_order = ("account", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        began = PaymentMethod()
        self.initial.update(
            cancellable_when_paid=True,
            cancel_days=began.cancel_days,
            cancel_time=time(began.cancel_minutes // _HOUR, began.cancel_minutes % _HOUR),
        )

    def _account(self) -> AcquirerAccount | None:
        account: AcquirerAccount | None = getattr(self, "cleaned_data", {}).get("account")
        return account

    def will_happen(self) -> list[str]:
        return [
            *super().will_happen(),
            say("What the acquirer's table knows is in the catalogue already; add what it does not."),
        ]

    def button(self) -> str:
        return say("Add this method")


def _lacks() -> Q:
    return Q(is_contracted=True) & (Q(currency="") | Q(country="") | Q(kind=""))


class MethodQuestions(Questions):
    """What one asks about methods."""

    questions = (
        Question("contracted", lazy("Contracted"), lambda: Q(is_contracted=True)),
        Question("not_contracted", lazy("Not contracted"), lambda: Q(is_contracted=False)),
        Question("banks", lazy("Bank debits"), lambda: Q(kind="BANK_DEBIT")),
        Question("no_cancel", lazy("Not cancelled once paid"), lambda: Q(cancellable_when_paid=False)),
        Question("lacking", lazy("Contracted, not all known"), _lacks),
        Question("changed", lazy("Changed by somebody"), lambda: ~Q(changed_by="")),
    )


class _ValueFilter(admin.SimpleListFilter):
    """The values a column has in some catalogue."""

    column = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = PaymentMethod.objects.exclude(**{self.column: ""}).order_by(self.column)
        return [(value, value) for value in rows.values_list(self.column, flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class CountryFilter(_ValueFilter):
    """Where its buyers are."""

    title = "country"
    parameter_name = column = "country"


class CurrencyFilter(_ValueFilter):
    """What it debits."""

    title = "currency"
    parameter_name = column = "currency"


@admin.register(PaymentMethod)
class PaymentMethodAdmin(LedgerAdmin):
    """What each account may offer, and what each method can and cannot do."""

    section, position, icon = "Wallets", 40, "payment"
    menu_label = lazy("Payment methods")
    hint = lazy("what is contracted, and what each takes")
    empty_title = lazy("No payment method yet")
    empty_text = lazy("An account's methods are written down when it is connected.")
    list_display = ("what", "contract", "country_of", "takes", "cancel", "refund", "account_name")
    list_select_related = ("account",)
    list_filter = (MethodQuestions, AccountFilter, CountryFilter, CurrencyFilter)
    search_fields = ("code",)
    ordering = ("-is_contracted", "country", "code", "pk")
    order_names = {"is_contracted": (lazy("Contracted first"), lazy("Not contracted first"))}
    list_acts = (Act("add", lazy("Add a method…"), form=NewMethodForm, permission="act_payment_method"),)
    acts = (Act("edit", lazy("Edit…"), form=EditMethodForm, permission="act_payment_method", tone="main"),)

    def get_urls(self) -> list[URLPattern]:
        """The question what would be offered before the stock pages."""
        view = self.admin_site.admin_view(partial(offer_view, self))
        return [path("offer/", view, name="portal_paymentmethod_offer"), *super().get_urls()]

    def offered_list_acts(self, request: HttpRequest) -> list[OfferedAct]:
        """The way to that question, beside the acts."""
        asks = OfferedAct(say("What would be offered?"), reverse("admin:portal_paymentmethod_offer"))
        return [asks, *super().offered_list_acts(request)]

    @display.column(lazy("Method"))
    def what(self, method: PaymentMethod) -> str:
        return method.name

    @display.column(lazy("Contract"))
    def contract(self, method: PaymentMethod) -> SafeString:
        state = _state(method)
        return display.chip(state.word, state.tone)

    @display.column(lazy("Country"), is_minor=True)
    def country_of(self, method: PaymentMethod) -> str:
        return method.country or display.NOTHING

    @display.column(lazy("Takes"), numeric=True)
    def takes(self, method: PaymentMethod) -> str:
        return range_of(method)

    @display.column(lazy("Cancel"), is_minor=True)
    def cancel(self, method: PaymentMethod) -> str:
        return _cancel(method)

    @display.column(lazy("Refund"), is_minor=True)
    def refund(self, method: PaymentMethod) -> str:
        return _refund(method)

    @display.column(lazy("Account"), is_minor=True)
    def account_name(self, method: PaymentMethod) -> str:
        return method.account.name

    def headline(self, method: PaymentMethod) -> Headline:
        kind = _KINDS[method.kind] if method.kind else say("Kind not known")
        words = [str(kind), method.country, method.currency, method.account.name]
        return Headline(method.name, (_state(method),), " · ".join(word for word in words if word))

    def cards(self, request: HttpRequest, method: PaymentMethod) -> list[Card]:
        unknown = say("not known")
        can_cancel = method.cancellable_when_paid
        terminals = [str(TERMINALS[TerminalType(kind)]) for kind in method.terminals.split()]
        return [
            Card(
                say("What it takes"),
                facts=[
                    (say("Account"), display.to(method.account)),
                    (say("Value"), display.mono(method.code)),
                    (say("Kind"), str(_KINDS[method.kind]) if method.kind else unknown),
                    (say("Country of its buyers"), method.country or unknown),
                    (say("Currency"), method.currency or unknown),
                    (say("Smallest payment"), _amount(method, method.minimum_value)),
                    (say("Largest payment"), _amount(method, method.maximum_value)),
                    (say("Limits per period"), told(method.limits, is_ours=True) or unknown),
                    (say("Works from"), ", ".join(terminals) or unknown),
                    (say("Logo"), display.mono(method.logo_url) if method.logo_url else unknown),
                ],
            ),
            Card(
                say("How money goes back"),
                facts=[
                    (
                        say("Cancel once paid"),
                        say("{until}, UTC+8", until=_cancel(method)) if can_cancel else say("no"),
                    ),
                    (say("Refund"), _refund(method)),
                    (say("Refund of a part"), _in_part(method)),
                    (say("Smallest refund"), _amount(method, method.refund_minimum_value)),
                ],
            ),
            Card(say("What hangs on it"), facts=_hanging(method)),
            Card(
                say("The catalogue"),
                facts=[
                    (say("Changed"), display.stamp(method.changed_at) if method.changed_by else say("as shipped")),
                    (say("Changed by"), method.changed_by or display.NOTHING),
                ],
                text=say("What is not known stands in nobody's way: the acquirer decides."),
            ),
        ]

    # The acts.

    def add(self, request: HttpRequest, thing: None, form: NewMethodForm) -> Done:
        said = form.cleaned_data
        method = catalogue.add(
            said["account"], said["code"], form.facts(), by=form.actor, note=said["note"], remember=form.remember
        )
        return self.done(say("{method} is in the catalogue.", method=method.name), method)

    def edit(self, request: HttpRequest, method: PaymentMethod, form: EditMethodForm) -> str:
        catalogue.change(method, form.facts(), by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("The method is saved. What comes next is held against it.")


def _state(method: PaymentMethod) -> Chip:
    return Chip(say("Contracted"), "good") if method.is_contracted else Chip(say("No contract"))


def _hanging(method: PaymentMethod) -> list[tuple[str, str]]:
    counts = (count(method) for count in registry.hanging)
    most = registry.COUNTED_AT_MOST
    return [
        (label, say("more than {most}", most=f"{most:,}") if number > most else f"{number:,}")
        for label, number in counts
    ]


def _amount(method: PaymentMethod, value: int | None) -> str:
    amount = method.money(value)
    return str(amount) if amount is not None else say("not known")


def _cancel(method: PaymentMethod) -> str:
    """Until when; the time is the acquirer's."""
    if not method.cancellable_when_paid:
        return say("not once paid")
    until = catalogue.time_of(method.cancel_minutes)
    if method.cancel_days == 0:
        return say("until {time} the same day", time=until)
    return counted("until {time} the next day", "until {time}, {count} days later", method.cancel_days, time=until)


def _refund(method: PaymentMethod) -> str:
    """Within which time; where nobody has said, what we reckon with."""
    days = counted("{count} day", "{count} days", method.facts().refund_days)
    return days if method.refund_days is not None else say("{days}, our choice", days=days)


def _in_part(method: PaymentMethod) -> str:
    if method.refunds_in_part is None:
        return say("not known")
    return say("yes") if method.refunds_in_part else say("no")
