"""A line to a broker that can be cut: every connection breaks, and no new one is taken until it is mended."""

import selectors
import socket
import threading

from tests.ports import lasting_port

_CHUNK = 65_536
_PATIENCE_SECONDS = 10


class Line:
    """Passes on what comes to ``port`` to where it leads, in one thread. A context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._ending = False
        self._listener: socket.socket | None = None
        self.port = lasting_port()
        self.mend()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> int:
        """Break every connection and take no more; how many there were."""
        with self._lock:
            if self._listener is not None:
                self._forget(self._listener)
                self._listener = None
            count = len(self._peers) // 2
            for one in list(self._peers):
                self._hang_up(one)
        return count

    def mend(self) -> None:
        """Take connections again, at the same port."""
        with self._lock:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._selector.register(self._listener, selectors.EVENT_READ)

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join(_PATIENCE_SECONDS)
        self.cut()
        self._selector.close()

    def _run(self) -> None:
        while not self._ending:
            for key, _ in self._selector.select(0.05):
                with self._lock:
                    self._pass_on(key.fileobj)

    def _pass_on(self, one: object) -> None:
        assert isinstance(one, socket.socket)
        if one is self._listener:
            near, _ = one.accept()
            far = socket.create_connection(self._target, _PATIENCE_SECONDS)
            self._peers |= {near: far, far: near}
            for end in (near, far):
                self._selector.register(end, selectors.EVENT_READ)
            return
        if one not in self._peers:  # cut meanwhile
            return
        try:
            said = one.recv(_CHUNK)
            if said:
                self._peers[one].sendall(said)
                return
        except OSError:
            pass
        self._hang_up(one)

    def _hang_up(self, one: socket.socket) -> None:
        other = self._peers.pop(one, None)
        if other is not None:
            self._forget(one)
            self._hang_up(other)

    def _forget(self, one: socket.socket) -> None:
        self._selector.unregister(one)
        one.close()
