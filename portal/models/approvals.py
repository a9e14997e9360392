"""Four eyes: what was asked for, by which rule, who decided; the rules; who stands in for whom.

The state table stands here, beside its model, since the ground has no folder of an app.
"""

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal import clock
from portal.machine import Machine
from portal.models.accounts import AcquirerAccount
from portal.models.due import Due
from portal.models.records import ActorFields
from portal.models.stateful import Change, Stateful
from portal.money import Money


class ApprovalStatus(models.TextChoices):
    """Where a request stands."""

    WAITING = "WAITING", "Waiting"
    APPROVED = "APPROVED", "Approved, being done"
    """It is being carried out; when whoever approved it is interrupted, the worker does it."""
    DONE = "DONE", "Done"
    REFUSED = "REFUSED", "Could not be done"
    """Approved, and then the act itself was refused: the refusal is the result."""
    DECLINED = "DECLINED", "Declined"
    WITHDRAWN = "WITHDRAWN", "Withdrawn"
    EXPIRED = "EXPIRED", "Expired"


class ApprovalEvent(StrEnum):
    """What moves a request."""

    APPROVE = "approved"
    DECLINE = "declined"
    WITHDRAW = "withdrawn"
    EXPIRE = "expired"
    CARRY_OUT = "carried out"
    REFUSE = "refused by the act"


_S, _E = ApprovalStatus, ApprovalEvent
# fmt: off
APPROVAL: Machine[ApprovalStatus, ApprovalEvent] = Machine(
    # from         on             to
    (_S.WAITING,   _E.APPROVE,    _S.APPROVED),   # by another person; with the glass broken, by the requester
    (_S.WAITING,   _E.DECLINE,    _S.DECLINED),
    (_S.WAITING,   _E.WITHDRAW,   _S.WITHDRAWN),  # by the requester
    (_S.WAITING,   _E.EXPIRE,     _S.EXPIRED),
    (_S.APPROVED,  _E.CARRY_OUT,  _S.DONE),       # in the transaction of the act's own promise
    (_S.APPROVED,  _E.REFUSE,     _S.REFUSED),
)
# fmt: on


class Approval(Stateful, Due, ActorFields):
    """A request that a second person decides. What is approved is what was asked: nothing of it ever changes.

    Due when it expires, and from its approval until it is carried out.
    """

    machine = APPROVAL

    number = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=40)
    """Which rules it came under, and who carries it out (``portal.registry.approvals``)."""
    act = models.CharField(max_length=40)
    """The verb within the kind: ``refund``, ``cancel`` …"""
    status = models.CharField(max_length=16, choices=ApprovalStatus.choices, default=ApprovalStatus.WAITING)
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.CharField(max_length=64, blank=True)
    subject_label = models.CharField(max_length=200, blank=True)
    account = models.ForeignKey(AcquirerAccount, models.PROTECT, null=True, blank=True, related_name="approvals")
    amount_value = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    params = models.JSONField(default=dict)
    """Everything the act needs to know, exactly as it was asked. No secret: it is shown."""
    digest = models.CharField(max_length=64)
    """SHA-256 over all of the above: what was asked is what is carried out, or nothing is."""
    sentence = models.CharField(max_length=300)
    """What will happen, as the requester was told."""
    rule = models.CharField(max_length=300)
    """Why it needs a second person."""
    approvers = models.JSONField(default=list)
    """The roles that may decide, as the rule named them when it was asked."""
    reason_code = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=256, blank=True)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_by = models.CharField(max_length=200, blank=True)
    """As a sentence says it: ``fei``, ``omar for fei``."""
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.CharField(max_length=256, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=300, blank=True)
    """What became of it, in words; the act's refusal too."""
    result_type = models.CharField(max_length=60, blank=True)
    result_id = models.CharField(max_length=64, blank=True)
    is_glass_broken = models.BooleanField(default=False)
    """Done at once by its requester, on their own; another person reviews it afterwards."""
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_by = models.CharField(max_length=200, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_note = models.CharField(max_length=256, blank=True)
    is_found_right = models.BooleanField(null=True, blank=True)
    """What the review said of it."""

    class Meta:
        ordering = ("-created_at", "-pk")
        permissions = [
            ("act_decide", "Can approve and decline"),
            ("act_break_glass", "Can act at once without approval, to be reviewed afterwards"),
            ("act_deputy", "Can name a deputy"),
            ("act_rules", "Can ask for other approval rules"),
        ]
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="approval_newest"),
            models.Index(fields=("status", "-created_at"), name="approval_by_status"),
            models.Index(fields=("subject_type", "subject_id"), name="approval_subject"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ApprovalStatus.values), name="approval_status_known"),
            models.CheckConstraint(
                condition=Q(amount_value__isnull=True, currency="") | Q(amount_value__gt=0), name="approval_above_zero"
            ),
            models.UniqueConstraint(
                fields=("digest",), condition=Q(status__in=("WAITING", "APPROVED")), name="same_request_waits_once"
            ),
            # Whatever code says: nobody decides on their own request but by breaking the glass, nor reviews that.
            models.CheckConstraint(
                condition=Q(decider__isnull=True) | ~Q(decider=F("requester")) | Q(is_glass_broken=True),
                name="approval_by_another",
            ),
            models.CheckConstraint(
                condition=Q(reviewer__isnull=True) | ~Q(reviewer=F("requester")), name="review_by_another"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("APPROVED", "DONE", "REFUSED", "DECLINED")) | Q(decider__isnull=False),
                name="decision_knows_who",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("WAITING", "APPROVED")) | Q(due_at__isnull=True), name="ended_approval_not_due"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def amount(self) -> Money | None:
        """What it is about, where it is about money."""
        return None if self.amount_value is None else Money(self.amount_value, self.currency)

    @property
    def needs_review(self) -> bool:
        """Whether the glass was broken and nobody looked at it since."""
        return self.is_glass_broken and self.reviewed_at is None


