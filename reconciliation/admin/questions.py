"""What settlement asks on the desks below: paid, not settled; refunded, not settled."""

from django.db.models import Exists, OuterRef, Q

from payments.admin.payments import PaymentQuestions
from payments.admin.returns import RefundQuestions
from payments.states import PaymentStatus, RefundStatus
from portal.admin.ledger import Question
from portal.words import lazy
from reconciliation.models import FileStatus, Match, Role


def _settled(role: Role, what: str) -> Exists:
    """Whether a settlement has it: asked of each row in turn, by the index that lets it be settled once."""
    counting = Match.objects.filter(role=role, is_settlement=True, row__file__status=FileStatus.IMPORTED)
    return Exists(counting.filter(**{what: OuterRef("pk")}).order_by())


PAID_NOT_SETTLED = Question(
    "not_settled",
    lazy("Paid, not settled"),
    lambda: Q(status=PaymentStatus.SUCCEEDED) & Q(~_settled(Role.PAYMENT, "payment")),
)
REFUNDED_NOT_SETTLED = Question(
    "not_settled",
    lazy("Refunded, not settled"),
    lambda: Q(status=RefundStatus.SUCCEEDED) & Q(~_settled(Role.REFUND, "refund")),
)
PaymentQuestions.plug_in(PAID_NOT_SETTLED)
RefundQuestions.plug_in(REFUNDED_NOT_SETTLED)
