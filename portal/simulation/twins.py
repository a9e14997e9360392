"""One story told twice: once with every message in good order, once with messages lost, late, doubled and mixed up.

What the buyers and the staff do and what the acquirer decides is the same in both; only what is said about it differs.
So both must end in the same state, on both sides, to the minor unit.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authorizations import operations as binding
from authorizations.models import Authorization, WalletAccount
from authorizations.states import Messenger
from payments import operations as paying
from payments.models import Order, Payment, Refund
from payments.states import PaymentStatus, ReasonCode
from portal import clock, work
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.errors import PortalError
from portal.money import Money
from portal.simulation.stage import PEOPLE, PHONE, PORTAL, WALLETS
from portal.simulation.world import World

_DEALINGS = 6
_BETWEEN = timedelta(minutes=9)
_SHOP = Actor.merchant_server("simulate")
_ENDINGS = ("SUCCESS", "SUCCESS", "LATER", "LATER_FAIL", "FAIL")
_BACK = ("", "part", "all", "twice", "cancel")
_ANSWERS = ("answer_lost", "answer_unsigned", "answer_wrongly_signed", "http_500", "slow_answer", "answer_code")
_MESSAGES = (
    "notification_lost",
    "notification_doubled",
    "notification_late",
    "notification_out_of_order",
    "notification_wrongly_signed",
    "notification_wrong_amount",
)


@dataclass(frozen=True)
class Dealing:
    """One order from its placing to its end, decided beforehand."""

    buyer: int
    amount: Money
    wallet: str
    ending: str
    seconds: int
    back: str


def script(seed: int, world: World) -> list[Dealing]:
    """What is going to happen, whoever says what about it."""
    rng = random.Random(f"{seed}:script")  # noqa: S311 - a story, not a secret
    bound = list(WalletAccount.objects.filter(status="ACTIVE").order_by("pk").values_list("buyer_id", "wallet"))
    dealings = []
    for _ in range(_DEALINGS):
        buyer, wallet = rng.choice(bound)
        currency = WALLETS[wallet]
        amount = Money(rng.randrange(400, 2000) * {"KRW": 1, "IDR": 100_00}.get(currency, 100), currency)
        ending, back = rng.choice(_ENDINGS), rng.choice(_BACK)
        dealings.append(Dealing(buyer, amount, wallet, ending, rng.randrange(2, 45), back))
    return dealings


def play(world: World, dealings: list[Dealing], disorder: random.Random | None) -> dict[str, Any]:
    """Play the script, with every message in order or (``disorder``) none; the state it ends in."""
    orders = []
    for dealing in dealings:
        orders.append(_deals(world, dealing, disorder))
        _runs_until(world, clock.now() + _BETWEEN, disorder)
        _gives_back(world, dealing, orders[-1], disorder)
        _runs_until(world, clock.now() + _BETWEEN, disorder)
    _binds(world, disorder)
    world.comes_to_rest()
    return _state(world, orders)


def _disturbs(world: World, disorder: random.Random | None, api: str, notification: str) -> None:
    """What is said about the next call goes wrong: its answer, its notification, or both."""
    if disorder is None:
        return
    if disorder.random() < 0.6:
        fault = disorder.choice(_ANSWERS)
        options: dict[str, Any] = {"api": api}
        if fault == "http_500":
            options["work_done"] = True
        elif fault == "slow_answer":
            options["seconds"] = 30
        elif fault == "answer_code":
            options |= {"code": "UNKNOWN_EXCEPTION", "work_done": True}
        world.engine.set_fault(fault, **options)
    if disorder.random() < 0.7:
        fault = disorder.choice(_MESSAGES)
        seconds = {"seconds": disorder.choice((5, 100, 5000))} if fault == "notification_late" else {}
        world.engine.set_fault(fault, notification=notification, **seconds)


def _deals(world: World, dealing: Dealing, disorder: random.Random | None) -> Order:
    buyer = next(buyer for buyer in world.buyers if buyer.pk == dealing.buyer)
    order = paying.place_merchant_order(buyer, dealing.amount, description="Something", reference="", by=_SHOP)
    wallet = WalletAccount.objects.get(buyer=buyer, wallet=dealing.wallet, status="ACTIVE")
    if dealing.ending == "FAIL":
        world.engine.set_fault("payment_fails", code="USER_BALANCE_NOT_ENOUGH")
    elif dealing.ending != "SUCCESS":
        failing = {"then": "FAIL", "code": "RISK_REJECT"} if dealing.ending == "LATER_FAIL" else {}
        world.engine.set_fault("payment_stays_processing", seconds=dealing.seconds, **failing)
    _disturbs(world, disorder, "pay", "notifyPayment")
    paying.pay(order, wallet, by=Actor.buyer(buyer.reference), terminal=PHONE)
    return order


def _gives_back(world: World, dealing: Dealing, order: Order, disorder: random.Random | None) -> None:
    payment = Payment.objects.get(order=order)
    world.engine.clear_faults()
    if payment.status != PaymentStatus.SUCCEEDED or not dealing.back:
        return
    whole, unit = payment.amount_value, 100 if payment.currency in ("IDR", "THB", "PHP") else 1
    part = whole // 3 // unit * unit
    try:
        if dealing.back == "cancel":
            _disturbs(world, disorder, "cancel", "notifyPayment")
            paying.cancel(payment, by=_SHOP, reason_code=ReasonCode.BUYER_REQUEST)
            return
        for value in {"part": (part,), "all": (whole,), "twice": (part, whole - part)}[dealing.back]:
            _disturbs(world, disorder, "refund", "notifyRefund")
            amount = Money(value, payment.currency)
            paying.refund(payment, amount, by=_SHOP, reason_code=ReasonCode.BUYER_REQUEST)
    except PortalError:
        return  # a wallet that takes no cancel refuses it in both tellings


def _binds(world: World, disorder: random.Random | None) -> None:
    """A buyer binds one more wallet; the code comes by callback and by message, in one order or the other."""
    buyer = world.buyers[0]
    wallet = next(
        name for name in WALLETS if not WalletAccount.objects.filter(buyer=buyer, wallet=name, status="ACTIVE").exists()
    )
    attempt = binding.begin(
        buyer, wallet, terminal=PHONE, redirect_url=f"{PORTAL}/return", by=Actor.buyer(buyer.reference)
    )
    if not isinstance(attempt, Authorization):
        return
    if disorder is not None:
        _disturbs(world, disorder, "inquiryPayment", "notifyAuthorization")
    code = world.engine.agree(attempt.auth_url, buyer.reference, wallet).auth_code or ""
    way = disorder.randrange(3) if disorder is not None else 0
    if way == 1:
        world.engine.tick()
    if way < 2 or "notification_lost" in {fault.kind for fault in world.engine.context.faults.in_force(0)}:
        binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
    else:
        world.engine.clear_faults()
        _runs_until(world, clock.now() + timedelta(seconds=30), disorder)
        binding.redeem(attempt, Secret(code), heard_from=Messenger.REDIRECT)


def _runs_until(world: World, target: datetime, disorder: random.Random | None) -> None:
    """Time passes to a moment; what falls due is done, in order, or now the worker first and now the acquirer."""
    while True:
        upcoming = min(world.moments(), default=target)
        if upcoming > target:
            break
        if upcoming > clock.now():
            world.clock.set(upcoming)
        if disorder is not None and disorder.random() < 0.5:
            done = len(list(work.run_due()))
            numbers = world.engine.undelivered()
            disorder.shuffle(numbers)
            world.engine.finish_due()
            done += sum(world.engine.deliver_one(number) for number in numbers)
        else:
            done = world.engine.tick() + world.works()
        if not done:
            world.clock.move(timedelta(seconds=1))
    if clock.now() < target:
        world.clock.set(target)


def _state(world: World, orders: list[Order]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for position, order in enumerate(orders):
        order.refresh_from_db()
        payment = Payment.objects.get(order=order)
        refunds = Refund.objects.filter(payment=payment).order_by("pk").values_list("amount_value", "status")
        state[f"dealing {position}"] = (order.status, payment.status, payment.returned_value, list(refunds))
    for buyer in world.buyers:
        wallets = WalletAccount.objects.filter(buyer=buyer).order_by("wallet", "pk").values_list("wallet", "status")
        state[f"wallets of {buyer.pk}"] = list(wallets)
    for name in PEOPLE:
        state[f"purses of {name}"] = [world.engine.balance(name, wallet).value for wallet in WALLETS]
    return state
