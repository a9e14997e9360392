"""What a notifyAuthorization changes. The wire is not used here: a code is written down, the worker exchanges it."""

from collections.abc import Callable

from authorizations import operations, queries, schedule
from authorizations.errors import AuthorizationNotOpen, AuthStateMismatch
from authorizations.models import Authorization
from authorizations.states import Messenger
from portal.acquirer.results import AuthorizationEventKind, AuthorizationMessage
from portal.models import AcquirerAccount


def apply(account: AcquirerAccount, message: AuthorizationMessage, done: Callable[[], None]) -> bool:
    """Apply a verified message. False when it speaks of an attempt or a token that is not known here (yet).

    It repeats harmlessly, so its being ``done`` is left to be noted afterwards.

    Source: https://docs.antom.com/ac/ams/notifyauth
    """
    if message.kind is AuthorizationEventKind.TOKEN_CANCELED:
        return _token_canceled(account, message)
    authorization = Authorization.objects.filter(account=account, auth_state=message.auth_state).first()
    if authorization is None:
        return False
    if message.kind is AuthorizationEventKind.TOKEN_CREATED and message.token is not None:
        operations.record_token(authorization, message.token, heard_from=Messenger.NOTIFICATION)
        return True
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


def _token_canceled(account: AcquirerAccount, message: AuthorizationMessage) -> bool:
    if message.access_token is None:
        return False
    wallet_account = queries.wallet_of_token(account, message.access_token)
    if wallet_account is None:
        return False
    operations.wallet_ended(wallet_account, reason=message.reason, heard_from=Messenger.NOTIFICATION)
    return True
