"""Antom's three reports of a day, and the settlement they report.

Sources: https://docs.antom.com/ac/reconcile/transaction_details, https://docs.antom.com/ac/reconcile/settlement_details,
https://docs.antom.com/ac/reconcile/settlement_summary (the current edition: major units, fees negative, ``<END>``).
On the day after the close is settled what is due by the merchant's cycle and calendar.
"""

import csv
import io
import sqlite3
from collections import defaultdict
from typing import Any

from portal.money import Money
from portal.sandbox import calendars, editions
from portal.sandbox.context import Context
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import day_of, end_of, next_day, start_of
from portal.sandbox.settlement import MOVEMENTS, WITHHELD, Line, ReportFile, line_of, planted, post

PSP = "SANDBOX_PSP"
END = "<END>"
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


def close(context: Context, merchant: Merchant, day: str, edition: str) -> list[ReportFile]:
    """Settle everything up to the end of a day that is due, and write its reports."""
    written = _settle(context, merchant, day, edition)
    rows = _transaction_rows(context, merchant, day)
    if rows:
        content = _csv("transactionItems", edition, TRANSACTION_COLUMNS, rows)
        name = f"transactionItems_{day}_000.csv"
        written.append(ReportFile(day, name, "transactionItems", merchant.client_id, content))
    return written


def _settle(context: Context, merchant: Merchant, day: str, edition: str) -> list[ReportFile]:
    """Batches of everything whose day of settlement has come with the next day, one per settlement currency.

    None before a day without settlement: it waits for the next one.
    """
    settlement_day = next_day(day)
    calendar = merchant.weekend, merchant.holidays, merchant.working_days
    if not calendars.is_working(settlement_day, *calendar):
        return []
    waiting = context.store.all(
        MOVEMENTS + "AND batch_id IS NULL AND at < ? ORDER BY transactions.number",
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
    lines, withheld = planted(context, merchant.client_id, [(row["number"], line_of(row)) for row in rows])
    settled = [row for row in rows if row["number"] not in withheld]
    context.store.run_many(
        "UPDATE transactions SET batch_id = ? WHERE number = ?",
        [(batch_id, row["number"]) for row in settled]
        + [(WITHHELD, number) for number, comes_later in withheld.items() if not comes_later],
    )
    post(context, merchant, batch_id, currency, [line_of(row) for row in settled])
    date = next_day(day)
    initiated = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    common = {
        "settlementBatchId": batch_id,
        "customerId": merchant.customer_id,
        "PSP": PSP,
        "settlementInitiatedDate": initiated,
    }
    items = [{**_cells(line), **common} for line in lines]
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


def _cells(line: Line) -> dict[str, str]:
    """The columns that transaction and settlement details share."""
    cells = {
        "PSP": PSP,
        "referenceMerchantId": line.reference_merchant_id,
        "referenceStoreId": line.reference_store_id,
        "transactionId": line.payment_id,
        editions.REFUND_ID: line.refund_id,
        "transactionRequestId": line.request_id,
        "referenceTransactionId": line.order_id,
        "originalTransactionRequestId": line.original_request_id,
        "paymentMethodType": line.wallet,
        "transactionType": line.kind,
        "transactionAmountValue": Money(line.value, line.currency).major,
        "transactionCurrency": line.currency,
        "settlementAmountValue": Money(line.net, line.settlement_currency).major,
        "settlementCurrency": line.settlement_currency,
        "paymentMethodFeeAmountValue": Money(line.fee, line.settlement_currency).major,
        "paymentMethodFeeCurrency": line.settlement_currency,
    }
    if line.quote_pair:
        cells |= {
            "quoteCurrencyPair": line.quote_pair,
            "quotePrice": line.quote_price,
            "convertedTransactionAmountValue": Money(line.converted, line.settlement_currency).major,
        }
    return cells


# Transaction details.


def _transaction_rows(context: Context, merchant: Merchant, day: str) -> list[dict[str, str]]:
    """The latest status of every transaction of the day, also of those that moved no money."""
    window = (merchant.client_id, start_of(day), end_of(day))
    moved = context.store.all(MOVEMENTS + "AND at >= ? AND at < ? ORDER BY transactions.number", window)
    rows: list[tuple[int, dict[str, Any]]] = [
        (row["at"], {**_cells(line_of(row)), "status": "TO_BE_SETTLED"}) for row in moved
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
