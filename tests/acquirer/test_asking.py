"""What we say to the acquirer, to the letter."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.acquirer import (
    Certificate,
    ConsultRequest,
    DeclarationRequest,
    OrderLine,
    PaymentRequest,
    RefundRequest,
    Terminal,
    TerminalType,
)
from portal.acquirer.antom import Antom, asking, path_of
from portal.acquirer.antom.codes import Api
from portal.acquirer.results import Secret
from portal.money import Money

from .peer import OURS, Peer, credentials

NOW = datetime(2026, 3, 1, 9, 17, 50, 900_000, tzinfo=UTC)
PHONE = Terminal(
    terminal_type=TerminalType.APP,
    os_type="IOS",
    os_version="17.4",
    client_ip="203.0.113.9",
    user_agent="Wallet/5",
)


def payment(**changed: Any) -> PaymentRequest:
    given: dict[str, Any] = {
        "payment_request_id": "PAY_20260301_000042_1",
        "amount": Money(49900, "PHP"),
        "wallet": "GCASH",
        "access_token": Secret("28101003_TOKEN"),
        "order_reference": "ORDER_20260301_000042",
        "order_description": "Monthly plan March 2026",
        "settlement_currency": "USD",
        "expires_at": NOW + timedelta(seconds=40),
        "notify_url": "https://shop.example.com/antom/notify/payment",
        "terminal": PHONE,
        "buyer_reference": "user-8812",
        "lines": (
            OrderLine(reference="plan-basic", name="Basic plan", unit_amount=Money(49900, "PHP"), quantity=1),
            OrderLine(reference="mug", name="Mug", unit_amount=Money(0, "PHP"), quantity=2, is_digital=False),
        ),
    }
    return PaymentRequest(**given | changed)


def test_a_payment() -> None:
    assert asking.agreement_payment(payment(), now=NOW) == {
        "productCode": "AGREEMENT_PAYMENT",
        "paymentRequestId": "PAY_20260301_000042_1",
        "order": {
            "referenceOrderId": "ORDER_20260301_000042",
            "orderDescription": "Monthly plan March 2026",
            "orderAmount": {"currency": "PHP", "value": "49900"},
            "goods": [
                {
                    "referenceGoodsId": "plan-basic",
                    "goodsName": "Basic plan",
                    "goodsUnitAmount": {"currency": "PHP", "value": "49900"},
                    "goodsQuantity": "1",
                    "deliveryMethodType": "DIGITAL",
                },
                {
                    "referenceGoodsId": "mug",
                    "goodsName": "Mug",
                    "goodsUnitAmount": {"currency": "PHP", "value": "0"},
                    "goodsQuantity": "2",
                    "deliveryMethodType": "PHYSICAL",
                },
            ],
            "buyer": {"referenceBuyerId": "user-8812"},
            "env": {
                "terminalType": "APP",
                "osType": "IOS",
                "osVersion": "17.4",
                "clientIp": "203.0.113.9",
                "userAgent": "Wallet/5",
            },
        },
        "paymentAmount": {"currency": "PHP", "value": "49900"},
        "paymentMethod": {"paymentMethodType": "GCASH", "paymentMethodId": "28101003_TOKEN"},
        "settlementStrategy": {"settlementCurrency": "USD"},
        "paymentExpiryTime": "2026-03-01T17:18:30+08:00",
        "paymentNotifyUrl": "https://shop.example.com/antom/notify/payment",
    }


def test_a_payment_from_a_mini_program_of_a_secondary_merchant() -> None:
    terminal = Terminal(terminal_type=TerminalType.MINI_APP, os_type="ANDROID")
    request = payment(
        terminal=terminal, app_id="3333010071465913", merchant_reference="M1", lines=(), buyer_reference=""
    )
    message = asking.agreement_payment(request, now=NOW)
    assert message["appId"] == "3333010071465913"
    assert message["order"]["merchant"] == {"referenceMerchantId": "M1"}
    assert message["order"]["env"] == {"terminalType": "MINI_APP", "osType": "ANDROID"}
    assert "goods" not in message["order"]
    assert "buyer" not in message["order"]


@pytest.mark.parametrize(
    ("expires_in", "printed"),
    [
        (10.0, "2026-03-01T17:18:00+08:00"),
        (58.0, "2026-03-01T17:18:48+08:00"),
        (60.0, "2026-03-01T17:18:49+08:00"),
        (3600.0, "2026-03-01T17:18:49+08:00"),
    ],
)
def test_a_payment_lives_less_than_a_minute(expires_in: float, printed: str) -> None:
    message = asking.agreement_payment(payment(expires_at=NOW + timedelta(seconds=expires_in)), now=NOW)
    assert message["paymentExpiryTime"] == printed
    assert datetime.fromisoformat(printed) - NOW < timedelta(minutes=1)


def test_texts_for_people_are_cut_to_the_documented_length_and_ids_are_not() -> None:
    message = asking.agreement_payment(payment(order_description="x" * 300, order_reference="y" * 80), now=NOW)
    assert len(message["order"]["orderDescription"]) == 256
    assert len(message["order"]["referenceOrderId"]) == 80


def test_at_most_a_hundred_lines_of_goods() -> None:
    line = OrderLine(reference="a", name="b", unit_amount=Money(1, "PHP"), quantity=1)
    assert len(asking.agreement_payment(payment(lines=(line,) * 150), now=NOW)["order"]["goods"]) == 100


def consult(**changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "auth_state": "bind_7f3a9c_1",
        "wallet": "GCASH",
        "redirect_url": "https://shop.example.com/wallets/return?lang=en",
        "notify_url": "https://shop.example.com/notify",
        "terminal": Terminal(terminal_type=TerminalType.WAP, os_type="ANDROID", os_version="14"),
    }
    return asking.authorization_consult(ConsultRequest(**given | changed))


def test_a_consult() -> None:
    assert consult() == {
        "customerBelongsTo": "GCASH",
        "authRedirectUrl": "https://shop.example.com/wallets/return?lang=en",
        "authNotifyUrl": "https://shop.example.com/notify",
        "scopes": ["AGREEMENT_PAY"],
        "authState": "bind_7f3a9c_1",
        "terminalType": "WAP",
        "osType": "ANDROID",
        "osVersion": "14",
    }


def test_a_consult_from_a_desktop_browser_names_no_system() -> None:
    message = consult(terminal=Terminal(terminal_type=TerminalType.WEB, os_type="IOS", os_version="17"), notify_url="")
    assert message["terminalType"] == "WEB"
    assert not {"osType", "osVersion", "authNotifyUrl"} & set(message)


def test_one_wallet_is_told_that_the_agreement_recurs() -> None:
    assert consult(wallet="PAYPAY")["recurringPayment"] == "true"
    assert "recurringPayment" not in consult()


def test_a_consult_for_a_secondary_merchant() -> None:
    assert consult(merchant_reference="M1")["authClientId"] == "M1"


def test_tokens() -> None:
    assert asking.token_for_code(wallet="GCASH", auth_code=Secret("663A")) == {
        "grantType": "AUTHORIZATION_CODE",
        "customerBelongsTo": "GCASH",
        "authCode": "663A",
    }
    assert asking.token_for_refresh(wallet="GCASH", refresh_token=Secret("2026R")) == {
        "grantType": "REFRESH_TOKEN",
        "customerBelongsTo": "GCASH",
        "refreshToken": "2026R",
    }
    assert asking.revocation(access_token=Secret("2810")) == {"accessToken": "2810"}


def test_questions_name_what_is_known() -> None:
    assert asking.payment_question(payment_request_id="PAY1") == {"paymentRequestId": "PAY1"}
    assert asking.payment_question(payment_request_id="PAY1", payment_id="2026") == {
        "paymentRequestId": "PAY1",
        "paymentId": "2026",
    }
    assert asking.refund_question(refund_request_id="REF1") == {"refundRequestId": "REF1"}
    assert asking.refund_question(refund_request_id="REF1", refund_id="2026R")["refundId"] == "2026R"
    assert asking.declarations_question(["D1", "D2"]) == {"declarationRequestIds": ["D1", "D2"]}


def test_a_refund() -> None:
    request = RefundRequest(
        refund_request_id="REF_20260305_000042_1",
        payment_id="202603011140108001001888A0210000042",
        amount=Money(10000, "PHP"),
        reason="item returned",
        notify_url="https://shop.example.com/antom/notify/refund",
        reference="RET-1",
    )
    assert asking.payment_refund(request) == {
        "refundRequestId": "REF_20260305_000042_1",
        "paymentId": "202603011140108001001888A0210000042",
        "refundAmount": {"currency": "PHP", "value": "10000"},
        "referenceRefundId": "RET-1",
        "refundReason": "item returned",
        "refundNotifyUrl": "https://shop.example.com/antom/notify/refund",
    }


def declaration(**changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "declaration_request_id": "DECL_20260301_0001",
        "payment_id": "202603011940108001001887A0209760494",
        "amount": Money(10000, "CNY"),
        "customs_code": "ZONGSHU",
        "region": "CN",
        "merchant_customs_code": "3301961A7X",
        "merchant_customs_name": "Example Trading Ltd",
    }
    return asking.customs_declaration(DeclarationRequest(**given | changed))


def test_a_declaration() -> None:
    certificate = Certificate(kind="ID_CARD", number=Secret("110101199001011234"), full_name=Secret("Li Si"))
    assert declaration(certificate=certificate) == {
        "declarationRequestId": "DECL_20260301_0001",
        "paymentId": "202603011940108001001887A0209760494",
        "declarationAmount": {"currency": "CNY", "value": "10000"},
        "customs": {"region": "CN", "customsCode": "ZONGSHU"},
        "merchantCustomsInfo": {"merchantCustomsCode": "3301961A7X", "merchantCustomsName": "Example Trading Ltd"},
        "splitOrder": "false",
        "buyerCertificate": {
            "certificateType": "ID_CARD",
            "certificateNo": "110101199001011234",
            "holderName": {"fullName": "Li Si"},
        },
    }


def test_only_a_split_order_names_a_suborder() -> None:
    assert declaration(is_split=True, suborder_id="S1")["suborderId"] == "S1"
    assert declaration(is_split=True, suborder_id="S1")["splitOrder"] == "true"
    assert "suborderId" not in declaration(suborder_id="S1")


def scalars(message: Any) -> list[Any]:
    if isinstance(message, dict):
        return [scalar for value in message.values() for scalar in scalars(value)]
    if isinstance(message, list):
        return [scalar for value in message for scalar in scalars(value)]
    return [message]


def test_every_scalar_is_a_string_that_is_not_empty() -> None:
    messages = [
        asking.agreement_payment(payment(), now=NOW),
        consult(),
        consult(wallet="PAYPAY"),
        declaration(is_split=True, suborder_id="S1"),
        asking.payment_question(payment_request_id="PAY1"),
    ]
    for message in messages:
        assert all(isinstance(scalar, str) and scalar for scalar in scalars(message))


PATHS = {
    Api.CONSULT: "authorizations/consult",
    Api.APPLY_TOKEN: "authorizations/applyToken",
    Api.REVOKE: "authorizations/revoke",
    Api.PAY: "payments/pay",
    Api.INQUIRY_PAYMENT: "payments/inquiryPayment",
    Api.CANCEL: "payments/cancel",
    Api.REFUND: "payments/refund",
    Api.INQUIRY_REFUND: "payments/inquiryRefund",
    Api.DECLARE: "customs/declare",
    Api.INQUIRY_DECLARATIONS: "customs/inquiryDeclarationRequests",
}


@pytest.mark.parametrize("api", PATHS)
def test_sandbox_clients_have_paths_of_their_own(api: Api) -> None:
    assert path_of(api, client_id="5X00000000000000") == f"/ams/api/v1/{PATHS[api]}"
    assert path_of(api, client_id="SANDBOX_5X00") == f"/ams/sandbox/api/v1/{PATHS[api]}"


def test_the_path_that_is_signed_is_the_path_that_is_called(peer: Peer, acquirer: Antom) -> None:
    acquirer.revoke(access_token=Secret("2810"))
    assert peer.heard[0].uri == "/ams/sandbox/api/v1/authorizations/revoke"
    production = Antom(credentials(peer.url, client_id="5X00000000000000"))
    production.revoke(access_token=Secret("2810"))
    assert peer.heard[1].uri == "/ams/api/v1/authorizations/revoke"
    assert all(heard.is_signed_by(OURS.public_key()) for heard in peer.heard)


def test_at_most_ten_declarations_a_question(peer: Peer, acquirer: Antom) -> None:
    for ids in ([], [f"D{number}" for number in range(11)]):
        with pytest.raises(ValueError, match="1 to 10"):
            acquirer.inquire_declarations(ids)
    assert peer.heard == []
