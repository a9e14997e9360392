"""What settlement asks on the desks below: paid, not settled; refunded, not settled."""

from typing import Any

from payments.admin.payments import PaymentQuestions
from payments.admin.returns import RefundQuestions
from portal.admin.ledger import Question
from portal.words import lazy
from reconciliation.expecting import PAYMENTS, REFUNDS, Kind, not_settled, where_to_look


def _not_settled(label: Any, kind: Kind) -> Question:
    return Question("not_settled", label, lambda: not_settled(kind), lambda: where_to_look(kind))


PAID_NOT_SETTLED = _not_settled(lazy("Paid, not settled"), PAYMENTS)
REFUNDED_NOT_SETTLED = _not_settled(lazy("Refunded, not settled"), REFUNDS)
PaymentQuestions.plug_in(PAID_NOT_SETTLED)
RefundQuestions.plug_in(REFUNDED_NOT_SETTLED)
