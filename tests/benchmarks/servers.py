"""The processes of a run: the stand-in, and one server each for the portal and for the floors."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.asymmetric import rsa

from portal.acquirer import signing
from tests.ports import lasting_port

ROOT = Path(__file__).resolve().parents[2]
_THREADS = 8
_START_SECONDS = 30
_STOP_SECONDS = 10
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def acquirer(key: rsa.RSAPrivateKey, client_id: str, folder: Path, *, milliseconds: int = 0) -> Iterator[str]:
    """The stand-in, as a process, which takes so long to answer; its URL."""
    path = folder / "acquirer.pem"
    path.touch(mode=0o600)
    path.write_text(signing.private_pem(key))
    command = [sys.executable, "-m", "tests.benchmarks.peer", "--client-id", client_id, "--key", str(path)]
    command += ["--milliseconds", str(milliseconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        _stop(process)


@contextmanager
def served(application: str, log: IO[str]) -> Iterator[tuple[str, int]]:
    """A WSGI application under granian, one worker with eight threads; its URL and process id."""
    port = lasting_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--blocking-threads", str(_THREADS), "--no-ws", application,
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        _stop(process)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process and its children have used, in user and kernel."""
    total = 0.0
    for one in [pid, *_children(pid)]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start; its log is in the folder of the run")


def _stop(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
