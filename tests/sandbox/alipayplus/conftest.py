"""A partner's server that speaks Alipay+ to the sandbox by itself, and signs what it answers to its notifications."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

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
from portal.sandbox.control import SandboxControl
from portal.sandbox.merchants import FIRST_PARTNER
from portal.sandbox.server import Sandbox
from tests.sandbox.conftest import Heard

ACKNOWLEDGED = b'{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"Success"}}'
SHOP = "M001"
BASE = "/aps/api/v1/"


@dataclass
class Partner:
    """An acquiring partner's server: sends signed calls, hears notifications, signs its answers."""

    sandbox: Sandbox
    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers_with: bytes = ACKNOWLEDGED
    signs: bool = True
    signs_with: str = ""
    session: requests.Session = field(default_factory=requests.Session)
    counter: int = 0

    @property
    def keys(self) -> dict[str, str]:
        return self.sandbox.connection.alipayplus

    @property
    def control(self) -> SandboxControl:
        return SandboxControl(self.sandbox.url)

    def now(self) -> str:
        return self.sandbox.engine.clock.now().isoformat()

    def call(self, api: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        """A signed call, its signed answer verified; the answer's body."""
        response = self.send(BASE + api, json.dumps(body).encode(), **options)
        assert response.status_code == 200
        assert self.verifies(response, BASE + api), response.text
        answer: dict[str, Any] = response.json()
        return answer

    def send(
        self,
        path: str,
        raw: bytes,
        *,
        method: str = "POST",
        client_id: str = FIRST_PARTNER,
        time: str = "",
        headers: dict[str, str] | None = None,
        key: str = "",
        signed_path: str = "",
        written: Callable[[bytes], str] | None = None,
    ) -> requests.Response:
        time, private = time or self.now(), load_private_key(key or self.keys["merchant_private_key"])
        content = content_to_sign("POST", signed_path or path, client_id, time, raw)
        signature = sign(private, content)
        if written is not None:
            signature = written(private.sign(content, padding.PKCS1v15(), hashes.SHA256()))
        sent = {
            "Client-Id": client_id,
            "Request-Time": time,
            "Signature": signature_header(signature),
            "Content-Type": "application/json; charset=UTF-8",
        } | (headers or {})
        return self.session.request(method, self.sandbox.url + path, data=raw, headers=sent, timeout=10)

    def verifies(self, response: requests.Response, path: str) -> bool:
        headers = response.headers
        if any(name not in headers for name in ("Signature", "Client-Id", "Response-Time")):
            return False
        content = content_to_sign("POST", path, headers["Client-Id"], headers["Response-Time"], response.content)
        key = load_public_key(self.keys["acquirer_public_key"])
        return verify(key, content, parse_header(headers["Signature"])["signature"])

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}-{self.counter:04d}"

    def preparation(self, **changes: Any) -> dict[str, Any]:
        return {
            "authClientId": SHOP,
            "authClientName": "Kape & Co Trading Inc.",
            "authClientDisplayName": "Kape",
            "authRedirectUrl": f"{self.url}/return?lang=en",
            "authState": self.fresh("state"),
            "scopes": ["AGREEMENT_PAY"],
            "terminalType": "WEB",
        } | changes

    def prepares(self, **changes: Any) -> dict[str, Any]:
        return self.call("authorizations/prepare", self.preparation(**changes))

    def redeems(self, code: str, **changes: Any) -> dict[str, Any]:
        body = {"authClientId": SHOP, "grantType": "AUTHORIZATION_CODE", "authCode": code}
        return self.call("authorizations/applyToken", body | changes)

    def refreshes(self, token: str) -> dict[str, Any]:
        body = {"authClientId": SHOP, "grantType": "REFRESH_TOKEN", "refreshToken": token}
        return self.call("authorizations/applyToken", body)

    def agreed(self, user: str = "ana", wallet: str = "GCASH") -> str:
        """prepare, the user picks the wallet and agrees; the code."""
        code: str = self.control.agree(self.prepares()["authUrl"], user, wallet=wallet)["authCode"]
        return code

    def binds(self, user: str = "ana", wallet: str = "GCASH") -> str:
        token: str = self.redeems(self.agreed(user, wallet))["accessToken"]
        return token

    def payment(self, token: str, value: int = 499_00, currency: str = "PHP", **changes: Any) -> dict[str, Any]:
        """A pay request."""
        amount = {"currency": currency, "value": str(value)}
        return {
            "paymentRequestId": self.fresh("ad"),
            "order": {
                "referenceOrderId": self.fresh("order"),
                "orderDescription": "Monthly plan",
                "orderAmount": dict(amount),
                "merchant": {"referenceMerchantId": SHOP, "merchantName": "Kape & Co", "merchantMCC": "5735"},
                "buyer": {"referenceBuyerId": "u-1"},
                "env": {"terminalType": "MINI_APP", "osType": "ANDROID"},
            },
            "paymentAmount": amount,
            "paymentMethod": {"paymentMethodType": "CONNECT_WALLET", "paymentMethodId": token},
            "paymentFactor": {"isAgreementPayment": "true"},
            "paymentNotifyUrl": f"{self.url}/aps/api/v1/payments/notifyPayment",
            "settlementStrategy": {"settlementCurrency": "USD"},
        } | changes

    def pays(self, token: str, value: int = 499_00, currency: str = "PHP", **changes: Any) -> dict[str, Any]:
        return self.call("payments/pay", self.payment(token, value, currency, **changes))

    def asks(self, **ids: str) -> dict[str, Any]:
        return self.call("payments/inquiryPayment", ids)

    def cancels(self, **ids: str) -> dict[str, Any]:
        return self.call("payments/cancelPayment", ids)

    def refunds(self, payment_id: str, value: int, currency: str = "PHP", **changes: Any) -> dict[str, Any]:
        body = {
            "paymentId": payment_id,
            "refundRequestId": self.fresh("ref"),
            "refundAmount": {"currency": currency, "value": str(value)},
        } | changes
        return self.call("payments/refund", body)

    def moves_on(self, **span: float) -> None:
        """Time passes, and everything due is done."""
        clock = self.sandbox.engine.clock
        assert isinstance(clock, VirtualClock)
        clock.move(timedelta(**span))
        self.sandbox.engine.tick()

    def ticks(self) -> None:
        self.sandbox.engine.tick()

    def heard_of(self, path: str) -> list[dict[str, Any]]:
        return [one.body for one in self.heard if one.path.endswith(path)]


