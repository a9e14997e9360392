"""Buyers, their bound wallets, and the attempts to bind.

Tokens are encrypted, looked up by blind index, and shown to nobody.
"""

from django.db import models
from django.db.models import Q

from authorizations.states import (
    AUTHORIZATION,
    WALLET,
    AuthorizationStatus,
    RefreshResult,
    WalletStatus,
)
from portal import clock
from portal.acquirer import Terminal, TerminalType
from portal.encryption import EncryptedTextField, blind_index
from portal.models import AcquirerAccount, ActorFields, Change, Due, Stateful

TOKEN_PURPOSE = "access token"  # noqa: S105 - names an index
CODE_PURPOSE = "auth code"
USER_PURPOSE = "wallet user"
_SECRETS = ("access_token", "refresh_token", "user_id")


def secrets_of(path: str = "") -> list[str]:
    """What a list defers of the wallets it joins by ``path``: no page shows a token, so no page decrypts one."""
    return [f"{path}__{name}" if path else name for name in _SECRETS]


def fresh_wallet_id() -> str:
    """A new public id of a bound wallet."""
    return clock.fresh_id("W")


def fresh_authorization_id() -> str:
    """A new public id of an attempt to bind; another one than its authState, which the buyer must prove to know."""
    return clock.fresh_id("B")


class Buyer(models.Model):
    """Somebody who buys at the merchant, under the merchant's own reference."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="buyers")
    reference = models.CharField(max_length=64, db_index=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=("-created_at", "-id"), name="buyer_newest")]
        constraints = [models.UniqueConstraint(fields=("account", "reference"), name="buyer_reference_once")]

    def __str__(self) -> str:
        return self.reference


class BuyerSession(models.Model):
    """A buyer's session in a mini program: an opaque token, kept as a digest, revocable."""

    buyer = models.ForeignKey(Buyer, models.CASCADE, related_name="sessions")
    digest = models.CharField(max_length=64, unique=True)
    site_name = models.CharField(max_length=32, blank=True)
    opened_by = models.CharField(max_length=80)
    """``wallet login`` or the merchant key's name."""
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"session of {self.buyer}"


