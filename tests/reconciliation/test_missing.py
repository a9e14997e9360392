"""The other way round: what of ours no settlement report has. Expected, late, awaited, missing, and found late."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from payments.models import Payment, Refund
from payments.states import PaymentStatus, RefundStatus
from portal import accounts, clock, work
from portal.actor import Actor
from portal.money import Money
from reconciliation import expecting, operations, periods, queries, standing
from reconciliation.expecting import PAYMENTS, Cycle, State
from reconciliation.models import AwaitedReport, Discrepancy, Period, Reason, ReportFile, SettlementWatch
from reconciliation.operations import missing
from tests import factories
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import
from tests.reconciliation.reports import row, settlement, summary
from tests.reconciliation.test_desk import act, signed_in, words
from tests.reconciliation.test_sandbox_days import a_day_of_trade, day_passes, imports_every_report
from tests.story import Acquirer, Customer, Shop, StoryClock

FRIDAY, TUESDAY = date(2026, 5, 15), date(2026, 5, 12)
NOON = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
"""Tuesday 12 May 2026, 12:00 in UTC+8: settled on the 13th, missing from the 19th on, in any case from the 26th on."""
LIST = "/admin/reconciliation/discrepancy/?ask=missing"


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.mark.parametrize(
    ("day", "days", "grace", "expected_on", "missing_on"),
    [
        (TUESDAY, 1, 3, date(2026, 5, 13), date(2026, 5, 19)),
        (TUESDAY, 1, 0, date(2026, 5, 13), date(2026, 5, 14)),
        (TUESDAY, 0, 1, TUESDAY, date(2026, 5, 14)),
        (FRIDAY, 1, 1, date(2026, 5, 18), date(2026, 5, 20)),
        (date(2026, 5, 16), 1, 0, date(2026, 5, 18), date(2026, 5, 19)),
        (date(2026, 5, 16), 0, 0, date(2026, 5, 18), date(2026, 5, 19)),
        (FRIDAY, 5, 2, date(2026, 5, 22), date(2026, 5, 27)),
    ],
)
def test_the_cycle_counts_working_days(day: date, days: int, grace: int, expected_on: date, missing_on: date) -> None:
    cycle = Cycle(days, grace)

    assert (cycle.expected_on(day), cycle.missing_on(day)) == (expected_on, missing_on)
    assert cycle.given_up_on(day) == missing_on + timedelta(days=7)
    assert cycle.last_day(cycle.missing_on, missing_on) >= day
    assert cycle.last_day(cycle.missing_on, missing_on - timedelta(days=1)) < day


def at(story_clock: StoryClock, day: int, hour: int = 0) -> None:
    """Let it be that day of May, 00:00 in UTC+8, and let the worker do what is due."""
    story_clock.set(datetime(2026, 5, day, hour, tzinfo=clock.ACQUIRER_ZONE))
    work.run_all_due()


def missed() -> list[tuple[str, str, bool]]:
    """What is missing, or was: (whose, what is at stake, whether it is open)."""
    found = Discrepancy.objects.filter(reason=Reason.MISSING).order_by("pk")
    return [(str(one.payment or one.refund), str(one.stake), one.is_open) for one in found]


@pytest.fixture
def sold(books: Books, story_clock: StoryClock) -> Books:
    """Two payments and a refund of 12 May, made at that time."""
    story_clock.set(NOON)
    first = books.payment("P-1", usd(100_00))
    books.payment("P-2", usd(40_00))
    books.refund("R-1", first, usd(30_00))
    return books


ROWS = {
    "P-1": row("PAYMENT", "P-1", "100.00", "100.00"),
    "P-2": row("PAYMENT", "P-2", "40.00", "40.00"),
    "R-1": row("REFUND", "R-1", "-30.00", "-30.00"),
}


def report(*names: str, batch: str = "B1", day: str = "2026-05-13") -> str:
    """Settlement details that have these."""
    return settlement(*(ROWS[name] | {"settlementInitiatedDate": day} for name in names), batch=batch)


def test_what_a_report_leaves_out_is_late_then_missing_then_found(
    sold: Books, imported: Import, story_clock: StoryClock
) -> None:
    at(story_clock, 14)
    imported(report("P-1"), name="one.csv")
    at(story_clock, 18, 23)
    assert missed() == []

    at(story_clock, 19)
    assert missed() == [("P-2", "-40.00 USD", True), ("R-1", "30.00 USD", True)]
    for _ in range(3):
        at(story_clock, 20)
    assert len(missed()) == 2
    sentences = list(Discrepancy.objects.order_by("pk").values_list("sentence", flat=True))
    assert sentences == [
        "P-2 was paid on 2026-05-12 and should be settled since 2026-05-13 (UTC+8): no report has it.",
        "R-1 was refunded on 2026-05-12 and should be settled since 2026-05-13 (UTC+8): no report has it.",
    ]

    imported(report("P-2", "R-1", batch="B2", day="2026-05-20"), name="two.csv")
    assert missed() == [("P-2", "-40.00 USD", False), ("R-1", "30.00 USD", False)]
    assert set(Discrepancy.objects.values_list("resolution", "note", "closed_by")) == {
        ("HEALED", "two.csv was imported and has it.", "import")
    }
    at(story_clock, 30)
    assert not Discrepancy.objects.filter(closed_at=None).exists()


def test_a_report_that_is_not_here_is_one_line_and_no_discrepancy(sold: Books, story_clock: StoryClock) -> None:
    finance = signed_in("Finance")
    with transaction.atomic():
        missing.look_soon(sold.account)
    at(story_clock, 14, 23)
    assert not AwaitedReport.objects.exists()

    at(story_clock, 15)
    [waiting] = AwaitedReport.objects.all()
    assert (waiting.currency, waiting.day, waiting.payment_count, waiting.refund_count) == (
        "USD", date(2026, 5, 13), 2, 1,
    )  # fmt: skip
    page = words(finance.get("/admin/"))
    assert "Settlement details in USD of 13 May not here, Antom SG. Awaiting it: 2 payments, 1 refund" in page

    at(story_clock, 25, 23)
    assert missed() == []
    at(story_clock, 26)
    assert missed() == [("P-1", "-100.00 USD", True), ("P-2", "-40.00 USD", True), ("R-1", "30.00 USD", True)]
    assert not AwaitedReport.objects.exists()
    page = words(finance.get("/admin/"))
    assert "2 payments are late in settlement, 140.00 USD Antom SG" in page
    assert "1 refund is late in settlement, 30.00 USD Antom SG" in page


def test_a_report_of_which_a_part_is_missing_is_awaited(sold: Books, imported: Import, story_clock: StoryClock) -> None:
    at(story_clock, 14)
    line = {"settlementInitiatedDate": "2026-05-13"}
    imported(
        summary(
            line | {"summaryType": "PAYMENT", "count": "2", "settlementAmountValue": "140.00"},
            line | {"summaryType": "REFUND", "count": "1", "settlementAmountValue": "-30.00"},
            line | {"summaryType": "TOTAL", "count": "3", "settlementAmountValue": "110.00"},
            batch="B1",
        ),
        name="settlementSummary_USD_B1_000.csv",
    )
    at(story_clock, 20)
    assert (missed(), AwaitedReport.objects.get().payment_count) == ([], 2)

    imported(report("P-1", "R-1"), name="one.csv")  # a row less than the summary counts
    at(story_clock, 21)
    assert (missed(), AwaitedReport.objects.get().payment_count) == ([], 1)

    Discrepancy.objects.filter(reason=Reason.COUNT_DIFFERS).get()
    for one in Discrepancy.objects.filter(closed_at=None):
        operations.close(one, by=BOOKKEEPER, resolution="CONFIRMED")
    at(story_clock, 22)
    assert missed() == [("P-2", "-40.00 USD", True)]
    assert not AwaitedReport.objects.exists()


def test_a_holiday_moves_a_batch_and_hides_nothing(sold: Books, imported: Import, story_clock: StoryClock) -> None:
    at(story_clock, 15)
    imported(report("P-1", "R-1", day="2026-05-15"))
    at(story_clock, 18)
    assert (missed(), AwaitedReport.objects.count()) == ([], 0)

    at(story_clock, 19)
    assert missed() == [("P-2", "-40.00 USD", True)]


def test_what_is_not_expected_is_never_missing(books: Books, imported: Import, story_clock: StoryClock) -> None:
    story_clock.set(NOON)
    cancelled = books.payment("P-1", usd(10_00), status=PaymentStatus.CANCELLED, paid_at=NOON)
    books.cancel(cancelled)
    books.refund("R-1", cancelled, usd(10_00), gives_back_kept=True)
    failed = books.payment("P-2", usd(20_00), status=PaymentStatus.FAILED, paid_at=None)
    books.refund("R-2", failed, usd(5_00), status=RefundStatus.FAILED, refunded_at=None)
    nothing = books.payment("P-3", Money(1, "PHP"), gross_settlement_value=0, gross_settlement_currency="USD")
    disagrees = books.payment("P-4", usd(30_00))
    unknown = books.payment("P-5", usd(40_00), status=PaymentStatus.PROCESSING, paid_at=None)
    imported(settlement(row("PAYMENT", "P-4", "30.00", "30.00", currency="EUR", quoteCurrencyPair="EUR/USD")))

    at(story_clock, 27)
    assert missed() == []
    assert [standing.of(one) for one in (cancelled, failed, nothing, unknown)] == [None] * 4
    assert standing.of(disagrees) is None  # its row is a discrepancy itself

    # Known late, it is expected like any other; what is promised before it never hides it.
    Payment.objects.filter(pk=unknown.pk).update(status=PaymentStatus.SUCCEEDED, paid_at=NOON)
    at(story_clock, 28)
    assert missed() == [("P-5", "-40.00 USD", True)]
    Payment.objects.filter(pk=unknown.pk).update(status=PaymentStatus.CANCELLED)
    at(story_clock, 29)
    assert missed() == [("P-5", "-40.00 USD", False)]
    assert Discrepancy.objects.get(reason=Reason.MISSING).note == "It is not expected in a settlement any more."


def test_an_undone_import_opens_it_again_and_what_a_person_said_stands(
    sold: Books, imported: Import, story_clock: StoryClock
) -> None:
    at(story_clock, 14)
    imported(report("R-1"), name="one.csv")
    at(story_clock, 19)
    one, other = Discrepancy.objects.order_by("pk")
    owner = factories.UserFactory(roles=("Finance",))
    operations.take(one, by=Actor.person(owner))
    operations.close(other, by=BOOKKEEPER, resolution="TIMING")
    imported(report("P-1", "P-2", batch="B2", day="2026-05-20"), name="two.csv")
    assert missed() == [("P-1", "-100.00 USD", False), ("P-2", "-40.00 USD", False)]

    operations.undo(ReportFile.objects.get(name="two.csv"), by=BOOKKEEPER, reason_code="WRONG_FILE")
    at(story_clock, 21)

    assert missed() == [("P-1", "-100.00 USD", True), ("P-2", "-40.00 USD", False)]
    again = Discrepancy.objects.get(pk=one.pk)
    assert (again.owner, again.opened_at, again.resolution, again.note) == (owner, one.opened_at, "", "")
    assert Discrepancy.objects.get(pk=other.pk).resolution == "TIMING"


def test_a_row_that_a_person_unmatches_is_not_its_row(sold: Books, imported: Import, story_clock: StoryClock) -> None:
    at(story_clock, 14)
    imported(report("P-1", "P-2", "R-1"))
    at(story_clock, 25)
    assert missed() == []
    payment = Payment.objects.get(payment_request_id="P-2")
    settled = queries.settled(payment)
    assert settled is not None

    opened = operations.unmatch(settled, by=BOOKKEEPER, reason_code="MISTAKE")
    at(story_clock, 26)
    assert missed() == [("P-2", "-40.00 USD", True)]

    operations.match_by_hand(opened, payment, by=BOOKKEEPER, reason_code="ACQUIRER_SAYS")
    assert missed() == [("P-2", "-40.00 USD", False)]


def test_it_is_raised_by_portions_and_by_two_at_once_as_one(
    sold: Books, imported: Import, story_clock: StoryClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing, "PORTION", 2)
    for number in range(3, 8):
        sold.payment(f"P-{number}", usd(1_00))
    imported(report("P-1"))
    story_clock.set(datetime(2026, 5, 19, tzinfo=clock.ACQUIRER_ZONE))
    held = SettlementWatch.objects.get()

    assert missing.look(held, is_time_up=lambda: True) == (2, False)
    assert missing.look(held) == (5, True)
    assert missing.look(held) == (0, True)  # whoever held the same lease
    assert len(missed()) == 7
    one = Discrepancy.objects.filter(payment__isnull=False).first()
    assert one is not None
    one.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        one.save()


def test_only_what_is_undecided_is_looked_through_again(sold: Books, imported: Import, story_clock: StoryClock) -> None:
    imported(report("P-1", "P-2", "R-1"))
    at(story_clock, 19)
    held = SettlementWatch.objects.get()
    assert held.through == clock.now() - timedelta(days=1)
    assert held.due_at == clock.now() + timedelta(days=1)

    waiting = sold.payment("P-9", usd(1_00), status=PaymentStatus.PROCESSING, paid_at=None)
    at(story_clock, 27)
    held.refresh_from_db()
    assert held.through == waiting.created_at


def test_the_month_says_what_waits_and_lets_go_of_what_was_explained(
    sold: Books, imported: Import, story_clock: StoryClock
) -> None:
    imported(report("P-1", "R-1"))
    at(story_clock, 19)
    [period] = Period.objects.all()
    assert "1 payment should be settled by now." in [check.sentence for check in periods.checklist(period)]

    operations.write_off(Discrepancy.objects.get(), by=BOOKKEEPER, reason_code="NOT_RECOVERABLE")
    assert "1 payment should be settled by now." not in [check.sentence for check in periods.checklist(period)]


def test_the_desk_says_where_everything_stands(sold: Books, imported: Import, story_clock: StoryClock) -> None:
    finance = signed_in("Finance")
    payment, refund = Payment.objects.get(payment_request_id="P-2"), Refund.objects.get()
    of_payment = f"/admin/payments/payment/{payment.pk}/change/"
    of_refund = f"/admin/payments/refund/{refund.pk}/change/"
    of_order = f"/admin/payments/order/{payment.order_id}/change/"

    def says(sentence: str, chip: str) -> None:
        for url in (of_payment, of_refund, of_order):
            page = words(finance.get(url))
            assert sentence in page, (url, page)
            assert chip in page, (url, page)

    says("expected on 13 May (UTC+8)", "Not settled yet")
    at(story_clock, 15)
    says("expected on 13 May (UTC+8), and the report is not here", "Its report is awaited")
    imported(report("P-1"), name="one.csv")
    says("expected on 13 May (UTC+8), and in no report; missing from 19 May on", "Late in settlement")
    at(story_clock, 19)
    says("missing since 19 May 00:00, expected on 13 May (UTC+8)", "Missing in settlement")

    one = Discrepancy.objects.get(payment=payment)
    listed = words(finance.get(LIST))
    assert "P-2 was paid on 2026-05-12 and should be settled since 2026-05-13 (UTC+8): no report has it." in listed
    page_url = f"/admin/reconciliation/discrepancy/{one.pk}/change/"
    page = words(finance.get(page_url))
    assert "Missing P-2" in page
    for name, found in (("P-2", True), ("R-1", True), ("P-1", False)):
        assert ("no report has it." in words(finance.get(f"{LIST}&q={name}"))) is found
    assert "Three truths" in page
    bundle = act(finance, f"{page_url[: -len('change/')]}acts/raise_it/", "Take the bundle", reason_code="PAY")
    assert (bundle.status_code, bundle["Content-Type"]) == (200, "application/zip")
    act(
        finance,
        f"{page_url[: -len('change/')]}acts/close/",
        "Close with -40.00 USD",
        reason_code="OTHER",
        note="found by telephone",
    )
    assert "never came: Other (see note)" in words(finance.get(of_payment))

    imported(report("P-2", "R-1", batch="B2", day="2026-05-19"), name="two.csv")
    for url in (of_payment, of_refund, of_order):
        assert "settled on 19 May" in words(finance.get(url))


def test_what_is_not_due_yet_is_no_difference(sold: Books, imported: Import, story_clock: StoryClock) -> None:
    """One refund is settled, another was made just now: the reports lack it rightly."""
    imported(report("P-1", "R-1"), name="one.csv")
    payment = Payment.objects.get(payment_request_id="P-1")
    sold.refund("R-2", payment, usd(25_00))
    finance, url = signed_in("Finance"), f"/admin/payments/payment/{payment.pk}/change/"

    page = words(finance.get(url))
    assert "30.00 USD · 25.00 USD is not settled yet" in page
    assert "differ" not in page

    at(story_clock, 25)
    page = words(finance.get(url))
    assert "is not settled yet" not in page
    assert "1 field differs" in page


def test_what_is_older_than_our_reports_is_missed_by_nobody(
    sold: Books, imported: Import, story_clock: StoryClock
) -> None:
    missing.look_soon(sold.account)
    SettlementWatch.objects.update(since=NOON + timedelta(days=1), through=NOON + timedelta(days=1))
    at(story_clock, 30)

    assert (missed(), AwaitedReport.objects.count()) == ([], 0)
    stands = standing.of(Payment.objects.get(payment_request_id="P-1"))
    assert stands is not None
    assert (stands.state, stands.day) == (State.EXPECTED, date(2026, 5, 13))


def test_an_account_is_watched_from_when_it_is_connected(db: None) -> None:
    facts = {name: getattr(factories.AcquirerAccountFactory.build(), name) for name in accounts.FIELDS}
    account = accounts.connect(facts, by=BOOKKEEPER)

    held = SettlementWatch.objects.get()
    assert (held.account, held.since, held.through) == (account, clock.now(), clock.now())
    assert held.due_at == datetime(2026, 3, 3, tzinfo=clock.ACQUIRER_ZONE)


def test_the_pages_ask_as_often_for_many_as_for_one(sold: Books, imported: Import, story_clock: StoryClock) -> None:
    finance = signed_in("Finance")
    imported(report("P-1", "R-1"))
    at(story_clock, 19)

    def asked(url: str) -> int:
        finance.get(url)
        with CaptureQueriesContext(
            connection,
        ) as queries_made:
            finance.get(url)
        return len(queries_made)

    before = asked("/admin/"), asked(LIST)
    for number in range(3, 9):
        sold.payment(f"P-{number}", usd(1_00), paid_at=NOON, created_at=NOON)
    missing.look_soon(sold.account, Payment.objects.values("pk"))
    work.run_all_due()
    assert len(missed()) == 7
    assert (asked("/admin/"), asked(LIST)) == before


def test_what_the_sandbox_drops_is_missing_and_comes_later(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    payments = a_day_of_trade(shop, buyer)  # on Monday 2 March
    later, never = payments[0].payment_request_id, payments[4].payment_request_id
    acquirer.engine.plant("missing_row", request_id=later, later=True)
    acquirer.engine.plant("missing_row", request_id=never)
    day_passes(shop)
    imports_every_report(shop.account, acquirer)
    shop.clock_moves_to(datetime(2026, 3, 6, 23, 59, tzinfo=clock.ACQUIRER_ZONE))
    assert missed() == []

    shop.clock_moves(minutes=1)  # settled on Tuesday, and three working days
    assert missed() == [(later, "-499.00 PHP", True), (never, "-59.90 MYR", True)]

    imports_every_report(shop.account, acquirer)
    assert missed() == [(later, "-499.00 PHP", False), (never, "-59.90 MYR", True)]
    page = words(signed_in("Finance").get("/admin/"))
    assert "1 payment is late in settlement, 59.90 MYR" in page
    shop.clock_moves(days=9)
    assert len(missed()) == 2


def test_what_is_not_settled_is_looked_for_where_it_can_be_and_shown_in_one_order(
    sold: Books, imported: Import, story_clock: StoryClock
) -> None:
    story_clock.set(NOON + timedelta(hours=1))
    sold.payment("P-3", usd(10_00))
    sold.payment("P-4", usd(20_00))
    finance = signed_in("Finance")
    at(story_clock, 14)
    other_currency = row("PAYMENT", "P-3", "10.00", "10.00", currency="EUR") | {"settlementInitiatedDate": "2026-05-13"}
    imported(settlement(*(ROWS[name] | {"settlementInitiatedDate": "2026-05-13"} for name in ("P-1",)), other_currency))
    at(story_clock, 19)
    at(story_clock, 20, 12)
    sold.payment("P-5", usd(5_00), paid_at=clock.now())
    sold.payment("P-6", usd(6_00), paid_at=clock.now())
    everything = set(Payment.objects.filter(expecting.not_settled(PAYMENTS)))

    new, older = (set(Payment.objects.filter(part)) for part in expecting.where_to_look(PAYMENTS))

    assert {str(one) for one in everything} == {"P-2", "P-3", "P-4", "P-5", "P-6"}
    assert {str(one) for one in new} == {"P-5", "P-6"}
    assert {str(one) for one in older} == {"P-2", "P-3", "P-4"}
    for order, wanted in (
        ("", ["P-6", "P-5", "P-4", "P-3", "P-2"]),
        ("&sort=reversed", ["P-2", "P-3", "P-4", "P-5", "P-6"]),
    ):
        page = words(finance.get(f"/admin/payments/payment/?ask=not_settled{order}"))
        assert list(dict.fromkeys(re.findall(r"P-\d", page))) == wanted
