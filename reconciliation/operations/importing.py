"""Importing a report: one transaction, in which the file is whole, decided on, proved, or not there at all.

Trying a report first (``rehearse``) runs the very same code and undoes it, so that what is shown is what will happen,
constraints and law included. The bytes of a file are kept encrypted beside its rows.

Decision: two imports of one account never run at once; the account's row is locked first (on SQLite the one write lock
does that). A settlement is read from one details file and one summary at most, which ``Batch`` holds as two keys, so
that no second copy can be added up, whatever it is called and however it is spelled.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePath

from django.db import transaction
from django.db.models import Model, Q

from portal import clock, journal
from portal.actor import Actor, ActorKind
from portal.errors import Conflict
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import queries, tie_out
from reconciliation.books import open_books
from reconciliation.errors import AccountUnclear, ForeignMerchant
from reconciliation.layouts import EDITION, ReportKind
from reconciliation.lines import (
    Conventions,
    Line,
    SummaryLine,
    decide_unit,
    report_day,
    understand_details,
    understand_summary,
)
from reconciliation.matching import decide
from reconciliation.models import (
    AmountUnit,
    Batch,
    Discrepancy,
    FileStatus,
    Reason,
    ReportFile,
    ReportTotal,
    Resolution,
    RowState,
    SettlementRow,
    SummaryRow,
)
from reconciliation.operations.copies import CopyRow, SameAsBefore, compare_copies, when
from reconciliation.operations.keeping import ROWS_PER_INSERT, keep_decisions, settlement_row
from reconciliation.outcomes import Outcome, Result, describe
from reconciliation.reading import Reading, read

Remember = Callable[[Model], None]


def import_report(
    name: str,
    content: bytes,
    *,
    by: Actor,
    account: AcquirerAccount | None = None,
    remember: Remember | None = None,
) -> Outcome:
    """Import one report, or say that it is here already. Raises ReportRefused; then nothing is kept.

    Without an account, the one whose ``customer_id`` the file names is taken, or the only one there is.
    """
    return _carry_out(name, content, by=by, account=account, remember=remember)


def rehearse(name: str, content: bytes, *, by: Actor, account: AcquirerAccount | None = None) -> Outcome:
    """What importing would do, found out by doing it and undoing it. Raises ReportRefused. Keeps nothing."""
    return _carry_out(name, content, by=by, account=account, is_rehearsal=True)


def try_report(
    name: str,
    content: bytes,
    *,
    by: Actor,
    account: AcquirerAccount | None = None,
    remember: Remember | None = None,
) -> tuple[Outcome, ReportFile | None]:
    """Rehearse a report and keep its bytes with what that showed, for a person to commit.

    Raises ReportRefused. A report that is here already is not kept again: then there is no file but the earlier one's.
    """
    outcome = rehearse(name, content, by=by, account=account)
    digest = hashlib.sha256(content).hexdigest()
    kept_for = AcquirerAccount.objects.get(slug=outcome.account)
    if outcome.result is Result.KNOWN:
        return outcome, ReportFile.objects.filter(account=kept_for, sha256=digest).first()
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=kept_for.pk)
        file, _ = ReportFile.objects.get_or_create(
            account=kept_for,
            sha256=digest,
            defaults={
                "name": _file_name(name),
                "byte_size": len(content),
                "content": content,
                "kind": outcome.kind,
                "edition": outcome.edition,
                "status": FileStatus.TRIED,
                "amount_unit": outcome.amount_unit,
                "amount_unit_basis": outcome.amount_unit_basis,
                "fee_sign": outcome.fee_sign,
                "fee_sign_basis": outcome.fee_sign_basis,
                "unknown_columns": outcome.unknown_columns,
                "row_count": outcome.rows,
                "report_day": report_day(_file_name(name)),
                "actor_kind": by.kind,
                "actor_name": by.name,
            },
        )
        ReportFile.objects.filter(pk=file.pk, status=FileStatus.TRIED).update(
            preview=outcome.as_json(), tried_at=clock.now()
        )
        if by.kind is ActorKind.PERSON:
            journal.write("try report", by=by, subject=file, outcome=outcome.sentence)
        if remember is not None:
            remember(file)
    file.refresh_from_db()
    return outcome, file


def commit(file: ReportFile, *, by: Actor, remember: Remember | None = None) -> Outcome:
    """Import a file that was tried. Raises ReportRefused when it can no longer be imported."""
    return _carry_out(file.name, bytes(file.content), by=by, account=file.account, remember=remember)


def discard(file: ReportFile, *, by: Actor) -> None:
    """Forget a file that was only tried. Raises Conflict for one that is imported."""
    with transaction.atomic(durable=True):
        journal.write("discard report", by=by, subject=file, before={"sha256": file.sha256, "name": file.name})
        deleted, _ = ReportFile.objects.filter(pk=file.pk, status=FileStatus.TRIED).delete()
        if not deleted:
            raise Conflict("This file is imported by now, and an import is not discarded.")


def _carry_out(
    name: str,
    content: bytes,
    *,
    by: Actor,
    account: AcquirerAccount | None,
    remember: Remember | None = None,
    is_rehearsal: bool = False,
) -> Outcome:
    name = _file_name(name)
    digest = hashlib.sha256(content).hexdigest()
    known = ReportFile.objects.filter(sha256=digest, status=FileStatus.IMPORTED).select_related("account")
    if account is not None:
        known = known.filter(account=account)
    earlier = known.first()
    if earlier is not None:
        return _known(earlier, name, f"This very file was imported already, {when(earlier)}. Nothing was added.")
    reading = read(content)
    account = _account(reading, account)
    with transaction.atomic(durable=True):
        account = AcquirerAccount.objects.select_for_update().get(pk=account.pk)
        file = _file(account, name, content, digest, reading, by)
        if file.status == FileStatus.IMPORTED:  # somebody else's import ended while we read
            return _known(file, name, f"This very file was imported already, {when(file)}. Nothing was added.")
        try:
            _fill(file, reading, account, by)
        except SameAsBefore as here:
            transaction.set_rollback(True)
            return Outcome(
                Result.KNOWN, name, here.sentence, account=account.slug, sha256=digest, kind=reading.layout.kind
            )
        queries.prove(file)
        ending = describe(file, Result.TRIED if is_rehearsal else Result.IMPORTED, "")
        sentence = _summed_up(file, ending.open_rows, ending.discrepancy_count, is_rehearsal=is_rehearsal)
        outcome = replace(ending, sentence=sentence)
        if is_rehearsal:
            transaction.set_rollback(True)
            return outcome
        journal.write("import report", by=by, subject=file, outcome=sentence)
        if remember is not None:
            remember(file)
    return outcome


def _file_name(name: str) -> str:
    """The last part of what the uploader called it, printable and short enough to keep."""
    last = PurePath(name.replace("\\", "/")).name
    return "".join(letter if letter.isprintable() else "?" for letter in last)[:200] or "report.csv"


def _known(file: ReportFile, name: str, sentence: str) -> Outcome:
    return replace(describe(file, Result.KNOWN, sentence), file=name)


def _summed_up(file: ReportFile, open_rows: int, discrepancies: int, *, is_rehearsal: bool) -> str:
    rows = f"{file.row_count} row{'' if file.row_count == 1 else 's'}"
    done = "would be imported" if is_rehearsal else "imported"
    if not file.row_count:
        return f"{file.get_kind_display()} without transactions {done}."
    if not discrepancies:
        return f"{file.get_kind_display()}: {rows} {done}, nothing open."
    noun = "discrepancy" if discrepancies == 1 else "discrepancies"
    return f"{file.get_kind_display()}: {rows} {done}, {open_rows} of them open with {discrepancies} {noun}."


def _account(reading: Reading, account: AcquirerAccount | None) -> AcquirerAccount:
    """The account the file belongs to. Raises AccountUnclear, or ForeignMerchant for another merchant's file."""
    printed = Counter(record.cells["customerId"] for record in reading.records)
    if account is None:
        account = _account_of(printed)
    if account.customer_id:
        for record in reading.records:
            if record.cells["customerId"] != account.customer_id:
                raise ForeignMerchant(
                    line=record.line,
                    found=record.cells["customerId"][:64] or "without an id",
                    account=account.name,
                    expected=account.customer_id,
                )
    return account


