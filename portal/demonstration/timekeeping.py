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

    def pass_for(self, **span: float) -> None:
        """Let a span pass, in the words of timedelta."""
        self.pass_until(clock.now() + timedelta(**span))

    def pass_until(self, target: datetime) -> None:
        """Let time pass until a moment; everything happens at the moment it falls due. The past is left alone."""
        self.settle()
        while (moment := self._next_due()) is not None and moment <= target:
            if moment > clock.now():
                self._control.set_clock(moment)
            if not self.settle():
                self._control.set_clock(clock.now() + _HEADWAY)
        if target > clock.now():
            self._control.set_clock(target)
            self.settle()

    def settle(self) -> int:
        """Do everything that is due now, on both sides; how many things were done."""
        done = 0
        while now_done := self._control.tick() + len(work.run_all_due()):
            done += now_done
        return done

    def _next_due(self) -> datetime | None:
        moments = [moment for moment in (work.next_due(), self._control.next_due()) if moment is not None]
        return min(moments) if moments else None
