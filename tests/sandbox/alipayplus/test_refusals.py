"""What Alipay+ refuses: signatures, clients, paths, and every request that its field tables do not allow."""

import json
from typing import Any

import pytest

from portal.acquirer.signing import new_private_key, private_pem
from portal.sandbox.merchants import FIRST_CLIENT
from tests.sandbox.alipayplus.conftest import BASE, Partner, base64url
from tests.sandbox.conftest import Shop, code

PREPARE = f"{BASE}authorizations/prepare"


def test_signatures_are_taken_in_both_text_forms(partner: Partner) -> None:
    raw = json.dumps(partner.preparation(), indent=3).encode()
    plain = partner.send(PREPARE, raw)
    other = partner.send(PREPARE, raw, written=base64url)
    assert code(plain.json()) == code(other.json()) == ("SUCCESS", "S")
    assert partner.verifies(other, PREPARE)
    assert other.headers["Response-Time"] == "2026-03-02T10:00:00+08:00"


def test_a_wrong_signature_is_refused_and_changes_nothing(partner: Partner) -> None:
    raw = json.dumps(partner.preparation()).encode()
    stranger = private_pem(new_private_key())
    wrong_key = partner.send(PREPARE, raw, key=stranger)
    wrong_path = partner.send(PREPARE, raw, signed_path=f"{BASE}payments/pay")
    changed = partner.send(PREPARE, raw, headers={"Request-Time": "2026-03-02T10:00:01+08:00"})
    garbled = partner.send(PREPARE, raw, headers={"Signature": "algorithm=RSA256,keyVersion=1,signature=?"})

    for answer in (wrong_key, wrong_path, changed, garbled):
        assert answer.status_code == 200
        assert code(answer.json()) == ("INVALID_SIGNATURE", "F")
        assert "signature" not in answer.headers
    assert partner.sandbox.engine.store.value("SELECT COUNT(*) FROM authorizations") == 0


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"client_id": "SANDBOX_NOBODY"}, "INVALID_CLIENT"),
        ({"headers": {"Signature": "algorithm=RSA256,keyVersion=7,signature=AAAA"}}, "KEY_NOT_FOUND"),
        ({"time": "1772416800000"}, "PARAM_ILLEGAL"),
        ({"headers": {"Content-Type": "text/plain"}}, "MEDIA_TYPE_NOT_ACCEPTABLE"),
        ({"method": "PUT"}, "METHOD_NOT_SUPPORTED"),
    ],
)
def test_what_is_no_call_at_all(partner: Partner, options: dict[str, Any], refused: str) -> None:
    answer = partner.send(PREPARE, json.dumps(partner.preparation()).encode(), **options)
    assert code(answer.json()) == (refused, "F")


def test_a_path_that_does_not_exist(partner: Partner) -> None:
    assert code(partner.send(f"{BASE}authorizations/consult", b"{}").json()) == ("INVALID_API", "F")


def test_a_client_of_one_protocol_does_not_speak_the_other(partner: Partner, shop: Shop) -> None:
    connection = partner.sandbox.connection
    there = partner.send(PREPARE, b"{}", client_id=FIRST_CLIENT, key=connection.merchant_private_key)
    here = shop.send(
        "/ams/api/v1/payments/pay",
        b"{}",
        client_id=connection.alipayplus["client_id"],
        key=connection.alipayplus["merchant_private_key"],
    )
    assert code(there.json()) == code(here.json()) == ("ACCESS_DENIED", "F")


@pytest.mark.parametrize(
    "change",
    [
        {"authClientId": None},
        {"authClientId": 1},
        {"authClientId": "M" * 65},
        {"authClientName": None},
        {"authClientDisplayName": ""},
        {"authRedirectUrl": "not a url"},
        {"authState": None},
        {"scopes": []},
        {"scopes": ["EVERYTHING"]},
        {"scopes": "AGREEMENT_PAY"},
        {"terminalType": "FRIDGE"},
        {"passThroughInfo": True},
        {"unknownField": 1.5},
        {"unknownField": {"deep": [""]}},
        {"referenceMerchantId": "M002"},
    ],
)
def test_a_preparation_that_its_table_does_not_allow(partner: Partner, change: dict[str, Any]) -> None:
    assert code(partner.prepares(**change)) == ("PARAM_ILLEGAL", "F")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("paymentRequestId", None),
        ("paymentRequestId", "p" * 65),
        ("order", None),
        ("order.referenceOrderId", None),
        ("order.orderDescription", ""),
        ("order.merchant", None),
        ("order.merchant.referenceMerchantId", "M" * 33),
        ("order.merchant.referenceMerchantId", "M002"),
        ("order.merchant.merchantMCC", "57"),
        ("paymentAmount.value", 49900),
        ("paymentAmount.value", "0"),
        ("paymentAmount.value", "499.00"),
        ("paymentAmount.currency", "PESO"),
        ("paymentMethod.paymentMethodType", "GCASH"),
        ("paymentMethod.paymentMethodId", None),
        ("paymentFactor", None),
        ("paymentFactor.isAgreementPayment", True),
        ("paymentFactor.isAgreementPayment", "false"),
        ("paymentExpiryTime", "2026-03-02T10:00:30"),
        ("paymentNotifyUrl", "ftp://nowhere"),
        ("settlementStrategy.settlementCurrency", ""),
        ("userRegion", "PHL"),
    ],
)
def test_a_payment_that_its_table_does_not_allow(partner: Partner, path: str, value: object) -> None:
    request = partner.payment(partner.binds())
    place: Any = request
    *above, last = path.split(".")
    for name in above:
        place = place[name]
    place[last] = value
    assert code(partner.call("payments/pay", request)) == ("PARAM_ILLEGAL", "F")
    assert partner.sandbox.engine.taken_from("ana") == []


def test_what_the_contract_does_not_include(partner: Partner) -> None:
    token = partner.binds()
    assert code(partner.pays(token, 100, "USD")) == ("CURRENCY_NOT_SUPPORT", "F")
    assert code(partner.pays(token, settlementStrategy={"settlementCurrency": "CNY"})) == ("INVALID_CONTRACT", "F")
    assert code(partner.pays(token, settlementStrategy=None)) == ("SUCCESS", "S")
    partner.sandbox.engine.register_merchant(client_id=partner.keys["client_id"], active=False)
    assert code(partner.prepares()) == ("INVALID_CONTRACT", "F")
    assert code(partner.pays(token)) == ("INVALID_CONTRACT", "F")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b'{"a":NaN}', b"\xff"])
def test_a_body_that_is_no_request(partner: Partner, body: bytes) -> None:
    answer = partner.send(f"{BASE}payments/pay", body)
    assert code(answer.json()) == ("PARAM_ILLEGAL", "F")
    assert partner.verifies(answer, f"{BASE}payments/pay"), "its sender is known"
