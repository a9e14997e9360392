"""The portal as a web server in a thread of this process, so that notifications can come in while history is made."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cheroot import wsgi
from django.core.wsgi import get_wsgi_application

_THREADS = 4
_SECONDS_TO_STOP = 1
_SECONDS_TO_NOTICE_A_STOP = 0.05


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
