"""Importing a report: its rows count all at once, or not at all; and taking an import back the same way.

A report of ordinary size is one transaction. A large one is written by portions, each a short transaction, so that
nobody else has to wait; its rows count for nothing until the last one, which is short again, makes the file IMPORTED.
Killed anywhere, whoever comes next (the worker, or the command once more) goes on after the last portion, or from the
beginning where our books have moved meanwhile. Undoing makes the file UNDOING first, in one short transaction that also
gives back to other files' rows what they would have had without it, and then takes the rows away by portions.

Decision: what a row means depends on the rows that count, so two imports of one account never run at once: the
account's row is locked, and while a large one is at work a constraint holds the place. A settlement is read from one
details file and one summary at most, which ``Batch`` holds as two keys, so that no second copy can be added up,
whatever it is called and however it is spelled.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Model, Q, QuerySet

from portal import clock, incidents, journal
from portal.actor import Actor, ActorKind
from portal.errors import Conflict, InvalidInput
from portal.models import AcquirerAccount
from portal.statements import Found, Given
from reconciliation import copying, outcomes, periods, queries, tie_out
from reconciliation.contracts import Drift
from reconciliation.editions import PERSONAL
from reconciliation.errors import BatchDiffers, NotAReport, ReportRefused
from reconciliation.judging import Judgement, judge_without
from reconciliation.layouts import SUMMING, Edition, Layout, ReportKind
from reconciliation.lines import Answers, Line, report_day
from reconciliation.models import (
    AT_WORK,
    AmountUnit,
    Batch,
    Discrepancy,
    Explanation,
    FeeContract,
    FeeParts,
    FeeSign,
    FileStatus,
    Match,
    ReportFile,
    ReportPart,
    ReportTotal,
    SettlementRow,
    SummaryRow,
)
from reconciliation.operations import missing, pieces
from reconciliation.operations.banking import let_go, match_open
from reconciliation.operations.copies import SameAsBefore, when
from reconciliation.operations.flowing import Otherwise, Prepared, Writer, Written, conventions_of_first
from reconciliation.operations.foreseeing import AlreadyHere, Foreseer, beginning, foresee
from reconciliation.operations.keeping import (
    ROWS_PER_INSERT,
    keep_decisions,
    keep_fresh,
    keep_matches,
    raise_incidents,
    raise_incidents_of,
    restate_all,
    settle_incident,
    settlement_row,
)
from reconciliation.operations.planning import (
    Look,
    Plan,
    account_of,
    find_batches,
    foresee_tie_out,
    make_plan,
    nobody_looks,
)
from reconciliation.operations.undecided import deal, decide_rest, drifts_as_json, drifts_from, find_drifts
from reconciliation.outcomes import Outcome, Result, describe, foretell
from reconciliation.reading import Reading, read
from reconciliation.reading.archives import MAX_REPORT_BYTES, base_name, digest, in_chunks, is_packed, with_its_name
from reconciliation.reading.flow import Chunks, Flow, recognise, survey

Remember = Callable[[Model], None]

ROWS_AT_ONCE = 2_000
"""Up to so many rows are read, tried, imported and undone at once, in one transaction where they write."""
PORTION = 2_000
"""Rows of a large file per transaction."""
HELD = timedelta(seconds=30)
"""For how long a command holds the file it works on; every portion holds it anew."""
LAYOUT_CHANGED = "report_layout"
FEE_DRIFT = "FEE_DRIFT"

UNDO_REASONS = (
    ("WRONG_FILE", "The wrong file"),
    ("WRONG_ANSWER", "Its unit or fees were read wrongly"),
    ("REISSUED", "The acquirer sent a corrected one"),
    ("OTHER", "Other (see note)"),
)


def _known() -> QuerySet[ReportFile]:
    is_it = Q(sha256=Given("sha256"))
    has_it = Q(pk__in=ReportPart.objects.filter(sha256=Given("sha256")).values("file"))
    found = ReportFile.objects.filter(is_it | has_it, status__in=(FileStatus.IMPORTED, FileStatus.UNDOING))
    return found.select_related("account").defer("content")


def _told() -> QuerySet[Batch]:
    summed = SummaryRow.objects.filter(file_id=Given("file")).order_by().values("batch")
    told = Batch.objects.filter(Q(details_id=Given("file")) | Q(summary_id=Given("file")) | Q(pk__in=summed))
    return told.select_related("details", "summary").defer("details__content", "summary__content")


_BY_DIGEST = Found(
    lambda: ReportFile.objects.filter(account_id=Given("account"), sha256=Given("sha256")).defer("content")
)
_KNOWN = Found(_known)
_KNOWN_OF = Found(lambda: _known().filter(account_id=Given("account")))
_AT_WORK = Found(lambda: ReportFile.objects.filter(account_id=Given("account"), status__in=AT_WORK).defer("content"))
_TOLD = Found(_told)


class Busy(Conflict):
    """Another file of the account is being imported or undone."""


class Superseded(Exception):
    """Somebody else works on the file by now; this one stops."""


@dataclass(frozen=True)
class Errand:
    """Who asked for what is being done to a file, and why."""

    act: str
    by: Actor
    reason_code: str = ""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """To be kept with the file until it is done."""
        return {
            "act": self.act,
            "kind": str(self.by.kind),
            "name": self.by.name,
            "user_id": self.by.user_id,
            "reason_code": self.reason_code,
            "note": self.note,
        }

    @classmethod
    def of(cls, file: ReportFile) -> "Errand":
        """As it is kept."""
        kept = file.errand
        by = Actor(ActorKind(kept.get("kind", ActorKind.CLOCK)), kept.get("name", "worker"), kept.get("user_id"))
        return cls(kept.get("act", ""), by, kept.get("reason_code", ""), kept.get("note", ""))


def answers_of(file: ReportFile) -> Answers:
    """What a person said about it."""
    said = file.answers
    return Answers(
        AmountUnit(said["unit"]) if said.get("unit") else None,
        FeeSign(said["fee_sign"]) if said.get("fee_sign") else None,
        FeeParts(said["fee_parts"]) if said.get("fee_parts") else None,
    )


def answers_as_json(answers: Answers) -> dict[str, str]:
    """To be kept with the file."""
    said = {"unit": answers.unit, "fee_sign": answers.fee_sign, "fee_parts": answers.fee_parts}
    return {name: str(value) for name, value in said.items() if value is not None}


# Importing.


def import_report(
    name: str,
    content: bytes,
    *,
    by: Actor,
    account: AcquirerAccount | None = None,
    answers: Answers = Answers(),  # noqa: B008 - frozen
    remember: Remember | None = None,
    look: Look = nobody_looks,
) -> Outcome:
    """Import one report to its end, or say that it is here already. Raises ReportRefused; then nothing is kept.

    Without an account, the one whose ``customer_id`` the file names is taken, or the only one there is. Waits while
    another file of the account is at work.
    """
    name = base_name(name)
    content = with_its_name(name, content)
    earlier = known(content, account)
    if earlier is not None:
        return _same_file(earlier, name)
    look("reading", 0)
    flow = flow_of(content)
    if flow is not None:
        return _import_flow(name, flow, content, account, answers, by, look)
    reading = read(content, name)
    account = account_of(reading, account, name)
    while True:
        try:
            if len(reading.records) <= ROWS_AT_ONCE:
                return _at_once(name, content, reading, account, answers, by, remember)
            file = _row_of(name, content, reading, account, answers, by, Errand("import", by))
            if file.status == FileStatus.IMPORTED:
                return _same_file(file, name)
            held = _begin(file)
            return _by_portions(file, reading, held, look)
        except Busy:
            time.sleep(0.05)
            _finish_abandoned(account, digest(content))


def flow_of(content: bytes) -> Flow | None:
    """Settlement details that are too many for one transaction, to be imported as they flow by; None for all else.

    Raises ReportRefused for what is no report.
    """
    if content.count(b"\n") <= ROWS_AT_ONCE + 1 or is_packed(content):
        return None
    flow = recognise(partial(in_chunks, content), survey(partial(in_chunks, content)))
    return flow if _is_flowing(flow) else None


def import_file(
    path: Path,
    *,
    by: Actor,
    account: AcquirerAccount | None = None,
    answers: Answers = Answers(),  # noqa: B008 - frozen
    look: Look = nobody_looks,
) -> Outcome:
    """Import settlement details of any size from a file on disk, of which only a portion is in memory at any time.

    Raises ReportRefused, also for another report of that size, which is read as a whole.
    """
    chunks = partial(pieces.chunks_of, path)
    flow = large_flow(path.name, path.stat().st_size, chunks)
    earlier = known_by(flow.surveyed.sha256, account)
    if earlier is not None:
        return _same_file(earlier, base_name(path.name))
    return _import_flow(base_name(path.name), flow, b"", account, answers, by, look)


def large_flow(name: str, byte_size: int, chunks: Chunks) -> Flow:
    """Settlement details that are too large for memory. Raises ReportRefused for what must be read as a whole."""
    limit = settings.PORTAL_REPORT_MAX_MIB
    if byte_size > limit * 1024**2:
        raise NotAReport(
            problem=(
                f"{base_name(name)} has {byte_size / 1024**2:,.0f} MiB, and at most {limit:,} MiB are read. Ask the "
                "acquirer for several parts, or raise PORTAL_REPORT_MAX_MIB."
            )
        )
    if is_packed(next(iter(chunks()), b"")):
        raise NotAReport(
            problem=(
                f"{base_name(name)} is packed and larger than {MAX_REPORT_BYTES // 1024**2} MiB: unpack it, and give "
                "the CSV file."
            )
        )
    flow = recognise(chunks, survey(chunks))
    if not _is_flowing(flow):
        raise NotAReport(
            problem=(
                f"Only settlement details may be larger than {MAX_REPORT_BYTES // 1024**2} MiB. Ask the acquirer for "
                "several parts."
            )
        )
    return flow


def flow_in_pieces(file: ReportFile) -> Flow:
    """A large file as it is kept."""
    chunks = partial(pieces.read, file)
    return recognise(chunks, survey(chunks))


def _is_flowing(flow: Flow) -> bool:
    return flow.layout.kind is ReportKind.SETTLEMENT and flow.layout.edition is not Edition.E0_HK


def _import_flow(
    name: str,
    flow: Flow,
    content: bytes,
    account: AcquirerAccount | None,
    answers: Answers,
    by: Actor,
    look: Look,
) -> Outcome:
    account = account_of(beginning(flow, 1), account, name)
    while True:
        try:
            file = _row_of(name, content, beginning(flow, 0), account, answers, by, Errand("import", by), flow)
            if file.status == FileStatus.IMPORTED:
                return _same_file(file, name)
            return _flow_through(file, flow, _begin(file), look)
        except Busy:
            time.sleep(0.05)
            _finish_abandoned(account, flow.surveyed.sha256)


def _flow_through(
    file: ReportFile,
    flow: Flow,
    held: datetime,
    look: Look = nobody_looks,
    is_time_up: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Import settlement details that are ours to work on, portion by portion. Raises ReportRefused."""
    progress = _Progress(file, held, look)

    def key_of(psp: str, line: Line) -> int:
        return _batch_of(file, psp, line).pk

    try:
        while True:
            try:
                writer = _written(file, flow, progress, key_of, look, is_time_up)
                break
            except Otherwise as other:
                _take_rows(file)
                _note(file, progress, asdict(Written(asdict(other.conventions))))
        return _close_flow(file, flow, writer, progress, is_time_up)
    except AlreadyHere:
        _take_rows(file)
        if not file.content:
            return _given_up(file, flow.layout, _too_large_to_compare())
        return _by_portions(file, read(bytes(file.content), file.name), progress.held, look, is_time_up)
    except (SameAsBefore, ReportRefused, IntegrityError) as reason:
        return _given_up(file, flow.layout, reason)


