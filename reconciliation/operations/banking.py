"""What the bank credited: entered by hand or read from a statement, matched with the batch it pays, differences named.

All of it holds the account's row, as imports of reports and the closing of a month do: which batch a credit pays
depends on the batches and credits that are here. Whatever changes what is booked of a batch lets the next month that is
closed book the difference.

Naming a difference says where money went that did not arrive, so it stands under its own kind of ``portal.approvals``,
with the limits of accepting a discrepancy: or whoever may not write off above a limit would call it a bank charge.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.db.models import Model, Q

from portal import approvals, clock, journal
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import bank
from reconciliation.models import (
    BankCause,
    BankCredit,
    BankDifference,
    BankShare,
    Batch,
    CreditSource,
    CreditStatus,
    MatchBasis,
    ReportFile,
)
from reconciliation.operations.discrepancies import demanded_note
from reconciliation.operations.keeping import to_be_booked
from reconciliation.reading.archives import base_name
from reconciliation.reading.statements import MAX_REFERENCE_LENGTH, Entry, Statement, read_statement

Remember = Callable[[Model], None]

NAME_DIFFERENCE = "name bank difference"
"""The kind, for ``portal.approvals``."""
ENTER_REASONS = (
    ("STATEMENT", "Read from the bank's statement"),
    ("ADVICE", "The bank's advice of credit"),
    ("OTHER", "Other (see note)"),
)
MATCH_CREDIT_REASONS = (
    ("SAME_AMOUNT", "Amount and days leave no other"),
    ("NAMED", "The bank's text says so"),
    ("ACQUIRER_SAYS", "The acquirer says so"),
    ("OTHER", "Other (see note)"),
)
UNMATCH_CREDIT_REASONS = (
    ("WRONG_BATCH", "It pays another batch"),
    ("NOT_OURS", "It pays none of the acquirer's batches"),
    ("MISTAKE", "Matched by mistake"),
    ("OTHER", "Other (see note)"),
)
SET_ASIDE_REASONS = (
    ("NOT_THE_ACQUIRER", "It is not from the acquirer"),
    ("TWICE", "The same credit is here twice"),
    ("OTHER", "Other (see note)"),
)
TAKE_BACK_REASONS = (
    ("WRONG_CAUSE", "Another cause"),
    ("NEWS", "The bank says something else by now"),
    ("MISTAKE", "Named by mistake"),
    ("OTHER", "Other (see note)"),
)


@dataclass(frozen=True)
class Imported:
    """What became of a statement."""

    sentence: str
    is_new: bool
    waiting: int = 0
    """Credits of it that wait for a person."""


# Entering one by hand.


def enter_credit(
    batch: Batch,
    *,
    amount: Money,
    value_date: date,
    reference: str,
    text: str = "",
    by: Actor,
    reason_code: str,
    note: str = "",
    remember: Remember | None = None,
) -> BankCredit:
    """Write down a credit that pays this batch. Another amount than the batch pays is kept: the difference is open.

    Raises InvalidInput for what cannot be; Conflict when nothing of the batch is open, or the credit is here already.
    """
    _refuse_unknown(reason_code, ENTER_REASONS)
    note = demanded_note(reason_code, note)
    reference, text = reference.strip(), " ".join(text.split())[:2000]
    if not reference or len(reference) > MAX_REFERENCE_LENGTH:
        raise InvalidInput(field="reference", problem="give what the bank calls the credit, in at most 64 characters.")
    if amount.currency != batch.currency:
        raise InvalidInput(field="amount", problem=f"the batch is paid in {batch.currency}.")
    if amount.value <= 0:
        raise InvalidInput(field="amount", problem="it must be above zero.")
    _refuse_day(batch, value_date)
    with transaction.atomic(durable=True):
        batch = _held(batch)
        why = not_payable(batch)
        if why:
            raise Conflict(why)
        identity = _identity(amount, value_date, reference, text)
        if BankCredit.objects.filter(account=batch.account_id, identity=identity).exists():
            raise Conflict(
                "A credit of {amount} with this reference and value date is here already. Match that one.",
                amount=str(amount),
            )
        credit = BankCredit(
            account_id=batch.account_id,
            currency=amount.currency,
            value=amount.value,
            value_date=value_date,
            reference=reference,
            text=text,
            source=CreditSource.HAND,
            identity=identity,
            status=CreditStatus.MATCHED,
            batch=batch,
            basis=MatchBasis.HAND,
            matched_at=clock.now(),
            matched_by=str(by)[:170],
            is_held=True,
        )
        credit.by(by)
        credit.save()
        to_be_booked([batch.pk])
        journal.write(
            "enter bank credit",
            by=by,
            subject=credit,
            reason_code=reason_code,
            note=note,
            after={"batch": str(batch), "amount": str(amount), "reference": reference},
            outcome=_stands(batch),
        )
        if remember is not None:
            remember(credit)
    return credit


def not_payable(batch: Batch) -> str:
    """Why no credit can be taken for its payment, in a sentence; empty when one can."""
    standing = bank.standing_of(batch)
    if standing is None:
        return "It is not known yet what this batch pays: import its details or its summary."
    if standing.ties_out:
        return "Nothing of this batch is open at the bank."
    return "This batch pays nothing: its total is below zero." if standing.pays.value < 0 else ""


def _refuse_day(batch: Batch, value_date: date) -> None:
    if value_date > clock.now().astimezone(clock.ACQUIRER_ZONE).date():
        raise InvalidInput(field="value_date", problem="that day is still to come. Enter it once it is credited.")
    if value_date < batch.initiated_on - bank.DAY_AHEAD:
        raise InvalidInput(
            field="value_date", problem=f"the batch was initiated on {batch.initiated_on}, after that day."
        )


# Reading a statement.


def import_statement(
    name: str, content: bytes, *, account: AcquirerAccount, by: Actor, remember: Remember | None = None
) -> Imported:
    """Keep the entries of a statement that are not here yet, all or none, and match what can be matched.

    The file itself is not kept, only its SHA-256: it tells of other people's money. Raises ReportRefused; then nothing
    is kept.
    """
    name = base_name(name)
    statement = read_statement(content)
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=account.pk)
        before = BankCredit.objects.filter(account=account, file_sha256=statement.sha256).order_by("pk").first()
        found = _kept(statement, account)
        fresh, seen_by_hand = _sorted_out(statement, name, account, by, found)
        if not fresh and not seen_by_hand:
            return Imported(_nothing_new(before, statement), is_new=False)
        BankCredit.objects.bulk_create(fresh, batch_size=500)
        BankCredit.objects.bulk_update(seen_by_hand, ["file_name", "file_sha256", "line"])
        matched = match_open(account, by=by)
        sentence, waiting = _summed_up(name, statement, fresh, len(seen_by_hand), matched)
        journal.write(
            "import bank statement", by=by, subject=account, after={"sha256": statement.sha256}, outcome=sentence
        )
        if remember is not None:
            remember(account)
    return Imported(sentence, is_new=True, waiting=waiting)


def _identity(amount: Money, value_date: date, reference: str, text: str) -> str:
    # A bank's reference is one entry's; banks that give none are told apart by the text.
    named = f"={reference}" if reference else f"~{text}"
    said = "\n".join((amount.currency, str(amount.value), value_date.isoformat(), named))
    return blake2b(said.encode(), digest_size=16).hexdigest()


def _kept(statement: Statement, account: AcquirerAccount) -> dict[tuple[str, int], BankCredit]:
    """What is here already of the statement's entries, by identity and occurrence."""
    identities = sorted({_identity_of(entry) for entry in statement.entries})
    found: dict[tuple[str, int], BankCredit] = {}
    for start in range(0, len(identities), 500):
        for one in BankCredit.objects.filter(account=account, identity__in=identities[start : start + 500]):
            found[one.identity, one.occurrence] = one
    return found


