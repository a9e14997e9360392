"""declare, inquiryDeclarationRequests: China customs, for payments by Alipay.

Sources: https://docs.antom.com/ac/ams/declare, https://docs.antom.com/ac/ams/inquirydeclare. Customs is played by the
clock: a receipt arrives a while after each transmission, and accepts, unless a fault says otherwise: customs refuses,
is silent for a time, or never got the declaration, of which nobody knows any more.
"""

import json
import sqlite3
from typing import Any

from portal.money import Money, from_wire
from portal.sandbox import payments, wallets
from portal.sandbox.codes import Refusal, result
from portal.sandbox.context import Context
from portal.sandbox.fields import illegal, is_yes
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import MINUTE, SECOND, day_of, on_the_wire

_SENT_AGAIN_AFTER = 5 * MINUTE
_FAULTS = ("customs_refuses", "customs_silent", "declaration_lost")
_VERDICT = "customsVerdict"
"""Beside the kept answer: what customs will say, and when. No field of the protocol, and never answered."""
_ACCEPTS = ("success", "accepted")
# Undocumented beside "success"; we choose this word, because any other than the published one must be understood.
_REFUSES = ("failed", "Refused: the buyer is not the payer.")
_REGISTRATIONS = {"ZONGSHU": "31222699S7", "ZHENGZHOU": "31222699S7", "NINGBO": "31222699S7", "HENAN": "P460400005"}
_OTHER_REGISTRATION = "ZF14021901"
_CHANGEABLE = ("merchantCustomsInfo", "declarationAmount", "suborderId", "customsPlace", "buyerCertificate")


