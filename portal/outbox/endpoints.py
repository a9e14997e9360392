"""What people do to endpoints, events and deliveries. All of it journaled; nothing here loses what waits.

Who locks an endpoint and its deliveries locks the endpoint first.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from portal import clock, incidents, journal
from portal.actor import Actor, ActorKind
from portal.errors import Conflict
from portal.idempotency import Remember
from portal.models import (
    DeliveryState,
    EndpointState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.outbox import attempts, schedule, signing
from portal.outbox.addresses import check
from portal.outbox.events import fresh_event_id, ping_body

PAUSED, DISABLED, GIVEN_UP = "WEBHOOKS_PAUSED", "WEBHOOKS_DISABLED", "WEBHOOK_GIVEN_UP"
"""Kinds of incidents, each about an endpoint."""
FACTS = ("name", "account", "url", "kinds")


class EndpointTaken(Conflict):
    """Another endpoint has this name."""

    code = "webhook_endpoint_taken"
    sentence = "Another endpoint has this name."


class EndpointNotActive(Conflict):
    """Nothing is sent to it now."""

    code = "webhook_endpoint_not_active"
    sentence = "{endpoint} is {state}: nothing is sent to it. Resume it first; what waits is kept."


def add(
    facts: dict[str, Any], *, by: Actor, note: str = "", remember: Remember | None = None
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint. Returns it and its secret, which nobody can read again.

    Raises AddressNotAllowed and EndpointTaken.
    """
    check(facts["url"], attempts.rules())
    secret = signing.new_secret()
    endpoint = WebhookEndpoint(**{name: facts[name] for name in FACTS}, secret=secret)
    try:
        with transaction.atomic():
            endpoint.save()
            journal.write("add webhook endpoint", by=by, subject=endpoint, note=note, after=_shown(endpoint))
            if remember:
                remember(endpoint)
    except IntegrityError:
        raise EndpointTaken from None
    return endpoint, secret


def change(
    endpoint: WebhookEndpoint, facts: dict[str, Any], *, by: Actor, note: str = "", remember: Remember | None = None
) -> WebhookEndpoint:
    """Change an endpoint's facts; what waits goes to the new address. Raises AddressNotAllowed and EndpointTaken."""
    check(facts["url"], attempts.rules())
    try:
        with transaction.atomic():
            held = _held(endpoint)
            before = _shown(held)
            for name in FACTS:
                setattr(held, name, facts[name])
            held.save(update_fields=list(FACTS))
            differing = journal.differing(before, _shown(held))
            journal.write("change webhook endpoint", by=by, subject=held, note=note, **differing)
            if remember:
                remember(held)
    except IntegrityError:
        raise EndpointTaken from None
    endpoint.refresh_from_db()
    return endpoint


def rotate_secret(
    endpoint: WebhookEndpoint, *, overlap: timedelta, by: Actor, note: str = "", remember: Remember | None = None
) -> str:
    """Give an endpoint a new secret and return it. For ``overlap`` the old one signs too."""
    secret = signing.new_secret()
    with transaction.atomic():
        held = _held(endpoint)
        held.previous_secret = held.secret if overlap > timedelta(0) else ""
        held.previous_secret_until = clock.now() + overlap if overlap > timedelta(0) else None
        held.secret = secret
        held.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
        hours = int(overlap.total_seconds() // 3600)
        journal.write("rotate webhook secret", by=by, subject=held, note=note, after={"old_one_signs_hours": hours})
        if remember:
            remember(held)
    endpoint.refresh_from_db()
    return secret


def pause(endpoint: WebhookEndpoint, *, by: Actor, note: str = "", remember: Remember | None = None) -> None:
    """Send nothing for now, and keep everything. Raises Conflict when it is not active."""
    with transaction.atomic():
        held = _held(endpoint)
        if held.state != EndpointState.ACTIVE:
            raise Conflict("{endpoint} is not active.", endpoint=held.name)
        stop(held, EndpointState.PAUSED, f"Paused by {by.name}. {note}".strip())
        journal.write("pause webhook endpoint", by=by, subject=held, note=note)
        if remember:
            remember(held)
    endpoint.refresh_from_db()


def disable(endpoint: WebhookEndpoint, *, by: Actor, note: str = "", remember: Remember | None = None) -> None:
    """Send nothing, and keep nothing that happens from now on. What waits stays. Raises Conflict when it is already."""
    with transaction.atomic():
        held = _held(endpoint)
        if held.state == EndpointState.DISABLED:
            raise Conflict("{endpoint} is disabled already.", endpoint=held.name)
        stop(held, EndpointState.DISABLED, f"Disabled by {by.name}. {note}".strip())
        incidents.settle(PAUSED, subject=held, by=by, resolution="The endpoint was disabled.")
        journal.write("disable webhook endpoint", by=by, subject=held, note=note)
        if remember:
            remember(held)
    endpoint.refresh_from_db()


def stop(held: WebhookEndpoint, state: EndpointState, note: str) -> None:
    """Inside the caller's transaction, on a locked endpoint: nothing of it is due any more, nothing of it is lost."""
    is_probed = state == EndpointState.PAUSED and held.failing_since is not None and held.failures > 0
    WebhookEndpoint.objects.filter(pk=held.pk).update(
        state=state,
        state_note=note[:300],
        due_at=clock.now() + schedule.PROBE_EVERY if is_probed else None,
        lease_until=None,
    )
    _unleased(held).update(due_at=None)
    held.refresh_from_db()


def resume(endpoint: WebhookEndpoint, *, by: Actor, note: str = "", remember: Remember | None = None) -> None:
    """Send again: everything that waits is due now, oldest first, with all of its ladder before it."""
    with transaction.atomic():
        held = _held(endpoint)
        if held.state == EndpointState.ACTIVE:
            raise Conflict("{endpoint} is active already.", endpoint=held.name)
        WebhookEndpoint.objects.filter(pk=held.pk).update(
            state=EndpointState.ACTIVE,
            state_note="",
            failures=0,
            failing_since=None,
            resting_until=None,
            due_at=None,
            lease_until=None,
        )
        _unleased(held).update(due_at=clock.now(), attempts=0)
        for kind in (PAUSED, DISABLED):
            incidents.settle(kind, subject=held, by=by, resolution="The endpoint was resumed.")
        if by.kind is ActorKind.PERSON:
            journal.write("resume webhook endpoint", by=by, subject=held, note=note)
        if remember:
            remember(held)
    endpoint.refresh_from_db()


def ping(endpoint: WebhookEndpoint, *, by: Actor, remember: Remember | None = None) -> WebhookAttempt:
    """Send a ping, signed like everything else. A paused endpoint that takes it is resumed."""
    body = ping_body(event_id := fresh_event_id(), endpoint.account).encode("ascii")
    sent, at = attempts.post(endpoint, event_id, body)  # wire
    with transaction.atomic(durable=True):
        held = _held(endpoint)
        attempt = attempts.keep(held, sent, at=at, delivery=None)
        if sent.is_success:
            WebhookEndpoint.objects.filter(pk=held.pk).update(last_success_at=at)
            if held.state == EndpointState.PAUSED:
                resume(held, by=by, note="It took a ping.")
        elif held.state == EndpointState.PAUSED and by.kind is ActorKind.CLOCK:
            WebhookEndpoint.objects.filter(pk=held.pk).update(due_at=at + schedule.PROBE_EVERY, lease_until=None)
        if by.kind is ActorKind.PERSON:
            journal.write("ping webhook endpoint", by=by, subject=held, outcome=sent.said)
        if remember:
            remember(attempt)
    endpoint.refresh_from_db()
    return attempt


def resend(delivery: WebhookDelivery, *, by: Actor, note: str = "", remember: Remember | None = None) -> None:
    """Send an event to its endpoint once more, in the same bytes; one that still waits is tried now.

    Raises EndpointNotActive.
    """
    with transaction.atomic():
        _make_due(delivery)
        journal.write("resend webhook", by=by, subject=delivery, note=note)
        if remember:
            remember(delivery)
    delivery.refresh_from_db()


def _make_due(delivery: WebhookDelivery) -> None:
    held = _held(delivery.endpoint)
    if held.state != EndpointState.ACTIVE:
        raise EndpointNotActive(endpoint=held.name, state=held.get_state_display().lower())
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.WAITING, due_at=clock.now(), attempts=0, finished_at=None
    )


