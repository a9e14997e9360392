"""Reports in two sections, as the sandbox's other acquirer writes them: clearing details, fees, summary, settlement.

Every file is one the sandbox wrote for payments that crossed the wire; what is damaged was whole before.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from payments.models import Payment
from portal import clock
from portal.actor import Actor
from portal.errors import Conflict
from portal.management.commands.import_report import as_text
from portal.models import AcquirerAccount
from portal.money import Money
from portal.roles import FINANCE
from portal.sandbox.control import SandboxControl
from reconciliation import bank, bookkeeping, expecting, operations, queries
from reconciliation.bookkeeping import Ledger
from reconciliation.errors import ReportRefused
from reconciliation.expecting import State
from reconciliation.models import (
    BankCredit,
    BankShare,
    Batch,
    Discrepancy,
    Match,
    ReportFile,
    SettlementRow,
    SummaryRow,
)
from reconciliation.operations import Result
from reconciliation.reading import gather, read
from tests.partner import connected
from tests.reconciliation.conftest import every_file_obeys_the_law, opened
from tests.reconciliation.statements import arrives
from tests.reconciliation.test_desk import act, signed_in, words
from tests.story import PHP, Acquirer, Customer, Shop, StoryClock

BOOKKEEPER = Actor.command("bookkeeper")
Files = dict[str, bytes]


@pytest.fixture
def shop(account: AcquirerAccount, acquirer: Acquirer, story_clock: StoryClock) -> Shop:
    """The merchant at the other acquirer."""
    return Shop(connected(account, acquirer, settlement_currency="USD"), acquirer, story_clock)


@pytest.fixture
def buyer(shop: Shop) -> Customer:
    return shop.customer("ana")


def a_day_of_trade(shop: Shop, buyer: Customer) -> list[Payment]:
    """Three payments that stay, one of them in HKD and one with a refund, and one that is cancelled."""
    buyer.binds("GCASH")
    payments = [shop.charges(shop.sells("pass", PHP(499_00 + number), to=buyer)) for number in range(3)]
    shop.account.settlement_currency = "HKD"
    shop.account.save()
    payments.append(shop.charges(shop.sells("pass", PHP(120_00), to=buyer)))
    shop.clock_moves(minutes=5)
    shop.refunds(payments[0], PHP(120_50))
    shop.cancels(payments.pop(1))
    shop.clock_moves(minutes=10)
    return payments


def day_passes(shop: Shop) -> None:
    """Eight o'clock of the next morning in UTC+8, when a day's clearing is reported."""
    midnight = clock.now().astimezone(clock.ACQUIRER_ZONE).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    shop.clock_moves_to(midnight + timedelta(hours=8, minutes=30))


def written(shop: Shop, *kinds: str) -> Files:
    """What the acquirer wrote for the account, by name."""
    control = SandboxControl(shop.acquirer.sandbox.url)
    mine = [one for one in control.reports() if one["client_id"] == shop.account.client_id]
    return {
        one["name"]: control.report(one["day"], one["name"], one["client_id"]).encode()
        for one in sorted(mine, key=lambda one: str(one["name"]))
        if one["kind"] in kinds
    }


CLEARING = ("transactionItems", "feeItems", "summary")


def imports(shop: Shop, files: Iterable[tuple[str, bytes]]) -> list[operations.Outcome]:
    """Import what is given, as a person gives it."""
    outcomes = []
    for delivery in gather(files):
        if delivery.refusal is not None:
            raise delivery.refusal
        outcomes.append(operations.import_report(delivery.name, delivery.content, by=BOOKKEEPER, account=shop.account))
    every_file_obeys_the_law()
    return outcomes


def test_a_cleared_day_meets_our_books(shop: Shop, buyer: Customer) -> None:
    payments = a_day_of_trade(shop, buyer)
    day_passes(shop)

    outcomes = imports(shop, written(shop, *CLEARING).items())

    assert opened() == []
    assert {outcome.result for outcome in outcomes} == {Result.IMPORTED}
    told = [line for outcome in outcomes for line in as_text(outcome).splitlines() if line.startswith("  Batch ")]
    assert {line.partition(" in ")[0].split()[-1] for line in told} == set(
        Batch.objects.values_list("batch_id", flat=True)
    )
    assert set(ReportFile.objects.values_list("edition", "amount_unit")) == {("C1", "MINOR")}
    assert sorted(Match.objects.values_list("role", flat=True)) == ["PAYMENT", "PAYMENT", "PAYMENT", "REFUND"]
    for payment in payments:
        row = queries.settled(payment)
        assert row is not None
        assert (row.transaction_amount, row.payment_method_type) == (payment.amount, "GCASH")
        payment.refresh_from_db()
        assert row.gross_value == payment.gross_settlement_value
        assert set(row.fees) == {"interchangeFeeAmountValue", "serviceFeeAmountValue"}
        assert row.fees_value is not None
        assert row.fees_value < 0
        assert row.settlement_value == row.gross_value + row.fees_value
    by_currency = {batch.currency: batch for batch in Batch.objects.all()}
    assert {currency: batch.row_count for currency, batch in by_currency.items()} == {"USD": 3, "HKD": 1}
    for batch in by_currency.values():
        assert batch.summary is not None
        total = batch.summary_rows.get(summary_type="TOTAL")
        assert (total.settlement_value, total.count) == (batch.net_value, batch.row_count)


def test_an_empty_cycle_settles_nothing(shop: Shop, buyer: Customer) -> None:
    a_day_of_trade(shop, buyer)
    day_passes(shop)
    before = written(shop, *CLEARING)
    day_passes(shop)
    empty = {name: content for name, content in written(shop, *CLEARING).items() if name not in before}

    outcomes = imports(shop, empty.items())

    assert len(empty) == 12
    assert [(outcome.result, outcome.rows) for outcome in outcomes] == [(Result.IMPORTED, 0)] * 8
    assert (Batch.objects.count(), opened()) == (0, [])


def test_a_wrong_amount_is_the_one_thing_found(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    short, *_ = a_day_of_trade(shop, buyer)
    acquirer.engine.plant("amount_short", request_id=short.payment_request_id, by=100_00)
    day_passes(shop)

    imports(shop, written(shop, *CLEARING).items())

    [found] = Discrepancy.objects.filter(closed_at=None)
    row = found.row
    assert row is not None
    assert (found.reason, found.stake) == ("AMOUNT_DIFFERS", Money(-100_00, "PHP"))
    assert row.transaction_request_id == short.payment_request_id
    short.refresh_from_db()
    assert row.gross_value is not None
    assert found.value == row.gross_value - (short.gross_settlement_value or 0)
    assert found.value < 0


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("unknown_row", {"request_id": "STRAY-1"}, "NOT_IN_OUR_BOOKS"),
        ("duplicated_row", {}, "DUPLICATE"),
    ],
)
def test_what_is_planted_is_found_and_nothing_else(
    shop: Shop, buyer: Customer, acquirer: Acquirer, kind: str, options: dict[str, object], reason: str
) -> None:
    a_day_of_trade(shop, buyer)
    acquirer.engine.plant(kind, **options)
    day_passes(shop)

    imports(shop, written(shop, *CLEARING).items())

    assert [found for found, _, _ in opened()] == [reason]


def test_what_a_clearing_leaves_out_is_missed(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    left_out, there, *_ = a_day_of_trade(shop, buyer)
    acquirer.engine.plant("missing_row", request_id=left_out.payment_request_id)
    for payment in (left_out, there):
        payment.refresh_from_db()
        assert standing_of(payment, shop) is State.EXPECTED
    for _ in range(2):
        day_passes(shop)
    assert standing_of(left_out, shop) is State.EXPECTED
    day_passes(shop)
    assert standing_of(left_out, shop) is State.AWAITING, "nothing of its day is imported"

    imports(shop, written(shop, *CLEARING).items())

    assert (standing_of(left_out, shop), standing_of(there, shop)) == (State.LATE, State.SETTLED)
    assert opened() == []


def standing_of(payment: Payment, shop: Shop) -> State:
    standing = expecting.standing(payment, shop.account)
    assert standing is not None
    return standing.state


def test_any_order_gives_the_same(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    short, *_ = a_day_of_trade(shop, buyer)
    acquirer.engine.plant("amount_short", request_id=short.payment_request_id, by=100_00)
    day_passes(shop)
    deliveries = gather(written(shop, *CLEARING).items())
    assert len(deliveries) == 8, "details and a summary for each currency, under both agreements"
    pictures = []
    full = [one for one in deliveries if "PAYMENT" in str(read(one.content, one.name).records)]
    for order in list(permutations(full))[::5]:
        for delivery in order:
            operations.import_report(delivery.name, delivery.content, by=BOOKKEEPER, account=shop.account)
        every_file_obeys_the_law()
        rows = SettlementRow.objects.order_by("transaction_request_id")
        said = list(rows.values_list("transaction_request_id", "state", "matched_value", "open_value", "fees"))
        pictures.append((said, opened(), sorted(Batch.objects.values_list("batch_id", "currency", "net_value"))))
        for file in ReportFile.objects.all():
            operations.undo(file, by=BOOKKEEPER, reason_code="OTHER", note="Another order.")
        assert SettlementRow.objects.count() == 0
    assert len(pictures) == 5
    assert all(picture == pictures[0] for picture in pictures)


def test_trying_says_what_importing_does(shop: Shop, buyer: Customer) -> None:
    a_day_of_trade(shop, buyer)
    day_passes(shop)
    for delivery in gather(written(shop, *CLEARING).items()):
        foretold = operations.rehearse(delivery.name, delivery.content, by=BOOKKEEPER, account=shop.account)
        done = operations.import_report(delivery.name, delivery.content, by=BOOKKEEPER, account=shop.account)
        assert (foretold.law, foretold.discrepancies) == (done.law, done.discrepancies)
        again = operations.import_report(delivery.name, delivery.content, by=BOOKKEEPER, account=shop.account)
        assert again.result is Result.KNOWN


def test_columns_are_found_by_name(shop: Shop, buyer: Customer) -> None:
    a_day_of_trade(shop, buyer)
    day_passes(shop)

    def turned(content: bytes) -> bytes:
        head, _, details = content.decode().partition("\n\n")
        lines = [",".join(reversed(line.split(","))) for line in details.splitlines()]
        return f"{head}\n\n{chr(10).join(lines)}\n".encode()

    imports(shop, [(name, turned(content)) for name, content in written(shop, *CLEARING).items()])

    assert opened() == []
    assert Match.objects.count() == 4


def test_a_batch_in_several_files_is_one_report(shop: Shop, buyer: Customer) -> None:
    control = SandboxControl(shop.acquirer.sandbox.url)
    usual = shop.acquirer.engine.context.settings.report_lines
    control.settings(report_lines=2)
    a_day_of_trade(shop, buyer)
    day_passes(shop)
    control.settings(report_lines=usual)
    files = written(shop, *CLEARING)
    assert len(files) > 12

    imports(shop, files.items())

    assert opened() == []
    assert Match.objects.count() == 4
    assert {outcome.result for outcome in imports(shop, files.items())} == {Result.KNOWN}


def test_two_days_of_the_same_figures_are_two(shop: Shop, buyer: Customer) -> None:
    buyer.binds("GCASH")
    for _ in range(2):
        shop.charges(shop.sells("pass", PHP(20_00), to=buyer))
        shop.clock_moves(minutes=5)
        day_passes(shop)
    files = written(shop, *CLEARING)
    summaries = [content for name, content in files.items() if name.startswith("summary") and b"PAYMENT" in content]
    assert len(summaries) == 2
    assert len(set(summaries)) == 1, "nothing in them tells one from the other"

    imports(shop, files.items())

    assert opened() == []
    assert [batch.summary is not None for batch in Batch.objects.all()] == [True, True]
    days = set(ReportFile.objects.exclude(report_day="").values_list("report_day", flat=True))
    assert {f"{payment.paid_at:%Y%m%d}" for payment in Payment.objects.all() if payment.paid_at} <= days


def test_a_settlement_ties_its_clearings(shop: Shop, buyer: Customer) -> None:
    a_day_of_trade(shop, buyer)
    for _ in range(3):
        day_passes(shop)
    cleared, paid = written(shop, *CLEARING), written(shop, "settlement")
    assert len(paid) > 2

    imports(shop, paid.items())
    awaited = opened()
    assert sorted((reason, stake.split()[1]) for reason, _, stake in awaited) == [
        ("DETAILS_AWAITED", "HKD"),
        ("DETAILS_AWAITED", "USD"),
    ], "a cycle with nothing in it is paid with nothing"
    imports(shop, cleared.items())

    assert opened() == []
    told = Batch.objects.exclude(details=None)
    assert told.count() == 2
    for batch in told:
        row = batch.summary_rows.get(summary_type="SETTLED")
        assert (row.state, row.matched_value, row.file.kind) == ("MATCHED", batch.net_value, "PAYOUT")
    details = ReportFile.objects.get(pk__in=told.filter(currency="USD").values("details"))
    operations.undo(details, by=BOOKKEEPER, reason_code="OTHER", note="Once more.")
    every_file_obeys_the_law()
    assert {reason for reason, _, _ in opened()} == {"DETAILS_AWAITED"}
    operations.import_report(details.name, bytes(details.content), by=BOOKKEEPER, account=shop.account)
    assert opened() == []
    for file in ReportFile.objects.filter(kind="PAYOUT"):
        operations.undo(file, by=BOOKKEEPER, reason_code="OTHER", note="Once more.")
    every_file_obeys_the_law()
    assert Batch.objects.count() == 2
    imports(shop, paid.items())
    assert opened() == []


def test_a_settlement_that_pays_otherwise_is_found(shop: Shop, buyer: Customer) -> None:
    a_day_of_trade(shop, buyer)
    for _ in range(2):
        day_passes(shop)
    imports(shop, written(shop, *CLEARING).items())
    name, text = of({name: text for name, text in written(shop, "settlement").items() if b",0,0,0," not in text}, "")
    batch = Batch.objects.get(currency="USD")
    wrong = text.replace(f",{batch.net_value},", f",{(batch.net_value or 0) - 7},")
    assert wrong != text

    [outcome] = imports(shop, [(name, wrong.encode())])

    assert outcome.kind == "PAYOUT"
    assert opened() == [("NET_DIFFERS", 5, "-0.07 USD")]
    with pytest.raises(ReportRefused, match="is settled already"):
        imports(shop, [(name, text.encode())])


def of(files: Files, kind: str, currency: str = "USD") -> tuple[str, str]:
    """The one file of a kind that has something in it."""
    found = [(name, text.decode()) for name, text in files.items() if name.startswith(kind) and currency in name]
    return max(found, key=lambda one: len(one[1]))


def refused(shop: Shop, *given: tuple[str, str]) -> str:
    with pytest.raises(ReportRefused) as caught:
        imports(shop, [(name, text.encode()) for name, text in given])
    assert ReportFile.objects.count() == 0
    return caught.value.message


def test_a_damaged_file_is_refused_with_a_sentence(shop: Shop, buyer: Customer) -> None:
    a_day_of_trade(shop, buyer)
    day_passes(shop)
    files = written(shop, *CLEARING)
    items, fees, summary = (of(files, kind) for kind in CLEARING)

    cut = summary[0], summary[1].rsplit("\n", 2)[0] + "\n"
    assert "totalCount is 3, but the lines below make" in refused(shop, cut)
    short = items[0], items[1].rsplit("\n", 2)[0] + "\n"
    assert "totalCount is 3, but the lines below make 2" in refused(shop, short, fees)
    [line] = [line for line in fees[1].splitlines() if "REFUND" in line]
    changed = fees[0], fees[1].replace(line, line.replace(",-", ","))
    assert "netTotalAmount is" in refused(shop, items, changed)
    head = items[1].splitlines()
    assert "before its details" in refused(shop, (items[0], "\n".join(head[:2])), fees)
    assert "an empty line must stand" in refused(shop, (items[0], items[1].replace("\n\n", "\n")), fees)
    assert "feeItems" in refused(shop, items)
    assert "transactionItems" in refused(shop, fees)
    assert "feeAmount" in refused(shop, items, (fees[0], fees[1].replace("feeAmount", "fee")))
    assert "is not a whole number" in refused(shop, (items[0], items[1].replace("-", "--")), fees)
    assert "under the name it was delivered with" in refused(shop, ("report.csv", summary[1]))
    assert "but this clearing summary is in HKD" in refused(shop, (summary[0].replace("USD", "HKD"), summary[1]))
    shop.account.customer_id = "SOMEBODY-ELSE"
    shop.account.save()
    assert "belongs to merchant" in refused(shop, summary)


def test_a_file_is_recognised_by_its_header(shop: Shop, buyer: Customer) -> None:
    a_day_of_trade(shop, buyer)
    day_passes(shop)
    name, text = of(written(shop, *CLEARING), "summary")
    reading = read(text.encode(), name.replace("summary_", "feeItems_"))
    assert (reading.layout.kind, reading.layout.edition) == ("SUMMARY", "C1")
    assert [record.cells["type"] for record in reading.records] == ["TOTAL", "PAYMENT", "REFUND"]


def test_every_page_that_a_settlement_names_is_there(shop: Shop, buyer: Customer) -> None:
    a_day_of_trade(shop, buyer)
    for _ in range(3):
        day_passes(shop)
    finance = signed_in(FINANCE)

    imports(shop, written(shop, "settlement").items())

    files = ReportFile.objects.order_by("name")
    for file in files:
        page = finance.get(f"/admin/reconciliation/reportfile/{file.pk}/change/")
        assert batches_named(page) == set(), "their details are not imported"
        assert "Settlement of clearings" in words(page)
    held = SummaryRow.objects.get(summary_type="SETTLED", settlement_value__gt=0, currency="USD")
    page = finance.get(f"/admin/reconciliation/reportfile/{held.file_id}/change/")
    assert f"{held.net} not imported yet Open" in words(page)
    settlement, paid_before = held.raw["settlementBatchId"], date.fromisoformat(held.raw["valueDate"])
    assert f"Settlement {settlement} Paid before {paid_before.day} {paid_before:%b %Y}" in words(page)

    imports(shop, written(shop, *CLEARING).items())

    named = set[str]()
    for file in files.all():
        named |= batches_named(finance.get(f"/admin/reconciliation/reportfile/{file.pk}/change/"))
    assert named == {f"/admin/reconciliation/batch/{batch.pk}/change/" for batch in Batch.objects.exclude(details=None)}
    for url in named:
        page = finance.get(url)
        assert page.status_code == 200
        assert "Holds Clearing details add up to their totals" in words(page)
        assert "Holds Paid for it = details" in words(page)
    page = finance.get(f"/admin/reconciliation/reportfile/{held.file_id}/change/")
    assert f"{held.net} {held.net} Matched" in words(page)
    titles = {(file.kind, file.title) for file in ReportFile.objects.all()}
    assert titles == {
        ("SETTLEMENT", "Clearing details"),
        ("SUMMARY", "Clearing summary"),
        ("PAYOUT", "Settlement of clearings"),
    }


def batches_named(page: Any) -> set[str]:
    """The pages of batches that a page leads to."""
    assert page.status_code == 200
    return set(re.findall(r'href="(/admin/reconciliation/batch/\d+/change/)"', page.content.decode()))


def test_what_a_clearing_leaves_out_is_late_once_that_of_its_day_is_here(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    acquirer.engine.plant("missing_row")
    left_out = shop.charges(shop.sells("pass", PHP(20_00), to=buyer))
    day_passes(shop)
    alone = written(shop, *CLEARING)
    shop.charges(shop.sells("pass", PHP(30_00), to=buyer))
    for _ in range(4):
        day_passes(shop)
    later = {name: content for name, content in written(shop, *CLEARING).items() if name not in alone}

    imports(shop, later.items())
    assert standing_of(left_out, shop) is State.AWAITING, "those of other days say nothing of it"

    imports(shop, alone.items())
    assert standing_of(left_out, shop) is State.LATE, "its clearing is empty, and here"


@pytest.fixture
def weekend(shop: Shop, buyer: Customer) -> bank.Payout:
    """Friday, Saturday and a Sunday on which money only went back: all of it is paid on Monday, by one transfer."""
    SandboxControl(shop.acquirer.sandbox.url).register_merchant(client_id=shop.account.client_id, weekend=[5, 6])
    shop.clock_moves_to(clock.now().astimezone(clock.ACQUIRER_ZONE).replace(day=6, hour=12))
    buyer.binds("GCASH")
    first = shop.charges(shop.sells("pass", PHP(499_00), to=buyer))
    day_passes(shop)
    shop.charges(shop.sells("pass", PHP(200_00), to=buyer))
    day_passes(shop)
    shop.refunds(first, PHP(100_00))
    for _ in range(4):
        day_passes(shop)
    imports(shop, written(shop, *CLEARING, "settlement").items())
    (payout,) = bank.payouts(shop.account)
    assert [value > 0 for _, value in payout.batches] == [True, True, False]
    return payout


def line_of(payout: bank.Payout, *, text: str, less: int = 0) -> str:
    """The bank's line of a settlement that was paid on its day."""
    amount = Money(payout.pays.value - less, "USD")
    return f"{amount.major},USD,{payout.paid_before},T-1,{text}"


