"""Does the summary of a batch say what its details add up to, per type and per fee column, and do its types make TOTAL?

Types must add up to TOTAL exactly. Details may miss a type by the acquirer's tolerance for sums of rounded rows: that
difference is booked as rounding, more is open. A summary whose details are not here yet is open as a whole, and
settled by itself when they come. Where several batches are settled together, what is paid for each is exactly its net.
Source: https://docs.antom.com/ac/reconcile/settlement_summary , https://docs.antom.com/ac/reconcile/rules
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Count, Q, Sum

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
from reconciliation.row_types import DEFAULT, SETTLED, TOTAL, ExplanationKind


@dataclass
class TypeSum:
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


@dataclass
class Wanted:
    """One discrepancy that a comparison asks for; ``row`` is None where it is about the file."""

    row: SummaryRow | None
    reason: Reason
    sentence: str
    share: int
    stake: Money


@dataclass
class Standing:
    """What the types of a summary amount to by now, and what differs."""

    rows: list[SummaryRow]
    """With their shares set, not saved."""
    roundings: list[tuple[SummaryRow, int]] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)


def check_totals(rows: Sequence[SummaryRow]) -> list[Wanted]:
    """What the TOTAL lines of a new summary leave unexplained; sets their state, and saves nothing."""
    wanted: list[Wanted] = []
    by_batch: dict[int, list[SummaryRow]] = defaultdict(list)
    for row in rows:
        by_batch[id(row.batch)].append(row)
    for of_batch in by_batch.values():
        total = next((row for row in of_batch if row.summary_type == TOTAL), None)
        types = [row for row in of_batch if row.summary_type != TOTAL]
        if total is None:
            net = Money(sum(row.settlement_value for row in types), of_batch[0].currency)
            sentence = f"The types make {net}, but there is no TOTAL line."
            wanted.append(Wanted(None, Reason.TOTAL_MISSING, sentence, 0, net))
            continue
        found = _check_total(total, types)
        total.state = RowState.OPEN if found else RowState.MATCHED
        wanted += found
    return wanted


def _check_total(total: SummaryRow, types: Sequence[SummaryRow]) -> list[Wanted]:
    """Value, count and every fee: the types, the correction line among them, make exactly TOTAL."""
    wanted: list[Wanted] = []
    currency = total.currency
    made = Money(sum(row.settlement_value for row in types), currency)
    counted = sum(row.count for row in types)
    if total.reported_value:
        sentence = f"The types make {made}, but TOTAL says {total.net}."
        wanted.append(Wanted(total, Reason.TOTAL_DIFFERS, sentence, total.reported_value, total.reported))
    if counted != total.count:
        sentence = f"The types count {counted} rows, but TOTAL says {total.count}."
        wanted.append(Wanted(total, Reason.COUNT_DIFFERS, sentence, 0, Money(0, currency)))
    for column, said in sorted(total.fees.items()):
        added = sum(row.fees.get(column, 0) for row in types)
        if said != added:
            sentence = f"{column}: the types make {Money(added, currency)}, but TOTAL says {Money(said, currency)}."
            wanted.append(Wanted(total, Reason.FEE_DIFFERS, sentence, 0, Money(said - added, currency)))
    return wanted


def open_totals(file: ReportFile, wanted: Sequence[Wanted]) -> None:
    """Open what ``check_totals`` found, once its rows are saved."""
    Discrepancy.objects.bulk_create(_discrepancy(file, one) for one in wanted)


def compare(batch: Batch) -> None:
    """Hold the summary of a batch against its details, as both stand by now; repeats harmlessly.

    With the summary alone, every type is open as awaited; with the details alone there is nothing to compare. What
    does not hold any more settles itself, what holds again is opened again.
    """
    for row in batch.summary_rows.filter(summary_type=SETTLED).select_related("file"):
        _keep(batch, row.file, stand_paid(batch, row, _accepted([row]).get(row.pk, 0)))
    if batch.summary is None:
        return
    rows = [row for row in batch.summary_rows.all() if row.summary_type not in {TOTAL, SETTLED}]
    sums = None if batch.details is None else details_by_type(batch)
    _keep(batch, batch.summary, stand(batch, rows, sums, _accepted(rows)))


def _accepted(rows: Sequence[SummaryRow]) -> dict[int, int]:
    """By row: what a person accepted stays explained, whatever comes later."""
    accepted: dict[int, int] = defaultdict(int)
    for key, value in (
        Discrepancy.objects.filter(summary_row__in=rows, closed_at__isnull=False)
        .exclude(resolution=Resolution.HEALED)
        .values_list("summary_row_id", "value")
    ):
        accepted[key] += value
    return accepted


def stand_paid(batch: Batch, row: SummaryRow, accepted: int = 0) -> Standing:
    """Whether what is paid for a batch is what its rows come to; reads and writes nothing."""
    standing = Standing([row])
    if accepted:
        # What a person accepted unseen is not matched a second time.
        row.matched_value, row.explained_value, row.open_value = row.reported_value - accepted, accepted, 0
        row.state = RowState.EXPLAINED
        return standing
    made = batch.net_value if batch.details is not None else None
    if made is None and not row.reported_value:
        made = 0  # an empty cycle has no rows, and is paid with nothing
    row.matched_value, row.explained_value = made or 0, 0
    row.open_value = row.reported_value - row.matched_value
    row.state = RowState.OPEN if row.open_value else RowState.MATCHED
    stake = Money(row.open_value, row.currency)
    if made is None:
        sentence = f"Clearing batch {batch.batch_id} is paid here; its details are not imported."
        standing.wanted.append(Wanted(row, Reason.DETAILS_AWAITED, sentence, row.open_value, stake))
    elif row.open_value:
        sentence = (
            f"{row.net} are paid for clearing batch {batch.batch_id}; its rows come to {Money(made, row.currency)}."
        )
        standing.wanted.append(Wanted(row, Reason.NET_DIFFERS, sentence, row.open_value, stake))
    return standing


def stand(
    batch: Batch, rows: list[SummaryRow], sums: "dict[str, TypeSum] | None", accepted: dict[int, int] | None = None
) -> Standing:
    """The comparison alone; reads and writes nothing. ``sums``: the details by type, None while they are not here."""
    standing = Standing(rows)
    if sums is None:
        for row in rows:
            share = row.reported_value - (accepted or {}).get(row.pk, 0)
            row.matched_value, row.explained_value, row.open_value = 0, row.reported_value - share, share
            row.state = RowState.OPEN if not (accepted or {}).get(row.pk) else RowState.EXPLAINED
            if row.state == RowState.OPEN:
                sentence = (
                    f"{row.count} {row.summary_type} rows are summed up here; the settlement details are not imported."
                )
                standing.wanted.append(Wanted(row, Reason.DETAILS_AWAITED, sentence, share, Money(share, row.currency)))
            else:
                row.explained_value, row.open_value = row.reported_value, 0
        return standing
    left = dict(sums)
    for row in rows:
        _compare_type(batch, row, left.pop(row.summary_type, TypeSum()), (accepted or {}).get(row.pk, 0), standing)
    for name, found in sorted(left.items()):
        net = Money(found.net, batch.currency)
        sentence = f"The details have {found.count} {name} rows over {net}; the summary has none."
        standing.wanted.append(Wanted(None, Reason.NOT_IN_SUMMARY, sentence, 0, net))
    return standing


def details_by_type(batch: Batch) -> dict[str, TypeSum]:
    """The details of a batch that count, added up by the database: there may be millions."""
    rows = batch.rows.order_by()
    sums = {
        name: TypeSum(count, net or 0)
        for name, count, net in rows.values_list("transaction_type").annotate(Count("pk"), Sum("settlement_value"))
    }
    each = "jsonb_each_text" if connection.vendor == "postgresql" else "json_each"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.transaction_type, f.key, sum(CAST(f.value AS bigint))"  # noqa: S608 - no text from outside
            f" FROM reconciliation_settlementrow r, {each}(r.fees) f WHERE r.batch_id = %s"
            " GROUP BY r.transaction_type, f.key",
            [batch.pk],
        )
        for name, column, value in cursor.fetchall():
            sums[name].fees[column] = int(value)
    return sums


def _compare_type(batch: Batch, row: SummaryRow, found: TypeSum, accepted: int, standing: Standing) -> None:
    assert batch.details is not None  # noqa: S101 - compared when both are here
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
        standing.wanted.append(Wanted(row, Reason.COUNT_DIFFERS, sentence, difference, Money(difference, currency)))
        row.state = RowState.OPEN
        row.matched_value -= difference
        row.open_value = difference
    elif difference and abs(difference) <= allowed:
        standing.roundings.append((row, difference))
        row.matched_value -= difference
        row.explained_value += difference
    elif difference:
        sentence = f"The summary says {row.net} for {row.summary_type}, the details make {Money(found.net, currency)}."
        standing.wanted.append(Wanted(row, Reason.NET_DIFFERS, sentence, difference, Money(difference, currency)))
        row.state = RowState.OPEN
        row.matched_value -= difference
        row.open_value = difference
    sign = -1 if batch.details.fee_sign == FeeSign.CHARGE_POSITIVE and row.summary_type != DEFAULT else 1
    for column in sorted(row.fees.keys() | found.fees.keys()):
        said, made = sign * row.fees.get(column, 0), found.fees.get(column, 0)
        if abs(said - made) > allowed:
            sentence = (
                f"{column} of {row.summary_type}: the summary says {Money(said, currency)}, "
                f"the details make {Money(made, currency)}."
            )
            standing.wanted.append(Wanted(row, Reason.FEE_DIFFERS, sentence, 0, Money(said - made, currency)))
            row.state = RowState.OPEN


_OF_COMPARISON = (
    Reason.DETAILS_AWAITED,
    Reason.COUNT_DIFFERS,
    Reason.NET_DIFFERS,
    Reason.FEE_DIFFERS,
    Reason.NOT_IN_SUMMARY,
)


def _keep(batch: Batch, file: ReportFile, standing: Standing) -> None:
    about = Q(summary_row__in=standing.rows)
    if file.summed_batches.count() == 1:
        about |= Q(file=file, row=None, summary_row=None)
    here = Discrepancy.objects.filter(about, reason__in=_OF_COMPARISON)
    wanted = {
        (one.row.pk if one.row is not None else None, str(one.reason), one.sentence[:400], one.share): one
        for one in standing.wanted
    }
    note = f"The details came as {batch.details.name}." if batch.details is not None else "The details were taken back."
    for old in here.filter(closed_at=None):
        key = (old.summary_row_id, old.reason, old.sentence, old.value)
        if wanted.pop(key, None) is None:
            Discrepancy.objects.filter(pk=old.pk).update(
                value=0, closed_at=clock.now(), closed_by="import", resolution=Resolution.HEALED, note=note[:400]
            )
    for healed in here.filter(resolution=Resolution.HEALED):
        for key in [key for key in wanted if key[:3] == (healed.summary_row_id, healed.reason, healed.sentence)]:
            Discrepancy.objects.filter(pk=healed.pk).update(
                value=wanted.pop(key).share, closed_at=None, closed_by="", resolution="", note=""
            )
    Discrepancy.objects.bulk_create(_discrepancy(file, one) for one in wanted.values())
    Explanation.objects.filter(summary_row__in=standing.rows).delete()
    Explanation.objects.bulk_create(
        Explanation(summary_row=row, kind=ExplanationKind.ROUNDING, value=value, currency=row.currency)
        for row, value in standing.roundings
    )
    SummaryRow.objects.bulk_update(standing.rows, ["state", "matched_value", "explained_value", "open_value"])


def _discrepancy(file: ReportFile, wanted: Wanted) -> Discrepancy:
    return Discrepancy(
        file=file,
        summary_row=wanted.row,
        reason=wanted.reason,
        sentence=wanted.sentence[:400],
        value=wanted.share,
        currency=wanted.stake.currency,
        stake_value=wanted.stake.value,
        stake_currency=wanted.stake.currency,
    )
