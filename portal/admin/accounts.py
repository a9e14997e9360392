"""The desk's pages of acquirer accounts and merchant keys."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from portal import accounts, approvals, merchant_keys
from portal.acquirer import signing
from portal.acquirer.adapters import ADAPTERS
from portal.acquirer.wallets import WALLETS
from portal.admin import display, protocol
from portal.admin.acts import Act, ActForm, NoteForm, asks_first
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.admin.places import DrainForm, OpenForm, PlacesForm, needs_approval
from portal.gateways import adapter_of, notification_url, protocols
from portal.models import AcquirerAccount, AcquirerKey, MerchantKey, PaymentMethod
from portal.money import EXPONENTS
from portal.words import counted, lazy, say, told

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,8}")
_HOST_ONLY = lazy("Give scheme and host alone; the protocol knows the paths.")
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")


def _address(text: str, *, path_allowed: bool) -> str:
    """The address without a slash at its end. Raises ValidationError for anything but https (http on this machine)."""
    cleaned = text.strip().rstrip("/")
    try:
        parts = urlsplit(cleaned)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise forms.ValidationError(say("This is no address. Write it like https://shop.example.")) from None
    # urlsplit drops line breaks and tabs and takes anything for a host; a call would fail only when money is to move.
    is_address = cleaned.isprintable() and " " not in cleaned and _HOST.fullmatch(host or "")
    if parts.scheme not in {"http", "https"} or not is_address or parts.query or parts.fragment or "@" in parts.netloc:
        raise forms.ValidationError(say("This is no address. Write it like https://shop.example."))
    if parts.scheme == "http" and host not in _LOCAL:
        raise forms.ValidationError(say("Use https://. Plain http is for this machine alone."))
    if parts.path and not path_allowed:
        raise forms.ValidationError(_HOST_ONLY)
    return cleaned


class AccountForm(NoteForm):
    """An account's facts: to connect a new one, or to edit one."""

    title = lazy("Connect an acquirer account")
    is_roomy = True
    name = forms.CharField(
        label=lazy("Name", sense="thing"),
        max_length=80,
        help_text=lazy("For people: the contract or the market, e.g. Shop Singapore."),
    )
    slug = forms.SlugField(
        label=lazy("Slug"),
        max_length=40,
        help_text=lazy("Part of the notification URLs; keep it once the acquirer has them."),
    )
    adapter = forms.ChoiceField(label=lazy("Protocol"), choices=protocols)
    gateway_url = forms.CharField(label=lazy("Gateway URL"), max_length=200, help_text=_HOST_ONLY)
    client_id = forms.CharField(
        label=lazy("Client id"),
        max_length=128,
        help_text=lazy("Sandbox client ids begin with SANDBOX_."),
    )
    key_version = forms.CharField(
        label=lazy("Key version"),
        max_length=8,
        initial="1",
        help_text=lazy("Of our key pair, as the acquirer counts it."),
    )
    wallets = forms.MultipleChoiceField(
        label=lazy("Contracted wallets"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(wallet.code, f"{wallet.name} · {wallet.currency}") for wallet in WALLETS.values()],
        help_text=lazy("Only these are offered to buyers. Later it is said under Payment methods."),
    )
    settlement_currency = forms.ChoiceField(
        label=lazy("Settlement currency"), choices=[(code, code) for code in sorted(EXPONENTS)], initial="USD"
    )
    settlement_cycle = forms.ChoiceField(
        label=lazy("Settlement cycle"),
        choices=[
            ("T", lazy("T + N: every day")),
            ("W", lazy("W + N: every week, Monday to Sunday")),
            ("M", lazy("M + N: every month")),
        ],
        initial="T",
        help_text=lazy("What your contract settles together."),
    )
    settlement_days = forms.IntegerField(
        label=lazy("N of the settlement cycle"),
        min_value=0,
        max_value=60,
        initial=1,
        help_text=lazy("In working days after the day, the week or the month has ended."),
    )
    settlement_grace_days = forms.IntegerField(
        label=lazy("Grace of a settlement: working days"),
        min_value=0,
        max_value=60,
        initial=3,
        help_text=lazy(
            "So long what is not settled on its day is only late. After that it is missing, and a discrepancy."
        ),
    )
    notify_base_url = forms.CharField(
        label=lazy("Notification address"),
        max_length=200,
        required=False,
        help_text=lazy("This portal as the acquirer reaches it. Empty: the portal's own address."),
    )
    app_id = forms.CharField(
        label=lazy("Mini program app id"),
        max_length=32,
        required=False,
        help_text=lazy("Required for payments from a mini program."),
    )
    customer_id = forms.CharField(
        label=lazy("Merchant id in reports"),
        max_length=64,
        required=False,
        help_text=lazy("As the acquirer prints it in settlement reports. A file with another one is refused."),
    )
    merchant_reference = forms.CharField(
        label=lazy("Merchant id"),
        max_length=64,
        required=False,
        help_text=lazy(
            "The merchant’s id towards the acquirer, where the contract has several merchants or asks for it."
        ),
    )
    is_enabled = forms.BooleanField(
        label=lazy("In use"),
        required=False,
        initial=True,
        help_text=lazy("Off: no buyer is offered it, no notification is taken."),
    )

    field_order = (*accounts.FIELDS[:6], "wallets", *accounts.FIELDS[6:], "note")

    def button(self) -> str:
        return say("Connect this account")

    def clean_gateway_url(self) -> str:
        """Scheme and host."""
        return _address(self.cleaned_data["gateway_url"], path_allowed=False)

    def clean_notify_base_url(self) -> str:
        """An address, or nothing."""
        given = self.cleaned_data["notify_base_url"]
        return _address(given, path_allowed=True) if given.strip() else ""

    def clean_client_id(self) -> str:
        """What a header carries."""
        given: str = self.cleaned_data["client_id"]
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", given):
            raise forms.ValidationError(
                say("A client id has letters, digits, and _ . - only: copy it from the dashboard.")
            )
        return given

    def clean_key_version(self) -> str:
        """What a header carries."""
        return _version(self.cleaned_data["key_version"])

    def clean(self) -> dict[str, Any]:
        """Hold N against what the acquirer offers for a week and a month."""
        cleaned = super().clean() or self.cleaned_data
        chosen = ADAPTERS.get(cleaned.get("adapter", ""))
        offered = chosen.connecting.days_of_cycle if chosen is not None else {}
        days, bounds = cleaned.get("settlement_days"), offered.get(cleaned.get("settlement_cycle", ""))
        if days is not None and bounds is not None and not bounds[0] <= days <= bounds[1]:
            sentence = say("Of this cycle the acquirer offers {least} to {most} days.", least=bounds[0], most=bounds[1])
            self.add_error("settlement_days", sentence)
        return cleaned

    def facts(self) -> dict[str, Any]:
        """What the account is to be; ``wallets`` begin its catalogue, where they are asked."""
        named = [*accounts.FIELDS, *(name for name in ("wallets",) if name in self.fields)]
        return {name: self.cleaned_data[name] for name in named}


