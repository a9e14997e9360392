"""The database has what the models say."""

import pytest
from django.db import connection

from tests.ground.tables import given_names, structure


@pytest.mark.django_db
def test_the_database_has_every_constraint_and_index_of_the_models() -> None:
    """A step may lose some: PostgreSQL drops a conditional unique index with the plain one of the same column."""
    lines = [line for lines in structure(connection).values() for line in lines]
    assert given_names() - {line.split()[0] for line in lines if not line.startswith(" ")} == set()
