"""From printed cells to lines with meaning: types, ids, signed amounts in minor units, the gross and the fees.

The amount unit and the sign of the fees are properties of a file, decided here once per file with what they were
decided on. A cell that cannot be read stops the import with its line; an amount that can be read but cannot be an
integer, or is in a currency we do not know, stays with its row as ``trouble`` and is opened.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b

from portal.clock import ACQUIRER_ZONE
from portal.money import Money, exponent
from reconciliation import amounts
from reconciliation.amounts import TooPrecise
from reconciliation.errors import ReportUnreadable, UnitUnclear
from reconciliation.layouts import FEE_COLUMNS, PERSONAL_COLUMNS, ReportKind
from reconciliation.models import AmountUnit, FeeSign, Reason, SettlementRow
from reconciliation.reading import Reading, Record
from reconciliation.row_types import FAILED, PENDING, TOTAL, normalised

MAX_ID_LENGTH = 64
_MAX_SUM = 2**62
"""More than this the database could not add up; no report holds it."""
_AMOUNT_COLUMNS = (
    "transactionAmountValue",
    "settlementAmountValue",
    "convertedTransactionAmountValue",
    *FEE_COLUMNS,
)
_TRANSACTIONS_NAME = re.compile(r"transactionItems_(?:[A-Za-z0-9+ ]+_)*(?P<day>[0-9]{8})_[0-9]{3}\.csv", re.IGNORECASE)


@dataclass(slots=True)
class Line:
    """A row of a details report, understood. Amounts are minor units with the merchant's sign."""

    number: int
    printed_type: str
    row_type: str
    status: str
    psp: str
    batch_id: str
    initiated_on: date | None
    occurred_at: datetime | None
    """``paymentTime``, where the file has it."""
    transaction_id: str
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
    fees_sum: int | None
    raw: dict[str, str]
    trouble: tuple[Reason, str] | None = None
    reported: Money = field(default_factory=lambda: Money(0, "USD"))
    """Its share in what the file reports."""
    identity: str = ""
    occurrence: int = 1


@dataclass(slots=True)
class SummaryLine:
    """A row of a settlement summary, understood."""

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


@dataclass
class Conventions:
    """How a file prints its amounts, and what that was decided on."""

    unit: AmountUnit
    unit_basis: str
    fee_sign: FeeSign = FeeSign.CHARGE_NEGATIVE
    fee_basis: str = "no fees in the file"
    is_fee_sign_clear: bool = True


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


def decide_unit(reading: Reading, ours: dict[str, Money]) -> Conventions:
    """Major or minor units, for the whole file. Raises UnitUnclear.

    A decimal point anywhere means major. Without one, rows that carry a request id of ours (``ours``: its amount)
    decide. Where neither helps the edition does: it came after the change to major units in May 2023.
    Source: https://global.alipay.com/docs/releasenotes
    """
    if any("." in record.cells.get(column, "") for record in reading.records for column in _AMOUNT_COLUMNS):
        return Conventions(AmountUnit.MAJOR, "amounts are printed with decimal points")
    as_minor = as_major = 0
    for record in reading.records:
        text = record.cells.get("transactionAmountValue", "")
        own = ours.get(record.cells.get("transactionRequestId", ""))
        if own is None or record.cells.get("transactionCurrency") != own.currency or not re.fullmatch(r"-?\d+", text):
            continue
        decimals, printed = exponent(own.currency), abs(int(text))
        if decimals and printed:
            as_minor += printed == own.value
            as_major += printed * 10**decimals == own.value
    if as_minor and as_major:
        raise UnitUnclear(
            problem=(
                f"The file prints whole numbers only; {as_major} of them equal our amounts as major units and "
                f"{as_minor} as minor units. Ask the acquirer for a report in one unit."
            )
        )
    if as_minor:
        return Conventions(AmountUnit.MINOR, f"equal to ours in minor units (rows: {as_minor}), never in major")
    if as_major:
        return Conventions(AmountUnit.MAJOR, f"equal to ours in major units (rows: {as_major})")
    return Conventions(AmountUnit.MAJOR, "the current edition prints major units")


