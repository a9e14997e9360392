"""Reports in two sections: one line that sums up, an empty line, and the lines that are summed up.

What such a file is stands in the header of its second section. Its first section proves that it is whole: so many
lines, and so much in them. Clearing details come as two files, the transactions and their fees, of which neither says
alone what a row comes to: they are read together, each fee with the transaction it is of. A fee of a transaction that
is not here, or of none, is a row of its own.

The participant, the clearing batch and its day stand in the file's name only; they are taken from there once the header
has said what the file is.
Source: https://docs.alipayplus.com/alipayplus/alipayplus/reconcile_acq
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from reconciliation import editions
from reconciliation.errors import ColumnMissing, NotAReport, PartMissing, PartsDiffer, ReportTruncated, ReportUnreadable
from reconciliation.layouts import LAYOUTS, Edition, Layout, ReportKind
from reconciliation.reading import text
from reconciliation.reading.archives import Given, base_name, is_sectioned
from reconciliation.reading.shape import check_width, read_names
from reconciliation.row_types import TOTAL

_NAMED = re.compile(
    r"[A-Za-z]+_(?P<participant>[^_]+)_(?P<currency>[A-Z]{3})_(?P<batch>[^_]+)_(?P<agreement>[^_]+)_[0-9]{3}"
    r"(?: ?\([0-9]+\))?\.csv"
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_WITHOUT_TRANSACTION = "SETTLEMENT_FEE"
_NET, _PAID = "netAmount", "settlementCurrency"


class Section(StrEnum):
    """What the second section lists."""

    ITEMS = "clearing details"
    FEES = "fees of a clearing"
    SUMMARY = "clearing summary"
    PAYOUT = "settlement of clearings"


_SUMS = {
    # what of a line is added up    and what its lines count
    Section.ITEMS: ("settlementAmount", ""),
    Section.FEES: ("feeAmount", ""),
    Section.SUMMARY: (_NET, "totalCount"),
    Section.PAYOUT: (_NET, ""),
}
_CURRENCIES = {Section.ITEMS: _PAID, Section.FEES: "feeCurrency", Section.SUMMARY: _PAID, Section.PAYOUT: _PAID}


@dataclass(frozen=True)
class Named:
    """What only the name of a file says."""

    participant: str
    currency: str
    batch: str
    agreement: str

    def cells(self) -> dict[str, str]:
        """As columns. The day is the one the batch's id begins with."""
        return {
            "participantId": self.participant,
            "clearingBatchId": self.batch,
            "generationDate": day_of(self.batch),
        }


@dataclass(frozen=True)
class Sectioned:
    """One file, whole by itself."""

    given: Given
    section: Section
    named: Named
    encoding: str
    header: tuple[str, ...]
    count: int
    total: str
    value_day: str
    """Of a settlement: before it the acquirer pays."""
    rows: tuple[tuple[int, dict[str, str]], ...]
    """Line number, and cells by printed name."""


@dataclass(frozen=True)
class Row:
    """A row of the report: its part, its line, and its cells by printed name."""

    part: int
    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Whole:
    """A report put together of its files."""

    layout: Layout
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    files: tuple[Sectioned, ...]
    day: str = ""
    """``YYYYMMDD``, of details: the cycle, which is over on the day before they are written."""
    strange: tuple[str, ...] = ()
    """What the files have and no table of ours names, but for columns of the header."""


def read(given: Sequence[Given]) -> Whole:
    """Put together the files of one report. Raises ReportRefused."""
    for one in given:
        if not is_sectioned(one.content):
            raise PartsDiffer(problem=f"{base_name(one.name)} is another report: give it by itself.")
    files = tuple(_parse(one) for one in given)
    for other in files[1:]:
        if other.named != files[0].named:
            raise PartsDiffer(
                problem=(
                    f"{base_name(other.given.name)} is of clearing batch {other.named.batch}, but "
                    f"{base_name(files[0].given.name)} of {files[0].named.batch}: these are not parts of one report."
                )
            )
    sections = {one.section for one in files}
    if sections == {Section.SUMMARY}:
        return _summary(files)
    if sections == {Section.PAYOUT}:
        return _payout(files)
    if sections == {Section.ITEMS, Section.FEES}:
        return _details(files)
    if len(sections) > 1:
        raise PartsDiffer(problem=f"These are {' and '.join(sorted(sections))}: give them one by one.")
    missing = "fees (feeItems)" if Section.ITEMS in sections else "transactions (transactionItems)"
    raise PartMissing(
        problem=f"The {missing} of clearing batch {files[0].named.batch} are missing. Give both files together."
    )


