"""The rules of each API: idempotency, single use, windows, limits, contracts."""

import re
from datetime import timedelta
from typing import Any

import pytest

from portal.money import Money
from portal.sandbox import calendars
from portal.sandbox.control import ControlFailed, SandboxControl
from tests.sandbox.conftest import Shop, code

PHP_499 = Money(499_00, "PHP")


# pay


def test_the_same_payment_request_is_answered_the_same(shop: Shop, control: SandboxControl) -> None:
    request = shop.payment(shop.binds())
    first = shop.call("payments/pay", request)
    shop.moves_on(hours=5)

    assert shop.call("payments/pay", request) == first
    assert control.taken_from("ana") == [PHP_499]


def test_a_failure_is_answered_the_same_even_when_it_could_succeed_now(shop: Shop, control: SandboxControl) -> None:
    request = shop.payment(shop.binds("paolo"))
    assert code(shop.call("payments/pay", request)) == ("USER_BALANCE_NOT_ENOUGH", "F")
    control.set_balance("paolo", "GCASH", 1_000_00)

    assert code(shop.call("payments/pay", request)) == ("USER_BALANCE_NOT_ENOUGH", "F")
    assert control.taken_from("paolo") == []


@pytest.mark.parametrize("what", ["amount", "currency", "token"])
def test_the_same_id_with_other_values_is_inconsistent(shop: Shop, control: SandboxControl, what: str) -> None:
    token, other = shop.binds(), shop.binds()
    request = shop.payment(token)
    shop.call("payments/pay", request)
    if what == "token":
        request["paymentMethod"]["paymentMethodId"] = other
    elif what == "amount":
        request["paymentAmount"] = {"currency": "PHP", "value": "49901"}
    else:
        request["paymentAmount"] = {"currency": "USD", "value": "49900"}

    assert code(shop.call("payments/pay", request)) == ("REPEAT_REQ_INCONSISTENT", "F")
    assert control.taken_from("ana") == [PHP_499]