def _identity_of(entry: Entry) -> str:
    return _identity(entry.amount, entry.value_date, entry.reference, entry.text)


def _sorted_out(
    statement: Statement, name: str, account: AcquirerAccount, by: Actor, found: dict[tuple[str, int], BankCredit]
) -> tuple[list[BankCredit], list[BankCredit]]:
    """Entries that are new, and those a person entered before the bank listed them."""
    fresh: list[BankCredit] = []
    seen_by_hand: list[BankCredit] = []
    times: dict[str, int] = defaultdict(int)
    for entry in statement.entries:
        identity = _identity_of(entry)
        times[identity] += 1
        here = found.get((identity, times[identity]))
        if here is None:
            fresh.append(_credit(entry, statement, name, account, by, identity, times[identity]))
        elif not here.file_sha256:
            here.file_name, here.file_sha256, here.line = name[:200], statement.sha256, entry.line
            seen_by_hand.append(here)
    return fresh, seen_by_hand


def _credit(
    entry: Entry,
    statement: Statement,
    name: str,
    account: AcquirerAccount,
    by: Actor,
    identity: str,
    occurrence: int,
) -> BankCredit:
    credit = BankCredit(
        account=account,
        currency=entry.amount.currency,
        value=entry.amount.value,
        value_date=entry.value_date,
        reference=entry.reference,
        text=entry.text,
        source=statement.source,
        file_name=name[:200],
        file_sha256=statement.sha256,
        line=entry.line,
        identity=identity,
        occurrence=occurrence,
        status=CreditStatus.OPEN if entry.amount.value > 0 else CreditStatus.DEBIT,
    )
    credit.by(by)
    return credit


