"""``python -m tests.crash.storm --kills 200``: web server, worker and sandbox are killed at random under load.

Between rounds everybody waits, all comes to rest, and every cent is looked for; then the acquirer's day ends and its
reports are imported, which must close without an open row. With a PostgreSQL cluster of its own (``--postgresql``) the
database is among those that are killed. Exit 0 when every promise held; 1 with the complaints.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django
import environ
import psycopg
from django.conf import settings
from django.core.management import call_command
from psycopg import sql

from portal.demonstration.processes import interruptible
from tests.crash.cluster import Cluster


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = _read(arguments)
    with interruptible(), tempfile.TemporaryDirectory(prefix="storm-") as folder, ExitStack() as stack:
        cluster = stack.enter_context(Cluster(Path(folder))) if options.postgresql else None
        url = cluster.url if cluster else f"sqlite:///{folder}/portal.sqlite3"
        if options.database_url:
            url = stack.enter_context(_database_of_its_own(options.database_url))
        _begin(Path(folder), url)
        from tests.crash import raging  # noqa: PLC0415 - the settings are read by now

        return raging.tell(
            Path(folder),
            url,
            kills=options.kills,
            seed=options.seed,
            has_seams=not options.no_seams,
            swept=options.statements,
            adapter=options.adapter,
            cluster=cluster,
        )


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.storm", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often somebody is killed at random (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="what decides who does what, and who dies when")
    parser.add_argument("--no-seams", action="store_true", help="leave out the named seams")
    parser.add_argument(
        "--statements", nargs="*", metavar="ACT", help="kill before every statement of these acts, or of all, too"
    )
    parser.add_argument(
        "--adapter",
        default="antom",
        choices=["antom", "alipayplus"],
        help="which protocol is spoken (default antom)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--database-url", help="a PostgreSQL server; a database is made there and dropped at the end")
    where.add_argument("--postgresql", action="store_true", help="a PostgreSQL of its own, which is killed too")
    return parser.parse_args(arguments)


def _begin(folder: Path, url: str) -> None:
    """Settings are read once, from an environment of our own; then the tables are made."""
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_ENVIRONMENT": "sandbox",
        "PORTAL_DATA": str(folder),
        "PORTAL_LOG_LEVEL": "ERROR",
        "DATABASE_URL": url,
    }
    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)


@contextmanager
def _database_of_its_own(url: str) -> Iterator[str]:
    server = environ.Env.db_url_config(url)
    name = f"storm_{os.getpid()}"
    at = {
        "host": server["HOST"],
        "port": server["PORT"] or 5432,
        "user": server["USER"],
        "password": server["PASSWORD"],
    }
    with psycopg.connect(**at, dbname=server["NAME"], autocommit=True) as line:
        line.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with psycopg.connect(**at, dbname=server["NAME"], autocommit=True) as line:
            line.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


if __name__ == "__main__":
    sys.exit(main())
