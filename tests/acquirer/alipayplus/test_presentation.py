"""How the method is to be shown: asked of the CDN without a signature, read leniently, and never in anybody's way."""

import hashlib
import json
from typing import Any

import pytest

from portal.acquirer.results import Presentation
from tests.acquirer.peer import Peer, Reply, drop

from .conftest import speaking

WHERE = {"cdn_user_region": "GLOBAL", "cdn_logo_pattern": "default"}
SHOWN = {
    "available": True,
    "logoUrl": "https://cdn.example/plus.png",
    "promoNames": {"en_US": "5% off", "zh_CN": "九五折"},
}


def answers(message: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(message).encode(), status=status, client_id=None, is_signed=False)


def present(peer: Peer, **settled: str) -> Presentation | None:
    return speaking(peer, **WHERE, cdn_url=peer.url, **settled).present(currency="PHP")


def test_it_is_asked_by_address_alone_and_read(peer: Peer) -> None:
    peer.will(answers(SHOWN))
    assert present(peer) == Presentation(
        is_available=True,
        logo_url="https://cdn.example/plus.png",
        promotions={"en_US": "5% off", "zh_CN": "九五折"},
        kept_seconds=900,
    )
    (heard,) = peer.heard
    digest = hashlib.sha256(b"M001").hexdigest()
    assert heard.method == "GET"
    assert heard.uri == f"/ACQ1/{digest}/AGREEMENT_PAYMENT/PHP/GLOBAL/default/alipayplus.json"
    assert {"signature", "transfer-encoding"}.isdisjoint(heard.headers)


def test_nothing_is_asked_while_a_segment_of_the_address_is_not_known(peer: Peer) -> None:
    assert speaking(peer, cdn_url=peer.url).present(currency="PHP") is None
    only_sdk = speaking(peer, sdk_url="https://sdk.example/a.js").present(currency="PHP")
    assert only_sdk is not None
    assert (only_sdk.is_available, only_sdk.sdk_url) == (False, "https://sdk.example/a.js")
    assert peer.heard == []


@pytest.mark.parametrize(
    ("message", "logo_url", "is_available"),
    [
        (SHOWN | {"available": "true"}, "https://cdn.example/plus.png", True),
        (SHOWN | {"available": False}, "", False),
        ({"logoUrl": "https://cdn.example/plus.png"}, "", False),
        (
            SHOWN | {"logoUrl": [{"logoUrl": "https://cdn.example/1.png", "width": "40"}]},
            "https://cdn.example/1.png",
            True,
        ),
        (SHOWN | {"logoUrl": "javascript:alert(1)"}, "", True),
        (SHOWN | {"logoUrl": "http://plain.example/1.png"}, "", True),
        (SHOWN | {"promoNames": "5% off"}, "https://cdn.example/plus.png", True),
        ([], "", False),
        ("text", "", False),
    ],
)
def test_what_cannot_be_read_is_not_available(peer: Peer, message: Any, logo_url: str, is_available: bool) -> None:
    peer.will(answers(message))
    shown = present(peer)
    assert shown is not None
    assert (shown.logo_url, shown.is_available) == (logo_url, is_available)


def test_no_answer_is_not_available(peer: Peer) -> None:
    for reply in (answers(SHOWN, status=404), drop, Reply(b"{", client_id=None, is_signed=False)):
        peer.will(reply)
        shown = present(peer)
        assert shown is not None
        assert (shown.is_available, shown.kept_seconds) == (False, 900)
