from django.db import migrations

from portal.encryption import blind_index

PURPOSE = "idempotency fingerprint"
BATCH = 2000


def key_the_fingerprints(apps, schema_editor):
    """Put the keyed digest of each kept fingerprint in its place: a repeat of its request is known as before.

    In one transaction, since what is keyed twice is a fingerprint of nothing.
    """
    keys = apps.get_model("portal", "IdempotencyKey").objects
    last = 0
    while rows := list(keys.filter(pk__gt=last).order_by("pk").only("fingerprint")[:BATCH]):
        for row in rows:
            row.fingerprint = blind_index(row.fingerprint, PURPOSE)
        keys.bulk_update(rows, ["fingerprint"], batch_size=BATCH)
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("portal", "0012_settlement_cycle")]

    # On the way back they stay as they are: who repeats a request then is told to use a new key.
    operations = [migrations.RunPython(key_the_fingerprints, migrations.RunPython.noop)]
