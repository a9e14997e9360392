"""``manage.py simulate``: seeded histories against a database of its own; every promise checked after each."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from portal.sandbox.context import new_keys
from portal.simulation.history import Teller, Told, shrink
from portal.simulation.promises import PROMISES

_TWINS_EVERY = 10
"""Every tenth seed also plays a script twice, with its messages in order and in none (``portal.simulation.twins``)."""
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
        parser.add_argument("--progress", type=int, default=0, help="say so after every so many seeds")
        parser.add_argument("--shrink-seconds", type=float, default=60, help="how long to look for a shorter story")
        parser.add_argument("--story", action="store_true", help="tell the whole story of every seed")
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
            environment["PORTAL_CHECKPOINTS"] = str(Path(folder) / "checkpoints")
            environment["DATABASE_URL"] = database_url or "sqlite://:memory:"
            done = subprocess.run([sys.executable, *sys.argv], env=environment, check=False)  # noqa: S603 - ourselves
        sys.exit(done.returncode)

    def _tell(self, options: dict[str, Any]) -> bool:
        teller = Teller(new_keys())
        begun = time.perf_counter(), time.process_time()
        total = Told(options["seed"], 0)
        broken: Told | None = None
        stories: list[str] = []
        twins = 0
        done = 0
        for seed in range(options["seed"], options["seed"] + options["seeds"]):
            told = teller.tell(seed, list(range(options["steps"])))
            if told.holds and seed % _TWINS_EVERY == 0:
                told.violations += teller.tell_twice(seed)
                twins += 1
            total.add(told)
            done += 1
            if options["story"]:
                stories.append("\n".join(told.lines))
            if not told.holds:
                broken = told
                break
            if options["progress"] and done % options["progress"] == 0:
                self.stderr.write(f"{done} seeds hold, the last is {seed}")
        seconds, cpu_seconds = time.perf_counter() - begun[0], time.process_time() - begun[1]
        facts = {
            "seeds": done,
            "steps": total.steps,
            "simulated_days": round(total.days),
            "faults": dict(sorted(total.faults.items())),
            "kills": total.kills.total(),
            "killed_at": dict(sorted(total.kills.items())),
            "overtaken": total.overtaken,
            "messages": total.messages,
            "reports": total.reports.total(),
            "reports_of": dict(sorted(total.reports.items())),
            "planted": total.planted,
            "declared": total.declared,
            "payments_through": dict(sorted(total.through.items())),
            "refunds_repeated": total.repeated,
            "told_twice": twins,
            "promises": list(PROMISES),
            "steps_per_second": round(total.steps / seconds),
            "steps_per_cpu_second": round(total.steps / cpu_seconds),
            "holds": broken is None,
        }
        if options["story"]:
            facts["stories"] = stories
        shortest = shrink(broken, teller, seconds=options["shrink_seconds"]) if broken is not None else None
        if shortest is not None:
            facts |= {"seed": shortest.seed, "violations": shortest.violations, "story": shortest.lines}
        if options["format"] == "json":
            self.stdout.write(json.dumps(facts, indent=2))
        else:
            self._print(facts, shortest)
        return broken is not None

    def _print(self, facts: dict[str, Any], shortest: Told | None) -> None:
        for story in facts.get("stories", ()):
            self.stdout.write(f"{story}\n")
        self.stdout.write(f"{facts['seeds']} seeds, {facts['steps']} steps, {facts['simulated_days']} simulated days")
        self.stdout.write(f"faults: {', '.join(f'{name} {count}' for name, count in facts['faults'].items())}")
        self.stdout.write(f"kills: {', '.join(f'{name} {count}' for name, count in facts['killed_at'].items())}")
        of = " + ".join(f"{count} of {slug}" for slug, count in facts["reports_of"].items())
        self.stdout.write(
            f"{facts['overtaken']} overtaken, {facts['messages']} messages delivered, {facts['reports']} reports "
            f"imported ({of or 'none'}), {facts['planted']} errors planted in them, {facts['declared']} declared to "
            f"customs, {facts['told_twice']} stories told twice"
        )
        through = ", ".join(f"{count} through {slug}" for slug, count in facts["payments_through"].items())
        self.stdout.write(f"payments: {through}; {facts['refunds_repeated']} refunds repeated")
        self.stdout.write(f"promises: {', '.join(facts['promises'])}")
        self.stdout.write(f"{facts['steps_per_second']} steps/s ({facts['steps_per_cpu_second']} per CPU second)")
        if shortest is None:
            self.stdout.write("Every promise held.")
            return
        self.stdout.write(f"\nSeed {shortest.seed} breaks a promise. The shortest history found:")
        self.stdout.write("\n".join(shortest.lines))
        self.stdout.write("\n".join(shortest.violations))
