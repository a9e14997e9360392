"""The folder of a demonstration, and the mark that says that it is one: what has no mark is never touched."""

import fcntl
import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from portal.demonstration.environment import DATABASE, SANDBOX
from portal.sandbox.store import Store, StoreUnusable

MARK = "demo.json"
LOCK = "demo.lock"
"""Held by the one demo that runs on a folder, from its first act to its last. It says where that one is."""
_MADE_BY = "manage.py demo"
_SANDBOX_DATABASE = Path(SANDBOX) / "sandbox.sqlite3"
_MADE_HERE = (
    DATABASE,
    f"{DATABASE}-wal",
    f"{DATABASE}-shm",
    f"{DATABASE}-journal",
    "secret_key.txt",
    "master_key.txt",
    "checkpoints",
    "media",
    "static",
    SANDBOX,
)
"""Everything the demo keeps. Resetting deletes these by name, so that a file somebody put beside them survives."""
_LONGEST_ADDRESS = 200
_TELLTALE_TABLES = ("auth_user", "portal_acquireraccount")


class State(Enum):
    """How far the demo came in a folder."""

    EMPTY = "nothing yet"
    UNFINISHED = "stopped before it was complete"
    COMPLETE = "complete"


class NotOurs(Exception):
    """A folder the demo did not make; the sentence says what to do."""


class InUse(Exception):
    """A demo is running on the folder; the sentence says what to do."""


class DemoFolder:
    """A folder that holds a demo, or may come to hold one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: int | None = None

    @property
    def reports(self) -> Path:
        """Where the sandbox writes its reports, one folder a day."""
        return self.path / SANDBOX / "reports"

    @property
    def connection(self) -> Path:
        """The sandbox's ``connection.json``."""
        return self.path / SANDBOX / "connection.json"

    def state(self) -> State:
        """How far a demo came here. Raises NotOurs where another portal's data lie."""
        mark = self._mark()
        if mark is not None:
            return State.COMPLETE if mark.get("is_complete") else State.UNFINISHED
        self._refuse_others()
        return State.EMPTY

    def made_at(self) -> datetime | None:
        """When its history was complete; None where an earlier version, which did not say, made it."""
        said = (self._mark() or {}).get("made_at")
        return datetime.fromisoformat(said) if isinstance(said, str) else None

    def lock(self) -> None:
        """Be the only demo here, until this process ends or becomes another. Raises InUse, and then touched nothing."""
        if self._held is None:
            descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                address = os.read(descriptor, _LONGEST_ADDRESS).decode("utf-8", "replace").strip()
                os.close(descriptor)
                where = f", at {address}" if address else " and not up yet"
                raise InUse(f"A demo is running on {self.path}{where}. Stop it first, with Ctrl-C.") from None
            os.ftruncate(descriptor, 0)
            self._held = descriptor
        self._refuse_running_sandbox()

    def says_where(self, address: str) -> None:
        """Tell whoever comes later where the one that runs here is to be found."""
        if self._held is not None:
            os.ftruncate(self._held, 0)
            os.pwrite(self._held, f"{address}\n".encode(), 0)

    def begin(self) -> None:
        """Mark the folder, which exists, as the demo's, to be completed. Raises OSError."""
        self._write({"is_complete": False})

    def complete(self, **facts: Any) -> None:
        """Mark the demo as complete, with what a later run wants to know of this one."""
        self._write({"is_complete": True, **facts})

    def forget(self) -> bool:
        """Delete everything the demo keeps here; False when there was nothing. Raises NotOurs and InUse."""
        if self._mark() is None:
            self._refuse_others()
            return False
        self.lock()
        self._write({"is_complete": False})  # whatever happens next, what is left is not a whole demo
        for name in _MADE_HERE:
            found = self.path / name
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
            else:
                found.unlink(missing_ok=True)
        (self.path / MARK).unlink()
        return True

    def _mark(self) -> dict[str, Any] | None:
        try:
            mark = json.loads((self.path / MARK).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, OSError):
            mark = None
        if not isinstance(mark, dict) or mark.get("made_by") != _MADE_BY:
            raise NotOurs(f"{self.path / MARK} is not the demo's mark. Choose another folder with --data.")
        return mark

    def _write(self, facts: dict[str, Any]) -> None:
        draft = self.path / f"{MARK}.new"
        draft.write_text(json.dumps({"made_by": _MADE_BY, **facts}, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.path / MARK)

    def _refuse_others(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise NotOurs(f"{self.path} is a file. Choose a folder with --data.")
        if _holds_rows(self.path / DATABASE) or (self.path / _SANDBOX_DATABASE).exists():
            raise NotOurs(
                f"{self.path} holds a portal that the demo did not make, so it is left as it is. "
                "Choose another folder with --data."
            )

    def _refuse_running_sandbox(self) -> None:
        database = self.path / _SANDBOX_DATABASE
        if not database.exists():
            return
        try:
            Store(database).close()
        except StoreUnusable as reason:
            if "Another sandbox" in str(reason):
                raise InUse(f"A sandbox is running on {database.parent}. Stop it first, with Ctrl-C.") from reason


def _holds_rows(database: Path) -> bool:
    """Whether somebody works here: people or accounts. Empty tables, as tests and checks leave them, do not count."""
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            return any(
                connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 - our own names
                for table in _TELLTALE_TABLES
                if table in known
            )
    except sqlite3.Error:
        return True  # not readable as ours: somebody else's
