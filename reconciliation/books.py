"""What our books hold about the ids a file names, fetched in a constant number of queries per thousand ids.

Plain tuples in dictionaries: a row of a report is then decided on without touching the database again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from django.db.models import QuerySet

from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation.contracts import Contracts
from reconciliation.layouts import ReportKind
from reconciliation.models import FeeContract, FileStatus, ReportFile, Role, SettlementRow
from reconciliation.reading import Record
from reconciliation.row_types import normalised

_IDS_PER_QUERY = 1_000
T = TypeVar("T", int, str)


class OurPayment(NamedTuple):
    """A payment as far as a report can speak of it."""

    pk: int
    request_id: str
    payment_id: str
    amount: Money
    status: str
    paid_at: datetime | None
    gross: Money | None
    """``grossSettlementAmount`` as the acquirer told it when the payment succeeded."""


class OurRefund(NamedTuple):
    """A refund as far as a report can speak of it."""

    pk: int
    payment_pk: int
    request_id: str
    refund_id: str
    amount: Money
    status: str
    refunded_at: datetime | None
    gross: Money | None


class OurCancel(NamedTuple):
    """The cancel of a payment."""

    pk: int
    payment_pk: int
    amount: Money
    status: str


class Ids(NamedTuple):
    """What a row names things by."""

    row_type: str
    request_id: str
    original_request_id: str
    transaction_id: str
    original_id: str

    @classmethod
    def of_record(cls, record: Record) -> "Ids":
        """Those of a row as printed."""
        cells = record.cells
        return cls(
            normalised(cells.get("type", "")),
            cells.get("request_id", ""),
            cells.get("original_request_id", ""),
            cells.get("transaction_id", ""),
            cells.get("original_transaction_id", ""),
        )

    @classmethod
    def of_row(cls, row: SettlementRow) -> "Ids":
        """Those of a row that is kept."""
        return cls(
            row.transaction_type,
            row.transaction_request_id,
            row.original_transaction_request_id,
            row.transaction_id,
            row.original_transaction_id,
        )

    @classmethod
    def of_ours(cls, ours: Payment | Refund | Cancel) -> "Ids":
        """As a row would name something of ours."""
        match ours:
            case Payment():
                return cls("PAYMENT", ours.payment_request_id, "", "", "")
            case Refund():
                return cls("REFUND", ours.refund_request_id, "", "", "")
            case Cancel():
                return cls("CANCEL", "", ours.payment.payment_request_id, "", "")


@dataclass
class Books:
    """Our side of one file."""

    payments: dict[int, OurPayment] = field(default_factory=dict)
    by_request_id: dict[str, OurPayment] = field(default_factory=dict)
    by_payment_id: dict[str, OurPayment] = field(default_factory=dict)
    refunds: dict[str, OurRefund] = field(default_factory=dict)
    by_refund_id: dict[str, OurRefund] = field(default_factory=dict)
    refunds_of: dict[int, list[OurRefund]] = field(default_factory=lambda: defaultdict(list))
    """Of payments that a refund row names while its own ids are none of ours."""
    cancels: dict[int, OurCancel] = field(default_factory=dict)
    """By payment; refused ones left out, so at most one each."""
    settled: set[tuple[Role, int]] = field(default_factory=set)
    """What rows decided on before have settled; see ``judging`` for the order."""
    cancelled_here: set[int] = field(default_factory=set)
    """Payments for which one of the rows is a CANCEL."""
    contracts: Contracts = field(default_factory=Contracts)
    fees_told: dict[tuple[str, str], Money] = field(default_factory=dict)
    """By (type, request id): what the transaction details said about the fees of the same transaction."""

    def named(self, ids: Ids) -> OurPayment | None:
        """The payment that a row about it names: by our ids first, then by the acquirer's."""
        return (
            self.by_request_id.get(ids.original_request_id)
            or self.by_request_id.get(ids.request_id)
            or self.by_payment_id.get(ids.original_id)
            or self.by_payment_id.get(ids.transaction_id)
        )

    def amounts(self) -> dict[str, Money]:
        """Our amounts by request id and by the acquirer's id, payments and refunds."""
        known = {request_id: payment.amount for request_id, payment in self.by_request_id.items()}
        known.update((refund_id, refund.amount) for refund_id, refund in self.by_refund_id.items())
        known.update((request_id, refund.amount) for request_id, refund in self.refunds.items())
        return known


