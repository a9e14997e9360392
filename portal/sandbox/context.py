"""What every rule of the sandbox is given: the store, the clock, the settings, the keys. No globals, no sockets."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property

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
                raise ValueError(f"The setting {name} must be {'true or false' if expected is bool else 'a number'}.")
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Keys:
    """The acquirer's key pair, a stranger's (for wrong signatures) and the one made for the first merchant; PEM."""

    acquirer: str
    stranger: str
    merchant: str

    @cached_property
    def acquirer_key(self) -> rsa.RSAPrivateKey:
        return load_private_key(self.acquirer)

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


def new_keys() -> Keys:
    """Three fresh key pairs."""
    return Keys(*(private_pem(new_private_key()) for _ in range(3)))


@dataclass
class Context:
    """The sandbox as its rules see it."""

    store: Store
    clock: Clock
    keys: Keys
    faults: Faults
    settings: Settings = field(default_factory=Settings)
    public_url: str = "http://127.0.0.1:9000"
    portal_url: str = "http://localhost:8000"
    """The portal whose API the mini program in the phone may call."""

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
    remembered = store.fact(_KEYS)
    if remembered:
        return Keys(**json.loads(remembered))
    keys = given or new_keys()
    store.remember(_KEYS, json.dumps({"acquirer": keys.acquirer, "stranger": keys.stranger, "merchant": keys.merchant}))
    return keys


PAYMENT_LIFE = 1 * MINUTE
"""An Auto Debit payment that is not finished by then is closed."""
