"""``my.request``, on its way out: the phone's container asks this server, and this server asks the portal.

The browser therefore speaks to one origin only, and the portal opens its API to no other. As a wallet allows a mini
program the domains its merchant registered and nothing else, this server passes on requests to the API of one portal:
the one it was started with.

Source: "my.request" (https://miniprogram.alipay.com/docs/miniprogram/mpdev/api_network_request).
"""

from typing import Any
from urllib.parse import urlsplit

import requests

from portal.sandbox.engine import Engine

PATH = "/miniprogram/request"
API = "/api/v1/"
NO_PERMISSION, NETWORK_ERROR, TIMED_OUT, BAD_PARAMETER = 11, 12, 13, 2
"""What ``fail`` is told in ``error``. 2 is the platform's word for an illegal parameter; the others are those of the
domain allowlist, of the network and of time."""

_METHODS = ("GET", "POST")
_PASSED_ON = frozenset({"accept", "accept-language", "authorization", "content-type", "idempotency-key"})
_PASSED_BACK = ("content-type", "idempotent-replayed", "retry-after", "www-authenticate")
_LONGEST_HEADER, _LONGEST_BODY = 4096, 256 * 1024
_CONNECT_SECONDS, _LONGEST_SECONDS = 3.0, 60.0
_USUAL_MILLISECONDS = 30_000

_session = requests.Session()
_session.trust_env = False


class Unreadable(ValueError):
    """A base URL that cannot be a portal's; the sentence says why."""


def portal_base(url: str) -> str:
    """The base URL without its last slash. Raises Unreadable."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise Unreadable(f"{url!r} is no address of a portal: http://localhost:8000 is one.")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise Unreadable("The portal's address has no user, query or fragment.")
    return url.rstrip("/")


def answer(engine: Engine, method: str, _path: str, given: dict[str, Any]) -> dict[str, Any]:
    """Pass one request on: ``{status, headers, body}``, or ``{error, errorMessage}`` as ``my.request`` fails."""
    if method != "POST":
        return _failed(BAD_PARAMETER, "Ask by POST.")
    try:
        url, verb, headers, body, seconds = _understood(given)
    except ValueError as reason:
        return _failed(BAD_PARAMETER, str(reason))
    if not is_allowed(url, engine.context.portal_url):
        return _failed(NO_PERMISSION, f"Only {engine.context.portal_url}{API} is a server domain of this mini program.")
    try:
        response = _session.request(
            verb,
            url,
            headers=headers,
            data=body.encode() if body is not None else None,
            timeout=(_CONNECT_SECONDS, seconds),
            allow_redirects=False,
        )
    except requests.Timeout:
        return _failed(TIMED_OUT, "The server did not answer in time.")
    except (requests.RequestException, UnicodeError):
        return _failed(NETWORK_ERROR, "The server cannot be reached.")
    return {
        "status": response.status_code,
        "headers": {name: response.headers[name] for name in _PASSED_BACK if name in response.headers},
        "body": response.content.decode("utf-8", "replace"),
    }


def is_allowed(url: str, base: str) -> bool:
    """Whether this is an address of the portal's API, and stays one however it is read."""
    path, _, _query = url.partition("?")
    if not path.startswith(base + API):
        return False
    rest = path.removeprefix(base + API)
    return ".." not in rest and not any(letter in rest for letter in "%\\#@")


def _understood(given: dict[str, Any]) -> tuple[str, str, dict[str, str], str | None, float]:
    url, verb, body = given.get("url"), given.get("method", "GET"), given.get("body")
    headers, milliseconds = given.get("headers") or {}, given.get("timeout", _USUAL_MILLISECONDS)
    if not isinstance(url, str) or not url.isascii() or not url.isprintable():
        raise ValueError("url is missing.")
    if verb not in _METHODS:
        raise ValueError("Mini programs know GET and POST.")
    if body is not None and (not isinstance(body, str) or len(body) > _LONGEST_BODY):
        raise ValueError("body must be text, of up to 256 KiB.")
    if not isinstance(headers, dict) or type(milliseconds) not in (int, float) or milliseconds <= 0:
        raise ValueError("headers must be an object, and timeout milliseconds.")
    passed_on = {}
    for name, value in headers.items():
        if name.lower() not in _PASSED_ON:
            continue
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > _LONGEST_HEADER:
            raise ValueError(f"The header {name} holds something else than visible ASCII.")
        passed_on[name.lower()] = value.strip()
    return url, verb, passed_on, body, min(milliseconds / 1000, _LONGEST_SECONDS)


def _failed(error: int, sentence: str) -> dict[str, Any]:
    return {"error": error, "errorMessage": sentence}
