"""A second copy of a batch that is here already: compared row by row, never added up twice.

Two copies of one edition are compared as they are printed. Of two editions only the meaning can be compared: they
name columns otherwise, and give a refund another id; rows are then put beside each other by our own ids.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from portal import clock
from portal.money import Money
from reconciliation.errors import BatchDiffers
from reconciliation.lines import Line, SummaryLine
from reconciliation.models import Batch, ReportFile, SettlementRow, SummaryRow

DIFFERENCES_KEPT = 500
_DIFFERENCES_SAID = 5


class CopyRow(NamedTuple):
    """A row as far as two copies are compared: its ids, its line, its printed cells, and what it means."""

    key: tuple[str, ...]
    line: int
    raw: dict[str, str]
    request_id: str
    meaning: dict[str, str]


class SameAsBefore(Exception):
    """The batch is here, from another file that says the same in every row."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def copy_of(row: Line | SettlementRow) -> CopyRow:
    """A row of details, given or kept."""
    if isinstance(row, Line):
        return CopyRow(
            (row.row_type, row.transaction_id, row.request_id),
            row.number,
            row.raw,
            row.request_id,
            _meaning(row.amount, row.settlement_currency, row.net, row.fees_sum, row.reference_id, row.wallet),
        )
    return CopyRow(
        (row.transaction_type, row.transaction_id, row.transaction_request_id),
        row.line_number,
        row.raw,
        row.transaction_request_id,
        _meaning(
            row.transaction_amount,
            row.settlement_currency,
            row.settlement_value,
            row.fees_value,
            row.reference_transaction_id,
            row.payment_method_type,
        ),
    )


def copy_of_summary(row: SummaryLine | SummaryRow) -> CopyRow:
    """A row of a summary, given or kept."""
    net = row.net if isinstance(row, SummaryLine) else row.settlement_value
    number = row.number if isinstance(row, SummaryLine) else row.line_number
    row_type = row.row_type if isinstance(row, SummaryLine) else row.summary_type
    meaning = {"rows": str(row.count), "net": str(Money(net, row.currency))}
    meaning |= {name: str(Money(value, row.currency)) for name, value in row.fees.items() if value}
    return CopyRow((row_type,), number, row.raw, "", meaning)


def _meaning(
    amount: Money | None, currency: str, net: int | None, fees: int | None, reference: str, wallet: str
) -> dict[str, str]:
    said: dict[str, Any] = {
        "amount": amount,
        "net": None if net is None else Money(net, currency),
        "fees": Money(fees, currency) if fees else None,
        "order": reference,
        "wallet": wallet,
    }
    return {name: str(value) for name, value in said.items() if value is not None and value != ""}


def when(file: ReportFile) -> str:
    """When, as what and by whom a file was imported."""
    moment = (file.imported_at or file.tried_at).astimezone(clock.ACQUIRER_ZONE)
    return f"on {moment:%Y-%m-%d} at {moment:%H:%M} UTC+8 as {file.name} (by {file.imported_by or 'nobody'})"


def compare_copies(
    batch: Batch, earlier: ReportFile, here: Sequence[CopyRow], given: Sequence[CopyRow], *, is_like: bool
) -> None:
    """Compare by ids and, among rows with the same ids, in their order. ``is_like``: one edition and one unit.

    Raises SameAsBefore when every row says the same, BatchDiffers with the differences otherwise.
    """
    if not is_like:
        here, given = _by_meaning(here), _by_meaning(given)
    waiting: dict[tuple[str, ...], list[CopyRow]] = defaultdict(list)
    for row in here:
        waiting[row.key].append(row)
    differences: list[dict[str, str]] = []
    for row in given:
        name = f"line {row.line} ({_named(row)})"
        if not waiting[row.key]:
            differences.append({"row": name, "column": "", "was": "", "now": "is new"})
            continue
        known = waiting[row.key].pop(0)
        for column in sorted(known.raw.keys() | row.raw.keys()):
            was, now = known.raw.get(column, "empty"), row.raw.get(column, "empty")
            if was != now:
                differences.append({"row": name, "column": column, "was": was, "now": now})
    for left in waiting.values():
        differences += [
            {"row": f"its line {row.line} ({_named(row)})", "column": "", "was": "", "now": "is missing here"}
            for row in left
        ]
    named = f"Batch {batch} of {batch.psp} in {batch.currency}" if batch.psp else f"Batch {batch} in {batch.currency}"
    said = f"{named} was imported already, {when(earlier)}."
    if not differences:
        raise SameAsBefore(f"{said} This copy says the same in all {len(given)} rows. Nothing was added.")
    shown = "; ".join(_said(one) for one in differences[:_DIFFERENCES_SAID])
    more = len(differences) - _DIFFERENCES_SAID
    rest = f"; and {more} more" if more > 0 else ""
    raise BatchDiffers(
        problem=(
            f"{said} A batch is never added up twice, and this copy differs: {shown}{rest}. "
            "Ask the acquirer which of the two is right."
        ),
        differences=differences[:DIFFERENCES_KEPT],
    )


def _by_meaning(rows: Sequence[CopyRow]) -> list[CopyRow]:
    """Rows of another edition: by type and our id, the rest of the order by what they say."""
    told = [row._replace(key=(row.key[0], row.request_id), raw=row.meaning) for row in rows]
    return sorted(told, key=lambda row: (row.key, sorted(row.raw.items())))


def _said(one: dict[str, str]) -> str:
    if not one["column"]:
        return f"{one['row']} {one['now']}"
    return f"{one['row']}: {one['column']} is {one['now']}, was {one['was']}"


def _named(row: CopyRow) -> str:
    """The type, and our id or else theirs."""
    row_type, *ids = row.key
    return " ".join((row_type, *[found for found in reversed(ids) if found][:1]))
