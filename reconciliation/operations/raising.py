"""Raising a discrepancy to the acquirer: one ZIP that says what differs and proves our side of it.

The bundle is an evidence pack (``portal.evidence``) headed by a letter: the row as the acquirer printed it with the
digest of its file, what our books say, and the messages that were exchanged about it, masked. The same state gives the
same bytes; that it was raised, when and by whom, stands in the journal with the bundle's SHA-256.
"""

import hashlib
from typing import Any

from django.db import transaction

from payments.models import Payment
from portal import clock, evidence, journal, registry
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.evidence import Told, record, rows
from portal.registry import Evidence
from reconciliation.evidence import DISCREPANCY, ROW
from reconciliation.letters import letter
from reconciliation.models import Discrepancy, Match
from reconciliation.operations.discrepancies import demanded_note

RAISE_REASONS = (
    ("ASK", "Ask what it is"),
    ("CORRECT", "Ask for a correction"),
    ("PAY", "Ask for the money that is missing"),
    ("OTHER", "Other (see note)"),
)
_SUMMARY = ("line_number", "printed_type", "count", "settlement_value", "currency", "fees", "state", "raw")


def raise_to_acquirer(
    discrepancy: Discrepancy,
    *,
    by: Actor,
    reason_code: str,
    note: str = "",
    case_reference: str = "",
    with_messages: bool = False,
) -> bytes:
    """Note that it was raised, and return the bundle to send. May be done again, e.g. with the acquirer's reference.

    Raises Conflict when it is closed, or when somebody else raised it meanwhile.
    """
    if reason_code not in dict(RAISE_REASONS):
        raise InvalidInput(field="reason_code", problem="choose one of " + ", ".join(dict(RAISE_REASONS)) + ".")
    note = demanded_note(reason_code, note)
    pack = bundle(discrepancy, reason_code, with_messages=with_messages)
    with transaction.atomic(durable=True):
        facts: dict[str, Any] = {"raised_at": clock.now()}
        if case_reference.strip():
            facts["case_reference"] = case_reference.strip()[:64]
        mine = Discrepancy.objects.filter(pk=discrepancy.pk, closed_at=None, raised_at=discrepancy.raised_at)
        if not mine.update(**facts):
            raise Conflict("Somebody raised or closed this in the meantime. Look at it again.")
        discrepancy.refresh_from_db()
        journal.write(
            "raise to the acquirer",
            by=by,
            subject=discrepancy,
            reason_code=reason_code,
            note=note,
            after={"case": discrepancy.case_reference},
            outcome=f"SHA-256 {hashlib.sha256(pack).hexdigest()}",
        )
    return pack


def bundle(discrepancy: Discrepancy, reason_code: str, *, with_messages: bool = False) -> bytes:
    """The ZIP. Reads only."""
    file, row, summary = discrepancy.file, discrepancy.row, discrepancy.summary_row
    match = Match.objects.filter(row=row).select_related("payment__order", "refund").first() if row else None
    more: list[Evidence] = [
        Evidence("letter.txt", letter(discrepancy, reason_code, match).encode()),
        rows("discrepancy", [record(discrepancy, *DISCREPANCY)]),
    ]
    if row is not None:
        more.append(rows("row", [record(row, *ROW) | _place(row.batch, file)]))
    if summary is not None:
        lines = summary.batch.summary_rows.order_by("line_number")
        more.append(rows("summary", [record(line, *_SUMMARY) | _place(summary.batch, file) for line in lines]))
    told: list[Told] = []
    subjects: list[str] = []
    payment = about(discrepancy)
    if payment is not None:
        more += [one for contributor in registry.evidence for one in contributor(payment.order)]
        entries = [entry for contributor in registry.timelines for entry in contributor(payment)]
        told = [Told(entry.at, str(entry.sentence), str(entry.detail)) for entry in entries]
        subjects = [payment.payment_request_id]
        subjects += [refund.refund_request_id for refund in payment.refunds.order_by("pk")]
    account = discrepancy.whose
    where = f"{account.name}: {file.name}" if file is not None else account.name
    return evidence.pack(
        (f"About discrepancy {discrepancy.pk}", discrepancy.sentence, where),
        accounts=(account,),
        subjects=subjects,
        lines=told,
        more=more,
        with_messages=with_messages,
        with_originals=False,
    )


def about(discrepancy: Discrepancy) -> Payment | None:
    """The payment it is about: the one its row belongs to, or that no report has, or whose refund none has."""
    if discrepancy.refund is not None:
        return discrepancy.refund.payment
    if discrepancy.payment is not None or discrepancy.row_id is None:
        return discrepancy.payment
    match = Match.objects.filter(row=discrepancy.row_id).select_related("payment__order").first()
    return match.payment if match is not None else None


def _place(batch: Any, file: Any) -> dict[str, Any]:
    return {
        "file": file.name,
        "file_sha256": file.sha256,
        "batch": None if batch is None else batch.batch_id,
        "psp": "" if batch is None else batch.psp,
    }
