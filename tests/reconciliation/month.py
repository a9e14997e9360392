"""``python -m tests.reconciliation.month --transactions 200000``: a month of the sandbox, wrong in many known ways.

Payments, refunds and cancels in four wallets and three settlement currencies stand in the sandbox's books and in ours;
the sandbox closes every day of the month and writes its reports, one day each in E1, E2 and E3 and all others in E4.
Then every kind of error in ``PLANTS`` is put into them. Imported, the month must leave open exactly what was planted,
match nothing falsely, and come to the same digest when the files are imported in another order. Exit 0 when all of that
held.
"""

import argparse
import csv
import io
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.money import Money

_BEGINS = datetime(2026, 4, 30, 16, tzinfo=UTC)
"""Midnight of 1 May in UTC+8."""
_DAYS = 30
_EDITIONS = {4: "E1", 9: "E2", 14: "E3"}
"""By the day of the month, from 0; all others are printed in the current one."""
_WALLETS = (("GCASH", "PHP", "PHP"), ("TNG", "MYR", "USD"), ("DANA", "IDR", "USD"), ("ALIPAY_HK", "HKD", "HKD"))
"""Name, currency, and what it is settled in."""
_AT_ONCE = 5_000

Row = dict[str, str]
Expected = tuple[str, str]
"""Reason, and the request id of the row it is about; of a summary its type; of both with the day before it."""


