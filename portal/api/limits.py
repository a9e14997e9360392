"""How often one caller may knock: so many requests a minute, counted in the cache all server processes share.

The count slides: of the minute before, the part that lies less than sixty seconds back still counts. Reading and
writing the count are two steps, so requests at the very same moment may pass together; a limit protects the server
from a flood and is no ledger.
"""

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
        counts = cache.get_many([now, before])
        current, previous = counts.get(now, 0), counts.get(before, 0)
        if previous * (1 - passed) + current + 1 > limit:
            self._wait = _seconds_until(limit, current, previous, passed)
            return False
        cache.set(now, current + 1, timeout=2 * _WINDOW_SECONDS)
        return True

    def wait(self) -> float | None:
        """Seconds until the next request may pass."""
        return self._wait


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