def _account_of(printed: Counter[str]) -> AcquirerAccount:
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


def _file(account: AcquirerAccount, name: str, content: bytes, digest: str, reading: Reading, by: Actor) -> ReportFile:
    """The file's row: the tried one becomes the imported one."""
    facts = {
        "name": name,
        "byte_size": len(content),
        "kind": reading.layout.kind,
        "edition": EDITION,
        "row_count": len(reading.records),
        "unknown_columns": list(reading.unknown),
        "report_day": report_day(name) if reading.layout.kind is ReportKind.TRANSACTIONS else "",
        "amount_unit": AmountUnit.MAJOR,
    }
    file = ReportFile.objects.filter(account=account, sha256=digest).first()
    if file is None:
        file = ReportFile(account=account, sha256=digest, content=content, status=FileStatus.TRIED, **facts)
        file.by(by)
        file.save()
    return file


def _fill(file: ReportFile, reading: Reading, account: AcquirerAccount, by: Actor) -> None:
    """Everything below the file: batches, rows and what became of them. The file is imported when this returns."""
    if reading.layout.kind is ReportKind.SUMMARY:
        conventions = _fill_summary(file, reading, account)
    else:
        conventions = _fill_details(file, reading, account)
    file.status = FileStatus.IMPORTED
    file.imported_at = clock.now()
    file.imported_by = str(by)[:170]
    file.preview = None
    file.amount_unit, file.amount_unit_basis = conventions.unit, conventions.unit_basis[:120]
    file.fee_sign, file.fee_sign_basis = conventions.fee_sign, conventions.fee_basis[:120]
    file.save()
    if not conventions.is_fee_sign_clear:
        currency = account.settlement_currency
        Discrepancy.objects.create(
            file=file,
            reason=Reason.FEE_SIGN_UNCLEAR,
            sentence="Neither net = gross + fees nor net = gross − fees closes; charges were taken as negative.",
            currency=currency,
            stake_currency=currency,
        )
    for batch in Batch.objects.filter(Q(details=file) | Q(summary=file)).select_related("details", "summary"):
        tie_out.compare(batch)


