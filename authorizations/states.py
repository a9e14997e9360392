"""The states of a bound wallet and of one attempt to bind, as tables. README's diagrams are drawn from them."""

from enum import StrEnum

from django.db.models import TextChoices

from portal.machine import Machine


class AuthorizationStatus(TextChoices):
    """Where one attempt to bind stands."""

    STARTED = "STARTED", "Started"
    """authState is on disk; consult may have been sent."""
    OFFERED = "OFFERED", "Waiting for the buyer"
    """The acquirer gave a URL; the buyer has it."""
    CODE_RECEIVED = "CODE_RECEIVED", "Being confirmed"
    """The buyer agreed; applyToken may have been sent and its answer lost."""
    BOUND = "BOUND", "Bound"
    CANCELLED = "CANCELLED", "Refused by the buyer"
    FAILED = "FAILED", "Failed"
    EXPIRED = "EXPIRED", "Expired"


class AuthorizationEvent(StrEnum):
    """What happens to an attempt."""

    CONSULT_ANSWERED = "consult answered"
    CONSULT_FAILED = "consult failed"
    CODE_ARRIVED = "authCode arrived"
    BUYER_REFUSED = "buyer refused"
    SIGNING_FAILED = "signing failed"
    LAPSED = "nobody came back"
    TOKEN_ISSUED = "token issued"  # noqa: S105 - an event
    TOKEN_REFUSED = "token refused"  # noqa: S105


A, AE = AuthorizationStatus, AuthorizationEvent
# fmt: off
AUTHORIZATION: Machine[AuthorizationStatus, AuthorizationEvent] = Machine(
    # from              on                    to
    (A.STARTED,         AE.CONSULT_ANSWERED,  A.OFFERED),
    (A.STARTED,         AE.CONSULT_FAILED,    A.FAILED),
    (A.STARTED,         AE.LAPSED,            A.EXPIRED),
    (A.OFFERED,         AE.CODE_ARRIVED,      A.CODE_RECEIVED),   # JSAPI, redirect or notification: whoever is first
    (A.OFFERED,         AE.BUYER_REFUSED,     A.CANCELLED),
    (A.OFFERED,         AE.SIGNING_FAILED,    A.FAILED),
    (A.OFFERED,         AE.LAPSED,            A.EXPIRED),
    (A.OFFERED,         AE.TOKEN_ISSUED,      A.BOUND),           # TOKEN_CREATED without a code of ours
    (A.CANCELLED,       AE.CODE_ARRIVED,      A.CODE_RECEIVED),   # the client said cancelled, the wallet says agreed
    (A.FAILED,          AE.CODE_ARRIVED,      A.CODE_RECEIVED),   # only while no code was used: see operations
    (A.EXPIRED,         AE.CODE_ARRIVED,      A.CODE_RECEIVED),
    (A.CODE_RECEIVED,   AE.TOKEN_ISSUED,      A.BOUND),
    (A.CODE_RECEIVED,   AE.TOKEN_REFUSED,     A.FAILED),
    (A.CANCELLED,       AE.TOKEN_ISSUED,      A.BOUND),
    (A.FAILED,          AE.TOKEN_ISSUED,      A.BOUND),           # TOKEN_CREATED after a lost applyToken answer
    (A.EXPIRED,         AE.TOKEN_ISSUED,      A.BOUND),
)
# fmt: on


class WalletStatus(TextChoices):
    """Where a bound wallet stands."""

    ACTIVE = "ACTIVE", "Active"
    REVOKING = "REVOKING", "Revoking"
    """Asked to end; it is not debited any more, whatever the acquirer answers."""
    REVOKED = "REVOKED", "Revoked"
    REPLACED = "REPLACED", "Replaced"
    """A newer binding of the same buyer and wallet took its place."""
    NEEDS_AUTHORIZATION = "NEEDS_AUTHORIZATION", "Needs authorization"
    """The token died; the buyer must agree again."""


class WalletEvent(StrEnum):
    """What happens to a bound wallet."""

    REVOKE_SENT = "revoke sent"
    REVOKE_CONFIRMED = "revoke confirmed"
    WALLET_ENDED = "ended in the wallet"
    NEWER_BINDING = "newer binding"
    TOKEN_DIED = "token died"  # noqa: S105


W, WE = WalletStatus, WalletEvent
# fmt: off
WALLET: Machine[WalletStatus, WalletEvent] = Machine(
    # from                    on                    to
    (W.ACTIVE,                WE.REVOKE_SENT,       W.REVOKING),
    (W.ACTIVE,                WE.WALLET_ENDED,      W.REVOKED),   # TOKEN_CANCELED
    (W.ACTIVE,                WE.NEWER_BINDING,     W.REPLACED),
    (W.ACTIVE,                WE.TOKEN_DIED,        W.NEEDS_AUTHORIZATION),
    (W.REVOKING,              WE.REVOKE_CONFIRMED,  W.REVOKED),
    (W.REVOKING,              WE.WALLET_ENDED,      W.REVOKED),
    (W.NEEDS_AUTHORIZATION,   WE.REVOKE_SENT,       W.REVOKING),
    (W.NEEDS_AUTHORIZATION,   WE.WALLET_ENDED,      W.REVOKED),
    (W.NEEDS_AUTHORIZATION,   WE.NEWER_BINDING,     W.REPLACED),
)
# fmt: on
CONSENT_ENDED = (W.REVOKING, W.REVOKED)
"""The consent was revoked, from either side: nothing is debited by it any more."""


class RefreshResult(TextChoices):
    """What became of the newest refresh of a wallet's token."""

    UNKNOWN = "UNKNOWN", "No answer"
    """Sent; what came of it is not known yet."""
    SUCCEEDED = "SUCCEEDED", "Refreshed"
    REFUSED = "REFUSED", "Refused"
    """An explicit F: it is not tried again."""


class ConsentReason(TextChoices):
    """Why a buyer must agree again."""

    TOKEN_DIED = "TOKEN_DIED", "Token died"
    REFRESH_REFUSED = "REFRESH_REFUSED", "Refresh refused"
    NOT_REFRESHABLE = "NOT_REFRESHABLE", "Cannot be refreshed"


class Messenger(TextChoices):
    """Who brought the news of a change."""

    US = "US", "us"
    CONSULT_ANSWER = "CONSULT_ANSWER", "the answer to consult"
    BUYER = "BUYER", "the buyer’s mini program"
    REDIRECT = "REDIRECT", "the redirect"
    NOTIFICATION = "NOTIFICATION", "notifyAuthorization"
    TOKEN_ANSWER = "TOKEN_ANSWER", "the answer to applyToken"
    REVOKE_ANSWER = "REVOKE_ANSWER", "the answer to revoke"
    REFRESH_ANSWER = "REFRESH_ANSWER", "the answer to the refresh"
    PAY_ANSWER = "PAY_ANSWER", "the answer to pay"
    CLOCK = "CLOCK", "the clock"
