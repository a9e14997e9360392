"""Signatures as Standard Webhooks define them: HMAC-SHA-256 over ``id.timestamp.body``, by a secret of the endpoint.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"
_BYTES = 32
"""The specification asks for 24 to 64."""


def new_secret() -> str:
    """A fresh secret, as the specification writes them: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode("ascii")


def headers(event_id: str, body: bytes, keys: Iterable[str], *, at: datetime) -> dict[str, str]:
    """The three headers that let the receiver tell whose message this is, and that it is of now.

    ``at`` is the moment of the attempt: receivers refuse what is older than minutes, and an event may be days old. Of
    several secrets each gives a signature; the receiver takes the message when one of them is right.
    """
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(event_id, timestamp, body, key) for key in keys),
    }


def _signature(event_id: str, timestamp: str, body: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((event_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
