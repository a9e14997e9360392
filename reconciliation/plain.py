"""The rows that are as they should be, read and decided on the quick way.

Nearly every row of a report is one payment, refund or cancel of ours, printed the usual way, over our amount, closing
to the last unit, and the first row of it. For such a row ``lines`` and ``matching`` can only say one thing: all of its
net is matched. Here that is found out at a tenth of the time, and nothing else is: whatever is unusual in any way is
given up (None, False), and is decided on as ever. So there is one judgement; a test imports files both ways.
"""

from collections.abc import Callable, Mapping
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from payments.states import CancelStatus, PaymentStatus, RefundStatus
from portal.money import EXPONENTS
from reconciliation import amounts
from reconciliation.amounts import TooPrecise
from reconciliation.contracts import Contracts, Terms
from reconciliation.editions import Adds
from reconciliation.errors import ReportUnreadable
from reconciliation.layouts import Layout
from reconciliation.lines import MAX_ID_LENGTH, Conventions, day_in, identity
from reconciliation.models import FeeSign, Role
from reconciliation.row_types import normalised

_ROLES = {str(role): role for role in (Role.PAYMENT, Role.REFUND, Role.CANCEL)}
_WORDS = (
    "type", "pair", "price", "net_currency", "psp", "batch_id", "merchant_id", "settled_on", "paid_at",
    "transaction_id", "original_transaction_id", "request_id", "original_request_id", "reference_id", "wallet",
    "amount", "amount_currency", "net", "converted", "coupon",
)  # fmt: skip
_KEPT = 100_000
"""Texts whose meaning is remembered at most; amounts repeat in a report."""
_SETTLED_PAYMENT = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.REVERSED})
_SETTLED_REFUND = frozenset({RefundStatus.SUCCEEDED, RefundStatus.REVERSED})


class Candidate(NamedTuple):
    """A row that is plain if our books say the same. Amounts are minor units with the merchant's sign."""

    line: int
    role: Role
    name: str
    """Our request id of the payment or refund; of a cancel, that of its payment."""
    row_type: str
    printed_type: str
    batch_pk: int
    initiated_on: date
    occurred_on: date | None
    amount: int
    currency: str
    gross: int
    net: int
    fees: Mapping[str, int]
    fees_value: int
    converted: int | None
    identity: str
    transaction_id: str
    original_id: str
    request_id: str
    original_request_id: str
    reference_id: str
    wallet: str
    pair: str
    price: str
    cells: list[str]


class Ours(NamedTuple):
    """What of our books a candidate names."""

    key: int
    """Of the payment, refund or cancel."""
    payment_pk: int
    value: int
    currency: str
    status: str
    happened_on: date | None
    """The acquirer's day; of a cancel none, since we may have learned of it a day late."""
    gross: int | None
    gross_currency: str


Read = Callable[[int, list[str]], Candidate | None]


