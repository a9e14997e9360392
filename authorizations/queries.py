"""Questions about buyers, wallets and attempts to bind. Nothing here writes."""

import hashlib
from datetime import datetime

from django.db.models import Q, QuerySet

from authorizations.models import (
    TOKEN_PURPOSE,
    Authorization,
    Buyer,
    BuyerSession,
    WalletAccount,
)
from authorizations.states import AuthorizationStatus, WalletStatus
from portal import clock
from portal.acquirer.results import Secret
from portal.encryption import blind_index
from portal.models import AcquirerAccount


def session_digest(token: str) -> str:
    """What is kept of a session token."""
    return hashlib.sha256(token.encode()).hexdigest()


def session_of(token: str) -> BuyerSession | None:
    """The open session of this token, or None."""
    return (
        BuyerSession.objects.select_related("buyer__account")
        .filter(digest=session_digest(token), ended_at__isnull=True, expires_at__gt=clock.now())
        .first()
    )


def active_wallet(buyer: Buyer, wallet: str) -> WalletAccount | None:
    """The buyer's bound wallet of this kind that may be debited, if there is one."""
    return WalletAccount.objects.filter(
        account_id=buyer.account_id, buyer=buyer, wallet=wallet, status=WalletStatus.ACTIVE
    ).first()


def wallets_of(buyer: Buyer) -> QuerySet[WalletAccount]:
    """The wallets a buyer's page shows: bound, ending, or in need of an act; replaced and revoked ones are history."""
    return WalletAccount.objects.filter(
        buyer=buyer,
        status__in=(WalletStatus.ACTIVE, WalletStatus.REVOKING, WalletStatus.NEEDS_AUTHORIZATION),
    )


def wallet_of_token(account: AcquirerAccount, token: Secret) -> WalletAccount | None:
    """The wallet account that holds this access token, found by blind index."""
    index = blind_index(token.reveal(), TOKEN_PURPOSE)
    return WalletAccount.objects.filter(account=account, access_token_index=index).order_by("-pk").first()


def waiting_authorizations() -> QuerySet[Authorization]:
    """Attempts the clock must look at: to be exchanged, or to lapse."""
    return Authorization.objects.filter(
        status__in=(AuthorizationStatus.STARTED, AuthorizationStatus.OFFERED, AuthorizationStatus.CODE_RECEIVED)
    )


def waiting_wallets() -> QuerySet[WalletAccount]:
    """Wallets the clock must look at: to be refreshed, to be revoked, or expired."""
    return WalletAccount.objects.filter(status__in=(WalletStatus.ACTIVE, WalletStatus.REVOKING))


def ending_before(moment: datetime) -> QuerySet[WalletAccount]:
    """Active consents whose access token ends before ``moment``."""
    return WalletAccount.objects.filter(
        Q(access_token_expires_at__lt=moment), status=WalletStatus.ACTIVE
    ).select_related("buyer", "account")
