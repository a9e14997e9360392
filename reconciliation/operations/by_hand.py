"""Matching by hand, and unmatching: a person says whose a row is, and everything else is compared as ever.

What a person decided stands: no import and no check decides on such a row anew, and what it settles is settled, so that
a second row of the same is a duplicate. The rows it touches are decided on anew at once, as an import would: what was
ambiguous because of it may be clear, what was a duplicate may take its place.
"""

from typing import Any

from django.db import IntegrityError, transaction

from payments.models import Cancel, Payment, Refund
from portal import approvals, clock, journal
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.money import Money
from reconciliation import queries
from reconciliation.books import Ids, OurCancel, OurPayment, OurRefund, open_books
from reconciliation.layouts import ReportKind
from reconciliation.lines import line_of
from reconciliation.matching import Decision, decide_by_hand, let_drift
from reconciliation.models import (
    AT_WORK,
    SETTLING,
    Discrepancy,
    Explanation,
    Match,
    Reason,
    ReportFile,
    Resolution,
    Role,
    RowState,
    SettlementRow,
)
from reconciliation.operations.discrepancies import Remember, decide_anew, demanded_note, lock_for
from reconciliation.operations.keeping import keep_by_hand, settle_incident, to_be_booked

Ours = Payment | Refund | Cancel

MATCH = "match by hand"
"""The kind, for ``portal.approvals``."""
MATCH_REASONS = (
    ("SAME_ORDER", "The order or reference is the same"),
    ("ACQUIRER_SAYS", "The acquirer says so"),
    ("OTHER_VERB", "Cancelled there, refunded here, or the other way round"),
    ("ONLY_CANDIDATE", "Amount, day and wallet leave no other"),
    ("OTHER", "Other (see note)"),
)
UNMATCH_REASONS = (
    ("WRONG_MATCH", "It belongs to something else"),
    ("ACQUIRER_SAYS", "The acquirer says so"),
    ("MISTAKE", "Matched by mistake"),
    ("OTHER", "Other (see note)"),
)


def match_by_hand(
    discrepancy: Discrepancy,
    ours: Ours,
    *,
    by: Actor,
    reason_code: str,
    note: str = "",
    remember: Remember | None = None,
) -> Match:
    """Let the open row of a settlement belong to a payment, refund or cancel of ours.

    What is agreed counts as matched; another amount, fee or rate is open with a discrepancy of its own. Raises Conflict
    where it cannot be so, ApprovalNeeded above what one person matches alone.
    """
    if reason_code not in dict(MATCH_REASONS):
        raise InvalidInput(field="reason_code", problem="choose one of " + ", ".join(dict(MATCH_REASONS)) + ".")
    note = demanded_note(reason_code, note)
    try:
        with transaction.atomic(durable=True):
            made = _match(discrepancy, ours, by=by, reason_code=reason_code, note=note)
            if remember is not None:
                remember(discrepancy)
    except IntegrityError:
        raise Conflict("Another row settled it in the meantime. Look at it again.") from None
    return made


def _match(discrepancy: Discrepancy, ours: Ours, *, by: Actor, reason_code: str, note: str) -> Match:
    lock_for(discrepancy)
    _refuse_at_work(discrepancy)
    why = not_matchable(discrepancy)
    if why:
        raise Conflict(why)
    row = discrepancy.row
    assert row is not None  # noqa: S101 - matchable
    decision = foresee(discrepancy, ours)
    approvals.permit(
        MATCH,
        "match",
        by=by,
        subject=discrepancy,
        amount=weight_of_row(row),
        account=row.file.account,
        params={"ours": ours._meta.label_lower, "key": str(ours.pk), "named": name_of(ours)},
        sentence=f"{row.printed_type} of {row.file}, line {row.line_number}, is matched with {name_of(ours)}."[:300],
        reason_code=reason_code,
        note=note,
    )
    Discrepancy.objects.filter(pk=discrepancy.pk).update(
        value=0, closed_at=clock.now(), closed_by=str(by)[:170], resolution=Resolution.MATCHED, note=note[:400]
    )
    settle_incident(discrepancy, Match.objects.filter(row=row).first(), by, f"Matched by hand with {name_of(ours)}.")
    made = keep_by_hand(row, decision)
    journal.write(
        "match by hand",
        by=by,
        subject=discrepancy,
        reason_code=reason_code,
        note=note,
        after={"row": str(row), "with": name_of(ours), "matched": str(Money(made.value, made.currency))},
        outcome=f"{Money(made.value, made.currency)} matched, {Money(decision.open_value, row.currency)} open.",
    )
    decide_anew(row, f"{row} was matched by hand.", also_about=made.payment_id)
    queries.prove(row.file)
    discrepancy.refresh_from_db(fields=("value", "closed_at", "closed_by", "resolution", "note"))
    return made


def foresee(discrepancy: Discrepancy, ours: Ours) -> Decision:
    """What matching with ``ours`` would decide; writes nothing. Raises Conflict where it cannot be so."""
    row = discrepancy.row
    if row is None:
        raise Conflict(not_matchable(discrepancy))
    account = row.file.account
    books = open_books(account, ReportKind.SETTLEMENT, [Ids.of_ours(ours)], but=row.file)
    told: OurPayment | OurRefund | OurCancel | None
    match ours:
        case Payment():
            role, told = Role.PAYMENT, books.payments.get(ours.pk)
            taken = Match.objects.filter(payment=ours)
        case Refund():
            role, told = Role.REFUND, books.refunds.get(ours.refund_request_id)
            taken = Match.objects.filter(refund=ours)
        case Cancel():
            role, told = Role.CANCEL, books.cancels.get(ours.payment_id)
            taken = Match.objects.filter(cancel=ours)
    if told is None:
        raise Conflict("That is of another account, or it was refused by the acquirer.")
    if taken.filter(role=role, is_settlement=True).exists():
        books.settled.add((role, ours.pk))
    decision, problem = decide_by_hand(line_of(row), told, books)
    if problem:
        raise Conflict(problem)
    let_drift(decision, row.file.fee_drifts)
    return decision


