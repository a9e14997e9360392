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
        """Put the sandbox's clock in force, where there is one; plug in what the ground brings; let checks run."""
        from portal import (  # noqa: PLC0415 - models are loaded by now
            accounts,
            approvals,
            checks,  # noqa: F401
            due,
            inbox,
            news,
            outbox,
            people,
            roles,
            signing_in,
        )
        from portal.journal import checkpoints, guard  # noqa: PLC0415

        signing_in.listen()
        registry.due_work.register("notifications", inbox.notifications_due, position=40)
        registry.due_work.register("webhook events", outbox.events_due, position=90)
        registry.due_work.register("webhooks", outbox.deliveries_due, position=91)
        registry.due_work.register("webhook endpoints", outbox.endpoints_due, position=92)
        rules = approvals.rules_kind(roles.FINANCE, roles.ADMINISTRATOR)
        registry.approvals.register(approvals.RULES, rules, position=90)
        keys = registry.ApprovalKind(
            "Change a key",
            accounts.carry_out_key_change,
            foresee=lambda approval: [approval.sentence],
            defaults=(registry.Rule(approvers=(roles.ADMINISTRATOR,)),),  # never, until somebody says otherwise
        )
        registry.approvals.register(accounts.KEY_CHANGE, keys, position=80)
        resets = registry.ApprovalKind(
            "Reset a second factor",
            people.carry_out_reset,
            foresee=people.foresee_reset,
            defaults=(registry.Rule(approvers=(roles.ADMINISTRATOR, roles.FINANCE), is_always=True),),
        )
        registry.approvals.register(people.RESET, resets, position=60)
        changes = registry.ApprovalKind(
            "Change roles",
            people.carry_out_roles,
            foresee=lambda approval: [approval.sentence],
            defaults=(registry.Rule(approvers=(roles.ADMINISTRATOR, roles.FINANCE)),),  # never, as above
        )
        registry.approvals.register(people.ROLES, changes, position=70)
        registry.due_work.register("approvals", approvals.approvals_due, position=50)
        post_migrate.connect(approvals.install_rules, sender=self, dispatch_uid="portal.approvals.rules")
        days = due.work_on(checkpoints.waiting_days, checkpoints.work_day)
        registry.due_work.register("journal days", days, position=95)
        post_migrate.connect(guard.install, sender=self, dispatch_uid="portal.journal.guard")
        registry.due_work.register("news", news.news_due, position=96)
        registry.news.register("incidents", news.open_incidents, position=10)
        registry.news.register("approvals", news.waiting_approvals, position=20)
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
