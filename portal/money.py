"""Money is an integer in minor units and an ISO 4217 code; it is never a float and never added across currencies.

Conversion happens at two places only, by the currency's own exponent: at the wire (``value`` is a string of digits
in the smallest unit, https://docs.antom.com/ac/ref/cc) and at the screen (major units).
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

# fmt: off
EXPONENTS: dict[str, int] = {
    "AED": 2, "AUD": 2, "BDT": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "CZK": 2, "DKK": 2,
    "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "IDR": 2, "ILS": 2, "INR": 2, "ISK": 0, "JOD": 3, "JPY": 0, "KHR": 2,
    "KRW": 0, "KWD": 3, "LAK": 2, "LKR": 2, "MMK": 2, "MNT": 2, "MOP": 2, "MXN": 2, "MYR": 2, "NOK": 2, "NPR": 2,
    "NZD": 2, "OMR": 3, "PEN": 2, "PHP": 2, "PKR": 2, "PLN": 2, "QAR": 2, "RUB": 2, "SAR": 2, "SEK": 2, "SGD": 2,
    "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "UGX": 0, "USD": 2, "UZS": 2, "VND": 0, "ZAR": 2,
}
# fmt: on
"""Decimals by ISO 4217. A currency that is not here is refused by name rather than guessed at."""

WHOLE_UNITS_ONLY = frozenset({"IDR"})
"""Exponent 2, but no cents in use: the last two digits are 00 on the wire and are not shown."""

_MAX_DIGITS = 16
"""``value`` is String 16 on the wire."""
_MAJOR = re.compile(r"(?P<sign>[+-]?)(?P<units>[0-9]+)(?:\.(?P<decimals>[0-9]+))?")


class MoneyError(ValueError):
    """An amount or a currency that cannot be; the sentence is for a person."""


def exponent(currency: str) -> int:
    """The currency's decimals. Raises MoneyError for a currency we do not know."""
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise MoneyError(f"Unknown currency {currency!r}: give an ISO 4217 code such as PHP.") from None


@dataclass(frozen=True, order=False)
class Money:
    """``Money(49900, "PHP")`` is 499.00 PHP."""

    value: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.value) is not int:
            raise MoneyError(f"An amount is an integer in minor units, not {self.value!r}.")
        exponent(self.currency)

    # Arithmetic stays within one currency.
    def __add__(self, other: "Money") -> "Money":
        return Money(self.value + self._same(other).value, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.value - self._same(other).value, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.value, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.value < self._same(other).value

    def __le__(self, other: "Money") -> bool:
        return self.value <= self._same(other).value

    def __gt__(self, other: "Money") -> bool:
        return self.value > self._same(other).value

    def __ge__(self, other: "Money") -> bool:
        return self.value >= self._same(other).value

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise MoneyError(f"{self.currency} and {other.currency} do not add up.")
        return other

    @property
    def major(self) -> str:
        """Plain major units with all of the currency's decimals: ``499.00``; a dot, no grouping."""
        return self._print(exponent(self.currency), "")

    @property
    def display(self) -> str:
        """For people: grouped, without the decimals nobody uses: ``1,499.00``; IDR and JPY without any."""
        return self._print(exponent(self.currency), ",")

    def __str__(self) -> str:
        return f"{self.display} {self.currency}"

    def _print(self, decimals: int, separator: str) -> str:
        sign = "-" if self.value < 0 else ""
        units, rest = divmod(abs(self.value), 10**decimals)
        whole = f"{units:,}" if separator else str(units)
        if decimals == 0 or (separator and rest == 0 and self.currency in WHOLE_UNITS_ONLY):
            return f"{sign}{whole}"
        return f"{sign}{whole}.{rest:0{decimals}d}"

    def payable(self) -> "Money":
        """This amount, if a payment or refund may be of it; raises MoneyError otherwise."""
        if self.value <= 0:
            raise MoneyError("The amount must be above zero.")
        if len(str(self.value)) > _MAX_DIGITS:
            raise MoneyError(f"The amount is too large: the acquirer takes at most {_MAX_DIGITS} digits.")
        if self.currency in WHOLE_UNITS_ONLY and self.value % 100:
            raise MoneyError(f"{self.currency} has no cents in use: give whole units.")
        return self

    def to_wire(self) -> dict[str, str]:
        """The protocol's Amount object."""
        return {"currency": self.currency, "value": str(self.value)}


def from_wire(amount: object) -> Money:
    """Money from the protocol's Amount object; a string of digits or an integer. Raises MoneyError."""
    if not isinstance(amount, dict):
        raise MoneyError("An amount is an object with currency and value.")
    value, currency = amount.get("value"), amount.get("currency")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MoneyError("The amount's value is missing.")
    text = str(value)
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        raise MoneyError(f"The amount's value must be 1 to {_MAX_DIGITS} digits, got {text[:40]!r}.")
    if not isinstance(currency, str):
        raise MoneyError("The amount's currency is missing.")
    return Money(int(text), currency)


def parse_major(text: str, currency: str) -> Money:
    """Money from what a person or a report wrote: ``1499``, ``1,499.00``, ``-14.5``, ``+0.00``.

    Grouping commas are taken only where they group by three. Raises MoneyError for more decimals than the currency
    has (never rounded away) and for anything that is not an amount.
    """
    decimals = exponent(currency)
    cleaned = text.strip()
    if "," in cleaned and re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", cleaned):
        cleaned = cleaned.replace(",", "")
    match = _MAJOR.fullmatch(cleaned) if cleaned.isascii() else None
    if match is None:
        example = Money(1499 * 10**decimals, currency)
        raise MoneyError(f"{text.strip()[:40]!r} is not an amount. Write it like {example.major}.")
    given = match["decimals"] or ""
    kept, surplus = given[:decimals], given[decimals:]
    if surplus.strip("0"):
        raise MoneyError(f"{currency} has {decimals} decimals; {text.strip()[:40]!r} has more.")
    digits = int(match["units"] + kept.ljust(decimals, "0"))
    return Money(-digits if match["sign"] == "-" else digits, currency)


def convert(amount: Money, rate: Decimal, currency: str) -> Money:
    """``amount`` × ``rate`` in another currency, rounded once, half to even, to its minor unit."""
    # Fractions: a product of Decimals is rounded to the context's 28 digits before it is rounded to the unit.
    exact = amount.value * Fraction(rate) * Fraction(10) ** (exponent(currency) - exponent(amount.currency))
    return Money(round(exact), currency)
