"""The measures. Each makes its rows, lets floor and subject take turns, and says how they compare.

A machine's pace changes by the second, so turns are short, and the ratio is the median of the turns' own ratios: a
floor and a subject that ran one after the other. The quantiles are over all requests of all turns.
"""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from django.db import transaction

from payments.models import Payment
from payments.states import PaymentStatus
from portal import clock, due, registry, work
from portal.acquirer import Credentials, signing
from portal.acquirer.antom import path_of
from portal.acquirer.antom.codes import Api
from portal.acquirer.client import SignedClient
from portal.acquirer.results import Secret
from portal.models import AcquirerAccount
from tests.benchmarks import floor, ground, load
from tests.benchmarks.ground import Keys

_INQUIRE = path_of(Api.INQUIRY_PAYMENT, client_id=ground.CLIENT_ID)


@dataclass(frozen=True)
class Side:
    """One of the two servers: where it is, and how to read the processor time it has used."""

    url: str
    cpu_seconds: Callable[[], float]


@dataclass(frozen=True)
class Bench:
    """What a measure needs: both servers, the account, the keys, and how long to go on."""

    floor: Side
    portal: Side
    account: AcquirerAccount
    keys: Keys
    requests: int
    turns: int


@dataclass(frozen=True)
class Taken:
    """One side's times, over all turns."""

    seconds: list[float]
    rate: float
    cpu_seconds: float | None = None

    def quantile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Compared:
    """A measure's result. ``ratio`` is the subject's time over the floor's, ``allowed`` the most it may be."""

    name: str
    floor: Taken
    subject: Taken
    ratio: float
    allowed: float

    @property
    def cpu_ratio(self) -> float | None:
        if not (self.floor.cpu_seconds and self.subject.cpu_seconds):
            return None
        return self.subject.cpu_seconds / self.floor.cpu_seconds

    @property
    def holds(self) -> bool:
        return self.ratio <= self.allowed


def pay(bench: Bench, clients: int) -> Compared:
    """Pay an order through the API, beside the bare view."""
    orders = ground.orders_to_pay(bench.account, 2 * bench.requests)
    bare = [
        load.request(
            "POST",
            f"{bench.floor.url}/pay/{order.number}",
            {"content-type": "application/json"},
            json.dumps({"wallet_id": order.wallet_id, "os_type": "ANDROID"}).encode(),
        )
        for order in orders[: bench.requests]
    ]
    ours = [
        load.request(
            "POST",
            f"{bench.portal.url}/api/v1/orders/{order.number}/pay",
            {
                "content-type": "application/json",
                "authorization": f"Bearer {order.token}",
                "idempotency-key": order.number,
            },
            json.dumps({"wallet_id": order.wallet_id, "os_type": "ANDROID"}).encode(),
        )
        for order in orders[bench.requests :]
    ]
    compared = _served("pay through the API", bench, bare, ours, clients=clients, allowed=1.5)
    numbers = [order.number for order in orders]
    paid = Payment.objects.filter(order__number__in=numbers, status=PaymentStatus.SUCCEEDED).count()
    assert paid == len(orders), f"{paid} of {len(orders)} are paid"
    return compared


def notify(bench: Bench, clients: int) -> Compared:
    """Receive notifyPayment, beside the bare view."""
    payments = ground.unknown_payments(bench.account, 2 * bench.requests, is_due=False)
    bare = [
        load.request("POST", f"{bench.floor.url}/notify/{ground.SLUG}", headers, body)
        for headers, body in ground.notifications(payments[: bench.requests], bench.keys, f"/notify/{ground.SLUG}")
    ]
    ours = [
        load.request("POST", f"{bench.portal.url}/notify/{ground.SLUG}/payment", headers, body)
        for headers, body in ground.notifications(
            payments[bench.requests :], bench.keys, f"/notify/{ground.SLUG}/payment"
        )
    ]
    compared = _served("notifyPayment", bench, bare, ours, clients=clients, allowed=1.5)
    told = Payment.objects.filter(pk__in=[payment.pk for payment in payments], status=PaymentStatus.SUCCEEDED).count()
    assert told == len(payments), f"{told} of {len(payments)} are paid"
    return compared


def _served(name: str, bench: Bench, bare: list[bytes], ours: list[bytes], *, clients: int, allowed: float) -> Compared:
    ground.settle_down()
    size = len(bare) // (bench.turns + 1)
    load.send(bench.floor.url, bare[:size], clients=clients)  # the first turn warms both up
    load.send(bench.portal.url, ours[:size], clients=clients)
    sides: list[tuple[Side, list[bytes], list[float], list[float], list[float]]] = [
        (bench.floor, bare, [], [], []),
        (bench.portal, ours, [], [], []),
    ]
    for turn in range(1, bench.turns + 1):  # whoever begins is the other one the next time
        end = (turn + 1) * size if turn < bench.turns else len(bare)
        for side, requests, took, walls, cpus in sides if turn % 2 else sides[::-1]:
            cpu, started = side.cpu_seconds(), time.perf_counter()
            part = requests[turn * size : end]
            took.extend(load.send(side.url, part, clients=clients))
            walls.append((time.perf_counter() - started) / len(part))
            cpus.append((side.cpu_seconds() - cpu) / len(part))
    floor_side, our_side = (
        Taken(seconds, 1 / statistics.median(walls), statistics.median(cpus)) for _, _, seconds, walls, cpus in sides
    )
    ratio = statistics.median(ours / bare for bare, ours in zip(sides[0][3], sides[1][3], strict=True))
    return Compared(f"{name}, {clients} client{'s' * (clients > 1)}", floor_side, our_side, ratio, allowed)


