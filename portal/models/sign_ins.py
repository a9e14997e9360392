"""Who came in, who tried to, and which sessions are open."""

from django.conf import settings
from django.db import models

from portal import clock


class SignInOutcome(models.TextChoices):
    """How an attempt to come in ended."""

    OPENED = "OPENED", "Signed in"
    WRONG_PASSWORD = "WRONG_PASSWORD", "Wrong password"
    WRONG_FACTOR = "WRONG_FACTOR", "Wrong second factor"
    LOCKED = "LOCKED", "Locked for a while"
    SHUT_OUT = "SHUT_OUT", "Is shut out"


class SignInEnd(models.TextChoices):
    """Why a session ended before its time."""

    LEFT = "LEFT", "Logged out"
    ELSEWHERE = "ELSEWHERE", "Logged out from another session"
    ROLES = "ROLES", "Their roles were changed"
    SHUT_OUT = "SHUT_OUT", "They were shut out"
    PASSWORD = "PASSWORD", "Their password was changed"
    RESET = "RESET", "Their way in was reset"


class SignIn(models.Model):
    """One attempt of a known person to come in; when it succeeded, the session it opened.

    Names nobody has are not kept: people type their password into the wrong field.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_ins")
    at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(max_length=20, choices=SignInOutcome.choices)
    factor = models.CharField(max_length=20, blank=True)
    """The second factor that was used: ``totp``, ``webauthn`` or ``recovery_codes``."""
    address = models.CharField(max_length=45, blank=True)
    device = models.CharField(max_length=80, blank=True)
    """In words, from what the browser says of itself."""
    session_key = models.CharField(max_length=40, blank=True, db_index=True, editable=False)
    """Of the session it opened: never shown, and gone when that ends."""
    last_seen_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=20, choices=SignInEnd.choices, blank=True)

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name = "sign-in"
        indexes = [
            models.Index(fields=("-at", "-id"), name="sign_in_newest"),
            models.Index(fields=("person", "-at"), name="sign_in_of_person"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome=SignInOutcome.OPENED) | models.Q(session_key=""),
                name="sign_in_failed_opens_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}: {self.person}"
