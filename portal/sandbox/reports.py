"""Day close: what the acquirer settles, and the three reports it writes about it.

Sources: https://docs.antom.com/ac/reconcile/transaction_details, https://docs.antom.com/ac/reconcile/settlement_details,
https://docs.antom.com/ac/reconcile/settlement_summary (the current edition: major units, fees negative, ``<END>``).
The acquirer's day is UTC+8; on the day after the close is settled what is due by the merchant's cycle and calendar.
"""

import csv
import io
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portal.clock import fresh_id
from portal.money import Money
from portal.sandbox import calendars, editions, ledger, merchants, plants, rates
from portal.sandbox.context import Context
from portal.sandbox.merchants import FIRST_CLIENT, Merchant
from portal.sandbox.moments import DAY, day_of, end_of, next_day, start_of
from portal.sandbox.plants import Plant

PSP = "SANDBOX_PSP"
END = "<END>"
_CLOSED_THROUGH = "closed_through"
_EDITION = "report_edition"
WITHHELD = "WITHHELD"
# Only TO_BE_SETTLED is published; the words for transactions that moved no money are ours.
_STATUS_WORDS = {"FAIL": "FAILED", "PROCESSING": "PROCESSING", "CANCELLED": "CANCELLED"}

_WHO = ("customerId", "PSP", "ARN", "referenceMerchantId", "referenceStoreId")
_WHAT = ("transactionId", "transactionRequestId", "referenceTransactionId", "originalTransactionRequestId")
# The order of the columns is published up to referenceTransactionId; we choose the rest as in the samples we know.
_WORTH = (
    "transactionAmountValue",
    "transactionCurrency",
    "quoteCurrencyPair",
    "quotePrice",
    "convertedTransactionAmountValue",
    "settlementAmountValue",
    "settlementCurrency",
)
_FEE = ("paymentMethodFeeAmountValue", "paymentMethodFeeCurrency")
_NO_FEE = (
    "taxFeeAmountValue",
    "taxFeeCurrency",
    "refundFeeAmountValue",
    "refundFeeCurrency",
    "disputeHandlingFee",
    "disputeHandlingFeeCurrency",
)
TRANSACTION_COLUMNS = (*_WHO, *_WHAT, "transactionType", "status", "paymentMethodType", *_WORTH, *_FEE, "reason")
SETTLEMENT_COLUMNS = (
    "settlementBatchId",
    *_WHO,
    *_WHAT,
    "paymentMethodType",
    "transactionType",
    *_WORTH,
    "settlementInitiatedDate",
    *_FEE,
    *_NO_FEE,
)
SUMMARY_COLUMNS = (
    "settlementBatchId",
    "customerId",
    "PSP",
    "summaryType",
    "settlementInitiatedDate",
    "count",
    "settlementAmountValue",
    "settlementCurrency",
    *_FEE,
    *_NO_FEE,
)


@dataclass(frozen=True)
class ReportFile:
    """One report as written."""

    day: str
    name: str
    kind: str
    client_id: str
    content: str


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

    @property
    def net(self) -> int:
        return self.converted + self.fee

    def with_value(self, value: int) -> "Line":
        """The same movement of another amount, converted at the same rate; its fee stays."""
        quote = rates.quote(self.currency, self.settlement_currency, self.quote_day) if self.quote_pair else None
        converted = quote.convert(Money(value, self.currency)).value if quote else value
        return replace(self, value=value, converted=converted)

    def cells(self) -> dict[str, str]:
        """The columns that transaction and settlement details share."""
        cells = {
            "PSP": PSP,
            "referenceMerchantId": self.reference_merchant_id,
            "referenceStoreId": self.reference_store_id,
            "transactionId": self.payment_id,
            editions.REFUND_ID: self.refund_id,
            "transactionRequestId": self.request_id,
            "referenceTransactionId": self.order_id,
            "originalTransactionRequestId": self.original_request_id,
            "paymentMethodType": self.wallet,
            "transactionType": self.kind,
            "transactionAmountValue": Money(self.value, self.currency).major,
            "transactionCurrency": self.currency,
            "settlementAmountValue": Money(self.net, self.settlement_currency).major,
            "settlementCurrency": self.settlement_currency,
            "paymentMethodFeeAmountValue": Money(self.fee, self.settlement_currency).major,
            "paymentMethodFeeCurrency": self.settlement_currency,
        }
        if self.quote_pair:
            cells |= {
                "quoteCurrencyPair": self.quote_pair,
                "quotePrice": self.quote_price,
                "convertedTransactionAmountValue": Money(self.converted, self.settlement_currency).major,
            }
        return cells