@dataclass
class Report:
    """One report as the sandbox wrote it, to be spoiled."""

    day: int
    name: str
    kind: str
    columns: list[str]
    rows: list[Row]
    is_current: bool

    @classmethod
    def of(cls, day: int, name: str, kind: str, content: str, edition: str) -> "Report":
        """Read one."""
        lines = content.splitlines()
        reader = csv.DictReader(lines[:-1])
        return cls(day, name, kind, list(reader.fieldnames or ()), list(reader), edition == "E4")

    @property
    def currency(self) -> str:
        """What a settlement is in."""
        return self.name.split("_")[1]

    def content(self) -> bytes:
        """As it is delivered."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.rows)
        return f"{text.getvalue()}<END>\n".encode()


@dataclass
class Month:
    """What the acquirer delivers, and what a bookkeeper must find in it."""

    reports: list[Report] = field(default_factory=list)
    expected: "Counter[Expected]" = field(default_factory=Counter)
    unsettled: set[str] = field(default_factory=set)
    """Request ids of what is ours and in no settlement, or disagrees there."""
    kinds: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    """Request ids of payments that failed."""
    lonely: set[str] = field(default_factory=set)
    """Request ids of payments that were neither refunded nor cancelled."""
    pairs: list[str] = field(default_factory=list)
    """Request ids of payments with two refunds of one amount."""
    settled: set[str] = field(default_factory=set)
    """Every request id of which the acquirer moved money; of a cancel with ``cancel of`` before it."""


# Both sides' books.


def trade(transactions: int, seed: int, say: Callable[[str], object]) -> tuple[Any, Month]:
    """Fill the sandbox and our books with the same month, and let the sandbox write its reports."""
    from portal.clock import VirtualClock  # noqa: PLC0415
    from portal.sandbox import reports  # noqa: PLC0415
    from portal.sandbox.engine import Engine  # noqa: PLC0415
    from portal.sandbox.merchants import FIRST_CLIENT  # noqa: PLC0415
    from portal.sandbox.moments import day_of, stamp  # noqa: PLC0415
    from portal.sandbox.store import Store  # noqa: PLC0415
    from tests.factories import AcquirerAccountFactory  # noqa: PLC0415

    draw = random.Random(seed)
    time_of = VirtualClock(_BEGINS)
    engine = Engine(Store(), time_of)
    customer = "2188000000000042"
    account = AcquirerAccountFactory(slug="antom-sg", name="Antom SG", customer_id=customer, settlement_currency="USD")
    month = Month()
    theirs = _Theirs(engine.context, time_of, FIRST_CLIENT)
    ours = _Ours(account)
    with engine.context.store.transaction():
        for event in _events(transactions, draw, month):
            facts = theirs.happens(event)
            ours.happens(event, facts)
    ours.write()
    say(f"{sum(1 for _ in month.settled):,} movements are in both books\n")
    time_of.set(_BEGINS + timedelta(days=_DAYS + 1, minutes=30))
    for number in range(_DAYS + 1):
        day = day_of(stamp(_BEGINS + timedelta(days=number)))
        edition = _EDITIONS.get(number, "E4")
        for written in reports.close_day(engine.context, day, edition=edition):
            month.reports.append(Report.of(number, written.name, written.kind, written.content, edition))
    say(f"{len(month.reports)} reports, {sum(len(one.rows) for one in month.reports):,} rows\n")
    return account, month


@dataclass
class _Event:
    at: datetime
    kind: str
    number: int
    wallet: int
    value: int
    turn: int = 0
    """Of refunds of one payment."""

    @property
    def request_id(self) -> str:
        """Ours."""
        return (
            f"P-{self.number:07d}"
            if self.kind in {"PAYMENT", "FAILED", "CANCEL"}
            else f"R-{self.number:07d}-{self.turn}"
        )


def _events(transactions: int, draw: random.Random, month: Month) -> list[_Event]:
    """Of a hundred transactions, 90 are payments, 2 of which fail; 7 refunds, and 3 cancels. In the order of time."""
    events: list[_Event] = []
    for number in range(transactions * 90 // 100):
        wallet = number % len(_WALLETS)
        day = number * _DAYS // max(transactions * 90 // 100, 1)
        seconds = 86_399 if number % 50 == 49 else draw.randrange(86_000)
        at = _BEGINS + timedelta(days=day, seconds=seconds)
        value = draw.choice((499_00, 499_00, 1_250_00, 9_900_00)) * (100 if _WALLETS[wallet][1] == "IDR" else 1)
        share = number % 45
        if share == 44:
            events.append(_Event(at, "FAILED", number, wallet, value))
            month.failed.append(f"P-{number:07d}")
            continue
        events.append(_Event(at, "PAYMENT", number, wallet, value))
        month.settled.add(f"P-{number:07d}")
        later = at + timedelta(hours=draw.randrange(1, 40))
        if share < 3:
            turns = 2 if share == 0 and number % 10 == 0 else 1
            for turn in range(turns):
                events.append(_Event(later, "REFUND", number, wallet, value // 100 // 4 * 100, turn))
                month.settled.add(events[-1].request_id)
            if turns == 2:
                month.pairs.append(f"P-{number:07d}")
        elif share == 3:
            events.append(_Event(at + timedelta(minutes=3), "CANCEL", number, wallet, value))
            month.settled.add(f"cancel of P-{number:07d}")
        else:
            month.lonely.add(f"P-{number:07d}")
    end = _BEGINS + timedelta(days=_DAYS, hours=23)
    return sorted((replace_at(one, min(one.at, end)) for one in events), key=lambda one: (one.at, one.number, one.turn))


def replace_at(event: _Event, at: datetime) -> _Event:
    """The same event at another moment."""
    event.at = at
    return event


class _Theirs:
    """The sandbox's books, by its own rules for rates and fees."""

    def __init__(self, context: Any, clock: Any, client_id: str) -> None:
        self._context, self._clock, self._client_id = context, clock, client_id

    def happens(self, event: _Event) -> dict[str, Any]:
        """Put it in; what the acquirer tells of it."""
        from portal.sandbox import transactions  # noqa: PLC0415

        self._clock.set(event.at)
        store, now = self._context.store, self._context.now()
        wallet, currency, settled_in = _WALLETS[event.wallet]
        payment_id = f"20260501194010800100188{event.number:09d}"
        if event.kind in {"PAYMENT", "FAILED"}:
            is_paid = event.kind == "PAYMENT"
            store.insert(
                "payments", payment_id=payment_id, client_id=self._client_id, payment_request_id=event.request_id,
                wallet=wallet, user_id="u", access_token="t", currency=currency, value=event.value,
                order_id=f"O-{event.number:07d}", description="pass", reference_merchant_id="M", reference_store_id="",
                settlement_currency=settled_in, notify_url="", status="SUCCESS" if is_paid else "FAIL",
                result_code="SUCCESS" if is_paid else "USER_BALANCE_NOT_ENOUGH", created_at=now,
                paid_at=now if is_paid else None, finished_at=now,
            )  # fmt: skip
        payment = store.one("SELECT * FROM payments WHERE payment_id = ?", (payment_id,))
        refund_id = ""
        if event.kind == "PAYMENT":
            transactions.record_payment(self._context, payment)
        elif event.kind == "REFUND":
            refund_id = f"20260501194010800200188{event.number:08d}{event.turn}"
            store.insert(
                "refunds", refund_id=refund_id, client_id=self._client_id, refund_request_id=event.request_id,
                payment_id=payment_id, currency=currency, value=event.value, reason="", notify_url="",
                status="SUCCESS", result_code="SUCCESS", created_at=now, finished_at=now,
            )  # fmt: skip
            refund = store.one("SELECT * FROM refunds WHERE refund_id = ?", (refund_id,))
            transactions.record_refund(self._context, payment, refund)
        elif event.kind == "CANCEL":
            transactions.record_cancel(self._context, payment)
        kind = {"REFUND": "REFUND", "CANCEL": "CANCEL"}.get(event.kind, "PAYMENT")
        told = transactions.rate_of(self._context, payment_id, event.request_id, kind)
        return {"payment_id": payment_id, "refund_id": refund_id, "gross": None if told is None else told[0].value}


