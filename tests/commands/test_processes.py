"""Children are heard by name, noticed when they end, and gone when the block is left."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from django.conf import settings

from portal.demonstration.ports import NoPortFree, first_free, is_free
from portal.demonstration.processes import Children, heed, interruptible, wait_for

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
    assert gone(int(heard[0]))


def is_zombie(pid: int) -> bool:
    """Dead, and not yet waited for by whoever inherited it."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # waited for in between
        return True


def test_waiting_ends_when_the_child_does() -> None:
    with Children(lambda name, line: None) as children:
        child = children.start("web", python("pass"), {})
        assert not wait_for(lambda: False, child, seconds=30)


def gone(pid: int) -> bool:
    """Whether it ended, or does so within some seconds. Nobody of ours waits for it: init does."""
    latest = time.monotonic() + 20
    while lives(pid) and not is_zombie(pid) and time.monotonic() < latest:
        time.sleep(0.05)
    return not lives(pid) or is_zombie(pid)


def test_a_child_that_died_is_started_again_in_its_place_but_not_for_ever() -> None:
    heard: list[str] = []
    with Children(lambda name, line: heard.append(line)) as children:
        child = children.start("worker", python("import os; print(os.getpid(), flush=True); raise SystemExit(3)"), {})
        for _ in range(3):
            child.process.wait(20)
            assert children.ended() == [child]
            successor = children.start_again(child)
            assert successor is not None
            child = successor
        child.process.wait(20)
        assert children.ended() == [child]
        assert children.start_again(child) is None
        assert children.living() == 0
    assert len(set(heard)) == 4


def test_what_a_killed_child_had_started_is_gone_before_it_is_started_again() -> None:
    heard: list[str] = []
    grandchild = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WITH_ITS_PID!r}])"
    with Children(lambda name, line: heard.append(line)) as children:
        child = children.start("web", python(grandchild), {})
        assert wait_for(lambda: bool(heard), child, seconds=20)
        child.process.kill()
        child.process.wait(20)
        assert [one.ending for one in children.ended()] == ["ended by SIGKILL"]
        assert gone(int(heard[0]))


WITH_ITS_PID = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
STARTER = f"""
import os, sys, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
from portal.demonstration.processes import Children, heed, interruptible

class Swallows:
    def __del__(self):
        os.kill(os.getpid(), {int(signal.SIGINT)})
        for _ in range(1000):
            pass  # Python takes notice of the signal here, and drops what its handler raises

try:
    with interruptible(), Children(lambda name, line: print(line, flush=True)) as children:
        children.start("web", [sys.executable, "-c", {WITH_ITS_PID!r}], dict(os.environ))
        if "swallow" in sys.argv:
            Swallows()
            print("swallowed", flush=True)
            heed()
        threading.Event().wait(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def starter(*arguments: str) -> "tuple[subprocess.Popen[str], int]":
    """A process that has started a child, and the child's own number."""
    process = subprocess.Popen(
        [*python(STARTER), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=settings.BASE_DIR
    )
    assert process.stdout is not None
    pid = process.stdout.readline()
    while not pid.strip().isdigit():
        assert pid, process.communicate()
        pid = process.stdout.readline()
    return process, int(pid)


def test_a_child_does_not_outlive_whoever_started_it_and_was_killed() -> None:
    process, child = starter()
    process.kill()
    process.communicate(timeout=20)
    assert gone(child)


def test_a_request_to_end_ends_the_children_and_then_the_process() -> None:
    process, child = starter()
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "interrupted\n"
    assert not lives(child)


def test_a_request_to_end_that_python_drops_is_heeded_all_the_same() -> None:
    said = subprocess.run(
        [*python(STARTER), "swallow"], capture_output=True, text=True, timeout=60, check=False, cwd=settings.BASE_DIR
    )
    assert said.stderr == ""
    words = [line for line in said.stdout.splitlines() if not line.isdigit()]
    assert (words, said.returncode) == (["swallowed", "interrupted"], 0)


DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WITH_ITS_PID}"


def test_the_second_request_kills_at_once() -> None:
    """The child is deaf to anything milder, so that the first request is still being carried out."""
    process = subprocess.Popen(
        python(STARTER.replace(repr(WITH_ITS_PID), repr(DEAF))),
        stdout=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 128 + signal.SIGINT
    assert gone(child)
    process.stdout.close()


def end_myself() -> None:
    """Ask this process to end, and give the signal time to come in."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)


def test_a_request_to_end_is_remembered_for_as_long_as_the_block() -> None:
    usual = signal.getsignal(signal.SIGTERM)
    with interruptible():
        heed()
        with pytest.raises(KeyboardInterrupt):
            end_myself()
        with pytest.raises(KeyboardInterrupt):
            heed()
        os.kill(os.getpid(), signal.SIGHUP)  # a closed terminal says so twice
    heed()
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
