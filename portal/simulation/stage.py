"""The stage of a history: both databases as they stood when the shop opened, put back before every history.

Setting it up once costs what twenty steps cost. On SQLite a history is told inside one transaction that is taken back
at its end: the pages of a copy, put in place of those that are there, would let SQLite forget every statement it has
parsed and planned, which costs as much as ten steps. What else was written since is a case for the copy. On PostgreSQL
the tables are emptied and the same opening is told again, from the same seed, to the same rows.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import Group, User
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connection, connections

from authorizations import operations as binding
from authorizations.models import Authorization, Buyer
from authorizations.states import Messenger
from payments.customs.operations import set_rule
from payments.customs.states import CustomsOffice, RuleScope
from payments.models import Plan, Product
from payments.operations.permission import MONEY_BACK
from payments.operations.products import add_product
from payments.subscriptions import operations as recurring
from payments.subscriptions.states import Interval
from portal import accounts, approvals, catalogue, clock, merchant_keys, roles
from portal.acquirer import Terminal, TerminalType
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.gateways import adapter_of, notification_url, speaking_over
from portal.models import AcquirerAccount, AcquirerKey, ApprovalRule
from portal.money import Money
from portal.sandbox.context import Keys, Settings
from portal.sandbox.engine import Engine
from portal.sandbox.merchants import FIRST_CLIENT, FIRST_PARTNER
from portal.sandbox.store import Store
from portal.sandbox.terms import ALIPAYPLUS, ANTOM, TERMS
from portal.sandbox.wallets import WALLETS as CHARGED
from portal.simulation.agenda import Agenda
from portal.simulation.doors import Asked, Doors
from portal.simulation.line import Delivery, Line, Seams, session_to
from reconciliation import operations as reconciling
from reconciliation.contracts import HUNDREDTHS

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WALLETS = {
    "GCASH": "PHP",
    "DANA": "IDR",
    "KAKAOPAY": "KRW",
    "DIRECT_DEBIT_SIAMCOMMERCIALBANK": "THB",
    "ALIPAY_CN": "CNY",
}
"""Of each kind one: refreshed, one token only, never refreshed in a won of no decimals, not cancelled once paid, and
declared to customs, which every buyer has bound."""
DECLARED = "ALIPAY_CN"
"""The wallet whose payments can be declared, where the acquirer takes declarations."""
BUYERS = {"sim": ("ines", "milo", "tess"), "two": ("ines", "olga")}
"""By account. Two merchants know somebody as ines: one wallet's user, two customers."""
PEOPLE = tuple(sorted({name for names in BUYERS.values() for name in names}))
CLIENTS = {"sim": FIRST_CLIENT, "two": FIRST_PARTNER}
CUSTOMERS = {"sim": "2188000000000042", "two": "102218800000000043"}
PROTOCOLS = {"sim": ANTOM, "two": ALIPAYPLUS}
"""Each account has its own; the buyers of both shops bind through either."""
DAYS = {"sim": 1, "two": 2}
"""N of T+N, as the sandbox settles with them."""
_ADAPTERS = {ANTOM: AcquirerAccount.Adapter.ANTOM, ALIPAYPLUS: AcquirerAccount.Adapter.ALIPAYPLUS}
CONTRACTED = {"sim": tuple(WALLETS), "two": ("GCASH", "DANA", "KAKAOPAY")}
"""What the catalogues begin with; more may be added to the second, whose acquirer has no Thai bank at all."""
PLACES = ("two", "sim")
"""Through which accounts buyers bind, the preferred one first, until staff says otherwise."""
PLACED_FROM = {"sim": 1, "two": 0}
"""From which of its buyers on; the one before could bind through the account of the shop alone."""
STAFF = {
    "sam": (roles.SUPPORT, 3),
    "ofelia": (roles.OPERATOR, 12),
    "finn": (roles.FINANCE, 3),
    "fay": (roles.FINANCE, 2),
    "audrey": (roles.AUDITOR, 1),
    "ada": (roles.ADMINISTRATOR, 1),
}
"""Their roles, and how often each does something."""
PRINCIPAL_OF = {"ofelia": "finn"}
"""Whom somebody stands in for."""
ALONE = {"PHP": 1_000_00, "IDR": 100_000_00, "KRW": 1_000, "THB": 1_000_00, "CNY": 1_000_00}
A_DAY = {currency: 2 * value for currency, value in ALONE.items()}
"""What one person gives back alone, at once and in a day."""
PRICES = {"PHP": 149_00, "IDR": 50_000_00, "KRW": 9_900, "THB": 320_00, "CNY": 88_00}
"""What a pass costs."""
PHONE = Terminal(terminal_type=TerminalType.MINI_APP, os_type="ANDROID")
PURSE = 500_000_00
PORTAL = "http://127.0.0.1:8"
_OPENING = 0
"""The seed of the opening, which is the same for every history."""
_APPS = ("portal", "authorizations", "payments", "reconciliation")


