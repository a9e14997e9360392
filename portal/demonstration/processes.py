"""The processes a demonstration starts: their lines are passed on with their name, their end is noticed, none is left.

Each child leads a session of its own, so that Ctrl-C in the terminal reaches the demonstration alone, which then ends
its children one after the other: first who sends, then who answers. Each is on a leash (``leash.py``), so that it ends
with the demonstration even when that is killed. A child that dies by itself can be started again, a few times.

Ctrl-C raises KeyboardInterrupt where the program stands. Python drops an exception that is raised while it finalizes
an object, with a traceback nobody can use, so the wish is also kept, and every loop looks for it (``heed``); a second
Ctrl-C asks nobody.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType

from django.conf import settings

_LEASH = [sys.executable, "-I", "-S", str(Path(__file__).with_name("leash.py"))]
_PATIENCE_SECONDS = 10.0
_LAST_WORDS_SECONDS = 2.0
"""How long what a dead child said is waited for: the pipe is empty by then, unless somebody else holds it."""
_LINES_KEPT = 50
_STARTED_AGAIN_AT_MOST, _WITHIN_SECONDS = 3, 60.0
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Child:
    """One process, and the thread that reads what it says."""

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[str],
        say: Callable[[str, str], None],
        *,
        command: Sequence[str],
        environment: dict[str, str],
    ) -> None:
        self.name, self.process, self.command, self.environment = name, process, command, environment
        self.is_reported = False
        """Whether its end was noticed."""
        self.lines: deque[str] = deque(maxlen=_LINES_KEPT)
        """The last of what it said."""
        self._say = say
        self.reader = threading.Thread(target=self._read, name=f"{name}-lines", daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip())
            self._say(self.name, line.rstrip())

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def ending(self) -> str:
        """How it ended, for a person."""
        code = self.process.returncode
        if code is not None and code < 0:
            return f"ended by {signal.Signals(-code).name}"
        return f"ended with exit status {code}"


class Children:
    """The processes of one demonstration. A context manager: when it is left, none of them lives."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say
        self._children: list[Child] = []
        self._deaths: dict[str, deque[float]] = {}

    def start(self, name: str, command: Sequence[str], environment: dict[str, str]) -> Child:
        """Start a process; what it says goes to ``say(name, line)``, line by line."""
        child = self._run(name, command, environment)
        self._children.append(child)
        return child

    def start_again(self, child: Child) -> Child | None:
        """Put one that ended in its own place again; None when it ended too often lately for that to help."""
        deaths = self._deaths.setdefault(child.name, deque(maxlen=_STARTED_AGAIN_AT_MOST))
        now = time.monotonic()
        if len(deaths) == deaths.maxlen and now - deaths[0] < _WITHIN_SECONDS:
            return None
        deaths.append(now)
        successor = self._run(child.name, child.command, child.environment)
        self._children[self._children.index(child)] = successor
        return successor

    def _run(self, name: str, command: Sequence[str], environment: dict[str, str]) -> Child:
        process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            [*_LEASH, *command],
            cwd=settings.BASE_DIR,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        _running.add(process.pid)
        return Child(name, process, self._say, command=command, environment=environment)

    def ended(self) -> list[Child]:
        """Those that ended by themselves and were not named yet; what they had started is gone with them."""
        found = [child for child in self._children if child.has_ended and not child.is_reported]
        for child in found:
            _tidy(child)
            child.is_reported = True
        return found

    def living(self) -> int:
        """How many still run."""
        return sum(not child.has_ended for child in self._children)

    def stop(self) -> None:
        """End every process, the youngest first, and wait until it is gone. Safe to repeat."""
        while self._children:
            child = self._children[-1]
            _end(child)
            self._children.remove(child)

    def __enter__(self) -> "Children":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


_running: set[int] = set()
"""The process groups of every child of this process, for whoever has no time to ask."""


def _end(child: Child) -> None:
    process = child.process
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _tidy(child)


def _tidy(child: Child) -> None:
    """After its end: let nobody live whom it started, and close what was open to it."""
    _kill(child.process.pid)
    _running.discard(child.process.pid)
    child.reader.join(_LAST_WORDS_SECONDS)
    if child.process.stdin is not None:
        child.process.stdin.close()
    if child.process.stdout is not None and not child.reader.is_alive():
        child.process.stdout.close()


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def wait_for(condition: Callable[[], bool], child: Child, *, seconds: float) -> bool:
    """Wait until it holds; False when the process ended first, or when it took too long."""
    latest = time.monotonic() + seconds
    while time.monotonic() < latest:
        heed()
        if condition():
            return True
        if child.has_ended:
            return False
        time.sleep(0.05)
    return False


class _Wish:
    """Whether somebody asked this process to end. Plain, since a signal must not wait for a lock."""

    is_there = False


def heed() -> None:
    """Raise KeyboardInterrupt if an end was asked for, whatever became of the first exception."""
    if _Wish.is_there:
        raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM or a closed terminal end the block by KeyboardInterrupt, once; the second kills at once.

    A terminal that is closed says so more than once: its SIGHUP counts as a first request only.
    """
    usual, usually_dropped = {number: signal.getsignal(number) for number in _ENDINGS}, sys.unraisablehook
    _Wish.is_there = False

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if not _Wish.is_there:
            _Wish.is_there = True
            raise KeyboardInterrupt
        if number != signal.SIGHUP:
            for group in list(_running):
                _kill(group)
            os._exit(128 + number)

    def dropped(unraisable: "sys.UnraisableHookArgs") -> None:
        if not (_Wish.is_there and unraisable.exc_type is KeyboardInterrupt):
            usually_dropped(unraisable)

    for number in _ENDINGS:
        signal.signal(number, interrupt)
    sys.unraisablehook = dropped
    try:
        yield
    finally:
        _Wish.is_there = False
        sys.unraisablehook = usually_dropped
        for number, handler in usual.items():
            signal.signal(number, handler)
