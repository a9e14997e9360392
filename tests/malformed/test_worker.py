"""What one may get wrong about ``manage.py worker``: a sentence and exit status 2, and nothing is done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

ROOT = Path(__file__).resolve().parents[2]


def worker(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command on a database of its own."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PORTAL_DATA")}
    return subprocess.run(
        [sys.executable, "manage.py", "worker", *arguments],
        cwd=ROOT,
        env={**inherited, "PORTAL_DATA": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_pause_that_is_none(tmp_path: Path) -> None:
    ended = worker(tmp_path, "--once", "--pause=soon")
    assert ended.returncode == 2
    assert "'soon' is no pause: give seconds above 0, at most 60." in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("pause", ["0", "-1", "nan", "inf", "61", "1e9", ""])
def test_other_pauses_that_are_none(pause: str) -> None:
    with pytest.raises(CommandError, match=f"'{pause}' is no pause: give seconds above 0, at most 60.") as refused:
        call_command("worker", "--once", f"--pause={pause}")
    assert refused.value.returncode in (1, 2)  # what a shell sees is what the one above saw


def test_tables_that_were_never_made(tmp_path: Path) -> None:
    ended = worker(tmp_path, "--once")
    assert ended.returncode == 2
    assert "migrations. Run manage.py migrate." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    ended = worker(tmp_path, "--once", DATABASE_URL="postgres://nobody@127.0.0.1:9/none")
    assert ended.returncode == 2
    assert "The database does not answer: " in ended.stderr
    assert "Traceback" not in ended.stderr