class _Ours:
    """Our books, as they are when all of that was told."""

    def __init__(self, account: Any) -> None:
        from tests.factories import BuyerFactory, WalletAccountFactory  # noqa: PLC0415

        self._buyer = BuyerFactory(account=account)
        self._wallets = [WalletAccountFactory(buyer=self._buyer, wallet=name) for name, _, _ in _WALLETS]
        self._account = account
        self._payments: dict[int, tuple[Any, Any]] = {}
        self._refunds: list[tuple[int, Any]] = []
        self._cancels: list[tuple[int, Any]] = []

    def happens(self, event: _Event, facts: dict[str, Any]) -> None:
        """Note it; ``write`` writes it."""
        from payments.models import Cancel, Order, Payment, Refund  # noqa: PLC0415

        wallet, (_, currency, settled_in) = self._wallets[event.wallet], _WALLETS[event.wallet]
        gross = {} if facts["gross"] is None else {
            "gross_settlement_value": facts["gross"], "gross_settlement_currency": settled_in,
        }  # fmt: skip
        if event.kind in {"PAYMENT", "FAILED"}:
            is_paid = event.kind == "PAYMENT"
            order = Order(
                account=self._account, buyer=self._buyer, number=f"O-{event.number:07d}", amount_value=event.value,
                currency=currency, description="pass", status="PAID" if is_paid else "INIT", created_at=event.at,
                paid_at=event.at if is_paid else None,
            )  # fmt: skip
            payment = Payment(
                order=order, wallet_account=wallet, payment_request_id=event.request_id,
                payment_id=facts["payment_id"], status="SUCCEEDED" if is_paid else "FAILED", amount_value=event.value,
                currency=currency, token_index="x", terminal_type="APP", settlement_currency=settled_in,
                created_at=event.at, expires_at=event.at, paid_at=event.at if is_paid else None, **gross,
            )  # fmt: skip
            self._payments[event.number] = order, payment
            return
        order, payment = self._payments[event.number]
        payment.returned_value += event.value
        if event.kind == "REFUND":
            made = Refund(
                status="SUCCEEDED", amount_value=event.value, currency=currency, refund_request_id=event.request_id,
                reason_code="BUYER_REQUEST", refund_id=facts["refund_id"], created_at=event.at, refunded_at=event.at,
                **gross,
            )  # fmt: skip
            self._refunds.append((event.number, made))
            return
        payment.status, order.status = "CANCELLED", "CANCELLED"
        made_cancel = Cancel(
            status="CONFIRMED", amount_value=event.value, cancel_id=f"C-{event.number:07d}",
            reason_code="BUYER_REQUEST", created_at=event.at, finished_at=event.at,
        )  # fmt: skip
        self._cancels.append((event.number, made_cancel))

    def write(self) -> None:
        """All of it."""
        from payments.models import Cancel, Order, Payment, Refund  # noqa: PLC0415

        orders, payments = zip(*self._payments.values(), strict=True)
        Order.objects.bulk_create(orders, batch_size=_AT_ONCE)
        for order, payment in self._payments.values():
            payment.order = order
        Payment.objects.bulk_create(payments, batch_size=_AT_ONCE)
        for number, made in (*self._refunds, *self._cancels):
            made.payment = self._payments[number][1]
        Refund.objects.bulk_create([made for _, made in self._refunds], batch_size=_AT_ONCE)
        Cancel.objects.bulk_create([made for _, made in self._cancels], batch_size=_AT_ONCE)
        self._payments.clear()


# What is wrong on purpose.


