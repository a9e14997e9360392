"""Writing down that something happened, inside the transaction in which it happens, for whoever listens."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, Max

from portal import clock
from portal.models import AcquirerAccount, EndpointState, WebhookEndpoint, WebhookEvent
from portal.outbox.kinds import PING, Kind

Data = Callable[[], dict[str, Any]]
"""What there is to say, asked for only when somebody listens."""

_TABLE = WebhookEndpoint._meta.db_table
_LISTENING = f"SELECT id, account_id, kinds FROM {_TABLE} WHERE state <> %s ORDER BY id"  # noqa: S608 - our own names


def tell(kind: Kind, subject: Any, *, label: str, data: Data, of: Any = None) -> WebhookEvent | None:
    """Write the event about ``subject``, a row of an account, in the caller's transaction; None when nobody listens.

    ``label`` is what the merchant knows the subject by. ``data`` holds no token, and of the buyer the merchant's own
    reference alone. ``of``: the row whose account hears of it, where that is not the subject's own.
    """
    of = subject if of is None else of
    if not connection.in_atomic_block:
        raise RuntimeError(f"{kind} must be told inside the transaction in which it happens")
    listeners = listening(kind, of.account_id)
    if not listeners:
        return None
    if connection.features.has_select_for_update:
        # Whoever tells of one object does so one after the other: the sequence is the order of the commits.
        subjects = type(subject)._base_manager.select_for_update(no_key=True)
        subjects.filter(pk=subject.pk).values_list("pk").first()
    identity = {"subject_type": subject._meta.label, "subject_id": str(subject.pk)}
    last = WebhookEvent.objects.filter(**identity).aggregate(last=Max("sequence"))["last"] or 0
    at = clock.now()
    event_id = fresh_event_id()
    return WebhookEvent.objects.create(
        event_id=event_id,
        account=of.account,
        kind=kind,
        **identity,
        subject_label=label,
        sequence=last + 1,
        body=_body(event_id, kind, at, account=of.account.slug, about=label, sequence=last + 1, data=data()),
        listeners=listeners,
        created_at=at,
        due_at=at,
    )


def somebody_listens() -> Exists:
    """Whether there is an endpoint at all, for who asks more beside it."""
    return Exists(WebhookEndpoint.objects.exclude(state=EndpointState.DISABLED))


def listening(kind: Kind, account_id: int) -> list[int]:
    """The endpoints that hear of it, paused ones included.

    Plain SQL: every payment asks this, and where there is no endpoint it is all that webhooks cost.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LISTENING, [EndpointState.DISABLED])
        rows = cursor.fetchall()
    return [
        key
        for key, account, kinds in rows
        if account in (None, account_id) and (not (wanted := _list(kinds)) or kind in wanted)
    ]


def _list(stored: Any) -> list[str]:
    """A JSON column as the driver gives it: text here, a list there."""
    return list(json.loads(stored) if isinstance(stored, str | bytes) else stored)


def fresh_event_id() -> str:
    """A new id of an event: ``webhook-id``, the same however often it is sent."""
    return clock.fresh_id("E")


def ping_body(event_id: str, account: AcquirerAccount | None) -> str:
    """The body of a ping."""
    slug = account.slug if account else None
    return _body(event_id, PING, clock.now(), account=slug, about=None, sequence=None, data={})


def _body(
    event_id: str,
    kind: str,
    at: datetime,
    *,
    account: str | None,
    about: str | None,
    sequence: int | None,
    data: dict[str, Any],
) -> str:
    said = {
        "id": event_id,
        "kind": kind,
        "created": moment(at),
        "account": account,
        "object": about,
        "sequence": sequence,
        "data": data,
    }
    return json.dumps(said, ensure_ascii=True, separators=(",", ":"))


def moment(at: datetime | None) -> str | None:
    """A moment as the API writes it."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
