"""API keys of the merchant's own servers: shown once when made, kept as a digest, ended at once when revoked.

A key is 256 random bits, so a plain SHA-256 is digest enough: there is nothing to guess. Its first characters stay
readable, so that people can tell keys apart.

Whoever holds a key pays, refunds and revokes without a second person beside them, so one is asked before it is made.
A request holds no secret: what is approved is a key whose text does not exist yet, and whoever asked for it has it
shown, once.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from portal import approvals, clock, journal
from portal.actor import Actor
from portal.errors import Conflict, NotAllowed
from portal.idempotency import Remember
from portal.models import AcquirerAccount, Approval, MerchantKey
from portal.statements import Found, Given

MERCHANT_KEY = "merchant key"
"""Making one, as a kind of ``portal.approvals``."""
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
    """Make a key for the account. Returns its row and the key itself, which nobody can read again.

    Raises ApprovalNeeded.
    """
    text = _fresh()
    with transaction.atomic():
        sentence = f"A merchant key “{name}” of {account}: whoever holds it orders, pays, refunds and revokes there."
        approvals.permit(
            MERCHANT_KEY,
            "create merchant key",
            by=by,
            subject=account,
            account=account,
            params={"name": name},
            sentence=sentence,
            note=note,
        )
        key = MerchantKey.objects.create(
            account=account, name=name, prefix=text[:_SHOWN_CHARACTERS], digest=digest(text)
        )
        journal.write("create merchant key", by=by, subject=key, note=note)
        if remember:
            remember(key)
    return key, text


def _fresh() -> str:
    return PREFIX + secrets.token_urlsafe(_BYTES)


def carry_out(approval: Approval, by: Actor, remember: Remember) -> str:
    """Make a key as it was approved; its text is thrown away, and who asked may have another one shown."""

    def held_for_them(key: MerchantKey) -> None:
        MerchantKey.objects.filter(pk=key.pk).update(held_for=approval.requester_id)
        remember(key)

    account = AcquirerAccount.objects.get(pk=approval.subject_id)
    create(account, approval.params["name"], by=by, note=approval.note, remember=held_for_them)
    return f"The key is made. {approval.actor_name} has it shown once, on its page."


def show(key: MerchantKey, *, by: Actor, remember: Remember | None = None) -> str:
    """The text of a key that was approved, made now, for whoever asked for it, once.

    Raises NotAllowed for anybody else, and Conflict when it was shown or revoked already.
    """
    if key.held_for_id is not None and key.held_for_id != by.user_id:
        raise NotAllowed("Only who asked for this key has it shown.")
    text = _fresh()
    with transaction.atomic():
        waiting = MerchantKey.objects.filter(pk=key.pk, held_for_id=by.user_id, revoked_at__isnull=True)
        if not waiting.update(held_for=None, prefix=text[:_SHOWN_CHARACTERS], digest=digest(text)):
            raise Conflict("This key was shown already.")
        journal.write("show merchant key", by=by, subject=key)
        if remember:
            remember(key)
    key.refresh_from_db()
    return text


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
