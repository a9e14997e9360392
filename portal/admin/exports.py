"""A list as a file: the rows its filters leave, in the columns its reader chose, as CSV or XLSX.

The file is written whole before its first byte leaves: what breaks half way is an error page and never a short file
that looks complete, and the journal knows how many rows somebody took away. It is written to disk chunk by chunk, each
chunk read from where the last one ended, so a row is in memory no longer than it takes to write it.

- **A cell is not a formula.** A text that begins with ``= + - @``, a tab or a line break gets an apostrophe before it,
  in CSV and in XLSX, where it is also marked as text. Amounts are numbers and need none.
- **Ids are text**: XLSX says so, and no spreadsheet rounds a paymentId of 28 digits. CSV knows no types; there it is
  the reader who must say so.
- **Amounts** stand in major units with a point, their currency in a column of its own.
- **CSV begins with a byte order mark**: Excel takes a file without one for another alphabet. Programs read it as
  ``utf-8-sig``.
- **Personal data** (a buyer's reference, a wallet's label) is masked but for its last three characters, unless the
  reader may export it; the journal says which it was.
"""

import csv
import html
import io
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

from django.conf import settings
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.display import Chip, Shown
from portal.admin.paging import KeysetList, behind
from portal.errors import PortalError
from portal.money import Money, exponent
from portal.words import say, told

ROWS_AT_MOST = 200_000
"""More belong into a database, not into a spreadsheet; the list says so before anything is written."""
CSV, XLSX = "csv", "xlsx"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_CHUNK = 2_000
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DANGEROUS = tuple("=+-@\t\r\n＝＋－＠")
_MASK = "•••"
_MASKED_FROM = 7
"""Shorter texts are masked whole: their last three characters would be half of them."""


class TooManyRows(PortalError):
    """The list is longer than a file may be."""

    code = "too_many_rows"
    sentence = "There are more than {most:,} rows. Narrow the list by its days or another filter, and export the parts."


@dataclass(frozen=True)
class Column:
    """One column of the list as a file has it: an amount takes two."""

    name: Any
    title: str
    is_money: bool
    is_masked: bool


def columns_of(cl: KeysetList, *, may_see_personal: bool) -> list[Column]:
    """The columns of the list as its reader has chosen them."""
    desk_admin: Any = cl.model_admin
    personal = () if may_see_personal else desk_admin.personal_columns
    found = []
    for name in cl.list_display:
        title, attribute = label_for_field(name, cl.model, model_admin=cl.model_admin, return_attr=True)
        title = told(str(title)[:1].upper() + str(title)[1:])
        found.append(Column(name, title, bool(getattr(attribute, "is_money", False)), name in personal))
    return found


def write(cl: KeysetList, kind: str, columns: Sequence[Column]) -> tuple[IO[bytes], int]:
    """The file, rewound, and how many rows are in it. Raises TooManyRows."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    sheet: _Csv | _Xlsx = _Csv(file, columns) if kind == CSV else _Xlsx(file, columns)
    count = 0
    try:
        for row in rows_of(cl):
            count += 1
            if count > ROWS_AT_MOST:
                raise TooManyRows(most=ROWS_AT_MOST)
            sheet.add([value_of(cl, row, column) for column in columns])
        sheet.close()
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file, count


def size_of(file: IO[bytes]) -> int:
    """Its bytes."""
    return os.fstat(file.fileno()).st_size


def rows_of(cl: KeysetList) -> Iterator[Any]:
    """Every row the list's filters leave, in its order, a chunk at a time."""
    desk_admin: Any = cl.model_admin
    rows = cl.queryset.order_by(*map(str, cl.keys))
    place: list[Any] | None = None
    while True:
        chunk = list((rows if place is None else rows.filter(behind(cl.keys, place)))[:_CHUNK])
        desk_admin.read_beside(chunk)
        yield from chunk
        if len(chunk) < _CHUNK:
            return
        place = [getattr(chunk[-1], key.field.attname) for key in cl.keys]


def value_of(cl: KeysetList, row: Any, column: Column) -> Any:
    """What a cell of the list means: Money, a moment, a number, or a text as a person reads it."""
    try:
        field, _, value = lookup_field(column.name, row, cl.model_admin)
    except ObjectDoesNotExist:
        return None
    if field is not None and getattr(field, "flatchoices", None):
        value = told(dict(field.flatchoices).get(value, value))
    value = plain(value)
    if column.is_masked and value is not None:
        return masked(str(value))
    return value


