"""Payments: debited once per request id, asked about, closed after a minute, and cancelled as a whole.

The rules are those of both protocols; their fields and their notifications are in ``doors``.
Sources: https://docs.antom.com/ac/ams/payment_agreement, https://docs.antom.com/ac/ams/paymentri_online,
https://docs.antom.com/ac/ams/paymentc_online, https://docs.antom.com/ac/ams/idempotency, and for Alipay+ the pages
named in ``doors/alipayplus.py``.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

from portal.money import Money
from portal.sandbox import authorizations, merchants, rates, transactions, wallets
from portal.sandbox.codes import LEAVE_A_PAYMENT, Refusal
from portal.sandbox.context import PAYMENT_LIFE, Context, NotSaid
from portal.sandbox.faults import Fault
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import MINUTE, SECOND, day_of, end_of
from portal.sandbox.wallets import Wallet

CANCEL_GRACE = 15 * MINUTE
"""A paid payment can be cancelled until 00:15 (UTC+8) of the day after."""


class NotOpen(Exception):
    """A payment or refund that is not waiting for a result; the sentence says which."""


@dataclass(frozen=True)
class Debit:
    """What a merchant asks a wallet to pay."""

    request_id: str
    amount: Money
    wallet: str
    """Empty when the token is nobody's."""
    access_token: str
    order_id: str
    description: str
    reference_merchant_id: str
    reference_store_id: str
    settlement_currency: str
    """Empty where the contract decides."""
    notify_url: str
    closes_at: int | None
    """None: after a minute."""
    compared: str
    """What a repetition must not change, as a digest."""


def pay(context: Context, merchant: Merchant, debit: Debit) -> sqlite3.Row:
    """Debit the user once per request id; the payment. Raises Refusal where there is none."""
    previous = find(context, merchant.client_id, request_id=debit.request_id)
    if previous is not None:
        return _repeated(previous, debit)
    now = context.now()
    closes_at = _closing_time(debit, now)
    token = authorizations.find_token(context, merchant, debit.access_token)
    code = objection(context, merchant, token, debit)
    if code and code not in LEAVE_A_PAYMENT:
        raise Refusal(code)
    where: dict[str, Any] = {"wallet": debit.wallet, "protocol": merchant.protocol}
    if not code and (fault := context.faults.take(("payment_fails",), now, **where)):
        code = fault.options["code"]
    hold = None if code else context.faults.take(("payment_stays_processing",), now, **where)
    payment = _open(context, merchant, token, debit, closes_at, hold)
    return payment if hold is not None else finish(context, payment, code or "SUCCESS")


def evaluate(context: Context, merchant: Merchant, debit: Debit) -> str:
    """Whether the user could pay this, as a result code. Nothing is debited, and nothing is remembered."""
    token = authorizations.find_token(context, merchant, debit.access_token)
    code = objection(context, merchant, token, debit)
    if code or token is None:
        return code
    balance: int = wallets.account_of(context, token["user_id"], debit.wallet)["balance"]
    return "SUCCESS" if balance >= debit.amount.value else "USER_BALANCE_NOT_ENOUGH"


def _closing_time(debit: Debit, now: int) -> int:
    closes_at = now + PAYMENT_LIFE if debit.closes_at is None else debit.closes_at
    # What becomes of a wrong expiry is not published; we choose to refuse it, because to clip it in silence would
    # close payments at a time the merchant does not know.
    if not now < closes_at <= now + PAYMENT_LIFE:
        raise illegal("paymentExpiryTime", "it must lie within one minute after the request")
    return closes_at


def objection(context: Context, merchant: Merchant, token: sqlite3.Row | None, debit: Debit) -> str:
    """Why this payment cannot be, as a result code; empty when it can."""
    if not debit.wallet:
        return "NO_SUCH_TOKEN"
    wallet = wallets.wallet_named(debit.wallet)
    if wallet is None:
        return "NO_PAY_OPTIONS"
    return _contract_objects(merchant, wallet, debit) or _wallet_objects(context, wallet, token, debit)


def _contract_objects(merchant: Merchant, wallet: Wallet, debit: Debit) -> str:
    settlement, secondary = debit.settlement_currency, debit.reference_merchant_id
    if not merchant.active:
        return "INVALID_MERCHANT_STATUS"
    if wallet.name not in merchant.wallets:
        return "PAYMENT_NOT_QUALIFIED"
    if debit.amount.currency != wallet.currency or not rates.convertible(debit.amount.currency):
        return "CURRENCY_NOT_SUPPORT"
    if secondary and merchant.secondary_merchants and secondary not in merchant.secondary_merchants:
        return "MERCHANT_NOT_REGISTERED"
    if not settlement and len(merchant.settlement_currencies) > 1:
        raise illegal("settlementStrategy.settlementCurrency", "the contract names several settlement currencies")
    if settlement and settlement not in merchant.settlement_currencies:
        return "SETTLE_CONTRACT_NOT_MATCH"
    return ""


