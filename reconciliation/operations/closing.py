"""Closing a month: one act that books it, after which it is never opened again."""

import hashlib
from datetime import date

from django.db import transaction

from portal import clock, journal
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.models import AcquirerAccount
from reconciliation import bookkeeping, journal_export, periods, queries
from reconciliation.models import AT_WORK, Batch, Period, PeriodStatus, Posting, ReportFile
from reconciliation.operations.discrepancies import Remember, demanded_note

LOCK_REASONS = (
    ("MONTH_END", "The month is done"),
    ("AUDIT", "Asked for by the auditors"),
    ("OTHER", "Other (see note)"),
)
_AT_ONCE = 500


def lock(period: Period, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None) -> Period:
    """Close a month: every batch of it is booked, and what comes to light later is booked in the next.

    Raises Conflict with every reason while the checklist fails, and when somebody closed it before.
    """
    if reason_code not in dict(LOCK_REASONS):
        raise InvalidInput(field="reason_code", problem="choose one of " + ", ".join(dict(LOCK_REASONS)) + ".")
    note = demanded_note(reason_code, note)
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=period.account_id)
        period.refresh_from_db()
        if not period.is_open:
            raise Conflict("{month} is closed already, by {who}.", month=str(period), who=period.locked_by)
        at_work = ReportFile.objects.filter(account=period.account_id, status__in=AT_WORK).defer("content").first()
        if at_work is not None:
            raise Conflict("{file} is being imported or undone. Wait for its end.", file=at_work.name)
        failing = [check.sentence for check in periods.checklist(period) if not check.holds]
        if failing:
            raise Conflict("{month} cannot be closed. {why}", month=str(period), why=" ".join(failing))
        found = bookkeeping.entries(period)
        own, adjusting = periods.to_book(period)
        batches = (*own, *adjusting)
        files = {key for batch in batches for key in (batch.details_id, batch.summary_id) if key is not None}
        for file in ReportFile.objects.filter(pk__in=files).defer("content", "preview", "differences"):
            queries.prove(file)
        Posting.objects.bulk_create(
            (
                Posting(
                    period=period,
                    batch=entry.batch,
                    ledger=ledger,
                    currency=entry.batch.currency,
                    value=value,
                    is_adjusting=entry.is_adjusting,
                )
                for entry in found
                for ledger, value in entry.lines
            ),
            batch_size=_AT_ONCE,
        )
        Batch.objects.filter(pk__in=[batch.pk for batch in batches]).update(needs_booking=False)
        moved = Period.objects.filter(pk=period.pk, status=PeriodStatus.OPEN).update(
            status=PeriodStatus.LOCKED,
            locked_at=clock.now(),
            locked_by=str(by)[:170],
            reason_code=reason_code,
            note=note[:256],
        )
        if not moved:
            raise Conflict("{month} is closed already.", month=str(period))
        period.refresh_from_db()
        following: date = periods.next_month(period.month)
        Period.objects.get_or_create(account_id=period.account_id, month=following)
        text = journal_export.csv_text(period, bookkeeping.entries(period))
        journal.write(
            "close month",
            by=by,
            subject=period,
            reason_code=reason_code,
            note=note,
            after={"account": period.account.slug, "entries": len(found), "batches": len(own), "late": len(adjusting)},
            outcome=f"SHA-256 of its journal as CSV: {hashlib.sha256(text).hexdigest()}",
        )
        if remember is not None:
            remember(period)
    return period
