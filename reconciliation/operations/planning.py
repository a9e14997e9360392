"""What importing a report would do, found out by reading alone: the plan that an import then carries out.

Trying a report and importing it make the same plan. Nothing is written and nothing is locked while it is made, so the
site goes on meanwhile; the import makes sure that nothing else of the account is imported between the plan and its end.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from portal.models import AcquirerAccount
from reconciliation import tie_out
from reconciliation.amounts import read_amount
from reconciliation.books import Ids, open_books
from reconciliation.errors import AccountUnclear, ForeignMerchant, LawBroken, ReportUnreadable
from reconciliation.judging import Judgement, Restated, judge
from reconciliation.layouts import Edition, ReportKind
from reconciliation.lines import (
    Answers,
    Conventions,
    Line,
    SummaryLine,
    day_in,
    decide_unit,
    report_day,
    understand_details,
    understand_summary,
)
from reconciliation.matching import Decision
from reconciliation.models import Batch, FileStatus, ReportFile, RowState, SummaryRow
from reconciliation.operations.copies import compare_copies, copy_of, copy_of_summary
from reconciliation.reading import Reading
from reconciliation.row_types import SETTLED

Look = Callable[[str, int], None]
"""Told of a stage and how many rows are through it."""


def nobody_looks(stage: str, rows: int) -> None:
    """For whoever does not want to know how far it is."""


@dataclass
class Plan:
    """A report understood and decided on."""

    account: AcquirerAccount
    kind: ReportKind
    reading: Reading
    conventions: Conventions
    batches: dict[str, Batch] = field(default_factory=dict)
    """By the PSP its rows print; those that are new are not saved."""
    lines: list[Line] = field(default_factory=list)
    judgement: Judgement = field(default_factory=Judgement)
    summary_rows: list[SummaryRow] = field(default_factory=list)
    wanted: list[tie_out.Wanted] = field(default_factory=list)
    """What the TOTAL lines of a summary leave open."""
    forecast: list[tie_out.Wanted] = field(default_factory=list)
    """What holding a summary against its details would open."""
    contested: set[int] | None = None
    """Places of lines whose match a row of another file may hold until the end; filled in by the import."""
    sums: dict[str, tuple[int, int]] | None = None
    """Of a file that flowed by: rows and net by the PSP they print."""
    undecided: list[Restated] = field(default_factory=list)
    """Of such a file: rows that are decided on with those of other files, when it begins to count."""

    def sum_of(self, psp: str) -> tuple[int, int]:
        """Rows and net of a batch."""
        if self.sums is not None:
            return self.sums[psp]
        nets = [line.net or 0 for line in self.lines if line.psp == psp]
        return len(nets), sum(nets)

    def totals(self) -> dict[str, tuple[int, int]]:
        """What the file reports, from its text alone: rows and minor units by currency."""
        if self.sums is not None:
            found = self.sums.values()
            total = sum(count for count, _ in found), sum(net for _, net in found)
            return {batch.currency: total for batch in self.batches.values()}  # one currency, by ``refuse_other_batch``
        sums: dict[str, int] = defaultdict(int)
        counts = Counter[str]()
        shares = [line.reported for line in self.lines] + [row.reported for row in self.summary_rows]
        for share in shares:
            sums[share.currency] += share.value
            counts[share.currency] += 1
        return {currency: (counts[currency], value) for currency, value in sums.items()}


def make_plan(
    reading: Reading,
    account: AcquirerAccount,
    *,
    name: str,
    sha256: str,
    answers: Answers,
    file: ReportFile | None = None,
    look: Look = nobody_looks,
) -> Plan:
    """Understand and decide. Raises ReportRefused, and SameAsBefore where its batch is here with the same rows.

    ``file`` is its own row, where there is one: what it may have written itself is no other's.
    """
    kind = reading.layout.kind
    if kind is ReportKind.SUMMARY:
        return _plan_summary(reading, account, answers, file)
    if kind is ReportKind.PAYOUT:
        return _plan_payout(reading, account, answers, file)
    look("understanding", 0)
    books = open_books(account, kind, (Ids.of_record(record) for record in reading.records), but=file)
    conventions = decide_unit(reading, books.amounts(), answers)
    details = understand_details(
        reading, conventions, usual_currency=account.settlement_currency, answers=answers, look=look
    )
    plan = Plan(account, kind, reading, conventions, lines=details.lines)
    if kind is ReportKind.SETTLEMENT:
        plan.batches = find_batches(account, [(line.psp, line.settlement_currency, line) for line in details.lines])
        _refuse_known(plan, file)
    look("matching", len(details.lines) // 2)  # the books are open; deciding is the other half
    plan.judgement = judge(account, kind, details.lines, books, file=file, report_day=report_day(name), sha256=sha256)
    for line, decision in zip(plan.lines, plan.judgement.decisions, strict=True):
        hold_to_the_law(line, decision)
    return plan


def account_of(reading: Reading, account: AcquirerAccount | None, name: str) -> AcquirerAccount:
    """The account the file belongs to. Raises AccountUnclear, or ForeignMerchant for another merchant's file."""
    if "merchant_id" not in reading.layout.printed:
        return _account_by_name(account, reading, name)
    printed = Counter(record.cells["merchant_id"] for record in reading.records if "merchant_id" in record.cells)
    if account is None:
        account = _account_of(printed)
    if account.customer_id:
        for record in reading.records:
            found = record.cells.get("merchant_id")
            if found is not None and found != account.customer_id:
                raise ForeignMerchant(
                    line=record.line,
                    found=found[:64] or "without an id",
                    account=account.name,
                    expected=account.customer_id,
                )
    return account


