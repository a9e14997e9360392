"""pay, inquiryPayment, cancel.

Sources: https://docs.antom.com/ac/ams/payment_agreement, https://docs.antom.com/ac/ams/paymentri_online,
https://docs.antom.com/ac/ams/paymentc_online, https://docs.antom.com/ac/ams/idempotency.
"""

import sqlite3
from typing import Any

from portal.money import Money, from_wire
from portal.sandbox import authorizations, notifications, rates, transactions, wallets
from portal.sandbox.codes import PAYMENT_RESULTS, Refusal, result, status_of
from portal.sandbox.context import PAYMENT_LIFE, Context
from portal.sandbox.faults import Fault
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import MINUTE, SECOND, day_of, end_of, on_the_wire, parse_time
from portal.sandbox.wallets import Wallet

CANCEL_GRACE = 15 * MINUTE
"""A paid payment can be cancelled until 00:15 (UTC+8) of the day after."""
_NEEDS_OS = ("APP", "WAP", "MINI_APP")
# Which failures of pay leave a payment behind is not published; we choose those that inquiryPayment can name as a
# payment's own result, because the others say that there was no payment to begin with.
_LEAVES_NO_PAYMENT = frozenset({"PARAM_ILLEGAL"})


class NotOpen(Exception):
    """A payment or refund that is not waiting for a result; the sentence says which."""


