"""Questions about declarations; nothing here writes."""

from django.db.models import QuerySet

from payments.customs.operations.sending import DENIALS
from payments.customs.states import ON_ITS_WAY, DeclarationStatus
from payments.models import Declaration
from portal import due
from portal.registry import Waiting

RELATED = ("payment__order", "payment__wallet_account__account", "account")


def waiting() -> QuerySet[Declaration]:
    """Those without a last word."""
    return Declaration.objects.filter(status__in=ON_ITS_WAY)


def unknown() -> Waiting:
    """Those of which nobody knows whether the acquirer has them."""
    rows = Declaration.objects.filter(status__in=(DeclarationStatus.PROCESSING, DeclarationStatus.AMENDING))
    return due.waiting(rows, "created_at")


def is_to_be_sent(declaration: Declaration) -> bool:
    """Never left, or never arrived; or of an amendment, perhaps. The same contents sent again change nothing."""
    match DeclarationStatus(declaration.status):
        case DeclarationStatus.INITIATED | DeclarationStatus.AMENDING:
            return True
        case DeclarationStatus.PROCESSING:
            return not declaration.may_have_arrived or declaration.times_denied >= DENIALS
        case DeclarationStatus.DECLARED:
            return declaration.times_denied >= DENIALS
        case _:
            return False


def is_to_be_asked(declaration: Declaration) -> bool:
    """The acquirer may have it, and customs has not spoken."""
    is_there = declaration.status in (DeclarationStatus.PROCESSING, DeclarationStatus.DECLARED)
    return is_there and not is_to_be_sent(declaration)
