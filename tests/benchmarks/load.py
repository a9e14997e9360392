"""A client that costs little: requests laid out as bytes beforehand, sent over kept connections, one at a time each."""

import socket
import threading
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 30
_HEAD_ENDS = b"\r\n\r\n"


class Refused(Exception):
    """A request of a benchmark was not answered with success, so its time says nothing."""


def request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A whole request, ready to be sent."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _HEAD_ENDS + body


def send(url: str, requests: Sequence[bytes], *, clients: int) -> list[float]:
    """Send them all from so many clients at once; the seconds each took. Raises Refused."""
    waiting = iter(requests)
    lock = threading.Lock()
    took: list[float] = []
    refused: list[BaseException] = []

    def client() -> None:
        try:
            with _connected(url) as line:
                while True:
                    with lock:
                        one = next(waiting, None)
                    if one is None or refused:
                        return
                    started = time.perf_counter()
                    _exchange(line, one)
                    took.append(time.perf_counter() - started)
        except BaseException as reason:
            refused.append(reason)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise refused[0]
    return took


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    line = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=_TIMEOUT_SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _exchange(line: socket.socket, whole: bytes) -> None:
    line.sendall(whole)
    heard = b""
    while (end := heard.find(_HEAD_ENDS)) < 0:
        heard += _more(line)
    head = heard[:end].lower()
    if head.split(b" ", 2)[1] != b"200":
        raise Refused(heard[:2000].decode("utf-8", "replace"))
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(heard) < end + len(_HEAD_ENDS) + length:
        heard += _more(line)


def _more(line: socket.socket) -> bytes:
    more = line.recv(65_536)
    if not more:
        raise Refused("the server closed the line")
    return more
