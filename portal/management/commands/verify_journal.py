"""``manage.py verify_journal``: prove that nobody changed the journal, or name the first line that does not hold."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from portal import checks
from portal.journal import checkpoints, guard, proof
from portal.outage import DATABASE_GONE, said

BROKEN, REFUSED = 1, 2


class Command(BaseCommand):
    """Exit 0: it holds. Exit 1: it was changed. Exit 2: it could not be looked at, with a sentence."""

    help = "Prove the journal: every line's hash, every link, every signed checkpoint. Names the first broken link."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say how to answer."""
        parser.add_argument("--format", choices=("text", "json"), default="text", help="how to answer")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prove it."""
        try:
            sentence = checks.old_tables()
            if sentence:
                raise CommandError(sentence, returncode=REFUSED)
            found, unguarded = proof.prove(), guard.missing()
        except DATABASE_GONE as reason:
            sentence = f"The database does not answer: {said(reason)}."
            raise CommandError(sentence, returncode=REFUSED) from None
        except OSError as reason:
            why = reason.strerror or "it cannot be read"
            sentence = f"The checkpoints in {checkpoints.folder()} cannot be read: {why}."
            raise CommandError(sentence, returncode=REFUSED) from None
        except ImproperlyConfigured as reason:
            raise CommandError(str(reason), returncode=REFUSED) from None
        if options["format"] == "json":
            self.stdout.write(json.dumps({**found.as_json(), "is_guarded": not unguarded}, indent=2))
        else:
            self._tell(found, unguarded)
        if not found.holds:
            sys.exit(BROKEN)

    def _tell(self, found: proof.Proof, unguarded: str) -> None:
        if found.first_break is not None:
            where = found.first_break
            named = "" if where.entry is None else f" (entry {where.entry})"
            self.stdout.write(f"BROKEN at line {where.position}{named}: {where.what}.")
        for fault in found.faults:
            self.stdout.write(fault)
        if unguarded:
            self.stdout.write(unguarded)
        if found.holds:
            self.stdout.write(
                f"The journal holds: {found.lines} lines, {found.checkpoints} checkpoints, last hash {found.last_hash}."
            )
