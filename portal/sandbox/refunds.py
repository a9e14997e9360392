"""refund, inquiryRefund.

Sources: https://docs.antom.com/ac/ams/refund_online, https://docs.antom.com/ac/ams/ir_online,
https://docs.antom.com/ac/ams/notify_refund.
"""

import sqlite3
from typing import Any

from portal.money import Money, from_wire
from portal.sandbox import notifications, payments, transactions
from portal.sandbox.codes import Refusal, result, status_of
from portal.sandbox.context import Context
from portal.sandbox.faults import Fault
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import DAY, SECOND, day_of, on_the_wire
from portal.sandbox.payments import NotOpen
from portal.sandbox.wallets import WALLETS

# A refund that was refused for one of these leaves no refund behind, because the same id may succeed later (the
# payment is still in process) or was never about a payment of this merchant. The others are final for their id.
_LEAVES_NO_REFUND = frozenset({"ORDER_NOT_EXIST", "ORDER_STATUS_INVALID", "PARAM_ILLEGAL"})


def refund(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Give money back once per refundRequestId."""
    payment = payments.find(context, merchant.client_id, payment_id=request["paymentId"])
    previous = find(context, merchant.client_id, request_id=request["refundRequestId"])
    if previous is not None:
        return _repeated(context, previous, request)
    if payment is None:
        raise Refusal("ORDER_NOT_EXIST")
    code = _objection(context, merchant, payment, from_wire(request["refundAmount"]))
    if code in _LEAVES_NO_REFUND:
        raise Refusal(code)
    now, wallet = context.now(), WALLETS[payment["wallet"]]
    if not code and (fault := context.faults.take(("refund_fails",), now, wallet=wallet.name)):
        code = fault.options["code"]
    hold = None if code else context.faults.take(("refund_stays_processing",), now, wallet=wallet.name)
    later = not code and (hold is not None or wallet.refunds_later)
    row = _open(context, merchant, payment, request, hold, later=later)
    if not later:
        row = finish(context, row, code or "SUCCESS")
    return _answer(context, row)


def _objection(context: Context, merchant: Merchant, payment: sqlite3.Row, amount: Money) -> str:
    """Why this refund cannot be, as a result code; empty when it can."""
    wallet = WALLETS.get(payment["wallet"])
    if payment["status"] == "CANCELLED":
        return "ORDER_IS_CANCELED"
    if payment["status"] != "SUCCESS" or wallet is None:
        return "ORDER_STATUS_INVALID"
    if not merchant.active:
        return "INVALID_MERCHANT_STATUS"
    if amount.currency != payment["currency"]:
        return "CURRENCY_NOT_SUPPORT"
    if context.now() >= payment["paid_at"] + wallet.refund_days * DAY:
        return "REFUND_WINDOW_EXCEED"
    if payment["returned_value"] and not merchant.multiple_refunds:
        return "MULTIPLE_REFUNDS_NOT_SUPPORTED"
    if amount.value + payment["returned_value"] > payment["value"]:
        return "REFUND_AMOUNT_EXCEED"
    if amount.value != payment["value"] and not merchant.partial_refund:
        return "PARTIAL_REFUND_NOT_SUPPORTED"
    if amount.value < wallet.minimum:
        # "Rejected" is all the page says of refunds below the minimum; we choose PARAM_ILLEGAL, as for payments.
        raise illegal("refundAmount.value", f"{wallet.title} takes {Money(wallet.minimum, wallet.currency)} or more")
    return ""


def _open(
    context: Context,
    merchant: Merchant,
    payment: sqlite3.Row,
    request: dict[str, Any],
    hold: Fault | None,
    *,
    later: bool,
) -> sqlite3.Row:
    now, amount = context.now(), from_wire(request["refundAmount"])
    number = 1 + context.store.value("SELECT COALESCE(MAX(number), 0) FROM refunds")
    finishes_at, finishes_as = None, ""
    if later:
        seconds = context.settings.asynchronous_refund_seconds
        options: dict[str, Any] = hold.options if hold is not None else {"seconds": seconds}
        finishes_as = str(options.get("code", "PROCESS_FAIL")) if options.get("then") == "FAIL" else "SUCCESS"
        finishes_at = now + int(options["seconds"] * SECOND) if "seconds" in options else None
    context.store.insert(
        "refunds",
        number=number,
        refund_id=f"{day_of(now)}1940108001001889{number:010d}",
        client_id=merchant.client_id,
        refund_request_id=request["refundRequestId"],
        payment_id=payment["payment_id"],
        currency=amount.currency,
        value=amount.value,
        reason=request.get("refundReason") or "",
        notify_url=request.get("refundNotifyUrl") or merchant.notify_urls.get("refund", ""),
        status="PROCESSING",
        result_code="REFUND_IN_PROCESS",
        created_at=now,
        finishes_at=finishes_at,
        finishes_as=finishes_as,
    )
    if later:
        _reserve(context, payment["payment_id"], amount.value)
    return by_number(context, number)


def _reserve(context: Context, payment_id: str, value: int) -> None:
    context.store.run(
        "UPDATE payments SET returned_value = returned_value + ? WHERE payment_id = ?", (value, payment_id)
    )


def by_number(context: Context, number: int) -> sqlite3.Row:
    """One refund as it is now."""
    row = context.store.one("SELECT * FROM refunds WHERE number = ?", (number,))
    if row is None:
        raise LookupError(f"no refund {number}")
    return row


def find(
    context: Context, client_id: str, *, refund_id: str | None = None, request_id: str | None = None
) -> sqlite3.Row | None:
    """The merchant's refund as the clock has it; refundId wins when both are given."""
    column, value = ("refund_id", refund_id) if refund_id else ("refund_request_id", request_id)
    row = context.store.one(
        f"SELECT * FROM refunds WHERE {column} = ? AND client_id = ?",  # noqa: S608 - one of two names above
        (value, client_id),
    )
    return None if row is None else finish_if_due(context, row)


def finish_if_due(context: Context, row: sqlite3.Row) -> sqlite3.Row:
    """Let a refund end whose time has come."""
    due = row["status"] == "PROCESSING" and row["finishes_at"] is not None and row["finishes_at"] <= context.now()
    return finish(context, row, row["finishes_as"]) if due else row


def finish(context: Context, row: sqlite3.Row, code: str) -> sqlite3.Row:
    """Give a refund its final result; then tell the merchant."""
    payment = context.store.one("SELECT * FROM payments WHERE payment_id = ?", (row["payment_id"],))
    if payment is None:
        raise LookupError(row["payment_id"])
    done, reserved = code == "SUCCESS", bool(row["finishes_as"])
    context.store.run(
        "UPDATE refunds SET status = ?, result_code = ?, finished_at = ?, finishes_at = NULL WHERE number = ?",
        ("SUCCESS" if done else "FAIL", code, context.now(), row["number"]),
    )
    if done and not reserved:
        _reserve(context, row["payment_id"], row["value"])
    elif reserved and not done:
        _reserve(context, row["payment_id"], -row["value"])
    if done:
        transactions.record_refund(context, payment, row)
    finished = by_number(context, row["number"])
    _tell(context, finished, payment["wallet"])
    return finished


def finish_by_hand(context: Context, refund_id: str, code: str) -> sqlite3.Row:
    """A refund that stays in process is told how to end. Raises NotOpen."""
    with context.store.transaction():
        row = context.store.one("SELECT * FROM refunds WHERE ? IN (refund_id, refund_request_id)", (refund_id,))
        if row is None or row["status"] != "PROCESSING":
            raise NotOpen(f"There is no refund {refund_id!r} in process.")
        return finish(context, row, code)


def _tell(context: Context, row: sqlite3.Row, wallet: str) -> None:
    done = row["status"] == "SUCCESS"
    silent = ("no_failure_notification",)
    if not done and context.faults.take(silent, context.now(), wallet=wallet, notification="notifyRefund"):
        return
    body: dict[str, object] = {
        "notifyType": "REFUND_RESULT",
        "result": result(row["result_code"]),
        "refundStatus": row["status"],
        **_identity(row),
    }
    if done:
        body["refundTime"] = on_the_wire(row["finished_at"])
    body |= transactions.settlement_facts(context, row["payment_id"], row["refund_request_id"], "REFUND")
    notifications.enqueue(
        context, row["client_id"], "notifyRefund", row["refund_request_id"], row["notify_url"], body, wallet=wallet
    )


def _identity(row: sqlite3.Row) -> dict[str, object]:
    return {
        "refundRequestId": row["refund_request_id"],
        "refundId": row["refund_id"],
        "refundAmount": Money(row["value"], row["currency"]).to_wire(),
    }


def _answer(context: Context, row: sqlite3.Row) -> dict[str, object]:
    answer: dict[str, object] = {"result": result(row["result_code"])}
    if status_of(row["result_code"]) == "F":
        return answer
    answer |= {**_identity(row), "paymentId": row["payment_id"]}
    if row["finished_at"] is not None:
        answer["refundTime"] = on_the_wire(row["finished_at"])
    return answer | transactions.settlement_facts(context, row["payment_id"], row["refund_request_id"], "REFUND")


def _repeated(context: Context, row: sqlite3.Row, request: dict[str, Any]) -> dict[str, object]:
    """A refundRequestId that was used before: the same answer, for the same request."""
    same_amount = from_wire(request["refundAmount"]) == Money(row["value"], row["currency"])
    if not same_amount or request["paymentId"] != row["payment_id"]:
        raise Refusal("REPEAT_REQ_INCONSISTENT")
    return _answer(context, row)


def inquire(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Answer what became of a refund. ``result`` is about this call only."""
    refund_id, request_id = request.get("refundId"), request.get("refundRequestId")
    if not refund_id and not request_id:
        raise illegal("refundRequestId", "one of refundRequestId and refundId is required")
    row = find(context, merchant.client_id, refund_id=refund_id, request_id=request_id)
    if row is None:
        raise Refusal("ORDER_NOT_EXIST")
    answer: dict[str, object] = {"result": result("SUCCESS"), **_identity(row), "refundStatus": row["status"]}
    if row["status"] == "SUCCESS":
        answer["refundTime"] = on_the_wire(row["finished_at"])
    return answer | transactions.settlement_facts(context, row["payment_id"], row["refund_request_id"], "REFUND")
