"""OpenSSH's own server on the loopback, for whoever fetches reports from it; and one that tells what it heard."""

import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko
import pytest

from tests.ports import lasting_port

SSHD = Path("/usr/sbin/sshd")
SUBSYSTEM = Path("/usr/lib/openssh/sftp-server")


class SftpServer:
    """A child process that serves a folder to whoever holds the key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = folder / "v1" / "settlements"
        self.files.mkdir(parents=True)
        self.username = getpass.getuser()
        self.port = lasting_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.private_key = self._new_key("client")
        (folder / "authorized").write_text((folder / "client.pub").read_text())
        self.change_host_key()

    def change_host_key(self) -> None:
        """Be another machine from the next start on."""
        for old in self._folder.glob("host*"):
            old.unlink()
        self._new_key("host")

    def start(self) -> None:
        """Serve, unless it does. Needs no rights; as root, OpenSSH wants the folder it separates itself into."""
        if self._process is not None:
            return
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        config = self._folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self._folder / 'host'}\n"
            f"AuthorizedKeysFile {self._folder / 'authorized'}\nStrictModes no\nUsePAM no\nPidFile none\n"
            f"PermitRootLogin yes\nPasswordAuthentication yes\nSubsystem sftp {SUBSYSTEM}\n"
        )
        self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError("sshd does not answer")

    def stop(self) -> None:
        """Be gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def put(self, name: str, content: str | bytes) -> Path:
        """Let a file lie there; its name may have a folder before it."""
        place = self.files / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    def clear(self) -> None:
        """Let nothing lie there."""
        shutil.rmtree(self.files)
        self.files.mkdir()

    @property
    def directory(self) -> str:
        """As a source names it."""
        return str(self.files)

    def _new_key(self, name: str) -> str:
        path = self._folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return path.read_text()


@pytest.fixture(scope="module")
def _machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    if not (SSHD.exists() and SUBSYSTEM.exists()):
        missing = "OpenSSH's server is not installed: openssh-server, openssh-sftp-server"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    machine = SftpServer(tmp_path_factory.mktemp("sftp"))
    yield machine
    machine.stop()


@pytest.fixture
def server(_machine: SftpServer) -> SftpServer:
    """A server that is up, and empty."""
    _machine.clear()
    _machine.start()
    return _machine


class Confidant(paramiko.ServerInterface):
    """Takes any password, and remembers it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        """Passwords only."""
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        """Remember it."""
        self.heard.append(password)
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Speak nothing with whoever is in: no SFTP."""
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


@contextmanager
def confidant() -> Iterator[tuple[int, list[str]]]:
    """A server in a thread: its port, and the passwords it has heard."""
    key = paramiko.ECDSAKey.generate()
    interface = Confidant()
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = door.accept()
                    transport = paramiko.Transport(line)
                    transport.add_server_key(key)
                    transport.start_server(event=threading.Event(), server=interface)

        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()[1], interface.heard
        door.shutdown(socket.SHUT_RDWR)
