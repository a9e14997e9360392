"""Keeping what was decided on rows: matches, explanations, discrepancies, and incidents about reversals."""

from payments.models import Payment, Refund
from portal import incidents
from reconciliation.lines import Line
from reconciliation.matching import Decision
from reconciliation.models import Batch, Discrepancy, Explanation, Match, Reason, ReportFile, SettlementRow

ROWS_PER_INSERT = 500
_SENTENCE_LENGTH = 400

REVERSALS = {Reason.PAYMENT_REVERSAL: "payment_reversal", Reason.REFUND_REVERSAL: "refund_reversal"}
"""Discrepancies that are incidents too, by the incident's kind."""


def settlement_row(file: ReportFile, batch: Batch | None, line: Line, decision: Decision) -> SettlementRow:
    """The row as it is kept. Does not save."""
    return SettlementRow(
        file=file,
        batch=batch,
        line_number=line.number,
        identity=line.identity,
        occurrence=line.occurrence,
        printed_type=line.printed_type,
        transaction_type=line.row_type,
        printed_status=line.status,
        transaction_id=line.transaction_id,
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
        raw=line.raw,
        state=decision.state,
        currency=line.reported.currency,
        reported_value=line.reported.value,
        matched_value=decision.matched,
        explained_value=decision.explained_value,
        open_value=decision.open_value,
    )


def keep_decisions(rows: list[SettlementRow], decisions: list[Decision]) -> None:
    """Write matches, explanations and discrepancies of rows that are saved, and raise the incidents."""
    matches: list[Match] = []
    explanations: list[Explanation] = []
    discrepancies: list[Discrepancy] = []
    for row, decision in zip(rows, decisions, strict=True):
        if decision.role is not None and decision.payment is not None:
            matches.append(
                Match(
                    row=row,
                    is_settlement=row.batch_id is not None,
                    role=decision.role,
                    payment_id=decision.payment.pk,
                    refund_id=decision.refund.pk if decision.refund is not None else None,
                    cancel_id=decision.cancel.pk if decision.cancel is not None else None,
                    value=decision.matched,
                    currency=row.currency,
                )
            )
        explanations += [
            Explanation(row=row, kind=kind, value=value, currency=row.currency) for kind, value in decision.explained
        ]
        discrepancies += [
            Discrepancy(
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
            for finding in decision.findings
        ]
    Match.objects.bulk_create(matches, batch_size=ROWS_PER_INSERT)
    Explanation.objects.bulk_create(explanations, batch_size=ROWS_PER_INSERT)
    Discrepancy.objects.bulk_create(discrepancies, batch_size=ROWS_PER_INSERT)
    for row, decision in zip(rows, decisions, strict=True):
        for finding in decision.findings:
            if finding.reason in REVERSALS:
                _raise_incident(row, decision, finding.reason, finding.sentence)


def _raise_incident(row: SettlementRow, decision: Decision, reason: Reason, sentence: str) -> None:
    """No silent move: a settlement row tells a person, it never moves a payment or a refund."""
    subject: Payment | Refund | None = None
    if decision.refund is not None:
        subject = Refund.objects.get(pk=decision.refund.pk)
    elif decision.payment is not None:
        subject = Payment.objects.get(pk=decision.payment.pk)
    incidents.raise_incident(REVERSALS[reason], sentence, subject=subject, detail=f"{row.printed_type} in {row}.")