class Planter:
    """Spoils the reports of a month, each row at most once."""

    def __init__(self, month: Month) -> None:
        self.month = month
        self._used: set[int] = set()
        self.details = [one for one in month.reports if one.kind == "settlementItems" and one.is_current]
        self.summaries = {one.name.replace("Summary", "Items"): one for one in month.reports if "Summary" in one.name}
        self._turn = 0

    def take(self, kind: str = "PAYMENT", *, is_foreign: bool = False, of: Report | None = None) -> tuple[Report, Row]:
        """A row that nobody has spoiled: of a payment that was neither refunded nor cancelled, or of a lone refund."""
        self._turn += 1
        reports = [of] if of is not None else self.details
        for place in range(len(reports)):
            report = reports[(place + self._turn * 7) % len(reports)]
            for row in report.rows:
                name = row["originalTransactionRequestId"] or row["transactionRequestId"]
                is_apart = name in self.month.lonely if kind == "PAYMENT" else name not in self.month.pairs
                if id(row) in self._used or row["transactionType"] != kind or not is_apart:
                    continue
                if bool(row["quoteCurrencyPair"]) is is_foreign:
                    self._used.add(id(row))
                    return report, row
        raise LookupError(f"There is no {kind} left to be spoiled: let there be more transactions.")

    def take_early(self) -> tuple[Report, Row, Report]:
        """A row of a payment, and a later settlement in the same currency."""
        while True:
            report, row = self.take()
            for later in self.details:
                if later.day > report.day and later.currency == report.currency:
                    return report, row, later

    def failed_amount(self, request_id: str) -> str:
        """What a payment was over that failed, as the transaction details print it."""
        return _told(self, request_id)["transactionAmountValue"]

    def file(self) -> Report:
        """Another settlement."""
        self._turn += 1
        return self.details[self._turn * 5 % len(self.details)]

    def expect(self, reason: str, row: Row, *, settles: bool = True) -> None:
        """A bookkeeper must find this about the row, and whether it still settles what it is about."""
        self.month.expected[reason, row["transactionRequestId"] or row["transactionId"]] += 1
        if not settles:
            self.month.unsettled.add(row["transactionRequestId"])

    def sum_up(self) -> None:
        """Let every summary say what its details say by now."""
        for details in self.details:
            by_type: dict[str, list[Row]] = defaultdict(list)
            for row in details.rows:
                by_type[row["transactionType"]].append(row)
            summary = self.summaries[details.name]
            like = {**summary.rows[0]}
            summary.rows = [_summary(like, kind, rows) for kind, rows in [*by_type.items(), ("TOTAL", details.rows)]]


def _summary(like: Row, kind: str, rows: Sequence[Row]) -> Row:
    currency = like["settlementCurrency"]
    fees = [row for row in rows if row["paymentMethodFeeCurrency"] == currency]
    net = sum(_minor(row["settlementAmountValue"], currency) for row in rows)
    fee = sum(_minor(row["paymentMethodFeeAmountValue"], currency) for row in fees)
    return {
        **like,
        "summaryType": kind,
        "count": str(len(rows)),
        "settlementAmountValue": Money(net, currency).major,
        "paymentMethodFeeAmountValue": Money(fee, currency).major,
    }


def _minor(text: str, currency: str) -> int:
    from portal.money import parse_major  # noqa: PLC0415

    return parse_major(text, currency).value


def _add(row: Row, name: str, minor: int, currency: str = "") -> None:
    currency = currency or row["settlementCurrency"]
    row[name] = Money(_minor(row[name], currency) + minor, currency).major


def _gross(row: Row, by: int) -> None:
    """Of a row within one currency: the amount and the net of it."""
    _add(row, "transactionAmountValue", by, row["transactionCurrency"])
    _add(row, "settlementAmountValue", by)


def _without_fee(row: Row) -> Row:
    """Another row like it, over the same amount without a fee."""
    made = {
        **row,
        "paymentMethodFeeAmountValue": "",
        "paymentMethodFeeCurrency": "",
        "originalTransactionRequestId": "",
    }
    return {**made, "settlementAmountValue": row["transactionAmountValue"]}


def _turned(row: Row) -> Row:
    """The same row with its amount the other way."""
    names = ("transactionAmountValue", "settlementAmountValue")
    return {**row, **{name: row[name][1:] if row[name].startswith("-") else f"-{row[name]}" for name in names}}


def _of_no_order(row: Row, kind: str, net: str) -> Row:
    kept = ("settlementBatchId", "customerId", "PSP", "settlementCurrency", "settlementInitiatedDate")
    nothing = dict.fromkeys(row, "")
    return {**nothing, **{name: row[name] for name in kept}, "transactionType": kind, "settlementAmountValue": net}


Plant = Callable[[Planter, int], None]
PLANTS: dict[str, Plant] = {}


def plant(kind: str) -> Callable[[Plant], Plant]:
    """One way to be wrong, or to be unusual and right."""

    def keep(how: Plant) -> Plant:
        PLANTS[kind] = how
        return how

    return keep


@plant("a payment is short")
def _short(planter: Planter, number: int) -> None:
    _, row = planter.take()
    _gross(row, -1_00)
    planter.expect("AMOUNT_DIFFERS", row)


@plant("a payment is over")
def _over(planter: Planter, number: int) -> None:
    _, row = planter.take()
    _gross(row, 1)
    planter.expect("AMOUNT_DIFFERS", row)


