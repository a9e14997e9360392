"""The ground of every story: one clock for both sides, the real sandbox and the real portal on the loopback.

The sandbox's engine, behind its own HTTP server, and the portal, behind another, live in threads of the test's process
and share a clock that stands still until a story moves it. Everything between them crosses sockets, signed.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cheroot import wsgi as cheroot_wsgi
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.db import IntegrityError, OperationalError, connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as trying
from pytest_django.plugin import DjangoDbBlocker

from portal import catalogue, clock, measures, roles, work
from portal.api import limits
from portal.journal import guard
from portal.models import AcquirerAccount, AcquirerKey, JournalEntry
from portal.sandbox.server import Sandbox
from tests.crash.fixtures import premises, standing, town  # noqa: F401 - for whoever asks for real processes
from tests.serving import Counted
from tests.story import Acquirer, Shop, StoryClock

# A busy machine is no failure.
trying.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
trying.load_profile("patient")

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, 10:00 in UTC+8: far from every day boundary."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two more than there are cores: two fifths of the suite's time is waiting, for browsers and other processes."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    """Let no server thread hold a database connection open beyond its request."""
    from django.conf import settings  # noqa: PLC0415 - configured by now

    database = settings.DATABASES["default"]
    database["CONN_MAX_AGE"] = 0
    # A test's database need not survive a power cut, and an fsync at each commit is much of a test's time.
    if database["ENGINE"] == "django.db.backends.sqlite3":
        pragmas = database["OPTIONS"]["init_command"]
        database["OPTIONS"]["init_command"] = pragmas.replace("synchronous=FULL", "synchronous=OFF")
    else:
        database.setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"
    os.environ[measures.FOLDER] = tempfile.mkdtemp(prefix="measures-")  # what a test counts is nobody else's
    TransactionTestCase._fixture_teardown = _empty_what_a_test_wrote  # type: ignore[method-assign]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # The stories of second factors and large acts turn these on; the people of all others just come in.
    settings.PORTAL_SECOND_FACTOR, settings.PORTAL_STEP_UP = False, {}
    # A process that keeps no bytecode compiles the project anew, for a second, and hundreds are started here.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let Python look for garbage less often, and never in what was loaded before the first test."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ[measures.FOLDER], ignore_errors=True)


_STANDING = ("django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions")
"""What migrating wrote and a test does not: emptied like the rest, it would have to be made again after each."""


_FIRST = ("reconciliation_match", "reconciliation_settlementrow")
"""Emptied before what they name: PostgreSQL looks at the end of each statement whether somebody is still named."""


_as_migrated: list[set[Any]] = []


def _standing_roles() -> list[set[Any]]:
    given = Group.permissions.through.objects.values_list("group_id", "permission_id")
    return [set(Group.objects.values_list("pk", "name")), set(given)]


def _empty_what_a_test_wrote(self: TransactionTestCase) -> None:
    """Empty the tables row by row: they hold few, and PostgreSQL's TRUNCATE makes fifty files anew."""
    named = [name for name in connection.introspection.django_table_names() if name not in (*_STANDING, *_FIRST)]
    tables = [*_FIRST, *named]
    statements = [f"DELETE FROM {connection.ops.quote_name(name)}" for name in tables]
    if JournalEntry.objects.exists():  # outside of tests there is no way to empty it
        statements = [*guard.removal(connection), *statements, *guard.installation(connection)]
    for attempt in range(3):
        try:
            connection.ops.execute_sql_flush(statements)
            break
        except (OperationalError, IntegrityError):  # a request that the test did not wait for is still being answered
            if attempt == 2:
                raise
    if _standing_roles() != _as_migrated:  # it was a test about roles: as new again
        Group.objects.all().delete()
        roles.install()
        _as_migrated[:] = _standing_roles()


@pytest.fixture(scope="session", autouse=True)
def _checkpoints_of_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The journal's checkpoints stay out of the installation's folder."""
    from django.conf import settings  # noqa: PLC0415 - configured by now

    settings.PORTAL_CHECKPOINTS = str(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The database, migrated; what stands in it from then on is remembered."""
    with django_db_blocker.unblock():
        _as_migrated[:] = _standing_roles()


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
def many_machines(django_db_setup: None) -> Iterator[Any]:
    """Celery with a real broker, for whoever names one in STORIES_BROKER_URL."""
    from django.conf import settings  # noqa: PLC0415 - configured by now

    settings.CELERY_BROKER_URL = os.environ["STORIES_BROKER_URL"]
    from tests.celery import engine  # noqa: PLC0415 - a broker is known only now

    with engine.running() as running:
        yield running


