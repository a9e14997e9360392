"""The journal holds: nobody changes a line, not the code, not a statement, not the owner of the database unnoticed."""

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import Client

from portal import chain, checks, clock, journal, work
from portal.actor import Actor
from portal.journal import checkpoints, guard, proof
from portal.models import JournalDay, JournalEntry
from tests.concurrency.crowd import all_at_once
from tests.factories import UserFactory
from tests.story import StoryClock

TABLE = JournalEntry._meta.db_table
BEFORE_THE_CHAIN = ("portal", "0003_webhooks")
CHAINING = ("portal", "0004_journal_chain")

pytestmark = pytest.mark.usefixtures("folder")
"""What other tests had signed says nothing of the lines of this one."""


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """A folder of checkpoints of this test's own."""
    settings.PORTAL_CHECKPOINTS = str(tmp_path / "checkpoints")
    return tmp_path / "checkpoints"


def writes(count: int = 3) -> list[JournalEntry]:
    by = Actor.person(UserFactory())
    return [
        journal.write("refund", by=by, reason_code="DUPLICATE", note=f"cup {number}", before={"n": number}, after=["ü"])
        for number in range(count)
    ]


@contextmanager
def owning_the_database() -> Iterator[Any]:
    """A hand that takes the triggers away, does something, and puts them back as if nothing had been."""
    with connection.cursor() as cursor:
        for statement in guard.removal(connection):
            cursor.execute(statement)
        yield cursor
        for statement in guard.installation(connection):
            cursor.execute(statement)


def verified(**options: Any) -> tuple[int, str]:
    """What ``verify_journal`` says, and its exit status."""
    said = io.StringIO()
    try:
        call_command("verify_journal", stdout=said, **options)
    except SystemExit as end:
        return int(str(end.code)), said.getvalue()
    return 0, said.getvalue()


# The chain.


@pytest.mark.django_db
def test_each_line_holds_to_the_line_before(folder: Path) -> None:
    first, second, third = writes()
    assert [one.position for one in (first, second, third)] == [1, 2, 3]
    assert first.previous_hash == chain.BEGINNING
    assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
    status, said = verified()
    assert (status, said) == (0, f"The journal holds: 3 lines, 0 checkpoints, last hash {third.hash}.\n")


@pytest.mark.django_db
def test_an_empty_journal_holds(folder: Path) -> None:
    assert verified() == (0, f"The journal holds: 0 lines, 0 checkpoints, last hash {chain.BEGINNING}.\n")


@pytest.mark.django_db
def test_a_line_takes_no_number_that_two_databases_write_differently() -> None:
    with pytest.raises(TypeError, match="not float"):
        journal.write("refund", by=Actor.clock(), after={"amount": 1e22})
    assert not JournalEntry.objects.exists()
    entry = journal.write("refund", by=Actor.clock(), after={"many": (1, True, None), 7: {"b", "a"}})
    assert JournalEntry.objects.get().after == entry.after == {"many": [1, True, None], "7": ["a", "b"]}
    assert proof.prove().holds


OTHER_WORDS = {
    "at": "2026-01-01 00:00:00",
    "user_id": 4711,
    "actor_kind": "CLOCK",
    "actor_name": "somebody",
    "act": "cancel",
    "subject_type": "payments.Order",
    "subject_id": "9",
    "subject_label": "another",
    "reason_code": "OTHER",
    "note": "cup 7",
    "before": '{"n": 2}',
    "after": '["u"]',
    "outcome": "done",
    "position": 17,
    "previous_hash": "1" * 64,
    "hash": "2" * 64,
}


def test_every_column_is_tampered_with_below() -> None:
    assert set(OTHER_WORDS) == {field.attname for field in JournalEntry._meta.concrete_fields} - {"id"}
    assert set(chain.CONTENT) | {"position", "previous_hash", "hash"} == set(OTHER_WORDS)


