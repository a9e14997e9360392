"""While the database is away: every door answers 503 and says when to come again, and the log says it in one line.

A restart of the database is no mistake of ours that a traceback would explain, and a traceback per request is all that
the log would hold. What fails while the database answers is a mistake of ours, whatever the error is called.
"""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

RETRY_AFTER_SECONDS = 2
DATABASE_GONE = (OperationalError, InterfaceError)
"""The database is restarting, or would not wait for two rows at once: no fault of the row."""
_UNAVAILABLE = 503

logger = logging.getLogger("portal.outage")


def is_database_away(reason: BaseException | None) -> bool:
    """Whether this was raised because the database cannot be spoken to, now that it was."""
    if not isinstance(reason, DATABASE_GONE):
        return False
    return connection.connection is None or not connection.is_usable()


class OutageMiddleware:
    """Innermost, so that it hears of what a door could not do before anybody writes it down as our mistake."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer while the database is away; None for everything else."""
        if not is_database_away(exception):
            return None
        logger.error("%s %s: the database does not answer (%s)", request.method, request.path, said(exception))
        connection.close()
        response = render(request, "503.html", status=_UNAVAILABLE)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


class WithoutTracebacks(logging.Filter):
    """What fails beside the doors (a session that cannot be kept) while the database is away is one line, too."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, without its traceback when that says nothing."""
        reason = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if is_database_away(reason):
            record.msg, record.args = f"{record.getMessage()}: the database does not answer ({said(reason)})", ()
            record.exc_info = record.exc_text = None
        return True


def said(reason: BaseException | None) -> str:
    """The first line of what the database or its driver said, or the name of the mistake."""
    lines = str(reason).splitlines()
    return lines[0] if lines else type(reason).__name__
