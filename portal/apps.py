"""What Django starts: the ground's app, and the admin with our desk as its site."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate

from portal import clock, registry


class PortalConfig(AppConfig):
    """The ground: accounts, exchanges, notifications, journal, incidents."""

    name = "portal"
    verbose_name = "System"

    def ready(self) -> None:
        """Put the sandbox's clock in force, where there is one; plug in the inbox; let the checks be known."""
        from portal import checks, inbox  # noqa: F401, PLC0415 - models are loaded by now

        registry.due_work.register("notifications", inbox.notifications_due, position=40)
        if settings.PORTAL_CLOCK_FILE and not settings.IS_PRODUCTION:
            clock.use(clock.FileClock(Path(settings.PORTAL_CLOCK_FILE)))


class DeskConfig(AdminConfig):
    """The admin, with our own site."""

    default_site = "portal.desk.site.DeskSite"

    def ready(self) -> None:
        """Find the apps' desks, and bring the role groups in line after every migration."""
        super().ready()
        from portal import roles  # noqa: PLC0415 - models are loaded by now

        post_migrate.connect(roles.install, sender=self, dispatch_uid="portal.roles")
