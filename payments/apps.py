"""What payments plugs into the ground's registries."""

from django.apps import AppConfig

from portal import registry


class PaymentsConfig(AppConfig):
    """Products, orders, payments, cancels and refunds."""

    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Plug in the handlers of notifyPayment and notifyRefund, the due work, and what the desk shows."""
        from payments import notifications, tasks, timeline, today  # noqa: PLC0415 - models are loaded by now

        registry.notification_handlers.register("PaymentMessage", notifications.apply_payment)
        registry.notification_handlers.register("RefundMessage", notifications.apply_refund)
        registry.due_work.register("payments", tasks.payments_due, position=10)
        registry.due_work.register("cancels", tasks.cancels_due, position=11)
        registry.due_work.register("refunds", tasks.refunds_due, position=12)
        registry.timelines.register("payments", timeline.timeline, position=10)
        registry.today.register("payments", today.waiting, position=20)
        registry.panels.register("payments", today.figures, position=10)
        registry.searches.register("payments", today.search, position=10)