# One file.


def _parse(given: Given) -> Sectioned:
    decoded, encoding = text.decoded(given.content)
    lines = [(number, cells) for number, cells in text.lines(decoded) if any(cell.strip() for cell in cells)]
    if len(lines) < 3:
        raise ReportTruncated(
            problem=f"The file is truncated: it stops after line {lines[-1][0]}, before its details. Fetch it again."
        )
    (_, names), (summed_at, sums), (begins_at, columns), *rows = lines
    if begins_at - summed_at < 2:
        raise ReportTruncated(problem=f"Line {begins_at}: an empty line must stand between the two sections.")
    head = _cells(summed_at, read_names(names), sums)
    header = read_names(columns, line=begins_at)
    section = _section(header)
    listed = tuple((number, _cells(number, header, cells)) for number, cells in rows)
    named = _named(base_name(given.name))
    _hold_to_currency(section, named.currency, [(summed_at, head, _PAID)])
    _hold_to_currency(section, named.currency, [(number, cells, _CURRENCIES[section]) for number, cells in listed])
    _prove_whole(section, summed_at, head, listed)
    total, value_day = head["netTotalAmount"], head.get("valueDate", "")
    return Sectioned(given, section, named, encoding, header, int(head["totalCount"]), total, value_day, listed)


def _cells(number: int, header: tuple[str, ...], cells: list[str]) -> dict[str, str]:
    check_width(number, header, cells)
    return {name: cell.strip() for name, cell in zip(header, cells, strict=False)}


def _section(header: tuple[str, ...]) -> Section:
    names = frozenset(header)
    if "feeType" in names:
        section = Section.FEES
    elif "clearingBatchId" in names:
        section = Section.PAYOUT
    elif names & {"interchangeFeeAmount", "serviceFeeAmount"}:
        section = Section.SUMMARY
    elif names & {"transactionTime", "transactionAmount"}:
        section = Section.ITEMS
    else:
        raise NotAReport(
            problem=(
                f"The second section is none we know (it begins {', '.join(header[:3])[:80]!r}). Clearing details, "
                "their fees, clearing summaries and settlements of clearings are read."
            )
        )
    missing = [name for name in editions.SECTIONS[section.name] if name not in names]
    if missing:
        raise ColumnMissing(report=section.value, columns=", ".join(missing))
    return section


def _named(name: str) -> Named:
    match = _NAMED.fullmatch(name)
    if match is None:
        raise NotAReport(
            problem=(
                "Whose report this is, and of which batch, stands in the name of the file only, and "
                f"{name!r} does not say it. Give the file under the name it was delivered with."
            )
        )
    day_of(match["batch"])
    return Named(match["participant"], match["currency"], match["batch"], match["agreement"])


def day_of(batch: str) -> str:
    """``YYYYMMDD`` on which a batch was written. Raises NotAReport.

    Undocumented, when that was; we choose the day its id begins with, because no section names one.
    """
    try:
        return f"{date.fromisoformat(batch[:8]):%Y%m%d}"
    except ValueError:
        raise NotAReport(problem=f"The id of the batch, {batch[:40]}, does not begin with its day.") from None


def _hold_to_currency(section: Section, currency: str, lines: Iterable[tuple[int, dict[str, str], str]]) -> None:
    for number, cells, column in lines:
        if cells.get(column) != currency:
            raise ReportUnreadable(
                line=number,
                problem=f"{column} is {cells.get(column, '')[:40]!r}, but this {section.value} is in {currency}.",
            )


def _prove_whole(
    section: Section, summed_at: int, head: dict[str, str], rows: Sequence[tuple[int, dict[str, str]]]
) -> None:
    summed, counted = _SUMS[section]
    count = sum(whole(number, cells, counted) for number, cells in rows) if counted else len(rows)
    value = sum(whole(number, cells, summed) for number, cells in rows)
    for column, found in (("totalCount", count), ("netTotalAmount", value)):
        said = whole(summed_at, head, column)
        if said != found:
            raise ReportTruncated(
                problem=(
                    f"Line {summed_at}: {column} is {said}, but the lines below make {found}. The file is damaged, or "
                    "was cut in transfer: fetch it again."
                )
            )