@dataclass(frozen=True)
class Opened:
    """What the opening left behind, by name."""

    accounts: dict[str, AcquirerAccount]
    merchant_keys: dict[str, str]
    buyers: list[Buyer]
    sessions: dict[int, str]
    """Session tokens by buyer."""
    staff: dict[str, User]


@dataclass(frozen=True)
class Scene:
    """What a history begins with: both sides as the shop opens, and what the worker has to do."""

    opened: Opened
    store: Store
    agenda: Agenda


class Stage:
    """Sets the scene, as often as wanted."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._portal: sqlite3.Connection | None = None
        self._left: object = None
        """How the portal's database was left, on SQLite: nothing was written since when it still reads like that."""
        self._acquirer = Store()
        self._opened: Opened | None = None

    @cached_property
    def _agenda(self) -> Agenda:
        return Agenda()

    @contextmanager
    def played(self) -> Iterator[Scene]:
        """The scene of one history; what that leaves in the portal's database is taken back where it can be."""
        opened, store = self.set()
        if connection.vendor != "sqlite":
            yield Scene(opened, store, self._agenda)
            return
        with _taken_back():
            yield Scene(opened, store, self._agenda)
        self._left = _rows_written()

    def set(self) -> tuple[Opened, Store]:
        """Both sides as the shop opens; the clock in force is left to the caller."""
        if self._opened is not None and self._portal is not None:
            connection.ensure_connection()
            if self._left != _rows_written():
                self._portal.backup(connection.connection)
        else:
            _empty_the_database()
            self._acquirer = Store()
            with clock.using(clock.VirtualClock(START), seed=_OPENING):
                self._opened = _open_the_shop(self._keys, self._acquirer)
            if connection.vendor == "sqlite":
                self._portal = sqlite3.connect(":memory:", check_same_thread=False)
                connection.connection.backup(self._portal)
        self._left = _rows_written()
        return self._opened, self._acquirer.copy()


def engine_on(store: Store, keys: Keys, on: clock.Clock, delivery: Delivery) -> Engine:
    """The acquirer of a history."""
    settings = Settings(keep_calls=False)
    return Engine(store, on, delivery, keys=keys, settings=settings, public_url="http://127.0.0.1:9")


