"""Running histories: from a seed, step by step, with crashes and overtaking at the seams; and shrinking a failure."""

import gc
import math
import random
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.test.utils import override_settings

from payments.models import Declaration, Payment, Refund
from payments.subscriptions import tasks as charging
from portal import clock
from portal.gateways import speaking_over
from portal.sandbox.context import Keys
from portal.simulation import offering, settling, twins
from portal.simulation.acts import ACTS, MEETING, OVERTAKING, REFUSALS
from portal.simulation.line import Killed, Seams, session_to
from portal.simulation.promises import broken
from portal.simulation.receiver import webhooks_to
from portal.simulation.stage import Stage, dangling, in_haste
from portal.simulation.world import World
from portal.statements import Found

_CRASHES = 0.03
_CRASHES_BEFORE_A_COMMIT = 0.03
_OVERTAKES = 0.15
_ALIKE = 0.3
"""How often what overtakes is what is being overtaken: two people do the same at once."""
_EXPECTED = 0.3
"""How often the next act is one that an earlier one leads to, while there is one."""
_DEEPEST = 2
_ACCOUNTS = Found(lambda: Payment.objects.order_by("pk").values_list("wallet_account__account__slug"))
_NAMES = tuple(ACTS)
_WEIGHTS = tuple(weight for _, weight in ACTS.values())


