"""An export of 200,000 rows: that the file says what the rows say, how long it takes, and how much memory.

    python -m tests.benchmarks.export --database-url postgres://…/NAME

reads the database that ``tests.benchmarks.desk --keep NAME`` left, exports its payments as CSV and XLSX, reads both
files again and compares them with the rows, and ends with 1 when they differ or when a file took more memory to write
than it may. The small version is in ``tests/desk/test_exports.py``.
"""

import argparse
import csv
import io
import resource
import sys
import tempfile
import time
from typing import Any

ALLOWED_MEGABYTES = 96
"""More than the process had before it began to write."""


def main() -> int:
    """Export, read again, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.export", description=__doc__)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--rows", type=int, default=200_000)
    given = parser.parse_args()
    from tests.benchmarks.scratch import set_up_portal  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        set_up_portal(folder, given.database_url)
        return _run(given.rows)


def _run(wanted: int) -> int:
    from django.contrib import admin  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.test import RequestFactory  # noqa: PLC0415
    from python_calamine import CalamineWorkbook  # noqa: PLC0415

    from payments.models import Payment  # noqa: PLC0415
    from portal.admin import exports  # noqa: PLC0415
    from tests.benchmarks.desk import signed_in  # noqa: PLC0415

    signed_in()
    first = Payment.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)[wanted - 1 : wanted].get()
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="benchmark")
    model_admin: Any = admin.site._registry[Payment]
    cl = model_admin.get_changelist_instance(request)
    cl.queryset = cl.queryset.filter(pk__gte=first)
    columns = exports.columns_of(cl, may_see_personal=True)
    expected = Payment.objects.filter(pk__gte=first).order_by("-created_at", "-pk")
    holds = True
    for kind in (exports.CSV, exports.XLSX):
        before = _megabytes()
        began = time.perf_counter()
        file, count = exports.write(cl, kind, columns)
        seconds, grown = time.perf_counter() - began, _megabytes() - before
        size = exports.size_of(file) / 1024**2
        sys.stdout.write(f"{kind}: {count:,} rows, {size:.0f} MiB, {seconds:.0f} s, {grown:.0f} MiB more memory\n")
        holds &= grown <= ALLOWED_MEGABYTES
        if kind == exports.CSV:
            rows: Any = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
        else:
            rows = iter(CalamineWorkbook.from_filelike(io.BytesIO(file.read())).get_sheet_by_index(0).to_python())
        next(rows)
        differing = 0
        read = 0
        for row, payment in zip(rows, expected.iterator(chunk_size=2000), strict=True):
            read += 1
            amount = float(payment.amount.major)
            if (row[0], float(row[4]), row[5]) != (payment.payment_request_id, amount, payment.currency):
                differing += 1
        sys.stdout.write(f"{kind}: read again, {read:,} rows, {differing} differ\n")
        holds &= read == count == wanted and not differing
    return 0 if holds else 1


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
