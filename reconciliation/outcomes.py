"""What an import did, or would do, as plain data: for the command's output, and for the page before a commit."""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from portal.acquirer.wallets import name_of
from portal.money import Money
from portal.statements import Found, Given
from reconciliation.contracts import Drift
from reconciliation.layouts import SUMMING, title_of
from reconciliation.matching import Decision
from reconciliation.models import (
    Batch,
    Discrepancy,
    ReportFile,
    ReportPart,
    RowState,
    SettlementRow,
    SummaryRow,
)

if TYPE_CHECKING:
    from reconciliation.lines import Line
    from reconciliation.operations.planning import Plan

FINDINGS_SHOWN = 50


class Result(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    KNOWN = "known"
    TRIED = "tried"
    WAITING = "waiting"
    """The worker has it."""
    REFUSED = "refused"


@dataclass(frozen=True)
class LawLine:
    """*reported = matched + explained + open* in one currency, in minor units."""

    currency: str
    reported_value: int
    matched_value: int
    explained_value: int
    open_value: int


@dataclass(frozen=True)
class TypeLine:
    """The rows of one type and currency."""

    type: str
    currency: str
    count: int
    reported_value: int
    matched_value: int
    explained_value: int
    open_value: int


@dataclass(frozen=True)
class FindingLine:
    """One discrepancy."""

    line: int | None
    reason: str
    sentence: str
    stake_value: int
    stake_currency: str


@dataclass(frozen=True)
class BatchLine:
    """One batch the file belongs to."""

    psp: str
    currency: str
    batch_id: str


@dataclass(frozen=True)
class Outcome:
    """What became of one file, and all that was seen in it. Amounts are minor units."""

    result: Result
    file: str
    sentence: str
    code: str = ""
    """The refusal's stable code."""
    account: str = ""
    sha256: str = ""
    kind: str = ""
    edition: str = ""
    rows: int = 0
    matched_rows: int = 0
    explained_rows: int = 0
    open_rows: int = 0
    amount_unit: str = ""
    amount_unit_basis: str = ""
    fee_sign: str = ""
    fee_sign_basis: str = ""
    fee_parts: str = ""
    unknown_columns: list[str] = field(default_factory=list)
    absent_columns: list[str] = field(default_factory=list)
    """Documented columns that are not there; told where there are unknown ones."""
    encodings: list[str] = field(default_factory=list)
    parts: int = 1
    """How many files it came in."""
    repeated_rows: int = 0
    """Rows that tell again what another copy of the report tells."""
    restated_rows: int = 0
    """Rows of other files that mean something else because of it."""
    differences: list[dict[str, str]] = field(default_factory=list)
    """Of a copy that differs from the batch that is here, row by row."""
    batches: list[BatchLine] = field(default_factory=list)
    law: list[LawLine] = field(default_factory=list)
    types: list[TypeLine] = field(default_factory=list)
    discrepancies: list[FindingLine] = field(default_factory=list)
    """The first of them; ``discrepancy_count`` says how many there are."""
    discrepancy_count: int = 0

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-ready data, with stable names."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Outcome":
        """What ``as_json`` made, names of an earlier version left out."""
        lists = {"batches": BatchLine, "law": LawLine, "types": TypeLine, "discrepancies": FindingLine}
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        for name, kind in lists.items():
            known[name] = [kind(**line) for line in known.get(name, [])]
        return cls(**{**known, "result": Result(known["result"])})


def describe(file: ReportFile, result: Result, sentence: str) -> Outcome:
    """An imported file as the database holds it now."""
    states: Counter[str] = Counter()
    types: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 5)
    for row_type, currency, state, *sums in _LINES[file.kind in SUMMING].tuples(file=file.pk):
        states[state] += sums[0]
        types[row_type, currency] = [had + more for had, more in zip(types[row_type, currency], sums, strict=True)]
    encodings = [encoding for (encoding,) in _ENCODINGS.tuples(file=file.pk)]
    open_ones = file.discrepancies.filter(closed_at=None)
    shown = [_finding(one) for one in _by_line(open_ones)[:FINDINGS_SHOWN]]
    return Outcome(
        result=result,
        file=file.name,
        sentence=sentence,
        account=file.account.slug,
        sha256=file.sha256,
        kind=file.kind,
        edition=file.edition,
        rows=file.row_count,
        matched_rows=states.get("MATCHED", 0),
        explained_rows=states.get("EXPLAINED", 0),
        open_rows=states.get("OPEN", 0),
        amount_unit=file.amount_unit,
        amount_unit_basis=file.amount_unit_basis,
        fee_sign=file.fee_sign,
        fee_sign_basis=file.fee_sign_basis,
        fee_parts=file.fee_parts,
        unknown_columns=list(file.unknown_columns),
        absent_columns=list(file.absent_columns),
        encodings=sorted(set(encodings)),
        parts=max(len(encodings), 1),
        repeated_rows=0 if file.kind in SUMMING else file.rows.filter(superseded_by__isnull=False).count(),
        batches=[BatchLine(*found) for found in _BATCHES.tuples(file=file.pk)],
        law=_law(types),
        types=[TypeLine(name, currency, *sums) for (name, currency), sums in sorted(types.items())],
        discrepancies=shown,
        discrepancy_count=len(shown) if len(shown) < FINDINGS_SHOWN else open_ones.count(),
    )


