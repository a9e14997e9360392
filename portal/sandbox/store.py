"""What the sandbox remembers: one SQLite database, in a file or in memory.

One connection behind one re-entrant lock: whoever holds a transaction is alone, which is also what makes two
equal requests at once one debit. In a file the journal is a write-ahead log; a sandbox that dies loses nothing
it has answered for.
"""

import functools
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 2

_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE merchants (client_id TEXT PRIMARY KEY, details TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE accounts (
    user_id TEXT NOT NULL REFERENCES users (id), wallet TEXT NOT NULL, currency TEXT NOT NULL,
    login_id TEXT NOT NULL, customer_id TEXT NOT NULL UNIQUE, balance INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'ACTIVE', PRIMARY KEY (user_id, wallet)) WITHOUT ROWID;
CREATE TABLE authorizations (
    id TEXT PRIMARY KEY, client_id TEXT NOT NULL, wallet TEXT NOT NULL, auth_state TEXT NOT NULL,
    request TEXT NOT NULL, redirect_url TEXT NOT NULL, notify_url TEXT NOT NULL, auth_client_id TEXT NOT NULL,
    status TEXT NOT NULL, user_id TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL, decided_at INTEGER,
    shop_name TEXT NOT NULL DEFAULT '', UNIQUE (client_id, auth_state)) WITHOUT ROWID;
CREATE TABLE codes (
    code TEXT PRIMARY KEY, kind TEXT NOT NULL, client_id TEXT NOT NULL, wallet TEXT NOT NULL, user_id TEXT NOT NULL,
    authorization_id TEXT NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER) WITHOUT ROWID;
CREATE TABLE tokens (
    number INTEGER PRIMARY KEY, access_token TEXT NOT NULL UNIQUE, refresh_token TEXT UNIQUE, kind TEXT NOT NULL,
    client_id TEXT NOT NULL, wallet TEXT NOT NULL, user_id TEXT NOT NULL, auth_client_id TEXT NOT NULL,
    issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, refresh_expires_at INTEGER,
    notify_url TEXT NOT NULL, status TEXT NOT NULL, ended_at INTEGER, reason TEXT NOT NULL DEFAULT '',
    successor INTEGER);
CREATE INDEX tokens_by_user ON tokens (user_id, wallet, client_id, status);
CREATE TABLE payments (
    number INTEGER PRIMARY KEY, payment_id TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL,
    payment_request_id TEXT NOT NULL, wallet TEXT NOT NULL, user_id TEXT NOT NULL, access_token TEXT NOT NULL,
    currency TEXT NOT NULL, value INTEGER NOT NULL, order_id TEXT NOT NULL, description TEXT NOT NULL,
    reference_merchant_id TEXT NOT NULL, reference_store_id TEXT NOT NULL, settlement_currency TEXT NOT NULL,
    notify_url TEXT NOT NULL, status TEXT NOT NULL, result_code TEXT NOT NULL, created_at INTEGER NOT NULL,
    closes_at INTEGER, finishes_at INTEGER, finishes_as TEXT NOT NULL DEFAULT '', finished_at INTEGER,
    paid_at INTEGER, cancelled_at INTEGER, returned_value INTEGER NOT NULL DEFAULT 0,
    compared TEXT NOT NULL DEFAULT '',
    UNIQUE (client_id, payment_request_id));
CREATE INDEX payments_by_user ON payments (user_id, wallet, paid_at);
CREATE INDEX payments_open ON payments (status) WHERE status = 'PROCESSING';
CREATE TABLE refunds (
    number INTEGER PRIMARY KEY, refund_id TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL,
    refund_request_id TEXT NOT NULL, payment_id TEXT NOT NULL, currency TEXT NOT NULL, value INTEGER NOT NULL,
    reason TEXT NOT NULL, notify_url TEXT NOT NULL, status TEXT NOT NULL, result_code TEXT NOT NULL,
    created_at INTEGER NOT NULL, finishes_at INTEGER, finishes_as TEXT NOT NULL DEFAULT '', finished_at INTEGER,
    UNIQUE (client_id, refund_request_id));
CREATE INDEX refunds_by_payment ON refunds (payment_id);
CREATE INDEX refunds_open ON refunds (status) WHERE status = 'PROCESSING';
CREATE TABLE transactions (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, client_id TEXT NOT NULL, payment_id TEXT NOT NULL,
    request_id TEXT NOT NULL, at INTEGER NOT NULL, currency TEXT NOT NULL, value INTEGER NOT NULL,
    settlement_currency TEXT NOT NULL, quote_id TEXT NOT NULL, quote_pair TEXT NOT NULL, quote_price TEXT NOT NULL,
    converted_value INTEGER NOT NULL, fee_value INTEGER NOT NULL, batch_id TEXT,
    service_fee_value INTEGER NOT NULL DEFAULT 0);
CREATE INDEX transactions_by_payment ON transactions (payment_id);
CREATE INDEX transactions_unsettled ON transactions (at) WHERE batch_id IS NULL;
CREATE TABLE clearing_batches (
    number INTEGER PRIMARY KEY, batch_id TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL, agreement_id TEXT NOT NULL,
    currency TEXT NOT NULL, day TEXT NOT NULL, settles_on TEXT NOT NULL, gross_value INTEGER NOT NULL,
    fee_value INTEGER NOT NULL, settlement_batch_id TEXT);
CREATE TABLE entries (
    number INTEGER PRIMARY KEY, posting INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
    reference TEXT NOT NULL, account TEXT NOT NULL, currency TEXT NOT NULL, value INTEGER NOT NULL);
CREATE INDEX entries_by_reference ON entries (reference);
CREATE TABLE declarations (
    number INTEGER PRIMARY KEY, client_id TEXT NOT NULL, declaration_request_id TEXT NOT NULL,
    payment_id TEXT NOT NULL, customs_code TEXT NOT NULL, suborder_id TEXT NOT NULL, value INTEGER NOT NULL,
    request TEXT NOT NULL, answer TEXT NOT NULL, sent_at INTEGER NOT NULL, created_at INTEGER NOT NULL,
    UNIQUE (client_id, declaration_request_id));
CREATE INDEX declarations_by_payment ON declarations (payment_id);
CREATE TABLE notifications (
    number INTEGER PRIMARY KEY, client_id TEXT NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL,
    url TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL, due_at INTEGER, attempts INTEGER NOT NULL DEFAULT 0,
    wrongly_signed INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL);
CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notifications_by_reference ON notifications (reference);
CREATE TABLE attempts (
    number INTEGER PRIMARY KEY, notification INTEGER NOT NULL, at INTEGER NOT NULL, http_status INTEGER,
    outcome TEXT NOT NULL);
CREATE INDEX attempts_by_notification ON attempts (notification);
CREATE TABLE calls (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, client_id TEXT NOT NULL, api TEXT NOT NULL, path TEXT NOT NULL,
    code TEXT NOT NULL, fault TEXT NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL);
CREATE TABLE faults (number INTEGER PRIMARY KEY, details TEXT NOT NULL);
CREATE TABLE plants (number INTEGER PRIMARY KEY, details TEXT NOT NULL);
CREATE TABLE files (
    day TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, client_id TEXT NOT NULL, content TEXT NOT NULL,
    written_at INTEGER NOT NULL, PRIMARY KEY (day, client_id, name));
"""


_UPGRADES = {
    1: """
ALTER TABLE authorizations ADD COLUMN shop_name TEXT NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN compared TEXT NOT NULL DEFAULT '';
ALTER TABLE transactions ADD COLUMN service_fee_value INTEGER NOT NULL DEFAULT 0;
CREATE TABLE clearing_batches (
    number INTEGER PRIMARY KEY, batch_id TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL, agreement_id TEXT NOT NULL,
    currency TEXT NOT NULL, day TEXT NOT NULL, settles_on TEXT NOT NULL, gross_value INTEGER NOT NULL,
    fee_value INTEGER NOT NULL, settlement_batch_id TEXT);
""",
}
"""What makes a database of one version one of the next."""


class StoreUnusable(Exception):
    """The database cannot be opened, or another version wrote it; the sentence says what to do."""


class Store:
    """The sandbox's database; ``:memory:`` forgets."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._connection = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None, timeout=2)
        except sqlite3.Error as reason:
            raise StoreUnusable(f"The sandbox's database {path} cannot be opened: {reason}.") from reason
        self._connection.row_factory = sqlite3.Row
        try:
            # One process at a time: faults in force are held in memory, and two sandboxes would not know each other's.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA temp_store = MEMORY")
            self._install(str(path))
        except (sqlite3.Error, StoreUnusable) as reason:
            self._connection.close()
            if isinstance(reason, StoreUnusable):
                raise
            if "locked" in str(reason):
                raise StoreUnusable(f"Another sandbox is using {path}. Choose another folder.") from reason
            raise StoreUnusable(f"The sandbox's database {path} cannot be opened: {reason}.") from reason

    def _install(self, path: str) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        while version in _UPGRADES:
            upgrade, version = _UPGRADES[version], version + 1
            self._connection.executescript(f"BEGIN; {upgrade} PRAGMA user_version = {version}; COMMIT;")
        if version == 0:
            self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise StoreUnusable(f"{path} was written by another version of the sandbox. Choose an empty folder.")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing; nobody else is inside meanwhile. May be nested."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def run(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> int:
        """Run a statement; the number of rows it changed."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once per row."""
        with self._lock:
            self._connection.executemany(sql, rows)

    def one(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> sqlite3.Row | None:
        """The first row, or None."""
        with self._lock:
            row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
            return row

    def all(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """Every row."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, values)
        return None if row is None else row[0]

    def insert(self, table: str, **columns: object) -> int:
        """Add a row; its number."""
        with self._lock:
            cursor = self._connection.execute(_insert_statement(table, tuple(columns)), tuple(columns.values()))
            return cursor.lastrowid or 0

    def fact(self, name: str) -> str | None:
        """One remembered fact (a key, a setting), or None."""
        value: str | None = self.value("SELECT value FROM facts WHERE name = ?", (name,))
        return value

    def remember(self, name: str, value: str) -> None:
        """Keep a fact, replacing the one of that name."""
        self.run("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))

    def forget_everything(self) -> None:
        """Empty every table but the facts (keys and settings stay)."""
        names = [row[0] for row in self.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'facts'")]
        with self.transaction():
            for name in names:
                self.run(f"DELETE FROM {name}")  # noqa: S608 - our own table names

    def copy(self) -> "Store":
        """A store in memory that holds what this one holds now."""
        twin = Store.__new__(Store)
        twin._lock, twin._depth = threading.RLock(), 0
        twin._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        twin._connection.row_factory = sqlite3.Row
        with self._lock:
            self._connection.backup(twin._connection)
        return twin

    def close(self) -> None:
        """Close the database; what was committed stays."""
        with self._lock:
            self._connection.close()


@functools.cache
def _insert_statement(table: str, columns: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names only