def test_the_id_of_a_cancelled_or_closed_payment_is_used_up(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    cancelled, closed = shop.payment(token), shop.payment(token)
    shop.call("payments/pay", cancelled)
    shop.call("payments/cancel", {"paymentRequestId": cancelled["paymentRequestId"]})
    control.fault("payment_stays_processing")
    assert code(shop.call("payments/pay", closed)) == ("PAYMENT_IN_PROCESS", "U")
    assert code(shop.call("payments/pay", closed)) == ("PAYMENT_IN_PROCESS", "U")
    shop.moves_on(minutes=1)

    assert code(shop.call("payments/pay", cancelled)) == ("ORDER_IS_CANCELED", "F")
    assert code(shop.call("payments/pay", closed)) == ("ORDER_IS_CLOSED", "F")


def test_a_payment_expires_when_it_says(shop: Shop, control: SandboxControl) -> None:
    control.fault("payment_stays_processing")
    answer = shop.pays(shop.binds(), paymentExpiryTime="2026-03-02T10:00:20+08:00")
    shop.moves_on(seconds=19)
    assert shop.asks(paymentId=answer["paymentId"])["paymentStatus"] == "PROCESSING"
    shop.moves_on(seconds=1)
    assert shop.asks(paymentId=answer["paymentId"])["paymentStatus"] == "FAIL"


@pytest.mark.parametrize(
    ("user", "wallet", "currency", "value", "changes", "expected"),
    [
        ("ana", "GCASH", "USD", 100, {}, "CURRENCY_NOT_SUPPORT"),
        (
            "ana",
            "GCASH",
            "PHP",
            100_00,
            {"settlementStrategy": {"settlementCurrency": "THB"}},
            "SETTLE_CONTRACT_NOT_MATCH",
        ),
        ("budi", "DANA", "IDR", 1_500_001, {}, "PARAM_ILLEGAL"),
        ("budi", "DANA", "IDR", 299_00, {}, "PARAM_ILLEGAL"),
        ("meiling", "ALIPAY_HK", "HKD", 50_000_01, {}, "PAYMENT_AMOUNT_EXCEED_LIMIT"),
        ("meiling", "ALIPAY_HK", "HKD", 14_000_01, {}, "USER_BALANCE_NOT_ENOUGH"),
        ("jisoo", "KAKAOPAY", "KRW", 49, {}, "PARAM_ILLEGAL"),
        ("jisoo", "KAKAOPAY", "KRW", 50, {}, "SUCCESS"),
        ("yuki", "PAYPAY", "JPY", 1, {}, "SUCCESS"),
    ],
)
def test_what_a_wallet_and_a_contract_allow(
    shop: Shop, user: str, wallet: str, currency: str, value: int, changes: dict[str, Any], expected: str
) -> None:
    token = shop.binds(user, wallet)
    assert code(shop.pays(token, value, currency, wallet=wallet, **changes))[0] == expected


def test_a_wallet_adds_up_a_day(shop: Shop, control: SandboxControl) -> None:
    control.set_balance("ana", "GCASH", 1_000_000_00)
    token = shop.binds()
    assert code(shop.pays(token, 60_000_00))[0] == "SUCCESS"
    assert code(shop.pays(token, 40_000_01))[0] == "USER_AMOUNT_EXCEED_LIMIT"
    assert code(shop.pays(token, 40_000_00))[0] == "SUCCESS"
    shop.moves_on(days=1, seconds=1)
    assert code(shop.pays(token, 100_000_00))[0] == "SUCCESS"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("FROZEN", "USER_STATUS_ABNORMAL"),
        ("GONE", "USER_NOT_EXIST"),
        ("UNIDENTIFIED", "USER_KYC_NOT_QUALIFIED"),
        ("RESTRICTED", "USER_PAYMENT_VERIFICATION_FAILED"),
    ],
)
def test_an_account_that_may_not_pay(shop: Shop, control: SandboxControl, status: str, expected: str) -> None:
    token = shop.binds()
    control.set_account_status("ana", "GCASH", status)
    assert code(shop.pays(token)) == (expected, "F")
    assert control.taken_from("ana") == []


def test_a_token_of_another_wallet_or_merchant_pays_nothing(shop: Shop, control: SandboxControl) -> None:
    control.set_balance("ana", "TNG", 1_000_00)
    token = shop.binds("ana", "TNG")
    assert code(shop.pays(token)) == ("INVALID_ACCESS_TOKEN", "F")
    other = shop.sandbox.connection
    control.register_merchant(client_id="SANDBOX_OTHER", public_key=other.merchant_public_key)
    stolen = shop.payment(token, 1_00, "MYR", wallet="TNG")
    response = shop.send("/ams/api/v1/payments/pay", str(stolen).replace("'", '"').encode(), client_id="SANDBOX_OTHER")
    assert code(response.json()) == ("INVALID_ACCESS_TOKEN", "F")
    assert control.taken_from("ana") == []


@pytest.mark.parametrize(
    ("contract", "api", "expected"),
    [
        ({"wallets": ["DANA"]}, "pay", "PAYMENT_NOT_QUALIFIED"),
        ({"wallets": ["DANA"]}, "consult", "PAYMENT_NOT_QUALIFIED"),
        ({"active": False}, "pay", "INVALID_MERCHANT_STATUS"),
    ],
)
def test_a_merchant_without_the_contract(
    shop: Shop, control: SandboxControl, contract: dict[str, Any], api: str, expected: str
) -> None:
    token = shop.binds()
    control.register_merchant(**contract)
    answer = shop.pays(token) if api == "pay" else shop.consults()
    assert code(answer) == (expected, "F")


# consult, applyToken, revoke


def test_consult_repeats_its_answer_for_the_same_request_only(shop: Shop) -> None:
    first = shop.consults(authState="s1")
    assert shop.consults(authState="s1") == first
    assert code(shop.consults(authState="s1", terminalType="WAP", osType="IOS")) == ("PARAM_ILLEGAL", "F")
    shop.sandbox.engine.agree(str(first["normalUrl"]), "ana")
    assert code(shop.consults(authState="s1")) == ("PARAM_ILLEGAL", "F")


