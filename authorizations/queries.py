"""Questions about buyers, wallets and attempts to bind. Nothing here writes."""

import hashlib
from datetime import datetime
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When

from authorizations.models import (
    TOKEN_PURPOSE,
    Authorization,
    Buyer,
    BuyerSession,
    WalletAccount,
    WalletAccountChange,
    secrets_of,
)
from authorizations.states import AuthorizationStatus, RefreshResult, WalletStatus
from portal import clock, due, statements
from portal.acquirer.results import Secret
from portal.encryption import blind_index
from portal.models import AcquirerAccount
from portal.registry import Waiting
from portal.statements import Found, Given


def session_digest(token: str) -> str:
    """What is kept of a session token."""
    return hashlib.sha256(token.encode()).hexdigest()


_SESSION = Found(
    lambda: BuyerSession.objects.select_related("buyer__account").filter(digest=Given("digest"), ended_at=None)
)
_ACTIVE = Found(
    lambda: (
        WalletAccount.objects.filter(buyer_id=Given("buyer"), wallet=Given("wallet"), status=WalletStatus.ACTIVE)
        .select_related("account")
        .order_by(F("account__drained_at").asc(nulls_first=True), "-bound_at", "-pk")[:1]
    )
)
_OF_TOKEN = Found(
    lambda: WalletAccount.objects.filter(account_id=Given("account"), access_token_index=Given("index")).order_by(
        "-pk"
    )[:1]
)


def session_of(token: str) -> BuyerSession | None:
    """The open session of this token, or None."""
    found = _SESSION.first(digest=session_digest(token))
    return found if found is not None and found.expires_at > clock.now() else None


def active_wallet(buyer: Buyer, wallet: str) -> WalletAccount | None:
    """The buyer's bound wallet of this kind that may be debited, if there is one, through whichever account.

    One whose account is not drained is preferred, then the newest.
    """
    return _ACTIVE.first(buyer=buyer.pk, wallet=wallet)


def wallets_of(buyer: Buyer) -> QuerySet[WalletAccount]:
    """The wallets a buyer's page shows: bound, ending, or in need of an act; replaced and revoked ones are history."""
    return WalletAccount.objects.filter(
        buyer=buyer,
        status__in=(WalletStatus.ACTIVE, WalletStatus.REVOKING, WalletStatus.NEEDS_AUTHORIZATION),
    )


def wallet_of_token(account: AcquirerAccount, token: Secret) -> WalletAccount | None:
    """The wallet account that holds this access token, found by blind index."""
    index = blind_index(token.reveal(), TOKEN_PURPOSE)
    return _OF_TOKEN.first(account=account.pk, index=index)


def debitable() -> Q:
    """Wallets that may be charged now: bound, and their token not refused since it was last refreshed."""
    is_refreshed = Q(doubted_at__isnull=True) | Q(refresh_token="") | Q(refreshed_at__gte=F("doubted_at"))
    return Q(is_refreshed, status=WalletStatus.ACTIVE)


def ends_for_good() -> Q:
    """Of wallets that are bound: those no refresh prolongs, so that only their buyer can."""
    lapses_before = Q(refresh_token_expires_at__lt=F("due_at"))
    return Q(refresh_token="") | Q(refresh_result=RefreshResult.REFUSED) | lapses_before


def to_ask_again(until: datetime) -> Q:
    """Wallets whose buyers must agree again: the token is dead, or it ends before ``until`` and for good.

    Not those whose buyer has agreed anew through another account, as where the first one is drained.
    """
    is_ending = Q(ends_for_good(), status=WalletStatus.ACTIVE, access_token_expires_at__lt=until)
    others = WalletAccount.objects.filter(
        buyer=OuterRef("buyer"), wallet=OuterRef("wallet"), status=WalletStatus.ACTIVE, account__drained_at=None
    )
    has_another = Exists(others.exclude(pk=OuterRef("pk")))
    return (Q(status=WalletStatus.NEEDS_AUTHORIZATION) | is_ending) & ~Q(has_another)


def without_secrets(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows with what is told of their tokens, and none of the tokens: ``can_refresh``."""
    can_refresh = Case(When(refresh_token="", then=Value(value=False)), default=Value(value=True))
    without: QuerySet[Any] = rows.defer(*secrets_of()).annotate(can_refresh=can_refresh)
    return without


def waiting_authorizations() -> QuerySet[Authorization]:
    """Attempts the clock must look at: to be exchanged, or to lapse."""
    return Authorization.objects.filter(
        status__in=(AuthorizationStatus.STARTED, AuthorizationStatus.OFFERED, AuthorizationStatus.CODE_RECEIVED)
    )


def waiting_wallets() -> QuerySet[WalletAccount]:
    """Wallets the clock must look at: to be refreshed, to be revoked, or expired."""
    return WalletAccount.objects.filter(status__in=(WalletStatus.ACTIVE, WalletStatus.REVOKING))


def unknown_authorizations() -> Waiting:
    """Attempts whose call for a URL or a token has no answer; each has a moment at which it is asked about."""
    unanswered = (AuthorizationStatus.STARTED, AuthorizationStatus.CODE_RECEIVED)
    return due.waiting(Authorization.objects.filter(status__in=unanswered, due_at__isnull=False), "created_at")


def unknown_revocations() -> Waiting:
    """Bindings that are being ended, since their end was begun; each has a moment at which it is asked for again."""
    begun = WalletAccountChange.objects.filter(
        target=WalletStatus.REVOKING,
        wallet_account__status=WalletStatus.REVOKING,
        wallet_account__due_at__isnull=False,
    )
    return due.waiting(begun, "at")


def ending_before(moment: datetime | Given) -> QuerySet[WalletAccount]:
    """Active consents whose access token ends before ``moment``."""
    return WalletAccount.objects.filter(
        access_token_expires_at__lt=moment, access_token_expires_at__gt=statements.EVER, status=WalletStatus.ACTIVE
    ).select_related("buyer", "account")
