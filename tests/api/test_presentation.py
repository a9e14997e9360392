"""How an acquirer wants its method shown reaches web clients, is kept for a while, and is in nobody's way."""

import json

import pytest

from portal.models import AcquirerAccount
from portal.presenting import presentation_of
from tests import factories
from tests.acquirer.peer import Peer, Reply, drop, listening

SHOWN = {"available": True, "logoUrl": "https://cdn.example/plus.png", "promoNames": {"en_US": "5% off"}}


@pytest.fixture
def account(transactional_db: None) -> AcquirerAccount:
    return factories.AcquirerAccountFactory.create(
        adapter="alipayplus",
        merchant_reference="M001",
        merchant_legal_name="Example Ltd",
        customer_id="ACQ1",
        protocol_settings={"cdn_user_region": "GLOBAL", "cdn_logo_pattern": "default"},
    )


def settle(account: AcquirerAccount, peer: Peer) -> None:
    account.protocol_settings = {**account.protocol_settings, "cdn_url": peer.url}
    account.save()


def test_it_is_asked_once_for_a_while(account: AcquirerAccount) -> None:
    with listening() as peer:
        settle(account, peer)
        peer.will(Reply(json.dumps(SHOWN).encode(), client_id=None, is_signed=False))
        first, second = presentation_of(account, "PHP"), presentation_of(account, "PHP")
        assert first is not None
        assert first == second
        assert (first.logo_url, first.promotions) == ("https://cdn.example/plus.png", {"en_US": "5% off"})
        assert len(peer.heard) == 1
        presentation_of(account, "KRW")
        assert len(peer.heard) == 2


def test_a_silence_is_kept_too_and_a_new_setting_asks_anew(account: AcquirerAccount) -> None:
    with listening() as peer:
        settle(account, peer)
        peer.will(drop)
        for _ in range(3):
            shown = presentation_of(account, "PHP")
            assert shown is not None
            assert not shown.is_available
        assert len(peer.heard) == 1
        account.protocol_settings = {**account.protocol_settings, "cdn_logo_pattern": "other"}
        account.save()
        presentation_of(account, "PHP")
        assert len(peer.heard) == 2


def test_an_account_that_is_not_ready_and_a_protocol_that_says_nothing_show_the_catalogue(
    account: AcquirerAccount,
) -> None:
    account.merchant_legal_name = ""
    account.save()
    assert presentation_of(account, "PHP") is None
    assert presentation_of(factories.AcquirerAccountFactory.create(), "PHP") is None
    assert presentation_of(account, "") is None
