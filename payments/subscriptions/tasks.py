"""What the clock starts: opening cycles, and charging them, many together. Safe to run twice at once."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from payments import operations as paying
from payments.subscriptions import operations, queries
from portal import due

AT_ONCE = 500
"""Subscriptions in one transaction: it takes a fraction of a second, and what it says is said for all of them."""
FIRST_TOGETHER, QUICK_SECONDS = 4, 2.0


class _Pace:
    """How many are charged together: as many as were soon done the last time. Each process learns it anew."""

    together = FIRST_TOGETHER

    def learn(self, seconds: float) -> None:
        """What was charged together took so long."""
        is_quick = seconds < QUICK_SECONDS
        self.together = min(2 * self.together, paying.AT_ONCE) if is_quick else max(self.together // 2, 1)


_pace = _Pace()


def begin_as_a_new_process() -> None:
    """Forget what this process has learned, so that a history told again is told alike."""
    _pace.together = FIRST_TOGETHER


def work_subscription(pk: int) -> str:
    """Take the step that is due of a subscription."""
    return _line(pk, operations.open_cycles([pk]))


def work_subscriptions(ids: Sequence[int], may_go_on: Callable[[], bool]) -> Iterator[tuple[int, str]]:
    """Take the steps that are due of several, in one transaction."""
    if not may_go_on():
        return
    said = operations.open_cycles(ids)
    for pk in ids:
        yield pk, _line(pk, said)


def work_cycle(pk: int) -> str:
    """Charge a cycle, or record what became of its charge."""
    cycle = operations.work_cycle(pk)
    return f"{cycle}: {cycle.get_status_display()}"


def work_cycles(ids: Sequence[int], may_go_on: Callable[[], bool]) -> Iterator[tuple[int, str]]:
    """Charge those of several cycles about which there is nothing to weigh, as many together as are soon done.

    Between the promise and the last answer there is never much more than QUICK_SECONDS of work that a kill could delay.
    """
    left = list(ids)
    while left and may_go_on():
        some, left = left[: _pace.together], left[_pace.together :]
        begun = time.monotonic()
        for cycle in operations.charge_many(some, may_go_on):
            yield cycle.pk, f"{cycle}: {cycle.get_status_display()}"
        _pace.learn(time.monotonic() - begun)


def _line(pk: int, said: Mapping[int, str]) -> str:
    return f"subscription {pk}: {said.get(pk, 'nothing to do')}"


subscriptions_due = due.work_on(queries.due_subscriptions, work_subscription, many=work_subscriptions, at_once=AT_ONCE)
cycles_due = due.work_on(queries.due_cycles, work_cycle, many=work_cycles, at_once=2 * paying.AT_ONCE)
