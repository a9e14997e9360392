"""What importing a report costs, beside a floor that does only what no import can do without.

    python -m tests.benchmarks.reconciliation                                      200,000 rows on SQLite
    python -m tests.benchmarks.reconciliation --rows 1000000 --database-url postgres://postgres@127.0.0.1/postgres

makes a database of its own, fills it with as many payments (``settlement_file``), writes their settlement details and
the summary, and takes turns: the floor, which copies the file into a logged table with the same unique keys and matches
it in one statement; batched ``bulk_create`` with the same statement; and the import as everybody gets it. All three are
durable. Prints a table.
"""

import argparse
import csv
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

HEAD = "| | rows | seconds | rows/s | to the floor |\n" + "|---" * 5 + "|\n"
_CHUNK = 1 << 20
_AT_ONCE = 20_000
_BULK = 2_000
_BULK_ROWS = 200_000
"""As many rows are written by ``bulk_create``; more would only take longer."""
_MATCH = (
    "INSERT INTO floor_match (row_id, payment_id, value)"
    ' SELECT r.id, p.id, CAST(round(CAST(r."settlementAmountValue" AS numeric) * 100) AS bigint)'
    " FROM floor_row r JOIN payments_payment p ON p.payment_request_id ="
    """ COALESCE(NULLIF(r."originalTransactionRequestId", ''), r."transactionRequestId")"""
)
_KEYS = (
    '"settlementBatchId", "transactionType", "transactionId", "transactionRequestId", "transactionAmountValue",'
    ' "transactionCurrency"'
)


@dataclass
class Took:
    """One way to bring a file in."""

    name: str
    rows: int
    seconds: float
    floor: float
    """Seconds a row of the floor."""

    @property
    def ratio(self) -> float:
        return self.seconds / self.rows / self.floor

    def line(self) -> str:
        """One line of the table."""
        rate = self.rows / self.seconds
        return f"| {self.name} | {self.rows:,} | {self.seconds:.1f} | {rate:,.0f} | {self.ratio:.1f}× |"


def floor(path: Path) -> None:
    """The file in a logged table, with unique keys, and matched."""
    from django.db import connection, transaction  # noqa: PLC0415

    with transaction.atomic(), path.open(encoding="utf-8", newline="") as file, connection.cursor() as cursor:
        names = [f'"{name}"' for name in file.readline().strip().split(",")]
        columns = ", ".join(names)
        is_postgresql = connection.vendor == "postgresql"
        key = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY" if is_postgresql else "integer PRIMARY KEY"
        cursor.execute(f"CREATE TABLE floor_row (id {key}, {' text, '.join(names)} text)")
        cursor.execute(f"CREATE UNIQUE INDEX floor_row_once ON floor_row ({_KEYS}, id)")
        cursor.execute("CREATE TABLE floor_match (row_id bigint PRIMARY KEY, payment_id bigint, value bigint)")
        if is_postgresql:
            with cursor.copy(f"COPY floor_row ({columns}) FROM STDIN (FORMAT csv, FORCE_NOT_NULL ({columns}))") as copy:
                for lines in _without_end(file):
                    copy.write(lines)
        else:
            marks = ", ".join(["%s"] * len(names))
            rows = (row for row in csv.reader(file) if len(row) > 1)
            while some := list(islice(rows, _AT_ONCE)):
                cursor.executemany(f"INSERT INTO floor_row ({columns}) VALUES ({marks})", some)
        cursor.execute(_MATCH)


def _without_end(file: Any) -> Iterator[str]:
    while lines := file.readlines(_CHUNK):
        yield "".join(lines if lines[-1].strip() != "<END>" else lines[:-1])


