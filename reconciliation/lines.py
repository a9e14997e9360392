"""From printed cells to lines with meaning: types, ids, signed amounts in minor units, the gross and the fees.

How a file prints its amounts is a property of the file, decided here once per file with what it was decided on: the
unit, the sign of the fees, and, in E1 to E3, whether tax, processing and dispute fees stand beside the total or inside
it. What the file cannot tell is asked of a person and never guessed. A cell that cannot be read stops the import with
its line; an amount that can be read but cannot be an integer, or is in a currency we do not know, stays with its row
as ``trouble`` and is opened.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import blake2b

from portal.clock import ACQUIRER_ZONE
from portal.money import EXPONENTS, Money
from reconciliation import amounts
from reconciliation.amounts import TooPrecise
from reconciliation.editions import Adds
from reconciliation.errors import FeesUnclear, ReportUnreadable, UnitUnclear
from reconciliation.layouts import LAYOUTS, Edition, Layout, ReportKind
from reconciliation.models import AmountUnit, FeeParts, FeeSign, Reason, SettlementRow
from reconciliation.reading import Reading, Record
from reconciliation.row_types import DEFAULT, FAILED, PENDING, ROW_TYPES, TOTAL, normalised

MAX_ID_LENGTH = 64
_MAX_SUM = 2**62
"""More than this the database could not add up; no report holds it."""
_LOOK_EVERY = 2_000
NOT_READ = "no row tells how fees are printed, so they are kept and not read"
_CLEAR = 4
"""A reading of the fees is clear when it closes on so many rows for every one on which only the other does."""
_TRANSACTIONS_NAME = re.compile(
    r"transactionItems_(?:[A-Za-z0-9+ ]+_)*(?P<day>[0-9]{8})_[0-9]{3}\.(?:csv|xlsx)|"
    r"(?P<merchant>[0-9A-Za-z]+)_fptrade_(?P<hk_day>[0-9]{8})\.(?:csv|xlsx)",
    re.IGNORECASE,
)
_HK_TIME = re.compile(
    r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4}) +"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
)


@dataclass(slots=True)
class Line:
    """A row of a details report, understood. Amounts are minor units with the merchant's sign."""

    part: int
    number: int
    printed_type: str
    row_type: str
    status: str
    has_status: bool
    """Whether the report has a status at all; before E4 every row was of a success."""
    psp: str
    batch_id: str
    initiated_on: date | None
    occurred_at: datetime | None
    """``paymentTime``, where the file has it."""
    transaction_id: str
    original_id: str
    """The acquirer's id of the payment it is about, in E0 to E3."""
    request_id: str
    original_request_id: str
    reference_id: str
    wallet: str
    amount: Money | None
    pair: str
    price: str
    converted: int | None
    gross: int | None
    settlement_currency: str
    net: int | None
    fees: dict[str, int]
    """By the current edition's names, also those that are a part of another."""
    fees_sum: int | None
    """Those that add up."""
    coupon: int
    """What a discount takes off the gross; zero or against its sign."""
    raw: dict[str, str]
    fees_beside: int = 0
    """What ``fees_sum`` has more where the fees of doubt are beside the total. Understood once, then kept in it."""
    trouble: tuple[Reason, str] | None = None
    reported: Money = field(default_factory=lambda: Money(0, "USD"))
    """Its share in what the file reports."""
    identity: str = ""
    occurrence: int = 1


@dataclass(slots=True)
class SummaryLine:
    """A row of a settlement summary, understood."""

    part: int
    number: int
    printed_type: str
    row_type: str
    psp: str
    batch_id: str
    initiated_on: date
    count: int
    currency: str
    net: int
    fees: dict[str, int]
    raw: dict[str, str]

    @property
    def is_total(self) -> bool:
        return self.row_type == TOTAL


@dataclass(frozen=True)
class Answers:
    """What a person said about a file that cannot tell it itself."""

    unit: AmountUnit | None = None
    fee_sign: FeeSign | None = None
    fee_parts: FeeParts | None = None