def _too_large_to_compare() -> BatchDiffers:
    return BatchDiffers(
        problem="Its batch was imported already, from other bytes. At this size the two are not compared row by row: "
        "undo the earlier import first, or ask the acquirer which of the two is right."
    )


def _written(
    file: ReportFile,
    flow: Flow,
    progress: "_Progress",
    key_of: Callable[[str, Line], int],
    look: Look,
    is_time_up: Callable[[], bool],
) -> Writer:
    """Write every row of the file that is not written yet. Raises Otherwise where they do not print as it was told."""
    answers = answers_of(file)
    told, first = conventions_of_first(flow, file.account, answers)
    kept = file.errand.get("flow")
    writer = Writer(file, flow, Written(**kept) if kept else Written(asdict(told)), key_of)
    writer.begin(first)
    progress.hold({"stage": "writing", "begun_at": clock.now(), "amount_unit": writer.conventions.unit})
    with copying.seldom_collecting(), copying.aside() as aside:
        for portion in writer.portions():
            if is_time_up():
                raise TimeUp
            aside(partial(_store, file, progress, writer.prepare(portion)))
            look("writing", writer.written.rows)
    writer.prove(answers)
    return writer


def _store(file: ReportFile, progress: "_Progress", prepared: Prepared) -> None:
    with transaction.atomic(durable=True):
        prepared.store()
        _note(file, progress, prepared.written, {"stage": "writing", "rows_done": prepared.written["rows"]})