def _nothing_new(before: BankCredit | None, statement: Statement) -> str:
    if before is not None:
        there = before.created_at.astimezone(clock.ACQUIRER_ZONE)
        day, at = f"{there:%Y-%m-%d}", f"{there:%H:%M}"
        return f"This very statement was imported already, on {day} at {at} UTC+8. Nothing was added."
    if not statement.entries:
        return "Nothing in this statement is booked yet. Nothing was added."
    return "Every entry of this statement is here already, from another file. Nothing was added."


def _summed_up(
    name: str, statement: Statement, fresh: Sequence[BankCredit], by_hand: int, matched: Sequence[BankCredit]
) -> tuple[str, int]:
    arrived = [credit for credit in fresh if credit.value > 0]
    own = {credit.pk for credit in arrived}
    done = sum(credit.pk in own for credit in matched)
    waiting = len(arrived) - done
    known = len(statement.entries) - len(fresh) - by_hand
    debits = len(fresh) - len(arrived)
    parts = [f"{name}: credits {len(arrived)}, matched {done}, waiting for a person {waiting}, debits {debits}."]
    if by_hand:
        parts.append(f"Entered by hand before: {by_hand}.")
    if known:
        parts.append(f"Here already, not added again: {known}.")
    if statement.passed_over:
        parts.append(f"Not booked, passed over: {statement.passed_over}.")
    return " ".join(parts), waiting


# Matching.


def match_open(account: AcquirerAccount, *, by: Actor) -> list[BankCredit]:
    """Match every open credit that can be the payment of one batch only. The caller holds the account."""
    matched, paid = [], []
    shares: list[BankShare] = []
    for credit, payable, basis in bank.pairs(account):
        for name, value in _facts(payable, basis, by).items():
            setattr(credit, name, value)
        shares += _shares(credit, payable)
        matched.append(credit)
        paid += _batches_of(payable)
    BankCredit.objects.bulk_update(matched, ["status", "batch", "payout", "basis", "matched_at", "matched_by"])
    BankShare.objects.bulk_create(shares)
    to_be_booked(paid)
    return matched


def _facts(payable: bank.Payable, basis: MatchBasis, by: Actor) -> dict[str, Any]:
    """What a credit is once it is matched with this."""
    is_payout = isinstance(payable, bank.Payout)
    return {
        "status": CreditStatus.MATCHED,
        "batch": None if is_payout else payable,
        "payout": payable.file if isinstance(payable, bank.Payout) else None,
        "basis": basis,
        "matched_at": clock.now(),
        "matched_by": str(by)[:170],
    }


def _told(batch: Batch | None, payout: ReportFile | None, credit: BankCredit) -> dict[str, str]:
    """What a credit pays, for the journal."""
    return {"batch" if batch else "settlement": str(batch or payout), "amount": str(credit.amount)}


def _batches_of(payable: bank.Payable) -> list[int]:
    return [batch.pk for batch, _ in payable.batches] if isinstance(payable, bank.Payout) else [payable.pk]


def _shares(credit: BankCredit, payable: bank.Payable) -> list[BankShare]:
    """To each batch of a settlement what is paid for it; none of a batch that is paid alone.

    What the bank credited less, or more, is the largest one's, and open there.
    """
    if not isinstance(payable, bank.Payout):
        return []
    shares = [BankShare(credit=credit, batch=batch, value=value) for batch, value in payable.batches]
    max(shares, key=lambda share: share.value).value += credit.value - payable.pays.value
    return shares


