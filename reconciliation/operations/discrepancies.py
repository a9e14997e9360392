"""Working what a report opened: taking it, checking it again, closing it with a reason.

Closing moves the discrepancy's share from open to explained, in the same transaction that writes the journal, so the
law of the file holds before and after. Checking again decides on the row anew, with what our books say by now.
"""

from collections.abc import Callable

from django.db import transaction
from django.db.models import F, Model, Q

from portal import clock, incidents, journal
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.models import AcquirerAccount
from reconciliation import queries
from reconciliation.books import open_books
from reconciliation.layouts import ReportKind
from reconciliation.lines import line_of
from reconciliation.matching import decide
from reconciliation.models import (
    Discrepancy,
    Match,
    Reason,
    Resolution,
    RowState,
    SettlementRow,
    SummaryRow,
)
from reconciliation.operations.keeping import REVERSALS, keep_decisions
from reconciliation.reading import Record

Remember = Callable[[Model], None]

CHOOSABLE = tuple(choice for choice in Resolution.choices if choice[0] != Resolution.HEALED)
"""The resolutions a person may give."""
OWN_FAULTS = (Reason.TOO_PRECISE, Reason.CURRENCY_UNKNOWN, Reason.FEE_CURRENCY)
"""The row's own text is at fault: our books cannot heal it."""


def take(discrepancy: Discrepancy, *, by: Actor, remember: Remember | None = None) -> None:
    """Make it one's own. Raises Conflict when it is closed, or somebody else's by now."""
    with transaction.atomic(durable=True):
        moved = Discrepancy.objects.filter(
            Q(owner=None) | Q(owner_id=discrepancy.owner_id), pk=discrepancy.pk, closed_at=None
        ).update(owner_id=by.user_id)
        if not moved:
            raise Conflict("Somebody took or closed this in the meantime. Look at it again.")
        journal.write("take discrepancy", by=by, subject=discrepancy)
        if remember is not None:
            remember(discrepancy)
    discrepancy.refresh_from_db()


def close(
    discrepancy: Discrepancy, *, by: Actor, resolution: str, note: str = "", remember: Remember | None = None
) -> None:
    """Close it with a reason; its share of the file counts as explained from now on.

    Raises InvalidInput for a reason that is none, or OTHER without a note; Conflict when somebody was faster.
    """
    if resolution not in dict(CHOOSABLE):
        raise InvalidInput(field="resolution", problem="choose one of " + ", ".join(dict(CHOOSABLE)) + ".")
    note = note.strip()
    if resolution == Resolution.OTHER and not note:
        raise InvalidInput(field="note", problem="say in a few words what the reason is.")
    with transaction.atomic(durable=True):
        _lock(discrepancy)
        moved = Discrepancy.objects.filter(pk=discrepancy.pk, closed_at=None).update(
            closed_at=clock.now(), closed_by=str(by)[:170], resolution=resolution, note=note[:400]
        )
        if not moved:
            raise Conflict("This discrepancy is already closed.")
        discrepancy.refresh_from_db()
        _hand_over(discrepancy)
        _settle_incident(discrepancy, by, note or discrepancy.get_resolution_display())
        journal.write(
            "close discrepancy",
            by=by,
            subject=discrepancy,
            reason_code=resolution,
            note=note,
            outcome=f"{discrepancy.share} explained.",
        )
        queries.prove(discrepancy.file)
        if remember is not None:
            remember(discrepancy)


def check_again(discrepancy: Discrepancy, *, by: Actor, remember: Remember | None = None) -> bool:
    """Decide on the row anew with what our books say now. True when something changed.

    Raises Conflict where that cannot help: no row, the row's own text at fault, or a part of it accepted already.
    """
    with transaction.atomic(durable=True):
        _lock(discrepancy)
        discrepancy.refresh_from_db()
        row = discrepancy.row
        if row is None or not discrepancy.is_open:
            raise Conflict("Only an open discrepancy of a details row can be checked again.")
        _refuse_recheck(row)
        changed = _decide_anew(row)
        journal.write(
            "check discrepancy again",
            by=by,
            subject=discrepancy,
            outcome=f"{row.get_state_display()} now." if changed else "Nothing has changed.",
        )
        if changed:
            queries.prove(row.file)
        if remember is not None:
            remember(discrepancy)
    discrepancy.refresh_from_db()
    return changed


