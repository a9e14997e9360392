"""Reports as the acquirer prints them: invented data, the documented format.

Examples 15.1, 15.2 and 15.8 of the format, and a small printer for stories that need one row.
"""

from collections.abc import Sequence

CUSTOMER = "2188990000000042"
BATCH = "2026051498700001"

SETTLEMENT_HEADER = (
    "settlementBatchId,customerId,PSP,ARN,referenceMerchantId,referenceStoreId,transactionId,transactionRequestId,"
    "referenceTransactionId,originalTransactionRequestId,paymentMethodType,transactionType,transactionAmountValue,"
    "transactionCurrency,quoteCurrencyPair,quotePrice,convertedTransactionAmountValue,settlementAmountValue,"
    "settlementCurrency,settlementInitiatedDate,paymentMethodFeeAmountValue,paymentMethodFeeCurrency,"
    "refundFeeAmountValue,refundFeeCurrency,disputeHandlingFee,disputeHandlingFeeCurrency"
)
SUMMARY_HEADER = (
    "settlementBatchId,customerId,PSP,summaryType,settlementInitiatedDate,count,settlementAmountValue,"
    "settlementCurrency,paymentMethodFeeAmountValue,paymentMethodFeeCurrency,taxFeeAmountValue,taxFeeCurrency,"
    "refundFeeAmountValue,refundFeeCurrency,disputeHandlingFee,disputeHandlingFeeCurrency"
)
TRANSACTIONS_HEADER = (
    "customerId,PSP,ARN,referenceMerchantId,referenceStoreId,transactionId,transactionRequestId,"
    "referenceTransactionId,originalTransactionRequestId,transactionType,status,paymentMethodType,"
    "transactionAmountValue,transactionCurrency,settlementAmountValue,settlementCurrency,"
    "paymentMethodFeeAmountValue,paymentMethodFeeCurrency,reason"
)
END = "<END>"

SETTLEMENT = f"""{SETTLEMENT_HEADER}
2026051498700001,2188990000000042,EXAMPLE_PSP,,M-01,,2026051219401080010018800000000001,P-20260512-000001,ORD-1001,,GCASH,PAYMENT,1120.00,PHP,USD/PHP,56.00,20.00,19.42,USD,2026-05-14,-0.58,USD,,,,
2026051498700001,2188990000000042,EXAMPLE_PSP,,M-01,,2026051219401080010018800000000002,P-20260512-000002,ORD-1002,,DANA,PAYMENT,45.00,USD,,,,43.69,USD,2026-05-14,-1.31,USD,,,,
2026051498700001,2188990000000042,EXAMPLE_PSP,,M-01,,2026051219401080010018800000000003,P-20260512-000003,ORD-1003,,TNG,PAYMENT,120.00,USD,,,,116.52,USD,2026-05-14,-3.48,USD,,,,
2026051498700001,2188990000000042,EXAMPLE_PSP,,M-01,,2026051219401080010018800000000002,R-20260512-000001,ORD-1002,P-20260512-000002,DANA,REFUND,-15.00,USD,,,,-14.56,USD,2026-05-14,0.44,USD,,,,
2026051498700001,2188990000000042,EXAMPLE_PSP,,M-01,,2026051219401080010018800000000003,R-20260512-000002,ORD-1003,P-20260512-000003,TNG,REFUND,-10.00,USD,,,,-10.30,USD,2026-05-14,,,-0.30,USD,,
2026051498700001,2188990000000042,EXAMPLE_PSP,,M-01,,2026040119401080010018800000000077,,ORD-0077,P-20260401-000077,KAKAOPAY,DISPUTE,-30.00,USD,,,,-45.00,USD,2026-05-14,,,,,-15.00,USD
2026051498700001,2188990000000042,EXAMPLE_PSP,,,,INT-0000000001,,,,,RESERVE,,,,,,-5.00,USD,2026-05-14,,,,,,
2026051498700001,2188990000000042,EXAMPLE_PSP,,,,INT-0000000002,,,,,SETTLEMENT_FEE,,,,,,-2.00,USD,2026-05-14,,,,,,
<END>
"""

