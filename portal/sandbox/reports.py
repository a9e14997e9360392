"""Day close: what the acquirers settle, and the reports they write about it.

The acquirers' day is UTC+8. Antom closes it when it ends, Alipay+ the next morning; each writes its own reports.
"""

import io
import sqlite3
import zipfile
from pathlib import Path

from portal.sandbox import antom_reports, clearing, editions, merchants
from portal.sandbox.context import Context
from portal.sandbox.merchants import FIRST_CLIENT
from portal.sandbox.moments import DAY, day_of, end_of, next_day, start_of
from portal.sandbox.settlement import ReportFile
from portal.sandbox.terms import ALIPAYPLUS, ANTOM

_CLOSED_THROUGH = "closed_through"
_CLEARED_THROUGH = "cleared_through"
_EDITION = "report_edition"
_OF_ANTOM = (
    "client_id NOT IN (SELECT client_id FROM merchants WHERE json_extract(details, '$.protocol') = 'alipayplus')"
)


def write_as(context: Context, edition: str) -> None:
    """From now on print reports of this edition. Raises ValueError for one the sandbox does not print."""
    editions.printed(edition, "transactionItems", (), ())
    context.store.remember(_EDITION, edition)


def close_day(
    context: Context, day: str | None = None, folder: Path | None = None, edition: str | None = None
) -> list[ReportFile]:
    """Settle everything up to the end of a day (today, if none is named) and write its reports, of both acquirers.

    Antom's are printed in an earlier ``edition`` if one is named, or was chosen by ``write_as``.

    A day may be closed again: the transaction details are written anew, and what was not settled yet makes another
    batch. Raises ValueError for a day that is none, or has not begun.
    """
    today = day_of(context.now())
    day = day or today
    if start_of(day) > start_of(today):
        raise ValueError(f"The day {day} has not begun; today is {today}.")
    edition = edition or context.store.fact(_EDITION) or editions.CURRENT
    editions.printed(edition, "transactionItems", (), ())
    return _close(context, day, folder, (ANTOM, ALIPAYPLUS), edition)


def _close(
    context: Context, day: str, folder: Path | None, protocols: tuple[str, ...], edition: str
) -> list[ReportFile]:
    written: list[ReportFile] = []
    with context.store.transaction():
        for merchant in merchants.all_merchants(context):
            if merchant.protocol not in protocols:
                continue
            if merchant.protocol == ALIPAYPLUS:
                written += clearing.close(context, merchant, day)
            else:
                written += antom_reports.close(context, merchant, day, edition)
        for file in written:
            context.store.run(
                "INSERT OR REPLACE INTO files (day, name, kind, client_id, content, written_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (file.day, file.name, file.kind, file.client_id, file.content, context.now()),
            )
    if folder is not None:
        for file in written:
            _put(folder, file)
    return written


def close_due_days(context: Context, folder: Path | None) -> int:
    """Close every day that has ended since the last time; how many had anything to report."""
    return _close_antoms(context, folder) + _clear_what_is_ready(context, folder)


def _close_antoms(context: Context, folder: Path | None) -> int:
    yesterday = day_of(context.now() - DAY)
    closed_through = context.store.fact(_CLOSED_THROUGH)
    if closed_through is None or closed_through > yesterday:  # new, or the clock was set back
        context.store.remember(_CLOSED_THROUGH, yesterday)
        return 0
    done = 0
    while closed_through < yesterday:
        first = _first_to_report(context, end_of(closed_through))
        closed_through = min(yesterday, next_day(closed_through) if first is None else day_of(first))
        if first is not None and first < end_of(closed_through):
            edition = context.store.fact(_EDITION) or editions.CURRENT
            done += bool(_close(context, closed_through, folder, (ANTOM,), edition))
        else:
            closed_through = yesterday
        context.store.remember(_CLOSED_THROUGH, closed_through)
    return done


