"""The quick way and the careful way come to the same: random files, imported both ways, in any order."""

import random
from typing import Any

import pytest
from django.db import transaction

from payments.models import Payment
from portal.money import Money
from reconciliation import copying, operations, queries
from reconciliation.errors import ReportRefused
from reconciliation.models import Batch, FeeContract, Match, ReportFile, SettlementRow
from reconciliation.operations import flowing, foreseeing, importing, undecided
from reconciliation.reading import flow, read
from tests.reconciliation.conftest import BOOKKEEPER, Books, every_file_obeys_the_law
from tests.reconciliation.reports import fee, row, settlement

pytestmark = pytest.mark.django_db(transaction=True)
_AMOUNTS = (10_00, 45_00, 45_00, 99_99)


@pytest.fixture
def trade(transactional_db: None) -> Books:
    """Twelve payments, half of them in another currency, with refunds, cancels, a failed one, and a contract."""
    from tests.factories import AcquirerAccountFactory  # noqa: PLC0415 - factories need the database
    from tests.reconciliation.reports import CUSTOMER  # noqa: PLC0415

    books = Books(AcquirerAccountFactory(slug="antom-sg", name="Antom SG", customer_id=CUSTOMER))
    for number in range(12):
        currency, value = ("PHP", 5600) if number % 2 else ("USD", 100)
        payment = books.payment(f"P-{number}", Money(value * 100, currency), payment_id=f"2026-{number}")
        if number % 3 == 0:
            for turn in range(2):
                books.refund(f"R-{number}-{turn}", payment, Money(value * 10, currency))
    books.cancel(books.payment("P-12", Money(40_00, "USD"), status="CANCELLED", paid_at=None, payment_id="2026-12"))
    books.payment("P-13", Money(40_00, "USD"), status="FAILED", payment_id="2026-13")
    FeeContract.objects.create(account=books.account, wallet="GCASH", currency="USD", rate=300, fixed_value=0,
                               valid_from="2026-01-01", drift_percent=50)  # fmt: skip
    return books


def random_rows(draw: random.Random, count: int) -> list[dict[str, str]]:
    """Most of them plain; the others wrong in one of the ways there are."""
    made: list[dict[str, str]] = []
    for _ in range(count):
        number = draw.randrange(14)
        is_foreign = number % 2 and number < 12
        quote = {"transactionCurrency": "PHP", "quoteCurrencyPair": "USD/PHP", "quotePrice": "56.00"}
        kind = draw.choice(("PAYMENT",) * 6 + ("REFUND", "REFUND", "CANCEL", "DISPUTE", "RESERVE"))
        dollars = {"REFUND": 10, "CANCEL": 40}.get(kind, 40 if number >= 12 else 100)
        dollars += draw.choice((0,) * 8 + (1,))
        sign = 1 if kind == "PAYMENT" else -1
        charged = draw.choice(("-3.00",) * 5 + ("-3.01", "-4.00")) if kind == "PAYMENT" else ""
        net = sign * dollars + float(charged or 0) + draw.choice((0,) * 9 + (0.01, 5))
        request = {"REFUND": draw.choice((f"R-{number}-0", f"R-{number}-1", "R-unknown")), "PAYMENT": f"P-{number}"}
        amount = sign * dollars * (56 if is_foreign else 1)
        cells = row(kind, request.get(kind, ""), f"{amount:.2f}", f"{net:.2f}", **(fee(charged) if charged else {}))
        cells |= quote if is_foreign else {}
        cells |= {"transactionId": f"2026-{number}", "paymentMethodType": draw.choice(("GCASH", "DANA"))}
        if kind != "PAYMENT":
            cells["originalTransactionRequestId"] = draw.choice((f"P-{number}", f"P-{number}", ""))
        if kind == "RESERVE":
            cells |= {"transactionAmountValue": "", "transactionCurrency": "", "originalTransactionRequestId": ""}
        if not draw.randrange(12):
            cells["settlementInitiatedDate"] = draw.choice(("2026-05-11", "2026-05-13"))
        made.append(cells)
        if not draw.randrange(8):
            made.append(dict(cells))
    return made


