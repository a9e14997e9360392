"""The line between portal and sandbox without a socket, and the seams at which a process may be killed or overtaken."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from django.db import connection, transaction
from django.test import RequestFactory
from requests.adapters import BaseAdapter

from portal import inbox
from portal.acquirer.client import READ_SECONDS
from portal.sandbox.alipayplus_codes import WORDS
from portal.sandbox.engine import Engine
from portal.sandbox.notifications import Undelivered

_NOTIFY = "/notify/"
_MOVING = {
    "pay": ("paymentRequestId",),
    "refund": ("refundRequestId",),
    "cancel": ("paymentRequestId", "paymentId"),
    "declare": ("declarationRequestId",),
    "applyToken": ("authCode", "refreshToken"),
}
"""The calls that move something, and what names the thing moved: one at a time each."""


def nothing_happens(_name: str) -> None:
    """At a seam at rest."""


class Killed(BaseException):
    """The process died here. Not an Exception: nothing of the portal may catch it."""


class Seams:
    """Where a step may be killed or overtaken: around every call to the acquirer, and around every commit.

    Before a commit one may only be killed, which undoes the transaction: a parked writer would block everybody.
    """

    def __init__(self) -> None:
        self.at: Callable[[str], None] = nothing_happens
        self.before_a_commit: Callable[[], None] = lambda: None

    def reach(self, name: str) -> None:
        """Come to a seam, unless a transaction is open."""
        if not connection.in_atomic_block:
            self.at(name)

    def rest(self) -> None:
        """From here on nothing happens at any seam."""
        self.at, self.before_a_commit = nothing_happens, lambda: None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Come to a seam before and after every outermost commit too."""
        leave = transaction.Atomic.__exit__
        seams = self

        def leave_and_reach(block: transaction.Atomic, kind: Any, error: Any, trace: Any) -> None:
            if kind is None and not connection.savepoint_ids and len(connection.atomic_blocks) == 1:
                try:
                    seams.before_a_commit()
                except Killed as death:
                    leave(block, Killed, death, trace)
                    raise
            leave(block, kind, error, trace)
            if kind is None:
                seams.reach("after a commit")

        transaction.Atomic.__exit__ = leave_and_reach  # type: ignore[method-assign]
        try:
            yield
        finally:
            transaction.Atomic.__exit__ = leave  # type: ignore[method-assign]


@dataclass
class Line:
    """What may happen to the line itself, apart from what the acquirer does."""

    unreachable: int = 0
    """So many connections are not made: the request certainly never leaves."""
    forge: Callable[[str, requests.PreparedRequest, dict[str, Any]], tuple[dict[str, str], bytes] | None] | None = None
    """Somebody sits in the line: given the verb and the request, headers and body of a forged answer, or None."""
    after_a_loss: Callable[[str, dict[str, Any]], None] | None = None
    """Told of every call whose work was done and whose answer was lost: the verb and the request."""
    under_way: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    twice: list[str] = field(default_factory=list)
    """What was on its way when the same was sent once more."""


class InProcess(BaseAdapter):
    """Carries a prepared request to the engine and its answer back, as the network would."""

    def __init__(self, engine: Engine, seams: Seams, line: Line) -> None:
        super().__init__()
        self._engine, self._seams, self._line = engine, seams, line

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
        """Answer, or break the line as a fault says."""
        name = request.path_url.rsplit("/", 1)[-1]
        api = WORDS.get(name, name)
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        if self._line.unreachable:
            self._line.unreachable -= 1
            raise requests.ConnectTimeout("nobody answers the door")
        asked = json.loads(body)
        names = (asked[name] for name in _MOVING.get(api, ()) if asked.get(name))
        # Of another client it is another thing: a code brought to the wrong account is refused by the acquirer.
        moves = api, request.headers.get("Client-Id", ""), next(names, "")
        if moves[2] and self._line.under_way[moves]:
            self._line.twice.append(f"{api} {moves[2]} was sent while it was on its way")
        self._line.under_way[moves] += 1
        try:
            return self._carried(request, api, body, asked)
        finally:
            self._line.under_way[moves] -= 1

    def _carried(
        self, request: requests.PreparedRequest, api: str, body: bytes, asked: dict[str, Any]
    ) -> requests.Response:
        self._seams.reach(f"before {api}")
        forged = self._line.forge(api, request, asked) if self._line.forge is not None else None
        if forged is not None:
            return _response(request, 200, *forged)
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        answer = self._engine.handle(request.method or "POST", request.path_url, headers, body)
        self._seams.reach(f"after {api}")
        if answer.dropped and self._line.after_a_loss is not None:
            self._line.after_a_loss(api, asked)
        if answer.dropped:
            raise requests.ConnectionError("the line broke")
        if answer.delay_seconds >= READ_SECONDS:
            raise requests.ReadTimeout("no answer in time")
        return _response(request, answer.status, answer.headers, answer.body)

    def close(self) -> None:
        """Nothing is open."""


def _response(
    request: requests.PreparedRequest, status: int, headers: Mapping[str, str], body: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    response.raw = io.BytesIO(body)
    response.request = request
    response.url = request.url or ""
    return response


def session_to(engine: Engine, seams: Seams, line: Line) -> requests.Session:
    """A session whose every request ends at the engine."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, InProcess(engine, seams, line))
    return session


class Delivery:
    """The sandbox's ``deliver``: hands a notification to the portal's door. A killed door is a broken line."""

    def __init__(self) -> None:
        self._requests = RequestFactory()
        self.count = 0

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """The HTTP status, headers and body. Raises Undelivered."""
        path = url[url.index(_NOTIFY) :]
        slug, kind = path.removeprefix(_NOTIFY).split("/", 1)
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
        return response.status_code, dict(response.items()), response.content