@dataclass
class Conventions:
    """How a file prints its amounts, and what that was decided on."""

    unit: AmountUnit
    unit_basis: str
    fee_sign: FeeSign = FeeSign.CHARGE_NEGATIVE
    fee_basis: str = "no fees in the file"
    fee_parts: FeeParts = FeeParts.NONE
    fees_are_read: bool = True
    """Not so where no row tells how they are printed, and nothing is settled by them."""


@dataclass
class Details:
    """A details report, understood."""

    conventions: Conventions
    lines: list[Line] = field(default_factory=list)


@dataclass
class Summary:
    """A settlement summary, understood."""

    conventions: Conventions
    lines: list[SummaryLine] = field(default_factory=list)


def decide_unit(
    reading: Reading,
    ours: Mapping[str, Money],
    answers: Answers = Answers(),
    settled: Mapping[tuple[str, str], int] | None = None,
) -> Conventions:
    """Major or minor units, for the whole file. Raises UnitUnclear.

    What a person said counts first; then a decimal point anywhere, which means major; then rows that carry an id of
    ours (``ours``: its amount), and, of a summary, the net of its batch where the details are here already
    (``settled``: by batch id and currency). Amounts without any decimals look the same either way. The edition decides
    nothing: a late account may still deliver the old unit.
    Source: https://global.alipay.com/docs/releasenotes
    """
    if reading.layout.is_minor:
        return Conventions(AmountUnit.MINOR, "this edition prints minor units")
    if answers.unit is not None:
        return Conventions(answers.unit, "as a person said")
    columns = reading.layout.amount_columns
    if any("." in record.raw.get(column, "") for record in reading.records for column in columns):
        return Conventions(AmountUnit.MAJOR, "amounts are printed with decimal points")
    as_minor, as_major = Counter[str](), Counter[str]()
    for record in reading.records:
        if reading.layout.kind is ReportKind.SUMMARY:
            batch = record.cells.get("batch_id", ""), record.cells.get("net_currency", "")
            expected = (settled or {}).get(batch)
            if expected is not None and normalised(record.cells.get("type", "")) == TOTAL:
                currency = record.cells.get("net_currency", "")
                _vote(record.cells.get("net", ""), currency, expected, "the details", as_minor, as_major)
            continue
        own = ours.get(record.cells.get("request_id", "")) or ours.get(record.cells.get("transaction_id", ""))
        if own is not None and record.cells.get("amount_currency") == own.currency:
            _vote(record.cells.get("amount", ""), own.currency, own.value, "ours", as_minor, as_major)
    minor, major = as_minor.total(), as_major.total()
    if minor and major:
        raise UnitUnclear(
            problem=(
                f"The file prints whole numbers only; {major} of them equal our amounts as major units and "
                f"{minor} as minor units. Look into it and say which unit it is in."
            )
        )
    if minor:
        return Conventions(AmountUnit.MINOR, f"equal to {min(as_minor)} in minor units (rows: {minor}), never in major")
    if major:
        return Conventions(AmountUnit.MAJOR, f"equal to {min(as_major)} in major units (rows: {major})")
    doubtful = next((found for record in reading.records if (found := _doubtful(record))), None)
    if doubtful is None:
        return Conventions(AmountUnit.MAJOR, "no amount has decimals: both units look the same")
    raise UnitUnclear(
        problem=(
            f"The file prints whole numbers only, and none of its rows is an amount we know: line {doubtful[0]} says "
            f"{doubtful[1]} {doubtful[2]}, which may be major or minor units. Say which unit it is in."
        )
    )


def _vote(
    text: str, currency: str, expected: int, whose: str, as_minor: "Counter[str]", as_major: "Counter[str]"
) -> None:
    decimals = EXPONENTS.get(currency, 0)
    if not decimals or not re.fullmatch(r"[+-]?[0-9]{1,16}", text) or not int(text):
        return
    printed = abs(int(text))
    as_minor[whose] += printed == abs(expected)
    as_major[whose] += printed * 10**decimals == abs(expected)
    if not as_minor[whose]:
        del as_minor[whose]
    if not as_major[whose]:
        del as_major[whose]


