"""``python -m tests.benchmarks.billing --database-url postgres://…``: what a billing run costs before the wire.

Many subscriptions are due at once; the worker's own loop claims them and opens their cycles, an order each, in a
database of its own. Beside it the same rows (order, line, cycle, next date) are inserted bare, in batches of the same
size, without claims, locks or a look at anything. Charging follows at the speed of the wire and is not in it. It ends
with 1 when an order is missing or doubled, or orders are made slower than wanted.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

WANTED_PER_SECOND = 2000


def main() -> int:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.billing", description=__doc__)
    parser.add_argument("--database-url", required=True, help="A PostgreSQL server's database.")
    parser.add_argument("--count", type=int, default=50_000, help="Due subscriptions; usually 50,000.")
    given = parser.parse_args()
    if given.count < 1:
        parser.error("--count is at least 1")
    from tests.benchmarks.scratch import scratch_database  # noqa: PLC0415

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="billing-"))
        url, _ = stack.enter_context(scratch_database(given.database_url))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DATABASE_URL": url,
            "PORTAL_DATA": folder,
            "PORTAL_CHECKPOINTS": f"{folder}/checkpoints",
            "PORTAL_ENVIRONMENT": "sandbox",
        }
        import django  # noqa: PLC0415 - its settings are read from what was just put into the environment

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        return measure(given.count)


def measure(count: int) -> int:
    """The run, beside bare inserts; how it went, as an exit status."""
    from payments.models import Cycle, Order, Subscription  # noqa: PLC0415
    from portal import clock, registry, work  # noqa: PLC0415
    from tests.benchmarks.desk import processor_seconds  # noqa: PLC0415

    make_due(count)
    kind = registry.due_work.get("subscriptions")
    assert kind is not None
    begun, processor = time.perf_counter(), processor_seconds()
    while list(work.run_due_of("subscriptions", kind)):
        pass
    seconds, processor = time.perf_counter() - begun, processor_seconds() - processor
    bare_seconds, bare_processor = bare(count, kind.at_once)
    made = Order.objects.filter(number__startswith="O").count()
    once = Cycle.objects.values("subscription", "number").distinct().count()
    late = Subscription.objects.filter(due_at__lte=clock.now()).count()
    rows = (
        ("billing run", count / seconds, count / processor),
        ("bare inserts", count / bare_seconds, count / bare_processor),
    )
    for name, by_clock, by_processor in rows:
        sys.stdout.write(f"{name}: {by_clock:,.0f} orders/s, {by_processor:,.0f} by processor time\n")
    sys.stdout.write(f"{made} orders for {count} due subscriptions, {late} left\n")
    is_right = (made, once, late) == (count, count, 0)
    return 0 if is_right and count / seconds >= WANTED_PER_SECOND else 1


def make_due(count: int) -> None:
    """As many subscriptions, all of them due."""
    from authorizations.models import Buyer, WalletAccount  # noqa: PLC0415
    from payments.models import Plan, Product, Subscription  # noqa: PLC0415
    from payments.subscriptions.calendar import day_in  # noqa: PLC0415
    from portal import catalogue, clock  # noqa: PLC0415
    from portal.models import AcquirerAccount  # noqa: PLC0415

    at = clock.now()
    account = AcquirerAccount.objects.create(name="Bench", slug="bench", gateway_url="http://x", client_id="SANDBOX_B")
    catalogue.begin(account, ["GCASH"])
    product = Product.objects.create(account=account, sku="pass", name="Pass")
    terms = {"currency": "PHP", "amount_value": 499_00, "interval": "MONTH", "zone": "Asia/Manila", "charge_hour": 0}
    plan = Plan.objects.create(account=account, product=product, code="monthly", name="Monthly", **terms)
    buyers = Buyer.objects.bulk_create(
        [Buyer(account=account, reference=f"b{number}") for number in range(count)], batch_size=5000
    )
    wallets = []
    for buyer in buyers:
        wallet = WalletAccount(account=account, buyer=buyer, wallet="GCASH")
        wallet.access_token, wallet.access_token_index = "t", f"i{buyer.pk}"
        wallets.append(wallet)
    WalletAccount.objects.bulk_create(wallets, batch_size=5000)
    day = day_in(at, plan.zone)
    due = {"due_at": at - timedelta(minutes=1), "first_on": day, "next_on": day, "actor_kind": "COMMAND"}
    begun = [
        Subscription(account=account, buyer=wallet.buyer, plan=plan, wallet_account=wallet, **due) for wallet in wallets
    ]
    Subscription.objects.bulk_create(begun, batch_size=5000)


def bare(count: int, batch: int) -> tuple[float, float]:
    """The same rows, said as plainly as can be; they are taken back afterwards. (seconds, of the processor)."""
    from django.db import connection, transaction  # noqa: PLC0415

    from payments.models import Cycle, Order, OrderItem, Subscription  # noqa: PLC0415
    from tests.benchmarks.desk import processor_seconds  # noqa: PLC0415

    order, item = Order.objects.first(), OrderItem.objects.first()
    cycle = Cycle.objects.first()
    keys = list(Subscription.objects.values_list("pk", flat=True))

    def insert(cursor: Any, row: Any, rows: list[list[Any]], *, returning: str = "") -> list[int]:
        fields = [field for field in row._meta.local_concrete_fields if not field.primary_key]
        names = ", ".join(f'"{field.column}"' for field in fields)
        places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
        said = f'INSERT INTO "{row._meta.db_table}" ({names}) VALUES {places} {returning}'
        cursor.execute(said, [value for values in rows for value in values])
        return [key for (key,) in cursor.fetchall()] if returning else []

    def values(row: Any, **other: Any) -> list[Any]:
        fields = [field for field in row._meta.local_concrete_fields if not field.primary_key]
        return [
            other.get(field.column, field.get_db_prep_save(getattr(row, field.attname), connection)) for field in fields
        ]

    begun, processor = time.perf_counter(), processor_seconds()
    for start in range(0, count, batch):
        some = keys[start : start + batch]
        with transaction.atomic(), connection.cursor() as cursor:
            orders = insert(cursor, order, [values(order, number=f"B{key}") for key in some], returning="RETURNING id")
            insert(cursor, item, [values(item, order_id=made) for made in orders])
            pairs = zip(some, orders, strict=True)
            insert(cursor, cycle, [values(cycle, subscription_id=key, order_id=made, number=99) for key, made in pairs])
            cursor.execute("UPDATE payments_subscription SET next_number = 2 WHERE id = ANY(%s)", [some])
    spent = time.perf_counter() - begun, processor_seconds() - processor
    Cycle.objects.filter(number=99).delete()
    return spent


if __name__ == "__main__":
    sys.exit(main())
