"""The gateway: one protocol that every acquirer adapter speaks, free of Django, of the database and of settings.

It lies below ``authorizations`` and ``payments``, which both call it. An adapter keeps nothing: keys, URLs, ids and
time are handed to it, and every answer comes back as a value of ``results``, with the exchange as it crossed the wire.
Nothing above asks which acquirer it talks to; what differs is said by ``Capabilities``.

Requests below are in our words; camelCase lives in the adapters alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from portal.acquirer.results import (
    Acknowledgement,
    CancelResult,
    ConsultResult,
    DeclarationInquiry,
    DeclarationResult,
    InboundMessage,
    PaymentInquiry,
    PaymentResult,
    Presentation,
    RefundInquiry,
    RefundResult,
    RevokeResult,
    Secret,
    TokenResult,
    WireExchange,
)
from portal.acquirer.wallets import Wallet
from portal.money import Money


class TerminalType(StrEnum):
    """Where the buyer is. https://docs.antom.com/ac/ams/authconsult"""

    WEB = "WEB"
    WAP = "WAP"
    APP = "APP"
    MINI_APP = "MINI_APP"


class Unbinding(StrEnum):
    """What a wallet is told that asks before its buyer ends the agreement there."""

    ALWAYS = "always"
    """It may: the agreement is the buyer's."""
    UNLESS_CHARGED = "unless_charged"
    """Only where nothing stops with it; else the buyer is sent to the merchant."""
    NEVER = "never"
    """It may not; the buyer ends it at the merchant."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What an acquirer can do and how it likes to be treated. The layers above ask this, never for a name."""

    can_inquire_refund: bool
    can_cancel_in_part: bool
    signs_acknowledgements: bool
    asks_before_unbinding: bool
    needs_merchant_data: bool
    can_declare_customs: bool
    clears_first: bool
    """Each day is reported the day after, as a clearing, also an empty one; what is paid for it is reported later."""
    payment_expiry_seconds: int
    """How long an unfinished payment lives at the acquirer."""
    payment_poll_seconds: float
    payment_poll_count: int
    """After so many questions without a final answer the payment is cancelled."""
    refund_poll_seconds: float
    refund_missing_after: int
    """So many "no such refund" answers in a row, ``refund_poll_seconds`` apart, mean that it never arrived."""
    refresh_before_days: int
    declaration_inquiry_size: int
    unbinding: Unbinding = Unbinding.ALWAYS
    """Of an acquirer that asks."""
    presents_methods: bool = False
    """Whether it says how its method is to be shown."""

    @property
    def payment_expiry(self) -> timedelta:
        return timedelta(seconds=self.payment_expiry_seconds)

    @property
    def payment_poll(self) -> timedelta:
        return timedelta(seconds=self.payment_poll_seconds)


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """The buyer's device."""

    terminal_type: TerminalType
    os_type: str = ""
    """IOS or ANDROID; required unless the terminal is WEB."""
    os_version: str = ""
    client_ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True, kw_only=True)
class ConsultRequest:
    """Ask where the buyer of ``auth_state`` may agree to automatic debits from ``wallet``."""

    auth_state: str
    wallet: str
    redirect_url: str
    notify_url: str
    terminal: Terminal
    merchant_reference: str = ""


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """One line of goods: improves the acquirer's risk decision, moves no money."""

    reference: str
    name: str
    unit_amount: Money
    quantity: int
    is_digital: bool = True


@dataclass(frozen=True, kw_only=True)
class PaymentRequest:
    """Debit ``amount`` once, under ``payment_request_id``."""

    payment_request_id: str
    amount: Money
    wallet: str
    access_token: Secret
    order_reference: str
    order_description: str
    settlement_currency: str
    expires_at: datetime
    notify_url: str
    terminal: Terminal
    app_id: str = ""
    buyer_reference: str = ""
    lines: tuple[OrderLine, ...] = ()
    merchant_reference: str = ""


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """Give back ``amount`` of the payment ``payment_id``, under ``refund_request_id``."""

    refund_request_id: str
    payment_id: str
    amount: Money
    reason: str
    notify_url: str
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The buyer's identity as customs wants it. All of it is personal data."""

    kind: str
    number: Secret
    full_name: Secret


