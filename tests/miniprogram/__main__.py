"""``python -m tests.miniprogram``: every result of signing × every outcome of a payment × both places to bind.

264 stories, of which the suite tells 48. What follows is for pytest: ``-n 2``, ``-k no_network`` …
"""

import os
import sys

import pytest

WHOLE_PRODUCT = "MINIPROGRAM_WHOLE_PRODUCT"


def main() -> int:
    """Tell them all; pytest's exit status."""
    os.environ[WHOLE_PRODUCT] = "1"
    return int(pytest.main(["tests/miniprogram/test_flows.py", *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
