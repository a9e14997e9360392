"""The people of the stories: a shop, its customers, the acquirer, and time.

A story speaks in these words and asserts the whole picture; what happens beneath them is the real code of both sides.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection, connections

from authorizations import operations as binding
from authorizations.models import Authorization, Buyer, WalletAccount
from authorizations.states import Messenger
from payments import operations as paying
from payments.models import Cancel, Order, Payment, Plan, Product, Refund, Subscription
from payments.states import ReasonCode
from payments.subscriptions import operations as recurring
from payments.subscriptions.states import Interval
from portal import catalogue, clock, work
from portal.acquirer import Terminal, TerminalType
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.models import AcquirerAccount, Due, PaymentMethod
from portal.money import Money
from portal.sandbox.engine import ROUTES, Response
from portal.sandbox.server import Sandbox

PHONE = Terminal(terminal_type=TerminalType.MINI_APP, os_type="ANDROID")
FULL_PURSE = 10_000_000_00


def PHP(value: int) -> Money:  # noqa: N802 - reads like the currency it is
    """An amount in centavos."""
    return Money(value, "PHP")


def may_be_due(at: datetime) -> bool:
    """Whether a row of any kind has its moment by then, held or not.

    One question, in whose place the worker tries to claim rows of every kind: that would be half of a story's time.
    """
    quote = connection.ops.quote_name
    tables = [quote(model._meta.db_table) for model in apps.get_models() if issubclass(model, Due)]
    question = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE due_at <= %s)" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {question}", [connection.ops.adapt_datetimefield_value(at)] * len(tables))
        return bool(cursor.fetchone()[0])


class StoryClock(clock.VirtualClock):
    """A virtual clock that a new story sets back to its start."""

    def restart(self, at: datetime) -> None:
        self._now = at.astimezone(UTC)


class Acquirer:
    """The sandbox as a story speaks of it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.engine = sandbox.engine
        self._meanwhile: list[tuple[str, str, Callable[[], object]]] = []
        self._lock = threading.Lock()
        self.mishaps: list[BaseException] = []

    def meanwhile(self, api: str, act: Callable[[], object], *, moment: str = "done") -> None:
        """Let somebody else act while a call is on its way: once it is ``done``, or when it has just ``come``.

        The caller waits for the answer all the while, as it would on the wire.
        """
        self._meanwhile.append((api, moment, act))
        self.engine.handle = self._handle  # type: ignore[method-assign]

    def let_go(self) -> None:
        """Answer as the sandbox does again."""
        self.engine.__dict__.pop("handle", None)

    def _handle(self, method: str, uri: str, headers: Mapping[str, str], body: bytes) -> Response:
        api = ROUTES[uri.split("?", maxsplit=1)[0]][0]
        self._let_others_act(api, "come")
        response = type(self.engine).handle(self.engine, method, uri, headers, body)
        self._let_others_act(api, "done")
        return response

    def _let_others_act(self, api: str, moment: str) -> None:
        with self._lock:
            due = next((one for one in self._meanwhile if one[:2] == (api, moment)), None)
            if due is None:
                return
            self._meanwhile.remove(due)
        try:
            due[2]()
        except BaseException as reason:
            self.mishaps.append(reason)
        finally:
            connections.close_all()

    def will(self, fault: str, **options: Any) -> None:
        """Let something go wrong, in the sandbox's own words."""
        self.engine.set_fault(fault, **options)

    def heals(self) -> None:
        """Let nothing go wrong any more."""
        self.engine.clear_faults()

    def tick(self) -> None:
        """Deliver what is due now."""
        self.engine.tick()

    def took_from(self, buyer: "Customer") -> list[Money]:
        """What left the buyer's purse, payment by payment."""
        return self.engine.taken_from(buyer.name)

    def gave_back_to(self, buyer: "Customer") -> list[Money]:
        """What came back into it."""
        return self.engine.given_back_to(buyer.name)

    def calls(self, api: str) -> list[dict[str, Any]]:
        """What the portal asked of it, oldest first."""
        from portal.sandbox.control import SandboxControl  # noqa: PLC0415

        return SandboxControl(self.sandbox.url).calls(api=api)