@pytest.fixture(autouse=True)
def _engine_in_force(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let what falls due in a story cross the broker. What only one connection can see stays in this process."""
    names = request.fixturenames
    if "STORIES_BROKER_URL" not in os.environ or "account" not in names or "machines" in names:
        yield
        return
    engine = request.getfixturevalue("many_machines")
    before = engine.messages
    monkeypatch.setattr(work, "work_on", engine.work_on)
    monkeypatch.setattr(work, "run_due", engine.run_due)
    yield
    request.node.user_properties.append(("messages", engine.messages - before))


_LONG = (
    "commands/test_demo",
    "browser/test_mini_program",
    "simulation/test_histories",
    "commands/test_tour",
    "celery/test_many_machines",
    "desk/test_matrix",
    "crash/test_seams",
    "browser/test_desk.py",
    "browser/test_settlement",
    "concurrency/",
    "crash/test_storm",
    "browser/",
    "simulation/test_planted",
    "benchmarks/",
    "fuzz/",
    "celery/",
    "malformed/",
)
"""Stories of browsers, crowds and whole processes, the longest first. Told last, one of them keeps a worker busy while
the others have nothing left to do."""


def _length(item: pytest.Item) -> int:
    """Where its file stands among the long ones."""
    path = str(item.path.relative_to(Path(__file__).parent))
    return next((place for place, long in enumerate(_LONG) if path.startswith(long)), len(_LONG))


def _dealt(items: list[pytest.Item], hands: int) -> list[pytest.Item]:
    """An equal part of the list for each worker, which begins with long files: dealt out to and fro, as wholes."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in sorted(items, key=_length):
        files.setdefault(item.path, []).append(item)
    long = [file for file in files.values() if _length(file[0]) < len(_LONG)]
    others = [item for file in files.values() if _length(file[0]) == len(_LONG) for item in file]
    dealt: list[list[pytest.Item]] = [[] for _ in range(hands)]
    for place, file in enumerate(long):
        turn, hand = divmod(place, hands)
        dealt[hands - 1 - hand if turn % 2 else hand] += file
    for hand in range(hands):
        share = (len(others) + sum(map(len, dealt[hand:]))) // (hands - hand) - len(dealt[hand])
        dealt[hand] += others[: max(share, 0)]
        others = others[max(share, 0) :]
    return [item for hand in dealt for item in hand]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest; with a broker named, tell only the stories in which something may cross it."""
    items[:] = _dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    if "STORIES_BROKER_URL" in os.environ:
        others = [item for item in items if "account" not in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much crossed the broker, so that nobody takes a run without one for a run with it."""
    if "STORIES_BROKER_URL" in os.environ:
        reports = [report for kind in terminalreporter.stats.values() for report in kind]
        noted = [
            one for report in reports if getattr(report, "when", "") == "teardown" for one in report.user_properties
        ]
        count = sum(value for name, value in noted if name == "messages" and isinstance(value, int))
        terminalreporter.write_line(f"{count} messages crossed the broker")


@pytest.fixture(scope="session")
def running_sandbox(story_clock: StoryClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox, served for the whole session; its time passes only when a story says so."""
    with Sandbox(story_clock, ticking=False, reports_folder=tmp_path_factory.mktemp("reports")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def application() -> Counted:
    """The portal as the session's server runs it."""
    return Counted(get_wsgi_application())


@pytest.fixture(scope="session")
def portal_url(django_db_setup: None, application: Counted) -> Iterator[str]:
    """The portal, served for the whole session."""
    server = cheroot_wsgi.Server(
        ("127.0.0.1", 0), application, numthreads=8, request_queue_size=100, shutdown_timeout=1
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


CONTRACTED = (
    "GCASH",
    "DANA",
    "TNG",
    "KAKAOPAY",
    "TRUEMONEY",
    "ALIPAY_HK",
    "ALIPAY_CN",
    "DIRECT_DEBIT_SIAMCOMMERCIALBANK",
)


@pytest.fixture
def account(
    transactional_db: None, sandbox: Sandbox, application: Counted, portal_url: str, settings: Any
) -> Iterator[AcquirerAccount]:
    """Our account at the sandbox, connected. What is still being answered ends before the rows go."""
    cache.clear()
    limits.here.forget()
    settings.PORTAL_BASE_URL = portal_url
    theirs = sandbox.connection
    account = AcquirerAccount.objects.create(
        name="Sandbox",
        slug="sandbox",
        gateway_url=theirs.gateway_url,
        client_id=theirs.client_id,
        private_key=theirs.merchant_private_key,
        public_key=theirs.merchant_public_key,
        settlement_currency="USD",
        notify_base_url=portal_url,
        app_id="3333010071465913",
    )
    catalogue.begin(account, CONTRACTED)
    AcquirerKey.objects.create(account=account, version="1", public_key=theirs.acquirer_public_key)
    yield account
    application.comes_to_rest()


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
