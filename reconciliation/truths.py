"""What the acquirer's reports say about a payment, beside our rows and its own answer. Reads only."""

from decimal import Decimal, InvalidOperation
from typing import Any

from payments.admin.truths import CANCELLED, PAID, money_said, rate_said
from payments.models import Payment, Refund
from payments.states import RefundStatus
from portal.admin import display
from portal.admin.display import Chip
from portal.money import Money
from portal.registry import Said, Truth
from portal.words import say
from reconciliation import standing
from reconciliation.expecting import State
from reconciliation.models import Match, Role, SettlementRow


def truths(payment: Any) -> list[Truth]:
    """The payment's settlement row; before there is one, its line of the transaction details."""
    if not isinstance(payment, Payment):
        return []
    matches = list(
        Match.objects.filter(payment=payment, row__superseded_by=None)
        .select_related("row__batch", "row__file")
        .order_by("-is_settlement", "pk")
    )
    about = next((match.row for match in matches if match.role == Role.PAYMENT), None)
    if about is None:
        about = next((match.row for match in matches if match.role in (Role.DISAGREES, Role.REVERSAL)), None)
    stands = standing.of(payment)
    settlement = {"settlement": Said(standing.said(stands))} if stands is not None else {}
    if about is None:
        return [Truth(say("Settlement"), settlement, say("no row yet"))] if settlement else []
    refunds = [match.row for match in matches if match.role == Role.REFUND and match.is_settlement]
    is_cancelled = any(match.role == Role.CANCEL for match in matches)
    return [
        Truth(say("Settlement"), _said(about, refunds, payment, is_cancelled=is_cancelled) | settlement, _note(about))
    ]


def _note(row: SettlementRow) -> Any:
    return display.link(
        display.page_of(row),
        say("line {line_number}", line_number=row.line_number) if row.batch else say("not settled yet"),
    )


def _given_back(settled: Money, payment: Payment) -> Said:
    """What was given back as the reports say it: what is not due there yet is missing in none of them."""
    waiting = [refund.amount for refund in payment.refunds.filter(status=RefundStatus.SUCCEEDED) if _is_awaited(refund)]
    to_come = Money(sum(amount.value for amount in waiting if amount.currency == settled.currency), settled.currency)
    if not to_come.value:
        return Said(**money_said(settled))
    words = say("{amount} is not settled yet", amount=to_come)
    return Said(display.joined((display.money(settled), words), " · "), settled + to_come)


def _is_awaited(refund: Refund) -> bool:
    stands = standing.of(refund)
    return stands is not None and stands.state in (State.EXPECTED, State.AWAITING, State.LATE)


def _said(row: SettlementRow, refunds: list[SettlementRow], payment: Payment, *, is_cancelled: bool) -> dict[str, Said]:
    state = Chip("CANCEL" if is_cancelled else row.printed_type, "" if is_cancelled else "good")
    said = {"state": Said(state, CANCELLED if is_cancelled else PAID)}
    if row.transaction_amount is not None:
        said["amount"] = Said(**money_said(row.transaction_amount))
    if row.transaction_id:
        said["payment_id"] = Said(display.ident(row.transaction_id), row.transaction_id)
    back = [one.transaction_amount for one in refunds if one.transaction_amount is not None]
    if back and len({amount.currency for amount in back}) == 1:
        said["given_back"] = _given_back(Money(sum(abs(a.value) for a in back), back[0].currency), payment)
    if row.gross_value is not None and row.settlement_currency:
        said["settles_as"] = Said(**money_said(Money(row.gross_value, row.settlement_currency)))
    if (rate := rate_said(row.quote_currency_pair, _decimal(row.quote_price))) is not None:
        said["rate"] = rate
    if row.fees_total is not None:
        said["fee"] = Said(display.money(row.fees_total))
    if row.net is not None:
        said["net"] = Said(display.money(row.net))
    return said


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text).normalize() if text else None
    except InvalidOperation:
        return None
