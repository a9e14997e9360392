"""What the fields of forms are called: where nobody says it, the framework makes it of the column, in English alone."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.urls import get_resolver

_OURS = ("portal", "payments", "authorizations", "reconciliation")


def test_every_field_that_is_seen_is_called_something_that_is_told() -> None:
    assert get_resolver().url_patterns  # read, and with them every door and every form behind it
    found = {form for form in _kinds_of(forms.BaseForm) if form.__module__.partition(".")[0] in _OURS}
    assert len(found) > 100
    nameless = [
        f"{form.__module__}.{form.__name__}.{name}"
        for form in found
        for name, field in getattr(form, "base_fields", {}).items()
        if field.label is None and not field.widget.is_hidden
    ]
    assert sorted(nameless) == []


def test_labels_are_made_when_they_are_read() -> None:
    """Made where their class is written, they are English for ever."""
    plain = [
        f"{form.__module__}.{form.__name__}.{name}"
        for form in _kinds_of(forms.BaseForm)
        for name, field in getattr(form, "base_fields", {}).items()
        if form.__module__.partition(".")[0] in _OURS and isinstance(field.label, str)
    ]
    assert sorted(plain) == []


def _kinds_of(kind: type[Any]) -> Iterator[type[Any]]:
    for narrower in kind.__subclasses__():
        yield narrower
        yield from _kinds_of(narrower)
