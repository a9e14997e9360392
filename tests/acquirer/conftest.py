from collections.abc import Iterator

import pytest

from portal.acquirer.antom import Antom

from .peer import Peer, credentials, listening


@pytest.fixture
def peer() -> Iterator[Peer]:
    with listening() as one:
        yield one


@pytest.fixture
def acquirer(peer: Peer) -> Antom:
    return Antom(credentials(peer.url))
