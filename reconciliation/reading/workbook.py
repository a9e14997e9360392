"""XLSX: the same columns on one sheet.

A number cell holds fifteen digits at most; an id that was written as a number has lost the rest, and such a file is
refused rather than matched wrongly. The reader goes by the cells that are there, not by the size a sheet claims to
have, which some files state wrongly.
"""

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from reconciliation.errors import NotAReport, ReportUnreadable
from reconciliation.reading.text import check_cell

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
_EXACT = 10**15
"""From here on a number cell cannot tell neighbouring integers apart."""
_MEMBER = "xl/workbook.xml"


def is_workbook(content: bytes) -> bool:
    """Whether these bytes are an XLSX file."""
    if not content.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _MEMBER in archive.namelist()
    except (zipfile.BadZipFile, ValueError):
        return False


def lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every row that is not blank, on the one sheet that has any. Raises ReportRefused."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise NotAReport(problem="The workbook is too large when unpacked. Ask the acquirer for CSV.")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
        filled = [rows for sheet in sheets if any(map(_is_filled, rows := sheet.to_python(skip_empty_area=False)))]
    except (CalamineError, zipfile.BadZipFile, ValueError, OSError) as reason:
        raise NotAReport(problem=f"This workbook cannot be opened ({type(reason).__name__}). Fetch it again.") from None
    if len(filled) > 1:
        raise NotAReport(problem="The workbook has several sheets with rows. A report has one: save it alone.")
    header: list[str] = []
    for number, row in enumerate(filled[0] if filled else [], 1):
        if not _is_filled(row):
            continue
        cells = [_text(value, number, index, header) for index, value in enumerate(row)]
        for cell in cells:
            check_cell(cell, number)
        header = header or cells
        yield number, cells


def _is_filled(row: list[Any]) -> bool:
    return any(value not in ("", None) for value in row)


def _text(value: Any, line: int, index: int, header: list[str]) -> str:
    """A cell as the report would print it."""
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return _number(value, line, header[index] if index < len(header) else f"column {index + 1}")
        case dt.datetime():
            is_date = value.time() == dt.time()
            return value.date().isoformat() if is_date else value.isoformat(sep="T", timespec="seconds")
        case dt.date():
            return value.isoformat()
        case None:
            return ""
    return str(value)


def _number(value: float, line: int, column: str) -> str:
    if abs(value) >= _EXACT:
        raise ReportUnreadable(
            line=line,
            problem=(
                f"{column} is a number with more than 15 digits, of which the last are lost. Ids must be text: take "
                "the file as the acquirer delivered it, or the CSV."
            ),
        )
    # The shortest decimal that is this number: what was typed into the cell, for up to fifteen digits.
    return format(Decimal(repr(value)).normalize(), "f") if value else "0"
