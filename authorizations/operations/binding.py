"""Binding a wallet: consult, the buyer's consent, one code, one token.

The code may come by the JSAPI callback, by the redirect page and by notification, in any order and more than once; it
is received once and exchanged by whoever holds the row's lease. A lost applyToken answer is asked for again with the
same code; when that is refused, the code is used up and the buyer must agree again, with nothing charged meanwhile.
"""

import json
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from authorizations import announcements, queries, schedule
from authorizations.errors import AuthorizationNotOpen, AuthStateMismatch, TerminalNotServed, WalletNotContracted
from authorizations.models import CODE_PURPOSE, Authorization, Buyer, WalletAccount
from authorizations.states import (
    AuthorizationEvent,
    AuthorizationStatus,
    Messenger,
    WalletEvent,
    WalletStatus,
)
from portal import catalogue, clock, due, registry
from portal.acquirer import ConsultRequest, Terminal, TerminalType
from portal.acquirer.results import ConsultResult, Outcome, Secret, TokenResult
from portal.acquirer.wallets import name_of
from portal.actor import Actor
from portal.catalogue import Wish, Withheld
from portal.encryption import blind_index
from portal.errors import TransitionNotAllowed
from portal.gateways import acquirer_for, keep, notification_url
from portal.models import AcquirerAccount

CANCELLED_BY_BUYER = "6001"
NETWORK_ERROR = "6002"
SIGNING_FAILED = "7002"
"""Codes of ``my.signContract``; 7001 and everything unknown mean "perhaps it worked", and move nothing.
https://miniprogram.alipay.com/docs-alipayconnect/miniprogram_alipayconnect/mpdev/api_openapi_signcontract"""

AUTHORIZATION_PLACE = "{authorization}"
"""Where a redirect URL wants the attempt's public id, which does not exist before the attempt does."""

AUTHORIZE_AGAIN = "The wallet's answer was lost and its code is used up. Authorize again; nothing was charged."


def begin(
    buyer: Buyer,
    wallet: str,
    *,
    terminal: Terminal,
    redirect_url: str,
    by: Actor,
    return_to: str = "",
    currency: str = "",
) -> Authorization | WalletAccount:
    """Ask where the buyer may agree; if the wallet is bound already, return that wallet instead and ask nobody.

    The account is the first of the buyer's places that has the wallet for this terminal and ``currency`` (empty: any).
    A wallet that is bound through a drained account is bound anew, and both go on.

    Raises WalletNotContracted, TerminalNotServed or AccountNotReady before anything is sent. The attempt returned is
    OFFERED, or FAILED when the acquirer refused or did not answer; a new attempt has a new authState.
    ``{authorization}`` in the redirect URL becomes the attempt's public id.
    Source: https://docs.antom.com/ac/ams/authconsult
    """
    account = account_for(buyer.account, wallet, terminal.terminal_type, currency)
    held = queries.active_wallet(buyer, wallet)
    if held is not None and not held.is_in_doubt and held.account.drained_at is None:
        return held
    acquirer = acquirer_for(account)
    expires_at = clock.now() + schedule.AUTHORIZATION_LIFETIME
    with transaction.atomic(durable=True):  # promise: authState is on disk
        authorization = Authorization(
            account=account,
            buyer=buyer,
            wallet=wallet,
            auth_state=clock.fresh_id("A"),
            terminal_type=terminal.terminal_type,
            os_type=terminal.os_type,
            return_to=return_to,
            expires_at=expires_at,
            due_at=expires_at,
        )
        authorization.by(by)
        authorization.save()
    result = acquirer.consult(  # wire
        ConsultRequest(
            auth_state=authorization.auth_state,
            wallet=wallet,
            redirect_url=redirect_url.replace(AUTHORIZATION_PLACE, authorization.public_id),
            notify_url=notification_url(account, "authorization"),
            terminal=terminal,
            merchant_reference=account.merchant_reference,
        )
    )
    return record_consult(authorization, result)  # record