def not_matchable(discrepancy: Discrepancy) -> str:
    """Why its row cannot be matched by hand, in a sentence; empty when it can."""
    if not discrepancy.is_open:
        return "It is closed already."
    row = discrepancy.row
    if discrepancy.file_id is None:
        return "No report has it, so there is no row to match."
    if row is None:
        return "It is about the file, not about a row of ours."
    if row.batch_id is None:
        return "Transaction details settle nothing. Match the row of the settlement."
    if discrepancy.value != row.reported_value or row.matched_value or row.explained_value:
        return "The row is matched; only a part of it differs. Close that with a reason."
    if discrepancy.reason in (Reason.PAYMENT_REVERSAL, Reason.REFUND_REVERSAL):
        return "A reversal settles nothing. Deliver or give the money back, and close it with a reason."
    return ""


def unmatch(
    row: SettlementRow, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> Discrepancy:
    """Take a match away. What a person matched is as it was before; what the ids matched is open, until a person says.

    Raises Conflict where nothing is matched, or a part of the row was accepted.
    """
    if reason_code not in dict(UNMATCH_REASONS):
        raise InvalidInput(field="reason_code", problem="choose one of " + ", ".join(dict(UNMATCH_REASONS)) + ".")
    note = demanded_note(reason_code, note)
    with transaction.atomic(durable=True):
        lock_for(row)
        _refuse_at_work(row)
        why = not_unmatchable(row)
        if why:
            raise Conflict(why)
        match = Match.objects.select_related("payment", "refund", "cancel__payment").get(row=row)
        ours: Any = match.refund or match.cancel or match.payment
        was, was_by_hand, about = Money(match.value, match.currency), match.is_by_hand, match.payment_id
        words = f"{row} was unmatched by hand."
        row.discrepancies.filter(closed_at=None).update(
            value=0, closed_at=clock.now(), closed_by=str(by)[:170], resolution=Resolution.HEALED, note=words[:400]
        )
        opened = _opened(row, name_of(ours), was_by_hand=was_by_hand)
        Explanation.objects.filter(row=row).delete()
        if was_by_hand:
            match.delete()
        else:
            Match.objects.filter(pk=match.pk).update(role=Role.DISAGREES, value=0)
        row.state, row.matched_value, row.explained_value = RowState.OPEN, 0, 0
        row.open_value = row.reported_value
        row.save(update_fields=["state", "matched_value", "explained_value", "open_value"])
        to_be_booked([row.batch_id])
        journal.write(
            "unmatch",
            by=by,
            subject=opened,
            reason_code=reason_code,
            note=note,
            before={"row": str(row), "with": name_of(ours), "matched": str(was), "by hand": was_by_hand},
            outcome=f"{row.reported} open.",
        )
        decide_anew(row, words, also_about=about)
        queries.prove(row.file)
        if remember is not None:
            remember(opened)
    row.refresh_from_db()
    opened.refresh_from_db()
    return opened


def _opened(row: SettlementRow, named: str, *, was_by_hand: bool) -> Discrepancy:
    """What is open from now on: what was open before it was matched by hand, else that it was unmatched."""
    if was_by_hand:
        before = row.discrepancies.filter(resolution=Resolution.MATCHED).order_by("-closed_at", "-pk").first()
        if before is not None:
            Discrepancy.objects.filter(pk=before.pk).update(
                value=row.reported_value, closed_at=None, closed_by="", resolution="", note=""
            )
            before.refresh_from_db()
            return before
    return Discrepancy.objects.create(
        file_id=row.file_id,
        row=row,
        reason=Reason.UNMATCHED,
        sentence=f"A person unmatched the row from {named}.",
        value=row.reported_value,
        currency=row.currency,
        stake_value=row.reported_value,
        stake_currency=row.currency,
    )


def not_unmatchable(row: SettlementRow) -> str:
    """Why the row cannot be unmatched, in a sentence; empty when it can."""
    if row.batch_id is None:
        return "Transaction details settle nothing."
    if not Match.objects.filter(row=row, role__in=SETTLING).exists():
        return "Nothing is matched here."
    accepted = row.discrepancies.filter(closed_at__isnull=False).exclude(value=0)
    if accepted.exists():
        return "A part of this row was accepted. Open that discrepancy again first."
    return ""


def weight_of_row(row: SettlementRow) -> Money:
    """What matching the row is worth, by which rules of approvals measure; never signed."""
    worth = row.transaction_amount or row.reported
    return Money(abs(worth.value), worth.currency)


def name_of(ours: Ours) -> str:
    """``payment P-1 of 100.00 USD``."""
    match ours:
        case Payment():
            return f"payment {ours.payment_request_id} of {ours.amount}"
        case Refund():
            return f"refund {ours.refund_request_id} of {ours.amount}"
        case Cancel():
            return f"the cancel of payment {ours.payment.payment_request_id} of {ours.payment.amount}"


def _refuse_at_work(thing: Discrepancy | SettlementRow) -> None:
    if thing.file is None:
        return  # of no file; ``not_matchable`` says so
    at_work = ReportFile.objects.filter(account=thing.file.account_id, status__in=AT_WORK).defer("content").first()
    if at_work is not None:
        raise Conflict("{file} is being imported or undone. Wait for its end.", file=at_work.name)