def _note(
    file: ReportFile, progress: "_Progress", written: dict[str, Any], facts: dict[str, Any] | None = None
) -> None:
    """Keep with the file how far it is."""
    file.errand = {**file.errand, "flow": written}
    progress.hold({**(facts or {}), "errand": file.errand})


def _batch_of(file: ReportFile, psp: str, line: Line) -> Batch:
    """The batch that rows with this PSP belong to. Raises BatchDiffers where it is here from another file."""
    batch = find_batches(file.account, [(psp, line.settlement_currency, line)])[psp]
    if batch.details is not None and batch.details.pk != file.pk:
        raise AlreadyHere(batch)
    if batch.pk is None:
        batch.save()
    return batch


def _close_flow(
    file: ReportFile, flow: Flow, writer: Writer, progress: "_Progress", is_time_up: Callable[[], bool]
) -> Outcome:
    written = writer.written

    def keep(what: Callable[[], None]) -> None:
        if is_time_up():
            raise TimeUp
        with transaction.atomic(durable=True):
            what()
            progress.hold({"stage": "matching"})

    bundles = deal(file)
    if written.drifts is None:
        found = find_drifts(file, bundles, written.agreed) if FeeContract.objects.filter(account=file.account) else []
        written.drifts = drifts_as_json(found)
        _note(file, progress, asdict(written))
    drifts = drifts_from(written.drifts)
    rest = decide_rest(file, bundles, [drift.way for drift in drifts], keep)
    reading = replace(beginning(flow, 0), records=())
    plan = Plan(file.account, ReportKind.SETTLEMENT, reading, writer.conventions)
    plan.batches = {psp: Batch.objects.get(pk=pk) for psp, pk in writer.batches.items()}
    plan.sums = {psp: (count, net) for psp, (count, net) in written.sums.items()}
    plan.undecided = rest.fresh
    plan.judgement = Judgement(restated=rest.restated, drifts=drifts)
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=file.account_id)
        progress.hold({"stage": "closing", "rows_done": written.rows, "row_count": written.rows})
        file.row_count = written.rows
        return _finish(file, plan, [], set())


def rehearse(
    name: str,
    content: bytes,
    *,
    by: Actor,
    account: AcquirerAccount | None = None,
    answers: Answers = Answers(),  # noqa: B008 - frozen
    look: Look = nobody_looks,
) -> Outcome:
    """What importing would do, found out without writing. Raises ReportRefused. Keeps nothing."""
    name = base_name(name)
    content = with_its_name(name, content)
    earlier = known(content, account)
    if earlier is not None:
        return _same_file(earlier, name)
    look("reading", 0)
    flow = flow_of(content)
    if flow is not None:
        try:
            return _foreseen(name, flow, account, answers, look)
        except AlreadyHere:
            pass  # the two are compared row by row
    reading = read(content, name)
    account = account_of(reading, account, name)
    file = _BY_DIGEST.first(account=account.pk, sha256=digest(content))
    try:
        plan = make_plan(reading, account, name=name, sha256=digest(content), answers=answers, file=file, look=look)
    except SameAsBefore as here:
        return _same(here, name, digest(content), reading.layout, account)
    foresee_tie_out(plan)
    return foretell(plan, name, digest(content))


def rehearse_file(
    path: Path,
    *,
    by: Actor,
    account: AcquirerAccount | None = None,
    answers: Answers = Answers(),  # noqa: B008 - frozen
    look: Look = nobody_looks,
) -> Outcome:
    """The same for settlement details of any size on disk. Raises ReportRefused. Keeps nothing."""
    flow = large_flow(path.name, path.stat().st_size, partial(pieces.chunks_of, path))
    earlier = known_by(flow.surveyed.sha256, account)
    if earlier is not None:
        return _same_file(earlier, base_name(path.name))
    try:
        return _foreseen(base_name(path.name), flow, account, answers, look)
    except AlreadyHere:
        raise _too_large_to_compare() from None


def _foreseen(name: str, flow: Flow, account: AcquirerAccount | None, answers: Answers, look: Look) -> Outcome:
    account = account_of(beginning(flow, 1), account, name)
    file = _BY_DIGEST.first(account=account.pk, sha256=flow.surveyed.sha256)
    return foresee(name, flow, account, file, answers, look)


def known(content: bytes, account: AcquirerAccount | None) -> ReportFile | None:
    """The imported file that is these bytes, or has them as a part."""
    return known_by(digest(content), account)


def known_by(identity: str, account: AcquirerAccount | None) -> ReportFile | None:
    """The same by their digest."""
    if account is None:
        return _KNOWN.first(sha256=identity)
    return _KNOWN_OF.first(sha256=identity, account=account.pk)


def _same_file(file: ReportFile, name: str) -> Outcome:
    sentence = f"This very file was imported already, {when(file)}. Nothing was added."
    return replace(describe(file, Result.KNOWN, sentence), file=name)


def _same(here: SameAsBefore, name: str, sha256: str, layout: Layout, account: AcquirerAccount) -> Outcome:
    return Outcome(
        Result.KNOWN,
        name,
        here.sentence,
        account=account.slug,
        sha256=sha256,
        kind=layout.kind,
        edition=layout.edition,
    )


def _at_once(
    name: str,
    content: bytes,
    reading: Reading,
    account: AcquirerAccount,
    answers: Answers,
    by: Actor,
    remember: Remember | None,
) -> Outcome:
    with transaction.atomic(durable=True):
        account = AcquirerAccount.objects.select_for_update().get(pk=account.pk)
        file = _BY_DIGEST.first(account=account.pk, sha256=digest(content))
        if file is not None and file.status in {FileStatus.IMPORTED, FileStatus.UNDOING}:
            return _same_file(file, name)  # somebody else's import ended while we read
        _refuse_busy(account)
        try:
            plan = make_plan(reading, account, name=name, sha256=digest(content), answers=answers, file=file)
        except SameAsBefore as here:
            return _same(here, name, digest(content), reading.layout, account)
        file = file or _new(name, content, digest(content), len(content), account, by)
        _keep(file, name, reading, answers)
        file.errand = Errand("import", by).as_json()
        rows, later = _write(file, plan, 0, len(plan.lines))
        outcome = _finish(file, plan, rows, later)
        if remember is not None:
            remember(file)
    return outcome


