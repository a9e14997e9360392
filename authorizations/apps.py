"""What authorizations plugs into the ground's registries."""

from django.apps import AppConfig


class AuthorizationsConfig(AppConfig):
    """The app; ``ready()`` plugs it in."""

    name = "authorizations"
