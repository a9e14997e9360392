"""Running histories: from a seed, step by step, with crashes and overtaking at the seams; and shrinking a failure."""

import random
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

from django.core.management.color import no_style
from django.db import connection

from portal import clock
from portal.gateways import speaking_over
from portal.sandbox.context import Keys
from portal.simulation.line import Killed, Seams, session_to
from portal.simulation.promises import PROMISES
from portal.simulation.world import ACTS, REFUSALS, World

_CRASHES = 0.03
_OVERTAKES = 0.12
_DEEPEST = 2


@dataclass
class Told:
    """What became of one history."""

    seed: int
    steps: int
    lines: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    days: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations


class Teller:
    """Tells one history."""

    def __init__(self, seed: int, keys: Keys) -> None:
        self._seed, self._keys = seed, keys
        self._seams = Seams()
        self._depth = 0
        self._rng = random.Random(seed)  # noqa: S311 - a story, not a secret
        self._told = Told(seed, 0)
        self._world: World | None = None

    def tell(self, steps: list[int]) -> Told:
        """Tell the steps of these numbers, come to rest, and check every promise."""
        told = self._told
        told.steps = len(steps)
        _empty_the_database()
        before, draw = clock.current(), clock._draw
        try:
            with self._seams.watched():
                self._world = world = World(self._seed, self._keys, self._seams)
                with speaking_over(session_to(world.engine, self._seams)):
                    world.has_customers(self._rng)
                    begun = clock.now()
                    self._seams.at = self._at_a_seam
                    for number in steps:
                        self._step(number)
                    self._seams.at = lambda _name: None
                    world.comes_to_rest()
                    told.days = (clock.now() - begun).total_seconds() / 86400
                    told.faults.update(world.faults)
                    for name, check in PROMISES.items():
                        told.violations += [f"{name}: {sentence}" for sentence in check(world)]
        except Exception:
            told.violations.append(f"an exception nobody expected:\n{traceback.format_exc()}")
        finally:
            clock._restore(before, draw)
        return told

    def _step(self, number: int) -> None:
        self._rng = random.Random(f"{self._seed}:{number}")  # noqa: S311 - each step its own, so that steps can be left out
        names = list(ACTS)
        name = self._rng.choices(names, weights=[ACTS[name][1] for name in names])[0]
        self._act(name, f"{number:4}")

    def _act(self, name: str, mark: str) -> None:
        assert self._world is not None  # noqa: S101 - the world stands while a story is told
        try:
            line = ACTS[name][0](self._world, self._rng)
        except REFUSALS as refusal:
            line = f"{name}: refused, {refusal.message}"
        except Killed:
            self._told.kills += 1
            line = f"{name}: killed"
        if line:
            self._told.lines.append(f"{mark} {line}")

    def _at_a_seam(self, name: str) -> None:
        chance = self._rng.random()
        if chance < _CRASHES:
            raise Killed(name)
        if chance < _CRASHES + _OVERTAKES and self._depth < _DEEPEST:
            self._depth += 1
            try:
                overtaking = self._rng.choice(("pays", "refunds", "cancels", "worker looks", "acquirer ticks", "asks"))
                self._act(overtaking, f"     {'  ' * self._depth}({name})")
            finally:
                self._depth -= 1


def _empty_the_database() -> None:
    tables = [name for name in connection.introspection.django_table_names(only_existing=True) if _is_ours(name)]
    statements = connection.ops.sql_flush(no_style(), tables, allow_cascade=True)
    connection.ops.execute_sql_flush(statements)


def _is_ours(table: str) -> bool:
    app = table.split("_", maxsplit=1)[0]
    return app in {"portal", "authorizations", "payments", "reconciliation"} and table != "portal_cache"


def tell(seed: int, count: int, keys: Keys) -> Told:
    """The history of a seed, ``count`` steps long."""
    return Teller(seed, keys).tell(list(range(count)))


def shrink(told: Told, keys: Keys, *, seconds: float = 60.0) -> Told:
    """The shortest history found that still breaks a promise, by leaving out ever smaller runs of steps."""
    steps, best = list(range(told.steps)), told
    run = max(1, len(steps) // 2)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        start, shortened = 0, False
        while start < len(steps) and time.monotonic() < until:
            fewer = steps[:start] + steps[start + run :]
            tried = Teller(told.seed, keys).tell(fewer)
            if tried.holds:
                start += run
            else:
                steps, best, shortened = fewer, tried, True
        if run == 1 and not shortened:
            return best
        run = max(1, run // 2)
    return best
