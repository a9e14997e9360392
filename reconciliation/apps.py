"""What reconciliation plugs into the ground's registries."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    """The app; ``ready()`` plugs it in."""

    name = "reconciliation"

    def ready(self) -> None:
        """Due work, lines for timelines and Today, marks of what is settled, and hits for the search."""
        from portal import registry  # noqa: PLC0415 - needs loaded apps
        from reconciliation import (  # noqa: PLC0415
            evidence,
            finding,
            four_eyes,
            operations,
            queries,
            standing,
            tasks,
            today,
            truths,
        )

        registry.due_work.register("reports", tasks.files_due, position=60)
        registry.due_work.register("settlements", tasks.watches_due, position=61)
        registry.due_work.register("report sources", tasks.sources_due, position=62)
        registry.due_work.register("bulk decisions", tasks.bulks_due, position=63)
        registry.connected.register("reconciliation", operations.watch)
        registry.connected.register("calendar", operations.begin_calendar)
        registry.approvals.register("write off", four_eyes.CLOSE, position=30)
        registry.approvals.register("match by hand", four_eyes.MATCH, position=31)
        registry.approvals.register("name bank difference", four_eyes.NAME_DIFFERENCE, position=32)
        registry.timelines.register("reconciliation", queries.timeline, position=50)
        registry.timelines.register("settlement", standing.timeline, position=51)
        registry.marks.register("reconciliation", standing.marks, position=50)
        registry.facts.register("reconciliation", standing.facts)
        registry.truths.register("reconciliation", truths.truths, position=50)
        registry.evidence.register("reconciliation", evidence.of_order, position=50)
        for position, (name, queue) in enumerate(today.QUEUES.items(), start=49):
            registry.today.register(name, queue, position=position)
        for position, (name, searched) in enumerate(finding.SEARCHED.items(), start=50):
            registry.searches.register(name, searched, position=position)
        registry.panels.register("reconciliation", today.panels, position=10)
