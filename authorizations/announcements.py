"""What the merchant's own systems hear of bound wallets. Called where a wallet moves, in that transaction."""

from collections.abc import Iterable
from typing import Any

from authorizations.models import WalletAccount
from portal import outbox
from portal.acquirer.wallets import currency_of, name_of
from portal.outbox.events import moment


def wallet_bound(wallet_account: WalletAccount, *, replaces: Iterable[WalletAccount]) -> None:
    """A wallet is bound; older bindings of the same wallet by the same buyer have given way to it."""
    _tell(outbox.Kind.WALLET_BOUND, wallet_account, replaces=[older.public_id for older in replaces])


def wallet_revoked(wallet_account: WalletAccount) -> None:
    """A binding has ended, from either side."""
    _tell(outbox.Kind.WALLET_REVOKED, wallet_account)


def wallet_needs_authorization(wallet_account: WalletAccount) -> None:
    """A token died."""
    _tell(outbox.Kind.WALLET_NEEDS_AUTHORIZATION, wallet_account)


def _tell(kind: outbox.Kind, wallet_account: WalletAccount, **more: Any) -> None:
    label = wallet_account.public_id
    # The shop hears of its customers' wallets, through whichever account they are bound.
    outbox.tell(
        kind, wallet_account, label=label, data=lambda: _said(wallet_account.pk) | more, of=wallet_account.buyer
    )


def _said(key: int) -> dict[str, Any]:
    wallet_account = WalletAccount.objects.select_related("buyer").defer("access_token", "refresh_token").get(pk=key)
    return {
        "wallet_id": wallet_account.public_id,
        "wallet": wallet_account.wallet,
        "name": name_of(wallet_account.wallet),
        "currency": currency_of(wallet_account.wallet),
        "customer": wallet_account.buyer.reference,
        "status": wallet_account.status,
        "bound_at": moment(wallet_account.bound_at),
        "ended_at": moment(wallet_account.ended_at),
    }
