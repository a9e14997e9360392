"""What a settlement is in the books: double entry, per batch and currency. Reads only.

What the acquirer pays is debited, and every part of it is credited where it belongs: what buyers paid to clearing, fees
to fees, and so on. The parts are the same ones the law of a file speaks of (what is matched, explained, and of a
discrepancy), so they add up to the net exactly, or ``LawBroken`` is raised.

Of the debit, the bank has what it credited and a named difference has its account; the rest is in transit to the bank.
What is paid is TOTAL: by what the details miss it, rounded rows or a difference that a person accepted, stands beside.

A refund is settled at the rate of its own day. Clearing takes it back at the rate at which the payment came in, and the
rest is an exchange gain or loss: after a full refund nothing of the payment is left on clearing.
Source: https://docs.antom.com/ac/reconcile/rules , https://docs.antom.com/ac/scantopay/refund
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.db.models import F, Q, QuerySet, Sum

from payments.models import Refund
from payments.states import RefundStatus
from portal.money import Money
from reconciliation import bank, periods
from reconciliation.books import portions
from reconciliation.errors import LawBroken
from reconciliation.models import (
    SETTLING,
    BankCause,
    BankCredit,
    BankDifference,
    BankShare,
    Batch,
    Discrepancy,
    Explanation,
    Ledger,
    Match,
    Period,
    Posting,
    Reason,
    Resolution,
    Role,
    SettlementRow,
)
from reconciliation.row_types import ExplanationKind

_EXPLAINED = {
    ExplanationKind.FEE: Ledger.FEES,
    ExplanationKind.RESERVE: Ledger.RESERVE,
    ExplanationKind.DISPUTE: Ledger.DISPUTES,
    ExplanationKind.ROUNDING: Ledger.ROUNDING,
    ExplanationKind.CORRECTION: Ledger.CORRECTIONS,
}
_RESOLVED = {
    Resolution.OTHER_CHANNEL: Ledger.OTHER_CHANNELS,
    Resolution.TIMING: Ledger.ACQUIRER,
    Resolution.CREDITED: Ledger.ACQUIRER,
    Resolution.WRITTEN_OFF: Ledger.WRITTEN_OFF,
    Resolution.ACCEPTED: Ledger.WRITTEN_OFF,
}
_BY_REASON = {Reason.FX_DIFFERS: Ledger.FX, Reason.FEE_DIFFERS: Ledger.FEES}
"""What is confirmed is what it is; any other difference that is accepted is a difference."""
_AT_BANK = {
    BankCause.BANK_CHARGE: Ledger.BANK_CHARGES,
    BankCause.FX: Ledger.FX,
    BankCause.ROUNDING: Ledger.ROUNDING,
    BankCause.OTHER: Ledger.DIFFERENCES,
}
_ORDER = {ledger: place for place, ledger in enumerate(Ledger)}

Parts = dict[Ledger, int]


@dataclass(frozen=True)
class Entry:
    """One entry of a month's journal: a batch, its lines, debits positive."""

    batch: Batch
    day: date
    is_adjusting: bool
    lines: Sequence[tuple[Ledger, int]]


def entries(period: Period) -> list[Entry]:
    """The journal of a month: as it was booked, or while it is open as it would be now. Always in the same order."""
    if not period.is_open:
        return _booked(period)
    first, _ = periods.days(period)
    own, adjusting = periods.to_book(period)
    held = _held(adjusting)
    now = postings_of([*own, *adjusting])
    made = [_entry(batch, batch.initiated_on, now[batch.pk], is_adjusting=False) for batch in own]
    for batch in adjusting:
        before, after = held.get(batch.pk, {}), now[batch.pk]
        change = {ledger: after.get(ledger, 0) - before.get(ledger, 0) for ledger in {*before, *after}}
        made.append(_entry(batch, first, change, is_adjusting=True))
    return _ordered(entry for entry in made if entry.lines)


def totals(found: Iterable[Entry]) -> list[tuple[str, Ledger, int, int]]:
    """What the entries debit and credit: (currency, ledger, debit, credit), in order."""
    sums: dict[tuple[str, Ledger], list[int]] = defaultdict(lambda: [0, 0])
    for entry in found:
        for ledger, value in entry.lines:
            sums[entry.batch.currency, ledger][value < 0] += abs(value)
    return [
        (currency, ledger, debit, credit)
        for (currency, ledger), (debit, credit) in sorted(
            sums.items(), key=lambda pair: (pair[0][0], _ORDER[pair[0][1]])
        )
    ]


