"""The cards of the first page: what was paid, by currency and day, and how each wallet does. Reads only.

They are added up from the kept hours (``payments.figures``), so that they cost the same beside a million orders.
Currencies stand beside each other and never add up. Every figure is a link to the rows it counts, and what it counts
is what the list behind the link shows: a payment counts in the day it was begun, as paid when it was, whatever became
of the money later.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from payments import figures
from portal import clock
from portal.acquirer.wallets import name_of
from portal.admin.display import day_name
from portal.money import Money
from portal.registry import Once, Panel
from portal.words import say

DAYS, WEEK = figures.DAYS, 7
_CURRENCIES_AT_MOST = 12
_BAR, _GAP, _HEIGHT = 5, 2, 36
_PERMISSION = "payments.view_payment"


@dataclass
class _Tally:
    """What was tried and what came of it, of some wallets on some days in one currency."""

    times: int = 0
    final: int = 0
    paid: int = 0
    value: int = 0
    refunded: int = 0

    def add(self, one: figures.Figure) -> None:
        self.times += one.times
        self.final += one.final_times
        self.paid += one.paid_times
        self.value += one.paid_value
        self.refunded += one.refunded_value


@dataclass(frozen=True)
class Figure:
    """A number and where its rows are."""

    shown: Any
    url: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Books:
    """The figures of the days shown: one for each day, wallet and currency."""

    today: date
    figures: Sequence[figures.Figure]

    def days(self, count: int) -> list[date]:
        return [self.today - timedelta(days=back) for back in range(count - 1, -1, -1)]

    def tally(self, *, days: int, currency: str, wallet: str = "") -> _Tally:
        since = self.today - timedelta(days=days - 1)
        total = _Tally()
        for one in self.figures:
            if one.currency == currency and wallet in ("", one.wallet) and one.day >= since:
                total.add(one)
        return total

    def by_day(self, currency: str, days: Iterable[date]) -> list[tuple[date, _Tally]]:
        tallies = {day: _Tally() for day in days}
        for one in self.figures:
            if one.currency == currency and one.day in tallies:
                tallies[one.day].add(one)
        return list(tallies.items())


def panels(once: Once) -> list[Panel]:
    """Paid per currency, and the week by wallet; nothing where nothing was tried in all those days."""
    books = _read(once(figures.recent))
    busiest: dict[str, int] = defaultdict(int)
    for one in books.figures:
        busiest[one.currency] += one.times
    if not busiest:
        return []
    currencies = sorted(busiest, key=lambda currency: (-busiest[currency], currency))[:_CURRENCIES_AT_MOST]
    days = books.days(DAYS)
    said = {day: day_name(day, with_weekday=True) for day in days}
    return [
        Panel(
            title=say("Paid"),
            note=say("by currency, each for itself"),
            template="payments/paid.html",
            context={
                "currencies": [_currency(books, currency, said) for currency in currencies],
                "names": currencies,
                "days": _days(books, said, currencies),
                "count": DAYS,
            },
            permission=_PERMISSION,
            columns=12,
        ),
        Panel(
            title=say("By wallet"),
            note=say("last {week} days", week=WEEK),
            template="payments/by_wallet.html",
            context={"wallets": list(_wallets(books))},
            permission=_PERMISSION,
            columns=12,
        ),
    ]


def _read(hours: figures.Hours) -> _Books:
    today = timezone.localtime(clock.now()).date()
    first = today - timedelta(days=DAYS - 1)
    # Of the hour in which the first day begins, a part may belong to the day before.
    return _Books(today, [one for one in hours.figures() if one.day >= first])


def rows_of(model: str, **asked: object) -> str:
    """The list behind a figure."""
    return f"{reverse(f'admin:payments_{model}_changelist')}?{urlencode(asked)}"


def _currency(books: _Books, currency: str, said: dict[date, str]) -> dict[str, Any]:
    spans = ((1, 0), (WEEK, WEEK), (DAYS, DAYS))  # days, and what the list calls them
    by_day = books.by_day(currency, said)
    back = books.tally(days=DAYS, currency=currency).refunded
    best, most = max(by_day, key=lambda pair: pair[1].value)
    return {
        "name": currency,
        "figures": [_paid(books, currency, length, code) for length, code in spans],
        "refunded": Figure(
            Money(back, currency), rows_of("refund", ask="refunded", day=DAYS, currency=currency) if back else ""
        ),
        "bars": _bars(by_day, currency, books.today, said),
        "width": len(said) * (_BAR + _GAP) - _GAP,
        "height": _HEIGHT,
        "said": say("Best day {day} with {value}.", day=day_name(best), value=Money(most.value, currency))
        if most.value
        else say("Nothing was paid."),
    }


def _paid(books: _Books, currency: str, length: int, code: int) -> Figure:
    tally = books.tally(days=length, currency=currency)
    url = rows_of("payment", ask="was_paid", day=code, currency=currency) if tally.paid else ""
    return Figure(
        Money(tally.value, currency),
        url,
        say("1 payment") if tally.paid == 1 else say("{paid:,} payments", paid=tally.paid),
    )


def _days(books: _Books, said: dict[date, str], currencies: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of the table that tells what the bars draw, newest day first."""
    columns = [dict(books.by_day(currency, said)) for currency in currencies]
    return [
        {
            "label": said[day],
            "cells": [_cell(column[day], day, currency) for currency, column in zip(currencies, columns, strict=True)],
        }
        for day in reversed(said)
    ]