def open_books(
    account: AcquirerAccount, kind: ReportKind, rows: Iterable[Ids], *, but: ReportFile | None = None
) -> Books:
    """Our payments, refunds and cancels of this account that the rows name by any id.

    ``but`` is the file the rows are of: what it said before is not taken for what others say.
    """
    request_ids: set[str] = set()
    their_ids: set[str] = set()
    refund_rows: list[Ids] = []
    cancel_rows: list[Ids] = []
    for ids in rows:
        request_ids.update((ids.request_id, ids.original_request_id))
        their_ids.update((ids.transaction_id, ids.original_id))
        if ids.row_type in {"REFUND", "REFUND_REVERSAL"}:
            refund_rows.append(ids)
        elif ids.row_type == "CANCEL":
            cancel_rows.append(ids)
    request_ids.discard("")
    their_ids.discard("")

    books = Books()
    own_payments = Payment.objects.filter(wallet_account__account=account)
    own_refunds = Refund.objects.filter(payment__wallet_account__account=account)
    for some in portions(request_ids):
        for payment in _payments(own_payments.filter(payment_request_id__in=some)):
            books.payments[payment.pk] = books.by_request_id[payment.request_id] = payment
        for refund in _refunds(own_refunds.filter(refund_request_id__in=some)):
            books.refunds[refund.request_id] = refund
    for some in portions(their_ids):
        for payment in _payments(own_payments.filter(payment_id__in=some)):
            books.payments[payment.pk] = books.by_payment_id[payment.payment_id] = payment
    for some in portions({ids.transaction_id for ids in refund_rows} - {""}):
        for refund in _refunds(own_refunds.filter(refund_id__in=some)):
            books.by_refund_id[refund.refund_id] = refund
    of_refunds = {refund.payment_pk for found in (books.refunds, books.by_refund_id) for refund in found.values()}
    for pks in portions(of_refunds - books.payments.keys()):
        for payment in _payments(own_payments.filter(pk__in=pks)):
            books.payments[payment.pk] = payment
    _open_refunds_of(books, refund_rows)
    for pks in portions(books.payments):
        live = Cancel.objects.filter(payment_id__in=pks).exclude(status=CancelStatus.REFUSED)
        for pk, payment_pk, value, currency, status in live.values_list(
            "pk", "payment_id", "amount_value", "payment__currency", "status"
        ):
            books.cancels[payment_pk] = OurCancel(pk, payment_pk, Money(value, currency), status)
    for ids in cancel_rows:
        cancelled = books.named(ids)
        if cancelled is not None:
            books.cancelled_here.add(cancelled.pk)
    if kind is ReportKind.SETTLEMENT:
        _open_fees(books, account, request_ids, but)
        books.contracts = Contracts.of(one.terms() for one in FeeContract.objects.filter(account=account))
    return books


def _open_refunds_of(books: Books, refund_rows: list[Ids]) -> None:
    wanted: set[int] = set()
    for ids in refund_rows:
        if ids.request_id not in books.refunds and ids.transaction_id not in books.by_refund_id:
            payment = books.named(ids)
            if payment is not None:
                wanted.add(payment.pk)
    for pks in portions(wanted):
        for refund in _refunds(Refund.objects.filter(payment_id__in=pks)):
            books.refunds_of[refund.payment_pk].append(refund)


def _open_fees(books: Books, account: AcquirerAccount, request_ids: set[str], but: ReportFile | None) -> None:
    """Of two reports about one transaction the settlement is the one with the money, so the difference stands there."""
    for ids in portions(request_ids):
        told = SettlementRow.objects.filter(
            file__account=account,
            file__kind=ReportKind.TRANSACTIONS,
            file__status=FileStatus.IMPORTED,
            superseded_by=None,
            fees_value__isnull=False,
            transaction_request_id__in=ids,
        )
        for row_type, request_id, value, currency in (told if but is None else told.exclude(file=but)).values_list(
            "transaction_type", "transaction_request_id", "fees_value", "settlement_currency"
        ):
            books.fees_told[row_type, request_id] = Money(value or 0, currency)


def _payments(rows: QuerySet[Payment]) -> Iterator[OurPayment]:
    for pk, request_id, payment_id, value, currency, status, paid_at, gross, gross_currency in rows.values_list(
        "pk",
        "payment_request_id",
        "payment_id",
        "amount_value",
        "currency",
        "status",
        "paid_at",
        "gross_settlement_value",
        "gross_settlement_currency",
    ).order_by("pk"):
        told = None if gross is None else Money(gross, gross_currency)
        yield OurPayment(pk, request_id, payment_id, Money(value, currency), status, paid_at, told)


def _refunds(rows: QuerySet[Refund]) -> Iterator[OurRefund]:
    for pk, payment_pk, request_id, refund_id, value, currency, status, at, gross, gross_currency in rows.values_list(
        "pk",
        "payment_id",
        "refund_request_id",
        "refund_id",
        "amount_value",
        "currency",
        "status",
        "refunded_at",
        "gross_settlement_value",
        "gross_settlement_currency",
    ).order_by("pk"):
        told = None if gross is None else Money(gross, gross_currency)
        yield OurRefund(pk, payment_pk, request_id, refund_id, Money(value, currency), status, at, told)


def portions(ids: Iterable[T]) -> Iterator[list[T]]:
    everything = sorted(ids)
    for start in range(0, len(everything), _IDS_PER_QUERY):
        yield everything[start : start + _IDS_PER_QUERY]
