"""The shop's own backend, which is told of everything by webhook: it takes it, slowly, or not; or it is away.

A real server on a port of its own. What it took it keeps in the order in which it came, and whatever is not signed, or
comes in other bytes than before, is a complaint.
"""

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from portal.outbox import signing
from tests.ports import lasting_port
from tests.webhooks.receiver import Message, is_signed

TAKES, SLOW, REFUSES, BREAKS_OFF, AWAY = "takes", "slow", "refuses", "takes and breaks off", "away"
MOODS = (TAKES, TAKES, SLOW, REFUSES, BREAKS_OFF, AWAY)
_SLOWNESS_SECONDS = 0.3


class Backend:
    """Takes everything until it is in another mood."""

    def __init__(self) -> None:
        self.secret = signing.new_secret()
        self.taken: list[Message] = []
        """What it believes it was told, repetitions too; pings are not kept."""
        self.complaints: list[str] = []
        self._mood = TAKES
        self._lock = threading.Lock()
        self._port = lasting_port()
        self._server: ThreadingHTTPServer | None = None
        self._serve()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/webhooks"

    def is_now(self, mood: str) -> None:
        """Change its mood."""
        self._mood = mood
        if mood == AWAY:
            self.close()
        elif self._server is None:
            self._serve()

    def close(self) -> None:
        """Listen no more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _serve(self) -> None:
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = backend._hears(Message(self.path, headers, body))
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                """The worker was killed while it spoke: nothing to tell."""

        self._server = Server(("127.0.0.1", self._port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _hears(self, message: Message) -> int | None:
        """The status to answer with; None: no answer at all."""
        mood = self._mood
        if mood == SLOW:
            time.sleep(_SLOWNESS_SECONDS)
        if mood == REFUSES:
            return 503
        with self._lock:
            if not is_signed(message, self.secret):
                self.complaints.append(f"the shop was sent {message.body[:60]!r}, which is not signed")
            with suppress(ValueError, KeyError):
                if message.said["sequence"] is not None:  # no ping
                    self.taken.append(message)
        return None if mood == BREAKS_OFF else 204
