"""What the clock starts: trying, importing and undoing report files that were handed to the worker; looking for what is
missing in all of them; fetching them where the acquirer puts them; going on with what was decided on many at once."""

import time
from datetime import timedelta

from django.db.models import QuerySet

from portal import clock, due
from reconciliation import operations
from reconciliation.models import BulkDecision, ReportFile, ReportSource, SettlementWatch
from reconciliation.operations.importing import Busy, Superseded, TimeUp, work_on

SLICE_SECONDS = 45
"""After so long a large import lets the worker's other work come first, and goes on with its next turn."""
PATIENCE = timedelta(seconds=2)
"""Until a file is looked at again that waits for another one of its account."""


def work_file(pk: int) -> str:
    """Do what waits to be done with a file, or a part of it. Safe to run twice at once, and to be killed anywhere."""
    file = ReportFile.objects.select_related("account").get(pk=pk)
    if file.due_at is None:
        return f"{file.name}: nothing to do any more"
    ends = time.monotonic() + SLICE_SECONDS
    try:
        return work_on(file, is_time_up=lambda: time.monotonic() > ends)
    except TimeUp:
        ReportFile.objects.filter(pk=pk, due_at__isnull=False).update(due_at=clock.now(), lease_until=None)
        return f"{file.name}: goes on"
    except Busy as reason:
        ReportFile.objects.filter(pk=pk, due_at__isnull=False).update(due_at=clock.now() + PATIENCE, lease_until=None)
        return f"{file.name}: {reason.message}"
    except Superseded:
        return f"{file.name}: somebody else is at it"


def _waiting() -> "QuerySet[ReportFile]":
    return ReportFile.objects.filter(due_at__isnull=False).defer("content", "preview", "differences")


files_due = due.work_on(_waiting, work_file)


def work_watch(pk: int) -> str:
    """Look once whether an account settles what it should, or a part of it. Safe to run twice at once."""
    held = SettlementWatch.objects.select_related("account").get(pk=pk)
    ends = time.monotonic() + SLICE_SECONDS
    raised, is_done = operations.look(held, is_time_up=lambda: time.monotonic() > ends)
    if is_done:
        operations.rest(held)
    else:
        SettlementWatch.objects.filter(pk=pk).update(due_at=clock.now(), lease_until=None)
    return f"{held.account}: {raised} missing in settlement" + ("" if is_done else ", goes on")


def _watched() -> "QuerySet[SettlementWatch]":
    return SettlementWatch.objects.filter(due_at__isnull=False)


watches_due = due.work_on(_watched, work_watch)


def work_source(pk: int) -> str:
    """Look once at a directory of reports. Safe to run twice at once."""
    source = ReportSource.objects.select_related("account").get(pk=pk)
    held_until = source.lease_until
    if source.due_at is None:
        return f"{source}: nothing to do any more"
    ends = time.monotonic() + SLICE_SECONDS
    looked = operations.look_at_source(source, is_time_up=lambda: time.monotonic() > ends)
    operations.rest_source(source, looked, held_until)
    return f"{source}: {looked.problem or f'{looked.fetched} fetched'}"


def _sources() -> "QuerySet[ReportSource]":
    return ReportSource.objects.filter(due_at__isnull=False)


sources_due = due.work_on(_sources, work_source)


def work_bulk(pk: int) -> str:
    """Go on with a decision on several discrepancies that nobody ended. Safe to run twice at once."""
    bulk = BulkDecision.objects.get(pk=pk)
    if bulk.due_at is None:
        return f"{bulk}: nothing to do any more"
    ends = time.monotonic() + SLICE_SECONDS
    if operations.carry_on(bulk, is_time_up=lambda: time.monotonic() > ends):
        return f"{bulk}: carried out"
    BulkDecision.objects.filter(pk=pk, due_at__isnull=False).update(due_at=clock.now(), lease_until=None)
    return f"{bulk}: goes on"


def _bulks() -> "QuerySet[BulkDecision]":
    return BulkDecision.objects.filter(due_at__isnull=False)


bulks_due = due.work_on(_bulks, work_bulk)
