"""What payments plugs into the ground's registries."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from portal import registry


class PaymentsConfig(AppConfig):
    """Products, orders, payments, cancels and refunds."""

    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Plug in the handlers of notifyPayment and notifyRefund, the due work, and what the desk shows."""
        from payments import (  # noqa: PLC0415 - models are loaded by now
            bulk_refunds,
            evidence,
            finding,
            four_eyes,
            notifications,
            panels,
            queries,
            tasks,
            timeline,
            today,
        )
        from payments.customs import queries as customs_queries  # noqa: PLC0415
        from payments.customs import tasks as customs_tasks  # noqa: PLC0415
        from payments.customs import timeline as customs_timeline  # noqa: PLC0415
        from payments.customs import today as customs_today  # noqa: PLC0415
        from payments.subscriptions import four_eyes as policies_under_four_eyes  # noqa: PLC0415
        from payments.subscriptions import operations, stakes, stopping  # noqa: PLC0415
        from payments.subscriptions import tasks as subscription_tasks  # noqa: PLC0415
        from payments.subscriptions import timeline as subscription_timeline  # noqa: PLC0415
        from payments.subscriptions import today as subscriptions_today  # noqa: PLC0415

        registry.notification_handlers.register("PaymentMessage", notifications.apply_payment)
        registry.notification_handlers.register("RefundMessage", notifications.apply_refund)
        registry.due_work.register("payments", tasks.payments_due, position=10)
        registry.due_work.register("cancels", tasks.cancels_due, position=11)
        registry.due_work.register("refunds", tasks.refunds_due, position=12)
        registry.approvals.register("refund", four_eyes.KIND, position=10)
        registry.unknown.register("payments", queries.unknown_payments, position=10)
        registry.unknown.register("cancels", queries.unknown_cancels, position=11)
        registry.unknown.register("refunds", queries.unknown_refunds, position=12)
        registry.approvals.register("bulk refund", bulk_refunds.KIND, position=20)
        registry.due_work.register("bulk refunds", tasks.bulk_lines_due, position=13)
        registry.due_work.register("subscriptions", subscription_tasks.subscriptions_due, position=14)
        registry.due_work.register("subscription charges", subscription_tasks.cycles_due, position=15)
        registry.due_work.register("declarations", customs_tasks.declarations_due, position=16)
        registry.unknown.register("declarations", customs_queries.unknown, position=13)
        registry.timelines.register("customs", customs_timeline.about_payment, position=13)
        for position, (name, queue) in enumerate(customs_today.QUEUES.items(), start=28):
            registry.today.register(name, queue, position=position)
        registry.approvals.register("retry policy", policies_under_four_eyes.KIND, position=70)
        registry.timelines.register("subscriptions", subscription_timeline.about_order, position=12)
        registry.hanging.register("subscriptions", stopping.charged_with, position=20)
        registry.consents.register("subscriptions", stopping.named, position=10)
        registry.rebindings.register("subscriptions", stopping.follow, position=10)
        registry.endings.register("subscriptions", stopping.end_with, position=10)
        registry.stakes.register("subscriptions", stakes.of_wallets, position=10)
        registry.today.register("subscriptions", subscriptions_today.PAST_DUE, position=27)
        registry.today.register("unpaid cycles", subscriptions_today.STUCK_CHARGES, position=28)
        registry.today.register("unposted amounts", subscriptions_today.UNPOSTED, position=29)
        post_migrate.connect(operations.install_policies, sender=self, dispatch_uid="payments.retry_policies")
        registry.timelines.register("payments", timeline.timeline, position=10)
        registry.timelines.register("payment approvals", four_eyes.timeline, position=15)
        registry.evidence.register("payments", evidence.of_order, position=10)
        for position, (name, queue) in enumerate(today.QUEUES.items(), start=20):
            registry.today.register(name, queue, position=position)
        registry.panels.register("payments", panels.panels, position=20)
        for position, (name, searched) in enumerate(finding.SEARCHED.items(), start=10):
            registry.searches.register(name, searched, position=position)