class EditAccountForm(AccountForm):
    """The same, of an account that exists."""

    title = lazy("Edit the account")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account: AcquirerAccount = self.thing
        self.initial.update({name: getattr(account, name) for name in accounts.FIELDS})
        del self.fields["wallets"]

    def will_happen(self) -> list[str]:
        why = needs_approval(self)
        changes = [say("Another address, client id, version, protocol or currency: {why}.", why=why)] if why else []
        return [*changes, say("What is contracted is said under Payment methods.")]

    def button(self) -> str:
        return say("Save the account")


def _version(given: str) -> str:
    if not _VERSION.fullmatch(given):
        raise forms.ValidationError(say("A version is up to 8 letters or digits, usually 1."))
    return given


class KeyPairForm(NoteForm):
    """Our key pair: the first, or the next."""

    key_version = forms.CharField(
        label=lazy("Key version"), max_length=8, help_text=lazy("As the acquirer counts our keys. The first one is 1.")
    )
    field_order = ("key_version", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held: str = self.thing.key_version
        self.initial["key_version"] = str(int(held) + 1) if self.thing.public_key and held.isdecimal() else held

    def heading(self) -> str:
        return say("Rotate our key pair") if self.thing.public_key else say("Make our key pair")

    def will_happen(self) -> list[str]:
        sentences = [
            say("A new 2048-bit RSA key pair is made here. The private key is encrypted and never shown to anybody."),
            say("You then copy the public key from the account's page into the acquirer's dashboard."),
        ]
        if self.thing.public_key:
            sentences.append(
                say(
                    "From now on calls are signed with the new key. Until the acquirer has it, they are refused "
                    "and payments stay unknown or fail: choose a quiet moment."
                )
            )
        return [*sentences, *asks_first(needs_approval(self))]

    def is_risky(self) -> bool:
        return bool(self.thing.public_key)

    def button(self) -> str:
        return say("Rotate the key pair") if self.thing.public_key else say("Make the key pair")

    def clean_key_version(self) -> str:
        """What a header carries."""
        return _version(self.cleaned_data["key_version"])


class AcquirerKeyForm(NoteForm):
    """The acquirer's public key of one version."""

    title = lazy("Paste the acquirer's public key")
    version = forms.CharField(
        label=lazy("Key version"), max_length=8, initial="1", help_text=lazy("As their messages name it.")
    )
    public_key = forms.CharField(
        label=lazy("Public key"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text=lazy("PEM, or the bare base64 the dashboard shows."),
    )
    replaces = forms.BooleanField(
        label=lazy("Replace the key that is kept under this version"),
        required=False,
        help_text=lazy("Only when the acquirer changed its key and kept the version."),
    )
    field_order = ("version", "public_key", "replaces", "note")

    def button(self) -> str:
        return say("Keep this key")

    def clean(self) -> dict[str, Any]:
        """Replace no key by mistake: with a wrong one nothing the acquirer says is believed any more."""
        cleaned = super().clean() or self.cleaned_data
        held = next((key for key in _keys_in_use(self.thing) if key.version == cleaned.get("version")), None)
        pasted = cleaned.get("public_key")
        if held is None or not pasted or cleaned.get("replaces"):
            return cleaned
        kept = accounts.fingerprint(held.public_key)
        if accounts.fingerprint(signing.public_pem(signing.load_public_key(pasted))) != kept:
            self.add_error(
                "replaces",
                say(
                    "Version {version} is kept already, with the fingerprint {kept}. Look at the version again, "
                    "or tick this to replace it.",
                    version=held.version,
                    kept=kept,
                ),
            )
        return cleaned

    def clean_version(self) -> str:
        """What a header carries."""
        return _version(self.cleaned_data["version"])

    def full_clean(self) -> None:
        """Validate; what is refused is not shown again: it may be a private key pasted by mistake."""
        super().full_clean()
        if self.is_bound and "public_key" in self.errors:
            data: Any = self.data
            self.data = data.copy()
            self.data["public_key"] = ""  # type: ignore[index]

    def clean_public_key(self) -> str:
        """A public RSA key, and not our own."""
        text: str = self.cleaned_data["public_key"]
        try:
            pem = signing.public_pem(signing.load_public_key(text))
        except signing.KeyUnreadable as reason:
            raise forms.ValidationError(str(reason)) from None
        if pem == self.thing.public_key:
            raise forms.ValidationError(
                say("This is our own public key. Paste the key the acquirer’s dashboard shows after ours was uploaded.")
            )
        return text

    def will_happen(self) -> list[str]:
        held = [
            say(
                "version {version} ({fingerprint})",
                version=key.version,
                fingerprint=accounts.fingerprint(key.public_key),
            )
            for key in _keys_in_use(self.thing)
        ]
        return [
            say("Messages that name this version are verified with this key."),
            *([say("Kept now: {held}.", held=", ".join(held))] if held else []),
            *asks_first(needs_approval(self)),
        ]


class RetireKeyForm(NoteForm):
    """Believe a key of the acquirer no longer."""

    title = lazy("Retire a key of the acquirer")
    version = forms.ChoiceField(label=lazy("Key version"))
    field_order = ("version", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["version"]
        chooser.choices = [
            (
                key.version,
                say(
                    "Version {version} · {fingerprint}",
                    version=key.version,
                    fingerprint=accounts.fingerprint(key.public_key),
                ),
            )
            for key in self.thing.acquirer_keys.all()
            if key.retired_at is None
        ]

    def button(self) -> str:
        return say("Retire this key")

    def is_risky(self) -> bool:
        return True

    def will_happen(self) -> list[str]:
        return [
            say("Messages signed with this key are refused from now on. Answers to our own calls count as unknown.")
        ]


class TestCallForm(ActForm):
    """A signed call that changes nothing."""

    title = lazy("Make a signed test call")

    def will_happen(self) -> list[str]:
        return [
            say("We ask the acquirer about a payment that cannot exist, signed with our key."),
            say("Nothing changes there. The answer is verified and explained: signature, clock, environment."),
        ]

    def button(self) -> str:
        return say("Make the test call")


def _not_ready(account: AcquirerAccount) -> str:
    if _misses_merchant(account):
        return say("Say first who the merchant is; this acquirer wants it with every call.")
    if not account.private_key:
        return say("Make our key pair first; there is nothing to sign with yet.")
    if not _keys_in_use(account):
        return say("Paste the acquirer's public key first; no answer could be believed yet.")
    return ""


def _keys_in_use(account: AcquirerAccount) -> list[AcquirerKey]:
    return [key for key in account.acquirer_keys.all() if key.retired_at is None]


def _misses_merchant(account: AcquirerAccount) -> bool:
    """Whether its acquirer wants the merchant said with every call, and it is not said yet."""
    needs = adapter_of(account).capabilities.needs_merchant_data
    return needs and not (account.merchant_reference and account.merchant_legal_name)


def _state(account: AcquirerAccount) -> Chip:
    if not account.is_enabled:
        return Chip(say("Off"))
    if _misses_merchant(account):
        return Chip(say("Needs merchant data"), "wait")
    if not account.private_key:
        return Chip(say("Needs our key pair"), "wait")
    if not _keys_in_use(account):
        return Chip(say("Needs their key"), "wait")
    return Chip(say("Drained"), "wait") if account.drained_at else Chip(say("Ready"), "good")


@admin.register(AcquirerAccount)
class AcquirerAccountAdmin(LedgerAdmin):
    """Connect a real account: facts, keys of both sides, the URLs to paste, a signed test call."""

    section, position, icon = "System", 40, "account"
    lines_at_most = 5
    menu_label = lazy("Acquirer accounts")
    empty_title = lazy("No account yet")
    empty_text = lazy(
        "Connect the account you hold at the acquirer: its gateway, your client id, and both sides' keys."
    )
    list_display = ("name", "state", "client_id", "gateway", "contracted", "settlement")
    search_fields = ("slug", "client_id", "name", "customer_id")
    list_acts = (Act("connect", lazy("Connect an account…"), form=AccountForm, permission="act_connect", tone="main"),)
    acts = (
        Act(
            "test_call",
            lazy("Test call"),
            form=TestCallForm,
            permission="act_test_call",
            tone="main",
            why_not=_not_ready,
        ),
        Act("edit", lazy("Edit…"), form=EditAccountForm, permission="act_connect"),
        Act(
            "make_key_pair",
            lazy("Make key pair…"),
            form=KeyPairForm,
            permission="act_connect",
            why_not=lambda account: say("There is a key pair; rotate it instead.") if account.public_key else "",
        ),
        Act("add_acquirer_key", lazy("Paste their key…"), form=AcquirerKeyForm, permission="act_connect"),
        Act(
            "retire_acquirer_key",
            lazy("Retire their key…"),
            form=RetireKeyForm,
            permission="act_connect",
            why_not=lambda account: "" if _keys_in_use(account) else say("There is no key in use."),
        ),
        Act(
            "describe_merchant",
            lazy("Merchant…"),
            form=protocol.MerchantForm,
            permission="act_connect",
            why_not=protocol.why_no_merchant,
        ),
        Act(
            "settle_points",
            lazy("Settle points…"),
            form=protocol.PointsForm,
            permission="act_connect",
            why_not=protocol.why_no_points,
        ),
        Act(
            "rotate_key_pair",
            lazy("Rotate key pair…"),
            form=KeyPairForm,
            permission="act_connect",
            tone="risk",
            why_not=lambda account: "" if account.public_key else say("There is no key pair yet; make one."),
        ),
        Act("order_places", lazy("Where buyers bind…"), form=PlacesForm, permission="act_connect"),
        Act(
            "drain",
            lazy("Drain…"),
            form=DrainForm,
            permission="act_connect",
            tone="risk",
            why_not=lambda account: say("It is drained already.") if account.drained_at else "",
        ),
        Act(
            "open_again",
            lazy("Take new wallets again…"),
            form=OpenForm,
            permission="act_connect",
            why_not=lambda account: "" if account.drained_at else say("It is not drained."),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AcquirerAccount]:
        contracted = PaymentMethod.objects.filter(is_contracted=True).order_by("pk")
        methods = Prefetch("methods", contracted, to_attr="contracted_methods")
        return super().get_queryset(request).prefetch_related("acquirer_keys", methods)

    @display.column(lazy("State"))
    def state(self, account: AcquirerAccount) -> SafeString:
        return display.chip(_state(account).word, _state(account).tone)

    @display.column(lazy("Gateway"), is_minor=True)
    def gateway(self, account: AcquirerAccount) -> str:
        return urlsplit(account.gateway_url).netloc or account.gateway_url

    @display.column(lazy("Wallets"), wraps=True, is_minor=True)
    def contracted(self, account: AcquirerAccount) -> str:
        names = _contracted(account)
        more = say(" and {names} more", names=len(names) - 3) if len(names) > 3 else ""
        return (", ".join(names[:3]) + more) or display.NOTHING

    @display.column(lazy("Settlement"), is_minor=True)
    def settlement(self, account: AcquirerAccount) -> str:
        return f"{account.settlement_currency}, {account.cycle}"

    def headline(self, account: AcquirerAccount) -> Headline:
        return Headline(
            account.name,
            (_state(account),),
            say(
                "{adapter} · client id {client_id}", adapter=account.get_adapter_display(), client_id=account.client_id
            ),
        )

    def cards(self, request: HttpRequest, account: AcquirerAccount) -> list[Card]:
        return [
            Card(
                say("To paste at the acquirer"),
                note=say("our key version {key_version}", key_version=account.key_version),
                text=" ".join(_hints(account)),
                texts=_to_paste(account),
                wide=True,
            ),
            Card(
                say("Account"),
                facts=[
                    (say("Gateway"), account.gateway_url),
                    (say("Environment"), say("Sandbox") if account.client_id.startswith("SANDBOX_") else say("Live")),
                    (say("Client id"), display.mono(account.client_id)),
                    (say("Slug"), display.mono(account.slug)),
                    (say("Settlement"), f"{account.settlement_currency}, {account.cycle}"),
                    (
                        say("Missing after"),
                        counted("{count} working day late", "{count} working days late", account.settlement_grace_days),
                    ),
                    (say("App id"), display.mono(account.app_id)),
                    (say("In reports"), display.mono(account.customer_id)),
                    (say("Wallets"), _offered(account)),
                ],
            ),
            Card(
                say("New wallets"),
                facts=[
                    (say("Taken"), _taken(account)),
                    (
                        say("Its buyers bind through"),
                        display.joined((display.to(one) for one in accounts.places_of(account)), " → "),
                    ),
                ],
                note=say("the first that can"),
            ),
            Card(
                say("Their keys"),
                table=Table(
                    head=(say("Version"), say("Fingerprint"), say("Since"), say("State")),
                    rows=[
                        (
                            key.version,
                            display.mono(accounts.fingerprint(key.public_key)),
                            display.when(key.added_at),
                            display.chip(say("Retired")) if key.retired_at else display.chip(say("In use"), "good"),
                        )
                        for key in account.acquirer_keys.all()
                    ],
                    empty=say("Paste the public key the acquirer's dashboard shows."),
                ),
            ),
            *protocol.cards(account),
        ]

    # The acts.

    def connect(self, request: HttpRequest, thing: None, form: AccountForm) -> Any:
        account = accounts.connect(form.facts(), by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return self.done(say("{account} is connected. Now make our key pair.", account=account), account)

    def edit(self, request: HttpRequest, account: AcquirerAccount, form: AccountForm) -> str:
        accounts.edit(account, form.facts(), by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("The account is saved.")

    def make_key_pair(self, request: HttpRequest, account: AcquirerAccount, form: KeyPairForm) -> str:
        accounts.make_key_pair(
            account,
            form.cleaned_data["key_version"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say("The key pair is made. Copy the public key below into the acquirer's dashboard.")

    rotate_key_pair = make_key_pair

    def describe_merchant(self, request: HttpRequest, account: AcquirerAccount, form: protocol.MerchantForm) -> str:
        note = form.cleaned_data["note"]
        accounts.describe_merchant(account, form.facts(), by=form.actor, note=note, remember=form.remember)
        return say("The merchant is described.")

    def settle_points(self, request: HttpRequest, account: AcquirerAccount, form: protocol.PointsForm) -> str:
        note = form.cleaned_data["note"]
        accounts.settle_points(account, form.facts(), by=form.actor, note=note, remember=form.remember)
        return say("The points are settled.")

    def add_acquirer_key(self, request: HttpRequest, account: AcquirerAccount, form: AcquirerKeyForm) -> str:
        key = accounts.add_acquirer_key(
            account,
            form.cleaned_data["version"],
            form.cleaned_data["public_key"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say(
            "The acquirer's key version {version} is kept. Make a test call to see whether it fits.",
            version=key.version,
        )

    def retire_acquirer_key(self, request: HttpRequest, account: AcquirerAccount, form: RetireKeyForm) -> str:
        key = accounts.retire_acquirer_key(
            account,
            form.cleaned_data["version"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say("The acquirer's key version {version} is believed no longer.", version=key.version)

    def drain(self, request: HttpRequest, account: AcquirerAccount, form: DrainForm) -> str:
        accounts.drain(account, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("{account} takes no new wallets. What is bound goes on.", account=account)

    def open_again(self, request: HttpRequest, account: AcquirerAccount, form: OpenForm) -> str:
        accounts.open_again(account, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("{account} takes new wallets again.", account=account)

    def order_places(self, request: HttpRequest, account: AcquirerAccount, form: PlacesForm) -> str:
        accounts.order_places(
            account, form.through(), by=form.actor, note=form.cleaned_data["note"], remember=form.remember
        )
        return say("The order is kept. It holds for the next wallet that is bound.")

    def test_call(self, request: HttpRequest, account: AcquirerAccount, form: TestCallForm) -> HttpResponse:
        diagnosis = accounts.test_call(account, by=form.actor)
        context = {
            **self.page_context(request, account),
            "title": say("Test call"),
            "diagnosis": diagnosis,
            "findings": [(code.replace("_", " "), sentence) for code, sentence in diagnosis.findings],
            "call": diagnosis.exchange,
            "home": self.home_of(account),
        }
        return TemplateResponse(request, "admin/portal/test_call.html", context)


def _contracted(account: Any) -> list[str]:
    return [method.name for method in account.contracted_methods]


def _offered(account: AcquirerAccount) -> SafeString:
    """What is contracted, and the way to where that is said."""
    url = f"{reverse('admin:portal_paymentmethod_changelist')}?account={account.slug}"
    return display.link(url, ", ".join(_contracted(account)) or say("None contracted"))


def _hints(account: AcquirerAccount) -> list[str]:
    """Where what is to be pasted goes, as this protocol's adapter says."""
    connecting = adapter_of(account).connecting
    first = [] if account.public_key else [say("Make our key pair first; its public key then stands here.")]
    hints = (connecting.keys_hint, connecting.notifications_hint)
    return [*first, *(told(sentence) for sentence in hints if sentence)]


def _taken(account: AcquirerAccount) -> SafeString | str:
    if account.drained_at is None:
        return say("Yes")
    return display.joined((say("No: drained"), display.stamp(account.drained_at)))


def _to_paste(account: AcquirerAccount) -> list[tuple[str, str]]:
    urls = [
        (say("Notification URL: {kind}", kind=called), notification_url(account, kind))
        for kind, called in adapter_of(account).connecting.notifications
    ]
    if not account.public_key:
        return urls
    bare = signing.public_bare(signing.load_public_key(account.public_key))
    return [
        (say("Our public key, as the dashboard takes it"), bare),
        (say("The same as PEM"), account.public_key.strip()),
        *urls,
    ]


# Merchant keys.


class NewKeyForm(NoteForm):
    """A key for the merchant's own server."""

    title = lazy("Make a merchant key")
    account = forms.ModelChoiceField(
        label=lazy("Account"),
        queryset=AcquirerAccount.objects.all(),
        empty_label=None,
        help_text=lazy("The key acts within this account only."),
    )
    name = forms.CharField(
        label=lazy("Name", sense="thing"), max_length=80, help_text=lazy("Which server holds it, e.g. shop backend.")
    )
    field_order = ("account", "name", "note")

    def will_happen(self) -> list[str]:
        return [
            say("Whoever holds the key can open sessions for buyers, place orders, pay, cancel, refund and revoke."),
            say("It is shown once, on the next page. Only its digest is kept."),
            *asks_first(approvals.would_need(merchant_keys.MERCHANT_KEY, by=self.actor)),
        ]

    def button(self) -> str:
        return say("Make the key")


class ShowKeyForm(ActForm):
    """Have a key shown that somebody else approved."""

    title = lazy("Show the merchant key")

    def will_happen(self) -> list[str]:
        return [
            say("Only who asked for this key has it shown: {person}.", person=self.thing.held_for),
            say("It is shown once, on the next page. Only its digest is kept."),
        ]

    def button(self) -> str:
        return say("Show “{thing_name}”", thing_name=self.thing.name)


class RevokeKeyForm(NoteForm):
    """End a key."""

    title = lazy("Revoke the merchant key")

    def will_happen(self) -> list[str]:
        used = (
            say("It was last used {relative}.", relative=display.relative(self.thing.last_used_at))
            if self.thing.last_used_at
            else ""
        )
        return [
            say("Calls with this key are refused from this moment. Buyers' sessions it opened stay open."),
            used or say("It was never used."),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Revoke “{thing_name}”", thing_name=self.thing.name)


class KeyQuestions(Questions):
    """What one asks about keys."""

    questions = (
        Question("in_use", lazy("In use"), lambda: Q(revoked_at__isnull=True)),
        Question("revoked", lazy("Revoked"), lambda: Q(revoked_at__isnull=False)),
    )


def _state_of(key: MerchantKey) -> Chip:
    if key.revoked_at:
        return Chip(say("Revoked"), "bad")
    return Chip(say("Not shown yet"), "wait") if key.held_for_id else Chip(say("In use"), "good")


@admin.register(MerchantKey)
class MerchantKeyAdmin(LedgerAdmin):
    """Keys of the merchant's own servers."""

    section, position, icon = "System", 60, "key"
    menu_label = lazy("Merchant keys")
    empty_title = lazy("No key yet")
    empty_text = lazy(
        "Your own server needs one to open sessions for its customers and to order, pay and refund for them."
    )
    list_display = ("name", "state", "shown", "account", "used", "made")
    list_select_related = ("account", "held_for")
    list_filter = (KeyQuestions, AccountFilter)
    search_fields = ("prefix", "name")
    list_acts = (Act("create", lazy("Make a key…"), form=NewKeyForm, permission="act_merchant_keys", tone="main"),)
    acts = (
        Act(
            "show",
            lazy("Show the key once…"),
            form=ShowKeyForm,
            permission="act_merchant_keys",
            tone="main",
            why_not=lambda key: "" if key.held_for_id and not key.revoked_at else say("It was shown already."),
        ),
        Act(
            "revoke",
            lazy("Revoke…"),
            form=RevokeKeyForm,
            permission="act_merchant_keys",
            tone="risk",
            why_not=lambda key: say("It is revoked already.") if key.revoked_at else "",
        ),
    )

    @display.column(lazy("State"))
    def state(self, key: MerchantKey) -> SafeString:
        state = _state_of(key)
        return display.chip(state.word, state.tone)

    @display.column(lazy("Begins with"), is_minor=True)
    def shown(self, key: MerchantKey) -> SafeString | str:
        return display.mono(f"{key.prefix}…")

    @display.column(lazy("Last used"))
    def used(self, key: MerchantKey) -> SafeString | str:
        return display.when(key.last_used_at)

    @display.column(lazy("Made"), is_minor=True)
    def made(self, key: MerchantKey) -> SafeString | str:
        return display.when(key.created_at)

    def headline(self, key: MerchantKey) -> Headline:
        return Headline(key.name, (_state_of(key),), f"{key.prefix}… · {key.account}")

    def cards(self, request: HttpRequest, key: MerchantKey) -> list[Card]:
        return [
            Card(
                say("Key"),
                facts=[
                    (say("Account"), display.to(key.account)),
                    (say("Begins with"), display.mono(f"{key.prefix}…")),
                    (say("Made"), display.stamp(key.created_at)),
                    (say("Last used"), display.when(key.last_used_at) if key.last_used_at else say("never")),
                    (say("Revoked"), display.stamp(key.revoked_at)),
                ],
            )
        ]

    def create(self, request: HttpRequest, thing: None, form: NewKeyForm) -> HttpResponse:
        key, text = merchant_keys.create(
            form.cleaned_data["account"],
            form.cleaned_data["name"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return self._shown_once(request, key, text)

    def show(self, request: HttpRequest, key: MerchantKey, form: ShowKeyForm) -> HttpResponse:
        return self._shown_once(request, key, merchant_keys.show(key, by=form.actor, remember=form.remember))

    def _shown_once(self, request: HttpRequest, key: MerchantKey, text: str) -> HttpResponse:
        context = {
            **self.page_context(request, key),
            "title": say("The new key"),
            "key": key,
            "text": text,
            "home": self.home_of(key),
        }
        return TemplateResponse(request, "admin/portal/new_key.html", context)

    def revoke(self, request: HttpRequest, key: MerchantKey, form: RevokeKeyForm) -> str:
        merchant_keys.revoke(key, by=form.actor, note=form.cleaned_data["note"])
        return say("“{name}” is revoked: calls with it are refused from now on.", name=key.name)
