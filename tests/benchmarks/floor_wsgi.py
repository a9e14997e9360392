"""The floors' WSGI door, for the server that serves the portal too."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup(set_prefix=False)

from tests.benchmarks.floor import Bare  # noqa: E402 - its models need the line above

application = Bare()