def _lock(discrepancy: Discrepancy) -> None:
    """One at a time with imports of the account: both change what a row's amount counts as."""
    AcquirerAccount.objects.select_for_update().get(pk=discrepancy.file.account_id)


def _hand_over(discrepancy: Discrepancy) -> None:
    """Move the share from open to explained on its line."""
    moved = {
        "open_value": F("open_value") - discrepancy.value,
        "explained_value": F("explained_value") + discrepancy.value,
    }
    line: SettlementRow | SummaryRow | None = discrepancy.row or discrepancy.summary_row
    if line is None:
        return
    rows = type(line)._base_manager.filter(pk=line.pk)
    rows.update(**moved)
    still_open = line.discrepancies.filter(closed_at=None).exists()
    if not still_open:
        is_matched = rows.exclude(matched_value=0).exists()
        rows.update(state=RowState.MATCHED if is_matched else RowState.EXPLAINED)


def _settle_incident(discrepancy: Discrepancy, by: Actor, resolution: str) -> None:
    kind = REVERSALS.get(Reason(discrepancy.reason))
    match = Match.objects.filter(row=discrepancy.row_id).first() if kind is not None else None
    if kind is not None and match is not None:
        incidents.settle(kind, subject=match.refund or match.payment, by=by, resolution=resolution)


def _refuse_recheck(row: SettlementRow) -> None:
    if row.superseded_by_id is not None:
        raise Conflict("A later copy of the transaction details speaks of this transaction. Look at that row.")
    if row.discrepancies.filter(closed_at=None, reason__in=OWN_FAULTS).exists():
        raise Conflict("The row's own figures are at fault; our books cannot heal it. Close it with a reason.")
    if row.discrepancies.filter(closed_at__isnull=False).exclude(value=0).exists():
        raise Conflict("A part of this row was accepted already, so it is not decided on anew.")


def _decide_anew(row: SettlementRow) -> bool:
    kind = ReportKind(row.file.kind)
    neighbours = row.file.rows.filter(transaction_type="CANCEL").filter(
        Q(transaction_id=row.transaction_id)
        | Q(transaction_request_id=row.transaction_request_id)
        | Q(original_transaction_request_id=row.transaction_request_id)
    )
    records = [Record(one.line_number, one.raw) for one in (row, *neighbours)]
    books = open_books(row.file.account, kind, records)
    held = Match.objects.filter(row=row).first()
    if held is not None and (key := held.settles()) is not None:
        books.settled.discard(key)
    decision = decide(line_of(row), kind, books, report_day=row.file.report_day)
    expected = [(finding.reason, finding.value, finding.sentence) for finding in decision.findings]
    still_open = list(row.discrepancies.filter(closed_at=None))
    kept = [one for one in still_open if (Reason(one.reason), one.value, one.sentence) in expected]
    if len(kept) == len(still_open) == len(expected) and decision.matched == row.matched_value:
        return False
    row.discrepancies.filter(pk__in=[one.pk for one in still_open if one not in kept]).update(
        value=0, closed_at=clock.now(), closed_by="check", resolution=Resolution.HEALED, note="Checked again."
    )
    Match.objects.filter(row=row).delete()
    row.explanations.all().delete()
    row.state = decision.state
    row.matched_value = decision.matched
    row.explained_value = decision.explained_value
    row.open_value = decision.open_value
    row.save(update_fields=["state", "matched_value", "explained_value", "open_value"])
    already = {(Reason(one.reason), one.value, one.sentence) for one in kept}
    decision.findings = [
        finding for finding in decision.findings if (finding.reason, finding.value, finding.sentence) not in already
    ]
    keep_decisions([row], [decision])
    return True
