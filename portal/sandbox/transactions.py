"""Money that moved: one row per payment, refund and cancel, with its rate and fee fixed, waiting for settlement."""

import sqlite3
from dataclasses import dataclass

from portal.money import Money
from portal.sandbox import ledger, rates
from portal.sandbox.context import Context
from portal.sandbox.moments import day_of
from portal.sandbox.rates import Quote
from portal.sandbox.wallets import WALLETS


@dataclass(frozen=True)
class _Worth:
    """What a movement is worth in the settlement currency, signed from the merchant's side."""

    quote_id: str
    pair: str
    price: str
    converted: int
    fee: int


def _worth(quote: Quote | None, amount: Money, fee: int) -> _Worth:
    if quote is None:
        return _Worth("", "", "", amount.value, fee)
    return _Worth(quote.quote_id, quote.pair, str(quote.price), quote.convert(amount).value, fee)


def record_payment(context: Context, payment: sqlite3.Row) -> None:
    """The user's money becomes the merchant's."""
    amount = Money(payment["value"], payment["currency"])
    quote = rates.quote(amount.currency, payment["settlement_currency"], day_of(context.now()))
    gross = quote.convert(amount).value if quote else amount.value
    fee = rates.fee(gross, WALLETS[payment["wallet"]].fee_rate)
    _record(context, "PAYMENT", payment, payment["payment_request_id"], amount.value, _worth(quote, amount, fee))


def record_cancel(context: Context, payment: sqlite3.Row) -> None:
    """The payment is undone, at its own rate and with its whole fee."""
    paid = payment_transaction(context, payment["payment_id"])
    worth = _Worth(
        paid["quote_id"], paid["quote_pair"], paid["quote_price"], -paid["converted_value"], -paid["fee_value"]
    )
    _record(context, "CANCEL", payment, payment["payment_request_id"], -payment["value"], worth)


def record_refund(context: Context, payment: sqlite3.Row, refund: sqlite3.Row) -> None:
    """Part of the payment goes back, at today's rate; the fee in proportion."""
    paid = payment_transaction(context, payment["payment_id"])
    amount = Money(-refund["value"], refund["currency"])
    quote = rates.quote(amount.currency, payment["settlement_currency"], day_of(context.now()))
    before = -context.store.value(
        "SELECT COALESCE(SUM(value), 0) FROM transactions WHERE payment_id = ? AND kind = 'REFUND'",
        (payment["payment_id"],),
    )
    fee = rates.fee_given_back(paid["fee_value"], payment["value"], before, refund["value"])
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


def settlement_facts(context: Context, payment_id: str, request_id: str, kind: str) -> dict[str, object]:
    """``grossSettlementAmount`` and ``settlementQuote`` of a movement; nothing within one currency."""
    row = context.store.one(
        "SELECT * FROM transactions WHERE payment_id = ? AND kind = ? AND request_id = ?",
        (payment_id, kind, request_id),
    )
    if row is None or not row["quote_id"]:
        return {}
    quote = rates.quote(row["currency"], row["settlement_currency"], day_of(row["at"]))
    if quote is None:
        return {}
    return {
        "grossSettlementAmount": Money(abs(row["converted_value"]), row["settlement_currency"]).to_wire(),
        "settlementQuote": quote.on_the_wire(),
    }
