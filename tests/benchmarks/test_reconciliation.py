"""The benchmark of an import runs, in the small, and its file comes to what it was planted to come to."""

from pathlib import Path

import pytest
from django.db import connection

from reconciliation.operations import flowing, importing
from tests.benchmarks import reconciliation


@pytest.mark.django_db(transaction=True)
def test_three_ways_bring_a_file_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 100)
    monkeypatch.setattr(flowing, "PORTION", 400)
    try:
        took = reconciliation.run(tmp_path, 1_000, has_bulk=True, say=lambda sentence: None)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE floor_row")
            cursor.execute("DROP TABLE floor_match")

    assert [one.rows for one in took] == [1_000] * 3
    assert took[0].line().endswith("| 1.0× |")
    assert all(one.ratio > 0 for one in took)
