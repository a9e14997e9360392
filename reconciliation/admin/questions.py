"""What settlement asks on the desks below: paid, not settled; refunded, not settled."""

from django.db.models import Q

from payments.admin.payments import PaymentQuestions
from payments.admin.returns import RefundQuestions
from payments.states import PaymentStatus, RefundStatus
from portal.admin.ledger import Question
from reconciliation.models import Match, Role


def _settled(role: Role, what: str) -> Q:
    return Q(pk__in=Match.objects.filter(role=role, is_settlement=True).values(what))


PAID_NOT_SETTLED = Question(
    "not_settled",
    "Paid, not settled",
    lambda: Q(status=PaymentStatus.SUCCEEDED) & ~_settled(Role.PAYMENT, "payment"),
)
REFUNDED_NOT_SETTLED = Question(
    "not_settled",
    "Refunded, not settled",
    lambda: Q(status=RefundStatus.SUCCEEDED) & ~_settled(Role.REFUND, "refund"),
)
PaymentQuestions.plug_in(PAID_NOT_SETTLED)
RefundQuestions.plug_in(REFUNDED_NOT_SETTLED)
