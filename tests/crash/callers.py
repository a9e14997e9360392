"""Callers of the API who do not give up: a request without an answer is sent again under its Idempotency-Key.

What they hear is noted together: an answer that the API's description does not name, a key that made two things, and
a mistake of ours (5xx) are complaints.
"""

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import requests
from drf_spectacular.generators import SchemaGenerator

from portal import clock

TIMEOUT_SECONDS = 20
PAUSE_SECONDS = 0.25
IN_FLIGHT = "idempotency_key_in_flight"
_UNAVAILABLE = 503


_MADE: dict[str, Callable[[dict[str, Any]], str]] = {
    "pay": lambda body: body["payment"]["id"],
    **dict.fromkeys(("refunds", "subscriptions", "declarations"), lambda body: body["id"]),
}
"""What a request under a key has made, by the last word of its door."""


class GaveUp(Exception):
    """Nobody answered for so long that the caller went away; whether anything was done, it does not know."""


class Refused(Exception):
    """A problem of the API, by its code."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.code: str = problem["code"]


class Heard:
    """What all callers together have heard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._described = _described()
        self.answers: Counter[tuple[str, int, str]] = Counter()
        """How often a door answered with which status and code."""
        self.unanswered = 0
        """Requests that broke off, or were never taken."""
        self.complaints: list[str] = []
        self.secrets: set[str] = set()
        self._made: defaultdict[str, set[str]] = defaultdict(set)

    def note(self, method: str, path: str, key: str, response: requests.Response) -> dict[str, Any]:
        """Note an answer, which must be a documented one; its body."""
        door, documented = next(
            ((door, known) for verb, pattern, door, known in self._described if verb == method and pattern.match(path)),
            (path, {}),
        )
        try:
            body = response.json()
        except ValueError:
            body = {"code": "not JSON", "detail": response.text[:200]}
        code = str(body.get("code", ""))
        made = ""
        if not code:
            made = _MADE.get(door.split("/")[-1], lambda _: "")(body) if method == "POST" else ""
        with self._lock:
            self.answers[door, response.status_code, code] += 1
            if code not in documented.get(response.status_code, ()):
                self.complaints.append(f"{method} {path} answers {response.status_code} {code}: not documented. {body}")
            if made and key:
                self._made[key].add(made)
                if len(self._made[key]) > 1:
                    self.complaints.append(f"one Idempotency-Key made {sorted(self._made[key])}")
        return body

    def miss(self) -> None:
        """Note that there was no answer."""
        with self._lock:
            self.unanswered += 1


def _described() -> list[tuple[str, re.Pattern[str], str, dict[int, set[str]]]]:
    """(method, path, door, status → codes) of every door the API describes; a success has the code ""."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    found = []
    for path, methods in document["paths"].items():
        pattern = re.compile(re.sub(r"\{\w+\}", r"[0-9A-Za-z_-]{1,64}", path) + r"$")
        for method, door in methods.items():
            known = {int(status): _codes(answer) for status, answer in door["responses"].items()}
            found.append((method.upper(), pattern, path.removeprefix("/api/v1/"), known))
    return found


def _codes(answer: dict[str, Any]) -> set[str]:
    problem = answer.get("content", {}).get("application/problem+json")
    return {example["value"]["code"] for example in problem["examples"].values()} if problem else {""}


class Caller:
    """One caller: a buyer's session, a merchant's server, or nobody yet."""

    def __init__(self, url: str, heard: Heard, token: str = "", *, has_time: Callable[[], bool] = lambda: True) -> None:
        self._url, self.heard, self._has_time = url, heard, has_time
        self._line = requests.Session()
        self._line.trust_env = False
        self.token = token

    def send(self, method: str, path: str, body: object = None, *, key: str = "") -> tuple[int, dict[str, Any]]:
        """Send once; status and body. Raises requests.RequestException where there is no answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if key:
            headers["Idempotency-Key"] = key
        try:
            response = self._line.request(
                method, f"{self._url}/api/v1/{path}", json=body, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException:
            self.heard.miss()
            raise
        return response.status_code, self.heard.note(method, f"/api/v1/{path.partition('?')[0]}", key, response)

    def does(self, method: str, path: str, body: object = None, *, key: str = "", seconds: float = 60) -> Any:
        """Send until there is an answer, always the same request. Raises Refused, GaveUp."""
        latest = time.monotonic() + seconds
        while True:
            try:
                status, answer = self.send(method, path, body, key=key)
            except requests.RequestException as reason:
                if time.monotonic() > latest or not self._has_time():
                    raise GaveUp(f"{method} {path}: {type(reason).__name__}") from reason
            else:
                is_for_later = status == _UNAVAILABLE or answer.get("code") == IN_FLIGHT
                if not is_for_later and status < requests.codes.bad_request:
                    return answer
                if not is_for_later or time.monotonic() > latest:
                    raise Refused(answer)
            time.sleep(PAUSE_SECONDS)

    def get(self, path: str) -> Any:
        """Look. Raises Refused, GaveUp."""
        return self.does("GET", path)

    def post(self, path: str, body: object = None, *, key: str | None = None) -> Any:
        """Act, under a fresh key unless one is given. Raises Refused, GaveUp."""
        return self.does("POST", path, {} if body is None else body, key=clock.fresh_id("K") if key is None else key)
