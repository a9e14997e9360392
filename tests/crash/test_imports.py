"""A large import is killed and gone on with, in the small; ``python -m tests.crash.imports`` does it ten times."""

import subprocess
import sys
from pathlib import Path


def test_a_killed_import_comes_to_the_same() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.crash.imports", "--rows", "3000", "--deaths", "1"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (0, "Every promise held.\n"), ran.stderr