@plant("a refund is over")
def _refund_over(planter: Planter, number: int) -> None:
    _, row = planter.take("REFUND")
    _gross(row, -5_00)
    planter.expect("AMOUNT_DIFFERS", row)


@plant("a fee differs")
def _fee(planter: Planter, number: int) -> None:
    _, row = planter.take()
    _add(row, "paymentMethodFeeAmountValue", -10)
    _add(row, "settlementAmountValue", -10)
    planter.expect("FEE_DIFFERS", row)


@plant("a net does not close")
def _net(planter: Planter, number: int) -> None:
    _, row = planter.take()
    _add(row, "settlementAmountValue", 5_00)
    planter.expect("NET_DIFFERS", row)


@plant("a payment is in another currency")
def _currency(planter: Planter, number: int) -> None:
    _, row = planter.take()
    row["transactionCurrency"] = "EUR"
    planter.expect("CURRENCY_DIFFERS", row, settles=False)


@plant("a currency is unknown")
def _no_currency(planter: Planter, number: int) -> None:
    _, row = planter.take()
    row["transactionCurrency"] = "QQQ"
    planter.expect("CURRENCY_UNKNOWN", row, settles=False)


@plant("an amount has too many decimals")
def _precise(planter: Planter, number: int) -> None:
    _, row = planter.take()
    row["transactionAmountValue"] += "5"
    planter.expect("TOO_PRECISE", row, settles=False)


@plant("a row stands there twice")
def _twice(planter: Planter, number: int) -> None:
    report, row = planter.take()
    report.rows.append({**row})
    planter.expect("DUPLICATE", row)


@plant("a row comes again in another batch")
def _again(planter: Planter, number: int) -> None:
    _, row, later = planter.take_early()
    keys = ("settlementBatchId", "settlementInitiatedDate")
    later.rows.append({**row, **{name: later.rows[0][name] for name in keys}})
    planter.expect("DUPLICATE", row)


@plant("a row is missing")
def _missing(planter: Planter, number: int) -> None:
    report, row = planter.take()
    report.rows.remove(row)
    planter.month.unsettled.add(row["transactionRequestId"])


@plant("a row comes a batch later")
def _late(planter: Planter, number: int) -> None:
    report, row, later = planter.take_early()
    keys = ("settlementBatchId", "settlementInitiatedDate")
    report.rows.remove(row)
    later.rows.append({**row, **{name: later.rows[0][name] for name in keys}})


@plant("a payment nobody knows")
def _stray(planter: Planter, number: int) -> None:
    report, row = planter.take()
    made = {**_without_fee(row), "transactionRequestId": f"STRAY-{number}", "transactionId": f"STRAY-{number}"}
    report.rows.append(made)
    planter.expect("NOT_IN_OUR_BOOKS", made)


@plant("a refund nobody knows")
def _stray_refund(planter: Planter, number: int) -> None:
    report, row = planter.take("REFUND")
    names = {"transactionRequestId": f"STRAY-R-{number}", "transactionId": f"STRAY-R-{number}"}
    made = {**_without_fee(row), **names}
    report.rows.append(made)
    planter.expect("NOT_IN_OUR_BOOKS", made)


@plant("a type nobody knows")
def _type(planter: Planter, number: int) -> None:
    report, row = planter.take()
    made = {**_without_fee(row), "transactionType": "LOYALTY_BONUS", "transactionRequestId": f"BONUS-{number}"}
    report.rows.append(made)
    planter.expect("UNKNOWN_TYPE", made)


@plant("a type of card payments")
def _card(planter: Planter, number: int) -> None:
    report, row = planter.take()
    made = {**_without_fee(row), "transactionType": "CAPTURE", "transactionRequestId": f"CAPTURE-{number}"}
    report.rows.append(made)
    planter.expect("UNEXPECTED_TYPE", made)


@plant("a refund is printed as a payment")
def _as_payment(planter: Planter, number: int) -> None:
    _, row = planter.take("REFUND")
    row |= {"transactionType": "PAYMENT", "transactionId": "", "originalTransactionRequestId": ""}
    planter.expect("TYPE_DIFFERS", row, settles=False)


@plant("a cancel nobody made")
def _no_cancel(planter: Planter, number: int) -> None:
    report, row = planter.take()
    values = {name: f"-{row[name]}" for name in ("transactionAmountValue",)}
    made = {
        **_without_fee(row),
        **values,
        "transactionType": "CANCEL",
        "settlementAmountValue": values["transactionAmountValue"],
    }
    report.rows.append(made)
    planter.expect("TYPE_DIFFERS", made)


