"""The ground of the stories with Celery: real workers and beat as processes, on both brokers, in the test's time."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from portal.clock import FileClock
from portal.sandbox.server import Sandbox
from tests.celery.brokers import BROKERS, Broker
from tests.celery.machines import Machines


class SharedClock(FileClock):
    """A clock that stands still until it is moved, for every process that reads its file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def restart(self, at: datetime) -> None:
        self.freeze(at)


@pytest.fixture(scope="session")
def story_clock(tmp_path_factory: pytest.TempPathFactory) -> SharedClock:
    """The one clock of the tests' process and of all machines."""
    return SharedClock(tmp_path_factory.mktemp("clock") / "clock.json")


@pytest.fixture(scope="session")
def running_sandbox(story_clock: SharedClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox in the time of all machines."""
    with Sandbox(story_clock, ticking=False, reports_folder=tmp_path_factory.mktemp("reports")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", params=list(BROKERS))
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker, or one line that says what is missing; with CI=true it must be there."""
    kind = BROKERS[request.param]
    must_be_here(kind)
    with kind(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def must_be_here(kind: Any) -> None:
    """Skip the story for want of its broker, or fail it where nothing may be skipped."""
    if not kind.is_here():
        if os.environ.get("CI") == "true":
            pytest.fail(kind.missing)
        pytest.skip(kind.missing)


@pytest.fixture(scope="module")
def running_machines(
    broker: Broker, story_clock: SharedClock, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machines]:
    """A beat and a worker of two processes, for a file of stories on one broker."""
    with Machines(broker, tmp_path_factory.mktemp("machines"), story_clock.path) as machines:
        yield machines


@pytest.fixture
def machines(running_machines: Machines) -> Iterator[Machines]:
    """The machines, all alive, with nothing in hand."""
    running_machines.start()
    running_machines.forget()
    yield running_machines
    running_machines.deliver_everything_twice(on=False)
