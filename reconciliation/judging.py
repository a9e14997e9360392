"""Deciding on a file's rows together with the rows of other files that they touch, so that order does not matter.

What a row means can depend on others: of two settlements of one payment the earlier one counts, a row without an id
takes the one refund that is still unsettled, a fuller copy of the transaction details replaces a poorer one, and a
fee is compared between the two reports. So all rows that speak of the same payments are decided on anew, in an order
that is theirs and not that of their arrival: sure ones first, then by day, batch, part and line. Imported in any
order, or undone and imported again, the same files end in the same matches and the same discrepancies.

A row that a person matched or unmatched, or of which somebody accepted a part, keeps what it has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Q

from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation.books import Books, Ids, open_books, portions
from reconciliation.contracts import Drift, DriftCount
from reconciliation.layouts import ReportKind
from reconciliation.lines import Line, line_of
from reconciliation.matching import Decision, decide, deviations_of, is_sure, let_drift
from reconciliation.models import FileStatus, Match, Reason, ReportFile, Resolution, SettlementRow
from reconciliation.row_types import PENDING, SUCCESSFUL, ExplanationKind

_HEAVY = ("file__content", "file__preview", "file__differences")
_RANKS = {**dict.fromkeys(PENDING, 0), **dict.fromkeys(SUCCESSFUL, 2), "SETTLED": 3, "": 2}
"""Which of two copies of a transaction is the later one: the status that comes later in its life."""
_ANY_OTHER = 1


Restated = tuple[SettlementRow, Decision]
"""A row that is kept, and what is decided on it now."""


@dataclass
class Judgement:
    """What becomes of the lines of a file, and what changes in the rows of others."""

    decisions: list[Decision] = field(default_factory=list)
    restated: list[Restated] = field(default_factory=list)
    """Rows of other files, decided on anew; most of them say what they said before."""
    drifts: list[Drift] = field(default_factory=list)
    """In which ways most of a wallet's rows are charged otherwise than agreed on."""
    successors: list[tuple["int | SettlementRow", "int | SettlementRow | None"]] = field(default_factory=list)
    """Of transaction details: (a row, the fuller copy that replaces it); a line of this file by its index."""


def judge(
    account: AcquirerAccount,
    kind: ReportKind,
    lines: Sequence[Line],
    books: Books,
    *,
    file: ReportFile | None = None,
    report_day: str = "",
    sha256: str = "",
) -> Judgement:
    """Decide on the lines of a file that is about to count. ``sha256`` is the file's."""
    if kind is ReportKind.SETTLEMENT:
        others = rows_of_others(account, books.payments, file)
        judgement = _settle(account, lines, books, others, file)
        _find_drifts(judgement)
        return judgement
    judgement = Judgement([decide(line, kind, books, report_day=report_day) for line in lines])
    _choose_copies(account, lines, books, judgement, file, sha256=sha256)
    return judgement


def judge_without(file: ReportFile) -> Judgement:
    """Decide on the rows of other files as if this one had never been imported."""
    rows = list(with_file(file.rows.all()))
    books = open_books(file.account, ReportKind(file.kind), [Ids.of_row(row) for row in rows], but=file)
    books.cancelled_here.clear()  # its own CANCEL rows are gone
    if file.kind == ReportKind.SETTLEMENT:
        others = rows_of_others(file.account, books.payments, file)
        return _settle(file.account, [], books, others, file)
    judgement = Judgement()
    _choose_copies(file.account, [], books, judgement, file, gone=[line_of(row) for row in rows])
    return judgement


def judge_again(row: SettlementRow) -> Judgement:
    """Decide anew on a row that counts, with what our books say by now, and on those that touch it."""
    kind, account = ReportKind(row.file.kind), row.file.account
    # A payment of the last minute before midnight is cancelled in the next day's report: any report of this kind tells.
    cancels = SettlementRow.objects.filter(
        Q(transaction_id=row.transaction_id)
        | Q(transaction_request_id=row.transaction_request_id)
        | Q(original_transaction_request_id=row.transaction_request_id),
        file__account=account,
        file__kind=kind,
        file__status=FileStatus.IMPORTED,
        transaction_type="CANCEL",
    )
    books = open_books(account, kind, [Ids.of_row(row), *(Ids.of_row(one) for one in cancels)])
    if kind is ReportKind.TRANSACTIONS:
        return Judgement(restated=[(row, decide(line_of(row), kind, books, report_day=row.file.report_day))])
    others = [other for other in rows_of_others(account, books.payments, None) if other.pk != row.pk]
    return _settle(account, [], books, [*with_file(SettlementRow.objects.filter(pk=row.pk)), *others], None)


def judge_rows(account: AcquirerAccount, rows: Sequence[SettlementRow], file: ReportFile) -> list[Restated]:
    """Decide on settlement rows together, some of them of a file that is being imported."""
    return _settle(account, [], Books(), rows, file).restated


