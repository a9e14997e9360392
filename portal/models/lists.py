"""How a person looks at the desk's lists: views with a name, and the columns they last chose."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal import clock


class ListView(models.Model):
    """One way to look at one list: its filters, its order, its columns.

    Without a name it is how its owner left the columns of the list; there is one of these per person and list. With a
    name it is a view they saved, which they may share with everybody who may open the list.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="list_views")
    list_name = models.CharField(max_length=80)
    """The model of the list, ``payments.order``."""
    name = models.CharField(max_length=60, blank=True)
    query = models.CharField(max_length=1000, blank=True)
    """Filters and order as the URL has them, without a place in the list."""
    columns = models.JSONField(default=list)
    """Names of columns in their order; empty: the list's own."""
    is_shared = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    """What the list opens on for its owner."""
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name", "pk")
        default_permissions = ()
        permissions = [
            ("act_share_view", "Can share saved views with everybody"),
            ("act_export", "Can export lists"),
            ("act_export_personal", "Can export personal data unmasked"),
        ]
        indexes = [models.Index(fields=("list_name",), condition=Q(is_shared=True), name="shared_views_of_list")]
        constraints = [
            models.UniqueConstraint(fields=("owner", "list_name", "name"), name="view_name_once"),
            models.UniqueConstraint(
                fields=("owner", "list_name"), condition=Q(is_default=True), name="one_default_view"
            ),
            models.CheckConstraint(
                condition=~Q(name="") | Q(is_shared=False, is_default=False), name="only_named_views_are_shared"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"columns of {self.list_name}"
