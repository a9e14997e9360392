"""The portal as a web server: processes of its own to stay, and a thread of this process while history is made."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cheroot import wsgi
from django.core.wsgi import get_wsgi_application

_THREADS = 4
_SECONDS_TO_STOP = 1
_SECONDS_TO_NOTICE_A_STOP = 0.05


def command_line(port: int) -> list[str]:
    """Two processes with blocking threads, as it would run in production; one that is killed is replaced.

    Without the last granian ends as a whole when one of its processes dies, and the other's requests with it.
    """
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
    options += ["--blocking-threads", "4", "--no-ws", "--log-level", "warning", "--respawn-failed-workers"]
    return [sys.executable, "-m", "granian", *options, "portal.wsgi:application"]


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Serve on a port of the loopback (0: a free one) for a while; the address. Raises OSError."""
    server = wsgi.Server(
        ("127.0.0.1", port), get_wsgi_application(), numthreads=_THREADS, shutdown_timeout=_SECONDS_TO_STOP
    )
    server.expiration_interval = _SECONDS_TO_NOTICE_A_STOP
    server.prepare()
    thread = threading.Thread(target=server.serve, name="portal-http", daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join(_SECONDS_TO_STOP * 2)
