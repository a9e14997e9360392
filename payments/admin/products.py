"""The desk's pages of products and their prices."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from payments.models import Product
from payments.operations.products import add_product, edit_product
from portal import catalogue
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.models import AcquirerAccount
from portal.money import Money, MoneyError, parse_major
from portal.words import lazy, say

_PRICE = "price_"


class PriceField(forms.CharField):
    """A price in major units of one currency, or nothing; cleans to Money or None."""

    def __init__(self, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(label=say("Price in {currency}", currency=currency), max_length=24, required=False, **kwargs)

    def clean(self, value: Any) -> Any:
        """Money of the field's currency."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_major(text, self.currency).payable()
        except MoneyError as reason:
            raise forms.ValidationError(str(reason)) from None


class _PricedForm(ActForm):
    name = forms.CharField(label=lazy("Name", sense="thing"), max_length=120)
    description = forms.CharField(label=lazy("Description"), max_length=256, required=False)
    is_digital = forms.BooleanField(label=lazy("Digital: nothing is shipped"), required=False, initial=True)

    def _add_prices(self, currencies: list[str]) -> None:
        for currency in currencies:
            self.fields[f"{_PRICE}{currency}"] = PriceField(currency)

    def prices(self) -> dict[str, Money]:
        """What it costs, by currency; a currency without a price is not sold in."""
        given = {name: value for name, value in self.cleaned_data.items() if name.startswith(_PRICE)}
        return {value.currency: value for value in given.values() if value is not None}


def _currencies(accounts: QuerySet[AcquirerAccount]) -> list[str]:
    return catalogue.currencies_of(accounts)


class NewProductForm(_PricedForm):
    """Something new to sell."""

    title = lazy("Add a product")
    account = forms.ModelChoiceField(label=lazy("Account"), queryset=AcquirerAccount.objects.all(), empty_label=None)
    sku = forms.SlugField(
        label=lazy("Number (sku)"), max_length=64, help_text=lazy("What the mini program orders it by.")
    )
    field_order = ("account", "sku", "name", "description", "is_digital")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._add_prices(_currencies(AcquirerAccount.objects.all()))

    def will_happen(self) -> list[str]:
        return [say("Buyers can order it at once, in every currency that has a price.")]

    def button(self) -> str:
        return say("Add this product")


class EditProductForm(_PricedForm):
    """What is said of a product, and its prices."""

    title = lazy("Edit the product")
    is_active = forms.BooleanField(label=lazy("On sale"), required=False)
    field_order = ("name", "description", "is_digital", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        product: Product = self.thing
        held = {price.currency: price.money for price in product.prices.all()}
        account = AcquirerAccount.objects.filter(pk=product.account_id)
        self._add_prices(sorted({*_currencies(account), *held}))
        self.initial.update(
            {
                "name": product.name,
                "description": product.description,
                "is_digital": product.is_digital,
                "is_active": product.is_active,
                **{f"{_PRICE}{currency}": price.display for currency, price in held.items()},
            }
        )

    def will_happen(self) -> list[str]:
        return [say("Orders placed from now on have the new price; those that exist keep theirs.")]

    def button(self) -> str:
        return say("Save the product")


class ProductQuestions(Questions):
    """What one asks about products."""

    questions = (
        Question("on_sale", lazy("On sale"), lambda: Q(is_active=True)),
        Question("off", lazy("Not on sale"), lambda: Q(is_active=False)),
    )


@admin.register(Product)
class ProductAdmin(LedgerAdmin):
    """What is sold, and for how much."""

    section, position, icon = "Payments", 50, "product"
    empty_title = lazy("Nothing to sell yet")
    empty_text = lazy(
        "Add a product with a price in each currency your wallets pay in. A buyer's client never names a price."
    )
    list_display = ("name", "sku_shown", "state", "account", "priced")
    list_select_related = ("account",)
    list_filter = (ProductQuestions, AccountFilter)
    search_fields = ("sku", "name")
    list_acts = (Act("add", lazy("Add a product…"), form=NewProductForm, permission="act_edit_product", tone="main"),)
    acts = (Act("edit", lazy("Edit…"), form=EditProductForm, permission="act_edit_product"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).prefetch_related("prices")

    @display.column(lazy("Number"), is_minor=True)
    def sku_shown(self, product: Product) -> SafeString | str:
        return display.mono(product.sku)

    @display.column(lazy("State"))
    def state(self, product: Product) -> Chip:
        return Chip(say("On sale"), "good") if product.is_active else Chip(say("Not on sale"))

    @display.column(lazy("Prices"), numeric=True, wraps=True)
    def priced(self, product: Product) -> SafeString | str:
        return display.joined([display.money(price.money) for price in product.prices.all()]) or display.NOTHING

    def headline(self, product: Product) -> Headline:
        return Headline(product.name, (self.state(product),), f"{product.sku} · {product.account}")

    def cards(self, request: HttpRequest, product: Product) -> list[Card]:
        return [
            Card(
                say("Prices"),
                table=Table(
                    (say("Currency"), say("Price")),
                    [(price.currency, display.money(price.money)) for price in product.prices.all()],
                    frozenset({1}),
                    empty=say("No price, so nobody can order it."),
                ),
            ),
            Card(
                say("Product"),
                facts=[
                    (say("Number"), display.mono(product.sku)),
                    (say("Description"), product.description or display.NOTHING),
                    (say("Goods"), say("digital") if product.is_digital else say("shipped")),
                    (say("Account"), display.to(product.account)),
                ],
            ),
        ]

    def add(self, request: HttpRequest, thing: None, form: NewProductForm) -> Done:
        said = form.cleaned_data
        product = add_product(
            said["account"],
            said["sku"],
            said["name"],
            description=said["description"],
            is_digital=said["is_digital"],
            prices=form.prices(),
            by=form.actor,
            remember=form.remember,
        )
        return self.done(say("{product} is on sale.", product=product), product)

    def edit(self, request: HttpRequest, product: Product, form: EditProductForm) -> str:
        said = form.cleaned_data
        edit_product(
            product,
            name=said["name"],
            description=said["description"],
            is_digital=said["is_digital"],
            is_active=said["is_active"],
            prices=form.prices(),
            by=form.actor,
            remember=form.remember,
        )
        return say("{product} is saved.", product=product)
