"""The merchants this acquirer has contracts with: keys by version, wallets, currencies, notification URLs."""

import functools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from portal.acquirer.signing import KeyUnreadable, load_public_key
from portal.sandbox import calendars
from portal.sandbox.calendars import MerchantUnclear
from portal.sandbox.context import Context, Voice
from portal.sandbox.rates import SETTLEMENT_CURRENCIES
from portal.sandbox.terms import ALIPAYPLUS, ANTOM, PROTOCOLS, TERMS, Terms
from portal.sandbox.wallets import WALLETS

FIRST_CLIENT = "SANDBOX_5X00000000000042"
FIRST_PARTNER = "SANDBOX_5Y00000000000043"
"""The first client that speaks Alipay+."""
NOTIFICATION_URLS = ("authorization", "payment", "refund", "unbinding")


@dataclass(frozen=True)
class Merchant:
    """A merchant and its contract."""

    client_id: str
    protocol: str = ANTOM
    name: str = "Kape & Co"
    customer_id: str = "2188000000000042"
    public_keys: dict[str, str] = field(default_factory=dict)
    notify_urls: dict[str, str] = field(default_factory=dict)
    wallets: tuple[str, ...] = tuple(WALLETS)
    settlement_currencies: tuple[str, ...] = ("USD", "PHP", "HKD", "SGD", "EUR", "JPY", "CNY")
    secondary_merchants: tuple[str, ...] = ()
    settlement_cycle: str = "T+1"
    """T+N, W+N or M+N, in working days."""
    weekend: tuple[int, ...] = ()
    """Weekdays without settlement, 0 for Monday; none: whoever tries the portal sees a settlement every day."""
    holidays: tuple[str, ...] = ()
    """Days without settlement, ``YYYYMMDD``."""
    working_days: tuple[str, ...] = ()
    """Days of a weekend with settlement."""
    partial_refund: bool = True
    multiple_refunds: bool = True
    active: bool = True

    @property
    def terms(self) -> Terms:
        """What its acquirer's contract says of refunds, cancels and fees."""
        return TERMS[self.protocol]

    def key_for(self, version: str | None) -> str | None:
        """The public key of a version; without a version the latest one."""
        if version is not None:
            return self.public_keys.get(version)
        latest = max(self.public_keys, key=lambda text: (len(text), text), default=None)
        return self.public_keys[latest] if latest is not None else None


def find(context: Context, client_id: str) -> Merchant | None:
    """The merchant of a client id, or None."""
    details = context.store.value("SELECT details FROM merchants WHERE client_id = ?", (client_id,))
    return _read(client_id, details) if details else None


def all_merchants(context: Context) -> list[Merchant]:
    """Every merchant."""
    rows = context.store.all("SELECT client_id, details FROM merchants ORDER BY client_id")
    return [_read(row["client_id"], row["details"]) for row in rows]


@functools.lru_cache(maxsize=64)
def _read(client_id: str, details: str) -> Merchant:
    data = json.loads(details)
    for name in ("wallets", "settlement_currencies", "secondary_merchants", "weekend", "holidays", "working_days"):
        if name in data:
            data[name] = tuple(data[name])
    return Merchant(client_id=client_id, **data)


def save(context: Context, merchant: Merchant) -> Merchant:
    """Remember a merchant as it is now."""
    details = asdict(merchant)
    del details["client_id"]
    context.store.run(
        "INSERT OR REPLACE INTO merchants (client_id, details) VALUES (?, ?)", (merchant.client_id, json.dumps(details))
    )
    return merchant


def of(context: Context, client_id: str) -> Merchant:
    """The merchant of something that a merchant made. Raises LookupError."""
    merchant = find(context, client_id)
    if merchant is None:
        raise LookupError(client_id)
    return merchant


def voice_of(context: Context, client_id: str) -> Voice:
    """How the merchant's acquirer speaks to it. Raises LookupError."""
    return context.voices[of(context, client_id).protocol]


def seed_merchants(context: Context) -> None:
    """The merchants every sandbox knows, one of each protocol, holding the generated keys."""
    if find(context, FIRST_CLIENT) is None:
        save(context, Merchant(FIRST_CLIENT, public_keys={"1": context.keys.merchant_public}))
    if find(context, FIRST_PARTNER) is None:
        save(context, _partner(FIRST_PARTNER, {"1": context.keys.alipayplus_merchant_public}))


