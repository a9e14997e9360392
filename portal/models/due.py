"""The row is the job: when it is due, who holds it until when, and how often it was tried stand on the row itself."""

from django.db import models


class Due(models.Model):
    """Mixed into every row the clock may have to act on.

    ``portal.due`` claims it; the app's tasks work on it and set the next time.
    """

    due_at = models.DateTimeField(null=True, blank=True, db_index=True, editable=False)
    """When somebody must act on this row; None when nothing waits."""
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    """A worker holds the row until then; a killed one's lease simply runs out."""
    attempts = models.PositiveIntegerField(default=0, editable=False)
    """How often the clock acted on it since it last moved."""

    class Meta:
        abstract = True