@pytest.mark.django_db
@pytest.mark.parametrize("column", OTHER_WORDS)
def test_a_changed_column_is_the_first_broken_link(column: str, folder: Path) -> None:
    entries = writes(4)
    with owning_the_database() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET {column} = %s WHERE id = %s", [OTHER_WORDS[column], entries[1].pk])
    status, said = verified(format="json")
    found = json.loads(said)
    assert (status, found["holds"], found["is_guarded"]) == (1, False, True)
    assert found["first_break"]["position"] == 2
    if column == "position":
        assert "line 2 is missing; the next one there is line 3" in found["first_break"]["what"]
    else:
        assert found["first_break"]["entry"] == entries[1].pk
    status, said = verified()
    assert status == 1
    assert said.startswith("BROKEN at line 2")


@pytest.mark.django_db
def test_a_line_taken_out_of_the_middle_is_named(folder: Path) -> None:
    entries = writes(4)
    with owning_the_database() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [entries[2].pk])
    assert verified() == (1, "BROKEN at line 3: line 3 is missing; the next one there is line 4.\n")


# The guard.


@pytest.mark.django_db
def test_the_database_refuses_every_way_of_changing_a_line() -> None:
    first, second = writes(2)
    columns = ", ".join(field.column for field in JournalEntry._meta.concrete_fields)
    moved = columns.replace("id", "id + 50", 1)
    others = columns.replace("note", "'something else'")
    statements = [
        f"UPDATE {TABLE} SET note = 'something else'",
        f"UPDATE {TABLE} SET id = id + 100",
        f"DELETE FROM {TABLE}",
        # Another line at the end, which holds to nothing; a second line at the same place; the same id again.
        f"INSERT INTO {TABLE} ({columns}) SELECT {moved} FROM {TABLE} WHERE id = {first.pk}",
        f"INSERT INTO {TABLE} ({columns}) SELECT {others} FROM {TABLE} WHERE id = {second.pk}",
    ]
    if connection.vendor == "postgresql":
        statements += [
            f"TRUNCATE {TABLE}",
            f"SET LOCAL session_replication_role = replica; UPDATE {TABLE} SET note = 'something else'",
            f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {TABLE} ON CONFLICT (id) DO UPDATE SET note = 'x'",
        ]
    else:
        statements += [
            f"INSERT OR REPLACE INTO {TABLE} ({columns}) SELECT {others} FROM {TABLE} WHERE id = {first.pk}",
            f"REPLACE INTO {TABLE} ({columns}) SELECT {others} FROM {TABLE} WHERE id = {second.pk}",
            f"UPDATE OR REPLACE {TABLE} SET position = 1 WHERE id = {second.pk}",
        ]
    for statement in statements:
        with pytest.raises(IntegrityError, match="the journal"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert list(JournalEntry.objects.order_by("pk").values_list("note", flat=True)) == ["cup 0", "cup 1"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="INSERT OR REPLACE is SQLite's")
@pytest.mark.django_db(transaction=True)
def test_another_program_without_our_pragmas_cannot_replace_a_line_either() -> None:
    entry = writes(1)[0]
    columns = [field.column for field in JournalEntry._meta.concrete_fields]
    other = sqlite3.connect(str(connection.settings_dict["NAME"]), timeout=10)
    try:
        assert other.execute("PRAGMA recursive_triggers").fetchone() == (0,)
        chosen = ", ".join("'forged'" if column == "note" else column for column in columns)
        with pytest.raises(sqlite3.IntegrityError, match="the journal"):
            other.execute(f"REPLACE INTO {TABLE} ({', '.join(columns)}) SELECT {chosen} FROM {TABLE}")
        # By its place in the chain alone, under an id of its own.
        unnamed = ", ".join(columns[1:])
        with pytest.raises(sqlite3.IntegrityError, match="the journal"):
            other.execute(f"REPLACE INTO {TABLE} ({unnamed}) SELECT {unnamed} FROM {TABLE}")
    finally:
        other.close()
    assert JournalEntry.objects.get() == entry
    assert JournalEntry.objects.get().note == "cup 0"


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(3))
def test_a_missing_trigger_is_noticed_and_comes_back_with_the_next_migration(number: int, client: Client) -> None:
    assert guard.missing() == checks.not_ready() == ""
    assert checks.journal_is_guarded(None, databases=["default"]) == []
    statement = guard.removal(connection)[number]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    (error,) = checks.journal_is_guarded(None, databases=["default"])
    assert (error.id, statement.split()[4] in error.msg) == ("portal.E008", True)
    assert "Run manage.py migrate" in checks.not_ready()
    assert client.get("/readyz").json()["checks"]["journal"] == "not guarded"
    guard.install()
    assert guard.missing() == ""


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's triggers can be switched off")
@pytest.mark.django_db
def test_a_trigger_that_is_switched_off_is_noticed() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER journal_refuses_change")
    assert "journal_refuses_change missing" in guard.missing()


