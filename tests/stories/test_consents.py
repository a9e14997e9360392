"""Consents that fall into doubt or are lost: nothing is charged meanwhile, and many of them are one incident."""

from collections.abc import Callable
from typing import Any

import pytest

from authorizations import operations as binding
from authorizations.errors import WalletInDoubt
from authorizations.models import Authorization, WalletAccount
from authorizations.states import RefreshResult, WalletStatus
from payments.models import Payment
from payments.states import PaymentStatus
from payments.subscriptions.states import CycleStatus
from portal import clock, incidents
from portal.actor import Actor
from portal.models import Incident
from tests.story import PHP, Acquirer, Customer, Shop


@pytest.fixture
def crowd(shop: Shop) -> Callable[..., list[Customer]]:
    """So many buyers with a bound wallet each."""

    def binds(count: int, wallet: str = "TNG") -> list[Customer]:
        people = [shop.customer(f"{wallet.lower()}-{number}") for number in range(count)]
        for person in people:
            person.binds(wallet)
        return people

    return binds


@pytest.fixture(autouse=True)
def _four_are_many(settings: Any) -> None:
    settings.PORTAL_LOST_CONSENTS = 4
    settings.PORTAL_LOST_CONSENTS_MINUTES = 60


def said() -> list[tuple[str, int, str]]:
    """The open incidents: kind, how many, what they say."""
    return [(it.kind, it.times_seen, it.summary) for it in incidents.open_incidents()]


# In doubt.


