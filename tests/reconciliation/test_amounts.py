"""Amounts of reports: every text is read exactly or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.money import EXPONENTS, Money
from reconciliation.amounts import TooPrecise, batch_tolerance, gross_in, read_amount, row_tolerance
from reconciliation.errors import ReportUnreadable
from reconciliation.models import AmountUnit

CURRENCIES = st.sampled_from(sorted(EXPONENTS))
VALUES = st.integers(min_value=-(10**14), max_value=10**14)


def read(text: str, currency: str, unit: AmountUnit = AmountUnit.MAJOR) -> int:
    return read_amount(text, currency, unit, line=2, column="settlementAmountValue")


@given(VALUES, CURRENCIES)
def test_what_is_printed_in_full_is_read_back_exactly(value: int, currency: str) -> None:
    assert read(Money(value, currency).major, currency) == value


@given(VALUES, CURRENCIES, st.integers(min_value=0, max_value=6))
def test_zeros_at_the_end_change_nothing(value: int, currency: str, zeros: int) -> None:
    printed = Money(value, currency).major
    longer = printed + ("" if "." in printed else "." if zeros else "") + "0" * zeros

    assert read(longer, currency) == value
    short = printed.rstrip("0").rstrip(".") if "." in printed else printed
    assert read(short, currency) == value


@given(VALUES, CURRENCIES, st.integers(min_value=1, max_value=9))
def test_one_decimal_more_than_the_currency_has_is_refused(value: int, currency: str, digit: int) -> None:
    printed = Money(value, currency).major
    with pytest.raises(TooPrecise):
        read(f"{printed}{'' if '.' in printed else '.'}{digit}", currency)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_no_text_is_ever_rounded(amount: Decimal) -> None:
    text = format(amount, "f")
    for currency in ("USD", "JPY", "KWD", "IDR"):
        exact = amount.scaleb(EXPONENTS[currency])
        if exact == exact.to_integral_value():
            assert read(text, currency) == int(exact)
        else:
            with pytest.raises(TooPrecise):
                read(text, currency)


@given(st.text(max_size=24), CURRENCIES)
def test_any_text_at_all_is_an_amount_or_a_clear_error(text: str, currency: str) -> None:
    try:
        value = read(text, currency)
    except (ReportUnreadable, TooPrecise):
        return
    assert Decimal(text).scaleb(EXPONENTS[currency]) == value


@given(st.integers(min_value=-(10**14), max_value=10**14), CURRENCIES)
def test_minor_units_are_taken_as_they_stand(value: int, currency: str) -> None:
    assert read(str(value), currency, AmountUnit.MINOR) == value


def test_a_point_in_a_file_of_minor_units_is_an_error() -> None:
    with pytest.raises(ReportUnreadable, match="in a file of minor units"):
        read("14.50", "USD", AmountUnit.MINOR)


@given(
    st.integers(min_value=1, max_value=10**12),
    st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(100_000), places=4, allow_nan=False),
)
def test_a_conversion_is_off_by_half_a_unit_at_most(value: int, price: Decimal) -> None:
    amount = Money(value, "PHP")

    times = gross_in("USD", amount, "PHP/USD", str(price))
    divided = gross_in("USD", amount, "USD/PHP", str(price))

    assert times is not None
    assert divided is not None
    assert abs(Decimal(times) - value * price) <= Decimal("0.5")
    assert abs(Decimal(divided) * price - value) <= price / 2
    assert gross_in("USD", -amount, "USD/PHP", str(price)) == -divided


def test_half_a_cent_goes_to_the_even_neighbour() -> None:
    assert [gross_in("USD", Money(value, "SGD"), "SGD/USD", "0.5") for value in (1, 3, 5, 7)] == [0, 2, 2, 4]


@pytest.mark.parametrize(("currency", "row", "batch"), [("USD", 2, 10), ("JPY", 2, 10), ("KWD", 20, 100)])
def test_tolerances_follow_the_currency(currency: str, row: int, batch: int) -> None:
    assert row_tolerance(currency) == row
    assert batch_tolerance(currency, 3) == batch
    assert batch_tolerance(currency, 1_000) == batch * 100