@pytest.mark.parametrize(
    ("wallet", "terminal", "urls"),
    [
        ("GCASH", "WEB", {"normalUrl"}),
        ("DANA", "APP", {"normalUrl", "applinkUrl", "appIdentifier"}),
        ("GCASH", "APP", {"normalUrl", "appIdentifier"}),
        ("ALIPAY_HK", "WAP", {"normalUrl", "appIdentifier"}),
        ("TNG", "MINI_APP", {"normalUrl"}),
    ],
)
def test_the_urls_of_each_terminal(shop: Shop, wallet: str, terminal: str, urls: set[str]) -> None:
    options = {} if terminal == "WEB" else {"osType": "ANDROID"}
    assert set(shop.consults(wallet, terminalType=terminal, **options)) - {"result"} == urls


def test_unknown_wallets_and_secondary_merchants(shop: Shop, control: SandboxControl) -> None:
    assert code(shop.consults("PIGGYBANK")) == ("NO_PAY_OPTIONS", "F")
    assert code(shop.consults(authClientId="M-01")) == ("MERCHANT_NOT_REGISTERED", "F")
    control.register_merchant(secondary_merchants=["M-01"])
    assert code(shop.consults(authClientId="M-01")) == ("SUCCESS", "S")


def test_a_code_is_used_once_by_its_own_wallet_in_time(shop: Shop, control: SandboxControl) -> None:
    codes = [control.agree(shop.consults()["normalUrl"], "ana")["authCode"] for _ in range(2)]
    assert code(shop.redeems(codes[0], "DANA")) == ("INVALID_AUTHCODE", "F")
    assert code(shop.redeems(codes[0])) == ("SUCCESS", "S")
    assert code(shop.redeems(codes[0])) == ("INVALID_AUTHCODE", "F")
    shop.moves_on(minutes=30)
    assert code(shop.redeems(codes[1])) == ("INVALID_AUTHCODE", "F")


def refreshes(shop: Shop, refresh_token: str, wallet: str = "GCASH") -> dict[str, Any]:
    body = {"grantType": "REFRESH_TOKEN", "customerBelongsTo": wallet, "refreshToken": refresh_token}
    return shop.call("authorizations/applyToken", body)


def test_a_refresh_makes_a_new_pair_and_ends_the_old_one(shop: Shop, control: SandboxControl) -> None:
    pair = shop.redeems(control.agree(shop.consults()["normalUrl"], "ana")["authCode"])
    new = refreshes(shop, pair["refreshToken"])

    assert code(shop.pays(pair["accessToken"])) == ("INVALID_ACCESS_TOKEN", "F")
    assert code(shop.pays(new["accessToken"])) == ("SUCCESS", "S")
    shop.moves_on(minutes=5)
    assert refreshes(shop, pair["refreshToken"]) == new
    shop.moves_on(seconds=1)
    assert code(refreshes(shop, pair["refreshToken"])) == ("INVALID_REFRESH_TOKEN", "F")
    assert code(refreshes(shop, new["refreshToken"])) == ("SUCCESS", "S")


def test_tokens_end(shop: Shop, control: SandboxControl) -> None:
    pair = shop.redeems(control.agree(shop.consults()["normalUrl"], "ana")["authCode"])
    shop.moves_on(days=730)
    assert code(shop.pays(pair["accessToken"])) == ("INVALID_ACCESS_TOKEN", "F")
    assert code(refreshes(shop, pair["refreshToken"])) == ("INVALID_REFRESH_TOKEN", "F")


def test_a_wallet_without_refresh_tokens(shop: Shop, control: SandboxControl) -> None:
    url = shop.consults("KAKAOPAY")["normalUrl"]
    pair = shop.redeems(control.agree(url, "jisoo")["authCode"], "KAKAOPAY")
    assert "refreshToken" not in pair
    assert pair["accessTokenExpiryTime"].startswith("2126-")


