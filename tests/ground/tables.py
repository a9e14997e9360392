"""What a database consists of; and whether one that took every step has what one has that was made at once.

    python -m tests.ground.tables [--database-url postgres://…]

makes two databases of its own, one without the migrations that do many steps at once, as somebody got it who was there
from the first, and ends with 1 when they differ. PostgreSQL once lost two unique constraints on the way.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

Structure = dict[str, list[str]]


def given_names() -> set[str]:
    """The constraints and indexes that models name."""
    from django.apps import apps  # noqa: PLC0415 - as a program, the settings are read later

    return {one.name for model in apps.get_models() for one in (*model._meta.constraints, *model._meta.indexes)}


def structure(connection: Any) -> Structure:
    """The models' tables: columns and constraints, a line each. Of names only those count that a model gives."""
    given, introspection = given_names(), connection.introspection
    with connection.cursor() as cursor:
        return {
            table: sorted(
                [
                    *(
                        f"{column.name} {column.type_code} {column.internal_size} {column.null_ok}"
                        for column in introspection.get_table_description(cursor, table)
                    ),
                    *(
                        f"{name if name in given else ''} {_shape(shape)}"
                        for name, shape in introspection.get_constraints(cursor, table).items()
                    ),
                ]
            )
            for table in introspection.django_table_names(only_existing=True)
        }


def _shape(constraint: dict[str, Any]) -> str:
    return str([constraint[kind] for kind in ("columns", "primary_key", "unique", "foreign_key", "check")])


def make(*, step_by_step: bool) -> Structure:
    """Migrate an empty database, with or without what replaces other migrations."""
    import django  # noqa: PLC0415 - once the settings are named

    django.setup()
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415

    executor = MigrationExecutor(connection)
    executor.loader = MigrationLoader(connection, replace_migrations=not step_by_step)
    graph = executor.loader.graph
    executor.migrate([key for key in graph.leaf_nodes() if not (step_by_step and graph.nodes[key].replaces)])
    return structure(connection)


def made(url: str, *options: str) -> Structure:
    """The structure of a database of its own, made by a process of its own."""
    from tests.benchmarks.scratch import own_database  # noqa: PLC0415 - only the program compares

    with tempfile.TemporaryDirectory() as folder, own_database(url, Path(folder)) as own:
        command = [sys.executable, "-m", "tests.ground.tables", "--print", *options]
        said = subprocess.run(
            command,
            env=os.environ | {"DATABASE_URL": own, "PORTAL_DATA": folder},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    tables: Structure = json.loads(said.stdout)
    return tables


def main() -> int:
    parser = argparse.ArgumentParser(description="Whether step by step and at once come to the same tables.")
    parser.add_argument("--database-url", default="", help="Any database of a PostgreSQL server; empty: SQLite.")
    parser.add_argument("--print", action="store_true", help="Make one in DATABASE_URL, and print what it consists of.")
    parser.add_argument("--steps", action="store_true", help="With --print: step by step.")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if options.print:
        sys.stdout.write(json.dumps(make(step_by_step=options.steps)))
        return 0
    at_once, stepped = made(options.database_url), made(options.database_url, "--steps")
    different = sorted(table for table in at_once.keys() | stepped.keys() if at_once.get(table) != stepped.get(table))
    for table in different:
        only_at_once = set(at_once.get(table, [])) - set(stepped.get(table, []))
        only_stepped = set(stepped.get(table, [])) - set(at_once.get(table, []))
        sys.stdout.write(f"{table}\n  at once only: {sorted(only_at_once)}\n  in steps only: {sorted(only_stepped)}\n")
    sys.stdout.write(f"{len(at_once)} tables, {len(different)} of them differ.\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
