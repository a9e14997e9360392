"""When the clock looks at an attempt or a wallet again."""

from datetime import datetime, timedelta

from portal import clock

AUTHORIZATION_LIFETIME = timedelta(minutes=30)
"""Undocumented; we choose 30 minutes, because neither the URL's nor the code's life is published."""
WIRE_GRACE = timedelta(seconds=20)
"""A call takes at most a connection, three tries and a read time-out; after that its caller is dead or gone."""
NOTIFIED_CODE_GRACE = timedelta(seconds=3)
"""A code that came by notification waits this long for the mini program to bring the same one and see its result."""

EXCHANGE_LADDER = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900))
"""applyToken with the same code while the answer is unknown; then the buyer must agree again."""
REFRESH_LADDER = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 900, 3600, 21_600, 86_400))
"""The first rungs lie within five minutes: wallets accept the same refresh token again for that long."""
REVOKE_LADDER = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 900, 3600, 21_600, 86_400))


def after(ladder: tuple[timedelta, ...], attempts: int) -> datetime | None:
    """The next rung's time, or None when the ladder has ended."""
    return clock.now() + ladder[attempts] if attempts < len(ladder) else None


def refresh_due(*, expires_at: datetime | None, can_refresh: bool, before_days: int) -> datetime | None:
    """When a wallet's token must be looked at: so long before it dies if it can be refreshed, else when it dies.

    ``before_days`` is the acquirer's ``refresh_before_days``: it leaves time for support.
    """
    if expires_at is None:
        return None
    return expires_at - timedelta(days=before_days) if can_refresh else expires_at