def _open_the_shop(keys: Keys, store: Store) -> Opened:
    delivery, doors = Delivery(), Doors()
    engine = engine_on(store, keys, clock.current(), delivery)
    with engine.store.transaction():
        for name in PEOPLE:
            engine.store.run("INSERT INTO users (id, name) VALUES (?, ?)", (name, name.title()))
    for name in PEOPLE:
        for wallet in WALLETS:
            engine.set_balance(name, wallet, PURSE)
    opened = Opened(
        accounts={slug: _account(slug, keys, engine) for slug in CLIENTS},
        merchant_keys={},
        buyers=[],
        sessions={},
        staff={name: _person(name, role) for name, (role, _) in STAFF.items()},
    )
    _set_the_rules(opened.staff)
    with speaking_over(session_to(engine, Seams(), Line())):
        for slug, account in opened.accounts.items():
            _, opened.merchant_keys[slug] = merchant_keys.create(account, slug, by=Actor.command("simulate"))
            product = add_product(
                account,
                "pass",
                "Pass",
                description="A day of everything.",
                is_digital=True,
                prices={currency: Money(value, currency) for currency, value in PRICES.items()},
                by=Actor.command("simulate"),
            )
            _offer_plans(account, product)
            for wallet in WALLETS:
                _agree_on_the_fee(account, wallet)
            for position, name in enumerate(BUYERS[slug]):
                if position == PLACED_FROM[slug]:
                    places = [opened.accounts[one] for one in PLACES]
                    accounts.order_places(account, places, by=Actor.command("simulate"), note="the cheaper one first")
                buyer = Buyer.objects.create(account=account, reference=name)
                opened.buyers.append(buyer)
                asked = Asked("POST", "/sessions", opened.merchant_keys[slug], {"customer": name}, "")
                opened.sessions[buyer.pk] = doors.ask(asked).body["token"]
                for wallet in (*(list(WALLETS) * 2)[position : position + 2], DECLARED):
                    _bind(engine, buyer, wallet)
    engine.tick()
    return opened


def _account(slug: str, keys: Keys, engine: Engine) -> AcquirerAccount:
    """An account, ready on both sides."""
    is_first = PROTOCOLS[slug] == ANTOM
    account = AcquirerAccount.objects.create(
        name=f"Shop {slug}",
        slug=slug,
        adapter=_ADAPTERS[PROTOCOLS[slug]],
        gateway_url="http://127.0.0.1:9",
        client_id=CLIENTS[slug],
        customer_id=CUSTOMERS[slug],
        private_key=keys.merchant if is_first else keys.alipayplus_merchant,
        public_key=keys.merchant_public if is_first else keys.alipayplus_merchant_public,
        merchant_reference="" if is_first else "M002",
        merchant_legal_name="" if is_first else "Example Trading Ltd",
        protocol_settings={} if is_first else {"unbinding": "unless_charged"},
        notify_base_url=PORTAL,
        app_id="3333010071465913",
        settlement_days=DAYS[slug],
        settlement_grace_days=0,  # what comes later is missing first
    )
    catalogue.begin(account, CONTRACTED[slug])
    theirs = keys.acquirer_public if is_first else keys.alipayplus_public
    AcquirerKey.objects.create(account=account, version="1", public_key=theirs)
    engine.register_merchant(
        client_id=account.client_id,
        protocol=PROTOCOLS[slug],
        customer_id=account.customer_id,
        public_key=account.public_key,
        notify_urls={kind: notification_url(account, kind) for kind, _ in adapter_of(account).connecting.notifications},
    )
    return account


def _offer_plans(account: AcquirerAccount, product: Product) -> None:
    """What can be subscribed to, in every currency: a price each week or month, or a meter the shop's server reads."""
    for currency, value in PRICES.items():
        for interval, price in ((Interval.WEEK, value), (Interval.MONTH, value), (Interval.MONTH, None)):
            plan = Plan(
                account=account,
                product=product,
                code=f"{'metered' if price is None else interval.lower()}-{currency.lower()}",
                name=f"Pass, {interval.lower()}",
                currency=currency,
                amount_value=price,
                interval=interval,
                anchor_day=31 if interval is Interval.MONTH and price else None,
                zone="Asia/Manila",
            )
            recurring.add_plan(plan, by=Actor.command("simulate"))


def declare_by_itself(account: AcquirerAccount) -> None:
    """What is paid through this account goes through customs by itself until somebody changes the rule."""
    set_rule(
        account,
        customs_code=CustomsOffice.ZONGSHU,
        merchant_customs_code="3301961A7X",
        merchant_customs_name="Example Trading Ltd",
        scope=RuleScope.EVERYTHING,
        skus=[],
        is_active=True,
        by=Actor.command("simulate"),
    )


