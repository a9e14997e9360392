"""The floors: bare views that do only what the job demands, as one would write them first.

They stand on the same server, tables, driver and HTTP library as the portal. They have no callers, limits, keys of
repetition, histories, kept exchanges, incidents or middleware; what remains nobody can leave out: the promise is
committed before the wire, the call is signed and its answer verified, the message is committed before its effect.
"""

import base64
import hashlib
import json
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import override_settings
from django.urls import path

from authorizations.models import WalletAccount
from payments.models import Order, Payment
from payments.states import OrderStatus, PaymentStatus
from portal import clock
from portal.models import AcquirerAccount, Notification


class Bare(WSGIHandler):
    """Django without any middleware, and with these views alone."""

    def load_middleware(self, is_async: bool = False) -> None:
        with override_settings(MIDDLEWARE=[]):
            super().load_middleware(is_async)

    def get_response(self, request: HttpRequest) -> Any:
        request.urlconf = __name__
        response = super().get_response(request)
        response["Content-Length"] = len(response.content)
        return response


class Line:
    """A pooled connection to the acquirer, with the keys parsed once."""

    def __init__(self, gateway_url: str, client_id: str, our_private_key: str, their_public_key: str) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.gateway_url, self.client_id = gateway_url, client_id
        self.mine: Any = serialization.load_pem_private_key(our_private_key.encode(), None)
        self.theirs: Any = serialization.load_pem_public_key(their_public_key.encode())

    def call(self, api: str, message: dict[str, Any], now_ms: str) -> dict[str, Any]:
        """One signed call; the verified answer."""
        body = json.dumps(message).encode()
        content = f"POST {api}\n{self.client_id}.{now_ms}.".encode() + body
        signature = quote(base64.b64encode(sign(self.mine, content)).decode(), safe="")
        response = self.session.post(
            self.gateway_url + api,
            data=body,
            headers={
                "content-type": "application/json; charset=UTF-8",
                "client-id": self.client_id,
                "request-time": now_ms,
                "signature": f"algorithm=RSA256, keyVersion=1, signature={signature}",
            },
            timeout=(5, 10),
        )
        said = response.headers
        told = f"POST {api}\n{said['client-id']}.{said['response-time']}.".encode() + response.content
        verify(self.theirs, said["signature"], told)
        answer: dict[str, Any] = response.json()
        return answer


def sign(key: rsa.RSAPrivateKey, content: bytes) -> bytes:
    """The raw signature."""
    return key.sign(content, padding.PKCS1v15(), hashes.SHA256())


def verify(key: rsa.RSAPublicKey, header: str, content: bytes) -> None:
    """Raise InvalidSignature unless the header's signature is over the content."""
    signature = base64.b64decode(unquote(header.partition("signature=")[2]))
    key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())


_lock = threading.Lock()
_lines: dict[int, Line] = {}


def line_of(account: Any) -> Line:
    """The account's line, opened once."""
    with _lock:
        if account.pk not in _lines:
            key = account.acquirer_keys.get().public_key
            _lines[account.pk] = Line(account.gateway_url, account.client_id, account.private_key, key)
        return _lines[account.pk]


def hang_up() -> None:
    """Forget the lines, since accounts have gone."""
    _lines.clear()


def pay(request: HttpRequest, number: str) -> HttpResponse:
    """Load order and wallet, commit the promise, make one signed call, commit the result, answer."""
    given = json.loads(request.body)
    order = Order.objects.select_related("account", "buyer").get(number=number)
    wallet = WalletAccount.objects.get(public_id=given["wallet_id"], buyer_id=order.buyer_id)
    at = clock.now()
    with transaction.atomic(durable=True):
        payment = Payment.objects.create(
            order=order,
            wallet_account=wallet,
            payment_request_id=clock.fresh_id("P"),
            status=PaymentStatus.PROCESSING,
            amount_value=order.amount_value,
            currency=order.currency,
            token_index=wallet.access_token_index,
            terminal_type="MINI_APP",
            os_type=given["os_type"],
            settlement_currency=order.account.settlement_currency,
            expires_at=at + timedelta(seconds=55),
            due_at=at + timedelta(seconds=20),
            actor_kind="BUYER",
            actor_name=order.buyer.reference,
        )
    answer = line_of(order.account).call(
        "/ams/api/v1/payments/pay",
        {
            "productCode": "AGREEMENT_PAYMENT",
            "paymentRequestId": payment.payment_request_id,
            "order": {
                "referenceOrderId": order.number,
                "orderDescription": order.description,
                "orderAmount": {"currency": order.currency, "value": str(order.amount_value)},
                "buyer": {"referenceBuyerId": order.buyer.reference},
                "env": {"terminalType": "MINI_APP", "osType": given["os_type"]},
            },
            "paymentAmount": {"currency": order.currency, "value": str(order.amount_value)},
            "paymentMethod": {"paymentMethodType": wallet.wallet, "paymentMethodId": wallet.access_token},
            "settlementStrategy": {"settlementCurrency": payment.settlement_currency},
            "paymentExpiryTime": payment.expires_at.isoformat(timespec="seconds"),
            "paymentNotifyUrl": "http://127.0.0.1/notify/benchmark/payment",
            "appId": order.account.app_id,
        },
        str(int(at.timestamp() * 1000)),
    )
    with transaction.atomic(durable=True):
        if answer["result"]["resultStatus"] == "S":
            paid_at = clock.now()
            Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PROCESSING).update(
                status=PaymentStatus.SUCCEEDED, payment_id=answer["paymentId"], paid_at=paid_at, due_at=None
            )
            Order.objects.filter(pk=order.pk, status=OrderStatus.INIT).update(status=OrderStatus.PAID, paid_at=paid_at)
            status = "PAID"
        else:
            status = "PENDING"
    return JsonResponse({"id": payment.payment_request_id, "status": status})


def notify(request: HttpRequest, slug: str) -> HttpResponse:
    """Verify the message, commit it, commit its effect, answer."""
    account = AcquirerAccount.objects.get(slug=slug)
    told, body = request.headers, request.body
    content = f"POST {request.get_full_path()}\n{told['client-id']}.{told['request-time']}.".encode() + body
    verify(line_of(account).theirs, told["signature"], content)
    message = json.loads(body)
    at = clock.now()
    with transaction.atomic(durable=True):
        notification = Notification.objects.create(
            account=account,
            kind="notifyPayment",
            subject=message["paymentRequestId"],
            path=request.path,
            body=body,
            sha256=hashlib.sha256(body).hexdigest(),
            verdict="VERIFIED",
            is_verified=True,
            status="RECEIVED",
            due_at=at + timedelta(seconds=30),
        )
    with transaction.atomic(durable=True):
        payment = Payment.objects.get(payment_request_id=message["paymentRequestId"])
        if message["result"]["resultStatus"] == "S":
            Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PROCESSING).update(
                status=PaymentStatus.SUCCEEDED, payment_id=message["paymentId"], paid_at=at, due_at=None
            )
            Order.objects.filter(pk=payment.order_id, status=OrderStatus.INIT).update(
                status=OrderStatus.PAID, paid_at=at
            )
        Notification.objects.filter(pk=notification.pk).update(status="APPLIED", applied_at=at, due_at=None)
    return JsonResponse({"result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"}})


urlpatterns = [path("pay/<str:number>", pay), path("notify/<slug:slug>", notify)]