def _new(name: str, content: bytes, identity: str, byte_size: int, account: AcquirerAccount, by: Actor) -> ReportFile:
    file = ReportFile(account=account, sha256=identity, content=content, status=FileStatus.TRIED)
    file.by(by)
    file.name, file.byte_size = name, byte_size
    return file


def _keep(file: ReportFile, name: str, reading: Reading, answers: Answers) -> None:
    """The file's row: the tried one becomes the imported one."""
    _recognised(file, reading, name)
    file.answers = answers_as_json(answers)
    file.save()
    _keep_parts(file, reading)


def _recognised(file: ReportFile, reading: Reading, name: str) -> None:
    layout = reading.layout
    file.kind, file.edition = layout.kind, layout.edition
    file.row_count = sum(part.row_count for part in reading.parts)
    file.columns = [column for column in reading.header if column not in PERSONAL]
    file.unknown_columns, file.absent_columns = list(reading.change.unknown), list(reading.change.absent)
    file.report_day = report_day(name) if layout.kind is ReportKind.TRANSACTIONS else reading.day
    file.amount_unit = file.amount_unit or AmountUnit.MAJOR
    file.fee_sign = file.fee_sign or FeeSign.CHARGE_NEGATIVE


def _keep_parts(file: ReportFile, reading: Reading) -> None:
    file.parts.all().delete()
    ReportPart.objects.bulk_create(
        ReportPart(
            file=file,
            number=number,
            name=part.name[:200],
            sha256=part.sha256,
            byte_size=part.byte_size,
            row_count=part.row_count,
            encoding=part.encoding,
        )
        for number, part in enumerate(reading.parts)
    )


def _row_of(
    name: str,
    content: bytes,
    reading: Reading,
    account: AcquirerAccount,
    answers: Answers,
    by: Actor,
    errand: Errand,
    flow: Flow | None = None,
) -> ReportFile:
    """The row of a large file, committed before its rows are. Without ``content``, the flow's bytes are kept."""
    identity = digest(content) if flow is None else flow.surveyed.sha256
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=account.pk)
        file = _BY_DIGEST.first(account=account.pk, sha256=identity)
        if file is not None and file.status in {*AT_WORK, FileStatus.IMPORTED}:
            return file
        file = file or _new(name, content, identity, len(content), account, by)
        if flow is not None:
            file.byte_size = flow.surveyed.byte_size
        _keep(file, name, reading, answers)
        if flow is not None and not content and not file.content:
            pieces.keep(file, flow.chunks())
        ReportFile.objects.filter(pk=file.pk).update(errand=errand.as_json())
        file.errand = errand.as_json()
    return file


def keep_large(
    name: str,
    byte_size: int,
    chunks: Chunks,
    *,
    by: Actor,
    account: AcquirerAccount | None,
    answers: Answers,
    remember: Remember | None = None,
) -> tuple[Outcome, ReportFile]:
    """Keep settlement details of any size, piece by piece, for the worker to try. Raises ReportRefused.

    Killed midway, the file waits for the rest of its bytes: given again, it is kept to its end.
    """
    name = base_name(name)
    flow = large_flow(name, byte_size, chunks)
    earlier = known_by(flow.surveyed.sha256, account)
    if earlier is not None:
        return _same_file(earlier, name), earlier
    account = account_of(beginning(flow, 1), account, name)
    outcome = Outcome(
        Result.WAITING,
        name,
        f"{name} is being read; its page shows how far it is.",
        account=account.slug,
        sha256=flow.surveyed.sha256,
        kind=flow.layout.kind,
        edition=flow.layout.edition,
    )
    undecided = (FileStatus.ARRIVED, FileStatus.TRIED, FileStatus.REFUSED)
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=account.pk)
        file = _BY_DIGEST.first(account=account.pk, sha256=flow.surveyed.sha256)
        if file is None:
            file = _new(name, b"", flow.surveyed.sha256, byte_size, account, by)
            file.status = FileStatus.ARRIVED
            _keep(file, name, beginning(flow, 0), answers)
        elif file.status not in undecided or file.errand:
            return outcome, file
        elif said := answers_as_json(answers):
            ReportFile.objects.filter(pk=file.pk).update(answers=said)
        if by.kind is ActorKind.PERSON:
            journal.write("try report", by=by, subject=file, outcome=outcome.sentence)
        if remember is not None:
            remember(file)
    if not file.content:
        for number, chunk in enumerate(chunks()):
            with transaction.atomic(durable=True):
                pieces.keep_one(file, number, chunk)
    ReportFile.objects.filter(pk=file.pk, status__in=undecided, errand={}).update(
        status=FileStatus.ARRIVED, due_at=clock.now()
    )
    file.refresh_from_db()
    return outcome, file


def _refuse_busy(account: AcquirerAccount) -> None:
    at_work = _AT_WORK.first(account=account.pk)
    if at_work is not None:
        raise Busy(f"{at_work.name} is {at_work.get_status_display().lower()}; this waits for it.")


def _begin(file: ReportFile, until: datetime | None = None) -> datetime:
    """Take a large file to work on it, or take it over from one that died. Raises Busy. Returns until when."""
    until = until or clock.now() + HELD
    try:
        with transaction.atomic(durable=True):
            AcquirerAccount.objects.select_for_update().get(pk=file.account_id)
            free = Q(lease_until__isnull=True) | Q(lease_until__lt=clock.now())
            mine = ReportFile.objects.filter(pk=file.pk).filter(
                (Q(status=FileStatus.IMPORTING) & free) | ~Q(status__in=(*AT_WORK, FileStatus.IMPORTED))
            )
            moved = mine.update(
                status=FileStatus.IMPORTING,
                due_at=clock.now(),
                lease_until=until,
                refusal="",
                refusal_code="",
                differences=[],
            )
            if not moved:
                raise Busy("Somebody else imports this file right now.")
    except IntegrityError:
        raise Busy("Another file of the account is being imported; this one waits for it.") from None
    file.status, file.lease_until = FileStatus.IMPORTING, until
    return until


