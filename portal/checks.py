"""What must be right before this starts for real, each with an id and a hint."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal.encryption import key_ring
from portal.journal import guard
from portal.outage import DATABASE_GONE, said

BROKERS = {"redis": "Redis", "rediss": "Redis", "amqp": "RabbitMQ", "amqps": "RabbitMQ"}
"""By the scheme of the broker's URL. Celery knows more; these two are what the portal is tested with."""


@register()
def master_keys_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to start with keys that would fail only when the first token is to be encrypted."""
    if not settings.IS_PRODUCTION and not settings.PORTAL_MASTER_KEYS:
        return []  # the sandbox makes its own
    try:
        key_ring()
    except ImproperlyConfigured as reason:
        hint = "Give 'k1:<base64 of 32 random bytes>'; tokens and keys are encrypted with it."
        return [Error(f"{reason}.", hint=hint, id="portal.E001")]
    return []


@register()
def production_is_complete(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to run as production with anything the sandbox makes up for itself."""
    if not settings.IS_PRODUCTION:
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        found.append(Error("PORTAL_DEBUG is on in production.", hint="Unset it.", id="portal.E002"))
    if settings.PORTAL_CLOCK_FILE:
        found.append(
            Error(
                "PORTAL_CLOCK_FILE is set in production.", hint="Only a sandbox has a movable clock.", id="portal.E003"
            )
        )
    if settings.PORTAL_WEBHOOKS_ALLOW_PRIVATE:
        found.append(
            Error(
                "PORTAL_WEBHOOKS_ALLOW_PRIVATE is on in production.",
                hint="Unset it: webhooks could be sent to machines inside your own network.",
                id="portal.E006",
            )
        )
    if not settings.PORTAL_SECOND_FACTOR:
        found.append(
            Error(
                "PORTAL_SECOND_FACTOR is off in production.",
                hint="Unset it: whoever may move money must show more than a password.",
                id="portal.E009",
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


@register()
def broker_is_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a broker nobody has tried. The URL is not repeated: a password may stand in it."""
    scheme = urlsplit(settings.CELERY_BROKER_URL).scheme
    if not settings.CELERY_BROKER_URL or scheme in BROKERS:
        return []
    return [
        Error(
            f"CELERY_BROKER_URL has the scheme {scheme!r}." if scheme else "CELERY_BROKER_URL has no scheme.",
            hint=f"Give the URL of a Redis or a RabbitMQ: {', '.join(f'{known}://…' for known in BROKERS)}.",
            id="portal.E007",
        )
    ]


@register(Tags.database)
def journal_is_guarded(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a journal that the database lets anybody change. Asked with ``check --database default``."""
    if not databases:
        return []
    sentence = "" if old_tables() else guard.missing()
    return [Error(sentence, hint="Migrating puts the triggers in place.", id="portal.E008")] if sentence else []


def not_ready() -> str:
    """A sentence when nobody may work on this database: it is away, misses migrations, or its journal has no guard."""
    try:
        return old_tables() or guard.missing()
    except DATABASE_GONE as reason:
        return f"The database does not answer: {said(reason)}."


def refuse_unready_database() -> None:
    """Say what is wrong with the database to whoever typed a command. Raises CommandError."""
    if sentence := not_ready():
        raise CommandError(sentence, returncode=2)


def old_tables() -> str:
    """A sentence when the database misses migrations; empty when the tables are what the code expects."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"The database misses {len(missing)} migrations. Run manage.py migrate." if missing else ""