def match_credit(
    credit: BankCredit,
    payable: bank.Payable,
    *,
    by: Actor,
    reason_code: str,
    note: str = "",
    remember: Remember | None = None,
) -> None:
    """Confirm that a credit pays this batch, or this settlement of several; what differs is open.

    Raises Conflict where it cannot be so.
    """
    _refuse_unknown(reason_code, MATCH_CREDIT_REASONS)
    note = demanded_note(reason_code, note)
    with transaction.atomic(durable=True):
        payable = _payable(credit, payable)
        facts = _facts(payable, MatchBasis.HAND, by)
        open_one = BankCredit.objects.filter(pk=credit.pk, status=CreditStatus.OPEN)
        _refuse_unmoved(open_one.update(**facts, is_held=True))
        BankShare.objects.bulk_create(_shares(credit, payable))
        to_be_booked(_batches_of(payable))
        journal.write(
            "match bank credit",
            by=by,
            subject=credit,
            reason_code=reason_code,
            note=note,
            after=_told(facts["batch"], facts["payout"], credit),
            outcome=_stands(facts["batch"]) if facts["batch"] else "",
        )
        if remember is not None:
            remember(credit)
    credit.refresh_from_db()


def unmatch_credit(
    credit: BankCredit, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> None:
    """Take the match away: nothing but a person matches this credit from then on. Raises Conflict if it has none."""
    _refuse_unknown(reason_code, UNMATCH_CREDIT_REASONS)
    note = demanded_note(reason_code, note)
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=credit.account_id)
        credit.refresh_from_db()
        batch, payout = credit.batch, credit.payout
        if batch is None and payout is None:
            raise Conflict("This credit is not matched (any more). Look at it again.")
        paid = _open_again([credit], is_held=True)
        to_be_booked(paid)
        journal.write(
            "unmatch bank credit",
            by=by,
            subject=credit,
            reason_code=reason_code,
            note=note,
            before=_told(batch, payout, credit),
            outcome=_stands(batch) if batch else "",
        )
        if remember is not None:
            remember(credit)
    credit.refresh_from_db()


def _payable(credit: BankCredit, wanted: bank.Payable) -> bank.Payable:
    """The same, as it stands while the account is held. Raises Conflict where the credit cannot be its payment."""
    if isinstance(wanted, bank.Payout):
        account = AcquirerAccount.objects.select_for_update().get(pk=credit.account_id)
        here = next((one for one in bank.payouts(account) if one.file.pk == wanted.file.pk), None)
        if here is None:
            raise Conflict("Something of this settlement is accounted for already. Look at it again.")
        if here.pays.currency != credit.currency:
            raise Conflict("That settlement is in another currency.")
        return here
    batch = _held(wanted)
    if batch.account_id != credit.account_id or batch.currency != credit.currency:
        raise Conflict("That batch is of another account or currency.")
    if why := not_payable(batch):
        raise Conflict(why)
    return batch


