"""Many people who do something at the very same moment, each with a database connection of their own."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections

from portal.errors import PortalError


def all_at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do every act in a thread of its own, all from one starting shot; what each returned, or its refusal.

    Anything but a refusal of the portal fails the test: no deadlock, no lock time-out, no broken constraint.
    """
    start = threading.Barrier(len(acts))
    outcomes: list[Any] = [None] * len(acts)
    mishaps: list[BaseException] = []

    def one(number: int, act: Callable[[], Any]) -> None:
        try:
            start.wait(30)
            outcomes[number] = act()
        except PortalError as refusal:
            outcomes[number] = refusal
        except BaseException as reason:
            mishaps.append(reason)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    if mishaps:
        raise mishaps[0]
    return outcomes


def times(count: int, act: Callable[[], Any]) -> Sequence[Callable[[], Any]]:
    """The same act, so many times."""
    return [act] * count


def refusals(outcomes: Sequence[Any], kind: type[PortalError] = PortalError) -> int:
    """How many were refused in this way."""
    return sum(isinstance(outcome, kind) for outcome in outcomes)
