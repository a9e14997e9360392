"""On PostgreSQL, references of rows and matches are checked once per statement, and not once per row.

A foreign key asks for every row by a query of its own, and locks the parent by writing to it: of an import that was
two fifths of what the database did. The law stays as it was, for whoever writes: a row's file and batch are there, a
match's row, payment, refund and cancel are there, and none of them goes while it is spoken of.

What is written is held against its parents by one query per column over all rows of the statement. A parent that goes
meanwhile is kept out thus: files, batches and rows of earlier transactions are locked as a foreign key locks them; for
payments, refunds and cancels, which the portal never deletes, whoever does delete one waits for all who write matches,
and looks then. ``superseded_by`` keeps its foreign key. SQLite keeps all of them: there they cost little.
"""

from typing import NamedTuple

from django.db import migrations


class _Reference(NamedTuple):
    child: str
    column: str
    parent: str
    way: str
    """How a parent is kept: few parents are SHAREd; of rows those of EARLIER transactions are; MONEY is only asked."""


_ROW, _MATCH = 'reconciliation_settlementrow', 'reconciliation_match'
_REFERENCES = (
    _Reference(_ROW, 'file_id', 'reconciliation_reportfile', 'SHARE'),
    _Reference(_ROW, 'batch_id', 'reconciliation_batch', 'SHARE'),
    _Reference(_MATCH, 'row_id', _ROW, 'EARLIER'),
    _Reference(_MATCH, 'payment_id', 'payments_payment', 'MONEY'),
    _Reference(_MATCH, 'refund_id', 'payments_refund', 'MONEY'),
    _Reference(_MATCH, 'cancel_id', 'payments_cancel', 'MONEY'),
)

_RAISE = """
        RAISE foreign_key_violation USING MESSAGE = 'insert or update on table "{child}" violates the reference '
            '{column}: what it names is not in "{parent}"', TABLE = '{child}', COLUMN = '{column}';"""
_ASK = {
    'SHARE': """
    SELECT array_agg(DISTINCT {column}) INTO named FROM fresh WHERE {column} IS NOT NULL;""",
    'EARLIER': """
    SELECT array_agg(DISTINCT {column}) INTO named FROM fresh
        WHERE (SELECT xmin <> own FROM {parent} parent WHERE parent.id = fresh.{column}) IS NOT FALSE;""",
}
_SHARE = """
    IF named IS NOT NULL THEN
        PERFORM FROM {parent} WHERE id = ANY (named) FOR KEY SHARE;
        GET DIAGNOSTICS there = ROW_COUNT;
        IF there < cardinality(named) THEN {refuse}
        END IF;
    END IF;"""
_MONEY = """
    PERFORM FROM fresh WHERE {column} IS NOT NULL
        AND (SELECT true FROM {parent} parent WHERE parent.id = fresh.{column}) IS NULL LIMIT 1;
    IF FOUND THEN {refuse}
    END IF;"""
