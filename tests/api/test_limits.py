"""How often a caller may knock, and what it hears when it knocks too often."""

from typing import Any

import pytest
import requests
from django.http import HttpRequest
from rest_framework.request import Request

from portal.api import limits
from portal.api.limits import client_address
from tests.api.conftest import Api
from tests.story import StoryClock


@pytest.fixture(name="limits")
def small_limits(settings: Any) -> dict[str, int]:
    """Small ones."""
    settings.PORTAL_API_LIMITS = {
        "buyer.reads": 3,
        "buyer.money": 2,
        "merchant.reads": 5,
        "anonymous.sessions": 2,
    }
    chosen: dict[str, int] = settings.PORTAL_API_LIMITS
    return chosen


def test_beyond_the_limit_the_answer_says_when_to_come_back(
    mini: Api, limits: dict[str, int], story_clock: StoryClock
) -> None:
    for _ in range(3):
        mini.get("wallets")
    response = mini.call("GET", "orders")
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    wait = int(response.headers["retry-after"])
    assert 1 <= wait <= 120
    story_clock.sleep(wait)
    mini.get("orders")


def test_the_count_slides_over_the_minutes_edge(mini: Api, limits: dict[str, int], story_clock: StoryClock) -> None:
    story_clock.sleep(55)
    for _ in range(3):
        mini.get("wallets")
    story_clock.sleep(10)  # a new minute, but only ten seconds later
    assert mini.call("GET", "wallets").status_code == 429
    story_clock.sleep(40)
    mini.get("wallets")


def test_each_caller_and_each_subject_has_its_own_limit(
    mini: Api, other: Api, server: Api, limits: dict[str, int]
) -> None:
    for _ in range(3):
        mini.get("wallets")
    assert mini.call("GET", "wallets").status_code == 429
    assert mini.refused("POST", "orders/O0/pay", {})["status"] == 404
    assert mini.refused("POST", "orders/O0/pay", {})["status"] == 404
    assert mini.refused("POST", "orders/O0/pay", {})["code"] == "rate_limited"
    other.get("wallets")
    for _ in range(5):
        server.get("orders")
    assert server.call("GET", "orders").status_code == 429


def test_processes_tell_one_another_a_twentieth_of_the_limit_at_a_time(server: Api, settings: Any) -> None:
    settings.PORTAL_API_LIMITS = {"merchant.reads": 40}
    codes = [server.call("GET", "orders?limit=1").status_code for _ in range(42)]
    assert codes == [200] * 40 + [429] * 2
    limits.here.forget()  # as another process, which does not know this caller yet
    codes = [server.call("GET", "orders?limit=1").status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]


def test_logins_are_limited_by_address(anybody: Api, limits: dict[str, int]) -> None:
    codes = [
        anybody.refused("POST", "sessions", {}, headers={"X-Forwarded-For": f"203.0.113.{n}"})["code"] for n in range(4)
    ]
    assert codes == ["invalid_input", "invalid_input", "rate_limited", "rate_limited"]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.7", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.7, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (3, "203.0.113.9", "203.0.113.9"),
        (1, "2001:db8::7", "2001:db8::7"),
        (1, "203.0.113.9:4711", "10.0.0.1"),
        (1, "unknown", "10.0.0.1"),
        (1, " , ", "10.0.0.1"),
    ],
)
def test_an_address_is_believed_from_our_own_proxies_only(
    proxies: int, forwarded: str | None, address: str, settings: Any
) -> None:
    settings.PORTAL_PROXIES = proxies
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "10.0.0.1"
    if forwarded is not None:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    assert client_address(Request(request)) == address


def test_a_server_behind_a_socket_file_knows_no_address() -> None:
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = ""
    assert client_address(Request(request)) == ""


def test_one_households_ipv6_addresses_are_counted_as_one(anybody: Api, limits: dict[str, int], settings: Any) -> None:
    settings.PORTAL_PROXIES = 1
    codes = [
        anybody.refused("POST", "sessions", {}, headers={"X-Forwarded-For": address})["code"]
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")
    ]
    assert codes == ["invalid_input", "invalid_input", "rate_limited", "invalid_input"]


def test_the_description_is_limited_too(anybody: Api, settings: Any) -> None:
    settings.PORTAL_API_LIMITS = {"anonymous.reads": 1}
    answers = [requests.get(f"{anybody.url}/api/v1/schema/", timeout=30) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["code"] == "rate_limited"