def _cell(tally: _Tally, day: date, currency: str) -> Figure:
    if not tally.paid:
        return Figure(None)
    url = rows_of("payment", ask="was_paid", day=day.isoformat(), currency=currency)
    return Figure(Money(tally.value, currency), url)


def _bars(
    by_day: Sequence[tuple[date, _Tally]], currency: str, today: date, said: dict[date, str]
) -> list[dict[str, Any]]:
    """The rectangles of one currency's chart, in the units of its view box; heights are shares of its best day."""
    most = max((tally.value for _, tally in by_day), default=0)
    bars: list[dict[str, Any]] = []
    for index, (day, tally) in enumerate(by_day):
        height = max(3, tally.value * _HEIGHT // most) if tally.value else 2
        bars.append(
            {
                "x": index * (_BAR + _GAP),
                "y": _HEIGHT - height,
                "width": _BAR,
                "height": height,
                "tone": "none" if not tally.value else "now" if day == today else "",
                "title": say(
                    "{day}: {value}, {paid} paid",
                    day=said[day],
                    value=Money(tally.value, currency),
                    paid=tally.paid,
                ),
            }
        )
    return bars


def _share(paid: int, final: int) -> float | None:
    """Percent to one decimal, rounded, but 100 only when every one was paid."""
    if not final:
        return None
    return 100.0 if paid == final else min(99.9, round(100 * paid / final, 1))


def _wallets(books: _Books) -> Iterable[dict[str, Any]]:
    pairs = {(one.wallet, one.currency) for one in books.figures}
    tallies = {pair: books.tally(days=WEEK, currency=pair[1], wallet=pair[0]) for pair in pairs}
    for (wallet, currency), tally in sorted(tallies.items(), key=lambda item: (-item[1].times, item[0])):
        if not tally.times and not tally.refunded:
            continue
        asked = {"wallet": wallet, "day": WEEK, "currency": currency}
        unpaid = tally.final - tally.paid
        refunded = rows_of("refund", ask="refunded", **asked) if tally.refunded else ""
        yield {
            "name": name_of(wallet),
            "times": Figure(f"{tally.times:,}", rows_of("payment", **asked)),
            "share": _share(tally.paid, tally.final),
            "width": tally.paid * 56 // tally.final if tally.final else 0,
            "unpaid": Figure(f"{unpaid:,}", rows_of("payment", ask="ended_unpaid", **asked) if unpaid else ""),
            "paid": Figure(
                Money(tally.value, currency), rows_of("payment", ask="was_paid", **asked) if tally.paid else ""
            ),
            "refunded": Figure(Money(tally.refunded, currency), refunded),
        }
