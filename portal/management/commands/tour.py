"""``manage.py tour``: the whole story by itself, and at its end portal and sandbox compared to the minor unit."""

import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.demonstration import environment, goods, installation
from portal.demonstration.customers import StoryBroken
from portal.demonstration.processes import Children, interruptible
from portal.demonstration.sandbox import SandboxSilent, start
from portal.demonstration.tour import START, SecondTour, Tour
from portal.demonstration.web import serving

_TITLE = 13


class Command(BaseCommand):
    """Exit 0: they agree. Exit 1: they do not, or a step ended otherwise; the last lines say how."""

    help = (
        "Play bind, pay, a lost answer, a refusal, a refund, a cancel, a revoke, a day close and a report import "
        "against fresh data, through an account at each acquirer, then compare portal and sandbox."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data", type=Path, metavar="DIR", help="new folder to play in and keep (default: one that is removed)"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        environment.refuse_production()
        if options["data"] is None:
            self._play_elsewhere()
            return
        folder = Path(options["data"]).resolve()
        if not environment.is_in_force(folder):
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise CommandError(f"--data {folder} is not empty: a tour begins with nothing.", returncode=2)
            environment.start_again(folder, "tour", ["--data", str(folder)])
        self._play(folder)

    def _play_elsewhere(self) -> None:
        with tempfile.TemporaryDirectory(prefix="autodebit-tour-") as name:
            folder = Path(name).resolve() / "portal"
            line = environment.command_line("tour", "--data", str(folder))
            with interruptible(), subprocess.Popen(line, env=environment.complete(folder)) as tour:  # noqa: S603 - ours
                try:
                    status = tour.wait()
                except KeyboardInterrupt:
                    tour.terminate()  # it says itself that it was stopped
                    status = tour.wait()
        if status:
            sys.exit(status)

    def _play(self, folder: Path) -> None:
        began = time.monotonic()
        try:
            with interruptible(), Children(_unheard) as children:
                found = self._story(children, folder)
        except (StoryBroken, SandboxSilent, OSError) as reason:
            raise CommandError(str(reason), returncode=1) from reason
        except KeyboardInterrupt:
            raise CommandError("Stopped before the end.", returncode=1) from None
        if found:
            self.stderr.write("\n".join(["Portal and sandbox do not agree:", *(f"  {one}" for one in found)]))
            sys.exit(1)
        seconds = time.monotonic() - began
        self.stdout.write(f"Portal and sandbox agree to the minor unit. {seconds:.0f} seconds.")

    def _story(self, children: Children, folder: Path) -> list[str]:
        with installation.hurried_database(), serving() as portal_url:
            _, control = start(children, folder, portal_url=portal_url, frozen_at=START)
            installation.make_tables()
            line = folder / environment.SANDBOX / "connection.json"
            first = installation.connect(control, line, portal_url)
            second = installation.connect_partner(control, line, portal_url)
            goods.stock(first)
            found = Tour(control, first, self._tell).play()
            goods.stock(second)
            return found + SecondTour(control, second, self._tell).play()

    def _tell(self, title: str, line: str) -> None:
        self.stdout.write(f"{title:<{_TITLE}}{line}")
        self.stdout.flush()


def _unheard(_name: str, _line: str) -> None:
    """The sandbox's own lines are no part of the story; the last one is kept for when it fails."""
