"""What payments plugs into the ground's registries."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """The app; ``ready()`` plugs it in."""

    name = "payments"
