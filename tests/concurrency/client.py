"""A client process: reads requests, says that it is ready, and on a word sends them all at once, each in a thread.

It knows nothing of the portal but HTTP. ``all_at_once`` starts several, and parts the requests among them.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

PROCESSES = 2
ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Wish:
    """One request."""

    url: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: dict[str, Any]

    @property
    def said(self) -> tuple[int, str]:
        """Status, and the code of a problem."""
        return self.status, str(self.body.get("code", ""))


def all_at_once(wishes: Sequence[Wish], processes: int = PROCESSES) -> list[Answer]:
    """Send them all from so many processes, from one starting shot."""
    shares = [wishes[number::processes] for number in range(processes)]
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.concurrency.client"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in shares
    ]
    try:
        for client, share in zip(clients, shares, strict=True):
            assert client.stdin is not None
            client.stdin.write(json.dumps([asdict(wish) for wish in share]) + "\n")
            client.stdin.flush()
        for client in clients:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
        said = [client.communicate(timeout=TIMEOUT_SECONDS)[0] for client in _told_to_go(clients)]
    finally:
        for client in clients:
            client.kill()
            client.wait()
    return [Answer(status, body) for text in said for status, body in json.loads(text)]


def _told_to_go(clients: list["subprocess.Popen[str]"]) -> list["subprocess.Popen[str]"]:
    for client in clients:
        assert client.stdin is not None
        client.stdin.write("go\n")
        client.stdin.flush()
    return clients


def main() -> None:
    """The process."""
    wishes = [Wish(**one) for one in json.loads(sys.stdin.readline())]
    answers: list[Any] = [None] * len(wishes)
    start = threading.Barrier(len(wishes) + 1)

    def send(number: int, wish: Wish) -> None:
        with requests.Session() as line:
            line.trust_env = False
            start.wait(TIMEOUT_SECONDS)
            got = line.post(wish.url, data=wish.body.encode(), headers=wish.headers, timeout=TIMEOUT_SECONDS)
            answers[number] = (got.status_code, got.json())

    threads = [threading.Thread(target=send, args=pair) for pair in enumerate(wishes)]
    for thread in threads:
        thread.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    assert sys.stdin.readline() == "go\n"
    start.wait(TIMEOUT_SECONDS)
    for thread in threads:
        thread.join(TIMEOUT_SECONDS)
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()
