"""Several discrepancies at once: many ordinary acts with one parent, a row for each, and its result on that row.

One that is refused stops no other, and one that needs a second person becomes a request of its own. A line says what
became of it in the very transaction of its act, so whoever is killed, or comes twice, decides nothing twice; what the
person's request does not get done in its time is the worker's. A spreadsheet is read first and carried out by an act of
its own: between the two a person sees what each line would do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Model

from portal import approvals, clock, journal
from portal.actor import Actor
from portal.approvals import ApprovalNeeded
from portal.errors import Conflict, NotAllowed, PortalError
from reconciliation.models import (
    BulkAct,
    BulkDecision,
    BulkDecisionLine,
    BulkStatus,
    Discrepancy,
    LineStatus,
    Resolution,
)
from reconciliation.operations.discrepancies import (
    CHOOSABLE,
    EXPLAIN,
    WRITE_OFF_REASONS,
    Remember,
    assign,
    close,
    demanded_note,
    weight_of,
    write_off,
)
from reconciliation.sheets import DECISIONS, SheetLine, read, version_of

ASSIGN_SEVERAL = "assign discrepancies"
CLOSE_SEVERAL = "close discrepancies"
WRITE_OFF_SEVERAL = "write discrepancies off"
BY_SHEET = "decide discrepancies by a sheet"
"""What they are called in the journal."""
LEFT_TO_THE_WORKER = 30
"""Seconds after which the worker goes on with what a request has begun and not ended."""
_PORTION = 200
_SENTENCE = 400
_REASONS = {BulkAct.ACCEPT: CHOOSABLE, BulkAct.WRITE_OFF: WRITE_OFF_REASONS}
_PERMISSIONS = {
    BulkAct.ASSIGN: "reconciliation.act_take_discrepancy",
    BulkAct.ACCEPT: "reconciliation.act_close_discrepancy",
    BulkAct.WRITE_OFF: "reconciliation.act_write_off_discrepancy",
}


@dataclass(frozen=True)
class Wanted:
    """What is to be done to one of several that were chosen."""

    act: BulkAct
    reason_code: str = ""
    note: str = ""
    owner: User | None = None


def decide(
    called: str,
    chosen: Sequence[Discrepancy],
    wanted: Wanted,
    *,
    by: Actor,
    remember: Remember | None = None,
    is_time_up: Callable[[], bool] = lambda: False,
) -> BulkDecision:
    """Do the same to each of them. What is left when time is up is the worker's."""
    with transaction.atomic(durable=True):
        bulk = BulkDecision(
            act=called,
            status=BulkStatus.RUNNING,
            decided_by_id=by.user_id,
            reason_code=wanted.reason_code,
            note=wanted.note,
            due_at=_worker_goes_on(),
        )
        bulk.by(by)
        bulk.save()
        BulkDecisionLine.objects.bulk_create(
            BulkDecisionLine(
                bulk=bulk,
                position=position,
                discrepancy=one,
                label=str(one),
                act=wanted.act,
                reason_code=wanted.reason_code,
                note=wanted.note,
                owner=wanted.owner,
            )
            for position, one in enumerate(chosen, start=1)
        )
        begun = _begin(bulk, [str(one) for one in chosen])
        if remember is not None:
            remember(begun)
    carry_on(bulk, is_time_up=is_time_up)
    return bulk


def try_sheet(name: str, content: bytes, *, by: Actor, remember: Remember | None = None) -> BulkDecision:
    """Read a sheet that was filled in, and keep what each line would do, for a person to carry out.

    Raises SheetUnreadable, and InvalidInput for one that decides nothing.
    """
    said, passed_over = read(content)
    known = {
        str(one.pk): one
        for start in range(0, len(said), _PORTION)
        for one in _found([line.id for line in said[start : start + _PORTION]])
    }
    user = User.objects.filter(pk=by.user_id).first() if by.user_id is not None else None
    seen: dict[str, int] = {}
    lines = []
    for line in said:
        made = BulkDecisionLine(
            position=line.number, label=line.id[:100], version=line.version[:12], note=line.note[:256]
        )
        try:
            _understand(made, line, known.get(line.id), by, user, seen)
        except PortalError as refusal:
            made.status, made.sentence = LineStatus.REFUSED, refusal.message[:_SENTENCE]
        lines.append(made)
    with transaction.atomic():
        bulk = BulkDecision(
            act=BY_SHEET,
            status=BulkStatus.TRIED,
            decided_by_id=by.user_id,
            sheet_name=name[:200],
            passed_over=passed_over,
        )
        bulk.by(by)
        bulk.save()
        for one in lines:
            one.bulk = bulk
        BulkDecisionLine.objects.bulk_create(lines, batch_size=_PORTION)
        journal.write("read decisions from a sheet", by=by, subject=bulk, outcome=f"{len(lines)} decisions read.")
        if remember is not None:
            remember(bulk)
    return bulk


