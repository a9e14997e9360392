"""How fast many machines drain what is due: ``python -m tests.celery.drain [--broker Redis|RabbitMQ] [--rows 20000]``.

Payments whose answer was lost fall due all at once; the sandbox takes 50 ms for every answer. First so many of them for
one, two and four workers, for the table; then all the rows for four. Every row must be handled exactly once. The
database is the one of ``DATABASE_URL``, under a test's name: PostgreSQL for figures that mean something.
"""

import argparse
import copy
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.db import connection  # noqa: E402 - only now there are models
from django.test.runner import DiscoverRunner  # noqa: E402

from payments.models import Order, Payment  # noqa: E402
from payments.states import PaymentStatus  # noqa: E402
from portal import catalogue, clock  # noqa: E402
from portal.clock import FileClock  # noqa: E402
from portal.models import AcquirerAccount, AcquirerKey  # noqa: E402
from portal.sandbox.context import Settings  # noqa: E402
from portal.sandbox.server import Sandbox  # noqa: E402
from tests.celery.brokers import BROKERS, Broker  # noqa: E402
from tests.celery.machines import Machines, at_once  # noqa: E402
from tests.story import PHP, Acquirer, Shop  # noqa: E402

ANSWER_SECONDS = 0.05
_ENDLESS = 1_000_000
_PATIENCE_SECONDS = 3600.0


@dataclass(frozen=True)
class Drained:
    """What came of one run."""

    rows: int
    workers: int
    seconds: float
    """From the first row begun to the last one ended."""
    messages: int
    processes: int

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


class Drain:
    """A shop at a slow sandbox, and rows that fall due at once."""

    def __init__(self, folder: Path) -> None:
        self._clock_file = folder / "clock.json"
        here = FileClock(self._clock_file)
        self.sandbox = Sandbox(here, ticking=False, settings=Settings(keep_calls=False)).start()
        theirs = self.sandbox.connection
        account = AcquirerAccount.objects.create(
            name="Sandbox",
            slug="sandbox",
            gateway_url=theirs.gateway_url,
            client_id=theirs.client_id,
            private_key=theirs.merchant_private_key,
            public_key=theirs.merchant_public_key,
            settlement_currency="USD",
            notify_base_url="http://127.0.0.1:9",
            app_id="3333010071465913",
        )
        catalogue.begin(account, ["GCASH"])
        AcquirerKey.objects.create(account=account, version="1", public_key=theirs.acquirer_public_key)
        acquirer = Acquirer(self.sandbox)
        shop = Shop(account, acquirer, here)  # type: ignore[arg-type]
        buyer = shop.customer("ana")
        buyer.binds("GCASH")
        acquirer.will("answer_lost", api="pay")
        acquirer.will("notification_lost", notification="notifyPayment")
        acquirer.will("slow_answer", api="inquiryPayment", seconds=ANSWER_SECONDS, calls=_ENDLESS)
        self._first = shop.charges(shop.sells("Pass", PHP(10_00), to=buyer))

    def unknown(self, count: int) -> list[int]:
        """Payments like the first one, on both sides: paid there, unknown here, and due in an hour."""
        orders = []
        for _ in range(count):
            order = copy.copy(self._first.order)
            order.pk, order.number, order._state = None, clock.fresh_id("OR"), copy.copy(order._state)
            order._state.adding = True
            orders.append(order)
        Order.objects.bulk_create(orders, batch_size=1000)
        payments, theirs = [], []
        store = self.sandbox.store
        known = store.one("SELECT * FROM payments WHERE payment_request_id = ?", (self._first.payment_request_id,))
        assert known is not None
        number = store.value("SELECT MAX(number) FROM payments")
        for order in orders:
            payment = copy.copy(self._first)
            payment.pk, payment.order, payment._state = None, order, copy.copy(payment._state)
            payment._state.adding = True
            payment.payment_request_id = clock.fresh_id("P")
            payment.due_at = clock.now() + timedelta(hours=1)
            payments.append(payment)
            number += 1
            own = {"number": number, "payment_id": f"{number:035d}", "payment_request_id": payment.payment_request_id}
            theirs.append(tuple((dict(known) | own).values()))
        Payment.objects.bulk_create(payments, batch_size=1000)
        store.run_many(f"INSERT INTO payments VALUES ({', '.join('?' * len(known))})", theirs)
        return [payment.pk for payment in payments]

    def run(self, broker: Broker, folder: Path, *, rows: int, workers: int) -> Drained:
        """Drain so many rows with so many workers of one process each. Fails unless each was handled exactly once."""
        pks = self.unknown(rows)
        ours = set(pks)
        with Machines(broker, folder, self._clock_file, processes=1) as machines:
            for _ in range(workers - 1):
                machines.new_worker()
            machines.until(lambda: len(machines.said(" ready.")) == workers, meanwhile=lambda: None)
            Payment.objects.filter(pk__in=pks).update(due_at=clock.now())
            latest = time.monotonic() + _PATIENCE_SECONDS
            waiting = Payment.objects.filter(pk__gte=pks[0], due_at__isnull=False)
            while waiting.exists():
                assert time.monotonic() < latest, "\n".join(machines.lines[-20:])
                time.sleep(0.2)
            machines.until(lambda: all(one.ended for one in machines.handled()), meanwhile=lambda: None)
            handled = [one for one in machines.handled() if one.kind == "payments" and one.pk in ours]
            sent = len(machines.messages())
        assert Counter(one.pk for one in handled) == dict.fromkeys(pks, 1)
        assert at_once(handled) == []
        assert Payment.objects.filter(pk__in=pks, status=PaymentStatus.SUCCEEDED).count() == rows
        seconds = max(one.ended or 0.0 for one in handled) - handled[0].began
        return Drained(rows, workers, seconds, sent, len({one.pid for one in handled}))

    def close(self) -> None:
        self.sandbox.stop()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def _database() -> Iterator[None]:
    runner = DiscoverRunner(verbosity=0, interactive=False)
    made = runner.setup_databases()
    try:
        yield
    finally:
        runner.teardown_databases(made)


def main() -> None:
    """Print a line per run."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    ask.add_argument("--broker", choices=list(BROKERS), default="Redis")
    ask.add_argument("--rows", type=int, default=20_000, help="for four workers at the end")
    ask.add_argument("--table-rows", type=int, default=1_000, help="for each line of the table")
    wish = ask.parse_args()
    kind = BROKERS[wish.broker]
    if not kind.is_here():
        sys.exit(kind.missing)
    logging.getLogger("portal").setLevel(logging.WARNING)
    runs = [(wish.table_rows, workers) for workers in (1, 2, 4)] + [(wish.rows, 4)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(_database())
        clock.use(FileClock(folder / "clock.json"))
        drain = Drain(folder)
        stack.callback(drain.close)
        say(f"{wish.broker}, {connection.display_name}, {ANSWER_SECONDS * 1000:.0f} ms per answer")
        say("| workers | rows | messages | seconds | rows/s |\n|---|---|---|---|---|")
        for number, (rows, workers) in enumerate(run for run in runs if run[0]):
            own = folder / str(number)
            own.mkdir()
            with kind(own) as broker:
                done = drain.run(broker, own, rows=rows, workers=workers)
            say(f"| {workers} | {rows} | {done.messages} | {done.seconds:.1f} | {done.rate:.0f} |")
    say("Each row was begun once and ended once.")


if __name__ == "__main__":
    main()
