"""The merchant's own system, as small as it can be: a real HTTP server on the loopback that keeps what it is sent."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Message:
    """One POST as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def kind(self) -> str:
        return str(self.said["kind"])


Answer = tuple[int, bytes, dict[str, str]]
OK: Answer = (200, b"", {})


@dataclass
class Receiver:
    """Answers 200 until told otherwise: ``will(500, 500)`` gives these answers first, ``always(500)`` for good."""

    tls: ssl.SSLContext | None = None
    messages: list[Message] = field(default_factory=list)
    before_answer: Callable[[Message], object] = lambda message: None

    def __post_init__(self) -> None:
        self._next: list[Answer] = []
        self._otherwise = OK
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                message = Message(self.path, headers, self.rfile.read(length))
                receiver.messages.append(message)
                receiver.before_answer(message)
                status, body, more = receiver._next.pop(0) if receiver._next else receiver._otherwise
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks"

    def will(self, *statuses: int) -> None:
        """Give these answers to the next messages, then the usual one."""
        self._next += [(status, b"", {}) for status in statuses]

    def says(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Give this answer to the next message."""
        self._next.append((status, body, {name.replace("_", "-"): value for name, value in headers.items()}))

    def always(self, status: int) -> None:
        """Give this answer from now on."""
        self._otherwise = (status, b"", {})

    def kinds(self) -> list[str]:
        """What came, oldest first."""
        return [message.kind for message in self.messages]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def is_signed(message: Message, secret: str) -> bool:
    """Whether one of a message's signatures is right: written from the specification, not from our own code."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    versions = [part.split(",", 1) for part in message.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(given, expected) for version, given in versions)