def judge_some(account: AcquirerAccount, lines: Sequence[Line], books: Books, file: ReportFile | None) -> Judgement:
    """Decide on some lines of settlement details, all of the file that speak of their payments among them.

    What most rows of the file have in common (``drifts``) is not known by these alone.
    """
    return _settle(account, lines, books, rows_of_others(account, books.payments, file), file)


def judge_about(account: AcquirerAccount, payment_pk: int) -> Judgement:
    """Decide anew on every settlement row that speaks of a payment."""
    return _settle(account, [], Books(), rows_of_others(account, [payment_pk], None), None)


def _settle(
    account: AcquirerAccount,
    lines: Sequence[Line],
    books: Books,
    others: Sequence[SettlementRow],
    file: ReportFile | None,
    told: dict[tuple[str, str], Money | None] | None = None,
) -> Judgement:
    judgement = Judgement([Decision()] * len(lines))
    if others:
        theirs = open_books(account, ReportKind.SETTLEMENT, [Ids.of_row(row) for row in others], but=file)
        _join(books, theirs)
    for key, value in (told or {}).items():
        books.fees_told.pop(key, None)
        if value is not None:
            books.fees_told[key] = value
    waiting: list[tuple[Any, Line, int | SettlementRow]] = [
        (_place(line), line, index) for index, line in enumerate(lines)
    ]
    for row in others:
        if is_fixed(row):
            match = getattr(row, "match", None)
            held = match.settles() if match is not None else None
            if held is not None:
                books.settled.add(held)
        else:
            line = line_of(row)
            waiting.append((_place(line), line, row))
    waiting.sort(key=lambda entry: entry[0])
    sure = [is_sure(line, books) for _, line, _ in waiting]
    for turn in (True, False):
        for (_, line, whose), is_turn in zip(waiting, sure, strict=True):
            if is_turn is not turn:
                continue
            decision = decide(line, ReportKind.SETTLEMENT, books)
            if isinstance(whose, int):
                judgement.decisions[whose] = decision
            else:
                let_drift(decision, whose.file.fee_drifts)
                judgement.restated.append((whose, decision))
    return judgement


def _find_drifts(judgement: Judgement) -> None:
    """Of the lines of the file: what many have in common is one incident, and of no single row."""
    count = DriftCount()
    for decision in judgement.decisions:
        count.add(decision.terms, deviations_of(decision))
    judgement.drifts = count.drifts()
    ways = [drift.way for drift in judgement.drifts]
    for decision in judgement.decisions if ways else ():
        let_drift(decision, ways)


def _place(line: Line) -> tuple[date, str, str, int, int]:
    return line.initiated_on or date.max, line.batch_id, line.psp, line.part, line.number


def is_fixed(row: SettlementRow) -> bool:
    """Whether a person decided on it: matched or unmatched it by hand, or accepted a part of it."""
    match = getattr(row, "match", None)
    if match is not None and match.is_by_hand:
        return True
    return any(
        one.reason == Reason.UNMATCHED if one.is_open else one.resolution != Resolution.HEALED and one.value
        for one in row.discrepancies.all()
    )


def rows_of_others(account: AcquirerAccount, payments: Iterable[int], file: ReportFile | None) -> list[SettlementRow]:
    """Rows of other settlements that count and speak of these payments."""
    found: dict[int, SettlementRow] = {}
    for pks in portions(payments):
        matches = Match.objects.filter(
            is_settlement=True, row__file__account=account, row__file__status=FileStatus.IMPORTED, payment_id__in=pks
        )
        rows = SettlementRow.objects.filter(match__in=matches if file is None else matches.exclude(row__file=file))
        for row in with_file(rows):
            found[row.pk] = row
    return list(found.values())


def with_file(rows: Any) -> Any:
    """Rows with all that deciding on them needs."""
    return (
        rows.select_related("file", "batch", "match")
        .defer(*_HEAVY)
        .prefetch_related("discrepancies", "explanations")
        .order_by("pk")
    )


def is_about(ids: Ids, books: Books) -> int | None:
    """The payment a settlement row is about, by its ids; None where it names none of ours."""
    if ids.row_type in {"REFUND", "REFUND_REVERSAL"}:
        refund = books.refunds.get(ids.request_id) or books.by_refund_id.get(ids.transaction_id)
        if refund is not None:
            return refund.payment_pk
    payment = books.named(ids)
    return None if payment is None else payment.pk


def _join(books: Books, other: Books) -> None:
    books.payments.update(other.payments)
    books.by_request_id.update(other.by_request_id)
    books.by_payment_id.update(other.by_payment_id)
    books.refunds.update(other.refunds)
    books.by_refund_id.update(other.by_refund_id)
    books.cancels.update(other.cancels)
    books.cancelled_here |= other.cancelled_here
    books.fees_told.update(other.fees_told)
    books.contracts = other.contracts
    for pk, refunds in other.refunds_of.items():
        books.refunds_of.setdefault(pk, refunds)


