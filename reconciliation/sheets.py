"""The queue of discrepancies as a spreadsheet: written for people to fill in, and read again.

A line is known by the discrepancy's number and by its version, a digest of all a decision rests on; whatever has
changed since is not decided by what a sheet says. The header is English in every language, as it is what tells the
columns apart. Texts are guarded against being taken for formulas, and the guard is taken off when they are read.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from portal.admin.exports import CSV, guarded, new_book, text_cell
from portal.errors import PortalError
from reconciliation.models import BulkAct, Discrepancy
from reconciliation.reading import text, workbook

LINES_AT_MOST = 10_000
HEADER = (
    "id", "version", "difference", "what_differs", "at_stake", "currency", "file", "line", "transaction", "owner",
    "opened", "decision", "reason", "note",
)  # fmt: skip
_NEEDED = ("id", "version", "decision", "reason", "note")
_WIDTHS = (8, 14, 22, 60, 12, 9, 40, 7, 34, 14, 18, 12, 18, 40)
DECISIONS = {"accept": BulkAct.ACCEPT, "write off": BulkAct.WRITE_OFF}
"""What may stand in the column ``decision``; nothing: it stays as it is."""
_GUARDED = "=+-@\t\r\n"
_DELIMITERS = ",;\t"


class SheetUnreadable(PortalError):
    """A spreadsheet that is not one of ours, filled in."""

    code = "sheet_unreadable"
    sentence = "{problem}"


@dataclass(frozen=True)
class SheetLine:
    """A line with a decision."""

    number: int
    id: str
    version: str
    decision: str
    reason: str
    note: str


def version_of(one: Discrepancy) -> str:
    """A digest of what a decision rests on: who works it may change."""
    told = (one.pk, one.reason, one.sentence, one.value, one.currency, one.stake_value, one.stake_currency)
    ends = (one.closed_at, one.resolution, one.raised_at)
    return hashlib.sha256(repr((told, [str(end) for end in ends])).encode()).hexdigest()[:12]


def write(found: Iterable[Discrepancy], kind: str) -> bytes:
    """The sheet. Whatever is listed is read with its file, row, summary row and owner."""
    return _csv(map(_cells, found)) if kind == CSV else _xlsx(map(_cells, found))


def _cells(one: Discrepancy) -> list[str]:
    line = one.row or one.summary_row
    about = one.row.transaction_request_id if one.row is not None else str(one.payment or one.refund or "")
    return [
        str(one.pk),
        version_of(one),
        one.get_reason_display(),
        one.sentence,
        one.stake.major if one.stake_value else "",
        one.stake_currency if one.stake_value else "",
        one.file.name if one.file is not None else "",
        str(line.line_number) if line is not None else "",
        about,
        one.owner.get_username() if one.owner is not None else "",
        one.opened_at.isoformat(" ", "minutes"),
        "",
        "",
        "",
    ]


_AMOUNT = HEADER.index("at_stake")
"""The one column that may begin with a minus."""


def _texts(cells: Sequence[str]) -> list[str]:
    return [cell if place == _AMOUNT else guarded(cell) for place, cell in enumerate(cells)]


def _csv(lines: Iterable[Sequence[str]]) -> bytes:
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(HEADER)
    writer.writerows(map(_texts, lines))
    return held.getvalue().encode("utf-8-sig")


def _xlsx(lines: Iterable[Sequence[str]]) -> bytes:
    book = new_book()
    sheet = book.create_sheet("discrepancies")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHIJKLMN", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append(HEADER)
    for cells in lines:
        sheet.append([text_cell(sheet, cell) for cell in _texts(cells)])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def read(content: bytes) -> tuple[list[SheetLine], int]:
    """The lines with a decision, and how many have none. Raises SheetUnreadable."""
    try:
        lines = workbook.lines(content) if workbook.is_workbook(content) else _lines(content)
        return _read(lines)
    except SheetUnreadable:
        raise
    except PortalError as reason:
        raise SheetUnreadable(problem=reason.message) from None


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    whole, _ = text.decoded(content)
    first = whole.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)  # spreadsheets write what their reader's country separates by
    reader = csv.reader(io.StringIO(whole, newline=""), delimiter=delimiter)
    for cells in reader:
        for cell in cells:
            text.check_cell(cell, reader.line_num)
        yield reader.line_num, cells


def _read(lines: Iterator[tuple[int, list[str]]]) -> tuple[list[SheetLine], int]:
    places: dict[str, int] = {}
    decided: list[SheetLine] = []
    passed_over = 0
    for number, cells in lines:
        if not places:
            places = {cell.strip().lower(): place for place, cell in enumerate(cells)}
            missing = [name for name in _NEEDED if name not in places]
            if missing:
                raise SheetUnreadable(
                    "The sheet has no column {missing}. Export the queue, and fill that sheet in.",
                    missing=", ".join(missing),
                )
            continue
        said = {name: _plain(cells[places[name]]) if places[name] < len(cells) else "" for name in _NEEDED}
        if not any(said.values()):
            continue
        if not said["decision"]:
            passed_over += 1
            continue
        decided.append(SheetLine(number, **said))
        if len(decided) > LINES_AT_MOST:
            raise SheetUnreadable("A sheet has at most {most:,} decisions. Split it.", most=LINES_AT_MOST)
    if not places:
        raise SheetUnreadable("The sheet is empty.")
    return decided, passed_over


def _plain(cell: str) -> str:
    """A cell without the apostrophe that guards it."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _GUARDED and len(cell) > 1 else cell
