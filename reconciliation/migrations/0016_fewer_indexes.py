from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0015_settled_once")]

    operations = [
        migrations.AddIndex(
            "discrepancy",
            models.Index(
                fields=["file", "opened_at", "-id"], condition=Q(closed_at__isnull=True), name="discrepancy_open_of_file"
            ),
        ),
        migrations.AddIndex(
            "discrepancy",
            models.Index(
                fields=["file"], condition=Q(closed_at__isnull=True, is_urgent=True), name="discrepancy_urgent"
            ),
        ),
        migrations.AddIndex(
            "settlementrow",
            models.Index(fields=["-file", "line_number"], condition=Q(state="EXPLAINED"), name="row_explained"),
        ),
        migrations.RemoveConstraint("settlementrow", "row_line_once"),
        migrations.AddConstraint(
            "settlementrow",
            models.UniqueConstraint(F("file").desc(), F("line_number"), F("part"), name="row_line_once"),
        ),
        migrations.RemoveIndex("settlementrow", "row_by_state"),
        migrations.RemoveIndex("settlementrow", "row_as_printed"),
    ]
