"""Meeting a customer of the merchant."""

from authorizations.models import Buyer
from portal.models import AcquirerAccount


def meet(account: AcquirerAccount, reference: str) -> Buyer:
    """The buyer of that reference, who is made on first sight."""
    buyer, _ = Buyer.objects.select_related("account").get_or_create(account=account, reference=reference)
    return buyer