def understand_details(reading: Reading, conventions: Conventions, *, usual_currency: str) -> Details:
    """Every row of a details report with its meaning. Raises ReportUnreadable with the line.

    ``usual_currency`` is where a row without any currency is counted, with zero.
    """
    kind = reading.layout.kind
    lines = [_line(record, kind, conventions.unit) for record in reading.records]
    if kind is ReportKind.SETTLEMENT:
        _one_batch(lines)
    for line in lines:
        line.reported = _share(line, kind, usual_currency)
    _decide_fee_sign(lines, conventions)
    _number_occurrences(lines)
    for line in lines:
        amount = None if line.amount is None else line.amount.value
        _not_too_large(line.number, (line.net, amount, line.gross, line.converted, line.fees_sum))
    _not_too_large(len(lines) + 1, [line.reported.value for line in lines])
    return Details(conventions, lines)


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
    record = Record(row.line_number, row.raw)
    return Line(
        number=row.line_number,
        printed_type=row.printed_type,
        row_type=row.transaction_type,
        status=row.printed_status,
        psp=row.raw.get("PSP", ""),
        batch_id=row.raw.get("settlementBatchId", ""),
        initiated_on=_day(record, "settlementInitiatedDate"),
        occurred_at=_moment(record, "paymentTime"),
        transaction_id=row.transaction_id,
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
        raw=row.raw,
        reported=row.reported,
        identity=row.identity,
        occurrence=row.occurrence,
    )


def report_day(name: str) -> str:
    """``YYYYMMDD`` of transaction details whose name says it, else empty. The content does not name its day."""
    match = _TRANSACTIONS_NAME.fullmatch(name)
    return match["day"] if match else ""


def _line(record: Record, kind: ReportKind, unit: AmountUnit) -> Line:
    cells, number = record.cells, record.line
    is_settlement = kind is ReportKind.SETTLEMENT
    printed_type = _word(record, "transactionType", is_demanded=True)
    pair, price = cells.get("quoteCurrencyPair", ""), cells.get("quotePrice", "")
    amounts.check_quote(pair, price, line=number)
    currency = _currency(record, "settlementCurrency", is_demanded=is_settlement)
    line = Line(
        number=number,
        printed_type=printed_type,
        row_type=normalised(printed_type),
        status=_word(record, "status"),
        psp=_word(record, "PSP", is_demanded=True),
        batch_id=_word(record, "settlementBatchId", is_demanded=is_settlement),
        initiated_on=_day(record, "settlementInitiatedDate", is_demanded=is_settlement),
        occurred_at=_moment(record, "paymentTime"),
        transaction_id=_word(record, "transactionId"),
        request_id=_word(record, "transactionRequestId"),
        original_request_id=_word(record, "originalTransactionRequestId"),
        reference_id=_word(record, "referenceTransactionId"),
        wallet=_word(record, "paymentMethodType"),
        amount=None,
        pair=pair,
        price=price,
        converted=None,
        gross=None,
        settlement_currency=currency,
        net=None,
        fees={},
        fees_sum=None,
        raw=_raw(cells),
    )
    if is_settlement and not cells["settlementAmountValue"]:
        raise ReportUnreadable(line=number, problem="settlementAmountValue is empty: the net of every row is needed.")
    try:
        _read_amounts(line, record, unit)
    except TooPrecise as reason:
        line.trouble = (Reason.TOO_PRECISE, str(reason))
    return line


def _read_amounts(line: Line, record: Record, unit: AmountUnit) -> None:
    """Fill in the amounts, the net first: a row whose other amounts are in trouble still counts with its net."""
    cells, number, currency = record.cells, line.number, line.settlement_currency
    if text := cells.get("settlementAmountValue", ""):
        if not currency:
            raise ReportUnreadable(line=number, problem="settlementAmountValue has no settlementCurrency.")
        line.net = amounts.read_amount(text, currency, unit, line=number, column="settlementAmountValue")
    for column, currency_column in FEE_COLUMNS.items():
        if not (text := cells.get(column, "")):
            continue
        fee_currency = cells.get(currency_column, "") or currency
        if fee_currency != currency:
            amounts.read_currency(fee_currency, line=number, column=currency_column)
            line.trouble = line.trouble or (
                Reason.FEE_CURRENCY,
                f"{column} is {text} {fee_currency}, but the row settles in {currency or 'no currency'}.",
            )
            continue
        if not currency:
            raise ReportUnreadable(line=number, problem=f"{column} has no currency.")
        line.fees[column] = amounts.read_amount(text, currency, unit, line=number, column=column)
    if line.fees or line.net is not None:
        line.fees_sum = sum(line.fees.values())
    _read_gross(line, record, unit)


