"""Does the summary of a batch say what its details add up to, per type and per fee column, and do its types make TOTAL?

Types must add up to TOTAL exactly. Details may miss a type by the acquirer's tolerance for sums of rounded rows: that
difference is booked as rounding, more is open. A summary whose details are not here yet is open as a whole, and
settled by itself when they come.
Source: https://docs.antom.com/ac/reconcile/settlement_summary , https://docs.antom.com/ac/reconcile/rules
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from portal import clock
from portal.money import Money
from reconciliation import amounts
from reconciliation.lines import SummaryLine
from reconciliation.models import (
    Batch,
    Discrepancy,
    Explanation,
    FeeSign,
    Reason,
    ReportFile,
    Resolution,
    RowState,
    SummaryRow,
)
from reconciliation.row_types import TOTAL, ExplanationKind


@dataclass
class _Sum:
    """The details of one type."""

    count: int = 0
    net: int = 0
    fees: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def shares(lines: Sequence[SummaryLine]) -> list[int]:
    """What each line adds to what the summary reports: a type its net, TOTAL what the types leave of it.

    So the whole adds up to TOTAL, which is the figure that is paid.
    """
    types: dict[str, int] = defaultdict(int)
    for line in lines:
        if not line.is_total:
            types[line.psp] += line.net
    return [line.net - types[line.psp] if line.is_total else line.net for line in lines]


def check_totals(file: ReportFile, rows: Sequence[SummaryRow]) -> None:
    """Open what the TOTAL lines of a new summary leave unexplained."""
    by_batch: dict[int, list[SummaryRow]] = defaultdict(list)
    for row in rows:
        by_batch[row.batch_id].append(row)
    for of_batch in by_batch.values():
        total = next((row for row in of_batch if row.summary_type == TOTAL), None)
        types = [row for row in of_batch if row.summary_type != TOTAL]
        if total is None:
            net = Money(sum(row.settlement_value for row in types), of_batch[0].currency)
            _open(file, None, Reason.TOTAL_MISSING, f"The types make {net}, but there is no TOTAL line.", 0, net)
            continue
        made = Money(sum(row.settlement_value for row in types), total.currency)
        counted = sum(row.count for row in types)
        total.state = RowState.MATCHED
        if total.reported_value:
            sentence = f"The types make {made}, but TOTAL says {total.net}."
            _open(file, total, Reason.TOTAL_DIFFERS, sentence, total.reported_value, total.reported)
            total.state = RowState.OPEN
        if counted != total.count:
            sentence = f"The types count {counted} rows, but TOTAL says {total.count}."
            _open(file, total, Reason.COUNT_DIFFERS, sentence, 0, Money(0, total.currency))
            total.state = RowState.OPEN
        total.save(update_fields=["state"])


def compare(batch: Batch) -> None:
    """Hold the summary of a batch against its details; runs once, when the second of the two is imported.

    With the summary alone, every type is opened as awaited; with the details alone there is nothing to compare.
    """
    if batch.summary is None:
        return
    rows = [row for row in batch.summary_rows.all() if row.summary_type != TOTAL]
    if batch.details is None:
        for row in rows:
            sentence = (
                f"{row.count} {row.summary_type} rows are summed up here; the settlement details are not imported."
            )
            _open(batch.summary, row, Reason.DETAILS_AWAITED, sentence, row.reported_value, row.reported)
        return
    awaited = Discrepancy.objects.filter(summary_row__batch=batch, reason=Reason.DETAILS_AWAITED)
    awaited.filter(closed_at=None).update(
        value=0,
        closed_at=clock.now(),
        closed_by="import",
        resolution=Resolution.HEALED,
        note=f"The details came as {batch.details.name}."[:400],
    )
    # A closed one was accepted by a person without the details: its share stays explained.
    accepted = dict(awaited.values_list("summary_row_id", "value"))
    sums = _sums(batch)
    for row in rows:
        _compare_type(batch, row, sums.pop(row.summary_type, _Sum()), accepted.get(row.pk, 0))
    for name, found in sums.items():
        net = Money(found.net, batch.currency)
        sentence = f"The details have {found.count} {name} rows over {net}; the summary has none."
        _open(batch.summary, None, Reason.NOT_IN_SUMMARY, sentence, 0, net)


def _sums(batch: Batch) -> dict[str, _Sum]:
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for name, net, fees in batch.rows.values_list("transaction_type", "settlement_value", "fees").iterator():
        found = sums[name]
        found.count += 1
        found.net += net or 0
        for column, value in fees.items():
            found.fees[column] += value
    return sums


def _compare_type(batch: Batch, row: SummaryRow, found: _Sum, accepted: int) -> None:
    assert batch.summary is not None and batch.details is not None  # noqa: S101, PT018 - compared when both are here
    currency = row.currency
    allowed = amounts.batch_tolerance(currency, found.count)
    difference = row.settlement_value - found.net
    row.matched_value, row.explained_value, row.open_value = row.reported_value, 0, 0
    row.state = RowState.MATCHED
    if accepted:
        # What a person accepted unseen is not matched a second time.
        row.matched_value, row.explained_value = row.reported_value - accepted, accepted
        row.state = RowState.EXPLAINED
        difference = 0
    if found.count != row.count:
        sentence = f"The summary counts {row.count} {row.summary_type} rows, the details have {found.count}."
        _open(batch.summary, row, Reason.COUNT_DIFFERS, sentence, difference, Money(difference, currency))
        row.state = RowState.OPEN
        row.matched_value -= difference
        row.open_value = difference
    elif difference and abs(difference) <= allowed:
        Explanation.objects.create(summary_row=row, kind=ExplanationKind.ROUNDING, value=difference, currency=currency)
        row.matched_value -= difference
        row.explained_value += difference
    elif difference:
        sentence = f"The summary says {row.net} for {row.summary_type}, the details make {Money(found.net, currency)}."
        _open(batch.summary, row, Reason.NET_DIFFERS, sentence, difference, Money(difference, currency))
        row.state = RowState.OPEN
        row.matched_value -= difference
        row.open_value = difference
    sign = -1 if batch.details.fee_sign == FeeSign.CHARGE_POSITIVE else 1
    for column in sorted(row.fees.keys() | found.fees.keys()):
        said, made = sign * row.fees.get(column, 0), found.fees.get(column, 0)
        if abs(said - made) > allowed:
            sentence = (
                f"{column} of {row.summary_type}: the summary says {Money(said, currency)}, "
                f"the details make {Money(made, currency)}."
            )
            _open(batch.summary, row, Reason.FEE_DIFFERS, sentence, 0, Money(said - made, currency))
            row.state = RowState.OPEN
    row.save(update_fields=["state", "matched_value", "explained_value", "open_value"])


def _open(file: ReportFile, row: SummaryRow | None, reason: Reason, sentence: str, share: int, stake: Money) -> None:
    Discrepancy.objects.create(
        file=file,
        summary_row=row,
        reason=reason,
        sentence=sentence[:400],
        value=share,
        currency=stake.currency,
        stake_value=stake.value,
        stake_currency=stake.currency,
    )
