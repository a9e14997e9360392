"""Money: integers in minor units, parsed and shown by the currency's own exponent."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.money import EXPONENTS, Money, MoneyError, convert, exponent, from_wire, parse_major

AMOUNTS = st.integers(min_value=-(10**15), max_value=10**15)
CURRENCIES = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [
        ("1499", "PHP", 149900),
        ("1,499.00", "PHP", 149900),
        ("14.5", "USD", 1450),
        ("+0.00", "USD", 0),
        ("-14.56", "USD", -1456),
        (" 843.88 ", "USD", 84388),
        ("5000", "JPY", 5000),
        ("48,000", "KRW", 48000),
        ("1000000", "VND", 1000000),
        ("15,000", "IDR", 1500000),
        ("15000.00", "IDR", 1500000),
        ("1.234", "JOD", 1234),
        ("14.5000", "USD", 1450),  # surplus zeros lose nothing
    ],
)
def test_what_people_and_reports_write(text: str, currency: str, value: int) -> None:
    assert parse_major(text, currency) == Money(value, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "PHP"),
        ("abc", "PHP"),
        ("1.499,00", "PHP"),
        ("14,99", "PHP"),
        ("1e3", "PHP"),
        ("0x10", "PHP"),
        ("١٢", "PHP"),
        ("１２", "PHP"),
        ("1 000", "PHP"),
        ("--1", "PHP"),
        ("1.", "PHP"),
        (".5", "PHP"),
        ("14.505", "USD"),
        ("0.5", "JPY"),
        ("1.2345", "JOD"),
        ("NaN", "USD"),
        ("1", "XXX"),
        ("1", "php"),
    ],
)
def test_what_is_not_an_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(MoneyError):
        parse_major(text, currency)


@pytest.mark.parametrize(("currency", "example"), [("PHP", "1499.00"), ("JPY", "1499"), ("JOD", "1499.000")])
def test_how_to_write_it_is_said_in_the_currency_s_own_decimals(currency: str, example: str) -> None:
    with pytest.raises(MoneyError, match=f"Write it like {re.escape(example)}\\.$"):
        parse_major("ten", currency)


@given(AMOUNTS, CURRENCIES)
def test_printing_and_parsing_are_each_others_inverse(value: int, currency: str) -> None:
    amount = Money(value, currency)
    assert parse_major(amount.major, currency) == amount
    assert parse_major(amount.display, currency) == amount


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Money(149900, "PHP"), "1,499.00 PHP"),
        (Money(-5, "USD"), "-0.05 USD"),
        (Money(48000, "KRW"), "48,000 KRW"),
        (Money(1500000, "IDR"), "15,000 IDR"),
        (Money(1500050, "IDR"), "15,000.50 IDR"),
        (Money(1234, "JOD"), "1.234 JOD"),
    ],
)
def test_what_people_see(amount: Money, shown: str) -> None:
    assert str(amount) == shown


@pytest.mark.parametrize(
    "wire",
    [
        None,
        [],
        {},
        {"value": "1"},
        {"currency": "PHP"},
        {"value": "", "currency": "PHP"},
        {"value": "-1", "currency": "PHP"},
        {"value": "1.0", "currency": "PHP"},
        {"value": 1.5, "currency": "PHP"},
        {"value": True, "currency": "PHP"},
        {"value": "1" * 17, "currency": "PHP"},
        {"value": "1", "currency": "ZZZ"},
        {"value": "1", "currency": 5},
        {"value": "²", "currency": "PHP"},
    ],
)
def test_what_is_no_amount_on_the_wire_is_refused(wire: object) -> None:
    with pytest.raises(MoneyError):
        from_wire(wire)


@given(st.integers(min_value=0, max_value=10**15), CURRENCIES)
def test_the_wire_and_back(value: int, currency: str) -> None:
    assert from_wire(Money(value, currency).to_wire()) == Money(value, currency)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(MoneyError, match="do not add up"):
        Money(1, "PHP") + Money(1, "USD")
    with pytest.raises(MoneyError, match="do not add up"):
        assert Money(1, "PHP") < Money(1, "USD")
    assert Money(1, "PHP") != Money(1, "USD")


@pytest.mark.parametrize("value", [1.0, True, "1", None])
def test_only_integers(value: object) -> None:
    with pytest.raises(MoneyError):
        Money(value, "PHP")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "amount", [Money(0, "PHP"), Money(-1, "PHP"), Money(10**16, "PHP"), Money(1500050, "IDR"), Money(1, "IDR")]
)
def test_what_cannot_be_paid(amount: Money) -> None:
    with pytest.raises(MoneyError):
        amount.payable()


def test_exponents_that_go_wrong_elsewhere() -> None:
    assert [exponent(c) for c in ("JPY", "KRW", "VND", "CLP", "IDR", "PHP", "JOD", "KWD")] == [0, 0, 0, 0, 2, 2, 3, 3]


def test_conversion_rounds_half_to_even() -> None:
    assert convert(Money(112000, "PHP"), 1 / Decimal(56), "USD") == Money(2000, "USD")
    assert convert(Money(5, "USD"), Decimal("0.5"), "USD") == Money(2, "USD")
    assert convert(Money(15, "USD"), Decimal("0.1"), "USD") == Money(2, "USD")
    assert convert(Money(100, "JPY"), Decimal("0.01"), "USD") == Money(100, "USD")
    # More digits than a Decimal's context keeps.
    rate, exact = Decimal("31724502440.577338341015"), 21791648265824156235649419272
    assert convert(Money(6869027593621601, "JPY"), rate, "USD") == Money(exact, "USD")