def shared_out(payout: bank.Payout) -> list[tuple[int, int]]:
    """(credited, open) of each of its batches."""
    batches = bank.with_standing(Batch.objects.filter(pk__in=[batch.pk for batch, _ in payout.batches]))
    standings = [bank.standing_of(batch) for batch in batches.order_by("initiated_on", "pk")]
    return [(one.credited.value, one.open.value) for one in standings if one is not None]


def test_one_transfer_pays_several_clearings_and_nets_one(shop: Shop, weekend: bank.Payout) -> None:
    arrives(shop.account, line_of(weekend, text=f"SETTLEMENT {weekend.number}"))

    credit = BankCredit.objects.get()
    assert (credit.status, credit.basis, credit.payout, credit.batch) == ("MATCHED", "NAMED", weekend.file, None)
    assert shared_out(weekend) == [(value, 0) for _, value in weekend.batches]
    assert sum(share.value for share in credit.shares.all()) == credit.value
    assert bank.payouts(shop.account) == []
    finance = signed_in(FINANCE)
    page = words(finance.get(f"/admin/reconciliation/bankcredit/{credit.pk}/change/"))
    assert "Clearings it pays" in page
    assert weekend.batches[2][0].batch_id in page
    for batch, value in weekend.batches:
        page = words(finance.get(f"/admin/reconciliation/batch/{batch.pk}/change/"))
        assert f"T-1 bank.csv, line 2 {Money(value, 'USD')}" in page
        assert "Holds TOTAL = bank credit" in page
    parts = bookkeeping.postings_of([batch for batch, _ in weekend.batches])
    booked = {ledger: sum(one.get(ledger, 0) for one in parts.values()) for ledger in Ledger}
    assert (booked[Ledger.BANK], booked[Ledger.IN_TRANSIT]) == (credit.value, 0)


