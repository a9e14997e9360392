"""When the demo's history begins, whatever the hour at which somebody makes it."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal.clock import ACQUIRER_ZONE
from portal.demonstration.history import begins

MINUTES = st.integers(0, 365 * 24 * 60)


@given(minutes=MINUTES, days=st.integers(2, 60))
def test_its_first_day_is_a_day_of_business_and_not_an_evening(minutes: int, days: int) -> None:
    end = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    start = begins(end, days)
    assert start.astimezone(ACQUIRER_ZONE).time() <= time(6)
    assert timedelta(0) <= end - timedelta(days=days) - start < timedelta(days=1)
