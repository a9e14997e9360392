"""What is counted while the portal works: calls to the acquirer, and requests to our doors.

Every process counts in a file of its own, in one folder of the machine, and whoever is scraped adds all of them up
(prometheus-client's multi-process mode): it does not matter which of several web processes answers, and what a worker
counted is there, too. A killed process loses nothing; its file is added to that of the dead once there are many.
A file is named by host and process, since two containers that share the folder may both be process 1.

Counting must never stop what is counted: on a full disk it is left out.
"""

import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable in which the library looks for the folder."""
MOST_DEAD_FILES = 64
_HOST = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "host"
_THE_DEAD = "0"


def _process() -> str:
    return f"{_HOST}~{os.getpid()}"


values.ValueClass = values.MultiProcessValue(_process)
_registry = CollectorRegistry()

_CALLS = Histogram(
    "portal_acquirer_call_seconds",
    "Calls to the acquirer, by API and by what came of them.",
    ("api", "outcome"),
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40),
    registry=_registry,
)
_REQUESTS = Counter(
    "portal_requests",
    "Requests that were answered, by door and class of status.",
    ("door", "status"),
    registry=_registry,
)


def acquirer_called(api: str, outcome: str, seconds: float) -> None:
    """Count a call: of ``api``, by the field's name; ``outcome`` is a word of a small set."""
    with suppress(OSError):
        _CALLS.labels(api, outcome).observe(seconds)


def answered(door: str, status: int) -> None:
    """Count an answer to a request."""
    with suppress(OSError):
        _REQUESTS.labels(door, f"{status // 100}xx").inc()


@contextmanager
def gathered() -> Iterator[CollectorRegistry]:
    """What all processes of this machine have counted, in a registry that is to be read inside."""
    folder = Path(os.environ[FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    registry = CollectorRegistry()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # nobody adds the dead up, and removes their files, while another reads
        _add_up_the_dead(folder)
        MultiProcessCollector(registry, path=str(folder))
        yield registry


def _add_up_the_dead(folder: Path) -> None:
    """Move what the dead have counted to one file. Killed here, one file may be counted twice, and none is lost."""
    dead = [path for path in folder.glob(f"*_{_HOST}~*.db") if not _lives(path)]
    if len(dead) < MOST_DEAD_FILES:
        return
    for path in dead:
        together = MmapedDict(str(folder / f"{path.name.partition('_')[0]}_{_HOST}~{_THE_DEAD}.db"))
        try:
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):
                together.write_value(key, together.read_value(key)[0] + value, 0.0)
        finally:
            together.close()
        path.unlink()


def _lives(path: Path) -> bool:
    """Whether the process of a file may still write to it; the file of the dead is left alone as well."""
    number = path.stem.rpartition("~")[2]
    if number == _THE_DEAD or not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
