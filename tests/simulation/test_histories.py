"""Seeded histories: whatever happens, in whatever order, killed anywhere, the books balance."""

import json
import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from authorizations.models import Authorization, WalletAccount
from authorizations.operations import begin, binding
from authorizations.states import AuthorizationStatus
from payments.operations import orders, paying_many, payments
from portal import clock
from portal.actor import Actor
from portal.clock import VirtualClock
from portal.models import JournalDay
from portal.sandbox.context import new_keys
from portal.sandbox.engine import Engine
from portal.sandbox.faults import KINDS
from portal.sandbox.plants import KINDS as PLANT_KINDS
from portal.sandbox.store import Store
from portal.simulation import breaking, draining, offering, twins
from portal.simulation.acts import ACTS
from portal.simulation.breaking import FAULTS
from portal.simulation.history import Teller, Told, shrink
from portal.simulation.promises import Ending, broken
from portal.simulation.settling import PLANTS
from portal.simulation.stage import CLIENTS, PHONE, PORTAL, START, WALLETS
from portal.simulation.world import Planted

STEPS = 100
SEEDS = 60 if connection.vendor == "sqlite" else 20
"""On PostgreSQL the opening of each history is told anew, which costs what twenty steps cost, and all takes longer."""
PER_TEST = 10
"""So many that what happens in them does not hang on one: each new act makes all others seldomer."""
REARRANGED = 30
"""The seed of a history in which staff changes catalogues, and which charges what it then may not if nobody looks."""
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(600)  # a thousand steps take theirs on PostgreSQL


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", range(1, SEEDS + 1, PER_TEST))
def test_every_promise_holds(first: int, teller: Teller) -> None:
    total = Told(first, 0)
    for seed in range(first, first + PER_TEST):
        told = teller.tell(seed, list(range(STEPS)))
        total.add(told)
        assert told.holds, f"seed {seed}\n" + "\n".join(told.lines + told.violations)
    assert len(total.acts) > len(ACTS) * 2 // 3, "hardly anything happens any more"
    assert total.declared > 5
    assert len(total.faults) > 8
    assert total.kills.total() > 5
    assert total.overtaken > 20
    assert total.messages > 20
    assert min(total.through[slug] for slug in CLIENTS) > 5, "one of the protocols is hardly spoken any more"
    assert total.repeated > 0
    assert total.reports.total() > 5


@pytest.mark.django_db(transaction=True)
def test_a_story_ends_the_same_whatever_order_its_messages_come_in(teller: Teller) -> None:
    for seed in range(1, 6):
        assert teller.tell_twice(seed) == []


@pytest.mark.django_db(transaction=True)
def test_a_world_in_which_nothing_will_ever_be_due_is_at_rest(teller: Teller) -> None:
    with teller.world(1) as world:
        for model in (WalletAccount, JournalDay):
            model._base_manager.update(due_at=None)
        world.works()
        assert world.moments() == []

        world.comes_to_rest()

        assert clock.now() == START + timedelta(days=5)


@pytest.mark.django_db(transaction=True)
def test_a_message_that_was_lost_is_new_when_it_comes_at_last(teller: Teller) -> None:
    with teller.world(1) as world:
        world.is_told_again = True
        world.engine.set_fault("notification_lost", notification="notifyAuthorization")
        ines = world.buyers[0]
        attempt = begin(ines, "KAKAOPAY", terminal=PHONE, redirect_url=f"{PORTAL}/return", by=Actor.buyer("ines"))
        assert isinstance(attempt, Authorization)
        world.engine.agree(attempt.auth_url, ines.reference, "KAKAOPAY")
        world.comes_to_rest()
        attempt.refresh_from_db()
        assert attempt.status == AuthorizationStatus.EXPIRED

        assert broken(world) == []

        attempt.refresh_from_db()
        assert attempt.status == AuthorizationStatus.FAILED  # its code is too old by then


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slug", CLIENTS)
def test_a_report_that_is_wrong_by_itself_is_missed_in_none(teller: Teller, slug: str) -> None:
    with teller.world(1) as world:
        world.is_settled = True
        wallet = WalletAccount.objects.filter(account__slug=slug, status="ACTIVE").earliest("pk")
        buyer = Actor.buyer(wallet.buyer.reference)
        order = orders.place_order(wallet.buyer, [("pass", 1)], WALLETS[wallet.wallet], by=buyer)
        assert payments.pay(order, wallet, terminal=PHONE, by=buyer).account.slug == slug
        world.engine.plant("amount_short", client_id=CLIENTS[slug])
        world.comes_to_rest()

        (sentence,) = [one for one in broken(world) if "AMOUNT_DIFFERS" in one]

        assert "leaves open" in sentence
        other = next(one for one in CLIENTS if one != slug)
        world.planted.append(Planted(other, "amount_short"))
        assert sentence in broken(world), "what was planted in the other account's reports excuses it"
        world.planted.append(Planted(slug, "amount_short"))
        assert broken(world) == []


