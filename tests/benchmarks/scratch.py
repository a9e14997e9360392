"""A run's own ground: a PostgreSQL database beside the one that is named, and settings that nobody else has said."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def scratch_database(url: str, *, keep: str = "") -> Iterator[tuple[str, bool]]:
    """Its URL, and whether it is new. Dropped at the end, unless it is to be kept under a name."""
    import psycopg  # noqa: PLC0415 - on SQLite it may be missing

    name = keep or f"benchmarks_{uuid.uuid4().hex[:12]}"
    server = url.replace("postgres://", "postgresql://", 1)
    with psycopg.connect(server, autocommit=True) as connection:
        is_new = not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if is_new:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}")), is_new
    finally:
        if not keep:
            from django.db import connections  # noqa: PLC0415

            connections.close_all()
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


@contextmanager
def own_database(url: str, folder: Path) -> Iterator[str]:
    """The URL of a database of the run's own: one beside the named one, or a file where none is named."""
    if not url:
        yield f"sqlite:///{folder / 'portal.sqlite3'}"
        return
    with scratch_database(url) as (own, _):
        yield own


def set_up_portal(folder: str, url: str, **settings: str) -> None:
    """Django with a folder and a database of the run's own, whatever the environment says of the portal."""
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_DATA": folder,
        "PORTAL_CLOCK_FILE": "",
        "DATABASE_URL": url,
        **settings,
    }
    import django  # noqa: PLC0415 - its settings are read from what was just put into the environment

    django.setup()
