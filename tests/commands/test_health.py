"""Whoever watches the processes asks here, without signing in."""

import pytest
from django.db import OperationalError, connection
from django.test import Client


def test_a_process_that_answers_lives(client: Client) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_migrated_database_is_ready(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "journal": "ok"}}


@pytest.mark.django_db
def test_a_migration_that_is_missing_keeps_requests_away(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'payments'")
        missing = cursor.rowcount
    response = client.get("/readyz")
    assert response.status_code == 503
    assert missing > 0
    assert response.json()["checks"] == {"database": "ok", "migrations": f"{missing} to apply", "journal": "ok"}


def test_a_database_that_does_not_answer_is_said_without_a_detail(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def __init__(self, connection: object) -> None:
            raise OperationalError("could not connect to server at 10.1.2.3")

    monkeypatch.setattr("portal.health.MigrationRecorder", Gone)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "checks": {"database": "no answer", "migrations": "unknown", "journal": "unknown"},
    }


def test_health_is_asked_not_told(client: Client) -> None:
    assert client.post("/livez").status_code == 405
