"""What would a buyer be offered? One question to an account's catalogue, answered method by method, with the reason."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from portal import catalogue
from portal.acquirer import TerminalType
from portal.admin import display
from portal.admin.display import Chip
from portal.admin.ledger import Card, LedgerAdmin, Table
from portal.catalogue import Offer, Wish, Withheld
from portal.models import AcquirerAccount, PaymentMethod
from portal.money import EXPONENTS, MoneyError, parse_major
from portal.words import lazy, say, told

TERMINALS = {
    TerminalType.WEB: lazy("Browser of a computer"),
    TerminalType.WAP: lazy("Browser of a phone"),
    TerminalType.APP: lazy("App"),
    TerminalType.MINI_APP: lazy("Mini program"),
}


class OfferForm(forms.Form):
    """Who pays what, and where. What is left open is held against nothing."""

    account = forms.ModelChoiceField(label=lazy("Account"), queryset=AcquirerAccount.objects.none(), empty_label=None)
    region = forms.RegexField(
        r"\A[A-Za-z]{2}\Z",
        label=lazy("Where the buyer is"),
        required=False,
        help_text=lazy("Two letters of ISO 3166, such as PH."),
        error_messages={"invalid": lazy("Give the two letters of ISO 3166, such as PH.")},
    )
    currency = forms.ChoiceField(
        label=lazy("Currency"),
        required=False,
        choices=[("", lazy("any")), *((code, code) for code in sorted(EXPONENTS))],
    )
    amount = forms.CharField(label=lazy("Amount"), max_length=24, required=False)
    terminal = forms.ChoiceField(
        label=lazy("Terminal"),
        required=False,
        choices=[("", lazy("any")), *((kind.value, words) for kind, words in TERMINALS.items())],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account: Any = self.fields["account"]
        account.queryset = AcquirerAccount.objects.order_by("name")

    def clean(self) -> dict[str, Any]:
        """Read the amount in its currency."""
        cleaned = super().clean() or self.cleaned_data
        cleaned["money"] = None
        if cleaned.get("amount") and not cleaned.get("currency"):
            self.add_error("currency", say("Choose the currency of the amount."))
        elif cleaned.get("amount"):
            try:
                cleaned["money"] = parse_major(cleaned["amount"], cleaned["currency"]).payable()
            except MoneyError as reason:
                self.add_error("amount", told(str(reason)))
        return cleaned

    @property
    def wish(self) -> Wish:
        """What is asked, once it is valid."""
        said = self.cleaned_data
        return Wish(said["region"].upper(), said["currency"], said["terminal"], said["money"])


def offer_view(desk: LedgerAdmin, request: HttpRequest) -> HttpResponse:
    """The page of the question and, once it is asked, of its answer."""
    if not desk.has_view_permission(request):
        raise PermissionDenied
    first = AcquirerAccount.objects.order_by("name").first()
    form = OfferForm(request.GET or None, initial={"account": first}, label_suffix="")
    cards = _answered(form.cleaned_data["account"], form.wish) if form.is_bound and form.is_valid() else []
    context = {
        **desk.page_context(request, None),
        "heading": say("What would be offered?"),
        "title": say("What would be offered?"),
        "form": form,
        "cards": cards,
        "home": desk.home_of(None),
    }
    return TemplateResponse(request, "admin/portal/offer.html", context)


def _answered(account: AcquirerAccount, wish: Wish) -> list[Card]:
    found = sorted(catalogue.offers(account, wish), key=_by_country)
    offered = [
        (_named(account, offer), offer.method.country or display.NOTHING, range_of(offer.method))
        for offer in found
        if offer.why is None
    ]
    withheld = [
        (_named(account, offer), Chip(_why(offer.method, offer.why)), range_of(offer.method))
        for offer in found
        if offer.why is not None
    ]
    takes = say("Takes")
    return [
        Card(
            say("Offered"),
            note=account.name,
            table=Table((say("Method"), say("Country"), takes), offered, frozenset({2}), empty=say("None.")),
            wide=True,
        ),
        Card(
            say("Not offered, and why"),
            note=say("the first reason that holds"),
            table=Table((say("Method"), say("Why"), takes), withheld, frozenset({2}), empty=say("None.")),
            wide=True,
        ),
    ]


def _by_country(offer: Offer) -> tuple[bool, str, str]:
    return not offer.method.is_contracted, offer.method.country, offer.method.code


def _named(account: AcquirerAccount, offer: Offer) -> SafeString:
    """The method, and through which account it is bound where that is another one."""
    other = offer.through.name if offer.through != account else ""
    return display.joined((display.to(offer.method, offer.method.name), other))


def range_of(method: PaymentMethod) -> str:
    """``1.00 – 30,000.00 THB``, as far as it is known."""
    least, most = method.money(method.minimum_value), method.money(method.maximum_value)
    if least and most:
        return f"{least.display} – {most}"
    if least:
        return say("from {least}", least=least)
    return say("up to {most}", most=most) if most else method.currency or display.NOTHING


def _why(method: PaymentMethod, why: Withheld) -> str:
    match why:
        case Withheld.NOT_CONTRACTED:
            return say("Not contracted")
        case Withheld.OTHER_REGION:
            return say("For buyers in {country}", country=method.country)
        case Withheld.OTHER_CURRENCY:
            return say("Debits {currency}", currency=method.currency)
        case Withheld.TERMINAL_NOT_SERVED:
            names = [str(TERMINALS[TerminalType(kind)]) for kind in method.terminals.split()]
            return say("Works from: {terminals}", terminals=", ".join(names))
        case Withheld.BELOW_MINIMUM:
            return say("Below its smallest payment")
        case Withheld.ABOVE_MAXIMUM:
            return say("Above its largest payment")