def _doubtful(record: Record) -> tuple[int, str, str] | None:
    """An amount that would be another one in the other unit."""
    cells = record.cells
    named = [(cells.get(word, ""), cells.get(f"{word}_currency", "")) for word in ("amount", "net", "coupon")]
    named += [(record.raw.get(fee.amount, ""), cells.get("net_currency", "")) for fee in record.layout.fees]
    for text, currency in named:
        if text.strip("+-0") and EXPONENTS.get(currency or cells.get("net_currency", ""), 0):
            return record.line, text, currency or cells.get("net_currency", "")
    return None


def understand_details(
    reading: Reading,
    conventions: Conventions,
    *,
    usual_currency: str,
    answers: Answers = Answers(),
    look: Callable[[str, int], None] = lambda stage, rows: None,
) -> Details:
    """Every row of a details report with its meaning. Raises ReportUnreadable with the line, and FeesUnclear.

    ``usual_currency`` is where a row without any currency is counted, with zero.
    """
    kind = reading.layout.kind
    lines: list[Line] = []
    for index, record in enumerate(reading.records):
        if not index % _LOOK_EVERY:
            look("understanding", index)
        lines.append(understand_row(record, kind, conventions.unit, usual_currency))
    if kind is ReportKind.SETTLEMENT:
        _one_batch(lines)
    _decide_fees(lines, kind, conventions, answers)
    _number_occurrences(lines)
    for line in lines:
        refuse_too_large(line)
    _not_too_large(len(lines) + 1, [line.reported.value for line in lines])
    return Details(conventions, lines)


def understand_row(record: Record, kind: ReportKind, unit: AmountUnit, usual_currency: str) -> Line:
    """One row of a details report, its fees as printed. Raises ReportUnreadable."""
    line = _line(record, kind, unit)
    line.reported = _share(line, kind, usual_currency)
    return line


def refuse_too_large(line: Line) -> None:
    """Raise ReportUnreadable for a row whose amounts no currency has."""
    amount = None if line.amount is None else line.amount.value
    _not_too_large(line.number, (line.net, amount, line.gross, line.converted, line.fees_sum))


def understand_summary(reading: Reading, conventions: Conventions) -> Summary:
    """Every row of a summary with its meaning. Raises ReportUnreadable with the line."""
    lines = [_summary_line(record, conventions.unit) for record in reading.records]
    seen: set[tuple[str, str, str]] = set()
    for line in lines:
        key = (line.psp, line.batch_id, line.row_type)
        if key in seen:
            raise ReportUnreadable(line=line.number, problem=f"{line.printed_type} stands twice in this batch.")
        seen.add(key)
    _one_batch(lines)
    _not_too_large(len(lines) + 1, [line.net for line in lines])
    return Summary(conventions, lines)


def line_of(row: SettlementRow) -> Line:
    """The line a kept row was, for deciding on it again."""
    layout = LAYOUTS[Edition(row.file.edition), ReportKind(row.file.kind)]
    cells = {word: row.raw.get(name, "") for name, word in layout.words.items()}
    record = Record(row.part, row.line_number, cells, row.raw, layout)
    line = Line(
        part=row.part,
        number=row.line_number,
        printed_type=row.printed_type,
        row_type=row.transaction_type,
        status=row.printed_status,
        has_status="status" in layout.printed and row.file.kind == ReportKind.TRANSACTIONS,
        psp=row.batch.psp if row.batch is not None else cells.get("psp", ""),
        batch_id=row.batch.batch_id if row.batch is not None else cells.get("batch_id", ""),
        initiated_on=_day(record, "settled_on"),
        occurred_at=_moment(record, "paid_at"),
        transaction_id=row.transaction_id,
        original_id=row.original_transaction_id,
        request_id=row.transaction_request_id,
        original_request_id=row.original_transaction_request_id,
        reference_id=row.reference_transaction_id,
        wallet=row.payment_method_type,
        amount=row.transaction_amount,
        pair=row.quote_currency_pair,
        price=row.quote_price,
        converted=row.converted_value,
        gross=row.gross_value,
        settlement_currency=row.settlement_currency,
        net=row.settlement_value,
        fees=row.fees,
        fees_sum=row.fees_value,
        coupon=row.coupon_value,
        raw=row.raw,
        reported=row.reported,
        identity=row.identity,
        occurrence=row.occurrence,
    )
    line.trouble = _trouble_of(line, record, AmountUnit(row.file.amount_unit))
    return line