def _fill_details(file: ReportFile, reading: Reading, account: AcquirerAccount) -> Conventions:
    kind = reading.layout.kind
    books = open_books(account, kind, reading.records)
    details = understand_details(
        reading, decide_unit(reading, books.amounts()), usual_currency=account.settlement_currency
    )
    batches = _batches(account, file, kind, details.lines)
    _refuse_known(details.lines, batches)
    _total(file, [line.reported for line in details.lines])
    decisions = [decide(line, kind, books, report_day=file.report_day) for line in details.lines]
    rows = SettlementRow.objects.bulk_create(
        [
            settlement_row(file, batches.get(line.psp), line, decision)
            for line, decision in zip(details.lines, decisions, strict=True)
        ],
        batch_size=ROWS_PER_INSERT,
    )
    keep_decisions(rows, decisions)
    for psp, batch in batches.items():
        nets = [line.net or 0 for line in details.lines if line.psp == psp]
        batch.details, batch.row_count, batch.net_value = file, len(nets), sum(nets)
        batch.save(update_fields=["details", "row_count", "net_value"])
    if kind is ReportKind.TRANSACTIONS:
        _supersede(account, rows)
    return details.conventions


def _batches(
    account: AcquirerAccount, file: ReportFile, kind: ReportKind, lines: Iterable[Line] | Iterable[SummaryLine]
) -> dict[str, Batch]:
    """The batches the file speaks of, by PSP: made where they are new."""
    if kind is ReportKind.TRANSACTIONS:
        return {}
    batches: dict[str, Batch] = {}
    for line in lines:
        if line.psp not in batches:
            assert line.initiated_on is not None  # noqa: S101 - demanded of these two reports
            batches[line.psp], _ = Batch.objects.get_or_create(
                account=account,
                psp=line.psp,
                currency=line.settlement_currency if isinstance(line, Line) else line.currency,
                batch_id=line.batch_id,
                defaults={"initiated_on": line.initiated_on},
            )
    return batches


