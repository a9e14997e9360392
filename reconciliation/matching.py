"""What a row of a report means to our books: whose it is, what of it is agreed, explained, or open.

The id decides whose a row is; type, status, amount, currency and day are then compared, and never the other way round:
nothing is matched because its amount happens to fit. The one exception is documented and narrow: a refund row whose own
ids are none of ours goes to the only unsettled refund of the payment it names that has its amount.

A row that is ours with another amount splits. Everything here is a pure function of the row and ``Books``.
Source: https://docs.antom.com/ac/reconcile/settlement_details
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from payments.states import CancelStatus, PaymentStatus, RefundStatus
from portal.clock import ACQUIRER_ZONE, acquirer_day
from portal.money import Money
from reconciliation import amounts
from reconciliation.books import Books, Ids, OurCancel, OurPayment, OurRefund
from reconciliation.contracts import Deviation, Terms, is_of
from reconciliation.layouts import ReportKind
from reconciliation.lines import Line
from reconciliation.models import SETTLING, Reason, Role, RowState
from reconciliation.row_types import FAILED, PENDING, ROW_TYPES, SUCCESSFUL, ExplanationKind, Treatment


@dataclass(slots=True)
class Finding:
    """One discrepancy to be opened: its share of the row, and what is at stake."""

    reason: Reason
    sentence: str
    value: int
    stake: Money
    is_urgent: bool = False
    deviation: Deviation | None = None
    """Where the row's fee is not the one that was agreed on."""


