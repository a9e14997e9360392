"""Webhooks to the merchant's own systems: who listens, what happened, what was delivered, and every attempt at it."""

from django.db import models
from django.db.models import Q

from portal import clock
from portal.encryption import EncryptedTextField
from portal.models.accounts import AcquirerAccount
from portal.models.due import Due
from portal.models.history import AddedOnly


class EndpointState(models.TextChoices):
    """Whether an endpoint is sent to."""

    ACTIVE = "ACTIVE", "Active"
    PAUSED = "PAUSED", "Paused"
    """Nothing is sent, everything is kept for it: it was dead, or a person paused it."""
    DISABLED = "DISABLED", "Disabled"
    """Nothing is sent, and what happens from now on is not kept for it."""


class WebhookEndpoint(Due):
    """One address of the merchant's that is told what happens. Due while paused for being dead: it is probed then."""

    name = models.CharField(max_length=80, unique=True)
    account = models.ForeignKey(
        AcquirerAccount, models.PROTECT, null=True, blank=True, related_name="webhook_endpoints"
    )
    """Whose events it hears of; None: those of every account."""
    url = models.CharField(max_length=500)
    kinds = models.JSONField(default=list, blank=True)
    """The kinds it wants; empty: all of them, those to come included."""
    secret = EncryptedTextField(editable=False)
    """Shown once, when it is made."""
    previous_secret = EncryptedTextField(blank=True, editable=False)
    """Signs beside the new one for a while after a rotation, so that the receiver can change over without a gap."""
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    state = models.CharField(max_length=12, choices=EndpointState.choices, default=EndpointState.ACTIVE)
    state_note = models.CharField(max_length=300, blank=True)
    """Why it is not active."""
    failures = models.PositiveIntegerField(default=0, editable=False)
    """Attempts that failed since the last one that did not."""
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    resting_until = models.DateTimeField(null=True, blank=True, editable=False)
    """No attempt before then: it did not answer at all, or slowly, and others are waiting for the same worker."""
    last_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name",)
        permissions = [
            ("act_webhook_endpoints", "Can add, change, pause and resume webhook endpoints and rotate their secrets"),
            ("act_webhook_ping", "Can send a ping to webhook endpoints"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=EndpointState.values), name="endpoint_state_known"),
            models.CheckConstraint(
                condition=Q(previous_secret="") | Q(previous_secret_until__isnull=False),
                name="previous_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookEvent(Due):
    """Something that happened, in the bytes every endpoint is sent. Due until its deliveries are made from it.

    Written inside the transaction of what happened, so that the two stand or fall together. The bytes never change.
    """

    event_id = models.CharField(max_length=64, unique=True)
    account = models.ForeignKey(AcquirerAccount, models.PROTECT, related_name="webhook_events")
    kind = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=64, db_index=True)
    """What the merchant knows it by: the number of an order, the id of a wallet."""
    sequence = models.PositiveIntegerField()
    """The how-many-th event of its object, from 1."""
    body = models.TextField()
    """JSON in ASCII, so that text and bytes are the same thing."""
    listeners = models.JSONField(default=list)
    """The endpoints that listened when it happened."""
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = [models.Index(fields=("-created_at", "-id"), name="webhook_event_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=("subject_type", "subject_id", "sequence"), name="webhook_event_sequence_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_label}"


class DeliveryState(models.TextChoices):
    """Where one event stands with one endpoint."""

    WAITING = "WAITING", "Waiting"
    DELIVERED = "DELIVERED", "Delivered"
    GIVEN_UP = "GIVEN_UP", "Given up"
    """The ladder ended, or a person let it go; what comes after it is not held up any more."""


class WebhookDelivery(Due):
    """One event on its way to one endpoint. Waiting without being due: its endpoint is paused or disabled."""

    event = models.ForeignKey(WebhookEvent, models.PROTECT, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, related_name="deliveries")
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=64)
    sequence = models.PositiveIntegerField()
    """These three as the event has them: the later event of an object waits for the earlier one."""
    state = models.CharField(max_length=12, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    times_tried = models.PositiveIntegerField(default=0)
    """In all; ``attempts`` counts the rungs of the ladder and begins anew when it is resent."""
    said = models.CharField(max_length=120, blank=True)
    """What the last attempt ended in, in a few words."""
    created_at = models.DateTimeField(default=clock.now, editable=False)
    delivered_at = models.DateTimeField(null=True, blank=True)
    """When it was first taken; what is only repeated holds nothing up."""
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name_plural = "webhook deliveries"
        permissions = [("act_webhook_resend", "Can resend webhooks and let them go")]
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="webhook_delivery_newest"),
            models.Index(fields=("state", "-created_at"), name="webhook_delivery_by_state"),
            models.Index(
                fields=("endpoint", "subject_type", "subject_id", "sequence"),
                condition=Q(state=DeliveryState.WAITING, delivered_at__isnull=True),
                name="webhook_delivery_before",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=("event", "endpoint"), name="webhook_delivery_once"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_known"),
            models.CheckConstraint(
                condition=~Q(state=DeliveryState.DELIVERED) | Q(delivered_at__isnull=False),
                name="delivered_knows_when",
            ),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.WAITING) | Q(due_at__isnull=True), name="finished_delivery_not_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint}"


class WebhookAttempt(AddedOnly):
    """One POST to an endpoint: an event's, or a ping. Only ever added to."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, related_name="tries")
    delivery = models.ForeignKey(WebhookDelivery, models.PROTECT, null=True, blank=True, related_name="tries")
    """None: a ping."""
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    url = models.CharField(max_length=500)
    address = models.CharField(max_length=45, blank=True)
    """The checked address that was connected to; empty when none was."""
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True)
    """The beginning of what was answered, without what looks like a secret."""
    error = models.CharField(max_length=40, blank=True)
    """Why there is no answer, e.g. ``no_connection``."""
    note = models.CharField(max_length=200, blank=True)
    """The error in a sentence."""
    is_success = models.BooleanField(default=False)

    class Meta:
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.http_status or self.error} at {self.endpoint}"
