"""One small world: an acquirer, an account, a few buyers, the staff, and everything they may do.

Every act is a real one: the operations of the apps, the sandbox's own verbs, the worker's own loop. An act that is
refused is refused in words (PortalError), which is an ordinary end; any other exception is a failure of the history.
"""

import itertools
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from authorizations import operations as binding
from authorizations.models import Authorization, Buyer, WalletAccount
from authorizations.states import AuthorizationStatus, Messenger
from payments import operations as paying
from payments.models import Order, Payment, Refund
from payments.states import PaymentStatus, ReasonCode
from portal import clock, work
from portal.acquirer import Terminal, TerminalType
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.errors import PortalError
from portal.models import AcquirerAccount, AcquirerKey, Incident
from portal.money import Money
from portal.sandbox.authorizations import LinkUnusable
from portal.sandbox.context import Keys, Settings
from portal.sandbox.engine import Engine
from portal.sandbox.merchants import FIRST_CLIENT
from portal.sandbox.store import Store
from portal.simulation.line import Delivery, Seams

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WALLETS = {"GCASH": "PHP", "DANA": "IDR", "KAKAOPAY": "KRW", "DIRECT_DEBIT_SIAMCOMMERCIALBANK": "THB"}
BUYERS = ("ines", "milo", "tess")
PHONE = Terminal(terminal_type=TerminalType.MINI_APP, os_type="ANDROID")
PURSE = 500_000_00
STAFF = Actor.command("simulate")

_ANSWER_FAULTS = ("answer_lost", "request_lost", "answer_wrongly_signed", "answer_unsigned", "http_500")
_APIS = ("consult", "applyToken", "revoke", "pay", "inquiryPayment", "cancel", "refund", "inquiryRefund")
_NOTIFICATION_FAULTS = (
    "notification_doubled",
    "notification_out_of_order",
    "notification_lost",
    "notification_wrongly_signed",
    "notification_late",
    "notification_wrong_amount",
)
_NOTIFICATIONS = ("notifyAuthorization", "notifyPayment", "notifyRefund")
_UNKNOWN_CODES = {
    "consult": ("UNKNOWN_EXCEPTION", "REQUEST_TRAFFIC_EXCEED_LIMIT"),
    "applyToken": ("UNKNOWN_EXCEPTION", "AUTH_IN_PROCESS", "SYSTEM_ERROR"),
    "revoke": ("UNKNOWN_EXCEPTION", "SYSTEM_ERROR"),
    "pay": ("REQUEST_TRAFFIC_EXCEED_LIMIT", "UNKNOWN_EXCEPTION", "PROCESS_FAIL", "INVALID_ACCESS_TOKEN"),
    "inquiryPayment": ("UNKNOWN_EXCEPTION", "SYSTEM_ERROR", "PAYMENT_IN_PROCESS"),
    "cancel": ("UNKNOWN_EXCEPTION", "CANCEL_WINDOW_EXCEED", "PROCESS_FAIL"),
    "refund": ("UNKNOWN_EXCEPTION", "MERCHANT_BALANCE_NOT_ENOUGH", "PROCESS_FAIL"),
    "inquiryRefund": ("UNKNOWN_EXCEPTION", "SYSTEM_ERROR"),
}