def account_for(account: AcquirerAccount, wallet: str, terminal: str, currency: str = "") -> AcquirerAccount:
    """Through which account buyers of this one bind the wallet now. Raises WalletNotContracted or TerminalNotServed."""
    offer = catalogue.offer_of(account, wallet, Wish(terminal=terminal, currency=currency))
    if offer is None or offer.why not in (None, Withheld.TERMINAL_NOT_SERVED):
        raise WalletNotContracted(wallet=wallet)
    if offer.why is Withheld.TERMINAL_NOT_SERVED:
        raise TerminalNotServed(wallet=name_of(wallet), terminal=terminal)
    return offer.through


def record_consult(authorization: Authorization, result: ConsultResult) -> Authorization:
    """Write down what consult answered. An unknown answer ends the attempt: nothing is at stake, the next is new."""
    with transaction.atomic(durable=True):
        keep(authorization.account, result.exchange, subject=authorization.auth_state)
        facts = {"result_code": result.code[:64], "result_message": result.message[:256]}
        with suppress(TransitionNotAllowed):
            url = result.url_for(is_app=authorization.terminal_type == TerminalType.APP)
            if result.outcome is Outcome.SUCCESS and url:
                authorization.advance(
                    AuthorizationEvent.CONSULT_ANSWERED,
                    heard_from=Messenger.CONSULT_ANSWER,
                    auth_url=url,
                    links=json.dumps(result.links),
                    **facts,
                )
            else:
                authorization.advance(
                    AuthorizationEvent.CONSULT_FAILED, heard_from=Messenger.CONSULT_ANSWER, due_at=None, **facts
                )
    return authorization


def receive_code(
    authorization: Authorization, auth_code: Secret, *, heard_from: Messenger, exchange_after: timedelta
) -> Authorization:
    """Write a code down, once; the same code again changes nothing, another one for the same attempt is refused.

    ``exchange_after`` lets the worker wait for whoever exchanges it now, or may want to see the result. Raises
    AuthStateMismatch and AuthorizationNotOpen; nothing is sent here.
    """
    index = blind_index(auth_code.reveal(), CODE_PURPOSE)
    with transaction.atomic(durable=True):
        authorization.lock()
        if authorization.auth_code_index == index or authorization.status == AuthorizationStatus.BOUND:
            return authorization
        if authorization.auth_code_index:
            raise AuthStateMismatch
        if Authorization.objects.filter(account_id=authorization.account_id, auth_code_index=index).exists():
            raise AuthStateMismatch  # a code of another attempt: one buyer must not redeem what another agreed to
        try:
            authorization.advance(
                AuthorizationEvent.CODE_ARRIVED,
                heard_from=heard_from,
                auth_code=auth_code.reveal(),
                auth_code_index=index,
                due_at=clock.now() + exchange_after,
                lease_until=None,
                attempts=0,
            )
        except TransitionNotAllowed:
            raise AuthorizationNotOpen(status=authorization.get_status_display()) from None
    return authorization


def redeem(authorization: Authorization, auth_code: Secret, *, heard_from: Messenger) -> Authorization:
    """Receive a code and exchange it for a token, unless somebody else is already at it.

    Raises AuthStateMismatch or AuthorizationNotOpen before anything is sent. The attempt returned may still be
    CODE_RECEIVED; its result then comes by the worker or by notification.
    Source: https://docs.antom.com/ac/ams/accesstokenapp
    """
    # The worker comes when we have died: between the two steps it would take the exchange from whoever waits for it.
    receive_code(authorization, auth_code, heard_from=heard_from, exchange_after=schedule.WIRE_GRACE)
    if authorization.status == AuthorizationStatus.CODE_RECEIVED:
        return ask_token(authorization)
    return authorization


