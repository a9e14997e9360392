"""What the clock starts: exchange codes, let attempts lapse, refresh and revoke tokens. Safe to run twice at once."""

from authorizations import operations, queries
from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from portal import clock, due


def work_authorization(pk: int) -> str:
    """Act on a due attempt: repeat applyToken, or let it lapse."""
    authorization = Authorization.objects.select_related("account", "buyer").get(pk=pk)
    if authorization.status == AuthorizationStatus.CODE_RECEIVED:
        operations.ask_token(authorization, is_leased=True)
    elif authorization.expires_at <= clock.now():
        operations.lapse(authorization)
    else:
        due.hold(authorization, due_at=authorization.expires_at)
    return f"authorization {authorization.auth_state}: {authorization.get_status_display()}"


def work_wallet(pk: int) -> str:
    """Act on a due wallet: repeat a revoke, refresh its token, or see that it died."""
    wallet_account = WalletAccount.objects.select_related("account").get(pk=pk)
    if wallet_account.status == WalletStatus.REVOKING:
        operations.ask_revoke(wallet_account, is_leased=True)
    elif wallet_account.refresh_token:
        operations.refresh(wallet_account, is_leased=True)
    else:
        operations.expire(wallet_account)
    return f"wallet {wallet_account.pk} ({wallet_account}): {wallet_account.get_status_display()}"


authorizations_due = due.work_on(queries.waiting_authorizations, work_authorization)
wallets_due = due.work_on(queries.waiting_wallets, work_wallet)
