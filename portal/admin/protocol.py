"""What an account's protocol wants said of the merchant, and what its documents leave open: to be read and settled."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal import accounts, approvals
from portal.acquirer.points import Kind, Point
from portal.admin import display
from portal.admin.acts import NoteForm, asks_first
from portal.admin.ledger import Card, Table
from portal.gateways import adapter_of
from portal.models import AcquirerAccount
from portal.words import lazy, say, told

_ANSWERS = {
    "yes": lazy("Yes"),
    "no": lazy("No"),
    "always": lazy("Always allow it"),
    "unless_charged": lazy("Allow it unless something stops with it"),
    "never": lazy("Never allow it"),
}


class _ProtocolForm(NoteForm):
    is_roomy = True

    def will_happen(self) -> list[str]:
        account: AcquirerAccount = self.thing
        why = approvals.would_need(accounts.KEY_CHANGE, by=self.actor, account=account) if account.works() else ""
        return [
            say("It holds for the next call; what was sent before stays as it was sent."),
            *asks_first(why),
        ]

    def button(self) -> str:
        return say("Save")

    def named(self) -> tuple[str, ...]:
        """What is asked, beside the reason."""
        raise NotImplementedError

    def facts(self) -> dict[str, str]:
        """What was said."""
        return {name: str(self.cleaned_data[name]).strip() for name in self.named()}


class MerchantForm(_ProtocolForm):
    """Who debits, as the acquirer and the buyer's agreement name them."""

    title = lazy("Say who the merchant is")
    merchant_legal_name = forms.CharField(
        label=lazy("Legal name"), max_length=256, help_text=lazy("As registered; it stands in what buyers agree to.")
    )
    merchant_display_name = forms.CharField(
        label=lazy("Trade name"), max_length=64, required=False, help_text=lazy("Empty: the legal name.")
    )
    merchant_category_code = forms.RegexField(
        r"\d{4}", label=lazy("Category code"), required=False, help_text=lazy("Four digits of ISO 18245.")
    )
    merchant_region = forms.RegexField(
        r"[A-Z]{2}", label=lazy("Country"), required=False, help_text=lazy("Two capital letters, such as SG.")
    )
    merchant_state = forms.CharField(label=lazy("State or province"), max_length=8, required=False)
    merchant_city = forms.CharField(label=lazy("City"), max_length=32, required=False)
    merchant_address = forms.CharField(label=lazy("Street and number"), max_length=256, required=False)
    merchant_zip_code = forms.CharField(label=lazy("Postal code"), max_length=32, required=False)
    merchant_logo_url = forms.URLField(
        label=lazy("Address of the logo"), max_length=500, required=False, assume_scheme="https"
    )
    field_order = (*accounts.MERCHANT, "note")

    def named(self) -> tuple[str, ...]:
        """The columns of the account."""
        return accounts.MERCHANT

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update({name: getattr(self.thing, name) for name in accounts.MERCHANT})


class PointsForm(_ProtocolForm):
    """One field for every point that the protocol's documents leave open."""

    title = lazy("Settle what the acquirer has confirmed")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settled = accounts.settled_points(self.thing)
        for point in adapter_of(self.thing).points:
            self.fields[point.name] = _field(point)
            self.initial[point.name] = settled[point.name]
        self.order_fields([*settled, "note"])

    def named(self) -> tuple[str, ...]:
        """The points of its protocol."""
        return tuple(point.name for point in adapter_of(self.thing).points)

    def clean(self) -> dict[str, Any]:
        """Take nothing that the point does not accept."""
        cleaned = super().clean() or self.cleaned_data
        for point in adapter_of(self.thing).points:
            value = cleaned.get(point.name)
            if value is not None and not _accepts(point, str(value).strip()):
                self.add_error(point.name, say("This point cannot be settled with that."))
        return cleaned


def _accepts(point: Point, value: str) -> bool:
    if point.is_web_address and value:
        try:
            URLValidator(schemes=["https"])(value)
        except ValidationError:
            return False
    return point.accepts(value)


def _field(point: Point) -> forms.Field:
    words: dict[str, Any] = {
        "label": told(point.title, is_ours=True),
        "help_text": format_html("{}<br>{} {}", told(point.question), say("By default:"), told(point.default_means)),
        "required": False,
    }
    if point.kind in (Kind.FLAG, Kind.CHOICE):
        values = ("yes", "no") if point.kind is Kind.FLAG else point.choices
        return forms.ChoiceField(choices=[(value, _answer(value)) for value in values], **words)
    return forms.CharField(max_length=500, **words)


def _answer(value: str) -> Any:
    return _ANSWERS.get(value, value or say("Not sent"))


def _asked(point: Point) -> SafeString:
    """What to ask the acquirer: its name, and the question below it."""
    title, question = told(point.title, is_ours=True), told(point.question)
    return format_html(
        '<span class="sentence half"><b>{}</b></span><span class="sentence half dim">{}</span>', title, question
    )


def _stands(point: Point, value: str) -> SafeString:
    """What counts now, and below it what the default means."""
    answer = _answer(value)
    shown = display.chip(answer, "good") if value != point.default else answer
    words = f"{say('By default:')} {told(point.default_means)}" if point.default_means else ""
    return format_html('<span class="sentence half">{}</span><span class="sentence half dim">{}</span>', shown, words)


def cards(account: AcquirerAccount) -> list[Card]:
    """What the account's page shows of it; nothing where its protocol wants nothing and leaves nothing open."""
    adapter = adapter_of(account)
    shown = []
    if adapter.capabilities.needs_merchant_data:
        shown.append(
            Card(
                say("Merchant"),
                facts=[
                    (say("Merchant id"), display.mono(account.merchant_reference)),
                    (say("Legal name"), account.merchant_legal_name or display.chip(say("Missing"), "bad")),
                    (say("Trade name"), account.merchant_display_name),
                    (say("Category code"), display.mono(account.merchant_category_code)),
                    (say("Country"), account.merchant_region),
                    (
                        say("Address"),
                        ", ".join(filter(None, (account.merchant_address, account.merchant_city))),
                    ),
                ],
            )
        )
    if adapter.points:
        settled = accounts.settled_points(account)
        shown.append(
            Card(
                say("To settle with the acquirer"),
                note=say("what the documents leave open"),
                table=Table(
                    head=(say("Question"), say("As it is now")),
                    rows=[(_asked(point), _stands(point, settled[point.name])) for point in adapter.points],
                ),
                wide=True,
            )
        )
    return shown


def why_no_merchant(account: AcquirerAccount) -> str:
    """Why nobody need say who the merchant is."""
    if adapter_of(account).capabilities.needs_merchant_data:
        return ""
    return say("This protocol does not ask who the merchant is.")


def why_no_points(account: AcquirerAccount) -> str:
    """Why there is nothing to settle."""
    return "" if adapter_of(account).points else say("This protocol's documents leave nothing open.")