def test_a_transfer_that_names_nothing_is_the_settlements_where_nothing_else_fits(
    shop: Shop, weekend: bank.Payout
) -> None:
    arrives(shop.account, line_of(weekend, text="TRANSFER"))
    assert [(one.status, one.basis) for one in BankCredit.objects.all()] == [("MATCHED", "DAY")]


def test_a_person_matches_what_came_with_less_and_takes_it_back(shop: Shop, weekend: bank.Payout) -> None:
    arrives(shop.account, line_of(weekend, text=f"SETTLEMENT {weekend.number}", less=1_50))
    credit, finance = BankCredit.objects.get(), signed_in(FINANCE)
    assert credit.status == "OPEN"
    path = f"/admin/reconciliation/bankcredit/{credit.pk}/acts/match/"
    assert f"Settlement {weekend.number} of 3 clearings, {weekend.pays} open" in words(finance.get(path))
    page = act(finance, path, f"Match {credit.amount}", reason_code="NAMED", proposal=f"p{weekend.file.pk}")
    assert f"Matched with settlement {weekend.number}." in words(page)

    largest = max(value for _, value in weekend.batches)
    assert shared_out(weekend) == [
        (value - 1_50, 1_50) if value == largest else (value, 0) for _, value in weekend.batches
    ]
    credit.refresh_from_db()
    operations.unmatch_credit(credit, by=BOOKKEEPER, reason_code="MISTAKE")
    assert (credit.status, credit.payout, credit.shares.count()) == ("OPEN", None, 0)
    assert bank.payouts(shop.account) == [weekend]


