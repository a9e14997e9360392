import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portal import chain

# As they were named when this was written: there from an earlier run of it, when it is taken back and run again.
_TRIGGERS = {
    'sqlite': ('journal_refuses_update', 'journal_refuses_delete', 'journal_holds_to_the_last'),
    'postgresql': ('journal_refuses_change', 'journal_refuses_truncate', 'journal_holds_to_the_last'),
}


def _take_triggers_away(apps, schema_editor):
    """They come back after the migration."""
    vendor = schema_editor.connection.vendor
    on = ' ON portal_journalentry' if vendor == 'postgresql' else ''
    for name in _TRIGGERS[vendor]:
        schema_editor.execute(f'DROP TRIGGER IF EXISTS {name}{on}')


def _chain(apps, schema_editor):
    """Chain what was written so far, in the order of its ids."""
    entries = apps.get_model('portal', 'JournalEntry')._base_manager
    position, last = 0, chain.BEGINNING
    for entry in entries.order_by('pk').iterator(chunk_size=2000):
        position += 1
        entry.position, entry.previous_hash = position, last
        last = chain.link(entry)
        entries.filter(pk=entry.pk).update(position=position, previous_hash=entry.previous_hash, hash=last)


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0003_webhooks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(_take_triggers_away, _take_triggers_away),
        migrations.CreateModel(
            name='JournalDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(blank=True, db_index=True, editable=False, null=True)),
                ('lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('attempts', models.PositiveIntegerField(default=0, editable=False)),
                ('day', models.DateField(unique=True)),
                ('checkpoint', models.CharField(blank=True, max_length=120)),
            ],
            options={
                'ordering': ('day',),
            },
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='user',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='journalentry',
            name='position',
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='journalentry',
            name='previous_hash',
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        migrations.AddField(
            model_name='journalentry',
            name='hash',
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        migrations.RunPython(_chain, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='journalentry',
            name='position',
            field=models.BigIntegerField(editable=False, unique=True),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='previous_hash',
            field=models.CharField(editable=False, max_length=64, unique=True),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='hash',
            field=models.CharField(editable=False, max_length=64, unique=True),
        ),
    ]
