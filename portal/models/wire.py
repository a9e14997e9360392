"""What crossed the wire, in both directions: bytes encrypted, a masked view for people, a digest, a verdict."""

from django.db import models

from portal import clock
from portal.encryption import EncryptedBinaryField
from portal.models.accounts import AcquirerAccount
from portal.models.due import Due
from portal.models.history import AddedOnly

SLOW_MS = 5000
"""A call that takes longer is one to look at."""


class Exchange(AddedOnly):
    """One call of ours and its answer, or the lack of one. Only ever added to."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="exchanges")
    api = models.CharField(max_length=40)
    subject = models.CharField(max_length=64, blank=True, db_index=True)
    """Our own id that the call was about (paymentRequestId, refundRequestId, authState …), not a key into an app."""
    sent_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    url = models.CharField(max_length=300)
    http_status = models.PositiveSmallIntegerField(null=True)
    request_headers = models.JSONField(default=dict)
    request_body = EncryptedBinaryField()
    request_sha256 = models.CharField(max_length=64)
    response_headers = models.JSONField(default=dict)
    response_body = EncryptedBinaryField(blank=True)
    response_sha256 = models.CharField(max_length=64, blank=True)
    masked_request = models.TextField(blank=True)
    masked_response = models.TextField(blank=True)
    verdict = models.CharField(max_length=16)
    """Of the answer's signature, see ``SignatureVerdict``."""
    result_code = models.CharField(max_length=64, blank=True)
    result_status = models.CharField(max_length=8, blank=True)
    error = models.CharField(max_length=64, blank=True)
    """Why there is no answer, e.g. ``read_timeout``."""

    class Meta:
        ordering = ("-sent_at", "-pk")
        permissions = [("act_reveal_originals", "Can take messages in their original bytes, tokens included")]
        indexes = [
            models.Index(fields=("-sent_at", "-id"), name="exchange_newest"),
            # What one asks about is rare, and an index of the rare alone costs the others nothing.
            models.Index(
                fields=("result_status", "-sent_at"),
                condition=~models.Q(result_status="S"),
                name="exchange_not_success",
            ),
            models.Index(
                fields=("verdict", "-sent_at"), condition=~models.Q(verdict="VERIFIED"), name="exchange_not_verified"
            ),
            models.Index(fields=("-sent_at",), condition=models.Q(duration_ms__gt=SLOW_MS), name="exchange_slow"),
        ]

    def __str__(self) -> str:
        return f"{self.api} {self.subject}".strip()


class NotificationStatus(models.TextChoices):
    """What became of a message that came in."""

    RECEIVED = "RECEIVED", "Received"
    """Verified and stored, not yet applied."""
    APPLIED = "APPLIED", "Applied"
    WAITING = "WAITING", "Waiting"
    """It speaks of something we do not know (yet); tried again by the worker."""
    UNAPPLIED = "UNAPPLIED", "Could not be applied"
    """Given up: a person looks at it."""
    REFUSED = "REFUSED", "Refused"
    """Not verified; it changed nothing."""


class Notification(Due):
    """One message the acquirer sent us. The same verified message twice is one row."""

    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="notifications")
    kind = models.CharField(max_length=40, blank=True)
    subject = models.CharField(max_length=64, blank=True, db_index=True)
    received_at = models.DateTimeField(default=clock.now)
    last_received_at = models.DateTimeField(default=clock.now)
    deliveries = models.PositiveIntegerField(default=1)
    """How often the acquirer sent this very message."""
    path = models.CharField(max_length=300)
    headers = models.JSONField(default=dict)
    body = EncryptedBinaryField(blank=True)
    sha256 = models.CharField(max_length=64)
    """Of the body."""
    masked_body = models.TextField(blank=True)
    verdict = models.CharField(max_length=16)
    is_verified = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=NotificationStatus.choices)
    applied_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    """Why it waits, was refused or could not be applied."""

    class Meta:
        ordering = ("-received_at", "-pk")
        permissions = [("act_try_again", "Can try notifications again")]
        indexes = [
            models.Index(fields=("-received_at", "-id"), name="notification_newest"),
            models.Index(
                fields=("status", "-received_at"),
                condition=~models.Q(status=NotificationStatus.APPLIED),
                name="notification_not_applied",
            ),
            models.Index(fields=("-received_at",), condition=models.Q(deliveries__gt=1), name="notification_repeated"),
        ]
        constraints = [
            # Among verified ones only, so that a forged copy cannot shut out the real message.
            models.UniqueConstraint(
                fields=("account", "sha256"), condition=models.Q(is_verified=True), name="verified_message_once"
            ),
            models.CheckConstraint(
                condition=models.Q(is_verified=True) | models.Q(status=NotificationStatus.REFUSED),
                name="unverified_message_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip() or "message"