def _trouble_of(line: Line, record: Record, unit: AmountUnit) -> tuple[Reason, str] | None:
    """Found out once more from what was printed, because nothing else keeps it."""
    read_again = replace(line, fees={}, amount=None, gross=None)
    try:
        _read_amounts(read_again, record, unit)
    except TooPrecise as reason:
        return Reason.TOO_PRECISE, str(reason)
    return read_again.trouble


def report_day(name: str) -> str:
    """``YYYYMMDD`` of transaction details whose name says it, else empty. The content does not name its day."""
    match = _TRANSACTIONS_NAME.fullmatch(name)
    return (match["day"] or match["hk_day"]) if match else ""


def _line(record: Record, kind: ReportKind, unit: AmountUnit) -> Line:
    cells, layout, number = record.cells, record.layout, record.line
    is_settlement = kind is ReportKind.SETTLEMENT
    printed_type = _word(record, "type", is_demanded=True)
    pair, price = cells.get("pair", ""), cells.get("price", "")
    amounts.check_quote(pair, price, line=number)
    currency = _currency(record, "net_currency", is_demanded=is_settlement)
    line = Line(
        part=record.part,
        number=number,
        printed_type=printed_type,
        row_type=normalised(printed_type),
        status=_word(record, "status"),
        has_status="status" in layout.printed and not is_settlement,
        psp=_word(record, "psp", is_demanded="psp" in layout.demanded),
        batch_id=_word(record, "batch_id", is_demanded=is_settlement),
        initiated_on=_day(record, "settled_on", is_demanded=is_settlement),
        occurred_at=_moment(record, "paid_at"),
        transaction_id=_word(record, "transaction_id"),
        original_id=_word(record, "original_transaction_id"),
        request_id=_word(record, "request_id"),
        original_request_id=_word(record, "original_request_id"),
        reference_id=_word(record, "reference_id"),
        wallet=_word(record, "wallet"),
        amount=None,
        pair=pair,
        price=price,
        converted=None,
        gross=None,
        settlement_currency=currency,
        net=None,
        fees={},
        fees_sum=None,
        coupon=0,
        raw=record.raw,
    )
    if is_settlement and not cells["net"] and line.row_type != DEFAULT:
        raise ReportUnreadable(line=number, problem=f"{record.name('net')} is empty: the net of every row is needed.")
    try:
        _read_amounts(line, record, unit)
    except TooPrecise as reason:
        line.trouble = (Reason.TOO_PRECISE, str(reason))
    return line


def _read_amounts(line: Line, record: Record, unit: AmountUnit) -> None:
    """Fill in the amounts, the net first: a row whose other amounts are in trouble still counts with its net."""
    cells, number, currency = record.cells, record.line, line.settlement_currency
    if text := cells.get("net", ""):
        if not currency:
            raise ReportUnreadable(line=number, problem=f"{record.name('net')} has no {record.name('net_currency')}.")
        line.net = amounts.read_amount(text, currency, unit, line=number, column=record.name("net"))
    always = beside = 0
    for fee in record.layout.fees:
        if not (text := record.raw.get(fee.amount, "")):
            continue
        fee_currency = record.raw.get(fee.currency, "") or currency
        if fee_currency != currency:
            amounts.read_currency(fee_currency, line=number, column=fee.currency)
            line.trouble = line.trouble or (
                Reason.FEE_CURRENCY,
                f"{fee.amount} is {text} {fee_currency}, but the row settles in {currency or 'no currency'}.",
            )
            continue
        if not currency:
            raise ReportUnreadable(line=number, problem=f"{fee.amount} has no currency.")
        value = amounts.read_amount(text, currency, unit, line=number, column=fee.amount)
        line.fees[fee.word] = value
        always += value if fee.adds is Adds.ALWAYS else 0
        beside += value if fee.adds is Adds.PERHAPS else 0
    if line.net is None and line.row_type == DEFAULT and line.fees:
        # The correction of a fee alone: the fee is the amount, with the merchant's sign in every edition.
        line.net = always + beside
        return
    if line.fees or line.net is not None:
        line.fees_sum, line.fees_beside = always, beside
    _read_gross(line, record, unit)


