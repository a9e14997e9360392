"""One teller of histories per process: it sets its stage once."""

import pytest

from portal.sandbox.context import new_keys
from portal.simulation.history import Teller


@pytest.fixture(scope="session")
def teller() -> Teller:
    return Teller(new_keys())