def set_aside(
    credit: BankCredit, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> None:
    """Say that an open credit pays no batch. Raises Conflict when it is not open."""
    _refuse_unknown(reason_code, SET_ASIDE_REASONS)
    _put(
        credit,
        CreditStatus.OPEN,
        CreditStatus.SET_ASIDE,
        "set bank credit aside",
        by=by,
        reason_code=reason_code,
        note=demanded_note(reason_code, note),
        remember=remember,
    )


def take_up(credit: BankCredit, *, by: Actor, note: str = "", remember: Remember | None = None) -> None:
    """Let a credit that was set aside wait for a person again. Raises Conflict when it was not."""
    _put(
        credit,
        CreditStatus.SET_ASIDE,
        CreditStatus.OPEN,
        "take bank credit up again",
        by=by,
        reason_code="",
        note=note.strip(),
        remember=remember,
    )


def _put(
    credit: BankCredit,
    source: CreditStatus,
    target: CreditStatus,
    act: str,
    *,
    by: Actor,
    reason_code: str,
    note: str,
    remember: Remember | None,
) -> None:
    with transaction.atomic(durable=True):
        AcquirerAccount.objects.select_for_update().get(pk=credit.account_id)
        _refuse_unmoved(BankCredit.objects.filter(pk=credit.pk, status=source).update(status=target, is_held=True))
        journal.write(act, by=by, subject=credit, reason_code=reason_code, note=note)
        if remember is not None:
            remember(credit)
    credit.refresh_from_db()


def let_go(batches: Iterable[Batch], file: ReportFile) -> list[str]:
    """Free what was said at the bank of batches that no file speaks of any more, and of a settlement that goes; what
    that was, for the journal.

    Inside the transaction that takes the file back. The credits stay, and are matched like new ones.
    """
    keys = [batch.pk for batch in batches]
    freed = list(BankCredit.objects.filter(Q(batch__in=keys) | Q(payout=file)).order_by("pk"))
    differences = BankDifference.objects.filter(batch__in=keys)
    said = [f"{credit} ({credit.reference})" for credit in freed] + [str(one) for one in differences]
    to_be_booked(key for key in _open_again(freed, is_held=False) if key not in keys)
    differences.delete()
    return said


def _open_again(freed: Sequence[BankCredit], *, is_held: bool) -> list[int]:
    """Take the matches away; which batches they were about."""
    keys = [credit.pk for credit in freed]
    shares = BankShare.objects.filter(credit__in=keys)
    paid = [credit.batch_id for credit in freed if credit.batch_id is not None]
    paid += shares.values_list("batch_id", flat=True)
    shares.delete()
    BankCredit.objects.filter(pk__in=keys).update(
        status=CreditStatus.OPEN, batch=None, payout=None, basis="", matched_at=None, matched_by="", is_held=is_held
    )
    return paid


# Differences.


def name_difference(
    batch: Batch, *, cause: str, amount: Money, by: Actor, note: str = "", remember: Remember | None = None
) -> BankDifference:
    """Say why so much of what the batch pays is not credited, or (negative) was credited beyond it.

    Raises InvalidInput for a cause that is none, or OTHER without a note; Conflict when not so much is open;
    ApprovalNeeded above what one person explains alone.
    """
    _refuse_unknown(cause, BankCause.choices, "cause")
    note = demanded_note(cause, note)
    with transaction.atomic(durable=True):
        batch = _held(batch)
        standing = bank.standing_of(batch)
        left = 0 if standing is None else standing.open.value
        is_too_much = abs(amount.value) > abs(left) or amount.value * left <= 0
        if amount.currency != batch.currency or is_too_much:
            open_now = Money(left, batch.currency)
            raise Conflict("{open} of this batch are open at the bank. Name a part of that.", open=str(open_now))
        worth = Money(abs(amount.value), amount.currency)
        approvals.permit(
            NAME_DIFFERENCE,
            "name difference",
            by=by,
            subject=batch,
            amount=worth,
            account=batch.account,
            params={"cause": cause, "value": amount.value, "currency": amount.currency},
            sentence=f"{amount} of batch {batch} count as explained at the bank: {BankCause(cause).label.lower()}."[
                :300
            ],
            reason_code=cause,
            note=note,
        )
        made = BankDifference(batch=batch, cause=cause, currency=amount.currency, value=amount.value, note=note[:256])
        made.by(by)
        made.save()
        to_be_booked([batch.pk])
        journal.write(
            "name bank difference",
            by=by,
            subject=batch,
            reason_code=cause,
            note=note,
            after={"amount": str(amount)},
            outcome=_stands(batch),
        )
        if remember is not None:
            remember(made)
    return made


def take_back_difference(
    difference: BankDifference, *, by: Actor, reason_code: str, note: str = "", remember: Remember | None = None
) -> None:
    """Let a difference that was named be open again. Raises Conflict when it is not there any more."""
    _refuse_unknown(reason_code, TAKE_BACK_REASONS)
    note = demanded_note(reason_code, note)
    with transaction.atomic(durable=True):
        batch = _held(difference.batch)
        before = {"cause": difference.cause, "amount": str(difference.amount), "note": difference.note}
        deleted, _ = BankDifference.objects.filter(pk=difference.pk).delete()
        _refuse_unmoved(deleted)
        to_be_booked([batch.pk])
        journal.write(
            "take bank difference back",
            by=by,
            subject=batch,
            reason_code=reason_code,
            note=note,
            before=before,
            outcome=_stands(batch),
        )
        if remember is not None:
            remember(batch)


# Helpers.


def _held(batch: Batch) -> Batch:
    """The batch as it is now, with its account held."""
    AcquirerAccount.objects.select_for_update().get(pk=batch.account_id)
    found = Batch.objects.filter(pk=batch.pk).exclude(details=None, summary=None).select_related("account").first()
    if found is None:
        raise Conflict("The import of this batch was undone. Look at it again.")
    return found


def _stands(batch: Batch) -> str:
    standing = bank.standing_of(Batch.objects.get(pk=batch.pk))
    if standing is None:
        return ""
    return "The batch ties out at the bank." if standing.ties_out else f"{standing.open} open at the bank."


def _refuse_unknown(code: str, known: Sequence[tuple[str, object]], name: str = "reason_code") -> None:
    if code not in dict(known):
        raise InvalidInput(field=name, problem="choose one of " + ", ".join(str(one) for one, _ in known) + ".")


def _refuse_unmoved(moved: int) -> None:
    if not moved:
        raise Conflict("Somebody was faster. Look at it again.")
