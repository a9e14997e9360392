"""What an import did, or would do, as plain data: for the command's output, and for the page before a commit."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from reconciliation import queries
from reconciliation.layouts import ReportKind
from reconciliation.models import Batch, Discrepancy, ReportFile

FINDINGS_SHOWN = 50


class Result(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    KNOWN = "known"
    TRIED = "tried"
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
    unknown_columns: list[str] = field(default_factory=list)
    batches: list[BatchLine] = field(default_factory=list)
    law: list[LawLine] = field(default_factory=list)
    types: list[TypeLine] = field(default_factory=list)
    discrepancies: list[FindingLine] = field(default_factory=list)
    """The first of them; ``discrepancy_count`` says how many there are."""
    discrepancy_count: int = 0

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-ready data, with stable names."""
        return asdict(self)


def describe(file: ReportFile, result: Result, sentence: str) -> Outcome:
    """An imported file as the database holds it now."""
    lines = queries.lines_of(file)
    type_field = "summary_type" if file.kind == ReportKind.SUMMARY else "transaction_type"
    states = dict(lines.order_by().values_list("state").annotate(Count("pk")))
    types = [
        TypeLine(**row)
        for row in lines.order_by(type_field, "currency")
        .values("currency")
        .annotate(
            type=F(type_field),
            count=Count("pk"),
            reported_value=Sum("reported_value"),
            matched_value=Sum("matched_value"),
            explained_value=Sum("explained_value"),
            open_value=Sum("open_value"),
        )
    ]
    open_ones = file.discrepancies.filter(closed_at=None)
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
        unknown_columns=list(file.unknown_columns),
        batches=[
            BatchLine(batch.psp, batch.currency, batch.batch_id)
            for batch in Batch.objects.filter(Q(details=file) | Q(summary=file)).order_by("psp", "currency", "batch_id")
        ],
        law=[
            LawLine(law.currency, law.reported.value, law.matched.value, law.explained.value, law.open.value)
            for law in queries.law(file)
        ],
        types=types,
        discrepancies=[_finding(one) for one in _by_line(open_ones)[:FINDINGS_SHOWN]],
        discrepancy_count=open_ones.count(),
    )


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