def plain(value: Any) -> Any:
    """The value behind a cell, without its markup."""
    if isinstance(value, Shown):
        return plain(value.value)
    if isinstance(value, Chip):
        return told(value.word)
    if value is None or value == display.NOTHING or value == "":
        return None
    if isinstance(value, SafeString):
        return html.unescape(strip_tags(value)).strip()
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    return value if isinstance(value, Money | datetime | date | int | Decimal | str) else str(value)


def masked(text: str) -> str:
    """``•••111`` of ``63-9****31111``."""
    return _MASK + text[-3:] if len(text) >= _MASKED_FROM else _MASK


def guarded(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula. What XML cannot hold is left out."""
    clean = _NOT_IN_XML.sub("", text)
    return f"'{clean}" if clean.startswith(_DANGEROUS) else clean


def _heads(columns: Sequence[Column], *, zone: str = "") -> Iterator[str]:
    for column in columns:
        yield guarded(column.title)
        if column.is_money:
            yield guarded(
                say("{title} currency", title=column.title) if column.title != say("Amount") else say("Currency")
            )


def _major(amount: Money) -> Decimal:
    return Decimal(amount.value).scaleb(-exponent(amount.currency))


class _Csv:
    """Comma-separated, quoted where needed, lines ended by CR LF as RFC 4180 has it."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=False)
        self._columns = columns
        self._writer = csv.writer(self._text)
        self._writer.writerow(_heads(columns))

    def add(self, values: Sequence[Any]) -> None:
        """One row."""
        cells: list[str] = []
        for column, value in zip(self._columns, values, strict=True):
            if column.is_money:
                is_amount = isinstance(value, Money)
                cells += [f"{_major(value):f}", value.currency] if is_amount else [_csv_text(value), ""]
            else:
                cells.append(_csv_text(value))
        self._writer.writerow(cells)

    def close(self) -> None:
        """Write what is still in memory; the file stays open."""
        self._text.flush()
        self._text.detach()


def _csv_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(" ", "seconds")
    if isinstance(value, int | Decimal):
        return str(value)
    return guarded(str(value))


# The library of books is a tenth of the time a process needs to start, for one that may never write a book.


def new_book() -> Any:
    """A book that is written row by row."""
    from openpyxl import Workbook  # noqa: PLC0415 - as above

    return Workbook(write_only=True)


def new_cell(sheet: Any, value: Any) -> Any:
    """A cell of such a book's sheet, to be given a format."""
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above

    return WriteOnlyCell(sheet, value)


def text_cell(sheet: Any, text: str) -> Any:
    """The same, which is text whatever it looks like."""
    cell = new_cell(sheet, text)
    cell.data_type = "s"
    cell.number_format = "@"
    return cell


class _Xlsx:
    """One sheet, written row by row. Times are real ones, in the desk's zone, which the last column's note names."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._file, self._columns = file, columns
        self._book = new_book()
        self._sheet = self._book.create_sheet(
            guarded(say("Times in {TIME_ZONE}", TIME_ZONE=settings.TIME_ZONE).replace("/", " "))[:31]
        )
        self._sheet.freeze_panes = "A2"
        self._sheet.append([self._text(title) for title in _heads(columns)])

    def add(self, values: Sequence[Any]) -> None:
        """One row."""
        cells: list[Any] = []
        for column, value in zip(self._columns, values, strict=True):
            if column.is_money:
                cells += self._amount(value) if isinstance(value, Money) else [self._cell(value), None]
            else:
                cells.append(self._cell(value))
        self._sheet.append(cells)

    def close(self) -> None:
        """Put the book together."""
        self._book.save(self._file)

    def _amount(self, amount: Money) -> list[Any]:
        cell = new_cell(self._sheet, _major(amount))
        decimals = exponent(amount.currency)
        cell.number_format = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
        return [cell, self._text(amount.currency)]

    def _cell(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, datetime):
            cell = new_cell(self._sheet, timezone.localtime(value).replace(tzinfo=None, microsecond=0))
            cell.number_format = "yyyy-mm-dd hh:mm:ss"
            return cell
        return value if isinstance(value, int | Decimal | date) else self._text(str(value))

    def _text(self, text: str) -> Any:
        return text_cell(self._sheet, guarded(text))
