"""``manage.py rotate_keys``: encrypt everything anew under the newest master key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import encryption


class Command(BaseCommand):
    """Rotate the master key without stopping the portal."""

    help = (
        "Encrypt everything anew under the first key of PORTAL_MASTER_KEYS. Put the new key first and keep the old one "
        "behind it, restart, run this, and only then drop the old key; but keep the last one: look-ups rest on it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through every encrypted column."""
        self.stdout.write(f"encrypting under key {encryption.key_ring().current}")
        for table, key_column, column, purpose in encryption.encrypted_columns():
            try:
                changed = encryption.encrypt_anew(table, key_column, column, purpose)
            except encryption.Undecryptable as reason:
                sentence = f"{purpose}: {reason}. Add the missing key and run this again."
                raise CommandError(sentence, returncode=2) from None
            self.stdout.write(f"{purpose}: {changed} values")