def test_a_consent_for_some_days_ends_and_is_not_refreshed(shop: Shop, control: SandboxControl) -> None:
    control.fault("consent_short", wallet="GCASH", days=3)
    assert "refreshToken" in shop.redeems(control.agree(shop.consults("MAYA")["normalUrl"], "ana")["authCode"], "MAYA")
    short, usual = (shop.redeems(control.agree(shop.consults()["normalUrl"], "ana")["authCode"]) for _ in range(2))
    assert ("refreshToken" in short, "refreshToken" in usual) == (False, True)

    shop.moves_on(days=2.9)
    assert code(shop.pays(short["accessToken"])) == ("SUCCESS", "S")
    shop.moves_on(days=0.1)
    assert code(shop.pays(short["accessToken"])) == ("INVALID_ACCESS_TOKEN", "F")
    assert code(shop.pays(usual["accessToken"])) == ("SUCCESS", "S")


def test_some_wallets_keep_one_token(shop: Shop, control: SandboxControl) -> None:
    old, new = shop.binds("budi", "DANA"), shop.binds("budi", "DANA")
    pays = {"wallet": "DANA"}
    assert code(shop.pays(old, 10_000_00, "IDR", **pays)) == ("INVALID_ACCESS_TOKEN", "F")
    assert code(shop.pays(new, 10_000_00, "IDR", **pays)) == ("SUCCESS", "S")
    first, second = shop.binds("ana"), shop.binds("ana")
    assert [code(shop.pays(token))[0] for token in (first, second)] == ["SUCCESS", "SUCCESS"]


def test_revoking_twice_and_refreshing_what_is_revoked(shop: Shop, control: SandboxControl) -> None:
    pair = shop.redeems(control.agree(shop.consults()["normalUrl"], "ana")["authCode"])
    revocation = {"accessToken": pair["accessToken"]}
    assert code(shop.call("authorizations/revoke", revocation)) == ("SUCCESS", "S")
    assert code(shop.call("authorizations/revoke", revocation)) == ("INVALID_ACCESS_TOKEN", "F")
    assert code(refreshes(shop, pair["refreshToken"])) == ("INVALID_REFRESH_TOKEN", "F")
    control.tick()
    assert shop.heard_bodies("/dashboard/authorization")[-1]["accessToken"] == pair["accessToken"]


@pytest.mark.parametrize(
    ("user", "wallet", "tells"), [("farah", "TNG", True), ("meiling", "ALIPAY_HK", True), ("ana", "GCASH", False)]
)
def test_some_wallets_tell_of_a_revocation(
    shop: Shop, control: SandboxControl, user: str, wallet: str, tells: bool
) -> None:
    token = shop.binds(user, wallet)
    assert control.revoke_in_the_wallet(user, wallet, "bye") == 1
    control.tick()
    told = [one["accessToken"] for one in shop.heard_bodies("/dashboard/authorization") if "accessToken" in one]
    assert told == ([token] if tells else [])
    assert code(shop.call("authorizations/revoke", {"accessToken": token})) == ("INVALID_ACCESS_TOKEN", "F")


# cancel


def test_a_payment_in_process_can_be_cancelled_and_takes_nothing(shop: Shop, control: SandboxControl) -> None:
    control.fault("payment_stays_processing", seconds=30)
    answer = shop.pays(shop.binds())
    assert code(shop.call("payments/cancel", {"paymentId": answer["paymentId"]})) == ("SUCCESS", "S")
    shop.moves_on(minutes=5)
    assert shop.asks(paymentId=answer["paymentId"])["paymentStatus"] == "CANCELLED"
    assert control.taken_from("ana") == []
    assert shop.heard_bodies("/notify/payment") == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(hours=14, minutes=14, seconds=59), "SUCCESS"),
        (timedelta(hours=14, minutes=15), "CANCEL_WINDOW_EXCEED"),
        (timedelta(days=3), "CANCEL_WINDOW_EXCEED"),
    ],
)
def test_a_paid_payment_can_be_cancelled_until_a_quarter_past_midnight(
    shop: Shop, control: SandboxControl, after: timedelta, expected: str
) -> None:
    paid = shop.pays(shop.binds())
    shop.moves_on(seconds=after.total_seconds())
    assert code(shop.call("payments/cancel", {"paymentId": paid["paymentId"]}))[0] == expected
    assert control.given_back_to("ana") == ([PHP_499] if expected == "SUCCESS" else [])
    control.ledger_balances()


