"""Amounts as reports print them: read by the currency's exponent, converted, and checked row by row.

Nothing is rounded away: text with more decimals than its currency has is no amount here but an open discrepancy.
Sources: https://docs.antom.com/ac/reconcile/settlement_details , https://docs.antom.com/ac/reconcile/rules ; the row
formula and its tolerances are the acquirer's own (https://github.com/ant-intl/antom-ai-tools).
"""

import re
from fractions import Fraction
from functools import lru_cache

from portal.money import EXPONENTS, Money, MoneyError, exponent, parse_major
from reconciliation.errors import ReportUnreadable
from reconciliation.models import AmountUnit

_AMOUNT = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_PRICE = re.compile(r"[0-9]{1,16}(\.[0-9]{1,15})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PAIR = re.compile(r"(?P<left>[A-Z]{3})/(?P<right>[A-Z]{3})")


class TooPrecise(ValueError):
    """An amount with more decimals than its currency has; it cannot be an integer in minor units."""


def read_amount(text: str, currency: str, unit: AmountUnit, *, line: int, column: str) -> int:
    """Minor units of a printed amount.

    Raises TooPrecise, and ReportUnreadable for text that is no amount: a grouping comma is refused too, because it
    cannot be told from a decimal one.
    """
    if not _AMOUNT.fullmatch(text):
        raise ReportUnreadable(
            line=line, problem=f"{column} is {text[:40]!r}, which is not an amount. Write it like 14.50."
        )
    if unit is AmountUnit.MINOR:
        if "." in text:
            raise ReportUnreadable(line=line, problem=f"{column} is {text[:40]!r} in a file of minor units.")
        return int(text)
    try:
        return parse_major(text, currency).value
    except MoneyError:
        raise TooPrecise(
            f"{column} is {text[:40]}, but {currency} has {exponent(currency)} decimals: it is not rounded."
        ) from None


def read_currency(text: str, *, line: int, column: str) -> str:
    """A currency code as printed; three capital letters. Raises ReportUnreadable."""
    if not _CURRENCY.fullmatch(text):
        raise ReportUnreadable(line=line, problem=f"{column} is {text[:40]!r}, which is not a currency code.")
    return text


def is_known(currency: str) -> bool:
    """Whether we know the currency's exponent."""
    return currency in EXPONENTS


def check_quote(pair: str, price: str, *, line: int) -> None:
    """Raise ReportUnreadable unless ``quoteCurrencyPair`` and ``quotePrice`` can be what they say."""
    if pair and not _PAIR.fullmatch(pair):
        raise ReportUnreadable(line=line, problem=f"quoteCurrencyPair is {pair[:40]!r}; it should be like USD/PHP.")
    if price and (not _PRICE.fullmatch(price) or Fraction(price) == 0):
        raise ReportUnreadable(line=line, problem=f"quotePrice is {price[:40]!r}, which is not a rate.")


def gross_in(settlement_currency: str, amount: Money, pair: str, price: str) -> int | None:
    """``amount`` in the settlement currency, half to even: × the price when it is the pair's left code, ÷ when right.

    None where the pair does not lead from the one currency to the other.
    """
    if amount.currency == settlement_currency:
        return amount.value
    factor = conversion(settlement_currency, amount.currency, pair, price)
    return None if factor is None else converted(amount.value, factor)


@lru_cache(maxsize=4096)
def conversion(settlement_currency: str, currency: str, pair: str, price: str) -> Fraction | None:
    """What minor units of ``currency`` are multiplied with; None where the pair does not lead from one to the other."""
    match = _PAIR.fullmatch(pair)
    if match is None or not price:
        return None
    rate = Fraction(price)
    if (match["left"], match["right"]) == (currency, settlement_currency):
        factor = rate
    elif (match["left"], match["right"]) == (settlement_currency, currency):
        factor = 1 / rate
    else:
        return None
    return Fraction(10) ** (exponent(settlement_currency) - exponent(currency)) * factor


def converted(value: int, factor: Fraction) -> int:
    """``value`` × ``factor``, half to even; in integers, because a report has a million of them."""
    divisor = factor.denominator
    whole, rest = divmod(value * factor.numerator, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1))


def row_tolerance(currency: str) -> int:
    """How far a row may miss its formula and still be rounding: 0.02, or 2 units of a currency without decimals."""
    return 2 * _hundredth(currency)


def batch_tolerance(currency: str, rows: int) -> int:
    """The same for a sum over rows: 0.01 per row, at least 0.10."""
    return max(rows, 10) * _hundredth(currency)


def _hundredth(currency: str) -> int:
    # The acquirer's figures are for two decimals. Undocumented for others; we choose one unit of a currency without
    # decimals, because nothing smaller exists there, and 0.01 where there are three.
    return int(10 ** max(exponent(currency) - 2, 0))
