"""What authorizations plugs into the ground's registries."""

from django.apps import AppConfig

from portal import registry


class AuthorizationsConfig(AppConfig):
    """Buyers, bound wallets and attempts to bind."""

    name = "authorizations"
    verbose_name = "Wallets"

    def ready(self) -> None:
        """Plug in who takes messages about agreements, the due work, and what the desk shows."""
        from authorizations import (  # noqa: PLC0415 - models are loaded by now
            desk,
            four_eyes,
            notifications,
            queries,
            tasks,
        )

        registry.notification_handlers.register("AuthorizationMessage", notifications.apply)
        registry.notification_handlers.register("UnbindingQuestion", notifications.keep_question)
        registry.questions.register("UnbindingQuestion", notifications.answer_unbinding)
        registry.due_work.register("authorizations", tasks.authorizations_due, position=20)
        registry.due_work.register("wallets", tasks.wallets_due, position=30)
        registry.approvals.register("revoke", four_eyes.KIND, position=30)
        registry.unknown.register("authorizations", queries.unknown_authorizations, position=20)
        registry.unknown.register("revocations", queries.unknown_revocations, position=30)
        registry.timelines.register("authorizations", desk.timeline, position=20)
        registry.today.register("authorizations", desk.TODAY, position=30)
        registry.hanging.register("wallets", desk.bound_with, position=10)
        for position, (name, searched) in enumerate(desk.SEARCHED.items(), start=20):
            registry.searches.register(name, searched, position=position)
