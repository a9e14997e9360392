"""``python -m tests.fuzz.notifications --count 10000``: malformed notifications, as many as wanted."""

import argparse
import os
import sys

import pytest


def main() -> int:
    """Send them; 0 when none changed anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.notifications", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many (default 10,000)")
    parser.add_argument("--seed", type=int, default=1, help="another one makes others (default 1)")
    parser.add_argument("--first", type=int, default=0, help="the number to begin with, to meet one of them again")
    wanted = parser.parse_args()
    if wanted.count < 1:
        parser.error(f"--count must be 1 or more, not {wanted.count}")
    given = {"COUNT": wanted.count, "SEED": wanted.seed, "FIRST": wanted.first}
    os.environ |= {f"FUZZ_{name}": str(value) for name, value in given.items()}
    return pytest.main(["tests/fuzz/test_notifications.py", "-n", "0", "--timeout", "0"])


if __name__ == "__main__":
    sys.exit(main())
