"""A crowd at the doors: everybody does what people do, in an order that a seed decides, until it is told to wait.

What a refusal means is the portal's business and a good answer here; what nobody documented is a complaint, which
``callers.Heard`` notes. A person whose act breaks off repeats it under its key.
"""

import random
import threading
import time
from collections.abc import Callable

import requests
from django.db import connections

from payments.models import Cycle, Payment
from payments.states import PaymentStatus
from payments.subscriptions.states import CycleStatus
from portal import clock
from portal.outage import DATABASE_GONE
from portal.sandbox.control import ControlFailed
from tests.crash import backend
from tests.crash.books import IN_THE_WALLET
from tests.crash.callers import GaveUp, Refused
from tests.crash.stage import OFFICE
from tests.crash.town import PLANS, Clerk, Shopper, Town

PATIENCE_SECONDS = 90
NAPS = (0.0, 0.05)
"""Seconds between two acts of a person."""
_RECENT = 60
_AGREES, _MOST_SUBSCRIPTIONS = 0.2, 3
"""How often a shopper thinks of a subscription instead of an order, and how many one has."""
_PARTS = ("5000", "10000", "20000", "49900")
_FAULTS = ("answer_lost", "request_lost", "http_500", "answer_unsigned", "answer_wrongly_signed")
_FAULTY_APIS = (
    "pay",
    "cancel",
    "refund",
    "inquiryPayment",
    "inquiryRefund",
    "applyToken",
    "revoke",
    "consult",
    "declare",
)
_TROUBLE_WITH_NEWS = ("notification_doubled", "notification_out_of_order", "notification_lost", "notification_late")