def _read_gross(line: Line, record: Record, unit: AmountUnit) -> None:
    cells, number, currency = record.cells, record.line, line.settlement_currency
    text, code = cells["amount"], cells["amount_currency"]
    if not text:
        return
    if not code:
        raise ReportUnreadable(line=number, problem=f"{record.name('amount')} has no {record.name('amount_currency')}.")
    amounts.read_currency(code, line=number, column=record.name("amount_currency"))
    if not amounts.is_known(code):
        line.trouble = (
            Reason.CURRENCY_UNKNOWN,
            f"The transaction is {text} {code}, a currency the portal does not know.",
        )
        return
    value = amounts.read_amount(text, code, unit, line=number, column=record.name("amount"))
    if not record.layout.is_signed:
        known = ROW_TYPES.get(line.row_type)
        value = -abs(value) if known is not None and known.sign < 0 else abs(value)
    line.amount = Money(value, code)
    if currency:
        if gross := cells.get("gross", ""):
            line.gross = amounts.read_amount(gross, currency, unit, line=number, column=record.name("gross"))
        else:
            line.gross = amounts.gross_in(currency, line.amount, line.pair, line.price)
        if converted := cells.get("converted", ""):
            line.converted = amounts.read_amount(
                converted, currency, unit, line=number, column=record.name("converted")
            )
    _read_coupon(line, record, unit)


def _read_coupon(line: Line, record: Record, unit: AmountUnit) -> None:
    """What a discount that is not settled to the merchant takes off, whichever sign it is printed with."""
    text = record.cells.get("coupon", "")
    if not text or not line.gross or not text.strip("+-0."):
        return
    currency = line.settlement_currency
    printed = record.cells.get("coupon_currency", "") or currency
    amounts.read_currency(printed, line=record.line, column=record.name("coupon_currency"))
    value: int | None = None
    if amounts.is_known(printed):
        coupon = Money(
            amounts.read_amount(text, printed, unit, line=record.line, column=record.name("coupon")), printed
        )
        value = amounts.gross_in(currency, coupon, line.pair, line.price)
    if value is None:
        line.trouble = line.trouble or (
            Reason.FEE_CURRENCY,
            f"{record.name('coupon')} is {text} {printed}, but the row settles in {currency}.",
        )
        return
    line.coupon = -abs(value) if line.gross > 0 else abs(value)


def _summary_line(record: Record, unit: AmountUnit) -> SummaryLine:
    cells, number = record.cells, record.line
    printed_type = _word(record, "type", is_demanded=True)
    currency = _currency(record, "net_currency", is_demanded=True)
    initiated_on = _day(record, "settled_on", is_demanded=True)
    if initiated_on is None:
        raise ReportUnreadable(line=number, problem=f"{record.name('settled_on')} is empty.")
    if not re.fullmatch(r"[0-9]{1,9}", cells["count"]):
        raise ReportUnreadable(line=number, problem=f"count is {cells['count'][:40]!r}, which is not a number of rows.")
    row_type = normalised(printed_type)
    net = 0
    fees: dict[str, int] = {}
    corrected = 0
    try:
        if cells["net"] or row_type != DEFAULT:
            net = amounts.read_amount(cells["net"], currency, unit, line=number, column=record.name("net"))
        for fee in record.layout.fees:
            if text := record.raw.get(fee.amount, ""):
                if (record.raw.get(fee.currency, "") or currency) != currency:
                    raise ReportUnreadable(line=number, problem=f"{fee.amount} is not in {currency}.")
                fees[fee.word] = amounts.read_amount(text, currency, unit, line=number, column=fee.amount)
                corrected += 0 if fee.adds is Adds.NEVER else fees[fee.word]
    except TooPrecise as reason:
        # A sum of amounts that each fit their currency cannot be finer than they are.
        raise ReportUnreadable(line=number, problem=str(reason)) from None
    return SummaryLine(
        part=record.part,
        number=number,
        printed_type=printed_type,
        row_type=row_type,
        psp=_word(record, "psp", is_demanded="psp" in record.layout.demanded),
        batch_id=_word(record, "batch_id", is_demanded=True),
        initiated_on=initiated_on,
        count=int(cells["count"]),
        currency=currency,
        net=net if cells["net"] else corrected,
        fees=fees,
        raw=record.raw,
    )


