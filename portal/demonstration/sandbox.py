"""The other party as a child process, under a clock that stands still where the story begins."""

from datetime import datetime
from pathlib import Path

import requests

from portal.clock import FileClock
from portal.demonstration import environment
from portal.demonstration.processes import Child, Children, wait_for
from portal.sandbox.connection import Connection
from portal.sandbox.control import ControlFailed, SandboxControl

_PATIENCE_SECONDS = 30


class SandboxSilent(Exception):
    """It did not come up; the sentence is the last thing it said."""


def start(
    children: Children,
    folder: Path,
    *,
    port: int = 0,
    portal_url: str,
    portal_account: str = "",
    frozen_at: datetime | None = None,
) -> tuple[Child, SandboxControl]:
    """Start it on ``folder`` and wait until it answers; port 0 takes a free one. Raises SandboxSilent.

    ``frozen_at`` sets the clock before the sandbox looks at it, so that its days begin there.
    """
    own = folder / environment.SANDBOX
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock_file, connection_file = own / environment.CLOCK, own / "connection.json"
    if frozen_at is not None:
        FileClock(clock_file).freeze(frozen_at)
    before = _identity(connection_file)
    arguments = ["--port", str(port), "--data", str(own), "--portal-url", portal_url]
    if portal_account:
        arguments += ["--portal-account", portal_account]
    child = children.start("sandbox", environment.command_line("sandbox", *arguments), environment.complete(folder))
    if not wait_for(lambda: _identity(connection_file) != before, child, seconds=_PATIENCE_SECONDS):
        raise SandboxSilent(f"The sandbox did not start: {last_words(child)}")
    control = SandboxControl(Connection.read(connection_file).gateway_url)
    if not wait_for(lambda: _answers(control), child, seconds=_PATIENCE_SECONDS):
        raise SandboxSilent(f"The sandbox does not answer: {last_words(child)}")
    # While the clock stands still, things happen when they are told to; otherwise as they do.
    control.settings(ticks_by_itself=frozen_at is None)
    return child, control


def let_time_run(control: SandboxControl) -> None:
    """End the story: from now on the clock is the machine's, and things happen by themselves."""
    control.run_clock_with_the_system()
    control.settings(ticks_by_itself=True)


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file it is, None when there is none: a sandbox that comes up replaces it, and only then."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _answers(control: SandboxControl) -> bool:
    try:
        control.now()
    except (requests.RequestException, ControlFailed, ValueError):
        return False
    return True


def last_words(child: Child) -> str:
    """The last line a process wrote, or how it ended."""
    said = [line for line in child.lines if line]
    return said[-1].removeprefix("CommandError: ") if said else child.ending
