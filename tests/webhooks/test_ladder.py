"""The ladder: from 15 seconds to 30 days, and the same history gives the same moments."""

from datetime import UTC, datetime, timedelta

from portal.outbox import schedule

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def test_the_pauses_add_up_to_thirty_days() -> None:
    assert sum(schedule.LADDER, timedelta()) == timedelta(days=30)
    assert schedule.LADDER[0] == timedelta(seconds=15)
    assert list(schedule.LADDER[:-1]) == sorted(schedule.LADDER[:-1])
    assert all(timedelta(0) < pause <= timedelta(days=1) for pause in schedule.LADDER)
    assert len(schedule.LADDER) == 41


def test_each_pause_is_lengthened_a_little_by_the_id_alone() -> None:
    ids = [f"E20260302{number:020d}" for number in range(200)]
    for step, pause in enumerate(schedule.LADDER):
        moments = [schedule.next_try(event_id, step, after=AT) for event_id in ids]
        assert moments == [schedule.next_try(event_id, step, after=AT) for event_id in ids]
        longest = min(pause / 10, schedule.MOST_JITTER)
        assert all(moment is not None and AT + pause <= moment <= AT + pause + longest for moment in moments)
        assert len(set(moments)) > 190
    assert schedule.next_try(ids[0], len(schedule.LADDER), after=AT) is None


def test_all_of_it_takes_thirty_days_and_a_few_hours_at_most() -> None:
    for number in range(50):
        at = AT
        for step in range(len(schedule.LADDER)):
            moment = schedule.next_try(f"E{number}", step, after=at)
            assert moment is not None
            at = moment
        assert timedelta(days=30) <= at - AT <= timedelta(days=30, hours=7)


def test_who_does_not_answer_is_left_alone_ever_longer_and_never_long() -> None:
    rests = [schedule.rest(failures).total_seconds() for failures in range(8)]
    assert rests == [0, 15, 30, 60, 120, 240, 300, 300]
    assert schedule.rest(10_000) == timedelta(minutes=5)