def carry_out(
    bulk: BulkDecision,
    *,
    by: Actor,
    remember: Remember | None = None,
    is_time_up: Callable[[], bool] = lambda: False,
) -> BulkDecision:
    """Decide as the sheet says. Raises Conflict when somebody was faster, NotAllowed for another person's sheet.

    Whoever has filled it in answers for it: rules of approval measure what one person does.
    """
    if by.user_id != bulk.decided_by_id:
        raise NotAllowed("Whoever read the sheet carries it out. Read it yourself to do so.")
    with transaction.atomic(durable=True):
        moved = BulkDecision.objects.filter(pk=bulk.pk, status=BulkStatus.TRIED).update(
            status=BulkStatus.RUNNING, due_at=_worker_goes_on()
        )
        if not moved:
            raise Conflict("This sheet does not wait any more. Look at it again.")
        _begin(bulk, list(bulk.lines.filter(status=LineStatus.WAITING).values_list("label", flat=True)))
        if remember is not None:
            remember(bulk)
    bulk.refresh_from_db()
    carry_on(bulk, is_time_up=is_time_up)
    return bulk


def discard_sheet(bulk: BulkDecision, *, by: Actor, remember: Remember | None = None) -> None:
    """Carry nothing of it out. Raises Conflict when somebody was faster."""
    with transaction.atomic():
        if not BulkDecision.objects.filter(pk=bulk.pk, status=BulkStatus.TRIED).update(status=BulkStatus.DISCARDED):
            raise Conflict("This sheet does not wait any more. Look at it again.")
        journal.write("discard decisions from a sheet", by=by, subject=bulk)
        if remember is not None:
            remember(bulk)


def carry_on(bulk: BulkDecision, *, is_time_up: Callable[[], bool] = lambda: False) -> bool:
    """Do what is left of it; whether all is done. Safe to run twice at once."""
    waiting = bulk.lines.filter(status=LineStatus.WAITING)
    while lines := list(waiting.select_related("owner")[:_PORTION]):
        for line in lines:
            if is_time_up():
                return False
            _decide(line, bulk.actor)
    _end(bulk)
    return True


def counts(bulk: BulkDecision) -> dict[str, int]:
    """How many of its lines stand where."""
    found = bulk.lines.order_by().values_list("status").annotate(count=Count("pk"))
    return dict.fromkeys(LineStatus.values, 0) | dict(found)


def _worker_goes_on() -> datetime:
    return clock.now() + timedelta(seconds=LEFT_TO_THE_WORKER)


def _begin(bulk: BulkDecision, chosen: list[str]) -> Model:
    return journal.write(
        f"begin to {bulk.act}",
        by=bulk.actor,
        reason_code=bulk.reason_code,
        note=bulk.note,
        after={"chosen": chosen},
    )


def _end(bulk: BulkDecision) -> None:
    with transaction.atomic(durable=True):
        ended = BulkDecision.objects.filter(pk=bulk.pk, status=BulkStatus.RUNNING).update(
            status=BulkStatus.DONE, finished_at=clock.now(), due_at=None, lease_until=None
        )
        if ended:
            lines = list(bulk.lines.values_list("label", "status", "sentence"))
            done = sum(status == LineStatus.DONE for _, status, _ in lines)
            journal.write(
                f"end to {bulk.act}",
                by=bulk.actor,
                reason_code=bulk.reason_code,
                note=bulk.note,
                after={label: sentence for label, _, sentence in lines},
                outcome=f"{done} of {len(lines)} done.",
            )
    bulk.refresh_from_db()


