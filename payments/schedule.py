"""When the clock looks at something unknown again.

Poll 3 s × 20 (the acquirer's capabilities say so), then cancel; what is still unknown climbs the ladder, asking and
cancelling while the deadline allows; at its end it is an incident with an owner, and is asked about once a day.
"""

from datetime import datetime, timedelta

from portal import clock

WIRE_GRACE = timedelta(seconds=20)
"""A call takes at most its connection tries and a read time-out; after that its caller is dead or gone."""
LADDER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 360, 1440))
DAILY = timedelta(days=1)
SOON = timedelta(seconds=5)
REFUND_FIRST = timedelta(seconds=15)
"""https://docs.antom.com/ac/ams/ir_online: "not exist" is asked again after 15 seconds."""
EXPIRY_SHORTENING = timedelta(seconds=5)
"""paymentExpiryTime must lie less than the acquirer's minute after the request."""
DENIAL_MARGIN = timedelta(seconds=60)
"""After the expiry and this margin, "no such payment" from inquiry *and* cancel closes a payment."""
NOBODY_WAITS = timedelta(seconds=60)
"""Whoever began something has its result, or was told that it is on its way, and looks no more."""
CANCEL_SAFETY = timedelta(seconds=60)
"""A cancel is not begun so short before its deadline: it would arrive too late."""


def ladder_time(step: int) -> datetime:
    """The time of a rung; past the last one, a day from now."""
    return clock.now() + (LADDER[step] if step < len(LADDER) else DAILY)


def later(first: timedelta, step: int) -> datetime:
    """The time of a look that has one short rung before the ladder: ``first``, then 1 minute, 5 minutes …"""
    return clock.now() + first if step == 0 else ladder_time(step - 1)


def ladder_has_ended(step: int) -> bool:
    """Whether every rung was climbed."""
    return step >= len(LADDER)
