"""What authorizations tell the desk: the stories of wallets and attempts, the queue's line, the search. Reads only."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField
from django.urls import reverse

from authorizations.models import Authorization, Buyer, WalletAccount, secrets_of
from authorizations.queries import ending_before
from authorizations.states import AuthorizationEvent, Messenger, WalletEvent, WalletStatus
from portal import clock, gather
from portal.acquirer.wallets import name_of
from portal.admin.display import page_of
from portal.models.stateful import Change
from portal.registry import COUNTED_AT_MOST, Found, Searched, TimelineEntry, TodayLine, TodayQueue
from portal.statements import Given
from portal.words import lazy, say, told

ENDING = timedelta(days=10)
"""Consents that end sooner and cannot be refreshed: the buyer must be asked to agree again."""
_COUNTED_AT_MOST = 1000


def bound_with(method: Any) -> tuple[str, int]:
    """How many buyers have bound a payment method."""
    rows = WalletAccount.objects.filter(account=method.account_id, wallet=method.code, status=WalletStatus.ACTIVE)
    return say("Bound wallets"), rows.order_by().values("pk")[: COUNTED_AT_MOST + 1].count()


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
    known = change.heard_from in Messenger.values
    return told(Messenger(change.heard_from).label if known else change.heard_from.lower(), is_ours=True)


def _attempt(attempt: Authorization) -> list[TimelineEntry]:
    wallet = name_of(attempt.wallet)
    entries = [
        TimelineEntry(
            attempt.created_at,
            say("{actor_name} asked to bind {wallet}", actor_name=attempt.actor_name or say("Somebody"), wallet=wallet),
            say("From {terminal_type} {os_type}", terminal_type=attempt.terminal_type, os_type=attempt.os_type).strip(),
        )
    ]
    said = {
        AuthorizationEvent.CONSULT_ANSWERED: (say("The buyer was sent to {wallet} to agree", wallet=wallet), ""),
        AuthorizationEvent.CONSULT_FAILED: (say("The acquirer refused to begin"), "bad"),
        AuthorizationEvent.CODE_ARRIVED: (say("The buyer agreed: the code came by {who}"), ""),
        AuthorizationEvent.BUYER_REFUSED: (say("The buyer refused"), ""),
        AuthorizationEvent.SIGNING_FAILED: (say("Signing failed in the wallet"), "bad"),
        AuthorizationEvent.LAPSED: (say("Nobody came back in time"), ""),
        AuthorizationEvent.TOKEN_ISSUED: (say("Bound: {who} brought the token"), "good"),
        AuthorizationEvent.TOKEN_REFUSED: (say("No token: {who} refused the code"), "bad"),
    }
    for change in attempt.changes.all():
        sentence, tone = said[AuthorizationEvent(change.event)]
        has_result = change.event in (AuthorizationEvent.CONSULT_FAILED, AuthorizationEvent.TOKEN_REFUSED)
        result = f"{attempt.result_code} {attempt.result_message}".strip() if has_result else ""
        links = (
            ((say("Wallet account"), page_of(attempt.wallet_account)),)
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
            say(
                "Bound: {buyer} lets the shop debit {name_of} {login_label}",
                buyer=wallet.buyer,
                name_of=name_of(wallet.wallet),
                login_label=wallet.login_label,
            ).strip(),
            "",
            "good",
            tuple(
                (say("Authorization {public_id}", public_id=attempt.public_id), page_of(attempt))
                for attempt in attempts[:3]
            ),
        )
    ]
    said = {
        WalletEvent.REVOKE_SENT: (say("Revoke promised: it is not debited any more"), "wait"),
        WalletEvent.REVOKE_CONFIRMED: (say("Revoked: {who} confirmed it"), ""),
        WalletEvent.WALLET_ENDED: (say("Ended in the wallet: {who} said so"), ""),
        WalletEvent.NEWER_BINDING: (say("Replaced by a newer binding of the same wallet"), ""),
        WalletEvent.TOKEN_DIED: (say("The consent died: the buyer must agree again"), "bad"),
    }
    for change in wallet.changes.all():
        sentence, tone = said[WalletEvent(change.event)]
        entries.append(TimelineEntry(change.at, sentence.format(who=_heard(change)), change.note, tone))
    return entries


_ENDING = gather.Standing(
    lambda: ending_before(Given("moment", DateTimeField())).filter(refresh_token=""),
    lambda: {"moment": clock.now() + ENDING},
)


def _today(rows: Sequence[Any]) -> list[TodayLine]:
    """One line for all consents that end soon and cannot be refreshed."""
    count = len(rows)
    words = say("1 wallet account ends") if count == 1 else say("{count:,} wallet accounts end", count=count)
    return [
        TodayLine(
            label=say("Consents"),
            tone="",
            sentence=say(
                "{ending}{words} within {days} days and cannot be refreshed",
                ending=say("More than ") if count == _COUNTED_AT_MOST else "",
                words=words,
                days=ENDING.days,
            ),
            url=f"{reverse('admin:authorizations_consent_changelist')}?ask=to_ask&days={ENDING.days}",
            action=say("Look"),
            since=clock.now(),
        )
    ]


TODAY = TodayQueue(
    "authorizations.view_walletaccount",
    [gather.Standing(lambda: _ENDING.make()[:1], _ENDING.given)],
    gather.Standing(lambda: _ENDING.make().values("pk")[:_COUNTED_AT_MOST], _ENDING.given),
    _today,
)
"""Consents that end soon and cannot be refreshed, as the first page asks for them."""


def _attempts(keys: Sequence[Any]) -> list[Found]:
    rows = Authorization.objects.filter(pk__in=keys).select_related("buyer").defer("auth_url", "links", "auth_code")
    return [
        Found(
            label=row.auth_state,
            url=page_of(row),
            state=row.get_status_display(),
            at=row.created_at,
            detail=say("{name_of} for {buyer}", name_of=name_of(row.wallet), buyer=row.buyer),
        )
        for row in rows
    ]


def _wallets(keys: Sequence[Any]) -> list[Found]:
    rows = WalletAccount.objects.filter(pk__in=keys).select_related("buyer").defer(*secrets_of())
    return [
        Found(
            label=f"{name_of(row.wallet)} {row.login_label}".strip(),
            url=page_of(row),
            state=row.get_status_display(),
            tone="good" if row.status == WalletStatus.ACTIVE else "",
            at=row.bound_at,
            detail=say("of {buyer}", buyer=row.buyer),
        )
        for row in rows
    ]


def _buyers(keys: Sequence[Any]) -> list[Found]:
    rows = Buyer.objects.filter(pk__in=keys).select_related("account").order_by("-created_at")
    return [
        Found(label=row.reference, url=page_of(row), at=row.created_at, detail=say("of {account}", account=row.account))
        for row in rows
    ]


SEARCHED = {
    "wallets": Searched(
        kind=lazy("Wallet accounts"),
        model=WalletAccount,
        show=_wallets,
        own=("public_id",),
        mentions=("login_label",),
        prefixes=("login_label",),
    ),
    "authorizations": Searched(
        kind=lazy("Authorizations"),
        model=Authorization,
        show=_attempts,
        own=("auth_state", "public_id"),
        prefixes=("auth_state",),
    ),
    "buyers": Searched(
        kind=lazy("Buyers"), model=Buyer, show=_buyers, mentions=("reference",), prefixes=("reference",)
    ),
}
