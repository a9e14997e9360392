"""A PostgreSQL database of a run's own, beside the one that is named."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