SUMMARY = f"""{SUMMARY_HEADER}
2026051498700001,2188990000000042,EXAMPLE_PSP,PAYMENT,2026-05-14,3,179.63,USD,-5.37,USD,,,,,,
2026051498700001,2188990000000042,EXAMPLE_PSP,REFUND,2026-05-14,2,-24.86,USD,0.44,USD,,,-0.30,USD,,
2026051498700001,2188990000000042,EXAMPLE_PSP,DISPUTE,2026-05-14,1,-45.00,USD,,,,,,,-15.00,USD
2026051498700001,2188990000000042,EXAMPLE_PSP,RESERVE,2026-05-14,1,-5.00,USD,,,,,,,,
2026051498700001,2188990000000042,EXAMPLE_PSP,SETTLEMENT_FEE,2026-05-14,1,-2.00,USD,,,,,,,,
2026051498700001,2188990000000042,EXAMPLE_PSP,TOTAL,2026-05-14,8,102.77,USD,-4.93,USD,,,-0.30,USD,-15.00,USD
<END>
"""

TRANSACTIONS = f"""{TRANSACTIONS_HEADER}
2188990000000042,EXAMPLE_PSP,,M-01,,2026051219401080010018800000000002,P-20260512-000002,ORD-1002,,PAYMENT,TO_BE_SETTLED,DANA,45.00,USD,43.69,USD,-1.31,USD,
2188990000000042,EXAMPLE_PSP,,M-01,,2026051219401080010018800000000009,P-20260512-000009,ORD-1009,,PAYMENT,FAILED,DANA,12.00,USD,,,,,
2188990000000042,EXAMPLE_PSP,,M-01,,2026051219401080010018800000000001,P-20260512-000001,ORD-1001,,PAYMENT,TO_BE_SETTLED,GCASH,1120.00,PHP,,,,,
<END>
"""


def settlement(*rows: dict[str, str], batch: str = BATCH) -> str:
    """Settlement details of these rows; what a row does not say has an ordinary value or none."""
    usual = {"settlementBatchId": batch, "customerId": CUSTOMER, "PSP": "EXAMPLE_PSP"}
    usual |= {"settlementCurrency": "USD", "settlementInitiatedDate": "2026-05-14"}
    return _printed(SETTLEMENT_HEADER, [usual | row for row in rows])


def summary(*rows: dict[str, str], batch: str = BATCH) -> str:
    """A settlement summary of these rows."""
    usual = {"settlementBatchId": batch, "customerId": CUSTOMER, "PSP": "EXAMPLE_PSP"}
    usual |= {"settlementCurrency": "USD", "settlementInitiatedDate": "2026-05-14"}
    return _printed(SUMMARY_HEADER, [usual | row for row in rows])


def transactions(*rows: dict[str, str]) -> str:
    """Transaction details of these rows."""
    usual = {"customerId": CUSTOMER, "PSP": "EXAMPLE_PSP", "status": "TO_BE_SETTLED"}
    return _printed(TRANSACTIONS_HEADER, [usual | row for row in rows])


def row(row_type: str, request_id: str, amount: str, net: str, *, currency: str = "USD", **more: str) -> dict[str, str]:
    """A details row about one of our ids."""
    return {
        "transactionType": row_type,
        "transactionRequestId": request_id,
        "transactionAmountValue": amount,
        "transactionCurrency": currency if amount else "",
        "settlementAmountValue": net,
        **more,
    }


def fee(text: str) -> dict[str, str]:
    """The fee cells of a row."""
    return {"paymentMethodFeeAmountValue": text, "paymentMethodFeeCurrency": "USD"}


def _printed(header: str, rows: Sequence[dict[str, str]]) -> str:
    names = header.split(",")
    unknown = {name for row in rows for name in row} - set(names)
    assert not unknown, f"no such column: {unknown}"
    lines = [",".join(row.get(name, "") for name in names) for row in rows]
    return "\n".join([header, *lines, END, ""])