def _share(line: Line, kind: ReportKind, usual_currency: str) -> Money:
    """What the row adds to what its file reports."""
    if kind is ReportKind.SETTLEMENT:
        return Money(line.net or 0, line.settlement_currency)
    if line.amount is None:
        return Money(0, line.settlement_currency or usual_currency)
    is_counted = line.status not in FAILED and line.status not in PENDING
    return line.amount if is_counted else Money(0, line.amount.currency)


def _word(record: Record, word: str, *, is_demanded: bool = False) -> str:
    text = record.cells.get(word, "")
    if is_demanded and not text:
        raise ReportUnreadable(line=record.line, problem=f"{record.name(word)} is empty.")
    if len(text) > MAX_ID_LENGTH:
        raise ReportUnreadable(
            line=record.line, problem=f"{record.name(word)} is longer than {MAX_ID_LENGTH} characters."
        )
    if "\n" in text or "\r" in text:
        raise ReportUnreadable(line=record.line, problem=f"{record.name(word)} has a line break in it.")
    return text


def _currency(record: Record, word: str, *, is_demanded: bool) -> str:
    text = _word(record, word, is_demanded=is_demanded)
    if not text:
        return ""
    amounts.read_currency(text, line=record.line, column=record.name(word))
    if not amounts.is_known(text):
        raise ReportUnreadable(
            line=record.line, problem=f"{record.name(word)} is {text}, a currency the portal does not know."
        )
    return text


def _day(record: Record, word: str, *, is_demanded: bool = False) -> date | None:
    """The acquirer's day of a date or a moment; with an offset the moment is moved to UTC+8 first."""
    text = _word(record, word, is_demanded=is_demanded)
    return day_in(text, record.layout, line=record.line, column=record.name(word)) if text else None


def _moment(record: Record, word: str) -> datetime | None:
    """A moment in UTC+8; without an offset it is taken as UTC+8 already, which is Hong Kong's time, too."""
    text = _word(record, word)
    return _moment_in(text, record.layout, record.line, record.name(word)) if text else None


def day_in(text: str, layout: Layout, *, line: int = 0, column: str = "") -> date:
    """The acquirer's day of a printed date or moment. Raises ReportUnreadable.

    Undocumented, the format of ``settlementInitiatedDate``; we choose to read a date alone and ISO 8601 moments,
    because the earlier editions printed those.
    """
    if re.fullmatch(r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ReportUnreadable(line=line, problem=f"{column} is {text[:40]!r}: no such day.") from None
    return _moment_in(text, layout, line, column).date()


def _moment_in(text: str, layout: Layout, line: int, column: str) -> datetime:
    try:
        if layout.edition is Edition.E0_HK and (match := _HK_TIME.fullmatch(text)):
            year, month, day, hour, minute, second = (
                int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
            )
            return datetime(year, month, day, hour, minute, second, tzinfo=ACQUIRER_ZONE)
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=ACQUIRER_ZONE) if moment.tzinfo is None else moment).astimezone(ACQUIRER_ZONE)
    except (ValueError, OverflowError):
        raise ReportUnreadable(
            line=line, problem=f"{column} is {text[:40]!r}, which is not a time. Write it like 2026-05-14."
        ) from None


