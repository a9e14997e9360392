"""Every API of the protocol does its work once, over the wire, with real signatures."""

import json

from portal.money import Money
from tests.sandbox.conftest import Shop, code


def test_a_shop_binds_charges_refunds_and_lets_go(shop: Shop) -> None:
    token = shop.binds("ana")

    paid = shop.pays(token, 499_00)

    assert code(paid) == ("SUCCESS", "S")
    assert paid["paymentAmount"] == {"currency": "PHP", "value": "49900"}
    assert paid["paymentTime"] == "2026-03-02T10:00:00+08:00"
    asked = shop.asks(paymentId=paid["paymentId"])
    assert (asked["paymentStatus"], asked["paymentResultCode"]) == ("SUCCESS", "SUCCESS")
    assert "transactions" not in asked, "the acquirer's Python client cannot read null"
    assert shop.sandbox.engine.taken_from("ana") == [Money(499_00, "PHP")]

    refunded = shop.refunds(paid["paymentId"], 100_00)

    assert code(refunded) == ("SUCCESS", "S")
    inquired = shop.call("payments/inquiryRefund", {"refundRequestId": refunded["refundRequestId"]})
    assert (inquired["refundStatus"], inquired["refundId"]) == ("SUCCESS", refunded["refundId"])
    lines = shop.asks(paymentRequestId=paid["paymentRequestId"])["transactions"]
    assert [(line["transactionType"], line["transactionStatus"], line["transactionAmount"]) for line in lines] == [
        ("REFUND", "SUCCESS", {"currency": "PHP", "value": "10000"})
    ]
    assert shop.sandbox.engine.balance("ana", "GCASH") == Money(25_000_00 - 399_00, "PHP")

    assert code(shop.call("authorizations/revoke", {"accessToken": token})) == ("SUCCESS", "S")
    assert code(shop.pays(token)) == ("INVALID_ACCESS_TOKEN", "F")
    assert shop.sandbox.engine.faults_in_the_books() == []


def test_a_cancelled_payment_gives_everything_back(shop: Shop) -> None:
    paid = shop.pays(shop.binds(), 499_00)

    cancelled = shop.call("payments/cancel", {"paymentRequestId": paid["paymentRequestId"]})

    assert (code(cancelled), cancelled["paymentId"]) == (("SUCCESS", "S"), paid["paymentId"])
    assert shop.call("payments/cancel", {"paymentId": paid["paymentId"]}) == cancelled
    assert shop.asks(paymentId=paid["paymentId"])["paymentStatus"] == "CANCELLED"
    assert shop.sandbox.engine.balance("ana", "GCASH") == Money(25_000_00, "PHP")
    assert shop.sandbox.engine.given_back_to("ana") == [Money(499_00, "PHP")]
    assert shop.sandbox.engine.faults_in_the_books() == []


def test_the_three_notifications_arrive_signed(shop: Shop) -> None:
    paid = shop.pays(shop.binds("ana"), 499_00)
    refunded = shop.refunds(paid["paymentId"], 499_00)
    shop.sandbox.engine.revoke_in_the_wallet("ana", "GCASH")
    shop.sandbox.engine.tick()

    assert all(one.genuine for one in shop.heard)
    assert [(one.path, one.body.get("notifyType") or one.body["authorizationNotifyType"]) for one in shop.heard] == [
        ("/dashboard/authorization", "AUTHCODE_CREATED"),
        ("/notify/payment?from=antom", "PAYMENT_RESULT"),
        ("/notify/refund", "REFUND_RESULT"),
    ]
    about_payment, about_refund = shop.heard[1].body, shop.heard[2].body
    assert about_payment["paymentId"] == paid["paymentId"]
    assert about_payment["result"]["resultStatus"] == "S"
    assert (about_refund["refundId"], about_refund["refundStatus"]) == (refunded["refundId"], "SUCCESS")
    assert "paymentId" not in about_refund


def test_a_rate_locked_at_transaction_time_is_told(shop: Shop) -> None:
    paid = shop.pays(shop.binds(), 499_00)

    quote = paid["settlementQuote"]
    assert quote["quoteCurrencyPair"] == "PHP/USD"
    assert paid["grossSettlementAmount"] == {
        "currency": "USD",
        "value": str(round(499_00 * float(quote["quotePrice"]))),
    }
    same = shop.pays(shop.binds(), 100_00, settlementStrategy={"settlementCurrency": "PHP"})
    assert "grossSettlementAmount" not in same


def test_a_payment_by_alipay_is_declared_to_customs(shop: Shop) -> None:
    token = shop.binds("meiling", "ALIPAY_CN")
    paid = shop.pays(token, 100_00, "CNY", wallet="ALIPAY_CN")
    assert shop.asks(paymentId=paid["paymentId"])["customsDeclarationAmount"] == {"currency": "CNY", "value": "10000"}

    declaration = {
        "declarationRequestId": "DECL1",
        "paymentId": paid["paymentId"],
        "declarationAmount": {"currency": "CNY", "value": "10000"},
        "customs": {"region": "CN", "customsCode": "ZONGSHU"},
        "merchantCustomsInfo": {"merchantCustomsCode": "3301961A7X", "merchantCustomsName": "Example Trading Ltd"},
        "splitOrder": False,
        "buyerCertificate": {"certificateType": "ID_CARD", "holderName": {"fullName": "Meiling Chan"}},
    }
    declared = shop.call("customs/declare", declaration)

    assert code(declared) == ("SUCCESS", "S")
    assert declared["identityCheckResult"] == "CHECK_PASSED"
    answer = shop.call("customs/inquiryDeclarationRequests", {"declarationRequestIds": ["DECL1", "X"]})
    assert answer["declarationRequestsNotFound"] == ["X"]
    (record,) = answer["declarationRecords"]
    assert record["customsPaymentId"] == declared["customsPaymentId"]
    assert "customsDeclarationResultCode" not in record
    shop.moves_on(minutes=2)
    (record,) = shop.call("customs/inquiryDeclarationRequests", {"declarationRequestIds": ["DECL1"]})[
        "declarationRecords"
    ]
    assert (record["declarationRequestStatus"], record["customsDeclarationResultCode"]) == ("IN_PROCESS", "success")


def test_a_mini_program_user_logs_in_with_a_code(shop: Shop) -> None:
    login_code = shop.sandbox.engine.login_code("GCASH", "ana")
    body = {
        "grantType": "AUTHORIZATION_CODE",
        "authCode": login_code,
        "extendInfo": json.dumps({"customerBelongsTo": "GCASH"}),
    }
    path = "/v1/authorizations/applyToken"

    first, again = (shop.send(path, json.dumps(body).encode()) for _ in range(2))

    assert shop.verifies(first, path)
    assert first.json()["customerId"].isdigit()
    assert code(again.json()) == ("USED_CODE", "F")
    wrong = shop.send(path, json.dumps(body | {"authCode": "nobody"}).encode())
    assert code(wrong.json()) == ("INVALID_CODE", "F")
