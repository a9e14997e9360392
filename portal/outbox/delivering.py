"""What the clock carries: events become deliveries, deliveries become attempts, dead endpoints are probed.

Safe to run twice at once and to be killed anywhere. A worker that dies after the receiver took an event and before that
was written down sends it again, with the same id and the same bytes.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from portal import clock, due, incidents
from portal.actor import Actor
from portal.models import DeliveryState, EndpointState, WebhookDelivery, WebhookEndpoint, WebhookEvent
from portal.outbox import attempts, endpoints, schedule
from portal.outbox.sending import Sent
from portal.statements import Found, Given

_NOTED_EVERY = timedelta(minutes=1)
"""``last_success_at`` is for people: a write per delivery would make every worker wait for one row."""
_LONGEST_WAIT_SECONDS = 3600
"""How long a receiver may ask us to stay away (Retry-After)."""
_DELIVERY = Found(lambda: WebhookDelivery.objects.select_related("event", "endpoint").filter(pk=Given("pk")).order_by())

# Events.


def waiting_events() -> QuerySet[WebhookEvent]:
    """Events without their deliveries; of one object the earliest alone, so that deliveries are made in order."""
    earlier = WebhookEvent.objects.filter(
        subject_type=OuterRef("subject_type"),
        subject_id=OuterRef("subject_id"),
        sequence__lt=OuterRef("sequence"),
        due_at__isnull=False,
    )
    return WebhookEvent.objects.filter(~Exists(earlier), due_at__isnull=False)


def work_event(pk: int) -> str:
    """Make an event's deliveries: one for each endpoint that listened when it happened."""
    with transaction.atomic(durable=True):
        event = WebhookEvent.objects.select_for_update(no_key=True).get(pk=pk)
        if event.due_at is not None:
            at = clock.now()
            found = WebhookEndpoint.objects.filter(pk__in=event.listeners).values_list("pk", flat=True)
            WebhookDelivery.objects.bulk_create(
                [
                    WebhookDelivery(
                        event=event,
                        endpoint_id=key,
                        subject_type=event.subject_type,
                        subject_id=event.subject_id,
                        sequence=event.sequence,
                        due_at=at,
                    )
                    for key in found
                ],
                ignore_conflicts=True,
            )
            due.hold(event, due_at=None)
    return f"webhook {event}: for {len(event.listeners)} endpoint{'s' if len(event.listeners) != 1 else ''}"


# Deliveries.


def waiting_deliveries() -> QuerySet[WebhookDelivery]:
    """Deliveries that wait for nothing but their time: no earlier event of the same object is on its way there."""
    earlier = WebhookDelivery.objects.filter(
        endpoint=OuterRef("endpoint"),
        subject_type=OuterRef("subject_type"),
        subject_id=OuterRef("subject_id"),
        sequence__lt=OuterRef("sequence"),
        state=DeliveryState.WAITING,
        delivered_at__isnull=True,
    )
    return WebhookDelivery.objects.filter(~Exists(earlier), state=DeliveryState.WAITING, due_at__isnull=False)


def work_delivery(pk: int) -> str:
    """Try a delivery, unless its endpoint is not to be sent to now."""
    delivery = _DELIVERY.get(pk=pk)
    if delivery.state != DeliveryState.WAITING or _is_held_back(delivery):
        return f"webhook {delivery.event} to {delivery.endpoint}: waits"
    event = delivery.event
    sent, at = attempts.post(delivery.endpoint, event.event_id, event.body.encode("ascii"))  # wire
    record(delivery, sent, at=at)
    return f"webhook {event} to {delivery.endpoint}: {sent.said}"


def _is_held_back(delivery: WebhookDelivery) -> bool:
    """Whether its endpoint takes nothing now; the delivery is then put aside until it does."""
    endpoint, at = delivery.endpoint, clock.now()
    if endpoint.state == EndpointState.ACTIVE and (endpoint.resting_until is None or endpoint.resting_until <= at):
        return False
    with transaction.atomic(durable=True):
        # Locked, so that it is not put aside just after a resume has fetched everything that was.
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        is_active = endpoint.state == EndpointState.ACTIVE
        if is_active and (endpoint.resting_until is None or endpoint.resting_until <= at):
            return False
        WebhookDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING).update(
            due_at=endpoint.resting_until if is_active else None, lease_until=None
        )
    return True


def record(delivery: WebhookDelivery, sent: Sent, *, at: datetime) -> None:
    """Write an attempt down, and what follows from it for the delivery and its endpoint."""
    with transaction.atomic(durable=True):
        if sent.is_success:
            _record_taken(delivery, sent, at=at)
        else:
            _record_not_taken(delivery, sent, at=at)
        attempts.keep(delivery.endpoint, sent, at=at, delivery=delivery)
    delivery.refresh_from_db()


