"""One attempt: sign for an endpoint, send, and the row that keeps what came of it."""

from datetime import datetime

from django.conf import settings

from portal import clock
from portal.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from portal.outbox import signing
from portal.outbox.addresses import Rules
from portal.outbox.sending import Sender, Sent

_ADDRESS, _ANSWER, _ERROR, _NOTE = 45, 500, 40, 200


def rules() -> Rules:
    """Where this installation lets webhooks go."""
    return Rules(
        ports=frozenset(settings.PORTAL_WEBHOOKS_PORTS),
        # Said twice on purpose: the system check refuses to start, and this refuses to send.
        allow_private=settings.PORTAL_WEBHOOKS_ALLOW_PRIVATE and not settings.IS_PRODUCTION,
    )


def secrets_in_force(endpoint: WebhookEndpoint, *, at: datetime) -> list[str]:
    """What signs now: the secret, and for a while after a rotation the one before."""
    until = endpoint.previous_secret_until
    is_overlap = bool(endpoint.previous_secret) and until is not None and at < until
    return [endpoint.secret, endpoint.previous_secret] if is_overlap else [endpoint.secret]


def post(endpoint: WebhookEndpoint, event_id: str, body: bytes) -> tuple[Sent, datetime]:
    """Send to an endpoint; what came of it, and when it began. No transaction is open."""
    at = clock.now()
    headers = signing.headers(event_id, body, secrets_in_force(endpoint, at=at), at=at)
    return Sender(rules()).post(endpoint.url, headers, body), at


def keep(endpoint: WebhookEndpoint, sent: Sent, *, at: datetime, delivery: WebhookDelivery | None) -> WebhookAttempt:
    """Write an attempt down, inside the caller's transaction."""
    return WebhookAttempt.objects.create(
        endpoint=endpoint,
        delivery=delivery,
        at=at,
        duration_ms=sent.duration_ms,
        url=endpoint.url,
        address=sent.address[:_ADDRESS],
        http_status=sent.http_status,
        answer=sent.answer[:_ANSWER],
        error=sent.error[:_ERROR],
        note=sent.note[:_NOTE],
        is_success=sent.is_success,
    )
