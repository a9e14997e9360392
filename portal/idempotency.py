"""Idempotency-Key: the key's row is written inside the promise's transaction and points to what was made.

A replay renders the resource's *current* state; the same key with another request is refused. A key whose request was
refused before anything was promised leaves no row, so the corrected request may use it again.

A body may hold what can be guessed, like the number of a buyer's certificate, and a plain digest would tell whoever
reads the database when the guess is right. So the row keeps a keyed digest of the fingerprint, never the fingerprint.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from portal import statements
from portal.encryption import blind_index
from portal.errors import Conflict
from portal.models import IdempotencyKey
from portal.statements import Found, Given

MAX_KEY_LENGTH = 255
PURPOSE = "idempotency fingerprint"

Remember = Callable[[Any], None]
"""Called by a verb inside its promise's transaction, with the row it makes: ties that row to the caller's key."""


class KeyReused(Conflict):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for another request. Use a new key for a new request."


class KeyInFlight(Conflict):
    """The first request with this key won the race; ask again for its result."""

    code = "idempotency_key_in_flight"
    sentence = "A request with this Idempotency-Key is being carried out. Send it again to see its result."


def fingerprint(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same. Not to be kept as it is: see ``remember``."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


_BY_KEY = Found(lambda: IdempotencyKey.objects.filter(scope=Given("scope"), key=Given("key")))


def replayed(scope: str, key: str, request_fingerprint: str) -> tuple[str, str] | None:
    """The (resource type, id) an earlier request with this key made, or None. Raises KeyReused."""
    row = _BY_KEY.first(scope=scope, key=key)
    if row is None:
        return None
    # A portal of an earlier version, still working while this one's migrations run, keeps the fingerprint itself.
    if row.fingerprint not in (blind_index(request_fingerprint, PURPOSE), request_fingerprint):
        raise KeyReused
    return row.resource_type, row.resource_id


def remember(scope: str, key: str, request_fingerprint: str, *, resource_type: str, resource_id: str) -> None:
    """Tie the key to what is being made, inside the promise's own transaction. Raises KeyInFlight when it is taken."""
    row = IdempotencyKey(
        scope=scope,
        key=key,
        fingerprint=blind_index(request_fingerprint, PURPOSE),
        resource_type=resource_type,
        resource_id=resource_id,
    )
    if not statements.insert(row, unless_there=True):
        raise KeyInFlight