@pytest.fixture
def partner(sandbox: Sandbox) -> Iterator[Partner]:
    partner = Partner(sandbox)

    class Ears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            content = content_to_sign("POST", self.path, self.headers["client-id"], self.headers["request-time"], raw)
            key = load_public_key(partner.keys["acquirer_public_key"])
            genuine = verify(key, content, parse_header(self.headers["signature"])["signature"])
            partner.heard.append(Heard(self.path, dict(self.headers), raw, genuine))
            self.send_response(200)
            self.send_header("content-length", str(len(partner.answers_with)))
            if partner.signs:
                time, key_text = partner.now(), partner.signs_with or partner.keys["merchant_private_key"]
                content = content_to_sign("POST", self.path, FIRST_PARTNER, time, partner.answers_with)
                self.send_header("Client-Id", FIRST_PARTNER)
                self.send_header("Response-Time", time)
                self.send_header("Signature", signature_header(sign(load_private_key(key_text), content)))
            self.end_headers()
            self.wfile.write(partner.answers_with)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ears)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    partner.url = f"http://127.0.0.1:{server.server_port}"
    partner.session.trust_env = False
    urls = {
        "authorization": f"{partner.url}{BASE}authorizations/authNotify",
        "unbinding": f"{partner.url}{BASE}authorizations/consultUnbinding",
        "payment": f"{partner.url}{BASE}payments/notifyPayment",
    }
    sandbox.engine.register_merchant(client_id=FIRST_PARTNER, notify_urls=urls)
    yield partner
    server.shutdown()
    server.server_close()
    partner.session.close()


def base64url(raw: bytes) -> str:
    """A signature in the other text form: base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
