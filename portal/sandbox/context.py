"""What every rule of the sandbox is given: the store, the clock, the settings, the keys. No globals, no sockets."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import rsa

from portal.acquirer.signing import load_private_key, new_private_key, private_pem, public_pem
from portal.clock import Clock
from portal.sandbox.faults import Faults
from portal.sandbox.moments import MINUTE, stamp
from portal.sandbox.store import Store

_SETTINGS = "settings"
_KEYS = "keys"


@dataclass(frozen=True)
class Settings:
    """How this sandbox behaves where the protocol leaves it open. Seconds, unless the name says otherwise."""

    automatic_day_close: bool = True
    ticks_by_itself: bool = True
    """False: nothing leaves and nothing ends until a control call ticks, so that a told story has one order."""
    # The life of an authorization URL and of a code is not published; we choose half an hour, because the third
    # delivery of a notification (12 minutes on) should still bring a usable code.
    authorization_url_seconds: int = 1800
    auth_code_seconds: int = 1800
    login_code_seconds: int = 300
    # Not confirmed by the pages; we choose to notify a revocation by the merchant too, because the newer text says so.
    tell_merchant_revocation: bool = True
    asynchronous_refund_seconds: int = 30
    customs_receipt_seconds: int = 60
    customs_declarable_percent: int = 100
    """Of what was paid by Alipay: ``customsDeclarationAmount``."""
    # The name of the wallet selector of Alipay+'s prepare is not confirmed; we choose Antom's word for the same thing.
    wallet_selector: str = "customerBelongsTo"
    report_lines: int = 100_000
    """Of a batch in one file of Alipay+; what is more goes into a further one."""
    calls_kept: int = 5000
    keep_calls: bool = True

    def changed(self, changes: dict[str, object]) -> "Settings":
        """These settings with some replaced. Raises ValueError naming an unknown one or a wrong type."""
        known = {entry.name: entry for entry in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"There is no setting {name!r}; there are {', '.join(known)}.")
            expected = type(getattr(self, name))
            if type(value) is not expected or (expected is int and int(str(value)) < 0):
                words = {bool: "true or false", str: "a text"}.get(expected, "a number")
                raise ValueError(f"The setting {name} must be {words}.")
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Keys:
    """The acquirers' key pairs, a stranger's (for wrong signatures) and those made for the first merchants; PEM."""

    acquirer: str
    stranger: str
    merchant: str
    alipayplus: str
    alipayplus_merchant: str

    @cached_property
    def acquirer_key(self) -> rsa.RSAPrivateKey:
        return load_private_key(self.acquirer)

    @cached_property
    def alipayplus_key(self) -> rsa.RSAPrivateKey:
        return load_private_key(self.alipayplus)

    @cached_property
    def alipayplus_merchant_key(self) -> rsa.RSAPrivateKey:
        return load_private_key(self.alipayplus_merchant)

    def speaking(self, protocol: str) -> rsa.RSAPrivateKey:
        """The key that answers in a protocol are signed with."""
        return self.alipayplus_key if protocol == "alipayplus" else self.acquirer_key

    @cached_property
    def stranger_key(self) -> rsa.RSAPrivateKey:
        return load_private_key(self.stranger)

    @cached_property
    def merchant_key(self) -> rsa.RSAPrivateKey:
        return load_private_key(self.merchant)

    @property
    def acquirer_public(self) -> str:
        return public_pem(self.acquirer_key.public_key())

    @property
    def merchant_public(self) -> str:
        return public_pem(self.merchant_key.public_key())

    @property
    def alipayplus_public(self) -> str:
        return public_pem(self.alipayplus_key.public_key())

    @property
    def alipayplus_merchant_public(self) -> str:
        return public_pem(self.alipayplus_merchant_key.public_key())


def new_keys() -> Keys:
    """Fresh key pairs."""
    return Keys(*(private_pem(new_private_key()) for _ in fields(Keys)))


class Voice(Protocol):
    """How an acquirer's protocol tells a merchant of what happened; the rules know no field of it.

    Each verb writes its notification down, if that protocol has one, and the wallet or a fault does not keep it quiet.
    """

    def code_created(self, context: "Context", authorization: sqlite3.Row, code: str, account: sqlite3.Row) -> None:
        """The wallet's user agreed."""

    def token_ended(self, context: "Context", token: sqlite3.Row, reason: str, *, by_merchant: bool) -> None:
        """An authorization was ended, by the merchant or in the wallet."""

    def payment_finished(self, context: "Context", payment: sqlite3.Row) -> None:
        """A payment succeeded or failed."""

    def payment_pending(self, context: "Context", payment: sqlite3.Row) -> None:
        """The user has finished and the result follows. Raises NotSaid in a protocol that cannot say it."""

    def refund_finished(self, context: "Context", refund: sqlite3.Row, payment: sqlite3.Row) -> None:
        """A refund succeeded or failed."""

    def unbinding_question(self, context: "Context", token: sqlite3.Row) -> tuple[str, dict[str, object]] | None:
        """What the wallet asks the merchant, and where, before a user ends an authorization; None: it does not ask."""

    def time(self, now: int) -> str:
        """A moment (milliseconds) as the headers of a notification have it."""

    def is_acknowledgement(self, merchant: Any, uri: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the merchant's answer to a notification says that it has it. Header names in lower case."""

    def return_url(self, redirect_url: str, auth_state: str, code: str | None) -> str:
        """Where the wallet's user goes back to; without a code after a refusal."""


class NotSaid(Exception):
    """The protocol has no words for that; the sentence says for what."""


@dataclass
class Context:
    """The sandbox as its rules see it."""

    store: Store
    clock: Clock
    keys: Keys
    faults: Faults
    settings: Settings = field(default_factory=Settings)
    public_url: str = "http://127.0.0.1:9000"
    voices: Mapping[str, Voice] = field(default_factory=dict)
    """By protocol."""
    portal_url: str = "http://localhost:8000"
    """The portal whose API the mini program in the phone may call."""
    portal_account: str = ""
    """The account there whose shop it is; empty where the portal has but one."""

    def now(self) -> int:
        """The time in milliseconds."""
        return stamp(self.clock.now())

    def change_settings(self, changes: dict[str, object]) -> None:
        """Change settings and remember them. Raises ValueError."""
        self.settings = self.settings.changed(changes)
        self.store.remember(_SETTINGS, json.dumps(asdict(self.settings)))


def load_settings(store: Store, given: Settings | None) -> Settings:
    """The settings in force: those given, else those remembered, else the usual ones."""
    if given is not None:
        return given
    remembered = store.fact(_SETTINGS)
    return Settings().changed(json.loads(remembered)) if remembered else Settings()


def load_keys(store: Store, given: Keys | None) -> Keys:
    """The keys of this store: remembered ones stay, whoever comes; a new store takes those given, or makes some."""
    remembered = json.loads(store.fact(_KEYS) or "{}")
    missing = [entry.name for entry in fields(Keys) if entry.name not in remembered]
    keys = Keys(**remembered, **{name: _key(given, name) for name in missing})
    if missing:
        store.remember(_KEYS, json.dumps({entry.name: getattr(keys, entry.name) for entry in fields(Keys)}))
    return keys


def _key(given: Keys | None, name: str) -> str:
    return getattr(given, name) if given is not None else private_pem(new_private_key())


PAYMENT_LIFE = 1 * MINUTE
"""An Auto Debit payment that is not finished by then is closed."""
