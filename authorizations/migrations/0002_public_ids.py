from django.db import migrations, models

import authorizations.models


def give_ids(apps, schema_editor):
    """Give each row an id of its own: a default is evaluated once for all rows that exist."""
    for name, fresh in (
        ("WalletAccount", authorizations.models.fresh_wallet_id),
        ("Authorization", authorizations.models.fresh_authorization_id),
    ):
        for row in apps.get_model("authorizations", name).objects.only("pk"):
            type(row).objects.filter(pk=row.pk).update(public_id=fresh())


class Migration(migrations.Migration):
    dependencies = [("authorizations", "0001_initial")]

    operations = [
        migrations.AddField("walletaccount", "public_id", models.CharField(default="", editable=False, max_length=64)),
        migrations.AddField("authorization", "public_id", models.CharField(default="", editable=False, max_length=64)),
        migrations.RunPython(give_ids, migrations.RunPython.noop),
        migrations.AlterField(
            "walletaccount",
            "public_id",
            models.CharField(
                default=authorizations.models.fresh_wallet_id, editable=False, max_length=64, unique=True
            ),
        ),
        migrations.AlterField(
            "authorization",
            "public_id",
            models.CharField(
                default=authorizations.models.fresh_authorization_id, editable=False, max_length=64, unique=True
            ),
        ),
    ]
