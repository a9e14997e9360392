from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0016_fewer_indexes")]

    operations = [
        migrations.AlterField(
            "reportfile",
            "edition",
            models.CharField(
                max_length=8,
                choices=[
                    ("E0-HK", "E0-HK, AlipayHK Auto Debit"),
                    ("E0", "E0, until about 2019"),
                    ("E1", "E1, 2018 to 2022"),
                    ("E2", "E2, 2022 and 2023"),
                    ("E3", "E3, 2023 to 2025"),
                    ("E4", "E4, the current one"),
                    ("C1", "C1, clearing reports"),
                ],
            ),
        )
    ]
