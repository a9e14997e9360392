"""Money that moved: one row per payment, refund and cancel, with its rate and fee fixed, waiting for settlement."""

import sqlite3
from dataclasses import dataclass

from portal.money import Money
from portal.sandbox import ledger, merchants, rates
from portal.sandbox.context import Context
from portal.sandbox.moments import day_of
from portal.sandbox.rates import Quote
from portal.sandbox.wallets import WALLETS


@dataclass(frozen=True)
class _Worth:
    """What a movement is worth in the settlement currency, signed from the merchant's side; fees are charges."""

    quote_id: str
    pair: str
    price: str
    converted: int
    fee: int
    service_fee: int = 0
    """The acquirer's own part of the fee."""


def _worth(quote: Quote | None, amount: Money, fee: int, service_fee: int = 0) -> _Worth:
    if quote is None:
        return _Worth("", "", "", amount.value, fee, service_fee)
    converted = quote.convert(amount).value
    return _Worth(quote.quote_id, quote.pair, str(quote.price), converted, fee, service_fee)


def record_payment(context: Context, payment: sqlite3.Row) -> None:
    """The user's money becomes the merchant's."""
    amount = Money(payment["value"], payment["currency"])
    quote = rates.quote(amount.currency, payment["settlement_currency"], day_of(context.now()))
    gross = quote.convert(amount).value if quote else amount.value
    service_fee = rates.fee(gross, merchants.of(context, payment["client_id"]).terms.service_fee_rate)
    fee = rates.fee(gross, WALLETS[payment["wallet"]].fee_rate) + service_fee
    worth = _worth(quote, amount, fee, service_fee)
    _record(context, "PAYMENT", payment, payment["payment_request_id"], amount.value, worth)


def record_cancel(context: Context, payment: sqlite3.Row) -> None:
    """The payment is undone, at its own rate and with its whole fee."""
    paid = payment_transaction(context, payment["payment_id"])
    worth = _Worth(
        paid["quote_id"],
        paid["quote_pair"],
        paid["quote_price"],
        -paid["converted_value"],
        -paid["fee_value"],
        -paid["service_fee_value"],
    )
    _record(context, "CANCEL", payment, payment["payment_request_id"], -payment["value"], worth)


def record_refund(context: Context, payment: sqlite3.Row, refund: sqlite3.Row) -> None:
    """Part of the payment goes back, at the rate the terms say; the wallet's fee in proportion."""
    paid = payment_transaction(context, payment["payment_id"])
    amount = Money(-refund["value"], refund["currency"])
    at_the_paid_rate = merchants.of(context, payment["client_id"]).terms.refunds_at_the_paid_rate
    day = day_of(paid["at"] if at_the_paid_rate else context.now())
    quote = rates.quote(amount.currency, payment["settlement_currency"], day)
    before = -context.store.value(
        "SELECT COALESCE(SUM(value), 0) FROM transactions WHERE payment_id = ? AND kind = 'REFUND'",
        (payment["payment_id"],),
    )
    interchange = paid["fee_value"] - paid["service_fee_value"]
    fee = rates.fee_given_back(interchange, payment["value"], before, refund["value"])
    _record(context, "REFUND", payment, refund["refund_request_id"], amount.value, _worth(quote, amount, fee))


def payment_transaction(context: Context, payment_id: str) -> sqlite3.Row:
    """The movement of a payment that succeeded."""
    row = context.store.one("SELECT * FROM transactions WHERE payment_id = ? AND kind = 'PAYMENT'", (payment_id,))
    if row is None:
        raise LookupError(f"{payment_id} moved no money")
    return row


def _record(context: Context, kind: str, payment: sqlite3.Row, request_id: str, value: int, worth: _Worth) -> None:
    context.store.insert(
        "transactions",
        kind=kind,
        client_id=payment["client_id"],
        payment_id=payment["payment_id"],
        request_id=request_id,
        at=context.now(),
        currency=payment["currency"],
        value=value,
        settlement_currency=payment["settlement_currency"],
        quote_id=worth.quote_id,
        quote_pair=worth.pair,
        quote_price=worth.price,
        converted_value=worth.converted,
        fee_value=worth.fee,
        service_fee_value=worth.service_fee,
    )
    context.store.run(
        "UPDATE accounts SET balance = balance - ? WHERE user_id = ? AND wallet = ?",
        (value, payment["user_id"], payment["wallet"]),
    )
    ledger.post(
        context,
        kind,
        request_id,
        (
            (ledger.user_account(payment["wallet"], payment["user_id"]), payment["currency"], -value),
            (ledger.pending_account(payment["client_id"]), payment["currency"], value),
        ),
    )


def rate_of(context: Context, payment_id: str, request_id: str, kind: str) -> tuple[Money, Quote] | None:
    """What a movement is worth in the settlement currency, and at which rate; None within one currency."""
    row = context.store.one(
        "SELECT * FROM transactions WHERE payment_id = ? AND kind = ? AND request_id = ?",
        (payment_id, kind, request_id),
    )
    if row is None or not row["quote_id"]:
        return None
    quote = rates.quote(row["currency"], row["settlement_currency"], row["quote_id"][1:9])
    return None if quote is None else (Money(abs(row["converted_value"]), row["settlement_currency"]), quote)