def _found(keys: Sequence[str]) -> list[Discrepancy]:
    numbers = [int(key) for key in keys if key.isascii() and key.isdecimal() and len(key) < 19]
    rows = Discrepancy.objects.filter(pk__in=numbers).select_related("file__account", "account", "row", "summary_row")
    return list(rows.defer("file__content", "file__preview", "file__differences"))


def _understand(
    made: BulkDecisionLine,
    line: SheetLine,
    one: Discrepancy | None,
    by: Actor,
    user: User | None,
    seen: dict[str, int],
) -> None:
    """Fill in what a line decides. Raises PortalError for what it cannot."""
    act = DECISIONS.get(" ".join(line.decision.lower().replace("_", " ").split()))
    if act is None:
        raise Conflict("“{decision}” is no decision: write accept, write off, or nothing.", decision=line.decision[:40])
    if one is None:
        raise Conflict("There is no discrepancy with this id (any more).")
    made.discrepancy, made.label = one, str(one)
    if line.id in seen:
        raise Conflict("Line {line} decides on it already.", line=seen[line.id])
    seen[line.id] = line.number
    if not one.is_open:
        raise Conflict("This discrepancy is already closed.")
    _refuse_stale(one, line.version)
    if user is not None and not user.has_perm(_PERMISSIONS[act]):
        raise NotAllowed
    reasons = {word.lower(): code for code, label in _REASONS[act] for word in (code, label)}
    reason = reasons.get(line.reason.lower())
    if reason is None:
        raise Conflict("“{reason}” is no reason for it: {reasons}.", reason=line.reason[:40], reasons=_choices(act))
    demanded_note(reason, line.note)
    made.act, made.reason_code = act, reason
    worth = weight_of(one)
    if act is BulkAct.WRITE_OFF and not worth.value:
        raise Conflict("No amount is at stake, so there is nothing to write off. Close it with a reason.")
    why = approvals.would_need(EXPLAIN, by=by, amount=worth, account=one.whose)
    made.sentence = f"{why}: it becomes a request."[:_SENTENCE] if why else ""


def _choices(act: BulkAct) -> str:
    return ", ".join(code for code, _ in _REASONS[act])


def _refuse_stale(one: Discrepancy, version: str) -> None:
    if version_of(one) != version:
        raise Conflict("It has changed since the sheet was written. Export it again, and decide anew.")


def _decide(line: BulkDecisionLine, by: Actor) -> None:
    """One of them, and its result with it."""
    mine = BulkDecisionLine.objects.filter(pk=line.pk, status=LineStatus.WAITING)

    def done(made: Model) -> None:
        if not mine.update(status=LineStatus.DONE, sentence="Done."):
            raise Conflict("Somebody else carries it out.")

    found = _found([str(line.discrepancy_id)])
    try:
        if not found:
            raise Conflict("There is no discrepancy with this id (any more).")
        if line.version:
            _refuse_stale(found[0], line.version)
        _do(found[0], line, by, done)
    except ApprovalNeeded as needed:
        try:
            asked = approvals.ask(needed, by=by)
        except PortalError as refusal:
            mine.update(status=LineStatus.REFUSED, sentence=refusal.message[:_SENTENCE])
        else:
            mine.update(status=LineStatus.ASKED, sentence=f"{needed.why}: request {asked.number}."[:_SENTENCE])
    except PortalError as refusal:
        mine.update(status=LineStatus.REFUSED, sentence=refusal.message[:_SENTENCE])


def _do(one: Discrepancy, line: BulkDecisionLine, by: Actor, done: Remember) -> None:
    match BulkAct(line.act):
        case BulkAct.ASSIGN:
            assign(one, line.owner, by=by, note=line.note, remember=done)
        case BulkAct.ACCEPT:
            close(one, by=by, resolution=Resolution(line.reason_code), note=line.note, remember=done)
        case BulkAct.WRITE_OFF:
            write_off(one, by=by, reason_code=line.reason_code, note=line.note, remember=done)
