"""How soon a discrepancy should be explained: by how much its waiting may cost."""

from datetime import datetime, timedelta

from django.db.models import Q

from portal import clock
from reconciliation.models import Discrepancy, Reason

URGENT = timedelta(days=1)
"""Money against a final status of ours: somebody waits for it."""
USUAL = timedelta(days=3)
"""The acquirer looks into a batch more gladly while it is young."""
LATER = timedelta(days=7)
UNHURRIED = frozenset({Reason.DAY_DIFFERS, Reason.DETAILS_AWAITED, Reason.QUOTE_UNCLEAR, Reason.FEE_SIGN_UNCLEAR})
"""No amount of ours is in question, or what is awaited comes by itself."""


def due_by(one: Discrepancy) -> datetime:
    """When it should be closed."""
    if one.is_urgent:
        return one.opened_at + URGENT
    return one.opened_at + (LATER if one.reason in UNHURRIED else USUAL)


def overdue() -> Q:
    """Open ones that should be closed by now: the queue's own index finds the old, and few rows are old."""
    now = clock.now()
    late = Q(opened_at__lt=now - LATER) | (Q(opened_at__lt=now - USUAL) & ~Q(reason__in=UNHURRIED))
    late |= Q(opened_at__lt=now - URGENT, is_urgent=True)
    return Q(closed_at__isnull=True, opened_at__lt=now - URGENT) & late