def _agree_on_the_fee(account: AcquirerAccount, wallet: str) -> None:
    """The contract says what the acquirer charges, so that a fee that differs is one that was planted."""
    rate = CHARGED[wallet].fee_rate + TERMS[PROTOCOLS[account.slug]].service_fee_rate
    reconciling.add_contract(
        account,
        wallet,
        Money(0, account.settlement_currency),
        int(rate * HUNDREDTHS),
        valid_from=START.date(),
        drift_percent=50,
        by=Actor.command("simulate"),
    )


def _person(name: str, role: str) -> User:
    person, _ = User.objects.get_or_create(username=name, is_staff=True)
    person.groups.set([Group.objects.get(name=role)])
    person.get_all_permissions()  # looked up once, kept on the person
    return person


def _set_the_rules(staff: dict[str, User]) -> None:
    for currency, value in ALONE.items():
        ApprovalRule.objects.create(
            kind=MONEY_BACK,
            currency=currency,
            above_value=value,
            above_a_day_value=A_DAY[currency],
            approvers=[roles.FINANCE, roles.ADMINISTRATOR],
        )
    for deputy, principal in PRINCIPAL_OF.items():
        end = clock.now() + timedelta(days=90)
        approvals.name_deputy(staff[deputy], starts_at=clock.now(), ends_at=end, by=Actor.person(staff[principal]))


def _bind(engine: Engine, buyer: Buyer, wallet: str) -> None:
    attempt = binding.begin(
        buyer, wallet, terminal=PHONE, redirect_url=f"{PORTAL}/return", by=Actor.buyer(buyer.reference)
    )
    if isinstance(attempt, Authorization):
        code = engine.agree(attempt.auth_url, buyer.reference, wallet).auth_code or ""
        binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)


def _empty_the_database() -> None:
    tables = [name for name in connection.introspection.django_table_names(only_existing=True) if _is_ours(name)]
    statements = connection.ops.sql_flush(no_style(), tables, allow_cascade=True, reset_sequences=True)
    connection.ops.execute_sql_flush(statements)


def _is_ours(table: str) -> bool:
    """The journal cannot be emptied, by nobody: in it the histories of a run stand one after the other."""
    return table.split("_", maxsplit=1)[0] in _APPS and table not in ("portal_cache", "portal_journalentry")


def _rows_written() -> object:
    """How many rows this connection has written in all, taken back or not; None where the driver cannot say."""
    line = connection.connection
    return (line, line.total_changes) if connection.vendor == "sqlite" else None


@contextmanager
def _taken_back() -> Iterator[None]:
    """One transaction around all that happens, taken back at the end; those of the portal are savepoints in it.

    They are begun, committed and rolled back where they ever are; only that SQLite looks at foreign keys when the
    outermost ends, so whoever tells a history asks for them (``dangling``).
    """
    line = connection.connection

    def roll_back() -> None:
        line.execute("ROLLBACK TO portal")
        line.execute("RELEASE portal")

    words = {
        "_start_transaction_under_autocommit": lambda: line.execute("SAVEPOINT portal"),
        "_commit": lambda: line.execute("RELEASE portal"),
        "_rollback": roll_back,
        "_set_autocommit": lambda _is_on: None,  # the driver commits whatever is open when this is switched
    }
    with ExitStack() as said:
        for name, instead in words.items():
            said.enter_context(patch.object(connections[DEFAULT_DB_ALIAS], name, instead))
        line.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            line.rollback()


def dangling() -> list[str]:
    """The rows that point to one that is not there. PostgreSQL has looked for them at every commit."""
    if connection.vendor != "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_key_check")
        return [f"row {row} of {table} points to no row of {other}" for table, row, other, _ in cursor.fetchall()]


@contextmanager
def in_haste() -> Iterator[None]:
    """SQLite without waiting for the disk: what a history loses in a power cut is lost anyway."""
    if connection.vendor != "sqlite":
        yield
        return
    _pragma("synchronous = OFF")
    try:
        yield
    finally:
        _pragma("synchronous = FULL")


def _pragma(text: str) -> Any:
    with connection.cursor() as cursor:
        return cursor.execute(f"PRAGMA {text}")
