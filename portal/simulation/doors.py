"""The API's doors without a socket: the view that a path leads to, asked as a caller would ask it."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.urls import resolve

_API = "/api/v1"
GOOD = range(200, 300)


@dataclass(frozen=True)
class Answer:
    """What a door answered."""

    status: int
    body: dict[str, Any]
    is_replay: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the caller got what was asked for."""
        return self.status in GOOD

    @property
    def word(self) -> str:
        """The answer in a word."""
        return str(self.body.get("status" if self.is_good else "code", self.status))


@dataclass(frozen=True)
class Asked:
    """One request, so that it can be sent again."""

    method: str
    path: str
    token: str
    body: dict[str, Any] | None
    key: str


class Doors:
    """Everything below ``/api/v1/`` and ``/return/``."""

    def __init__(self) -> None:
        self._requests = RequestFactory()

    def ask(self, asked: Asked) -> Answer:
        """Send a request. What the portal does not expect is not caught."""
        headers = {"Authorization": f"Bearer {asked.token}"} if asked.token else {}
        if asked.key:
            headers["Idempotency-Key"] = asked.key
        data = json.dumps(asked.body) if asked.body is not None else ""
        request = self._requests.generic(
            asked.method, _API + asked.path, data=data, content_type="application/json", headers=headers
        )
        match = resolve(_API + asked.path)
        response = match.func(request, *match.args, **match.kwargs)
        response.render()
        body = json.loads(response.content) if response.content else {}
        return Answer(response.status_code, body, "Idempotent-Replayed" in response.headers)

    def browse(self, url: str) -> int:
        """Open a page of the portal as the wallet sends the buyer back to it; its status."""
        parts = urlsplit(url)
        match = resolve(parts.path)
        request = self._requests.get(f"{parts.path}?{parts.query}")
        try:
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        except Http404:
            return 404
        return response.status_code