def _grouped(lines: QuerySet[Any, Any], row_type: str) -> QuerySet[Any, Any]:
    """How many lines of a file there are of each type, currency and state, and what they come to."""
    values = (Sum(f"{name}_value") for name in ("reported", "matched", "explained", "open"))
    of_file: QuerySet[Any, Any] = lines.filter(file_id=Given("file")).order_by()
    grouped: QuerySet[Any, Any] = of_file.values_list(row_type, "currency", "state").annotate(Count("pk"), *values)
    return grouped


_LINES: dict[bool, Found[Any]] = {
    True: Found(lambda: _grouped(SummaryRow.objects.all(), "summary_type")),
    False: Found(lambda: _grouped(SettlementRow.objects.all(), "transaction_type")),
}
"""By whether the file is a summary."""
_ENCODINGS: Found[Any] = Found(
    lambda: ReportPart.objects.filter(file_id=Given("file")).order_by().values_list("encoding")
)
_BATCHES: Found[Any] = Found(
    lambda: (
        Batch.objects.filter(Q(details_id=Given("file")) | Q(summary_id=Given("file")))
        .order_by("psp", "currency", "batch_id")
        .values_list("psp", "currency", "batch_id")
    )
)


class Tally:
    """What the rows of a file come to, added up in memory as ``describe`` adds it up in the database."""

    _MANY = 4_000

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.types: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 5)
        self.finding_count = 0
        self._findings: list[FindingLine] = []

    def matched(self, row_type: str, currency: str, net: int, times: int = 1) -> None:
        """A row that is matched to its last unit, or one less (-1)."""
        self.states[RowState.MATCHED] += times
        sums = self.types[row_type, currency]
        sums[0] += times
        sums[1] += times * net
        sums[2] += times * net

    def decided(self, line: "Line", decision: Decision) -> None:
        """A row of details."""
        self.states[decision.state] += 1
        _add(
            self.types[line.row_type, line.reported.currency],
            (line.reported.value, decision.matched, decision.explained_value, decision.open_value),
        )
        for found in decision.findings:
            self.found(
                FindingLine(line.number, found.reason, found.sentence[:400], found.stake.value, found.stake.currency)
            )

    def found(self, finding: FindingLine) -> None:
        """A discrepancy; the first of them are kept."""
        self.finding_count += 1
        self._findings.append(finding)
        if len(self._findings) > self._MANY:
            self._findings = self.findings()

    def findings(self) -> list[FindingLine]:
        """The first of them, by line."""
        return sorted(self._findings, key=lambda found: (found.line is None, found.line or 0, found.reason))[
            :FINDINGS_SHOWN
        ]


def foretell(plan: "Plan", name: str, sha256: str) -> Outcome:
    """What importing a plan would do."""
    tally = Tally()
    for line, decision in zip(plan.lines, plan.judgement.decisions, strict=True):
        tally.decided(line, decision)
    for row in plan.summary_rows:
        tally.states[row.state] += 1
        _add(
            tally.types[row.summary_type, row.currency],
            (row.reported_value, row.matched_value, row.explained_value, row.open_value),
        )
    for one in (*plan.wanted, *plan.forecast):
        line_number = one.row.line_number if one.row is not None else None
        tally.found(FindingLine(line_number, one.reason, one.sentence[:400], one.stake.value, one.stake.currency))
    repeated = sum(isinstance(loser, int) for loser, _ in plan.judgement.successors)
    restated = sum(is_changed(row, decision) for row, decision in plan.judgement.restated)
    return foretold(plan, tally, name, sha256, len(plan.reading.records), repeated=repeated, restated=restated)


