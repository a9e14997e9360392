"""Carrying an act out once, however often its request comes.

The key's row is written inside the operation's promise (``portal.idempotency``), so of two requests with one key only
one can promise anything; the other, whatever refused it, answers with what the first one made.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from rest_framework.request import Request

from portal import idempotency
from portal.api.callers import caller_of
from portal.api.problems import InvalidHeader
from portal.errors import PortalError
from portal.idempotency import Remember

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = "^[!-~]([ -~]*[!-~])?$"
"""Visible ASCII, as the schema says it; blanks at either end are not part of a header's value."""

R = TypeVar("R")


def key_of(request: Request) -> str:
    """The request's key. Raises InvalidHeader when it is missing or cannot be one."""
    key = request.headers.get(HEADER, "")
    if not key:
        raise InvalidHeader(
            "idempotency_key_missing", HEADER, "Send an Idempotency-Key: a fresh random text for each act."
        )
    if len(key) > idempotency.MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise InvalidHeader(
            "invalid_input",
            HEADER,
            f"An Idempotency-Key is 1 to {idempotency.MAX_KEY_LENGTH} visible ASCII characters.",
        )
    return key


def once(
    request: Request, act: Callable[[Remember], R], *, again: Callable[[str], R], looks_first: bool = True
) -> tuple[R, dict[str, str]]:
    """Carry ``act`` out unless this key's act was carried out before; then ``again`` fetches what it made, by row id.

    Returns the thing and the headers that say which it was. Two bodies are the same when they say the same, whatever
    the order of their names. An act that touches nothing before its promise need not be looked for first: a key that
    is taken stops the promise, and only then, or when the act is refused, is it looked up.
    Raises KeyReused when the key came with another request, and whatever the act refuses with.
    """
    scope, key = caller_of(request).scope, key_of(request)
    body = json.dumps(request.data, sort_keys=True).encode()
    sign = idempotency.fingerprint(request.method or "", request.path, body)
    found = idempotency.replayed(scope, key, sign) if looks_first else None
    if found is None:

        def remember(row: Any) -> None:
            idempotency.remember(scope, key, sign, resource_type=row._meta.label, resource_id=str(row.pk))

        try:
            return act(remember), {}
        except PortalError:
            found = idempotency.replayed(scope, key, sign)
            if found is None:
                raise
    return again(found[1]), {REPLAYED: "true"}