def _one_batch(lines: Sequence[Line] | Sequence[SummaryLine]) -> None:
    """Raise ReportUnreadable where a second batch begins. Several PSPs may share one batch id."""
    for line in lines:
        refuse_other_batch(line, lines[0].batch_id, _settles_in(lines[0]))


def refuse_other_batch(line: Line | SummaryLine, batch_id: str, expected: str) -> None:
    """Raise ReportUnreadable unless the row is of this batch, in this currency."""
    if line.batch_id != batch_id:
        raise ReportUnreadable(
            line=line.number,
            problem=f"batch {line.batch_id} begins here, but the file is of batch {batch_id}: one at a time.",
        )
    currency = _settles_in(line)
    if currency != expected:
        raise ReportUnreadable(
            line=line.number, problem=f"settles in {currency}, but the file is of a batch in {expected}."
        )


def _settles_in(line: Line | SummaryLine) -> str:
    return line.settlement_currency if isinstance(line, Line) else line.currency


def _decide_fees(lines: Sequence[Line], kind: ReportKind, conventions: Conventions, answers: Answers) -> None:
    """Find how fees are printed, and give every fee the merchant's sign. Raises FeesUnclear."""
    votes = FeeVotes()
    for line in lines:
        votes.add(line)
    votes.decide(kind, conventions, answers)
    for line in lines:
        sign_fees(line, conventions)


@dataclass
class FeeVotes:
    """Which of net = gross ± fees closes on how many rows, and where the fees of doubt stand.

    One row that closes the other way among many is that row's own discrepancy.
    """

    plus: int = 0
    minus: int = 0
    beside: dict[int, int] = field(default_factory=lambda: {1: 0, -1: 0})
    """By the sign of the fees."""
    inside: dict[int, int] = field(default_factory=lambda: {1: 0, -1: 0})
    is_any: bool = False
    is_doubt: bool = False
    """There are tax, processing or dispute fees in E1 to E3."""
    is_telling: bool = False

    def add(self, line: Line) -> None:
        """One more row, its fees as printed."""
        self.is_doubt |= bool(line.fees_beside)
        if not (line.fees_sum or line.fees_beside) or line.trouble:
            return
        self.is_any = True
        if line.gross is None or line.net is None:
            return
        self.is_telling = True
        tolerance = amounts.row_tolerance(line.settlement_currency)
        by_plus, by_minus = (min(_misses(line, sign, beside) for beside in (False, True)) for sign in (1, -1))
        if by_plus != by_minus and min(by_plus, by_minus) <= tolerance:
            self.plus += by_plus < by_minus
            self.minus += by_minus < by_plus
        for sign in (1, -1) if line.fees_beside else ():
            missed_beside, missed_inside = _misses(line, sign, True), _misses(line, sign, False)  # noqa: FBT003 - which of two
            if missed_beside != missed_inside and min(missed_beside, missed_inside) <= tolerance:
                self.beside[sign] += missed_beside < missed_inside
                self.inside[sign] += missed_inside < missed_beside

    def closed(self, rows: int, sign: FeeSign) -> None:
        """So many more rows that close to the last unit with that sign, and no other."""
        self.is_any, self.is_telling = self.is_any or rows > 0, self.is_telling or rows > 0
        if sign is FeeSign.CHARGE_POSITIVE:
            self.minus += rows
        else:
            self.plus += rows

    def decide(self, kind: ReportKind, conventions: Conventions, answers: Answers) -> None:
        """Fill in how fees are printed. Raises FeesUnclear where the rows do not tell, unless a person said it."""
        if self.is_any and not self.is_telling and answers.fee_sign is None and kind is ReportKind.TRANSACTIONS:
            # Cross-currency rows without a rate. Their fees stay in the text: nothing is settled by them here.
            conventions.fee_basis, conventions.fees_are_read = NOT_READ, False
            return
        if self.is_any:
            conventions.fee_sign, conventions.fee_basis = self._sign(answers.fee_sign)
        if self.is_doubt:
            sign = -1 if conventions.fee_sign is FeeSign.CHARGE_POSITIVE else 1
            conventions.fee_parts, basis = self._parts(sign, answers.fee_parts)
            conventions.fee_basis = f"{conventions.fee_basis}; {basis}"

    def _sign(self, said: FeeSign | None) -> tuple[FeeSign, str]:
        plus, minus = self.plus, self.minus
        if said is not None:
            return said, f"as a person said (net = gross + fees closes on {plus} rows, net = gross − fees on {minus})"
        if plus >= _CLEAR * minus and plus:
            return FeeSign.CHARGE_NEGATIVE, f"net = gross + fees closes on {plus} rows, net = gross − fees on {minus}"
        if minus >= _CLEAR * plus and minus:
            return FeeSign.CHARGE_POSITIVE, f"net = gross − fees closes on {minus} rows, net = gross + fees on {plus}"
        raise FeesUnclear(
            problem=(
                f"The rows do not tell how fees are printed: net = gross + fees closes on {plus} rows, net = gross − "
                f"fees on {minus}. Say whether a charge is negative or positive in this file."
            )
        )

    def _parts(self, sign: int, said: FeeParts | None) -> tuple[FeeParts, str]:
        beside, inside = self.beside[sign], self.inside[sign]
        counted = f"beside the total on {beside} rows, inside it on {inside}"
        if said is not None:
            return said, f"tax, processing and dispute fees as a person said ({counted})"
        if beside >= _CLEAR * inside and beside:
            return FeeParts.BESIDE, f"tax, processing and dispute fees are {counted}"
        if inside >= _CLEAR * beside and inside:
            return FeeParts.INSIDE, f"tax, processing and dispute fees are {counted}"
        raise FeesUnclear(
            problem=(
                "The rows do not tell whether tax, processing and dispute fees are in the total: they close "
                f"{counted}. Say whether they are beside feeAmountValue or inside it."
            )
        )


