"""HTTP as nobody should speak it: bytes on a socket, so that no library mends them."""

import http.client
import socket
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 20


def request_bytes(method: str, path: str, headers: list[tuple[str, str | bytes]], body: bytes) -> bytes:
    """A request as it goes over the line; header values may be any bytes."""
    lines = [f"{method} {path} HTTP/1.1".encode()]
    for name, value in headers:
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def spoken(url: str, said: bytes, *, method: str = "POST") -> tuple[int, bytes]:
    """Say it to the server at this URL; the status and body of the answer."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=TIMEOUT_SECONDS) as line:
        line.sendall(said)
        response = http.client.HTTPResponse(line, method=method)
        response.begin()
        return response.status, response.read()