def write_as(context: Context, edition: str) -> None:
    """From now on print reports of this edition. Raises ValueError for one the sandbox does not print."""
    editions.printed(edition, "transactionItems", (), ())
    context.store.remember(_EDITION, edition)


def close_day(
    context: Context, day: str | None = None, folder: Path | None = None, edition: str | None = None
) -> list[ReportFile]:
    """Settle everything up to the end of a day (today, if none is named) and write its reports.

    Printed in an earlier ``edition`` if one is named, or was chosen by ``write_as``.

    A day may be closed again: the transaction details are written anew, and what was not settled yet makes another
    batch. Raises ValueError for a day that is none, or has not begun.
    """
    today = day_of(context.now())
    day = day or today
    if start_of(day) > start_of(today):
        raise ValueError(f"The day {day} has not begun; today is {today}.")
    edition = edition or context.store.fact(_EDITION) or editions.CURRENT
    editions.printed(edition, "transactionItems", (), ())
    written: list[ReportFile] = []
    with context.store.transaction():
        for merchant in merchants.all_merchants(context):
            written += _settle(context, merchant, day, edition)
            transaction_rows = _transaction_rows(context, merchant, day)
            if transaction_rows:
                content = _csv("transactionItems", edition, TRANSACTION_COLUMNS, transaction_rows)
                name = f"transactionItems_{day}_000.csv"
                written.append(ReportFile(day, name, "transactionItems", merchant.client_id, content))
        for file in written:
            context.store.run(
                "INSERT OR REPLACE INTO files (day, name, kind, client_id, content, written_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (file.day, file.name, file.kind, file.client_id, file.content, context.now()),
            )
    if folder is not None:
        for file in written:
            _put(folder, file)
    return written


def close_due_days(context: Context, folder: Path | None) -> int:
    """Close every day that has ended since the last time; how many had anything to report."""
    yesterday = day_of(context.now() - DAY)
    closed_through = context.store.fact(_CLOSED_THROUGH)
    if closed_through is None or closed_through > yesterday:  # new, or the clock was set back
        context.store.remember(_CLOSED_THROUGH, yesterday)
        return 0
    done = 0
    while closed_through < yesterday:
        first = _first_to_report(context, end_of(closed_through))
        closed_through = min(yesterday, next_day(closed_through) if first is None else day_of(first))
        if first is not None and first < end_of(closed_through):
            done += bool(close_day(context, closed_through, folder))
        else:
            closed_through = yesterday
        context.store.remember(_CLOSED_THROUGH, closed_through)
    return done


def _first_to_report(context: Context, since: int) -> int | None:
    """When, from a moment on, the first thing happened that a day's reports speak of; None: nothing since.

    What is not settled yet belongs to the first day that is closed, however long ago it happened.
    """
    first: int | None = context.store.value(
        "SELECT MIN(at) FROM (SELECT MIN(created_at) AS at FROM payments WHERE created_at >= :since "
        "UNION ALL SELECT MIN(created_at) FROM refunds WHERE created_at >= :since "
        "UNION ALL SELECT MIN(at) FROM transactions WHERE at >= :since "
        "UNION ALL SELECT MAX(MIN(at), :since) FROM transactions WHERE batch_id IS NULL)",
        {"since": since},
    )
    return first


def begin_anew(context: Context) -> None:
    """Forget which days were closed: the present one is the first again, also when the clock was set back."""
    context.store.remember(_CLOSED_THROUGH, day_of(context.now() - DAY))


