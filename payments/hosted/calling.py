"""The public API, called by a page for the buyer whose browser asks for it, in this very process.

A call goes through the door as any other: it is authenticated by the session's token, limited, read and refused there.
Only the way over the network is left out, since a server that calls itself waits for itself when all its threads do.
"""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.urls import resolve
from django.utils import translation

_ROOT = "/api/v1/"
_PASSED_ON = (
    "REMOTE_ADDR",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_HOST",
    "SERVER_NAME",
    "SERVER_PORT",
)


class VisitOver(Exception):
    """The session has ended, or is none."""


class NotNow(Exception):
    """The API did not answer what a page cannot do without."""

    def __init__(self, answer: "Answer") -> None:
        super().__init__(answer.status)
        self.status, self.problem = answer.status, answer.problem


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    said: dict[str, Any]

    @property
    def is_refusal(self) -> bool:
        """Whether it is a problem (RFC 9457)."""
        return self.status >= 400

    def needed(self) -> dict[str, Any]:
        """What was said. Raises NotNow where it was refused."""
        if self.is_refusal:
            raise NotNow(self)
        return self.said

    @property
    def problem(self) -> str:
        """The refusal's sentence, for people; empty where it is none."""
        return str(self.said.get("detail", "")) if self.is_refusal else ""


class Api:
    """The API, for one buyer."""

    def __init__(self, request: HttpRequest, token: str) -> None:
        self._environ = {name: request.META[name] for name in _PASSED_ON if name in request.META}
        self._environ |= {
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "HTTP_ACCEPT": "application/json",
            "wsgi.url_scheme": request.scheme or "http",
        }

    def get(self, path: str, **query: str) -> Answer:
        """Ask. Raises VisitOver."""
        return self._call("GET", path, query=urlencode(query))

    def post(self, path: str, body: dict[str, Any], *, key: str = "") -> Answer:
        """Act, under an Idempotency-Key where the door wants one. Raises VisitOver."""
        sent = json.dumps(body).encode()
        more: dict[str, Any] = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(sent))}
        if key:
            more["HTTP_IDEMPOTENCY_KEY"] = key
        return self._call("POST", path, sent=sent, **more)

    def _call(self, method: str, path: str, *, query: str = "", sent: bytes = b"", **more: Any) -> Answer:
        path = f"{_ROOT}{path}"
        environ = {
            **self._environ,
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": BytesIO(sent),
            **more,
        }
        view, arguments, named = resolve(path)
        with translation.override(settings.LANGUAGE_CODE):  # the API speaks English, whoever reads its answer
            response = view(WSGIRequest(environ), *arguments, **named)
            response.render()
        if response.status_code == 401:
            raise VisitOver
        return Answer(response.status_code, json.loads(response.content))
