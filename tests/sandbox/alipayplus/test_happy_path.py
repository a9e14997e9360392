"""Every API of Alipay+ does its work once, over the wire, with real signatures, on the same books as Antom's."""

from portal.money import Money
from portal.sandbox.control import SandboxControl
from tests.sandbox.alipayplus.conftest import SHOP, Partner
from tests.sandbox.conftest import Shop, code


def test_a_partner_binds_charges_refunds_and_lets_go(partner: Partner) -> None:
    bound = partner.redeems(partner.agreed("ana", "GCASH"))
    token = bound["accessToken"]
    assert bound["pspId"] == "GCASH"

    paid = partner.pays(token)

    assert code(paid) == ("SUCCESS", "S")
    assert paid["paymentAmount"] == {"currency": "PHP", "value": "49900"}
    assert (paid["paymentTime"], paid["walletBrandName"]) == ("2026-03-02T10:00:00+08:00", "GCash")
    price = float(paid["settlementQuote"]["quotePrice"])
    assert paid["settlementAmount"] == {"currency": "USD", "value": str(round(499_00 * price))}
    asked = partner.asks(paymentId=paid["paymentId"])
    assert code(asked) == ("SUCCESS", "S")
    assert asked["paymentResult"]["resultStatus"] == "S"
    assert asked["paymentAmount"] == paid["paymentAmount"]
    assert partner.sandbox.engine.taken_from("ana") == [Money(499_00, "PHP")]

    refunded = partner.refunds(paid["paymentId"], 100_00)

    assert code(refunded) == ("SUCCESS", "S")
    (line,) = partner.asks(paymentId=paid["paymentId"])["transactions"]
    assert (line["transactionType"], line["transactionStatus"]) == ("REFUND", "SUCCESS")
    assert line["transactionId"] == refunded["refundId"]
    assert refunded["settlementQuote"] == paid["settlementQuote"], "the same rate for a refund as for its payment"
    assert partner.sandbox.engine.balance("ana", "GCASH") == Money(25_000_00 - 399_00, "PHP")

    body = {"accessToken": token, "authClientId": SHOP}
    assert code(partner.call("authorizations/cancelToken", body)) == ("SUCCESS", "S")
    assert code(partner.call("authorizations/cancelToken", body)) == ("SUCCESS", "S"), "the same token, the same answer"
    assert code(partner.pays(token)) == ("INVALID_TOKEN", "F")
    assert partner.sandbox.engine.faults_in_the_books() == []


def test_a_cancelled_payment_gives_everything_back(partner: Partner) -> None:
    paid = partner.pays(partner.binds())

    cancelled = partner.cancels(paymentRequestId=partner.asks(paymentId=paid["paymentId"])["paymentRequestId"])

    assert code(cancelled) == ("SUCCESS", "S")
    assert partner.cancels(paymentId=paid["paymentId"]) == cancelled
    asked = partner.asks(paymentId=paid["paymentId"])
    assert (code(asked), asked["paymentResult"]["resultCode"]) == (("SUCCESS", "S"), "ORDER_IS_CLOSED")
    assert [line["transactionType"] for line in asked["transactions"]] == ["CANCEL"]
    assert partner.sandbox.engine.balance("ana", "GCASH") == Money(25_000_00, "PHP")
    assert partner.sandbox.engine.faults_in_the_books() == []


def test_the_notifications_arrive_signed_and_are_acknowledged(partner: Partner, control: SandboxControl) -> None:
    token = partner.binds("ana")
    paid = partner.pays(token)
    partner.refunds(paid["paymentId"], 499_00)
    partner.call("authorizations/cancelToken", {"accessToken": token, "authClientId": SHOP})
    partner.ticks()

    assert all(one.genuine for one in partner.heard)
    assert [(one.path, one.body.get("authorizationNotifyType", "")) for one in partner.heard] == [
        ("/aps/api/v1/authorizations/authNotify", "AUTHCODE_CREATED"),
        ("/aps/api/v1/payments/notifyPayment", ""),
        ("/aps/api/v1/authorizations/authNotify", "TOKEN_CANCELED"),
    ], "there is no notification of a refund, and one of our own cancelToken"
    told = partner.heard[1].body
    assert (told["paymentResult"]["resultStatus"], told["paymentId"]) == ("S", paid["paymentId"])
    assert {row["status"] for row in control.notifications()} == {"ACKNOWLEDGED"}


def test_both_protocols_keep_one_set_of_books(partner: Partner, shop: Shop) -> None:
    there, here = partner.binds("ana"), shop.binds("ana")

    assert code(partner.pays(there, 100_00)) == code(shop.pays(here, 200_00)) == ("SUCCESS", "S")

    assert partner.sandbox.engine.taken_from("ana") == [Money(100_00, "PHP"), Money(200_00, "PHP")]
    held = partner.sandbox.engine.ledger_balances()
    pending = {name: sums for name, sums in held.items() if name.startswith("pending:")}
    assert sorted(sums["PHP"] for sums in pending.values()) == [100_00, 200_00]
    assert partner.sandbox.engine.faults_in_the_books() == []
    assert code(shop.pays(there)) == ("INVALID_ACCESS_TOKEN", "F"), "a token stays with its account"
    assert code(partner.pays(here)) == ("INVALID_TOKEN", "F")
