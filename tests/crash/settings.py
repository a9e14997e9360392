"""What children that are to be killed run with: the portal's own settings, and the switch that kills them."""

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "tests.crash.seams.Seams"]
MIDDLEWARE = ["tests.crash.seams.Doorway", *MIDDLEWARE]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