def postings_of(batches: Sequence[Batch]) -> dict[int, Parts]:
    """The lines of each batch as its rows are by now, by its key. A constant number of queries per thousand batches.

    Raises LawBroken when the parts of one do not add up to its net.
    """
    by_key = {batch.pk: batch for batch in batches}
    found: dict[int, Parts] = {key: defaultdict(int) for key in by_key}
    for keys in portions(by_key):
        _add_parts(keys, found)
    for key, parts in found.items():
        net = parts[Ledger.IN_TRANSIT]
        others = sum(value for ledger, value in parts.items() if ledger is not Ledger.IN_TRANSIT)
        if net != others:
            raise LawBroken(currency=by_key[key].currency, reported=net, matched=others, explained=0, open=0)
        for ledger in parts:
            if ledger is not Ledger.IN_TRANSIT:
                parts[ledger] = -parts[ledger]
    for keys in portions(by_key):
        _as_paid(keys, found)
        _arrived(keys, found)
    return {key: {ledger: value for ledger, value in parts.items() if value} for key, parts in found.items()}


def _add_parts(keys: Sequence[int], found: dict[int, Parts]) -> None:
    """Add up what each batch's net consists of; what comes in is positive."""
    rows = SettlementRow.objects.filter(batch__in=keys).order_by()
    for key, net in rows.values_list("batch").annotate(Sum("settlement_value")):
        found[key][Ledger.IN_TRANSIT] += net or 0
    is_clear = Q(gross_value__isnull=False)  # without a gross nothing of the row is agreed, its fees neither
    for key, matched, fees, coupons in (
        rows.filter(match__role__in=SETTLING)
        .values_list("batch")
        .annotate(
            matched=Sum("matched_value"),
            fees_agreed=Sum("fees_value", filter=is_clear),
            coupons=Sum("coupon_value", filter=is_clear),
        )
    ):
        found[key][Ledger.CLEARING] += (matched or 0) - (fees or 0) - (coupons or 0)
        found[key][Ledger.FEES] += fees or 0
        found[key][Ledger.COUPONS] += coupons or 0
    disputed = rows.filter(is_clear, match__role=Role.DISPUTE)
    for key, fees in disputed.values_list("batch").annotate(Sum("fees_value")):
        found[key][Ledger.FEES] += fees or 0
        found[key][Ledger.DISPUTES] -= fees or 0
    explained = Explanation.objects.filter(row__batch__in=keys).order_by().values_list("row__batch", "kind")
    for key, kind, value in explained.annotate(Sum("value")):
        found[key][_EXPLAINED[ExplanationKind(kind)]] += value
    _add_discrepancies(keys, found)
    _add_exchange(keys, found)


def _add_discrepancies(keys: Sequence[int], found: dict[int, Parts]) -> None:
    shares = Discrepancy.objects.filter(row__batch__in=keys).exclude(value=0).order_by()
    for key, reason, resolution, role, has_gross, value in (
        shares.annotate(has_gross=Q(row__gross_value__isnull=False))
        .values_list("row__batch", "reason", "resolution", "row__match__role", "has_gross")
        .annotate(Sum("value"))
    ):
        found[key][_ledger_of(reason, resolution)] += value
        if reason == Reason.FEE_DIFFERS and has_gross:
            # The fees of the row hold this share; it is told apart from them.
            if role in SETTLING:
                found[key][Ledger.FEES] -= value
                found[key][Ledger.CLEARING] += value
            elif role == Role.DISPUTE:
                found[key][Ledger.FEES] -= value
                found[key][Ledger.DISPUTES] += value


def _ledger_of(reason: str, resolution: str) -> Ledger:
    if not resolution:
        return Ledger.SUSPENSE
    return _RESOLVED.get(Resolution(resolution)) or _BY_REASON.get(Reason(reason)) or Ledger.DIFFERENCES


def _add_exchange(keys: Sequence[int], found: dict[int, Parts]) -> None:
    """Of what went back in another currency: what the rates of the two days differ by."""
    given_back = _agreed(
        Match.objects.filter(role__in=(Role.REFUND, Role.CANCEL), row__batch__in=keys, row__gross_value__isnull=False)
        .exclude(row__transaction_currency=F("currency"))
        .order_by("pk")
    )
    came_in: dict[int, tuple[Fraction, str]] = {}
    for pks in portions({one.payment for one in given_back}):
        payments = Match.objects.filter(payment__in=pks, role=Role.PAYMENT, is_settlement=True)
        for one in _agreed(payments.filter(row__gross_value__isnull=False)):
            came_in[one.payment] = Fraction(one.value, one.whole), one.currency
    returned = _returned_before({one.payment for one in given_back if one.refund is not None})
    for one in given_back:
        rate, currency = came_in.get(one.payment, (Fraction(0), ""))
        if currency != one.currency or (one.refund is not None and one.refund not in returned):
            continue
        before, amount = (0, one.whole) if one.refund is None else returned[one.refund]
        then = round(rate * (before + amount)) - round(rate * before)
        found[one.batch][Ledger.CLEARING] -= one.value + then
        found[one.batch][Ledger.FX] += one.value + then


@dataclass(frozen=True)
class _Agreed:
    """What of a matched row is agreed before fees, in its settlement currency; ``whole`` is our payment's amount."""

    batch: int
    payment: int
    refund: int | None
    value: int
    currency: str
    whole: int