def _clear_what_is_ready(context: Context, folder: Path | None) -> int:
    """Every cycle has its files, also an empty one, from the first that a merchant took part in."""
    last, through = clearing.last_ready(context), context.store.fact(_CLEARED_THROUGH)
    if through is None or through > last:  # new, or the clock was set back
        context.store.remember(_CLEARED_THROUGH, last)
        return 0
    first = clearing.first_cycle(context) if through < last else None
    done = 0
    while through < last:
        through = next_day(through) if first is not None and first <= next_day(through) else _before(first, last)
        if first is not None and first <= through:
            done += bool(_close(context, through, folder, (ALIPAYPLUS,), editions.CURRENT))
        context.store.remember(_CLEARED_THROUGH, through)
    return done


def _before(first: str | None, last: str) -> str:
    """The day up to which there is nothing to clear."""
    return last if first is None or first > last else day_of(start_of(first) - DAY)


def _first_to_report(context: Context, since: int) -> int | None:
    """When, from a moment on, the first thing happened that a day's reports speak of; None: nothing since.

    What is not settled yet belongs to the first day that is closed, however long ago it happened.
    """
    first: int | None = context.store.value(
        f"SELECT MIN(at) FROM (SELECT MIN(created_at) AS at FROM payments WHERE created_at >= :since AND {_OF_ANTOM} "  # noqa: S608 - our names
        f"UNION ALL SELECT MIN(created_at) FROM refunds WHERE created_at >= :since AND {_OF_ANTOM} "
        f"UNION ALL SELECT MIN(at) FROM transactions WHERE at >= :since AND {_OF_ANTOM} "
        f"UNION ALL SELECT MAX(MIN(at), :since) FROM transactions WHERE batch_id IS NULL AND {_OF_ANTOM})",
        {"since": since},
    )
    return first


def begin_anew(context: Context) -> None:
    """Forget which days were closed: the present one is the first again, also when the clock was set back."""
    context.store.remember(_CLOSED_THROUGH, day_of(context.now() - DAY))
    context.store.remember(_CLEARED_THROUGH, clearing.last_ready(context))


def next_close(context: Context) -> int | None:
    """When a day close will next have something to settle."""
    times = [
        time
        for time in (_next_of_antom(context), clearing.next_close(context, context.store.fact(_CLEARED_THROUGH)))
        if time is not None
    ]
    return min(times, default=None)


def _next_of_antom(context: Context) -> int | None:
    first: int | None = context.store.value(
        f"SELECT MIN(at) FROM transactions WHERE batch_id IS NULL AND {_OF_ANTOM}"  # noqa: S608 - our names
    )
    if first is None:
        return None
    moment = max(end_of(day_of(first)), end_of(day_of(context.now() - DAY)))
    closed_through = context.store.fact(_CLOSED_THROUGH)
    # What a closed day left for later comes with the next one.
    return moment if closed_through is None else max(moment, end_of(next_day(closed_through)))


def stored(context: Context, day: str, name: str, client_id: str = FIRST_CLIENT) -> ReportFile | None:
    """A report written before."""
    row = context.store.one("SELECT * FROM files WHERE day = ? AND name = ? AND client_id = ?", (day, name, client_id))
    return None if row is None else ReportFile(row["day"], row["name"], row["kind"], row["client_id"], row["content"])


def zipped(context: Context, day: str, client_id: str = FIRST_CLIENT) -> bytes | None:
    """All reports of a merchant about a day in one ZIP; None where there is none."""
    rows = context.store.all(
        "SELECT name, content FROM files WHERE day = ? AND client_id = ? ORDER BY name", (day, client_id)
    )
    if not rows:
        return None
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as together:
        for row in rows:
            together.writestr(row["name"], row["content"])
    return held.getvalue()


def listing(context: Context) -> list[sqlite3.Row]:
    """Every report, newest day first, without its content."""
    return context.store.all(
        "SELECT day, name, kind, client_id, written_at, length(content) AS size FROM files ORDER BY day DESC, name"
    )


def _put(folder: Path, file: ReportFile) -> None:
    """``<folder>/<day>/<name>``; other merchants of Antom have a folder of their own above the day."""
    place = folder / file.day if file.client_id == FIRST_CLIENT else folder / file.client_id / file.day
    if file.folder:
        place = folder / file.folder
    place.mkdir(parents=True, exist_ok=True)
    draft = place / f"{file.name}.part"
    draft.write_text(file.content, encoding="utf-8")
    draft.replace(place / file.name)
