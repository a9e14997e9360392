"""``manage.py rotate_keys``: encrypt everything anew under the newest master key."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import checks, encryption, factors


class Command(BaseCommand):
    """Rotate the master key without stopping the portal."""

    help = (
        "Encrypt everything anew under the first key of PORTAL_MASTER_KEYS. Put the new key first and keep the old one "
        "behind it, restart, run this, and only then drop the old key; but keep the last one: look-ups rest on it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through every encrypted column, and the second factors, whose column is not ours."""
        checks.refuse_unready_database()
        self.stdout.write(f"encrypting under key {encryption.key_ring().current}")
        for column in encryption.encrypted_columns():
            self._encrypt(column[-1], partial(encryption.encrypt_anew, *column))
        self._encrypt("second factors", factors.encrypt_anew)

    def _encrypt(self, what: str, anew: Callable[[], int]) -> None:
        try:
            changed = anew()
        except encryption.Undecryptable as reason:
            raise CommandError(f"{what}: {reason}. Add the missing key and run this again.", returncode=2) from None
        self.stdout.write(f"{what}: {changed} values")
