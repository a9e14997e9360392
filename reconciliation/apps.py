"""What reconciliation plugs into the ground's registries."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    """The app; ``ready()`` plugs it in."""

    name = "reconciliation"

    def ready(self) -> None:
        """Lines for timelines and Today, marks of what is settled, and hits for the search."""
        from portal import registry  # noqa: PLC0415 - needs loaded apps
        from reconciliation import queries  # noqa: PLC0415

        registry.timelines.register("reconciliation", queries.timeline, position=50)
        registry.marks.register("reconciliation", queries.marks, position=50)
        registry.today.register("reconciliation", queries.today, position=50)
        registry.searches.register("reconciliation", queries.search, position=50)