@dataclass
class Told:
    """What became of one history."""

    seed: int
    steps: int
    lines: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    overtaken: int = 0
    messages: int = 0
    reports: Counter[str] = field(default_factory=Counter)
    """Reports that were imported, by account."""
    planted: int = 0
    declared: int = 0
    through: Counter[str] = field(default_factory=Counter)
    """Payments, by account."""
    repeated: int = 0
    """Refunds that were sent more than once."""
    days: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations

    def add(self, other: "Told") -> None:
        """Count another history in."""
        for name in (
            "steps",
            "faults",
            "kills",
            "acts",
            "overtaken",
            "messages",
            "reports",
            "planted",
            "declared",
            "through",
            "repeated",
            "days",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@contextmanager
def _in_one_go() -> Iterator[None]:
    """What a history leaves behind is collected before the next one, not while it is told: a sixth of the time."""
    gc.collect(1)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Teller:
    """Tells histories, one at a time."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._stage = Stage(keys)

    @contextmanager
    def world(self, seed: int) -> Iterator[World]:
        """A world as it opens, in which whatever is sent and done stays, under a clock of its own."""
        before, draw = clock.current(), clock._draw
        seams = Seams()
        charging.begin_as_a_new_process()
        try:
            with (
                _in_one_go(),
                in_haste(),
                self._stage.played() as scene,
                seams.watched(),
                override_settings(PORTAL_API_LIMITS={}),
            ):
                world = World(scene, seed, self._keys, seams)
                line = session_to(world.engine, seams, world.line)
                with speaking_over(line), webhooks_to(world.receiver), world.agenda.kept():
                    yield world
        finally:
            clock._restore(before, draw)

    def tell(self, seed: int, steps: list[int]) -> Told:
        """Tell the steps of these numbers, come to rest, and check every promise."""
        told = Told(seed, len(steps))
        try:
            with self.world(seed) as world:
                begun = clock.now()
                _Telling(world, told).tell(steps)
                world.seams.rest()
                world.comes_to_rest()
                told.violations += broken(world) + [f"the database: {sentence}" for sentence in dangling()]
                told.days = (clock.now() - begun).total_seconds() / 86400
                told.faults.update(world.faults)
                told.messages = world.delivery.count
                told.reports.update(settling.SLUGS[report.client_id] for report in world.imported)
                told.planted, told.declared = len(world.planted), Declaration.objects.count()
                told.through.update(slug for (slug,) in _ACCOUNTS.tuples())
                told.repeated = Refund.objects.filter(times_sent__gt=1).count()
        except Exception:
            told.violations.append(_nobody_expected())
        return told

    def tell_twice(self, seed: int) -> list[str]:
        """Play one script with every message in good order and with none, and say how the two endings differ."""
        endings = []
        try:
            for disorder in (None, random.Random(f"{seed}:disorder")):  # noqa: S311 - a story, not a secret
                with self.world(seed) as world:
                    endings.append(twins.play(world, twins.script(seed, world), disorder))
        except Exception:
            return [_nobody_expected()]
        tidy, mixed = endings
        return [
            f"every message counts once: {name} ends as {mixed[name]}, and as {tidy[name]} when told in good order"
            for name in tidy
            if mixed[name] != tidy[name]
        ]


def _nobody_expected() -> str:
    return f"an exception nobody expected:\n{traceback.format_exc()}"


class _Telling:
    """One history while it is told."""

    def __init__(self, world: World, told: Told) -> None:
        self._world, self._told = world, told
        self._depth = 0
        self._doing: list[str] = []
        """What is under way, the innermost last."""
        self._rng = random.Random(told.seed)  # noqa: S311 - a story, not a secret

    def tell(self, steps: list[int]) -> None:
        seams = self._world.seams
        seams.at, seams.before_a_commit = self._at_a_seam, self._before_a_commit
        for number in steps:
            if offering.comes_before(self._world, self._told.seed, number):
                self._rng = random.Random(f"{self._told.seed}:{number}:change")  # noqa: S311
                self._act(offering.NAME, f"{number:4}")
            # Each step has a seed of its own, so that leaving some out does not change what the others do.
            self._rng = random.Random(f"{self._told.seed}:{number}")  # noqa: S311
            name = self._rng.choices(_NAMES, weights=_WEIGHTS)[0]
            if self._world.expected and self._rng.random() < _EXPECTED:
                name = self._world.expected.pop(0)
            self._act(name, f"{number:4}")

    def _act(self, name: str, mark: str) -> None:
        self._doing.append(name)
        try:
            act = offering.the_catalogue_changes if name == offering.NAME else ACTS[name][0]
            line = act(self._world, self._rng)
        except REFUSALS as refusal:
            line = f"{name}: refused, {getattr(refusal, 'message', refusal)}"
        except Killed as death:
            line = f"{name}: killed {death}"
        finally:
            self._doing.pop()
        if line:
            self._told.acts[name] += 1
            self._told.lines.append(f"{mark} {line}")

    def _at_a_seam(self, name: str) -> None:
        chance = self._rng.random()
        if chance < _CRASHES:
            self._dies(name)
        if chance < _CRASHES + _OVERTAKES and self._depth < _DEEPEST:
            self._depth += 1
            self._world.is_overtaking = True
            self._told.overtaken += 1
            try:
                self._act(self._overtaking(), f"     {'  ' * self._depth}({name})")
            finally:
                self._depth -= 1
                self._world.is_overtaking = self._depth > 0

    def _overtaking(self) -> str:
        under_way = self._doing[-1]
        alike = self._rng.random() < _ALIKE and under_way in OVERTAKING
        if alike and under_way in MEETING:
            return self._rng.choice(MEETING[under_way])
        return under_way if alike else self._rng.choice(OVERTAKING)

    def _before_a_commit(self) -> None:
        if self._rng.random() < _CRASHES_BEFORE_A_COMMIT:
            self._dies("before a commit")

    def _dies(self, name: str) -> None:
        self._told.kills[name] += 1
        raise Killed(name)


def tell(seed: int, count: int, keys: Keys) -> Told:
    """The history of a seed, ``count`` steps long, on a stage of its own."""
    return Teller(keys).tell(seed, list(range(count)))


def shrink(told: Told, teller: Teller, *, seconds: float = math.inf) -> Told:
    """The shortest history found that still breaks a promise, by leaving out ever smaller runs of steps."""
    steps, best = list(range(told.steps)), told
    run = max(1, len(steps) // 2)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        start, shortened = 0, False
        while start < len(steps) and time.monotonic() < until:
            fewer = steps[:start] + steps[start + run :]
            tried = teller.tell(told.seed, fewer)
            if tried.holds:
                start += run
            else:
                steps, best, shortened = fewer, tried, True
        if run == 1 and not shortened:
            return best
        run = max(1, run // 2)
    return best
