"""The tour plays by itself, against a folder of its own, and ends in agreement."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]

pytestmark = pytest.mark.timeout(600)


def tour(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run it from another folder than the project's, with temporary folders where we can see them."""
    environment = os.environ | {"TMPDIR": str(folder), "PORTAL_DATA": str(folder / "elsewhere")} | variables
    return subprocess.run(
        [*MANAGE, "tour", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=500,
        env=environment,
        cwd=folder,
    )


def test_the_tour_ends_in_agreement_and_leaves_nothing_behind(tmp_path: Path) -> None:
    played = tour(tmp_path)
    assert (played.returncode, played.stderr) == (0, "")
    lines = played.stdout.splitlines()
    steps = [line.split("  ")[0] for line in lines if not line.startswith(" ")]
    assert steps[:-1] == [
        "Bind",
        "Pay",
        "Lost answer",
        "Refusal",
        "Refund",
        "Cancel",
        "Give back",
        "Revoke",
        "Day close",
        "Import",
        "Discrepancy",
        "Explained",
        "Compare",
        *("Again", "Bind", "Pay", "Lost answer", "Refusal", "Refund", "Cancel", "Revoke", "Day close", "Import"),
        *("Settlement", "Import", "Compare"),
    ]
    assert lines[-1].startswith("Portal and sandbox agree to the minor unit.")
    assert len([line for line in lines if "debited once" in line]) == 2, "through either acquirer"
    assert [line for line in lines if "repeated until it is final" in line]
    assert [line for line in lines if "The wallet had asked first" in line]
    assert [line for line in lines if "50.00 PHP less" in line]
    assert not list(tmp_path.glob("autodebit-tour-*"))


def test_a_tour_begins_with_nothing(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear …")
    refused = tour(tmp_path, "--data", str(tmp_path))
    assert refused.returncode == 2
    assert f"--data {tmp_path} is not empty" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_there_are_no_tours_where_money_is_real(tmp_path: Path) -> None:
    refused = tour(tmp_path, PORTAL_ENVIRONMENT="production", PORTAL_SECRET_KEY="x" * 50)
    assert refused.returncode == 2
    assert "PORTAL_ENVIRONMENT is production here" in refused.stderr
