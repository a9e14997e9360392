"""What authorizations plugs into the ground's registries."""

from django.apps import AppConfig

from portal import registry


class AuthorizationsConfig(AppConfig):
    """Buyers, bound wallets and attempts to bind."""

    name = "authorizations"
    verbose_name = "Wallets"

    def ready(self) -> None:
        """Plug in the handler of notifyAuthorization, the due work, and what the desk shows."""
        from authorizations import desk, notifications, tasks  # noqa: PLC0415 - models are loaded by now

        registry.notification_handlers.register("AuthorizationMessage", notifications.apply)
        registry.due_work.register("authorizations", tasks.authorizations_due, position=20)
        registry.due_work.register("wallets", tasks.wallets_due, position=30)
        registry.timelines.register("authorizations", desk.timeline, position=20)
        registry.today.register("authorizations", desk.today, position=30)
        registry.searches.register("authorizations", desk.search, position=20)
