#!/usr/bin/env python
"""The door for everything that is typed: ``python manage.py demo`` is where to begin."""

import os
import sys


def main() -> None:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - after the settings are named
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as reason:
        # A variable of the environment: its name and a sentence say more than where it was read.
        if "--traceback" in sys.argv:
            raise
        sys.stderr.write(f"{reason}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
