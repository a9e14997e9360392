"""What authorizations tell the desk: the stories of wallets and attempts, the queue's line, the search. Reads only."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse

from authorizations.models import Authorization, Buyer, WalletAccount
from authorizations.queries import ending_before
from authorizations.states import AuthorizationEvent, Messenger, WalletEvent
from portal import clock
from portal.acquirer.wallets import name_of
from portal.admin.display import page_of
from portal.models.stateful import Change
from portal.registry import TimelineEntry, TodayLine

ENDING = timedelta(days=10)
"""Consents that end sooner and cannot be refreshed: the buyer must be asked to agree again."""
_HITS_AT_MOST = 20


def timeline(thing: Any) -> list[TimelineEntry]:
    """The story of a WalletAccount or an Authorization; of anything else, nothing."""
    match thing:
        case Authorization():
            return _attempt(thing)
        case WalletAccount():
            return _wallet(thing)
        case _:
            return []


def _heard(change: Change) -> str:
    return Messenger(change.heard_from).label if change.heard_from in Messenger.values else change.heard_from.lower()


def _attempt(attempt: Authorization) -> list[TimelineEntry]:
    wallet = name_of(attempt.wallet)
    entries = [
        TimelineEntry(
            attempt.created_at,
            f"{attempt.actor_name or 'Somebody'} asked to bind {wallet}",
            f"From {attempt.terminal_type} {attempt.os_type}".strip(),
        )
    ]
    said = {
        AuthorizationEvent.CONSULT_ANSWERED: (f"The buyer was sent to {wallet} to agree", ""),
        AuthorizationEvent.CONSULT_FAILED: ("The acquirer refused to begin", "bad"),
        AuthorizationEvent.CODE_ARRIVED: ("The buyer agreed: the code came by {who}", ""),
        AuthorizationEvent.BUYER_REFUSED: ("The buyer refused", ""),
        AuthorizationEvent.SIGNING_FAILED: ("Signing failed in the wallet", "bad"),
        AuthorizationEvent.LAPSED: ("Nobody came back in time", ""),
        AuthorizationEvent.TOKEN_ISSUED: ("Bound: {who} brought the token", "good"),
        AuthorizationEvent.TOKEN_REFUSED: ("No token: {who} refused the code", "bad"),
    }
    for change in attempt.changes.all():
        sentence, tone = said[AuthorizationEvent(change.event)]
        has_result = change.event in (AuthorizationEvent.CONSULT_FAILED, AuthorizationEvent.TOKEN_REFUSED)
        result = f"{attempt.result_code} {attempt.result_message}".strip() if has_result else ""
        links = (
            (("Wallet account", page_of(attempt.wallet_account)),)
            if change.event == AuthorizationEvent.TOKEN_ISSUED
            else ()
        )
        entries.append(
            TimelineEntry(change.at, sentence.format(who=_heard(change)), change.note or result, tone, links)
        )
    return entries


def _wallet(wallet: WalletAccount) -> list[TimelineEntry]:
    attempts = wallet.authorizations.all()
    entries = [
        TimelineEntry(
            wallet.bound_at,
            f"Bound: {wallet.buyer} lets the shop debit {name_of(wallet.wallet)} {wallet.login_label}".strip(),
            "",
            "good",
            tuple((f"Authorization {attempt.public_id}", page_of(attempt)) for attempt in attempts[:3]),
        )
    ]
    said = {
        WalletEvent.REVOKE_SENT: ("Revoke promised: it is not debited any more", "wait"),
        WalletEvent.REVOKE_CONFIRMED: ("Revoked: {who} confirmed it", ""),
        WalletEvent.WALLET_ENDED: ("Ended in the wallet: {who} said so", ""),
        WalletEvent.NEWER_BINDING: ("Replaced by a newer binding of the same wallet", ""),
        WalletEvent.TOKEN_DIED: ("The consent died: the buyer must agree again", "bad"),
    }
    for change in wallet.changes.all():
        sentence, tone = said[WalletEvent(change.event)]
        entries.append(TimelineEntry(change.at, sentence.format(who=_heard(change)), change.note, tone))
    return entries


def today() -> list[TodayLine]:
    """One line for all consents that end soon and cannot be refreshed."""
    ending = ending_before(clock.now() + ENDING).filter(refresh_token="").order_by("access_token_expires_at")
    count = ending.count()
    if not count:
        return []
    words = "1 wallet account ends" if count == 1 else f"{count:,} wallet accounts end"
    return [
        TodayLine(
            label="Consents",
            tone="",
            sentence=f"{words} within {ENDING.days} days and cannot be refreshed",
            url=f"{reverse('admin:authorizations_walletaccount_changelist')}?ask=ending",
            action="Look",
            since=clock.now(),
        )
    ]


def search(text: str) -> list[tuple[str, str, str]]:
    """Attempts by authState or public id, wallets by masked account or public id, buyers by reference."""
    attempts = Authorization.objects.filter(Q(auth_state=text) | Q(public_id=text))
    wallets = WalletAccount.objects.filter(Q(login_label=text) | Q(public_id=text))
    buyers = Buyer.objects.filter(reference=text)
    return [
        *(
            ("Authorization", f"{attempt} · {attempt.get_status_display()}", page_of(attempt))
            for attempt in attempts[:_HITS_AT_MOST]
        ),
        *(
            ("Wallet account", f"{wallet} · {wallet.get_status_display()}", page_of(wallet))
            for wallet in wallets[:_HITS_AT_MOST]
        ),
        *(("Buyer", str(buyer), page_of(buyer)) for buyer in buyers[:_HITS_AT_MOST]),
    ]
