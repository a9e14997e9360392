"""What one may get wrong about starting beat and workers: a sentence, and nothing is begun. No broker is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import portal

ROOT = Path(portal.__file__).parent.parent


def started(folder: Path, broker_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PORTAL_DATA")}
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "portal", *arguments],
        cwd=ROOT,
        env=inherited | {"PORTAL_DATA": str(folder), "CELERY_BROKER_URL": broker_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("broker_url", "said"),
    [
        ("", "CELERY_BROKER_URL is not set: give a Redis or a RabbitMQ, or run manage.py worker"),
        ("sqs://key:hunter2@queue", "CELERY_BROKER_URL has the scheme 'sqs'."),
    ],
)
def test_no_broker_or_one_nobody_has_tried(tmp_path: Path, broker_url: str, said: str) -> None:
    ended = started(tmp_path, broker_url, "worker")
    assert ended.returncode != 0
    assert said in ended.stderr.strip().splitlines()[-1]
    assert "hunter2" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("arguments", [("worker", "-c", "1"), ("beat",)], ids=lambda arguments: str(arguments[0]))
def test_tables_that_were_never_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = started(tmp_path, "redis://:hunter2@127.0.0.1:9/0", *arguments)
    assert ended.returncode == 2
    assert "migrations. Run manage.py migrate." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout
