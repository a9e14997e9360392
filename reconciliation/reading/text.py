"""CSV as the acquirer writes it, and as spreadsheets write it again.

Quoting, byte order mark and line ends are undocumented; we choose RFC 4180 with both line ends and an optional mark,
because ``orderDescription`` is free text and files pass through spreadsheets, which also turn UTF-8 into GBK.
"""

import csv
import io
import re
from collections.abc import Iterator

from reconciliation.errors import NotAReport, ReportUnreadable

MAX_CELL_LENGTH = 2_000
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


NO_TEXT = "This is not a text file. Give the CSV file as the acquirer delivered it."
NEITHER = "this is not UTF-8, nor GBK. Give the file as the acquirer delivered it."


def refuse_foreign(beginning: bytes) -> None:
    """Raise NotAReport for what begins like something else."""
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotAReport(problem="This file is encoded as UTF-16. Save it as CSV in UTF-8.")
    if beginning.startswith(b"\xd0\xcf\x11\xe0"):
        raise NotAReport(problem="This is a workbook of an old Excel (.xls). Save it as .xlsx or CSV.")


def decoded(content: bytes) -> tuple[str, str]:
    """The text and what it was encoded as. Raises NotAReport, and ReportUnreadable with the line."""
    refuse_foreign(content)
    if b"\x00" in content:
        raise NotAReport(problem=NO_TEXT)
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as reason:
        at = reason.start
    try:
        return content.decode("gbk"), "GBK"
    except UnicodeDecodeError:
        line = content.count(b"\n", 0, at) + 1
        raise ReportUnreadable(line=line, problem=NEITHER) from None


def lines(whole: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line and cells of every record that is not blank."""
    reader = csv.reader(io.StringIO(whole, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as reason:
            raise ReportUnreadable(line=number, problem=f"this is not CSV ({reason}).") from None
        for cell in cells:
            check_cell(cell, number)
        if cells:
            yield number, cells


def check_cell(cell: str, line: int) -> None:
    """Raise ReportUnreadable for a cell that no report has."""
    if len(cell) > MAX_CELL_LENGTH:
        raise ReportUnreadable(line=line, problem=f"a cell has more than {MAX_CELL_LENGTH} characters.")
    if CONTROL.search(cell):
        raise ReportUnreadable(line=line, problem="a cell has control characters. Fetch the file again.")
