"""Records about acts: who did it, the incidents, and the keys that make a repeated request harmless."""

from django.conf import settings
from django.db import models

from portal import clock
from portal.actor import Actor


class ActorFields(models.Model):
    """Who did it, as two texts that outlive the person's account."""

    actor_kind = models.CharField(max_length=20, editable=False)
    actor_name = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        abstract = True

    def by(self, actor: Actor) -> None:
        """Fill in the actor of a row that is being made."""
        self.actor_kind, self.actor_name = str(actor.kind), actor.name


class Incident(models.Model):
    """Something a person must look at, with an owner and an age. One open row per kind and subject."""

    kind = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.CharField(max_length=64, blank=True)
    subject_label = models.CharField(max_length=200, blank=True)
    summary = models.CharField(max_length=300)
    detail = models.TextField(blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    times_seen = models.PositiveIntegerField(default=1)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="incidents"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)
    resolution = models.TextField(blank=True)

    class Meta:
        ordering = ("opened_at", "pk")
        permissions = [("act_incident", "Can take and close incidents")]
        indexes = [
            models.Index(fields=("-opened_at", "-id"), name="incident_newest"),
            models.Index(fields=("subject_label",), name="incident_by_label"),
            models.Index(
                fields=("-opened_at", "-id"), condition=models.Q(closed_at__isnull=True), name="incident_queue"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("kind", "subject_type", "subject_id"),
                condition=models.Q(closed_at__isnull=True),
                name="incident_open_once",
            )
        ]

    def __str__(self) -> str:
        return self.summary

    @property
    def is_open(self) -> bool:
        """Whether it still waits for a person."""
        return self.closed_at is None


class IdempotencyKey(models.Model):
    """A caller's Idempotency-Key, written inside the promise's transaction and pointing to what it made."""

    scope = models.CharField(max_length=80)
    """Whose key: two callers may use the same text."""
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    """A keyed digest of method, path and body: the same key with another body is refused, and no body is guessed."""
    resource_type = models.CharField(max_length=40)
    resource_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("scope", "key"), name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