def _agreed(matches: QuerySet[Match]) -> list[_Agreed]:
    fees = dict(
        Discrepancy.objects.filter(row__match__in=matches.order_by().values("pk"), reason=Reason.FEE_DIFFERS)
        .order_by()
        .values_list("row_id")
        .annotate(Sum("value"))
    )
    return [
        _Agreed(batch or 0, payment, refund, value - (fee or 0) - coupon + fees.get(row, 0), currency, whole)
        for batch, row, payment, refund, value, fee, coupon, currency, whole in matches.values_list(
            "row__batch_id",
            "row_id",
            "payment_id",
            "refund_id",
            "value",
            "row__fees_value",
            "row__coupon_value",
            "currency",
            "payment__amount_value",
        )
    ]


def _returned_before(payments: set[int]) -> dict[int, tuple[int, int]]:
    """By refund: what earlier refunds of its payment gave back, and what it gives back itself."""
    found: dict[int, tuple[int, int]] = {}
    gone: dict[int, int] = defaultdict(int)
    for pks in portions(payments):
        counting = Refund.objects.filter(payment__in=pks, status__in=(RefundStatus.SUCCEEDED, RefundStatus.REVERSED))
        for key, payment, value in counting.order_by("pk").values_list("pk", "payment_id", "amount_value"):
            found[key] = gone[payment], value
            gone[payment] += value
    return found


# At the bank. From here on a debit is positive.


def _as_paid(keys: Sequence[int], found: dict[int, Parts]) -> None:
    """What is on its way is TOTAL, not what the details add up to."""
    totals = bank.pays_by_key(keys)
    missing = {key: found[key][Ledger.IN_TRANSIT] - total for key, total in totals.items()}
    differing = [key for key, value in missing.items() if value]
    if not differing:
        return
    of_summaries = Explanation.objects.filter(summary_row__batch__in=differing, kind=ExplanationKind.ROUNDING)
    rounded = dict(of_summaries.order_by().values_list("summary_row__batch_id").annotate(Sum("value")))
    still_open = Discrepancy.objects.filter(summary_row__batch__in=differing, closed_at=None).order_by()
    waiting = {key for (key,) in still_open.values_list("summary_row__batch_id")}
    for key in differing:
        rounding = -(rounded.get(key) or 0)
        rest = missing[key] - rounding
        found[key][Ledger.IN_TRANSIT] -= missing[key]
        found[key][Ledger.ROUNDING] += rounding
        found[key][Ledger.SUSPENSE if key in waiting else Ledger.DIFFERENCES] += rest


def _arrived(keys: Sequence[int], found: dict[int, Parts]) -> None:
    """What the bank credited, and what a person named the cause of, is in transit no more."""
    credited = BankCredit.objects.filter(batch__in=keys).order_by().values_list("batch").annotate(Sum("value"))
    shared = BankShare.objects.filter(batch__in=keys).order_by().values_list("batch", "value")
    for key, value in (*credited, *shared):
        found[key][Ledger.BANK] += value
        found[key][Ledger.IN_TRANSIT] -= value
    named = BankDifference.objects.filter(batch__in=keys).order_by().values_list("batch", "cause")
    for key, cause, value in named.annotate(Sum("value")):
        found[key][_AT_BANK[BankCause(cause)]] += value
        found[key][Ledger.IN_TRANSIT] -= value


# What is booked.


def _booked(period: Period) -> list[Entry]:
    lines: dict[int, list[Posting]] = defaultdict(list)
    for posting in period.postings.select_related("batch"):
        lines[posting.batch_id].append(posting)
    first, _ = periods.days(period)
    return _ordered(
        _entry(
            of_batch[0].batch,
            first if of_batch[0].is_adjusting else of_batch[0].batch.initiated_on,
            {Ledger(posting.ledger): posting.value for posting in of_batch},
            is_adjusting=of_batch[0].is_adjusting,
        )
        for of_batch in lines.values()
    )


def _held(batches: Sequence[Batch]) -> dict[int, Parts]:
    """What closed months have booked of each."""
    held: dict[int, Parts] = defaultdict(dict)
    for keys in portions(batch.pk for batch in batches):
        booked = Posting.objects.filter(batch__in=keys).order_by().values_list("batch", "ledger")
        for key, ledger, value in booked.annotate(Sum("value")):
            held[key][Ledger(ledger)] = value
    return held


def _entry(batch: Batch, day: date, parts: Parts, *, is_adjusting: bool) -> Entry:
    lines = sorted(((ledger, value) for ledger, value in parts.items() if value), key=lambda line: _ORDER[line[0]])
    return Entry(batch, day, is_adjusting, tuple(lines))


def _ordered(found: Iterable[Entry]) -> list[Entry]:
    return sorted(
        found, key=lambda one: (one.is_adjusting, one.day, one.batch.batch_id, one.batch.currency, one.batch.psp)
    )


def balance(found: Iterable[Entry]) -> dict[str, Money]:
    """What the entries sum to by currency: nothing, or something is wrong."""
    sums: dict[str, int] = defaultdict(int)
    for entry in found:
        sums[entry.batch.currency] += sum(value for _, value in entry.lines)
    return {currency: Money(value, currency) for currency, value in sums.items()}