def _record_taken(delivery: WebhookDelivery, sent: Sent, *, at: datetime) -> None:
    is_news = Q(failures__gt=0) | Q(last_success_at__isnull=True) | Q(last_success_at__lte=at - _NOTED_EVERY)
    WebhookEndpoint.objects.filter(is_news, pk=delivery.endpoint_id).update(
        last_success_at=at, failures=0, failing_since=None, resting_until=None
    )
    took = timedelta(milliseconds=sent.duration_ms)
    if took > schedule.SLOW:
        # As long as it took: a slow receiver gets at most half of a worker that others are waiting for, too.
        _let_rest(WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id), at + 2 * took)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.DELIVERED,
        delivered_at=Coalesce(F("delivered_at"), Value(at)),
        finished_at=at,
        due_at=None,
        lease_until=None,
        times_tried=F("times_tried") + 1,
        said=sent.said,
    )


def _record_not_taken(delivery: WebhookDelivery, sent: Sent, *, at: datetime) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or at
    endpoint.save(update_fields=["failures", "failing_since"])
    next_try = schedule.next_try(delivery.event.event_id, delivery.attempts, after=at)
    facts = {"lease_until": None, "times_tried": F("times_tried") + 1, "said": sent.said}
    waiting = WebhookDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING)
    if next_try is None:
        waiting.update(state=DeliveryState.GIVEN_UP, due_at=None, finished_at=at, **facts)
        _report_given_up(delivery, endpoint)
    else:
        waiting.update(due_at=next_try, attempts=F("attempts") + 1, **facts)
    if endpoint.state != EndpointState.ACTIVE:
        return
    if sent.is_gone:
        _disable_gone(endpoint)
    elif endpoint.failures >= schedule.DEAD_FAILURES and at - endpoint.failing_since >= schedule.DEAD_AFTER:
        _pause_dead(endpoint, sent)
    elif sent.http_status is None:
        _let_rest(endpoint, at + schedule.rest(endpoint.failures))
    elif sent.retry_after_seconds:
        _let_rest(endpoint, at + timedelta(seconds=min(sent.retry_after_seconds, _LONGEST_WAIT_SECONDS)))


def _let_rest(endpoint: WebhookEndpoint, until: datetime) -> None:
    """Try nothing there before ``until``; inside the caller's transaction, the endpoint locked."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(resting_until=until)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=clock.now())
    early = WebhookDelivery.objects.filter(free, endpoint=endpoint, state=DeliveryState.WAITING, due_at__lt=until)
    early.update(due_at=until)


def _pause_dead(endpoint: WebhookEndpoint, sent: Sent) -> None:
    since = f"{endpoint.failing_since:%d %b %H:%M} UTC"
    endpoints.stop(
        endpoint,
        EndpointState.PAUSED,
        f"{endpoint.failures} attempts in a row failed since {since}, the last with {sent.said}.",
    )
    incidents.raise_incident(
        endpoints.PAUSED,
        f"{endpoint.name} takes no webhooks: {endpoint.failures} attempts failed since {since}, "
        f"the last with {sent.said}.",
        subject=endpoint,
        detail="It is paused; what happens is kept for it and nothing is lost. A ping is sent every "
        f"{schedule.PROBE_EVERY.seconds // 60} minutes: as soon as it takes one, everything that waits goes out. "
        "Ask whoever runs it, or resume it here.",
    )


def _disable_gone(endpoint: WebhookEndpoint) -> None:
    endpoints.stop(endpoint, EndpointState.DISABLED, "It answered 410: it wants no webhooks any more.")
    incidents.raise_incident(
        endpoints.DISABLED,
        f"{endpoint.name} answered 410 Gone and is disabled.",
        subject=endpoint,
        detail="Nothing that happens from now on is kept for it. What waited is still there: resume it if this was a "
        "mistake, and send what is missing from the list of events.",
    )


def _report_given_up(delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> None:
    incidents.raise_incident(
        endpoints.GIVEN_UP,
        f"{delivery.event} was not taken by {endpoint.name} in {schedule.LASTS.days} days and is given up.",
        subject=endpoint,
        detail="Later events of the same object go on. The delivery can be resent from its page.",
    )


# Endpoints.


def dead_endpoints() -> QuerySet[WebhookEndpoint]:
    """Endpoints that were paused for being dead: they are sent a ping now and then."""
    return WebhookEndpoint.objects.filter(state=EndpointState.PAUSED, due_at__isnull=False)


def work_endpoint(pk: int) -> str:
    """Send a ping to an endpoint that was dead; it is resumed when it takes it."""
    endpoint = WebhookEndpoint.objects.select_related("account").get(pk=pk)
    if endpoint.state != EndpointState.PAUSED:
        due.hold(endpoint, due_at=None)
        return f"webhook endpoint {endpoint}: {endpoint.get_state_display()}"
    attempt = endpoints.ping(endpoint, by=Actor.clock())
    return f"webhook endpoint {endpoint}: {attempt}, {endpoint.get_state_display()}"


events_due = due.work_on(waiting_events, work_event)
deliveries_due = due.work_on(waiting_deliveries, work_delivery)
endpoints_due = due.work_on(dead_endpoints, work_endpoint)
