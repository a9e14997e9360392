"""What the contract says a payment costs, and whether a report charges it otherwise.

A rate in hundredths of a percent of the gross in the settlement currency, rounded half to even, plus a fixed part in
its minor units; both of all fees of a row together, tax included. The terms of the payment's day count: UTC+8, the
newest ones that are valid by then. Only payments are held against them: whether a refund gives its fee back, or costs
one more, is in no field of a report.

A single fee that is wrong is a discrepancy of its row. Where most of a wallet's rows in one report are wrong the same
way, the price has changed, and asking a person row by row would hide it: that is one incident, and the rows are matched
as they were charged.
Source: https://docs.antom.com/ac/reconcile/settlement_details
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from portal.money import Money

HUNDREDTHS = 10_000
"""Of a percent, in the whole."""
ROWS_AT_LEAST = 5
"""Fewer rows of a wallet in a report are looked at one by one."""


class Terms(NamedTuple):
    """What was agreed on for a wallet and a settlement currency, from a day on."""

    pk: int
    wallet: str
    currency: str
    rate: int
    """Hundredths of a percent."""
    fixed: int
    valid_from: date
    drift_percent: int
    """Above this share of a wallet's rows in one report, the same mistake is the report's."""

    @property
    def key(self) -> str:
        """What it is about."""
        return f"{self.wallet} {self.currency}"

    def fee_of(self, gross: int) -> int:
        """What a payment of that gross is charged: negative, as all that is taken from us."""
        return -(round(Fraction(gross * self.rate, HUNDREDTHS)) + self.fixed)

    def words(self) -> str:
        """``2.90 % + 0.30 USD``."""
        rate = f"{self.rate // 100}.{self.rate % 100:02d} %"
        return f"{rate} + {Money(self.fixed, self.currency)}" if self.fixed else rate


class Deviation(NamedTuple):
    """How a row's fee differs from the terms, where it does."""

    terms: Terms
    difference: int
    """Negative: more was taken than was agreed on."""

    @property
    def way(self) -> str:
        """Which mistake it is, for whatever looks whether many make the same."""
        return f"{self.terms.wallet} {self.terms.currency} {'more' if self.difference < 0 else 'less'}"


@dataclass
class Contracts:
    """The terms of an account, by wallet and settlement currency, newest first."""

    terms: dict[tuple[str, str], list[Terms]] = field(default_factory=dict)

    @classmethod
    def of(cls, terms: Iterable[Terms]) -> "Contracts":
        """From all terms of an account, in any order."""
        made = cls()
        for one in sorted(terms, key=lambda one: one.valid_from, reverse=True):
            made.terms.setdefault((one.wallet, one.currency), []).append(one)
        return made

    def valid(self, wallet: str, currency: str, day: date | None) -> Terms | None:
        """Those of a day; None where nothing was agreed on by then, or the day is not known."""
        if day is None:
            return None
        known = self.terms.get((wallet.upper(), currency), ())
        return next((one for one in known if one.valid_from <= day), None)


@dataclass(frozen=True)
class Drift:
    """That most of a wallet's rows in a report are charged otherwise than agreed on, the same way."""

    terms: Terms
    way: str
    rows: int
    of: int
    difference: Money


@dataclass
class DriftCount:
    """How many rows of a report were held against the terms of a wallet, and how many of them differ, and how."""

    compared: dict[str, int] = field(default_factory=dict)
    """By wallet and currency."""
    found: dict[str, "_Same"] = field(default_factory=dict)
    """By the way of the mistake."""

    def add(self, terms: Terms | None, deviations: Iterable[Deviation]) -> None:
        """One more row."""
        if terms is not None:
            self.agree(terms.key, 1)
        for deviation in deviations:
            same = self.found.setdefault(deviation.way, _Same(deviation.terms))
            same.rows += 1
            same.difference += deviation.difference
            same.terms = max(same.terms, deviation.terms, key=lambda one: one.valid_from)

    def agree(self, key: str, rows: int) -> None:
        """So many more rows that were held against terms with that key."""
        self.compared[key] = self.compared.get(key, 0) + rows

    def drifts(self) -> list[Drift]:
        """Which mistakes are the report's own."""
        found = []
        for way, same in sorted(self.found.items()):
            rows = self.compared[same.terms.key]
            if rows >= ROWS_AT_LEAST and same.rows * 100 > rows * same.terms.drift_percent:
                found.append(Drift(same.terms, way, same.rows, rows, Money(same.difference, same.terms.currency)))
        return found


@dataclass
class _Same:
    terms: Terms
    rows: int = 0
    difference: int = 0


def is_of(deviation: Deviation | None, ways: Collection[str]) -> bool:
    """Whether a row's difference is one of those mistakes."""
    return deviation is not None and deviation.way in ways