@plant("a refund has the wrong sign")
def _sign(planter: Planter, number: int) -> None:
    _, row = planter.take("REFUND")
    for name in ("transactionAmountValue", "settlementAmountValue", "paymentMethodFeeAmountValue"):
        row[name] = Money(-_minor(row[name], row["settlementCurrency"]), row["settlementCurrency"]).major
    planter.expect("SIGN_DIFFERS", row, settles=False)


@plant("a failed payment is settled")
def _failed(planter: Planter, number: int) -> None:
    name = [one for one in planter.month.failed if int(one[2:]) % len(_WALLETS) == 0][number]
    while True:
        report, row = planter.take()
        if row["transactionCurrency"] == _WALLETS[0][1]:
            break
    made = {**_without_fee(row), "transactionRequestId": name, "transactionId": ""}
    made |= dict.fromkeys(("transactionAmountValue", "settlementAmountValue"), planter.failed_amount(name))
    report.rows.append(made)
    planter.expect("STATUS_DIFFERS", made)


@plant("a failed payment was made after all")
def _payment_reversal(planter: Planter, number: int) -> None:
    report, row = planter.take()
    name = [one for one in planter.month.failed if int(one[2:]) % len(_WALLETS) == 3][number]
    made = {
        **_without_fee(row),
        "transactionType": "PAYMENT_REVERSAL",
        "transactionRequestId": name,
        "transactionId": "",
    }
    report.rows.append(made)
    planter.expect("PAYMENT_REVERSAL", made)


@plant("a refund was not made after all")
def _refund_reversal(planter: Planter, number: int) -> None:
    report, row = planter.take("REFUND")
    made = _turned({**_without_fee(row), "transactionType": "REFUND_REVERSAL"})
    report.rows.append(made)
    planter.expect("REFUND_REVERSAL", made)


@plant("a dispute is explained")
def _dispute(planter: Planter, number: int) -> None:
    report, row = planter.take()
    made = _turned({**_without_fee(row), "transactionType": "DISPUTE"})
    made["originalTransactionRequestId"] = row["transactionRequestId"]
    report.rows.append({**made, "transactionRequestId": f"D-{number}"})


@plant("two equal reserves are explained")
def _reserve(planter: Planter, number: int) -> None:
    report, row = planter.take()
    made = _of_no_order(row, "RESERVE", "-50.00")
    report.rows += [made, {**made}]


@plant("a correction of the acquirer is explained")
def _correction(planter: Planter, number: int) -> None:
    report, row = planter.take()
    report.rows.append(_of_no_order(row, "DEFAULT", "0.07"))


@plant("a payment is settled before it was made")
def _early(planter: Planter, number: int) -> None:
    _, row = planter.take()
    day = datetime.fromisoformat(row["settlementInitiatedDate"]) - timedelta(days=2)
    row["settlementInitiatedDate"] = day.date().isoformat()
    planter.expect("DAY_DIFFERS", row)


@plant("a rate is missing")
def _no_rate(planter: Planter, number: int) -> None:
    _, row = planter.take(is_foreign=True)
    row |= {"quoteCurrencyPair": "", "quotePrice": "", "convertedTransactionAmountValue": ""}
    planter.expect("QUOTE_UNCLEAR", row)


@plant("a rate is another than was told")
def _rate(planter: Planter, number: int) -> None:
    _, row = planter.take(is_foreign=True)
    before = _minor(row["convertedTransactionAmountValue"], row["settlementCurrency"])
    row["quotePrice"] = f"{float(row['quotePrice']) / 1.5:.6f}"
    after = _converted(row)
    row["convertedTransactionAmountValue"] = Money(after, row["settlementCurrency"]).major
    _add(row, "settlementAmountValue", after - before)
    planter.expect("FX_DIFFERS", row)


@plant("a converted amount is another than the rate makes")
def _conversion(planter: Planter, number: int) -> None:
    _, row = planter.take(is_foreign=True)
    _add(row, "convertedTransactionAmountValue", 50)
    planter.expect("QUOTE_UNCLEAR", row)


@plant("a fee is in another currency")
def _fee_currency(planter: Planter, number: int) -> None:
    _, row = planter.take()
    row["paymentMethodFeeCurrency"] = "EUR"
    planter.expect("FEE_CURRENCY", row, settles=False)


@plant("two refunds could be meant")
def _ambiguous(planter: Planter, number: int) -> None:
    name = planter.month.pairs[number]
    for report in planter.details:
        for row in report.rows:
            if row["transactionType"] == "REFUND" and row["originalTransactionRequestId"] == name:
                planter.month.unsettled.add(row["transactionRequestId"])
                row["transactionRequestId"] = ""
                planter.expect("AMBIGUOUS", row)
    planter.month.unsettled.discard("")


