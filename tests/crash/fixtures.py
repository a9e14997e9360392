"""One portal of real processes for all tests that ask for it, on the database of this test run."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection

from portal import clock
from tests.crash.premises import SANDBOX, WEB, WORKER, Premises, url_of
from tests.crash.town import Town


@pytest.fixture(scope="session")
def standing(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    """Sandbox and web server, started once."""
    premises = Premises(tmp_path_factory.mktemp("premises"), url_of(connection.settings_dict))
    try:
        premises.start(SANDBOX, WEB)
        yield premises
    finally:
        premises.stop()


@pytest.fixture
def premises(transactional_db: None, standing: Premises) -> Iterator[Premises]:
    """The same, empty; a test starts the worker if it wants one, which ends with the test."""
    cache.clear()
    for said in standing.said.values():
        said.clear()
    standing.start(*(name for name in (SANDBOX, WEB) if not standing.runs(name)))
    standing.control.reset()
    standing.clock.freeze(standing.clock.now())  # a slow machine must not let anything expire
    with clock.using(standing.clock):
        yield standing
        if standing.runs(SANDBOX) and standing.runs(WEB):
            standing.control.tick()  # nothing arrives once the tables are empty
    standing.stop(WORKER)


@pytest.fixture
def town(premises: Premises) -> Town:
    """An account, and four people with full purses."""
    return Town(premises, ["ana", "budi", "carla", "dewi"])
