"""What happens to the line between the two, and who else speaks on it: cuts, forgers, a message that says little."""

import json
import random
from typing import Any

from requests import PreparedRequest

from payments.models import Payment
from portal.acquirer.signing import content_to_sign, sign, signature_header
from portal.money import Money
from portal.sandbox.codes import result
from portal.sandbox.context import NotSaid
from portal.sandbox.merchants import voice_of
from portal.sandbox.moments import on_the_wire
from portal.sandbox.notifications import Undelivered
from portal.sandbox.payments import NotOpen
from portal.simulation.stage import PORTAL
from portal.simulation.world import World

UNAUTHORIZED = 401
_CUSTOMS = ("declare", "inquiryDeclarationRequests")
_WORTH_FORGING = ("pay", "pay", "refund", "cancel", "inquiryPayment", "inquiryRefund", *_CUSTOMS)


def the_line_is_cut(world: World, rng: random.Random) -> str:
    """The next few connections are not made: what was to be sent certainly never left."""
    world.line.unreachable = rng.choice((1, 3, 4, 6))
    return f"the line is cut for {world.line.unreachable} connections"


def somebody_sits_in_the_line(world: World, rng: random.Random) -> str:
    """The next call of a kind never arrives; its answer says that all went well, and nobody we know has signed it."""
    wanted = rng.choice(_WORTH_FORGING)

    def forge(api: str, request: PreparedRequest, asked: dict[str, Any]) -> tuple[dict[str, str], bytes] | None:
        if api != wanted:
            return None
        world.line.forge = None
        return _forged(world, _all_went_well(world, api, asked), request)

    world.line.forge = forge
    return f"somebody sits in the line and waits for {wanted}"


def _all_went_well(world: World, api: str, asked: dict[str, Any]) -> dict[str, Any]:
    time = on_the_wire(world.engine.context.now())
    answer: dict[str, Any] = {"result": result("SUCCESS"), "paymentId": asked.get("paymentId") or "2026FORGED"}
    if api == "pay":
        return answer | _of(asked, "paymentRequestId", "paymentAmount") | {"paymentTime": time}
    if api == "cancel":
        return answer | _of(asked, "paymentRequestId") | {"cancelTime": time}
    if api == "refund":
        return answer | _of(asked, "refundRequestId", "refundAmount") | {"refundId": "2026FORGED", "refundTime": time}
    if api == "declare":
        return {"result": result("SUCCESS"), "customsPaymentId": "2026FORGED", "customsOrderId": "FORGED"}
    if api == "inquiryDeclarationRequests":
        said = {"customsDeclarationResultCode": "success", "customsDeclarationReturnTime": time}
        records = [{"declarationRequestId": one} | said for one in asked["declarationRequestIds"]]
        return {"result": result("SUCCESS"), "declarationRecords": records}
    if api == "inquiryRefund":
        return answer | _of(asked, "refundRequestId") | {"refundStatus": "FAIL"}
    payment = Payment.objects.filter(payment_request_id=asked.get("paymentRequestId", "")).first()
    amount = payment.amount if payment is not None else Money(100, "PHP")
    status = {"paymentStatus": "SUCCESS", "paymentResultCode": "SUCCESS", "paymentAmount": amount.to_wire()}
    status |= {"paymentResult": result("SUCCESS")}  # the word of the other protocol
    return answer | _of(asked, "paymentRequestId") | status | {"paymentTime": time}


def _of(asked: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: asked[name] for name in names if name in asked}


def _forged(world: World, body: dict[str, Any], request: PreparedRequest) -> tuple[dict[str, str], bytes]:
    text = json.dumps(body).encode()
    engine, path, client_id = world.engine, request.path_url, str(request.headers["Client-Id"])
    time = on_the_wire(engine.context.now())
    signature = sign(engine.context.keys.stranger_key, content_to_sign("POST", path, client_id, time, text))
    headers = {
        "content-type": "application/json; charset=UTF-8",
        "client-id": client_id,
        "response-time": time,
        "signature": signature_header(signature),
    }
    return headers, text


def a_message_is_forged(world: World, rng: random.Random) -> str:
    """Somebody who is not the acquirer posts a message: signed with a stranger's key, or not at all."""
    payment = world.some(rng, Payment)
    if payment is None:
        return ""
    engine, account = world.engine, payment.account
    code = rng.choice(("SUCCESS", "USER_BALANCE_NOT_ENOUGH"))
    body = {
        "notifyType": "PAYMENT_RESULT",
        "result": result(code),
        "paymentResult": result(code),
        "paymentRequestId": payment.payment_request_id,
        "paymentId": payment.payment_id or "2026FORGED",
        "paymentAmount": payment.amount.to_wire(),
        "paymentTime": on_the_wire(engine.context.now()),
    }
    path = f"/notify/{account.slug}/payment"
    voice = voice_of(engine.context, account.client_id)
    text, time = json.dumps(body).encode(), voice.time(engine.context.now())
    headers = {"client-id": account.client_id, "request-time": time, "content-type": "application/json"}
    if rng.random() < 0.8:
        content = content_to_sign("POST", path, account.client_id, time, text)
        headers["signature"] = signature_header(sign(engine.context.keys.stranger_key, content))
    try:
        status, _, _ = world.delivery(f"{PORTAL}{path}", headers, text)
    except Undelivered:
        return f"somebody forges {code} of a payment: killed"
    if status != UNAUTHORIZED:
        world.seen.append(("every message counts once", f"a forged message was answered {status}"))
    return f"somebody forges {code} of a payment: {status}"


def the_acquirer_says_pending(world: World, rng: random.Random) -> str:
    """The acquirer tells of a payment in process that its user has finished; whether it is paid follows."""
    rows = world.engine.store.all("SELECT payment_id FROM payments WHERE status = 'PROCESSING' ORDER BY number")
    if not rows:
        return ""
    try:
        world.engine.tell_pending(rng.choice(rows)["payment_id"])
    except (NotOpen, NotSaid):
        return ""
    return "the acquirer says that a payment is pending"


def the_receiver_breaks(world: World, rng: random.Random) -> str:
    """The shop's own system takes no webhooks for a while, or takes them and says nothing."""
    return world.receiver.breaks(rng) if world.receiver is not None else ""
