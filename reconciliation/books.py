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
from reconciliation.layouts import ReportKind
from reconciliation.models import SETTLING, Match, Role, SettlementRow
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


@dataclass
class Books:
    """Our side of one file."""

    payments: dict[int, OurPayment] = field(default_factory=dict)
    by_request_id: dict[str, OurPayment] = field(default_factory=dict)
    by_payment_id: dict[str, OurPayment] = field(default_factory=dict)
    refunds: dict[str, OurRefund] = field(default_factory=dict)
    refunds_of: dict[int, list[OurRefund]] = field(default_factory=lambda: defaultdict(list))
    """Of payments that a refund row names while its own request id is none of ours."""
    cancels: dict[int, OurCancel] = field(default_factory=dict)
    """By payment; refused ones left out, so at most one each."""
    settled: set[tuple[Role, int]] = field(default_factory=set)
    """What earlier settlement details, or earlier rows of this file, have settled."""
    cancelled_here: set[int] = field(default_factory=set)
    """Payments for which this file has a CANCEL row."""
    fees_told: dict[tuple[str, str], Money] = field(default_factory=dict)
    """By (type, request id): what the other report said about the fees of the same transaction."""

    def named_by_original(self, cells: dict[str, str]) -> OurPayment | None:
        """The payment that a row about it names."""
        return (
            self.by_request_id.get(cells.get("originalTransactionRequestId", ""))
            or self.by_request_id.get(cells.get("transactionRequestId", ""))
            or self.by_payment_id.get(cells.get("transactionId", ""))
        )

    def amounts(self) -> dict[str, Money]:
        """Our amounts by request id, payments and refunds."""
        known = {request_id: payment.amount for request_id, payment in self.by_request_id.items()}
        known.update((request_id, refund.amount) for request_id, refund in self.refunds.items())
        return known


def open_books(account: AcquirerAccount, kind: ReportKind, records: Iterable[Record]) -> Books:
    """Our payments, refunds and cancels of this account that the rows name by any id."""
    request_ids: set[str] = set()
    payment_ids: set[str] = set()
    refund_rows: list[dict[str, str]] = []
    cancel_rows: list[dict[str, str]] = []
    for record in records:
        cells = record.cells
        request_ids.update((cells.get("transactionRequestId", ""), cells.get("originalTransactionRequestId", "")))
        payment_ids.add(cells.get("transactionId", ""))
        if normalised(cells.get("transactionType", "")) in {"REFUND", "REFUND_REVERSAL"}:
            refund_rows.append(cells)
        elif cells.get("transactionType", "") == "CANCEL":
            cancel_rows.append(cells)
    request_ids.discard("")
    payment_ids.discard("")

    books = Books()
    own_payments = Payment.objects.filter(order__account=account)
    for ids in _portions(request_ids):
        for payment in _payments(own_payments.filter(payment_request_id__in=ids)):
            books.payments[payment.pk] = books.by_request_id[payment.request_id] = payment
        for refund in _refunds(Refund.objects.filter(payment__order__account=account, refund_request_id__in=ids)):
            books.refunds[refund.request_id] = refund
    for ids in _portions(payment_ids):
        for payment in _payments(own_payments.filter(payment_id__in=ids)):
            books.payments[payment.pk] = books.by_payment_id[payment.payment_id] = payment
    payments_of_refunds = {refund.payment_pk for refund in books.refunds.values()} - books.payments.keys()
    for pks in _portions(payments_of_refunds):
        for payment in _payments(own_payments.filter(pk__in=pks)):
            books.payments[payment.pk] = payment
    _open_refunds_of(books, refund_rows)
    for pks in _portions(books.payments):
        live = Cancel.objects.filter(payment_id__in=pks).exclude(status=CancelStatus.REFUSED)
        for pk, payment_pk, value, currency, status in live.values_list(
            "pk", "payment_id", "amount_value", "payment__currency", "status"
        ):
            books.cancels[payment_pk] = OurCancel(pk, payment_pk, Money(value, currency), status)
    for cells in cancel_rows:
        cancelled = books.named_by_original(cells)
        if cancelled is not None:
            books.cancelled_here.add(cancelled.pk)
    if kind is ReportKind.SETTLEMENT:
        _open_settled(books)
    _open_fees(books, account, kind, request_ids)
    return books


def _open_refunds_of(books: Books, refund_rows: list[dict[str, str]]) -> None:
    wanted: set[int] = set()
    for cells in refund_rows:
        if cells.get("transactionRequestId", "") not in books.refunds:
            payment = books.named_by_original(cells)
            if payment is not None:
                wanted.add(payment.pk)
    for pks in _portions(wanted):
        for refund in _refunds(Refund.objects.filter(payment_id__in=pks)):
            books.refunds_of[refund.payment_pk].append(refund)


def _open_settled(books: Books) -> None:
    for pks in _portions(books.payments):
        for role, payment, refund, cancel in Match.objects.filter(
            is_settlement=True, role__in=SETTLING, payment_id__in=pks
        ).values_list("role", "payment_id", "refund_id", "cancel_id"):
            key = {Role.PAYMENT: payment, Role.REFUND: refund, Role.CANCEL: cancel}[Role(role)]
            books.settled.add((Role(role), key))


def _open_fees(books: Books, account: AcquirerAccount, kind: ReportKind, request_ids: set[str]) -> None:
    other = ReportKind.TRANSACTIONS if kind is ReportKind.SETTLEMENT else ReportKind.SETTLEMENT
    for ids in _portions(request_ids):
        for row_type, request_id, value, currency in SettlementRow.objects.filter(
            file__account=account,
            file__kind=other,
            superseded_by=None,
            fees_value__isnull=False,
            transaction_request_id__in=ids,
        ).values_list("transaction_type", "transaction_request_id", "fees_value", "settlement_currency"):
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
    for pk, payment_pk, request_id, value, currency, status, refunded_at, gross, gross_currency in rows.values_list(
        "pk",
        "payment_id",
        "refund_request_id",
        "amount_value",
        "currency",
        "status",
        "refunded_at",
        "gross_settlement_value",
        "gross_settlement_currency",
    ).order_by("pk"):
        told = None if gross is None else Money(gross, gross_currency)
        yield OurRefund(pk, payment_pk, request_id, Money(value, currency), status, refunded_at, told)


def _portions(ids: Iterable[T]) -> Iterator[list[T]]:
    everything = sorted(ids)
    for start in range(0, len(everything), _IDS_PER_QUERY):
        yield everything[start : start + _IDS_PER_QUERY]