@plant("a refund without an id of ours is the only one it can be")
def _only_one(planter: Planter, number: int) -> None:
    _, row = planter.take("REFUND")
    row["transactionRequestId"] = "INTERNAL-77"


@plant("a charge is positive in a file")
def _positive(planter: Planter, number: int) -> None:
    report = planter.file()
    for row in (*report.rows, *planter.summaries[report.name].rows):
        fee = row.get("paymentMethodFeeAmountValue")
        if fee:
            currency = row["settlementCurrency"]
            row["paymentMethodFeeAmountValue"] = Money(-_minor(fee, currency), currency).major


@plant("the acquirer says that a payment failed")
def _told_failed(planter: Planter, number: int) -> None:
    _, row = planter.take()
    _told(planter, row["transactionRequestId"])["status"] = "FAILED"
    planter.expect("STATUS_DIFFERS", row)


@plant("a status nobody knows")
def _status(planter: Planter, number: int) -> None:
    _, row = planter.take()
    _told(planter, row["transactionRequestId"])["status"] = "ON_HOLD"
    planter.expect("UNKNOWN_STATUS", row)


@plant("a transaction is told for another day")
def _day(planter: Planter, number: int) -> None:
    _, row = planter.take()
    told = _told(planter, row["transactionRequestId"])
    reports = [one for one in planter.month.reports if one.kind == "transactionItems" and one.is_current]
    here = next(one for one in reports if any(other is told for other in one.rows))
    here.rows.remove(told)
    next(one for one in reports if one.day > here.day).rows.append(told)
    planter.expect("DAY_DIFFERS", row)


def _of_summary(planter: Planter, reason: str, kind: str, spoil: Callable[[Report, Row], None]) -> None:
    while True:
        summary = planter.summaries[planter.file().name]
        if id(summary) not in planter._used:
            break
    planter._used.add(id(summary))
    row = next(one for one in summary.rows if one["summaryType"] == kind)
    spoil(summary, row)
    planter.month.expected[reason, kind] += 1


@plant("a summary counts one too many")
def _count(planter: Planter, number: int) -> None:
    def spoil(report: Report, row: Row) -> None:
        row["count"] = str(int(row["count"]) + 1)

    _of_summary(planter, "COUNT_DIFFERS", "TOTAL", spoil)


@plant("the types do not make the total")
def _total(planter: Planter, number: int) -> None:
    _of_summary(planter, "TOTAL_DIFFERS", "TOTAL", lambda report, row: _add(row, "settlementAmountValue", 1))


@plant("a summary has a correction line")
def _default(planter: Planter, number: int) -> None:
    def spoil(report: Report, row: Row) -> None:
        extra = {**row, "summaryType": "DEFAULT", "count": "0", "settlementAmountValue": "0.05",
                 "paymentMethodFeeAmountValue": ""}  # fmt: skip
        _add(row, "settlementAmountValue", 5)
        report.rows.insert(0, extra)

    _of_summary(planter, "", "TOTAL", spoil)
    del planter.month.expected["", "TOTAL"]


AFTER = frozenset({"a charge is positive in a file", "a summary counts one too many", "the types do not make the total",
                   "a summary has a correction line"})  # fmt: skip
"""Planted when the summaries say what the details say."""


def _told(planter: Planter, request_id: str) -> Row:
    for report in planter.month.reports:
        if report.kind == "transactionItems":
            for row in report.rows:
                if row["transactionRequestId"] == request_id and row["transactionType"] == "PAYMENT":
                    return row
    raise LookupError(request_id)


def _converted(row: Row) -> int:
    from reconciliation.amounts import gross_in  # noqa: PLC0415

    amount = Money(_minor(row["transactionAmountValue"], row["transactionCurrency"]), row["transactionCurrency"])
    made = gross_in(row["settlementCurrency"], amount, row["quoteCurrencyPair"], row["quotePrice"])
    assert made is not None
    return made


def spoil(month: Month, times: int) -> None:
    """Plant every kind so many times."""
    planter = Planter(month)
    planter.details = [one for one in planter.details if 0 < one.day < _DAYS - 2]
    for kind, how in PLANTS.items():
        if kind not in AFTER:
            for number in range(times):
                how(planter, number)
    planter.sum_up()
    for kind in (one for one in PLANTS if one in AFTER):
        for number in range(times):
            PLANTS[kind](planter, number)
    month.kinds = set(PLANTS)


# The month, imported.


_LOOKED_AT_EVERY = 10


