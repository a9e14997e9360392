"""The three notifications: written when something happened, delivered when due, until they are acknowledged.

Source: https://docs.antom.com/ac/scantopay/notification. Without the fixed acknowledgement a notification is sent
again, up to eight times in all. The pages leave open what the intervals count from; we choose the previous attempt,
because a merchant that comes back after an outage then still hears of it.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping

from portal.acquirer.signing import content_to_sign, sign, signature_header
from portal.clock import fresh_id
from portal.money import from_wire
from portal.sandbox.context import Context
from portal.sandbox.moments import HOUR, MINUTE, SECOND

Deliver = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]
"""POST a body to a URL: (url, headers, body) to (HTTP status, body). Raises Undelivered."""

WAITS = (0, 2 * MINUTE, 10 * MINUTE, 10 * MINUTE, 1 * HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR)
"""Before the first attempt, the second, … in milliseconds."""

_HELD_AT_MOST = 1 * MINUTE
_WRONG_BY = 100
_KINDS_OF_FAULT = frozenset(
    {
        "notification_late",
        "notification_doubled",
        "notification_out_of_order",
        "notification_lost",
        "notification_wrongly_signed",
        "notification_wrong_amount",
    }
)


class Undelivered(Exception):
    """The merchant's server did not answer; the sentence says how."""


def enqueue(
    context: Context,
    client_id: str,
    kind: str,
    reference: str,
    url: str,
    body: Mapping[str, object],
    *,
    wallet: str,
    not_before: int = 0,
) -> None:
    """Write a notification down, as the faults in force let it be. Without a URL there is nobody to tell."""
    if not url:
        return
    now = context.now()
    columns: dict[str, object] = {"status": "DUE", "due_at": max(now, not_before), "wrongly_signed": 0, "note": ""}
    copies = 1
    fault = context.faults.take(_KINDS_OF_FAULT, now, wallet=wallet, notification=kind)
    if fault is not None:
        columns["note"] = fault.kind
        if fault.kind == "notification_late":
            columns["due_at"] = max(now, not_before) + int(fault.options["seconds"] * SECOND)
        elif fault.kind == "notification_doubled":
            copies = 2
        elif fault.kind == "notification_out_of_order":
            columns.update(status="HELD", due_at=max(now, not_before) + _HELD_AT_MOST)
        elif fault.kind == "notification_lost":
            columns.update(status="LOST", due_at=None)
        elif fault.kind == "notification_wrongly_signed":
            columns["wrongly_signed"] = fault.options.get("attempts", 1)
        else:
            body = _with_another_amount(body)
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    for _ in range(copies):
        context.store.insert(
            "notifications",
            client_id=client_id,
            kind=kind,
            reference=reference,
            url=url,
            body=text,
            created_at=now,
            **columns,
        )


def _with_another_amount(body: Mapping[str, object]) -> dict[str, object]:
    changed = dict(body)
    for name in ("paymentAmount", "refundAmount"):
        if name in changed:
            money = from_wire(changed[name])
            changed[name] = {"currency": money.currency, "value": str(money.value + _WRONG_BY)}
    return changed


def due_now(context: Context) -> list[sqlite3.Row]:
    """The notifications whose time has come."""
    return context.store.all(
        "SELECT * FROM notifications WHERE due_at IS NOT NULL AND due_at <= ? AND status != 'SENDING' "
        "ORDER BY due_at, number",
        (context.now(),),
    )


def take(context: Context, number: int) -> sqlite3.Row | None:
    """One notification, due or not, marked as being sent; None when there is none, or it is on its way already."""
    with context.store.transaction():
        one = context.store.one("SELECT * FROM notifications WHERE number = ? AND status != 'SENDING'", (number,))
        context.store.run("UPDATE notifications SET status = 'SENDING' WHERE number = ?", (number,))
    return one


