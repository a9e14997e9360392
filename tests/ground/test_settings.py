"""Settings: every variable is documented, a missing production secret stops the start with its name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import portal

ROOT = Path(portal.__file__).parent.parent
COMPLETE = {
    "PORTAL_ENVIRONMENT": "production",
    "PORTAL_SECRET_KEY": "x" * 50,
    "PORTAL_MASTER_KEYS": "k1:" + "A" * 43 + "=",
    "PORTAL_ALLOWED_HOSTS": "pay.example.com",
    "PORTAL_BASE_URL": "https://pay.example.com",
}


def check(data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=clean | {"PORTAL_DATA": str(data)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_variable_is_documented() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "portal/settings.py").read_text()))
    documented = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read == documented


def test_an_empty_environment_is_a_sandbox(tmp_path: Path) -> None:
    assert check(tmp_path).returncode == 0


def test_a_complete_production_starts(tmp_path: Path) -> None:
    done = check(tmp_path, **COMPLETE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"PORTAL_SECRET_KEY": ""}, "PORTAL_SECRET_KEY"),
        ({"PORTAL_MASTER_KEYS": ""}, "portal.E001"),
        ({"PORTAL_DEBUG": "true"}, "portal.E002"),
        ({"PORTAL_CLOCK_FILE": "clock.json"}, "portal.E003"),
        ({"PORTAL_ALLOWED_HOSTS": ""}, "portal.E004"),
        ({"PORTAL_BASE_URL": "http://pay.example.com"}, "portal.E005"),
        ({"PORTAL_ENVIRONMENT": "staging"}, "PORTAL_ENVIRONMENT"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_incomplete_production_refuses_to_start(tmp_path: Path, change: dict[str, str], names: str) -> None:
    done = check(tmp_path, **(COMPLETE | change))
    assert done.returncode != 0
    assert names in done.stderr


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("y" * 50)
    environment = {name: value for name, value in COMPLETE.items() if name != "PORTAL_SECRET_KEY"}
    assert check(tmp_path, **environment, PORTAL_SECRET_KEY_FILE=str(secret)).returncode == 0
