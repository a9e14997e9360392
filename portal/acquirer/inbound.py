"""A message the acquirer sends us: verified over its raw bytes, parsed without raising, and answered.

What a message says is told apart by each adapter; what it takes to believe one, and what its answer looks like, is
here. An answer is a fixed body, or the same signed with our key where the acquirer wants that.
Source: https://docs.antom.com/ac/scantopay/notification
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from portal.acquirer import Credentials, masking, signing
from portal.acquirer.client import Dialect, signature_verdict
from portal.acquirer.errors import BadSignature
from portal.acquirer.results import (
    Acknowledgement,
    InboundMessage,
    Message,
    SignatureVerdict,
    UnreadableMessage,
)

_ACCEPTED = b'{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}'
# Undocumented, what a refusal looks like; we choose the form of every other result and 401, because anything but the
# fixed acknowledgement makes the acquirer send the message again, and the code names what it was refused for.
_REFUSED = b'{"result":{"resultCode":"INVALID_SIGNATURE","resultStatus":"F","resultMessage":"not verified"}}'
_HEADERS = {"content-type": "application/json; charset=UTF-8"}


def verify(credentials: Credentials, *, path: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise BadSignature unless the message is the acquirer's, for us, as it was sent.

    ``path`` is that of the request line, query included; ``headers`` are found whatever their case. Its codes:
    ``missing_header`` (naming it), ``wrong_client``, ``unknown_key_version`` (naming it), ``wrong_signature``.
    """
    found = {name.lower(): value for name, value in headers.items()}
    for name in ("client-id", "request-time", "signature"):
        if not found.get(name):
            raise BadSignature("missing_header", header=name)
    if found["client-id"] != credentials.client_id:
        raise BadSignature("wrong_client")
    verdict = signature_verdict(
        credentials.acquirer_keys,
        found["signature"],
        lambda: _content(path, found["client-id"], found["request-time"], body),
    )
    match verdict:
        case SignatureVerdict.VERIFIED:
            return
        case SignatureVerdict.MISSING:
            raise BadSignature("missing_header", header="signature")
        case SignatureVerdict.UNKNOWN_KEY:
            version = signing.parse_header(found["signature"]).get("keyVersion", "")
            raise BadSignature("unknown_key_version", version=version[:16])
        case _:
            raise BadSignature("wrong_signature")


def parsed(body: bytes, told_apart: Callable[[Mapping[str, Any]], tuple[str, str, Message]]) -> InboundMessage:
    """The message in our words. What is no JSON object becomes an UnreadableMessage; nothing is raised.

    ``told_apart`` reads an object: the field's name of the message, our id it speaks of, and the message.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return _unreadable("the body is not JSON", body)
    if not isinstance(message, dict):
        return _unreadable("the body is not a JSON object", body)
    kind, subject, told = told_apart(message)
    return InboundMessage(message=told, kind=kind, subject=subject, masked_body=masking.masked(body))


def acknowledgement(*, accepted: bool, allows: bool | None = None) -> Acknowledgement:
    """The fixed answer that stops the acquirer from sending again, or a refusal; unsigned.

    ``allows`` is what is said to a message that asks whether a wallet may unbind.
    """
    if not accepted:
        return Acknowledgement(status=401, body=_REFUSED, headers=dict(_HEADERS))
    if allows is None:
        return Acknowledgement(status=200, body=_ACCEPTED, headers=dict(_HEADERS))
    answer = json.loads(_ACCEPTED) | {"allowUnbinding": "true" if allows else "false"}
    return Acknowledgement(status=200, body=json.dumps(answer, separators=(",", ":")).encode(), headers=dict(_HEADERS))


def signed(
    answer: Acknowledgement, credentials: Credentials, dialect: Dialect, *, path: str, now: datetime
) -> Acknowledgement:
    """The answer with our signature over its bytes and the path that was called. Raises KeyUnreadable."""
    answered_at = dialect.stamp(now)
    content = _content(path, credentials.client_id, answered_at, answer.body)
    headers = {
        "client-id": credentials.client_id,
        "response-time": answered_at,
        "signature": dialect.signature(credentials, content),
    }
    return replace(answer, headers=answer.headers | headers)


def _content(path: str, client_id: str, time: str, body: bytes) -> bytes:
    try:
        return signing.content_to_sign("POST", path, client_id, time, body)
    except UnicodeEncodeError:
        return b""  # no acquirer signed what is no text; the empty content verifies under no key


def _unreadable(reason: str, body: bytes) -> InboundMessage:
    return InboundMessage(
        message=UnreadableMessage(reason=reason), kind="", subject="", masked_body=masking.masked(body)
    )
