"""What Django itself refuses under ``/api/``, and what we get wrong ourselves: a problem, and no word too many."""

from typing import Any

import pytest
import requests
from django.test import Client

from authorizations.api import views
from tests.api.conftest import PROBLEM, Api


def test_a_mistake_of_ours_tells_nothing_about_itself(
    mini: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(views, "page", broken)
    response = mini.call("GET", "wallets")
    assert (response.status_code, response.headers["content-type"]) == (500, PROBLEM)
    assert "secret of ours" not in response.text
    assert "Traceback" not in response.text
    assert response.json()["code"] == "server_error"
    assert "a secret of ours" in caplog.text  # ours to read


def test_debugging_shows_no_page_of_djangos_either(mini: Api, settings: Any) -> None:
    settings.DEBUG = True
    response = mini.call("GET", "nowhere")
    assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM)
    assert "urlpatterns" not in response.text


def test_a_wrong_host_is_a_problem_too(client: Client, db: None) -> None:
    response = client.get("/api/v1/orders", headers={"host": "evil.example"})
    assert (response.status_code, response.headers["content-type"]) == (400, PROBLEM)
    assert response.json()["code"] == "bad_request"


def test_405_names_the_methods_that_do(mini: Api) -> None:
    response = mini.call("GET", "orders/O0/pay")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


def test_other_pages_keep_their_own_errors(client: Client, db: None) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


def test_no_cookie_is_needed_or_set(portal_url: str, mini: Api) -> None:
    response = requests.get(
        f"{portal_url}/api/v1/wallets", headers={"Authorization": f"Bearer {mini.token}"}, timeout=30
    )
    assert response.ok
    assert "set-cookie" not in response.headers


def test_head_is_a_get_without_a_body(mini: Api) -> None:
    response = mini.call("HEAD", "orders")
    assert (response.status_code, response.content) == (200, b"")