class WalletAccount(Stateful, Due):
    """A buyer's wallet, bound: the merchant may debit it while it is ACTIVE."""

    machine = WALLET

    public_id = models.CharField(max_length=64, unique=True, default=fresh_wallet_id, editable=False)
    """What mini programs and merchant servers know it by: it says nothing about the wallet, nor how many there are."""
    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="wallet_accounts")
    buyer = models.ForeignKey(Buyer, models.PROTECT, related_name="wallet_accounts")
    wallet = models.CharField(max_length=64)
    """The acquirer's enum value, e.g. GCASH: ``customerBelongsTo`` and ``paymentMethodType``."""
    status = models.CharField(max_length=24, choices=WalletStatus.choices, default=WalletStatus.ACTIVE)
    access_token = EncryptedTextField()
    access_token_index = models.CharField(max_length=64, db_index=True)
    access_token_expires_at = models.DateTimeField(null=True, blank=True)
    refresh_token = EncryptedTextField(blank=True)
    """Empty: the acquirer gave none, the access token lives very long."""
    refresh_token_expires_at = models.DateTimeField(null=True, blank=True)
    refreshes_sent = models.PositiveIntegerField(default=0)
    """Refreshes sent with the present refresh token; an F of a repeated one may be the lost first one's work."""
    refresh_sent_at = models.DateTimeField(null=True, blank=True)
    """When the newest refresh was sent; what follows tells what became of it."""
    refresh_result = models.CharField(max_length=16, choices=RefreshResult.choices, blank=True)
    refresh_code = models.CharField(max_length=64, blank=True)
    """The acquirer's result code; empty where nothing was answered."""
    refreshed_at = models.DateTimeField(null=True, blank=True)
    """When a refresh last brought a new token."""
    doubted_at = models.DateTimeField(null=True, blank=True)
    """pay said INVALID_ACCESS_TOKEN for the current token; cleared by a payment that succeeds."""
    needs_since = models.DateTimeField(null=True, blank=True)
    """When the token died: since then the buyer must agree again."""
    lost_at = models.DateTimeField(null=True, blank=True)
    """When its token was refused, or ended from the other side: by these, a mass death is known."""
    login_label = models.CharField(max_length=64, blank=True, db_index=True)
    """As the wallet masks it, e.g. ``63-9****31111``."""
    user_id = EncryptedTextField(blank=True)
    """The wallet's user id: often absent, so kept and not relied on."""
    bound_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=256, blank=True)
    revokes_sent = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-bound_at", "-pk")
        permissions = [("act_revoke", "Can revoke wallets")]
        indexes = [
            models.Index(fields=("-bound_at", "-id"), name="wallet_newest"),
            models.Index(fields=("status", "-bound_at"), name="wallet_by_status"),
            models.Index(
                fields=("access_token_expires_at",), condition=Q(status=WalletStatus.ACTIVE), name="wallet_ending"
            ),
            models.Index(
                fields=("-needs_since", "-id"),
                condition=Q(status=WalletStatus.NEEDS_AUTHORIZATION),
                name="wallet_needs",
            ),
            models.Index(
                fields=("account", "lost_at", "wallet"), condition=Q(lost_at__isnull=False), name="wallet_lost"
            ),
            models.Index(
                fields=("-refresh_sent_at", "-id"), condition=Q(refresh_sent_at__isnull=False), name="wallet_refreshed"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("account", "buyer", "wallet"), condition=Q(status=WalletStatus.ACTIVE), name="one_active_wallet"
            ),
            models.CheckConstraint(condition=Q(status__in=WalletStatus.values), name="wallet_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.wallet} {self.login_label}".strip()

    @property
    def is_in_doubt(self) -> bool:
        """Whether pay has refused the current token and a refresh, due or on its way, has not replaced it yet."""
        if self.doubted_at is None or not self.refresh_token:
            return False
        return self.refreshed_at is None or self.refreshed_at < self.doubted_at

    def set_token(self, text: str) -> None:
        """Put a token in place together with its index. Does not save."""
        self.access_token = text
        self.access_token_index = blind_index(text, TOKEN_PURPOSE)


class Consent(WalletAccount):
    """A bound wallet as the desk looks after it: when it ends, how its refresh went, and whom to ask again."""

    class Meta:
        proxy = True


class WalletAccountChange(Change):
    """A move of a bound wallet."""

    wallet_account = models.ForeignKey(WalletAccount, models.CASCADE, related_name="changes")


class Authorization(Stateful, Due, ActorFields):
    """One attempt to bind: one ``authState``, one URL, at most one code that is used."""

    machine = AUTHORIZATION

    public_id = models.CharField(max_length=64, unique=True, default=fresh_authorization_id, editable=False)
    """What mini programs and merchant servers know it by, and the last part of its redirect URL."""
    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="authorizations")
    buyer = models.ForeignKey(Buyer, models.PROTECT, related_name="authorizations")
    wallet = models.CharField(max_length=64)
    auth_state = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=24, choices=AuthorizationStatus.choices, default=AuthorizationStatus.STARTED)
    terminal_type = models.CharField(max_length=16, choices=[(t.value, t.value) for t in TerminalType])
    os_type = models.CharField(max_length=16, blank=True)
    return_to = models.CharField(max_length=300, blank=True)
    """Where the mini program wants to go afterwards (a page or an order number); ours to keep, not on the wire."""
    auth_url = EncryptedTextField(blank=True)
    """What goes into ``signStr`` or is opened: one use, so treated as a secret."""
    links = EncryptedTextField(blank=True)
    """All the URLs that consult answered, by name, in JSON. They are one authorization."""
    auth_code = EncryptedTextField(blank=True)
    auth_code_index = models.CharField(max_length=64, blank=True, db_index=True)
    codes_sent = models.PositiveIntegerField(default=0)
    """applyToken calls with this code: an F of a repeated one may be the lost first one's work."""
    wallet_account = models.ForeignKey(
        WalletAccount, models.PROTECT, null=True, blank=True, related_name="authorizations"
    )
    result_code = models.CharField(max_length=64, blank=True)
    result_message = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="authorization_newest"),
            models.Index(fields=("status", "-created_at"), name="authorization_by_status"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=AuthorizationStatus.values), name="authorization_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=AuthorizationStatus.BOUND) | Q(wallet_account__isnull=False),
                name="bound_has_wallet",
            ),
        ]

    def __str__(self) -> str:
        return self.auth_state

    def terminal(self) -> Terminal:
        """The buyer's device as it began the attempt."""
        return Terminal(terminal_type=TerminalType(self.terminal_type), os_type=self.os_type)


class AuthorizationChange(Change):
    """A move of an attempt to bind."""

    authorization = models.ForeignKey(Authorization, models.CASCADE, related_name="changes")
