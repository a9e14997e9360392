"""The rules of Alipay+ where they are its own: what is compared, what a cancel may do, how a refund is asked for."""

from typing import Any

import pytest

from portal.money import Money
from portal.sandbox.control import ControlFailed, SandboxControl
from portal.sandbox.merchants import FIRST_PARTNER
from tests.sandbox.alipayplus.conftest import SHOP, Partner
from tests.sandbox.conftest import code


def test_a_preparation_is_repeated_while_nothing_was_decided(partner: Partner, control: SandboxControl) -> None:
    body = partner.preparation()
    first = partner.call("authorizations/prepare", body)
    assert partner.call("authorizations/prepare", body) == first
    assert code(partner.call("authorizations/prepare", body | {"terminalType": "WAP"})) == ("PARAM_ILLEGAL", "F")
    control.agree(first["authUrl"], "budi")
    assert code(partner.call("authorizations/prepare", body)) == ("PARAM_ILLEGAL", "F")


def test_a_named_wallet_has_its_own_page_and_the_unified_one_lets_pick(
    partner: Partner, control: SandboxControl
) -> None:
    named = partner.prepares(customerBelongsTo="MAYA")["authUrl"]
    assert "/wallet/MAYA/authorize" in named
    with pytest.raises(ControlFailed, match="belongs to another wallet"):
        control.agree(named, "ana", wallet="GCASH")
    assert partner.redeems(control.agree(named, "ana")["authCode"])["pspId"] == "MAYA"
    unified = partner.prepares()["authUrl"]
    with pytest.raises(ControlFailed, match="Pick a wallet first: GRABPAY_PH, GCASH, MAYA"):
        control.agree(unified, "ana")
    with pytest.raises(ControlFailed, match="belongs to another wallet"):
        control.agree(unified, "ana", wallet="DANA")
    assert partner.redeems(control.agree(unified, "ana", wallet="MAYA")["authCode"])["pspId"] == "MAYA"
    assert code(partner.prepares(customerBelongsTo="NOBODY")) == ("PROCESS_FAIL", "F")
    assert code(partner.prepares(customerBelongsTo="DIRECTDEBIT_YAPILY")) == ("BUSINESS_NOT_SUPPORT", "F")


@pytest.mark.parametrize(
    ("redirect", "agreed", "refused"),
    [
        ("https://s.example/back", "https://s.example/back?authCode={c}&authState=st", "https://s.example/back?authState=st"),
        ("https://s.example/b?x=1#f", "https://s.example/b?x=1&authCode={c}&authState=st", "https://s.example/b?x=1&authState=st"),
        ("https://s.example/b?authState=mine", "https://s.example/b?authState=mine&authCode={c}", "https://s.example/b?authState=mine"),
        ("https://s.example/${authState}/b?c=${authCode}", "https://s.example/st/b?c={c}", "https://s.example/st/b?c="),
    ],
)  # fmt: skip
def test_where_the_user_goes_back_to(
    partner: Partner, control: SandboxControl, redirect: str, agreed: str, refused: str
) -> None:
    url = partner.prepares(authRedirectUrl=redirect, authState="st")["authUrl"]
    decision = control.agree(url, "budi")
    assert decision["returnUrl"] == agreed.replace("{c}", decision["authCode"])
    assert control.agree(partner.prepares(authState="lost")["authUrl"], "budi", lose_callback=True)["returnUrl"] is None
    control.reset()
    url = partner.prepares(authRedirectUrl=redirect, authState="st")["authUrl"]
    assert control.refuse(url)["returnUrl"] == refused


def test_a_code_is_used_once_by_its_own_shop_and_soon(partner: Partner, control: SandboxControl) -> None:
    used = partner.agreed()
    assert code(partner.redeems(used, authClientId="M002")) == ("INVALID_CODE", "F")
    first = partner.redeems(used)
    assert code(first) == ("SUCCESS", "S")
    assert partner.redeems(used) == first, "a repetition makes no second token"
    partner.moves_on(minutes=5, seconds=1)
    assert code(partner.redeems(used)) == ("USED_CODE", "F")
    late = partner.agreed()
    partner.moves_on(minutes=31)
    assert code(partner.redeems(late)) == ("EXPIRED_CODE", "F")
    assert code(partner.redeems("no-such-code")) == ("INVALID_CODE", "F")


