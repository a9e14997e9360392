"""What the clock starts: sending declarations, and asking about those at customs, ten together. Safe to run twice."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from payments.customs import operations, queries
from payments.customs.states import DeclarationStatus
from payments.models import Declaration
from portal import due
from portal.gateways import acquirer_for
from portal.statements import Found, Given

_DECLARATION = Found(lambda: Declaration.objects.select_related(*queries.RELATED).filter(pk=Given("pk")).order_by())


def work_declaration(pk: int) -> str:
    """Act on a declaration without a last word: send what is to be sent, ask about the rest."""
    declaration = _DECLARATION.get(pk=pk)
    if queries.is_to_be_sent(declaration):
        operations.send(declaration, is_leased=True)
    elif queries.is_to_be_asked(declaration):
        operations.ask(declaration)
    return _line(declaration)


def work_declarations(ids: Sequence[int], may_go_on: Callable[[], bool]) -> Iterator[tuple[int, str]]:
    """Ask about those that are at customs, as many in one question as the acquirer takes."""
    by_account: dict[int, list[Declaration]] = defaultdict(list)
    for declaration in Declaration.objects.select_related(*queries.RELATED).filter(pk__in=ids).order_by("pk"):
        if queries.is_to_be_asked(declaration):
            by_account[declaration.account_id].append(declaration)
    for waiting in by_account.values():
        most = acquirer_for(waiting[0].payment.account).capabilities.declaration_inquiry_size
        for start in range(0, len(waiting), most):
            if not may_go_on():
                return
            for asked in operations.ask_together(waiting[start : start + most]):
                yield asked.pk, _line(asked)


def _line(declaration: Declaration) -> str:
    return f"declaration {declaration.declaration_request_id}: {DeclarationStatus(declaration.status).label}"


declarations_due = due.work_on(queries.waiting, work_declaration, many=work_declarations)
