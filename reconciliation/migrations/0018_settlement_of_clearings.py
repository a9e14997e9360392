from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0017_clearing_reports")]

    operations = [
        migrations.RemoveConstraint("reportfile", "report_kind_known"),
        migrations.AlterField(
            "reportfile",
            "kind",
            models.CharField(
                max_length=16,
                choices=[
                    ("TRANSACTIONS", "Transaction details"),
                    ("SETTLEMENT", "Settlement details"),
                    ("SUMMARY", "Settlement summary"),
                    ("PAYOUT", "Settlement of clearings"),
                ],
            ),
        ),
        migrations.AddConstraint(
            "reportfile",
            models.CheckConstraint(
                condition=Q(kind__in=["TRANSACTIONS", "SETTLEMENT", "SUMMARY", "PAYOUT"]), name="report_kind_known"
            ),
        ),
    ]
