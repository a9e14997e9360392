"""Malformed calls: each is refused with the code and the name of what is wrong, and nothing happens."""

import copy
import json
from typing import Any

import pytest

from portal.acquirer.signing import new_private_key, private_pem
from portal.sandbox.control import SandboxControl
from tests.sandbox.conftest import Shop, code

PAY = "/ams/sandbox/api/v1/payments/pay"
MISSING = object()


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of a request with one field, by its path, set or taken out."""
    body = copy.deepcopy(body)
    *parents, name = path.split(".")
    inner = body
    for parent in parents:
        inner = inner[parent]
    if value is MISSING:
        del inner[name]
    else:
        inner[name] = value
    return body


BAD_PAYMENTS: list[tuple[str, object]] = [
    ("productCode", MISSING),
    ("productCode", "CASHIER_PAYMENT"),
    ("paymentRequestId", MISSING),
    ("paymentRequestId", ""),
    ("paymentRequestId", 7),
    ("paymentRequestId", "x" * 65),
    ("order", MISSING),
    ("order", "coffee"),
    ("order.orderAmount", MISSING),
    ("order.orderAmount.value", "1.5"),
    ("order.orderAmount.currency", "pesos"),
    ("order.referenceOrderId", "x" * 65),
    ("order.orderDescription", "x" * 257),
    ("order.goods", [{"goodsQuantity": "0"}]),
    ("order.goods", [{"goodsName": "x"}] * 101),
    ("order.goods", "beans"),
    ("order.buyer", {"referenceBuyerId": "x" * 65}),
    ("order.env", {"terminalType": "FRIDGE"}),
    ("order.env", {"terminalType": "APP"}),
    ("order.env", {"terminalType": "WEB", "clientIp": "x" * 65}),
    ("paymentAmount", MISSING),
    ("paymentAmount.value", "0"),
    ("paymentAmount.value", "-1"),
    ("paymentAmount.value", "1e3"),
    ("paymentAmount.value", 49900),
    ("paymentAmount.value", "9" * 17),
    ("paymentAmount.value", "99"),
    ("paymentAmount.currency", "XXX"),
    ("paymentAmount.currency", MISSING),
    ("paymentMethod", MISSING),
    ("paymentMethod.paymentMethodType", MISSING),
    ("paymentMethod.paymentMethodId", MISSING),
    ("paymentMethod.paymentMethodId", "x" * 129),
    ("settlementStrategy", MISSING),
    ("settlementStrategy.settlementCurrency", "usd"),
    ("settlementStrategy.settlementCurrency", MISSING),
    ("paymentExpiryTime", "tomorrow"),
    ("paymentExpiryTime", "2026-03-02T10:00:30"),
    ("paymentExpiryTime", "2026-03-02T10:01:01+08:00"),
    ("paymentExpiryTime", "2026-03-02T09:59:59+08:00"),
    ("paymentNotifyUrl", "shop.example.com/notify"),
    ("paymentNotifyUrl", "ftp://shop.example.com/"),
    ("paymentNotifyUrl", "https://shop.example.com/" + "x" * 2048),
    ("appId", "x" * 33),
]


@pytest.mark.parametrize(("path", "value"), BAD_PAYMENTS)
def test_a_payment_with_one_field_wrong(shop: Shop, control: SandboxControl, path: str, value: object) -> None:
    request = changed(shop.payment(shop.binds()), path, value)

    answer = shop.call("payments/pay", request)

    assert code(answer) == ("PARAM_ILLEGAL", "F")
    assert path.split(".", maxsplit=1)[0] in answer["result"]["resultMessage"]
    assert control.taken_from("ana") == []
    assert control.payments() == []


def test_a_payment_from_a_mini_program_names_its_app(shop: Shop) -> None:
    request = changed(shop.payment(shop.binds()), "order.env", {"terminalType": "MINI_APP", "osType": "IOS"})
    answer = shop.call("payments/pay", request)
    assert code(answer) == ("PARAM_ILLEGAL", "F")
    assert "appId" in answer["result"]["resultMessage"]
    assert code(shop.call("payments/pay", request | {"appId": "3333010071465913"})) == ("SUCCESS", "S")


CONSULT = {
    "customerBelongsTo": "GCASH",
    "authRedirectUrl": "https://shop.example.com/return",
    "scopes": ["AGREEMENT_PAY"],
    "authState": "s",
    "terminalType": "WEB",
}
REFUND = {"refundRequestId": "R1", "paymentId": "none", "refundAmount": {"currency": "PHP", "value": "100"}}
DECLARE = {
    "declarationRequestId": "D1",
    "paymentId": "none",
    "declarationAmount": {"currency": "CNY", "value": "100"},
    "customs": {"region": "CN", "customsCode": "ZONGSHU"},
    "merchantCustomsInfo": {"merchantCustomsCode": "c", "merchantCustomsName": "n"},
    "splitOrder": "false",
}
APPLY = {"grantType": "AUTHORIZATION_CODE", "customerBelongsTo": "GCASH", "authCode": "none"}


@pytest.mark.parametrize(
    ("api", "body", "path", "value"),
    [
        ("authorizations/consult", CONSULT, path, value)
        for path, value in [
            ("customerBelongsTo", MISSING),
            ("authRedirectUrl", MISSING),
            ("authRedirectUrl", "javascript:alert(1)"),
            ("authRedirectUrl", "javascript://x/%0aalert(1)"),
            ("authRedirectUrl", "/return"),
            ("authRedirectUrl", "https://shop.example.com/ x"),
            ("authRedirectUrl", "https://shop.example.com/" + "x" * 1024),
            ("scopes", MISSING),
            ("scopes", []),
            ("scopes", "AGREEMENT_PAY"),
            ("scopes", ["EVERYTHING"]),
            ("scopes", ["AGREEMENT_PAY"] * 5),
            ("authState", MISSING),
            ("authState", "x" * 257),
            ("terminalType", "PHONE"),
            ("terminalType", "WAP"),
            ("osType", "SYMBIAN"),
            ("osVersion", "x" * 17),
            ("merchantRegion", "PH"),
            ("recurringPayment", "perhaps"),
            ("authNotifyUrl", "myapp://notify"),
        ]
    ]
    + [
        ("authorizations/applyToken", APPLY, path, value)
        for path, value in [
            ("grantType", "PASSWORD"),
            ("grantType", "REFRESH_TOKEN"),
            ("authCode", MISSING),
            ("authCode", "x" * 129),
            ("customerBelongsTo", MISSING),
        ]
    ]
    + [("authorizations/revoke", {"accessToken": "t"}, "accessToken", value) for value in (MISSING, None, 7, "x" * 129)]
    + [
        ("payments/refund", REFUND, path, value)
        for path, value in [
            ("refundRequestId", MISSING),
            ("refundRequestId", "R 1"),
            ("refundRequestId", "R/1"),
            ("refundRequestId", "x" * 65),
            ("paymentId", MISSING),
            ("refundAmount", MISSING),
            ("refundAmount.value", "0"),
            ("refundAmount.currency", "PESO"),
            ("refundReason", "x" * 257),
            ("refundNotifyUrl", "nowhere"),
        ]
    ]
    + [
        ("customs/declare", DECLARE, path, value)
        for path, value in [
            ("declarationRequestId", MISSING),
            ("declarationRequestId", "x" * 33),
            ("customs", MISSING),
            ("customs.region", "PH"),
            ("customs.customsCode", MISSING),
            ("merchantCustomsInfo.merchantCustomsName", MISSING),
            ("splitOrder", MISSING),
            ("splitOrder", "maybe"),
            ("splitOrder", "true"),
            ("buyerCertificate", {"certificateType": "LIBRARY_CARD"}),
        ]
    ]
    + [
        ("payments/inquiryPayment", {"paymentId": "p"}, "paymentId", MISSING),
        ("payments/inquiryPayment", {"paymentId": "p"}, "paymentId", ["p"]),
        ("payments/cancel", {"paymentId": "p"}, "paymentId", MISSING),
        ("payments/inquiryRefund", {"refundId": "p"}, "refundId", MISSING),
        ("customs/inquiryDeclarationRequests", {"declarationRequestIds": ["D"]}, "declarationRequestIds", []),
        ("customs/inquiryDeclarationRequests", {"declarationRequestIds": ["D"]}, "declarationRequestIds", "D"),
        ("customs/inquiryDeclarationRequests", {"declarationRequestIds": ["D"]}, "declarationRequestIds", [7]),
    ],
)
def test_any_call_with_one_field_wrong(shop: Shop, api: str, body: dict[str, Any], path: str, value: object) -> None:
    assert code(shop.call(api, changed(body, path, value))) == ("PARAM_ILLEGAL", "F")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b'{"a":NaN}',
        b"\xff\xfe",
        b'{"paymentRequestId":"\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_json_object(shop: Shop, raw: bytes) -> None:
    response = shop.send(PAY, raw)
    assert code(response.json()) == ("PARAM_ILLEGAL", "F")
    assert shop.verifies(response, PAY)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"method": "GET"}, "METHOD_NOT_SUPPORTED"),
        ({"method": "PUT"}, "METHOD_NOT_SUPPORTED"),
        ({"headers": {"content-type": "text/plain"}}, "MEDIA_TYPE_NOT_ACCEPTABLE"),
        ({"headers": {"client-id": None}}, "PARAM_ILLEGAL"),
        ({"headers": {"request-time": None}}, "PARAM_ILLEGAL"),
        ({"headers": {"request-time": "noon"}}, "PARAM_ILLEGAL"),
        ({"headers": {"request-time": "2026-03-02T10:00:00"}}, "PARAM_ILLEGAL"),
        ({"headers": {"signature": None}}, "PARAM_ILLEGAL"),
        ({"headers": {"signature": "algorithm=RSA256"}}, "INVALID_SIGNATURE"),
        ({"headers": {"signature": "algorithm=RSA256, keyVersion=1, signature=AAAA"}}, "INVALID_SIGNATURE"),
        ({"headers": {"signature": "algorithm=HMAC, keyVersion=1, signature=AAAA"}}, "INVALID_SIGNATURE"),
        ({"headers": {"signature": "algorithm=RSA256, keyVersion=9, signature=AAAA"}}, "KEY_NOT_FOUND"),
        ({"headers": {"request-time": "1"}}, "INVALID_SIGNATURE"),
        ({"client_id": "SANDBOX_SOMEBODY_ELSE"}, "UNKNOWN_CLIENT"),
        ({"key": private_pem(new_private_key())}, "INVALID_SIGNATURE"),
    ],
)
def test_a_caller_that_is_not_recognised_gets_an_unsigned_answer(
    shop: Shop, control: SandboxControl, options: dict[str, Any], expected: str
) -> None:
    raw = json.dumps(shop.payment(shop.binds())).encode()
    response = shop.send(PAY, raw, **options)

    assert response.status_code == 200
    assert code(response.json()) == (expected, "F")
    assert "signature" not in response.headers
    assert control.payments() == []


@pytest.mark.parametrize("path", ["/ams/api/v1/payments/payy", "/ams/sandbox/api/v2/payments/pay", "/ams/"])
def test_a_path_that_is_no_api(shop: Shop, path: str) -> None:
    assert code(shop.send(path, b"{}").json()) == ("NO_INTERFACE_DEF", "F")


def test_a_body_changed_on_the_way_is_refused(shop: Shop, control: SandboxControl) -> None:
    raw = json.dumps(shop.payment(shop.binds())).encode()
    connection = shop.sandbox.connection
    response = shop.send(PAY, raw)
    assert code(response.json()) == ("SUCCESS", "S")
    sent = dict(response.request.headers)
    forged = shop.session.post(f"{connection.gateway_url}{PAY}", data=raw.replace(b"PAY_", b"PAX_"), headers=sent)
    assert code(forged.json()) == ("INVALID_SIGNATURE", "F")
    assert len(control.payments()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/control/none", None, 404),
        ("DELETE", "/control/users", None, 405),
        ("POST", "/control/balances", {}, 400),
        ("POST", "/control/balances", {"user": "nobody", "wallet": "GCASH", "value": 1}, 400),
        ("POST", "/control/balances", {"user": "ana", "wallet": "PIGGY", "value": 1}, 400),
        ("POST", "/control/balances", {"user": "ana", "wallet": "GCASH", "value": -1}, 400),
        ("POST", "/control/balances", {"user": "ana", "wallet": "GCASH", "value": "1"}, 400),
        ("POST", "/control/accounts", {"user": "ana", "wallet": "GCASH", "status": "HAPPY"}, 400),
        ("POST", "/control/clock/move", {"seconds": -5}, 400),
        ("POST", "/control/clock/move", {}, 400),
        ("POST", "/control/clock/set", {"to": "2026-03-01T00:00:00+08:00"}, 400),
        ("POST", "/control/clock/set", {"to": "2026-03-09"}, 400),
        ("POST", "/control/clock/freeze", {}, 409),
        ("POST", "/control/users", {"id": "A B"}, 400),
        ("POST", "/control/settings", {"gravity": 9}, 400),
        ("POST", "/control/settings", {"calls_kept": "many"}, 400),
        ("POST", "/control/merchants", {"public_key": "no key"}, 400),
        ("POST", "/control/merchants", {"notify_urls": {"weather": "https://x"}}, 400),
        ("POST", "/control/merchants", {"wallets": ["PIGGY"]}, 400),
        ("POST", "/control/merchants", {"shoe_size": 43}, 400),
        ("POST", "/control/authorizations/agree", {"url": "http://x/?authId=none", "user": "ana"}, 400),
        ("POST", "/control/login-codes", {"wallet": "GCASH", "user": "nobody"}, 400),
        ("POST", "/control/tokens/revoke", {"user": "nobody", "wallet": "GCASH"}, 400),
        ("POST", "/control/payments/none/finish", {"code": "SUCCESS"}, 400),
        ("POST", "/control/payments/none/finish", {"code": "BECAUSE"}, 400),
        ("POST", "/control/notifications/99/resend", {}, 404),
        ("POST", "/control/notifications/99/drop", {}, 404),
        ("GET", "/control/reports/20260302/none.csv", None, 404),
    ],
)
def test_a_control_call_that_cannot_be_done(
    shop: Shop, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    response = shop.session.request(method, shop.sandbox.url + path, json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.json()["detail"]) > 10


def test_a_control_call_must_say_that_it_is_json(shop: Shop) -> None:
    for headers in ({"content-type": "text/plain"}, {}):
        response = shop.session.post(f"{shop.sandbox.url}/control/reset", data=b"{}", headers=headers)
        assert response.status_code == 415
    response = shop.session.post(
        f"{shop.sandbox.url}/control/tick", data=b"{", headers={"content-type": "application/json"}
    )
    assert response.status_code == 400


def test_a_request_that_is_too_large(shop: Shop) -> None:
    assert shop.send(PAY, b" " * (1024 * 1024 + 1)).status_code == 413
