"""History is only ever added to: what was written stays as written, whatever code tries."""

from typing import Any, NoReturn, TypeVar

from django.db import models

from portal import statements

M = TypeVar("M", bound=models.Model)


class AddedOnlyQuerySet(models.QuerySet[M]):
    """Reads and adds; refuses the rest."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse. Raises TypeError."""
        raise TypeError(f"{self.model._meta.verbose_name} rows are only added to")

    def delete(self) -> NoReturn:
        """Refuse. Raises TypeError."""
        raise TypeError(f"{self.model._meta.verbose_name} rows are only added to")


class AddedOnly(models.Model):
    """A row that is written once."""

    objects = AddedOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row. Raises TypeError on a second save."""
        if not self._state.adding:
            raise TypeError(f"{self._meta.verbose_name} rows are only added to")
        statements.insert(self)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse. Raises TypeError."""
        raise TypeError(f"{self._meta.verbose_name} rows are only added to")
