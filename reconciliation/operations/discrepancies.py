"""Working what a report opened: taking and giving it, checking it again, accepting it, writing it off.

Closing moves the discrepancy's share from open to explained, opening it again moves it back, each in the transaction
that writes the journal: the law of the file holds before and after. Checking again decides on the row anew, with what
our books say by now.

Accepting a figure and writing it off come to the same money, so they stand under one kind of ``portal.approvals``: or
whoever may not write off above a limit would accept instead.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Model, Q

from portal import approvals, clock, journal
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import queries
from reconciliation.judging import judge_about, judge_again
from reconciliation.models import (
    Discrepancy,
    FileStatus,
    Match,
    Reason,
    ReportFile,
    Resolution,
    RowState,
    SettlementRow,
    SummaryRow,
)
from reconciliation.operations.keeping import restate_all, settle_incident, to_be_booked
from reconciliation.operations.missing import heal, look_soon, settled_by

Remember = Callable[[Model], None]

NEVER_CHOSEN = (Resolution.HEALED, Resolution.MATCHED, Resolution.WRITTEN_OFF, Resolution.ACCEPTED)
CHOOSABLE = tuple(choice for choice in Resolution.choices if choice[0] not in NEVER_CHOSEN)
"""The resolutions a person may accept a figure with."""
WRITE_OFF_REASONS = (
    ("TOO_SMALL", "Too small to pursue"),
    ("NOT_RECOVERABLE", "The acquirer will not correct it"),
    ("OUR_MISTAKE", "Our own mistake"),
    ("TOO_OLD", "Too old to be found out"),
    ("OTHER", "Other (see note)"),
)
REOPEN_REASONS = (
    ("WRONG_REASON", "Closed with the wrong reason"),
    ("NEWS", "The acquirer says something else by now"),
    ("MISTAKE", "Closed by mistake"),
    ("OTHER", "Other (see note)"),
)
OWN_FAULTS = (Reason.TOO_PRECISE, Reason.CURRENCY_UNKNOWN, Reason.FEE_CURRENCY)
"""The row's own text is at fault: our books cannot heal it."""

EXPLAIN = "write off"
"""The kind under which every closing by a person stands."""
ACCEPT, WRITE_OFF = "accept", "write off"
_ENDING = ("closed_at", "closed_by", "resolution", "note")


def take(discrepancy: Discrepancy, *, by: Actor, remember: Remember | None = None) -> None:
    """Make it one's own. Raises Conflict when it is closed, or somebody else's by now."""
    _hand(discrepancy, by.user_id, "take discrepancy", by=by, note="", outcome="", remember=remember)


def assign(
    discrepancy: Discrepancy, owner: User | None, *, by: Actor, note: str = "", remember: Remember | None = None
) -> None:
    """Give it to somebody who may work it, or, without an owner, back to the queue. Raises as ``take`` does."""
    if owner is not None and not (owner.is_active and owner.has_perm("reconciliation.act_take_discrepancy")):
        raise InvalidInput(field="owner", problem="choose somebody who works discrepancies.")
    outcome = f"To {owner.get_username()}." if owner is not None else "Back to the queue."
    key = owner.pk if owner is not None else None
    _hand(discrepancy, key, "assign discrepancy", by=by, note=note, outcome=outcome, remember=remember)


def _hand(
    discrepancy: Discrepancy,
    owner_id: int | None,
    act: str,
    *,
    by: Actor,
    note: str,
    outcome: str,
    remember: Remember | None,
) -> None:
    with transaction.atomic(durable=True):
        moved = Discrepancy.objects.filter(
            Q(owner=None) | Q(owner_id=discrepancy.owner_id), pk=discrepancy.pk, closed_at=None
        ).update(owner_id=owner_id)
        if not moved:
            raise Conflict("Somebody took or closed this in the meantime. Look at it again.")
        journal.write(act, by=by, subject=discrepancy, note=note, outcome=outcome)
        if remember is not None:
            remember(discrepancy)
    discrepancy.refresh_from_db()


def close(
    discrepancy: Discrepancy, *, by: Actor, resolution: str, note: str = "", remember: Remember | None = None
) -> None:
    """Accept it with a reason; its share of the file counts as explained from now on.

    Raises InvalidInput for a reason that is none, or OTHER without a note; ApprovalNeeded above what one person accepts
    alone; Conflict when somebody was faster.
    """
    if resolution not in dict(CHOOSABLE):
        raise InvalidInput(field="resolution", problem="choose one of " + ", ".join(dict(CHOOSABLE)) + ".")
    note = demanded_note(resolution, note)
    _close(discrepancy, ACCEPT, resolution, by=by, reason_code=resolution, note=note, remember=remember)


