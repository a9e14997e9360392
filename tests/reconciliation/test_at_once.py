"""Two people import the same, or work the same, at the same time."""

import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection

from payments.models import Payment
from portal import clock
from portal.errors import PortalError
from portal.models import JournalEntry
from portal.money import Money
from reconciliation import bank, operations, queries
from reconciliation.models import Batch, Discrepancy, Match, Period, ReportFile, SettlementRow, SettlementWatch
from reconciliation.operations import Outcome, Result, missing
from tests.factories import AcquirerAccountFactory
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books
from tests.reconciliation.reports import row, settlement

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*verbs: Callable[[], object]) -> list[str]:
    """What each of them came to: a result, or the code of a refusal."""
    ends: list[str] = []
    gate = threading.Barrier(len(verbs))

    def run(verb: Callable[[], object]) -> None:
        try:
            gate.wait()
            ends.append(str(getattr(verb(), "result", "done")))
        except PortalError as refusal:
            ends.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


@pytest.fixture
def trade(transactional_db: None) -> Books:
    made = Books(AcquirerAccountFactory(slug="antom-sg", customer_id=reports.CUSTOMER))
    made.payment("P-1", Money(50_00, "USD"))
    return made


def test_one_file_twice_at_once_is_imported_once(trade: Books) -> None:
    text = settlement(row("PAYMENT", "P-1", "50.00", "50.00")).encode()

    def verb() -> Outcome:
        return operations.import_report("a.csv", text, by=BOOKKEEPER, account=trade.account)

    assert at_once(*[verb] * 4) == [Result.IMPORTED, Result.KNOWN, Result.KNOWN, Result.KNOWN]
    assert (ReportFile.objects.count(), SettlementRow.objects.count(), Match.objects.count()) == (1, 1, 1)


def test_one_batch_in_two_versions_at_once_is_added_up_once(trade: Books) -> None:
    versions = [settlement(row("PAYMENT", "P-1", "50.00", net)).encode() for net in ("50.00", "49.99")]

    ends = at_once(
        *(
            lambda text=text: operations.import_report("a.csv", text, by=BOOKKEEPER, account=trade.account)
            for text in versions
        )
    )

    assert ends == ["batch_differs", Result.IMPORTED]
    assert (Batch.objects.count(), SettlementRow.objects.count()) == (1, 1)


def test_one_payment_in_two_batches_at_once_is_settled_once(trade: Books) -> None:
    batches = [settlement(row("PAYMENT", "P-1", "50.00", "50.00"), batch=batch).encode() for batch in ("B1", "B2")]

    ends = at_once(
        *(
            lambda text=text: operations.import_report("a.csv", text, by=BOOKKEEPER, account=trade.account)
            for text in batches
        )
    )

    assert ends == [Result.IMPORTED, Result.IMPORTED]
    assert Discrepancy.objects.get().reason == "DUPLICATE"
    for file in ReportFile.objects.all():
        queries.prove(file)


def test_one_discrepancy_worked_by_two_at_once_ends_once(trade: Books) -> None:
    text = settlement(row("PAYMENT", "X-1", "50.00", "50.00")).encode()
    operations.import_report("a.csv", text, by=BOOKKEEPER, account=trade.account)
    payment = Payment.objects.get()
    seen = [Discrepancy.objects.get() for _ in range(3)]

    ends = at_once(
        lambda: operations.write_off(seen[0], by=BOOKKEEPER, reason_code="TOO_SMALL"),
        lambda: operations.match_by_hand(seen[1], payment, by=BOOKKEEPER, reason_code="SAME_ORDER"),
        lambda: operations.close(seen[2], by=BOOKKEEPER, resolution="CONFIRMED"),
    )

    assert ends == ["conflict", "conflict", "done"]
    assert not Discrepancy.objects.get().is_open
    queries.prove(ReportFile.objects.get())


def test_one_payment_matched_by_two_at_once_is_settled_once(trade: Books) -> None:
    rows = [row("PAYMENT", name, "50.00", "50.00") for name in ("X-1", "X-2")]
    operations.import_report("a.csv", settlement(*rows).encode(), by=BOOKKEEPER, account=trade.account)
    payment = Payment.objects.get()

    ends = at_once(
        *(
            lambda one=one: operations.match_by_hand(one, payment, by=BOOKKEEPER, reason_code="SAME_ORDER")
            for one in Discrepancy.objects.all()
        )
    )

    assert ends == ["conflict", "done"]
    assert (Match.objects.get().is_by_hand, Discrepancy.objects.filter(closed_at=None).count()) == (True, 1)
    queries.prove(ReportFile.objects.get())


def test_a_difference_named_and_a_credit_entered_by_two_at_once_count_once(trade: Books) -> None:
    rows = settlement(row("PAYMENT", "P-1", "50.00", "50.00", settlementInitiatedDate="2026-02-10"))
    operations.import_report("a.csv", rows.encode(), by=BOOKKEEPER, account=trade.account)
    batch, whole = Batch.objects.get(), Money(50_00, "USD")
    said = {"amount": whole, "value_date": date(2026, 2, 11), "reference": "BANK-1", "reason_code": "STATEMENT"}

    ends = at_once(
        *[lambda: operations.name_difference(batch, cause="FX", amount=whole, by=BOOKKEEPER)] * 2,
        *[lambda: operations.enter_credit(batch, by=BOOKKEEPER, **said)] * 2,
    )

    assert ends == ["conflict", "conflict", "conflict", "done"]
    assert bank.open_of(Batch.objects.get()) == Money(0, "USD")


def test_one_month_closed_by_two_at_once_is_booked_once(trade: Books) -> None:
    period = Period.objects.create(account=trade.account, month=date(2026, 1, 1))
    seen = [Period.objects.get(), Period.objects.get()]

    ends = at_once(*(lambda one=one: operations.lock(one, by=BOOKKEEPER, reason_code="MONTH_END") for one in seen))

    assert ends == ["conflict", "done"]
    assert JournalEntry.objects.filter(act="close month").count() == 1
    period.refresh_from_db()
    assert not period.is_open


def test_what_is_missing_is_raised_once_by_two_at_once_beside_the_import_that_has_it(trade: Books) -> None:
    missing.look_soon(trade.account)
    long_after = clock.now() + timedelta(days=400)
    text = settlement(row("PAYMENT", "P-1", "50.00", "50.00")).encode()

    ends = at_once(
        lambda: missing.look(SettlementWatch.objects.get(), at=long_after),
        lambda: missing.look(SettlementWatch.objects.get(), at=long_after),
        lambda: operations.import_report("a.csv", text, by=BOOKKEEPER, account=trade.account),
    )

    assert ends == ["done", "done", Result.IMPORTED]
    assert Discrepancy.objects.count() <= 1  # whoever comes after the import finds nothing missing
    assert not Discrepancy.objects.filter(closed_at=None).exists()
