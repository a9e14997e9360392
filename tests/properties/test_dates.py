"""Dates of subscriptions: by number and back, at the last day of every month, at one moment a day in every zone."""

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.subscriptions.calendar import Rhythm, Span, day_in
from payments.subscriptions.states import Interval

DAYS = st.dates(date(2020, 1, 1), date(2060, 12, 31))
ANCHORS = {
    Interval.DAY: st.none(),
    Interval.WEEK: st.none() | st.integers(1, 7),
    Interval.MONTH: st.none() | st.integers(1, 31),
    Interval.YEAR: st.none() | st.integers(1, 31),
}
SPANS = st.sampled_from(Interval).flatmap(
    lambda interval: st.builds(Span, st.just(interval), st.integers(1, 13), ANCHORS[interval])
)
ZONES = st.sampled_from(["Asia/Manila", "Europe/London", "America/New_York", "Pacific/Chatham", "America/Sao_Paulo"])


@given(SPANS, DAYS, st.integers(1, 60))
def test_dates_rise_and_never_leave_their_day(span: Span, earliest: date, number: int) -> None:
    first = span.first(earliest)
    rhythm = Rhythm(span, first, 1)
    day, following = rhythm.day(number), rhythm.day(number + 1)

    assert earliest <= first <= day < following
    if span.interval in (Interval.MONTH, Interval.YEAR):
        last = calendar.monthrange(day.year, day.month)[1]
        assert day.day == min(span.anchor_day or first.day, last)
    else:
        length = span.every * (7 if span.interval is Interval.WEEK else 1)
        assert (following - day).days == length


@given(SPANS, DAYS, st.integers(1, 60))
def test_what_begins_on_another_day_goes_on_on_the_one_that_is_meant(span: Span, first: date, number: int) -> None:
    rhythm = Rhythm(span, first, 1)
    day, following = rhythm.day(number), rhythm.day(number + 1)
    assert first <= day < following
    if span.interval is Interval.WEEK and span.anchor_day is not None:
        assert following.isoweekday() == span.anchor_day
        assert (following - timedelta(days=following.weekday()) - first).days % 7 == -first.weekday() % 7


@given(DAYS, st.integers(1, 31), st.integers(0, 400))
def test_the_day_of_the_month_that_is_meant_outlives_a_change_of_plan(first: date, meant: int, months: int) -> None:
    old = Rhythm(Span(Interval.MONTH, 1, meant), first, 1)
    day = old.day(months + 2)
    new = Rhythm(Span(Interval.MONTH, 1), day, months + 2, old.meant_on(day))
    assert [new.day(months + 2 + more) for more in range(14)] == [old.day(months + 2 + more) for more in range(14)]


@given(SPANS, DAYS, st.integers(1, 40), st.integers(-20, 20), st.booleans())
def test_the_number_of_a_day_is_the_lowest_that_is_not_before_it(
    span: Span, earliest: date, number: int, off: int, is_aligned: bool
) -> None:
    rhythm = Rhythm(span, span.first(earliest) if is_aligned else earliest, 3)
    day = rhythm.day(number + 2) + timedelta(days=off)
    found = rhythm.number_from(day, least=3)

    assert rhythm.day(found) >= day
    assert found == 3 or rhythm.day(found - 1) < day


@given(DAYS, st.integers(0, 23), ZONES)
def test_each_day_has_its_hour_once_and_days_stay_in_order(day: date, hour: int, zone: str) -> None:
    moment = Rhythm.moment(day, hour, zone)

    assert day_in(moment, zone) == day
    assert moment < Rhythm.moment(day + timedelta(days=1), hour, zone)
    assert moment.astimezone(ZoneInfo(zone)).hour in (hour, hour + 1)  # one later where summer time leaves it out


@pytest.mark.parametrize(
    ("zone", "day", "hour", "expected"),
    [
        ("Europe/London", date(2027, 3, 28), 1, datetime(2027, 3, 28, 1, tzinfo=UTC)),  # left out: 02:00 BST
        ("Europe/London", date(2027, 10, 31), 1, datetime(2027, 10, 31, 0, tzinfo=UTC)),  # twice: the first
        ("America/New_York", date(2027, 7, 1), 10, datetime(2027, 7, 1, 14, tzinfo=UTC)),
        ("America/New_York", date(2027, 12, 1), 10, datetime(2027, 12, 1, 15, tzinfo=UTC)),
    ],
)
def test_summer_time(zone: str, day: date, hour: int, expected: datetime) -> None:
    assert Rhythm.moment(day, hour, zone) == expected


def test_the_last_day_of_february_comes_and_goes() -> None:
    monthly = Rhythm(Span(Interval.MONTH, 1, 31), date(2027, 12, 31))
    yearly = Rhythm(Span(Interval.YEAR, 1), date(2024, 2, 29))

    assert [str(monthly.day(number)) for number in range(1, 6)] == [
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]
    assert [str(yearly.day(number)) for number in range(1, 6)] == [
        "2024-02-29",
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]
