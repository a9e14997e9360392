"""Questions about reports: what settled a payment, what a file or batch adds up to, what waits for a person."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.urls import reverse

from payments.models import Cancel, Order, Payment, Refund
from payments.queries import live_payment
from portal.money import Money
from portal.registry import TimelineEntry, TodayLine
from reconciliation.errors import LawBroken
from reconciliation.layouts import ReportKind
from reconciliation.models import (
    Batch,
    Discrepancy,
    Explanation,
    FileStatus,
    Match,
    ReportFile,
    Role,
    RowState,
    SettlementRow,
)
from reconciliation.row_types import ROW_TYPES, ExplanationKind, Treatment

FILES_ON_TODAY = 20


@dataclass(frozen=True)
class Law:
    """*reported = matched + explained + open*, in one currency."""

    reported: Money
    matched: Money
    explained: Money
    open: Money

    @property
    def currency(self) -> str:
        return self.reported.currency


def lines_of(file: ReportFile) -> "QuerySet[Any]":
    """The accounted lines of a file: rows of details, or rows of a summary."""
    return file.summary_rows.all() if file.kind == ReportKind.SUMMARY else file.rows.all()


def law(file: ReportFile) -> list[Law]:
    """The law of a file, per currency."""
    return _law(lines_of(file))


def law_of_batch(batch: Batch) -> list[Law]:
    """The law over the details of one batch; empty while they are not here."""
    return _law(batch.rows.all())


def _law(lines: "QuerySet[Any]") -> list[Law]:
    sums = (
        lines.order_by("currency")
        .values_list("currency")
        .annotate(Sum("reported_value"), Sum("matched_value"), Sum("explained_value"), Sum("open_value"))
    )
    return [Law(*(Money(value, currency) for value in values)) for currency, *values in sums]


def prove(file: ReportFile) -> None:
    """Compare, in the database, what was read with what became of it. Raises LawBroken.

    The totals were added up from the text before anything was matched; the other side is summed over matches,
    explanations and discrepancies, so that a part that was lost or counted twice shows.
    """
    is_summary = file.kind == ReportKind.SUMMARY
    ours = Q(summary_row__file=file) if is_summary else Q(row__file=file)
    reported = dict(file.totals.values_list("currency", "reported_value"))
    lines = {found.currency: found for found in law(file)}
    if is_summary:
        matched = {currency: found.matched.value for currency, found in lines.items()}
    else:
        matched = _sums(Match.objects.filter(row__file=file))
    found = Discrepancy.objects.filter(file=file)
    explained = _sums(Explanation.objects.filter(ours))
    for currency, value in _sums(found.filter(closed_at__isnull=False)).items():
        explained[currency] = explained.get(currency, 0) + value
    still_open = _sums(found.filter(closed_at=None))
    for currency in {*reported, *lines, *matched, *explained, *still_open}:
        parts = tuple(sums.get(currency, 0) for sums in (matched, explained, still_open))
        line = lines.get(currency)
        on_lines = (line.matched.value, line.explained.value, line.open.value) if line else (0, 0, 0)
        if sum(parts) != reported.get(currency, 0) or parts != on_lines:
            raise LawBroken(
                currency=currency,
                reported=reported.get(currency, 0),
                matched=parts[0],
                explained=parts[1],
                open=parts[2],
            )


def _sums(rows: "QuerySet[Any]") -> dict[str, int]:
    return dict(rows.order_by().values_list("currency").annotate(Sum("value")))


def settled(thing: Payment | Refund | Cancel) -> SettlementRow | None:
    """The row of a settlement in which the acquirer settled it, or None."""
    match thing:
        case Payment():
            found = Match.objects.filter(payment=thing, role=Role.PAYMENT)
        case Refund():
            found = Match.objects.filter(refund=thing, role=Role.REFUND)
        case Cancel():
            found = Match.objects.filter(cancel=thing, role=Role.CANCEL)
    match_ = found.filter(is_settlement=True).select_related("row__batch", "row__file").first()
    return match_.row if match_ is not None else None


def marks(thing: Any) -> list[tuple[str, str]]:
    """ "Settled", beside the state of an order, payment, refund or cancel that the acquirer has settled."""
    if isinstance(thing, Order):
        thing = live_payment(thing)
    if not isinstance(thing, Payment | Refund | Cancel):
        return []
    return [("Settled", "good")] if settled(thing) is not None else []


def open_discrepancies() -> QuerySet[Discrepancy]:
    """What waits for a person, oldest first."""
    return Discrepancy.objects.filter(closed_at=None).order_by("opened_at", "pk")


@dataclass(frozen=True)
class Step:
    """One step from gross to net."""

    label: str
    amount: Money
    is_sum: bool = False


def waterfall(batch: Batch) -> list[Step]:
    """From gross to net over the details of a batch; the steps between add up exactly."""
    by_type: dict[Treatment | None, int] = {}
    fees = net = others = reserve = own_fees = 0
    for row_type, gross, fee, value in (
        batch.rows.order_by()
        .values_list("transaction_type")
        .annotate(Sum("gross_value"), Sum("fees_value"), Sum("settlement_value"))
    ):
        known = ROW_TYPES.get(row_type)
        net += value or 0
        if known is not None and known.explanation is ExplanationKind.FEE:
            own_fees += value or 0
            continue
        if known is not None and known.explanation is ExplanationKind.RESERVE:
            reserve += value or 0
            continue
        fees += fee or 0
        treatment = known.treatment if known is not None else None
        by_type[treatment] = by_type.get(treatment, 0) + (gross or 0)
    gross = by_type.get(Treatment.PAYMENT, 0)
    back = by_type.get(Treatment.REFUND, 0) + by_type.get(Treatment.CANCEL, 0)
    disputes = by_type.get(Treatment.DISPUTE, 0)
    others = net - gross - back - disputes - fees - own_fees - reserve

    def money(value: int) -> Money:
        return Money(value, batch.currency)

    between = (
        ("Refunds", back),
        ("Fees", fees + own_fees),
        ("Disputes", disputes),
        ("Reserve", reserve),
        ("Other", others),
    )
    return [
        Step("Gross", money(gross), is_sum=True),
        *(Step(label, money(value)) for label, value in between if value),
        Step("Net", money(net), is_sum=True),
    ]


def timeline(thing: Any) -> list[TimelineEntry]:
    """What the acquirer's reports said about an order, a payment, a refund or a cancel."""
    match thing:
        case Order():
            condition = Q(payment__order=thing)
        case Payment():
            condition = Q(payment=thing)
        case Refund():
            condition = Q(refund=thing)
        case Cancel():
            condition = Q(cancel=thing)
        case _:
            return []
    found = (
        Match.objects.filter(condition, row__superseded_by=None)
        .select_related("row__batch", "row__file")
        .order_by("-row__file__imported_at", "-row__line_number")
    )
    return [_entry(match) for match in found]


