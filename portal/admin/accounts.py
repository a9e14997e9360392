"""The desk's pages of acquirer accounts and merchant keys."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from portal import accounts, merchant_keys
from portal.acquirer import signing
from portal.acquirer.wallets import WALLETS, name_of
from portal.admin import display
from portal.admin.acts import Act, ActForm
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.gateways import notification_url
from portal.models import AcquirerAccount, AcquirerKey, MerchantKey
from portal.money import EXPONENTS

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,8}")
_HOST_ONLY = (
    "Give scheme and host alone, such as https://open-sea-global.alipay.com; the path follows from the client id."
)
_LOCAL = {"localhost", "127.0.0.1", "::1"}


def _address(text: str, *, path_allowed: bool) -> str:
    """The address without a slash at its end. Raises ValidationError for anything but https (http on this machine)."""
    cleaned = text.strip().rstrip("/")
    try:
        parts = urlsplit(cleaned)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise forms.ValidationError("This is no address. Write it like https://shop.example.") from None
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise forms.ValidationError("This is no address. Write it like https://shop.example.")
    if parts.scheme == "http" and host not in _LOCAL:
        raise forms.ValidationError("Use https://. Plain http is for this machine alone.")
    if parts.path and not path_allowed:
        raise forms.ValidationError(_HOST_ONLY)
    return cleaned


class NoteForm(ActForm):
    """An act with a note for the journal."""

    note = forms.CharField(
        label="Note", max_length=256, required=False, help_text="Why, for whoever reads the journal."
    )


class AccountForm(NoteForm):
    """An account's facts: to connect a new one, or to edit one."""

    title = "Connect an acquirer account"
    is_roomy = True
    name = forms.CharField(max_length=80, help_text="For people: the contract or the market, e.g. Antom Singapore.")
    slug = forms.SlugField(
        max_length=40, help_text="Part of the notification URLs; keep it once the acquirer has them."
    )
    adapter = forms.ChoiceField(label="Protocol", choices=AcquirerAccount.Adapter.choices)
    gateway_url = forms.CharField(label="Gateway URL", max_length=200, help_text=_HOST_ONLY)
    client_id = forms.CharField(
        label="Client id", max_length=128, help_text="Sandbox client ids begin with SANDBOX_; the path follows from it."
    )
    key_version = forms.CharField(
        label="Key version", max_length=8, initial="1", help_text="Of our key pair, as the acquirer counts it."
    )
    wallets = forms.MultipleChoiceField(
        label="Contracted wallets",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(wallet.code, f"{wallet.name} · {wallet.currency}") for wallet in WALLETS.values()],
        help_text="Only these are offered to buyers.",
    )
    settlement_currency = forms.ChoiceField(
        label="Settlement currency", choices=[(code, code) for code in sorted(EXPONENTS)], initial="USD"
    )
    settlement_days = forms.IntegerField(
        label="Settlement cycle: T + N days", min_value=0, max_value=60, initial=1, help_text="N of your contract."
    )
    notify_base_url = forms.CharField(
        label="Notification address",
        max_length=200,
        required=False,
        help_text="This portal as the acquirer reaches it. Empty: the portal's own address.",
    )
    app_id = forms.CharField(
        label="Mini program app id",
        max_length=32,
        required=False,
        help_text="Required for payments from a mini program.",
    )
    customer_id = forms.CharField(
        label="Merchant id in reports",
        max_length=64,
        required=False,
        help_text="customerId, as the acquirer prints it in settlement reports. A file with another one is refused.",
    )
    merchant_reference = forms.CharField(
        label="Secondary merchant",
        max_length=64,
        required=False,
        help_text="Only if your contract has secondary merchants.",
    )
    is_enabled = forms.BooleanField(
        label="In use", required=False, initial=True, help_text="Off: no buyer is offered it, no notification is taken."
    )

    field_order = (*accounts.FIELDS, "note")

    def button(self) -> str:
        return "Connect this account"

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
            raise forms.ValidationError("A client id has letters, digits, and _ . - only: copy it from the dashboard.")
        return given

    def clean_key_version(self) -> str:
        """What a header carries."""
        return _version(self.cleaned_data["key_version"])

    def facts(self) -> dict[str, Any]:
        """What the account is to be."""
        return {name: self.cleaned_data[name] for name in accounts.FIELDS}


class EditAccountForm(AccountForm):
    """The same, of an account that exists."""

    title = "Edit the account"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account: AcquirerAccount = self.thing
        self.initial.update({name: getattr(account, name) for name in accounts.FIELDS})
        unknown = [(code, code) for code in account.wallets if code not in WALLETS]
        chooser: Any = self.fields["wallets"]
        chooser.choices = [*chooser.choices, *unknown]

    def button(self) -> str:
        return "Save the account"


