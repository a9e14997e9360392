"""From the bytes of a report to its lines: decoded, split, complete to ``<END>``; no meaning yet.

A file is whole or it is refused: from E1 on its last line must be ``<END>``, and nothing may follow it. A published
header has blanks after its commas and a published row one comma too many, so names are stripped and surplus empty
cells accepted; surplus text is not. Parts of one report (``_000``, ``_001`` …) travel as one archive, and each must be
whole by itself.
Source: https://docs.antom.com/ac/reconcile/perform
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciliation.editions import PERSONAL
from reconciliation.errors import NotAReport, PartsDiffer, ReportTruncated
from reconciliation.layouts import LAYOUTS, Edition, Layout, LayoutChange, ReportKind, change
from reconciliation.reading import archives, sections, text, workbook
from reconciliation.reading.archives import MAX_REPORT_BYTES, Delivery, gather
from reconciliation.reading.shape import END, check_width, is_end, nothing_more, read_header, truncated

__all__ = ["END", "MAX_REPORT_BYTES", "Delivery", "Part", "Reading", "Record", "gather", "glance", "read"]


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its part (from 0) and line (from 1, the header included), its cells by our words and as printed."""

    part: int
    line: int
    cells: dict[str, str]
    raw: dict[str, str]
    """By printed name: every cell that is not empty, personal data left out."""
    layout: Layout

    def name(self, word: str) -> str:
        """What the file calls a column of ours."""
        return self.layout.printed.get(word, word)


@dataclass(frozen=True)
class Part:
    """One file of a report; most reports are one file."""

    name: str
    sha256: str
    byte_size: int
    row_count: int
    encoding: str


@dataclass(frozen=True)
class Reading:
    """A whole, recognised report."""

    layout: Layout
    header: tuple[str, ...]
    change: LayoutChange
    records: tuple[Record, ...]
    parts: tuple[Part, ...]
    day: str = ""
    """``YYYYMMDD`` of a clearing: all that its details tell of."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns no table of ours names."""
        return self.change.unknown


def read(content: bytes, name: str = "report.csv") -> Reading:
    """Read a report to its end. Raises ReportRefused (one of its family) with the line where there is one."""
    given = archives.parts_of(name, content)
    if archives.is_sectioned(given[0].content):
        return _in_sections(sections.read(given))
    readings = [_read_one(part.content, part.name, number) for number, part in enumerate(given)]
    first = readings[0]
    for other in readings[1:]:
        if other.layout != first.layout:
            raise PartsDiffer(
                problem=(
                    f"{other.parts[0].name} is {_called(other)}, but {first.parts[0].name} is {_called(first)}: these "
                    "are not parts of one report."
                )
            )
    if len(readings) == 1:
        return first
    unknown = tuple(dict.fromkeys(column for reading in readings for column in reading.change.unknown))
    return Reading(
        first.layout,
        first.header,
        LayoutChange(unknown, first.change.absent),
        tuple(record for reading in readings for record in reading.records),
        tuple(part for reading in readings for part in reading.parts),
    )


def glance(content: bytes, name: str = "report.csv") -> Reading:
    """The header and the first row alone, to tell what it is and whose. Raises ReportRefused."""
    given = archives.parts_of(name, content)
    part = given[0]
    if archives.is_sectioned(part.content):
        return _in_sections(sections.read(given))
    lines, encoding, is_workbook = _lines(part.content)
    first = [line for line, _ in zip(lines, range(2), strict=False)]
    header, layout, records, _, _ = _rows(iter(first), 0, is_workbook=is_workbook)
    facts = Part(part.name, archives.digest(part.content), len(part.content), len(records), encoding)
    return Reading(layout, header, change(layout, header), tuple(records), (facts,))


def _in_sections(whole: sections.Whole) -> Reading:
    """A report in sections, by our words."""
    layout = whole.layout
    records = tuple(
        Record(
            row.part,
            row.line,
            {word: row.cells.get(name, "") for name, word in layout.words.items()},
            {name: row.cells[name] for name in whole.header if row.cells.get(name)},
            layout,
        )
        for row in whole.rows
    )
    parts = tuple(
        Part(
            one.given.name,
            archives.digest(one.given.content),
            len(one.given.content),
            sum(row.part == number for row in whole.rows),
            one.encoding,
        )
        for number, one in enumerate(whole.files)
    )
    found = change(layout, whole.header)
    found = LayoutChange((*found.unknown, *whole.strange), found.absent)
    return Reading(layout, whole.header, found, records, parts, whole.day)