def test_a_settlement_that_is_undone_lets_its_transfer_go(shop: Shop, weekend: bank.Payout) -> None:
    arrives(shop.account, line_of(weekend, text=f"SETTLEMENT {weekend.number}"))
    content = bytes(weekend.file.content)

    operations.undo(weekend.file, by=BOOKKEEPER, reason_code="OTHER", note="Once more.")

    credit = BankCredit.objects.get()
    assert (credit.status, credit.payout, credit.is_held, BankShare.objects.count()) == ("OPEN", None, False, 0)
    operations.import_report(weekend.file.name, content, by=BOOKKEEPER, account=shop.account)
    credit.refresh_from_db()
    assert (credit.status, credit.shares.count()) == ("MATCHED", 3)
    every_file_obeys_the_law()


def test_a_batch_of_a_settlement_is_not_paid_alone_by_itself(shop: Shop, weekend: bank.Payout) -> None:
    batch, value = weekend.batches[0]
    alone = Money(value, "USD")
    arrives(shop.account, f"{alone.major},USD,{weekend.paid_before},T-1,CLEARING {batch.batch_id}")
    credit = BankCredit.objects.get()
    assert credit.status == "OPEN"
    assert bank.proposals(credit)[0] == batch
    operations.match_credit(credit, batch, by=BOOKKEEPER, reason_code="NAMED")  # a person may know better
    other = BankCredit(account=shop.account, currency="USD", value=1)
    with pytest.raises(Conflict, match="accounted for already"):
        operations.match_credit(other, weekend, by=BOOKKEEPER, reason_code="NAMED")