def _finish_abandoned(account: AcquirerAccount, but: str) -> None:
    """Whoever waits for a file that nobody works on any more goes on with it first."""
    abandoned = ReportFile.objects.filter(
        account=account, status__in=AT_WORK, lease_until__lt=clock.now(), due_at__lte=clock.now()
    ).exclude(sha256=but)
    for file in abandoned:
        work_on(file)


class _Progress:
    """Says on the file's row how far it is, at most once a second, and holds the file meanwhile."""

    def __init__(self, file: ReportFile, held: datetime | None, also: Look) -> None:
        self._file, self.held, self._also = file, held, also
        self._span = held - clock.now() if held is not None else HELD
        self._said, self._stage = 0.0, ""

    def __call__(self, stage: str, rows: int) -> None:
        self._also(stage, rows)
        if stage == self._stage and time.monotonic() - self._said < 1:
            return
        facts: dict[str, Any] = {"stage": stage, "rows_done": rows}
        if stage != self._stage:
            facts["begun_at"] = clock.now()
        self._said, self._stage = time.monotonic(), stage
        self.hold(facts)

    def hold(self, facts: dict[str, Any]) -> None:
        """Hold the file for a while longer. Raises Superseded when somebody else does by now."""
        mine = ReportFile.objects.filter(pk=self._file.pk)
        if self.held is not None:
            until = clock.now() + self._span
            mine = mine.filter(lease_until=self.held)
            facts = {**facts, "lease_until": until}
        if not mine.update(**facts):
            raise Superseded
        if self.held is not None:
            self.held = until


