"""A portal of real processes: web server, worker and sandbox as children, on a database of this process's choice.

They are what ``manage.py demo`` starts, but that they run with ``tests.crash.settings``. Each leads a process group of
its own, which is what is killed: a web server with all its workers. What they say is kept whole, to be searched. All of
them, and this process too, read one clock, which runs with the system's until somebody moves it on.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from datetime import time as datetime_time
from pathlib import Path
from typing import IO
from urllib.parse import quote

import requests
from django.apps import apps
from django.conf import settings

from portal import clock, work
from portal.clock import ACQUIRER_ZONE, FileClock
from portal.demonstration.web import command_line as web_command
from portal.gateways import acquirer_for
from portal.models import AcquirerAccount, Due
from portal.sandbox.connection import Connection
from portal.sandbox.control import SandboxControl
from tests.crash.seams import FOLDER, STRUCK
from tests.ports import lasting_port

PATIENCE_SECONDS = 60
"""How long somebody may be silent; on a busy machine everything takes its time, and as long as it goes on, it may."""
LONGEST_REST_SECONDS = 1200
WORKER_PAUSE = "0.02"
STEADY_SECONDS, HOLDER_IS_DEAD_SECONDS = 0.03, 1.5
ENDLESS = ",".join(
    f"{caller}.{what}=1000000"
    for caller in ("anonymous", "buyer", "merchant")
    for what in ("sessions", "money", "reads")
    if (caller, what) != ("anonymous", "money")
)
"""PORTAL_API_LIMITS: a crowd comes from one address."""

WEB, WORKER, SANDBOX = "web", "worker", "sandbox"


class NotAtRest(AssertionError):
    """Something that is due is not done; the sentence says what."""


class Process:
    """One child and everything it has said."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], said: list[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout, said), daemon=True)
        self._reader.start()

    @staticmethod
    def _read(pipe: IO[str], said: list[str]) -> None:
        with pipe:
            said.extend(pipe)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_dead(self) -> bool:
        return self._process.poll() is not None

    @property
    def is_killed(self) -> bool:
        return self._process.poll() == -signal.SIGKILL

    def signals(self, number: int) -> None:
        """Send a signal to it and all its own children."""
        if not self.is_dead:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def loses_one(self, draw: random.Random) -> None:
        """SIGKILL one of its own children, if it has any."""
        with suppress(FileNotFoundError, ProcessLookupError, IndexError):
            os.kill(draw.choice(self.children()), signal.SIGKILL)

    def children(self) -> list[int]:
        """Its own children, by process id; asked of Linux."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def waits(self) -> int:
        """Wait until it ends by itself; its exit status."""
        status = self._process.wait(PATIENCE_SECONDS)
        self._reader.join(10)
        return status

    def ends(self, *, politely: bool = False) -> None:
        """End it, by SIGKILL unless politely, and wait until nothing of it is left."""
        self.signals(signal.SIGTERM if politely else signal.SIGKILL)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.signals(signal.SIGKILL)
            self._process.wait(10)
        self._reader.join(10)  # the pipe ends when the last of the group has gone


class Premises:
    """The processes, the clock they share, and the seams they may be killed at."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self._sandbox_folder, self._seams = folder / "sandbox", folder / "seams"
        for made in (self._sandbox_folder, self._seams):
            made.mkdir(parents=True)
        self.clock = FileClock(self._sandbox_folder / "clock.json")
        self.web_port, self.sandbox_port = lasting_port(), lasting_port()
        self.url, self.sandbox_url = f"http://127.0.0.1:{self.web_port}", f"http://127.0.0.1:{self.sandbox_port}"
        self.control = SandboxControl(self.sandbox_url)
        self.said: dict[str, list[str]] = {}
        self._running: dict[str, Process] = {}
        self._mishaps: list[BaseException] = []
        """Why the supervisor gave up."""
        self._is_supervised = False
        self._held_by_the_dead: set[tuple[str, int, datetime]] = set()
        wanted = {
            "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
            "PORTAL_ENVIRONMENT": "sandbox",
            "PORTAL_DATA": str(settings.PORTAL_DATA),
            "PORTAL_CHECKPOINTS": str(settings.PORTAL_CHECKPOINTS),
            "DATABASE_URL": database_url,
            "PORTAL_CLOCK_FILE": str(self._sandbox_folder / "clock.json"),
            "PORTAL_BASE_URL": self.url,
            "PORTAL_SECOND_FACTOR": "false",
            "PORTAL_STEP_UP": "",
            "PORTAL_API_LIMITS": ENDLESS,
            "PORTAL_WEBHOOKS_ALLOW_PRIVATE": "true",
            "PORTAL_METRICS_FOLDER": str(folder / "metrics"),
            "PYTHONUNBUFFERED": "1",
            FOLDER: str(self._seams),
        }
        inherited = {name: value for name, value in os.environ.items() if name not in {f"{one}_FILE" for one in wanted}}
        self.environment = inherited | wanted

    # Processes.

    def start(self, *names: str) -> None:
        """Start these, all at once, and wait until they serve."""
        for name in names:
            self._running[name] = Process(name, self._command(name), self.environment, self.said.setdefault(name, []))
        for name in names:
            self._wait_for(name)

    def _command(self, name: str) -> list[str]:
        if name == WEB:
            return web_command(self.web_port)
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py"), name]
        if name == WORKER:
            return [*manage, "--pause", WORKER_PAUSE]
        return [*manage, "--port", str(self.sandbox_port), "--data", str(self._sandbox_folder)]

    def _wait_for(self, name: str) -> None:
        latest = time.monotonic() + PATIENCE_SECONDS
        while not self._is_up(name):
            if self._is_supervised and self._running[name].is_killed:
                return  # killed again while it came up: its watcher sees that, too
            if self._running[name].is_dead or time.monotonic() > latest:
                raise AssertionError(f"{name} did not come up: {''.join(self.said[name][-20:])}")
            time.sleep(0.02)

    def _is_up(self, name: str) -> bool:
        if name == WORKER:  # it answers nobody; it finds its work by itself
            return self.runs(WORKER)
        return self.runs(name) and _answers(
            f"{self.url}/readyz" if name == WEB else f"{self.sandbox_url}/control/clock"
        )

    def strike(self, *names: str) -> None:
        """SIGKILL these, all at once, and leave it to others to notice."""
        for name in names:
            self._running[name].signals(signal.SIGKILL)

    def wait_until_served(self, *names: str) -> None:
        """Wait until these serve, or without a name all three; supervised, they come up by themselves."""
        latest = time.monotonic() + PATIENCE_SECONDS
        while not all(self._is_up(name) for name in names or (WEB, SANDBOX, WORKER)):
            if self._mishaps:
                raise self._mishaps[0]
            assert time.monotonic() < latest, (
                f"not everything came up: {[name for name in self._running if not self._is_up(name)]}"
            )
            time.sleep(0.02)

    def strike_one_of(self, name: str, draw: random.Random) -> None:
        """SIGKILL one process of several, and leave it to the others to replace it."""
        self._running[name].loses_one(draw)

    def children_of(self, name: str) -> int:
        """How many processes it consists of, itself not counted."""
        return len(self._running[name].children())

    def kill(self, *names: str) -> None:
        """SIGKILL these, all at once, and see that they are dead."""
        self.strike(*names)
        for name in names:
            self._running.pop(name).ends()

    def restart(self, *names: str) -> None:
        """SIGKILL these and start them again."""
        self.kill(*names)
        self.start(*names)

    def freeze(self, name: str) -> None:
        """Let it answer nobody, with every line to it open."""
        self._running[name].signals(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self._running[name].signals(signal.SIGCONT)

    def stop(self, *names: str) -> None:
        """End these politely; without a name, all."""
        for name in names or [name for name in (WORKER, WEB, SANDBOX) if name in self._running]:
            if name in self._running:
                self._running.pop(name).ends(politely=True)

    def runs(self, name: str) -> bool:
        """Whether it lives."""
        return name in self._running and not self._running[name].is_dead

    def runs_command(self, name: str, *arguments: str) -> tuple[int, str]:
        """Run a management command to its end; its exit status (negative: killed by that signal) and what it said."""
        said = self.said.setdefault(name, [])
        begins_at = len(said)
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), name, *arguments]
        process = Process(name, command, self.environment, said)
        return process.waits(), "".join(said[begins_at:])

    def fetch_reports(self, account: AcquirerAccount) -> list[str]:
        """Let the acquirer's day end, and fetch its reports of it, as by SFTP; the paths of what is new."""
        midnight = datetime.combine(clock.now().astimezone(ACQUIRER_ZONE), datetime_time.min, ACQUIRER_ZONE)
        clears_first = acquirer_for(account).capabilities.clears_first
        self.clock_moves_to(midnight + timedelta(days=1, hours=8 if clears_first else 0, minutes=30))
        fetched = []
        for one in self.control.reports():
            path = self.folder / "reports" / one["day"] / one["name"]
            if one["client_id"] == account.client_id and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self.control.report(one["day"], one["name"], account.client_id))
                fetched.append(str(path))
        return sorted(fetched)

    @contextmanager
    def supervised(self, *names: str) -> Iterator[None]:
        """Start whichever of these dies again, as a service manager does, for a while."""
        stopping = threading.Event()
        mishaps = self._mishaps = []
        self._is_supervised = True

        def watch(name: str) -> None:
            while not stopping.wait(0.01):
                if self._running[name].is_dead:
                    try:
                        self._running[name].ends()
                        self.start(name)
                    except Exception as reason:
                        mishaps.append(reason)
                        return

        watchers = [threading.Thread(target=watch, args=(name,), name=f"{name}-watcher", daemon=True) for name in names]
        for watcher in watchers:
            watcher.start()
        try:
            yield
        finally:
            stopping.set()
            self._is_supervised = False
            for watcher in watchers:
                watcher.join(PATIENCE_SECONDS)
        if mishaps:
            raise mishaps[0]

    @property
    def connection(self) -> Connection:
        """What a client needs to speak to the sandbox."""
        return Connection.read(self._sandbox_folder / "connection.json")

    # Seams.

    def arm(self, seam: str) -> None:
        """Let the next child that passes this seam die there."""
        (self._seams / seam).touch()

    def wait_until_struck(self, seam: str, *, seconds: float) -> None:
        """Wait until somebody has died there. Raises AssertionError where nobody does."""
        latest = time.monotonic() + seconds
        while not (self._seams / f"{seam}{STRUCK}").exists():
            assert time.monotonic() < latest, f"nobody died at {seam}"
            time.sleep(0.01)

    def disarm(self, seam: str) -> bool:
        """Let nobody die there any more; whether somebody did."""
        (self._seams / seam).unlink(missing_ok=True)
        was_struck = (self._seams / f"{seam}{STRUCK}").exists()
        (self._seams / f"{seam}{STRUCK}").unlink(missing_ok=True)
        return was_struck

    # Time.

    def clock_moves(self, **span: float) -> None:
        """Let time pass on both sides, stopping wherever something falls due until it is done by those who run."""
        self.clock_moves_to(clock.now() + timedelta(**span))

    def clock_moves_to(self, target: datetime) -> None:
        """Let time pass until a moment."""
        with self.standing_still():
            while True:
                moment = self._let_them_work()
                if moment is None or moment > target:
                    break
                self._set(moment + timedelta(milliseconds=1))
            self._set(target)
            self._let_them_work()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let time pass only where it is moved, for a while: nothing falls due because a machine is busy."""
        was_frozen = self.clock.is_frozen()
        self.clock.freeze(self.clock.now())
        try:
            yield
        finally:
            if not was_frozen:
                self.clock.unfreeze()

    def _set(self, moment: datetime) -> None:
        if moment > clock.now():
            self.clock.set(moment)
        self.control.tick()

    def _next_due(self) -> datetime | None:
        return min((due for due in (work.next_due(), self.control.next_due()) if due is not None), default=None)

    def _let_them_work(self) -> datetime | None:
        """Wait until nothing is due; when something will be. Raises NotAtRest.

        A row that is held is due when its lease ends: either somebody is at it just now, and will soon be done, or its
        holder was killed. The clock must not be moved under the first, so the same is to be heard for a while.
        """
        began = time.monotonic()
        heard, since = None, began
        while True:
            moment, held = self._next_due(), _held() - self._held_by_the_dead
            what = (moment, held, len(self.said.get(WORKER, ())))
            if what != heard:
                heard, since = what, time.monotonic()
            quiet = time.monotonic() - since
            is_steady = quiet >= (HOLDER_IS_DEAD_SECONDS if held else STEADY_SECONDS)
            if is_steady and (moment is None or moment > clock.now()):
                self._held_by_the_dead |= held
                return moment
            if quiet > PATIENCE_SECONDS or time.monotonic() - began > LONGEST_REST_SECONDS:
                raise NotAtRest(f"due since {moment} and not done; the worker says: {self.said.get(WORKER, [])[-3:]}")
            time.sleep(0.01)


def _held() -> set[tuple[str, int, datetime]]:
    """The rows that somebody holds, or held when he was killed, and until when."""
    kinds = [model for model in apps.get_models() if issubclass(model, Due)]
    return {
        (kind._meta.label, pk, until)
        for kind in kinds
        for pk, until in kind._base_manager.filter(lease_until__gt=clock.now()).values_list("pk", "lease_until")
    }


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def url_of(database: Mapping[str, object]) -> str:
    """A connection's settings as DATABASE_URL."""
    if "sqlite" in str(database["ENGINE"]):
        return f"sqlite:///{quote(str(database['NAME']))}"
    login = quote(str(database["USER"] or "postgres"), safe="")
    if database["PASSWORD"]:
        login += f":{quote(str(database['PASSWORD']), safe='')}"
    host, port = database["HOST"] or "127.0.0.1", database["PORT"] or 5432
    return f"postgres://{login}@{host}:{port}/{quote(str(database['NAME']))}"
