"""The demo touches its own folder and nobody else's."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from portal.demonstration.environment import make_folder
from portal.demonstration.folder import DemoFolder, InUse, NotOurs, State
from portal.sandbox.store import Store


def portal_database(folder: Path, *, people: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "portal.sqlite3")) as connection, connection:
        connection.execute("CREATE TABLE auth_user (id INTEGER)")
        connection.executemany("INSERT INTO auth_user VALUES (?)", [(number,) for number in range(people)])


def test_a_new_folder_is_its_owners_alone_and_marked_before_anything_is_made_in_it(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "new" / "demo")
    assert folder.state() is State.EMPTY
    make_folder(folder.path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    folder.begin()
    assert folder.state() is State.UNFINISHED
    folder.complete(days=30)
    assert folder.state() is State.COMPLETE


def test_forgetting_deletes_what_the_demo_made_and_leaves_the_rest(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.begin()
    portal_database(tmp_path, people=6)
    (tmp_path / "sandbox/reports/20260302").mkdir(parents=True)
    (tmp_path / "master_key.txt").write_text("k1:…")
    (tmp_path / "thesis.odt").write_text("four years of work")
    assert folder.forget()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.lock", "thesis.odt"]
    assert folder.state() is State.EMPTY


def test_another_portal_is_left_as_it_is(tmp_path: Path) -> None:
    portal_database(tmp_path, people=1)
    folder = DemoFolder(tmp_path)
    with pytest.raises(NotOurs, match="did not make"):
        folder.state()
    with pytest.raises(NotOurs, match="Choose another folder with --data"):
        folder.forget()
    assert (tmp_path / "portal.sqlite3").exists()


def test_tables_without_anybody_in_them_are_nobodys_portal(tmp_path: Path) -> None:
    portal_database(tmp_path, people=0)
    assert DemoFolder(tmp_path).state() is State.EMPTY


@pytest.mark.parametrize("mark", ["", "{}", "[]", '{"made_by": "somebody else"}', "\x00"])
def test_a_mark_that_is_not_ours_protects_the_folder(tmp_path: Path, mark: str) -> None:
    (tmp_path / "demo.json").write_text(mark)
    (tmp_path / "portal.sqlite3").write_text("not even a database")
    with pytest.raises(NotOurs, match="not the demo's mark"):
        DemoFolder(tmp_path).forget()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.json", "portal.sqlite3"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("here")
    with pytest.raises(NotOurs, match="is a file"):
        DemoFolder(place).state()


def test_only_one_demo_runs_on_a_folder_and_says_where(tmp_path: Path) -> None:
    DemoFolder(tmp_path).begin()
    running, second = DemoFolder(tmp_path), DemoFolder(tmp_path)
    running.lock()
    running.lock()  # its own is no other's
    with pytest.raises(InUse, match=r"is running on .* and not up yet"):
        second.lock()
    running.says_where("http://localhost:8000/admin/")
    for refused in (second.lock, second.forget):
        with pytest.raises(InUse) as refusal:
            refused()
        where = f"A demo is running on {tmp_path}, at http://localhost:8000/admin/."
        assert str(refusal.value) == f"{where} Stop it first, with Ctrl-C."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.json", "demo.lock"]


def test_what_an_ended_demo_left_in_the_lock_is_no_address(tmp_path: Path) -> None:
    (tmp_path / "demo.lock").write_text("http://localhost:8000/admin/ as it was last week\n")
    DemoFolder(tmp_path).begin()
    DemoFolder(tmp_path).lock()
    assert (tmp_path / "demo.lock").read_text() == ""


def test_a_folder_that_a_sandbox_uses_is_not_forgotten(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.begin()
    folder.complete()
    (tmp_path / "sandbox").mkdir()
    store = Store(tmp_path / "sandbox/sandbox.sqlite3")
    with pytest.raises(InUse, match="Stop it first"):
        folder.forget()
    store.close()
    assert folder.state() is State.COMPLETE
    assert folder.forget()
