"""What a notifyAuthorization changes. The wire is not used here: a code is written down, the worker exchanges it."""

from collections.abc import Callable

from authorizations import operations, queries, schedule
from authorizations.errors import AuthorizationNotOpen, AuthStateMismatch
from authorizations.models import Authorization, WalletAccount
from authorizations.states import Messenger, WalletStatus
from portal import journal, registry
from portal.acquirer import Unbinding
from portal.acquirer.results import AuthorizationEventKind, AuthorizationMessage, TokenResult, UnbindingQuestion
from portal.actor import Actor
from portal.gateways import acquirer_for
from portal.models import AcquirerAccount
from portal.words import in_english


def apply(account: AcquirerAccount, message: AuthorizationMessage, done: Callable[[], None]) -> bool:
    """Apply a verified message. False when it speaks of an attempt or a token that is not known here (yet).

    It repeats harmlessly, so its being ``done`` is left to be noted afterwards.

    Source: https://docs.antom.com/ac/ams/notifyauth
    """
    if message.kind is AuthorizationEventKind.TOKEN_CANCELED:
        return _token_canceled(account, message)
    authorization = None
    if message.auth_state:
        authorization = Authorization.objects.filter(account=account, auth_state=message.auth_state).first()
    if message.kind is AuthorizationEventKind.TOKEN_CREATED and message.token is not None:
        return _token_created(account, authorization, message.token)
    if authorization is None:
        return False
    if message.auth_code is None:
        return False
    try:
        operations.receive_code(
            authorization,
            message.auth_code,
            heard_from=Messenger.NOTIFICATION,
            exchange_after=schedule.NOTIFIED_CODE_GRACE,
        )
    except (AuthStateMismatch, AuthorizationNotOpen):
        # The attempt was decided by another code or is over: this message has nothing left to change.
        return True
    return True


def _token_created(account: AcquirerAccount, authorization: Authorization | None, token: TokenResult) -> bool:
    """A token that came by notification: of an attempt, of a refresh whose answer was lost, or known already."""
    if authorization is None:
        return token.access_token is not None and queries.wallet_of_token(account, token.access_token) is not None
    wallet_account = authorization.wallet_account
    if wallet_account is None:
        operations.record_token(authorization, token, heard_from=Messenger.NOTIFICATION)
        return True
    if wallet_account.refreshes_sent and _is_newer(token, wallet_account):
        operations.record_refresh(wallet_account, token)
    return True


def _is_newer(token: TokenResult, wallet_account: WalletAccount) -> bool:
    """Whether it is the pair that follows the present one, not an older one that was long under way."""
    held, told = wallet_account.access_token_expires_at, token.access_token_expires_at
    return held is not None and told is not None and told > held


def answer_unbinding(account: AcquirerAccount, question: UnbindingQuestion) -> bool:
    """Whether a wallet that asks may let its buyer end the agreement there. What stops with it goes into the journal.

    About a token that is not bound here nothing stands against it.
    Source: https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_ns/consult_unbinding
    """
    wallet_account = queries.wallet_of_token(account, question.access_token)
    if wallet_account is None or wallet_account.status != WalletStatus.ACTIVE:
        return True
    with in_english():
        stops = [sentence for named in registry.consents for sentence in named(wallet_account)]
    match acquirer_for(account).capabilities.unbinding:
        case Unbinding.ALWAYS:
            is_allowed = True
        case Unbinding.UNLESS_CHARGED:
            is_allowed = not stops
        case Unbinding.NEVER:
            is_allowed = False
    journal.write(
        "asked before unbinding",
        by=Actor.acquirer(),
        subject=wallet_account,
        note=" ".join(stops)[:256],
        outcome="allowed" if is_allowed else "refused",
    )
    return is_allowed


def keep_question(account: AcquirerAccount, question: UnbindingQuestion, done: Callable[[], None]) -> bool:
    """A question changes nothing: it is answered at the door, and nothing of it is left to do."""
    return True


def _token_canceled(account: AcquirerAccount, message: AuthorizationMessage) -> bool:
    if message.access_token is None:
        return False
    wallet_account = queries.wallet_of_token(account, message.access_token)
    if wallet_account is None:
        return False
    operations.wallet_ended(wallet_account, reason=message.reason, heard_from=Messenger.NOTIFICATION)
    return True
