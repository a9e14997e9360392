"""On which days the acquirer settles: calendars, cycles, what is expected by them, and the sandbox that keeps them."""

from datetime import date, datetime

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from portal import clock, work
from portal.models import JournalEntry
from portal.money import Money
from portal.sandbox.control import SandboxControl
from reconciliation import operations
from reconciliation.calendars import Calendar, CalendarUnclear, calendar_of, read_days, write_days
from reconciliation.expecting import Cycle, ahead
from reconciliation.models import AwaitedReport, Batch, CalendarDay, Discrepancy, SettlementCalendar
from reconciliation.operations import missing
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, opened
from tests.reconciliation.reports import row, settlement
from tests.reconciliation.test_desk import act, signed_in, words
from tests.reconciliation.test_sandbox_days import day_passes, imports_every_report
from tests.story import PHP, Acquirer, Customer, Shop, StoryClock

GOLDEN_WEEK = read_days("2026-10-01..2026-10-07 National Day")
MADE_UP = read_days("2026-10-10 instead of 5 October")
CHINA = Calendar(holidays=GOLDEN_WEEK, made_up=MADE_UP)


def may(day: int) -> date:
    """Of 2023, which begins on a Monday as the month of the acquirer's example does."""
    return date(2023, 5, day)


@pytest.mark.parametrize(
    ("cycle", "sold_on", "settled_on"),
    [
        ("T", may(2), may(8)),
        *[("T", may(day), may(11)) for day in (5, 6, 7)],
        *[("W", may(day), may(11)) for day in (1, 4, 7)],
        *[("M", may(day), date(2023, 6, 6)) for day in (1, 20, 31)],
    ],
)
def test_the_acquirers_own_example(cycle: str, sold_on: date, settled_on: date) -> None:
    # https://docs.antom.com/ac/cashier_payment_cn/reconcile, with N = 4
    assert Cycle(4, 0, cycle).expected_on(sold_on) == settled_on


@pytest.mark.parametrize(
    ("cycle", "sold_on", "expected_on", "missing_on"),
    [
        (Cycle(1, 1, "T", CHINA), date(2026, 9, 29), date(2026, 9, 30), date(2026, 10, 9)),
        (Cycle(1, 1, "T", CHINA), date(2026, 9, 30), date(2026, 10, 8), date(2026, 10, 10)),
        (Cycle(2, 0, "T", CHINA), date(2026, 10, 8), date(2026, 10, 10), date(2026, 10, 11)),
        (Cycle(2, 0, "T"), date(2026, 10, 8), date(2026, 10, 12), date(2026, 10, 13)),
        (Cycle(2, 0, "W", CHINA), date(2026, 9, 28), date(2026, 10, 9), date(2026, 10, 10)),
        (Cycle(2, 0, "M", CHINA), date(2026, 9, 1), date(2026, 10, 9), date(2026, 10, 10)),
        (Cycle(2, 0, "M"), date(2024, 2, 29), date(2024, 3, 4), date(2024, 3, 5)),
        (Cycle(2, 0, "M"), date(2026, 12, 31), date(2027, 1, 4), date(2027, 1, 5)),
        (Cycle(1, 0, "T", Calendar(weekend=frozenset({4, 5}))), date(2026, 9, 3), date(2026, 9, 6), date(2026, 9, 7)),
    ],
)
def test_holidays_and_worked_weekends_count(cycle: Cycle, sold_on: date, expected_on: date, missing_on: date) -> None:
    assert (cycle.expected_on(sold_on), cycle.missing_on(sold_on)) == (expected_on, missing_on)


def test_the_preview_tells_of_days_that_are_settled_together() -> None:
    told = ahead(Cycle(1, 3, "T", CHINA), date(2026, 9, 29), 12)

    assert [(one.first.day, one.last.day, str(one.expected_on)) for one in told] == [
        (29, 29, "2026-09-30"),
        (30, 7, "2026-10-08"),
        (8, 8, "2026-10-09"),
        (9, 9, "2026-10-10"),
        (10, 10, "2026-10-12"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-10-01 A\n\n2026-13-01 B", "Line 3: there is no such day."),
        ("1 October", "Line 1: write a day as 2026-10-01, then its name; several as 2026-10-01..2026-10-07."),
        ("2026-10-01\n2026-10-01 again", "Line 2: 2026-10-01 is listed twice."),
        ("2026-10-07..2026-10-01", "Line 1: a range ends after it begins, and has at most 31 days."),
        ("2026-10-01..2027-10-01", "Line 1: a range ends after it begins, and has at most 31 days."),
        (f"2026-10-01 {'x' * 61}", "Line 1: a name has at most 60 letters."),
        ("\n".join(f"{year}-01-01..{year}-01-31" for year in range(2000, 2040)), "A calendar lists at most 1000 days."),
    ],
)
def test_a_list_that_cannot_be_read_says_where(text: str, sentence: str) -> None:
    with pytest.raises(CalendarUnclear) as refusal:
        read_days(text)
    assert refusal.value.message == sentence


