"""A month of the sandbox with every kind of error in it, in the small; ``month`` has it at size."""

import pytest

from tests.reconciliation import month

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(400)]


def test_a_month_opens_what_was_planted_and_nothing_else_in_any_order() -> None:
    said: list[str] = []

    assert month.run(400, seed=7, times=1, say=said.append) == []

    assert len(month.PLANTS) >= 25
    assert "kinds are planted" in said[-3]