@dataclass(frozen=True, kw_only=True)
class DeclarationRequest:
    """Declare a payment to customs, under ``declaration_request_id`` (at most 32 characters)."""

    declaration_request_id: str
    payment_id: str
    amount: Money
    customs_code: str
    region: str
    merchant_customs_code: str
    merchant_customs_name: str
    is_split: bool = False
    suborder_id: str = ""
    certificate: Certificate | None = None


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """Who debits, for acquirers that want it said with every agreement and payment (``needs_merchant_data``)."""

    reference: str = ""
    """The merchant's id at the acquirer's partner."""
    legal_name: str = ""
    display_name: str = ""
    """Empty: the legal name."""
    category_code: str = ""
    """ISO 18245."""
    region: str = ""
    """ISO 3166."""
    state: str = ""
    city: str = ""
    address: str = ""
    zip_code: str = ""
    logo_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What an adapter is handed to speak for an account. Keys come as PEM; ``acquirer_keys`` by key version."""

    gateway_url: str
    client_id: str
    key_version: str
    private_key_pem: Secret = field(repr=False)
    acquirer_keys: Mapping[str, str] = field(default_factory=dict)
    acquirer_id: str = ""
    """Our own id in reports and messages, which a message for another one does not have; empty: not compared."""
    merchant: Merchant = field(default_factory=Merchant)
    settled: Mapping[str, str] = field(default_factory=dict)
    """What was settled of the points the protocol's documents leave open, by name (``portal.acquirer.points``)."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The result of a signed test call, explained."""

    is_healthy: bool
    findings: tuple[tuple[str, str], ...]
    """(code, detail) pairs: ``signature_refused``, ``answer_unsigned``, ``clock_skew``, ``wrong_environment`` …"""
    exchange: WireExchange | None = None


class Acquirer(Protocol):
    """The verbs of the field, in pairs of do and ask. No method raises for what the wire does: it says UNKNOWN."""

    @property
    def capabilities(self) -> Capabilities: ...

    def consult(self, request: ConsultRequest) -> ConsultResult: ...

    def apply_token(self, *, wallet: str, auth_code: Secret) -> TokenResult: ...

    def refresh_token(self, *, wallet: str, refresh_token: Secret) -> TokenResult: ...

    def revoke(self, *, access_token: Secret) -> RevokeResult: ...

    def pay(self, request: PaymentRequest, *, is_repeat: bool = False) -> PaymentResult: ...

    def inquire_payment(self, *, payment_request_id: str, payment_id: str = "") -> PaymentInquiry: ...

    def recall_inquiry(
        self, exchange: WireExchange, *, payment_request_id: str, payment_id: str = ""
    ) -> PaymentInquiry:
        """What a kept inquiry said, read again from its bytes; nothing is sent. UNKNOWN where it was not believed."""

    def cancel(self, *, payment_request_id: str, payment_id: str = "") -> CancelResult: ...

    def refund(self, request: RefundRequest, *, is_repeat: bool = False) -> RefundResult: ...

    def inquire_refund(self, *, refund_request_id: str, refund_id: str = "") -> RefundInquiry: ...

    def declare(self, request: DeclarationRequest, *, is_repeat: bool = False) -> DeclarationResult: ...

    def inquire_declarations(self, declaration_request_ids: Sequence[str]) -> DeclarationInquiry: ...

    def diagnose(self) -> Diagnosis: ...

    def cancel_deadline(self, paid_at: datetime, *, method: Wallet | None) -> datetime | None:
        """Until when a paid payment may be cancelled; None where what is paid cannot be cancelled.

        ``method``: as the account's catalogue has it, or None where that has no such method.
        """

    def present(self, *, currency: str) -> Presentation | None:
        """How its method is to be shown for payments in a currency. None: it says nothing, and nothing was asked."""

    def read(self, *, path: str, headers: Mapping[str, str], body: bytes) -> InboundMessage:
        """Verify an inbound message over its raw bytes and parse it. Raises BadSignature; never another error."""

    def parse(self, body: bytes) -> InboundMessage:
        """Parse the body of a message that was verified when it came in. Never raises: see UnreadableMessage."""

    def acknowledge(
        self, *, path: str, now: datetime, accepted: bool = True, allows: bool | None = None
    ) -> Acknowledgement:
        """The answer an inbound message gets; ``allows`` answers one that asks (UnbindingQuestion)."""
