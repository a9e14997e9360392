"""How often one caller may knock: so many requests a minute, counted in the cache all server processes share.

The count slides: of the minute before, the part that lies less than sixty seconds back still counts. Reading and
writing the count are two steps, so requests at the very same moment may pass together; and a process tells the others
of its requests a twentieth of the limit at a time, since a write for each would cost as much as what is limited. A
limit protects the server from a flood and is no ledger.
"""

import threading
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from math import ceil
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portal import clock

if TYPE_CHECKING:  # REST framework's views import the classes its settings name, and so this module
    from rest_framework.views import APIView

_WINDOW_SECONDS = 60
_UNTOLD = 20
"""The part of a limit that one process may let pass before it looks what the others have counted."""
_IP_WITHOUT_HOUSEHOLDS = 4


class RateLimit(BaseThrottle):
    """Counts by the caller and by what the door is about: ``sessions``, ``money`` or ``reads``.

    The limits are ``settings.PORTAL_API_LIMITS``, by ``<caller>.<subject>``; a pair that is not there has no limit.
    """

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count this request unless the limit is reached."""
        caller = request.user
        kind = getattr(caller, "kind", "anonymous")
        subject = getattr(view, "subject", "reads") if request.method == "POST" else "reads"
        limit = settings.PORTAL_API_LIMITS.get(f"{kind}.{subject}")
        if limit is None:
            return True
        ident = getattr(caller, "limited_as", None) or f"address:{_household(client_address(request))}"
        seconds = clock.now().timestamp()
        window = int(seconds // _WINDOW_SECONDS)
        passed = seconds % _WINDOW_SECONDS / _WINDOW_SECONDS
        now, before = (f"limit:{subject}:{ident}:{number}" for number in (window, window - 1))
        if here.passes(now, window, limit=limit, passed=passed):
            return True
        counts = cache.get_many([now, before])
        untold = here.take(now)
        current, previous = counts.get(now, 0) + untold, counts.get(before, 0)
        is_reached = previous * (1 - passed) + current + 1 > limit
        if not is_reached:
            current += 1
        if untold or not is_reached:
            cache.set(now, current, timeout=2 * _WINDOW_SECONDS)
        here.learn(now, current, previous)
        if is_reached:
            self._wait = _seconds_until(limit, current, previous, passed)
        return not is_reached

    def wait(self) -> float | None:
        """Seconds until the next request may pass."""
        return self._wait


@dataclass
class _Count:
    """One caller's requests in the present window: as all had counted when this process last looked, and since."""

    current: int = 0
    previous: int = 0
    untold: int = 0


class _Here:
    """What this process has let pass in the present window and not told the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, _Count] = {}

    def passes(self, name: str, window: int, *, limit: int, passed: float) -> bool:
        """Count one more, unless as many as may be untold are, or the limit is near by what is known here."""
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, {}
            count = self._counts.setdefault(name, _Count())
            known = count.previous * (1 - passed) + count.current + count.untold
            if count.untold >= limit // _UNTOLD or known + 1 > limit:
                return False
            count.untold += 1
            return True

    def forget(self) -> None:
        """Know nothing, as a process that has just started."""
        with self._lock:
            self._counts = {}

    def take(self, name: str) -> int:
        """What is to be told; it counts as told from here on."""
        with self._lock:
            count = self._counts.setdefault(name, _Count())
            taken, count.untold = count.untold, 0
            return taken

    def learn(self, name: str, current: int, previous: int) -> None:
        """Note what all have counted by now."""
        with self._lock:
            count = self._counts.setdefault(name, _Count())
            count.current, count.previous = current, previous


here = _Here()


def _seconds_until(limit: int, current: int, previous: int, passed: float) -> float:
    if current >= limit:  # not before the next minute, in which this one slides away
        share = 1 - (limit - 1) / current if current else 0
        return ceil((1 - passed + share) * _WINDOW_SECONDS)
    needed = 1 - (limit - current - 1) / previous
    return ceil((needed - passed) * _WINDOW_SECONDS)


def client_address(request: Request) -> str:
    """Where the request came from: the outermost address our own proxies vouch for, and no other; empty without one.

    ``settings.PORTAL_PROXIES`` says how many of them stand before us; without any, ``X-Forwarded-For`` is anybody's.
    """
    connected = str(request.META.get("REMOTE_ADDR") or "")
    named = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if settings.PORTAL_PROXIES and named:
        vouched_for: str = named[-min(settings.PORTAL_PROXIES, len(named))]
        if _is_address(vouched_for):
            return vouched_for
    return connected if _is_address(connected) else ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _household(address: str) -> str:
    """An IPv6 customer has 2⁶⁴ addresses to knock from, so those are counted as one."""
    if not address or ip_address(address).version == _IP_WITHOUT_HOUSEHOLDS:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))