def test_a_list_is_written_as_it_is_read() -> None:
    text = "2026-10-01..2026-10-07 National Day\n2026-12-24\n2026-12-25 Christmas"

    assert write_days(read_days(text)) == text
    long = read_days("2026-01-01..2026-01-31 x\n2026-02-01..2026-02-10 x")
    assert read_days(write_days(long)) == long


@pytest.mark.parametrize(
    ("weekend", "holidays", "made_up", "sentence"),
    [
        (range(7), {}, {}, "A week needs a working day: not all seven can be its weekend."),
        ({5, 6}, {may(6): ""}, {may(6): ""}, "2023-05-06 is listed as a holiday and as a working day."),
        (
            {5, 6}, {}, {may(8): ""},
            "2023-05-08 is no weekend day, so it is a working day already: take it from the list.",
        ),
    ],
)  # fmt: skip
def test_a_calendar_that_contradicts_itself_is_refused(
    weekend: set[int], holidays: dict[date, str], made_up: dict[date, str], sentence: str
) -> None:
    with pytest.raises(CalendarUnclear) as refusal:
        calendar_of(weekend, holidays, made_up)
    assert refusal.value.message == sentence


def test_the_database_keeps_a_working_day_and_each_day_once(books: Books) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SettlementCalendar.objects.create(account=books.account, weekend=0b1111111)
    kept = SettlementCalendar.objects.create(account=books.account, weekend=0b0111111)
    CalendarDay.objects.create(calendar=kept, day=may(1), is_working=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        CalendarDay.objects.create(calendar=kept, day=may(1), is_working=True)


def at(story_clock: StoryClock, day: int, hour: int = 0) -> None:
    """Let it be that day of May 2026 in UTC+8, and let the worker do what is due."""
    story_clock.set(datetime(2026, 5, day, hour, tzinfo=clock.ACQUIRER_ZONE))
    work.run_all_due()


def test_a_holiday_moves_what_is_expected_awaited_and_missing(
    books: Books, imported: Import, story_clock: StoryClock
) -> None:
    at(story_clock, 12, 12)
    books.payment("P-1", Money(100_00, "USD"), paid_at=clock.now())
    books.payment("P-2", Money(40_00, "USD"), paid_at=clock.now())
    with transaction.atomic():
        missing.look_soon(books.account)
    at(story_clock, 15)
    assert [str(one) for one in AwaitedReport.objects.all()] == ["USD, 2026-05-13"]
    imported(settlement(row("PAYMENT", "P-1", "100.00", "100.00"), batch="B1"))
    at(story_clock, 19)
    assert [reason for reason, _, _ in opened()] == ["MISSING"]

    closed = read_days("2026-05-13..2026-05-15 Holiday")
    operations.edit_calendar(books.account, {5, 6}, closed, {}, by=BOOKKEEPER, note="as the dashboard says")
    work.run_all_due()
    healed = Discrepancy.objects.get()
    assert (healed.resolution, healed.note) == ("HEALED", "By the account's calendar it is not due yet.")
    at(story_clock, 21)
    assert opened() == []
    at(story_clock, 22)
    assert [reason for reason, _, _ in opened()] == ["MISSING"]
    assert Discrepancy.objects.get().pk == healed.pk


@pytest.fixture
def finance(books: Books, story_clock: StoryClock) -> Client:
    """Somebody of finance, on Tuesday 29 September 2026, with an account that has a calendar."""
    story_clock.set(datetime(2026, 9, 29, 12, tzinfo=clock.ACQUIRER_ZONE))
    with transaction.atomic():
        operations.begin_calendar(books.account)
    return signed_in("Finance")


def test_finance_edits_a_calendar_and_sees_what_follows(books: Books, finance: Client) -> None:
    kept = SettlementCalendar.objects.get()
    page = f"/admin/reconciliation/settlementcalendar/{kept.pk}/change/"
    assert "T+1: what is sold today is expected on Wed 30 Sep." in words(finance.get(page))
    assert "None is listed: Monday to Friday count." in words(finance.get(page))

    said = {"weekend": ["5", "6"], "holidays": "2026-10-01..2026-10-07 National Day", "note": "from the dashboard"}
    url = f"/admin/reconciliation/settlementcalendar/{kept.pk}/acts/edit/"
    refused = words(act(finance, url, "Save the calendar: 0 days listed", **said | {"holidays": "1 Oct"}))
    assert "Line 1: write a day as 2026-10-01" in refused
    shown = act(finance, url, "Save the calendar: 0 days listed", **said, made_up="2026-10-10 instead of Monday")
    assert "Sales of Wed 30 Sep to Wed 7 Oct: expected on Thu 8 Oct." in words(shown)
    assert not kept.days.exists()  # the button says something else by now, and was not pressed

    after = words(act(finance, url, "Save the calendar: 8 days listed", **said, made_up="2026-10-10 instead of Monday"))
    assert "The calendar is saved." in after
    assert "Wed 30 Sep to Wed 7 Oct Thu 8 Oct Tue 13 Oct" in after  # grace: three working days, the 10th among them
    assert "1 Oct to 7 Oct 2026 National Day" in after
    assert "1 Oct to 7 Oct 2026 National Day" in words(finance.get("/admin/reconciliation/settlementcalendar/"))
    entry = JournalEntry.objects.latest("pk")
    assert (entry.act, entry.note, entry.before, entry.after) == (
        "edit settlement calendar",
        "from the dashboard",
        {"holidays": "", "working days": ""},
        {"holidays": "2026-10-01..2026-10-07 National Day", "working days": "2026-10-10 instead of Monday"},
    )
    auditor = signed_in("Auditor")
    assert auditor.get(page).status_code == 200
    assert auditor.get(url).status_code == 403


def test_a_months_cycle_shows_the_next_month(books: Books, finance: Client) -> None:
    type(books.account).objects.update(settlement_cycle="M", settlement_days=2)
    kept = SettlementCalendar.objects.get()

    page = words(finance.get(f"/admin/reconciliation/settlementcalendar/{kept.pk}/change/"))
    assert "M+2: what is sold today is expected on Fri 2 Oct." in page
    assert "Thu 1 Oct to Sat 31 Oct Tue 3 Nov" in page


def test_the_sandbox_settles_by_the_contract_and_both_sides_agree(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    """T+2 from a Monday, whose Wednesday is a holiday: sold on Monday and Tuesday, settled on Thursday and Friday."""
    holiday = read_days("2026-03-04 Founders' Day")
    operations.edit_calendar(shop.account, {5, 6}, holiday, {}, by=BOOKKEEPER)
    type(shop.account).objects.update(settlement_days=2)
    shop.account.refresh_from_db()
    control = SandboxControl(acquirer.sandbox.url)
    control.register_merchant(settlement_cycle="T+2", weekend=[5, 6], holidays=["20260304"])
    gcash = buyer.binds("GCASH")
    for _ in range(5):
        shop.charges(shop.sells("pass", PHP(499_00), to=buyer), gcash)
        day_passes(shop)

    imports_every_report(shop.account, acquirer)

    cycle = Cycle.of(shop.account)
    sold = [date(2026, 3, day) for day in (2, 3, 4, 5, 6)]
    settled = dict(Batch.objects.order_by("initiated_on").values_list("initiated_on", "row_count"))
    assert [cycle.expected_on(day).day for day in sold] == [5, 6, 6, 9, 10]
    assert settled == {date(2026, 3, 5): 1, date(2026, 3, 6): 2}
    for _ in range(4):
        day_passes(shop)
    imports_every_report(shop.account, acquirer)
    assert dict(Batch.objects.filter(initiated_on__gt=date(2026, 3, 6)).values_list("initiated_on", "row_count")) == {
        date(2026, 3, 9): 1,
        date(2026, 3, 10): 1,
    }
    assert opened() == []


def test_today_calls_late_what_the_calendar_does(books: Books, story_clock: StoryClock) -> None:
    finance = signed_in("Finance")
    at(story_clock, 12, 12)
    books.payment("P-1", Money(100_00, "USD"), paid_at=clock.now())
    at(story_clock, 17, 12)
    assert "Tue 12 May 1 payment Late" in words(finance.get("/admin/"))

    type(books.account).objects.update(settlement_cycle="W", settlement_days=2)
    page = words(finance.get("/admin/"))
    assert "Tue 12 May 1 payment" in page
    assert "1 payment Late" not in page