def test_a_refresh_kills_the_old_pair_and_takes_the_old_refresh_token_for_five_minutes(partner: Partner) -> None:
    old = partner.redeems(partner.agreed())
    new = partner.refreshes(old["refreshToken"])
    assert new["accessToken"] != old["accessToken"]
    assert new["refreshToken"] != old["refreshToken"]
    assert code(partner.pays(old["accessToken"])) == ("INVALID_TOKEN", "F")
    partner.moves_on(minutes=4, seconds=59)
    assert partner.refreshes(old["refreshToken"])["accessToken"] == new["accessToken"]
    partner.moves_on(seconds=2)
    assert code(partner.refreshes(old["refreshToken"])) == ("INVALID_REFRESH_TOKEN", "F")
    assert code(partner.pays(new["accessToken"])) == ("SUCCESS", "S")
    partner.moves_on(days=900)
    assert code(partner.refreshes(new["refreshToken"])) == ("EXPIRED_REFRESH_TOKEN", "F")
    assert code(partner.pays(new["accessToken"])) == ("EXPIRED_ACCESS_TOKEN", "F")


def test_a_request_id_is_one_payment_and_the_token_is_not_compared(partner: Partner) -> None:
    request = partner.payment(partner.binds())
    paid = partner.call("payments/pay", request)
    other = partner.binds("ana", "MAYA")

    assert partner.call("payments/pay", request) == paid
    method = {"paymentMethodType": "CONNECT_WALLET", "paymentMethodId": other}
    assert partner.call("payments/pay", request | {"paymentMethod": method}) == paid
    changes: list[dict[str, Any]] = [
        {"paymentAmount": {"currency": "PHP", "value": "49901"}},
        {"paymentFactor": {"isAgreementPayment": "true", "presentmentMode": "UNIFIED"}},
        {"settlementStrategy": None},
    ]
    for change in changes:
        assert code(partner.call("payments/pay", request | change)) == ("REPEAT_REQ_INCONSISTENT", "F")
    assert partner.sandbox.engine.taken_from("ana") == [Money(499_00, "PHP")]


def test_an_evaluation_debits_nothing_and_is_no_payment(partner: Partner, control: SandboxControl) -> None:
    factor = {"isAgreementPayment": "true", "isPaymentEvaluation": "true"}
    request = partner.payment(partner.binds(), paymentFactor=factor)
    assert code(partner.call("payments/pay", request)) == ("SUCCESS", "S")
    control.set_balance("ana", "GCASH", 1_00)
    assert code(partner.call("payments/pay", request)) == ("USER_BALANCE_NOT_ENOUGH", "F")
    assert code(partner.asks(paymentRequestId=request["paymentRequestId"])) == ("ORDER_NOT_EXIST", "F")
    assert control.taken_from("ana") == []


def test_a_payment_lives_a_minute_at_most(partner: Partner, control: SandboxControl) -> None:
    token = partner.binds()
    assert code(partner.pays(token, paymentExpiryTime="2026-03-02T10:01:01+08:00")) == ("PARAM_ILLEGAL", "F")
    control.fault("payment_stays_processing")
    open_one = partner.pays(token, paymentExpiryTime="2026-03-02T10:01:00+08:00")
    assert code(open_one) == ("PAYMENT_IN_PROCESS", "U")
    asked = partner.asks(paymentId=open_one["paymentId"])
    assert (code(asked), asked["paymentResult"]["resultStatus"]) == (("SUCCESS", "S"), "U")
    partner.moves_on(minutes=1)
    assert partner.asks(paymentId=open_one["paymentId"])["paymentResult"]["resultCode"] == "ORDER_IS_CLOSED"
    (told,) = [one for one in partner.heard_of("notifyPayment") if one["paymentId"] == open_one["paymentId"]]
    assert told["paymentResult"]["resultStatus"] == "F"


