"""``manage.py worker``: claims due rows and acts on them. Any number may run; a killed one loses nothing.

It needs no broker. On many machines Celery's beat and workers take its place (``portal/celery.py``); both may run at
once, since both claim on the rows.
"""

import argparse
import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from portal import checks, clock
from portal.outage import DATABASE_GONE, said
from portal.work import run_due

_LONGEST_PAUSE = 60.0
_IS_FOR_MACHINES = settings.PORTAL_LOG_FORMAT == "json"

logger = logging.getLogger("portal.worker")


def seconds(text: str) -> float:
    """A pause between two looks: short enough that nothing waits long, and never none at all."""
    try:
        pause = float(text)
    except ValueError:
        pause = 0.0
    if not 0.0 < pause <= _LONGEST_PAUSE:
        raise argparse.ArgumentTypeError(f"{text!r} is no pause: give seconds above 0, at most {_LONGEST_PAUSE:.0f}.")
    return pause


class Command(BaseCommand):
    """Start the worker."""

    help = "Act on whatever is due: unknown payments, cancels, refunds, refreshes, revokes, unapplied notifications."

    def add_arguments(self, parser: CommandParser) -> None:
        """Say how to run."""
        parser.add_argument("--once", action="store_true", help="do what is due now and end")
        parser.add_argument("--pause", type=seconds, default=0.5, help="seconds between looks when nothing is due")

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop until told to stop; finish the row in hand first. Ends with 2 when the database is not ready."""
        checks.refuse_unready_database()
        stop = threading.Event()

        def ask_to_stop(number: int, frame: FrameType | None) -> None:
            stop.set()

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ask_to_stop)
            signal.signal(signal.SIGINT, ask_to_stop)
        if not options["once"]:
            offset = f"{timezone.localtime(clock.now()):%z}"
            self._say(f"worker: looking for due work; times are UTC{offset[:3]}:{offset[3:]}")
        while not stop.is_set():
            done = self._look(stop)
            if options["once"] and not done:
                return
            if not done:
                stop.wait(options["pause"])
        self._say("worker: stopped")

    def _look(self, stop: threading.Event) -> int:
        close_old_connections()
        done = 0
        try:
            for name, line in run_due(stop=stop.is_set):
                self._say(line or name, kind=name)
                done += 1
        except DATABASE_GONE as reason:  # the database is restarting: the rows wait, and so do we
            sentence = f"worker: the database does not answer ({said(reason)})"
            if _IS_FOR_MACHINES:
                logger.warning("%s", sentence)
            else:
                self.stderr.write(sentence)
            time.sleep(1)
        return done

    def _say(self, line: str, *, kind: str = "") -> None:
        """A line to whoever started this: of a row with the time it was worked on; as JSON where that is wanted."""
        if _IS_FOR_MACHINES:
            logger.info("%s", line, extra={"kind": kind} if kind else {})
            return
        self.stdout.write(f"{timezone.localtime(clock.now()):%H:%M:%S} {line}" if kind else line)
        self.stdout.flush()
