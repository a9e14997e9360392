"""Fetching reports from an account's SFTP directory: said by an administrator, looked at by the clock.

A look notes what lies there, in a transaction of its own, and then fetches what two looks have found alike, outside of
any: a file that is still being uploaded grows or is touched between them. What was fetched is remembered by name, size
and time, and its bytes by their hash, so that nothing is fetched twice, and what is delivered twice is imported once.
Each file goes the way of an upload: it is tried, imported at once if it was recognised and asks nothing, and waits for
a person otherwise. A part that is late is put together with the parts that are there.

The server is told nothing before a person has confirmed its host key. Safe to be killed anywhere: a file counts as
fetched only when what it was kept as is, and trying it again finds that.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F

from portal import clock, incidents, journal
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.encryption import blind_index
from portal.errors import Conflict, InvalidInput, PortalError
from portal.idempotency import Remember
from portal.models import AcquirerAccount
from reconciliation import sftp
from reconciliation.models import FileStatus, ReportFile, ReportSource, SourceFile, SourceFileState
from reconciliation.operations.importing import Busy
from reconciliation.operations.trying import commit, try_report
from reconciliation.outcomes import Result
from reconciliation.reading.archives import MAX_ARCHIVE_BYTES, digest, gather, set_of
from reconciliation.sftp import Entry, HostKeyUnconfirmed, Server, SourceFailed, Step

if TYPE_CHECKING:
    from reconciliation.sftp.session import Visit

FIELDS = ("host", "port", "username", "directory", "every_minutes", "imports_at_once", "is_enabled")
"""What a person says about a source; password and key have ways of their own."""
_SAID = (*FIELDS, "password", "private_key", "host_key", "offered_host_key", "due_at", "attempts")
SECOND_LOOK = timedelta(minutes=1)
"""After what is new was seen, or is still being tried."""
SOURCE_FAILED = "REPORT_SOURCE_FAILED"
FILE_REFUSED = "FETCHED_FILE_REFUSED"
_ENDINGS = (".csv", ".xlsx", ".zip")
_PATH_LENGTH = 500
_AT_ONCE = 500
_MOST_SENTENCE = 1000
_MOST_PROBLEM = 500


class SourceTaken(Conflict):
    """The account has this source already."""

    code = "source_taken"
    sentence = "This account fetches from this very directory already. Edit that source."


# What a person says.


def add_source(
    account: AcquirerAccount,
    facts: dict[str, Any],
    *,
    password: str = "",
    private_key: str = "",
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> ReportSource:
    """Fetch an account's reports from a directory. The worker goes there at once, to see its host key.

    ``private_key`` as ``sftp.unlocked`` makes it. Raises SourceTaken.
    """
    source = ReportSource(
        account=account, password=password, private_key=private_key, due_at=clock.now(), **_named(facts)
    )
    return _keep(source, "add report source", None, by, note, remember)


def edit_source(
    source: ReportSource,
    facts: dict[str, Any],
    *,
    password: str = "",
    private_key: str = "",
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> ReportSource:
    """Change a source; an empty password and key leave those there are. Another server is known by no key yet.

    Raises SourceTaken, and InvalidInput where another server or name would be told what was typed for this one.
    """
    before = _shown(source)
    is_elsewhere = (source.host, source.port) != (facts["host"], facts["port"])
    if (is_elsewhere or source.username != facts["username"]) and not (password or private_key):
        raise InvalidInput(
            "What was typed for one server is told to no other: type the password or the key of this one."
        )
    for name, value in _named(facts).items():
        setattr(source, name, value)
    if is_elsewhere:
        source.host_key = source.offered_host_key = ""
    if password or private_key:
        source.password, source.private_key = password, private_key
    source.due_at, source.attempts = clock.now() if source.is_enabled else None, 0
    return _keep(source, "edit report source", before, by, note, remember)


def confirm_host_key(
    source: ReportSource, offered: str, *, by: Actor, note: str = "", remember: Remember | None = None
) -> ReportSource:
    """Know the server by the key it showed, from now on, and look. Raises Conflict if it shows another one by now."""
    with transaction.atomic():
        before = sftp.fingerprint(source.host_key) if source.host_key else ""
        moved = ReportSource.objects.filter(pk=source.pk, offered_host_key=offered).update(
            host_key=offered, offered_host_key="", due_at=clock.now(), problem="", failed_step="", attempts=0
        )
        if not moved or not offered:
            raise Conflict("The server shows another key by now. Compare that one.")
        journal.write(
            "confirm host key",
            by=by,
            subject=source,
            note=note,
            before={"host_key": before},
            after={"host_key": sftp.fingerprint(offered)},
        )
        if remember is not None:
            remember(source)
    source.refresh_from_db()
    return source


def look_now(source: ReportSource, *, by: Actor, remember: Remember | None = None) -> None:
    """Let the worker look at once. Raises Conflict for a source that is switched off."""
    with transaction.atomic():
        if not ReportSource.objects.filter(pk=source.pk, is_enabled=True).update(due_at=clock.now()):
            raise Conflict("This source is switched off. Switch it on first.")
        journal.write("look at report source", by=by, subject=source)
        if remember is not None:
            remember(source)


@dataclass(frozen=True)
class Tested:
    """How far a visit came: the steps that were done, and the one that failed, if one did."""

    done: list[Step]
    failed: Step | None = None
    problem: str = ""
    files: int = 0


def test(source: ReportSource, *, by: Actor) -> Tested:
    """Go there and list the directory; nothing is fetched. A host key nobody has confirmed is kept to be compared."""
    steps = [Step.REACH, Step.HOST_KEY, Step.SIGN_IN, Step.DIRECTORY]
    try:
        with _visit(server_of(source)) as visit:
            result = Tested(steps, files=len(visit.files()))
    except SourceFailed as reason:
        result = Tested(steps[: steps.index(reason.step)], reason.step, reason.message)
        if isinstance(reason, HostKeyUnconfirmed):
            ReportSource.objects.filter(pk=source.pk).update(offered_host_key=reason.offered)
    with transaction.atomic():
        journal.write("test report source", by=by, subject=source, outcome=result.problem or "reached")
    return result


def _visit(server: Server) -> "AbstractContextManager[Visit]":
    from reconciliation.sftp.session import visit  # noqa: PLC0415 - it takes half a second to load

    return visit(server)


def server_of(source: ReportSource) -> Server:
    """As a visit takes it."""
    return Server(
        host=source.host,
        port=source.port,
        username=source.username,
        directory=source.directory,
        host_key=source.host_key,
        password=Secret(source.password),
        private_key=Secret(source.private_key),
    )


def _named(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in FIELDS}


def _keep(
    source: ReportSource,
    act: str,
    before: dict[str, Any] | None,
    by: Actor,
    note: str,
    remember: Remember | None,
) -> ReportSource:
    after = _shown(source)
    said: dict[str, Any] = {"after": after} if before is None else journal.differing(before, after)
    try:
        with transaction.atomic():
            source.save(update_fields=None if before is None else _SAID)
            journal.write(act, by=by, subject=source, note=note, **said)
            if remember is not None:
                remember(source)
    except IntegrityError:
        raise SourceTaken from None
    return source


def _shown(source: ReportSource) -> dict[str, Any]:
    shown = {name: getattr(source, name) for name in FIELDS}
    return shown | {"signs in with": "a key" if source.private_key else "a password", "secret": _mark(source)}


def _mark(source: ReportSource) -> str:
    """Tells one secret from another in the journal, and to nobody without our keys anything about either."""
    return blind_index(source.private_key or source.password, "reconciliation.ReportSource")[:8]


# What the clock does.


@dataclass
class Looked:
    """What a look did."""

    fetched: int = 0
    is_pending: bool = False
    """Something was seen that is not fetched yet, or is still being tried."""
    problem: str = ""


def look(source: ReportSource, *, is_time_up: Callable[[], bool] = lambda: False) -> Looked:
    """Fetch what is new and has come to rest, and go on with what was fetched before."""
    looked = Looked()
    failure: SourceFailed | None = None
    try:
        with _visit(server_of(source)) as visit:
            ready, looked.is_pending = _note(source, visit.files())
            for rows in ready:
                if is_time_up():
                    looked.is_pending = True
                    break
                try:
                    contents = [_read(visit, row) for row in rows]
                except SourceFailed as reason:
                    failure, looked.is_pending = failure or reason, True
                    continue
                _take(source, rows, contents)
                looked.fetched += len(rows)
    except SourceFailed as reason:
        failure = reason
    looked.is_pending |= _go_on(source)
    if failure is not None:
        _failed(source, failure)
        looked.problem = failure.message
    else:
        _answered(source)
    return looked


def rest(source: ReportSource, looked: Looked, held_until: datetime | None) -> None:
    """Until the next look; where a person wanted one meanwhile, not at all."""
    pause = timedelta(minutes=source.every_minutes)
    if looked.is_pending and not looked.problem:
        pause = min(pause, SECOND_LOOK)
    due_at = clock.now() + pause
    mine = ReportSource.objects.filter(pk=source.pk, is_enabled=True)
    if not mine.filter(due_at=source.due_at, lease_until=held_until).update(due_at=due_at, lease_until=None):
        mine.filter(lease_until=held_until).update(lease_until=None)


def _note(source: ReportSource, entries: Sequence[Entry]) -> tuple[list[list[SourceFile]], bool]:
    """Keep what lies there, and what of it can be fetched: reports, each with all of its parts.

    A report of which a part still grows, or is empty, is awaited as a whole.
    """
    reports = [entry for entry in entries if _is_report(entry)]
    known = _known(source, [entry.path for entry in reports])
    sets: dict[str, list[SourceFile]] = {}
    growing: set[str] = set()
    fresh: set[str] = set()
    is_pending = False
    with transaction.atomic(durable=True):
        for entry in reports:
            row = known.get(entry.path)
            is_same = row is not None and (row.size, row.modified) == (entry.size, entry.modified)
            if row is None or not is_same:
                if row is not None and row.state == SourceFileState.GROWING:
                    row.delete()
                row, _ = SourceFile.objects.get_or_create(
                    source=source, path=entry.path, size=entry.size, modified=entry.modified
                )
                is_same = row.state != SourceFileState.GROWING
            key = set_of(entry.path)
            sets.setdefault(key, []).append(row)
            if row.state == SourceFileState.GROWING:
                (fresh if is_same and row.size else growing).add(key)
                is_pending |= not is_same
        ReportSource.objects.filter(pk=source.pk).update(passed_over=len(entries) - len(reports))
    return [rows for key, rows in sets.items() if key in fresh and key not in growing], is_pending


def _is_report(entry: Entry) -> bool:
    name = entry.path.rpartition("/")[2].lower()
    return name.endswith(_ENDINGS) and not name.startswith(".") and len(entry.path) <= _PATH_LENGTH


def _known(source: ReportSource, paths: Sequence[str]) -> dict[str, SourceFile]:
    """The newest row of each path."""
    found: dict[str, SourceFile] = {}
    for start in range(0, len(paths), _AT_ONCE):
        rows = SourceFile.objects.filter(source=source, path__in=paths[start : start + _AT_ONCE]).order_by("pk")
        found |= {row.path: row for row in rows}
    return found


def _read(visit: "Visit", row: SourceFile) -> bytes:
    if row.size > MAX_ARCHIVE_BYTES:
        raise SourceFailed(
            "{path} has {size} bytes; a report has at most {most}.",
            step=Step.READ,
            path=row.path,
            size=row.size,
            most=MAX_ARCHIVE_BYTES,
        )
    return visit.read(Entry(row.path, row.size, row.modified))


def _take(source: ReportSource, rows: Sequence[SourceFile], contents: Sequence[bytes]) -> None:
    """Try what was fetched, import what asks nothing, and remember all of it."""
    kept: list[ReportFile] = []
    sentences: list[str] = []
    is_refused = is_to_import = False
    for delivery in gather((row.path, content) for row, content in zip(rows, contents, strict=True)):
        try:
            if delivery.refusal is not None:
                raise delivery.refusal
            outcome, file = try_report(delivery.name, delivery.content, by=Actor.clock(), account=source.account)
        except PortalError as refusal:
            is_refused = True
            sentences.append(f"{delivery.name}: {refusal.message}")
            continue
        if file is not None:
            kept.append(file)
        if outcome.result in {Result.TRIED, Result.WAITING}:
            is_to_import |= source.imports_at_once
        else:
            sentences.append(outcome.sentence)
    state = SourceFileState.REFUSED if is_refused else SourceFileState.FETCHED
    with transaction.atomic(durable=True):
        for row, content in zip(rows, contents, strict=True):
            SourceFile.objects.filter(pk=row.pk).update(
                state=state,
                sha256=digest(content),
                sentence=" ".join(sentences)[:_MOST_SENTENCE],
                is_to_import=is_to_import,
                fetched_at=clock.now(),
            )
            row.reports.set(kept)
    if is_refused:
        summary = f"{rows[0]} was fetched and refused."
        incidents.raise_incident(FILE_REFUSED, summary, subject=rows[0], detail=" ".join(sentences))


def _go_on(source: ReportSource) -> bool:
    """Import what was tried meanwhile and asks nothing; whether something is still being tried."""
    is_pending = False
    for row in source.files.filter(is_to_import=True).order_by("pk"):
        waits = [_import(file) for file in row.reports.defer("content", "differences")]
        if any(waits):
            is_pending = True
        else:
            SourceFile.objects.filter(pk=row.pk).update(is_to_import=False)
    return is_pending


def _import(file: ReportFile) -> bool:
    """Import a file that was tried and asks nothing; whether it is too early to."""
    if file.status in {FileStatus.ARRIVED, FileStatus.UNDOING}:
        return True
    if file.status != FileStatus.TRIED or file.errand or file.unknown_columns:
        return False  # imported, or a person must look
    try:
        commit(file, by=Actor.clock())
    except Busy:
        return True
    except PortalError:  # it is refused by now: its page says why, and it waits for a person
        return False
    return False


def _failed(source: ReportSource, reason: SourceFailed) -> None:
    facts: dict[str, Any] = {
        "looked_at": clock.now(),
        "failed_step": reason.step.value,
        "problem": reason.message[:_MOST_PROBLEM],
        "attempts": F("attempts") + 1,
    }
    if isinstance(reason, HostKeyUnconfirmed):
        facts["offered_host_key"] = reason.offered
    ReportSource.objects.filter(pk=source.pk).update(**facts)
    if isinstance(reason, HostKeyUnconfirmed) and not source.host_key:
        return  # nothing is wrong: a person is awaited
    incidents.raise_incident(
        SOURCE_FAILED, f"Reports cannot be fetched from {source}.", subject=source, detail=reason.message
    )


def _answered(source: ReportSource) -> None:
    now = clock.now()
    ReportSource.objects.filter(pk=source.pk).update(
        looked_at=now, answered_at=now, failed_step="", problem="", attempts=0, offered_host_key=""
    )
    incidents.settle(SOURCE_FAILED, subject=source, by=Actor.clock(), resolution="A look came to its end.")