def ask_token(authorization: Authorization, *, is_leased: bool = False) -> Authorization:
    """Exchange the received code: the first time, or again with the same code while the answer is unknown.

    The worker holds the row's lease already (``is_leased``); everybody else takes it here, or leaves the row alone.
    """
    acquirer = acquirer_for(authorization.account)
    at = clock.now()
    free = Q() if is_leased else Q(lease_until__isnull=True) | Q(lease_until__lt=at)
    with transaction.atomic(durable=True):  # promise: this call holds the row, and counts
        held = Authorization.objects.filter(free, pk=authorization.pk, status=AuthorizationStatus.CODE_RECEIVED).update(
            lease_until=at + due.LEASE, due_at=at + schedule.WIRE_GRACE, codes_sent=F("codes_sent") + 1
        )
        authorization.refresh_from_db()
    if not held:
        return authorization
    result = acquirer.apply_token(wallet=authorization.wallet, auth_code=Secret(authorization.auth_code))  # wire
    return record_token(authorization, result, heard_from=Messenger.TOKEN_ANSWER)  # record


def record_token(authorization: Authorization, result: TokenResult, *, heard_from: Messenger) -> Authorization:
    """Write down what is known of the token, from the answer or from a notification. Safe to repeat, in any order."""
    with transaction.atomic(durable=True):
        keep(authorization.account, result.exchange, subject=authorization.auth_state)
        # One buyer's bindings are recorded one after the other: the newest replaces, never two at once.
        authorization.buyer = Buyer.objects.select_for_update(no_key=True).get(pk=authorization.buyer_id)
        authorization.lock()
        facts = {"result_code": result.code[:64], "result_message": result.message[:256]}
        if result.outcome is Outcome.SUCCESS and result.access_token is not None:
            _bind(authorization, result, heard_from=heard_from, facts=facts)
        elif result.outcome is Outcome.FAIL:
            _refuse(authorization, heard_from=heard_from, facts=facts)
        elif authorization.status == AuthorizationStatus.CODE_RECEIVED:
            _wait(authorization, heard_from=heard_from, facts=facts)
    return authorization


def _bind(authorization: Authorization, result: TokenResult, *, heard_from: Messenger, facts: dict[str, str]) -> None:
    if authorization.status == AuthorizationStatus.BOUND or result.access_token is None:
        return
    note = ""
    wallet_account = queries.wallet_of_token(authorization.account, result.access_token)
    if wallet_account is not None and wallet_account.buyer_id != authorization.buyer_id:
        raise AuthStateMismatch  # the acquirer never gives two buyers one token
    if wallet_account is None:
        wallet = result.wallet or authorization.wallet  # where the buyer chose it at the acquirer, it is that one
        # A dead one gives way wherever it was bound: its buyer has agreed again, as they were asked to.
        is_replaced = Q(status=WalletStatus.NEEDS_AUTHORIZATION) | Q(
            status=WalletStatus.ACTIVE, account_id=authorization.account_id
        )
        here = WalletAccount.objects.filter(is_replaced, buyer_id=authorization.buyer_id, wallet=wallet)
        since = WalletAccount.objects.filter(
            account_id=authorization.account_id,
            buyer_id=authorization.buyer_id,
            wallet=wallet,
            bound_at__gt=authorization.created_at,
        ).exclude(status=WalletStatus.REPLACED)
        newer = next((one for one in since if _was_issued_later(one, authorization, result)), None)
        older = [] if newer else list(here)
        for replaced in older:
            replaced.advance(WalletEvent.NEWER_BINDING, heard_from=heard_from, ended_at=clock.now(), due_at=None)
        wallet_account = WalletAccount(
            account_id=authorization.account_id,
            buyer=authorization.buyer,
            wallet=wallet,
            access_token_expires_at=result.access_token_expires_at,
            refresh_token=result.refresh_token.reveal() if result.refresh_token else "",
            refresh_token_expires_at=result.refresh_token_expires_at,
            login_label=result.user_login_id[:64],
            user_id=result.user_id,
            due_at=schedule.refresh_due(
                expires_at=result.access_token_expires_at,
                can_refresh=result.refresh_token is not None,
                before_days=acquirer_for(authorization.account).capabilities.refresh_before_days,
            ),
        )
        if newer:  # kept, so that whatever is said of this token is understood
            wallet_account.status, wallet_account.ended_at = WalletStatus.REPLACED, clock.now()
            wallet_account.due_at = None
            note = "A newer binding has taken its place."
        wallet_account.set_token(result.access_token.reveal())
        wallet_account.save()
        if not newer:
            for follow in registry.rebindings:
                follow(older, wallet_account)
            announcements.wallet_bound(wallet_account, replaces=older)
    authorization.advance(
        AuthorizationEvent.TOKEN_ISSUED,
        heard_from=heard_from,
        note=note,
        wallet_account=wallet_account,
        auth_code="",  # used up
        auth_url="",
        links="",
        due_at=None,
        lease_until=None,
        **facts,
    )