def come_to(trade: Books, files: dict[str, bytes], names: list[str]) -> str:
    """Import them in this order; what they come to. Then it is all taken back."""
    for name in names:
        operations.import_report(f"{name}.csv", files[name], by=BOOKKEEPER, account=trade.account)
    every_file_obeys_the_law()
    said = queries.digest(trade.account)
    for file in ReportFile.objects.all():
        operations.undo(file, by=BOOKKEEPER, reason_code="WRONG_FILE")
    assert not SettlementRow.objects.exists()
    ReportFile.objects.all().delete()
    return said


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_and_any_order_come_to_the_same(trade: Books, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    draw = random.Random(seed)
    files = {name: settlement(*random_rows(draw, 25), batch=name).encode() for name in ("B1", "B2")}
    careful = come_to(trade, files, ["B1", "B2"])
    real = importing.flow_of

    def everything_flows(content: bytes) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(importing, "ROWS_AT_ONCE", 0)
            return real(content)

    monkeypatch.setattr(importing, "flow_of", everything_flows)
    monkeypatch.setattr(flowing, "PORTION", 7)
    monkeypatch.setattr(undecided, "BUNDLE", 5)
    plain: list[int] = []
    store = flowing.Prepared.store
    monkeypatch.setattr(flowing.Prepared, "store", lambda portion: (plain.append(len(portion.matches)), store(portion)))

    assert come_to(trade, files, ["B1", "B2"]) == careful
    assert come_to(trade, files, ["B2", "B1"]) == careful
    assert sum(plain) > 5


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("together", [3, 1_000])
def test_what_is_foreseen_as_it_flows_is_what_is_foreseen_with_care(
    trade: Books, monkeypatch: pytest.MonkeyPatch, seed: int, together: int
) -> None:
    draw = random.Random(seed)
    first, second = (settlement(*random_rows(draw, 30), batch=name).encode() for name in ("B1", "B2"))
    operations.import_report("B1.csv", first, by=BOOKKEEPER, account=trade.account)
    careful = operations.rehearse("B2.csv", second, by=BOOKKEEPER, account=trade.account)
    before = queries.digest(trade.account), list(Batch.objects.values_list("batch_id", flat=True))
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 0)
    monkeypatch.setattr(flowing, "PORTION", 7)
    monkeypatch.setattr(foreseeing, "TOGETHER", together)

    foreseen = operations.rehearse("B2.csv", second, by=BOOKKEEPER, account=trade.account)

    assert foreseen == careful
    assert (queries.digest(trade.account), list(Batch.objects.values_list("batch_id", flat=True))) == before
    imported = operations.import_report("B2.csv", second, by=BOOKKEEPER, account=trade.account)
    assert (foreseen.law, foreseen.types, foreseen.open_rows) == (imported.law, imported.types, imported.open_rows)
    assert foreseen.discrepancy_count == imported.discrepancy_count > 0
    assert foreseen.restated_rows == imported.restated_rows


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("EXAMPLE_PSP", '"EXAMPLE_PSP"'),
        lambda text: text.replace(",USD,", ", USD ,"),
        lambda text: text.replace("M-01", '"M,\n01"'),
        lambda text: text.replace("M-01", "店"),
        lambda text: text + "\n\n",
        lambda text: text.replace("<END>\n", ""),
        lambda text: text.replace("<END>\n", "<END>\nP,more\n"),
        lambda text: text.replace("P-1,", "P-1,one,"),
        lambda text: text.replace("P-1", "P\x07"),
        lambda text: text.replace("P-1", "P" * 2_001),
        lambda text: text.replace("M-01", '"M'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_flow_reads_what_is_read_and_refuses_what_is_refused(change: Any, encoding: str) -> None:
    text = change(settlement(row("PAYMENT", "P-1", "45.00", "45.00"), row("REFUND", "R-1", "-1.00", "-1.00")))
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        pytest.skip("no such character there")

    def chunks() -> Any:
        return (content[start : start + 700] for start in range(0, len(content), 700))

    def flowed() -> Any:
        found = flow.recognise(chunks, flow.survey(chunks))
        lines = list(found.rows())
        return found.header, [(line, dict(zip(found.header, cells, strict=True))) for line, cells in lines]

    refusals: list[ReportRefused] = []
    for way in (lambda: read(content), flowed):
        try:
            way()
        except ReportRefused as refusal:
            refusals.append(refusal)
    if refusals:
        assert [(type(one), one.message) for one in refusals] == [(type(refusals[0]), refusals[0].message)] * 2
        return
    whole, (header, lines) = read(content), flowed()
    assert header == whole.header
    assert [(line, {name: cell for name, cell in cells.items() if cell}) for line, cells in lines] == [
        (record.line, record.raw) for record in whole.records
    ]


def test_the_first_rows_do_not_decide_against_the_others(trade: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them are wrong in the same way; from the whole file it is plain that a charge is negative."""
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 0)
    monkeypatch.setattr(flowing, "SAMPLE", 1)
    monkeypatch.setattr(flowing, "PORTION", 2)
    wrong = [row("PAYMENT", "P-0", "100.00", "103.00", **fee("-3.00"))]
    right = [row("PAYMENT", f"P-{number}", "100.00", "97.00", **fee("-3.00")) for number in (2, 4, 6, 8, 10)]

    operations.import_report("large.csv", settlement(*wrong, *right).encode(), by=BOOKKEEPER, account=trade.account)

    file = ReportFile.objects.get()
    assert (file.fee_sign, file.fee_sign_basis) == (
        "CHARGE_NEGATIVE",
        "net = gross + fees closes on 5 rows, net = gross − fees on 1",
    )
    assert sorted(Match.objects.values_list("payment__payment_request_id", flat=True)) == sorted(
        Payment.objects.filter(payment_request_id__in=["P-0", "P-2", "P-4", "P-6", "P-8", "P-10"]).values_list(
            "payment_request_id", flat=True
        )
    )


def test_fresh_keys_are_nobodys(trade: Books) -> None:
    with transaction.atomic():
        first, second = (copying.fresh_keys(SettlementRow, count) for count in (3, 0))
    assert second == []
    assert len(set(first)) == 3
    assert not SettlementRow.objects.filter(pk__in=first).exists()