def foretold(
    plan: "Plan", tally: Tally, name: str, sha256: str, rows: int, *, repeated: int = 0, restated: int = 0
) -> Outcome:
    """The same of rows that are added up already."""
    outcome = Outcome(
        result=Result.TRIED,
        file=name,
        sentence="",
        account=plan.account.slug,
        sha256=sha256,
        kind=plan.kind,
        edition=plan.reading.layout.edition,
        rows=rows,
        matched_rows=tally.states[RowState.MATCHED],
        explained_rows=tally.states[RowState.EXPLAINED],
        open_rows=tally.states[RowState.OPEN],
        amount_unit=plan.conventions.unit,
        amount_unit_basis=plan.conventions.unit_basis,
        fee_sign=plan.conventions.fee_sign,
        fee_sign_basis=plan.conventions.fee_basis,
        fee_parts=plan.conventions.fee_parts,
        unknown_columns=list(plan.reading.change.unknown),
        absent_columns=list(plan.reading.change.absent),
        encodings=sorted({part.encoding for part in plan.reading.parts}),
        parts=len(plan.reading.parts),
        repeated_rows=repeated,
        restated_rows=restated,
        batches=[
            BatchLine(batch.psp, batch.currency, batch.batch_id)
            for batch in sorted(plan.batches.values(), key=lambda one: (one.psp, one.currency, one.batch_id))
        ],
        law=_law(tally.types),
        types=[TypeLine(name, currency, *sums) for (name, currency), sums in sorted(tally.types.items()) if sums[0]],
        discrepancies=tally.findings(),
        discrepancy_count=tally.finding_count,
    )
    said = [summed_up(title_of(plan.reading.layout.edition, plan.kind), outcome, Result.TRIED)]
    said += [drifted(drift, name) for drift in plan.judgement.drifts]
    return replace(outcome, sentence=" ".join(said))


def _add(sums: list[int], values: tuple[int, int, int, int]) -> None:
    sums[0] += 1
    for place, value in enumerate(values, 1):
        sums[place] += value


def _law(types: dict[tuple[str, str], list[int]]) -> list[LawLine]:
    law: dict[str, list[int]] = defaultdict(lambda: [0] * 4)
    for (_, currency), (_, *values) in types.items():
        law[currency] = [had + more for had, more in zip(law[currency], values, strict=True)]
    return [LawLine(currency, *values) for currency, values in sorted(law.items())]


def is_changed(row: SettlementRow, decision: Decision) -> bool:
    """Whether a kept row comes to something else."""
    return (row.state, row.matched_value, row.explained_value, row.open_value) != (
        decision.state,
        decision.matched,
        decision.explained_value,
        decision.open_value,
    )


def summed_up(kind: str, outcome: Outcome, result: Result) -> str:
    """The sentence of an import, or of trying one."""
    rows, ending = outcome.rows, "" if outcome.rows == 1 else "s"
    found, noun = outcome.discrepancy_count, "discrepancy" if outcome.discrepancy_count == 1 else "discrepancies"
    open_rows, is_tried = outcome.open_rows, result is Result.TRIED
    # Each is written out: what is put together of words cannot be told in another language.
    if not rows:
        return (
            f"{kind} without transactions would be imported." if is_tried else f"{kind} without transactions imported."
        )
    if not found and is_tried:
        return f"{kind}: {rows} row{ending} would be imported, nothing open."
    if not found:
        return f"{kind}: {rows} row{ending} imported, nothing open."
    if is_tried:
        return f"{kind}: {rows} row{ending} would be imported, {open_rows} of them open with {found} {noun}."
    return f"{kind}: {rows} row{ending} imported, {open_rows} of them open with {found} {noun}."


def drifted(drift: Drift, name: str) -> str:
    """That a price has changed, as a sentence."""
    wallet, amount = name_of(drift.terms.wallet), Money(abs(drift.difference.value), drift.difference.currency)
    if drift.difference.value < 0:
        return f"{drift.rows} of {drift.of} {wallet} payments in {name} cost {amount} more than agreed on."
    return f"{drift.rows} of {drift.of} {wallet} payments in {name} cost {amount} less than agreed on."


def _by_line(found: QuerySet[Discrepancy]) -> QuerySet[Discrepancy]:
    line = Coalesce("row__line_number", "summary_row__line_number")
    return found.annotate(line=line).order_by(F("line").asc(nulls_last=True), "reason", "pk")


def _finding(one: Discrepancy) -> FindingLine:
    return FindingLine(
        line=getattr(one, "line", None),
        reason=one.reason,
        sentence=one.sentence,
        stake_value=one.stake_value,
        stake_currency=one.stake_currency,
    )