def by_bulk_create(path: Path, rows: int) -> None:
    """The same rows as model instances in batches, and the same match."""
    from django.db import connection, transaction  # noqa: PLC0415

    from reconciliation.models import ReportFile, SettlementRow  # noqa: PLC0415

    file = ReportFile.objects.get(name="bulk_create")
    with path.open(encoding="utf-8", newline="") as opened:
        given = islice(csv.DictReader(opened), rows)
        number = 1
        while some := list(islice(given, _BULK)):
            made = []
            for row in some:
                number += 1
                net = round(float(row["settlementAmountValue"]) * 100)
                made.append(
                    SettlementRow(
                        file=file, line_number=number, identity=str(number), state="MATCHED", currency="USD",
                        reported_value=net, matched_value=net, printed_type=row["transactionType"],
                        transaction_type=row["transactionType"], transaction_id=row["transactionId"],
                        transaction_request_id=row["transactionRequestId"],
                        original_transaction_request_id=row["originalTransactionRequestId"],
                        reference_transaction_id=row["referenceTransactionId"],
                        payment_method_type=row["paymentMethodType"], settlement_value=net,
                        settlement_currency="USD", fees={}, printed="\x1f".join(row.values()),
                    )
                )  # fmt: skip
            with transaction.atomic():
                SettlementRow.objects.bulk_create(made)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reconciliation_match (row_id, is_settlement, role, payment_id, value, currency, is_by_hand)"
            " SELECT r.id, true, 'DISPUTE', p.id, 0, 'USD', false FROM reconciliation_settlementrow r"
            " JOIN payments_payment p ON p.payment_request_id = COALESCE("
            " NULLIF(r.original_transaction_request_id, ''), r.transaction_request_id) WHERE r.file_id = %s",
            [file.pk],
        )
        cursor.execute("DELETE FROM reconciliation_match WHERE role = 'DISPUTE'")
    SettlementRow.objects.filter(file=file)._raw_delete("default")


def run(folder: Path, rows: int, *, has_bulk: bool, say: Callable[[str], object]) -> list[Took]:
    """Fill, write, and take turns; in an empty, migrated database."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from reconciliation.models import FileStatus, Match, ReportFile, SettlementRow  # noqa: PLC0415
    from tests.benchmarks import settlement_file  # noqa: PLC0415

    details, summary = folder / "details.csv", folder / "summary.csv"
    account = settlement_file.fill(rows)
    settlement_file.write_summary(summary, settlement_file.write(details, rows))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("CHECKPOINT")
    say(f"{rows:,} payments and a file of {details.stat().st_size / 1024**2:,.0f} MiB are here\n")
    a_row = _seconds(lambda: floor(details)) / rows
    took = [Took("floor: copied, keyed, matched", rows, a_row * rows, a_row)]
    if has_bulk:
        some = min(rows, _BULK_ROWS)
        ReportFile.objects.create(account=account, name="bulk_create", sha256="0" * 64, byte_size=1, content=b"x",
                                  kind="SETTLEMENT", edition="E4", status=FileStatus.TRIED)  # fmt: skip
        took.append(Took("batched `bulk_create`", some, _seconds(lambda: by_bulk_create(details, some)), a_row))
    call_command("import_report", str(summary), verbosity=0, stdout=open(os.devnull, "w"))  # noqa: SIM115
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = _seconds(lambda: call_command("import_report", str(details), stdout=open(os.devnull, "w")))  # noqa: SIM115
    took.append(Took("`import_report`", rows, seconds, a_row))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    say(f"peak memory of the import {peak / 1024:,.0f} MiB, of all before it {before / 1024:,.0f} MiB\n")
    file = ReportFile.objects.get(name=details.name)
    missed = rows // 1000
    assert file.status == FileStatus.IMPORTED
    assert SettlementRow.objects.filter(file=file).count() == rows
    assert Match.objects.filter(row__file=file).count() == rows - missed
    assert file.discrepancies.filter(closed_at=None).count() == 2 * missed
    return took


def _seconds(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.reconciliation", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="Of the file, and payments in the books.")
    parser.add_argument("--database-url", default="", help="Any database of a PostgreSQL server; empty: SQLite.")
    parser.add_argument("--no-bulk", action="store_true", help="Leave out bulk_create.")
    given = parser.parse_args()
    if given.rows < 1000 or given.rows % 1000:
        parser.error("--rows is a number of whole thousands.")
    from tests.benchmarks.scratch import own_database, set_up_portal  # noqa: PLC0415

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        url = stack.enter_context(own_database(given.database_url, folder))
        set_up_portal(str(folder), url, PORTAL_LOG_LEVEL="ERROR", PORTAL_SECOND_FACTOR="false")
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        took = run(folder, given.rows, has_bulk=not given.no_bulk, say=sys.stderr.write)
        sys.stdout.write(HEAD + "".join(f"{one.line()}\n" for one in took))
        return 0


if __name__ == "__main__":
    sys.exit(main())