def imports(account: Any, reports: Iterable[Report]) -> str:
    """Import them in this order; what they come to."""
    from django.db import connection  # noqa: PLC0415

    from portal.actor import Actor  # noqa: PLC0415
    from reconciliation import operations, queries  # noqa: PLC0415
    from reconciliation.models import ReportFile  # noqa: PLC0415

    for number, report in enumerate(reports):
        if number % _LOOKED_AT_EVERY == 0:
            with connection.cursor() as cursor:  # as a server does by itself: one that runs for months knows its tables
                cursor.execute("ANALYZE")
        outcome = operations.import_report(report.name, report.content(), by=Actor.command("month"), account=account)
        assert outcome.result == "imported", (report.name, outcome.sentence)
    for file in ReportFile.objects.defer("content"):
        queries.prove(file)
    return queries.digest(account)


def complaints(month: Month) -> list[str]:
    """What is open and was not planted, what was planted and is not open, and what is matched falsely."""
    from reconciliation.models import SETTLING, Discrepancy, Match  # noqa: PLC0415

    found: Counter[Expected] = Counter()
    for one in Discrepancy.objects.filter(closed_at=None).select_related("row", "summary_row"):
        if one.row is not None:
            found[one.reason, one.row.transaction_request_id or one.row.transaction_id] += 1
        else:
            found[one.reason, one.summary_row.summary_type if one.summary_row is not None else ""] += 1
    said = [f"not planted: {times} × {one}" for one, times in sorted((found - month.expected).items())]
    said += [f"not found: {times} × {one}" for one, times in sorted((month.expected - found).items())]
    settled: set[str] = set()
    matches = Match.objects.filter(is_settlement=True, role__in=SETTLING).values_list(
        "role", "payment__payment_request_id", "refund__refund_request_id", "row__transaction_request_id",
        "row__original_transaction_request_id", "row__transaction_id",
    )  # fmt: skip
    for role, payment, refund, request_id, original, transaction_id in matches.iterator():
        name = refund if role == "REFUND" else payment
        settled.add(f"cancel of {payment}" if role == "CANCEL" else name)
        number = name.split("-")[1]
        is_it = request_id == name or (role == "CANCEL" and original in {payment, ""}) or request_id == "INTERNAL-77"
        if not is_it or (transaction_id and number not in transaction_id):
            said.append(f"matched falsely: {name} by a row of {request_id or transaction_id}")
    should = month.settled - month.unsettled
    said += [f"not matched: {name}" for name in sorted(should - settled)[:20]]
    said += [f"matched, and should not be: {name}" for name in sorted(settled - should)[:20]]
    return said


def forget() -> None:
    """Leave nothing of the imports."""
    from reconciliation import models  # noqa: PLC0415

    for model in (
        models.Discrepancy, models.Explanation, models.Match, models.SettlementRow, models.SummaryRow, models.Batch,
        models.ReportTotal, models.ReportPart, models.ReportPiece, models.ReportFile,
    ):  # fmt: skip
        model.objects.all()._raw_delete("default")


def run(transactions: int, seed: int, times: int, say: Callable[[str], object]) -> list[str]:
    """The whole story, in an empty, migrated database; the complaints."""
    account, month = trade(transactions, seed, say)
    spoil(month, times)
    say(f"{len(month.kinds)} kinds are planted, {sum(month.expected.values())} discrepancies are to be found\n")
    # Details tell the unit of a summary in E1, and a file that cannot tell asks.
    in_turn = sorted(month.reports, key=lambda one: (one.day, one.name))
    began = time.monotonic()
    first = imports(account, in_turn)
    say(f"imported in {time.monotonic() - began:.0f} s: {first}\n")
    said = complaints(month)
    forget()
    shuffled = [*in_turn]
    random.Random(seed).shuffle(shuffled)
    shuffled.sort(key=lambda one: not one.is_current and "Summary" in one.name)
    second = imports(account, shuffled)
    say(f"in another order: {second}\n")
    if second != first:
        said.append(f"in another order the files come to {second}, not {first}")
    return said


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.reconciliation.month", description=__doc__)
    parser.add_argument("--transactions", type=int, default=200_000, help="payments, refunds and cancels (200,000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=3, help="how often each kind is planted (3)")
    parser.add_argument("--database-url", help="a PostgreSQL server; a database is made there and dropped at the end")
    options = parser.parse_args(arguments)
    from tests.benchmarks.scratch import own_database, set_up_portal  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="month-") as folder, ExitStack() as stack:
        url = stack.enter_context(own_database(options.database_url or "", Path(folder)))
        set_up_portal(folder, url, PORTAL_LOG_LEVEL="ERROR", PORTAL_SECOND_FACTOR="false")
        from django.core.management import call_command  # noqa: PLC0415
        from django.db import connections  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        said = run(options.transactions, options.seed, options.times, sys.stderr.write)
        connections.close_all()
    sys.stdout.write("".join(f"{one}\n" for one in said) or "Every promise held.\n")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
