"""Movements of money as reports print them, and what both acquirers' settlements do with them.

What is wrong on purpose (plants) is wrong on paper only: the books are posted from what happened.
"""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, replace

from portal.clock import fresh_id
from portal.money import Money
from portal.sandbox import ledger, plants, rates
from portal.sandbox.context import Context
from portal.sandbox.merchants import Merchant
from portal.sandbox.plants import Plant

WITHHELD = "WITHHELD"
"""The batch of a movement that a report will never show."""


@dataclass(frozen=True)
class ReportFile:
    """One report as written."""

    day: str
    name: str
    kind: str
    client_id: str
    content: str
    folder: str = ""
    """Where it lies among the reports; empty for the day's own."""


@dataclass(frozen=True)
class Line:
    """One movement of money as a report prints it; values in minor units, signed from the merchant's side."""

    kind: str
    payment_id: str
    request_id: str
    original_request_id: str
    order_id: str
    reference_merchant_id: str
    reference_store_id: str
    wallet: str
    currency: str
    value: int
    settlement_currency: str
    quote_pair: str
    quote_price: str
    quote_day: str
    converted: int
    fee: int
    refund_id: str = ""
    at: int = 0
    service_fee: int = 0
    """The acquirer's own part of the fee, a charge like it."""

    @property
    def net(self) -> int:
        return self.converted + self.fee

    def with_value(self, value: int) -> "Line":
        """The same movement of another amount, converted at the same rate; its fee stays."""
        quote = rates.quote(self.currency, self.settlement_currency, self.quote_day) if self.quote_pair else None
        converted = quote.convert(Money(value, self.currency)).value if quote else value
        return replace(self, value=value, converted=converted)


MOVEMENTS = (
    "SELECT transactions.*, payments.payment_request_id, payments.order_id, payments.wallet, "
    "payments.reference_merchant_id, payments.reference_store_id, refunds.refund_id FROM transactions "
    "JOIN payments ON payments.payment_id = transactions.payment_id "
    "LEFT JOIN refunds ON refunds.refund_request_id = transactions.request_id "
    "AND refunds.client_id = transactions.client_id AND transactions.kind = 'REFUND' WHERE transactions.client_id = ? "
)


def line_of(row: sqlite3.Row) -> Line:
    """A movement as a line."""
    return Line(
        kind=row["kind"],
        payment_id=row["payment_id"],
        request_id=row["request_id"],
        # What an E4 CANCEL row carries is not confirmed; we choose the payment's request id in both columns.
        original_request_id="" if row["kind"] == "PAYMENT" else row["payment_request_id"],
        order_id=row["order_id"],
        reference_merchant_id=row["reference_merchant_id"],
        reference_store_id=row["reference_store_id"],
        wallet=row["wallet"],
        currency=row["currency"],
        value=row["value"],
        settlement_currency=row["settlement_currency"],
        quote_pair=row["quote_pair"],
        quote_price=row["quote_price"],
        quote_day=row["quote_id"][1:9],
        converted=row["converted_value"],
        fee=row["fee_value"],
        refund_id=row["refund_id"] or "",
        at=row["at"],
        service_fee=row["service_fee_value"],
    )


def post(context: Context, merchant: Merchant, batch_id: str, currency: str, lines: list[Line]) -> None:
    """The books: what was pending is paid out, less fees, across the acquirer's currency position."""
    pending, settled = ledger.pending_account(merchant.client_id), ledger.settled_account(merchant.client_id)
    entries: list[ledger.Entry] = []
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.currency] += line.value
    for source, total in sums.items():
        entries += [(pending, source, -total), (ledger.EXCHANGE, source, total)]
    converted, fees = sum(line.converted for line in lines), sum(line.fee for line in lines)
    entries += [
        (ledger.EXCHANGE, currency, -converted),
        (ledger.FEES, currency, -fees),
        (settled, currency, converted + fees),
    ]
    ledger.post(context, "SETTLEMENT", batch_id, entries)


def planted(context: Context, client_id: str, numbered: list[tuple[int, Line]]) -> tuple[list[Line], dict[int, bool]]:
    """The lines as a merchant's report will show them, and the transactions left out (and whether they come later)."""
    withheld: dict[int, bool] = {}
    surplus: list[tuple[int, Line]] = []
    """Beside the transactions they are like."""
    shown = dict(numbered)
    for plant in plants.waiting(context, client_id):
        aim = plants.aim(plant, [(number, line.kind, line.request_id) for number, line in shown.items()])
        if aim is None:
            continue
        line = shown[aim]
        if plant.kind == "missing_row":
            withheld[aim] = bool(plant.options.get("later"))
            del shown[aim]  # and its double, if an earlier plant made one: else the report would have it after all
            surplus = [(like, one) for like, one in surplus if like != aim or one.request_id != line.request_id]
        elif plant.kind in ("unknown_row", "duplicated_row"):
            surplus.append((aim, _stray(line, plant) if plant.kind == "unknown_row" else line))
        else:
            shown[aim] = _wrong(line, plant)
        plants.used(context, plant)
    return [*shown.values(), *(line for _, line in surplus)], withheld


def _wrong(line: Line, plant: Plant) -> Line:
    if plant.kind == "fee_differs":
        return replace(line, fee=line.fee - plant.by)
    return line.with_value(line.value - plant.by)


def _stray(like: Line, plant: Plant) -> Line:
    """A payment that no merchant's book knows."""
    stray = replace(
        like,
        kind="PAYMENT",
        payment_id=fresh_id("STRAY"),
        request_id=str(plant.options.get("request_id") or fresh_id("STRAY")),
        original_request_id="",
        order_id="",
        fee=0,
        service_fee=0,
    )
    return stray.with_value(int(plant.options.get("value", abs(like.value))))