@pytest.mark.django_db(transaction=True)
def test_an_exception_in_a_story_told_twice_is_its_failure(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbles(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(twins, "play", stumbles)

    (sentence,) = teller.tell_twice(1)

    assert "nobody expected" in sentence
    assert "ZeroDivisionError" in sentence


def test_every_fault_of_the_sandbox_is_used_and_understood() -> None:
    engine = Engine(Store(), VirtualClock(START), keys=new_keys())
    rng = random.Random(1)

    assert set(FAULTS) == set(KINDS)
    assert set(PLANTS) == set(PLANT_KINDS)
    for fault, (_, options) in FAULTS.items():
        for _ in range(50):
            engine.set_fault(fault, **options(rng))


@pytest.mark.django_db(transaction=True)
def test_a_message_with_another_amount_is_often_the_first_that_tells(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = "notification_wrong_amount"
    monkeypatch.setattr(breaking, "FAULTS", {only: FAULTS[only]})
    rng = random.Random(1)
    with teller.world(1) as world:
        for _ in range(50):
            breaking.something_breaks(world, rng)

        assert 20 < world.faults["answer_lost"] < 40
        assert set(world.expected[::2]) == {"pays", "refunds"}
        assert set(world.expected[1::2]) == {"a message arrives"}


@pytest.mark.django_db(transaction=True)
def test_the_same_seed_tells_the_same_story_in_another_process(teller: Teller) -> None:
    here = [teller.tell(seed, list(range(50))).lines for seed in (7, 8)]

    done = subprocess.run(
        [sys.executable, "manage.py", "simulate", "--seed=7", "--seeds=2", "--steps=50", "--story", "--format=json"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "4711"},
        capture_output=True,
        timeout=500,
        check=True,
    )

    assert json.loads(done.stdout)["stories"] == ["\n".join(lines) for lines in here]


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_told_as_short_as_can_be(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    def pays_twice(told: Told) -> list[str]:
        return ["an order was paid"] if any(" pays " in line and "SUCCEEDED" in line for line in told.lines) else []

    tell = teller.tell

    def tell_and_judge(seed: int, steps: list[int]) -> Told:
        told = tell(seed, steps)
        told.violations = pays_twice(told)
        return told

    monkeypatch.setattr(teller, "tell", tell_and_judge)
    told = next(told for seed in range(1, 9) if not (told := teller.tell(seed, list(range(30)))).holds)

    shortest = shrink(told, teller)

    assert not shortest.holds
    assert shortest.steps <= 3


@pytest.mark.django_db(transaction=True)
def test_a_wallet_bound_through_a_drained_account_would_be_missed(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with teller.world(1) as world:
        olga = world.buyers[-1]
        rng = next(rng for rng in map(random.Random, range(100)) if _drains_the_first(rng))
        assert draining.an_account_is_drained(world, rng) == "sim is drained"
        world.clock.move(timedelta(seconds=1))
        attempt = begin(olga, "GCASH", terminal=PHONE, redirect_url=f"{PORTAL}/return", by=Actor.buyer("olga"))
        assert attempt.account.slug == "two"
        assert draining.a_drained_account_binds_nothing(Ending(world)) == []

        monkeypatch.setattr(binding, "account_for", lambda *_: world.accounts["sim"])
        begin(olga, "ALIPAY_CN", terminal=PHONE, redirect_url=f"{PORTAL}/return", by=Actor.buyer("olga"))
        begin(olga, "DIRECT_DEBIT_SIAMCOMMERCIALBANK", terminal=PHONE, redirect_url=PORTAL, by=Actor.buyer("olga"))

        assert len(draining.a_drained_account_binds_nothing(Ending(world))) == 2


def _drains_the_first(rng: random.Random) -> bool:
    """Whether what is drawn drains the account "sim". Leaves the generator as it was."""
    state = rng.getstate()
    found = rng.choice(["sim", "two"]) == "sim" and rng.random() >= 0.4
    rng.setstate(state)
    return found


@pytest.mark.django_db(transaction=True)
def test_what_a_catalogue_withholds_from_now_on_would_be_missed(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tells_of_it(seed: int) -> list[str]:
        told = teller.tell(seed, list(range(STEPS)))
        assert told.acts[offering.NAME] > 0
        return [sentence for sentence in told.violations if sentence.startswith("nothing withheld is charged")]

    assert tells_of_it(REARRANGED) == []
    for module in (payments, paying_many):
        monkeypatch.setattr(module, "refuse_withheld", lambda *_, **__: None)
    assert tells_of_it(REARRANGED)
