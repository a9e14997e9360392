"""Logging a buyer in by the wallet the mini program runs in: one code, exchanged once, and a session of ours.

The buyer's reference is made of the wallet and a keyed digest of the wallet's user id. It stays the same from login to
login, and neither the mini program nor the acquirer can read the user id back from it.
"""

from django.conf import settings
from django.db import transaction

from authorizations.errors import LoginRefused, LoginsOff, LoginUnknown
from authorizations.models import USER_PURPOSE, BuyerSession
from authorizations.operations.sessions import open_session
from portal.acquirer import wallet_login
from portal.acquirer.results import Outcome, Secret
from portal.acquirer.wallets import Wallet
from portal.encryption import blind_index
from portal.gateways import credentials_of, keep
from portal.models import AcquirerAccount

BY_WALLET = "wallet login"
AT_GATEWAY = "sandbox"
"""The setting's word for "the gateway's own host serves the wallets' logins too", as the sandbox does."""
_DIGEST_CHARACTERS = 24


def log_in(account: AcquirerAccount, wallet: Wallet, login_code: Secret) -> tuple[BuyerSession, str]:
    """Exchange the code with the wallet and open a session for its user. Returns the session and its token.

    Raises LoginsOff or AccountNotReady before anything is sent, LoginRefused and LoginUnknown after; nobody is logged
    in then, and the code is used up.
    """
    url = settings.PORTAL_WALLET_LOGIN_URL
    if not url:
        raise LoginsOff
    if url == AT_GATEWAY:
        url = account.gateway_url.rstrip("/") + wallet_login.PATH
    result = wallet_login.exchange(  # wire
        credentials_of(account), url, site_name=wallet.site_name, login_code=login_code
    )
    with transaction.atomic(durable=True):  # record
        keep(account, result.exchange, subject="")
    if result.outcome is Outcome.FAIL:
        raise LoginRefused(code=result.code)
    if result.outcome is not Outcome.SUCCESS or result.customer_id is None:
        raise LoginUnknown
    digest = blind_index(f"{account.pk}:{wallet.code}:{result.customer_id.reveal()}", USER_PURPOSE)
    reference = f"{wallet.code[:32]}-{digest[:_DIGEST_CHARACTERS]}"
    return open_session(account, reference, opened_by=BY_WALLET, site_name=wallet.site_name)