def whole(number: int, cells: dict[str, str], column: str) -> int:
    """A whole number as printed. Raises ReportUnreadable."""
    printed = cells[column]
    if not _WHOLE.fullmatch(printed):
        raise ReportUnreadable(line=number, problem=f"{column} is {printed[:40]!r}, which is not a whole number.")
    return int(printed)


# The report.


def _summary(files: tuple[Sectioned, ...]) -> Whole:
    layout = LAYOUTS[Edition.C1, ReportKind.SUMMARY]
    rows: list[Row] = []
    for part, one in enumerate(files):
        named = one.named.cells()
        if one.rows:  # an empty cycle sums up nothing, and settles nothing
            total = {"transactionType": TOTAL, "totalCount": str(one.count), _NET: one.total, _PAID: one.named.currency}
            rows.append(Row(part, 2, total | named))
        rows += [Row(part, number, cells | named) for number, cells in one.rows]
    return Whole(layout, _header(files, named), tuple(rows), files)


def _payout(files: tuple[Sectioned, ...]) -> Whole:
    """Every clearing batch that is paid in one go."""
    layout = LAYOUTS[Edition.C1, ReportKind.PAYOUT]
    rows: list[Row] = []
    for part, one in enumerate(files):
        said = {"participantId": one.named.participant, "settlementBatchId": one.named.batch}
        said["valueDate"] = one.value_day
        rows += [
            Row(part, number, cells | said | {"generationDate": day_of(cells["clearingBatchId"])})
            for number, cells in one.rows
        ]
    added = ("participantId", "settlementBatchId", "valueDate", "generationDate")
    return Whole(layout, _header(files, added), tuple(rows), files)


def _details(files: tuple[Sectioned, ...]) -> Whole:
    """Every transaction with its fees, and what it comes to."""
    layout = LAYOUTS[Edition.C1, ReportKind.SETTLEMENT]
    named, currency = files[0].named.cells(), files[0].named.currency
    rows: list[Row] = []
    of_transaction: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for part, one in enumerate(files):
        for number, printed in one.rows if one.section is Section.ITEMS else ():
            cells = printed | named | {_NET: printed["settlementAmount"], "feeCurrency": currency}
            if cells["transactionType"] == "PAYMENT":
                cells |= {"paymentId": "", "paymentRequestId": ""}  # it names itself, and is about no other
            rows.append(Row(part, number, cells))
            of_transaction[cells["transactionType"], cells["transactionRequestId"]].append(cells)
    turns: dict[tuple[str, str, str], int] = defaultdict(int)
    strange: list[str] = []
    for part, one in enumerate(files):
        for number, printed in one.rows if one.section is Section.FEES else ():
            kind, key = printed["feeType"], (printed["transactionType"], printed["transactionRequestId"])
            column = editions.FEE_TYPES.get(kind, editions.OTHER_FEE)
            if kind not in editions.FEE_TYPES:
                strange.append(f"feeType {kind[:40]}")
            theirs = of_transaction.get(key)
            if theirs is None:
                type_ = printed["transactionType"] if key[1] else _WITHOUT_TRANSACTION
                cells = {**named, "transactionType": type_, "transactionId": printed["transactionId"]}
                cells |= {"transactionRequestId": key[1], _NET: "0", _PAID: currency, "feeCurrency": currency}
                rows.append(Row(part, number, cells))
            else:
                # Two equal rows have two fees of a kind, one each.
                cells = theirs[min(turns[kind, *key], len(theirs) - 1)]
                turns[kind, *key] += 1
            fee = whole(number, printed, "feeAmount")
            cells[column] = str(int(cells.get(column, "0")) + fee)
            cells[_NET] = str(int(cells[_NET]) - fee)
    added = (_NET, *dict.fromkeys(editions.FEE_TYPES.values()), editions.OTHER_FEE, "feeCurrency", *named)
    day = date.fromisoformat(named["generationDate"]) - timedelta(days=1)
    return Whole(layout, _header(files, added), tuple(rows), files, f"{day:%Y%m%d}", tuple(dict.fromkeys(strange)))


def _header(files: tuple[Sectioned, ...], added: Iterable[str]) -> tuple[str, ...]:
    """Printed names of every file but the fees', whose columns are read into those that are added."""
    own = [name for one in files if one.section is not Section.FEES for name in one.header]
    return tuple(dict.fromkeys([*own, *added]))
