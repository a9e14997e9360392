"""The two brokers, each with a queue of the test's own, and what may happen to a broker.

Redis is a server of its own, started and killed here. RabbitMQ is the one that runs on this machine, reached over a
line that can be cut; losing everything in a restart is the queue's deletion while the line is down.
"""

import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from kombu import Connection
from kombu.exceptions import ChannelError

from tests.celery.line import Line
from tests.ports import lasting_port

RABBITMQ = ("127.0.0.1", 5672)
_PATIENCE_SECONDS = 10.0


class Broker(Protocol):
    """What the stories ask of a broker. A context manager; when it is left, nothing of it remains."""

    url: str
    queue: str

    def dies(self) -> None:
        """Break every connection, and forget every message."""

    def comes_back(self) -> None:
        """Take connections again."""

    def __enter__(self) -> "Broker": ...

    def __exit__(self, *_: object) -> None: ...


def is_listened_on(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


class Redis:
    """A server on a port of its own that keeps nothing on disk."""

    missing = "redis-server is missing: install the package redis-server to run the stories with Celery on Redis."

    def __init__(self, folder: Path) -> None:
        self.queue = f"autodebit-{uuid.uuid4().hex}"
        self._folder = folder
        self._port = lasting_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._server: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_here() -> bool:
        return shutil.which("redis-server") is not None

    def dies(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.wait(_PATIENCE_SECONDS)

    def comes_back(self) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--appendonly", "no"]
        self._server = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        latest = time.monotonic() + _PATIENCE_SECONDS
        while not is_listened_on("127.0.0.1", self._port):
            assert time.monotonic() < latest
            time.sleep(0.02)

    def __enter__(self) -> "Redis":
        self.comes_back()
        return self

    def __exit__(self, *_: object) -> None:
        self.dies()


class RabbitMQ:
    """A queue of our own on the server of this machine."""

    missing = "Nobody listens on 127.0.0.1:5672: start RabbitMQ to run the stories with Celery on it."

    def __init__(self, folder: Path) -> None:
        self.queue = f"autodebit-{uuid.uuid4().hex}"
        self._line = Line(*RABBITMQ)
        self.url = f"amqp://guest:guest@127.0.0.1:{self._line.port}//"

    @staticmethod
    def is_here() -> bool:
        return is_listened_on(*RABBITMQ)

    def dies(self) -> None:
        self._line.cut()
        self._forget()

    def comes_back(self) -> None:
        self._line.mend()

    def _forget(self) -> None:
        with Connection(f"amqp://guest:guest@{RABBITMQ[0]}:{RABBITMQ[1]}//", connect_timeout=5) as connection:
            connection.default_channel.queue_delete(self.queue)

    def __enter__(self) -> "RabbitMQ":
        return self

    def __exit__(self, *_: object) -> None:
        self._line.__exit__()
        self._forget()


BROKERS: dict[str, Any] = {"Redis": Redis, "RabbitMQ": RabbitMQ}


@contextmanager
def gone(broker: Broker) -> Iterator[None]:
    """Let it be dead for a while. It comes back however the story goes: the next one needs it."""
    broker.dies()
    try:
        yield
    finally:
        broker.comes_back()


def waiting(broker: Broker) -> int:
    """How many messages wait."""
    with Connection(broker.url, connect_timeout=5) as connection:
        try:
            count: int = connection.default_channel.queue_declare(broker.queue, passive=True).message_count
        except ChannelError:
            return 0
        return count


def purge(broker: Broker) -> int:
    """Throw away what waits; how many messages that were."""
    with Connection(broker.url, connect_timeout=5) as connection:
        count: int = connection.default_channel.queue_purge(broker.queue)
        return count