def next_close(context: Context) -> int | None:
    """When a day close will next have something to settle."""
    first: int | None = context.store.value("SELECT MIN(at) FROM transactions WHERE batch_id IS NULL")
    if first is None:
        return None
    moment = max(end_of(day_of(first)), end_of(day_of(context.now() - DAY)))
    closed_through = context.store.fact(_CLOSED_THROUGH)
    # What a closed day left for later comes with the next one.
    return moment if closed_through is None else max(moment, end_of(next_day(closed_through)))


def stored(context: Context, day: str, name: str, client_id: str = FIRST_CLIENT) -> ReportFile | None:
    """A report written before."""
    row = context.store.one("SELECT * FROM files WHERE day = ? AND name = ? AND client_id = ?", (day, name, client_id))
    return None if row is None else ReportFile(row["day"], row["name"], row["kind"], row["client_id"], row["content"])


def listing(context: Context) -> list[sqlite3.Row]:
    """Every report, newest day first, without its content."""
    return context.store.all(
        "SELECT day, name, kind, client_id, written_at, length(content) AS size FROM files ORDER BY day DESC, name"
    )


def _put(folder: Path, file: ReportFile) -> None:
    """``<folder>/<day>/<name>``; merchants other than the first have a folder of their own above the day."""
    place = folder / file.day if file.client_id == FIRST_CLIENT else folder / file.client_id / file.day
    place.mkdir(parents=True, exist_ok=True)
    draft = place / f"{file.name}.part"
    draft.write_text(file.content, encoding="utf-8")
    draft.replace(place / file.name)


# Settlement.

_MOVEMENTS = (
    "SELECT transactions.*, payments.payment_request_id, payments.order_id, payments.wallet, "
    "payments.reference_merchant_id, payments.reference_store_id, refunds.refund_id FROM transactions "
    "JOIN payments ON payments.payment_id = transactions.payment_id "
    "LEFT JOIN refunds ON refunds.refund_request_id = transactions.request_id "
    "AND refunds.client_id = transactions.client_id AND transactions.kind = 'REFUND' WHERE transactions.client_id = ? "
)


def _line(row: sqlite3.Row) -> Line:
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
    )


def _settle(context: Context, merchant: Merchant, day: str, edition: str) -> list[ReportFile]:
    """Batches of everything whose day of settlement has come with the next day, one per settlement currency.

    None before a day without settlement: it waits for the next one.
    """
    settlement_day = next_day(day)
    calendar = merchant.weekend, merchant.holidays, merchant.working_days
    if not calendars.is_working(settlement_day, *calendar):
        return []
    waiting = context.store.all(
        _MOVEMENTS + "AND batch_id IS NULL AND at < ? ORDER BY transactions.number",
        (merchant.client_id, end_of(day)),
    )
    by_currency: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for row in waiting:
        if calendars.settles_on(day_of(row["at"]), merchant.settlement_cycle, *calendar) <= settlement_day:
            by_currency[row["settlement_currency"]].append(row)
    files: list[ReportFile] = []
    for currency, rows in by_currency.items():
        files += _settle_batch(context, merchant, day, currency, rows, edition)
    return files


def _settle_batch(
    context: Context, merchant: Merchant, day: str, currency: str, rows: list[sqlite3.Row], edition: str
) -> list[ReportFile]:
    number = 1 + context.store.value("SELECT COUNT(*) FROM files WHERE kind = 'settlementSummary'")
    batch_id = f"{next_day(day)}1102{number:07d}"
    lines, withheld = _planted(context, [(row["number"], _line(row)) for row in rows])
    settled = [row for row in rows if row["number"] not in withheld]
    context.store.run_many(
        "UPDATE transactions SET batch_id = ? WHERE number = ?",
        [(batch_id, row["number"]) for row in settled]
        + [(WITHHELD, number) for number, comes_later in withheld.items() if not comes_later],
    )
    _post(context, merchant, batch_id, currency, [_line(row) for row in settled])
    date = next_day(day)
    initiated = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    common = {
        "settlementBatchId": batch_id,
        "customerId": merchant.customer_id,
        "PSP": PSP,
        "settlementInitiatedDate": initiated,
    }
    items = [{**line.cells(), **common} for line in lines]
    stem = f"{currency}_{batch_id}_000.csv"
    return [
        ReportFile(day, name, kind, merchant.client_id, content)
        for kind, name, content in (
            ("settlementItems", f"settlementItems_{stem}", _csv("settlementItems", edition, SETTLEMENT_COLUMNS, items)),
            (
                "settlementSummary",
                f"settlementSummary_{stem}",
                _csv("settlementSummary", edition, SUMMARY_COLUMNS, _summary_rows(lines, currency, common)),
            ),
        )
    ]


