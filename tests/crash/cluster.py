"""A PostgreSQL of our own in a folder, on a port of its own, which may be stopped and killed as one likes."""

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

import psycopg

from tests.ports import lasting_port

PATIENCE_SECONDS = 60
_OWNER = "postgres"


def programs() -> Path | None:
    """Where PostgreSQL's programs are; None where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    return places[-1].parent if places else None


class Cluster:
    """A context manager: it serves inside, and is gone afterwards."""

    def __init__(self, folder: Path) -> None:
        found = programs()
        assert found is not None, "PostgreSQL is not installed"
        self._programs, self._folder = found, folder / "postgresql"
        self._folder.mkdir()
        self.port = lasting_port()
        self.url = f"postgres://{_OWNER}@127.0.0.1:{self.port}/postgres"
        self._as_owner: list[str] = []
        if os.geteuid() == 0:  # it refuses to run as root
            self._as_owner = ["setpriv", f"--reuid={_OWNER}", f"--regid={_OWNER}", "--init-groups", "--"]
            owner = pwd.getpwnam(_OWNER)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
            for above in (folder, *folder.parents):
                if not above.stat().st_mode & 0o001:
                    above.chmod(above.stat().st_mode | 0o011)

    def __enter__(self) -> "Cluster":
        self._run("initdb", "--username", _OWNER, "--auth", "trust", "--no-sync", "--pgdata", str(self._data))
        self.starts()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stops(immediately=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def starts(self) -> None:
        """Serve; what an immediate stop left undone is recovered first."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder} -c max_connections=200"
        log = str(self._folder / "log")
        self._run(
            "pg_ctl", "start", "--wait", "--silent", "--pgdata", str(self._data), "--log", log, "--options", options
        )
        latest = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                assert time.monotonic() < latest, "PostgreSQL does not come up"
                time.sleep(0.05)
            else:
                return

    def stops(self, *, immediately: bool) -> None:
        """Stop: as at a power cut, or throwing everybody out first."""
        mode = "immediate" if immediately else "fast"
        self._run("pg_ctl", "stop", "--wait", "--silent", "--pgdata", str(self._data), "--mode", mode)

    def restarts(self, *, immediately: bool) -> None:
        """Be away for a moment."""
        self.stops(immediately=immediately)
        self.starts()

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_owner, str(self._programs / program), *arguments]
        done = subprocess.run(
            command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=(self._folder / "said").open("a"),
            stderr=subprocess.STDOUT,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {(self._folder / 'said').read_text()[-500:]}"
