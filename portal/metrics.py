"""``/metrics``: what a monitor watches, in the form Prometheus reads.

What is true now (unknown payments, open incidents, due rows) is asked of the database at each scrape, so it is right
whichever process answers, and after any restart. What happened (calls, requests) every process counts by itself
(``portal/measures.py``). Labels are words of small sets: no id, no name, nothing of a person.

Who may read it: whoever presents PORTAL_METRICS_TOKEN as a bearer token. Without that, only this machine itself, asked
directly: what came over a proxy is not from here, whatever its address.
"""

import hmac
import ipaddress
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from portal import clock, measures, registry
from portal.due import waiting
from portal.models import DeliveryState, EndpointState, Incident, Notification, NotificationStatus, WebhookDelivery
from portal.registry import Waiting

_FORBIDDEN = 403
_REFUSED = "Ask from this machine directly, or present PORTAL_METRICS_TOKEN as a bearer token.\n"
_PROXIED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything, as text; 403 for whoever may not read it."""
    if not _may_read(request):
        return HttpResponse(_REFUSED, content_type="text/plain; charset=utf-8", status=_FORBIDDEN)
    now = CollectorRegistry()
    now.register(_Now())
    with measures.gathered() as counted:
        text = generate_latest(now) + generate_latest(counted)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    wanted = settings.PORTAL_METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if wanted and hmac.compare_digest(given.encode(), wanted.encode()):
        return True
    if settings.PORTAL_PROXIES or any(name in request.headers for name in _PROXIED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class _Now:
    """What is true at the moment of the scrape. Without a database: that it does not answer, and nothing else."""

    def collect(self) -> Iterable[Metric]:
        try:
            found = list(_gauges())
        except Error:
            connection.close()
            found = []
        yield GaugeMetricFamily("portal_database_up", "Whether the database answers.", value=1 if found else 0)
        yield from found


def _gauges() -> Iterator[Metric]:
    unknown = [(name, ask()) for name, ask in registry.unknown.items()]
    yield from _counted("portal_unknown", "What was begun and whose result nobody knows, by kind", "kind", unknown)
    due = [(name, kind.overdue()) for name, kind in registry.due_work.items()]
    yield from _counted("portal_due", "Rows whose moment has come, by kind", "kind", due)
    yield from _counted("portal_open_incidents", "Incidents that are open, by kind", "kind", _incidents())
    yield from _counted("portal_webhooks_waiting", "Webhooks on their way, by state", "state", _webhooks())
    yield from _counted("portal_notifications_waiting", "Messages kept, not applied, by status", "status", _messages())


def _incidents() -> Iterator[tuple[str, Waiting]]:
    found = Incident.objects.filter(closed_at__isnull=True).order_by().values("kind")
    for row in found.annotate(count=Count("pk"), first=Min("opened_at")).order_by("kind"):
        yield row["kind"], Waiting(row["count"], row["first"])


def _webhooks() -> Iterator[tuple[str, Waiting]]:
    """Those of a paused or disabled endpoint are kept, and wait for more than their time."""
    found = WebhookDelivery.objects.filter(state=DeliveryState.WAITING)
    yield "sent", waiting(found.filter(endpoint__state=EndpointState.ACTIVE), "created_at")
    yield "kept", waiting(found.exclude(endpoint__state=EndpointState.ACTIVE), "created_at")


def _messages() -> Iterator[tuple[str, Waiting]]:
    """Those that were given up are incidents."""
    for status in (NotificationStatus.RECEIVED, NotificationStatus.WAITING):
        found = Notification.objects.filter(status=status, due_at__isnull=False)
        yield status.lower(), waiting(found, "received_at")


def _counted(name: str, sentence: str, label: str, found: Iterable[tuple[str, Waiting]]) -> Iterator[Metric]:
    """Two gauges: how many there are, and for how many seconds the oldest has been there (0: there is none)."""
    count = GaugeMetricFamily(name, f"{sentence}.", labels=(label,))
    age = GaugeMetricFamily(f"{name}_oldest_seconds", f"{sentence}: the age of the oldest.", labels=(label,))
    at = clock.now()
    for word, they in found:
        count.add_metric((word,), they.count)
        age.add_metric((word,), max((at - they.since).total_seconds(), 0.0) if they.since else 0.0)
    yield count
    yield age


urlpatterns = [path("metrics", metrics, name="metrics")]