def sign_fees(line: Line, conventions: Conventions) -> None:
    """Give the fees of a row as printed the merchant's sign, and their sum what belongs to it."""
    if not conventions.fees_are_read:
        line.fees, line.fees_sum = {}, None
        return
    if line.row_type == DEFAULT:
        return  # a correction has the merchant's sign already, in every edition
    if conventions.fee_parts is FeeParts.BESIDE and line.fees_sum is not None:
        line.fees_sum += line.fees_beside
    if conventions.fee_sign is FeeSign.CHARGE_POSITIVE:
        line.fees = {word: -value for word, value in line.fees.items()}
        line.fees_sum = None if line.fees_sum is None else -line.fees_sum


def _misses(line: Line, sign: int, beside: bool) -> int:
    """How far the row is from its formula, read one way."""
    assert line.net is not None and line.gross is not None and line.fees_sum is not None  # noqa: S101, PT018 - telling
    fees = line.fees_sum + (line.fees_beside if beside else 0)
    return abs(line.net - line.gross - line.coupon - sign * fees)


def _number_occurrences(lines: Iterable[Line]) -> None:
    seen = Counter[str]()
    for line in lines:
        line.identity = identity_of(line)
        seen[line.identity] += 1
        line.occurrence = seen[line.identity]


def identity_of(line: Line) -> str:
    """What makes two rows the same."""
    amount = f"{line.amount.value} {line.amount.currency}" if line.amount else ""
    return identity(line.row_type, line.transaction_id, line.request_id, amount, line.net, line.settlement_currency)


def identity(row_type: str, transaction_id: str, request_id: str, amount: str, net: int | None, currency: str) -> str:
    """The same from its pieces; ``amount`` is minor units, a blank and the currency."""
    text = f"{row_type}\x1f{transaction_id}\x1f{request_id}\x1f{amount}\x1f{net}\x1f{currency}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def refuse_too_large_sum(line: int, total: int) -> None:
    """Raise ReportUnreadable where the rows up to a line report more than any currency has."""
    _not_too_large(line, [total])


def _not_too_large(line: int, values: Iterable[int | None]) -> None:
    if sum(abs(value) for value in values if value is not None) > _MAX_SUM:
        raise ReportUnreadable(
            line=line, problem="the amounts up to here are larger than any currency's. It is damaged."
        )
