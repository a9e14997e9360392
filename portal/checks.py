"""What must be right before this starts for real, each with an id and a hint."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def production_is_complete(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to run as production with anything the sandbox makes up for itself."""
    if not settings.IS_PRODUCTION:
        return []
    found: list[CheckMessage] = []
    if not settings.PORTAL_MASTER_KEYS:
        found.append(
            Error(
                "PORTAL_MASTER_KEYS is not set.",
                hint="Give 'k1:<base64 of 32 random bytes>'; tokens and keys are encrypted with it.",
                id="portal.E001",
            )
        )
    if settings.DEBUG:
        found.append(Error("PORTAL_DEBUG is on in production.", hint="Unset it.", id="portal.E002"))
    if settings.PORTAL_CLOCK_FILE:
        found.append(
            Error(
                "PORTAL_CLOCK_FILE is set in production.", hint="Only a sandbox has a movable clock.", id="portal.E003"
            )
        )
    if not settings.ALLOWED_HOSTS:
        found.append(
            Error("PORTAL_ALLOWED_HOSTS is empty.", hint="Give the host names of this portal.", id="portal.E004")
        )
    if not settings.PORTAL_BASE_URL.startswith("https://"):
        found.append(
            Error(
                "PORTAL_BASE_URL is not https.",
                hint="Give the public address of this portal; buyers return to it.",
                id="portal.E005",
            )
        )
    return found