def _read_gross(line: Line, record: Record, unit: AmountUnit) -> None:
    cells, number, currency = record.cells, line.number, line.settlement_currency
    text, code = cells["transactionAmountValue"], cells["transactionCurrency"]
    if not text:
        return
    if not code:
        raise ReportUnreadable(line=number, problem="transactionAmountValue has no transactionCurrency.")
    amounts.read_currency(code, line=number, column="transactionCurrency")
    if not amounts.is_known(code):
        line.trouble = (
            Reason.CURRENCY_UNKNOWN,
            f"The transaction is {text} {code}, a currency the portal does not know.",
        )
        return
    line.amount = Money(amounts.read_amount(text, code, unit, line=number, column="transactionAmountValue"), code)
    if currency:
        line.gross = amounts.gross_in(currency, line.amount, line.pair, line.price)
        if converted := cells.get("convertedTransactionAmountValue", ""):
            line.converted = amounts.read_amount(
                converted, currency, unit, line=number, column="convertedTransactionAmountValue"
            )


def _summary_line(record: Record, unit: AmountUnit) -> SummaryLine:
    cells, number = record.cells, record.line
    printed_type = _word(record, "summaryType", is_demanded=True)
    currency = _currency(record, "settlementCurrency", is_demanded=True)
    initiated_on = _day(record, "settlementInitiatedDate", is_demanded=True)
    if initiated_on is None:
        raise ReportUnreadable(line=number, problem="settlementInitiatedDate is empty.")
    if not re.fullmatch(r"[0-9]{1,9}", cells["count"]):
        raise ReportUnreadable(line=number, problem=f"count is {cells['count'][:40]!r}, which is not a number of rows.")
    net = 0
    fees: dict[str, int] = {}
    try:
        net = amounts.read_amount(
            cells["settlementAmountValue"], currency, unit, line=number, column="settlementAmountValue"
        )
        for column, currency_column in FEE_COLUMNS.items():
            if text := cells.get(column, ""):
                if (cells.get(currency_column, "") or currency) != currency:
                    raise ReportUnreadable(line=number, problem=f"{column} is not in {currency}.")
                fees[column] = amounts.read_amount(text, currency, unit, line=number, column=column)
    except TooPrecise as reason:
        # A sum of amounts that each fit their currency cannot be finer than they are.
        raise ReportUnreadable(line=number, problem=str(reason)) from None
    return SummaryLine(
        number=number,
        printed_type=printed_type,
        row_type=normalised(printed_type),
        psp=_word(record, "PSP", is_demanded=True),
        batch_id=_word(record, "settlementBatchId", is_demanded=True),
        initiated_on=initiated_on,
        count=int(cells["count"]),
        currency=currency,
        net=net,
        fees=fees,
        raw=_raw(cells),
    )


def _share(line: Line, kind: ReportKind, usual_currency: str) -> Money:
    """What the row adds to what its file reports."""
    if kind is ReportKind.SETTLEMENT:
        return Money(line.net or 0, line.settlement_currency)
    if line.amount is None:
        return Money(0, line.settlement_currency or usual_currency)
    is_counted = line.status not in FAILED and line.status not in PENDING
    return line.amount if is_counted else Money(0, line.amount.currency)


def _word(record: Record, column: str, *, is_demanded: bool = False) -> str:
    text = record.cells.get(column, "")
    if is_demanded and not text:
        raise ReportUnreadable(line=record.line, problem=f"{column} is empty.")
    if len(text) > MAX_ID_LENGTH:
        raise ReportUnreadable(line=record.line, problem=f"{column} is longer than {MAX_ID_LENGTH} characters.")
    if "\n" in text or "\r" in text:
        raise ReportUnreadable(line=record.line, problem=f"{column} has a line break in it.")
    return text


def _currency(record: Record, column: str, *, is_demanded: bool) -> str:
    text = _word(record, column, is_demanded=is_demanded)
    if not text:
        return ""
    amounts.read_currency(text, line=record.line, column=column)
    if not amounts.is_known(text):
        raise ReportUnreadable(line=record.line, problem=f"{column} is {text}, a currency the portal does not know.")
    return text


