"""Time as an argument: one movable clock for several processes, and ids that are ours to name."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal import clock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_a_file_clock_is_shared_by_all_who_read_the_file(tmp_path: Path) -> None:
    mine, theirs = clock.FileClock(tmp_path / "clock.json"), clock.FileClock(tmp_path / "clock.json")
    assert not theirs.is_moved()
    mine.freeze(NOON)
    assert theirs.now() == NOON
    theirs.move(timedelta(days=1))
    assert mine.now() == NOON + timedelta(days=1)
    mine.unfreeze()
    assert timedelta(0) <= theirs.now() - NOON - timedelta(days=1) < timedelta(seconds=30)
    mine.run_with_the_system()
    assert not theirs.is_moved()


@pytest.mark.parametrize("kind", ["file", "virtual"])
def test_no_clock_moves_backwards(kind: str, tmp_path: Path) -> None:
    moved: clock.FileClock | clock.VirtualClock
    if kind == "file":
        moved = clock.FileClock(tmp_path / "clock.json")
        moved.freeze(NOON)
    else:
        moved = clock.VirtualClock(NOON)
    with pytest.raises(ValueError, match="backwards"):
        moved.move(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="backwards"):
        moved.set(NOON - timedelta(seconds=1))
    assert moved.now() == NOON


def test_sleeping_on_a_virtual_clock_takes_no_time() -> None:
    with clock.using(clock.VirtualClock(NOON)):
        clock.sleep(3600)
        assert clock.now() == NOON + timedelta(hours=1)


def test_ids_carry_the_acquirers_day_and_no_special_character() -> None:
    with clock.using(clock.VirtualClock(datetime(2026, 3, 2, 17, 0, tzinfo=UTC))):
        fresh = clock.fresh_id("P")
    assert re.fullmatch(r"P20260303[0-9A-HJKMNP-TV-Z]{20}", fresh)
    assert len(clock.fresh_id("DECL")) <= 32


def test_a_seed_makes_the_same_ids_again() -> None:
    def three() -> list[str]:
        with clock.using(clock.VirtualClock(NOON), seed=7):
            return [clock.fresh_id("P") for _ in range(3)]

    assert three() == three()
    assert len(set(three())) == 3
