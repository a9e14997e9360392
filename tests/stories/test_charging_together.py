"""Many cycles are due at once: they are promised together, several calls in flight, and written down together.

Nothing that a cycle would become by itself may change by that, whoever acts or dies meanwhile.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import requests

from authorizations import operations as binding
from payments import operations as paying
from payments.models import Cycle, Order, Payment, Subscription
from payments.operations import paying_many
from payments.states import OrderStatus, PaymentStatus
from payments.subscriptions import operations as recurring
from payments.subscriptions import tasks
from payments.subscriptions.operations import charging_many
from payments.subscriptions.states import CycleStatus, SubscriptionStatus
from portal import clock, flights, gateways, registry, work
from portal.acquirer.client import Answer, SignedClient
from portal.models import Exchange, Incident, PaymentMethod
from tests.factories import WebhookEndpointFactory
from tests.stories.test_killed import killed
from tests.story import PHONE, PHP, Acquirer, Customer, Shop, StoryClock

pytestmark = pytest.mark.django_db
C = CycleStatus
PRICE = PHP(100_00)


@pytest.fixture
def due(buyer: Customer, shop: Shop, story_clock: StoryClock) -> Callable[..., list[Subscription]]:
    """Subscriptions whose first cycle falls due in the same moment; its order is made, and nothing is charged yet."""
    buyer.binds("GCASH")

    def begun(count: int) -> list[Subscription]:
        plan = shop.offers(PRICE, trial_days=1)
        all_of_them = [buyer.subscribes(plan) for _ in range(count)]
        story_clock.set(max(it.moment(it.next_on) for it in all_of_them if it.next_on))
        recurring.open_cycles([it.pk for it in all_of_them])
        return all_of_them

    return begun


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many charges were promised at once, time after time."""
    sizes: list[int] = []
    begin = Payment.begin_all.__func__  # type: ignore[attr-defined]  # of a class method

    def noted(model: type[Payment], rows: Sequence[Payment], *event: Any, **how: Any) -> None:
        sizes.append(len(rows))
        begin(model, rows, *event, **how)

    monkeypatch.setattr(Payment, "begin_all", classmethod(noted))
    tasks.begin_as_a_new_process()
    return sizes


@pytest.fixture
def one_by_one(settings: Any) -> None:
    """One call after the other, so that what is between them can be told."""
    settings.PORTAL_CALLS_IN_FLIGHT = 1


@pytest.fixture(autouse=True)
def agreement(buyer: Customer, acquirer: Acquirer) -> Iterator[None]:
    """At the end: what the portal holds as paid is what the sandbox took, and no order has two payments that count."""
    yield
    paid = [payment for payment in Payment.objects.all() if payment.paid_at is not None]
    assert [payment.amount for payment in paid] == acquirer.took_from(buyer)
    assert len({payment.order_id for payment in paid}) == len(paid)


def charge() -> list[str]:
    """The lines of the worker about charges; it looks once."""
    return [line for kind, line in work.run_due() if kind == "subscription charges"]


def cycles() -> list[str]:
    """How the cycles stand, oldest first."""
    return list(Cycle.objects.order_by("pk").values_list("status", flat=True))


@pytest.mark.parametrize(("quick_seconds", "sizes"), [(600, [4, 1, 3]), (0, [4, 1, 1, 1, 1])])
def test_a_process_remembers_how_many_are_soon_charged_together(
    due: Callable[..., list[Subscription]],
    together: list[int],
    monkeypatch: pytest.MonkeyPatch,
    quick_seconds: float,
    sizes: list[int],
) -> None:
    monkeypatch.setattr(tasks, "QUICK_SECONDS", quick_seconds)
    for count in (5, 3):
        due(count)
        charge()
    assert together == sizes


def test_each_becomes_what_it_would_alone(
    due: Callable[..., list[Subscription]], acquirer: Acquirer, shop: Shop, together: list[int]
) -> None:
    WebhookEndpointFactory(account=shop.account, kinds=["subscription.charged", "order.paid"])
    due(5)
    acquirer.will("payment_fails", code="RISK_REJECT")
    lines = charge()

    assert together == [4, 1]
    assert len(lines) == 5
    assert sorted(cycles()) == sorted([C.PAID] * 4 + [C.FAILED])
    for cycle in Cycle.objects.filter(status=C.PAID):
        assert cycle.order is not None
        assert (cycle.order.status, cycle.due_at, cycle.lease_until) == (OrderStatus.PAID, None, None)
        assert cycle.closed_at == clock.now()
        assert [change.target for change in cycle.changes.all()] == [C.PAID]
        payment = cycle.order.payments.get()
        assert [change.target for change in payment.changes.all()] == ["PROCESSING", "SUCCEEDED"]
        assert Exchange.objects.filter(api="pay", subject=payment.payment_request_id).count() == 1
        assert payment.actor_kind == "CLOCK"
    refused = Cycle.objects.get(status=C.FAILED)
    assert (refused.tries, refused.result_code) == (1, "RISK_REJECT")
    assert not Incident.objects.exists()


