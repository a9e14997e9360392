"""Children are heard by name, noticed when they end, and gone when the block is left."""

import os
import signal
import socket
import sys
import time

import pytest

from portal.demonstration.ports import NoPortFree, first_free, is_free
from portal.demonstration.processes import Children, interruptible, wait_for

SLEEPS = "import time; print('here', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_child_says_is_heard_line_by_line_with_its_name() -> None:
    heard: list[tuple[str, str]] = []
    with Children(lambda name, line: heard.append((name, line))) as children:
        child = children.start("web", python("import sys; print('one'); print('two', file=sys.stderr)"), {})
        child.process.wait(20)
    assert sorted(heard) == [("web", "one"), ("web", "two")]


def test_a_child_that_ends_is_named_once_with_the_way_it_ended() -> None:
    with Children(lambda name, line: None) as children:
        bad = children.start("worker", python("raise SystemExit(3)"), {})
        assert wait_for(lambda: bad.has_ended, bad, seconds=20)
        assert [(one.name, one.ending) for one in children.ended()] == [("worker", "ended with exit status 3")]
        assert children.ended() == []
        assert children.living() == 0


def test_a_child_that_is_killed_says_by_what() -> None:
    with Children(lambda name, line: None) as children:
        child = children.start("web", python(SLEEPS), {})
        child.process.kill()
        child.process.wait(20)
        assert child.ending == "ended by SIGKILL"


def test_leaving_ends_them_all_and_what_they_started() -> None:
    heard: list[str] = []
    grandchild = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "time.sleep(60)"
    )
    with Children(lambda name, line: heard.append(line)) as children:
        child = children.start("web", python(grandchild), {})
        assert wait_for(lambda: bool(heard), child, seconds=20)
    assert child.process.returncode == -signal.SIGTERM
    latest = time.monotonic() + 10
    while lives(int(heard[0])) and time.monotonic() < latest:
        time.sleep(0.05)  # nobody of ours waits for it: init does
    assert not lives(int(heard[0])) or is_zombie(int(heard[0]))


def is_zombie(pid: int) -> bool:
    """Dead, and not yet waited for by whoever inherited it."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "Z"


def test_waiting_ends_when_the_child_does() -> None:
    with Children(lambda name, line: None) as children:
        child = children.start("web", python("pass"), {})
        assert not wait_for(lambda: False, child, seconds=30)


def end_myself() -> None:
    """Ask this process to end, and give the signal time to come in."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)


def test_a_request_to_end_interrupts_once() -> None:
    usual = signal.getsignal(signal.SIGTERM)
    with interruptible():
        with pytest.raises(KeyboardInterrupt):
            end_myself()
        end_myself()  # what comes later does not disturb the ending
    assert signal.getsignal(signal.SIGTERM) == usual


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert first_free(port) > port
        assert first_free(port, besides=(port + 1,)) > port + 1


def test_no_port_beyond_the_highest() -> None:
    with pytest.raises(NoPortFree, match="No port from 65535 to 65535 is free"):
        first_free(65535, besides=(65535,))
