"""What is noted of every request: an id that goes with everything that is said meanwhile, a line, and a count."""

import logging
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal import measures

HEADER = "X-Request-ID"
DOORS = frozenset(("admin", "api", "notify", "return", "pay", "static", "metrics", "livez", "readyz"))
_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")
_QUIET = frozenset(("static", "metrics", "livez", "readyz"))

logger = logging.getLogger("portal.request")


class RequestMiddleware:
    """Outermost. An id that a proxy gave is kept, so that its log and ours can be read together."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        given = request.headers.get(HEADER, "")
        request_id = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        # It stays bound until the thread's next request: what Django says of an answer, it says outside of us.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self._get_response(request)
        response.headers[HEADER] = request_id
        door = door_of(request.path_info)
        measures.answered(door, response.status_code)
        _tell(request, door, response.status_code, int((time.perf_counter() - began) * 1000))
        return response


def door_of(path: str) -> str:
    """``/api/v1/orders`` is ``api``: a word of a small set, whatever is asked for."""
    first = path.lstrip("/").partition("/")[0]
    return first if first in DOORS else "other"


def _tell(request: HttpRequest, door: str, status: int, duration_ms: int) -> None:
    """What changes something is told; who only looks, at DEBUG. Never the query, in which codes may stand."""
    is_look = request.method in ("GET", "HEAD", "OPTIONS") or door in _QUIET
    logger.log(
        logging.DEBUG if is_look else logging.INFO,
        "%s %s",
        request.method,
        request.path,
        extra={"status": status, "duration_ms": duration_ms},
    )
