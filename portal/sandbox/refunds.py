"""Refunds: once per request id, within the refundable period, never more than was paid.

The rules are those of both protocols; their fields and their notifications are in ``doors``.
Sources: https://docs.antom.com/ac/ams/refund_online, https://docs.antom.com/ac/ams/ir_online,
https://docs.antom.com/ac/ams/notify_refund, and for Alipay+ the pages named in ``doors/alipayplus.py``.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

from portal.money import Money
from portal.sandbox import merchants, transactions
from portal.sandbox.codes import Refusal
from portal.sandbox.context import Context
from portal.sandbox.faults import Fault
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import DAY, SECOND, day_of
from portal.sandbox.payments import NotOpen
from portal.sandbox.wallets import WALLETS, Wallet

# A refund that was refused for one of these leaves no refund behind, because the same id may succeed later (the
# payment is still in process) or was never about a payment of this merchant. The others are final for their id.
_LEAVES_NO_REFUND = frozenset({"ORDER_NOT_EXIST", "ORDER_STATUS_INVALID", "PARAM_ILLEGAL"})


@dataclass(frozen=True)
class GiveBack:
    """What a merchant asks to be given back of a payment."""

    payment: sqlite3.Row | None
    """None when the merchant has no such payment."""
    request_id: str
    amount: Money
    reason: str
    notify_url: str


def refund(context: Context, merchant: Merchant, wish: GiveBack) -> sqlite3.Row:
    """Give money back once per request id; the refund. Raises Refusal where there is none."""
    previous = find(context, merchant.client_id, request_id=wish.request_id)
    if previous is not None:
        return _repeated(previous, wish)
    payment = wish.payment
    if payment is None:
        raise Refusal("ORDER_NOT_EXIST")
    code = _objection(context, merchant, payment, wish.amount)
    if code in _LEAVES_NO_REFUND:
        raise Refusal(code)
    now, wallet = context.now(), WALLETS[payment["wallet"]]
    where: dict[str, Any] = {"wallet": wallet.name, "protocol": merchant.protocol}
    if not code and (fault := context.faults.take(("refund_fails",), now, **where)):
        code = fault.options["code"]
    hold = None if code else context.faults.take(("refund_stays_processing",), now, **where)
    later = not code and (hold is not None or wallet.refunds_later)
    row = _open(context, merchant, payment, wish, hold, later=later)
    return row if later else finish(context, row, code or "SUCCESS")


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
    if context.now() >= payment["paid_at"] + _refund_days(merchant, wallet) * DAY:
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


def _refund_days(merchant: Merchant, wallet: Wallet) -> int:
    days = merchant.terms.refund_days
    return wallet.refund_days if days is None else days


def _open(
    context: Context,
    merchant: Merchant,
    payment: sqlite3.Row,
    wish: GiveBack,
    hold: Fault | None,
    *,
    later: bool,
) -> sqlite3.Row:
    now, amount = context.now(), wish.amount
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
        refund_request_id=wish.request_id,
        payment_id=payment["payment_id"],
        currency=amount.currency,
        value=amount.value,
        reason=wish.reason,
        notify_url=wish.notify_url,
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
    _tell(context, finished, payment)
    return finished


def finish_by_hand(context: Context, refund_id: str, code: str) -> sqlite3.Row:
    """A refund that stays in process is told how to end. Raises NotOpen."""
    with context.store.transaction():
        row = context.store.one("SELECT * FROM refunds WHERE ? IN (refund_id, refund_request_id)", (refund_id,))
        if row is None or row["status"] != "PROCESSING":
            raise NotOpen(f"There is no refund {refund_id!r} in process.")
        return finish(context, row, code)


def _tell(context: Context, row: sqlite3.Row, payment: sqlite3.Row) -> None:
    protocol = merchants.of(context, row["client_id"]).protocol
    where: dict[str, Any] = {"wallet": payment["wallet"], "protocol": protocol, "notification": "notifyRefund"}
    failed = row["status"] != "SUCCESS"
    if failed and context.faults.take(("no_failure_notification",), context.now(), **where):
        return
    context.voices[protocol].refund_finished(context, row, payment)


def _repeated(row: sqlite3.Row, wish: GiveBack) -> sqlite3.Row:
    """A request id that was used before: the same refund, for the same request."""
    same_payment = wish.payment is not None and wish.payment["payment_id"] == row["payment_id"]
    if not same_payment or wish.amount != Money(row["value"], row["currency"]):
        raise Refusal("REPEAT_REQ_INCONSISTENT")
    return row
