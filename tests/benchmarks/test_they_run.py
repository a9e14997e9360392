"""The benchmarks run: every measure once, in the small. How fast anything is, no test says."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from cheroot import wsgi as cheroot_wsgi

from portal.acquirer import signing
from tests.benchmarks import floor, ground, measures, peer, servers
from tests.benchmarks.ground import Keys
from tests.benchmarks.measures import Bench, Compared, Side
from tests.benchmarks.running import table_line


@pytest.fixture
def floor_url() -> Iterator[str]:
    """The floors, served by a thread."""
    floor.hang_up()
    server = cheroot_wsgi.Server(("127.0.0.1", 0), floor.Bare(), numthreads=2, shutdown_timeout=1)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.bind_addr[1]}"
    server.stop()
    thread.join(5)
    floor.hang_up()


@pytest.fixture
def bench(transactional_db: None, portal_url: str, floor_url: str) -> Iterator[Bench]:
    """Both servers, and four requests of each kind in one turn."""
    keys = Keys(ours=signing.new_private_key(), theirs=signing.new_private_key())
    with peer.in_a_thread(keys.theirs, ground.CLIENT_ID) as gateway_url:
        yield Bench(
            floor=Side(floor_url, time.process_time),
            portal=Side(portal_url, time.process_time),
            account=ground.make_account(gateway_url, keys),
            keys=keys,
            requests=4,
            turns=1,
        )


def test_every_measure_measures(bench: Bench) -> None:
    compared: list[Compared] = [measures.pay(bench, 2), measures.notify(bench, 2)]
    compared += [measure(bench) for measure in (measures.signing_rate, measures.round_trip, measures.drain)]
    for one in compared:
        assert one.ratio > 0
        assert table_line(one).startswith(f"| {one.name} | ")
    assert measures.claims(bench) > 0


def test_a_step_is_measured_beside_a_bare_round() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.simulation", "--turns", "1", "--seeds", "1", "--rounds", "3"]
    done = subprocess.run(command, cwd=servers.ROOT, capture_output=True, text=True, check=False)
    assert re.search(r"^\| \d+\.\d\d \| \d+\.\d\d \| \d+ \| \d+\.\d\d× \| 2\.00× \|$", done.stdout, re.MULTILINE), done