def _account_by_name(account: AcquirerAccount | None, reading: Reading, name: str) -> AcquirerAccount:
    """E0-HK prints no merchant id in its rows; where its name has one, that must be ours."""
    merchant_id, _, rest = name.partition("_")
    is_named = reading.layout.edition is Edition.E0_HK and rest.startswith(("fptrade", "settle"))
    if account is None:
        account = _account_of(Counter([merchant_id] if is_named else []))
    if is_named and account.customer_id and merchant_id != account.customer_id:
        raise ForeignMerchant(line=1, found=merchant_id[:64], account=account.name, expected=account.customer_id)
    return account


def _account_of(printed: "Counter[str]") -> AcquirerAccount:
    named = list(AcquirerAccount.objects.filter(customer_id__in=[found for found in printed if found])[:2])
    if len(named) == 1:
        return named[0]
    if not named:
        accounts = list(AcquirerAccount.objects.order_by("pk")[:2])
        if len(accounts) == 1:
            return accounts[0]
        if not accounts:
            raise AccountUnclear(problem="There is no acquirer account yet. Make one first.")
    raise AccountUnclear(
        problem=(
            "It cannot be told which acquirer account this file belongs to. Choose the account, or write the merchant "
            "id that the acquirer prints (customerId) into the account."
        )
    )


def find_batches(account: AcquirerAccount, rows: Iterable[tuple[str, str, Line | SummaryLine]]) -> dict[str, Batch]:
    """The batches the rows speak of, by the PSP they print; new ones are made and not saved.

    Editions before E2 print no PSP: their batch is the one with its id and currency, whoever settles it.
    """
    batches: dict[str, Batch] = {}
    for psp, currency, line in rows:
        if psp in batches:
            continue
        known = list(
            Batch.objects.filter(account=account, currency=currency, batch_id=line.batch_id)
            .select_related("details", "summary")
            .defer("details__content", "summary__content")
        )
        found = next((batch for batch in known if batch.psp == psp), None)
        if found is None and psp:
            found = next((batch for batch in known if not batch.psp), None)
        elif found is None and len(known) == 1:
            found = known[0]
        if found is None:
            assert line.initiated_on is not None  # noqa: S101 - demanded of these two reports
            found = Batch(
                account=account, psp=psp, currency=currency, batch_id=line.batch_id, initiated_on=line.initiated_on
            )
        found.psp = found.psp or psp
        batches[psp] = found
    return batches


def _refuse_known(plan: Plan, file: ReportFile | None) -> None:
    """Raise BatchDiffers, or SameAsBefore when every row says the same, if one of the batches is here already."""
    for psp, batch in plan.batches.items():
        earlier = batch.details
        if earlier is None or (file is not None and earlier.pk == file.pk):
            continue
        here = [copy_of(row) for row in batch.rows.order_by("part", "line_number").iterator()]
        given = [copy_of(line) for line in plan.lines if line.psp == psp]
        compare_copies(batch, earlier, here, given, is_like=_is_like(plan, earlier))


def _is_like(plan: Plan, earlier: ReportFile) -> bool:
    return earlier.edition == plan.reading.layout.edition and earlier.amount_unit == plan.conventions.unit


