"""What the merchant's own systems hear of declarations. Called where one moves, in that transaction."""

from typing import Any

from payments.customs.states import DeclarationStatus
from payments.models import Declaration
from portal import outbox
from portal.outbox.events import moment


def customs_spoke(declaration: Declaration) -> None:
    """Customs has accepted or refused it."""
    is_accepted = declaration.status == DeclarationStatus.ACCEPTED
    kind = outbox.Kind.DECLARATION_ACCEPTED if is_accepted else outbox.Kind.DECLARATION_REFUSED
    outbox.tell(kind, declaration, label=declaration.declaration_request_id, data=lambda: _said(declaration))


def turned_down(declaration: Declaration) -> None:
    """The acquirer did not take it, so customs never heard of it."""
    outbox.tell(
        outbox.Kind.DECLARATION_REFUSED,
        declaration,
        label=declaration.declaration_request_id,
        data=lambda: _said(declaration),
    )


def _said(declaration: Declaration) -> dict[str, Any]:
    order = declaration.payment.order
    return {
        "declaration": declaration.declaration_request_id,
        "order": order.number,
        "reference": order.reference,
        "status": declaration.status,
        "amount": declaration.amount.to_wire(),
        "customs": declaration.customs_code,
        "suborder": declaration.suborder_id,
        "result_code": declaration.customs_result_code or declaration.result_code,
        "finished_at": moment(declaration.finished_at),
    }
