"""What a row or a match names is there, and stays: the database says so, by foreign keys or by statement."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from payments.models import Cancel, Payment, Refund
from portal.money import Money
from reconciliation import operations
from reconciliation.models import Batch, Match, ReportFile, SettlementRow
from tests.factories import AcquirerAccountFactory
from tests.reconciliation import reports
from tests.reconciliation.conftest import BOOKKEEPER, Books
from tests.reconciliation.reports import row, settlement

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = 987_654_321

NAMED = [
    (SettlementRow, "file_id", ReportFile),
    (SettlementRow, "batch_id", Batch),
    (Match, "row_id", SettlementRow),
    (Match, "payment_id", Payment),
    (Match, "refund_id", Refund),
    (Match, "cancel_id", Cancel),
]


@pytest.fixture
def kept(transactional_db: None) -> None:
    """A payment, a refund and a cancel, each settled by a row, and another payment that is not."""
    books = Books(AcquirerAccountFactory(slug="antom-sg", customer_id=reports.CUSTOMER))
    books.payment("P-1", Money(100_00, "USD"))
    books.refund("R-2", books.payment("P-2", Money(50_00, "USD")), Money(50_00, "USD"))
    cancel = books.cancel(books.payment("P-3", Money(10_00, "USD")))
    text = settlement(
        row("PAYMENT", "P-1", "100.00", "100.00"),
        row("REFUND", "R-2", "-50.00", "-50.00"),
        row("PAYMENT", "P-stray", "1.00", "1.00"),
    )
    operations.import_report("a.csv", text.encode(), by=BOOKKEEPER, account=books.account)
    Match.objects.filter(payment__payment_request_id="P-1").update(cancel=cancel)


def run(statement: str, *parameters: object) -> None:
    """In a transaction of its own, as whoever has the database's prompt would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.parametrize(("model", "column", "parent"), NAMED)
def test_nothing_is_written_that_names_nobody(
    kept: None, model: type[SettlementRow | Match], column: str, parent: type[object]
) -> None:
    before = list(model.objects.order_by("pk").values())
    one, free = model.objects.order_by("-pk")[0], SettlementRow.objects.get(match=None)
    if isinstance(one, Match):
        one.role, one.is_settlement, one.value, one.row = "DISPUTE", False, 0, free
        one.pk = None
    else:
        one.pk, one.line_number, one.identity = None, 99, "another"
    setattr(one, column, NOBODY)
    with pytest.raises(IntegrityError), transaction.atomic():
        one.save(force_insert=True)
    table = model._meta.db_table
    with pytest.raises(IntegrityError):
        run(f"UPDATE {table} SET {column} = %s WHERE {column} IS NOT NULL AND {column} = %s", NOBODY,
            model.objects.exclude(**{column: None}).values_list(column, flat=True)[0])  # fmt: skip
    assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(("model", "column", "parent"), NAMED)
def test_nothing_goes_that_is_named(
    kept: None, model: type[SettlementRow | Match], column: str, parent: type[Payment]
) -> None:
    key = model.objects.exclude(**{column: None}).values_list(column, flat=True)[0]
    with pytest.raises(IntegrityError) as refusal:
        run(f"DELETE FROM {parent._meta.db_table} WHERE id = %s", key)
    assert connection.vendor != "postgresql" or f"{column} of " in str(refusal.value)
    with pytest.raises(IntegrityError):
        run(f"UPDATE {parent._meta.db_table} SET id = %s WHERE id = %s", NOBODY, key)
    assert parent.objects.filter(pk=key).exists()


def test_what_nobody_names_may_go(kept: None) -> None:
    Match.objects.all().delete()
    SettlementRow.objects.filter(discrepancies=None).delete()
    run("DELETE FROM payments_cancel")
    assert not Cancel.objects.exists()


def in_thread(verb: Callable[[], object], ends: list[str]) -> threading.Thread:
    def act() -> None:
        try:
            verb()
            ends.append("done")
        except IntegrityError:
            ends.append("refused")
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def somebody_waits() -> None:
    """Come back once somebody waits for a lock of ours."""
    for _ in range(6_000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def matched(row: SettlementRow, payment: Payment) -> Match:
    return Match.objects.create(row=row, is_settlement=False, role="DISPUTE", payment=payment, value=0, currency="USD")


@pytest.mark.parametrize("parent", ["payment", "row"])
def test_what_is_being_named_does_not_go_meanwhile(kept: None, parent: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time.")
    Match.objects.all().delete()
    Cancel.objects.all().delete()
    row, payment = SettlementRow.objects.order_by("pk")[0], Payment.objects.get(payment_request_id="P-3")
    ends: list[str] = []
    goes = (
        ("DELETE FROM payments_payment WHERE id = %s", payment.pk)
        if parent == "payment"
        else ("DELETE FROM reconciliation_settlementrow WHERE id = %s", row.pk)
    )
    with transaction.atomic():
        matched(row, payment)
        thread = in_thread(lambda: run(*goes), ends)
        somebody_waits()
    thread.join()
    assert (ends, Match.objects.count()) == (["refused"], 1)

    Match.objects.all().delete()
    with transaction.atomic():
        run(*goes)
        thread = in_thread(lambda: matched(row, payment), ends)
        somebody_waits()
    thread.join()
    assert (ends, Match.objects.count()) == (["refused", "refused"], 0)