def test_of_a_lost_answer_only_that_cycle_waits(
    due: Callable[..., list[Subscription]], acquirer: Acquirer, shop: Shop
) -> None:
    due(3)
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_lost", notification="notifyPayment")
    charge()
    assert sorted(cycles()) == sorted([C.CHARGING, C.PAID, C.PAID])
    shop.clock_moves(minutes=5)
    assert cycles() == [C.PAID] * 3
    assert len(acquirer.calls("pay")) == 3


@pytest.fixture
def in_flight(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several calls at once, however soon they are answered."""
    settings.PORTAL_CALLS_IN_FLIGHT = 3
    monkeypatch.setattr(flights, "WORTH_WAITING_SECONDS", 0.0)


def test_of_calls_in_flight_each_ends_as_it_would_alone(
    due: Callable[..., list[Subscription]], acquirer: Acquirer, shop: Shop, in_flight: None
) -> None:
    due(9)
    acquirer.will("slow_answer", api="pay", seconds=1)
    acquirer.will("answer_lost", api="pay")
    acquirer.will("answer_wrongly_signed", api="pay")
    acquirer.will("payment_fails", code="RISK_REJECT")
    for _ in range(9):
        acquirer.will("notification_lost", notification="notifyPayment")
    charge()
    assert sorted(cycles()) == sorted([C.PAID] * 6 + [C.CHARGING] * 2 + [C.FAILED])
    shop.clock_moves(minutes=5)
    assert sorted(cycles()) == sorted([C.PAID] * 8 + [C.FAILED])
    assert len(acquirer.calls("pay")) == 9


def test_several_calls_are_in_flight(
    due: Callable[..., list[Subscription]], monkeypatch: pytest.MonkeyPatch, in_flight: None
) -> None:
    due(3)
    together = threading.Barrier(3, timeout=30)  # nobody's call is sent before all three have begun
    real = SignedClient.post

    def all_at_once(self: SignedClient, *call: Any) -> Answer:
        together.wait()
        return real(self, *call)

    monkeypatch.setattr(SignedClient, "post", all_at_once)
    charge()
    assert cycles() == [C.PAID] * 3


def test_a_call_that_fails_as_nobody_expected_takes_no_other_with_it(
    due: Callable[..., list[Subscription]],
    shop: Shop,
    acquirer: Acquirer,
    in_flight: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due(4)
    real, calls = SignedClient.post, itertools.count()

    def post(self: SignedClient, *call: Any) -> Answer:
        answer = real(self, *call)
        if next(calls) == 1:
            raise RuntimeError("nobody thought of this")
        return answer

    monkeypatch.setattr(SignedClient, "post", post)
    charge()
    monkeypatch.undo()
    assert sorted(cycles()) == sorted([C.PAID] * 3 + [C.CHARGING])
    shop.clock_moves(minutes=5)
    assert cycles() == [C.PAID] * 4
    assert len(acquirer.calls("pay")) == 4


def test_over_a_simulation_s_line_calls_are_made_where_they_are_begun() -> None:
    here = threading.get_ident()
    with gateways.speaking_over(requests.Session()):
        assert [it.result() for it in flights.made([threading.get_ident] * 2)] == [here] * 2


def test_no_calls_say_nothing_of_how_long_calls_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights._pace, "seconds", 1.0)
    assert flights.made([]) == []
    here = threading.get_ident()
    assert here not in {it.result() for it in flights.made([threading.get_ident] * 2)}


def test_calls_that_hardly_wait_are_worth_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    here = threading.get_ident()
    monkeypatch.setattr(flights, "WORTH_WAITING_SECONDS", 600.0)
    assert [it.result() for it in flights.made([threading.get_ident] * 2)] == [here] * 2


@pytest.mark.parametrize("moment", ["before the wire", "after the wire"])
def test_whoever_dies_at_the_first_call_charges_nobody_twice(
    due: Callable[..., list[Subscription]], shop: Shop, one_by_one: None, moment: str
) -> None:
    due(3)
    with killed(moment, "pay"):
        charge()
    assert Payment.objects.filter(status=PaymentStatus.PROCESSING).count() == 3
    shop.clock_moves(days=6)
    assert set(cycles()) <= {C.PAID, C.RETRYING}
    shop.clock_moves(days=14)
    assert cycles() == [C.PAID] * 3


def test_whoever_dies_before_the_answers_are_written_down_asks_about_them(
    due: Callable[..., list[Subscription]], shop: Shop, acquirer: Acquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(3)

    class Died(BaseException):
        """As a kill: nothing catches it."""

    def dies(heard: object) -> None:
        raise Died

    monkeypatch.setattr(paying_many, "record_pay_answers", dies)
    with pytest.raises(Died):
        charge()
    monkeypatch.undo()
    assert cycles() == [C.CHARGING] * 3
    shop.clock_moves(minutes=5)
    assert cycles() == [C.PAID] * 3
    assert len(acquirer.calls("pay")) == 3


def test_what_was_promised_and_not_sent_for_want_of_time_is_sent_once_under_its_id(
    due: Callable[..., list[Subscription]], shop: Shop, acquirer: Acquirer, one_by_one: None
) -> None:
    due(4)
    kind = registry.due_work.get("subscription charges")
    assert kind is not None
    # Here, also where a broker carries batches elsewhere.
    list(work.run_due_of("subscription charges", kind, stop=lambda: len(acquirer.calls("pay")) == 2))

    assert len(acquirer.calls("pay")) == 2
    left = Payment.objects.filter(status=PaymentStatus.PROCESSING)
    assert [(it.may_have_arrived, it.due_at) for it in left] == [(False, clock.now())] * 2
    promised = set(Payment.objects.values_list("payment_request_id", flat=True))
    shop.clock_moves(minutes=3)
    assert cycles() == [C.PAID] * 4
    assert set(Exchange.objects.filter(api="pay").values_list("subject", flat=True)) == promised
    assert len(acquirer.calls("pay")) == 4


def test_nothing_is_sent_once_the_patience_of_a_promise_is_over(
    due: Callable[..., list[Subscription]],
    shop: Shop,
    acquirer: Acquirer,
    story_clock: StoryClock,
    one_by_one: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due(3)
    real = SignedClient.post

    def slowly(self: SignedClient, *call: Any) -> Answer:
        answer = real(self, *call)
        story_clock.move(paying_many.PATIENCE + timedelta(seconds=1))
        return answer

    monkeypatch.setattr(SignedClient, "post", slowly)
    charge()
    monkeypatch.undo()
    assert len(acquirer.calls("pay")) == 1
    shop.clock_moves(minutes=3)
    assert cycles() == [C.PAID] * 3
    assert len(acquirer.calls("pay")) == 3


def test_who_was_faster_is_seen_inside_the_promise(
    due: Callable[..., list[Subscription]], shop: Shop, buyer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand, cancelled, withdrawn, plain = due(4)
    promise = charging_many.pay_many

    def meanwhile(wallets: dict[int, int], **how: object) -> list[Payment]:
        cycle = by_hand.cycles.get()
        assert cycle.order is not None
        recurring.pay_by_hand(cycle.pk, cycle.order, buyer.wallet(), by=buyer.by, terminal=PHONE)
        recurring.cancel(cancelled, by=buyer.by, at_period_end=False)
        paying.withdraw(Order.objects.get(cycle__subscription=withdrawn), by=shop.staff)
        return promise(wallets, **how)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(charging_many, "pay_many", meanwhile)
    charge()
    monkeypatch.undo()
    shop.clock_moves(minutes=3)
    assert [it.cycles.get().status for it in (by_hand, cancelled, withdrawn, plain)] == [
        C.PAID,
        C.GIVEN_UP,
        C.GIVEN_UP,
        C.PAID,
    ]
    assert Payment.objects.count() == 2


def test_what_the_catalogue_or_the_wallet_refuses_is_left_to_say_why(
    due: Callable[..., list[Subscription]], shop: Shop, acquirer: Acquirer
) -> None:
    due(2)
    PaymentMethod.objects.filter(account=shop.account, code="GCASH").update(is_contracted=False)
    charge()
    assert cycles() == [C.FAILED] * 2
    assert set(Cycle.objects.values_list("result_code", flat=True)) == {"WALLET_NOT_CONTRACTED"}
    assert acquirer.calls("pay") == []
    assert not Payment.objects.exists()


def test_a_revoked_consent_ends_them_and_nothing_is_charged(
    due: Callable[..., list[Subscription]], buyer: Customer, shop: Shop
) -> None:
    begun = due(3)
    binding.revoke(buyer.wallet(), by=buyer.by)
    charge()
    shop.clock_moves(minutes=3)
    assert {Subscription.objects.get(pk=it.pk).status for it in begun} == {SubscriptionStatus.CANCELLED}
    assert not Payment.objects.exists()
