"""What the acquirer tells us unasked: verify over the raw bytes, tell the three messages apart, answer.

Sources: https://docs.antom.com/ac/ams/notifyauth, https://docs.antom.com/ac/ams/paymentrn_online,
https://docs.antom.com/ac/ams/notify_refund and https://docs.antom.com/ac/scantopay/notification.
"""

import json
from collections.abc import Mapping
from typing import Any

from portal.acquirer import Credentials, masking, signing
from portal.acquirer.antom import answers, fields
from portal.acquirer.client import signature_verdict
from portal.acquirer.errors import BadSignature
from portal.acquirer.results import (
    Acknowledgement,
    AuthorizationEventKind,
    AuthorizationMessage,
    InboundMessage,
    Message,
    Outcome,
    PaymentMessage,
    RefundMessage,
    SignatureVerdict,
    TokenResult,
    UnreadableMessage,
)

_AUTH_STATE_LENGTH = 256
_ACCEPTED = b'{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}'
# Undocumented, what a refusal looks like; we choose the form of every other result and 401, because anything but the
# fixed acknowledgement makes the acquirer send the message again, and the code names what it was refused for.
_REFUSED = b'{"result":{"resultCode":"INVALID_SIGNATURE","resultStatus":"F","resultMessage":"not verified"}}'
_HEADERS = {"content-type": "application/json; charset=UTF-8"}

_KINDS = {
    "AUTHCODE_CREATED": AuthorizationEventKind.CODE_CREATED,
    "TOKEN_CREATED": AuthorizationEventKind.TOKEN_CREATED,
    "TOKEN_CANCELED": AuthorizationEventKind.TOKEN_CANCELED,
}


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


def parse(body: bytes) -> InboundMessage:
    """The message in our words. What is no message we know becomes an UnreadableMessage; nothing is raised."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return _unreadable("the body is not JSON", kind="", subject="", body=body)
    if not isinstance(parsed, dict):
        return _unreadable("the body is not a JSON object", kind="", subject="", body=body)
    kind, subject, message = _told_apart(parsed)
    return InboundMessage(message=message, kind=kind, subject=subject, masked_body=masking.masked(body))


def acknowledgement(*, accepted: bool) -> Acknowledgement:
    """The fixed answer that stops the acquirer from sending again, or a refusal. Neither is signed."""
    if accepted:
        return Acknowledgement(status=200, body=_ACCEPTED, headers=dict(_HEADERS))
    return Acknowledgement(status=401, body=_REFUSED, headers=dict(_HEADERS))


def _content(path: str, client_id: str, time: str, body: bytes) -> bytes:
    try:
        return signing.content_to_sign("POST", path, client_id, time, body)
    except UnicodeEncodeError:
        return b""  # no acquirer signed what is no text; the empty content verifies under no key


def _told_apart(message: Mapping[str, Any]) -> tuple[str, str, Message]:
    """(the field's name, our id it speaks of, the message). notifyAuthorization has no ``notifyType``."""
    if "authorizationNotifyType" in message:
        auth_state = fields.identifier(message, "authState", length=_AUTH_STATE_LENGTH)
        return "notifyAuthorization", auth_state, _authorization(message, auth_state)
    notify_type = fields.text(message, "notifyType", length=64)
    match notify_type:
        case "PAYMENT_RESULT" | "PAYMENT_PENDING":
            payment_request_id = fields.identifier(message, "paymentRequestId")
            if not payment_request_id:
                return "notifyPayment", "", UnreadableMessage(reason="it names no paymentRequestId")
            is_pending = notify_type == "PAYMENT_PENDING"
            payment = answers.notified_payment(message, is_pending=is_pending)
            told = PaymentMessage(payment_request_id=payment_request_id, payment=payment, is_pending=is_pending)
            return "notifyPayment", payment_request_id, told
        case "REFUND_RESULT":
            refund_request_id = fields.identifier(message, "refundRequestId")
            if not refund_request_id:
                return "notifyRefund", "", UnreadableMessage(reason="it names no refundRequestId")
            refund = answers.notified_refund(message)
            return "notifyRefund", refund_request_id, RefundMessage(refund_request_id=refund_request_id, refund=refund)
        case "":
            return "", _any_subject(message), UnreadableMessage(reason="it says no notifyType")
        case _:
            reason = f"it is of a type the portal does not know: {notify_type}"
            return "", _any_subject(message), UnreadableMessage(reason=reason)


def _authorization(message: Mapping[str, Any], auth_state: str) -> Message:
    notify_type = fields.text(message, "authorizationNotifyType", length=64)
    kind = _KINDS.get(notify_type)
    if kind is None:
        return UnreadableMessage(reason=f"it is of a type the portal does not know: {notify_type}")
    # Only successes are notified, so a result that says otherwise is not one of these messages.
    status = fields.text(fields.inner(message, "result"), "resultStatus", length=8)
    if status not in ("", "S"):
        return UnreadableMessage(reason=f"an authorization message with resultStatus {status}")
    auth_code, access_token = fields.secret(message, "authCode"), fields.secret(message, "accessToken")
    needed: dict[str, object]
    match kind:
        case AuthorizationEventKind.CODE_CREATED:
            needed = {"authState": auth_state, "authCode": auth_code}
        case AuthorizationEventKind.TOKEN_CREATED:
            needed = {"authState": auth_state, "accessToken": access_token}
        case AuthorizationEventKind.TOKEN_CANCELED:
            needed = {"accessToken": access_token}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        return UnreadableMessage(reason=f"{notify_type} without {' and '.join(missing)}")
    is_new_token = kind is AuthorizationEventKind.TOKEN_CREATED
    is_dead_token = kind is AuthorizationEventKind.TOKEN_CANCELED
    return AuthorizationMessage(
        kind=kind,
        auth_state=auth_state,
        auth_code=auth_code if kind is AuthorizationEventKind.CODE_CREATED else None,
        token=_created_token(message) if is_new_token else None,
        access_token=access_token if is_dead_token else None,
        reason=fields.text(message, "reason"),
    )


def _created_token(message: Mapping[str, Any]) -> TokenResult:
    return TokenResult(
        outcome=Outcome.SUCCESS,
        access_token=fields.secret(message, "accessToken"),
        # The page lists no expiry and no refresh token here; they are read where one is sent all the same.
        access_token_expires_at=fields.moment(message, "accessTokenExpiryTime"),
        refresh_token=fields.secret(message, "refreshToken"),
        refresh_token_expires_at=fields.moment(message, "refreshTokenExpiryTime"),
        user_login_id=fields.identifier(message, "userLoginId"),
        user_id=fields.identifier(message, "userId"),
    )


def _any_subject(message: Mapping[str, Any]) -> str:
    for name in ("paymentRequestId", "refundRequestId", "authState"):
        found = fields.identifier(message, name)
        if found:
            return found
    return ""


def _unreadable(reason: str, *, kind: str, subject: str, body: bytes) -> InboundMessage:
    return InboundMessage(
        message=UnreadableMessage(reason=reason), kind=kind, subject=subject, masked_body=masking.masked(body)
    )
