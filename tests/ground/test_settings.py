"""Settings: every variable is documented, a missing production secret stops the start with its name."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

import portal
from portal import checks
from portal.encryption import key_ring

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
    done = check(tmp_path, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    # What few processes ever need, and takes as long to load as a tenth of all the rest.
    assert not re.findall(r"\|\s+(openpyxl|paramiko)$", done.stderr, re.MULTILINE)
    assert re.search(r"\|\s+django$", done.stderr, re.MULTILINE)


def test_garbage_is_looked_for_once_all_is_loaded_and_not_in_it() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import django, gc; django.setup(); print(gc.isenabled(), gc.get_freeze_count() > 50_000)",
        ],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.stdout == "True True\n", said.stderr


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


def _read(monkeypatch: pytest.MonkeyPatch, data: Path, **environment: str) -> dict[str, Any]:
    """The settings as that environment gives them, in this process: a start takes a second."""
    for name in [name for name in os.environ if name.startswith(("PORTAL_", "DATABASE_", "CELERY_", "PROMETHEUS_"))]:
        monkeypatch.delenv(name)
    for name, value in ({"PORTAL_DATA": str(data), "PROMETHEUS_MULTIPROC_DIR": ""} | environment).items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "portal/settings.py"))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORTAL_SECRET_KEY", "", "must be set in production"),
        ("PORTAL_ENVIRONMENT", "staging", "must be sandbox or production"),
        ("PORTAL_API_LIMITS", "buyer.money=many", "must read like buyer.money=10"),
        ("PORTAL_STEP_UP", "PHP=much", "must read like PHP=25000"),
        ("PORTAL_SSL_REDIRECT", "enabled", "must be true or false, not 'enabled'"),
        ("PORTAL_SECOND_FACTOR", "yes!", "must be true or false, not 'yes!'"),
        ("PORTAL_PROXIES", "two", "takes whole numbers, not 'two'"),
        ("PORTAL_PROXIES", "-1", "must be 0 or more, not -1"),
        ("PORTAL_SESSION_HOURS", "", "takes whole numbers, not ''"),
        ("PORTAL_SESSION_HOURS", "0", "must be 1 or more, not 0"),
        ("PORTAL_WEBHOOKS_PORTS", "443,https", "takes whole numbers, not '443,https'"),
        ("PORTAL_DATA", "/etc/passwd", ": /etc/passwd cannot be a folder: "),
        ("PORTAL_METRICS_FOLDER", "/etc/passwd/metrics", ": /etc/passwd/metrics cannot be a folder: "),
        ("PORTAL_SECRET_KEY_FILE", "/nowhere/secret", " cannot be read: No such file or directory"),
        ("PORTAL_TIME_ZONE", "Asia/Manilla", "must be a zone such as Asia/Singapore, not 'Asia/Manilla'"),
        ("PORTAL_LOG_LEVEL", "loud", "must be DEBUG, INFO, WARNING or ERROR, not 'loud'"),
        ("EMAIL_URL", "mail.example.com", "must read like smtp+tls://user:password@host:587"),
        ("EMAIL_URL", "smtp://host:mail", "must read like smtp+tls://user:password@host:587"),
        ("DATABASE_URL", "portal", "must read like postgres://user:password@host:5432/name"),
        ("DATABASE_URL", "postgres://portal:hunter2@host:port/portal", "must read like postgres://user"),
        ("DATABASE_URL", "mysql://portal:hunter2@host/portal", "must read like postgres://user"),
    ],
)
def test_a_variable_that_cannot_be_read_stops_the_start_with_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        _read(monkeypatch, tmp_path, **(COMPLETE | {name: value}))

    separator = "" if sentence.startswith((":", " ")) else " "
    assert str(refused.value).startswith(f"{name}{separator}{sentence}")
    assert "hunter2" not in str(refused.value)


def test_an_empty_address_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As files of variables for containers say it."""
    read = _read(monkeypatch, tmp_path, DATABASE_URL="", EMAIL_URL="")

    assert read["DATABASES"]["default"]["NAME"] == str(tmp_path / "portal.sqlite3")
    assert read["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"


def test_what_was_typed_ends_with_the_sentence_and_no_traceback(tmp_path: Path) -> None:
    done = check(tmp_path, PORTAL_PROXIES="two")

    assert (done.returncode, done.stderr) == (
        2,
        "PORTAL_PROXIES takes whole numbers, not 'two'\n",
    )


@pytest.mark.parametrize("keys", ["zz", "k1:zz", "k1:" + "A" * 22 + "=="])
def test_a_master_key_that_is_none_is_found_before_it_is_needed(settings: Any, keys: str) -> None:
    settings.PORTAL_MASTER_KEYS = [keys]
    key_ring.cache_clear()
    try:
        (error,) = checks.master_keys_can_be_read(None)
    finally:
        key_ring.cache_clear()

    assert (error.id, error.msg) == ("portal.E001", "PORTAL_MASTER_KEYS: each entry is 'id:base64 of 32 bytes'.")


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
