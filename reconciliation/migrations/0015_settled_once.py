"""What step 0014 lost on PostgreSQL: that a refund and a cancel are settled once.

With the plain index of a column Django dropped the conditional unique ones there. Whoever has them already, a new
database and any SQLite, is left as it is.
"""

from django.db import migrations, models


def restore(apps, schema_editor):
    """Add what is missing of the unique constraints of a match."""
    Match = apps.get_model("reconciliation", "Match")
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, Match._meta.db_table)
    for constraint in Match._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.name not in there:
            schema_editor.add_constraint(Match, constraint)


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0014_bulk")]

    operations = [migrations.RunPython(restore, migrations.RunPython.noop)]
