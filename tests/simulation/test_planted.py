"""A small version of ``python -m tests.simulation.planted``: every bug can be planted, and one is found at once."""

import subprocess
import sys
from pathlib import Path

from tests.simulation.planted import BUGS, hunt, planted_in

AT_ONCE = "a repeated request is carried out again"


def test_every_bug_can_still_be_planted_and_is_code_that_runs(tmp_path: Path) -> None:
    for number, bug in enumerate(BUGS):
        planted_in(tmp_path / str(number), bug, only_what_changes=True)
    # A name that is not there any more is found, too, and is not the bug.
    check = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E9,F821,F823", str(tmp_path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_bug_is_found() -> None:
    bug = next(bug for bug in BUGS if bug.name == AT_ONCE)

    assert hunt(bug, seeds=20).is_found