def _post(context: Context, merchant: Merchant, batch_id: str, currency: str, lines: list[Line]) -> None:
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


def _summary_rows(lines: list[Line], currency: str, common: dict[str, str]) -> list[dict[str, str]]:
    by_kind: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_kind[line.kind].append(line)
    return [
        {
            **common,
            "summaryType": kind,
            "count": str(len(group)),
            "settlementAmountValue": Money(sum(line.net for line in group), currency).major,
            "settlementCurrency": currency,
            "paymentMethodFeeAmountValue": Money(sum(line.fee for line in group), currency).major,
            "paymentMethodFeeCurrency": currency,
        }
        for kind, group in [*sorted(by_kind.items(), reverse=True), ("TOTAL", lines)]
    ]


# What is wrong on purpose.


def _planted(context: Context, numbered: list[tuple[int, Line]]) -> tuple[list[Line], dict[int, bool]]:
    """The lines as the report will show them, and the transactions left out (and whether they come later)."""
    withheld: dict[int, bool] = {}
    surplus: list[tuple[int, Line]] = []
    """Beside the transactions they are like."""
    shown = dict(numbered)
    for plant in plants.waiting(context):
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
    )
    return stray.with_value(int(plant.options.get("value", abs(like.value))))


# Transaction details.


def _transaction_rows(context: Context, merchant: Merchant, day: str) -> list[dict[str, str]]:
    """The latest status of every transaction of the day, also of those that moved no money."""
    window = (merchant.client_id, start_of(day), end_of(day))
    moved = context.store.all(_MOVEMENTS + "AND at >= ? AND at < ? ORDER BY transactions.number", window)
    rows: list[tuple[int, dict[str, Any]]] = [
        (row["at"], {**_line(row).cells(), "status": "TO_BE_SETTLED"}) for row in moved
    ]
    for row in context.store.all(
        "SELECT * FROM payments WHERE client_id = ? AND created_at >= ? AND created_at < ? AND paid_at IS NULL",
        window,
    ):
        rows.append((row["created_at"], _unmoved(row, "PAYMENT", row["payment_request_id"], "", row)))
    for row in context.store.all(
        "SELECT * FROM refunds WHERE client_id = ? AND created_at >= ? AND created_at < ? AND status != 'SUCCESS'",
        window,
    ):
        payment = context.store.one("SELECT * FROM payments WHERE payment_id = ?", (row["payment_id"],))
        if payment is not None:
            original = payment["payment_request_id"]
            rows.append((row["created_at"], _unmoved(row, "REFUND", row["refund_request_id"], original, payment)))
    rows.sort(key=lambda timed: timed[0])
    return [{**row, "customerId": merchant.customer_id} for _, row in rows]


def _unmoved(
    row: sqlite3.Row, kind: str, request_id: str, original_request_id: str, payment: sqlite3.Row
) -> dict[str, str]:
    amount = Money(row["value"] if kind == "PAYMENT" else -row["value"], row["currency"])
    return {
        "PSP": PSP,
        "referenceMerchantId": payment["reference_merchant_id"],
        "referenceStoreId": payment["reference_store_id"],
        "transactionId": row["payment_id"],
        "transactionRequestId": request_id,
        "referenceTransactionId": payment["order_id"],
        "originalTransactionRequestId": original_request_id,
        "transactionType": kind,
        "status": _STATUS_WORDS[row["status"]],
        "paymentMethodType": payment["wallet"],
        "transactionAmountValue": amount.major,
        "transactionCurrency": amount.currency,
        "reason": row["result_code"] if row["status"] == "FAIL" else "",
    }


def _csv(kind: str, edition: str, columns: tuple[str, ...], rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    names, told = editions.printed(edition, kind, columns, rows)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in told)
    return f"{text.getvalue()}{END}\n"
