"""What the acquirer tells us unasked: the three messages told apart. Verifying and answering are ``inbound``'s.

Sources: https://docs.antom.com/ac/ams/notifyauth, https://docs.antom.com/ac/ams/paymentrn_online,
https://docs.antom.com/ac/ams/notify_refund and https://docs.antom.com/ac/scantopay/notification.
"""

from collections.abc import Mapping
from typing import Any

from portal.acquirer import fields, inbound
from portal.acquirer.antom import answers
from portal.acquirer.results import (
    AuthorizationEventKind,
    AuthorizationMessage,
    InboundMessage,
    Message,
    Outcome,
    PaymentMessage,
    RefundMessage,
    TokenResult,
    UnreadableMessage,
)

_AUTH_STATE_LENGTH = 256
_KINDS = {
    "AUTHCODE_CREATED": AuthorizationEventKind.CODE_CREATED,
    "TOKEN_CREATED": AuthorizationEventKind.TOKEN_CREATED,
    "TOKEN_CANCELED": AuthorizationEventKind.TOKEN_CANCELED,
}


def parse(body: bytes) -> InboundMessage:
    """The message in our words. What is no message we know becomes an UnreadableMessage; nothing is raised."""
    return inbound.parsed(body, _told_apart)


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