def _version(given: str) -> str:
    if not _VERSION.fullmatch(given):
        raise forms.ValidationError("A version is up to 8 letters or digits, usually 1.")
    return given


class KeyPairForm(NoteForm):
    """Our key pair: the first, or the next."""

    key_version = forms.CharField(
        label="Key version", max_length=8, help_text="As the acquirer counts our keys. The first one is 1."
    )
    field_order = ("key_version", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held: str = self.thing.key_version
        self.initial["key_version"] = str(int(held) + 1) if self.thing.public_key and held.isdecimal() else held

    def heading(self) -> str:
        return "Rotate our key pair" if self.thing.public_key else "Make our key pair"

    def will_happen(self) -> list[str]:
        sentences = [
            "A new 2048-bit RSA key pair is made here. The private key is encrypted and never shown to anybody.",
            "You then copy the public key from the account's page into the acquirer's dashboard.",
        ]
        if self.thing.public_key:
            sentences.append(
                "From now on calls are signed with the new key. Until the acquirer has it, they are refused and "
                "payments stay unknown or fail: choose a quiet moment."
            )
        return sentences

    def is_risky(self) -> bool:
        return bool(self.thing.public_key)

    def button(self) -> str:
        return "Rotate the key pair" if self.thing.public_key else "Make the key pair"

    def clean_key_version(self) -> str:
        """What a header carries."""
        return _version(self.cleaned_data["key_version"])


class AcquirerKeyForm(NoteForm):
    """The acquirer's public key of one version."""

    title = "Paste the acquirer's public key"
    version = forms.CharField(label="Key version", max_length=8, initial="1", help_text="As their messages name it.")
    public_key = forms.CharField(
        label="Public key",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text="PEM, or the bare base64 the dashboard shows.",
    )
    field_order = ("version", "public_key", "note")

    def button(self) -> str:
        return "Keep this key"

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
                "This is our own public key. Paste the key the acquirer’s dashboard shows after ours was uploaded."
            )
        return text

    def will_happen(self) -> list[str]:
        return ["Messages that name this version are verified with this key. A key kept under the same version goes."]


