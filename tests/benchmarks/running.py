"""A whole run: start the processes, take every measure, print the table."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from portal.acquirer import signing
from tests.benchmarks import ground, measures, servers
from tests.benchmarks.ground import Keys
from tests.benchmarks.measures import Bench, Compared, Side

LEAST_CLAIMS = 5_000
"""Rows a second, on PostgreSQL."""
_CLIENTS = (1, 8)


def run(folder: Path, *, requests: int, turns: int, only: str) -> int:
    """Measure and print; 1 when something costs more than it may."""
    keys = Keys(ours=signing.new_private_key(), theirs=signing.new_private_key())
    ground.make_tables()
    with ExitStack() as stack:
        log = stack.enter_context((folder / "servers.log").open("w"))
        gateway_url = stack.enter_context(servers.acquirer(keys.theirs, ground.CLIENT_ID, folder))
        account = ground.make_account(gateway_url, keys)
        bare, ours = (
            stack.enter_context(servers.served(application, log))
            for application in ("tests.benchmarks.floor_wsgi:application", "portal.wsgi:application")
        )
        bench = Bench(
            floor=_side(*bare), portal=_side(*ours), account=account, keys=keys, requests=requests, turns=turns
        )
        return _measured(bench, [name for name in only.split(",") if name])


def _side(url: str, pid: int) -> Side:
    return Side(url, partial(servers.cpu_seconds, pid))


def _measured(bench: Bench, only: list[str]) -> int:
    def wanted(name: str) -> bool:
        return not only or name in only

    say = sys.stdout.write
    say(f"{ground.database_in_words()}\n\n")
    say("| floor → portal, in ms | ratio | at most | p50 | p99 | CPU | CPU ratio | a second |\n" + "|---" * 8 + "|\n")
    todo: list[Callable[[], Compared]] = []
    for name, measure in (("pay", measures.pay), ("notify", measures.notify)):
        if wanted(name):
            todo += [partial(measure, bench, clients) for clients in _CLIENTS]
    for name, single in (("sign", measures.signing_rate), ("call", measures.round_trip), ("drain", measures.drain)):
        if wanted(name):
            todo.append(partial(single, bench))
    all_hold = True
    for measure_it in todo:
        compared = measure_it()
        all_hold = all_hold and compared.holds
        say(table_line(compared) + "\n")
        sys.stdout.flush()
    if wanted("claim"):
        rate = measures.claims(bench)
        say(f"\nClaiming alone: {rate:,.0f} rows/s.\n")
        all_hold = all_hold and rate >= LEAST_CLAIMS
    return 0 if all_hold else 1


def table_line(compared: Compared) -> str:
    """One line of the table."""
    floor, subject = compared.floor, compared.subject
    cells = [
        compared.name,
        f"{compared.ratio:.2f}×",
        f"{compared.allowed:.2f}×",
        _pair(floor.quantile(0.5), subject.quantile(0.5)),
        _pair(floor.quantile(0.99), subject.quantile(0.99)),
        "" if compared.cpu_ratio is None else _pair(floor.cpu_seconds, subject.cpu_seconds),
        "" if compared.cpu_ratio is None else f"{compared.cpu_ratio:.2f}×",
        f"{floor.rate:,.0f} → {subject.rate:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _pair(floor: float | None, subject: float | None) -> str:
    return f"{(floor or 0) * 1000:.2f} → {(subject or 0) * 1000:.2f}"
