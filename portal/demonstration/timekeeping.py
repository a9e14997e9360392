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
        while True:
            done = self.settle()
            moment = min((due for due in (self._portal_due, self._control.next_due()) if due), default=None)
            if moment is None or moment > target:
                break
            if moment > clock.now():
                self._control.set_clock(moment)
            elif not done:
                self._control.set_clock(clock.now() + _HEADWAY)
        if target > clock.now():
            self._control.set_clock(target)

    def settle(self) -> int:
        """Do everything that is due now, on both sides; how many times somebody had something to do."""
        done = 0
        while True:
            done += self._control.tick()
            self._portal_due = work.next_due()
            if self._portal_due is None or self._portal_due > clock.now():
                return done
            lines = sum(1 for _ in work.run_due())
            if not lines:
                return done
            done += lines
