"""The facts of the wallets, as a buyer and a bookkeeper meet them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from portal.acquirer.antom import CAPABILITIES, Antom
from portal.acquirer.wallets import WALLETS, by_site, currency_of, name_of, wallet_facts
from portal.money import Money, MoneyError

from .peer import credentials

LISTED = """ALIPAY_CN ALIPAY_HK DANA PAYPAY BOOST TNG GRABPAY_MY GRABPAY_PH GRABPAY_SG EASYPAISA GCASH MAYA KAKAOPAY
    NAVERPAY TOSSPAY RABBIT_LINE_PAY TRUEMONEY KPLUS DIRECT_DEBIT_SIAMCOMMERCIALBANK DIRECT_DEBIT_KRUNGTHAIBANK ZALOPAY
    DIRECTDEBIT_YAPILY"""
WITHOUT_REFUND_PERIOD = """DANA TNG EASYPAISA MAYA KAKAOPAY NAVERPAY TOSSPAY DIRECT_DEBIT_SIAMCOMMERCIALBANK
    DIRECT_DEBIT_KRUNGTHAIBANK DIRECTDEBIT_YAPILY"""
SDK_ONLY = "MPAY HIPAY ACH_DIRECT_DEBIT MOMO VIETTELMONEY JKOPAY BKASH"


def test_every_documented_wallet_is_known() -> None:
    assert {code for code, wallet in WALLETS.items() if wallet.is_listed} == set(LISTED.split())
    assert {code for code, wallet in WALLETS.items() if not wallet.is_listed} == set(SDK_ONLY.split())


@pytest.mark.parametrize(
    ("code", "country", "currency", "least", "most", "days"),
    [
        ("ALIPAY_CN", "CN", "CNY", "0.10", "300000.00", 365),
        ("ALIPAY_HK", "HK", "HKD", "0.01", "50000.00", 365),
        ("DANA", "ID", "IDR", "300.00", None, 365),
        ("PAYPAY", "JP", "JPY", "1", None, 365),
        ("BOOST", "MY", "MYR", "0.05", None, 365),
        ("TNG", "MY", "MYR", "0.05", None, 365),
        ("GRABPAY_MY", "MY", "MYR", "0.01", "1500.00", 365),
        ("GRABPAY_PH", "PH", "PHP", "10.00", "50000.00", 365),
        ("GRABPAY_SG", "SG", "SGD", "0.01", "5000.00", 365),
        ("GCASH", "PH", "PHP", "1.00", None, 365),
        ("KAKAOPAY", "KR", "KRW", "50", None, 365),
        ("RABBIT_LINE_PAY", "TH", "THB", "0.01", "50000.00", 365),
        ("TRUEMONEY", "TH", "THB", "1.00", "30000.00", 365),
        ("KPLUS", "TH", "THB", "1.00", "2000000.00", 365),
        ("ZALOPAY", "VN", "VND", "1000", "10000000", 180),
    ],
)
def test_money_and_time_of_a_wallet(
    code: str, country: str, currency: str, least: str | None, most: str | None, days: int
) -> None:
    facts = WALLETS[code]
    assert (facts.country, facts.currency, facts.refund_days) == (country, currency, days)
    assert (facts.minimum.major if facts.minimum else None) == least
    assert (facts.maximum.major if facts.maximum else None) == most


def test_a_refund_period_no_table_names_is_marked_as_our_choice() -> None:
    ours = {code for code, wallet in WALLETS.items() if wallet.is_listed and not wallet.refund_days_documented}
    assert ours == set(WITHOUT_REFUND_PERIOD.split())


@pytest.mark.parametrize(
    ("site", "code"),
    [
        ("ALIPAY_CN", "ALIPAY_CN"),
        ("ALIPAY_HK", "ALIPAY_HK"),
        ("ALIPAY_MO", "MPAY"),
        ("GCASH", "GCASH"),
        ("TNG", "TNG"),
        ("DANA", "DANA"),
        ("KAKAOPAY", "KAKAOPAY"),
        ("TRUEMONEY", "TRUEMONEY"),
        ("BKASH", "BKASH"),
        ("EASYPAISA", "EASYPAISA"),
    ],
)
def test_the_super_app_names_its_wallet(site: str, code: str) -> None:
    found = by_site(site)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("site", ["", "MPAY", "gcash", "PAYPAY", "UNKNOWN"])
def test_a_site_that_is_no_super_app_is_no_wallet(site: str) -> None:
    assert by_site(site) is None


def test_a_wallet_in_no_table_is_called_by_its_value() -> None:
    assert (wallet_facts("NEWPAY"), name_of("NEWPAY"), currency_of("NEWPAY")) == (None, "NEWPAY", "")
    assert (name_of("TNG"), currency_of("TNG")) == ("Touch'n Go eWallet", "MYR")


@pytest.mark.parametrize(
    ("code", "amount", "sentence"),
    [
        ("GCASH", Money(99, "PHP"), "GCash takes payments of at least 1.00 PHP."),
        ("TRUEMONEY", Money(30_000_01, "THB"), "TrueMoney Wallet takes payments of at most 30,000.00 THB."),
        ("GCASH", Money(100, "USD"), "GCash is in PHP, not in USD."),
        ("DANA", Money(300_01, "IDR"), "IDR has no cents in use: give whole units."),
        ("DANA", Money(299_00, "IDR"), "DANA takes payments of at least 300 IDR."),
        ("KAKAOPAY", Money(0, "KRW"), "The amount must be above zero."),
    ],
)
def test_an_amount_the_acquirer_would_refuse_is_refused_in_words(code: str, amount: Money, sentence: str) -> None:
    with pytest.raises(MoneyError) as caught:
        WALLETS[code].check(amount)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("code", "amount"),
    [("GCASH", Money(100, "PHP")), ("TRUEMONEY", Money(30_000_00, "THB")), ("PAYPAY", Money(1, "JPY"))],
)
def test_amounts_at_the_limit_are_taken(code: str, amount: Money) -> None:
    WALLETS[code].check(amount)
    WALLETS[code].check_refund(amount, of=amount)


@pytest.mark.parametrize(
    ("code", "amount", "of", "sentence"),
    [
        ("KAKAOPAY", Money(49, "KRW"), Money(1000, "KRW"), "Kakao Pay gives back at least 50 KRW."),
        ("GCASH", Money(1001, "PHP"), Money(1000, "PHP"), "The payment was of 10.00 PHP."),
        ("GCASH", Money(100, "USD"), Money(1000, "PHP"), "GCash is in PHP, not in USD."),
    ],
)
def test_a_refund_the_acquirer_would_refuse_is_refused_in_words(
    code: str, amount: Money, of: Money, sentence: str
) -> None:
    with pytest.raises(MoneyError) as caught:
        WALLETS[code].check_refund(amount, of=of)
    assert str(caught.value) == sentence


def test_a_payment_minimum_of_one_wallets_table_does_not_bind_its_refunds() -> None:
    WALLETS["GRABPAY_PH"].check_refund(Money(5_00, "PHP"), of=Money(100_00, "PHP"))


# Until when a cancel may be asked for.

HONG_KONG = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("paid_at", "until"),
    [
        (datetime(2026, 3, 1, 12, 0, tzinfo=HONG_KONG), datetime(2026, 3, 2, 0, 15, tzinfo=HONG_KONG)),
        (datetime(2026, 3, 1, 0, 0, tzinfo=HONG_KONG), datetime(2026, 3, 2, 0, 15, tzinfo=HONG_KONG)),
        (datetime(2026, 3, 1, 23, 59, 59, tzinfo=HONG_KONG), datetime(2026, 3, 2, 0, 15, tzinfo=HONG_KONG)),
        (datetime(2026, 3, 1, 16, 0, tzinfo=UTC), datetime(2026, 3, 3, 0, 15, tzinfo=HONG_KONG)),
        (datetime(2026, 3, 1, 15, 59, tzinfo=UTC), datetime(2026, 3, 2, 0, 15, tzinfo=HONG_KONG)),
        (datetime(2028, 2, 28, 20, 0, tzinfo=UTC), datetime(2028, 3, 1, 0, 15, tzinfo=HONG_KONG)),
        (datetime(2026, 12, 31, 3, 0, tzinfo=UTC), datetime(2027, 1, 1, 0, 15, tzinfo=HONG_KONG)),
    ],
)
def test_a_payment_may_be_cancelled_until_a_quarter_past_midnight(paid_at: datetime, until: datetime) -> None:
    acquirer = Antom(credentials("http://127.0.0.1:9"))
    for wallet in ("GCASH", "KPLUS", "A_WALLET_IN_NO_TABLE"):
        assert acquirer.cancel_deadline(paid_at, method=wallet_facts(wallet)) == until


@pytest.mark.parametrize("wallet", ["DIRECT_DEBIT_SIAMCOMMERCIALBANK", "DIRECT_DEBIT_KRUNGTHAIBANK"])
def test_a_thai_bank_cannot_cancel_what_is_paid(wallet: str) -> None:
    acquirer = Antom(credentials("http://127.0.0.1:9"))
    assert acquirer.cancel_deadline(datetime(2026, 3, 1, tzinfo=UTC), method=wallet_facts(wallet)) is None


@pytest.mark.parametrize(
    ("days", "minutes", "until"),
    [
        (0, 23 * 60 + 59, datetime(2026, 3, 1, 23, 59, tzinfo=HONG_KONG)),
        (1, 0, datetime(2026, 3, 2, 0, 0, tzinfo=HONG_KONG)),
        (31, 15, datetime(2026, 4, 1, 0, 15, tzinfo=HONG_KONG)),
    ],
)
def test_a_contract_may_have_another_time_to_cancel(days: int, minutes: int, until: datetime) -> None:
    acquirer = Antom(credentials("http://127.0.0.1:9"))
    method = replace(WALLETS["GCASH"], cancel_days=days, cancel_minutes=minutes)
    assert acquirer.cancel_deadline(datetime(2026, 3, 1, 12, 0, tzinfo=HONG_KONG), method=method) == until


@pytest.mark.parametrize(
    ("terminals", "served", "not_served"),
    [(frozenset(), ["WEB", "MINI_APP"], []), (frozenset({"MINI_APP", "APP"}), ["APP", "MINI_APP"], ["WEB", "WAP"])],
)
def test_a_method_serves_the_terminals_it_names_or_any_where_it_names_none(
    terminals: frozenset[str], served: list[str], not_served: list[str]
) -> None:
    method = replace(WALLETS["GCASH"], terminals=terminals)
    assert all(method.serves(terminal) for terminal in served)
    assert not any(method.serves(terminal) for terminal in not_served)


def test_where_the_currency_is_not_known_no_amount_is_held_against_it() -> None:
    method = replace(WALLETS["KPLUS"], currency="", minimum=None, maximum=None)
    method.check(Money(1, "JPY"))
    with pytest.raises(MoneyError, match="no cents"):
        method.check(Money(1_50, "IDR"))


def test_what_this_acquirer_can_do() -> None:
    acquirer = Antom(credentials("http://127.0.0.1:9"))
    assert acquirer.capabilities is CAPABILITIES
    assert CAPABILITIES.can_inquire_refund
    assert CAPABILITIES.can_declare_customs
    assert not CAPABILITIES.can_cancel_in_part
    assert not CAPABILITIES.signs_acknowledgements
    assert not CAPABILITIES.asks_before_unbinding
    assert not CAPABILITIES.needs_merchant_data
    assert (CAPABILITIES.payment_poll_seconds, CAPABILITIES.payment_poll_count) == (3.0, 20)
    assert (CAPABILITIES.refund_poll_seconds, CAPABILITIES.refund_missing_after) == (15.0, 3)
    assert (CAPABILITIES.payment_expiry_seconds, CAPABILITIES.refresh_before_days) == (60, 10)
    assert CAPABILITIES.declaration_inquiry_size == 10
