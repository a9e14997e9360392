"""What the desk costs at a million orders: every list, the search and Today, each beside the bare query of its index.

    python -m tests.benchmarks.desk --database-url postgres://postgres@127.0.0.1:5432/postgres

makes a database of its own on that server, fills it (``tests.benchmarks.million``), measures, prints a table, drops the
database, and ends with 1 when a page takes longer or asks more than it may. ``--keep NAME`` keeps the database under
that name and uses it again the next time. Server time is what Django needs from request to response, middleware,
permissions, queries and template together, measured inside one process: no network, no second process's noise.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALLOWED_MS = 120
ALLOWED_QUERIES = 15
LEDGERS = re.compile(r"\bCOUNT\(\*\)|\bOFFSET\b", re.IGNORECASE)
BOUNDED = re.compile(r"COUNT\(\*\) FROM \(SELECT .*? LIMIT \d+\) AS of_\d+", re.IGNORECASE | re.DOTALL)


@dataclass
class Measured:
    """One page: its times and statements, and the times of the bare query of its index."""

    name: str
    milliseconds: list[float]
    processor_milliseconds: float
    """Of Django and of its PostgreSQL process together, a page: what other work on the machine does not lengthen."""
    queries: int
    unbounded: list[str]
    """Statements that count without a bound, or skip rows."""
    bare_milliseconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def quickest(self) -> float:
        """Of all visits: on a machine that has other work, the one that waited least for its turn."""
        return min(self.milliseconds, default=0.0)

    @property
    def holds(self) -> bool:
        return self.median <= ALLOWED_MS and self.queries <= ALLOWED_QUERIES and not self.unbounded

    def line(self) -> str:
        """One line of the table."""
        bare = statistics.median(self.bare_milliseconds) if self.bare_milliseconds else None
        cells = [
            self.name,
            f"{self.median:.0f}",
            f"{self.quickest:.0f}",
            f"{self.processor_milliseconds:.0f}",
            str(self.queries),
            "" if bare is None else f"{bare:.1f}",
            "" if bare is None else f"{self.median / bare:.0f}×",
            "" if self.holds else "too much",
        ]
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| page | server time, ms | quickest visit, ms | processor time, ms | queries | bare query, ms | ratio | |\n"
    + "|---" * 8
    + "|\n"
)


def pages(orders: int) -> Iterator[tuple[str, str, str]]:
    """(name, URL, bare query) of everything that is measured. The rows are those of ``tests.benchmarks.million``."""
    from tests.benchmarks import million  # noqa: PLC0415 - its models need Django

    yield "Today", "/admin/", "SELECT id FROM payments_payment ORDER BY created_at DESC, id DESC LIMIT 50"
    lists = (
        ("Orders", "payments", "order", "created_at", "ask=to_be_paid", "status = 'INIT'"),
        ("Payments", "payments", "payment", "created_at", "ask=failed", "status = 'FAILED'"),
        ("Refunds", "payments", "refund", "created_at", "ask=refunded", "status = 'SUCCEEDED'"),
        ("Cancels", "payments", "cancel", "created_at", "ask=confirmed", "status = 'CONFIRMED'"),
        ("Wallet accounts", "authorizations", "walletaccount", "bound_at", "ask=active", "status = 'ACTIVE'"),
        ("Authorizations", "authorizations", "authorization", "created_at", "ask=bound", "status = 'BOUND'"),
        ("Buyers", "authorizations", "buyer", "created_at", "day=7", "created_at > now() - interval '7 days'"),
        ("Exchanges", "portal", "exchange", "sent_at", "api=pay", "api = 'pay'"),
        ("Notifications", "portal", "notification", "received_at", "ask=open", "status = 'UNAPPLIED'"),
        ("Webhook events", "portal", "webhookevent", "created_at", "kind=order.paid", "kind = 'order.paid'"),
        ("Deliveries", "portal", "webhookdelivery", "created_at", "ask=delivered", "state = 'DELIVERED'"),
        ("Incidents", "portal", "incident", "opened_at", "ask=open", "closed_at IS NULL"),
        ("Journal", "portal", "journalentry", "at", "day=7", "at > now() - interval '7 days'"),
        ("Settlement batches", "reconciliation", "batch", "initiated_on", "ask=open", "true"),
        ("Discrepancies", "reconciliation", "discrepancy", "opened_at", "ask=open", "closed_at IS NULL"),
        ("Settlement files", "reconciliation", "reportfile", "tried_at", "ask=details", "kind = 'SETTLEMENT'"),
        ("Settlement rows", "reconciliation", "settlementrow", "file_id", "ask=open", "state = 'OPEN'"),
    )
    for name, app, model, at, question, condition in lists:
        url, table = f"/admin/{app}/{model}/", f"{app}_{model}"
        tie = "line_number" if model == "settlementrow" else "id"
        down, up = ("DESC", "ASC") if tie == "id" else ("ASC", "DESC")
        newest = f"ORDER BY {at} DESC, {tie} {down} LIMIT 50"
        oldest = f"ORDER BY {at} ASC, {tie} {up} LIMIT 50"
        yield f"{name}, first page", url, f"SELECT * FROM {table} {newest}"
        yield f"{name}, last page", f"{url}?end=1", f"SELECT * FROM {table} {oldest}"
        yield f"{name}, {question}", f"{url}?{question}", f"SELECT * FROM {table} WHERE {condition} {newest}"
        yield (
            f"{name}, {question}, last page",
            f"{url}?{question}&end=1",
            f"SELECT * FROM {table} WHERE {condition} {oldest}",
        )
    middle = orders // 2
    by_id = (
        ("an order number", million.order_number(middle), "payments_order", "number"),
        ("a paymentRequestId", million.request_id(middle), "payments_payment", "payment_request_id"),
        ("a paymentId", f"2026010119407401{middle}", "payments_payment", "payment_id"),
        ("a merchant reference", f"T-{middle}", "payments_order", "reference"),
        ("an id nobody has", "P20260101" + "9" * 20, "payments_payment", "payment_request_id"),
        ("a prefix", million.order_number(middle)[:-1], "payments_order", "number"),
    )
    for what, text, table, column in by_id:
        bare = f"SELECT * FROM {table} WHERE {column} = '{text}'"
        yield f"Search, {what}", f"/admin/search/?q={text}", bare
    yield (
        "Orders, one by its number",
        f"/admin/payments/order/?q={million.order_number(middle)}",
        f"SELECT * FROM payments_order WHERE number = '{million.order_number(middle)}'",
    )
    yield (
        "Payments, waiting longer than 5 min",
        "/admin/payments/payment/?ask=waiting",
        "SELECT * FROM payments_payment WHERE status = 'PROCESSING' ORDER BY created_at DESC LIMIT 50",
    )
    yield (
        "Payments, paid and not settled",
        "/admin/payments/payment/?ask=not_settled",
        "SELECT * FROM payments_payment WHERE status = 'SUCCEEDED' ORDER BY created_at DESC LIMIT 50",
    )
    yield (
        "Payments, paid and not settled, last page",
        "/admin/payments/payment/?ask=not_settled&end=1",
        "SELECT * FROM payments_payment WHERE status = 'SUCCEEDED' ORDER BY created_at LIMIT 50",
    )
    for question in ("attention", "refunded"):
        yield (
            f"Orders, {question}",
            f"/admin/payments/order/?ask={question}",
            "SELECT * FROM payments_order ORDER BY created_at DESC, id DESC LIMIT 50",
        )


def measure(client: Any, name: str, url: str, bare: str, times: int) -> Measured:
    """Open a page so often, the bare query in between, after both were opened once."""
    from django.db import connection  # noqa: PLC0415

    seen: list[str] = []

    def watch(execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
        seen.append(statement)
        return execute(statement, *rest)

    client.get(url)  # what is remembered from page to page is there now
    with connection.execute_wrapper(watch):
        answer = client.get(url)
    leads_to = answer.headers.get("location", "")
    if answer.status_code != 200 and "/change/" not in leads_to:  # the search opens the only thing that it finds
        raise RuntimeError(f"{url} answers {answer.status_code} {leads_to}")
    with connection.cursor() as cursor:
        cursor.execute(bare)
        measured = Measured(name, [], 0, len(seen), list(filter(is_unbounded, seen)))
        used = 0.0
        for _ in range(times):
            before, began = processor_seconds(), time.perf_counter()
            client.get(url)
            measured.milliseconds.append((time.perf_counter() - began) * 1000)
            used += processor_seconds() - before
            began = time.perf_counter()
            cursor.execute(bare)
            cursor.fetchall()
            measured.bare_milliseconds.append((time.perf_counter() - began) * 1000)
        measured.processor_milliseconds = used * 1000 / max(times, 1)
    return measured


def processor_seconds() -> float:
    """What this process and its PostgreSQL process have used; of a server on another machine only the first."""
    from django.db import connection  # noqa: PLC0415

    used = time.process_time()
    if connection.vendor == "postgresql":
        schedule = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        with suppress(OSError, ValueError):
            used += int(schedule.read_text().split()[0]) / 1e9
    return used


def is_unbounded(statement: str) -> bool:
    """Whether it counts rows without a bound, or skips some."""
    return bool(LEDGERS.search(BOUNDED.sub("", statement)))


def signed_in() -> Any:
    """Somebody who may see everything, since they hold every role, before the desk."""
    from django.contrib.auth.models import Group, User  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from portal.roles import PURPOSES  # noqa: PLC0415

    person, _ = User.objects.get_or_create(username="benchmark", defaults={"is_staff": True})
    person.groups.set(Group.objects.filter(name__in=PURPOSES))
    client = Client(headers={"host": "localhost"})
    client.force_login(person)
    return client


def main() -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.desk", description=__doc__)
    parser.add_argument("--database-url", required=True, help="Any database of a PostgreSQL server.")
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=15, help="How often each page is opened.")
    parser.add_argument("--keep", default="", metavar="NAME", help="Keep the database, and use it if it is there.")
    parser.add_argument("--only", default="", help="Pages whose name holds this.")
    given = parser.parse_args()
    from tests.benchmarks.scratch import scratch_database, set_up_portal  # noqa: PLC0415

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        url, is_new = stack.enter_context(scratch_database(given.database_url, keep=given.keep))
        set_up_portal(str(folder), url, PORTAL_LOG_LEVEL="ERROR", PORTAL_SECOND_FACTOR="false")
        return _run(given.orders, given.times, given.only, is_new=is_new)


def _run(orders: int, times: int, only: str, *, is_new: bool) -> int:
    from django.core.management import call_command  # noqa: PLC0415

    from portal import clock  # noqa: PLC0415
    from tests.benchmarks import million  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    if is_new:
        call_command("createcachetable", verbosity=0)
        million.fill(orders, clock.now())
    client = signed_in()
    sys.stdout.write(HEAD)
    all_hold = True
    for name, url, bare in pages(orders):
        if only.lower() in name.lower():
            one = measure(client, name, url, bare, times)
            all_hold &= one.holds
            sys.stdout.write(one.line() + "\n")
            for statement in one.unbounded:
                sys.stdout.write(f"counts or skips: {statement[:300]}\n")
            sys.stdout.flush()
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
