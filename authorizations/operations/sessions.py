"""A buyer's session: an opaque, revocable token. A JWT could not be ended, and a mini program has no cookie jar."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction

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


def renew_session(session_id: int, digest: str) -> str | None:
    """Give an open session a new token, if its digest begins like this; the old one is worth nothing from then on.

    None where somebody renewed it before, where it has ended, or where it is none: of two who come, one gets a token.
    """
    token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    held = BuyerSession.objects.filter(
        pk=session_id, digest__startswith=digest, ended_at__isnull=True, expires_at__gt=clock.now()
    )
    return token if held.update(digest=session_digest(token)) else None


def end_session(session: BuyerSession) -> None:
    """End a session; ending it twice is the same."""
    BuyerSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(ended_at=clock.now())
