"""What the clock starts: opening cycles, many together, and charging them one by one. Safe to run twice at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from payments.subscriptions import operations, queries
from portal import due


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


def _line(pk: int, said: Mapping[int, str]) -> str:
    return f"subscription {pk}: {said.get(pk, 'nothing to do')}"


AT_ONCE = 500
"""Subscriptions in one transaction: it takes a fraction of a second, and what it says is said for all of them."""

subscriptions_due = due.work_on(queries.due_subscriptions, work_subscription, many=work_subscriptions, at_once=AT_ONCE)
cycles_due = due.work_on(queries.due_cycles, work_cycle)
