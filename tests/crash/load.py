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

from payments.models import Payment
from payments.states import PaymentStatus
from portal.outage import DATABASE_GONE
from portal.sandbox.control import ControlFailed
from tests.crash import backend
from tests.crash.books import IN_THE_WALLET
from tests.crash.callers import GaveUp, Refused
from tests.crash.town import WALLETS, Clerk, Shopper, Town

PATIENCE_SECONDS = 90
NAPS = (0.0, 0.05)
"""Seconds between two acts of a person."""
_RECENT = 60
_PARTS = ("5000", "10000", "20000", "49900")
_FAULTS = ("answer_lost", "request_lost", "http_500", "answer_unsigned", "answer_wrongly_signed")
_FAULTY_APIS = ("pay", "cancel", "refund", "inquiryPayment", "inquiryRefund", "applyToken", "revoke", "consult")
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
        wallet = draw.choice(list(WALLETS))
        wallet_id = shopper.binds(wallet)
        if wallet_id is None:
            return
        number = shopper.orders(WALLETS[wallet])
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
            control.revoke_in_the_wallet(draw.choice(self.town.names), draw.choice(list(WALLETS)), IN_THE_WALLET)