def take_due(context: Context) -> list[sqlite3.Row]:
    """The notifications whose time has come, marked as being sent."""
    with context.store.transaction():
        due = due_now(context)
        context.store.run_many(
            "UPDATE notifications SET status = 'SENDING' WHERE number = ?", [(row["number"],) for row in due]
        )
    return due


def release_interrupted(context: Context) -> None:
    """After a restart: what was being sent when the sandbox died is due again."""
    context.store.run("UPDATE notifications SET status = 'DUE' WHERE status = 'SENDING'")


def send(context: Context, notification: sqlite3.Row, deliver: Deliver) -> None:
    """One attempt, signed afresh, outside any transaction; then its record and the next due time."""
    client_id, body = notification["client_id"], notification["body"].encode()
    wrongly = notification["attempts"] < notification["wrongly_signed"]
    # Milliseconds as in requests: the pages are of two minds about notifications, and it is signed verbatim anyway.
    time = str(context.now())
    key = context.keys.stranger_key if wrongly else context.keys.acquirer_key
    signature = sign(key, content_to_sign("POST", _uri(notification["url"]), client_id, time, body))
    headers = {
        "client-id": client_id,
        "request-time": time,
        "signature": signature_header(signature),
        "content-type": "application/json; charset=UTF-8",
    }
    status: int | None
    try:
        status, answer = deliver(notification["url"], headers, body)
        outcome = "acknowledged" if status == 200 and is_acknowledgement(answer) else "not acknowledged"
    except Undelivered as reason:
        status, outcome = None, str(reason)
    _record(context, notification, status, outcome)


def _uri(url: str) -> str:
    """Path and query as they go over the wire."""
    rest = url.split("://", 1)[-1].split("#", 1)[0]
    start = min((position for position in (rest.find("/"), rest.find("?")) if position >= 0), default=len(rest))
    uri = rest[start:]
    return uri if uri.startswith("/") else f"/{uri}"


def is_acknowledgement(body: bytes) -> bool:
    """Whether this is the fixed acknowledgement; its message's wording is not stable."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    result = answer.get("result") if isinstance(answer, dict) else None
    return isinstance(result, dict) and result.get("resultStatus") == "S" and result.get("resultCode") == "SUCCESS"


def _record(context: Context, notification: sqlite3.Row, http_status: int | None, outcome: str) -> None:
    number, attempts, now = notification["number"], notification["attempts"] + 1, context.now()
    with context.store.transaction():
        context.store.insert("attempts", notification=number, at=now, http_status=http_status, outcome=outcome[:200])
        if outcome == "acknowledged":
            status, due_at = "ACKNOWLEDGED", None
        elif attempts >= len(WAITS):
            status, due_at = "GIVEN_UP", None
        else:
            status, due_at = "DUE", now + WAITS[attempts]
        context.store.run(
            "UPDATE notifications SET status = ?, due_at = ?, attempts = ? WHERE number = ?",
            (status, due_at, attempts, number),
        )
        if notification["note"] != "notification_out_of_order":
            context.store.run(
                "UPDATE notifications SET status = 'DUE', due_at = ? WHERE status = 'HELD' AND client_id = ?",
                (now, notification["client_id"]),
            )


def resend(context: Context, number: int) -> bool:
    """Make a notification due now, whatever became of it; False when there is none of that number."""
    return bool(
        context.store.run(
            "UPDATE notifications SET status = 'DUE', due_at = ?, attempts = MIN(attempts, ?) "
            "WHERE number = ? AND status != 'SENDING'",
            (context.now(), len(WAITS) - 1, number),
        )
    )


def drop(context: Context, number: int) -> bool:
    """Never send a notification again; False when there is none of that number that could be sent."""
    return bool(
        context.store.run(
            "UPDATE notifications SET status = 'DROPPED', due_at = NULL WHERE number = ? AND due_at IS NOT NULL "
            "AND status != 'SENDING'",
            (number,),
        )
    )


def fresh_code() -> str:
    """A code or the random part of a token."""
    return fresh_id("")
