"""``python -m tests.properties --times 50``."""

import argparse
import os
import sys

import pytest

import tests.properties


def main() -> int:
    """Try harder; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.properties", description=tests.properties.__doc__)
    parser.add_argument("--times", type=int, default=50, help="so many times the suite's examples (default 50)")
    wanted = parser.parse_args()
    if wanted.times < 1:
        parser.error(f"--times must be 1 or more, not {wanted.times}")
    os.environ["PROPERTIES_TIMES"] = str(wanted.times)
    return pytest.main(["tests/properties", "-n", "2", "--timeout", "0"])


if __name__ == "__main__":
    sys.exit(main())
