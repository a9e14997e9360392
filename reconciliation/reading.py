"""From the bytes of a report to its lines: decoded, split, complete to ``<END>``; no meaning yet.

A file is whole or it is refused: the last line must be ``<END>``, and nothing may follow it. Quoting, byte order mark
and line ends are undocumented; we choose RFC 4180 with both line ends and an optional mark, because
``orderDescription`` is free text and files pass through spreadsheets. A published header has blanks after its commas
and a published row one comma too many, so names are stripped and surplus empty cells accepted; surplus text is not.
Source: https://docs.antom.com/ac/reconcile/perform
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciliation.errors import NotAReport, ReportTruncated, ReportUnreadable
from reconciliation.layouts import Layout, recognise, unknown_columns

MAX_REPORT_BYTES = 32 * 1024 * 1024
"""About 150,000 rows; the whole file is held in memory and imported in one transaction."""
MAX_CELL_LENGTH = 2_000
END = "<END>"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Record:
    """One row as printed: its first line in the file (counted from 1) and its cells by column name."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Reading:
    """A whole, recognised file."""

    layout: Layout
    header: tuple[str, ...]
    unknown: tuple[str, ...]
    records: tuple[Record, ...]


def read(content: bytes) -> Reading:
    """Read a report to its end. Raises ReportRefused (one of its family) with the line where there is one."""
    lines = _lines(_text(content))
    first = next(lines, None)
    if first is None:
        raise NotAReport(problem="The file holds no text.")
    header, layout = _header(first[1])
    records: list[Record] = []
    last = first[0]
    for number, cells in lines:
        if cells[0].strip() == END:
            _nothing_more(number, cells, lines)
            return Reading(layout, header, tuple(unknown_columns(layout, header)), tuple(records))
        records.append(Record(number, _named(number, header, cells)))
        last = number
    raise ReportTruncated(
        problem=(
            f"The file is truncated: it stops after line {last} ({len(records)} rows) without the line {END}. It is "
            "still being written, or was cut in transfer: fetch it again."
        )
    )


def _text(content: bytes) -> str:
    if not content:
        raise NotAReport(problem="The file is empty: not even a header line. Fetch it again.")
    if len(content) > MAX_REPORT_BYTES:
        limit = MAX_REPORT_BYTES // (1024 * 1024)
        raise NotAReport(problem=f"The file is larger than {limit} MiB. Ask the acquirer for several parts.")
    if content.startswith(b"PK\x03\x04"):
        raise NotAReport(problem="This is a spreadsheet or a ZIP archive. Give the CSV file that is in it.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotAReport(problem="This file is encoded as UTF-16. Save it as CSV in UTF-8.")
    if b"\x00" in content:
        raise NotAReport(problem="This is not a text file. Give the CSV file as the acquirer delivered it.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = content.count(b"\n", 0, reason.start) + 1
        raise ReportUnreadable(
            line=line, problem="this is not UTF-8. Give the file as the acquirer delivered it."
        ) from None


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line and cells of every record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as reason:
            raise ReportUnreadable(line=number, problem=f"this is not CSV ({reason}).") from None
        for cell in cells:
            if len(cell) > MAX_CELL_LENGTH:
                raise ReportUnreadable(line=number, problem=f"a cell has more than {MAX_CELL_LENGTH} characters.")
            if _CONTROL.search(cell):
                raise ReportUnreadable(line=number, problem="a cell has control characters. Fetch the file again.")
        if cells:
            yield number, cells


def _header(cells: list[str]) -> tuple[tuple[str, ...], Layout]:
    names = [name.strip() for name in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) <= 1:
        for sign, word in ((";", "semicolons"), ("\t", "tabs")):
            if names and sign in names[0]:
                raise NotAReport(problem=f"The columns are separated by {word}. Save the file with commas.")
    if names and names[0] == END:
        raise NotAReport(problem=f"The file has no header line: it begins with {END}.")
    layout = recognise(names)
    for position, name in enumerate(names, 1):
        if not name:
            raise ReportUnreadable(line=1, problem=f"column {position} has no name.")
        if names.count(name) > 1:
            raise ReportUnreadable(line=1, problem=f"the column {name} stands here twice.")
    return tuple(names), layout


def _named(line: int, header: tuple[str, ...], cells: list[str]) -> dict[str, str]:
    if len(cells) < len(header):
        raise ReportUnreadable(
            line=line, problem=f"{len(cells)} cells, but the header names {len(header)}. The file is damaged here."
        )
    if any(cell.strip() for cell in cells[len(header) :]):
        raise ReportUnreadable(
            line=line, problem=f"{len(cells)} cells, but the header names only {len(header)}: one too many has text."
        )
    return {name: cell.strip() for name, cell in zip(header, cells, strict=False)}


def _nothing_more(number: int, cells: list[str], lines: Iterator[tuple[int, list[str]]]) -> None:
    if any(cell.strip() for cell in cells[1:]):
        raise ReportTruncated(problem=f"Line {number}: {END} must stand alone in its line. The file is damaged here.")
    for later, rest in lines:
        if any(cell.strip() for cell in rest):
            raise ReportTruncated(
                problem=f"Line {later}: there is text after {END}. Two files were joined; give them one by one."
            )
