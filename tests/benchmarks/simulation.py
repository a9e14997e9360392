"""``python -m tests.benchmarks.simulation``: a simulated step beside one bare promise, signed call and record.

Floor and simulator take turns, each alone on its core; the floor is the bare ``pay`` of ``floor``, called where it
stands, without a web server. Prints a table, and ends with 1 when a step costs more than it may.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.scratch import own_database, set_up_portal

ALLOWED = 2.0
"""250 steps a second where the bare round takes 2 ms."""
_ROOT = Path(__file__).resolve().parents[2]
_WARM = 30


def run(folder: Path, *, rounds: int, seeds: int, turns: int) -> int:
    """Measure and print."""
    from django.db import connection  # noqa: PLC0415 - needs the settings
    from django.test import RequestFactory  # noqa: PLC0415

    from portal.acquirer import signing  # noqa: PLC0415
    from tests.benchmarks import floor, ground, servers  # noqa: PLC0415

    keys = ground.Keys(ours=signing.new_private_key(), theirs=signing.new_private_key())
    ground.make_tables()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")  # a history does not wait for the disk either
    with servers.acquirer(keys.theirs, ground.CLIENT_ID, folder) as gateway_url:
        account = ground.make_account(gateway_url, keys)
        orders = iter(ground.orders_to_pay(account, _WARM + rounds * turns))
        ask = RequestFactory()

        def pays(count: int) -> float:
            begun = time.perf_counter()
            for _ in range(count):
                order = next(orders)
                body = json.dumps({"wallet_id": order.wallet_id, "os_type": "ANDROID"})
                answer = floor.pay(ask.post("/", body, content_type="application/json"), order.number)
                assert json.loads(answer.content)["status"] == "PAID"
            return (time.perf_counter() - begun) / count

        pays(_WARM)
        bare, step = [], []
        for turn in range(turns):
            bare.append(pays(rounds))
            step.append(1 / simulated(1 + turn * seeds, seeds))
    ratio = statistics.median(ours / theirs for ours, theirs in zip(step, bare, strict=True))
    said = statistics.median(bare) * 1000, statistics.median(step) * 1000, 1 / statistics.median(step)
    sys.stdout.write("| bare round, ms | step, ms | steps a second | ratio | at most |\n" + "|---" * 5 + "|\n")
    sys.stdout.write(f"| {said[0]:.2f} | {said[1]:.2f} | {said[2]:.0f} | {ratio:.2f}× | {ALLOWED:.2f}× |\n")
    return 0 if ratio <= ALLOWED else 1


def simulated(seed: int, seeds: int) -> float:
    """Steps a second of so many histories, each of a hundred steps, in a process of their own."""
    command = [sys.executable, "manage.py", "simulate", "--format", "json"]
    command += ["--seed", str(seed), "--seeds", str(seeds), "--steps", "100"]
    told = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    facts = json.loads(told.stdout)
    return float(facts["steps_per_second"])


def main() -> int:
    """A folder and a database of its own, and nothing left behind."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.simulation", description=__doc__)
    parser.add_argument("--database-url", default="", help="For the bare rounds: a PostgreSQL server; empty: SQLite.")
    parser.add_argument("--seeds", type=int, default=60, help="Histories of a turn.")
    parser.add_argument("--rounds", type=int, default=300, help="Bare rounds of a turn.")
    parser.add_argument("--turns", type=int, default=3, help="How often floor and simulator take turns.")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        url = stack.enter_context(own_database(given.database_url, folder))
        set_up_portal(str(folder), url, PORTAL_LOG_LEVEL="WARNING")
        return run(folder, rounds=given.rounds, seeds=given.seeds, turns=given.turns)


if __name__ == "__main__":
    sys.exit(main())
