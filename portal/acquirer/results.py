"""The field's words for what an acquirer answers, whichever acquirer it is.

Every result says three things: the ``outcome`` *of the thing asked about* (never of the call that asked), the
acquirer's own ``code`` for display, and the ``advice``: what the merchant may do next. Times are aware datetimes,
amounts are Money in minor units, and tokens are ``Secret``, whose ``repr`` shows nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from portal.money import Money


class Outcome(StrEnum):
    """What we may believe. Only an explicit S or F about the very thing is final; all else is UNKNOWN."""

    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


class Advice(StrEnum):
    """What the merchant may do after an answer."""

    NOTHING = "NOTHING"
    ASK = "ASK"
    SEND_AGAIN = "SEND_AGAIN"
    """The same request under the same id."""
    CANCEL = "CANCEL"
    REFUND = "REFUND"
    """Too late to cancel; give the money back by refund."""
    NEW_ID = "NEW_ID"
    """This one is over; another try is a new request under a new id."""
    REAUTHORIZE = "REAUTHORIZE"
    """The buyer must agree again."""
    ASK_BUYER = "ASK_BUYER"
    """The buyer can mend it: balance, limit, KYC, another wallet."""
    FIX_REQUEST = "FIX_REQUEST"
    """Our request or configuration is wrong."""
    WAIT = "WAIT"
    """It mends itself or by the merchant's funding; then try under a new id."""
    GIVE_UP = "GIVE_UP"
    CALL_SUPPORT = "CALL_SUPPORT"


class SignatureVerdict(StrEnum):
    """What we found about the signature of a message we received."""

    VERIFIED = "VERIFIED"
    MISSING = "MISSING"
    WRONG = "WRONG"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    NO_ANSWER = "NO_ANSWER"


class Secret:
    """A text that no log line, page or traceback shows. ``reveal()`` is the only way in."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the wire and for encryption only."""
        return self._text

    def __repr__(self) -> str:
        return "••••"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled")


@dataclass(frozen=True)
class WireExchange:
    """One call as it crossed the wire: what the exchange row is made of. Whoever stores it encrypts the bytes."""

    api: str
    """The field's verb: ``pay``, ``inquiryPayment`` …"""
    method: str
    url: str
    request_headers: dict[str, str]
    request_body: bytes = field(repr=False)
    sent_at: datetime
    duration_ms: int
    http_status: int | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: bytes = field(default=b"", repr=False)
    verdict: SignatureVerdict = SignatureVerdict.NO_ANSWER
    result_code: str = ""
    result_status: str = ""
    error: str = ""
    """Why there is no answer, in a short code (``connect_failed``, ``read_timeout`` …); empty when one came."""
    masked_request: str = ""
    masked_response: str = ""
    """For people: tokens, codes and personal data replaced, everything else as sent."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What every answer has."""

    outcome: Outcome
    code: str = ""
    message: str = ""
    advice: Advice = Advice.NOTHING
    may_have_arrived: bool = True
    exchange: WireExchange | None = None


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The rate a cross-currency payment was locked at: one unit of the pair's left is ``price`` of its right."""

    quote_id: str = ""
    currency_pair: str = ""
    price: Decimal = Decimal(0)
    guaranteed: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ConsultResult(Result):
    """Where the buyer agrees. All URLs of one answer are one authorization: one of them, once.

    ``normal_url`` is a page for a browser, ``applink_url`` an App Link of Android or a Universal Link of iOS, which a
    browser opens where the wallet's app is missing, ``scheme_url`` works only where it is installed. Which ones come
    depends on the wallet and the terminal. Source: https://docs.antom.com/ac/auto_debit/redirection_details
    """

    normal_url: str = ""
    scheme_url: str = ""
    applink_url: str = ""
    app_identifier: str = ""
    expires_at: datetime | None = None

    def url_for(self, *, is_app: bool) -> str:
        """The one URL that works in any case: an app may try the others, since it knows what is installed.

        Undocumented, which URL ``signStr`` takes; we choose ``normalUrl``, because the samples of Antom's mini program
        pages have it.
        """
        if is_app:
            return self.applink_url or self.normal_url or self.scheme_url
        return self.normal_url or self.applink_url or self.scheme_url

    @property
    def links(self) -> dict[str, str]:
        """All of them by name, and what the wallet's app is called."""
        named = {
            "normal_url": self.normal_url,
            "applink_url": self.applink_url,
            "scheme_url": self.scheme_url,
            "app_identifier": self.app_identifier,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, kw_only=True)
class TokenResult(Result):
    """A token, or none. ``refresh_token`` absent means the access token lives very long."""

    access_token: Secret | None = None
    access_token_expires_at: datetime | None = None
    refresh_token: Secret | None = None
    refresh_token_expires_at: datetime | None = None
    user_login_id: str = ""
    """Masked by the wallet, e.g. ``63-9****31111``."""
    user_id: str = ""
    wallet: str = ""
    """The wallet that was bound, where the buyer chose it at the acquirer; empty: the one that was asked for."""


@dataclass(frozen=True, kw_only=True)
class RevokeResult(Result):
    """SUCCESS also when the acquirer says the token is already dead: the end is the same."""

    already_dead: bool = False