# A query within a query is asked by the parent's key, once for every row, whatever else the planner may think of.
_WRITTEN = """
CREATE FUNCTION {child}_refers() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off AS $$
DECLARE
    own xid := pg_current_xact_id()::xid;
    named bigint[];
    there bigint;
BEGIN {asked}
    RETURN NULL;
END $$;
CREATE TRIGGER refers AFTER INSERT ON {child} REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION {child}_refers();
"""
# The arguments: column and parent.
_CHANGED = """
CREATE FUNCTION reconciliation_refers_anew() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    there bigint;
BEGIN
    EXECUTE format('SELECT 1 FROM %I WHERE id = $1 FOR KEY SHARE', TG_ARGV[1])
        INTO there USING (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
    IF there IS NULL THEN
        RAISE foreign_key_violation USING MESSAGE = format(
            'update on table "%s" violates the reference %s: what it names is not in "%s"',
            TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1]), TABLE = TG_TABLE_NAME, COLUMN = TG_ARGV[0];
    END IF;
    RETURN NULL;
END $$;
"""
_CHANGES = """
CREATE TRIGGER refers_anew_{column} AFTER UPDATE OF {column} ON {child} FOR EACH ROW
    WHEN (NEW.{column} IS NOT NULL AND NEW.{column} IS DISTINCT FROM OLD.{column})
    EXECUTE FUNCTION reconciliation_refers_anew('{column}', '{parent}');
"""
# The arguments: child, its column, and the way.
_GONE = """
CREATE FUNCTION reconciliation_still_named() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    IF TG_ARGV[2] = 'MONEY' THEN
        EXECUTE format('LOCK TABLE %I IN SHARE MODE', TG_ARGV[0]);
    END IF;
    IF TG_LEVEL = 'ROW' THEN
        EXECUTE format('SELECT %2$I FROM %1$I WHERE %2$I = $1 LIMIT 1', TG_ARGV[0], TG_ARGV[1]) INTO found USING OLD.id;
    ELSE
        EXECUTE format(
            'SELECT gone.id FROM gone WHERE (SELECT true FROM %1$I WHERE %2$I = gone.id LIMIT 1) LIMIT 1',
            TG_ARGV[0], TG_ARGV[1]) INTO found;
    END IF;
    IF found IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = format(
            'update or delete on table "%s" violates the reference %s of "%s": %s is named there',
            TG_TABLE_NAME, TG_ARGV[1], TG_ARGV[0], found), TABLE = TG_ARGV[0], COLUMN = TG_ARGV[1];
    END IF;
    RETURN NULL;
END $$;
"""
_GOES = """
CREATE TRIGGER still_named_{child}_{column} AFTER DELETE ON {parent} REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION reconciliation_still_named('{child}', '{column}', '{way}');
CREATE TRIGGER still_named_by_{child}_{column} AFTER UPDATE OF id ON {parent} FOR EACH ROW WHEN (NEW.id <> OLD.id)
    EXECUTE FUNCTION reconciliation_still_named('{child}', '{column}', '{way}');
"""


def _asked(reference):
    facts = reference._asdict()
    if reference.way == 'MONEY':
        return _MONEY.format(**facts, refuse=_RAISE.format(**facts))
    return _ASK[reference.way].format(**facts) + _SHARE.format(**facts, refuse=_RAISE.format(**facts))


def _foreign_key(schema_editor, apps, reference):
    """The constraint as Django names it, and the statement that makes it."""
    models = {model._meta.db_table: model for model in apps.get_models()}
    model = models[reference.child]
    field = next(field for field in model._meta.local_fields if field.column == reference.column)
    made = schema_editor._create_fk_sql(model, field, '_fk_%(to_table)s_%(to_column)s')
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, reference.child)
    names = [name for name, one in found.items() if one['foreign_key'] and one['columns'] == [reference.column]]
    return names, made


def by_statement(apps, schema_editor):
    """In the place of the foreign keys."""
    if schema_editor.connection.vendor != 'postgresql':
        return
    for reference in _REFERENCES:
        for name in _foreign_key(schema_editor, apps, reference)[0]:
            schema_editor.execute(f'ALTER TABLE {reference.child} DROP CONSTRAINT "{name}"', params=None)
    schema_editor.execute(_CHANGED + _GONE, params=None)
    for child in (_ROW, _MATCH):
        asked = ''.join(_asked(one) for one in _REFERENCES if one.child == child)
        schema_editor.execute(_WRITTEN.format(child=child, asked=asked), params=None)
    for reference in _REFERENCES:
        schema_editor.execute((_CHANGES + _GOES).format(**reference._asdict()), params=None)


def by_row(apps, schema_editor):
    """As they were."""
    if schema_editor.connection.vendor != 'postgresql':
        return
    for child in (_ROW, _MATCH):
        schema_editor.execute(f'DROP FUNCTION {child}_refers() CASCADE', params=None)
    schema_editor.execute('DROP FUNCTION reconciliation_refers_anew() CASCADE', params=None)
    schema_editor.execute('DROP FUNCTION reconciliation_still_named() CASCADE', params=None)
    for reference in _REFERENCES:
        schema_editor.execute(_foreign_key(schema_editor, apps, reference)[1])


class Migration(migrations.Migration):
    dependencies = [
        ('reconciliation', '0018_settlement_of_clearings'),
        ('payments', '0011_hours_to_settle'),
    ]

    operations = [migrations.RunPython(by_statement, by_row)]
