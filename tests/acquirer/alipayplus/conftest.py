from typing import Any

import pytest

from portal.acquirer import Merchant
from portal.acquirer.alipayplus import AlipayPlus
from tests.acquirer.peer import Peer, credentials

MERCHANT = Merchant(
    reference="M001",
    legal_name="Example Ltd",
    display_name="Example",
    category_code="5735",
    region="SG",
    city="Singapore",
    address="1 Road",
    logo_url="https://shop.example/logo.png",
)


def speaking(peer: Peer, **settled: str) -> AlipayPlus:
    """The adapter at that peer, with these points settled."""
    given: dict[str, Any] = {"merchant": MERCHANT, "acquirer_id": "ACQ1", "settled": settled}
    return AlipayPlus(credentials(peer.url, **given))


@pytest.fixture
def alipayplus(peer: Peer) -> AlipayPlus:
    return speaking(peer)
