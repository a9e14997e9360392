"""What the acquirer's reports say about an order's payments, for its evidence pack. Reads only."""

from typing import Any

from django.db.models import Q

from payments.models import Order
from portal.evidence import record, rows
from portal.registry import Evidence
from reconciliation.models import Discrepancy, Match

ROW = (
    "line_number", "printed_type", "printed_status", "transaction_id", "transaction_request_id",
    "original_transaction_request_id", "transaction_value", "transaction_currency", "quote_currency_pair",
    "quote_price", "gross_value", "fees", "fees_value", "settlement_value", "settlement_currency", "state", "raw",
)  # fmt: skip
DISCREPANCY = (
    "reason", "sentence", "value", "currency", "stake_value", "stake_currency", "opened_at", "closed_at", "closed_by",
    "resolution", "note",
)  # fmt: skip


def of_order(order: Any) -> list[Evidence]:
    """Every row of a report that belongs to the order, with the digest of the file it stands in."""
    if not isinstance(order, Order):
        return []
    matches = (
        Match.objects.filter(payment__order=order)
        .select_related("row__file", "row__batch")
        .prefetch_related("row__discrepancies")
        .order_by("row__file__imported_at", "row__file_id", "row__line_number")
    )
    missing = Discrepancy.objects.filter(Q(payment__order=order) | Q(refund__payment__order=order)).order_by("pk")
    return [
        rows(
            "settlement",
            [
                record(match.row, *ROW)
                | {
                    "role": match.role,
                    "is_settlement": match.is_settlement,
                    "file": match.row.file.name,
                    "file_sha256": match.row.file.sha256,
                    "batch": match.row.batch.batch_id if match.row.batch else None,
                    "discrepancies": [record(each, *DISCREPANCY) for each in match.row.discrepancies.order_by("pk")],
                }
                for match in matches
            ],
        ),
        *([rows("missing", [record(one, *DISCREPANCY) for one in missing])] if missing else []),
    ]