def test_what_cannot_be_cancelled(shop: Shop, control: SandboxControl) -> None:
    bank = "DIRECT_DEBIT_SIAMCOMMERCIALBANK"
    at_the_bank = shop.pays(shop.binds("somchai", bank), 100_00, "THB", wallet=bank)
    refunded = shop.pays(shop.binds())
    shop.refunds(refunded["paymentId"], 1_00)
    request = shop.payment(shop.binds("paolo"))
    shop.call("payments/pay", request)

    answers = [
        code(shop.call("payments/cancel", ids))[0]
        for ids in (
            {"paymentId": at_the_bank["paymentId"]},
            {"paymentId": refunded["paymentId"]},
            {"paymentRequestId": request["paymentRequestId"]},
            {"paymentRequestId": "nobody"},
            {"paymentId": "nobody", "paymentRequestId": refunded["paymentRequestId"]},
        )
    ]
    assert answers == [
        "PAYMENT_METHOD_NOT_SUPPORTED",
        "ORDER_STATUS_INVALID",
        "ORDER_STATUS_INVALID",
        "ORDER_NOT_EXIST",
        "ORDER_NOT_EXIST",
    ]


# refund


def test_refunds_never_exceed_what_was_paid(shop: Shop, control: SandboxControl) -> None:
    paid = shop.pays(shop.binds())
    values = [200_00, 299_01, 299_00, 1_00]
    assert [code(shop.refunds(paid["paymentId"], value))[0] for value in values] == [
        "SUCCESS",
        "REFUND_AMOUNT_EXCEED",
        "SUCCESS",
        "REFUND_AMOUNT_EXCEED",
    ]
    assert control.given_back_to("ana") == [Money(200_00, "PHP"), Money(299_00, "PHP")]


def test_a_refund_is_done_once(shop: Shop, control: SandboxControl) -> None:
    paid, other = (shop.pays(shop.binds()) for _ in range(2))
    first = shop.refunds(paid["paymentId"], 100_00, refundRequestId="R1")
    assert shop.refunds(paid["paymentId"], 100_00, refundRequestId="R1") == first
    assert code(shop.refunds(paid["paymentId"], 101_00, refundRequestId="R1"))[0] == "REPEAT_REQ_INCONSISTENT"
    assert code(shop.refunds(other["paymentId"], 100_00, refundRequestId="R1"))[0] == "REPEAT_REQ_INCONSISTENT"
    assert control.given_back_to("ana") == [Money(100_00, "PHP")]


