"""Trying reports before they are imported: kept with what they would do, for a person to commit or to discard."""

from collections.abc import Callable
from dataclasses import replace

from django.db import transaction
from django.db.models import Model

from portal import clock, journal
from portal.actor import Actor, ActorKind
from portal.errors import Conflict
from portal.models import AcquirerAccount
from reconciliation.errors import BatchDiffers, QuestionOpen, ReportRefused
from reconciliation.lines import Answers
from reconciliation.models import AmountUnit, FeeSign, FileStatus, ReportFile
from reconciliation.operations.importing import (
    ROWS_AT_ONCE,
    Errand,
    answers_as_json,
    answers_of,
    import_report,
    keep_large,
    known,
    rehearse,
    try_again,
)
from reconciliation.operations.planning import account_of
from reconciliation.outcomes import Outcome, Result, describe
from reconciliation.reading import glance
from reconciliation.reading.archives import base_name, digest, with_its_name
from reconciliation.reading.flow import Chunks

Remember = Callable[[Model], None]

BYTES_AT_ONCE = 512 * 1024
"""Up to here a report is tried while its uploader waits; what is larger is the worker's."""


def try_report(
    name: str,
    content: bytes,
    *,
    by: Actor,
    account: AcquirerAccount | None = None,
    answers: Answers = Answers(),  # noqa: B008 - frozen
    remember: Remember | None = None,
) -> tuple[Outcome, ReportFile | None]:
    """Rehearse a report and keep its bytes with what that showed, for a person to commit.

    A large one is kept at once and tried by the worker. One that asks a question, or differs from the batch that is
    here, is kept with that; other refusals are raised, and nothing is kept. A report that is here already is not kept
    again: then there is no file but the earlier one's.
    """
    name = base_name(name)
    content = with_its_name(name, content)
    if len(content) > BYTES_AT_ONCE:
        return _keep_for_the_worker(name, content, by, account, answers, remember)
    refusal: ReportRefused | None = None
    try:
        outcome = rehearse(name, content, by=by, account=account, answers=answers)
    except (QuestionOpen, BatchDiffers) as reason:
        refusal = reason
        head = glance(content, name)
        account = account_of(head, account, name)
        outcome = Outcome(
            Result.REFUSED, name, reason.message, code=reason.code, account=account.slug, sha256=digest(content)
        )
        outcome = replace(outcome, kind=head.layout.kind, edition=head.layout.edition)
    kept_for = AcquirerAccount.objects.get(slug=outcome.account)
    if outcome.result is Result.KNOWN:
        return outcome, ReportFile.objects.filter(account=kept_for, sha256=digest(content)).first()
    file = _keep(name, content, by, kept_for, answers, outcome, remember)
    if refusal is None:
        ReportFile.objects.filter(pk=file.pk, status__in=_UNDECIDED).update(
            status=FileStatus.TRIED,
            preview=outcome.as_json(),
            forecast_at=clock.now(),
            tried_at=clock.now(),
            due_at=None,
            row_count=outcome.rows,
            amount_unit=outcome.amount_unit,
            amount_unit_basis=outcome.amount_unit_basis,
            fee_sign=outcome.fee_sign,
            fee_sign_basis=outcome.fee_sign_basis,
            fee_parts=outcome.fee_parts,
            unknown_columns=outcome.unknown_columns,
            absent_columns=outcome.absent_columns,
            refusal="",
            refusal_code="",
            differences=[],
        )
    else:
        ReportFile.objects.filter(pk=file.pk, status__in=_UNDECIDED).update(
            status=FileStatus.REFUSED,
            refusal=refusal.message[:1000],
            refusal_code=refusal.code,
            differences=getattr(refusal, "differences", []),
            due_at=None,
        )
    file.refresh_from_db()
    return outcome, file


_UNDECIDED = (FileStatus.ARRIVED, FileStatus.TRIED, FileStatus.REFUSED)


def _keep(
    name: str,
    content: bytes,
    by: Actor,
    account: AcquirerAccount,
    answers: Answers,
    outcome: Outcome,
    remember: Remember | None,
) -> ReportFile:
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=account.pk)
        file, is_new = ReportFile.objects.get_or_create(
            account=account,
            sha256=digest(content),
            defaults={
                "name": name,
                "byte_size": len(content),
                "content": content,
                "kind": outcome.kind,
                "edition": outcome.edition,
                "status": FileStatus.ARRIVED,
                "amount_unit": AmountUnit.MAJOR,
                "fee_sign": FeeSign.CHARGE_NEGATIVE,
                "row_count": outcome.rows,
                "answers": answers_as_json(answers),
                "actor_kind": by.kind,
                "actor_name": by.name,
            },
        )
        if not is_new:
            ReportFile.objects.filter(pk=file.pk, status__in=_UNDECIDED).update(
                answers=answers_as_json(answers) or file.answers
            )
        if by.kind is ActorKind.PERSON:
            journal.write("try report", by=by, subject=file, outcome=outcome.sentence)
        if remember is not None:
            remember(file)
    return file


