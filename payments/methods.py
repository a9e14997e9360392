"""What the account's catalogue refuses of a payment, before anything is kept or sent: one place for every door.

Paying asks here, and so does whatever agrees to later payments: a subscription that begins, an amount that is posted.
Between these and the charge the catalogue may change; the charge asks again.
"""

from authorizations.errors import TerminalNotServed, WalletNotContracted
from payments.errors import AmountNotAllowed, WrongCurrency
from portal import catalogue
from portal.catalogue import Wish, Withheld
from portal.models import PaymentMethod
from portal.money import Money, MoneyError


def refuse_withheld(
    method: PaymentMethod | None, code: str, amount: Money, *, terminal: str = "", is_open: bool = False
) -> None:
    """Raise what a payment of that amount by the method with that code would be refused with.

    ``method`` is its row, or None where the catalogue has none; ``terminal`` is where the buyer is, if anywhere.
    ``is_open``: the amount is the most that may be charged one day, so that no limit is held against it yet.
    Raises WalletNotContracted, WrongCurrency, TerminalNotServed or AmountNotAllowed.
    """
    why = catalogue.why_withheld(method, Wish(currency=amount.currency, terminal=terminal))
    if method is None or why is Withheld.NOT_CONTRACTED:
        raise WalletNotContracted(wallet=code)
    facts = method.facts()
    if why is Withheld.OTHER_CURRENCY:
        raise WrongCurrency(
            field="wallet", problem="", wallet=facts.name, wallet_currency=facts.currency, currency=amount.currency
        )
    if why is Withheld.TERMINAL_NOT_SERVED:
        raise TerminalNotServed(wallet=facts.name, terminal=terminal)
    try:
        if is_open:
            amount.payable()
        else:
            facts.check(amount)
    except MoneyError as reason:
        raise AmountNotAllowed(field="amount", problem=str(reason)) from None