def signing_rate(bench: Bench) -> Compared:
    """Sign as the header wants it, beside the raw signature of cryptography."""
    pem, key = signing.private_pem(bench.keys.ours), bench.keys.ours
    content = b"POST /ams/api/v1/payments/pay\n" + b"x" * 900

    def raw() -> None:
        key.sign(content, padding.PKCS1v15(), hashes.SHA256())

    def ours() -> None:
        signing.sign(signing.load_private_key(pem), content)

    return _alternating("signature", bench, raw, ours, allowed=1.1)


def round_trip(bench: Bench) -> Compared:
    """A signed call of the gateway's client, beside a bare pooled one with one signature and one verification."""
    line, client = _line(bench), SignedClient(_credentials(bench))
    message = {"paymentRequestId": "P20260101ABCDEFGHJKMNPQRSTV"}

    def bare() -> None:
        line.call(_INQUIRE, message, str(int(time.time() * 1000)))

    def ours() -> None:
        client.post(Api.INQUIRY_PAYMENT.value, _INQUIRE, message)

    return _alternating("signed round trip", bench, bare, ours, allowed=1.2)


def drain(bench: Bench) -> Compared:
    """One worker asks about payments that are due and records what it hears, beside bare signed calls."""
    line = _line(bench)

    def bare(count: int) -> None:
        for _ in range(count):
            line.call(_INQUIRE, {"paymentRequestId": clock.fresh_id("P")}, str(int(time.time() * 1000)))

    def ours(count: int) -> None:
        done = 0
        while done < count:
            done += len([1 for name, _ in work.run_due() if name == "payments"])

    walls: tuple[list[float], list[float]] = ([], [])
    cpus: tuple[list[float], list[float]] = ([], [])
    size = max(bench.requests // 4, 1)  # whole batches, as of a worker that has much to do
    bare(3)
    for turn in range(bench.turns + 1):  # the first one warms up
        payments = ground.unknown_payments(bench.account, size, is_due=True)
        ground.settle_down()
        for taken, used, act in zip(walls, cpus, (bare, ours), strict=True):
            cpu, started = time.process_time(), time.perf_counter()
            act(size)
            taken.append((time.perf_counter() - started) / size)
            used.append((time.process_time() - cpu) / size)
        left = Payment.objects.filter(pk__in=[payment.pk for payment in payments]).exclude(
            status=PaymentStatus.SUCCEEDED
        )
        assert not left.exists(), f"turn {turn}: {left.count()} of {size} have no answer"
    name = "due inquiries drained by one worker"
    spent = (statistics.median(cpus[0][1:]), statistics.median(cpus[1][1:]))
    return _compared(name, walls[0][1:], walls[1][1:], allowed=1 / 0.6, cpus=spent)


def claims(bench: Bench) -> float:
    """How many due rows a second one worker claims, with nothing done about them."""
    payments = ground.unknown_payments(bench.account, 2 * bench.requests, is_due=True)
    ground.settle_down()
    kind = registry.due_work.get("payments")
    assert kind is not None
    claimed, started = 0, time.perf_counter()
    while ids := kind.claim(work.BATCH, clock.now() + due.LEASE):
        claimed += len(ids)
    rate = claimed / (time.perf_counter() - started)
    assert claimed == len(payments), f"{claimed} of {len(payments)} were claimed"
    with transaction.atomic():
        Payment.objects.filter(pk__in=[payment.pk for payment in payments]).update(due_at=None, lease_until=None)
    return rate


def _line(bench: Bench) -> floor.Line:
    return floor.Line(
        bench.account.gateway_url,
        ground.CLIENT_ID,
        signing.private_pem(bench.keys.ours),
        signing.public_pem(bench.keys.theirs.public_key()),
    )


def _credentials(bench: Bench) -> Credentials:
    return Credentials(
        gateway_url=bench.account.gateway_url,
        client_id=ground.CLIENT_ID,
        key_version="1",
        private_key_pem=Secret(signing.private_pem(bench.keys.ours)),
        acquirer_keys={"1": signing.public_pem(bench.keys.theirs.public_key())},
    )


def _alternating(
    name: str, bench: Bench, bare: Callable[[], object], ours: Callable[[], object], *, allowed: float
) -> Compared:
    size = max(bench.requests // bench.turns, 1)
    walls: tuple[list[float], list[float]] = ([], [])
    for turn in range(bench.turns + 1):
        for taken, act in zip(walls, (bare, ours), strict=True):
            for _ in range(size):
                started = time.perf_counter()
                act()
                if turn:  # the first one warms up
                    taken.append(time.perf_counter() - started)
    return _compared(name, walls[0], walls[1], allowed=allowed)


def _compared(
    name: str,
    bare: Sequence[float],
    ours: Sequence[float],
    *,
    allowed: float,
    cpus: tuple[float | None, float | None] = (None, None),
) -> Compared:
    ratio = statistics.median(ours) / statistics.median(bare)
    both = zip((bare, ours), cpus, strict=True)
    sides = [Taken(list(seconds), 1 / statistics.median(seconds), cpu) for seconds, cpu in both]
    return Compared(name, sides[0], sides[1], ratio, allowed)