class RetireKeyForm(NoteForm):
    """Believe a key of the acquirer no longer."""

    title = "Retire a key of the acquirer"
    version = forms.ChoiceField(label="Key version")
    field_order = ("version", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["version"]
        chooser.choices = [
            (key.version, f"Version {key.version} · {accounts.fingerprint(key.public_key)}")
            for key in self.thing.acquirer_keys.all()
            if key.retired_at is None
        ]

    def button(self) -> str:
        return "Retire this key"

    def is_risky(self) -> bool:
        return True

    def will_happen(self) -> list[str]:
        return ["Messages signed with this key are refused from now on. Answers to our own calls count as unknown."]


class TestCallForm(ActForm):
    """A signed call that changes nothing."""

    title = "Make a signed test call"

    def will_happen(self) -> list[str]:
        return [
            "We ask the acquirer about a payment that cannot exist, signed with our key.",
            "Nothing changes there. The answer is verified and explained: signature, clock, environment.",
        ]

    def button(self) -> str:
        return "Make the test call"


def _not_ready(account: AcquirerAccount) -> str:
    if not account.private_key:
        return "Make our key pair first; there is nothing to sign with yet."
    if not _keys_in_use(account):
        return "Paste the acquirer's public key first; no answer could be believed yet."
    return ""


def _keys_in_use(account: AcquirerAccount) -> list[AcquirerKey]:
    return [key for key in account.acquirer_keys.all() if key.retired_at is None]


def _state(account: AcquirerAccount) -> Chip:
    if not account.is_enabled:
        return Chip("Off")
    if not account.private_key:
        return Chip("Needs our key pair", "wait")
    if not _keys_in_use(account):
        return Chip("Needs their key", "wait")
    return Chip("Ready", "good")


@admin.register(AcquirerAccount)
class AcquirerAccountAdmin(LedgerAdmin):
    """Connect a real account: facts, keys of both sides, the URLs to paste, a signed test call."""

    section, position, icon = "System", 40, "account"
    menu_label = "Acquirer accounts"
    empty_title = "No account yet"
    empty_text = "Connect the account you hold at the acquirer: its gateway, your client id, and both sides' keys."
    list_display = ("name", "state", "client_id", "gateway", "contracted", "settlement")
    search_fields = ("slug", "client_id", "name", "customer_id")
    list_acts = (Act("connect", "Connect an account…", form=AccountForm, permission="act_connect", tone="main"),)
    acts = (
        Act("test_call", "Test call", form=TestCallForm, permission="act_test_call", tone="main", why_not=_not_ready),
        Act("edit", "Edit…", form=EditAccountForm, permission="act_connect"),
        Act(
            "make_key_pair",
            "Make key pair…",
            form=KeyPairForm,
            permission="act_connect",
            why_not=lambda account: "There is a key pair; rotate it instead." if account.public_key else "",
        ),
        Act("add_acquirer_key", "Paste their key…", form=AcquirerKeyForm, permission="act_connect"),
        Act(
            "retire_acquirer_key",
            "Retire their key…",
            form=RetireKeyForm,
            permission="act_connect",
            why_not=lambda account: "" if _keys_in_use(account) else "There is no key in use.",
        ),
        Act(
            "rotate_key_pair",
            "Rotate key pair…",
            form=KeyPairForm,
            permission="act_connect",
            tone="risk",
            why_not=lambda account: "" if account.public_key else "There is no key pair yet; make one.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AcquirerAccount]:
        return super().get_queryset(request).prefetch_related("acquirer_keys")

    @display.column("State")
    def state(self, account: AcquirerAccount) -> SafeString:
        return display.chip(_state(account).word, _state(account).tone)

    @display.column("Gateway", is_minor=True)
    def gateway(self, account: AcquirerAccount) -> str:
        return urlsplit(account.gateway_url).netloc or account.gateway_url

    @display.column("Wallets", wraps=True, is_minor=True)
    def contracted(self, account: AcquirerAccount) -> str:
        names = [name_of(code) for code in account.wallets]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return (", ".join(names[:3]) + more) or display.NOTHING

    @display.column("Settlement", is_minor=True)
    def settlement(self, account: AcquirerAccount) -> str:
        return f"{account.settlement_currency}, T+{account.settlement_days}"

    def headline(self, account: AcquirerAccount) -> Headline:
        return Headline(
            account.name, (_state(account),), f"{account.get_adapter_display()} · client id {account.client_id}"
        )

    def cards(self, request: HttpRequest, account: AcquirerAccount) -> list[Card]:
        return [
            Card(
                "To paste at the acquirer",
                note=f"our key version {account.key_version}",
                text="" if account.public_key else "Make our key pair first; its public key then stands here.",
                texts=_to_paste(account),
                wide=True,
            ),
            Card(
                "Account",
                facts=[
                    ("Gateway", account.gateway_url),
                    ("Environment", "Sandbox" if account.client_id.startswith("SANDBOX_") else "Live"),
                    ("Client id", display.mono(account.client_id)),
                    ("Slug", display.mono(account.slug)),
                    ("Settlement", f"{account.settlement_currency}, T+{account.settlement_days}"),
                    ("App id", display.mono(account.app_id)),
                    ("In reports", display.mono(account.customer_id)),
                    ("Wallets", ", ".join(name_of(code) for code in account.wallets) or display.NOTHING),
                ],
            ),
            Card(
                "Their keys",
                table=Table(
                    head=("Version", "Fingerprint", "Since", "State"),
                    rows=[
                        (
                            key.version,
                            display.mono(accounts.fingerprint(key.public_key)),
                            display.when(key.added_at),
                            display.chip("Retired") if key.retired_at else display.chip("In use", "good"),
                        )
                        for key in account.acquirer_keys.all()
                    ],
                    empty="Paste the public key the acquirer's dashboard shows.",
                ),
            ),
        ]

    # The acts.

    def connect(self, request: HttpRequest, thing: None, form: AccountForm) -> Any:
        account = accounts.connect(form.facts(), by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return self.done(f"{account} is connected. Now make our key pair.", account)

    def edit(self, request: HttpRequest, account: AcquirerAccount, form: AccountForm) -> str:
        accounts.edit(account, form.facts(), by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return "The account is saved."

    def make_key_pair(self, request: HttpRequest, account: AcquirerAccount, form: KeyPairForm) -> str:
        accounts.make_key_pair(
            account,
            form.cleaned_data["key_version"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return "The key pair is made. Copy the public key below into the acquirer's dashboard."

    rotate_key_pair = make_key_pair

    def add_acquirer_key(self, request: HttpRequest, account: AcquirerAccount, form: AcquirerKeyForm) -> str:
        key = accounts.add_acquirer_key(
            account,
            form.cleaned_data["version"],
            form.cleaned_data["public_key"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return f"The acquirer's key version {key.version} is kept. Make a test call to see whether it fits."

    def retire_acquirer_key(self, request: HttpRequest, account: AcquirerAccount, form: RetireKeyForm) -> str:
        key = accounts.retire_acquirer_key(
            account,
            form.cleaned_data["version"],
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return f"The acquirer's key version {key.version} is believed no longer."

    def test_call(self, request: HttpRequest, account: AcquirerAccount, form: TestCallForm) -> HttpResponse:
        diagnosis = accounts.test_call(account, by=form.actor)
        context = {
            **self.page_context(request, account),
            "title": "Test call",
            "diagnosis": diagnosis,
            "findings": [(code.replace("_", " "), sentence) for code, sentence in diagnosis.findings],
            "call": diagnosis.exchange,
            "home": self.home_of(account),
        }
        return TemplateResponse(request, "admin/portal/test_call.html", context)


def _to_paste(account: AcquirerAccount) -> list[tuple[str, str]]:
    urls = [
        (f"Notification URL: {kind}", notification_url(account, kind))
        for kind in ("authorization", "payment", "refund")
    ]
    if not account.public_key:
        return urls
    bare = signing.public_bare(signing.load_public_key(account.public_key))
    return [("Our public key, as the dashboard takes it", bare), ("The same as PEM", account.public_key.strip()), *urls]


# Merchant keys.


class NewKeyForm(NoteForm):
    """A key for the merchant's own server."""

    title = "Make a merchant key"
    account = forms.ModelChoiceField(
        queryset=AcquirerAccount.objects.all(), empty_label=None, help_text="The key acts within this account only."
    )
    name = forms.CharField(max_length=80, help_text="Which server holds it, e.g. shop backend.")
    field_order = ("account", "name", "note")

    def will_happen(self) -> list[str]:
        return [
            "Whoever holds the key can open sessions for buyers, place orders, pay, cancel, refund and revoke.",
            "It is shown once, on the next page. Only its digest is kept.",
        ]

    def button(self) -> str:
        return "Make the key"


class RevokeKeyForm(NoteForm):
    """End a key."""

    title = "Revoke the merchant key"

    def will_happen(self) -> list[str]:
        used = f"It was last used {display.relative(self.thing.last_used_at)}." if self.thing.last_used_at else ""
        return [
            "Calls with this key are refused from this moment. Buyers' sessions it opened stay open.",
            used or "It was never used.",
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return f"Revoke “{self.thing.name}”"


class KeyQuestions(Questions):
    """What one asks about keys."""

    questions = (
        Question("in_use", "In use", lambda: Q(revoked_at__isnull=True)),
        Question("revoked", "Revoked", lambda: Q(revoked_at__isnull=False)),
    )


@admin.register(MerchantKey)
class MerchantKeyAdmin(LedgerAdmin):
    """Keys of the merchant's own servers."""

    section, position, icon = "System", 60, "key"
    menu_label = "Merchant keys"
    empty_title = "No key yet"
    empty_text = "Your own server needs one to open sessions for its customers and to order, pay and refund for them."
    list_display = ("name", "state", "shown", "account", "used", "made")
    list_select_related = ("account",)
    list_filter = (KeyQuestions, AccountFilter)
    search_fields = ("prefix", "name")
    list_acts = (Act("create", "Make a key…", form=NewKeyForm, permission="act_merchant_keys", tone="main"),)
    acts = (
        Act(
            "revoke",
            "Revoke…",
            form=RevokeKeyForm,
            permission="act_merchant_keys",
            tone="risk",
            why_not=lambda key: "It is revoked already." if key.revoked_at else "",
        ),
    )

    @display.column("State")
    def state(self, key: MerchantKey) -> SafeString:
        return display.chip("Revoked", "bad") if key.revoked_at else display.chip("In use", "good")

    @display.column("Begins with", is_minor=True)
    def shown(self, key: MerchantKey) -> SafeString | str:
        return display.mono(f"{key.prefix}…")

    @display.column("Last used")
    def used(self, key: MerchantKey) -> SafeString | str:
        return display.when(key.last_used_at)

    @display.column("Made", is_minor=True)
    def made(self, key: MerchantKey) -> SafeString | str:
        return display.when(key.created_at)

    def headline(self, key: MerchantKey) -> Headline:
        chip = Chip("Revoked", "bad") if key.revoked_at else Chip("In use", "good")
        return Headline(key.name, (chip,), f"{key.prefix}… · {key.account}")

    def cards(self, request: HttpRequest, key: MerchantKey) -> list[Card]:
        return [
            Card(
                "Key",
                facts=[
                    ("Account", display.to(key.account)),
                    ("Begins with", display.mono(f"{key.prefix}…")),
                    ("Made", display.stamp(key.created_at)),
                    ("Last used", display.when(key.last_used_at) if key.last_used_at else "never"),
                    ("Revoked", display.stamp(key.revoked_at)),
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
        context = {
            **self.page_context(request, key),
            "title": "The new key",
            "key": key,
            "text": text,
            "home": self.home_of(key),
        }
        return TemplateResponse(request, "admin/portal/new_key.html", context)

    def revoke(self, request: HttpRequest, key: MerchantKey, form: RevokeKeyForm) -> str:
        merchant_keys.revoke(key, by=form.actor, note=form.cleaned_data["note"])
        return f"“{key.name}” is revoked: calls with it are refused from now on."