# Transaction details: which copy counts, and what it says about fees.


def _key(line: Line) -> tuple[str, str, str]:
    return line.row_type, line.transaction_id, line.request_id


def _fullness(line: Line, sha256: str) -> tuple[int, bool, int, str, str, int]:
    """The greater it is, the more this copy knows. Between equal ones the bytes decide, so that order does not."""
    rank = _RANKS.get(line.status, _ANY_OTHER)
    return rank, line.net is not None, len(line.fees), repr(sorted(line.raw.items())), sha256, -line.number


def _choose_copies(
    account: AcquirerAccount,
    lines: Sequence[Line],
    books: Books,
    judgement: Judgement,
    file: ReportFile | None,
    gone: Sequence[Line] = (),
    sha256: str = "",
) -> None:
    groups: dict[tuple[str, str, str], list[tuple[Line, int | SettlementRow]]] = {}
    for index, line in enumerate(lines):
        if line.transaction_id or line.request_id:
            groups.setdefault(_key(line), []).append((line, index))
    wanted = groups.keys() | {_key(line) for line in gone}
    for row in _copies(account, {transaction_id for _, transaction_id, _ in wanted}, file):
        line = line_of(row)
        if _key(line) in wanted:
            groups.setdefault(_key(line), []).append((line, row))
    told: dict[tuple[str, str], Money | None] = {(line.row_type, line.request_id): None for line in gone}
    for copies in groups.values():
        best, winner = max(
            copies, key=lambda copy: _fullness(copy[0], sha256 if isinstance(copy[1], int) else copy[1].file.sha256)
        )
        if best.request_id:
            has_fees = best.fees_sum is not None and best.settlement_currency
            said = Money(best.fees_sum or 0, best.settlement_currency) if has_fees else None
            told[best.row_type, best.request_id] = said
        for line, whose in copies:
            is_replaced = whose is not winner and not (isinstance(whose, int) and isinstance(winner, int))
            if isinstance(whose, int):
                if is_replaced:
                    judgement.decisions[whose] = _replaced(judgement.decisions[whose])
                    judgement.successors.append((whose, winner))
                continue
            decision = decide(line, ReportKind.TRANSACTIONS, books, report_day=whose.file.report_day)
            if not is_fixed(whose):
                judgement.restated.append((whose, _replaced(decision) if is_replaced else decision))
            judgement.successors.append((whose, winner if is_replaced else None))
    payments = _with_other_fees(account, told)
    if payments:
        others = rows_of_others(account, payments, None)
        judgement.restated += _settle(account, [], Books(), others, file, told).restated


def _copies(account: AcquirerAccount, transaction_ids: set[str], file: ReportFile | None) -> Iterable[SettlementRow]:
    for ids in portions(transaction_ids):
        rows = SettlementRow.objects.filter(
            file__account=account,
            file__kind=ReportKind.TRANSACTIONS,
            file__status=FileStatus.IMPORTED,
            transaction_id__in=ids,
        )
        rows = rows if file is None else rows.exclude(file=file)
        yield from (
            rows.select_related("file", "batch", "match")
            .defer(*_HEAVY)
            .prefetch_related("discrepancies", "explanations")
            .order_by("pk")
        )


def _replaced(decision: Decision) -> Decision:
    """A copy that a fuller one replaces opens nothing."""
    if decision.findings:
        decision.explained.append((ExplanationKind.LATER_COPY, decision.open_value))
        decision.findings = []
    return decision


def _with_other_fees(account: AcquirerAccount, told: dict[tuple[str, str], Money | None]) -> set[int]:
    """Payments of settled rows whose fees are, or were, not what the transaction details tell."""
    payments: set[int] = set()
    for request_ids in portions({request_id for _, request_id in told} - {""}):
        rows = SettlementRow.objects.filter(
            file__account=account,
            file__kind=ReportKind.SETTLEMENT,
            file__status=FileStatus.IMPORTED,
            transaction_request_id__in=request_ids,
            match__isnull=False,
        ).values_list(
            "pk", "transaction_type", "transaction_request_id", "fees_value", "settlement_currency", "match__payment_id"
        )
        found = list(rows)
        differing = set(
            SettlementRow.objects.filter(
                pk__in=[pk for pk, *_ in found],
                discrepancies__reason=Reason.FEE_DIFFERS,
                discrepancies__closed_at=None,
            ).values_list("pk", flat=True)
        )
        for pk, row_type, request_id, fees, currency, payment_pk in found:
            said = told.get((row_type, request_id))
            differs = said is not None and fees is not None and said != Money(fees, currency)
            if pk in differing or differs:
                payments.add(payment_pk)
    return payments