def _plan_summary(reading: Reading, account: AcquirerAccount, answers: Answers, file: ReportFile | None) -> Plan:
    batch_ids = {record.cells.get("batch_id", "") for record in reading.records}
    settled: dict[tuple[str, str], int] = {}
    for batch_id, currency, net in Batch.objects.filter(
        account=account, batch_id__in=batch_ids, details__status=FileStatus.IMPORTED, net_value__isnull=False
    ).values_list("batch_id", "currency", "net_value"):
        settled[batch_id, currency] = settled.get((batch_id, currency), 0) + (net or 0)
    conventions = decide_unit(reading, {}, answers, settled)
    summary = understand_summary(reading, conventions)
    plan = Plan(account, ReportKind.SUMMARY, reading, conventions)
    plan.batches = find_batches(account, [(line.psp, line.currency, line) for line in summary.lines])
    for psp, batch in plan.batches.items():
        if batch.summary is None or (file is not None and batch.summary.pk == file.pk):
            continue
        here = [
            copy_of_summary(row)
            for row in batch.summary_rows.filter(file=batch.summary).order_by("part", "line_number")
        ]
        given = [copy_of_summary(line) for line in summary.lines if line.psp == psp]
        compare_copies(batch, batch.summary, here, given, is_like=_is_like(plan, batch.summary))
    shares = tie_out.shares(summary.lines)
    plan.summary_rows = [
        SummaryRow(
            batch=plan.batches[line.psp],
            part=line.part,
            line_number=line.number,
            printed_type=line.printed_type,
            summary_type=line.row_type,
            count=line.count,
            settlement_value=line.net,
            fees=line.fees,
            raw=line.raw,
            state=RowState.OPEN,
            currency=line.currency,
            reported_value=share,
            open_value=share,
        )
        for share, line in zip(shares, summary.lines, strict=True)
    ]
    plan.wanted = tie_out.check_totals(plan.summary_rows)
    return plan


def _plan_payout(reading: Reading, account: AcquirerAccount, answers: Answers, file: ReportFile | None) -> Plan:
    """What is paid for each clearing batch; one that no details have told of yet waits for them."""
    plan = Plan(account, ReportKind.PAYOUT, reading, decide_unit(reading, {}, answers))
    for record in reading.records:
        batch_id, currency = record.cells["batch_id"], record.cells["net_currency"]
        if batch_id in plan.batches:
            raise ReportUnreadable(line=record.line, problem=f"clearing batch {batch_id} stands here twice.")
        known = Batch.objects.filter(account=account, currency=currency, batch_id=batch_id)
        batch = known.select_related("details", "summary").defer("details__content", "summary__content").first()
        if batch is None:
            day = day_in(record.cells["settled_on"], reading.layout, line=record.line)
            batch = Batch(account=account, currency=currency, batch_id=batch_id, initiated_on=day)
        else:
            paid = batch.summary_rows.filter(summary_type=SETTLED).exclude(file=file).select_related("file").first()
            if paid is not None:
                raise ReportUnreadable(
                    line=record.line, problem=f"clearing batch {batch_id} is settled already, by {paid.file.name}."
                )
        plan.batches[batch_id] = batch
        column, printed = record.name("net"), record.cells["net"]
        net = read_amount(printed, currency, plan.conventions.unit, line=record.line, column=column)
        plan.summary_rows.append(
            SummaryRow(
                batch=batch,
                part=record.part,
                line_number=record.line,
                printed_type=SETTLED,
                summary_type=SETTLED,
                count=1,
                settlement_value=net,
                raw=record.raw,
                state=RowState.OPEN,
                currency=currency,
                reported_value=net,
                open_value=net,
            )
        )
    return plan


def foresee_tie_out(plan: Plan) -> None:
    """Fill in what holding the summary against its details would say. The import does it in the database."""
    if plan.kind is ReportKind.PAYOUT:
        for row in plan.summary_rows:
            plan.forecast += tie_out.stand_paid(row.batch, row).wanted
        return
    for batch in plan.batches.values():
        rows = [row for row in plan.summary_rows if row.batch is batch and row.summary_type != "TOTAL"]
        sums = tie_out.details_by_type(batch) if batch.details is not None and batch.pk is not None else None
        plan.forecast += tie_out.stand(batch, rows, sums).wanted


def hold_to_the_law(line: Line, decision: Decision) -> None:
    """A line is matched, explained or open to the last unit. Raises LawBroken otherwise."""
    parts = (decision.matched, decision.explained_value, decision.open_value)
    if sum(parts) != line.reported.value:
        raise LawBroken(
            currency=line.reported.currency,
            reported=line.reported.value,
            matched=parts[0],
            explained=parts[1],
            open=parts[2],
        )
