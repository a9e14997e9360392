"""``manage.py simulate``: seeded histories against a database of its own; every promise checked after each."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from portal.sandbox.context import new_keys
from portal.simulation.history import Told, shrink, tell
from portal.simulation.promises import PROMISES

_OWN_DATABASE = "PORTAL_SIMULATES"


class Command(BaseCommand):
    """Tell histories and say whether the books balance."""

    help = (
        "Tell seeded histories of the real portal and the real sandbox, with faults, crashes and people overtaking one "
        "another, and check every promise at the end of each. Exit 0: all held; 1: one broke, with its seed and story."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what to tell."""
        parser.add_argument("--seed", type=int, default=1, help="the first seed")
        parser.add_argument("--seeds", type=int, default=60, help="how many, one after the other")
        parser.add_argument("--steps", type=int, default=100, help="steps of each history")
        parser.add_argument("--database-url", default="", help="a server to make a scratch database on; default SQLite")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Tell them, in a scratch database that is gone afterwards."""
        for name in ("seeds", "steps"):
            if options[name] < 1:
                raise CommandError(f"--{name} must be 1 or more, not {options[name]}.", returncode=2)
        if os.environ.get(_OWN_DATABASE) != "1":
            self._begin_anew(options["database_url"])
        logging.disable(logging.CRITICAL)  # what a killed worker logs is part of the story, not of the output
        old_name = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            failed = self._tell(options)
        finally:
            connection.creation.destroy_test_db(old_name, verbosity=0)
        if failed:
            sys.exit(1)

    def _begin_anew(self, database_url: str) -> None:
        """Start over in a folder and with a database of our own, so that nothing of the installation is touched."""
        with tempfile.TemporaryDirectory(prefix="simulate-") as folder:
            environment = os.environ | {_OWN_DATABASE: "1", "PORTAL_DATA": folder, "PORTAL_ENVIRONMENT": "sandbox"}
            environment.pop("DATABASE_URL", None)
            environment["DATABASE_URL"] = database_url or "sqlite://:memory:"
            done = subprocess.run([sys.executable, *sys.argv], env=environment, check=False)  # noqa: S603 - ourselves
        sys.exit(done.returncode)

    def _tell(self, options: dict[str, Any]) -> bool:
        keys = new_keys()
        begun = time.perf_counter()
        faults: Counter[str] = Counter()
        kills, days, done = 0, 0.0, 0
        broken: Told | None = None
        for seed in range(options["seed"], options["seed"] + options["seeds"]):
            told = tell(seed, options["steps"], keys)
            faults.update(told.faults)
            kills, days, done = kills + told.kills, days + told.days, done + 1
            if not told.holds:
                broken = told
                break
        seconds = time.perf_counter() - begun
        facts = {
            "seeds": done,
            "steps": done * options["steps"],
            "simulated_days": round(days),
            "faults": dict(sorted(faults.items())),
            "kills": kills,
            "promises": list(PROMISES),
            "steps_per_second": round(done * options["steps"] / seconds),
            "holds": broken is None,
        }
        shortest = shrink(broken, keys) if broken is not None else None
        if shortest is not None:
            facts |= {"seed": shortest.seed, "violations": shortest.violations, "story": shortest.lines}
        if options["format"] == "json":
            self.stdout.write(json.dumps(facts, indent=2))
        else:
            self._print(facts, shortest)
        return broken is not None

    def _print(self, facts: dict[str, Any], shortest: Told | None) -> None:
        self.stdout.write(f"{facts['seeds']} seeds, {facts['steps']} steps, {facts['simulated_days']} simulated days")
        self.stdout.write(f"faults: {', '.join(f'{name} {count}' for name, count in facts['faults'].items())}")
        self.stdout.write(f"kills: {facts['kills']}")
        self.stdout.write(f"promises: {', '.join(facts['promises'])}")
        self.stdout.write(f"{facts['steps_per_second']} steps/s")
        if shortest is None:
            self.stdout.write("Every promise held.")
            return
        self.stdout.write(f"\nSeed {shortest.seed} breaks a promise. The shortest history found:")
        self.stdout.write("\n".join(shortest.lines))
        self.stdout.write("\n".join(shortest.violations))
