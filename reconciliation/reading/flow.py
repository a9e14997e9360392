"""A large report read as it flows: row by row, from bytes that are never in memory all at once.

Says the same and refuses the same as ``reading.read``. The bytes are gone through once before (``survey``), at the
speed of a digest: their identity, their encoding, and whether any cell could hold control characters at all, so that
not every cell has to be asked.
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reconciliation.editions import PERSONAL
from reconciliation.errors import NotAReport, ReportTruncated, ReportUnreadable
from reconciliation.layouts import Layout, LayoutChange, change
from reconciliation.reading import text
from reconciliation.reading.shape import END, check_width, nothing_more, read_header, truncated

Chunks = Callable[[], Iterable[bytes]]
"""Gives the bytes from their beginning, as often as it is called."""

_REFUSED = bytes(number for number in range(32) if number not in b"\t\n\r") + b"\x7f"
_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_OVERLAP = 2
_NOT_SIMPLE = (b'"', b", ", b" ,", b"\n ", b" \n", b" \r", b"\t")


@dataclass(frozen=True)
class Survey:
    """What the bytes of a file are."""

    sha256: str
    byte_size: int
    encoding: str
    """As it is said: UTF-8 or GBK."""
    is_clean: bool
    """No cell can hold a control character."""
    is_simple: bool
    """Every line is a row, every comma parts two cells, and no cell is long or has blanks about it."""

    line_count: int
    """About so many; a quoted cell may have several."""

    @property
    def codec(self) -> str:
        return "utf-8-sig" if self.encoding == "UTF-8" else "gbk"


def survey(chunks: Chunks) -> Survey:
    """Go through the bytes once. Raises NotAReport and ReportUnreadable as ``text.decoded`` does."""
    identity = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    size, is_clean, is_simple, is_utf8, end = 0, True, True, True, b""
    length = line_count = 0
    for chunk in chunks():
        if not size:
            text.refuse_foreign(chunk)
        identity.update(chunk)
        size += len(chunk)
        line_count += chunk.count(b"\n")
        if b"\x00" in chunk:
            raise NotAReport(problem=text.NO_TEXT)
        is_clean = is_clean and len(chunk.translate(None, _REFUSED)) == len(chunk)
        joined = end + chunk
        is_clean = is_clean and not any(pattern in joined for pattern in _NO_CHARACTERS)
        is_simple = is_simple and chunk.isascii() and not any(pattern in joined for pattern in _NOT_SIMPLE)
        if is_simple:
            lengths = [*map(len, chunk.split(b"\n"))]
            lengths[0] += length
            length = lengths[-1]
            is_simple = max(lengths) <= text.MAX_CELL_LENGTH and chunk.count(b"\r") in {0, chunk.count(b"\r\n")}
        end = chunk[-_OVERLAP:]
        if is_utf8:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_utf8 = False
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    if not is_utf8:
        _refuse_unless_gbk(chunks)
        is_clean = False  # its bytes say nothing about its characters
    encoding = "UTF-8" if is_utf8 else "GBK"
    return Survey(identity.hexdigest(), size, encoding, is_clean, is_simple and is_clean, line_count)


def _refuse_unless_gbk(chunks: Chunks) -> None:
    decoder = codecs.getincrementaldecoder("gbk")()
    try:
        for chunk in chunks():
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise ReportUnreadable(line=_first_strange_line(chunks), problem=text.NEITHER) from None


def _first_strange_line(chunks: Chunks) -> int:
    """The line of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, kept = 1, b""
    for chunk in (*chunks(), b""):
        kept = decoder.getstate()[0]
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as reason:
            return line + (kept + chunk).count(b"\n", 0, reason.start)
        line += chunk.count(b"\n")
    return line


@dataclass
class Flow:
    """A recognised report whose rows have not been read yet."""

    layout: Layout
    header: tuple[str, ...]
    surveyed: Survey
    chunks: Chunks
    row_count: int = field(default=0, init=False)
    """Of the rows that have been read so far."""

    @property
    def change(self) -> LayoutChange:
        return change(self.layout, self.header)

    @cached_property
    def shown(self) -> dict[str, None]:
        """The columns whose cells are kept with a row, in their order: personal data is not."""
        return {name: None for name in self.header if name not in PERSONAL}

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and stripped cells of every row, as many cells as the header has. Raises ReportRefused."""
        self.row_count = 0
        lines = _lines(self.chunks, self.surveyed)
        next(lines)
        width, last, is_ended, is_simple = len(self.header), 1, False, self.surveyed.is_simple
        for number, cells in lines:
            first = cells[0]
            if "<" in first and first.strip() == END:
                nothing_more(number, cells, lines, is_workbook=False)
                is_ended = True
                break
            if len(cells) != width:
                check_width(number, self.header, cells)
                del cells[width:]
            self.row_count += 1
            last = number
            yield number, cells if is_simple else [cell.strip() for cell in cells]
        if not is_ended and self.layout.has_end:
            raise ReportTruncated(problem=truncated(last, self.row_count))


def recognise(chunks: Chunks, surveyed: Survey) -> Flow:
    """What the header says. Raises ReportRefused."""
    if not surveyed.byte_size:
        raise NotAReport(problem="The file is empty: not even a header line. Fetch it again.")
    first = next(_lines(chunks, surveyed), None)
    if first is None:
        raise NotAReport(problem="The file holds no text.")
    header, layout = read_header(first[1])
    return Flow(layout, header, surveyed, chunks)


class _Bytes(io.RawIOBase):
    """Chunks as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._left = iter(chunks), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._chunks, b""))
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _lines(chunks: Chunks, surveyed: Survey) -> Iterator[tuple[int, list[str]]]:
    buffered = io.BufferedReader(_Bytes(chunks()), 1 << 18)
    if surveyed.is_simple:
        for number, line in enumerate(io.TextIOWrapper(buffered, surveyed.codec), 1):
            if line != "\n":
                yield number, line.rstrip("\n").split(",")
        return
    reader = csv.reader(io.TextIOWrapper(buffered, surveyed.codec, newline=""), strict=True)
    before, is_clean = 0, surveyed.is_clean
    try:
        for cells in reader:
            number, before = before + 1, reader.line_num
            if cells:
                if not is_clean or max(map(len, cells)) > text.MAX_CELL_LENGTH:
                    for cell in cells:
                        text.check_cell(cell, number)
                yield number, cells
    except csv.Error as reason:
        raise ReportUnreadable(line=before + 1, problem=f"this is not CSV ({reason}).") from None
