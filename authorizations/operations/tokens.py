"""The life of a token after binding: refresh before it dies, revoke from either side, doubt and death at pay."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from authorizations import announcements, schedule
from authorizations.errors import WalletNotActive
from authorizations.models import TOKEN_PURPOSE, WalletAccount
from authorizations.operations.losses import REFRESH_REFUSED, lost
from authorizations.states import Messenger, RefreshResult, WalletEvent, WalletStatus
from portal import approvals, clock, due, incidents, journal, registry
from portal.acquirer.results import Advice, Outcome, RevokeResult, Secret, TokenResult
from portal.acquirer.wallets import name_of
from portal.actor import Actor, ActorKind
from portal.encryption import blind_index
from portal.errors import TransitionNotAllowed
from portal.gateways import acquirer_for, keep
from portal.idempotency import Remember

REVOKE = "revoke"
"""Ending a binding, as a kind of ``portal.approvals``."""
REVOKE_REFUSED = "REVOKE_REFUSED"


def revoke(
    wallet_account: WalletAccount,
    *,
    by: Actor,
    reason_code: str = "",
    note: str = "",
    remember: Remember | None = None,
) -> WalletAccount:
    """End a binding from our side. From the promise on the wallet is not debited, whatever the acquirer answers.

    Returns REVOKED, or REVOKING while the answer is unknown. A wallet that is revoked already is returned as it is.
    Raises WalletNotActive for a replaced wallet, before anything is sent.
    Source: https://docs.antom.com/ac/ams/authrevocation
    """
    acquirer_for(wallet_account.account)  # refuses here, before the promise
    at = clock.now()
    with transaction.atomic(durable=True):  # promise
        wallet_account.lock()
        if wallet_account.status == WalletStatus.REVOKED:
            if remember:
                remember(wallet_account)
            return wallet_account
        if wallet_account.status != WalletStatus.REVOKING:
            approvals.permit(
                REVOKE,
                "revoke",
                by=by,
                subject=wallet_account,
                account=wallet_account.account,
                params={"wallet": wallet_account.wallet, "buyer": wallet_account.buyer.reference},
                sentence=f"The {name_of(wallet_account.wallet)} wallet of {wallet_account.buyer} is unbound.",
                reason_code=reason_code,
                note=note,
            )
            try:
                wallet_account.advance(
                    WalletEvent.REVOKE_SENT,
                    heard_from=Messenger.US,
                    note=": ".join(part for part in (f"By {by}", reason_code.replace("_", " ").lower(), note) if part),
                    end_reason=(note or reason_code)[:256],
                    attempts=0,
                    revokes_sent=0,
                    # A lease stays: a refresh on its way brings a newer token, and that is the one to end.
                    due_at=at + schedule.WIRE_GRACE,  # sent right below; the worker comes when we have died
                )
            except TransitionNotAllowed:
                raise WalletNotActive(status=wallet_account.get_status_display()) from None
            _stop_what_hangs_on(wallet_account)
        if by.kind is ActorKind.PERSON:
            journal.write("revoke", by=by, subject=wallet_account, reason_code=reason_code, note=note)
        if remember:
            remember(wallet_account)
    return ask_revoke(wallet_account)


def ask_revoke(wallet_account: WalletAccount, *, is_leased: bool = False) -> WalletAccount:
    """Send the promised revoke: the first time, or again, which is the documented retry."""
    acquirer = acquirer_for(wallet_account.account)
    at = clock.now()
    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)
    with transaction.atomic(durable=True):
        held = WalletAccount.objects.filter(free, pk=wallet_account.pk, status=WalletStatus.REVOKING).update(
            lease_until=at + due.LEASE, due_at=at + schedule.WIRE_GRACE, revokes_sent=F("revokes_sent") + 1
        )
        wallet_account.refresh_from_db()
    if not held:
        return wallet_account
    result = acquirer.revoke(access_token=Secret(wallet_account.access_token))  # wire
    return record_revoke(wallet_account, result)


def record_revoke(wallet_account: WalletAccount, result: RevokeResult) -> WalletAccount:
    """Write down what revoke answered. A refusal leaves the wallet REVOKING, undebited, with an incident."""
    with transaction.atomic(durable=True):
        keep(wallet_account.account, result.exchange, subject=wallet_subject(wallet_account))
        wallet_account.lock()
        if wallet_account.status != WalletStatus.REVOKING:
            return wallet_account
        if result.outcome is Outcome.SUCCESS:
            _end(wallet_account, WalletEvent.REVOKE_CONFIRMED, heard_from=Messenger.REVOKE_ANSWER)
            if result.already_dead and wallet_account.refreshes_sent:
                incidents.raise_incident(
                    REVOKE_REFUSED,
                    f"{wallet_account} was refreshed without an answer, then revoked: a newer token may still live.",
                    subject=wallet_account,
                    detail="It is not debited any more. Ask the acquirer's support to end the buyer's agreement.",
                )
            return wallet_account
        next_try: datetime | None = None
        if result.outcome is Outcome.UNKNOWN:
            next_try = schedule.after(schedule.REVOKE_LADDER, wallet_account.attempts)
        WalletAccount.objects.filter(pk=wallet_account.pk).update(
            due_at=next_try, lease_until=None, attempts=F("attempts") + 1
        )
        wallet_account.refresh_from_db()
        if next_try is None:
            incidents.raise_incident(
                REVOKE_REFUSED,
                f"The acquirer did not confirm the end of {wallet_account}: {result.code or 'no answer'}.",
                subject=wallet_account,
                detail="It is not debited any more. Revoke it again, or ask the acquirer's support.",
            )
    return wallet_account


def wallet_ended(wallet_account: WalletAccount, *, reason: str, heard_from: Messenger) -> WalletAccount:
    """Write down that the buyer ended the binding in the wallet. The same news twice is the same."""
    with transaction.atomic(durable=True), suppress(TransitionNotAllowed):
        wallet_account.lock()
        was_active = wallet_account.status == WalletStatus.ACTIVE
        _end(wallet_account, WalletEvent.WALLET_ENDED, heard_from=heard_from, reason=reason)
        if was_active:
            lost(wallet_account)
    return wallet_account


def _end(wallet_account: WalletAccount, event: WalletEvent, *, heard_from: Messenger, reason: str = "") -> None:
    facts: dict[str, Any] = {"end_reason": reason[:256]} if reason else {}
    wallet_account.advance(
        event,
        heard_from=heard_from,
        note=reason,
        ended_at=clock.now(),
        access_token="",  # dead: only its index stays, for late messages about it
        refresh_token="",
        due_at=None,
        lease_until=None,
        **facts,
    )
    _stop_what_hangs_on(wallet_account)
    announcements.wallet_revoked(wallet_account)
    incidents.settle(REVOKE_REFUSED, subject=wallet_account, by=Actor.acquirer(), resolution="The binding has ended.")
    incidents.settle(REFRESH_REFUSED, subject=wallet_account, by=Actor.acquirer(), resolution="The binding has ended.")


def _stop_what_hangs_on(wallet_account: WalletAccount) -> None:
    for stop in registry.endings:
        stop(wallet_account)


def refresh(wallet_account: WalletAccount, *, is_leased: bool = False) -> WalletAccount:
    """Exchange the refresh token for a new pair, which replaces both old tokens at once.

    One at a time per wallet. An unknown answer is repeated with the same refresh token.
    Source: https://docs.antom.com/ac/autodebitpay/refresh_accesstoken
    """
    acquirer = acquirer_for(wallet_account.account)
    at = clock.now()
    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)
    with transaction.atomic(durable=True):  # promise: counted before it is sent
        held = (
            WalletAccount.objects.filter(free, pk=wallet_account.pk, status=WalletStatus.ACTIVE)
            .exclude(refresh_token="")
            .update(
                lease_until=at + due.LEASE,
                due_at=at + schedule.WIRE_GRACE,
                refreshes_sent=F("refreshes_sent") + 1,
                refresh_sent_at=at,
                refresh_result=RefreshResult.UNKNOWN,
                refresh_code="",
            )
        )
        wallet_account.refresh_from_db()
    if not held:
        return wallet_account
    result = acquirer.refresh_token(wallet=wallet_account.wallet, refresh_token=Secret(wallet_account.refresh_token))
    return record_refresh(wallet_account, result)


def record_refresh(wallet_account: WalletAccount, result: TokenResult) -> WalletAccount:
    """Write down what the refresh answered. The new pair replaces the old one in one statement."""
    old_index = wallet_account.access_token_index
    with transaction.atomic(durable=True):
        keep(wallet_account.account, result.exchange, subject=wallet_subject(wallet_account))
        wallet_account.lock()
        if wallet_account.access_token_index != old_index:
            return wallet_account
        if wallet_account.status == WalletStatus.REVOKING:
            _refreshed_while_revoking(wallet_account, result)
        elif wallet_account.status != WalletStatus.ACTIVE:
            return wallet_account
        elif result.outcome is Outcome.SUCCESS and result.access_token is not None:
            _replace_tokens(wallet_account, result)
        elif result.outcome is Outcome.FAIL:
            _refresh_refused(wallet_account, result)
        else:
            _refresh_again(wallet_account, result)
    return wallet_account


def _refreshed_while_revoking(wallet_account: WalletAccount, result: TokenResult) -> None:
    """The revoke waited for this answer: it ends whichever token lives now."""
    if result.outcome is Outcome.SUCCESS and result.access_token is not None:
        _replace_tokens(wallet_account, result)
    WalletAccount.objects.filter(pk=wallet_account.pk).update(due_at=clock.now(), lease_until=None)
    wallet_account.refresh_from_db()


def _replace_tokens(wallet_account: WalletAccount, result: TokenResult) -> None:
    assert result.access_token is not None  # noqa: S101 - narrowed by the caller
    # A refresh answer without a new refresh token keeps the one that worked: some wallets do not rotate it.
    refresh_token = result.refresh_token.reveal() if result.refresh_token else wallet_account.refresh_token
    expires_at = result.access_token_expires_at
    WalletAccount.objects.filter(pk=wallet_account.pk).update(
        access_token=result.access_token.reveal(),
        access_token_index=blind_index(result.access_token.reveal(), TOKEN_PURPOSE),
        access_token_expires_at=expires_at,
        refresh_token=refresh_token,
        refresh_token_expires_at=result.refresh_token_expires_at or wallet_account.refresh_token_expires_at,
        refreshes_sent=0,
        refresh_result=RefreshResult.SUCCEEDED,
        refresh_code=result.code[:64],
        refreshed_at=clock.now(),
        lost_at=None,
        attempts=0,
        lease_until=None,
        due_at=schedule.refresh_due(
            expires_at=expires_at,
            can_refresh=bool(refresh_token),
            before_days=acquirer_for(wallet_account.account).capabilities.refresh_before_days,
        ),
    )
    wallet_account.refresh_from_db()
    incidents.settle(REFRESH_REFUSED, subject=wallet_account, by=Actor.clock(), resolution="Refreshed.")


def _refresh_refused(wallet_account: WalletAccount, result: TokenResult) -> None:
    expires_at = wallet_account.access_token_expires_at
    is_alive = expires_at is not None and expires_at > clock.now()
    is_about_the_token = result.advice is Advice.REAUTHORIZE
    was_lost = wallet_account.refreshes_sent > 1 and is_about_the_token
    said = {"refresh_result": RefreshResult.REFUSED, "refresh_code": result.code[:64]}
    WalletAccount.objects.filter(pk=wallet_account.pk).update(**said)
    if was_lost or wallet_account.doubted_at is not None or not is_alive:
        # A repeated refresh whose token is refused means that the lost first one worked: both old tokens are dead.
        _die(wallet_account, f"The token could not be refreshed: {result.code}.", heard_from=Messenger.REFRESH_ANSWER)
        return
    WalletAccount.objects.filter(pk=wallet_account.pk).update(due_at=expires_at, lease_until=None)
    wallet_account.refresh_from_db()
    lost(
        wallet_account,
        alone=lambda: incidents.raise_incident(
            REFRESH_REFUSED,
            f"{wallet_account} cannot be refreshed: {result.code}. It ends {expires_at:%d %b %Y}.",
            subject=wallet_account,
            detail="It can be debited until then. Ask the buyer to authorize again before that day.",
        ),
    )


def _refresh_again(wallet_account: WalletAccount, result: TokenResult) -> None:
    next_try = schedule.after(schedule.REFRESH_LADDER, wallet_account.attempts)
    never_left = 0 if result.may_have_arrived else 1
    if next_try is None:
        next_try = clock.now() + schedule.REFRESH_LADDER[-1]
        lost(
            wallet_account,
            alone=lambda: incidents.raise_incident(
                REFRESH_REFUSED,
                f"{wallet_account} could not be refreshed for two days: {result.code or 'no answer'}.",
                subject=wallet_account,
            ),
        )
    WalletAccount.objects.filter(pk=wallet_account.pk).update(
        due_at=next_try,
        lease_until=None,
        attempts=F("attempts") + 1,
        refreshes_sent=F("refreshes_sent") - never_left,
        refresh_code=result.code[:64],
    )
    wallet_account.refresh_from_db()


def token_refused(wallet_account: WalletAccount, token_index: str) -> WalletAccount:
    """pay said that the token is invalid. The current one is refreshed once where that is possible; else it is dead.

    ``token_index`` is the blind index of the token that was sent; an older token's refusal says nothing of this one,
    and one more refusal nothing new while the refresh is under way. Joins the caller's transaction.
    """
    with transaction.atomic(), suppress(TransitionNotAllowed):
        wallet_account.lock()
        if wallet_account.status != WalletStatus.ACTIVE or wallet_account.access_token_index != token_index:
            return wallet_account
        if wallet_account.is_in_doubt:
            return wallet_account
        if wallet_account.refresh_token and wallet_account.doubted_at is None:
            at = clock.now()
            WalletAccount.objects.filter(pk=wallet_account.pk, access_token_index=token_index).update(
                doubted_at=at, due_at=at
            )
            wallet_account.refresh_from_db()
        else:
            _die(wallet_account, "The acquirer refused the token.", heard_from=Messenger.PAY_ANSWER)
    return wallet_account


def token_worked(wallet_account: WalletAccount, token_index: str) -> None:
    """A payment went through with this token: whatever was in doubt about it is settled."""
    WalletAccount.objects.filter(pk=wallet_account.pk, access_token_index=token_index, doubted_at__isnull=False).update(
        doubted_at=None
    )


def expire(wallet_account: WalletAccount) -> WalletAccount:
    """Write down that the token has outlived its time."""
    with transaction.atomic(durable=True), suppress(TransitionNotAllowed):
        wallet_account.lock()
        expires_at = wallet_account.access_token_expires_at
        if wallet_account.status == WalletStatus.ACTIVE and expires_at is not None and expires_at <= clock.now():
            _die(wallet_account, "The token has expired.", heard_from=Messenger.CLOCK)
    return wallet_account


def _die(wallet_account: WalletAccount, why: str, *, heard_from: Messenger) -> None:
    wallet_account.advance(
        WalletEvent.TOKEN_DIED,
        heard_from=heard_from,
        note=why,
        end_reason=why[:256],
        needs_since=clock.now(),
        due_at=None,
        lease_until=None,
    )
    announcements.wallet_needs_authorization(wallet_account)
    if heard_from != Messenger.CLOCK:
        lost(wallet_account)


def wallet_subject(wallet_account: WalletAccount) -> str:
    """The id under which exchanges about a bound wallet are kept: there is none on the wire but the token itself."""
    return f"wallet-{wallet_account.pk}"
