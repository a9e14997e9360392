"""The processes a demonstration starts: their lines are passed on with their name, their end is noticed, none is left.

Each child leads a session of its own, so that Ctrl-C in the terminal reaches the demonstration alone, which then ends
its children one after the other: first who sends, then who answers.
"""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType

from django.conf import settings

_PATIENCE_SECONDS = 10.0
_LINES_KEPT = 50
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Child:
    """One process, and the thread that reads what it says."""

    def __init__(self, name: str, process: subprocess.Popen[str], say: Callable[[str, str], None]) -> None:
        self.name, self.process = name, process
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

    def start(self, name: str, command: Sequence[str], environment: dict[str, str]) -> Child:
        """Start a process; what it says goes to ``say(name, line)``, line by line."""
        process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            command,
            cwd=settings.BASE_DIR,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        child = Child(name, process, self._say)
        self._children.append(child)
        return child

    def ended(self) -> list[Child]:
        """Those that ended by themselves and were not named yet."""
        found = [child for child in self._children if child.has_ended and not child.is_reported]
        for child in found:
            child.reader.join(_PATIENCE_SECONDS)
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


def _end(child: Child) -> None:
    process = child.process
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what it may have started and left behind
    child.reader.join(_PATIENCE_SECONDS)
    if process.stdout is not None:
        process.stdout.close()


def wait_for(condition: Callable[[], bool], child: Child, *, seconds: float) -> bool:
    """Wait until it holds; False when the process ended first, or when it took too long."""
    latest = time.monotonic() + seconds
    while time.monotonic() < latest:
        if condition():
            return True
        if child.has_ended:
            return False
        time.sleep(0.05)
    return False


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM or a closed terminal end the block by KeyboardInterrupt, once: the ending is undisturbed."""
    usual = {number: signal.getsignal(number) for number in _ENDINGS}

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in _ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in _ENDINGS:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