def write_off(
    discrepancy: Discrepancy, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> None:
    """Take it as a loss or a gain of ours. Raises as ``close`` does, and Conflict where no amount is at stake."""
    if reason_code not in dict(WRITE_OFF_REASONS):
        raise InvalidInput(field="reason_code", problem="choose one of " + ", ".join(dict(WRITE_OFF_REASONS)) + ".")
    note = demanded_note(reason_code, note)
    if not weight_of(discrepancy).value:
        raise Conflict("No amount is at stake, so there is nothing to write off. Close it with a reason.")
    _close(discrepancy, WRITE_OFF, Resolution.WRITTEN_OFF, by=by, reason_code=reason_code, note=note, remember=remember)


def weight_of(discrepancy: Discrepancy) -> Money:
    """What closing it is worth, by which rules of approvals measure: what is at stake, else its share; never signed."""
    worth = discrepancy.stake if discrepancy.stake_value else discrepancy.share
    return Money(abs(worth.value), worth.currency)


def demanded_note(reason_code: str, note: str) -> str:
    """The note. Raises InvalidInput where the reason code says nothing and the note neither."""
    note = note.strip()
    if reason_code == "OTHER" and not note:
        raise InvalidInput(field="note", problem="say in a few words what the reason is.")
    return note


def _close(
    discrepancy: Discrepancy,
    act: str,
    resolution: str,
    *,
    by: Actor,
    reason_code: str,
    note: str,
    remember: Remember | None,
) -> None:
    with transaction.atomic(durable=True):
        lock_for(discrepancy)
        if not discrepancy.is_open:
            raise Conflict("This discrepancy is already closed.")
        approvals.permit(
            EXPLAIN,
            act,
            by=by,
            subject=discrepancy,
            amount=weight_of(discrepancy),
            account=discrepancy.whose,
            params={"resolution": str(resolution), "share": str(discrepancy.share)},
            sentence=_will_be(discrepancy, act, resolution),
            reason_code=reason_code,
            note=note,
        )
        Discrepancy.objects.filter(pk=discrepancy.pk, closed_at=None).update(
            closed_at=clock.now(), closed_by=str(by)[:170], resolution=resolution, note=note[:400]
        )
        discrepancy.refresh_from_db(fields=_ENDING)
        _hand_over(discrepancy)
        match = Match.objects.filter(row=discrepancy.row_id).first() if discrepancy.row_id is not None else None
        settle_incident(discrepancy, match, by, note or discrepancy.get_resolution_display())
        journal.write(
            "write off discrepancy" if act == WRITE_OFF else "close discrepancy",
            by=by,
            subject=discrepancy,
            reason_code=reason_code,
            note=note,
            outcome=f"{discrepancy.share} explained.",
        )
        if discrepancy.file is not None:
            queries.prove(discrepancy.file)
        if remember is not None:
            remember(discrepancy)


def _will_be(discrepancy: Discrepancy, act: str, resolution: str) -> str:
    if act == WRITE_OFF:
        kind = "loss" if (discrepancy.stake_value or discrepancy.value) < 0 else "gain"
        return f"{weight_of(discrepancy)} are written off as a {kind}: {discrepancy.sentence}"[:300]
    why = Resolution(resolution).label.lower()
    return f"{weight_of(discrepancy)} are accepted, {why}: {discrepancy.sentence}"[:300]


def reopen(
    discrepancy: Discrepancy, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> None:
    """Open it again, with its owner and its age: what a person said of it does not hold any more.

    Raises Conflict for one that is open, or that no person closed.
    """
    if reason_code not in dict(REOPEN_REASONS):
        raise InvalidInput(field="reason_code", problem="choose one of " + ", ".join(dict(REOPEN_REASONS)) + ".")
    note = demanded_note(reason_code, note)
    with transaction.atomic(durable=True):
        lock_for(discrepancy)
        why = not_reopenable(discrepancy)
        if why:
            raise Conflict(why)
        before: dict[str, Any] = {
            "resolution": discrepancy.resolution,
            "closed_by": discrepancy.closed_by,
            "note": discrepancy.note,
        }
        Discrepancy.objects.filter(pk=discrepancy.pk).update(closed_at=None, closed_by="", resolution="", note="")
        discrepancy.refresh_from_db(fields=_ENDING)
        line = discrepancy.row or discrepancy.summary_row
        if line is not None:
            type(line)._base_manager.filter(pk=line.pk).update(
                state=RowState.OPEN,
                open_value=F("open_value") + discrepancy.value,
                explained_value=F("explained_value") - discrepancy.value,
            )
            to_be_booked([line.batch_id])
        journal.write(
            "open discrepancy again",
            by=by,
            subject=discrepancy,
            reason_code=reason_code,
            note=note,
            before=before,
            outcome=f"{discrepancy.share} open.",
        )
        if discrepancy.file is not None:
            queries.prove(discrepancy.file)
        if remember is not None:
            remember(discrepancy)


def not_reopenable(discrepancy: Discrepancy) -> str:
    """Why it cannot be opened again, in a sentence; empty when it can."""
    if discrepancy.is_open:
        return "It is open."
    if discrepancy.resolution == Resolution.HEALED:
        return "It settled itself; it opens again by itself where that does not hold any more."
    if discrepancy.resolution == Resolution.MATCHED:
        return "The row was matched by hand. Unmatch it on the row's page."
    return ""


def check_again(discrepancy: Discrepancy, *, by: Actor, remember: Remember | None = None) -> bool:
    """Decide on the row anew with what our books say now. True when something changed.

    Raises Conflict where that cannot help: no row, the row's own text at fault, or a person decided on it already.
    """
    with transaction.atomic(durable=True):
        lock_for(discrepancy)
        row = discrepancy.row
        if row is None or not discrepancy.is_open:
            raise Conflict("Only an open discrepancy of a details row can be checked again.")
        _refuse_recheck(row)
        changed = decide_anew(row)
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


def lock_for(thing: Discrepancy | SettlementRow) -> None:
    """One at a time with imports of the account: both change what a row's amount counts as. Then look at it again.

    Raises Conflict where the file's import is being undone: then the discrepancy goes with it.
    """
    if isinstance(thing, Discrepancy) and thing.file_id is None:  # missing in all of them
        AcquirerAccount.objects.select_for_update(no_key=True).get(pk=thing.whose.pk)
        thing.refresh_from_db()
        return
    rows = ReportFile.objects.select_related("account").defer("content", "preview", "differences")
    assert thing.file_id is not None  # noqa: S101 - all else is of a file
    file = rows.get(pk=thing.file_id)  # its bytes are many, and nobody needs them here
    AcquirerAccount.objects.select_for_update().get(pk=file.account_id)
    if not ReportFile.objects.filter(pk=thing.file_id, status=FileStatus.IMPORTED).exists():
        raise Conflict("The import of this file is being undone; its discrepancies go with it.")
    thing.refresh_from_db()
    thing.file = file
    if isinstance(thing, Discrepancy) and thing.row is not None:
        thing.row.file = file


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
    to_be_booked([line.batch_id])
    still_open = line.discrepancies.filter(closed_at=None).exists()
    if not still_open:
        is_matched = rows.exclude(matched_value=0).exists()
        rows.update(state=RowState.MATCHED if is_matched else RowState.EXPLAINED)


def _refuse_recheck(row: SettlementRow) -> None:
    if row.superseded_by_id is not None:
        raise Conflict("A later copy of the transaction details speaks of this transaction. Look at that row.")
    if row.discrepancies.filter(closed_at=None, reason__in=OWN_FAULTS).exists():
        raise Conflict("The row's own figures are at fault; our books cannot heal it. Close it with a reason.")
    if Match.objects.filter(row=row, is_by_hand=True).exists():
        raise Conflict("A person matched this row by hand, so it is not decided on anew. Unmatch it first.")
    if row.discrepancies.filter(closed_at=None, reason=Reason.UNMATCHED).exists():
        raise Conflict("A person unmatched this row, so it is not decided on anew. Match it by hand, or close it.")
    if row.discrepancies.filter(closed_at__isnull=False).exclude(value=0).exists():
        raise Conflict("A part of this row was accepted already, so it is not decided on anew.")


def decide_anew(row: SettlementRow, note: str = "Checked again.", *, also_about: int | None = None) -> bool:
    """Decide on a row, and on those that touch it, with what our books say now. True when the row itself changed.

    ``also_about`` is a payment that the row does not name by any id, and whose rows are decided on, too.
    """
    again = judge_again(row).restated
    over = settled_by(one for one, _ in again)
    changed = restate_all(again, note)
    if also_about is not None:
        over.add(also_about)
        changed += restate_all(judge_about(row.file.account, also_about).restated, note)
    if row.batch_id is not None:
        heal(row.file.account, note)
        look_soon(row.file.account, over)
    for file in ReportFile.objects.filter(pk__in={one.file_id for one in changed} - {row.file_id}).defer("content"):
        queries.prove(file)
    return any(one.pk == row.pk for one in changed)
