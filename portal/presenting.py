"""How an acquirer wants its method shown, kept for a while: logo, promotion, client SDK.

Where the acquirer says nothing, or cannot be asked, the catalogue's own name and picture are shown. That there was no
answer is kept too, so that a page never waits for the same silence twice.
"""

import hashlib
from dataclasses import asdict

from django.core.cache import cache

from portal.acquirer.results import Presentation
from portal.gateways import AccountNotReady, acquirer_for, adapter_of
from portal.models import AcquirerAccount


def presentation_of(account: AcquirerAccount, currency: str) -> Presentation | None:
    """How the account's method is shown for payments in a currency; None: as the catalogue has it."""
    if not adapter_of(account).capabilities.presents_methods or not currency:
        return None
    settled = sorted(account.protocol_settings.items())
    # What is settled is part of the question: once it has changed, another answer is wanted.
    digest = hashlib.sha256(repr(settled).encode()).hexdigest()[:16]
    key = f"presentation:{account.pk}:{currency}:{digest}"
    kept = cache.get(key)
    if kept is not None:
        return Presentation(**kept)
    try:
        shown = acquirer_for(account).present(currency=currency)
    except AccountNotReady:
        return None
    if shown is not None and shown.kept_seconds:
        cache.set(key, asdict(shown), timeout=shown.kept_seconds)
    return shown
