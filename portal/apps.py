"""What Django starts: the ground's app, and the admin with our desk as its site."""

import gc
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from portal import clock, registry


def _take_one_processor(connection: BaseDatabaseWrapper, **_: object) -> None:
    """One processor of the database for each connection: there are many requests and few processors.

    PostgreSQL would divide a question that it takes for a large one among processes that it starts for it. Starting
    them takes ten times as long as the answer where a page asks, and whatever is large indeed is asked by the worker,
    which has time.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")


class PortalConfig(AppConfig):
    """The ground: accounts, exchanges, notifications, journal, incidents."""

    name = "portal"
    verbose_name = "System"

    def ready(self) -> None:
        """Put the sandbox's clock in force, where there is one; plug in what the ground brings; let checks run."""
        from portal import (  # noqa: PLC0415 - models are loaded by now
            accounts,
            approvals,
            catalogue,
            checks,  # noqa: F401
            due,
            inbox,
            merchant_keys,
            news,
            outbox,
            people,
            roles,
            signing_in,
        )
        from portal.journal import checkpoints, guard  # noqa: PLC0415

        connection_created.connect(_take_one_processor)
        signing_in.listen()
        registry.due_work.register("notifications", inbox.notifications_due, position=40)
        registry.due_work.register("webhook events", outbox.events_due, position=90)
        registry.due_work.register("webhooks", outbox.deliveries_due, position=91)
        registry.due_work.register("webhook endpoints", outbox.endpoints_due, position=92)
        rules = approvals.rules_kind(roles.FINANCE, roles.ADMINISTRATOR)
        registry.approvals.register(approvals.RULES, rules, position=90)
        keys = registry.ApprovalKind(
            "Change keys or addresses of an account",
            accounts.carry_out_key_change,
            foresee=accounts.foresee_key_change,
            defaults=(registry.Rule(approvers=(roles.ADMINISTRATOR, roles.FINANCE), is_always=True),),
        )
        registry.approvals.register(accounts.KEY_CHANGE, keys, position=80)
        methods = registry.ApprovalKind(
            "Change a payment method",
            catalogue.carry_out,
            foresee=catalogue.foresee,
            objection=catalogue.objection,
            defaults=(registry.Rule(approvers=(roles.FINANCE, roles.ADMINISTRATOR), is_always=True),),
        )
        registry.approvals.register(catalogue.METHOD_CHANGE, methods, position=79)
        merchant = registry.ApprovalKind(
            "Make a merchant key",
            merchant_keys.carry_out,
            foresee=lambda approval: [approval.sentence],
            defaults=(registry.Rule(approvers=(roles.ADMINISTRATOR, roles.FINANCE), is_always=True),),
        )
        registry.approvals.register(merchant_keys.MERCHANT_KEY, merchant, position=81)
        resets = registry.ApprovalKind(
            "Reset a second factor",
            people.carry_out_reset,
            foresee=people.foresee_reset,
            defaults=(registry.Rule(approvers=(roles.ADMINISTRATOR, roles.FINANCE), is_always=True),),
        )
        registry.approvals.register(people.RESET, resets, position=60)
        changes = registry.ApprovalKind(
            "Invite people, change roles",
            people.carry_out_roles,
            foresee=lambda approval: [approval.sentence],
            defaults=(registry.Rule(approvers=(roles.ADMINISTRATOR, roles.FINANCE), is_always=True),),
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
        gc.freeze()  # what is loaded by now stays: nobody need look through it, and a fork does not copy it
        gc.enable()