@dataclass(frozen=True, kw_only=True)
class PaymentResult(Result):
    """What is known of one payment (one ``paymentRequestId``), from whoever says it."""

    payment_id: str = ""
    amount: Money | None = None
    created_at: datetime | None = None
    paid_at: datetime | None = None
    gross_settlement: Money | None = None
    quote: Quote | None = None
    customs_declaration_amount: Money | None = None
    display_customer_id: str = ""
    is_cancelled: bool = False
    """The acquirer holds it as cancelled (``paymentStatus`` CANCELLED): with this, ``outcome`` is FAIL."""


@dataclass(frozen=True, kw_only=True)
class PaymentInquiry(Result):
    """Answer of an inquiry. ``outcome`` is the *call's*; ``payment`` is what it said about the payment, if anything.

    ``is_unknown_there``: the acquirer has no such payment. That alone closes nothing (style: it closes a payment only
    when inquiry and cancel both say it after the expiry plus a margin).
    """

    payment: PaymentResult | None = None
    refunds: "tuple[RefundMessage, ...]" = ()
    """The refunds the acquirer lists under the payment, where it lists any."""
    is_unknown_there: bool = False


@dataclass(frozen=True, kw_only=True)
class CancelResult(Result):
    """SUCCESS: the payment is cancelled. FAIL speaks of the cancel, never of the payment."""

    payment_id: str = ""
    cancelled_at: datetime | None = None
    is_too_late: bool = False
    is_unsupported: bool = False
    """The method cannot cancel what is paid: give the money back by refund."""
    is_unknown_there: bool = False


@dataclass(frozen=True, kw_only=True)
class RefundResult(Result):
    """What is known of one refund (one ``refundRequestId``)."""

    refund_id: str = ""
    payment_id: str = ""
    amount: Money | None = None
    refunded_at: datetime | None = None
    gross_settlement: Money | None = None
    quote: Quote | None = None


@dataclass(frozen=True, kw_only=True)
class RefundInquiry(Result):
    """As PaymentInquiry, for a refund. ``ORDER_NOT_EXIST`` three times at 15 s means it was never created."""

    refund: RefundResult | None = None
    is_unknown_there: bool = False


class CustomsStatus(StrEnum):
    """Only ``IN_PROCESS`` is a documented word of the acquirer; other words are kept as OTHER with their text."""

    IN_PROCESS = "IN_PROCESS"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    OTHER = "OTHER"


@dataclass(frozen=True, kw_only=True)
class DeclarationResult(Result):
    """Answer of ``declare``: of the call, not the customs verdict."""

    customs_payment_id: str = ""
    customs_order_id: str = ""
    identity_check: str = ""
    clearing_channel: str = ""
    clearing_transaction_id: str = ""
    provider_registration_id: str = ""


@dataclass(frozen=True, kw_only=True)
class DeclarationRecord:
    """One declaration as the acquirer holds it."""

    declaration_request_id: str
    status: CustomsStatus
    status_text: str = ""
    customs_payment_id: str = ""
    customs_order_id: str = ""
    amount: Money | None = None
    merchant_customs_code: str = ""
    merchant_customs_name: str = ""
    result_code: str = ""
    result_description: str = ""
    returned_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DeclarationInquiry(Result):
    """Answer of ``inquiryDeclarationRequests``, ten ids at most a call."""

    records: tuple[DeclarationRecord, ...] = ()
    not_found: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """How the acquirer wants its method shown. Not available: show the catalogue's own name and picture."""

    is_available: bool
    logo_url: str = ""
    promotions: Mapping[str, str] = field(default_factory=dict)
    """By language."""
    sdk_url: str = ""
    """Its client SDK for web pages; empty where there is none."""
    kept_seconds: int = 0
    """How long it may be shown without asking again."""


# What the acquirer tells us unasked.


class AuthorizationEventKind(StrEnum):
    """What a notifyAuthorization speaks of."""

    CODE_CREATED = "CODE_CREATED"
    TOKEN_CREATED = "TOKEN_CREATED"  # noqa: S105 - a word of the protocol
    TOKEN_CANCELED = "TOKEN_CANCELED"  # noqa: S105 - one L, as the protocol spells it


@dataclass(frozen=True, kw_only=True)
class AuthorizationMessage:
    """notifyAuthorization."""

    kind: AuthorizationEventKind
    auth_state: str = ""
    auth_code: Secret | None = None
    token: TokenResult | None = None
    """With TOKEN_CREATED."""
    access_token: Secret | None = None
    """With TOKEN_CANCELED: the token that died."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class PaymentMessage:
    """notifyPayment. While ``is_pending`` nothing is decided, whatever its result says."""

    payment_request_id: str
    payment: PaymentResult
    is_pending: bool = False


@dataclass(frozen=True, kw_only=True)
class RefundMessage:
    """notifyRefund. It names no payment: the refund is found by its own id."""

    refund_request_id: str
    refund: RefundResult


@dataclass(frozen=True, kw_only=True)
class UnbindingQuestion:
    """Asked before the wallet unbinds, by acquirers that ask (``Capabilities.asks_before_unbinding``)."""

    access_token: Secret


@dataclass(frozen=True, kw_only=True)
class UnreadableMessage:
    """Verified, but not a message we know: kept, acknowledged, shown to a person."""

    reason: str


Message = AuthorizationMessage | PaymentMessage | RefundMessage | UnbindingQuestion | UnreadableMessage


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """A message that came in, its signature already judged."""

    message: Message
    kind: str
    """The field's name: ``notifyPayment`` …"""
    subject: str
    """Our id that it speaks of (paymentRequestId, refundRequestId, authState), or empty."""
    masked_body: str


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """The answer an inbound message gets."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
