"""The outer shape of a report: one header, rows as wide as it, and ``<END>`` alone in the last line."""

from collections.abc import Iterator

from reconciliation.errors import NotAReport, ReportTruncated, ReportUnreadable
from reconciliation.layouts import Layout, recognise

END = "<END>"
_ALONE = frozenset({END, "END"})
"""How a workbook may spell the end."""


def truncated(last: int, rows: int) -> str:
    """What to say of a file that stops without its end."""
    return (
        f"The file is truncated: it stops after line {last} ({rows} rows) without the line {END}. It is still being "
        "written, or was cut in transfer: fetch it again."
    )


def read_header(cells: list[str]) -> tuple[tuple[str, ...], Layout]:
    """The printed names and the layout they make. Raises NotAReport, ColumnMissing and ReportUnreadable."""
    names = [name.strip() for name in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) <= 1:
        for sign, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
            if names and sign in names[0]:
                raise NotAReport(problem=f"The columns are separated by {word}. Save the file with commas.")
    if names and names[0] == END:
        raise NotAReport(problem=f"The file has no header line: it begins with {END}.")
    layout = recognise(names)
    return read_names(names), layout


def read_names(cells: list[str], *, line: int = 1) -> tuple[str, ...]:
    """The printed names of a header. Raises ReportUnreadable where one is empty, or stands there twice."""
    names = [name.strip() for name in cells]
    while names and not names[-1]:
        names.pop()
    for position, name in enumerate(names, 1):
        if not name:
            raise ReportUnreadable(line=line, problem=f"column {position} has no name.")
        if names.count(name) > 1:
            raise ReportUnreadable(line=line, problem=f"the column {name} stands here twice.")
    return tuple(names)


def check_width(line: int, header: tuple[str, ...], cells: list[str]) -> None:
    """Raise ReportUnreadable unless the row has the header's cells, and none with text beyond them."""
    if len(cells) < len(header):
        raise ReportUnreadable(
            line=line, problem=f"{len(cells)} cells, but the header names {len(header)}. The file is damaged here."
        )
    if any(cell.strip() for cell in cells[len(header) :]):
        raise ReportUnreadable(
            line=line, problem=f"{len(cells)} cells, but the header names only {len(header)}: one too many has text."
        )


def is_end(cells: list[str]) -> bool:
    """Whether a row of a workbook is the end."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) == 1 and filled[0] in _ALONE


def nothing_more(number: int, cells: list[str], lines: Iterator[tuple[int, list[str]]], *, is_workbook: bool) -> None:
    """Raise ReportTruncated where the end is not the end."""
    if any(cell.strip() for cell in cells[1:]) and not (is_workbook and is_end(cells)):
        raise ReportTruncated(problem=f"Line {number}: {END} must stand alone in its line. The file is damaged here.")
    for later, rest in lines:
        if any(cell.strip() for cell in rest):
            raise ReportTruncated(
                problem=f"Line {later}: there is text after {END}. Two files were joined; give them one by one."
            )
