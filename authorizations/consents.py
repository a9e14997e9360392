"""Consents that need care: why their buyers must agree again, what to tell them, and what hangs on it. Reads only."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from authorizations.states import ConsentReason, RefreshResult, WalletStatus
from portal import clock, registry
from portal.acquirer.wallets import name_of
from portal.registry import Stake
from portal.words import say

USUAL_DAYS = 30
MOST_DAYS = 999
"""How far ahead one may ask."""


def within(days: int) -> datetime:
    """The end of the next so many days."""
    return clock.now() + timedelta(days=days)


def ends_for_good(wallet: Any) -> bool:
    """As ``queries.ends_for_good``, of a row that ``queries.without_secrets`` has read."""
    lapses, refreshed_next = wallet.refresh_token_expires_at, wallet.due_at
    lapses_before = lapses is not None and refreshed_next is not None and lapses < refreshed_next
    return not wallet.can_refresh or wallet.refresh_result == RefreshResult.REFUSED or lapses_before


def reason_of(wallet: Any) -> ConsentReason | None:
    """Why the buyer must agree again; None where nobody must."""
    if wallet.status == WalletStatus.NEEDS_AUTHORIZATION:
        return ConsentReason.TOKEN_DIED
    if wallet.status != WalletStatus.ACTIVE or wallet.access_token_expires_at is None or not ends_for_good(wallet):
        return None
    if wallet.refresh_result == RefreshResult.REFUSED:
        return ConsentReason.REFRESH_REFUSED
    return ConsentReason.NOT_REFRESHABLE


def message_to(wallet: Any, day_of: Any) -> str:
    """What to tell the buyer, in the language of whoever reads it. ``day_of`` writes a moment's day."""
    name = name_of(wallet.wallet)
    if wallet.status == WalletStatus.NEEDS_AUTHORIZATION:
        return say("Your authorization of {name} has ended. Please authorize it again.", name=name)
    day = day_of(wallet.access_token_expires_at)
    return say("Your authorization of {name} ends on {day}. Please authorize it again before then.", name=name, day=day)


def stakes_of(wallets: Iterable[Any]) -> Mapping[Any, Stake]:
    """What hangs on the consent of each of these wallets, by primary key, as those above tell it."""
    keys = [wallet.pk for wallet in wallets]
    found = dict.fromkeys(keys, Stake())
    for ask in registry.stakes:
        for key, stake in ask(keys).items():
            found[key] = _both(found[key], stake)
    return found


def _both(one: Stake, other: Stake) -> Stake:
    return Stake(
        one.subscriptions + other.subscriptions,
        _added(one.next_charges, other.next_charges),
        one.unknown + other.unknown,
        _added(one.unpaid, other.unpaid),
    )


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {currency: one.get(currency, 0) + other.get(currency, 0) for currency in sorted({*one, *other})}
