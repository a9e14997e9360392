"""Settings: every variable is documented, a missing production secret stops the start with its name."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import portal
from portal import checks

ROOT = Path(portal.__file__).parent.parent
COMPLETE = {
    "PORTAL_ENVIRONMENT": "production",
    "PORTAL_SECRET_KEY": "x" * 50,
    "PORTAL_MASTER_KEYS": "k1:" + "A" * 43 + "=",
    "PORTAL_ALLOWED_HOSTS": "pay.example.com",
    "PORTAL_BASE_URL": "https://pay.example.com",
}


def check(data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_", "CELERY_"))
    }
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


def test_an_incomplete_production_refuses_to_start_and_names_all_that_is_wrong(tmp_path: Path) -> None:
    """In one start, since each takes a second: what is complete starts, so each of these is refused for itself."""
    wrong = {
        "PORTAL_MASTER_KEYS": "",
        "PORTAL_DEBUG": "true",
        "PORTAL_CLOCK_FILE": "clock.json",
        "PORTAL_ALLOWED_HOSTS": "",
        "PORTAL_BASE_URL": "http://pay.example.com",
        "PORTAL_WEBHOOKS_ALLOW_PRIVATE": "true",
        "PORTAL_SECOND_FACTOR": "false",
        "CELERY_BROKER_URL": "sqs://key:hunter2@queue",
    }
    done = check(tmp_path, **(COMPLETE | wrong))
    assert done.returncode != 0
    errors = done.stderr.partition("ERRORS:")[2]
    assert sorted(re.findall(r"^\?: \((portal\.E\d+)\)", errors, re.MULTILINE)) == [
        *(f"portal.E{number:03d}" for number in range(1, 8)),
        "portal.E009",
    ]
    assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_SECRET_KEY", ""),
        ("PORTAL_ENVIRONMENT", "staging"),
        ("PORTAL_API_LIMITS", "buyer.money=many"),
        ("PORTAL_STEP_UP", "PHP=much"),
    ],
)
def test_a_variable_that_cannot_be_read_stops_the_start_with_its_name(tmp_path: Path, name: str, value: str) -> None:
    done = check(tmp_path, **(COMPLETE | {name: value}))
    assert done.returncode != 0
    assert f"ImproperlyConfigured: {name}" in done.stderr


def test_the_limits_of_the_api_are_read_as_they_are_documented(tmp_path: Path) -> None:
    example = re.search(r"^#(PORTAL_API_LIMITS)=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert example is not None
    say = "from portal.settings import PORTAL_API_LIMITS as it; print(it['buyer.money'], it['merchant.reads'])"
    done = subprocess.run(
        [sys.executable, "-c", say],
        cwd=ROOT,
        env=os.environ | {"PORTAL_DATA": str(tmp_path), example[1]: example[2]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["10", "500"]


@pytest.mark.parametrize(
    ("url", "said"),
    [("sqs://key:hunter2@queue", "has the scheme 'sqs'."), ("hunter2@127.0.0.1", "has no scheme.")],
)
def test_a_broker_nobody_has_tried_is_refused_without_its_password(settings: Any, url: str, said: str) -> None:
    settings.CELERY_BROKER_URL = url
    (error,) = checks.broker_is_known(None)
    assert (error.id, error.msg) == ("portal.E007", f"CELERY_BROKER_URL {said}")
    assert "redis://…, rediss://…, amqp://…, amqps://…" in str(error.hint)
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "amqps://portal:secret@broker/portal", ""])
def test_a_broker_may_be_redis_or_rabbitmq_or_none(settings: Any, url: str) -> None:
    settings.CELERY_BROKER_URL = url
    assert checks.broker_is_known(None) == []


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("y" * 50)
    environment = {name: value for name, value in COMPLETE.items() if name != "PORTAL_SECRET_KEY"}
    assert check(tmp_path, **environment, PORTAL_SECRET_KEY_FILE=str(secret)).returncode == 0
