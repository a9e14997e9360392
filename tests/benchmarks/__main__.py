"""The command. Prints a table, and ends with 1 when something costs more than it may."""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.scratch import own_database, set_up_portal


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
        url = stack.enter_context(own_database(given.database_url, folder))
        set_up_portal(str(folder), url, PORTAL_LOG_LEVEL="WARNING")
        from tests.benchmarks import running  # noqa: PLC0415 - its models need the line above

        return running.run(folder, requests=given.requests, turns=given.turns, only=given.only)


if __name__ == "__main__":
    sys.exit(main())
