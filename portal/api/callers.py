"""Who calls: a merchant's server by its API key here, a buyer by a session in ``authorizations.api``."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from django.db.models import Model, QuerySet
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal import merchant_keys
from portal.actor import Actor
from portal.api import problems
from portal.api.problems import Unauthenticated
from portal.errors import NotFound, PortalError
from portal.models import AcquirerAccount, MerchantKey

if TYPE_CHECKING:  # REST framework's views import the classes its settings name, and so this module
    from rest_framework.views import APIView

_SCHEME = "bearer"
_LONGEST_TOKEN = 200

M = TypeVar("M", bound=Model)

problems.declare(
    "merchants_only", 403, "For the merchant only", "Only the merchant's server may do this, with a merchant key."
)


class KeyUnknown(PortalError):
    """The merchant key is none of ours, or was revoked."""

    code = "key_unknown"
    sentence = "This merchant key is unknown or revoked."


class MerchantsOnly(PortalError):
    """A buyer tried what only the merchant's server may do."""

    code = "merchants_only"
    sentence = "Only the merchant may do this."


class Caller(Protocol):
    """What every door may ask of a caller."""

    @property
    def is_authenticated(self) -> bool: ...

    @property
    def kind(self) -> str:
        """``merchant`` or ``buyer``: names its limits."""

    @property
    def account(self) -> AcquirerAccount: ...

    @property
    def scope(self) -> str:
        """Whose Idempotency-Keys these are."""

    @property
    def limited_as(self) -> str:
        """Whose requests are counted together."""

    @property
    def actor(self) -> Actor: ...


@dataclass(frozen=True)
class Merchant:
    """The merchant's server: it acts for every customer of its own account, and for nobody else's."""

    key: MerchantKey
    is_authenticated: bool = True
    kind: str = "merchant"

    @property
    def account(self) -> AcquirerAccount:
        return self.key.account

    @property
    def scope(self) -> str:
        # The account, not the key: a repeat that comes after the key was changed is still a repeat.
        return f"account:{self.key.account_id}"

    @property
    def limited_as(self) -> str:
        return f"key:{self.key.pk}"

    @property
    def actor(self) -> Actor:
        return Actor.merchant_server(self.key.name)


def bearer(request: Request) -> str | None:
    """The bearer token, or None without an Authorization header. Raises Unauthenticated for one we cannot read."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != _SCHEME or not token or len(token) > _LONGEST_TOKEN:
        raise Unauthenticated
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise Unauthenticated
    return token


class MerchantKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer mk_…``."""

    def authenticate(self, request: Request) -> tuple[Merchant, None] | None:
        token = bearer(request)
        if token is None or not token.startswith(merchant_keys.PREFIX):
            return None
        key = merchant_keys.find(token)
        if key is None:
            raise KeyUnknown
        return Merchant(key), None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class Known(BasePermission):
    """Somebody we know, buyer or merchant."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return bool(request.user and request.user.is_authenticated)


def caller_of(request: Request) -> Caller:
    """Who calls; the door's permission has seen to it that somebody does."""
    return cast(Caller, request.user)


def one(rows: QuerySet[M], thing: str, **its_id: str) -> M:
    """The one of the caller's rows that has this id. Raises NotFound, which names it; somebody else's is not there."""
    found = rows.filter(**its_id).first()
    if found is None:
        (key,) = its_id.values()
        raise NotFound(thing=thing, key=key)
    return found
