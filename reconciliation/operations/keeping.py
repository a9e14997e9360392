"""Keeping what was decided on rows: matches, explanations, discrepancies, and incidents about reversals."""

from collections.abc import Iterable, Sequence

from django.db import connection

from payments.models import Payment, Refund
from portal import clock, incidents
from portal.actor import Actor
from reconciliation.lines import Line
from reconciliation.matching import Decision, Finding
from reconciliation.models import (
    CELL_END,
    Batch,
    Discrepancy,
    Explanation,
    Match,
    Reason,
    ReportFile,
    Resolution,
    SettlementRow,
)

ROWS_PER_INSERT = 500
_SENTENCE_LENGTH = 400

REVERSALS = {Reason.PAYMENT_REVERSAL: "payment_reversal", Reason.REFUND_REVERSAL: "refund_reversal"}
"""Discrepancies that are incidents too, by the incident's kind."""


def settlement_row(file: ReportFile, batch: Batch | None, line: Line, decision: Decision) -> SettlementRow:
    """The row as it is kept. Does not save."""
    return SettlementRow(
        file=file,
        batch=batch,
        part=line.part,
        line_number=line.number,
        identity=line.identity,
        occurrence=line.occurrence,
        printed_type=line.printed_type,
        transaction_type=line.row_type,
        printed_status=line.status,
        transaction_id=line.transaction_id,
        original_transaction_id=line.original_id,
        transaction_request_id=line.request_id,
        original_transaction_request_id=line.original_request_id,
        reference_transaction_id=line.reference_id,
        payment_method_type=line.wallet,
        transaction_value=None if line.amount is None else line.amount.value,
        transaction_currency="" if line.amount is None else line.amount.currency,
        quote_currency_pair=line.pair,
        quote_price=line.price,
        converted_value=line.converted,
        gross_value=line.gross,
        settlement_value=line.net,
        settlement_currency=line.settlement_currency,
        fees=line.fees,
        fees_value=line.fees_sum,
        coupon_value=line.coupon,
        printed=CELL_END.join([line.raw.get(name, "") for name in file.columns]),
        state=decision.state,
        currency=line.reported.currency,
        reported_value=line.reported.value,
        matched_value=decision.matched,
        explained_value=decision.explained_value,
        open_value=decision.open_value,
    )


def keep_decisions(
    rows: Sequence[SettlementRow], decisions: Sequence[Decision], *, later: set[int] | None = None
) -> None:
    """Write matches, explanations and discrepancies of rows that are saved.

    ``later`` takes the places of those whose match another row still holds: ``keep_matches`` writes them once it is
    free.
    """
    held = later if later is not None else set()
    keep_matches([pair for place, pair in enumerate(zip(rows, decisions, strict=True)) if place not in held])
    explanations: list[Explanation] = []
    discrepancies: list[Discrepancy] = []
    for row, decision in zip(rows, decisions, strict=True):
        explanations += explanations_of(row, decision)
        discrepancies += [discrepancy_of(row, finding) for finding in decision.findings]
    Explanation.objects.bulk_create(explanations, batch_size=ROWS_PER_INSERT)
    Discrepancy.objects.bulk_create(discrepancies, batch_size=ROWS_PER_INSERT)


def keep_matches(pairs: Sequence[tuple[SettlementRow, Decision]]) -> None:
    """Write whose the rows are."""
    matches = [match_of(row, decision) for row, decision in pairs]
    Match.objects.bulk_create([one for one in matches if one is not None], batch_size=ROWS_PER_INSERT)


