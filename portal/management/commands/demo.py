"""``manage.py demo``: a portal, its worker and a sandbox acquirer, with a month of history to look at."""

import logging
import sys
import threading
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from portal import clock
from portal.clock import SystemClock
from portal.demonstration import environment, goods, installation, ports, sandbox, web
from portal.demonstration.folder import DemoFolder, InUse, NotOurs, State
from portal.demonstration.guide import Guide, what_is_left
from portal.demonstration.history import History, begins, figures
from portal.demonstration.installation import Login
from portal.demonstration.processes import Child, Children, heed, interruptible, wait_for
from portal.models import AcquirerAccount

REFUSED = 2
_DAYS, _FEWEST_DAYS, _MOST_DAYS = 30, 2, 90
_HIGHEST_PORT = 65535
_SECONDS_TO_COME_UP = 60
_SECONDS_BETWEEN_LOOKS = 0.5
_NAME = 8


class Command(BaseCommand):
    """Exit 0 after Ctrl-C or SIGTERM; 1 when something did not come up; 2 for a folder or option it refuses."""

    help = "Make a demo with a month of history, start sandbox, worker and web, and say what to try. Stop with Ctrl-C."
    requires_system_checks: list[str] = []

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._speaking = threading.Lock()
        self._is_loud = False
        self._untold: Guide | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of the portal (default 8000)")
        parser.add_argument("--sandbox-port", type=int, default=9000, help="port of the sandbox (default 9000)")
        parser.add_argument("--data", type=Path, metavar="DIR", help="folder for everything it keeps (default ./var)")
        parser.add_argument("--days", type=int, default=_DAYS, help=f"days of history to make (default {_DAYS})")
        parser.add_argument(
            "--reset", action="store_true", help="delete what an earlier demo kept there, and begin anew"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        environment.refuse_production()
        _check(options)
        folder = DemoFolder(Path(options["data"] or settings.PORTAL_DATA).resolve())
        self._prepare(folder, options)
        try:
            with interruptible(), Children(self._hear) as children:
                self._serve(folder, children, options)
        except KeyboardInterrupt:
            self._stopped(folder)
        except (sandbox.SandboxSilent, ports.NoPortFree, OSError) as reason:
            self._tell_people()
            raise CommandError(str(reason), returncode=1) from reason

    def _stopped(self, folder: DemoFolder) -> None:
        self._is_loud = False
        self._tell_people()
        if folder.state() is not State.COMPLETE:
            raise CommandError(
                "Stopped before the history was complete; the next run begins it anew.", returncode=1
            ) from None
        self._tell("\nStopped. Everything is kept; the next run goes on from here.")

    def _tell_people(self) -> None:
        """Passwords exist from the moment people are let in: whatever happens then, they are shown once."""
        if self._untold is not None:
            self._tell(self._untold.people())
            self._untold = None

    # The folder, and a process that has read its settings from it.

    def _prepare(self, folder: DemoFolder, options: dict[str, Any]) -> None:
        try:
            state = folder.state()
            if state is not State.EMPTY:
                folder.lock()  # before anything else: what runs here is not disturbed
            if options["reset"] and folder.forget():
                self._tell(f"Deleted the demo in {folder.path}.")
            elif state is State.UNFINISHED and folder.forget():
                self._tell("The last run stopped before its history was complete: it begins anew.")
            elif environment.is_in_force(folder.path):
                folder.lock()
                return
        except (NotOurs, InUse) as reason:
            raise CommandError(str(reason), returncode=REFUSED) from reason
        except OSError as reason:
            raise CommandError(f"{folder.path} cannot be used: {reason.strerror}.", returncode=REFUSED) from reason
        wishes = {"--port": options["port"], "--sandbox-port": options["sandbox_port"], "--days": options["days"]}
        arguments = [part for name, value in wishes.items() for part in (name, str(value))]
        environment.start_again(folder.path, "demo", [*arguments, "--data", str(folder.path)])

    # Making and starting.

    def _serve(self, folder: DemoFolder, children: Children, options: dict[str, Any]) -> None:
        began = time.monotonic()
        port = self._port("portal", options["port"], besides=())
        sandbox_port = self._port("sandbox", options["sandbox_port"], besides=(port,))
        portal_url = f"http://localhost:{port}"
        folder.says_where(f"{portal_url}/admin/")
        guide = Guide(folder=folder, portal_url=portal_url, sandbox_url=f"http://localhost:{sandbox_port}")
        if folder.state() is State.COMPLETE:
            self._tell(f"Going on with the demo in {folder.path}; no new history.")
            installation.make_tables()
            _, control = sandbox.start(
                children, folder.path, port=sandbox_port, portal_url=portal_url, portal_account=installation.SLUG
            )
            for account in AcquirerAccount.objects.filter(slug__in=(installation.SLUG, installation.PARTNER_SLUG)):
                installation.move(control, account, gateway_url=control.base_url, base_url=portal_url)
            installation.let_shop_hear(control)
        else:
            guide.logins, guide.merchant_key = self._make(folder, children, port, sandbox_port, options["days"])
            self._untold = guide
        guide.figures, guide.left = figures(), what_is_left(folder)
        connection.close()
        own = environment.complete(folder.path, PORTAL_BASE_URL=portal_url)
        children.start("worker", environment.command_line("worker"), own)
        server = children.start("web", web.command_line(port), own)
        if not wait_for(lambda: _is_ready(portal_url), server, seconds=_SECONDS_TO_COME_UP):
            raise sandbox.SandboxSilent(f"The portal did not come up on {portal_url}: {sandbox.last_words(server)}")
        self._tell(guide.text(seconds=time.monotonic() - began))
        self._untold, self._is_loud = None, True
        self._watch(children)

    def _port(self, what: str, wanted: int, *, besides: tuple[int, ...]) -> int:
        port = ports.first_free(wanted, besides=besides)
        if port != wanted:
            self._tell(f"Port {wanted} is taken: the {what} uses {port}.")
        return port

    def _make(
        self, folder: DemoFolder, children: Children, port: int, sandbox_port: int, days: int
    ) -> tuple[list[Login], str]:
        began = time.monotonic()
        folder.begin()
        self._tell(f"Making a demo in {folder.path}: tables, keys, people, goods …")
        end = SystemClock().now()
        start = begins(end, days)
        with installation.hurried_database(), web.serving(port) as portal_url:
            # Wrongly signed messages are part of the story, and refused; here they need no line each.
            logging.getLogger("django.request").setLevel(logging.ERROR)
            _, control = sandbox.start(
                children,
                folder.path,
                port=sandbox_port,
                portal_url=portal_url,
                portal_account=installation.SLUG,
                frozen_at=start,
            )
            installation.make_tables()
            account = installation.connect(control, folder.connection, portal_url)
            second = installation.connect_partner(control, folder.connection, portal_url)
            logins = installation.hire()
            _, key = installation.give_key(account)
            goods.stock(account)
            goods.stock(second)
            self._tell(f"{days} days of history, by the real flow: signed calls, notifications, reports …")
            history = History(
                control, account, start=start, end=end, passed=lambda day: self._count(day, days), second=second
            )
            history.make()
            history.catch_up()
            sandbox.let_time_run(control)
            installation.let_shop_hear(control)  # of what happens from now on, not of a month at once
        heed()
        folder.complete(days=days, made_at=clock.now().isoformat())
        self._tell(f"History is made: {time.monotonic() - began:.0f} seconds.")
        return logins, key

    def _count(self, day: int, days: int) -> None:
        heed()
        if sys.stdout.isatty():
            self._tell(f"\r  day {day} of {days}", ending="\n" if day >= days else "")
        elif day % 5 == 0:
            self._tell(f"  day {day} of {days}")

    # Running.

    def _watch(self, children: Children) -> None:
        while True:
            heed()
            for child in children.ended():
                self._replace(child, children)
            if not children.living():
                raise CommandError("Nothing is running any more.", returncode=1)
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _replace(self, child: Child, children: Children) -> None:
        """Start again what died; what dies again and again is left, and said to be."""
        if children.start_again(child) is not None:
            self._tell(f"{child.name:<{_NAME}}│ {child.ending}. Started again.")
            return
        rest = "The others go on. " if children.living() else ""
        self._tell(
            f"{child.name:<{_NAME}}│ {child.ending}, as often before. It is not started again. {rest}"
            "Stop with Ctrl-C and start the demo again."
        )

    def _hear(self, name: str, line: str) -> None:
        if self._is_loud:
            self._tell(f"{name:<{_NAME}}│ {line}")

    def _tell(self, text: str, *, ending: str = "\n") -> None:
        with self._speaking:
            self.stdout.write(text, ending=ending)
            self.stdout.flush()


def _check(options: dict[str, Any]) -> None:
    for name in ("port", "sandbox_port"):
        if not 1 <= options[name] <= _HIGHEST_PORT:
            word = name.replace("_", "-")
            raise CommandError(f"--{word} {options[name]} is no port: give 1 to {_HIGHEST_PORT}.", returncode=REFUSED)
    if not _FEWEST_DAYS <= options["days"] <= _MOST_DAYS:
        raise CommandError(f"--days {options['days']}: give {_FEWEST_DAYS} to {_MOST_DAYS}.", returncode=REFUSED)


def _is_ready(portal_url: str) -> bool:
    try:
        return requests.get(f"{portal_url}/readyz", timeout=2).ok
    except requests.RequestException:
        return False
