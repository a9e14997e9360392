"""``python -m tests.fuzz.api --examples 200``: let the fuzzer try harder than the suite has time for."""

import argparse
import os
import sys

import pytest


def main() -> int:
    """Run it; 0 when nothing failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.api", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="of each operation, and stories (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="another one tries other things (default 1)")
    wanted = parser.parse_args()
    if wanted.examples < 1:
        parser.error(f"--examples must be 1 or more, not {wanted.examples}")
    os.environ |= {"FUZZ_EXAMPLES": str(wanted.examples), "FUZZ_SEED": str(wanted.seed)}
    return pytest.main(["tests/fuzz/test_api.py", "-n", "0", "--timeout", "0"])


if __name__ == "__main__":
    sys.exit(main())
