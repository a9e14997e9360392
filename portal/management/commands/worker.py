"""``manage.py worker``: claims due rows and acts on them. Any number may run; a killed one loses nothing."""

import argparse
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections, connection
from django.db.migrations.executor import MigrationExecutor

from portal import clock
from portal.work import DATABASE_GONE, run_due

_LONGEST_PAUSE = 60.0


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
        """Loop until told to stop; finish the row in hand first. Ends with 2 when the database misses migrations."""
        _refuse_old_tables()
        stop = threading.Event()

        def ask_to_stop(number: int, frame: FrameType | None) -> None:
            stop.set()

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ask_to_stop)
            signal.signal(signal.SIGINT, ask_to_stop)
        if not options["once"]:
            self.stdout.write("worker: looking for due work")
        while not stop.is_set():
            done = self._look(stop)
            if options["once"] and not done:
                return
            if not done:
                stop.wait(options["pause"])
        self.stdout.write("worker: stopped")

    def _look(self, stop: threading.Event) -> int:
        close_old_connections()
        done = 0
        try:
            for name, line in run_due(stop=stop.is_set):
                self.stdout.write(f"{clock.now():%H:%M:%S} {line}" if line else f"{clock.now():%H:%M:%S} {name}")
                self.stdout.flush()
                done += 1
        except DATABASE_GONE as reason:  # the database is restarting: the rows wait, and so do we
            self.stderr.write(f"worker: the database does not answer ({str(reason).splitlines()[0]})")
            time.sleep(1)
        return done


def _refuse_old_tables() -> None:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DATABASE_GONE as reason:
        sentence = str(reason).splitlines()[0]
        raise CommandError(f"The database does not answer: {sentence}.", returncode=2) from None
    if missing:
        raise CommandError(f"The database misses {len(missing)} migrations. Run manage.py migrate.", returncode=2)
