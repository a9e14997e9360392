"""The letter that heads a discrepancy's bundle: the acquirer reads it, so it is English whoever sends it."""

from typing import Any

from payments.models import Refund
from reconciliation.models import Discrepancy, Match

_ASKED = {
    "ASK": "Please tell us what this is.",
    "CORRECT": "Please correct it, or tell us why it is right.",
    "PAY": "Please settle the amount that is missing, or tell us why it is not due.",
    "OTHER": "Please look into it.",
}


def letter(one: Discrepancy, reason_code: str, match: Match | None) -> str:
    """What differs, in which report, and what is asked for."""
    line, file = one.row or one.summary_row, one.file
    said: list[tuple[str, Any]] = [
        ("Merchant", one.whose.customer_id or one.whose.name),
        ("Report", file.name if file is not None else ""),
        ("SHA-256 of the report", file.sha256 if file is not None else ""),
        ("Settlement batch", line.batch.batch_id if line is not None and line.batch is not None else ""),
        ("PSP", line.batch.psp if line is not None and line.batch is not None else ""),
        ("Line", line.line_number if line is not None else ""),
        ("Type", line.printed_type if line is not None else ""),
    ]
    if one.row is not None:
        said += [
            ("transactionId", one.row.transaction_id),
            ("transactionRequestId", one.row.transaction_request_id),
            ("originalTransactionRequestId", one.row.original_transaction_request_id),
            ("Amount", one.row.transaction_amount or ""),
            ("Net", one.row.net or ""),
        ]
    if match is not None:
        ours = match.refund or match.payment
        said += [("In our books", f"{ours} of {ours.amount}, {ours.get_status_display().lower()}")]
    missing = one.refund or one.payment
    if missing is not None:
        their_id = missing.refund_id if isinstance(missing, Refund) else missing.payment_id
        said += [("Our request id", str(missing)), ("Your id", their_id), ("Amount", missing.amount)]
    said += [("What differs", one.sentence), ("At stake", one.stake if one.stake_value else "")]
    width = max(len(label) for label, _ in said) + 2
    facts = "\n".join(f"{label + ':':<{width}}{value}" for label, value in said if value not in ("", None))
    return (
        "Dear colleagues,\n\nwe reconcile your reports with our books, and this does not agree.\n\n"
        f"{facts}\n\n{_ASKED[reason_code]} The rows and messages it was found with are in this archive; "
        "README.txt says\nhow to check them.\n"
    )
