"""Whether this process lives, and whether it can serve: for whoever starts, watches or balances processes.

``/livez`` says that the process answers; a failure means "restart me". ``/readyz`` says that requests would succeed; a
failure means "send me nobody yet". Both are open to everybody, so they tell no more than that.
"""

import functools

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.journal import guard

_UNAVAILABLE = 503


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """The database answers, knows our migrations and guards the journal; else 503 with the missing part."""
    checks = {"database": "ok", "migrations": "ok", "journal": "ok"}
    try:
        missing = _migrations() - set(MigrationRecorder(connection).applied_migrations())
        unguarded = guard.missing()
    except Error:  # which one is in the server's log, not in an open answer
        checks = {"database": "no answer", "migrations": "unknown", "journal": "unknown"}
    else:
        if missing:
            checks["migrations"] = f"{len(missing)} to apply"
        if unguarded:
            checks["journal"] = "not guarded"
    is_ready = all(found == "ok" for found in checks.values())
    answer = {"status": "ok" if is_ready else "unavailable", "checks": checks}
    return JsonResponse(answer, status=200 if is_ready else _UNAVAILABLE)


@functools.cache
def _migrations() -> set[tuple[str, str]]:
    """Every migration this code brings: read once, since code does not change under a running process."""
    return set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


urlpatterns = [path("livez", live, name="livez"), path("readyz", ready, name="readyz")]