def resend_all(
    deliveries: Iterable[WebhookDelivery], *, by: Actor, note: str = "", remember: Remember | None = None
) -> tuple[int, int]:
    """Resend several, in the order they happened; (sent, left because their endpoint is not active)."""
    sent, left = [], []
    with transaction.atomic():
        # One order of endpoints, and the journal last, so that two who do this at once do not wait for each other.
        for delivery in sorted(deliveries, key=lambda row: (row.endpoint_id, row.pk)):
            try:
                _make_due(delivery)
            except EndpointNotActive:
                left.append(delivery)
            else:
                sent.append(delivery)
        for delivery in sent:
            journal.write("resend webhook", by=by, subject=delivery, note=note)
        if remember and (sent or left):
            remember(min(sent + left, key=lambda row: (row.endpoint_id, row.pk)))  # the key is tied to the first
    return len(sent), len(left)


def let_go(delivery: WebhookDelivery, *, by: Actor, note: str = "", remember: Remember | None = None) -> None:
    """Try an event no more, so that what comes after it goes on. Raises Conflict when it waits no longer."""
    with transaction.atomic():
        _held(delivery.endpoint)
        at = clock.now()
        moved = WebhookDelivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING).update(
            state=DeliveryState.GIVEN_UP, due_at=None, lease_until=None, finished_at=at
        )
        if not moved:
            raise Conflict("It waits no longer.")
        journal.write("let webhook go", by=by, subject=delivery, note=note)
        if remember:
            remember(delivery)
    delivery.refresh_from_db()


def send_to(
    event: WebhookEvent,
    endpoints: Iterable[WebhookEndpoint],
    *,
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> list[WebhookDelivery]:
    """Send an event to endpoints, whether or not they had it or listened when it happened. Raises EndpointNotActive."""
    sent = []
    with transaction.atomic():
        for endpoint in sorted(endpoints, key=lambda row: row.pk):
            held = _held(endpoint)
            delivery, _ = WebhookDelivery.objects.get_or_create(
                event=event,
                endpoint=held,
                defaults={
                    "subject_type": event.subject_type,
                    "subject_id": event.subject_id,
                    "sequence": event.sequence,
                    "due_at": clock.now(),
                },
            )
            _make_due(delivery)
            sent.append(delivery)
        for delivery in sent:
            journal.write("resend webhook", by=by, subject=delivery, note=note)
        if remember:
            remember(event)
    return sent


def _held(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """The endpoint as it is now, until the caller's transaction ends."""
    return WebhookEndpoint.objects.select_for_update(of=("self",), no_key=True).get(pk=endpoint.pk)


def _unleased(endpoint: WebhookEndpoint) -> Any:
    """What waits for it and is in nobody's hands: who holds one looks at the endpoint before it sends."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=clock.now())
    return WebhookDelivery.objects.filter(free, endpoint=endpoint, state=DeliveryState.WAITING)


def _shown(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "name": endpoint.name,
        "account": endpoint.account.slug if endpoint.account else "all",
        "url": endpoint.url,
        "kinds": list(endpoint.kinds),
    }
