"""Callers of the API: mini programs and merchant servers, over HTTP. Every answer is held against the schema."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from django.core.cache import cache
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from authorizations.models import Authorization, BuyerSession, WalletAccount
from portal import clock, merchant_keys
from portal.actor import Actor
from portal.models import AcquirerAccount, MerchantKey
from portal.sandbox.server import Sandbox
from tests.story import Shop

PROBLEM = "application/problem+json"


@dataclass
class Description:
    """The API's own description, and whether an answer keeps to it."""

    document: dict[str, Any]
    addresses: list[tuple[re.Pattern[str], dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for path, methods in self.document["paths"].items():
            self.addresses.append((re.compile(re.sub(r"\{\w+\}", r"[0-9A-Za-z_-]{1,64}", path)), methods))

    def check(self, method: str, path: str, response: requests.Response) -> None:
        """Assert that status, media type and body are as described."""
        described = next((methods for pattern, methods in self.addresses if pattern.fullmatch(path)), None)
        if described is None or method.lower() not in described:
            return
        answers = described[method.lower()]["responses"]
        assert str(response.status_code) in answers, f"{method} {path} answers {response.status_code}: not described"
        content = answers[str(response.status_code)]["content"]
        media_type = response.headers["content-type"]
        assert media_type in content, media_type
        self.validate(response.json(), content[media_type]["schema"])
        if media_type == PROBLEM:
            named = {example["value"]["code"] for example in content[media_type]["examples"].values()}
            assert response.json()["code"] in named, f"{method} {path} refuses with {response.json()['code']}"

    def validate(self, value: object, schema: dict[str, Any]) -> None:
        """Assert that a value is of the schema, and has no name the schema does not have."""
        whole = {**schema, "components": _closed(self.document["components"])}
        Draft202012Validator(whole).validate(value)


def _closed(components: dict[str, Any]) -> dict[str, Any]:
    """The components with every object closed: an undescribed name in an answer is a mistake too."""
    schemas = {
        name: {**schema, "additionalProperties": False} if schema.get("type") == "object" else schema
        for name, schema in components["schemas"].items()
    }
    return {**components, "schemas": schemas}


@dataclass
class Api:
    """One caller."""

    url: str
    description: Description
    heard: list[str]
    token: str = ""

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = "fresh",
        raw: bytes | None = None,
        headers: dict[str, str | None] | None = None,
    ) -> requests.Response:
        """Send, check the answer against the description, and keep it for the search for secrets."""
        sent: dict[str, str | None] = {"Content-Type": "application/json"} if method == "POST" else {}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if method == "POST" and key is not None:
            sent["Idempotency-Key"] = clock.fresh_id("K") if key == "fresh" else key
        sent.update(headers or {})
        response = requests.request(
            method,
            f"{self.url}/api/v1/{path}",
            json=body if raw is None and body is not None else None,
            data=raw,
            headers={name: value for name, value in sent.items() if value is not None},
            timeout=30,
        )
        self.description.check(method, f"/api/v1/{path.partition('?')[0]}", response)
        if method != "HEAD":
            assert response.headers["cache-control"] == "no-store"
            self.heard.append(response.text)
        return response

    def get(self, path: str, **options: Any) -> Any:
        """The answer to a GET that succeeds."""
        response = self.call("GET", path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: object = None, *, status: int = 200, **options: Any) -> Any:
        """The answer to a POST that succeeds."""
        response = self.call("POST", path, {} if body is None else body, **options)
        assert response.status_code == status, response.text
        return response.json()

    def refused(self, method: str, path: str, body: object = None, **options: Any) -> dict[str, Any]:
        """The problem a request gets."""
        response = self.call(method, path, body, **options)
        assert response.headers["content-type"] == PROBLEM, response.text
        problem: dict[str, Any] = response.json()
        assert problem["status"] == response.status_code
        assert problem["type"].endswith(f"/api/v1/docs/#problem-{problem['code']}")
        assert problem["detail"]
        return problem


@pytest.fixture(scope="session")
def description(django_db_setup: None) -> Description:
    """The API's description."""
    return Description(SchemaGenerator().get_schema(request=None, public=True))


@pytest.fixture
def heard(account: AcquirerAccount) -> Iterator[list[str]]:
    """Everything the API said in a test; afterwards no secret may be in it."""
    said: list[str] = []
    yield said
    secrets: set[str] = set()
    for wallet in WalletAccount.objects.all():
        secrets |= {wallet.access_token, wallet.refresh_token, wallet.user_id}
    secrets |= {attempt.auth_code for attempt in Authorization.objects.all()}
    secrets |= {session.digest for session in BuyerSession.objects.all()}
    secrets |= {key.digest for key in MerchantKey.objects.all()}
    secrets.discard("")
    for text in said:
        for secret in secrets:
            assert secret not in text


@pytest.fixture
def anybody(account: AcquirerAccount, portal_url: str, description: Description, heard: list[str]) -> Api:
    """Somebody without a token."""
    cache.clear()
    return Api(portal_url, description, heard)


@pytest.fixture
def server(account: AcquirerAccount, anybody: Api) -> Api:
    """The merchant's own server."""
    _, text = merchant_keys.create(account, "shop server", by=Actor.command("test"))
    return Api(anybody.url, anybody.description, anybody.heard, text)


@pytest.fixture
def mini(anybody: Api, shop: Shop, sandbox: Sandbox) -> Api:
    """A mini program in GCash, with Ana logged in."""
    return log_in(anybody, sandbox, "ana")


@pytest.fixture
def other(anybody: Api, shop: Shop, sandbox: Sandbox) -> Api:
    """The same mini program on Paolo's phone."""
    return log_in(anybody, sandbox, "paolo")


def log_in(anybody: Api, sandbox: Sandbox, user: str, wallet: str = "GCASH") -> Api:
    """A session opened by the wallet's login code."""
    opened = anybody.post(
        "sessions", {"login_code": sandbox.engine.login_code(wallet, user), "site_name": wallet}, status=201
    )
    return Api(anybody.url, anybody.description, anybody.heard, opened["token"])


def bind(api: Api, sandbox: Sandbox, user: str = "ana", wallet: str = "GCASH") -> dict[str, Any]:
    """Bind a wallet through the API, as a mini program does."""
    begun = api.post("authorizations", {"site_name": wallet, "os_type": "ANDROID"}, status=201)
    assert begun["status"] == "OFFERED", begun
    decision = sandbox.engine.agree(begun["sign_str"], user)
    bound = api.post(
        f"authorizations/{begun['id']}/code", {"auth_code": decision.auth_code, "auth_state": decision.auth_state}
    )
    assert bound["status"] == "BOUND", bound
    found: dict[str, Any] = bound["wallet_account"]
    return found