# One order.


@pytest.mark.django_db(transaction=True)
def test_the_chain_never_forks_however_many_write_at_once() -> None:
    by = Actor.person(UserFactory())

    def act(number: int) -> None:
        for turn in range(5):
            with transaction.atomic():
                journal.write("take incident", by=by, note=f"{number}.{turn}")

    all_at_once(*[lambda number=number: act(number) for number in range(8)])
    entries = list(JournalEntry.objects.order_by("position"))
    assert [entry.position for entry in entries] == list(range(1, 41))
    assert proof.prove().holds


@pytest.mark.django_db(transaction=True)
def test_a_line_that_was_rolled_back_leaves_no_gap() -> None:
    by = Actor.person(UserFactory())
    journal.write("refund", by=by)
    with transaction.atomic():
        journal.write("refund", by=by)
        transaction.set_rollback(True)
    journal.write("refund", by=by)
    assert list(JournalEntry.objects.order_by("position").values_list("position", flat=True)) == [1, 2]
    assert proof.prove().holds


# Checkpoints.


def night_falls(story_clock: StoryClock) -> list[str]:
    story_clock.move(timedelta(days=1))
    return [line for line in work.run_all_due() if line.startswith("journal of")]


@pytest.mark.django_db
def test_a_day_on_which_something_was_written_is_signed_once(folder: Path, story_clock: StoryClock) -> None:
    writes()
    assert JournalDay.objects.get().due_at == clock.now().replace(day=3, hour=0)
    assert work.run_all_due() == []
    last = JournalEntry.objects.get(position=3)
    name = f"2026-03-02-3-{last.hash[:12]}.json"
    assert night_falls(story_clock) == [f"journal of 2026-03-02: line 3 signed into {name}"]
    assert night_falls(story_clock) == []  # a quiet day needs none
    assert [path.name for path in folder.iterdir()] == [name]
    assert "3 lines, 1 checkpoints" in verified()[1]


@pytest.mark.django_db
def test_killed_between_file_and_row_it_is_signed_again_into_the_same_file(
    folder: Path, story_clock: StoryClock
) -> None:
    writes(1)
    story_clock.move(timedelta(days=1))
    day = JournalDay.objects.get()
    checkpoints.work_day(day.pk)
    JournalDay.objects.update(checkpoint="", due_at=clock.now())
    checkpoints.work_day(day.pk)
    assert len(list(folder.iterdir())) == 1
    assert proof.prove().holds


