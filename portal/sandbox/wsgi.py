"""The sandbox as a plain WSGI application: protocol door, control calls, wallet pages, console, static files."""

import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from portal.sandbox import control_calls, reports, shop_backend
from portal.sandbox.control_calls import ControlRefused
from portal.sandbox.engine import Engine, Response, is_protocol
from portal.sandbox.merchants import FIRST_CLIENT
from portal.sandbox.miniprogram import forwarding

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Page = Callable[[Engine, str, str, dict[str, str]], Response | None]
"""Engine, method, path, query and form together; None when the path is another's."""
JsonCall = Callable[[Engine, str, str, dict[str, Any]], Any]
"""Engine, method, path, body or query; what to answer as JSON. May raise ControlRefused."""

LARGEST_BODY = 1024 * 1024
_REASONS = {
    200: "OK",
    303: "See Other",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    500: "Internal Server Error",
}
_DAY_AS_ZIP = re.compile(r"/reports/(?P<day>[0-9]{8})\.zip")
_PLAIN = {"content-type": "text/plain; charset=utf-8"}


class LineDropped(Exception):
    """The answer is lost: the server closes the connection and says nothing."""


class Application:
    """WSGI over one engine. More pages may be given; they are asked in order."""

    def __init__(self, engine: Engine, pages: Iterable[Page] = ()) -> None:
        self.engine = engine
        self.pages = list(pages)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        response = self._respond(environ)
        if response.delay_seconds:
            time.sleep(response.delay_seconds)
        if response.dropped:
            raise LineDropped
        headers = [*response.headers.items(), ("content-length", str(len(response.body)))]
        start_response(f"{response.status} {_REASONS.get(response.status, 'Status')}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else response.body]

    def _respond(self, environ: dict[str, Any]) -> Response:
        method, uri = environ["REQUEST_METHOD"], _raw_uri(environ)
        path = unquote(uri.split("?", 1)[0])
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return Response(413, _PLAIN, b"The request is too large.")
        body: bytes = environ["wsgi.input"].read(int(length)) if int(length) else b""
        if is_protocol(path):
            return self.engine.handle(method, uri, _headers(environ), body)
        if path == "/control" or path.startswith("/control/"):
            return self._json_call(control_calls.answer, method, path, uri, environ.get("CONTENT_TYPE", ""), body)
        if path == forwarding.PATH:
            return self._json_call(forwarding.answer, method, path, uri, environ.get("CONTENT_TYPE", ""), body)
        if path.startswith("/reports/"):
            return self._report(path, uri)
        if path == shop_backend.PATH and method == "POST":
            return Response(self.engine.shop_backend.take(_headers(environ), body), {}, b"")
        if method == "POST" and not _from_here(environ):
            return Response(403, _PLAIN, b"This form belongs to another site.")
        return self._page(method, path, uri, body)

    def _report(self, path: str, uri: str) -> Response:
        """A report as a download: ``/reports/<day>/<name>``; ``/reports/<day>.zip`` all of a merchant's about a day."""
        query = dict(parse_qsl(urlsplit(uri).query))
        day = _DAY_AS_ZIP.fullmatch(path)
        if day is not None:
            return self._reports_of(day["day"], query.get("client_id", FIRST_CLIENT))
        try:
            file = control_calls.answer(self.engine, "GET", f"/control{path}", query)
        except ControlRefused as refused:
            return Response(refused.status, _PLAIN, str(refused).encode())
        headers = {
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": f'attachment; filename="{file["name"]}"',
        }
        return Response(200, headers, file["content"].encode())

    def _reports_of(self, day: str, client_id: str) -> Response:
        content = reports.zipped(self.engine.context, day, client_id)
        if content is None:
            return Response(404, _PLAIN, b"There is no report of this merchant about this day.")
        headers = {
            "content-type": "application/zip",
            "content-disposition": f'attachment; filename="reports_{day}.zip"',
        }
        return Response(200, headers, content)

    def _json_call(
        self, answer: JsonCall, method: str, path: str, uri: str, content_type: str, body: bytes
    ) -> Response:
        try:
            if method == "POST" and content_type.partition(";")[0].strip().lower() != "application/json":
                raise ControlRefused("Send application/json.", 415)
            given: Any = json.loads(body or b"{}") if method == "POST" else dict(parse_qsl(urlsplit(uri).query))
            if not isinstance(given, dict):
                raise ControlRefused("The body must be a JSON object.")
            return _json(200, answer(self.engine, method, path.rstrip("/"), given))
        except (ValueError, RecursionError):
            return _problem(400, "The body is not JSON.")
        except ControlRefused as refused:
            return _problem(refused.status, str(refused))

    def _page(self, method: str, path: str, uri: str, body: bytes) -> Response:
        given = dict(parse_qsl(urlsplit(uri).query))
        if method == "POST":
            given |= dict(parse_qsl(body.decode("utf-8", "replace")))
        for page in self.pages:
            response = page(self.engine, method, path, given)
            if response is not None:
                return response
        return Response(404, _PLAIN, b"There is nothing here.")


def _raw_uri(environ: dict[str, Any]) -> str:
    """Path and query as they stood in the request line, which may have been absolute (the acquirer's SDK does that)."""
    uri: str = environ.get("REQUEST_URI") or ""
    if not uri:
        query = environ.get("QUERY_STRING", "")
        uri = environ.get("PATH_INFO", "/") + (f"?{query}" if query else "")
    if "://" in uri.split("?", 1)[0]:
        rest = uri.split("://", 1)[1]
        slash = rest.find("/")
        uri = rest[slash:] if slash >= 0 else "/"
    return uri


def _from_here(environ: dict[str, Any]) -> bool:
    """Whether a form was sent from a page of this server, as far as the browser says."""
    origin = environ.get("HTTP_ORIGIN", "")
    return not origin or urlsplit(origin).netloc == environ.get("HTTP_HOST", "")


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers


def _json(status: int, value: Any) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(status, {"content-type": "application/json", "cache-control": "no-store"}, body)


def _problem(status: int, sentence: str) -> Response:
    problem = {"title": _REASONS[status], "status": status, "detail": sentence}
    headers = {"content-type": "application/problem+json", "cache-control": "no-store"}
    return Response(status, headers, json.dumps(problem, ensure_ascii=False).encode())