class Crowd:
    """Everybody, each in a thread."""

    def __init__(self, town: Town, *, seed: int, shoppers: int, has_trouble: bool = True) -> None:
        self.town, self._seed = town, seed
        self._going = threading.Event()
        self._ends = threading.Event()
        self._parked = threading.Semaphore(0)
        self._orders: list[str] = []
        self.acts = 0
        self.mishaps: list[BaseException] = []
        self.clerk = town.staff("clerk")
        people: list[tuple[str, Callable[[random.Random], None]]] = [
            *((name, self._shopper(town.shopper(name, has_time=self._going.is_set))) for name in town.names[:shoppers]),
            ("server", self._server),
            ("clerk", self._clerk(self.clerk)),
        ]
        if has_trouble:
            people.append(("trouble", self._trouble))
        self._threads = [
            threading.Thread(target=self._live, args=(name, act), name=name, daemon=True) for name, act in people
        ]
        for thread in self._threads:
            thread.start()

    def goes(self) -> None:
        """Let everybody act."""
        self._going.set()

    def waits(self) -> None:
        """Let everybody finish what they are at, and wait."""
        self._going.clear()
        for _ in self._threads:
            assert self._parked.acquire(timeout=PATIENCE_SECONDS), "somebody hangs"
        if self.mishaps:
            raise self.mishaps[0]

    def leaves(self) -> None:
        """Send everybody home."""
        self._ends.set()
        self._going.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def _live(self, name: str, act: Callable[[random.Random], None]) -> None:
        draw = random.Random(f"{self._seed}-{name}")
        try:
            self._going.wait()
            while not self._ends.is_set():
                if not self._going.is_set():
                    self._parked.release()
                    self._going.wait()
                    continue
                try:
                    act(draw)
                except DATABASE_GONE:  # the clerk's own look at the rows, while it is killed
                    connections.close_all()
                except (Refused, GaveUp, ControlFailed, LookupError, requests.RequestException):
                    pass
                self.acts += 1
                time.sleep(draw.uniform(*NAPS))
        except BaseException as reason:
            self.mishaps.append(reason)
            self._parked.release()
        finally:
            connections.close_all()

    def _shopper(self, shopper: Shopper) -> Callable[[random.Random], None]:
        def act(draw: random.Random) -> None:
            try:
                shopper.comes_in()
                self._shop(shopper, draw)
            except Refused as refusal:
                if refusal.code == "session_expired":
                    shopper.caller.token = ""
                raise

        return act

    def _shop(self, shopper: Shopper, draw: random.Random) -> None:
        wallet = draw.choice(list(self.town.wallets))
        wallet_id = shopper.binds(wallet)
        if wallet_id is None:
            return
        if draw.random() < _AGREES:
            self._agrees(shopper, wallet, wallet_id, draw)
            return
        number = shopper.orders(self.town.wallets[wallet])
        self._orders.append(number)
        mood = draw.random()
        if mood < 0.05:
            shopper.caller.post(f"orders/{number}/cancel")
        elif mood < 0.1:
            shopper.caller.post(f"wallets/{wallet_id}/revoke")
        else:
            shopper.pays(number, wallet_id)
            if mood > 0.8:
                shopper.pays(number, wallet_id)  # a second press of the button

    def _agrees(self, shopper: Shopper, wallet: str, wallet_id: str, draw: random.Random) -> None:
        """Agree to be charged again and again, or think about what was agreed to."""
        mine = shopper.caller.get("subscriptions?limit=20")["items"]
        running = [one for one in mine if one["status"] not in ("CANCELLED", "ENDED")]
        if self.town.wallets[wallet] == "PHP" and len(running) < _MOST_SUBSCRIPTIONS:
            shopper.subscribes(draw.choice(PLANS), wallet_id)
            return
        if not running:
            return
        one = draw.choice(running)
        act = draw.choice(("pause", "resume", "skip", "change", "cancel"))
        wish = {"skip": {"due_on": one["next_on"]}, "change": {"wallet_id": wallet_id}}.get(act, {})
        if act != "skip" or one["next_on"]:
            shopper.caller.post(f"subscriptions/{one['id']}/{act}", wish)

    def _posts_an_amount(self, draw: random.Random) -> None:
        server = self.town.server
        waiting = Cycle.objects.filter(status=CycleStatus.AWAITING_AMOUNT).select_related("subscription")[:_RECENT]
        if waiting:
            cycle = draw.choice(list(waiting))
            said = {"due_on": str(cycle.due_on), "amount": {"value": draw.choice(_PARTS), "currency": "PHP"}}
            server.post(f"subscriptions/{cycle.subscription.number}/amounts", said)

    def _server(self, draw: random.Random) -> None:
        server, orders = self.town.server, self._orders[-_RECENT:]
        if not orders:
            return
        number, mood = draw.choice(orders), draw.random()
        if mood < 0.5:
            amount = {"value": draw.choice(_PARTS), "currency": "PHP"}
            server.post(f"orders/{number}/refunds", {"amount": amount})
        elif mood < 0.7:
            server.post(f"orders/{number}/cancel")
        elif mood < 0.8:
            server.post(f"orders/{number}/declarations", {**OFFICE, "suborder": clock.fresh_id("P")})
        elif mood < 0.9:
            self._posts_an_amount(draw)
        else:
            server.get(f"orders/{number}")

    def _clerk(self, clerk: Clerk) -> Callable[[random.Random], None]:
        def act(draw: random.Random) -> None:
            if not clerk.is_in:
                clerk.signs_in()
            rows = Payment.objects.exclude(status=PaymentStatus.CANCELLED).order_by("-pk")[:_RECENT]
            if rows:
                name = draw.choice(("ask", "give_back", "refund", "cancel"))
                try:
                    form = clerk.opens(draw.choice(list(rows)), name)
                except LookupError as page:
                    clerk.is_in = "Password" not in str(page)
                    raise
                form.is_sent(reason_code="BUYER_REQUEST")

        return act

    def _trouble(self, draw: random.Random) -> None:
        time.sleep(0.2)
        control, mood = self.town.control, draw.random()
        if mood < 0.2 and self.town.backend is not None:
            self.town.backend.is_now(draw.choice(backend.MOODS))
        elif mood < 0.6:
            control.fault(draw.choice(_FAULTS), api=draw.choice(_FAULTY_APIS))
        elif mood < 0.9:
            fault = draw.choice(_TROUBLE_WITH_NEWS)
            options = {"seconds": 30} if fault == "notification_late" else {}
            control.fault(fault, notification=draw.choice(("notifyPayment", "notifyRefund")), **options)
        else:
            control.revoke_in_the_wallet(
                draw.choice(self.town.names), draw.choice(list(self.town.wallets)), IN_THE_WALLET
            )
