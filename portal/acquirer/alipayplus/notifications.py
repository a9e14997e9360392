"""What the acquirer tells or asks us: authNotify, notifyPayment and consultUnbinding told apart.

None of them names itself: what has ``authorizationNotifyType`` is the first, what has ``paymentResult`` the second, and
a token alone is asked about. A message for another merchant or another partner than ours is not applied.

Sources: https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_ns/auth_notify,
https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_older_edition/notify_payment,
https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_ns/consult_unbinding
"""

from collections.abc import Mapping
from typing import Any

from portal.acquirer import Credentials, fields
from portal.acquirer.alipayplus import answers
from portal.acquirer.points import Settled
from portal.acquirer.results import (
    AuthorizationEventKind,
    AuthorizationMessage,
    Message,
    PaymentMessage,
    UnbindingQuestion,
    UnreadableMessage,
)

_AUTH_STATE_LENGTH = 256
_KINDS = {
    "AUTHCODE_CREATED": AuthorizationEventKind.CODE_CREATED,
    "TOKEN_CREATED": AuthorizationEventKind.TOKEN_CREATED,
    "TOKEN_CANCELED": AuthorizationEventKind.TOKEN_CANCELED,
}


def told_apart(message: Mapping[str, Any], *, credentials: Credentials, settled: Settled) -> tuple[str, str, Message]:
    """The field's name of the message, our id it speaks of, and the message in our words."""
    notify_type = fields.text(message, "authorizationNotifyType", length=64)
    other = _for_another(message, credentials)
    if notify_type:
        subject = _auth_state(message)
        told = UnreadableMessage(reason=other) if other else _authorization(message, notify_type, settled)
        return "authNotify", subject, told
    if "paymentResult" in message:
        payment_request_id = fields.identifier(message, "paymentRequestId")
        if other or not payment_request_id:
            reason = other or "it names no paymentRequestId"
            return "notifyPayment", payment_request_id, UnreadableMessage(reason=reason)
        payment = answers.notified_payment(message)
        return (
            "notifyPayment",
            payment_request_id,
            PaymentMessage(payment_request_id=payment_request_id, payment=payment),
        )
    token = fields.secret(message, "accessToken")
    if token is not None:
        return (
            "consultUnbinding",
            "",
            UnreadableMessage(reason=other) if other else UnbindingQuestion(access_token=token),
        )
    return (
        "",
        fields.identifier(message, "paymentRequestId"),
        UnreadableMessage(reason="it is of no kind the portal knows"),
    )


def _for_another(message: Mapping[str, Any], credentials: Credentials) -> str:
    """Why the message is not for us; empty when it is, as far as both sides say."""
    for name, ours in (("acquirerId", credentials.acquirer_id), ("authClientId", credentials.merchant.reference)):
        theirs = fields.identifier(message, name)
        if ours and theirs and theirs != ours:
            return f"its {name} is not ours"
    return ""


def _auth_state(message: Mapping[str, Any]) -> str:
    """Which attempt it speaks of. A token's message may have no authState; what we sent as the agreement's id is it."""
    found = fields.identifier(message, "authState", length=_AUTH_STATE_LENGTH)
    return found or fields.identifier(message, "referenceAgreementId", length=_AUTH_STATE_LENGTH)


def _authorization(message: Mapping[str, Any], notify_type: str, settled: Settled) -> Message:
    kind = _KINDS.get(notify_type)
    if kind is None:
        return UnreadableMessage(reason=f"it is of a type the portal does not know: {notify_type}")
    auth_state = _auth_state(message)
    auth_code, access_token = fields.secret(message, "authCode"), fields.secret(message, "accessToken")
    needed: dict[str, object]
    match kind:
        case AuthorizationEventKind.CODE_CREATED:
            needed = {"authState": auth_state, "authCode": auth_code}
        case AuthorizationEventKind.TOKEN_CREATED | AuthorizationEventKind.TOKEN_CANCELED:
            needed = {"accessToken": access_token}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        return UnreadableMessage(reason=f"{notify_type} without {' and '.join(missing)}")
    is_new_token = kind is AuthorizationEventKind.TOKEN_CREATED
    return AuthorizationMessage(
        kind=kind,
        auth_state=auth_state,
        auth_code=auth_code if kind is AuthorizationEventKind.CODE_CREATED else None,
        token=answers.token(message, settled=settled) if is_new_token else None,
        access_token=access_token if kind is AuthorizationEventKind.TOKEN_CANCELED else None,
        reason=fields.text(message, "reason"),
    )