@dataclass(slots=True)
class Decision:
    """What becomes of a row; the shares add up to what it reports."""

    role: Role | None = None
    payment: OurPayment | None = None
    refund: OurRefund | None = None
    cancel: OurCancel | None = None
    matched: int = 0
    explained: list[tuple[ExplanationKind, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    terms: Terms | None = None
    """The contract its fee was held against."""

    @property
    def explained_value(self) -> int:
        return sum(value for _, value in self.explained)

    @property
    def open_value(self) -> int:
        return sum(finding.value for finding in self.findings)

    @property
    def state(self) -> RowState:
        if self.findings:
            return RowState.OPEN
        return RowState.MATCHED if self.role in SETTLING else RowState.EXPLAINED


def decide(line: Line, kind: ReportKind, books: Books, *, report_day: str = "") -> Decision:
    """Decide on one row. A row that settles something of ours is noted in ``books``, so that a second one is seen."""
    row_type = ROW_TYPES.get(line.row_type)
    if row_type is None:
        return _open(line, Decision(), Reason.UNKNOWN_TYPE, f"The type {line.printed_type} is in no table of ours.")
    decision = Decision()
    if row_type.treatment is Treatment.NOT_OURS:
        sentence = f"{row_type.name} rows come from card payments; Auto Debit makes none."
        return _open(line, decision, Reason.UNEXPECTED_TYPE, sentence)
    is_own = row_type.treatment is Treatment.OWN_ACCOUNT
    if kind is ReportKind.TRANSACTIONS and not is_own and (early := _not_counted(line, row_type.treatment, books)):
        return early
    if line.trouble is not None:
        _find(line, decision, row_type.treatment, books)
        return _open(line, decision, *line.trouble)
    if row_type.treatment is Treatment.OWN_ACCOUNT:
        assert row_type.explanation is not None  # noqa: S101 - the table says so
        decision.explained.append((row_type.explanation, line.reported.value))
        return decision

    problem = _find(line, decision, row_type.treatment, books)
    if problem is not None:
        return _open(line, decision, *problem)
    if kind is ReportKind.SETTLEMENT and row_type.sign and line.gross and (line.gross > 0) != (row_type.sign > 0):
        direction = "in" if row_type.sign > 0 else "out"
        sentence = f"A {row_type.name} row brings money {direction}, but this one says {line.amount}."
        return _open(line, decision, Reason.SIGN_DIFFERS, sentence)
    match row_type.treatment:
        case Treatment.PAYMENT_REVERSAL:
            return _reversed(line, decision, Reason.PAYMENT_REVERSAL)
        case Treatment.REFUND_REVERSAL:
            return _reversed(line, decision, Reason.REFUND_REVERSAL)
        case Treatment.DISPUTE:
            main: ExplanationKind | None = ExplanationKind.DISPUTE
        case _:
            main = None
            problem = _compare(line, decision, kind, books)
            if problem is not None:
                return _open(line, decision, *problem)
    _split(line, decision, kind, books)
    rest = line.reported.value - decision.explained_value - decision.open_value
    if main is None:
        decision.matched = rest
        _compare_day(line, decision, kind, report_day)
        if kind is ReportKind.SETTLEMENT:
            books.settled.add(_key(decision))
    else:
        decision.explained.insert(0, (main, rest))
    return decision


def decide_by_hand(line: Line, ours: OurPayment | OurRefund | OurCancel, books: Books) -> tuple[Decision, str]:
    """Decide on a settlement row that a person says belongs to ``ours``, and why it cannot be so (empty: it can).

    The person answers for whose the row is, and for nothing else: currency, status, sign, amount, formula and rate are
    compared as ever, and what is not agreed is open. The day is not compared; a person has looked.
    """
    decision = Decision()
    match ours:
        case OurPayment():
            decision.role, decision.payment = Role.PAYMENT, ours
        case OurRefund():
            decision.role, decision.refund, decision.payment = Role.REFUND, ours, books.payments[ours.payment_pk]
        case OurCancel():
            decision.role, decision.cancel, decision.payment = Role.CANCEL, ours, books.payments[ours.payment_pk]
    if line.trouble is not None:
        return decision, line.trouble[1]
    problem = _compare(line, decision, ReportKind.SETTLEMENT, books)
    if problem is not None:
        return decision, problem[1]
    if line.gross and (line.gross > 0) != (decision.role is Role.PAYMENT):
        direction = "in" if line.gross > 0 else "out"
        return decision, f"The row brings money {direction}, and {_ours(decision)[1]} does not."
    _split(line, decision, ReportKind.SETTLEMENT, books)
    decision.matched = line.reported.value - decision.explained_value - decision.open_value
    return decision, ""


def _open(line: Line, decision: Decision, reason: Reason, sentence: str, *, is_urgent: bool = False) -> Decision:
    """The whole row is open. A link to our books stays, but nothing is matched by it."""
    stake = line.reported
    if not stake.value and line.amount is not None and line.net is None:
        stake = line.amount
    decision.findings = [Finding(reason, sentence, line.reported.value, stake, is_urgent)]
    if decision.role in SETTLING:
        decision.role = Role.DUPLICATE if reason is Reason.DUPLICATE else Role.DISAGREES
    decision.matched, decision.explained = 0, []
    return decision


def _not_counted(line: Line, treatment: Treatment, books: Books) -> Decision | None:
    """For transaction details: the decision on a row that is not successful, or whose status nobody knows."""
    if line.status in SUCCESSFUL or not line.has_status:
        return None
    decision = Decision()
    _find(line, decision, treatment, books)
    if decision.role in SETTLING:
        decision.role = Role.DISAGREES
    if line.status not in FAILED and line.status not in PENDING:
        said = line.status or "empty"
        return _open(
            line, decision, Reason.UNKNOWN_STATUS, f"The status is {said}, a word that is in no table of ours."
        )
    ours = _status_of(decision)
    if line.status in FAILED and ours in {PaymentStatus.SUCCEEDED, RefundStatus.SUCCEEDED}:
        sentence = f"The acquirer says {line.status}, our books say that it succeeded."
        stake = line.amount if line.amount is not None else line.reported
        decision.findings.append(Finding(Reason.STATUS_DIFFERS, sentence, 0, -stake, is_urgent=True))
        return decision
    decision.explained.append((ExplanationKind.NOT_SUCCESSFUL, 0))
    return decision


def _status_of(decision: Decision) -> str:
    if decision.refund is not None:
        return decision.refund.status
    if decision.cancel is not None:
        return decision.cancel.status
    return decision.payment.status if decision.payment is not None else ""


def _find(line: Line, decision: Decision, treatment: Treatment, books: Books) -> tuple[Reason, str] | None:
    """Fill in whose row this is, by its ids; a problem otherwise."""
    match treatment:
        case Treatment.PAYMENT:
            decision.payment = books.by_request_id.get(line.request_id) or books.by_payment_id.get(line.transaction_id)
            decision.role = Role.PAYMENT
        case Treatment.REFUND | Treatment.REFUND_REVERSAL:
            decision.role = Role.REFUND if treatment is Treatment.REFUND else Role.REVERSAL
            problem = _find_refund(line, decision, books)
            if problem is not None:
                decision.role = Role.DISAGREES if decision.payment is not None else None
                return problem
        case Treatment.CANCEL:
            # Undocumented, whose request id an E4 CANCEL row carries; we choose the original's first, then the row's
            # own, then the acquirer's ids, because a cancel has no id of its own in the protocol.
            decision.payment = books.named(ids_of(line))
            decision.role = Role.CANCEL
            if decision.payment is not None:
                decision.cancel = books.cancels.get(decision.payment.pk)
                if decision.cancel is None:
                    decision.role = Role.DISAGREES
                    return Reason.TYPE_DIFFERS, f"We hold no cancel of payment {decision.payment.request_id}."
        case Treatment.PAYMENT_REVERSAL | Treatment.DISPUTE:
            decision.payment = books.named(ids_of(line))
            decision.role = Role.DISPUTE if treatment is Treatment.DISPUTE else Role.REVERSAL
        case Treatment.OWN_ACCOUNT | Treatment.NOT_OURS:
            return None
    if decision.payment is not None:
        return None
    decision.role = None
    if line.request_id in books.refunds:
        return Reason.TYPE_DIFFERS, f"{line.request_id} is a refund of ours, but the row is a {line.printed_type}."
    named = line.request_id or line.original_request_id or line.transaction_id or "without any id"
    return Reason.NOT_IN_OUR_BOOKS, f"{line.printed_type} {named} is not in our books."


def _find_refund(line: Line, decision: Decision, books: Books) -> tuple[Reason, str] | None:
    refund = books.refunds.get(line.request_id) or books.by_refund_id.get(line.transaction_id)
    if refund is None:
        payment = (
            books.by_request_id.get(line.original_request_id)
            or books.by_payment_id.get(line.original_id)
            or books.by_payment_id.get(line.transaction_id)
        )
        if payment is None:
            if line.request_id in books.by_request_id:
                decision.payment = books.by_request_id[line.request_id]
                return Reason.TYPE_DIFFERS, f"{line.request_id} is a payment of ours, but the row is a refund."
            named = line.request_id or line.transaction_id or "without any id"
            return Reason.NOT_IN_OUR_BOOKS, f"Refund {named} is not in our books."
        decision.payment = payment
        candidates = [
            one
            for one in books.refunds_of[payment.pk]
            if line.amount is not None
            and one.amount == _absolute(line.amount)
            and one.status != RefundStatus.FAILED
            and (Role.REFUND, one.pk) not in books.settled
        ]
        if len(candidates) > 1:
            ids = ", ".join(sorted(one.request_id for one in candidates))
            return Reason.AMBIGUOUS, f"{len(candidates)} refunds of {payment.request_id} have this amount: {ids}."
        if not candidates:
            return Reason.NOT_IN_OUR_BOOKS, f"Payment {payment.request_id} has no unsettled refund of this amount."
        refund = candidates[0]
    decision.refund = refund
    decision.payment = books.payments[refund.payment_pk]
    return None


def ids_of(line: Line) -> Ids:
    """What the line names things by."""
    return Ids(line.row_type, line.request_id, line.original_request_id, line.transaction_id, line.original_id)


def is_sure(line: Line, books: Books) -> bool:
    """Whether the row is found by an id of its own, or by none: such rows are decided on before the others.

    So it is the same in any order whether a refund is still unsettled when a row without an id looks for one.
    """
    if line.row_type not in {"REFUND", "REFUND_REVERSAL"}:
        return True
    return line.request_id in books.refunds or line.transaction_id in books.by_refund_id


def _compare(line: Line, decision: Decision, kind: ReportKind, books: Books) -> tuple[Reason, str] | None:
    """The checks after the id that leave nothing to agree on: twice, currency, status."""
    ours, name = _ours(decision)
    if kind is ReportKind.SETTLEMENT and _key(decision) in books.settled:
        return Reason.DUPLICATE, f"{name} is settled already; this row would settle it a second time."
    if line.amount is None:
        return Reason.AMOUNT_DIFFERS, f"The row prints no amount; ours is {ours}."
    if line.amount.currency != ours.currency:
        return Reason.CURRENCY_DIFFERS, f"The row is over {line.amount}, ours over {ours}."
    status = _status_of(decision)
    if not _is_settleable(decision, books):
        return Reason.STATUS_DIFFERS, f"The row says that {name} succeeded; our books hold it as {status}."
    return None


def _is_settleable(decision: Decision, books: Books) -> bool:
    match decision.role:
        case Role.REFUND:
            assert decision.refund is not None  # noqa: S101 - found by its id
            return decision.refund.status in {RefundStatus.SUCCEEDED, RefundStatus.REVERSED}
        case Role.CANCEL:
            assert decision.cancel is not None  # noqa: S101 - found by its payment
            return decision.cancel.status == CancelStatus.CONFIRMED
    payment = decision.payment
    assert payment is not None  # noqa: S101 - found by its id
    if payment.status == PaymentStatus.CANCELLED:
        # Cancelled after success: PAYMENT and CANCEL both stand in the report and sum to nothing, or to the fee.
        return payment.paid_at is not None or payment.pk in books.cancelled_here
    return payment.status in {PaymentStatus.SUCCEEDED, PaymentStatus.REVERSED}


def _ours(decision: Decision) -> tuple[Money, str]:
    """Our amount and our name for what the row is about."""
    assert decision.payment is not None  # noqa: S101 - every link has its payment
    if decision.refund is not None:
        return decision.refund.amount, decision.refund.request_id
    if decision.cancel is not None:
        return decision.cancel.amount, f"the cancel of {decision.payment.request_id}"
    return decision.payment.amount, decision.payment.request_id


def _key(decision: Decision) -> tuple[Role, int]:
    if decision.refund is not None:
        return Role.REFUND, decision.refund.pk
    if decision.cancel is not None:
        return Role.CANCEL, decision.cancel.pk
    assert decision.payment is not None  # noqa: S101 - every link has its payment
    return Role.PAYMENT, decision.payment.pk


def _split(line: Line, decision: Decision, kind: ReportKind, books: Books) -> None:
    """Take out of the row what is not agreed: another amount, a sum that does not close, another rate or fee."""
    is_compared = decision.role in SETTLING
    if is_compared:
        _split_amount(line, decision, kind)
    if kind is ReportKind.TRANSACTIONS:
        return  # fees are compared where the money is
    _split_formula(line, decision)
    if is_compared and not decision.findings:
        _split_rate(line, decision)
    _compare_fees(line, decision, books)
    _compare_contract(line, decision, books)


def _split_amount(line: Line, decision: Decision, kind: ReportKind) -> None:
    assert line.amount is not None  # noqa: S101 - compared before
    ours, _ = _ours(decision)
    difference = abs(line.amount.value) - ours.value
    if not difference:
        return
    sign = -1 if line.amount.value < 0 else 1
    stake = Money(sign * difference, ours.currency)
    share = stake.value
    if kind is ReportKind.SETTLEMENT:
        agreed = amounts.gross_in(
            line.settlement_currency, Money(sign * ours.value, ours.currency), line.pair, line.price
        )
        if agreed is None and (told := _told(line, decision)) is not None:
            agreed = sign * abs(told.value)
        # Without a rate nothing can be taken out of the net; the formula's own discrepancy then holds all of it.
        share = line.gross - agreed if line.gross is not None and agreed is not None else 0
    by = Money(abs(difference), ours.currency)
    sentence = f"The row is over {_absolute(line.amount)}, ours over {ours}: {by} less."
    if difference > 0:
        sentence = f"The row is over {_absolute(line.amount)}, ours over {ours}: {by} more."
    decision.findings.append(Finding(Reason.AMOUNT_DIFFERS, sentence, share, stake))


def _split_formula(line: Line, decision: Decision) -> None:
    """net = gross + fees: within the tolerance the rest is rounding, beyond it is open."""
    if line.net is None or line.amount is None:
        return
    currency = line.settlement_currency
    if line.gross is None:
        said = f"{line.pair or 'no currency pair'} {line.price}".strip()
        whole = line.net - decision.open_value - decision.explained_value
        sentence = f"{line.amount} cannot be brought into {currency} with {said}; the net cannot be checked."
        decision.findings.append(Finding(Reason.QUOTE_UNCLEAR, sentence, whole, Money(line.net, currency)))
        return
    fees = (line.fees_sum or 0) + line.coupon
    rest = line.net - line.gross - fees
    if rest and abs(rest) <= amounts.row_tolerance(currency):
        decision.explained.append((ExplanationKind.ROUNDING, rest))
    elif rest:
        sentence = (
            f"Gross {Money(line.gross, currency)} and {'fees and coupon' if line.coupon else 'fees'} "
            f"{Money(fees, currency)} make "
            f"{Money(line.gross + fees, currency)}, but the net is {Money(line.net, currency)}."
        )
        decision.findings.append(Finding(Reason.NET_DIFFERS, sentence, rest, Money(rest, currency)))
    if line.converted is not None and abs(line.converted - line.gross) > amounts.row_tolerance(currency):
        sentence = (
            f"The converted amount is printed as {Money(line.converted, currency)}; "
            f"{line.amount} at {line.pair} {line.price} is {Money(line.gross, currency)}."
        )
        stake = Money(line.converted - line.gross, currency)
        decision.findings.append(Finding(Reason.QUOTE_UNCLEAR, sentence, 0, stake))


def _split_rate(line: Line, decision: Decision) -> None:
    """Where the acquirer told the gross when it happened, the settlement must be of that gross."""
    told = _told(line, decision)
    if told is None or line.gross is None:
        return
    difference = abs(line.gross) - abs(told.value)
    if not difference:
        return
    share = difference if line.gross > 0 else -difference
    if abs(difference) <= amounts.row_tolerance(told.currency):
        decision.explained.append((ExplanationKind.ROUNDING, share))
        return
    now = Money(abs(line.gross), told.currency)
    sentence = f"Settled gross {now}; when it was paid the acquirer told {_absolute(told)}."
    decision.findings.append(Finding(Reason.FX_DIFFERS, sentence, share, Money(share, told.currency)))


def _told(line: Line, decision: Decision) -> Money | None:
    """The gross as the acquirer told it when it happened, where that is in the currency of the settlement."""
    told = decision.refund.gross if decision.refund is not None else None
    if decision.role is Role.PAYMENT and decision.payment is not None:
        told = decision.payment.gross
    return told if told is not None and told.currency == line.settlement_currency else None


def _compare_fees(line: Line, decision: Decision, books: Books) -> None:
    """Transaction details and settlement details of one transaction name the same fees.

    A difference is always the settlement row's, with its share, whichever of the two reports came first.
    """
    told = books.fees_told.get((line.row_type, line.request_id)) if line.request_id else None
    if told is None or line.fees_sum is None or told.currency != line.settlement_currency:
        return
    difference = line.fees_sum - told.value
    if not difference:
        return
    now = Money(line.fees_sum, told.currency)
    sentence = f"The fees are {now} here and {told} in the transaction details."
    decision.findings.append(Finding(Reason.FEE_DIFFERS, sentence, difference, Money(difference, told.currency)))


def _compare_contract(line: Line, decision: Decision, books: Books) -> None:
    """A payment's fee is the one that was agreed on, as far as rounding lets it.

    Where the two reports tell different fees, that is the row's discrepancy, and not opened twice.
    """
    if decision.role is not Role.PAYMENT or decision.payment is None or line.fees_sum is None or line.gross is None:
        return
    paid_at = decision.payment.paid_at
    day = _date(paid_at) if paid_at is not None else line.initiated_on
    terms = books.contracts.valid(line.wallet, line.settlement_currency, day)
    if terms is None or any(finding.reason is Reason.FEE_DIFFERS for finding in decision.findings):
        return
    decision.terms = terms
    agreed = terms.fee_of(line.gross)
    difference = line.fees_sum - agreed
    if abs(difference) <= amounts.row_tolerance(terms.currency):
        return
    now, due = Money(line.fees_sum, terms.currency), Money(agreed, terms.currency)
    sentence = f"The fees are {now}; by contract ({terms.words()} since {terms.valid_from}) they are {due}."
    stake = Money(difference, terms.currency)
    decision.findings.append(
        Finding(Reason.FEE_DIFFERS, sentence, difference, stake, deviation=Deviation(terms, difference))
    )


def deviations_of(decision: Decision) -> list[Deviation]:
    """How the row's fee differs from what was agreed on, if it does."""
    return [one.deviation for one in decision.findings if one.deviation is not None]


def let_drift(decision: Decision, ways: Collection[str]) -> None:
    """Match a row as it was charged where its whole report charges so: that is one incident, and not a row's affair."""
    drifted = [finding for finding in decision.findings if is_of(finding.deviation, ways)]
    if drifted:
        decision.findings = [finding for finding in decision.findings if not is_of(finding.deviation, ways)]
        decision.matched += sum(finding.value for finding in drifted)


def _compare_day(line: Line, decision: Decision, kind: ReportKind, report_day: str) -> None:
    """The acquirer's day runs from 00:00:00 to 23:59:59 UTC+8, whatever zone the shop or the printed offset has."""
    happened = _moment(decision)
    if happened is None:
        return
    our_day = acquirer_day(happened)
    sentence = ""
    if line.occurred_at is not None and acquirer_day(line.occurred_at) != our_day:
        sentence = f"The row is of {_printed(acquirer_day(line.occurred_at))}, ours of {_printed(our_day)} (UTC+8)."
    elif kind is ReportKind.TRANSACTIONS and report_day and report_day != our_day:
        sentence = f"The report is of {_printed(report_day)}, ours of {_printed(our_day)} (UTC+8)."
    elif line.initiated_on is not None and kind is ReportKind.SETTLEMENT and line.initiated_on < _date(happened):
        sentence = f"Settled on {line.initiated_on}, before it happened on {_printed(our_day)} (UTC+8)."
    if sentence:
        decision.findings.append(Finding(Reason.DAY_DIFFERS, sentence, 0, line.amount or line.reported))


def _moment(decision: Decision) -> datetime | None:
    if decision.refund is not None:
        return decision.refund.refunded_at
    if decision.cancel is not None:
        return None  # we may have learned of it a day late, by asking
    return decision.payment.paid_at if decision.payment is not None else None


def _date(moment: datetime) -> date:
    return moment.astimezone(ACQUIRER_ZONE).date()


def _printed(day: str) -> str:
    return date.fromisoformat(day).isoformat() if len(day) == len("YYYYMMDD") else day


def _absolute(amount: Money) -> Money:
    return Money(abs(amount.value), amount.currency)


def _reversed(line: Line, decision: Decision, reason: Reason) -> Decision:
    name = _ours(decision)[1]
    what = (
        f"The money of {name} came after all: deliver, or give it back."
        if reason is Reason.PAYMENT_REVERSAL
        else f"Refund {name} failed after it was accepted: the money is back with us, the buyer still waits for it."
    )
    return _open(line, decision, reason, what, is_urgent=True)
