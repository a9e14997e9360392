"""Notifications: written when something happened, delivered when due, until they are acknowledged.

Source: https://docs.antom.com/ac/scantopay/notification. Alipay+ publishes no schedule; we choose the same one.
Without the protocol's acknowledgement a notification is sent
again, up to eight times in all. The pages leave open what the intervals count from; we choose the previous attempt,
because a merchant that comes back after an outage then still hears of it.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.acquirer.signing import content_to_sign, sign, signature_header
from portal.clock import fresh_id
from portal.money import from_wire
from portal.sandbox import merchants
from portal.sandbox.context import Context
from portal.sandbox.moments import HOUR, MINUTE, SECOND

Deliver = Callable[[str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""POST a body to a URL: (url, headers, body) to (HTTP status, headers, body). Raises Undelivered."""

WAITS = (0, 2 * MINUTE, 10 * MINUTE, 10 * MINUTE, 1 * HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR)
"""Before the first attempt, the second, … in milliseconds."""

_WORDS = {"authNotify": "notifyAuthorization"}
"""The plain word of a notification whose own name is another."""
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
    fault = context.faults.take(_KINDS_OF_FAULT, now, **_where(context, client_id, kind, wallet))
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


def _where(context: Context, client_id: str, kind: str, wallet: str) -> dict[str, Any]:
    """What a fault may narrow itself to."""
    names = (kind, _WORDS.get(kind, kind))
    return {"wallet": wallet, "notification": names, "protocol": merchants.of(context, client_id).protocol}


def dashboard_url(context: Context, client_id: str, name: str) -> str:
    """Where the merchant hears of this, unless a request says otherwise; empty: nowhere."""
    return merchants.of(context, client_id).notify_urls.get(name, "")


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
    """After a restart: what was being sent when the sandbox died is due again; a question is not asked again."""
    context.store.run("UPDATE notifications SET status = 'GIVEN_UP' WHERE status = 'SENDING' AND due_at IS NULL")
    context.store.run("UPDATE notifications SET status = 'DUE' WHERE status = 'SENDING'")


def send(context: Context, notification: sqlite3.Row, deliver: Deliver) -> None:
    """One attempt, signed afresh, outside any transaction; then its record and the next due time."""
    wrongly = notification["attempts"] < notification["wrongly_signed"]
    post = _Post(context, notification["client_id"], notification["url"], notification["body"].encode())
    _record(context, notification, *post.sent(deliver, wrongly=wrongly)[:2])


def ask(
    context: Context, client_id: str, url: str, body: Mapping[str, object], deliver: Deliver, *, wallet: str
) -> dict[str, Any] | None:
    """Ask the merchant something now, outside any transaction; what it answers, None when that proves nothing.

    Kept as a notification that is never sent again.
    """
    kind, where = "consultUnbinding", _where(context, client_id, "consultUnbinding", wallet)
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    with context.store.transaction():
        wrongly = context.faults.take(("notification_wrongly_signed",), context.now(), **where) is not None
        number = context.store.insert(
            "notifications",
            client_id=client_id,
            kind=kind,
            reference=str(body.get("authClientId", "")),
            url=url,
            body=text,
            created_at=context.now(),
            status="SENDING",
        )
    status, outcome, answer = _Post(context, client_id, url, text.encode()).sent(deliver, wrongly=wrongly)
    heard = outcome == "acknowledged"
    with context.store.transaction():
        now = context.now()
        context.store.insert("attempts", notification=number, at=now, http_status=status, outcome=outcome[:200])
        context.store.run(
            "UPDATE notifications SET status = ?, attempts = 1 WHERE number = ?",
            ("ACKNOWLEDGED" if heard else "GIVEN_UP", number),
        )
    read: dict[str, Any] = json.loads(answer) if heard else {}
    return read if heard else None


@dataclass(frozen=True)
class _Post:
    """One signed POST to a merchant, in its protocol."""

    context: Context
    client_id: str
    url: str
    body: bytes

    def sent(self, deliver: Deliver, *, wrongly: bool) -> tuple[int | None, str, bytes]:
        """HTTP status, what came of it in words, and the answer."""
        merchant = merchants.of(self.context, self.client_id)
        voice, keys = self.context.voices[merchant.protocol], self.context.keys
        time, uri = voice.time(self.context.now()), _uri(self.url)
        key = keys.stranger_key if wrongly else keys.speaking(merchant.protocol)
        headers = {
            "client-id": self.client_id,
            "request-time": time,
            "signature": signature_header(sign(key, content_to_sign("POST", uri, self.client_id, time, self.body))),
            "content-type": "application/json; charset=UTF-8",
        }
        try:
            status, answered, answer = deliver(self.url, headers, self.body)
        except Undelivered as reason:
            return None, str(reason), b""
        said = {name.lower(): value for name, value in answered.items()}
        heard = status == 200 and voice.is_acknowledgement(merchant, uri, said, answer)
        return status, "acknowledged" if heard else "not acknowledged", answer


def _uri(url: str) -> str:
    """Path and query as they go over the wire."""
    rest = url.split("://", 1)[-1].split("#", 1)[0]
    start = min((position for position in (rest.find("/"), rest.find("?")) if position >= 0), default=len(rest))
    uri = rest[start:]
    return uri if uri.startswith("/") else f"/{uri}"


def is_acknowledgement(body: bytes) -> bool:
    """Whether this is the fixed acknowledgement; its message's wording is not stable."""
    result = _result_in(body)
    return result.get("resultStatus") == "S" and result.get("resultCode") == "SUCCESS"


def says_success(body: bytes) -> bool:
    """Whether the result's status is S, under whatever code."""
    return bool(_result_in(body).get("resultStatus") == "S")


def _result_in(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    result = answer.get("result") if isinstance(answer, dict) else None
    return result if isinstance(result, dict) else {}


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