def _entry(match: Match) -> TimelineEntry:
    row = match.row
    at = row.file.imported_at or row.file.tried_at
    file_link = (row.file.name, reverse("admin:reconciliation_reportfile_change", args=[row.file_id]))
    row_link = (f"line {row.line_number}", reverse("admin:reconciliation_settlementrow_change", args=[row.pk]))
    amount = f" of {row.transaction_amount}" if row.transaction_amount is not None else ""
    if row.batch is None:
        sentence = f"Transaction details say {row.printed_status or 'no status'} for the {row.printed_type}{amount}."
        return TimelineEntry(
            at, sentence, tone="wait" if row.state == RowState.OPEN else "", links=(row_link, file_link)
        )
    batch_link = (f"batch {row.batch}", reverse("admin:reconciliation_batch_change", args=[row.batch_id]))
    net = f"{row.net} net" if row.net is not None else "no readable net"
    detail = f"Initiated on {row.batch.initiated_on} (UTC+8)."
    if row.fees_total is not None and row.gross_value is not None:
        gross = Money(row.gross_value, row.settlement_currency)
        detail = f"Gross {gross}, fees {row.fees_total}. {detail}"
    match match.role:
        case Role.PAYMENT | Role.REFUND | Role.CANCEL:
            sentence, tone = f"{match.get_role_display()} settled: {net}.", "good"
        case Role.DISPUTE:
            sentence, tone = f"{row.printed_type} taken from the settlement: {net}.", "bad"
        case Role.REVERSAL:
            sentence, tone = f"{row.printed_type} in the settlement: {net}.", "bad"
        case Role.DUPLICATE:
            sentence, tone = f"Settled a second time: {net}.", "bad"
        case _:
            sentence, tone = f"A settlement row disagrees: {net}.", "bad"
    if row.state == RowState.OPEN:
        tone = "bad" if tone == "bad" else "wait"
    return TimelineEntry(at, sentence, detail, tone, (batch_link, row_link))


def today() -> list[TodayLine]:
    """One line per file with open discrepancies, and one per file that was tried and not imported."""
    lines = []
    waiting = (
        open_discrepancies()
        .order_by()
        .values("file_id", "file__name")
        .annotate(count=Count("pk"), since=Min("opened_at"), urgent=Count("pk", filter=Q(is_urgent=True)))
        .order_by("since")[:FILES_ON_TODAY]
    )
    for found in waiting:
        noun = "discrepancy" if found["count"] == 1 else "discrepancies"
        urgent = f", {found['urgent']} urgent" if found["urgent"] else ""
        lines.append(
            TodayLine(
                label="Discrepancies",
                tone="bad" if found["urgent"] else "wait",
                sentence=f"{found['count']} {noun} in {found['file__name']}{urgent}",
                url=f"{reverse('admin:reconciliation_discrepancy_changelist')}?file={found['file_id']}&ask=open",
                action="Explain",
                since=found["since"],
            )
        )
    for file in ReportFile.objects.filter(status=FileStatus.TRIED).order_by("tried_at")[:FILES_ON_TODAY]:
        lines.append(
            TodayLine(
                label="Settlement files",
                tone="wait",
                sentence=f"{file.name} was tried and is not imported",
                url=reverse("admin:reconciliation_reportfile_change", args=[file.pk]),
                action="Look",
                since=file.tried_at,
            )
        )
    return lines


def search(text: str) -> list[tuple[str, str, str]]:
    """Batches by their id, files by their name, and rows by the acquirer's or our ids that no object of ours has."""
    text = text.strip()
    if not text or len(text) > 200:
        return []
    hits = [
        ("Settlement batch", f"{batch} {batch.currency}", reverse("admin:reconciliation_batch_change", args=[batch.pk]))
        for batch in Batch.objects.filter(batch_id=text)[:5]
    ]
    hits += [
        ("Settlement file", file.name, reverse("admin:reconciliation_reportfile_change", args=[file.pk]))
        for file in ReportFile.objects.filter(Q(name=text) | Q(sha256=text))[:5]
    ]
    rows = SettlementRow.objects.filter(
        Q(transaction_id=text) | Q(transaction_request_id=text) | Q(original_transaction_request_id=text)
    ).select_related("file")
    hits += [
        (
            "Settlement row",
            f"{row.printed_type} in {row}",
            reverse("admin:reconciliation_settlementrow_change", args=[row.pk]),
        )
        for row in rows[:10]
    ]
    return hits
