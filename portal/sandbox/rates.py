"""Exchange rates and fees: fixed tables that move a little from day to day, the same for the same day.

Rates are locked when money moves ("pre-quote", https://docs.antom.com/ac/reconcile/rules): a payment takes the rate of
its day, a refund the rate of its own day, so a full refund of a cross-currency payment leaves a remainder. A cancel
undoes the payment at the payment's rate.
"""

import functools
import hashlib
from dataclasses import dataclass
from decimal import Decimal

from portal.money import Money, exponent
from portal.sandbox.moments import end_of, on_the_wire, start_of

_RATES = (
    "USD=1 PHP=56.20 IDR=16250 MYR=4.42 KRW=1382 THB=34.80 HKD=7.81 CNY=7.18 JPY=151.20 VND=25400 SGD=1.34 PKR=278.50 "
    "GBP=0.79 EUR=0.92"
)
_PER_DOLLAR = {pair[:3]: Decimal(pair[4:]) for pair in _RATES.split()}
_SWING = Decimal("0.008")
_WOBBLE_STEPS = 2**16
_DIGITS_OF_SMALL_RATES, _DIGITS_OF_LARGE_RATES, _LARGE = Decimal("0.0001"), Decimal("0.01"), 1000
_DIGITS_OF_RECIPROCALS = Decimal("1E-12")

SETTLEMENT_CURRENCIES = tuple(_PER_DOLLAR)


@dataclass(frozen=True)
class Quote:
    """A day's rate between a payment currency and a settlement currency.

    ``pair`` and ``price`` are as the reports print them: an amount in the left currency is multiplied, one in the right
    currency divided.
    """

    quote_id: str
    day: str
    source: str
    target: str
    pair: str
    price: Decimal

    def convert(self, amount: Money) -> Money:
        """The amount in the settlement currency, rounded half to even."""
        shifted = Decimal(amount.value).scaleb(exponent(self.target) - exponent(self.source))
        exact = shifted * self.price if self.pair.startswith(self.source) else shifted / self.price
        return Money(int(exact.to_integral_value()), self.target)

    def on_the_wire(self) -> dict[str, str]:
        """The protocol's Quote: settlement amount = payment amount × quotePrice."""
        factor = self.price if self.pair.startswith(self.source) else 1 / self.price
        return {
            "quoteId": self.quote_id,
            "quoteCurrencyPair": f"{self.source}/{self.target}",
            "quotePrice": f"{factor.quantize(_DIGITS_OF_RECIPROCALS).normalize():f}",
            "quoteStartTime": on_the_wire(start_of(self.day)),
            "quoteExpiryTime": on_the_wire(end_of(self.day) - 1000),
            "guaranteed": "true",
        }


def convertible(currency: str) -> bool:
    """Whether there is a rate for the currency."""
    return currency in _PER_DOLLAR


@functools.lru_cache(maxsize=4096)
def quote(source: str, target: str, day: str) -> Quote | None:
    """The day's rate; None within one currency."""
    if source == target:
        return None
    rate = _moved(source, day) / _moved(target, day)
    pair = f"{target}/{source}" if rate >= 1 else f"{source}/{target}"
    price = rate if rate >= 1 else 1 / rate
    digits = _DIGITS_OF_LARGE_RATES if price >= _LARGE else _DIGITS_OF_SMALL_RATES
    return Quote(f"Q{day}{source}{target}", day, source, target, pair, price.quantize(digits))


def _moved(currency: str, day: str) -> Decimal:
    base = _PER_DOLLAR[currency]
    if currency == "USD":
        return base
    digest = hashlib.sha256(f"{day} {currency}".encode()).digest()
    step = Decimal(int.from_bytes(digest[:2], "big")) / _WOBBLE_STEPS - Decimal("0.5")
    return base * (1 + _SWING * 2 * step)


def fee(gross: int, rate: Decimal) -> int:
    """The fee of a payment, as a charge (negative), rounded half to even."""
    return -int((Decimal(gross) * rate).to_integral_value())


def fee_given_back(charged: int, paid: int, returned_before: int, returned_now: int) -> int:
    """The part of a fee that comes back with a refund, positive.

    Whether it does is in the contract; we choose in proportion, so that a full return in any number of parts gives
    back exactly what was charged.
    """
    if not paid:
        return 0
    before = (Decimal(-charged) * returned_before / paid).to_integral_value()
    after = (Decimal(-charged) * (returned_before + returned_now) / paid).to_integral_value()
    return int(after - before)