def _was_issued_later(held: WalletAccount, authorization: Authorization, result: TokenResult) -> bool:
    """Whether a binding made since the attempt began came after this token, of which we hear only now.

    An attempt whose answer was lost may be told of long after: by a message that is sent again and again, or by the
    answer to a code that was. Meanwhile the buyer has agreed once more, or even ended that again. A code that came
    after the binding was made is of later; else the token that expires first was issued first.
    """
    codes = authorization.changes.filter(target=AuthorizationStatus.CODE_RECEIVED).order_by("pk")
    came_at = codes.values_list("at", flat=True).first()
    if came_at is not None and came_at > held.bound_at:
        return False
    ends, held_until = result.access_token_expires_at, held.access_token_expires_at
    if ends is None or held_until is None or ends == held_until:
        return came_at is not None
    return held_until > ends


def _refuse(authorization: Authorization, *, heard_from: Messenger, facts: dict[str, str]) -> None:
    note = AUTHORIZE_AGAIN if authorization.codes_sent > 1 else ""
    with suppress(TransitionNotAllowed):
        authorization.advance(
            AuthorizationEvent.TOKEN_REFUSED,
            heard_from=heard_from,
            note=note,
            auth_code="",
            auth_url="",
            links="",
            due_at=None,
            lease_until=None,
            **facts,
        )


def _wait(authorization: Authorization, *, heard_from: Messenger, facts: dict[str, str]) -> None:
    next_try = schedule.after(schedule.EXCHANGE_LADDER, authorization.attempts)
    if next_try is None:
        _refuse(authorization, heard_from=Messenger.CLOCK, facts=facts)
        return
    Authorization.objects.filter(pk=authorization.pk).update(
        due_at=next_try, lease_until=None, attempts=F("attempts") + 1, **facts
    )
    authorization.refresh_from_db()


def report_failure(authorization: Authorization, error: str, *, by: Actor) -> Authorization:
    """Write down what the mini program's ``my.signContract`` reported: cancelled, failed, or nothing certain."""
    event = {
        CANCELLED_BY_BUYER: AuthorizationEvent.BUYER_REFUSED,
        NETWORK_ERROR: AuthorizationEvent.SIGNING_FAILED,
        SIGNING_FAILED: AuthorizationEvent.SIGNING_FAILED,
    }.get(error)
    if event is None:
        return authorization
    with transaction.atomic(durable=True), suppress(TransitionNotAllowed):
        authorization.lock()
        if authorization.status == AuthorizationStatus.OFFERED:
            authorization.advance(
                event, heard_from=Messenger.BUYER, note=f"{by}: {error}", due_at=None, result_code=error
            )
    return authorization


def lapse(authorization: Authorization) -> Authorization:
    """End an attempt nobody came back from. A code that arrives later still counts."""
    with transaction.atomic(durable=True), suppress(TransitionNotAllowed):
        authorization.lock()
        if authorization.status in (AuthorizationStatus.STARTED, AuthorizationStatus.OFFERED):
            authorization.advance(AuthorizationEvent.LAPSED, heard_from=Messenger.CLOCK, due_at=None, lease_until=None)
    return authorization
