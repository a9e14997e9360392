"""What payments plugs into the ground's registries."""

from django.apps import AppConfig

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
        registry.timelines.register("payments", timeline.timeline, position=10)
        registry.timelines.register("payment approvals", four_eyes.timeline, position=15)
        registry.evidence.register("payments", evidence.of_order, position=10)
        registry.today.register("payments", today.waiting, position=20)
        registry.today_rows.register("payments", today.WAITING_ROWS)
        registry.today.register("failures", today.failures, position=25)
        registry.today_rows.register("failures", today.FAILURE_ROWS)
        registry.panels.register("payments", panels.panels, position=20)
        for position, (name, searched) in enumerate(finding.SEARCHED.items(), start=10):
            registry.searches.register(name, searched, position=position)