def _day(record: Record, column: str, *, is_demanded: bool = False) -> date | None:
    """The acquirer's day of a date or a moment; with an offset the moment is moved to UTC+8 first.

    Undocumented, the format of ``settlementInitiatedDate``; we choose to read a date alone and ISO 8601 moments,
    because the earlier editions printed those.
    """
    text = _word(record, column, is_demanded=is_demanded)
    if not text:
        return None
    if re.fullmatch(r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ReportUnreadable(line=record.line, problem=f"{column} is {text[:40]!r}: no such day.") from None
    moment = _moment(record, column)
    return None if moment is None else moment.date()


def _moment(record: Record, column: str) -> datetime | None:
    """A moment in UTC+8; without an offset it is taken as UTC+8 already."""
    text = _word(record, column)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=ACQUIRER_ZONE) if moment.tzinfo is None else moment).astimezone(ACQUIRER_ZONE)
    except (ValueError, OverflowError):
        raise ReportUnreadable(
            line=record.line, problem=f"{column} is {text[:40]!r}, which is not a time. Write it like 2026-05-14."
        ) from None


def _raw(cells: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in cells.items() if text and name not in PERSONAL_COLUMNS}


def _one_batch(lines: Sequence[Line] | Sequence[SummaryLine]) -> None:
    """Raise ReportUnreadable where a second batch begins. Several PSPs may share one batch id."""
    first: Line | SummaryLine | None = None
    for line in lines:
        if first is None:
            first = line
        if line.batch_id != first.batch_id:
            raise ReportUnreadable(
                line=line.number,
                problem=f"batch {line.batch_id} begins here, but the file is of batch {first.batch_id}: one at a time.",
            )
        currency, expected = _settles_in(line), _settles_in(first)
        if currency != expected:
            raise ReportUnreadable(
                line=line.number, problem=f"settles in {currency}, but the file is of a batch in {expected}."
            )


def _settles_in(line: Line | SummaryLine) -> str:
    return line.settlement_currency if isinstance(line, Line) else line.currency


def _decide_fee_sign(lines: Sequence[Line], conventions: Conventions) -> None:
    """Find how fees are printed by which of net = gross ± fees closes, and give every fee the merchant's sign."""
    as_printed = reversed_ = neither = 0
    for line in lines:
        if not line.fees_sum or line.gross is None or line.net is None or line.trouble:
            continue
        allowed = amounts.row_tolerance(line.settlement_currency)
        closes = abs(line.net - line.gross - line.fees_sum) <= allowed
        closes_reversed = abs(line.net - line.gross + line.fees_sum) <= allowed
        as_printed += closes and not closes_reversed
        reversed_ += closes_reversed and not closes
        neither += not closes and not closes_reversed
    if as_printed > reversed_:
        conventions.fee_basis = f"net = gross + fees closes on {as_printed} rows, net = gross − fees on {reversed_}"
    elif reversed_ > as_printed:
        conventions.fee_sign = FeeSign.CHARGE_POSITIVE
        conventions.fee_basis = f"net = gross − fees closes on {reversed_} rows, net = gross + fees on {as_printed}"
        for line in lines:
            line.fees = {column: -value for column, value in line.fees.items()}
            line.fees_sum = None if line.fees_sum is None else -line.fees_sum
    elif as_printed or neither > 1:  # one row that does not add up is that row's own discrepancy
        conventions.is_fee_sign_clear = False
        conventions.fee_basis = "the rows do not tell; the current edition prints a charge negative"


def _number_occurrences(lines: Iterable[Line]) -> None:
    seen = Counter[str]()
    for line in lines:
        amount = f"{line.amount.value} {line.amount.currency}" if line.amount else ""
        parts = (line.row_type, line.transaction_id, line.request_id, amount, str(line.net), line.settlement_currency)
        line.identity = blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
        seen[line.identity] += 1
        line.occurrence = seen[line.identity]


def _not_too_large(line: int, values: Iterable[int | None]) -> None:
    if sum(abs(value) for value in values if value is not None) > _MAX_SUM:
        raise ReportUnreadable(
            line=line, problem="the amounts up to here are larger than any currency's. It is damaged."
        )