def _keep_for_the_worker(
    name: str,
    content: bytes,
    by: Actor,
    account: AcquirerAccount | None,
    answers: Answers,
    remember: Remember | None,
) -> tuple[Outcome, ReportFile | None]:
    earlier = known(content, account)
    if earlier is not None:
        return rehearse(name, content, by=by, account=account), earlier
    head = glance(content, name)
    account = account_of(head, account, name)
    outcome = Outcome(
        Result.WAITING,
        name,
        f"{name} is being read; its page shows how far it is.",
        account=account.slug,
        sha256=digest(content),
        kind=head.layout.kind,
        edition=head.layout.edition,
    )
    file = _keep(name, content, by, account, answers, outcome, remember)
    ReportFile.objects.filter(pk=file.pk, status__in=_UNDECIDED).update(status=FileStatus.ARRIVED, due_at=clock.now())
    file.refresh_from_db()
    return outcome, file


def try_large_report(
    name: str,
    byte_size: int,
    chunks: Chunks,
    *,
    by: Actor,
    account: AcquirerAccount | None = None,
    answers: Answers = Answers(),  # noqa: B008 - frozen
    remember: Remember | None = None,
) -> tuple[Outcome, ReportFile | None]:
    """The same for settlement details that are too large for memory: they are the worker's. Raises ReportRefused.

    ``chunks`` gives the bytes, a few megabytes at a time, the same ones each time.
    """
    return keep_large(name, byte_size, chunks, by=by, account=account, answers=answers, remember=remember)


def answer(file: ReportFile, answers: Answers, *, by: Actor, remember: Remember | None = None) -> ReportFile:
    """Say how a refused file prints its amounts, and try it again. Raises Conflict when it is not refused any more."""
    with transaction.atomic(durable=True):
        moved = ReportFile.objects.filter(pk=file.pk, status=FileStatus.REFUSED).update(
            answers={**file.answers, **answers_as_json(answers)}, status=FileStatus.ARRIVED, due_at=clock.now()
        )
        if not moved:
            raise Conflict("This file does not ask anything (any more). Look at it again.")
        said = ", ".join(f"{name} {value}" for name, value in answers_as_json(answers).items())
        journal.write("answer report", by=by, subject=file, outcome=f"Said: {said or 'nothing'}.")
        if remember is not None:
            remember(file)
    file.refresh_from_db()
    if file.byte_size <= BYTES_AT_ONCE:
        try_again(file)
    return file


def forecast(file: ReportFile) -> Outcome | None:
    """What importing a tried file would do now; None where the worker is still finding it out.

    Raises ReportRefused where it would be refused by now.
    """
    if file.due_at is None and file.preview is not None:
        return Outcome.from_json(file.preview)
    if file.byte_size > BYTES_AT_ONCE:
        return None
    return rehearse(file.name, bytes(file.content), by=Actor.clock(), account=file.account, answers=answers_of(file))


def commit(file: ReportFile, *, by: Actor, remember: Remember | None = None) -> Outcome:
    """Import a file that was tried; a large one is handed to the worker. Raises ReportRefused, and Conflict."""
    if file.row_count <= ROWS_AT_ONCE and file.byte_size <= BYTES_AT_ONCE:
        return import_report(
            file.name,
            bytes(file.content),
            by=by,
            account=file.account,
            answers=answers_of(file),
            remember=remember,
        )
    with transaction.atomic(durable=True):
        moved = ReportFile.objects.filter(pk=file.pk, status=FileStatus.TRIED).update(
            errand=Errand("import", by).as_json(), due_at=clock.now(), lease_until=None
        )
        if not moved:
            raise Conflict("This file is not waiting to be imported (any more). Look at it again.")
        if remember is not None:
            remember(file)
    file.refresh_from_db()
    return describe(file, Result.WAITING, f"{file.name} is being imported; its page shows how far it is.")


def discard(file: ReportFile, *, by: Actor) -> None:
    """Forget a file that was only tried. Raises Conflict for one that is imported, or being imported."""
    with transaction.atomic(durable=True):
        journal.write("discard report", by=by, subject=file, before={"sha256": file.sha256, "name": file.name})
        deleted, _ = ReportFile.objects.filter(pk=file.pk, status__in=_UNDECIDED, errand={}).delete()
        if not deleted:
            raise Conflict("This file is imported by now, and an import is not discarded.")