def test_a_payment_nobody_can_be_asked_about_is_none(partner: Partner) -> None:
    request = partner.payment("no-such-token")
    assert code(partner.call("payments/pay", request)) == ("INVALID_TOKEN", "F")
    assert code(partner.asks(paymentRequestId=request["paymentRequestId"])) == ("ORDER_NOT_EXIST", "F")
    assert code(partner.asks()) == ("PARAM_ILLEGAL", "F")


def test_a_cancel_takes_whatever_status_until_a_quarter_past_midnight(
    partner: Partner, control: SandboxControl
) -> None:
    token = partner.binds()
    control.fault("payment_fails", code="RISK_REJECT")
    failed = partner.payment(token)
    assert code(partner.call("payments/pay", failed)) == ("RISK_REJECT", "F")
    assert code(partner.cancels(paymentRequestId=failed["paymentRequestId"])) == ("SUCCESS", "S")
    control.fault("payment_stays_processing", expires=False)
    open_one = partner.pays(token)
    assert code(partner.cancels(paymentId=open_one["paymentId"])) == ("SUCCESS", "S")
    assert code(partner.cancels(paymentRequestId="nobody")) == ("ORDER_NOT_EXIST", "F")
    paid, late = partner.pays(token), partner.pays(token)
    partner.moves_on(hours=14, minutes=14, seconds=59)
    assert code(partner.cancels(paymentId=paid["paymentId"])) == ("SUCCESS", "S")
    partner.moves_on(seconds=1)
    assert code(partner.cancels(paymentId=late["paymentId"])) == ("CANCEL_WINDOW_EXCEED", "F")
    assert code(partner.cancels(paymentId=paid["paymentId"])) == ("SUCCESS", "S")
    assert control.given_back_to("ana") == [Money(499_00, "PHP")]
    assert partner.sandbox.engine.faults_in_the_books() == []


def test_a_late_success_does_not_revive_what_was_cancelled(partner: Partner, control: SandboxControl) -> None:
    token = partner.binds()
    partner.ticks()
    control.fault("notification_late", notification="notifyPayment", seconds=120)
    paid = partner.pays(token)
    partner.cancels(paymentId=paid["paymentId"])
    partner.moves_on(minutes=3)
    assert partner.heard_of("notifyPayment")[-1]["paymentResult"]["resultStatus"] == "S"
    assert partner.asks(paymentId=paid["paymentId"])["paymentResult"]["resultCode"] == "ORDER_IS_CLOSED"


def test_a_refund_is_repeated_until_it_is_final(partner: Partner, control: SandboxControl) -> None:
    paid = partner.pays(partner.binds())
    control.fault("refund_stays_processing", seconds=30)
    wish = {"refundRequestId": "R-1"}

    assert code(partner.refunds(paid["paymentId"], 100_00, **wish)) == ("UNKNOWN_EXCEPTION", "U")
    assert control.given_back_to("ana") == []
    partner.moves_on(seconds=30)
    done = partner.refunds(paid["paymentId"], 100_00, **wish)
    assert code(done) == ("SUCCESS", "S")
    assert partner.refunds(paid["paymentId"], 100_00, **wish) == done
    assert code(partner.refunds(paid["paymentId"], 101_00, **wish)) == ("REPEAT_REQ_INCONSISTENT", "F")
    assert code(partner.refunds(paid["paymentId"], 400_00)) == ("REFUND_AMOUNT_EXCEED", "F")
    assert control.given_back_to("ana") == [Money(100_00, "PHP")]
    path = "/aps/api/v1/payments/inquiryRefund"
    assert code(partner.send(path, b'{"refundRequestId":"R-1"}').json()) == ("INVALID_API", "F")


