"""The command. Prints a table, and ends with 1 when something costs more than it may."""

import argparse
import os
import sys
import tempfile
import uuid
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


def main() -> int:
    """Prepare a database of its own, measure, print, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--database-url", default="", help="A PostgreSQL server's database; empty: SQLite.")
    parser.add_argument("--requests", type=int, default=1200, help="Of each side and measure.")
    parser.add_argument("--turns", type=int, default=12, help="How often floor and subject take turns.")
    parser.add_argument("--only", default="", help="Names, with commas: pay, notify, sign, call, drain, claim.")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        for name in [name for name in os.environ if name.startswith("PORTAL_")]:
            del os.environ[name]
        os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
        os.environ["PORTAL_DATA"] = str(folder)
        os.environ["PORTAL_CLOCK_FILE"] = ""
        os.environ["PORTAL_LOG_LEVEL"] = "WARNING"
        os.environ["DATABASE_URL"] = stack.enter_context(_Database(given.database_url, folder))
        import django  # noqa: PLC0415 - its settings are read from what was just put into the environment

        django.setup()
        from tests.benchmarks import running  # noqa: PLC0415 - its models need the line above

        return running.run(folder, requests=given.requests, turns=given.turns, only=given.only)


class _Database:
    """A database of this run's own: a file, or one made beside the given one and dropped at the end."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        self._name = f"benchmarks_{uuid.uuid4().hex[:12]}"

    def __enter__(self) -> str:
        if not self._url:
            return f"sqlite:///{self._folder / 'portal.sqlite3'}"
        self._execute(f"CREATE DATABASE {self._name}")
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{self._name}"))

    def __exit__(self, *_: object) -> None:
        if self._url:
            from django.db import connections  # noqa: PLC0415

            connections.close_all()
            self._execute(f"DROP DATABASE {self._name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        import psycopg  # noqa: PLC0415 - on SQLite it may be missing

        with psycopg.connect(self._url.replace("postgres://", "postgresql://", 1), autocommit=True) as connection:
            connection.execute(statement)


if __name__ == "__main__":
    sys.exit(main())
