"""Files of many refunds: CSV or XLSX, to lines of text. What they mean is for ``payments.operations.bulk`` to say.

The first row names the columns, in any order: ``id`` (an order's number or your reference of it, a paymentRequestId or
a paymentId), ``amount`` (in major units; empty: all that is left), ``reason`` and ``note``, which may be missing.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import python_calamine

from portal.errors import InvalidInput

MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 5_000
_MAX_CELL = 256
_NAMES = {
    "id": "id",
    "order": "id",
    "order number": "id",
    "payment": "id",
    "paymentrequestid": "id",
    "paymentid": "id",
    "reference": "id",
    "amount": "amount",
    "reason": "reason",
    "reason code": "reason",
    "note": "note",
}
COLUMNS = "id, amount, reason, note"
_SAMPLE = (
    ("id", "amount", "reason", "note"),
    ("SAMPLE-ORDER-1", "", "", ""),
    ("SAMPLE-ORDER-2", "150.00", "DAMAGED", "ticket-8841"),
)


@dataclass(frozen=True)
class Said:
    """A line as it was written; ``number`` counts the rows of the file from 1, the header included."""

    number: int
    id: str
    amount: str = ""
    reason: str = ""
    note: str = ""


def sample() -> bytes:
    """A file to write one's own after. Its ids are nobody's: given as it is, it refunds nothing."""
    text = io.StringIO()
    csv.writer(text).writerows(_SAMPLE)
    return text.getvalue().encode()


def read(name: str, content: bytes) -> list[Said]:
    """The lines of a file. Raises InvalidInput, with the line where there is one, for what is no such file."""
    if not content:
        raise _unreadable("it is empty.")
    if len(content) > MAX_BYTES:
        raise _unreadable(f"it is larger than {MAX_BYTES // (1024 * 1024)} MiB. Give several files.")
    rows = _sheet(content) if content.startswith(b"PK\x03\x04") else _csv(content)
    numbered = ((number, cells) for number, cells in enumerate(rows, start=1) if any(cells))
    first = next(numbered, None)
    if first is None:
        raise _unreadable("it holds no text.")
    columns = _columns(first[1])
    said = [_line(number, columns, cells) for number, cells in numbered]
    if not said:
        raise _unreadable("it has a header and no line under it.")
    if len(said) > MAX_LINES:
        raise _unreadable(f"it has more than {MAX_LINES:,} lines. Give several files.")
    return said


def _unreadable(problem: str) -> InvalidInput:
    return InvalidInput(field="file", problem=problem)


def _csv(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable("it is not UTF-8. Save it as CSV in UTF-8, or as XLSX.") from None
    if "\x00" in text:
        raise _unreadable("it is neither a text nor an XLSX file.")
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    try:
        yield from ([cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as reason:
        raise _unreadable(f"it cannot be read as CSV: {reason}.") from None


def _sheet(content: bytes) -> Iterator[list[str]]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError, ValueError, IndexError) as reason:
        raise _unreadable(f"it cannot be read as XLSX: {reason}.") from None
    yield from ([_text(cell) for cell in row] for row in rows)


def _text(cell: Any) -> str:
    """A cell as a person would have typed it: a spreadsheet's numbers are floats, whole ones without a fraction."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime | date | time | timedelta):
        return cell.isoformat() if not isinstance(cell, timedelta) else str(cell)
    return str(cell).strip()


def _columns(header: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, title in enumerate(header):
        name = _NAMES.get(title.strip().lower().replace("_", " ")) or _NAMES.get(title.strip().lower())
        if name is None and title:
            raise _unreadable(f"its column {title[:40]!r} is not known. The columns are {COLUMNS}.")
        if name in found:
            raise _unreadable(f"it has two columns for {name}. The columns are {COLUMNS}.")
        if name is not None:
            found[name] = index
    if "id" not in found:
        raise _unreadable(f"its first row names no column id. The columns are {COLUMNS}.")
    return found


def _line(number: int, columns: dict[str, int], cells: Sequence[str]) -> Said:
    said = {name: cells[index] if index < len(cells) else "" for name, index in columns.items()}
    for name, text in said.items():
        if len(text) > _MAX_CELL:
            raise InvalidInput(field=f"line {number}", problem=f"its {name} is longer than {_MAX_CELL} characters.")
        if any(ord(letter) < 32 for letter in text):
            raise InvalidInput(field=f"line {number}", problem=f"its {name} holds a control character.")
    return Said(number, **said)