def keep_fresh(pairs: Sequence[tuple[SettlementRow, Decision]]) -> None:
    """Write what was decided on rows that were saved as open and undecided."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE reconciliation_settlementrow"
            " SET state = %s, matched_value = %s, explained_value = %s, open_value = %s WHERE id = %s",
            [
                (decision.state, decision.matched, decision.explained_value, decision.open_value, row.pk)
                for row, decision in pairs
            ],
        )
    keep_decisions([row for row, _ in pairs], [decision for _, decision in pairs])


def keep_by_hand(row: SettlementRow, decision: Decision) -> Match:
    """Write what a person decided about whose a row is, in the place of whatever stood there."""
    Match.objects.filter(row=row).delete()
    Explanation.objects.filter(row=row).delete()
    row.state, row.matched_value = decision.state, decision.matched
    row.explained_value, row.open_value = decision.explained_value, decision.open_value
    row.save(update_fields=["state", "matched_value", "explained_value", "open_value"])
    Explanation.objects.bulk_create(explanations_of(row, decision))
    Discrepancy.objects.bulk_create([discrepancy_of(row, finding) for finding in decision.findings])
    match = match_of(row, decision)
    assert match is not None  # noqa: S101 - a person named a payment
    match.is_by_hand = True
    match.save()
    to_be_booked([row.batch_id])
    return match


def raise_incidents(rows: Sequence[SettlementRow], decisions: Sequence[Decision]) -> None:
    """No silent move: a settlement row tells a person, it never moves a payment or a refund."""
    for row, decision in zip(rows, decisions, strict=True):
        for finding in decision.findings:
            if finding.reason in REVERSALS:
                subject = _subject(decision)
                detail = f"{row.printed_type} in {row}."
                incidents.raise_incident(REVERSALS[finding.reason], finding.sentence, subject=subject, detail=detail)


def raise_incidents_of(file: ReportFile) -> None:
    """The same for rows that are kept."""
    found = Discrepancy.objects.filter(file=file, reason__in=REVERSALS, closed_at=None).order_by("pk")
    for one in found.select_related("row__match__payment", "row__match__refund", "row__file").defer(
        "row__file__content"
    ):
        assert one.row is not None  # noqa: S101 - a reversal is a row
        match = getattr(one.row, "match", None)
        incidents.raise_incident(
            REVERSALS[Reason(one.reason)],
            one.sentence,
            subject=None if match is None else match.refund or match.payment,
            detail=f"{one.row.printed_type} in {one.row}.",
        )


def settle_incident(one: Discrepancy, match: Match | None, by: Actor, resolution: str) -> None:
    """Close the incident of a discrepancy about a reversal, if it is one."""
    kind = REVERSALS.get(Reason(one.reason))
    if kind is not None and match is not None:
        incidents.settle(kind, subject=match.refund or match.payment, by=by, resolution=resolution)


def restate_all(pairs: Sequence[tuple[SettlementRow, Decision]], note: str) -> list[SettlementRow]:
    """Bring what is kept about rows in line with what is decided now; the rows in which something changed.

    What does not hold any more settles itself with the ``note``; what holds again is opened again, with its owner and
    its age. Matches are all let go before any is written, since one row may take what another held.
    """
    changed = [(row, decision) for row, decision in pairs if _restated(row, decision, note)]
    keep_matches(changed)
    to_be_booked(row.batch_id for row, _ in changed)
    return [row for row, _ in changed]


def to_be_booked(batches: Iterable[int | None]) -> None:
    """Note that the rows of these batches come to something else: the next month to be closed books the difference."""
    keys = {key for key in batches if key is not None}
    Batch.objects.filter(pk__in=keys, needs_booking=False).update(needs_booking=True)


def _restated(row: SettlementRow, decision: Decision, note: str) -> bool:
    open_ones = [one for one in row.discrepancies.all() if one.is_open]
    wanted = [(finding.reason, finding.value, finding.sentence[:_SENTENCE_LENGTH]) for finding in decision.findings]
    here = [(Reason(one.reason), one.value, one.sentence) for one in open_ones]
    match = Match.objects.filter(row=row).first()
    explained = sorted((one.kind, one.value) for one in row.explanations.all())
    if (
        sorted(wanted) == sorted(here)
        and explained == sorted((str(kind), value) for kind, value in decision.explained)
        and _same_match(match, match_of(row, decision))
    ):
        return False
    for one in open_ones:
        if (Reason(one.reason), one.value, one.sentence) not in wanted:
            settle_incident(one, match, Actor.clock(), note)
    Discrepancy.objects.filter(
        pk__in=[one.pk for one, said in zip(open_ones, here, strict=True) if said not in wanted]
    ).update(value=0, closed_at=clock.now(), closed_by="import", resolution=Resolution.HEALED, note=note[:400])
    Match.objects.filter(row=row).delete()
    Explanation.objects.filter(row=row).delete()
    row.state, row.matched_value = decision.state, decision.matched
    row.explained_value, row.open_value = decision.explained_value, decision.open_value
    row.save(update_fields=["state", "matched_value", "explained_value", "open_value"])
    fresh = [
        finding
        for finding in decision.findings
        if (finding.reason, finding.value, finding.sentence[:_SENTENCE_LENGTH]) not in here
    ]
    Explanation.objects.bulk_create(explanations_of(row, decision))
    Discrepancy.objects.bulk_create(
        [discrepancy_of(row, finding) for finding in fresh if not _opened_again(row, finding)]
    )
    opened = Decision(payment=decision.payment, refund=decision.refund, findings=fresh)
    raise_incidents([row], [opened])
    return True


def _opened_again(row: SettlementRow, finding: Finding) -> bool:
    healed = Discrepancy.objects.filter(
        row=row, reason=finding.reason, sentence=finding.sentence[:_SENTENCE_LENGTH], resolution=Resolution.HEALED
    ).first()
    if healed is None:
        return False
    return bool(
        Discrepancy.objects.filter(pk=healed.pk, resolution=Resolution.HEALED).update(
            value=finding.value, closed_at=None, closed_by="", resolution="", note=""
        )
    )


def _same_match(kept: Match | None, wanted: Match | None) -> bool:
    if kept is None or wanted is None:
        return kept is wanted
    return all(
        getattr(kept, name) == getattr(wanted, name)
        for name in ("role", "payment_id", "refund_id", "cancel_id", "value", "currency")
    )


def match_of(row: SettlementRow, decision: Decision) -> Match | None:
    """Whose the row is, as it is kept. Does not save."""
    if decision.role is None or decision.payment is None:
        return None
    return Match(
        row=row,
        is_settlement=row.batch_id is not None,
        role=decision.role,
        payment_id=decision.payment.pk,
        refund_id=decision.refund.pk if decision.refund is not None else None,
        cancel_id=decision.cancel.pk if decision.cancel is not None else None,
        value=decision.matched,
        currency=row.currency,
    )


def explanations_of(row: SettlementRow, decision: Decision) -> list[Explanation]:
    """What of it needs no person, as it is kept. Does not save."""
    return [Explanation(row=row, kind=kind, value=value, currency=row.currency) for kind, value in decision.explained]


def discrepancy_of(row: SettlementRow, finding: Finding) -> Discrepancy:
    """What a person must explain, as it is kept. Does not save."""
    return Discrepancy(
        file_id=row.file_id,
        row=row,
        reason=finding.reason,
        sentence=finding.sentence[:_SENTENCE_LENGTH],
        value=finding.value,
        currency=row.currency,
        stake_value=finding.stake.value,
        stake_currency=finding.stake.currency,
        is_urgent=finding.is_urgent,
    )


def _subject(decision: Decision) -> Payment | Refund | None:
    if decision.refund is not None:
        return Refund.objects.get(pk=decision.refund.pk)
    if decision.payment is not None:
        return Payment.objects.get(pk=decision.payment.pk)
    return None
