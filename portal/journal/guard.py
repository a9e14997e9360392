"""The database's own refusal to change the journal: triggers, put in place after every migration.

They refuse UPDATE and DELETE, on PostgreSQL TRUNCATE, and a new line that does not hold to the last one, with which
goes SQLite's INSERT OR REPLACE: it would take out a line without a DELETE unless ``recursive_triggers`` is on, and
another program may have it off. SQLite loses its triggers whenever a migration rebuilds the table, so they are made
anew every time, and whoever starts looks whether they are there (``missing``).

They keep mistakes and careless hands out. Whoever owns the database can take them away; what that person changes is
found by the chain and the checkpoints (``portal.journal.proof``).
"""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from portal import chain
from portal.models import JournalEntry

_TABLE = JournalEntry._meta.db_table
_ONLY_ADDED_TO = "the journal is only added to"
_HOLDS_TO_THE_LAST = "a line of the journal holds to the last one"
_LAST_HASH = f"COALESCE((SELECT hash FROM {_TABLE} ORDER BY position DESC LIMIT 1), '{chain.BEGINNING}')"  # noqa: S608
_NEXT = f"(SELECT COALESCE(MAX(position), 0) + 1 FROM {_TABLE})"  # noqa: S608 - names of our own
_IS_THERE = f"EXISTS (SELECT 1 FROM {_TABLE} WHERE id = NEW.id)"  # noqa: S608 - the same
_WRONG = f"NEW.position <> {_NEXT} OR NEW.previous_hash <> {_LAST_HASH}"

_SQLITE = {
    "journal_refuses_update": f"BEFORE UPDATE ON {_TABLE} BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED_TO}'); END",
    "journal_refuses_delete": f"BEFORE DELETE ON {_TABLE} BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED_TO}'); END",
    # The id of a row that gets its id from the database is -1 here, so what is there already is found by its id, too.
    "journal_holds_to_the_last": f"BEFORE INSERT ON {_TABLE} WHEN {_WRONG} OR {_IS_THERE} "
    f"BEGIN SELECT RAISE(ABORT, '{_HOLDS_TO_THE_LAST}'); END",
}
_POSTGRESQL = {
    "journal_refuses_change": f"BEFORE UPDATE OR DELETE ON {_TABLE} FOR EACH ROW EXECUTE FUNCTION journal_refuses()",
    "journal_refuses_truncate": f"BEFORE TRUNCATE ON {_TABLE} FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses()",
    "journal_holds_to_the_last": f"BEFORE INSERT ON {_TABLE} FOR EACH ROW EXECUTE FUNCTION journal_holds()",
}
_FUNCTION = "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does} END $$"
_RAISE = "RAISE EXCEPTION '{says}' USING ERRCODE = 'integrity_constraint_violation';"
_REFUSES = _FUNCTION.format(name="journal_refuses", does=_RAISE.format(says=_ONLY_ADDED_TO))
_HOLDS = _FUNCTION.format(
    name="journal_holds", does=f"IF {_WRONG} THEN {_RAISE.format(says=_HOLDS_TO_THE_LAST)} END IF; RETURN NEW;"
)


def _line() -> BaseDatabaseWrapper:
    return connections[DEFAULT_DB_ALIAS]


def _triggers(line: BaseDatabaseWrapper) -> dict[str, str]:
    return _POSTGRESQL if line.vendor == "postgresql" else _SQLITE


def removal(line: BaseDatabaseWrapper) -> list[str]:
    """The statements that take the triggers away."""
    on = f" ON {_TABLE}" if line.vendor == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS {name}{on}" for name in _triggers(line)]


def installation(line: BaseDatabaseWrapper) -> list[str]:
    """The statements that put the triggers in place where there are none.

    ALWAYS: on PostgreSQL a session that calls itself a replica (``session_replication_role``) meets them too.
    """
    made = [f"CREATE TRIGGER {name} {rule}" for name, rule in _triggers(line).items()]
    if line.vendor != "postgresql":
        return made
    always = [f"ALTER TABLE {_TABLE} ENABLE ALWAYS TRIGGER {name}" for name in _triggers(line)]
    return [_REFUSES, _HOLDS, *made, *always]


def install(**kwargs: Any) -> None:
    """Put the triggers in place anew. Safe to repeat; called after every migration, while the chain is there."""
    state = kwargs.get("apps")
    models = {} if state is None else state.all_models.get("portal", {})
    if state is not None and not _has_chain(models.get("journalentry")):
        return
    line = _line()
    with line.cursor() as cursor:
        for statement in removal(line) + installation(line):
            cursor.execute(statement)


def _has_chain(model: Any) -> bool:
    return model is not None and "previous_hash" in {field.name for field in model._meta.get_fields()}


def missing() -> str:
    """A sentence when the journal stands unguarded; empty when every trigger is in place, or there is no table yet."""
    line = _line()
    with line.cursor() as cursor:
        if _TABLE not in line.introspection.table_names(cursor):
            return ""
        if line.vendor == "postgresql":
            asked = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled = 'A'"
        else:
            asked = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
        cursor.execute(asked, [_TABLE])
        lost = sorted(set(_triggers(line)) - {str(name) for (name,) in cursor.fetchall()})
    if not lost:
        return ""
    return f"The journal is not guarded: {', '.join(lost)} missing in the database. Run manage.py migrate."
