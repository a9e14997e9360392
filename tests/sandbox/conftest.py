"""A sandbox on the loopback under a clock that stands still, and a shop that speaks the protocol to it by itself.

The shop is a client of its own, made of the signing module and requests: the sandbox is tested without the portal.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from portal import clock as clock_module
from portal.acquirer.signing import (
    content_to_sign,
    load_private_key,
    load_public_key,
    parse_header,
    sign,
    signature_header,
    verify,
)
from portal.clock import VirtualClock
from portal.sandbox.context import Keys, new_keys
from portal.sandbox.control import SandboxControl
from portal.sandbox.server import Sandbox

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""Monday, 10:00 in the acquirer's zone."""
ACKNOWLEDGED = b'{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}'


@pytest.fixture(scope="session")
def keys() -> Keys:
    return new_keys()


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with clock_module.using(VirtualClock(START)) as clock:
        assert isinstance(clock, VirtualClock)
        yield clock


@pytest.fixture
def sandbox(clock: VirtualClock, keys: Keys) -> Iterator[Sandbox]:
    with Sandbox(clock, keys=keys, ticking=False) as sandbox:
        yield sandbox


@pytest.fixture
def control(sandbox: Sandbox) -> SandboxControl:
    return SandboxControl(sandbox.url)


@dataclass
class Heard:
    """One notification as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes
    genuine: bool

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)


@dataclass
class Shop:
    """A merchant's server: sends signed calls, hears notifications."""

    sandbox: Sandbox
    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers_with: bytes = ACKNOWLEDGED
    http_status: int = 200
    session: requests.Session = field(default_factory=requests.Session)
    counter: int = 0

    def call(self, api: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        """A signed call, its signed answer verified; the answer's body."""
        response = self.send(f"/ams/sandbox/api/v1/{api}", json.dumps(body).encode(), **options)
        assert response.status_code == 200
        assert self.verifies(response, f"/ams/sandbox/api/v1/{api}"), response.text
        answer: dict[str, Any] = response.json()
        return answer

    def send(
        self,
        path: str,
        raw: bytes,
        *,
        method: str = "POST",
        client_id: str | None = None,
        time: str | None = None,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        timeout: float = 10,
    ) -> requests.Response:
        connection = self.sandbox.connection
        client_id = client_id or connection.client_id
        time = time or str(int(self.sandbox.engine.clock.now().timestamp() * 1000))
        private_key = load_private_key(key or connection.merchant_private_key)
        signature = sign(private_key, content_to_sign("POST", path, client_id, time, raw))
        sent = {
            "client-id": client_id,
            "request-time": time,
            "signature": signature_header(signature),
            "content-type": "application/json; charset=UTF-8",
        } | (headers or {})
        return self.session.request(method, self.sandbox.url + path, data=raw, headers=sent, timeout=timeout)

    def verifies(self, response: requests.Response, path: str) -> bool:
        if "signature" not in response.headers:
            return False
        headers = response.headers
        content = content_to_sign("POST", path, headers["client-id"], headers["response-time"], response.content)
        key = load_public_key(self.sandbox.connection.acquirer_public_key)
        return verify(key, content, parse_header(headers["signature"])["signature"])

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}_{self.counter:04d}"

    def consults(self, wallet: str = "GCASH", **changes: Any) -> dict[str, Any]:
        body = {
            "customerBelongsTo": wallet,
            "authRedirectUrl": f"{self.url}/return?lang=en",
            "scopes": ["AGREEMENT_PAY"],
            "authState": self.fresh("state"),
            "terminalType": "WEB",
        } | changes
        return self.call("authorizations/consult", body)

    def redeems(self, code: str, wallet: str = "GCASH") -> dict[str, Any]:
        body = {"grantType": "AUTHORIZATION_CODE", "customerBelongsTo": wallet, "authCode": code}
        return self.call("authorizations/applyToken", body)

    def binds(self, user: str = "ana", wallet: str = "GCASH") -> str:
        """consult, the user agrees, applyToken; the access token."""
        url = self.consults(wallet)["normalUrl"]
        code = SandboxControl(self.sandbox.url).agree(url, user)["authCode"]
        token: str = self.redeems(code, wallet)["accessToken"]
        return token

    def payment(self, token: str, value: int = 499_00, currency: str = "PHP", **changes: Any) -> dict[str, Any]:
        """A pay request."""
        amount = {"currency": currency, "value": str(value)}
        return {
            "productCode": "AGREEMENT_PAYMENT",
            "paymentRequestId": self.fresh("PAY"),
            "order": {
                "referenceOrderId": self.fresh("ORDER"),
                "orderDescription": "Coffee",
                "orderAmount": dict(amount),
            },
            "paymentAmount": amount,
            "paymentMethod": {"paymentMethodType": changes.pop("wallet", "GCASH"), "paymentMethodId": token},
            "settlementStrategy": {"settlementCurrency": "USD"},
            "paymentNotifyUrl": f"{self.url}/notify/payment?from=antom",
        } | changes

    def pays(self, token: str, value: int = 499_00, currency: str = "PHP", **changes: Any) -> dict[str, Any]:
        return self.call("payments/pay", self.payment(token, value, currency, **changes))

    def refunds(self, payment_id: str, value: int, currency: str = "PHP", **changes: Any) -> dict[str, Any]:
        body = {
            "refundRequestId": self.fresh("REF"),
            "paymentId": payment_id,
            "refundAmount": {"currency": currency, "value": str(value)},
            "refundNotifyUrl": f"{self.url}/notify/refund",
        } | changes
        return self.call("payments/refund", body)

    def asks(self, **ids: str) -> dict[str, Any]:
        return self.call("payments/inquiryPayment", ids)

    def moves_on(self, **span: float) -> None:
        """Time passes, and everything due is done."""
        clock = self.sandbox.engine.clock
        assert isinstance(clock, VirtualClock)
        clock.move(timedelta(**span))
        self.sandbox.engine.tick()

    def heard_bodies(self, path: str = "") -> list[dict[str, Any]]:
        return [one.body for one in self.heard if one.path.startswith(path)]


@pytest.fixture
def shop(sandbox: Sandbox) -> Iterator[Shop]:
    shop = Shop(sandbox)

    class Ears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            content = content_to_sign("POST", self.path, self.headers["client-id"], self.headers["request-time"], raw)
            key = load_public_key(sandbox.connection.acquirer_public_key)
            genuine = verify(key, content, parse_header(self.headers["signature"])["signature"])
            shop.heard.append(Heard(self.path, dict(self.headers), raw, genuine))
            self.send_response(shop.http_status)
            self.send_header("content-length", str(len(shop.answers_with)))
            self.end_headers()
            self.wfile.write(shop.answers_with)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ears)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    shop.url = f"http://127.0.0.1:{server.server_port}"
    shop.session.trust_env = False
    urls = {name: f"{shop.url}/dashboard/{name}" for name in ("authorization", "payment", "refund")}
    sandbox.engine.register_merchant(notify_urls=urls)
    yield shop
    server.shutdown()
    server.server_close()
    shop.session.close()


def code(answer: dict[str, Any]) -> tuple[str, str]:
    """The result of an answer: code and status."""
    return answer["result"]["resultCode"], answer["result"]["resultStatus"]