def declare(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Pass a declaration on to customs."""
    if is_yes(request["splitOrder"]) and not request.get("suborderId"):
        raise illegal("suborderId", "it is required when splitOrder is true")
    amount = from_wire(request["declarationAmount"])
    payment = payments.find(context, merchant.client_id, payment_id=request["paymentId"])
    if payment is None:
        raise Refusal("ORDER_NOT_EXIST")
    if payment["status"] != "SUCCESS":
        raise Refusal("ORDER_STATUS_INVALID")
    # The answer for another wallet's payment, or another currency, is not published; we choose INVALID_CONTRACT,
    # because the service is for Alipay payments in CNY only.
    if payment["wallet"] != "ALIPAY_CN" or amount.currency != payment["currency"]:
        raise Refusal("INVALID_CONTRACT")
    previous = context.store.one(
        "SELECT * FROM declarations WHERE client_id = ? AND declaration_request_id = ?",
        (merchant.client_id, request["declarationRequestId"]),
    )
    if previous is not None:
        return _sent_again(context, previous, payment, request, amount)
    _check_room(context, payment, request, amount, None)
    answer = _answer(context, payment, request)
    verdict = _verdict(context)
    if verdict is None:
        return {"result": result("SUCCESS"), **answer}
    context.store.insert(
        "declarations",
        client_id=merchant.client_id,
        declaration_request_id=request["declarationRequestId"],
        payment_id=payment["payment_id"],
        customs_code=request["customs"]["customsCode"],
        suborder_id=request.get("suborderId") or "",
        value=amount.value,
        request=json.dumps(request),
        answer=json.dumps(answer | {_VERDICT: verdict}),
        sent_at=context.now(),
        created_at=context.now(),
    )
    return {"result": result("SUCCESS"), **answer}


def _verdict(context: Context) -> dict[str, Any] | None:
    """What customs will say of a transmission, and after how many seconds; None when it is lost on its way."""
    fault = context.faults.take(_FAULTS, context.now(), wallet="ALIPAY_CN")
    kind = fault.kind if fault else ""
    if kind == "declaration_lost":
        return None
    later = fault.options["seconds"] if fault and kind == "customs_silent" else 0
    said = _REFUSES if kind == "customs_refuses" else _ACCEPTS
    return {"code": said[0], "words": said[1], "seconds": context.settings.customs_receipt_seconds + later}


def _check_room(
    context: Context, payment: sqlite3.Row, request: dict[str, Any], amount: Money, again: int | None
) -> None:
    others = context.store.all(
        "SELECT * FROM declarations WHERE payment_id = ? AND number IS NOT ?", (payment["payment_id"], again)
    )
    suborder, customs_code = request.get("suborderId") or "", request["customs"]["customsCode"]
    if any(other["customs_code"] == customs_code and other["suborder_id"] == suborder for other in others):
        raise Refusal("DUPLICATED_DECLARATIONS")
    if amount.value + sum(other["value"] for other in others) > declarable(context, payment).value:
        raise Refusal("TOTAL_DECLARATION_AMOUNT_EXCEED")


def declarable(context: Context, payment: sqlite3.Row) -> Money:
    """``customsDeclarationAmount``: the most that may be declared of a payment."""
    return Money(payment["value"] * context.settings.customs_declarable_percent // 100, payment["currency"])


def _sent_again(
    context: Context, previous: sqlite3.Row, payment: sqlite3.Row, request: dict[str, Any], amount: Money
) -> dict[str, object]:
    """Re-transmission: five minutes on, some fields may change; before, or unchanged, the first answer is repeated."""
    before = json.loads(previous["request"])
    if before.get("paymentId") != request["paymentId"]:
        raise Refusal("REPEAT_REQ_INCONSISTENT")
    answer, _ = _held(previous)
    if before == request and context.now() < previous["sent_at"] + _SENT_AGAIN_AFTER:
        return {"result": result("SUCCESS"), **answer}
    names = set(before) | set(request)
    changed = {name for name in names if before.get(name) != request.get(name)}
    # Of the certificate its number and name may change, and nothing is said of one that was not there before.
    is_other_paper = _paper(before) != _paper(request)
    is_too_early = context.now() < previous["sent_at"] + _SENT_AGAIN_AFTER
    if is_too_early or is_other_paper or not changed <= set(_CHANGEABLE):
        raise Refusal("CONTEXT_INCONSISTENT")
    _check_room(context, payment, request, amount, previous["number"])
    verdict = _verdict(context)
    if verdict is None:  # customs lost it; what was transmitted before stands
        return {"result": result("SUCCESS"), **answer}
    context.store.run(
        "UPDATE declarations SET request = ?, answer = ?, value = ?, suborder_id = ?, sent_at = ? WHERE number = ?",
        (
            json.dumps(request),
            json.dumps(answer | {_VERDICT: verdict}),
            amount.value,
            request.get("suborderId") or "",
            context.now(),
            previous["number"],
        ),
    )
    return {"result": result("SUCCESS"), **answer}


def _paper(request: dict[str, Any]) -> str:
    return str((request.get("buyerCertificate") or {}).get("certificateType", ""))


def _held(row: sqlite3.Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first answer, which is repeated ever after, and what customs says."""
    answer = json.loads(row["answer"])
    said = {"code": _ACCEPTS[0], "words": _ACCEPTS[1], "seconds": 60}  # rows of an older sandbox have none
    verdict = answer.pop(_VERDICT, said)
    return answer, verdict


def _answer(context: Context, payment: sqlite3.Row, request: dict[str, Any]) -> dict[str, object]:
    number = 1 + context.store.value("SELECT COALESCE(MAX(number), 0) FROM declarations")
    day, code = day_of(context.now()), request["customs"]["customsCode"]
    answer: dict[str, object] = {
        "customsPaymentId": f"{day}22001447{number:012d}",
        "customsOrderId": request.get("suborderId") or payment["order_id"] or payment["payment_request_id"],
    }
    certificate = request.get("buyerCertificate")
    if certificate:
        holder = (certificate.get("holderName") or {}).get("fullName")
        name = wallets.account_of(context, payment["user_id"], payment["wallet"])["name"]
        answer["identityCheckResult"] = "CHECK_PASSED" if holder == name else "CHECK_NOT_PASSED"
    return answer | {
        "clearingChannel": "OTHER",
        "clearingTransactionId": f"{day}22001354{number:012d}",
        "customsProviderRegistrationId": _REGISTRATIONS.get(code, _OTHER_REGISTRATION),
    }


def _words(verdict: dict[str, Any], request: dict[str, Any]) -> str:
    """A refusal names whose papers it is about, as sentences of customs do."""
    certificate = request.get("buyerCertificate")
    if not certificate or verdict["code"] == _ACCEPTS[0]:
        return str(verdict["words"])
    holder = (certificate.get("holderName") or {}).get("fullName", "")
    return f"{verdict['words']} ({holder}, {certificate.get('certificateNo', '')})"


def inquire(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Answer what became of up to ten declarations."""
    records, not_found = [], []
    for wanted in request["declarationRequestIds"]:
        row = context.store.one(
            "SELECT * FROM declarations WHERE client_id = ? AND declaration_request_id = ?",
            (merchant.client_id, wanted),
        )
        if row is None:
            not_found.append(wanted)
        else:
            records.append(_record(context, row))
    answer: dict[str, object] = {"result": result("SUCCESS")}
    if not_found:
        answer["declarationRequestsNotFound"] = not_found
    return answer | {"declarationRecords": records}


def _record(context: Context, row: sqlite3.Row) -> dict[str, object]:
    request, (answer, verdict) = json.loads(row["request"]), _held(row)
    receipt_at = row["sent_at"] + int(verdict["seconds"] * SECOND)
    received = context.now() >= receipt_at
    record = {
        "declarationRequestId": row["declaration_request_id"],
        "customsPaymentId": answer["customsPaymentId"],
        "customsOrderId": answer["customsOrderId"],
        "customs": request["customs"],
        "merchantCustomsInfo": request["merchantCustomsInfo"],
        "declarationAmount": request["declarationAmount"],
        "splitOrder": is_yes(request["splitOrder"]),
        # The only status word that is published, whether or not the receipt is there.
        "declarationRequestStatus": "IN_PROCESS",
        "lastModifiedTime": on_the_wire(receipt_at if received else row["sent_at"]),
    }
    if received:
        record |= {
            "customsDeclarationResultCode": verdict["code"],
            "customsDeclarationResultDesc": _words(verdict, request),
            "customsDeclarationReturnTime": on_the_wire(receipt_at),
        }
    return record