def _by_portions(
    file: ReportFile,
    reading: Reading,
    held: datetime | None,
    look: Look = nobody_looks,
    is_time_up: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Import a large file that is ours to work on. Raises ReportRefused, then nothing of it is kept but its bytes."""
    progress = _Progress(file, held, look)
    try:
        plan = make_plan(
            reading,
            file.account,
            name=file.name,
            sha256=file.sha256,
            answers=answers_of(file),
            file=file,
            look=progress,
        )
        written = _already_written(file, plan, progress)
        for start in range(written, len(plan.lines), PORTION):
            if is_time_up():
                raise TimeUp
            end = min(start + PORTION, len(plan.lines))
            with transaction.atomic(durable=True):
                progress.hold({"stage": "writing", "rows_done": end})
                _write(file, plan, start, end)
            look("writing", end)
        rows = [] if plan.kind in SUMMING else _handles(file)
        later = _contested(plan)
        with transaction.atomic(durable=True):
            AcquirerAccount.objects.select_for_update().get(pk=file.account_id)
            progress.hold({"stage": "closing", "rows_done": len(plan.lines)})
            return _finish(file, plan, rows, later)
    except (SameAsBefore, ReportRefused, IntegrityError) as reason:
        return _given_up(file, reading.layout, reason)


def _given_up(file: ReportFile, layout: Layout, reason: Exception) -> Outcome:
    """Keep nothing of an import but the file's bytes and why. Raises ReportRefused, but for a mere repetition."""
    _take_back(file)
    if isinstance(reason, SameAsBefore):
        _refuse(file, "same_as_before", reason.sentence)
        return _same(reason, file.name, file.sha256, layout, file.account)
    refusal = reason if isinstance(reason, ReportRefused) else _worked_meanwhile()
    _refuse(file, refusal.code, refusal.message, getattr(refusal, "differences", []))
    if refusal is reason:
        raise refusal
    raise refusal from reason


def _worked_meanwhile() -> ReportRefused:
    return ReportRefused(problem="Somebody worked on the rows it touches meanwhile. Nothing was kept: import it again.")


class TimeUp(Exception):
    """The worker gives the file back and takes it again, so that its other work does not wait."""


def _already_written(file: ReportFile, plan: Plan, progress: _Progress) -> int:
    """How many lines an earlier attempt wrote; all of them are taken back where they would be decided otherwise now."""
    sense = blake2b(digest_size=16)
    for decision in plan.judgement.decisions:
        sense.update(repr(decision).encode())
    identity = sense.hexdigest()
    written = file.rows.count()
    if written and file.errand.get("plan") != identity:
        _take_rows(file)
        written = 0
    if file.errand.get("plan") != identity:
        file.errand = {**file.errand, "plan": identity}
        progress.hold({"errand": file.errand})
    return written


def _contested(plan: Plan) -> set[int]:
    """Places of lines whose match a row of another file may still hold until the end."""
    if plan.contested is None:
        held = {
            (match.role, match.payment_id, match.refund_id, match.cancel_id)
            for row, _ in plan.judgement.restated
            if (match := getattr(row, "match", None)) is not None
        }
        plan.contested = {
            place
            for place, decision in enumerate(plan.judgement.decisions if held else ())
            if decision.role is not None
            and decision.payment is not None
            and (
                decision.role,
                decision.payment.pk,
                decision.refund.pk if decision.refund is not None else None,
                decision.cancel.pk if decision.cancel is not None else None,
            )
            in held
        }
    return plan.contested


def _write(file: ReportFile, plan: Plan, start: int, end: int) -> tuple[list[SettlementRow], set[int]]:
    """Write lines with what was decided on them; the places of matches that wait for the end."""
    for batch in plan.batches.values():
        if batch.pk is None:
            batch.save()
    lines, decisions = plan.lines[start:end], plan.judgement.decisions[start:end]
    rows = SettlementRow.objects.bulk_create(
        [
            settlement_row(file, plan.batches.get(line.psp), line, decision)
            for line, decision in zip(lines, decisions, strict=True)
        ],
        batch_size=ROWS_PER_INSERT,
    )
    later = {place - start for place in _contested(plan) if start <= place < end}
    keep_decisions(rows, decisions, later=later)
    return rows, _contested(plan)


def _handles(file: ReportFile) -> list[SettlementRow]:
    """The rows of a file in the order of its lines, as far as its end needs them."""
    return list(file.rows.order_by("part", "line_number").only("pk", "file_id", "batch_id", "currency", "printed_type"))


def _finish(file: ReportFile, plan: Plan, rows: Sequence[SettlementRow], later: set[int]) -> Outcome:
    """From here on the file counts: inside one transaction, with the account locked."""
    decisions = plan.judgement.decisions
    touched = restate_all(plan.judgement.restated, f"{file.name} was imported.")
    touched = [row for row in touched if row.file_id != file.pk]
    keep_matches([(rows[place], decisions[place]) for place in sorted(later)])
    keep_fresh(plan.undecided)
    raise_incidents(rows, decisions)
    if plan.sums is not None:
        raise_incidents_of(file)
    _announce_drifts(file, plan.judgement.drifts)
    _note_successors(rows, plan.judgement)
    if plan.kind in SUMMING:
        _write_summary(file, plan)
    ReportTotal.objects.bulk_create(
        ReportTotal(file=file, currency=currency, row_count=count, reported_value=value)
        for currency, (count, value) in plan.totals().items()
    )
    errand = Errand.of(file)
    facts: dict[str, Any] = {
        "status": FileStatus.IMPORTED,
        "imported_at": clock.now(),
        "imported_by": str(errand.by)[:170],
        "preview": None,
        "forecast_at": None,
        "errand": {},
        "due_at": None,
        "lease_until": None,
        "attempts": 0,
        "stage": "",
        "rows_done": 0,
        "begun_at": None,
        "refusal": "",
        "refusal_code": "",
        "differences": [],
        "fee_drifts": [drift.way for drift in plan.judgement.drifts],
        **_conventions(plan),
    }
    ReportFile.objects.filter(pk=file.pk).update(**facts)
    for name, value in facts.items():
        setattr(file, name, value)
    _claim_batches(file, plan)
    periods.open_months_of(file)
    for batch in _told_of(file):
        tie_out.compare(batch)
    match_open(file.account, by=errand.by)
    queries.prove(file)
    _prove_others(touched, file)
    _forecasts_are_old(file)
    _look_for_missing(file, missing.settled_by(row for row, _ in plan.judgement.restated))
    ending = describe(file, Result.IMPORTED, "")
    ending = replace(ending, restated_rows=len(touched))
    said = [outcomes.summed_up(file.title, ending, Result.IMPORTED)]
    said += [outcomes.drifted(drift, file.name) for drift in plan.judgement.drifts]
    sentence = " ".join(said)
    journal.write("import report", by=errand.by, subject=file, outcome=sentence)
    if plan.reading.change:
        _announce(file, plan)
    return replace(ending, sentence=sentence)


def _told_of(file: ReportFile) -> list[Batch]:
    """The batches that a file has rows, sums or payments of."""
    return _TOLD.all(file=file.pk)


def _look_for_missing(file: ReportFile, over: set[int]) -> None:
    """What was missing and stands in it is closed by it; what is still missing, the clock finds out."""
    if file.kind == ReportKind.TRANSACTIONS:
        return  # settles nothing
    missing.heal(file.account, f"{file.name} was imported and has it.")
    missing.look_soon(file.account, over)


def _conventions(plan: Plan) -> dict[str, Any]:
    found = plan.conventions
    return {
        "amount_unit": found.unit,
        "amount_unit_basis": found.unit_basis[:120],
        "fee_sign": found.fee_sign,
        "fee_sign_basis": found.fee_basis[:300],
        "fee_parts": found.fee_parts,
    }


def _claim_batches(file: ReportFile, plan: Plan) -> None:
    """From now on the batches are read from this file; a settlement of theirs is only held against them."""
    if plan.kind is ReportKind.PAYOUT:
        return
    for psp, batch in plan.batches.items():
        if plan.kind is ReportKind.SUMMARY:
            batch.summary = file
            if batch.details is None:
                batch.net_value = sum(row.reported_value for row in plan.summary_rows if row.batch is batch)
        else:
            batch.details = file
            batch.row_count, batch.net_value = plan.sum_of(psp)
        batch.save()


def _write_summary(file: ReportFile, plan: Plan) -> None:
    for batch in plan.batches.values():
        if batch.pk is None:
            batch.save()
    for row in plan.summary_rows:
        row.file = file
        row.batch = row.batch  # its key is known by now
    SummaryRow.objects.bulk_create(plan.summary_rows, batch_size=ROWS_PER_INSERT)
    tie_out.open_totals(file, plan.wanted)


def _note_successors(rows: Sequence[SettlementRow], judgement: Judgement) -> None:
    """Which copy of a transaction replaces which."""
    changed: list[SettlementRow] = []
    for loser, winner in judgement.successors:
        row = rows[loser] if isinstance(loser, int) else loser
        successor = rows[winner] if isinstance(winner, int) else winner
        key = None if successor is None else successor.pk
        if row.superseded_by_id != key:
            row.superseded_by_id = key
            changed.append(row)
    SettlementRow.objects.bulk_update(changed, ["superseded_by"], batch_size=ROWS_PER_INSERT)


def _prove_others(touched: Sequence[SettlementRow], file: ReportFile) -> None:
    for other in ReportFile.objects.filter(pk__in={row.file_id for row in touched} - {file.pk}).defer("content"):
        queries.prove(other)


def _forecasts_are_old(file: ReportFile) -> None:
    """What was tried before, or is being tried, must be tried again: the rows that count have changed."""
    others = ReportFile.objects.filter(account=file.account_id).exclude(pk=file.pk)
    others.filter(
        Q(status=FileStatus.TRIED) | Q(status=FileStatus.ARRIVED, due_at__isnull=False)  # else it is not whole yet
    ).update(due_at=clock.now())


def _announce(file: ReportFile, plan: Plan) -> None:
    """A changed layout is an incident, not a line in a log."""
    incidents.raise_incident(
        LAYOUT_CHANGED,
        f"The layout of {file.title.lower()} has changed: {plan.reading.change.sentence()}",
        subject=file.account,
        detail=f"First seen in {file.name}, edition {file.edition}. The cells are kept; nothing was read from them.",
    )


def _announce_drifts(file: ReportFile, found: Sequence[Drift]) -> None:
    """A price that has changed is one incident, of its contract, and not a discrepancy for each row."""
    contracts = FeeContract.objects.in_bulk([drift.terms.pk for drift in found])
    for drift in found:
        summary = outcomes.drifted(drift, file.name)
        detail = f"Agreed on: {drift.terms.words()} since {drift.terms.valid_from}. The rows are matched as charged."
        subject = contracts.get(drift.terms.pk)
        incidents.raise_incident(FEE_DRIFT, summary, subject=subject or file.account, detail=detail)


def _forget_drifts(file: ReportFile, by: Actor) -> None:
    """Close what the file alone said of a price."""
    if not file.fee_drifts:
        return
    others = ReportFile.objects.filter(account=file.account_id, status=FileStatus.IMPORTED).exclude(pk=file.pk)
    still = {way for ways in others.values_list("fee_drifts", flat=True) for way in ways}
    for way in set(file.fee_drifts) - still:
        wallet, currency, _ = way.split(" ")
        for contract in FeeContract.objects.filter(account=file.account_id, wallet=wallet, currency=currency):
            incidents.settle(FEE_DRIFT, subject=contract, by=by, resolution="The import was undone.")


def _refuse(file: ReportFile, code: str, sentence: str, differences: list[dict[str, str]] | None = None) -> None:
    """Keep a file with the reason why it is not imported."""
    ReportFile.objects.filter(pk=file.pk).update(
        status=FileStatus.REFUSED,
        refusal_code=code,
        refusal=sentence[:1000],
        differences=differences or [],
        preview=None,
        forecast_at=None,
        errand={},
        due_at=None,
        lease_until=None,
        stage="",
        rows_done=0,
        begun_at=None,
    )
    file.refresh_from_db(fields=["status", "refusal", "refusal_code", "differences", "due_at", "lease_until"])


def _take_back(file: ReportFile) -> None:
    """Take away everything of a file that does not count."""
    _take_rows(file)
    with transaction.atomic(durable=True):
        _delete_rest(file)


def _take_rows(file: ReportFile) -> None:
    """Take its rows away, by portions."""
    own = SettlementRow.objects.filter(file=file)
    while True:
        with transaction.atomic(durable=True):
            pks = list(own.order_by("pk").values_list("pk", flat=True)[:PORTION])
            _delete_rows(pks)
        if len(pks) < PORTION:
            return


def _delete_rows(pks: Sequence[int]) -> None:
    Match.objects.filter(row__in=pks).delete()
    Explanation.objects.filter(row__in=pks).delete()
    Discrepancy.objects.filter(row__in=pks).delete()
    SettlementRow.objects.filter(superseded_by__in=pks).update(superseded_by=None)
    SettlementRow.objects.filter(pk__in=pks).delete()


def _delete_rest(file: ReportFile) -> None:
    Explanation.objects.filter(summary_row__file=file).delete()
    Discrepancy.objects.filter(file=file).delete()
    SummaryRow.objects.filter(file=file).delete()
    ReportTotal.objects.filter(file=file).delete()
    Batch.objects.filter(account=file.account_id, details=None, summary=None, rows=None, summary_rows=None).delete()


# Undoing.


def undo(
    file: ReportFile, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> ReportFile:
    """Take an import back as one act: what it brought is gone, what it changed in others is as if it had never been.

    The file stays, as one that was tried. A large one is taken back by the worker. Raises InvalidInput without a
    reason, Conflict for a file that is not imported, Busy while another file of the account is at work.
    """
    if reason_code not in dict(UNDO_REASONS):
        raise InvalidInput(field="reason_code", problem="choose one of " + ", ".join(dict(UNDO_REASONS)) + ".")
    if reason_code == "OTHER" and not note.strip():
        raise InvalidInput(field="note", problem="say in a few words what the reason is.")
    errand = Errand("undo", by, reason_code, note.strip()[:256])
    is_large = file.row_count > ROWS_AT_ONCE
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=file.account_id)
        if not ReportFile.objects.filter(pk=file.pk, status=FileStatus.IMPORTED).update(errand=errand.as_json()):
            raise Conflict("This file is not imported (any more). Look at it again.")
        file.refresh_from_db(fields=["status", "errand"])
        _refuse_busy(file.account)
        closed = periods.closed_with(file)
        if closed is not None:
            raise Conflict("{month} is closed with this file in it, so it stays.", month=str(closed))
        if is_large:
            ReportFile.objects.filter(pk=file.pk).update(due_at=clock.now(), lease_until=None)
        else:
            _stop_counting(file, errand)
            _delete_rows(list(file.rows.values_list("pk", flat=True)))
            _delete_rest(file)
            _back_to_tried(file)
        if remember is not None:
            remember(file)
    file.refresh_from_db()
    return file


def _stop_counting(file: ReportFile, errand: Errand) -> None:
    """Inside one transaction, with the account locked: from here on the file counts for nothing."""
    ReportFile.objects.filter(pk=file.pk).update(status=FileStatus.UNDOING)
    by_hand = list(
        file.discrepancies.filter(closed_at__isnull=False)
        .exclude(resolution="HEALED")
        .values("reason", "sentence", "value", "currency", "resolution", "note", "closed_by")
    )
    if file.kind != ReportKind.TRANSACTIONS:
        missing.look_soon(file.account, Match.objects.filter(row__file=file).order_by().values("payment"))
    _forget_drifts(file, errand.by)
    judgement = judge_without(file)
    for one in file.discrepancies.filter(closed_at=None).select_related("row__match"):
        match = getattr(one.row, "match", None) if one.row is not None else None
        settle_incident(one, match, errand.by, "The import was undone.")
    freed = [match.pk for row, _ in judgement.restated if (match := getattr(row, "match", None)) is not None]
    if judgement.restated or freed:
        Match.objects.filter(row__file=file).delete()
    note = f"The import of {file.name} was undone."
    touched = restate_all(judgement.restated, note)
    _note_successors([], judgement)
    batches = _told_of(file) if file.kind != ReportKind.PAYOUT else []
    for batch in batches:
        if batch.details_id == file.pk:
            batch.details, batch.row_count, batch.net_value = None, 0, None
            if batch.summary is not None:
                batch.net_value = sum(
                    batch.summary_rows.filter(file=batch.summary).values_list("reported_value", flat=True)
                )
        if batch.summary_id == file.pk:
            batch.summary = None
            if batch.details_id is None:
                batch.net_value = None
        batch.save()
        tie_out.compare(batch)
        told = batch.summary_rows.exclude(file=file).order_by().values("file")
        for other in ReportFile.objects.filter(pk__in=told).defer("content"):
            queries.prove(other)
    gone = [batch for batch in batches if batch.details_id is None and batch.summary_id is None]
    at_bank = let_go(gone, file)
    _prove_others(touched, file)
    journal.write(
        "undo import",
        by=errand.by,
        subject=file,
        reason_code=errand.reason_code,
        note=errand.note,
        before={
            "imported_by": file.imported_by,
            "rows": file.row_count,
            "closed by hand": by_hand[:50],
            "at the bank": at_bank[:50],
        },
        outcome=f"{file.row_count} rows taken back; {len(touched)} rows of other files decided on anew.",
    )


def _back_to_tried(file: ReportFile) -> None:
    ReportFile.objects.filter(pk=file.pk).update(
        status=FileStatus.TRIED,
        fee_drifts=[],
        imported_at=None,
        imported_by="",
        preview=None,
        forecast_at=None,
        errand={},
        due_at=clock.now(),
        lease_until=None,
        stage="",
        rows_done=0,
        begun_at=None,
    )
    _forecasts_are_old(file)


# The worker's part.


def work_on(file: ReportFile, *, is_time_up: Callable[[], bool] = lambda: False) -> str:
    """Do what waits to be done with a file. Raises TimeUp when there is more, Busy while the account is taken."""
    errand = Errand.of(file)
    if file.status == FileStatus.UNDOING or (file.status == FileStatus.IMPORTED and errand.act == "undo"):
        return _work_on_undo(file, errand)
    if file.status == FileStatus.IMPORTING or errand.act == "import":
        return _work_on_import(file, is_time_up)
    return _work_on_trial(file, is_time_up)


def _work_on_import(file: ReportFile, is_time_up: Callable[[], bool]) -> str:
    content = bytes(file.content)
    flow = flow_of(content) if content else flow_in_pieces(file)
    held = file.lease_until
    if file.status != FileStatus.IMPORTING:
        held = _begin(file, file.lease_until or clock.now() + HELD)
    elif held is None or held < clock.now():
        held = _begin(file)
    try:
        if flow is not None:
            outcome = _flow_through(file, flow, held, is_time_up=is_time_up)
        else:
            outcome = _by_portions(file, read(content, file.name), held, is_time_up=is_time_up)
    except ReportRefused as refusal:
        return f"{file.name}: refused ({refusal.code})"
    return f"{file.name}: {outcome.sentence}"


def _work_on_undo(file: ReportFile, errand: Errand) -> str:
    if file.status == FileStatus.IMPORTED:
        with transaction.atomic(durable=True):
            AcquirerAccount.objects.select_for_update().get(pk=file.account_id)
            _refuse_busy(file.account)
            _stop_counting(file, errand)
    _take_back(file)
    with transaction.atomic(durable=True):
        _back_to_tried(file)
    return f"{file.name}: its import is undone"


def _work_on_trial(file: ReportFile, is_time_up: Callable[[], bool]) -> str:
    outcome = try_again(file, is_time_up=is_time_up)
    return f"{file.name}: {outcome.sentence if outcome is not None else file.refusal}"


_UNDER_WAY: dict[tuple[Any, ...], Foreseer] = {}
"""The large file that this process is trying: it goes on with its next turn, if nothing else counts by then."""


def try_again(
    file: ReportFile, look: Look | None = None, *, is_time_up: Callable[[], bool] = lambda: False
) -> Outcome | None:
    """Find out what importing a kept file would do now; None when it is refused, which is kept with the reason.

    Raises TimeUp when there is more to find out.
    """
    if file.status not in {FileStatus.ARRIVED, FileStatus.TRIED, FileStatus.REFUSED}:
        raise Conflict("This file is not waiting to be tried.")
    progress = _Progress(file, file.lease_until, look or nobody_looks)
    began = clock.now()
    try:
        if _premises(file) not in _UNDER_WAY:
            progress("reading", 0)
        reading, plan, outcome = _tried(file, progress, is_time_up)
    except SameAsBefore as here:
        _refuse(file, "same_as_before", here.sentence)
        return None
    except ReportRefused as refusal:
        _refuse(file, refusal.code, refusal.message, getattr(refusal, "differences", []))
        return None
    with transaction.atomic(durable=True):
        _recognised(file, reading, file.name)
        file.row_count = outcome.rows
        mine = ReportFile.objects.filter(
            pk=file.pk, status__in=(FileStatus.ARRIVED, FileStatus.TRIED, FileStatus.REFUSED)
        )
        is_old = mine.filter(due_at__gt=began).exists()  # something was imported while we looked
        mine.update(
            status=FileStatus.TRIED,
            kind=file.kind,
            edition=file.edition,
            row_count=file.row_count,
            unknown_columns=file.unknown_columns,
            absent_columns=file.absent_columns,
            report_day=file.report_day,
            preview=outcome.as_json(),
            forecast_at=began,
            refusal="",
            refusal_code="",
            differences=[],
            stage="",
            rows_done=0,
            begun_at=None,
            lease_until=None,
            **({} if is_old else {"due_at": None}),
            **_conventions(plan),
        )
        _keep_parts(file, reading)
    file.refresh_from_db()
    return outcome


def _tried(file: ReportFile, progress: "_Progress", is_time_up: Callable[[], bool]) -> tuple[Reading, Plan, Outcome]:
    """Raises ReportRefused, SameAsBefore, and TimeUp."""
    premises = _premises(file)
    foreseer = _UNDER_WAY.pop(premises, None)
    content = bytes(file.content)
    if foreseer is None:
        flow = flow_of(content) if content else flow_in_pieces(file)
        if flow is not None:
            account_of(beginning(flow, 1), file.account, file.name)
            foreseer = Foreseer(file.name, flow, file.account, file, answers_of(file), progress)
    if foreseer is not None:
        try:
            foreseer.look = progress
            outcome = foreseer.go_on(is_time_up)
            if outcome is None or foreseer.plan is None:
                _UNDER_WAY.clear()
                _UNDER_WAY[premises] = foreseer
                raise TimeUp
            return foreseer.plan.reading, foreseer.plan, outcome
        except AlreadyHere:
            if not content:
                raise _too_large_to_compare() from None
    reading = read(content, file.name)
    account_of(reading, file.account, file.name)
    plan = make_plan(
        reading,
        file.account,
        name=file.name,
        sha256=file.sha256,
        answers=answers_of(file),
        file=file,
        look=progress,
    )
    foresee_tie_out(plan)
    return reading, plan, foretell(plan, file.name, file.sha256)


def _premises(file: ReportFile) -> tuple[Any, ...]:
    """What is found out about a file holds for these only: what was said about it, and the imports that count."""
    imported = ReportFile.objects.filter(account=file.account_id, status=FileStatus.IMPORTED)
    counting = imported.aggregate(count=Count("pk"), last=Max("imported_at"))
    return file.pk, answers_of(file), counting["count"], counting["last"]
