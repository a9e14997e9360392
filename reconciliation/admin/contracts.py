"""The desk's pages of fee contracts: what a wallet's payments cost, from which day on."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal import catalogue
from portal.acquirer.wallets import name_of
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, WalletFilter
from portal.models import AcquirerAccount
from portal.money import EXPONENTS, Money, MoneyError, parse_major
from portal.words import lazy, say
from reconciliation import operations
from reconciliation.contracts import ROWS_AT_LEAST
from reconciliation.models import FeeContract


class _TermsForm(ActForm):
    rate = forms.DecimalField(
        label=lazy("Rate in percent"),
        min_value=Decimal(0),
        max_value=Decimal(100),
        decimal_places=2,
        max_digits=5,
        help_text=lazy("Of the gross in the settlement currency, all fees and their tax together."),
    )
    fixed = forms.CharField(
        label=lazy("Fixed part"),
        max_length=24,
        required=False,
        help_text=lazy("On top, for each payment, in the settlement currency. Empty: none."),
    )
    valid_from = forms.DateField(
        label=lazy("Valid from"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=lazy("The acquirer's day (UTC+8) on which a payment is made."),
    )
    drift_percent = forms.IntegerField(
        label=lazy("One incident above: percent of the rows"),
        min_value=1,
        max_value=100,
        initial=50,
        help_text=lazy(
            "Where more of the wallet's rows in one report differ the same way, they are not opened one by one."
        ),
    )
    note = forms.CharField(label=lazy("Reason"), max_length=256, help_text=lazy("For whoever reads the journal."))

    def currency(self) -> str:
        """In which it is settled."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Read the fixed part in the settlement currency."""
        cleaned = super().clean() or self.cleaned_data
        currency = self.currency()
        if not currency or "fixed" not in cleaned:
            return cleaned
        try:
            amount = parse_major(cleaned["fixed"] or "0", currency)
        except MoneyError as reason:
            self.add_error("fixed", str(reason))
            return cleaned
        if amount.value < 0:
            self.add_error("fixed", say("A fee is written without a sign."))
        cleaned["amount"] = amount
        return cleaned

    def terms(self) -> dict[str, Any]:
        """What was agreed on."""
        said = self.cleaned_data
        return {
            "fixed": said["amount"],
            "rate": int(said["rate"] * 100),
            "valid_from": said["valid_from"],
            "drift_percent": said["drift_percent"],
            "note": said["note"],
        }

    def will_happen(self) -> list[str]:
        return [
            say("Payments of settlements that are imported from now on are held against it, and rows checked again."),
            say(
                "A fee that differs by more than rounding opens its row. From {rows} rows on, what most of a wallet's "
                "rows in one report have in common is one incident instead.",
                rows=ROWS_AT_LEAST,
            ),
        ]


class NewContractForm(_TermsForm):
    """Terms from a day on."""

    title = lazy("Add a fee contract")
    account = forms.ModelChoiceField(label=lazy("Account"), queryset=AcquirerAccount.objects.all(), empty_label=None)
    wallet = forms.ChoiceField(label=lazy("Wallet"))
    settled_in = forms.ChoiceField(
        label=lazy("Settlement currency"), choices=[(code, code) for code in sorted(EXPONENTS)], initial="USD"
    )
    field_order = ("account", "wallet", "settled_in", "rate", "fixed", "valid_from", "drift_percent", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wallet: Any = self.fields["wallet"]
        wallet.choices = catalogue.known()

    def currency(self) -> str:
        """In which it is settled."""
        return str(self.cleaned_data.get("settled_in", ""))

    def button(self) -> str:
        return say("Add this contract")


class EditContractForm(_TermsForm):
    """A correction of terms."""

    title = lazy("Correct the fee contract")
    field_order = ("rate", "fixed", "valid_from", "drift_percent", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held: FeeContract = self.thing
        self.initial.update(
            rate=Decimal(held.rate) / 100,
            fixed=Money(held.fixed_value, held.currency).major,
            valid_from=held.valid_from.isoformat(),
            drift_percent=held.drift_percent,
        )

    def currency(self) -> str:
        """In which it is settled."""
        return str(self.thing.currency)

    def button(self) -> str:
        return say("Save the contract")


@admin.register(FeeContract)
class FeeContractAdmin(LedgerAdmin):
    """What payments cost by contract; reports are held against it."""

    section, position, icon = "Finance", 60, "balance"
    empty_title = lazy("No fee contract yet")
    empty_text = lazy("Say what each wallet costs by your contract, and every settlement is held against it.")
    list_display = ("wallet_name", "settled_in", "price", "since", "account")
    list_select_related = ("account",)
    list_filter = (WalletFilter, AccountFilter)
    search_fields = ("wallet",)
    ordering = ("wallet", "currency", "-valid_from", "pk")
    list_acts = (Act("add", lazy("Add a contract…"), form=NewContractForm, permission="act_fee_contract", tone="main"),)
    acts = (Act("edit", lazy("Correct…"), form=EditContractForm, permission="act_fee_contract"),)

    @display.column(lazy("Wallet"))
    def wallet_name(self, contract: FeeContract) -> str:
        return name_of(contract.wallet)

    @display.column(lazy("Settled in"))
    def settled_in(self, contract: FeeContract) -> str:
        return contract.currency

    @display.column(lazy("Price"), numeric=True)
    def price(self, contract: FeeContract) -> str:
        return contract.terms().words()

    @display.column(lazy("Valid from"), numeric=True)
    def since(self, contract: FeeContract) -> str:
        return display.day_name(contract.valid_from, with_year=True)

    def headline(self, contract: FeeContract) -> Headline:
        since = display.day_name(contract.valid_from, with_year=True)
        return Headline(
            contract.terms().words(), (), say("{wallet} since {since}", wallet=name_of(contract.wallet), since=since)
        )

    def cards(self, request: HttpRequest, contract: FeeContract) -> list[Card]:
        facts: list[tuple[str, str | SafeString]] = [
            (say("Account"), display.to(contract.account)),
            (say("Wallet"), name_of(contract.wallet)),
            (say("Settled in"), contract.currency),
            (say("Price"), contract.terms().words()),
            (say("Valid from"), display.day_name(contract.valid_from, with_year=True)),
            (say("One incident above"), f"{contract.drift_percent} %"),
        ]
        return [Card(say("Fee contract"), facts=facts)]

    # The acts.

    def add(self, request: HttpRequest, thing: None, form: NewContractForm) -> Done:
        said = form.cleaned_data
        contract = operations.add_contract(
            said["account"], said["wallet"], by=form.actor, remember=form.remember, **form.terms()
        )
        return self.done(say("The contract is kept. What is imported from now on is held against it."), contract)

    def edit(self, request: HttpRequest, contract: FeeContract, form: EditContractForm) -> str:
        operations.edit_contract(contract, by=form.actor, remember=form.remember, **form.terms())
        return say("The contract is corrected.")