class ApprovalChange(Change):
    """A move of a request."""

    approval = models.ForeignKey(Approval, models.CASCADE, related_name="changes")


class ApprovalRule(models.Model):
    """When an act needs a second person. A rule that is not here is as the code's default says."""

    kind = models.CharField(max_length=40)
    role = models.CharField(max_length=60, blank=True)
    """The requester's; empty: everybody's."""
    person = models.CharField(max_length=150, blank=True)
    """The requester's user name; empty: everybody's."""
    currency = models.CharField(max_length=3, blank=True)
    """Of the amount; empty: of any, and of acts without one."""
    account = models.CharField(max_length=40, blank=True)
    """The slug of an acquirer account; empty: every account's."""
    is_always = models.BooleanField(default=False)
    above_value = models.BigIntegerField(null=True, blank=True)
    """An act of more than this, in minor units of the currency."""
    above_a_day_value = models.BigIntegerField(null=True, blank=True)
    """Acts of one person on one day of together more than this."""
    above_a_day_count = models.PositiveIntegerField(null=True, blank=True)
    """More acts of one person on one day than this."""
    approvers = models.JSONField(default=list)
    """Names of roles, each of which may decide."""
    expires_hours = models.PositiveIntegerField(default=72)
    is_in_force = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("kind", "role", "currency", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=("kind", "role", "person", "currency", "account"), name="approval_rule_once"
            ),
            models.CheckConstraint(
                condition=Q(currency__gt="") | Q(above_value__isnull=True, above_a_day_value__isnull=True),
                name="rule_of_an_amount_names_its_currency",
            ),
            models.CheckConstraint(condition=Q(expires_hours__gt=0), name="rule_expires_later"),
        ]

    def __str__(self) -> str:
        return " · ".join(part for part in (self.kind, self.role, self.person, self.currency, self.account) if part)


class Deputy(models.Model):
    """Who decides for somebody else, from when until when."""

    principal = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    deputy = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=256, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    """When it was taken back before its time."""

    class Meta:
        ordering = ("-starts_at", "-pk")
        verbose_name_plural = "deputies"
        constraints = [
            models.CheckConstraint(condition=~Q(principal=F("deputy")), name="deputy_is_another"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="deputy_for_a_time"),
        ]

    def __str__(self) -> str:
        return f"{self.deputy} for {self.principal}"


class DayTotal(models.Model):
    """What a person did of a kind on a day on their own, counted within each act's promise."""

    kind = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    day = models.DateField()
    account = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    value = models.BigIntegerField(default=0)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("kind", "user", "day", "account", "currency"), name="day_total_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.kind} {self.day}"
