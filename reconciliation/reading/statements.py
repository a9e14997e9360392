"""From the bytes of a bank statement to its entries: a CSV with our columns, or a CAMT.053 (``reading.camt``).

Banks agree on no CSV, so the columns are ours (README has the table), and whoever exports one renames the bank's to
them. A column that is not in the table is refused, not passed over: it may say that an amount is a debit.

A statement is whole or it is refused. A CSV cannot tell that its last lines are missing; a CAMT.053 can.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from portal.money import Money
from reconciliation import amounts
from reconciliation.errors import LineUnreadable, NotAStatement, ReportUnreadable
from reconciliation.models import AmountUnit, CreditSource
from reconciliation.reading import camt, text
from reconciliation.reading.archives import digest

MAX_STATEMENT_BYTES = 8 * 1024 * 1024
MAX_ENTRIES = 5_000
# In the order of README's table.
REQUIRED = ("amount", "currency", "value_date", "reference")
OPTIONAL = ("text",)
MAX_REFERENCE_LENGTH = 64
MAX_TEXT_LENGTH = 2_000
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Entry:
    """One entry of our bank account; a debit is negative. ``line`` is that of the CSV, or the entry's number."""

    line: int
    amount: Money
    value_date: date
    reference: str
    text: str


@dataclass(frozen=True)
class Statement:
    """A whole statement."""

    source: CreditSource
    sha256: str
    entries: Sequence[Entry] = field(default_factory=tuple)
    passed_over: int = 0
    """Entries that are not booked yet, or over nothing."""


def read_statement(content: bytes) -> Statement:
    """Read a statement to its end. Raises ReportRefused (one of its family), naming the line or the entry."""
    if not content.strip():
        raise NotAStatement(problem="The file is empty: not even a header line. Fetch it again.")
    if len(content) > MAX_STATEMENT_BYTES:
        limit = MAX_STATEMENT_BYTES // 1024**2
        raise NotAStatement(problem=f"The statement is larger than {limit} MiB. Ask the bank for shorter periods.")
    if camt.is_xml(content):
        found, passed_over = camt.entries(content)
        read = [_of_camt(entry) for entry in found]
        source = CreditSource.CAMT053
    else:
        try:
            read, passed_over = _of_csv(content), 0
        except ReportUnreadable as reason:
            raise LineUnreadable(**reason.params) from None
        source = CreditSource.CSV
    if len(read) > MAX_ENTRIES:
        raise NotAStatement(problem=f"The statement has more than {MAX_ENTRIES} entries. Give it in shorter periods.")
    return Statement(source, digest(content), tuple(read), passed_over)


def _of_camt(entry: camt.Entry) -> Entry:
    return Entry(entry.number, entry.amount, entry.value_date, entry.reference, _cut(entry.text))


def _of_csv(content: bytes) -> list[Entry]:
    lines = text.lines(_decoded(content))
    first = next(lines, None)
    if first is None:
        raise NotAStatement(problem="The file holds no text.")
    header = _header([cell.strip() for cell in first[1]])
    entries = []
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise ReportUnreadable(
                line=number,
                problem=f"{len(cells)} cells, but the header names {len(header)}. The file is damaged here.",
            )
        entries.append(_entry(number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    if not entries:
        raise NotAStatement(problem="The statement has no entry.")
    return entries


def _decoded(content: bytes) -> str:
    if b"\x00" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotAStatement(problem="This is not a text file in UTF-8. Give a CSV file or a CAMT.053.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = content.count(b"\n", 0, reason.start) + 1
        raise ReportUnreadable(line=line, problem="this is not UTF-8. Save the file as CSV in UTF-8.") from None


def _header(names: list[str]) -> list[str]:
    while names and not names[-1]:
        names.pop()
    known = ", ".join((*REQUIRED, *OPTIONAL))
    missing = [name for name in REQUIRED if name not in names]
    if len(missing) == len(REQUIRED):
        raise NotAStatement(problem=f"This is neither a CAMT.053 nor a CSV with the columns {known}.")
    if missing:
        raise NotAStatement(problem=f"The header lacks {', '.join(missing)}. The columns are {known}.")
    unknown = [name for name in names if name not in (*REQUIRED, *OPTIONAL)]
    if unknown:
        raise NotAStatement(
            problem=(
                f"The header has {unknown[0][:40]!r}, which is none of our columns. Take it out, or rename it: the "
                f"columns are {known}."
            )
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ReportUnreadable(line=1, problem=f"the column {twice} stands here twice.")
    return names


def _entry(line: int, cells: dict[str, str]) -> Entry:
    currency = amounts.read_currency(cells["currency"], line=line, column="currency")
    if not amounts.is_known(currency):
        raise ReportUnreadable(line=line, problem=f"currency is {currency}, a currency the portal does not know.")
    try:
        value = amounts.read_amount(cells["amount"], currency, AmountUnit.MAJOR, line=line, column="amount")
    except amounts.TooPrecise as reason:
        raise ReportUnreadable(line=line, problem=str(reason)) from None
    if value == 0:
        raise ReportUnreadable(line=line, problem="amount is zero: nothing was credited. Take the line out.")
    if len(cells["reference"]) > MAX_REFERENCE_LENGTH:
        raise ReportUnreadable(line=line, problem=f"reference is longer than {MAX_REFERENCE_LENGTH} characters.")
    day = _day(cells["value_date"], line)
    return Entry(line, Money(value, currency), day, cells["reference"], _cut(cells.get("text", "")))


def _day(printed: str, line: int) -> date:
    if not _DAY.fullmatch(printed):
        raise ReportUnreadable(line=line, problem=f"value_date is {printed[:40]!r}. Write it like 2026-03-14.")
    try:
        return date.fromisoformat(printed)
    except ValueError:
        raise ReportUnreadable(line=line, problem=f"value_date is {printed!r}: no such day.") from None


def _cut(printed: str) -> str:
    """In one line, and no longer than is kept."""
    return re.sub(r"\s+", " ", printed).strip()[:MAX_TEXT_LENGTH]