class World:
    """Both sides, as new, under a clock of their own."""

    def __init__(self, seed: int, keys: Keys, seams: Seams) -> None:
        self.clock = clock.VirtualClock(START)
        clock.use(self.clock, seed=seed)
        self.delivery = Delivery()
        self.engine = Engine(
            Store(),
            self.clock,
            self.delivery,
            keys=keys,
            settings=Settings(keep_calls=False),
            public_url="http://127.0.0.1:9",
        )
        self.seams = seams
        self.faults: dict[str, int] = {}
        self.codes: list[tuple[int, str]] = []
        """Codes the wallets handed out and nobody brought yet: (attempt, code)."""
        self.account = AcquirerAccount.objects.create(
            name="Simulated",
            slug="sim",
            gateway_url="http://127.0.0.1:9",
            client_id=FIRST_CLIENT,
            private_key=keys.merchant,
            public_key=keys.merchant_public,
            wallets=list(WALLETS),
            notify_base_url="http://127.0.0.1:8",
            app_id="3333010071465913",
        )
        AcquirerKey.objects.create(account=self.account, version="1", public_key=keys.acquirer_public)
        self.buyers = [Buyer.objects.create(account=self.account, reference=name) for name in BUYERS]
        with self.engine.store.transaction():
            for name in BUYERS:
                self.engine.store.run("INSERT INTO users (id, name) VALUES (?, ?)", (name, name.title()))
        for name in BUYERS:
            for wallet in WALLETS:
                self.engine.set_balance(name, wallet, PURSE)

    def has_customers(self, rng: random.Random) -> None:
        """Let every buyer have a wallet or two bound before the history begins."""
        for buyer in self.buyers:
            for wallet in rng.sample(list(WALLETS), k=2):
                attempt = self._asks(buyer, wallet)
                if isinstance(attempt, Authorization):
                    code = self.engine.agree(attempt.auth_url, buyer.reference).auth_code or ""
                    binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)

    # Buyers.

    def _asks(self, buyer: Buyer, wallet: str) -> Authorization | WalletAccount:
        by = Actor.buyer(buyer.reference)
        return binding.begin(buyer, wallet, terminal=PHONE, redirect_url="http://127.0.0.1:8/return", by=by)

    def begins(self, rng: random.Random) -> str:
        """A buyer asks to bind a wallet."""
        buyer, wallet = rng.choice(self.buyers), rng.choice(list(WALLETS))
        found = self._asks(buyer, wallet)
        if isinstance(found, WalletAccount):
            return f"{buyer} asks to bind {wallet}: bound already"
        return f"{buyer} asks to bind {wallet}: {found.status}"

    def decides(self, rng: random.Random) -> str:
        """A buyer agrees or refuses on the wallet's page; the callback comes at once, later, or never."""
        attempt = _any(rng, Authorization.objects.filter(status=AuthorizationStatus.OFFERED))
        if attempt is None:
            return ""
        with suppress(LinkUnusable):
            if rng.random() < 0.2:
                self.engine.refuse(attempt.auth_url)
                binding.report_failure(attempt, rng.choice(("6001", "7001", "7002", "x")), by=STAFF)
                return f"{attempt.buyer} refuses"
            decision = self.engine.agree(attempt.auth_url, attempt.buyer.reference)
            self.codes += [(attempt.pk, decision.auth_code or "")] * rng.choice((0, 1, 1, 2))
            return f"{attempt.buyer} agrees to {attempt.wallet}"
        return f"{attempt.buyer} opens a used link"

    def brings_a_code(self, rng: random.Random) -> str:
        """A callback or a redirect brings a code: the right attempt's, or, now and then, somebody else's."""
        if not self.codes:
            return ""
        pk, code = self.codes.pop(rng.randrange(len(self.codes)))
        attempt = Authorization.objects.get(pk=pk)
        note = "brings its code"
        if rng.random() < 0.1:
            other = _any(rng, Authorization.objects.exclude(buyer=attempt.buyer))
            if other is not None:
                # Only a used code may be tried by a stranger: an unused one is between the buyer and the wallet.
                used = Authorization.objects.filter(pk=pk).exclude(auth_code_index="").exists()
                if used:
                    attempt, note = other, "brings a stranger's code"
        door = rng.choice((Messenger.BUYER, Messenger.REDIRECT))
        found = binding.redeem(attempt, Secret(code), heard_from=door)
        return f"{attempt.buyer} {note}: {found.status}"

    def orders(self, rng: random.Random) -> str:
        """A buyer orders something in the currency of one of the wallets."""
        buyer, wallet = rng.choice(self.buyers), rng.choice(list(WALLETS))
        bound = _any(rng, WalletAccount.objects.filter(buyer=buyer, status="ACTIVE"))
        currency = WALLETS[bound.wallet if bound is not None and rng.random() < 0.9 else wallet]
        units = rng.randrange(100, 2000)
        amount = Money(units if currency == "KRW" else units * 100, currency)
        if currency == "IDR":
            amount = Money(units * 100_00, currency)
        order = paying.place_merchant_order(buyer, amount, description="Something", reference="", by=STAFF)
        return f"{buyer} orders for {order.amount}"

    def pays(self, rng: random.Random) -> str:
        """A buyer presses Pay, on any order, with any wallet of theirs; sometimes with somebody else's."""
        order = _any(rng, Order.objects.filter(status="INIT")) or _any(rng, Order.objects.all())
        if order is None:
            return ""
        wallets = WalletAccount.objects.filter(wallet__in=[w for w, c in WALLETS.items() if c == order.currency])
        if rng.random() < 0.95:
            wallets = wallets.filter(buyer=order.buyer)
        wallet = _any(rng, wallets.filter(status="ACTIVE")) or _any(rng, wallets)
        if wallet is None:
            return ""
        payment = paying.pay(order, wallet, by=Actor.buyer(order.buyer.reference), terminal=PHONE)
        return f"{order.buyer} pays {order.amount}: {payment.status} {payment.result_code}"

    def withdraws(self, rng: random.Random) -> str:
        """A buyer calls an order off."""
        order = _any(rng, Order.objects.all())
        return "" if order is None else f"order of {order.amount} called off: {paying.withdraw(order, by=STAFF).status}"

    def revokes(self, rng: random.Random) -> str:
        """A buyer or the staff end a binding."""
        wallet = _any(rng, WalletAccount.objects.exclude(status__in=("REVOKED", "REPLACED")))
        if wallet is None:
            return ""
        return f"{wallet} of {wallet.buyer} is revoked: {binding.revoke(wallet, by=STAFF).status}"

    def ends_in_the_wallet(self, rng: random.Random) -> str:
        """A buyer ends a binding in the wallet's own app."""
        name, wallet = rng.choice(BUYERS), rng.choice(list(WALLETS))
        ended = self.engine.revoke_in_the_wallet(name, wallet)
        return f"{name} ends {wallet} in the wallet ({ended})" if ended else ""

    # Staff.

    def refunds(self, rng: random.Random) -> str:
        """The staff give back some or all by refund."""
        payment = _any(rng, Payment.objects.filter(status=PaymentStatus.SUCCEEDED))
        if payment is None:
            return ""
        whole = payment.amount_value
        value = whole if rng.random() < 0.4 else max(1, int(whole * rng.random() * 1.2))
        if payment.currency == "IDR":
            value = max(100, value // 100 * 100)
        refund = paying.refund(payment, Money(value, payment.currency), by=STAFF, reason_code=ReasonCode.BUYER_REQUEST)
        return f"refund of {refund.amount}: {refund.status} {refund.result_code}"

    def cancels(self, rng: random.Random) -> str:
        """The staff cancel."""
        payment = _any(rng, Payment.objects.filter(status__in=("PROCESSING", "SUCCEEDED")))
        if payment is None:
            return ""
        return f"cancel: {paying.cancel(payment, by=STAFF, reason_code=ReasonCode.BUYER_REQUEST).status}"

    def gives_back(self, rng: random.Random) -> str:
        """The staff give the money back, whichever way."""
        payment = _any(rng, Payment.objects.all())
        if payment is None:
            return ""
        done = paying.give_money_back(payment, by=STAFF, reason_code=ReasonCode.DUPLICATE)
        return f"money back by {type(done).__name__.lower()}: {done.status}"

    def asks(self, rng: random.Random) -> str:
        """The staff ask the acquirer now."""
        payment = _any(rng, Payment.objects.all())
        refund = _any(rng, Refund.objects.all())
        if refund is not None and rng.random() < 0.4:
            return f"asked about a refund: {paying.ask_refund(refund).status}"
        return "" if payment is None else f"asked about a payment: {paying.ask(payment).status}"

    # Machines and time.

    def worker_looks(self, rng: random.Random) -> str:
        """The worker does what is due, or part of it."""
        done = len(list(itertools.islice(work.run_due(), rng.choice((1, 3, 50)))))
        return f"worker: {done} rows" if done else ""

    def acquirer_ticks(self, rng: random.Random) -> str:
        """The acquirer does what is due: results, notifications, day closes."""
        done = self.engine.tick()
        return f"acquirer: {done} things" if done else ""

    def time_passes(self, rng: random.Random) -> str:
        """Seconds mostly; sometimes to the next thing due, over midnight, or a day."""
        kind = rng.random()
        span = timedelta(seconds=rng.randrange(1, 20))
        if kind > 0.98:
            span = timedelta(hours=rng.randrange(6, 30))
        elif kind > 0.95:
            span = timedelta(minutes=rng.randrange(5, 90))
        elif kind > 0.5:
            moments = [m for m in (work.next_due(), self.engine.next_due()) if m is not None and m > clock.now()]
            upcoming = min(moments) - clock.now() if moments else span
            span = upcoming if upcoming < timedelta(minutes=6) or rng.random() < 0.1 else span
        self.clock.move(span)
        return f"time passes: {clock.now():%d %b %H:%M:%S}"

    def something_breaks(self, rng: random.Random) -> str:
        """A fault, in the sandbox's own words, for a call or a few."""
        kind = rng.randrange(10)
        calls = rng.choice((1, 1, 2, 3))
        if kind < 4:
            return self._breaks(rng.choice(_ANSWER_FAULTS), api=rng.choice(_APIS), calls=calls)
        if kind < 6:
            api = rng.choice(_APIS)
            return self._breaks("answer_code", api=api, code=rng.choice(_UNKNOWN_CODES[api]), calls=calls)
        if kind < 7:
            seconds = rng.choice((5, 30, 58, 70, 200))
            return self._breaks("payment_stays_processing", seconds=seconds, expires=rng.random() < 0.7)
        if kind < 8:
            return self._breaks("refund_stays_processing", seconds=rng.choice((10, 60, 600)))
        fault = rng.choice(_NOTIFICATION_FAULTS)
        options: dict[str, Any] = {"notification": rng.choice(_NOTIFICATIONS), "calls": calls}
        if fault == "notification_late":
            options["seconds"] = rng.choice((10, 90, 4000))
        return self._breaks(fault, **options)

    def _breaks(self, fault: str, **options: Any) -> str:
        self.engine.set_fault(fault, **options)
        self.faults[fault] = self.faults.get(fault, 0) + 1
        return f"fault: {fault} {options}"

    # The end of a history.

    def comes_to_rest(self) -> None:
        """Nothing breaks any more; days pass until nothing is due but what waits for a person."""
        self.engine.clear_faults()
        target = clock.now() + timedelta(days=5)
        while clock.now() < target:
            moments = [m for m in (work.next_due(), self.engine.next_due()) if m is not None]
            upcoming = min(moments, default=target)
            if upcoming > clock.now():
                self.clock.set(min(upcoming, target))
            done = self.engine.tick() + len(work.run_all_due())
            if not done:
                self.clock.move(timedelta(seconds=1))

    def open_incidents(self) -> set[tuple[str, str]]:
        """(kind, subject id) of what waits for a person."""
        return set(Incident.objects.filter(closed_at__isnull=True).values_list("kind", "subject_id"))


def _any(rng: random.Random, rows: Any) -> Any:
    """One of the rows, by position in the order they were made: the same story from the same seed."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    return rows.model.objects.get(pk=rng.choice(keys)) if keys else None


Act = Callable[[World, random.Random], str]
ACTS: dict[str, tuple[Act, int]] = {
    "begins": (World.begins, 3),
    "decides": (World.decides, 5),
    "brings a code": (World.brings_a_code, 5),
    "orders": (World.orders, 12),
    "pays": (World.pays, 16),
    "withdraws": (World.withdraws, 1),
    "revokes": (World.revokes, 1),
    "ends in the wallet": (World.ends_in_the_wallet, 1),
    "refunds": (World.refunds, 6),
    "cancels": (World.cancels, 3),
    "gives back": (World.gives_back, 3),
    "asks": (World.asks, 2),
    "worker looks": (World.worker_looks, 16),
    "acquirer ticks": (World.acquirer_ticks, 10),
    "time passes": (World.time_passes, 14),
    "something breaks": (World.something_breaks, 9),
}
"""What may happen, and how often."""

REFUSALS = (PortalError,)
