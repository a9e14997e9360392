from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from portal.acquirer.antom import Antom

from .peer import Peer, credentials, listening

# A busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with listening() as one:
        yield one


@pytest.fixture
def acquirer(peer: Peer) -> Antom:
    return Antom(credentials(peer.url))
