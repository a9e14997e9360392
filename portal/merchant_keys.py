"""API keys of the merchant's own servers: shown once when made, kept as a digest, ended at once when revoked.

A key is 256 random bits, so a plain SHA-256 is digest enough: there is nothing to guess. Its first characters stay
readable, so that people can tell keys apart.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from portal import clock, journal
from portal.actor import Actor
from portal.errors import Conflict
from portal.idempotency import Remember
from portal.models import AcquirerAccount, MerchantKey
from portal.statements import Found, Given

PREFIX = "mk_"
_BYTES = 32
_SHOWN_CHARACTERS = 10
_NOTED_EVERY = timedelta(minutes=1)
"""``last_used_at`` is for people: a write per request would cost more than it tells."""


_BY_DIGEST = Found(
    lambda: MerchantKey.objects.select_related("account").filter(digest=Given("digest"), revoked_at=None).order_by()
)


def digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def create(
    account: AcquirerAccount, name: str, *, by: Actor, note: str = "", remember: Remember | None = None
) -> tuple[MerchantKey, str]:
    """Make a key for the account. Returns its row and the key itself, which nobody can read again."""
    text = PREFIX + secrets.token_urlsafe(_BYTES)
    with transaction.atomic():
        key = MerchantKey.objects.create(
            account=account, name=name, prefix=text[:_SHOWN_CHARACTERS], digest=digest(text)
        )
        journal.write("create merchant key", by=by, subject=key, note=note)
        if remember:
            remember(key)
    return key, text


def find(text: str) -> MerchantKey | None:
    """The valid key of that text, or None. Notes that it is in use."""
    key = _BY_DIGEST.first(digest=digest(text))
    if key is not None:
        at = clock.now()
        if key.last_used_at is None or at - key.last_used_at >= _NOTED_EVERY:
            stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=at)
            MerchantKey.objects.filter(stale, pk=key.pk).update(last_used_at=at)
    return key


def revoke(key: MerchantKey, *, by: Actor, note: str = "") -> None:
    """End a key at once. Raises Conflict when it is revoked already."""
    with transaction.atomic():
        if not MerchantKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=clock.now()):
            raise Conflict("This key is already revoked.")
        journal.write("revoke merchant key", by=by, subject=key, note=note)
    key.refresh_from_db()
