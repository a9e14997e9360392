"""People at the desk, and what they read and press."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.models import ApprovalRule
from portal.roles import ADMINISTRATOR, PURPOSES
from tests.factories import UserFactory


class Desk:
    """A person of some roles before the desk."""

    def __init__(self, *roles: str) -> None:
        self.user = UserFactory(roles=roles)
        self.client = Client()
        self.client.force_login(self.user)

    def opens(self, url: str) -> str:
        """The page at a URL, which must be there."""
        response = self.client.get(url, follow=True)
        assert response.status_code == 200, (url, response.status_code)
        return response.content.decode()

    def status(self, url: str) -> int:
        """What a URL answers."""
        return int(self.client.get(url).status_code)

    def reads(self, url: str) -> str:
        """The words of a page."""
        return words(self.opens(url))

    def begins(self, url: str) -> "Form":
        """The form of an act."""
        return Form(self, url, self.opens(url))


class Form:
    """An act's form as it was opened: it may be sent, and sent again."""

    def __init__(self, desk: Desk, url: str, page: str) -> None:
        self.desk, self.url, self.page = desk, url, page
        self.once = _value(page, 'name="once" value="')
        self.saying = _value(page, 'name="saying" value="')

    def sends(self, saying: str | None = None, **said: Any) -> str:
        """Press the button; the words of the page one ends on."""
        response = self.presses(saying, **said)
        assert response.status_code == 200
        return words(response.content.decode())

    def presses(self, saying: str | None = None, **said: Any) -> Any:
        """The same, answered by the response itself. A reason in words that the form demands is given."""
        if re.search(r'name="note"[^>]* required', self.page):
            said = {"note": "as agreed", **said}
        data = {"once": self.once, "saying": self.saying if saying is None else saying, **said}
        return self.desk.client.post(self.url, data, follow=True)


def words(html: str) -> str:
    """What a person reads of a page."""
    body = re.sub(r"<(script|style|svg|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def _value(page: str, before: str) -> str:
    assert before in page, words(page)[-600:]
    return unescape(page.split(before, 1)[1].split('"', 1)[0])


def page_url(thing: Any) -> str:
    """The page of a thing."""
    return reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=(thing.pk,))


def act_url(thing: Any, name: str) -> str:
    """The page of an act on a thing."""
    return reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_act", args=(thing.pk, name))


def list_url(model: Any) -> str:
    """The list of a kind of things."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def nobody_else_decides(*kinds: str) -> None:
    """Let the rules say so of these kinds of acts."""
    for kind in kinds:
        ApprovalRule.objects.update_or_create(kind=kind, defaults={"is_always": False, "approvers": [ADMINISTRATOR]})


@pytest.fixture
def person() -> Callable[..., Desk]:
    """Somebody of these roles."""
    return Desk


@pytest.fixture
def chief(db: None) -> Desk:
    """Somebody who may do everything, since they hold every role."""
    return Desk(*PURPOSES)
