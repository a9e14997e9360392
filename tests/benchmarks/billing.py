"""``python -m tests.benchmarks.billing --database-url postgres://…``: what a billing run costs, before and at the wire.

Many subscriptions are due at once; the worker's own loop claims them and opens their cycles, an order each, in a
database of its own. Beside it the same rows (order, line, cycle, next date) are inserted bare, in batches of the same
size, without claims, locks or a look at anything. Then the loop charges some of the cycles, in turns with as many bare
signed calls of one pooled connection to the same stand-in, once some were charged and PostgreSQL has looked at its
tables, as in any portal that is not on its first day. It ends with 1 when an order or a charge is missing or
doubled, or either is slower than wanted. Processor time is that of this process and its PostgreSQL process together.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

WANTED_PER_SECOND = 2000
WANTED_OF_BARE_CALLS = 0.6
TURNS = 5
_BEFORE = 500
"""Charged before anything is measured: a portal that has charged nobody yet has no statistics to plan by."""
_PAY = "/ams/api/v1/payments/pay"


def main() -> int:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.billing", description=__doc__)
    parser.add_argument("--database-url", required=True, help="A PostgreSQL server's database.")
    parser.add_argument("--count", type=int, default=50_000, help="Due subscriptions; usually 50,000.")
    parser.add_argument("--charges", type=int, default=5_000, help="Cycles of them to be charged; usually 5,000.")
    parser.add_argument("--milliseconds", type=int, default=0, help="How long the acquirer takes to answer; usually 0.")
    given = parser.parse_args()
    if given.count < 1 or not 0 <= given.charges <= given.count:
        parser.error("--count is at least 1, and --charges is at most that")
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
        from portal.acquirer import signing  # noqa: PLC0415
        from tests.benchmarks import ground, servers  # noqa: PLC0415

        keys = ground.Keys(ours=signing.new_private_key(), theirs=signing.new_private_key())
        ground.make_tables()
        url = stack.enter_context(
            servers.acquirer(keys.theirs, ground.CLIENT_ID, Path(folder), milliseconds=given.milliseconds)
        )
        account = ground.make_account(url, keys)
        make_due(account, given.count)
        is_quick = measure_making(given.count)
        return 0 if measure_charging(account, given.charges) and is_quick else 1


def measure_making(count: int) -> bool:
    """The run, beside bare inserts; whether it went as wanted."""
    from payments.models import Cycle, Order, Subscription  # noqa: PLC0415
    from portal import clock, registry, work  # noqa: PLC0415
    from tests.benchmarks.desk import processor_seconds  # noqa: PLC0415

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
    say(f"load of the machine: {os.getloadavg()[0]:.1f}")
    for name, wall, used in (("billing run", seconds, processor), ("bare inserts", bare_seconds, bare_processor)):
        say(f"{name}: {count / wall:,.0f} orders/s, {count / used:,.0f} by processor time")
    say(f"{made} orders for {count} due subscriptions, {late} left")
    return (made, once, late) == (count, count, 0) and count / seconds >= WANTED_PER_SECOND


def measure_charging(account: Any, count: int) -> bool:
    """Charges of the cycles that opened, in turns with bare signed calls; whether it went as wanted."""
    from payments.models import Cycle, Payment  # noqa: PLC0415
    from portal import clock, registry, work  # noqa: PLC0415
    from tests.benchmarks import floor, ground  # noqa: PLC0415
    from tests.benchmarks.desk import processor_seconds  # noqa: PLC0415

    kind = registry.due_work.get("subscription charges")
    assert kind is not None
    every = list(Cycle.objects.order_by("pk").values_list("pk", flat=True)[: count + _BEFORE])
    keys, before = every[:count], every[count:]
    Cycle.objects.exclude(pk__in=before).update(due_at=None)
    line = floor.line_of(account)

    def bare_calls(many: int) -> None:
        for _ in range(many):
            line.call(_PAY, {"paymentRequestId": clock.fresh_id("P")}, str(int(time.time() * 1000)))

    def charge(many: int) -> None:
        while many > 0:
            many -= len(list(work.run_due_of("subscription charges", kind)))

    charge(len(before))
    ground.settle_down()
    rates: dict[str, list[tuple[float, float]]] = {"charges": [], "bare signed calls": []}
    size = -(-count // TURNS)
    bare_calls(3)
    for start in range(0, count, size):
        turn = keys[start : start + size]
        Cycle.objects.filter(pk__in=turn).update(due_at=clock.now())
        for name, act in (("bare signed calls", bare_calls), ("charges", charge)):
            begun, used = time.perf_counter(), processor_seconds()
            act(len(turn))
            spent = time.perf_counter() - begun, processor_seconds() - used
            rates[name].append((len(turn) / spent[0], len(turn) / spent[1]))
    say(f"load of the machine: {os.getloadavg()[0]:.1f}")
    for name, taken in rates.items():
        wall, used = (statistics.median(column) for column in zip(*taken, strict=True))
        say(f"{name}: {wall:,.0f} a second, {used:,.0f} by processor time")
    pairs = zip(rates["charges"], rates["bare signed calls"], strict=True)
    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
    paid = Cycle.objects.filter(status="PAID").count()
    once = Payment.objects.values("order").distinct().count()
    say(f"{ratio:.2f} of the bare calls; {paid} of {len(every)} cycles paid, {Payment.objects.count()} payments")
    return (paid, once, Payment.objects.count()) == (len(every),) * 3 and ratio >= WANTED_OF_BARE_CALLS


def say(sentence: str) -> None:
    """A line of the result, at once."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def make_due(account: Any, count: int) -> None:
    """As many subscriptions, all of them due."""
    from authorizations.models import Buyer, WalletAccount  # noqa: PLC0415
    from payments.models import Plan, Product, Subscription  # noqa: PLC0415
    from payments.subscriptions.calendar import day_in  # noqa: PLC0415
    from portal import clock  # noqa: PLC0415

    at = clock.now()
    product = Product.objects.create(account=account, sku="pass", name="Pass")
    terms = {"currency": "PHP", "amount_value": 499_00, "interval": "MONTH", "zone": "Asia/Manila", "charge_hour": 0}
    plan = Plan.objects.create(account=account, product=product, code="monthly", name="Monthly", **terms)
    buyers = Buyer.objects.bulk_create(
        [Buyer(account=account, reference=f"b{number}") for number in range(count)], batch_size=5000
    )
    wallets = []
    for buyer in buyers:
        wallet = WalletAccount(account=account, buyer=buyer, wallet="GCASH")
        wallet.set_token(f"T{buyer.pk}")
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
