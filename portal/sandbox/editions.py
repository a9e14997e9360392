"""Reports as earlier editions print them: other columns, other ids, and before May 2023 another unit.

The engine settles one way and prints the current edition; what an SFTP account of long ago would still get is made
from the same rows here.
"""

from collections.abc import Mapping, Sequence

from portal.money import parse_major

CURRENT = "E4"
EDITIONS = ("E1", "E2", "E3", CURRENT)
"""E1 prints minor units and names no acquirer; E2 has the columns of interchange pricing, E3 has not."""
REFUND_ID = "refundId"
"""Not a column: what a refund's row is called by before the current edition."""

_RENAMED = {
    "acquirer": "PSP",
    "acquirerReferenceNo": "ARN",
    "settlementTime": "settlementInitiatedDate",
    "feeAmountValue": "paymentMethodFeeAmountValue",
    "feeCurrency": "paymentMethodFeeCurrency",
}
_WHO = ("customerId", "acquirer", "acquirerReferenceNo", "referenceMerchantId", "referenceStoreId")
_WHAT = ("transactionId", "originalTransactionId", "transactionRequestId", "referenceTransactionId")
_TRANSACTIONS = (
    *(*_WHO, *_WHAT, "orderDescription", "paymentMethodType", "pspName", "transactionType", "paymentTime"),
    *("productCode", "transactionAmountValue", "transactionCurrency"),
)
_SETTLEMENT = (
    *("settlementBatchId", *_WHO, *_WHAT, "paymentMethodType", "pspName", "transactionType", "paymentTime"),
    *("settlementTime", "productCode", "transactionAmountValue", "transactionCurrency", "settlementAmountValue"),
    *("settlementCurrency", "quoteCurrencyPair", "quotePrice", "feeAmountValue", "feeCurrency"),
)
_SUMMARY = (
    *("settlementBatchId", "customerId", "acquirer", "summaryType", "settlementTime", "count"),
    *("settlementAmountValue", "settlementCurrency", "feeAmountValue", "feeCurrency"),
)
_INTERCHANGE = (
    *("interchangeFeeAmountValue", "interchangeFeeCurrency", "schemeFeeAmountValue", "schemeFeeCurrency"),
    *("acquirerMarkupAmountValue", "acquirerMarkupCurrency"),
)
_COLUMNS = {"transactionItems": _TRANSACTIONS, "settlementItems": _SETTLEMENT, "settlementSummary": _SUMMARY}
_AMOUNTS = {
    "transactionAmountValue": "transactionCurrency",
    "settlementAmountValue": "settlementCurrency",
    "feeAmountValue": "settlementCurrency",
}


def printed(
    edition: str, kind: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Columns and rows of a report in an edition. Raises ValueError for one the sandbox does not print."""
    if edition not in EDITIONS:
        raise ValueError(f"The sandbox prints the editions {', '.join(EDITIONS)}, not {edition!r}.")
    if edition == CURRENT:
        return tuple(columns), [dict(row) for row in rows]
    names = _COLUMNS[kind]
    if edition == "E1":
        names = tuple(name for name in names if name not in {"acquirer", "acquirerReferenceNo"})
    if edition == "E2" and kind != "transactionItems":
        names = (*names, *_INTERCHANGE)
    return names, [_row(row, edition) for row in rows if row.get("status", "TO_BE_SETTLED") == "TO_BE_SETTLED"]


def _row(row: Mapping[str, str], edition: str) -> dict[str, str]:
    told = {**row, **{name: row.get(current, "") for name, current in _RENAMED.items()}}
    if row.get("transactionType") == "REFUND":
        told["originalTransactionId"] = row["transactionId"]
        told["transactionId"] = row.get(REFUND_ID, "") or row["transactionId"]
    told["productCode"] = "AGREEMENT_PAYMENT"
    if told["settlementTime"]:
        told["settlementTime"] += "T10:00:00+08:00"
    if edition == "E1":
        for column, currency in _AMOUNTS.items():
            if told.get(column):
                told[column] = str(parse_major(told[column], told[currency]).value)
    return told
