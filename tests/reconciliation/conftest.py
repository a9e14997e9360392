"""Our books as the stories need them, and reports as the acquirer prints them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal.actor import Actor
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import operations, queries
from reconciliation.models import Discrepancy, ReportFile
from reconciliation.operations import Answers, Outcome
from tests.factories import (
    AcquirerAccountFactory,
    BuyerFactory,
    CancelFactory,
    OrderFactory,
    PaymentFactory,
    RefundFactory,
    WalletAccountFactory,
)
from tests.reconciliation.reports import CUSTOMER

NOON = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
"""12 May 2026, 12:00 in UTC+8."""
BOOKKEEPER = Actor.command("bookkeeper")


class Books:
    """The merchant's side: payments, refunds and cancels by the ids the reports print."""

    def __init__(self, account: AcquirerAccount) -> None:
        self.account = account
        self._buyer = BuyerFactory(account=account)
        self._wallet = WalletAccountFactory(buyer=self._buyer)

    def payment(self, request_id: str, amount: Money, **facts: Any) -> Payment:
        """A payment that succeeded at noon of 12 May (UTC+8), unless told otherwise."""
        status = facts.setdefault("status", PaymentStatus.SUCCEEDED)
        is_paid = status == PaymentStatus.SUCCEEDED
        facts.setdefault("paid_at", NOON if is_paid else None)
        order = OrderFactory(
            buyer=self._buyer,
            amount_value=amount.value,
            currency=amount.currency,
            status=OrderStatus.PAID if is_paid else OrderStatus.INIT,
            paid_at=facts["paid_at"] if is_paid else None,
        )
        made: Payment = PaymentFactory(order=order, wallet_account=self._wallet, payment_request_id=request_id, **facts)
        return made

    def refund(self, request_id: str, payment: Payment, amount: Money, **facts: Any) -> Refund:
        """A refund that succeeded an hour after its payment."""
        facts.setdefault("status", RefundStatus.SUCCEEDED)
        facts.setdefault("refunded_at", NOON)
        made: Refund = RefundFactory(
            payment=payment, refund_request_id=request_id, amount_value=amount.value, currency=amount.currency, **facts
        )
        return made

    def cancel(self, payment: Payment, **facts: Any) -> Cancel:
        """A confirmed cancel of a payment."""
        facts.setdefault("status", CancelStatus.CONFIRMED)
        facts.setdefault("finished_at", NOON)
        made: Cancel = CancelFactory(payment=payment, **facts)
        return made


@pytest.fixture
def books(db: None) -> Books:
    """An account and nothing in it; the reports' merchant id is its own."""
    return Books(AcquirerAccountFactory(slug="antom-sg", name="Antom SG", customer_id=CUSTOMER))


@pytest.fixture
def may_books(books: Books) -> Books:
    """What the examples of May speak of."""
    books.payment("P-20260512-000001", Money(1120_00, "PHP"), payment_id="2026051219401080010018800000000001")
    dana = books.payment("P-20260512-000002", Money(45_00, "USD"), payment_id="2026051219401080010018800000000002")
    tng = books.payment("P-20260512-000003", Money(120_00, "USD"), payment_id="2026051219401080010018800000000003")
    books.payment("P-20260401-000077", Money(30_00, "USD"), payment_id="2026040119401080010018800000000077")
    books.refund("R-20260512-000001", dana, Money(15_00, "USD"))
    books.refund("R-20260512-000002", tng, Money(10_00, "USD"))
    return books


Import = Callable[..., Outcome]


@pytest.fixture
def imported(books: Books) -> Import:
    """Import a text or bytes under a name, and hold it to the law."""

    def do(
        content: str | bytes,
        name: str = "settlementItems_USD_2026051498700001_000.csv",
        answers: Answers = Answers(),  # noqa: B008 - frozen
    ) -> Outcome:
        raw = content.encode() if isinstance(content, str) else content
        outcome = operations.import_report(name, raw, by=BOOKKEEPER, account=books.account, answers=answers)
        every_file_obeys_the_law()
        return outcome

    return do


def every_file_obeys_the_law() -> None:
    """Reported = matched + explained + open, in every file and currency."""
    for file in ReportFile.objects.all():
        queries.prove(file)
        for law in queries.law(file):
            assert law.reported == law.matched + law.explained + law.open


def opened(**conditions: Any) -> list[tuple[str, int | None, str]]:
    """The open discrepancies as (reason, line, stake)."""
    found = Discrepancy.objects.filter(closed_at=None, **conditions).select_related("row", "summary_row")
    return sorted(
        (
            (
                one.reason,
                one.row.line_number if one.row else one.summary_row.line_number if one.summary_row else None,
                str(one.stake),
            )
            for one in found
        ),
        key=lambda item: (item[1] or 0, item[0], item[2]),
    )


def law_of(outcome: Outcome) -> list[tuple[str, int, int, int, int]]:
    """The law as (currency, reported, matched, explained, open) in minor units."""
    return [
        (law.currency, law.reported_value, law.matched_value, law.explained_value, law.open_value)
        for law in outcome.law
    ]
