"""Reading the acquirer's fields leniently: what cannot be read is absent, never a crash and never a guess.

The documents want strings everywhere, and their own samples show booleans, numbers and null
(https://global.alipay.com/docs/ac/ams/me), so all four are taken. Times carry their own offset; one without is not a
time. Amounts that cannot be read are None, and whoever needs one to believe a success says UNKNOWN instead.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.acquirer import masking
from portal.acquirer.results import Quote, Secret
from portal.money import Money, MoneyError, from_wire

ID_LENGTH = 64
URL_LENGTH = 2048
_TEXT_LENGTH = 256
_TIME_LENGTH = 40


def text(message: Mapping[str, Any], name: str, *, length: int = _TEXT_LENGTH) -> str:
    """A scalar as text, cut to ``length``; empty when absent."""
    value = message.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)[:length]
    return masking.storable(value)[:length] if isinstance(value, str) else ""


def identifier(message: Mapping[str, Any], name: str, *, length: int = ID_LENGTH) -> str:
    """An id as it stands. One longer than documented is no id of ours and could only be kept mutilated: absent."""
    value = text(message, name, length=length + 1)
    return value if len(value) <= length else ""


def secret(message: Mapping[str, Any], name: str) -> Secret | None:
    """A token or code, or None."""
    value = message.get(name)
    return Secret(masking.storable(value)) if isinstance(value, str) and value else None


def flag(message: Mapping[str, Any], name: str) -> bool:
    """A boolean, as JSON's own or as the text ``true``."""
    return text(message, name).lower() == "true"


def moment(message: Mapping[str, Any], name: str) -> datetime | None:
    """An ISO 8601 time with its offset, in UTC, or None."""
    value = message.get(name)
    if not isinstance(value, str) or len(value) > _TIME_LENGTH:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.utcoffset() is not None else None
    except (ValueError, OverflowError):
        return None


def amount(message: Mapping[str, Any], name: str) -> Money | None:
    """An Amount object as Money, or None when it is absent or no amount."""
    if message.get(name) is None:
        return None
    try:
        return from_wire(message[name])
    except MoneyError:
        return None


def quote(message: Mapping[str, Any], name: str) -> Quote | None:
    """A Quote object, or None. A price that is no positive number is zero."""
    value = message.get(name)
    if not isinstance(value, Mapping):
        return None
    return Quote(
        quote_id=text(value, "quoteId", length=ID_LENGTH),
        currency_pair=text(value, "quoteCurrencyPair", length=16),
        price=_price(text(value, "quotePrice", length=32)),
        guaranteed=flag(value, "guaranteed"),
        expires_at=moment(value, "quoteExpiryTime"),
    )


def _price(digits: str) -> Decimal:
    try:
        price = Decimal(digits)
    except InvalidOperation:
        return Decimal(0)
    return price if price.is_finite() and price > 0 else Decimal(0)


def web_url(message: Mapping[str, Any], name: str) -> str:
    """A page's URL; empty when it is none, so that no other scheme is ever opened as a page."""
    value = identifier(message, name, length=URL_LENGTH)
    return value if value.startswith(("https://", "http://")) else ""


def app_url(message: Mapping[str, Any], name: str) -> str:
    """An app's own URL (``gcash://…``); the schemes that run script in a page are refused."""
    value = identifier(message, name, length=URL_LENGTH)
    scheme = value.partition(":")[0].strip().lower()
    return "" if scheme in {"javascript", "data", "vbscript", value.lower()} else value


def extended(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that ``extendInfo`` spells as text; empty when it does not."""
    value = message.get("extendInfo")
    try:
        inner = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    return inner if isinstance(inner, dict) else {}


def objects(message: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list that may be absent, null or hold something else."""
    value = message.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inner(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside the message; empty when it is none."""
    value = message.get(name)
    return value if isinstance(value, dict) else {}
