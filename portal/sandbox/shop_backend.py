"""The shop's own backend, for a demonstration: it takes webhooks, verifies them, and shows them in the console.

It stands here because a demonstration has no other process of the merchant's. It is no part of the acquirer: what it
knows of the portal is what a receiver is told, the scheme of the signature and a secret, and it keeps no more than the
latest messages, in memory.
"""

import base64
import binascii
import hashlib
import hmac
import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from portal.sandbox.context import Context

PATH = "/shop/webhooks"
SECRET = "webhook_secret"  # noqa: S105 - the name of a fact
KEPT = 100
OLDEST_SECONDS = 300


@dataclass(frozen=True)
class Heard:
    """One message as it came."""

    at: int
    kind: str
    subject: str
    event_id: str
    sequence: str
    is_genuine: bool
    body: str


class ShopBackend:
    """Answers 200 to what is genuine, and 401 to all else."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._heard: deque[Heard] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def learn(self, secret: str) -> None:
        """Know the secret the portal signs with."""
        with self._context.store.transaction():
            self._context.store.remember(SECRET, secret)

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take a message; the HTTP status to answer."""
        at = self._context.now()
        is_genuine = self._is_genuine(headers, body, at)
        said = _read(body)
        with self._lock:
            self._heard.append(
                Heard(
                    at=at,
                    kind=str(said.get("kind", "?"))[:60],
                    subject=str(said.get("object") or "–")[:64],
                    event_id=headers.get("webhook-id", "")[:64],
                    sequence=str(said.get("sequence") or "–")[:10],
                    is_genuine=is_genuine,
                    body=body.decode("utf-8", "replace")[:20_000],
                )
            )
        return 200 if is_genuine else 401

    def heard(self) -> list[Heard]:
        """What came, newest first."""
        with self._lock:
            return list(self._heard)[::-1]

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._heard.clear()

    def _is_genuine(self, headers: Mapping[str, str], body: bytes, at: int) -> bool:
        secret = self._context.store.fact(SECRET) or ""
        sent_at = headers.get("webhook-timestamp", "")
        if not (secret and sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 13):
            return False
        if abs(at // 1000 - int(sent_at)) > OLDEST_SECONDS:
            return False
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            return False
        signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
        right = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        given = headers.get("webhook-signature", "").encode("utf-8", "replace").split()
        return any(hmac.compare_digest(right, one) for one in given)


def _read(body: bytes) -> Mapping[str, object]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
