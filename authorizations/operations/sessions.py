"""A buyer's session: an opaque, revocable token. A JWT could not be ended, and a mini program has no cookie jar."""

import base64
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from authorizations.models import Buyer, BuyerSession
from authorizations.queries import session_digest
from portal import clock
from portal.models import AcquirerAccount

TOKEN_PREFIX = "bs_"  # noqa: S105 - marks a buyer's session token, so that a leak is recognised
_TOKEN_BYTES = 32


def open_session(
    account: AcquirerAccount, reference: str, *, opened_by: str, site_name: str = ""
) -> tuple[BuyerSession, str]:
    """Open a session for the buyer of that reference, who is made on first sight. Returns the session and its token.

    The token is handed out once; only its digest is kept.
    """
    token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    with transaction.atomic():
        buyer, _ = Buyer.objects.get_or_create(account=account, reference=reference)
        session = BuyerSession.objects.create(
            buyer=buyer,
            digest=session_digest(token),
            site_name=site_name,
            opened_by=opened_by,
            expires_at=clock.now() + timedelta(hours=settings.PORTAL_SESSION_HOURS),
        )
    return session, token


def renew_session(session_id: int, digest: str, *, seed: bytes) -> str | None:
    """Give an open session a new token, if its digest begins like this; the old one is worth nothing from then on.

    Whoever comes again with the same ``seed``, which only one browser knows, gets the same token. None where somebody
    else renewed it before, where it has ended, or where it is none: of two who come, one gets a token.
    """
    key = salted_hmac("authorizations.session", f"{session_id}.{digest}.".encode() + seed, algorithm="sha256").digest()
    token = TOKEN_PREFIX + base64.urlsafe_b64encode(key).decode().rstrip("=")
    renewed = session_digest(token)
    if _renewable(session_id, digest).update(digest=renewed) or _renewable(session_id, renewed).exists():
        return token
    return None


def is_renewable(session_id: int, digest: str) -> bool:
    """Whether ``renew_session`` would give a token to whoever comes first."""
    return _renewable(session_id, digest).exists()


def _renewable(session_id: int, digest: str) -> QuerySet[BuyerSession]:
    return BuyerSession.objects.filter(
        pk=session_id, digest__startswith=digest, ended_at__isnull=True, expires_at__gt=clock.now()
    )


def end_session(session: BuyerSession) -> None:
    """End a session; ending it twice is the same."""
    BuyerSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(ended_at=clock.now())