def reader(
    header: tuple[str, ...],
    layout: Layout,
    conventions: Conventions,
    *,
    merchant_id: str,
    batch_id: str,
    currency: str,
    batches: Mapping[str, int],
) -> Read:
    """A function from the cells of a line to a candidate; None for what is not printed the usual way.

    ``batches`` gives the key of the batch by the PSP a row prints; ``merchant_id`` is empty where any will do.
    """
    width = len(header)
    at = {layout.words[name]: index for index, name in enumerate(header) if name in layout.words}
    pick = itemgetter(*(at.get(word, width) for word in _WORDS))
    places = {name: index for index, name in enumerate(header)}
    fees = [
        (places[fee.amount], places.get(fee.currency, width), fee.word, fee.adds)
        for fee in layout.fees
        if fee.amount in places
    ]
    sign = -1 if conventions.fee_sign is FeeSign.CHARGE_POSITIVE else 1
    tolerance = amounts.row_tolerance(currency)
    known: dict[str, dict[str, int]] = {}
    quotes: dict[tuple[str, str, str], object] = {}
    days: dict[str, date | None] = {}

    def amount_of(text: str, code: str) -> int:
        values = known.setdefault(code, {})
        if len(values) > _KEPT:
            values.clear()
        value = values[text] = amounts.read_amount(text, code, conventions.unit, line=0, column="")
        return value

    def read(line: int, cells: list[str]) -> Candidate | None:
        cells.append("")  # what a column that is not there says
        (
            printed_type, pair, price, net_currency, psp, batch, merchant, settled_on, paid_at, transaction_id,
            original_id, request_id, original_request_id, reference_id, wallet, amount, amount_currency, net_text,
            converted_text, coupon,
        ) = pick(cells)  # fmt: skip
        row_type = normalised(printed_type)
        role = _ROLES.get(row_type)
        batch_pk = batches.get(psp)
        if (
            role is None
            or batch_pk is None
            or coupon
            or batch != batch_id
            or net_currency != currency
            or (merchant_id and merchant != merchant_id)
            or max(
                len(transaction_id), len(original_id), len(original_request_id), len(reference_id), len(wallet)
            ) > MAX_ID_LENGTH
            or "\n" in reference_id + wallet + original_id + transaction_id + original_request_id
        ):  # fmt: skip
            return None
        name = original_request_id if role is Role.CANCEL else request_id
        if not name or (role is Role.CANCEL and len(request_id) > MAX_ID_LENGTH):
            return None
        try:
            if settled_on not in days:
                days[settled_on] = day_in(settled_on, layout)
            initiated_on = days[settled_on]
            values = known.get(amount_currency) or known.setdefault(amount_currency, {})
            value = values[amount] if amount in values else amount_of(amount, amount_currency)
            values = known.get(currency) or known.setdefault(currency, {})
            net = values[net_text] if net_text in values else amount_of(net_text, currency)
            if pair or price:
                quote = pair, price, amount_currency
                if quote not in quotes:
                    amounts.check_quote(pair, price, line=line)
                    quotes[quote] = True
            gross: int | None = value
            if amount_currency != currency:
                factor = amounts.conversion(currency, amount_currency, pair, price)
                gross = None if factor is None else amounts.converted(value, factor)
            if not gross or initiated_on is None or (gross > 0) != (role is Role.PAYMENT):
                return None
            converted = None
            if converted_text:
                converted = values[converted_text] if converted_text in values else amount_of(converted_text, currency)
                if abs(converted - gross) > tolerance:
                    return None
            charged: dict[str, int] = {}
            total = 0
            for place, currency_place, word, adds in fees:
                if text := cells[place]:
                    if adds is Adds.PERHAPS or cells[currency_place] not in {"", currency}:
                        return None
                    fee = values[text] if text in values else amount_of(text, currency)
                    charged[word] = sign * fee
                    if adds is Adds.ALWAYS:
                        total += sign * fee
            occurred_on = day_in(paid_at, layout) if paid_at else None
        except (KeyError, TooPrecise, ReportUnreadable):
            return None
        if net != gross + total:
            return None
        cells.pop()
        return Candidate(
            line, role, name, row_type, printed_type, batch_pk, initiated_on, occurred_on, value, amount_currency,
            gross, net, charged, total, converted,
            identity(row_type, transaction_id, request_id, f"{value} {amount_currency}", net, currency),
            transaction_id, original_id, request_id, original_request_id, reference_id, wallet, pair, price, cells,
        )  # fmt: skip

    def usual(line: int, cells: list[str]) -> Candidate | None:
        found = read(line, cells)
        if found is None:
            cells.pop()
        return found

    if not layout.is_signed or currency not in EXPONENTS:
        return lambda line, cells: None
    return usual


def is_plain(row: Candidate, ours: Ours, settlement_currency: str) -> bool:
    """Whether our books say the same, so that the row is matched to its last unit. Fees have their own questions."""
    if ours.value != abs(row.amount) or ours.currency != row.currency:
        return False
    role, happened_on = row.role, ours.happened_on
    if role is Role.PAYMENT:
        if ours.status not in _SETTLED_PAYMENT and (ours.status != PaymentStatus.CANCELLED or happened_on is None):
            return False
    elif role is Role.REFUND:
        if ours.status not in _SETTLED_REFUND:
            return False
    elif ours.status != CancelStatus.CONFIRMED:
        return False
    if ours.gross is not None and ours.gross_currency == settlement_currency and abs(ours.gross) != abs(row.gross):
        return False
    if happened_on is None:
        return True
    return row.initiated_on >= happened_on and (row.occurred_on is None or row.occurred_on == happened_on)


def is_as_agreed(
    row: Candidate, ours: Ours, contracts: Contracts, settlement_currency: str
) -> tuple[bool, Terms | None]:
    """Whether a payment's fee is what the contract says, and the contract it was held against."""
    if row.role is not Role.PAYMENT or not contracts.terms:
        return True, None
    terms = contracts.valid(row.wallet, settlement_currency, ours.happened_on or row.initiated_on)
    if terms is None:
        return True, None
    difference = row.fees_value - terms.fee_of(row.gross)
    return abs(difference) <= amounts.row_tolerance(settlement_currency), terms
