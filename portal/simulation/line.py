"""The line between portal and sandbox without a socket, and the seams at which a process may be killed or overtaken."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from django.db import connection, transaction
from django.test import RequestFactory
from requests.adapters import BaseAdapter

from portal import inbox
from portal.acquirer.client import READ_SECONDS
from portal.sandbox.engine import Engine
from portal.sandbox.notifications import Undelivered

_NOTIFY = "/notify/"


class Killed(BaseException):
    """The process died here. Not an Exception: nothing of the portal may catch it."""


class Seams:
    """Where a step may be killed or overtaken: around the wire, and after every commit. All outside transactions."""

    def __init__(self) -> None:
        self.at: Callable[[str], None] = lambda _name: None

    def reach(self, name: str) -> None:
        """Come to a seam, unless a transaction is open."""
        if not connection.in_atomic_block:
            self.at(name)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Come to a seam after every outermost commit too."""
        leave = transaction.Atomic.__exit__
        seams = self

        def leave_and_reach(block: transaction.Atomic, kind: Any, error: Any, trace: Any) -> None:
            leave(block, kind, error, trace)
            if kind is None:
                seams.reach("after a commit")

        transaction.Atomic.__exit__ = leave_and_reach  # type: ignore[method-assign]
        try:
            yield
        finally:
            transaction.Atomic.__exit__ = leave  # type: ignore[method-assign]


class InProcess(BaseAdapter):
    """Carries a prepared request to the engine and its answer back, as the network would."""

    def __init__(self, engine: Engine, seams: Seams) -> None:
        super().__init__()
        self._engine, self._seams = engine, seams

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
        """Answer, or break the line as a fault says."""
        self._seams.reach("before the wire")
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        answer = self._engine.handle(request.method or "POST", request.path_url, headers, body)
        self._seams.reach("after the wire")
        if answer.dropped:
            raise requests.ConnectionError("the line broke")
        if answer.delay_seconds >= READ_SECONDS:
            raise requests.ReadTimeout("no answer in time")
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.raw = io.BytesIO(answer.body)
        response.request = request
        response.url = request.url or ""
        return response

    def close(self) -> None:
        """Nothing is open."""


def session_to(engine: Engine, seams: Seams) -> requests.Session:
    """A session whose every request ends at the engine."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, InProcess(engine, seams))
    return session


class Delivery:
    """The sandbox's ``deliver``: hands a notification to the portal's door. A killed door is a broken line."""

    def __init__(self) -> None:
        self._requests = RequestFactory()
        self.count = 0

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """The HTTP status and body. Raises Undelivered."""
        path = url[url.index(_NOTIFY) :]
        slug, kind = path.removeprefix(_NOTIFY).split("/")
        request = self._requests.post(
            path,
            data=body,
            content_type=headers.get("content-type", "application/json"),
            headers={name: value for name, value in headers.items() if name.lower() != "content-type"},
        )
        self.count += 1
        try:
            response = inbox.notify(request, slug, kind)
        except Killed as death:
            raise Undelivered("the portal died") from death
        return response.status_code, response.content
