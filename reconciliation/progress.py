"""How far the worker is with a report file: rows, bytes, rate, time left, in words for a page."""

from dataclasses import asdict, dataclass
from typing import Any

from portal import clock
from portal.words import lazy, say, told
from reconciliation.models import FileStatus, ReportFile

_STAGES = {
    "": lazy("Waiting for the worker"),
    "reading": lazy("Reading"),
    "understanding": lazy("Reading amounts"),
    "matching": lazy("Matching"),
    "writing": lazy("Writing"),
    "closing": lazy("Proving the sums"),
}
_MINUTE = 60


@dataclass(frozen=True)
class Progress:
    """A file on its way. ``done`` and ``whole`` are rows; ``whole`` is 0 while nobody has counted them."""

    title: str
    stage: str
    is_at_work: bool
    status: str
    done: int
    whole: int
    sentence: str

    def as_json(self) -> dict[str, Any]:
        """For the page's script."""
        return asdict(self)


def how_far(file: ReportFile) -> Progress:
    """What is being done with a file, and how far it is."""
    act = file.errand.get("act", "")
    title = ""
    if file.status == FileStatus.ARRIVED:
        title = say("Being tried")
    elif file.status == FileStatus.IMPORTING or (file.status == FileStatus.TRIED and act == "import"):
        title = say("Being imported")
    elif file.status == FileStatus.UNDOING or (file.status == FileStatus.IMPORTED and act == "undo"):
        title = say("Being undone")
    stage = str(_STAGES.get(file.stage, file.stage))
    return Progress(
        title or told(file.get_status_display()),
        stage,
        bool(title),
        f"{file.status} {act}".strip(),
        file.rows_done,
        file.row_count,
        _sentence(file, stage) if title else "",
    )


def _sentence(file: ReportFile, stage: str) -> str:
    words = [stage]
    done, whole = file.rows_done, file.row_count
    if whole and done:
        words.append(say("{done:,} of {whole:,} rows", done=done, whole=whole))
        words.append(
            say("{bytes} of {bytes2}", bytes=_bytes(file.byte_size * done // whole), bytes2=_bytes(file.byte_size))
        )
    elif whole:
        words.append(say("{whole:,} rows, {bytes}", whole=whole, bytes=_bytes(file.byte_size)))
    else:
        words.append(_bytes(file.byte_size))
    if done and file.begun_at is not None:
        seconds = (clock.now() - file.begun_at).total_seconds()
        if seconds > 0:
            rate = done / seconds
            words.append(say("{rate:,.0f} rows/s", rate=rate))
            words.append(say("{span} left", span=_span((whole - done) / rate)) if whole > done else say("nearly done"))
    return " · ".join(words)


def _bytes(count: int) -> str:
    for limit, unit in ((1024**2, "MiB"), (1024, "KiB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return say("{count} bytes", count=count)


def _span(seconds: float) -> str:
    whole = round(seconds)
    return (
        f"{whole} s"
        if whole < _MINUTE
        else say("{whole} min {whole2} s", whole=whole // _MINUTE, whole2=whole % _MINUTE)
    )