def _wallet_objects(context: Context, wallet: Wallet, token: sqlite3.Row | None, debit: Debit) -> str:
    amount = debit.amount
    if amount.value < wallet.minimum:
        # The code for an amount below the wallet's minimum is not published; we choose PARAM_ILLEGAL, because the
        # amount is what is wrong with the request.
        raise illegal("paymentAmount.value", f"{wallet.title} takes {Money(wallet.minimum, wallet.currency)} or more")
    trouble = authorizations.trouble_with(context, token, wallet.name)
    if trouble or token is None:
        return trouble
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
    debit: Debit,
    closes_at: int,
    hold: Fault | None,
) -> sqlite3.Row:
    now = context.now()
    number = 1 + context.store.value("SELECT COALESCE(MAX(number), 0) FROM payments")
    finishes_at, finishes_as = None, ""
    if hold is not None:
        finishes_as = hold.options.get("code", "PROCESS_FAIL") if hold.options.get("then") == "FAIL" else "SUCCESS"
        if "seconds" in hold.options:
            finishes_at = now + int(hold.options["seconds"] * SECOND)
    stays_open = hold is not None and (finishes_at is not None or hold.options.get("expires") is False)
    usable = not authorizations.trouble_with(context, token, debit.wallet)
    context.store.insert(
        "payments",
        number=number,
        payment_id=f"{day_of(now)}1940108001001888{number:010d}",
        client_id=merchant.client_id,
        payment_request_id=debit.request_id,
        wallet=debit.wallet,
        user_id=token["user_id"] if token is not None and usable else "",
        access_token=debit.access_token,
        currency=debit.amount.currency,
        value=debit.amount.value,
        order_id=debit.order_id,
        description=debit.description,
        reference_merchant_id=debit.reference_merchant_id,
        reference_store_id=debit.reference_store_id,
        settlement_currency=debit.settlement_currency or merchant.settlement_currencies[0],
        notify_url=debit.notify_url,
        status="PROCESSING",
        result_code="PAYMENT_IN_PROCESS",
        created_at=now,
        closes_at=None if stays_open else closes_at,
        finishes_at=finishes_at,
        finishes_as=finishes_as,
        compared=debit.compared,
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
        try:
            merchants.voice_of(context, row["client_id"]).payment_pending(context, row)
        except NotSaid as reason:
            raise NotOpen(str(reason)) from reason


def _tell(context: Context, payment: sqlite3.Row) -> None:
    protocol = merchants.of(context, payment["client_id"]).protocol
    where: dict[str, Any] = {"wallet": payment["wallet"], "protocol": protocol, "notification": "notifyPayment"}
    failed = payment["status"] != "SUCCESS"
    if failed and context.faults.take(("no_failure_notification",), context.now(), **where):
        return
    context.voices[protocol].payment_finished(context, payment)


def told_not_before(payment: sqlite3.Row) -> int:
    """When a finished payment is notified at the earliest."""
    # Failures are notified when the order is closed, not before (https://docs.antom.com/ac/ams/paymentrn_online).
    return 0 if payment["status"] == "SUCCESS" else payment["closes_at"] or 0


def _repeated(payment: sqlite3.Row, debit: Debit) -> sqlite3.Row:
    """A request id that was used before: the same payment, for the same request."""
    if payment["status"] == "CANCELLED":
        raise Refusal("ORDER_IS_CANCELED")
    if payment["compared"] not in ("", debit.compared):  # of an older database: not known
        raise Refusal("REPEAT_REQ_INCONSISTENT")
    return payment


def asked_for(context: Context, merchant: Merchant, *, payment_id: str | None, request_id: str | None) -> sqlite3.Row:
    """The payment that a request names by one of its ids. Raises Refusal."""
    if not payment_id and not request_id:
        raise illegal("paymentRequestId", "one of paymentRequestId and paymentId is required")
    payment = find(context, merchant.client_id, payment_id=payment_id, request_id=request_id)
    if payment is None:
        raise Refusal("ORDER_NOT_EXIST")
    return payment


def refunds_of(context: Context, payment: sqlite3.Row) -> list[sqlite3.Row]:
    """A payment's refunds, oldest first."""
    return context.store.all("SELECT * FROM refunds WHERE payment_id = ? ORDER BY number", (payment["payment_id"],))


def cancel(context: Context, merchant: Merchant, payment: sqlite3.Row) -> sqlite3.Row:
    """End a payment as a whole; what was paid goes back to the user. Raises Refusal."""
    if payment["status"] == "CANCELLED":
        return payment
    anyhow = merchant.terms.cancels_whatever_the_status
    # Neither a failed nor a partly refunded payment has a published answer; we choose ORDER_STATUS_INVALID, because
    # there is nothing, or no whole, to give back.
    if (payment["status"] == "FAIL" and not anyhow) or payment["returned_value"]:
        raise Refusal("ORDER_STATUS_INVALID")
    now = context.now()
    if payment["status"] == "SUCCESS" and not wallets.WALLETS[payment["wallet"]].cancels_when_paid:
        raise Refusal("PAYMENT_METHOD_NOT_SUPPORTED")
    if (anyhow or payment["status"] == "SUCCESS") and now >= _cancellable_until(payment, anyhow=anyhow):
        raise Refusal("CANCEL_WINDOW_EXCEED")
    if payment["status"] == "SUCCESS":
        # A cancelled payment is absent from the clearing files; what stands in one already can only be refunded.
        if anyhow and transactions.payment_transaction(context, payment["payment_id"])["batch_id"] is not None:
            raise Refusal("CANCEL_WINDOW_EXCEED")
        transactions.record_cancel(context, payment)
    # Whether a cancel is notified is not confirmed; we choose not to, because its caller has the answer.
    context.store.run(
        "UPDATE payments SET status = 'CANCELLED', result_code = 'ORDER_IS_CLOSED', cancelled_at = ?, "
        "finished_at = COALESCE(finished_at, ?), finishes_at = NULL, closes_at = NULL WHERE number = ?",
        (now, now, payment["number"]),
    )
    return by_number(context, payment["number"])


def _cancellable_until(payment: sqlite3.Row, *, anyhow: bool) -> int:
    begun: int = payment["created_at"] if anyhow else payment["paid_at"]
    return end_of(day_of(begun)) + CANCEL_GRACE