def _partner(client_id: str, public_keys: dict[str, str]) -> Merchant:
    """A merchant of Alipay+ as its contract begins."""
    return Merchant(
        client_id,
        protocol=ALIPAYPLUS,
        customer_id="102218800000000043",
        public_keys=public_keys,
        wallets=tuple(name for name, wallet in WALLETS.items() if wallet.connects),
        settlement_currencies=("USD",),
        settlement_cycle="T+2",
    )


def register(context: Context, wish: dict[str, Any]) -> Merchant:
    """Add a merchant or change one, as control calls ask. Raises MerchantUnclear with nothing changed.

    ``public_key`` (with ``key_version``, "1" if not said) adds or replaces one key; ``notify_urls`` replaces those
    named; every other field of Merchant is set as it is.
    """
    client_id = wish.get("client_id", FIRST_CLIENT)
    if not isinstance(client_id, str) or not 1 <= len(client_id) <= 128:
        raise MerchantUnclear("'client_id' must be a client id.")
    merchant = find(context, client_id)
    protocol = wish.get("protocol", merchant.protocol if merchant is not None else ANTOM)
    if protocol not in PROTOCOLS:
        raise MerchantUnclear(f"'protocol' must be one of {', '.join(PROTOCOLS)}.")
    if merchant is not None and merchant.protocol != protocol:
        raise MerchantUnclear(f"{client_id} speaks {merchant.protocol}; a client never changes its protocol.")
    if merchant is None:
        merchant = _partner(client_id, {}) if protocol == ALIPAYPLUS else Merchant(client_id)
    known = {entry.name for entry in fields(Merchant)} | {"public_key", "key_version"}
    for name in wish:
        if name not in known:
            raise MerchantUnclear(f"A merchant has no {name!r}; there are {', '.join(sorted(known))}.")
    if "public_key" in wish:
        merchant = _with_key(merchant, wish["public_key"], str(wish.get("key_version", "1")))
    if "public_keys" in wish:
        for version, key in dict(wish["public_keys"]).items():
            merchant = _with_key(merchant, key, str(version))
    if "notify_urls" in wish:
        merchant = replace(merchant, notify_urls={**merchant.notify_urls, **_checked_urls(wish["notify_urls"])})
    if "wallets" in wish:
        merchant = replace(merchant, wallets=_subset(wish["wallets"], WALLETS, "wallets"))
    if "settlement_currencies" in wish:
        chosen = _subset(wish["settlement_currencies"], SETTLEMENT_CURRENCIES, "settlement_currencies")
        merchant = replace(merchant, settlement_currencies=chosen)
    if "secondary_merchants" in wish:
        merchant = replace(merchant, secondary_merchants=tuple(str(one) for one in wish["secondary_merchants"]))
    merchant = replace(merchant, **calendars.checked({name: wish[name] for name in calendars.WISHES if name in wish}))
    plain: dict[str, Any] = {name: str(wish[name]) for name in ("name", "customer_id") if name in wish}
    for name in ("partial_refund", "multiple_refunds", "active"):
        if name in wish:
            if type(wish[name]) is not bool:
                raise MerchantUnclear(f"{name!r} must be true or false.")
            plain[name] = wish[name]
    return save(context, replace(merchant, **plain))


def _with_key(merchant: Merchant, key: object, version: str) -> Merchant:
    try:
        load_public_key(str(key))
    except KeyUnreadable as reason:
        raise MerchantUnclear(str(reason)) from reason
    return replace(merchant, public_keys={**merchant.public_keys, version: str(key)})


def _checked_urls(wish: object) -> dict[str, str]:
    if not isinstance(wish, dict):
        raise MerchantUnclear("'notify_urls' must be an object.")
    for name, url in wish.items():
        if name not in NOTIFICATION_URLS:
            raise MerchantUnclear(f"There is no notification URL {name!r}: {', '.join(NOTIFICATION_URLS)}.")
        if not isinstance(url, str) or (url and not url.startswith(("http://", "https://"))):
            raise MerchantUnclear(f"The notification URL {name!r} must begin with http:// or https://.")
    return {str(name): str(url) for name, url in wish.items()}


def _subset(wish: object, of: Iterable[str], name: str) -> tuple[str, ...]:
    known = set(of)
    if not isinstance(wish, list) or not all(isinstance(one, str) and one in known for one in wish):
        raise MerchantUnclear(f"{name!r} must be a list out of {', '.join(sorted(known))}.")
    return tuple(wish)
