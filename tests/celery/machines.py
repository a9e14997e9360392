"""Beat and workers as processes of their own, and what their log says they did."""

import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from portal.demonstration.processes import Child, Children
from tests.celery.brokers import Broker

PROCESSES = 4
"""Of a worker."""
_PATIENCE_SECONDS = 60.0
_COMMAND = [sys.executable, "-m", "celery", "-A", "tests.celery.machine"]
_QUIETLY = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


@dataclass(frozen=True)
class Handling:
    """One row worked on once: when it began and ended (None: never), and in which process."""

    kind: str
    pk: int
    pid: int
    began: float
    ended: float | None


class Machines:
    """The machines of one broker: a beat, and a worker with so many processes. A context manager."""

    def __init__(self, broker: Broker, folder: Path, clock_file: Path, *, processes: int = PROCESSES) -> None:
        self.broker = broker
        self._processes = processes
        self._log = folder / "rows.log"
        self._twice = folder / "twice"
        self._read = 0
        self.lines: list[str] = []
        self._environment = os.environ | {
            "DATABASE_URL": database_url(),
            "PORTAL_CLOCK_FILE": str(clock_file),
            "PYTHONWARNINGS": "default",
            "CELERY_BROKER_URL": broker.url,
            "MACHINE_QUEUE": broker.queue,
            "MACHINE_LOG": str(self._log),
            "MACHINE_TWICE": str(self._twice),
        }
        self._children = Children(lambda name, line: self.lines.append(f"{name}: {line}"))
        self.worker: Child | None = None
        self.beat: Child | None = None

    def start(self) -> None:
        """Let a beat and a worker run. What runs already goes on."""
        if self.beat is None or self.beat.has_ended:
            self.beat = self._children.start("beat", [*_COMMAND, "beat"], self._environment)
        if self.worker is None or self.worker.has_ended:
            self.worker = self.new_worker()

    def new_worker(self, processes: int | None = None) -> Child:
        """One more worker."""
        name = f"w{uuid.uuid4().hex}@machine"
        command = [*_COMMAND, "worker", *_QUIETLY, "-c", str(processes or self._processes), "-n", name]
        return self._children.start("worker", command, self._environment)

    def kill_the_worker(self) -> None:
        """The machine's power fails: the worker and all its processes are gone."""
        assert self.worker is not None
        os.killpg(self.worker.process.pid, signal.SIGKILL)
        self.worker.process.wait(_PATIENCE_SECONDS)

    def tell_the_worker_to_stop(self) -> None:
        """As whoever runs it does before a new version. Returns when the worker has heard."""
        assert self.worker is not None
        self.worker.process.terminate()
        self.until(lambda: bool(self._of("stopping")), meanwhile=lambda: None)

    def wait_for_the_worker_to_end(self) -> None:
        assert self.worker is not None
        assert self.worker.process.wait(_PATIENCE_SECONDS) == 0

    def deliver_everything_twice(self, *, on: bool) -> None:
        """Let beat send every message twice from now on, or once."""
        if on:
            self._twice.touch()
        else:
            self._twice.unlink(missing_ok=True)

    def said(self, words: str) -> list[str]:
        """The lines of beat and worker with these words in them."""
        return [line for line in list(self.lines) if words in line]

    def messages(self) -> list[str]:
        """What beat sent since the last ``forget``: the rows of each message, as often as it was sent."""
        return [str(entry["message"]) for entry in self._of("sent")]

    def handled(self) -> list[Handling]:
        """What was worked on since the last ``forget``, in the order in which it began."""
        begun: dict[tuple[int, str, int], Handling] = {}
        done: list[Handling] = []
        for entry in self._entries():
            if entry["moment"] not in ("begin", "end"):
                continue
            key = (entry["pid"], entry["kind"], entry["pk"])
            if entry["moment"] == "begin":
                begun[key] = Handling(entry["kind"], entry["pk"], entry["pid"], entry["at"], None)
            elif one := begun.pop(key, None):  # else it was begun in the story before
                done.append(Handling(one.kind, one.pk, one.pid, one.began, entry["at"]))
        return sorted([*done, *begun.values()], key=lambda one: one.began)

    def _of(self, moment: str) -> list[dict[str, Any]]:
        return [entry for entry in self._entries() if entry["moment"] == moment]

    def _entries(self) -> list[dict[str, Any]]:
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_bytes()[self._read :].splitlines()]

    def forget(self) -> None:
        """Begin a new story."""
        self._read = self._log.stat().st_size if self._log.exists() else 0
        self.lines.clear()

    def until(self, condition: Callable[[], bool], *, meanwhile: Callable[[], Any]) -> None:
        """Wait until it holds, doing something meanwhile. When it takes too long, say what the machines said."""
        latest = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < latest, "\n".join(["it takes too long; the machines said:", *self.lines[-40:]])
            meanwhile()
            time.sleep(0.05)

    def __enter__(self) -> "Machines":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._children.stop()


def database_url() -> str:
    """The database of this test, for another process."""
    said = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{said['NAME']}"
    who = f"{said['USER']}:{said['PASSWORD']}" if said["PASSWORD"] else said["USER"]
    return f"postgres://{who}@{said['HOST']}:{said['PORT'] or 5432}/{said['NAME']}"


def at_once(handled: list[Handling], *, ended: dict[int, float] | None = None) -> list[tuple[Handling, Handling]]:
    """Pairs of handlings of one row that overlap. ``ended``: when a process was killed, by its id."""
    last: dict[tuple[str, int], Handling] = {}
    found = []
    for one in handled:
        before = last.get((one.kind, one.pk))
        if before is not None and (before.ended or (ended or {}).get(before.pid, float("inf"))) > one.began:
            found.append((before, one))
        last[one.kind, one.pk] = one
    return found
