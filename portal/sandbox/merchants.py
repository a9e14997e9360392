"""The merchants this acquirer has contracts with: keys by version, wallets, currencies, notification URLs."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from portal.acquirer.signing import KeyUnreadable, load_public_key
from portal.sandbox import calendars
from portal.sandbox.calendars import MerchantUnclear
from portal.sandbox.context import Context
from portal.sandbox.rates import SETTLEMENT_CURRENCIES
from portal.sandbox.wallets import WALLETS

FIRST_CLIENT = "SANDBOX_5X00000000000042"
NOTIFICATION_URLS = ("authorization", "payment", "refund")


@dataclass(frozen=True)
class Merchant:
    """A merchant and its contract."""

    client_id: str
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


def seed_merchant(context: Context) -> Merchant:
    """The merchant a new sandbox starts with, holding the generated key."""
    return save(context, Merchant(FIRST_CLIENT, public_keys={"1": context.keys.merchant_public}))


def register(context: Context, wish: dict[str, Any]) -> Merchant:
    """Add a merchant or change one, as control calls ask. Raises MerchantUnclear with nothing changed.

    ``public_key`` (with ``key_version``, "1" if not said) adds or replaces one key; ``notify_urls`` replaces those
    named; every other field of Merchant is set as it is.
    """
    client_id = wish.get("client_id", FIRST_CLIENT)
    if not isinstance(client_id, str) or not 1 <= len(client_id) <= 128:
        raise MerchantUnclear("'client_id' must be a client id.")
    merchant = find(context, client_id) or Merchant(client_id)
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