def test_a_cause_that_was_named_leaves_the_rest_to_a_person(shop: Shop, weekend: bank.Payout) -> None:
    batch, _ = weekend.batches[0]
    operations.name_difference(batch, cause="BANK_CHARGE", amount=Money(1_50, "USD"), by=BOOKKEEPER)
    (left,) = bank.payouts(shop.account)
    assert left.pays.value == weekend.pays.value - 1_50
    arrives(shop.account, line_of(weekend, text=f"SETTLEMENT {weekend.number}", less=1_50))
    credit = BankCredit.objects.get()
    assert (credit.status, bank.proposals(credit)[0]) == ("OPEN", left)
    operations.match_credit(credit, left, by=BOOKKEEPER, reason_code="NAMED")
    assert [rest for _, rest in shared_out(weekend)] == [0, 0, 0]
    assert sum(share.value for share in credit.shares.all()) == credit.value
    page = words(signed_in(FINANCE).get(f"/admin/reconciliation/bankcredit/{credit.pk}/acts/unmatch/"))
    assert "What it pays of each clearing is open at the bank again." in page
    assert "None" not in page


def test_what_a_settlement_nets_is_no_transfer_of_its_own(shop: Shop, weekend: bank.Payout) -> None:
    """A day and an amount that fit say nothing of a clearing that is paid with others, paid already or not."""
    (first, _), (second, other), _ = weekend.batches
    arrives(shop.account, line_of(weekend, text=f"SETTLEMENT {weekend.number}"))
    operations.unmatch_credit(BankCredit.objects.get(), by=BOOKKEEPER, reason_code="MISTAKE")
    operations.match_credit(BankCredit.objects.get(), first, by=BOOKKEEPER, reason_code="NAMED")
    assert bank.payouts(shop.account) == []

    arrives(shop.account, f"{Money(other, 'USD').major},USD,{weekend.paid_before},T-2,TRANSFER", name="second.csv")

    assert BankCredit.objects.get(reference="T-2").status == "OPEN"
    form = words(signed_in(FINANCE).get(f"/admin/reconciliation/batch/{second.pk}/acts/enter_credit/"))
    assert "Its settlement pays it together with 2 others by one transfer" in form


