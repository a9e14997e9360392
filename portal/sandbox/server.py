"""The sandbox on the network: HTTP/1.1 with kept connections, and the thread in which its time passes."""

import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from cheroot import server as cheroot_server
from cheroot import wsgi as cheroot_wsgi

from portal.clock import Clock
from portal.sandbox.connection import Connection
from portal.sandbox.context import Keys, Settings
from portal.sandbox.delivery import HttpDelivery
from portal.sandbox.engine import Engine
from portal.sandbox.miniprogram import pages as miniprogram
from portal.sandbox.miniprogram.forwarding import portal_base
from portal.sandbox.pages import cdn, console, static_files, wallet
from portal.sandbox.store import Store
from portal.sandbox.wsgi import LARGEST_BODY, Application, LineDropped, Page

_TICK_SECONDS = 0.2
_THREADS = 16
_SHUTDOWN_SECONDS = 2
_SECONDS_TO_NOTICE_A_STOP = 0.05


class PortTaken(OSError):
    """Somebody else listens there; the sentence names the address."""


class _Gateway(cheroot_wsgi.Gateway_10):  # type: ignore[misc, unused-ignore]
    """WSGI, and the raw request line, and lines that break."""

    def get_environ(self) -> Any:
        environ = super().get_environ()  # type: ignore[no-untyped-call, unused-ignore]
        environ["REQUEST_URI"] = self.req.uri.decode("iso-8859-1")
        return environ

    def respond(self) -> None:
        try:
            super().respond()
        except LineDropped:
            self.req.sent_headers = True  # nothing may follow
            self.req.close_connection = True
            self.req.conn.socket.shutdown(socket.SHUT_RDWR)


class _Request(cheroot_server.HTTPRequest):
    """Takes absolute request lines too: the acquirer's own SDK sends them."""

    def __init__(self, server: Any, conn: Any) -> None:
        super().__init__(server, conn, proxy_mode=True)


class _Connection(cheroot_server.HTTPConnection):
    RequestHandlerClass = _Request


class HttpServer:
    """One WSGI application on one address, in a thread of its own. Port 0 takes a free one."""

    def __init__(self, application: Application, host: str, port: int) -> None:
        self._server = cheroot_wsgi.Server(
            (host, port),
            application,
            numthreads=_THREADS,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            server_name="sandbox",
        )
        self._server.expiration_interval = _SECONDS_TO_NOTICE_A_STOP
        self._server.gateway = _Gateway
        self._server.ConnectionClass = _Connection
        self._server.max_request_body_size = LARGEST_BODY * 2
        self._server.error_log = _complain  # type: ignore[method-assign, unused-ignore]
        self._host, self._port = host, port
        self._thread: threading.Thread | None = None

    def bind(self) -> int:
        """Begin to listen; the port. Raises PortTaken."""
        try:
            self._server.prepare()
        except OSError as reason:
            # The server's own message quotes sockets; the address is what a person can change.
            raise PortTaken(f"{self._host}:{self._port} is taken, or may not be listened on.") from reason
        port: int = self._server.bind_addr[1]
        return port

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread = threading.Thread(target=self._server.serve, name="sandbox-http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, and close."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join(_SHUTDOWN_SECONDS)


def _complain(*_arguments: object, **_named: object) -> None:
    """Print a mistake of the sandbox's own. Broken lines are made on purpose here, and no news."""
    mistake = sys.exc_info()[1]
    if mistake is not None and not isinstance(mistake, OSError):
        traceback.print_exc()


class Ticker:
    """The thread in which the sandbox's time passes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-ticker", daemon=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._engine.news.wait(_TICK_SECONDS)
            self._engine.news.clear()
            if self._engine.context.settings.ticks_by_itself and not self._stopping.is_set():
                self._engine.tick()

    def start(self) -> None:
        """Let time pass."""
        self._thread.start()

    def stop(self) -> None:
        """Stop time; a notification on its way is waited for."""
        self._stopping.set()
        self._engine.news.set()
        self._thread.join(_SHUTDOWN_SECONDS)


class Sandbox:
    """A whole sandbox on an address: engine, pages, HTTP and ticker. A context manager."""

    def __init__(
        self,
        clock: Clock,
        *,
        store: Store | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        settings: Settings | None = None,
        keys: Keys | None = None,
        ticking: bool = True,
        reports_folder: Path | None = None,
        pages: tuple[Page, ...] = (),
        portal_url: str | None = None,
        portal_account: str = "",
    ) -> None:
        self.store = store or Store()
        self.engine = Engine(
            self.store, clock, HttpDelivery(), settings=settings, keys=keys, reports_folder=reports_folder
        )
        if portal_url is not None:
            self.engine.context.portal_url = portal_base(portal_url)
        self.engine.context.portal_account = portal_account
        known = (static_files.page, cdn.page, wallet.page, miniprogram.page, console.page)
        self.application = Application(self.engine, (*pages, *known))
        self._server = HttpServer(self.application, host, port)
        self._ticker = Ticker(self.engine) if ticking else None
        shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
        self.url = f"http://{shown}:{self._server.bind()}"
        self.engine.context.public_url = self.url

    @property
    def connection(self) -> Connection:
        """What a client needs to speak to this sandbox as its first merchant."""
        return Connection.of(self.engine, self.url)

    def start(self) -> "Sandbox":
        """Serve, and let time pass."""
        self._server.start()
        if self._ticker is not None:
            self._ticker.start()
        return self

    def stop(self) -> None:
        """Stop serving; what was answered stays in the store."""
        if self._ticker is not None:
            self._ticker.stop()
        self._server.stop()
        self.store.close()

    def __enter__(self) -> "Sandbox":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def running(clock: Clock, **options: Any) -> Iterator[Sandbox]:
    """A sandbox on a free port of the loopback, for a while."""
    with Sandbox(clock, **options) as sandbox:
        yield sandbox
