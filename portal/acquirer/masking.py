"""The view of a message that people may see: tokens, codes and personal data replaced, everything else as sent.

One table names the fields, whichever acquirer and whichever message they occur in. A field that holds JSON as text
(``extendInfo``) is masked inside. A value hidden in a request is also hidden wherever the answer repeats it, for
example in a sentence.
"""

import json
from collections.abc import Iterable, Iterator

HIDDEN = "••••"

MASKED_FIELDS = frozenset(
    name.lower()
    for name in (
        # What lets its holder debit, bind or log in.
        "accessToken",
        "refreshToken",
        "authCode",
        "paymentMethodId",  # in pay this is the access token
        "agentToken",
        "deviceTokenId",
        # Who the buyer is at the wallet.
        "userId",
        "userLoginId",
        "loginId",
        "hashLoginId",
        "customerId",
        "pspCustomerId",
        "displayCustomerId",
        "displayCustomerName",
        "customer2088Id",
        # Who the buyer is.
        "buyerName",
        "buyerEmail",
        "buyerPhoneNo",
        "userName",
        "userEmail",
        "userPhoneNo",
        "shippingName",
        "shippingPhoneNo",
        "shipToEmail",
        "accountHolderName",
        "holderName",
        "firstName",
        "middleName",
        "lastName",
        "fullName",
        "address1",
        "address2",
        "address3",
        "zipCode",
        # Papers.
        "certificateNo",
        "accountHolderCertNo",
        # The device.
        "clientIp",
        "deviceId",
        "cookieId",
    )
)
"""Field names, in lower case, whose values nobody sees. An object under such a name is hidden whole."""

_SHORTEST_SECRET = 6
"""Shorter values are not searched for in other texts: they would hide innocent words."""
_PAPERS = frozenset(("fullname", "holdername", "certificateno"))
_SHORTEST_PAPER = 2
"""But whose papers are checked is named in sentences, and a name may be two characters long."""
_MOST_TEXT = 64_000


def masked(body: bytes, *, also: Iterable[str] = ()) -> str:
    """The body for people, on one line; pages lay it out. What is no JSON is not shown at all.

    ``also`` are values to hide wherever they occur.
    """
    return seen(body, also=also)[0]


def hidden_values(body: bytes) -> frozenset[str]:
    """The values that ``masked`` hides in this body, so that they can be hidden elsewhere too."""
    return seen(body)[1]


def seen(body: bytes, *, also: Iterable[str] = ()) -> tuple[str, frozenset[str]]:
    """Both at once: the body for people, and the values that its own fields hide."""
    if not body:
        return "", frozenset()
    spelled, hidden = _spelled(also), list[str]()
    try:
        text = json.dumps(_masked(json.loads(body), spelled, hidden), ensure_ascii=False)
    except (ValueError, RecursionError):
        return f"({len(body)} bytes that are not JSON)", frozenset()
    text = storable(_without(text, spelled))[:_MOST_TEXT]
    return text, frozenset(hidden)


def hide(text: str, values: Iterable[str]) -> str:
    """The text with every one of the values replaced, as it is and as JSON spells it."""
    return _without(text, _spelled(values))


def _spelled(values: Iterable[str]) -> list[str]:
    """Every form a value may stand in, the longest first."""
    forms = {
        form
        for value in values
        for form in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    }
    return sorted(forms, key=len, reverse=True)


def _without(text: str, spelled: list[str]) -> str:
    for form in spelled:
        text = text.replace(form, HIDDEN)
    return text


def storable(text: str) -> str:
    """The text without what no database stores: lone surrogates and NUL, both of which JSON can spell."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _masked(value: object, spelled: list[str], hidden: list[str]) -> object:
    """The value as people may see it; what its fields hide is added to ``hidden``."""
    if isinstance(value, str):
        inner = _json_inside(value)
        if inner is not None:
            return json.dumps(_masked(inner, spelled, hidden), ensure_ascii=False)
        return _without(value, spelled) if spelled else value
    if isinstance(value, dict):
        shown: dict[str, object] = {}
        for name, content in value.items():
            told = _without(name, spelled) if spelled else name
            if content and name.lower() in MASKED_FIELDS:
                shortest = _SHORTEST_PAPER if name.lower() in _PAPERS else _SHORTEST_SECRET
                hidden.extend(value for value in _texts(content) if len(value) >= shortest)
                shown[told] = HIDDEN
            else:
                shown[told] = _masked(content, spelled, hidden)
        return shown
    if isinstance(value, list):
        return [_masked(item, spelled, hidden) for item in value]
    return value


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for content in value.values():
            yield from _texts(content)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _json_inside(value: str) -> dict[str, object] | list[object] | None:
    """The object or array that a text spells, as ``extendInfo`` does."""
    if not value.lstrip().startswith(("{", "[")):
        return None
    try:
        inner = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return inner if isinstance(inner, dict | list) else None