def test_nothing_is_charged_between_the_first_refusal_and_the_new_token(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds()
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN")
    acquirer.will("http_500", api="applyToken", calls=2)
    assert shop.charges(shop.sells("One", PHP(10_00), to=buyer)).status == PaymentStatus.FAILED

    two = shop.sells("Two", PHP(20_00), to=buyer)
    for _ in range(3):
        with pytest.raises(WalletInDoubt):
            shop.charges(two)
        shop.seconds_pass(1)
    assert (len(acquirer.calls("pay")), two.payments.count()) == (1, 0)
    shop.clock_moves(minutes=2)

    wallet.refresh_from_db()
    assert (wallet.status, wallet.refresh_result) == (WalletStatus.ACTIVE, RefreshResult.SUCCEEDED)
    assert shop.charges(two).status == PaymentStatus.SUCCEEDED
    assert acquirer.took_from(buyer) == [PHP(20_00)]


def test_a_cycle_waits_until_the_doubt_is_over_and_is_charged_once(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds()
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN")
    acquirer.will("http_500", api="applyToken", calls=3)
    shop.charges(shop.sells("One", PHP(10_00), to=buyer))
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    assert (subscription.cycles.get().status, len(acquirer.calls("pay"))) == (CycleStatus.CHARGING, 1)

    shop.clock_moves(minutes=30)
    assert subscription.cycles.get().status == CycleStatus.PAID
    assert (acquirer.took_from(buyer), len(acquirer.calls("pay"))) == ([PHP(499_00)], 2)


def test_a_cycle_that_was_refused_is_not_sent_again_before_the_refresh(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    buyer.binds()
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN")
    acquirer.will("http_500", api="applyToken", calls=3)
    subscription = buyer.subscribes(shop.offers(PHP(499_00)))
    shop.seconds_pass(10)
    shop.comes_to_rest()
    assert (subscription.cycles.get().status, Payment.objects.count()) == (CycleStatus.NEEDS_CONSENT, 1)

    shop.clock_moves(minutes=30)
    assert (subscription.cycles.get().status, Payment.objects.count()) == (CycleStatus.PAID, 2)
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_whoever_is_in_doubt_may_agree_again_at_once(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    old = buyer.binds()
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN")
    shop.charges(shop.sells("One", PHP(10_00), to=buyer))
    assert isinstance(buyer.begins(), Authorization)

    new = buyer.binds()
    old.refresh_from_db()
    assert (old.status, new.status, new.is_in_doubt) == (WalletStatus.REPLACED, WalletStatus.ACTIVE, False)


# What became of a refresh.


@pytest.mark.parametrize(
    ("fault", "result", "code"),
    [
        ({}, RefreshResult.SUCCEEDED, "SUCCESS"),
        ({"fault": "http_500"}, RefreshResult.UNKNOWN, ""),
        ({"fault": "answer_code", "code": "INVALID_REFRESH_TOKEN"}, RefreshResult.REFUSED, "INVALID_REFRESH_TOKEN"),
    ],
    ids=["good", "lost", "refused"],
)
def test_a_wallet_keeps_what_became_of_its_newest_refresh(
    buyer: Customer, acquirer: Acquirer, fault: dict[str, str], result: RefreshResult, code: str
) -> None:
    wallet = buyer.binds()
    assert (wallet.refresh_result, wallet.refresh_sent_at) == ("", None)
    if fault:
        acquirer.will(api="applyToken", **fault)
    sent_at = clock.now()
    binding.refresh(wallet)

    wallet.refresh_from_db()
    assert (wallet.refresh_result, wallet.refresh_code, wallet.refresh_sent_at) == (result, code, sent_at)
    assert (wallet.refreshed_at is not None) == (result == RefreshResult.SUCCEEDED)


# Lost.


def test_three_that_die_are_three_and_the_fourth_makes_one_incident_that_grows(
    shop: Shop, acquirer: Acquirer, crowd: Callable[..., list[Customer]]
) -> None:
    people = crowd(6)
    for person in people[:3]:
        person.revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    assert said() == []

    people[3].revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    first = min(WalletAccount.objects.exclude(lost_at=None).values_list("lost_at", flat=True))
    which = f"consents of {shop.account} were lost since {first:%d %b %H:%M} UTC: Touch'n Go eWallet"
    assert said() == [("CONSENTS_LOST", 4, f"4 {which} 4")]
    for person in people[4:]:
        person.revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    assert said() == [("CONSENTS_LOST", 6, f"6 {which} 6")]


def test_tokens_that_pay_refuses_are_one_incident_whatever_the_wallet(
    shop: Shop, acquirer: Acquirer, crowd: Callable[..., list[Customer]]
) -> None:
    shop.contracts("MAYA")
    gcash, maya = crowd(3, "GCASH"), crowd(2, "MAYA")
    for person in gcash:  # these wallets tell nobody
        person.revokes_in_the_wallet("GCASH")
    for person in maya:
        person.revokes_in_the_wallet("MAYA")
    shop.clock_moves(seconds=30)
    assert said() == []
    for person in gcash + maya:
        wallet = WalletAccount.objects.get(buyer=person.row)
        shop.charges(shop.sells("Pass", PHP(10_00), to=person), wallet)
    shop.clock_moves(seconds=30)

    assert set(WalletAccount.objects.values_list("status", flat=True)) == {WalletStatus.NEEDS_AUTHORIZATION}
    assert [(kind, count) for kind, count, _ in said()] == [("CONSENTS_LOST", 5)]
    assert said()[0][2].endswith(": GCash 3, Maya 2")
    assert not WalletAccount.objects.filter(needs_since=None).exists()


def test_refreshes_that_are_refused_fold_into_the_one(
    shop: Shop, acquirer: Acquirer, crowd: Callable[..., list[Customer]]
) -> None:
    people = crowd(5)
    acquirer.will("answer_code", api="applyToken", code="ACCESS_DENIED", calls=5)
    for person in people[:3]:
        binding.refresh(person.wallet("TNG"))
    assert [kind for kind, _, _ in said()] == ["REFRESH_REFUSED"] * 3
    for person in people[3:]:
        binding.refresh(person.wallet("TNG"))

    assert [(kind, count) for kind, count, _ in said()] == [("CONSENTS_LOST", 5)]
    folded = Incident.objects.filter(kind="REFRESH_REFUSED")
    assert {it.resolution for it in folded} == {"It is one of many: see the incident about the account."}
    assert folded.count() == 3
    acquirer.heals()
    binding.refresh(people[0].wallet("TNG"))  # works after all: the next to be lost counts without it
    people[1].revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    assert said()[0][1] == 4


def test_those_of_another_hour_or_of_another_account_are_not_counted(
    shop: Shop, acquirer: Acquirer, crowd: Callable[..., list[Customer]]
) -> None:
    people = crowd(7)
    for person in people[:3]:
        person.revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    shop.clock_moves(minutes=61)
    for person in people[3:6]:
        person.revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    assert said() == []
    people[6].revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    assert [count for _, count, _ in said()] == [4]


def test_what_a_person_closed_does_not_come_again_for_the_same_consents(
    shop: Shop, acquirer: Acquirer, crowd: Callable[..., list[Customer]]
) -> None:
    people = crowd(9)
    for person in people[:4]:
        person.revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    incidents.close(Incident.objects.get(), by=Actor.command("story"), resolution="The wallet had a bad day.")
    shop.seconds_pass(1)

    for person in people[4:7]:
        person.revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    assert said() == []
    for person in people[7:]:
        person.revokes_in_the_wallet("TNG")
    shop.clock_moves(seconds=30)
    assert [(kind, count) for kind, count, _ in said()] == [("CONSENTS_LOST", 5)]


def test_what_we_revoke_ourselves_and_what_expires_is_not_lost(
    shop: Shop, acquirer: Acquirer, crowd: Callable[..., list[Customer]]
) -> None:
    people = crowd(8)
    for person in people[:4]:
        binding.revoke(person.wallet("TNG"), by=person.by)
    for person in people[4:]:
        WalletAccount.objects.filter(pk=person.wallet("TNG").pk).update(
            refresh_token="", access_token_expires_at=clock.now()
        )
        binding.expire(person.wallet("TNG"))
    shop.clock_moves(seconds=30)

    statuses = sorted(WalletAccount.objects.values_list("status", flat=True))
    assert statuses == [WalletStatus.NEEDS_AUTHORIZATION] * 4 + [WalletStatus.REVOKED] * 4
    assert said() == []