@pytest.mark.django_db
def test_a_chain_that_was_written_anew_with_the_database_alone_is_noticed(
    folder: Path, story_clock: StoryClock
) -> None:
    entries = writes(4)
    night_falls(story_clock)
    with owning_the_database() as cursor:
        entries[1].note, last = "a bribe", entries[0].hash
        for entry in entries[1:]:
            entry.previous_hash = last
            last = entry.hash = chain.link(entry)
        cursor.execute(f"UPDATE {TABLE} SET previous_hash = id, hash = -id WHERE position > 1")  # both are unique
        for entry in entries[1:]:
            cursor.execute(
                f"UPDATE {TABLE} SET note = %s, previous_hash = %s, hash = %s WHERE id = %s",
                [entry.note, entry.previous_hash, entry.hash, entry.pk],
            )
    found = proof.prove()
    assert found.first_break is None  # in itself it holds
    (name,) = (path.name for path in folder.iterdir())
    assert verified() == (1, f"Checkpoint {name} saw another line 4 than the journal has now.\n")


@pytest.mark.django_db
def test_an_end_that_was_cut_off_is_noticed(folder: Path, story_clock: StoryClock) -> None:
    writes(3)
    night_falls(story_clock)
    with owning_the_database() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE position = 3")
    status, said = verified()
    assert (status, "saw line 3, and the journal has no such line." in said) == (1, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (lambda said: said | {"hash": "f" * 64}, "its signature is not ours"),
        (lambda said: said | {"position": 1}, "its signature is not ours"),
        (lambda said: said | {"signature": "bm9uZQ=="}, "its signature is not ours"),
        (lambda said: {"position": 2}, "it cannot be read as a checkpoint"),
        (lambda said: [], "it cannot be read as a checkpoint"),
    ],
    ids=["hash", "position", "signature", "incomplete", "no object"],
)
def test_a_forged_checkpoint_is_not_believed(forge: Any, said: str, folder: Path, story_clock: StoryClock) -> None:
    writes(2)
    night_falls(story_clock)
    (path,) = folder.iterdir()
    path.write_text(json.dumps(forge(json.loads(path.read_text()))))
    assert verified() == (1, f"Checkpoint {path.name} is not believed: {said}.\n")


@pytest.mark.django_db
def test_a_checkpoint_that_was_taken_away_is_noticed(folder: Path, story_clock: StoryClock) -> None:
    writes(2)
    night_falls(story_clock)
    (path,) = folder.iterdir()
    path.unlink()
    assert verified() == (1, f"Checkpoint {path.name} was written and is not there.\n")


@pytest.mark.django_db
def test_what_cannot_be_looked_at_is_refused_with_a_sentence(folder: Path, settings: Any) -> None:
    folder.write_text("a file where a folder should be")
    with pytest.raises(CommandError, match="cannot be read") as refusal:
        call_command("verify_journal")
    assert refusal.value.returncode == 2


@pytest.mark.django_db
@pytest.mark.parametrize("command", [("verify_journal",), ("rotate_keys",), ("import_report", "report.csv")])
def test_a_database_without_the_chain_is_refused_with_a_sentence(folder: Path, command: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'portal' AND name >= '0004'")
    with pytest.raises(CommandError, match=r"misses \d+ migrations. Run manage.py migrate.") as refusal:
        call_command(*command)
    assert refusal.value.returncode == 2


# Old journals.


@pytest.mark.django_db(transaction=True)
def test_a_journal_from_before_the_chain_is_chained_by_the_migration(folder: Path) -> None:
    entries = writes(5)
    # This step alone, there and back: nothing of what came later changed the journal's table.
    steps = MigrationLoader(connection, replace_migrations=False)
    chaining = steps.get_migration(*CHAINING)
    try:
        with connection.schema_editor() as editor:
            chaining.unapply(steps.project_state(BEFORE_THE_CHAIN), editor)
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [entries[1].pk])  # as rolled back ids leave gaps
    finally:
        with connection.schema_editor() as editor:
            chaining.apply(steps.project_state(BEFORE_THE_CHAIN), editor)
        guard.install()
    assert guard.missing() == ""
    assert list(JournalEntry.objects.order_by("position").values_list("position", "note")) == [
        (1, "cup 0"),
        (2, "cup 2"),
        (3, "cup 3"),
        (4, "cup 4"),
    ]
    assert proof.prove().holds
    writes(1)
    assert proof.prove().lines == 5
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
