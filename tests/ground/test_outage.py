"""The database goes away under a request: 503 and a line, no traceback; a mistake of ours stays one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client

from portal import outage

SAID = 'connection to server at "10.1.2.3" failed: the database system is shutting down\nIs it running?'


def refusing(what_it_says: str) -> AbstractContextManager[None]:
    """A database that answers no question, however it is worded."""

    def refused(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("SELECT"):
            raise OperationalError(what_it_says)
        return execute(sql, *rest)

    return connection.execute_wrapper(refused)


@pytest.fixture
def away(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that answers no question, and is found to be gone."""
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    monkeypatch.setattr(connections["default"], "close", lambda: None)
    with refusing(SAID):
        yield


@pytest.mark.usefixtures("away")
def test_the_api_says_when_to_come_again(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    response = client.get("/api/v1/orders", headers={"authorization": "Bearer bs_of-somebody"})
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "unavailable"
    assert "10.1.2.3" not in response.text
    said = f"GET /api/v1/orders: the database does not answer ({SAID.splitlines()[0]})"
    assert caplog.records[0].getMessage() == said
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.usefixtures("away")
def test_the_acquirer_is_told_to_send_its_message_again(client: Client) -> None:
    response = client.post("/notify/sandbox/payment", b"{}", content_type="application/json")
    assert response.status_code == 503
    assert "10.1.2.3" not in response.text


def test_a_question_the_database_does_not_understand_is_our_mistake(
    client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    client.raise_request_exception = False
    with refusing("no such column: amuont"):
        response = client.post("/notify/sandbox/payment", b"{}", content_type="application/json")
    assert response.status_code == 500
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (OperationalError("connection refused\nIs the server running?"), "connection refused"),
        (OperationalError(), "OperationalError"),
    ],
)
def test_what_the_database_said_is_one_line_or_the_name_of_the_mistake(reason: Exception, said: str) -> None:
    assert outage.said(reason) == said
