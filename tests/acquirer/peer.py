"""The other end of the line: a small real HTTP server on the loopback that answers as it is told to."""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from portal import clock
from portal.acquirer import Credentials, signing
from portal.acquirer.results import Secret

CLIENT_ID = "SANDBOX_5X00000000000000"
OURS = signing.new_private_key()
THEIRS = signing.new_private_key()
STRANGERS = signing.new_private_key()

SUCCESS = {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success."}


@dataclass(frozen=True)
class Heard:
    """A request as it arrived."""

    method: str
    uri: str
    headers: dict[str, str]
    body: bytes
    line: int
    """Which connection it came on, counted from 1."""

    @property
    def message(self) -> Any:
        return json.loads(self.body)

    def is_signed_by(self, key: Any) -> bool:
        content = signing.content_to_sign(
            self.method, self.uri, self.headers["client-id"], self.headers["request-time"], self.body
        )
        return signing.verify(key, content, signing.parse_header(self.headers["signature"])["signature"])


@dataclass
class Reply:
    """An answer; as it stands it is a signed one."""

    body: bytes
    status: int = 200
    client_id: str | None = CLIENT_ID
    key: Any = THEIRS
    key_version: str | None = "1"
    is_signed: bool = True
    response_time: str = ""
    signed_uri: str = ""
    signed_body: bytes | None = None
    more_headers: dict[str, str] = field(default_factory=dict)
    promised_length: int | None = None
    """A Content-Length that is not true: the line drops before the promised end."""

    def headers(self, uri: str) -> dict[str, str]:
        when = self.response_time or clock.now().isoformat(timespec="seconds")
        length = len(self.body) if self.promised_length is None else self.promised_length
        headers = {"content-type": "application/json; charset=UTF-8", "content-length": str(length)}
        headers["response-time"] = when
        if self.client_id is not None:
            headers["client-id"] = self.client_id
        if self.is_signed:
            signed = self.body if self.signed_body is None else self.signed_body
            content = signing.content_to_sign("POST", self.signed_uri or uri, self.client_id or "", when, signed)
            version = "" if self.key_version is None else f"keyVersion={self.key_version}, "
            headers["signature"] = f"algorithm=RSA256, {version}signature={signing.sign(self.key, content)}"
        return headers | self.more_headers


def says(result: dict[str, str] | None = None, /, **others: Any) -> Reply:
    """A signed answer with this result (a success when none is given) and these fields."""
    return Reply(json.dumps({"result": result or SUCCESS, **others}).encode())


def code(name: str, status: str, **others: Any) -> Reply:
    """A signed answer with this result code and status."""
    return says({"resultCode": name, "resultStatus": status, "resultMessage": "words."}, **others)


class DropTheLine(Exception):
    """Read the request, answer nothing."""


class ResetTheLine(Exception):
    """Read the request, answer with a reset."""


Behaviour = Callable[[Heard], Reply]


def drop(heard: Heard) -> Reply:
    raise DropTheLine


def reset(heard: Heard) -> Reply:
    raise ResetTheLine


def slowly(seconds: float) -> Behaviour:
    def behave(heard: Heard) -> Reply:
        time.sleep(seconds)
        return says()

    return behave


class Peer:
    """Answers with ``will``'s behaviours in turn, the last one for ever."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.lines = 0
        self.ended = threading.Semaphore(0)
        """Released for every connection that was closed here: whoever is at its other end can know, too."""
        self.closes_after_each_answer = False
        self._behaviours: list[Behaviour] = [lambda heard: says()]
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                peer.lines += 1
                self.line = peer.lines
                super().setup()

            def finish(self) -> None:
                super().finish()
                self.server.shutdown_request(self.request)
                peer.ended.release()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                heard = Heard(self.command, self.path, headers, body, self.line)
                peer.heard.append(heard)
                try:
                    reply = peer._next()(heard)
                except DropTheLine:
                    self.close_connection = True
                    return
                except ResetTheLine:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    return
                self.send_response_only(reply.status)
                for name, value in reply.headers(self.path).items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(reply.body)
                except OSError:
                    self.close_connection = True  # they had read enough
                if reply.promised_length is not None or peer.closes_after_each_answer:
                    self.close_connection = True

            do_GET = do_POST  # noqa: N815 - named by the standard library

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A dropped line is what was asked for."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}"

    def will(self, *behaviours: Behaviour | Reply) -> None:
        self._behaviours = [
            behaviour if callable(behaviour) else (lambda heard, reply=behaviour: reply) for behaviour in behaviours
        ]

    def speaks_tls(self, certificate: str, key: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https"

    def _next(self) -> Behaviour:
        return self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]


@contextmanager
def listening() -> Iterator[Peer]:
    peer = Peer()
    thread = threading.Thread(target=peer.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        peer.server.shutdown()
        peer.server.server_close()
        thread.join()


def credentials(url: str, **changed: Any) -> Credentials:
    """Ours, at that gateway."""
    given: dict[str, Any] = {
        "gateway_url": url,
        "client_id": CLIENT_ID,
        "key_version": "1",
        "private_key_pem": Secret(signing.private_pem(OURS)),
        "acquirer_keys": {"1": signing.public_pem(THEIRS.public_key())},
    }
    return Credentials(**given | changed)
