"""A buyer who calls, by a session; and what each caller may see."""

from dataclasses import dataclass

from django.db.models import QuerySet
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.serializers import ErrorDetail

from authorizations import queries
from authorizations.errors import SessionExpired
from authorizations.models import Authorization, Buyer, BuyerSession, WalletAccount
from portal import merchant_keys
from portal.acquirer import Terminal, TerminalType
from portal.actor import Actor
from portal.api.callers import Caller, bearer
from portal.api.limits import client_address
from portal.api.problems import InvalidQuery
from portal.errors import PortalError
from portal.models import AcquirerAccount


class BuyersOnly(PortalError):
    """A merchant's server tried what only a session can do."""

    code = "buyers_only"
    sentence = "This needs a buyer's session, not a merchant key."


@dataclass(frozen=True)
class BuyerCaller:
    """A buyer in a mini program: sees and uses its own things, and nobody else's."""

    session: BuyerSession
    is_authenticated: bool = True
    kind: str = "buyer"

    @property
    def buyer(self) -> Buyer:
        return self.session.buyer

    @property
    def account(self) -> AcquirerAccount:
        return self.session.buyer.account

    @property
    def scope(self) -> str:
        # The buyer, not the session: a repeat after a new login is still a repeat.
        return f"buyer:{self.session.buyer_id}"

    @property
    def limited_as(self) -> str:
        return self.scope

    @property
    def actor(self) -> Actor:
        return Actor.buyer(self.session.buyer.reference)


class BuyerSessionAuthentication(BaseAuthentication):
    """``Authorization: Bearer <session token>``: whatever is not a merchant key."""

    def authenticate(self, request: Request) -> tuple[BuyerCaller, None] | None:
        token = bearer(request)
        if token is None or token.startswith(merchant_keys.PREFIX):
            return None
        session = queries.session_of(token)
        if session is None:
            raise SessionExpired
        return BuyerCaller(session), None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def wallets_of(caller: Caller) -> QuerySet[WalletAccount]:
    """The bound wallets the caller may see."""
    rows = WalletAccount.objects.select_related("account", "buyer__account")
    if isinstance(caller, BuyerCaller):
        return rows.filter(buyer=caller.buyer)
    return rows.filter(buyer__account=caller.account)


def authorizations_of(caller: Caller) -> QuerySet[Authorization]:
    """The attempts to bind the caller may see."""
    rows = Authorization.objects.select_related("account", "buyer__account", "wallet_account__buyer")
    if isinstance(caller, BuyerCaller):
        return rows.filter(buyer=caller.buyer)
    return rows.filter(buyer__account=caller.account)


_ONLY_MERCHANTS_ASK = {
    "customer": "Only a merchant key asks by customer; a session is its own customer.",
    "reference": "Only a merchant key asks by reference.",
    "withheld": "Only a merchant key asks what is withheld.",
}
"""What a query may hold, and a buyer's may not: other buyers, and what is between the merchant and the acquirer."""


def refuse_merchants_questions(caller: Caller, query: dict[str, str]) -> None:
    """Raise InvalidQuery where a buyer asks what only the merchant's server may ask."""
    if isinstance(caller, BuyerCaller):
        for name, sentence in _ONLY_MERCHANTS_ASK.items():
            if name in query:
                raise InvalidQuery({name: [ErrorDetail(sentence, "merchants_only")]})


def terminal_of(request: Request, caller: Caller, given: dict[str, str]) -> Terminal:
    """The buyer's device: what the body says of it; in a mini program, the address it calls from too."""
    is_buyer = isinstance(caller, BuyerCaller)
    return Terminal(
        terminal_type=terminal_type_of(caller, given),
        os_type=given.get("os_type", ""),
        os_version=given.get("os_version", ""),
        client_ip=client_address(request) if is_buyer else "",
    )


def terminal_type_of(caller: Caller, given: dict[str, str]) -> TerminalType:
    """As given; else MINI_APP for a session that a mini program opened, and WEB for everybody else."""
    usual = TerminalType.WEB
    if isinstance(caller, BuyerCaller) and caller.session.site_name:
        usual = TerminalType.MINI_APP
    return TerminalType(given.get("terminal_type", usual))