def test_what_cannot_be_refunded(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds()
    cancelled, paid = shop.pays(token), shop.pays(token)
    shop.call("payments/cancel", {"paymentId": cancelled["paymentId"]})
    control.fault("payment_stays_processing", expires=False)
    open_one = shop.pays(token)

    assert code(shop.refunds(cancelled["paymentId"], 1_00))[0] == "ORDER_IS_CANCELED"
    assert code(shop.refunds(open_one["paymentId"], 1_00))[0] == "ORDER_STATUS_INVALID"
    assert code(shop.refunds("nobody", 1_00))[0] == "ORDER_NOT_EXIST"
    assert code(shop.refunds(paid["paymentId"], 1_00, "USD"))[0] == "CURRENCY_NOT_SUPPORT"
    assert code(shop.refunds(paid["paymentId"], 99))[0] == "PARAM_ILLEGAL"
    assert code(shop.call("payments/inquiryRefund", {"refundRequestId": "nobody"})) == ("ORDER_NOT_EXIST", "F")


@pytest.mark.parametrize(
    ("contract", "values", "expected"),
    [
        ({"partial_refund": False}, [100_00, 499_00], ["PARTIAL_REFUND_NOT_SUPPORTED", "SUCCESS"]),
        ({"multiple_refunds": False}, [100_00, 100_00], ["SUCCESS", "MULTIPLE_REFUNDS_NOT_SUPPORTED"]),
    ],
)
def test_a_contract_may_forbid_refunds_in_parts(
    shop: Shop, control: SandboxControl, contract: dict[str, Any], values: list[int], expected: list[str]
) -> None:
    paid = shop.pays(shop.binds())
    control.register_merchant(**contract)
    assert [code(shop.refunds(paid["paymentId"], value))[0] for value in values] == expected


@pytest.mark.parametrize(("days", "expected"), [(364, "SUCCESS"), (365, "REFUND_WINDOW_EXCEED")])
def test_refunds_end_after_a_year(shop: Shop, control: SandboxControl, days: int, expected: str) -> None:
    control.settings(automatic_day_close=False)
    paid = shop.pays(shop.binds())
    shop.moves_on(days=days)
    assert code(shop.refunds(paid["paymentId"], 1_00))[0] == expected


def test_a_bank_refunds_later(shop: Shop, control: SandboxControl) -> None:
    bank = "DIRECT_DEBIT_SIAMCOMMERCIALBANK"
    paid = shop.pays(shop.binds("somchai", bank), 100_00, "THB", wallet=bank)
    answer = shop.refunds(paid["paymentId"], 40_00, "THB")
    assert code(answer) == ("REFUND_IN_PROCESS", "U")
    asked = {"refundId": answer["refundId"]}
    assert shop.call("payments/inquiryRefund", asked)["refundStatus"] == "PROCESSING"
    assert shop.asks(paymentId=paid["paymentId"])["transactions"][0]["transactionStatus"] == "PROCESSING"
    shop.moves_on(seconds=30)
    assert shop.call("payments/inquiryRefund", asked)["refundStatus"] == "SUCCESS"
    assert control.given_back_to("somchai") == [Money(40_00, "THB")]
    assert [one["refundStatus"] for one in shop.heard_bodies("/notify/refund")] == ["SUCCESS"]


# customs


def declares(shop: Shop, payment_id: str, request_id: str = "D1", value: int = 60_00, **changes: Any) -> dict[str, Any]:
    body = {
        "declarationRequestId": request_id,
        "paymentId": payment_id,
        "declarationAmount": {"currency": "CNY", "value": str(value)},
        "customs": {"region": "CN", "customsCode": "ZONGSHU"},
        "merchantCustomsInfo": {"merchantCustomsCode": "3301961A7X", "merchantCustomsName": "Example Trading Ltd"},
        "splitOrder": "false",
    }
    return shop.call("customs/declare", body | changes)


def test_the_rules_of_declaring(shop: Shop) -> None:
    paid = shop.pays(shop.binds("meiling", "ALIPAY_CN"), 100_00, "CNY", wallet="ALIPAY_CN")["paymentId"]
    pesos = shop.pays(shop.binds())["paymentId"]
    split = {"splitOrder": "true", "suborderId": "sub2"}
    info = {"merchantCustomsInfo": {"merchantCustomsCode": "OTHER", "merchantCustomsName": "Example Trading Ltd"}}
    elsewhere = {"customs": {"region": "CN", "customsCode": "NINGBO"}}

    first = declares(shop, paid)
    assert code(first) == ("SUCCESS", "S")
    assert declares(shop, paid) == first
    assert code(declares(shop, paid, **info))[0] == "CONTEXT_INCONSISTENT"
    shop.moves_on(minutes=5)
    assert declares(shop, paid, **info) == first
    shop.moves_on(minutes=5)
    assert code(declares(shop, paid, **elsewhere))[0] == "CONTEXT_INCONSISTENT"
    assert code(declares(shop, paid, value=100_01, **info))[0] == "TOTAL_DECLARATION_AMOUNT_EXCEED"
    assert code(declares(shop, paid, "D2", 1_00))[0] == "DUPLICATED_DECLARATIONS"
    assert code(declares(shop, paid, "D2", 40_01, **split))[0] == "TOTAL_DECLARATION_AMOUNT_EXCEED"
    assert code(declares(shop, paid, "D2", 40_00, **split))[0] == "SUCCESS"
    other = shop.pays(shop.binds("meiling", "ALIPAY_CN"), 50_00, "CNY", wallet="ALIPAY_CN")["paymentId"]
    assert code(declares(shop, other, value=40_00))[0] == "REPEAT_REQ_INCONSISTENT"
    assert code(declares(shop, pesos, "D9"))[0] == "INVALID_CONTRACT"
    assert code(declares(shop, "nobody", "D9"))[0] == "ORDER_NOT_EXIST"
    ids = {"declarationRequestIds": [f"D{number}" for number in range(11)]}
    assert code(shop.call("customs/inquiryDeclarationRequests", ids)) == ("ARRAY_SIZE_EXCEEDED", "F")


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"settlement_cycle": "W+1"}, "'settlement_cycle' must be T+1 or longer, W+2 to W+5, or M+2 to M+30."),
        ({"settlement_cycle": 4}, "'settlement_cycle' must be T+1 or longer"),
        ({"weekend": [0, 1, 2, 3, 4, 5, 6]}, "'weekend' must be a list of weekdays"),
        ({"weekend": [[]]}, "'weekend' must be a list of weekdays"),
        ({"holidays": ["2026-10-01"]}, "'holidays' must be a list of days, each written as YYYYMMDD."),
        ({"working_days": "20261010"}, "'working_days' must be a list of days"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(control: SandboxControl, wish: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ControlFailed, match=re.escape(sentence)):
        control.register_merchant(**wish)


@pytest.mark.parametrize(
    ("day", "cycle", "settled_on"),
    [
        ("20230502", "T+4", "20230508"),
        ("20230507", "T+4", "20230511"),
        ("20230501", "W+4", "20230511"),
        ("20230531", "M+4", "20230606"),
        ("20230427", "T+1", "20230428"),
        ("20230428", "T+1", "20230429"),
    ],
)
def test_a_merchant_is_settled_by_its_cycle(day: str, cycle: str, settled_on: str) -> None:
    # https://docs.antom.com/ac/cashier_payment_cn/reconcile; the last two: a Saturday that is worked
    assert calendars.settles_on(day, cycle, (5, 6), (), ("20230429",)) == settled_on


def test_customs_refuses_is_silent_or_never_got_it(shop: Shop, control: SandboxControl) -> None:
    token = shop.binds("meiling", "ALIPAY_CN")
    paid = shop.pays(token, 100_00, "CNY", wallet="ALIPAY_CN")["paymentId"]

    def says(request_id: str) -> str:
        answer = shop.call("customs/inquiryDeclarationRequests", {"declarationRequestIds": [request_id]})
        records = answer["declarationRecords"]
        return records[0].get("customsDeclarationResultCode", "nothing") if records else "unknown"

    parts = {"D1": "customs_refuses", "D2": "customs_silent", "D3": "declaration_lost"}
    for number, (request_id, fault) in enumerate(parts.items()):
        control.fault(fault, **({"seconds": 600} if fault == "customs_silent" else {}))
        part = {"splitOrder": "true", "suborderId": f"P{number}"}
        assert code(declares(shop, paid, request_id, 10_00, **part))[0] == "SUCCESS"
    shop.moves_on(minutes=2)
    assert [says(one) for one in parts] == ["failed", "nothing", "unknown"]
    shop.moves_on(minutes=10)
    assert [says(one) for one in parts] == ["failed", "success", "unknown"]
    again = {"splitOrder": "true", "suborderId": "P0"}
    assert code(declares(shop, paid, "D1", 20_00, **again))[0] == "SUCCESS"
    shop.moves_on(minutes=2)
    assert says("D1") == "success"