def _called(reading: Reading) -> str:
    return f"{reading.layout.kind.label.lower()} of edition {reading.layout.edition}"


def _lines(content: bytes) -> tuple[Iterator[tuple[int, list[str]]], str, bool]:
    """Numbered rows of cells, what they were encoded as, and whether they come from a workbook."""
    if not content:
        raise NotAReport(problem="The file is empty: not even a header line. Fetch it again.")
    if len(content) > MAX_REPORT_BYTES:
        limit = MAX_REPORT_BYTES // (1024 * 1024)
        raise NotAReport(problem=f"The file is larger than {limit} MiB. Ask the acquirer for several parts.")
    if workbook.is_workbook(content):
        return workbook.lines(content), "XLSX", True
    decoded, encoding = text.decoded(content)
    return text.lines(decoded), encoding, False


def _read_one(content: bytes, name: str, part: int) -> Reading:
    lines, encoding, is_workbook = _lines(content)
    header, layout, records, last, is_ended = _rows(lines, part, is_workbook=is_workbook)
    if not is_ended and layout.has_end:
        raise ReportTruncated(problem=truncated(last, len(records)))
    if layout.edition is Edition.E0_HK:
        layout, records = _hong_kong(records)
    facts = Part(name, archives.digest(content), len(content), len(records), encoding)
    return Reading(layout, header, change(layout, header), tuple(records), (facts,))


def _rows(
    lines: Iterator[tuple[int, list[str]]], part: int, *, is_workbook: bool
) -> tuple[tuple[str, ...], Layout, list[Record], int, bool]:
    first = next(lines, None)
    if first is None:
        raise NotAReport(problem="The file holds no text.")
    header, layout = read_header(first[1])
    columns = [(index, layout.words[name]) for index, name in enumerate(header) if name in layout.words]
    shown = [(index, name) for index, name in enumerate(header) if name not in PERSONAL]
    records: list[Record] = []
    last = first[0]
    for number, cells in lines:
        if cells[0].strip() == END or (is_workbook and is_end(cells)):
            nothing_more(number, cells, lines, is_workbook=is_workbook)
            return header, layout, records, last, True
        check_width(number, header, cells)
        record = Record(
            part,
            number,
            {word: cells[index].strip() for index, word in columns},
            {name: stripped for index, name in shown if (stripped := cells[index].strip())},
            layout,
        )
        records.append(record)
        last = number
    return header, layout, records, last, False


def _hong_kong(records: list[Record]) -> tuple[Layout, list[Record]]:
    """Which of its two files this is, and what their rows leave unsaid.

    Both have one header; in the transaction file Settlement and Settlement_time are empty. A settlement's id stands in
    the file's name only, which anybody can change. Undocumented, what else tells one settlement from another; we
    choose the earliest Settlement_time in the file, because all of a batch is settled at once.
    """
    is_settlement = any(record.cells["net"] or record.cells["settled_on"] for record in records)
    layout = LAYOUTS[Edition.E0_HK, ReportKind.SETTLEMENT if is_settlement else ReportKind.TRANSACTIONS]
    settled = min((_sortable(record.cells["settled_on"]) for record in records), default="")
    for record in records:
        record.cells["net_currency"] = record.cells["amount_currency"]
        record.cells["psp"] = "AlipayHK"
        record.cells["batch_id"] = settled if is_settlement else ""
    return layout, [replace(record, layout=layout) for record in records]


def _sortable(printed: str) -> str:
    """``01/07/2019 9:40`` as ``201901070940``; what is no such time, as it is printed."""
    day, _, time = printed.partition(" ")
    pieces, clock = day.split("/"), time.split(":")
    if len(pieces) != 3 or len(clock) < 2:
        return printed
    month, day, year = pieces
    return f"{year}{month:0>2}{day:0>2}{clock[0]:0>2}{clock[1]:0>2}"
