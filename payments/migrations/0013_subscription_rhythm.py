"""The day and the charges that a plan begins with, and an end for last dates whose amount never came.

What waits for its last amount without a moment at which the clock looks is looked at once; that sets its moment.
"""

from typing import Any

from django.db import migrations, models
from django.utils import timezone


def look_at_last_amounts(apps: Any, schema_editor: Any) -> None:
    waiting = apps.get_model("payments", "Cycle").objects.filter(status="AWAITING_AMOUNT")
    subscriptions = apps.get_model("payments", "Subscription").objects.filter(
        pk__in=waiting.values("subscription"), status__in=("ACTIVE", "IN_GRACE"), next_on=None, due_at=None
    )
    subscriptions.update(due_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("payments", "0012_stuck_cycles")]

    operations = [
        migrations.AddField("subscription", "charges_before", models.PositiveIntegerField(default=0)),
        migrations.AddField("subscription", "month_day", models.PositiveSmallIntegerField(blank=True, null=True)),
        migrations.AddIndex(
            "cycle",
            models.Index(
                fields=["subscription"], condition=models.Q(("status", "AWAITING_AMOUNT")), name="cycle_unposted"
            ),
        ),
        migrations.RunPython(look_at_last_amounts, migrations.RunPython.noop),
    ]