def test_a_clearing_whose_settlement_is_not_here_is_paid_by_its_name_only(shop: Shop, weekend: bank.Payout) -> None:
    operations.undo(weekend.file, by=BOOKKEEPER, reason_code="OTHER", note="Once more.")
    batch, value = weekend.batches[0]
    amount = Money(value, "USD").major
    arrives(shop.account, f"{amount},USD,{weekend.paid_before},T-1,TRANSFER")
    assert BankCredit.objects.get().status == "OPEN"
    operations.set_aside(BankCredit.objects.get(), by=BOOKKEEPER, reason_code="OTHER", note="Once more.")
    arrives(shop.account, f"{amount},USD,{weekend.paid_before},T-2,CLEARING {batch.batch_id}", name="second.csv")
    assert BankCredit.objects.get(reference="T-2").batch == batch


def test_a_settlement_that_pays_one_clearing_names_it(shop: Shop, buyer: Customer) -> None:
    buyer.binds("GCASH")
    shop.charges(shop.sells("pass", PHP(499_00), to=buyer))
    for _ in range(2):
        day_passes(shop)
    imports(shop, written(shop, *CLEARING, "settlement").items())
    row = SummaryRow.objects.get(summary_type="SETTLED", settlement_value__gt=0)
    number, day = row.raw["settlementBatchId"], row.raw["valueDate"]
    arrives(shop.account, f"{row.net.major},USD,{day},T-1,SETTLEMENT {number}")
    credit = BankCredit.objects.get()
    assert (credit.batch, credit.basis) == (row.batch, "NAMED")
    operations.unmatch_credit(credit, by=BOOKKEEPER, reason_code="MISTAKE")
    assert bank.payable_named(credit, number) == row.batch