def pay(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Debit the user once per paymentRequestId."""
    _check_conditions(request)
    previous = find(context, merchant.client_id, request_id=request["paymentRequestId"])
    if previous is not None:
        return _repeated(context, previous, request)
    now = context.now()
    closes_at = _closing_time(request, now)
    wallet = wallets.wallet_named(request["paymentMethod"]["paymentMethodType"])
    token = authorizations.usable_token(
        context,
        merchant,
        request["paymentMethod"]["paymentMethodId"],
        request["paymentMethod"]["paymentMethodType"],
    )
    code = _objection(context, merchant, wallet, token, request)
    if code and (code not in PAYMENT_RESULTS or code in _LEAVES_NO_PAYMENT):
        raise Refusal(code)
    wallet_name = request["paymentMethod"]["paymentMethodType"]
    if not code and (fault := context.faults.take(("payment_fails",), now, wallet=wallet_name)):
        code = fault.options["code"]
    hold = None if code else context.faults.take(("payment_stays_processing",), now, wallet=wallet_name)
    payment = _open(context, merchant, token, request, closes_at, hold)
    if hold is None:
        payment = finish(context, payment, code or "SUCCESS")
    return _pay_answer(context, payment)


def _check_conditions(request: dict[str, Any]) -> None:
    environment = request["order"].get("env") or {}
    terminal = environment.get("terminalType")
    if terminal in _NEEDS_OS and not environment.get("osType"):
        raise illegal("order.env.osType", f"it is required when terminalType is {terminal}")
    if terminal == "MINI_APP" and not request.get("appId"):
        raise illegal("appId", "it is required when terminalType is MINI_APP")


def _closing_time(request: dict[str, Any], now: int) -> int:
    wish = request.get("paymentExpiryTime")
    if not wish:
        return now + PAYMENT_LIFE
    closes_at = parse_time(wish)
    # What becomes of a wrong expiry is not published; we choose to refuse it, because to clip it in silence would
    # close payments at a time the merchant does not know.
    if not now < closes_at <= now + PAYMENT_LIFE:
        raise illegal("paymentExpiryTime", "it must lie within one minute after the request")
    return closes_at


def _objection(
    context: Context, merchant: Merchant, wallet: Wallet | None, token: sqlite3.Row | None, request: dict[str, Any]
) -> str:
    """Why this payment cannot be, as a result code; empty when it can."""
    amount = from_wire(request["paymentAmount"])
    settlement = request["settlementStrategy"].get("settlementCurrency")
    secondary = (request["order"].get("merchant") or {}).get("referenceMerchantId")
    if wallet is None:
        return "NO_PAY_OPTIONS"
    if not merchant.active:
        return "INVALID_MERCHANT_STATUS"
    if wallet.name not in merchant.wallets:
        return "PAYMENT_NOT_QUALIFIED"
    if amount.currency != wallet.currency or not rates.convertible(amount.currency):
        return "CURRENCY_NOT_SUPPORT"
    if secondary and merchant.secondary_merchants and secondary not in merchant.secondary_merchants:
        return "MERCHANT_NOT_REGISTERED"
    if not settlement and len(merchant.settlement_currencies) > 1:
        raise illegal("settlementStrategy.settlementCurrency", "the contract names several settlement currencies")
    if settlement and settlement not in merchant.settlement_currencies:
        return "SETTLE_CONTRACT_NOT_MATCH"
    if amount.value < wallet.minimum:
        # The code for an amount below the wallet's minimum is not published; we choose PARAM_ILLEGAL, because the
        # amount is what is wrong with the request.
        raise illegal("paymentAmount.value", f"{wallet.title} takes {Money(wallet.minimum, wallet.currency)} or more")
    if token is None:
        return "INVALID_ACCESS_TOKEN"
    if wallet.maximum is not None and amount.value > wallet.maximum:
        return "PAYMENT_AMOUNT_EXCEED_LIMIT"
    account = wallets.account_of(context, token["user_id"], wallet.name)
    if blocked := wallets.ACCOUNT_STATUSES[account["status"]]:
        return blocked
    if wallets.over_a_limit(context, wallet, token["user_id"], amount.value):
        return "USER_AMOUNT_EXCEED_LIMIT"
    return ""


def _open(
    context: Context,
    merchant: Merchant,
    token: sqlite3.Row | None,
    request: dict[str, Any],
    closes_at: int,
    hold: Fault | None,
) -> sqlite3.Row:
    amount, order, now = from_wire(request["paymentAmount"]), request["order"], context.now()
    number = 1 + context.store.value("SELECT COALESCE(MAX(number), 0) FROM payments")
    finishes_at, finishes_as = None, ""
    if hold is not None:
        finishes_as = hold.options.get("code", "PROCESS_FAIL") if hold.options.get("then") == "FAIL" else "SUCCESS"
        if "seconds" in hold.options:
            finishes_at = now + int(hold.options["seconds"] * SECOND)
    stays_open = hold is not None and (finishes_at is not None or hold.options.get("expires") is False)
    seller = order.get("merchant") or {}
    context.store.insert(
        "payments",
        number=number,
        payment_id=f"{day_of(now)}1940108001001888{number:010d}",
        client_id=merchant.client_id,
        payment_request_id=request["paymentRequestId"],
        wallet=request["paymentMethod"]["paymentMethodType"],
        user_id=token["user_id"] if token is not None else "",
        access_token=request["paymentMethod"]["paymentMethodId"],
        currency=amount.currency,
        value=amount.value,
        order_id=order.get("referenceOrderId") or "",
        description=order.get("orderDescription") or "",
        reference_merchant_id=seller.get("referenceMerchantId") or "",
        reference_store_id=(seller.get("store") or {}).get("referenceStoreId") or "",
        settlement_currency=request["settlementStrategy"].get("settlementCurrency")
        or merchant.settlement_currencies[0],
        notify_url=request.get("paymentNotifyUrl") or merchant.notify_urls.get("payment", ""),
        status="PROCESSING",
        result_code="PAYMENT_IN_PROCESS",
        created_at=now,
        closes_at=None if stays_open else closes_at,
        finishes_at=finishes_at,
        finishes_as=finishes_as,
    )
    return by_number(context, number)


def by_number(context: Context, number: int) -> sqlite3.Row:
    """One payment as it is now."""
    row = context.store.one("SELECT * FROM payments WHERE number = ?", (number,))
    if row is None:
        raise LookupError(f"no payment {number}")
    return row


def find(
    context: Context, client_id: str, *, payment_id: str | None = None, request_id: str | None = None
) -> sqlite3.Row | None:
    """The merchant's payment as the clock has it; paymentId wins when both are given."""
    column, value = ("payment_id", payment_id) if payment_id else ("payment_request_id", request_id)
    row = context.store.one(
        f"SELECT * FROM payments WHERE {column} = ? AND client_id = ?",  # noqa: S608 - one of two names above
        (value, client_id),
    )
    return None if row is None else finish_if_due(context, row)


def finish_if_due(context: Context, payment: sqlite3.Row) -> sqlite3.Row:
    """Let a payment end whose time has come: as the wallet says, or closed because nobody finished it."""
    if payment["status"] != "PROCESSING":
        return payment
    now = context.now()
    if payment["finishes_at"] is not None and payment["finishes_at"] <= now:
        return finish(context, payment, payment["finishes_as"])
    if payment["closes_at"] is not None and payment["closes_at"] <= now:
        return finish(context, payment, "ORDER_IS_CLOSED")
    return payment


def finish(context: Context, payment: sqlite3.Row, code: str) -> sqlite3.Row:
    """Give a payment its final result: debit the user, or do not; then tell the merchant."""
    now = context.now()
    if code == "SUCCESS":
        balance = wallets.account_of(context, payment["user_id"], payment["wallet"])["balance"]
        if balance < payment["value"]:
            code = "USER_BALANCE_NOT_ENOUGH"
    paid = code == "SUCCESS"
    context.store.run(
        "UPDATE payments SET status = ?, result_code = ?, finished_at = ?, paid_at = ?, finishes_at = NULL "
        "WHERE number = ?",
        ("SUCCESS" if paid else "FAIL", code, now, now if paid else None, payment["number"]),
    )
    if paid:
        transactions.record_payment(context, payment)
    finished = by_number(context, payment["number"])
    _tell(context, finished)
    return finished


def finish_by_hand(context: Context, payment_id: str, code: str) -> sqlite3.Row:
    """A payment that stays in process is told how to end. Raises NotOpen."""
    with context.store.transaction():
        row = context.store.one("SELECT * FROM payments WHERE ? IN (payment_id, payment_request_id)", (payment_id,))
        if row is None or row["status"] != "PROCESSING":
            raise NotOpen(f"There is no payment {payment_id!r} in process.")
        return finish(context, row, code)


def tell_pending(context: Context, payment_id: str) -> None:
    """Notify that the user has finished and the result follows, which is not that it was paid. Raises NotOpen."""
    with context.store.transaction():
        row = context.store.one("SELECT * FROM payments WHERE ? IN (payment_id, payment_request_id)", (payment_id,))
        if row is None or row["status"] != "PROCESSING":
            raise NotOpen(f"There is no payment {payment_id!r} in process.")
        # The result says S all the same (https://docs.antom.com/ac/ams/paymentrn_online).
        body = {"notifyType": "PAYMENT_PENDING", "result": result("SUCCESS"), **_identity(row)}
        notifications.enqueue(
            context,
            row["client_id"],
            "notifyPayment",
            row["payment_request_id"],
            row["notify_url"],
            body,
            wallet=row["wallet"],
        )


def _tell(context: Context, payment: sqlite3.Row) -> None:
    paid, wallet = payment["status"] == "SUCCESS", payment["wallet"]
    if not paid and context.faults.take(
        ("no_failure_notification",), context.now(), wallet=wallet, notification="notifyPayment"
    ):
        return
    body: dict[str, object] = {
        "notifyType": "PAYMENT_RESULT",
        "result": result(payment["result_code"]),
        **_identity(payment),
        **_facts_when_paid(context, payment),
    }
    # Failures are notified when the order is closed, not before (https://docs.antom.com/ac/ams/paymentrn_online).
    not_before = 0 if paid else payment["closes_at"] or 0
    notifications.enqueue(
        context,
        payment["client_id"],
        "notifyPayment",
        payment["payment_request_id"],
        payment["notify_url"],
        body,
        wallet=wallet,
        not_before=not_before,
    )


def _identity(payment: sqlite3.Row) -> dict[str, object]:
    return {
        "paymentRequestId": payment["payment_request_id"],
        "paymentId": payment["payment_id"],
        "paymentAmount": Money(payment["value"], payment["currency"]).to_wire(),
        "paymentCreateTime": on_the_wire(payment["created_at"]),
    }


def _facts_when_paid(context: Context, payment: sqlite3.Row) -> dict[str, object]:
    if payment["paid_at"] is None:
        return {}
    account = wallets.account_of(context, payment["user_id"], payment["wallet"])
    facts: dict[str, object] = {
        "paymentTime": on_the_wire(payment["paid_at"]),
        "pspCustomerInfo": {
            "pspName": wallets.WALLETS[payment["wallet"]].title,
            "pspCustomerId": account["customer_id"],
            "displayCustomerId": wallets.masked_login(account["login_id"]),
        },
    }
    if payment["wallet"] == "ALIPAY_CN" and payment["status"] == "SUCCESS":
        facts["customsDeclarationAmount"] = Money(payment["value"], payment["currency"]).to_wire()
    return facts | transactions.settlement_facts(
        context, payment["payment_id"], payment["payment_request_id"], "PAYMENT"
    )


def _pay_answer(context: Context, payment: sqlite3.Row) -> dict[str, object]:
    answer: dict[str, object] = {"result": result(payment["result_code"])}
    if status_of(payment["result_code"]) == "F":
        return answer
    facts = _facts_when_paid(context, payment)
    facts.pop("customsDeclarationAmount", None)
    return answer | _identity(payment) | facts


def _repeated(context: Context, payment: sqlite3.Row, request: dict[str, Any]) -> dict[str, object]:
    """A paymentRequestId that was used before: the same answer, for the same request."""
    if payment["status"] == "CANCELLED":
        raise Refusal("ORDER_IS_CANCELED")
    same_amount = from_wire(request["paymentAmount"]) == Money(payment["value"], payment["currency"])
    if not same_amount or request["paymentMethod"]["paymentMethodId"] != payment["access_token"]:
        raise Refusal("REPEAT_REQ_INCONSISTENT")
    return _pay_answer(context, payment)


def inquire(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Answer what became of a payment. ``result`` is about this call only."""
    payment = _asked_for(context, merchant, request)
    answer: dict[str, object] = {
        "result": result("SUCCESS"),
        "paymentStatus": payment["status"],
        "paymentResultCode": payment["result_code"],
        "paymentResultMessage": result(payment["result_code"])["resultMessage"],
    }
    refunds = context.store.all("SELECT * FROM refunds WHERE payment_id = ? ORDER BY number", (payment["payment_id"],))
    answer |= _identity(payment) | _facts_when_paid(context, payment)
    if refunds:
        # The page's sample says null where there are none. We choose to leave the field out, because the acquirer's
        # published Python client cannot read null, and whoever reads null reads nothing, too.
        answer["transactions"] = [_refund_line(context, refund) for refund in refunds]
    return answer


def _asked_for(context: Context, merchant: Merchant, request: dict[str, Any]) -> sqlite3.Row:
    payment_id, request_id = request.get("paymentId"), request.get("paymentRequestId")
    if not payment_id and not request_id:
        raise illegal("paymentRequestId", "one of paymentRequestId and paymentId is required")
    payment = find(context, merchant.client_id, payment_id=payment_id, request_id=request_id)
    if payment is None:
        raise Refusal("ORDER_NOT_EXIST")
    return payment


def _refund_line(context: Context, refund: sqlite3.Row) -> dict[str, object]:
    line: dict[str, object] = {
        "transactionResult": result(
            "PAYMENT_IN_PROCESS" if refund["status"] == "PROCESSING" else _as_transaction_code(refund["result_code"])
        ),
        "transactionId": refund["refund_id"],
        "transactionType": "REFUND",
        "transactionStatus": refund["status"],
        "transactionAmount": Money(refund["value"], refund["currency"]).to_wire(),
        "transactionRequestId": refund["refund_request_id"],
        "transactionTime": on_the_wire(refund["finished_at"] or refund["created_at"]),
    }
    return line | transactions.settlement_facts(context, refund["payment_id"], refund["refund_request_id"], "REFUND")


def _as_transaction_code(code: str) -> str:
    """A refund's code in the shorter table of ``transactions[].transactionResult``."""
    return code if code in ("SUCCESS", "SYSTEM_ERROR") else "PROCESS_FAIL"


def cancel(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """End a payment as a whole; what was paid goes back to the user."""
    payment = _asked_for(context, merchant, request)
    if payment["status"] == "CANCELLED":
        return _cancel_answer(payment)
    # Neither a failed nor a partly refunded payment has a published answer; we choose ORDER_STATUS_INVALID, because
    # there is nothing, or no whole, to give back.
    if payment["status"] == "FAIL" or payment["returned_value"]:
        raise Refusal("ORDER_STATUS_INVALID")
    now = context.now()
    if payment["status"] == "SUCCESS":
        if not wallets.WALLETS[payment["wallet"]].cancels_when_paid:
            raise Refusal("PAYMENT_METHOD_NOT_SUPPORTED")
        if now >= cancellable_until(payment["paid_at"]):
            raise Refusal("CANCEL_WINDOW_EXCEED")
        transactions.record_cancel(context, payment)
    # Whether a cancel is notified is not confirmed; we choose not to, because its caller has the answer.
    context.store.run(
        "UPDATE payments SET status = 'CANCELLED', result_code = 'ORDER_IS_CLOSED', cancelled_at = ?, "
        "finished_at = COALESCE(finished_at, ?), finishes_at = NULL, closes_at = NULL WHERE number = ?",
        (now, now, payment["number"]),
    )
    return _cancel_answer(by_number(context, payment["number"]))


def cancellable_until(paid_at: int) -> int:
    """The end of the cancellable period of a paid payment."""
    return end_of(day_of(paid_at)) + CANCEL_GRACE


def _cancel_answer(payment: sqlite3.Row) -> dict[str, object]:
    return {
        "result": result("SUCCESS"),
        "paymentId": payment["payment_id"],
        "paymentRequestId": payment["payment_request_id"],
        "cancelTime": on_the_wire(payment["cancelled_at"]),
    }
