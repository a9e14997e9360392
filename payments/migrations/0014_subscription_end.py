"""Why a subscription is over, as a code; and what hangs on a revoked consent is looked at, wherever it waits."""

from typing import Any

from django.db import migrations, models
from django.utils import timezone

_RUNNING = ("ACTIVE", "PAUSED", "IN_GRACE", "PAST_DUE")
_CODES = {
    "cancelled": "CANCELLED",
    "consent ended": "CONSENT_ENDED",
    "given up": "UNPAID",
    "last cycle done": "COMPLETED",
}


def say_why_and_look(apps: Any, schema_editor: Any) -> None:
    subscriptions = apps.get_model("payments", "Subscription").objects
    changes = apps.get_model("payments", "SubscriptionChange").objects
    for event, code in _CODES.items():
        ended = changes.filter(event=event, target__in=("CANCELLED", "ENDED")).values("subscription")
        subscriptions.filter(pk__in=ended).update(end_code=code)
    revoked = subscriptions.filter(status__in=_RUNNING, wallet_account__status__in=("REVOKING", "REVOKED"))
    revoked.update(due_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [
        ("authorizations", "0009_links"),
        ("payments", "0013_subscription_rhythm"),
        ("portal", "0016_binding_places"),
    ]

    operations = [
        migrations.AddField(
            "subscription",
            "end_code",
            models.CharField(
                blank=True,
                choices=[
                    ("CANCELLED", "Cancelled"),
                    ("CONSENT_ENDED", "The consent of its wallet ended"),
                    ("UNPAID", "Not paid in time"),
                    ("COMPLETED", "Every charge that was agreed to is made"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            "subscription",
            models.Index(
                fields=["plan"], condition=models.Q(("status__in", _RUNNING)), name="subscription_running"
            ),
        ),
        migrations.RunPython(say_why_and_look, migrations.RunPython.noop),
    ]
