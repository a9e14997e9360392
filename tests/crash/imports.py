"""``python -m tests.crash.imports --rows 200000``: a large import is killed by SIGKILL ten times on its way.

An undisturbed import comes first, for what the file should come to. Then the same file is imported by
``manage.py import_report`` in a process that dies at ten points: at the first row, along the way, and twice after the
last, when the rows that are not plain are decided on and the sums are proved. Each time the next process goes on. At
the end no row is there twice, nothing is lost, and the digest over all matches and discrepancies is that of the
undisturbed one. On SQLite, or on PostgreSQL with ``--postgresql`` (a cluster of its own) or ``--database-url``. Exit 0
when all of that held.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 1_800
_LATER_SECONDS = 0.05
"""After the last row is written: the later the more have died already."""


def points(rows: int, deaths: int) -> list[int]:
    """After so many rows somebody dies: at even distances from the first to the last, which two wait for."""
    along = max(deaths - 2, 1)
    return [max(rows * number // along, 1) for number in range(along)] + [rows] * (deaths - along)


def run(folder: Path, rows: int, deaths: int, say: Callable[[str], object]) -> list[str]:
    """Both imports, in an empty, migrated database; the complaints."""
    from reconciliation.models import FileStatus, Match, ReportFile, SettlementRow  # noqa: PLC0415
    from tests.benchmarks import settlement_file  # noqa: PLC0415

    details = folder / "details.csv"
    settlement_file.fill(rows)
    settlement_file.write(details, rows)
    _import(details).wait()
    expected = _come_to()
    _forget()
    say(f"undisturbed: {expected}\n")
    died = 0
    for number, point in enumerate(points(rows, deaths)):
        process = _import(details)
        if _kill_at(process, point, delay=_LATER_SECONDS * number if point == rows else 0):
            died += 1
            say(f"killed after {_rows_done():,} of {rows:,} rows\n")
        # Whoever comes next takes over what nobody has held for half a minute; here nobody waits for it.
        from portal import clock  # noqa: PLC0415

        ReportFile.objects.filter(status=FileStatus.IMPORTING).update(lease_until=clock.now() - timedelta(seconds=1))
    _import(details).wait()
    complaints = []
    file = ReportFile.objects.get()
    if file.status != FileStatus.IMPORTED:
        complaints.append(f"the file is {file.status} at the end: {file.refusal}")
    lines = SettlementRow.objects.filter(file=file).values_list("part", "line_number")
    if (lines.count(), lines.distinct().count()) != (rows, rows):
        complaints.append(f"{lines.count()} rows, {lines.distinct().count()} different ones, of {rows}")
    if Match.objects.filter(row__file=file).values("row").distinct().count() != Match.objects.count():
        complaints.append("a row is matched twice")
    if _come_to() != expected:
        complaints.append(f"it came to {_come_to()}")
    if died < deaths - 2:
        complaints.append(f"only {died} died: it is too quick for so few rows")
    say(f"killed {died} times: {_come_to()}\n")
    return complaints


def _import(details: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_report", str(details)],
        cwd=_REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _kill_at(process: "subprocess.Popen[bytes]", rows: int, *, delay: float) -> bool:
    """Kill it once so many rows are written, and a while later. False where it was through before."""
    ends = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and _rows_done() < rows:
        if time.monotonic() > ends:
            process.kill()
            raise TimeoutError("The import does not come on.")
        time.sleep(_POLL_SECONDS)
    time.sleep(delay)
    if process.poll() is not None:
        return False
    process.kill()
    process.wait()
    return True


def _rows_done() -> int:
    from django.db.models import Sum  # noqa: PLC0415

    from reconciliation.models import ReportFile  # noqa: PLC0415

    return ReportFile.objects.aggregate(done=Sum("rows_done"))["done"] or 0


def _come_to() -> str:
    from portal.models import AcquirerAccount  # noqa: PLC0415
    from reconciliation import queries  # noqa: PLC0415

    return queries.digest(AcquirerAccount.objects.get())


def _forget() -> None:
    """Leave nothing of the import: the other one begins from where this one did."""
    from reconciliation import models  # noqa: PLC0415

    for model in (
        models.Discrepancy, models.Explanation, models.Match, models.SettlementRow, models.Batch, models.ReportTotal,
        models.ReportPart, models.ReportPiece, models.ReportFile,
    ):  # fmt: skip
        model.objects.all()._raw_delete("default")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="of the file, in whole thousands (default 200,000)")
    parser.add_argument("--deaths", type=int, default=10, help="how often it is killed (default 10)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--database-url", help="a PostgreSQL server; a database is made there and dropped at the end")
    where.add_argument("--postgresql", action="store_true", help="a PostgreSQL of its own")
    options = parser.parse_args(arguments)
    from tests.benchmarks.scratch import scratch_database, set_up_portal  # noqa: PLC0415
    from tests.crash.cluster import Cluster  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="imports-") as folder, ExitStack() as stack:
        url = f"sqlite:///{folder}/portal.sqlite3"
        if options.postgresql:
            url = stack.enter_context(Cluster(Path(folder))).url
        elif options.database_url:
            url, _ = stack.enter_context(scratch_database(options.database_url))
        set_up_portal(folder, url, PORTAL_LOG_LEVEL="ERROR")
        from django.core.management import call_command  # noqa: PLC0415
        from django.db import connections  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        complaints = run(Path(folder), options.rows, options.deaths, sys.stderr.write)
        connections.close_all()
        sys.stdout.write("".join(f"{one}\n" for one in complaints) or "Every promise held.\n")
        return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
