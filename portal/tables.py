"""Many tables made at once, for the first migration of an app.

Django draws the models of every app anew after each single ``CreateModel``, since a later operation may look at them.
On an empty database, where nobody looks before all are there, that was four fifths of the time of a first ``migrate``.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class CreateModels(Operation):
    """``CreateModel`` for each of ``models``, in any order: what they refer to among themselves is there at the end."""

    def __init__(self, models: Sequence[CreateModel]) -> None:
        self.models = models

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """As the other operations do, so that a migration that has this one can be written out."""
        return type(self).__qualname__, [self.models], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Forget how the models were drawn, so that adding some draws none; whoever asks has them drawn once."""
        state.__dict__.pop("apps", None)
        for model in self.models:
            model.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, before: ProjectState, after: ProjectState
    ) -> None:
        """Make the tables. Foreign keys come last on PostgreSQL, and SQLite does not ask what they refer to."""
        for model in self.models:
            model.database_forwards(app_label, editor, before, after)

    def database_backwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, before: ProjectState, after: ProjectState
    ) -> None:
        """Drop them, the last one first."""
        for model in reversed(self.models):
            model.database_backwards(app_label, editor, before, after)

    def describe(self) -> str:
        """What ``migrate --plan`` says."""
        return f"Create {len(self.models)} models"
