"""Consents that are lost: one by one each is told as ever, and when many die together they are one incident.

A wallet or an acquirer that revokes everything, or a key that stops working, kills thousands of tokens in minutes. A
person can do nothing about each of them, and one thing about all: ask the other party. So where
``PORTAL_LOST_CONSENTS`` of one account are lost within ``PORTAL_LOST_CONSENTS_MINUTES``, there is one incident about
the account. It grows while more are lost; incidents about single wallets raised on the way are closed into it.

What is lost is a token that was refused, a refresh that was refused or never answered, and a binding that was ended
from the other side. A token that simply outlives its time is not: Today has named it for days before.

Workers that lose consents at the same moment may not see each other's yet: the incident then opens a few later.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, QuerySet

from authorizations.models import WalletAccount
from portal import clock, incidents
from portal.acquirer.wallets import name_of
from portal.actor import Actor
from portal.models import AcquirerAccount

CONSENTS_LOST = "CONSENTS_LOST"
REFRESH_REFUSED = "REFRESH_REFUSED"


def lost(wallet_account: WalletAccount, *, alone: Callable[[], object] | None = None) -> None:
    """Write down, inside the caller's transaction, that a consent is lost; ``alone`` raises what it is by itself."""
    WalletAccount.objects.filter(pk=wallet_account.pk).update(lost_at=clock.now())
    account = wallet_account.account
    held = incidents.hold(CONSENTS_LOST, subject=account)
    if held is not None:
        _say(account, _since_the_last(account, _lost(account, held.opened_at - _within())))
        return
    recent = _lost(account, clock.now() - _within())
    if _are_many(recent) and _are_many(recent := _since_the_last(account, recent)):
        _say(account, recent)
        incidents.settle_all(
            REFRESH_REFUSED,
            subjects=recent.only("pk"),
            by=Actor.clock(),
            resolution="It is one of many: see the incident about the account.",
        )
    elif alone:
        alone()


def _within() -> timedelta:
    return timedelta(minutes=settings.PORTAL_LOST_CONSENTS_MINUTES)


def _lost(account: AcquirerAccount, since: datetime) -> QuerySet[WalletAccount]:
    return WalletAccount.objects.filter(account=account, lost_at__gt=since).order_by()


def _are_many(rows: QuerySet[WalletAccount]) -> bool:
    """Whether they reach the number; no more than that are counted."""
    most: int = settings.PORTAL_LOST_CONSENTS
    return rows[:most].count() == most


def _since_the_last(account: AcquirerAccount, recent: QuerySet[WalletAccount]) -> QuerySet[WalletAccount]:
    """Without those that a person has closed an incident about."""
    closed_at = incidents.about(CONSENTS_LOST, account).aggregate(last=Max("closed_at"))["last"]
    return recent.filter(lost_at__gt=closed_at) if closed_at else recent


def _say(account: AcquirerAccount, rows: QuerySet[WalletAccount]) -> None:
    """Raise the incident, or let it grow. Where it is open it is held, so that the last to count has counted all."""
    by_wallet = list(
        rows.values("wallet").annotate(count=Count("pk"), since=Min("lost_at")).order_by("-count", "wallet")
    )
    count = sum(row["count"] for row in by_wallet)
    since = min(row["since"] for row in by_wallet)
    incidents.raise_incident(
        CONSENTS_LOST,
        f"{count} consents of {account} were lost since {since:%d %b %H:%M} UTC: {_wallets(by_wallet)}",
        subject=account,
        count=count,
        detail=(
            "Their wallets are not debited. Ask the acquirer whether it, or the wallet, has revoked them; then let "
            "their buyers agree again: Consents lists whom to message."
        ),
    )


def _wallets(rows: list[Any]) -> str:
    return ", ".join(f"{name_of(row['wallet'])} {row['count']}" for row in rows)
