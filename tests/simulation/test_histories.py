"""Seeded histories: whatever happens, in whatever order, killed anywhere, the books balance."""

import pytest

from portal.sandbox.context import Keys, new_keys
from portal.simulation.history import Told, tell

STEPS = 60
SEEDS = 20
PER_TEST = 5


@pytest.fixture(scope="module")
def keys() -> Keys:
    return new_keys()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", range(1, SEEDS + 1, PER_TEST))
def test_every_promise_holds(first: int, keys: Keys) -> None:
    for seed in range(first, first + PER_TEST):
        told = tell(seed, STEPS, keys)
        assert told.holds, f"seed {seed}\n" + "\n".join(told.lines + told.violations)


@pytest.mark.django_db(transaction=True)
def test_the_same_seed_tells_the_same_story(keys: Keys) -> None:
    def story() -> Told:
        return tell(7, 60, keys)

    assert story().lines == story().lines
