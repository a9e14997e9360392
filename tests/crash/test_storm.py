"""Whoever dies while others are at the doors, and the acquirer that is away for a while: small stories of a storm."""

import random
import threading
import time

from payments.models import Payment
from payments.states import PaymentStatus
from tests.crash import books
from tests.crash.premises import SANDBOX, WEB, WORKER, Premises
from tests.crash.raging import Storm
from tests.crash.town import Town


def test_a_small_storm_costs_nobody_a_cent(premises: Premises, town: Town) -> None:
    """Two hundred kills are told by ``python -m tests.crash.storm``."""
    premises.clock.unfreeze()
    premises.start(WORKER)
    storm = Storm(town, seed=6, shoppers=3, calm=0.3)
    try:
        storm.rages(6)
    finally:
        storm.ends()
    assert sum(storm.kills.values()) >= 6
    assert storm.backend.taken
    assert books.complaints(town) == []


def test_an_acquirer_that_is_away_and_back(premises: Premises, town: Town) -> None:
    ana = town.shopper("ana")
    ana.comes_in()
    wallet_id = str(ana.binds("GCASH"))
    town.control.tick()
    slow, away = ana.orders("PHP"), ana.orders("PHP")

    premises.freeze(SANDBOX)
    thawing = threading.Timer(0.5, premises.thaw, [SANDBOX])
    thawing.start()
    assert ana.pays(slow, wallet_id)["status"] == "PAID"  # late, and all the same
    thawing.join()

    premises.kill(SANDBOX)
    assert ana.pays(away, wallet_id)["status"] == "PENDING"
    assert not Payment.objects.get(order__number=away).may_have_arrived
    premises.start(SANDBOX, WORKER)
    premises.clock_moves(minutes=1)

    payment = Payment.objects.get(order__number=away)
    assert (payment.status, payment.result_code) == (PaymentStatus.SUCCEEDED, "SUCCESS")
    assert len(town.control.calls(api="pay")) == 2
    assert books.complaints(town) == []


def test_a_web_process_that_is_killed_is_replaced(premises: Premises, town: Town) -> None:
    ana = town.shopper("ana")
    ana.comes_in()
    for _ in range(2):
        premises.strike_one_of(WEB, random.Random(1))
        assert ana.binds("GCASH") is not None
    latest = time.monotonic() + 30
    while premises.children_of(WEB) < 2:
        assert time.monotonic() < latest, "nobody took the dead one's place"
        time.sleep(0.05)
    assert premises.runs(WEB)