def _total(file: ReportFile, shares: Iterable[Money]) -> None:
    """Write down what the file reports, from its text alone."""
    sums: dict[str, int] = defaultdict(int)
    counts = Counter[str]()
    for share in shares:
        sums[share.currency] += share.value
        counts[share.currency] += 1
    ReportTotal.objects.bulk_create(
        ReportTotal(file=file, currency=currency, row_count=counts[currency], reported_value=value)
        for currency, value in sums.items()
    )


def _refuse_known(lines: Iterable[Line], batches: dict[str, Batch]) -> None:
    """Raise BatchDiffers, or SameAsBefore when every row says the same, if one of the batches is here already."""
    given = [
        (line.psp, CopyRow((line.row_type, line.transaction_id, line.request_id), line.number, line.raw))
        for line in lines
    ]
    for batch in batches.values():
        if batch.details is None:
            continue
        here = [
            CopyRow((row.transaction_type, row.transaction_id, row.transaction_request_id), row.line_number, row.raw)
            for row in batch.rows.order_by("line_number").iterator()
        ]
        compare_copies(batch, batch.details, here, [row for psp, row in given if psp == batch.psp])


def _supersede(account: AcquirerAccount, rows: list[SettlementRow]) -> None:
    """Rows of earlier transaction details about the same transactions step back: the latest status counts.

    The copy of the day after fills in the fees of cross-currency transactions; what the earlier one had opened is
    opened by the later one again if it still holds, so it is closed here.
    """
    latest = {_transaction(row): row for row in rows if row.transaction_id or row.transaction_request_id}
    ids = sorted({row.transaction_id for row in rows})
    stepped_back: list[SettlementRow] = []
    for start in range(0, len(ids), ROWS_PER_INSERT):
        for earlier in SettlementRow.objects.filter(
            file__account=account,
            file__kind=ReportKind.TRANSACTIONS,
            superseded_by=None,
            transaction_id__in=ids[start : start + ROWS_PER_INSERT],
        ).exclude(file=rows[0].file):
            later = latest.get(_transaction(earlier))
            if later is not None:
                earlier.superseded_by = later
                earlier.explained_value += earlier.open_value
                earlier.open_value = 0
                if earlier.state == RowState.OPEN:
                    earlier.state = RowState.EXPLAINED
                stepped_back.append(earlier)
    if not stepped_back:
        return
    SettlementRow.objects.bulk_update(
        stepped_back, ["superseded_by", "explained_value", "open_value", "state"], batch_size=ROWS_PER_INSERT
    )
    pks = [row.pk for row in stepped_back]
    for start in range(0, len(pks), ROWS_PER_INSERT):
        Discrepancy.objects.filter(row_id__in=pks[start : start + ROWS_PER_INSERT], closed_at=None).update(
            closed_at=clock.now(),
            closed_by="import",
            resolution=Resolution.HEALED,
            note="A later copy of the transaction details speaks of the same transaction.",
        )


def _transaction(row: SettlementRow) -> tuple[str, str, str]:
    return row.transaction_type, row.transaction_id, row.transaction_request_id


def _fill_summary(file: ReportFile, reading: Reading, account: AcquirerAccount) -> Conventions:
    conventions = decide_unit(reading, {})
    summary = understand_summary(reading, conventions)
    batches = _batches(account, file, ReportKind.SUMMARY, summary.lines)
    for batch in batches.values():
        if batch.summary is not None:
            here = [
                CopyRow((row.summary_type,), row.line_number, row.raw)
                for row in batch.summary_rows.order_by("line_number")
            ]
            given = [
                CopyRow((line.row_type,), line.number, line.raw) for line in summary.lines if line.psp == batch.psp
            ]
            compare_copies(batch, batch.summary, here, given)
    shares = tie_out.shares(summary.lines)
    _total(file, [Money(share, line.currency) for share, line in zip(shares, summary.lines, strict=True)])
    rows = SummaryRow.objects.bulk_create(
        [
            SummaryRow(
                file=file,
                batch=batches[line.psp],
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
        ],
        batch_size=ROWS_PER_INSERT,
    )
    for psp, batch in batches.items():
        batch.summary = file
        if batch.details is None:
            of_batch = [(share, line) for share, line in zip(shares, summary.lines, strict=True) if line.psp == psp]
            batch.net_value = sum(share for share, _ in of_batch)
        batch.save(update_fields=["summary", "net_value"])
    tie_out.check_totals(file, rows)
    return conventions