def test_a_refund_has_a_year_and_a_payment_that_was_not_cancelled(partner: Partner) -> None:
    token = partner.binds()
    old, cancelled = partner.pays(token), partner.pays(token)
    partner.cancels(paymentId=cancelled["paymentId"])
    assert code(partner.refunds(cancelled["paymentId"], 1_00)) == ("ORDER_IS_CLOSED", "F")
    assert code(partner.refunds("nobody", 1_00)) == ("ORDER_NOT_EXIST", "F")
    partner.moves_on(days=364, hours=23)
    assert code(partner.refunds(old["paymentId"], 1_00)) == ("SUCCESS", "S")
    partner.moves_on(hours=1)
    assert code(partner.refunds(old["paymentId"], 1_00)) == ("REFUND_WINDOW_EXCEED", "F")


def test_the_wallet_asks_before_its_user_unbinds(partner: Partner, control: SandboxControl) -> None:
    token = partner.binds("ana", "GCASH")
    partner.ticks()
    partner.heard.clear()
    partner.answers_with = b'{"result":{"resultCode":"SUCCESS","resultStatus":"S"},"allowUnbinding":"false"}'

    with pytest.raises(ControlFailed, match="end it there"):
        control.revoke_in_the_wallet("ana", "GCASH", client_id=FIRST_PARTNER)

    (question,) = partner.heard_of("consultUnbinding")
    assert (question["authClientId"], question["accessToken"], question["pspId"]) == (SHOP, token, "GCASH")
    assert question["referenceMerchantId"] == SHOP
    assert question["acquirerId"]
    assert code(partner.pays(token)) == ("SUCCESS", "S")
    partner.answers_with = partner.answers_with.replace(b'"false"', b'"true"')
    partner.signs = False
    with pytest.raises(ControlFailed, match="end it there"):
        control.revoke_in_the_wallet("ana", "GCASH", client_id=FIRST_PARTNER)
    partner.signs = True
    assert control.revoke_in_the_wallet("ana", "GCASH", client_id=FIRST_PARTNER) == 1
    partner.ticks()
    assert partner.heard_of("authNotify")[-1]["authorizationNotifyType"] == "TOKEN_CANCELED"
    assert code(partner.pays(token)) == ("INVALID_TOKEN", "F")


def test_alipay_cn_unbinds_without_asking(partner: Partner, control: SandboxControl) -> None:
    partner.binds("meiling", "ALIPAY_CN")
    assert control.revoke_in_the_wallet("meiling", "ALIPAY_CN", client_id=FIRST_PARTNER) == 1
    partner.ticks()
    assert partner.heard_of("consultUnbinding") == []
    assert partner.heard_of("authNotify")[-1]["authorizationNotifyType"] == "TOKEN_CANCELED"


def test_a_merchant_keeps_its_protocol_and_its_own_numbers(partner: Partner, control: SandboxControl) -> None:
    key = partner.keys["merchant_public_key"]
    added = control.register_merchant(client_id="SANDBOX_5Y2", protocol="alipayplus", public_key=key)
    assert (added["protocol"], added["settlement_cycle"], added["settlement_currencies"]) == (
        "alipayplus",
        "T+2",
        ["USD"],
    )
    with pytest.raises(ControlFailed, match="never changes its protocol"):
        control.register_merchant(client_id="SANDBOX_5Y2", protocol="antom")
    with pytest.raises(ControlFailed, match="must be one of antom, alipayplus"):
        control.register_merchant(client_id="SANDBOX_5Y3", protocol="swift")
    body = partner.preparation()
    assert code(partner.call("authorizations/prepare", body, client_id="SANDBOX_5Y2")) == ("SUCCESS", "S")
    control.register_merchant(client_id="SANDBOX_5Y2", secondary_merchants=["M009"])
    unknown = partner.call("authorizations/prepare", partner.preparation(), client_id="SANDBOX_5Y2")
    assert code(unknown) == ("MERCHANT_NOT_REGISTERED", "F")
