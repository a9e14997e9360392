"""Letting time pass for both sides at once: the clock is moved to each moment at which something falls due."""

from datetime import datetime, timedelta

from portal import clock, work
from portal.sandbox.control import SandboxControl

_HEADWAY = timedelta(milliseconds=200)
"""So far the clock is moved when something is said to be due and yet nobody did anything: a lease, a held message."""


class Time:
    """The time of a portal and a sandbox that share a clock which stands still until it is moved here."""

    def __init__(self, control: SandboxControl) -> None:
        self._control = control
        self._portal_due: datetime | None = None
        """When the portal has something to do next, as of the last time everything was at rest."""

    def pass_for(self, **span: float) -> None:
        """Let a span pass, in the words of timedelta."""
        self.pass_until(clock.now() + timedelta(**span))

    def pass_until(self, target: datetime) -> None:
        """Let time pass until a moment; everything happens at the moment it falls due. The past is left alone."""
        self.settle()
        while (moment := self._next_due()) is not None and moment <= target:
            # Due by now and yet left alone is what somebody holds: the clock has to go on for that to end.
            self._control.set_clock(moment if moment > clock.now() else clock.now() + _HEADWAY)
            self._work()
        if target > clock.now():
            self._control.set_clock(target)

    def settle(self) -> None:
        """Do everything that is due now, on both sides."""
        self._control.tick()
        self._work()

    def _work(self) -> None:
        """Do what is due in the portal, and what follows from it in the sandbox, until both are at rest."""
        while True:
            self._portal_due = work.next_due()
            if self._portal_due is None or self._portal_due > clock.now() or not sum(1 for _ in work.run_due()):
                return
            self._control.tick()

    def _next_due(self) -> datetime | None:
        return min((due for due in (self._portal_due, self._control.next_due()) if due is not None), default=None)
