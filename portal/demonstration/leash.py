"""A command on a leash: it runs for as long as the process that started it lives. Run by its path, not imported.

    python leash.py COMMAND [ARGUMENT …]

Standard input is a pipe whose other end the starter holds and nobody writes to. However the starter ends, ``kill -9``
included, when none of its own lines runs any more, the system closes that end; then the command and what it started
are ended, too. SIGTERM is passed on, and the command's way to end becomes the leash's own, so that the starter waits
for the leash as it would for the command. A death signal of the parent would do on Linux alone, and not reach
grandchildren.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

_PATIENCE_SECONDS = 10.0


def main(command: list[str]) -> int:
    """Run the command to its end; its exit status."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - what our own starter asked for
    signal.signal(signal.SIGTERM, lambda _number, _frame: process.terminate())
    is_alone = threading.Event()
    watching = threading.Thread(target=_end_with_starter, args=(process, is_alone), daemon=True)
    watching.start()
    status = process.wait()
    if is_alone.is_set():
        watching.join()
    if status >= 0:
        return status
    with suppress(OSError):  # SIGKILL has no handler to take off
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    return 128 - status


def _end_with_starter(process: "subprocess.Popen[bytes]", is_alone: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass  # nothing is ever said here: only the end counts
    is_alone.set()
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    if os.getpgrp() == os.getpid():  # nobody is left to tidy up after us
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
