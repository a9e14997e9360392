"""What authorizations plugs into the ground's registries."""

from django.apps import AppConfig

from portal import registry


class AuthorizationsConfig(AppConfig):
    """Buyers, bound wallets and attempts to bind."""

    name = "authorizations"
    verbose_name = "Wallets"

    def ready(self) -> None:
        """Plug in the handler of notifyAuthorization and the due work."""
        from authorizations import notifications, tasks  # noqa: PLC0415 - models are loaded by now

        registry.notification_handlers.register("AuthorizationMessage", notifications.apply)
        registry.due_work.register("authorizations", tasks.authorizations_due, position=20)
        registry.due_work.register("wallets", tasks.wallets_due, position=30)
