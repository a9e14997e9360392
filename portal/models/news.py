"""What people wish to be told by e-mail, and what each of them was told."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal import clock
from portal.models.due import Due
from portal.models.history import AddedOnly


class Wish(models.TextChoices):
    """How soon somebody wants to hear of one kind of thing."""

    NEVER = "NEVER", "Never"
    DAILY = "DAILY", "Once a day"
    AT_ONCE = "AT_ONCE", "What is urgent at once, the rest once a day"


class NewsWish(Due):
    """What one person is told. Somebody without a row is told nothing. Due while there is something to be told."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="news_wish")
    incidents = models.CharField(max_length=8, choices=Wish.choices, default=Wish.NEVER)
    approvals = models.CharField(max_length=8, choices=Wish.choices, default=Wish.NEVER)
    hour = models.PositiveSmallIntegerField(default=9)
    """When the daily mail goes out, in the desk's zone."""
    digest_on = models.DateField(null=True, blank=True, editable=False)
    """The day of the last daily mail, in the desk's zone."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(incidents__in=Wish.values) & Q(approvals__in=Wish.values), name="news_wish_known"
            ),
            models.CheckConstraint(condition=Q(hour__lt=24), name="news_hour_of_a_day"),
        ]

    def __str__(self) -> str:
        return f"news for {self.person}"


class NewsTold(AddedOnly):
    """Somebody was told of this. Written before the mail leaves: a mail may get lost, but none is sent twice."""

    wish = models.ForeignKey(NewsWish, models.CASCADE, related_name="told")
    item = models.CharField(max_length=80)
    """The thing's own key, e.g. ``incident 12``."""
    told_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("wish", "item"), name="news_told_once")]

    def __str__(self) -> str:
        return self.item
