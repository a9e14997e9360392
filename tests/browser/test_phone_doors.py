"""What the phone's server passes on, what it does not, and what the mini program is allowed to know."""

import re
from importlib.resources import files
from typing import Any

import pytest
import requests

from portal.models import AcquirerAccount
from portal.sandbox.miniprogram.forwarding import Unreadable, is_allowed, portal_base
from portal.sandbox.server import Sandbox

SHOP = files("portal.sandbox.miniprogram").joinpath("shop")
_NOT_IN_A_MINI_PROGRAM = re.compile(
    r"\b(?:document|window|globalThis|localStorage|sessionStorage|indexedDB|fetch|XMLHttpRequest|WebSocket|navigator|"
    r"location|parent|eval|Function)\b(?!\s*:)"
)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_STRING = re.compile(r"'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`")


@pytest.fixture
def forward(sandbox: Sandbox, portal_url: str, account: AcquirerAccount) -> Any:
    """my.request as the container sends it on."""
    sandbox.engine.context.portal_url = portal_url

    def send(url: str, **options: Any) -> dict[str, Any]:
        response = requests.post(f"{sandbox.url}/miniprogram/request", json={"url": url, **options}, timeout=10)
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer

    return send


def test_the_portals_api_answers_through_the_phone(forward: Any, portal_url: str) -> None:
    answer = forward(f"{portal_url}/api/v1/wallets", headers={"authorization": "Bearer bs_nobody"})
    assert answer["status"] == 401
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert '"code"' in answer["body"]


@pytest.mark.parametrize(
    "place",
    [
        "/admin/",
        "/notify/sandbox/payment",
        "/api/v1",
        "/api/v2/wallets",
        "/api/v1/../../admin/",
        "/api/v1/%2e%2e/%2e%2e/admin/",
        "/api/v1/..\\..\\admin/",
        "/api/v1/x#/",
        "/api/v1/@elsewhere.example/",
    ],
)
def test_nothing_but_the_api_is_reached_through_the_phone(forward: Any, portal_url: str, place: str) -> None:
    answer = forward(portal_url + place)
    assert answer["error"] == 11
    assert answer["errorMessage"] == f"Only {portal_url}/api/v1/ is a server domain of this mini program."


@pytest.mark.parametrize(
    "url",
    [
        "http://elsewhere.example/api/v1/wallets",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "{portal}.elsewhere.example/api/v1/wallets",
        "{portal}@elsewhere.example/api/v1/wallets",
    ],
)
def test_no_other_server_is_reached_through_the_phone(forward: Any, portal_url: str, url: str) -> None:
    assert forward(url.replace("{portal}", portal_url))["error"] == 11


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"url": 7}, "url is missing."),
        ({"method": "DELETE"}, "Mini programs know GET and POST."),
        ({"headers": ["authorization"]}, "headers must be an object, and timeout milliseconds."),
        ({"timeout": 0}, "headers must be an object, and timeout milliseconds."),
        ({"body": {"a": 1}}, "body must be text, of up to 256 KiB."),
        (
            {"headers": {"authorization": "a\r\nb: c"}},
            "The header authorization holds something else than visible ASCII.",
        ),
    ],
)
def test_a_request_that_is_none_is_refused_in_words(
    forward: Any, portal_url: str, wish: dict[str, Any], sentence: str
) -> None:
    answer = forward(**({"url": f"{portal_url}/api/v1/wallets"} | wish))
    assert answer == {"error": 2, "errorMessage": sentence}


def test_only_the_headers_a_mini_program_needs_are_passed_on(forward: Any, portal_url: str) -> None:
    cookie = {"cookie": "sessionid=stolen", "host": "elsewhere.example", "x-forwarded-for": "10.0.0.1"}
    assert forward(f"{portal_url}/api/v1/wallets", headers=cookie)["status"] == 401


def test_a_portal_that_is_not_there_is_a_network_error(forward: Any, sandbox: Sandbox) -> None:
    sandbox.engine.context.portal_url = "http://127.0.0.1:9"
    answer = forward("http://127.0.0.1:9/api/v1/wallets")
    assert answer == {"error": 12, "errorMessage": "The server cannot be reached."}


def test_a_page_elsewhere_cannot_ask_through_the_phone(sandbox: Sandbox) -> None:
    as_form = requests.post(f"{sandbox.url}/miniprogram/request", data={"url": "http://localhost/api/v1/"}, timeout=10)
    assert as_form.status_code == 415
    assert "access-control-allow-origin" not in as_form.headers


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://a", "http://", "http://[", "http://a?b", "http://u:p@a"])
def test_an_address_that_is_no_portals_is_refused(url: str) -> None:
    with pytest.raises(Unreadable):
        portal_base(url)


def test_a_portal_may_live_below_a_path() -> None:
    base = portal_base("https://pay.example/portal/")
    assert base == "https://pay.example/portal"
    assert is_allowed("https://pay.example/portal/api/v1/wallets", base)
    assert not is_allowed("https://pay.example/api/v1/wallets", base)


def test_the_phones_files_keep_to_their_folders(sandbox: Sandbox) -> None:
    for place in ("frame/../pages.py", "frame/..%2fpages.py", "pages.py", "frame/", "shop/pages", "frame/nothing.js"):
        session = requests.Session()
        request = requests.Request("GET", f"{sandbox.url}/miniprogram/").prepare()
        request.url = f"{sandbox.url}/miniprogram/{place}"
        assert session.send(request, timeout=10).status_code == 404, place


def test_every_page_of_the_phone_has_the_strict_policy(sandbox: Sandbox) -> None:
    for place in ("", "inside"):
        response = requests.get(f"{sandbox.url}/miniprogram/{place}", timeout=10)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", response.text)


def test_the_mini_program_knows_its_platform_and_its_server_and_nothing_else() -> None:
    scripts = [file for file in _below(SHOP) if file.name.endswith(".js")]
    assert len(scripts) == 12
    for script in scripts:
        code = _STRING.sub("''", _COMMENT.sub("", script.read_text(encoding="utf-8")))
        assert _NOT_IN_A_MINI_PROGRAM.findall(code) == [], script


def _below(folder: Any) -> list[Any]:
    return [found for one in folder.iterdir() for found in (_below(one) if one.is_dir() else [one])]