class Customer:
    """A buyer: agrees in the wallet, presses Pay, revokes."""

    def __init__(self, shop: "Shop", name: str) -> None:
        self.shop, self.name = shop, name
        self.row, _ = Buyer.objects.get_or_create(account=shop.account, reference=name)
        self._engine = shop.acquirer.engine

    @property
    def by(self) -> Actor:
        return Actor.buyer(self.name)

    def owns(self, wallet: str, value: int = FULL_PURSE) -> None:
        """Have an account at a wallet with this much in it, in minor units."""
        from portal.sandbox.control import SandboxControl  # noqa: PLC0415

        control = SandboxControl(self.shop.acquirer.sandbox.url)
        if self.name not in {user["id"] for user in control.users()}:
            control.add_user(self.name, self.name.title())
        control.set_balance(self.name, wallet, value)

    def begins(self, wallet: str = "GCASH") -> Authorization | WalletAccount:
        """Press "add this wallet"."""
        return binding.begin(self.row, wallet, terminal=PHONE, redirect_url=f"{self.shop.url}/return", by=self.by)

    def agrees(self, attempt: Authorization) -> tuple[str, str]:
        """Agree on the wallet's page; the (authCode, authState) the wallet hands back."""
        decision = self._engine.agree(attempt.auth_url, self.name, wallet=attempt.wallet)
        return decision.auth_code, decision.auth_state

    def binds(self, wallet: str = "GCASH", *, purse: int = FULL_PURSE) -> WalletAccount:
        """Bind a wallet, all the way."""
        self.owns(wallet, purse)
        attempt = self.begins(wallet)
        if isinstance(attempt, WalletAccount):
            return attempt
        code, state = self.agrees(attempt)
        assert state == attempt.auth_state
        attempt = binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
        assert attempt.wallet_account is not None, (attempt.status, attempt.result_code)
        return attempt.wallet_account

    def wallet(self, wallet: str = "GCASH") -> WalletAccount:
        """The newest binding of this wallet."""
        return WalletAccount.objects.filter(buyer=self.row, wallet=wallet).latest("pk")

    def subscribes(self, plan: Plan, wallet: WalletAccount | None = None, **terms: Any) -> Subscription:
        """Agree to a plan, on the newest bound wallet; what is due at once is charged at once."""
        begun = recurring.start(self.row, plan, wallet or self.wallet(), by=self.by, **terms)
        self.shop.comes_to_rest()
        begun.refresh_from_db()
        return begun

    def revokes_in_the_wallet(self, wallet: str = "GCASH") -> None:
        """End it in the wallet's own app."""
        self._engine.revoke_in_the_wallet(self.name, wallet, reason="no longer needed")
        self._engine.tick()


class Shop:
    """The merchant."""

    def __init__(self, account: AcquirerAccount, acquirer: Acquirer, story_clock: StoryClock) -> None:
        self.account, self.acquirer, self._clock = account, acquirer, story_clock
        self.url = account.notify_base_url
        self.staff = Actor.command("story")

    def customer(self, name: str) -> Customer:
        """Somebody who buys here."""
        return Customer(self, name)

    def contracts(self, wallet: str) -> PaymentMethod:
        """Have the contract widened by a wallet."""
        return self.says_of(wallet, is_contracted=True)

    def says_of(self, wallet: str, **said: Any) -> PaymentMethod:
        """Keep the catalogue: say what a payment method is from now on."""
        method = PaymentMethod.objects.get(account=self.account, code=wallet)
        return catalogue.change(method, said, by=self.staff)

    def sells(self, what: str, amount: Money, *, to: Customer) -> Order:
        """Place an order at an amount."""
        return paying.place_merchant_order(to.row, amount, description=what, reference="", by=self.staff)

    def offers(self, amount: Money | None, *, interval: Interval = Interval.MONTH, **terms: Any) -> Plan:
        """Offer a plan; ``amount=None`` is a metered one in PHP."""
        product, _ = Product.objects.get_or_create(account=self.account, sku="pass", defaults={"name": "Pass"})
        terms = {"zone": "Asia/Manila", "name": "Monthly pass", "currency": "PHP"} | terms
        plan = Plan(
            account=self.account,
            product=product,
            code=f"plan-{Plan.objects.count() + 1}",
            amount_value=amount.value if amount else None,
            interval=interval,
            **terms,
        )
        return recurring.add_plan(plan, by=self.staff)

    def charges(self, order: Order, wallet: WalletAccount | None = None) -> Payment:
        """Debit the order from the buyer's newest wallet."""
        wallet = wallet or WalletAccount.objects.filter(buyer=order.buyer).latest("pk")
        return paying.pay(order, wallet, by=self.staff, terminal=PHONE)

    def refunds(self, payment: Payment, amount: Money | None = None) -> Refund:
        """Give an amount back by refund."""
        payment.refresh_from_db()
        return paying.refund(payment, amount or payment.refundable, by=self.staff, reason_code=ReasonCode.BUYER_REQUEST)

    def cancels(self, payment: Payment) -> Cancel:
        """Cancel a payment."""
        return paying.cancel(payment, by=self.staff, reason_code=ReasonCode.BUYER_REQUEST)

    def gives_back(self, payment: Payment) -> Cancel | Refund:
        """Give everything back, whichever way."""
        return paying.give_money_back(payment, by=self.staff, reason_code=ReasonCode.BUYER_REQUEST)

    def clock_stands_at(self, moment: datetime) -> None:
        """Let it be later at once, with nobody having done anything meanwhile."""
        self._clock.set(max(clock.now(), moment))

    def seconds_pass(self, seconds: float) -> None:
        """Let some seconds pass in which nobody does anything."""
        self._clock.move(timedelta(seconds=seconds))

    def clock_moves(self, **span: float) -> None:
        """Let time pass on both sides, doing everything at the moment it falls due."""
        self.clock_moves_to(clock.now() + timedelta(**span))

    def clock_moves_to(self, target: datetime) -> None:
        """Let time pass until a moment."""
        self.comes_to_rest()
        while True:
            ours = work.next_due() if may_be_due(target) else None
            moments = [m for m in (ours, self.acquirer.engine.next_due()) if m is not None and m <= target]
            if not moments:
                break
            self._clock.set(max(clock.now(), min(moments)))
            if not self.comes_to_rest():
                self._clock.move(timedelta(milliseconds=200))
        if target > clock.now():
            self._clock.set(target)
        self.comes_to_rest()

    def comes_to_rest(self) -> int:
        """Do everything that is due now, on both sides."""
        done = 0
        while True:
            now_done = self.acquirer.engine.tick()
            if may_be_due(clock.now()):
                now_done += sum(1 for _ in work.run_due())
            if not now_done:
                return done
            done += now_done
