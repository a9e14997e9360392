"""The ground of every story: one clock for both sides, the real sandbox and the real portal on the loopback.

The sandbox's engine, behind its own HTTP server, and the portal, behind another, live in threads of the test's process
and share a clock that stands still until a story moves it. Everything between them crosses sockets, signed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cheroot import wsgi as cheroot_wsgi
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application

from portal import clock
from portal.models import AcquirerAccount, AcquirerKey
from portal.sandbox.server import Sandbox
from tests.story import Acquirer, Shop, StoryClock

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, 10:00 in UTC+8: far from every day boundary."""


def pytest_configure(config: pytest.Config) -> None:
    """Let no server thread hold a database connection open beyond its request."""
    from django.conf import settings  # noqa: PLC0415 - configured by now

    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        _empty_by_deleting()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def _empty_by_deleting() -> None:
    """Empty PostgreSQL's tables after a test row by row: they hold few, and TRUNCATE makes fifty files anew."""
    from django.db.backends.postgresql.operations import DatabaseOperations  # noqa: PLC0415 - where it is installed

    def sql_flush(self: DatabaseOperations, style: Any, tables: list[str], **_: bool) -> list[str]:
        return [f"DELETE FROM {self.quote_name(table)};" for table in tables]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def story_clock() -> StoryClock:
    """The one clock of the session; every test sets it to its start."""
    return StoryClock(START)


@pytest.fixture(autouse=True)
def _clock_in_force(story_clock: StoryClock) -> Iterator[None]:
    story_clock.restart(START)
    with clock.using(story_clock):
        yield


@pytest.fixture(scope="session")
def running_sandbox(story_clock: StoryClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox, served for the whole session; its time passes only when a story says so."""
    with Sandbox(story_clock, ticking=False, reports_folder=tmp_path_factory.mktemp("reports")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def portal_url(django_db_setup: None) -> Iterator[str]:
    """The portal, served for the whole session."""
    server = cheroot_wsgi.Server(
        ("127.0.0.1", 0), get_wsgi_application(), numthreads=8, request_queue_size=100, shutdown_timeout=1
    )
    server.prepare()
    import threading  # noqa: PLC0415

    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.bind_addr[1]}"
    server.stop()
    thread.join(2)


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The sandbox, as new."""
    running_sandbox.engine.reset()
    return running_sandbox


@pytest.fixture
def account(transactional_db: None, sandbox: Sandbox, portal_url: str, settings: Any) -> AcquirerAccount:
    """Our account at the sandbox, connected."""
    cache.clear()
    settings.PORTAL_BASE_URL = portal_url
    connection = sandbox.connection
    account = AcquirerAccount.objects.create(
        name="Sandbox",
        slug="sandbox",
        gateway_url=connection.gateway_url,
        client_id=connection.client_id,
        private_key=connection.merchant_private_key,
        public_key=connection.merchant_public_key,
        wallets=[
            "GCASH",
            "DANA",
            "TNG",
            "KAKAOPAY",
            "TRUEMONEY",
            "ALIPAY_HK",
            "ALIPAY_CN",
            "DIRECT_DEBIT_SIAMCOMMERCIALBANK",
        ],
        settlement_currency="USD",
        notify_base_url=portal_url,
        app_id="3333010071465913",
    )
    AcquirerKey.objects.create(account=account, version="1", public_key=connection.acquirer_public_key)
    return account


@pytest.fixture
def acquirer(sandbox: Sandbox) -> Iterator[Acquirer]:
    """The other party, as a story speaks of it."""
    acquirer = Acquirer(sandbox)
    yield acquirer
    acquirer.let_go()
    assert acquirer.mishaps == []


@pytest.fixture
def shop(account: AcquirerAccount, acquirer: Acquirer, story_clock: StoryClock) -> Shop:
    """The merchant: sells, charges, gives back, waits."""
    return Shop(account, acquirer, story_clock)


@pytest.fixture
def buyer(shop: Shop) -> Any:
    """A buyer with a full purse."""
    return shop.customer("ana")
