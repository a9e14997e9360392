"""What reconciliation plugs into the ground's registries."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    """The app; ``ready()`` plugs it in."""

    name = "reconciliation"
