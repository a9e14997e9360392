"""Staff changes the catalogues in the middle of a history, and what must hold of what is debited meanwhile.

In a share of the histories, each change has a seed of its own beside its step, so that all others stay as they were.
Only what the portal holds a wish against is changed; the acquirer goes on as its contract was.
"""

import random
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from portal import catalogue, clock
from portal.actor import Actor
from portal.models import AcquirerAccount, PaymentMethod
from portal.money import Money
from portal.simulation.stage import PRICES, WALLETS
from portal.simulation.world import World

if TYPE_CHECKING:
    from portal.simulation.promises import Ending

NAME = "the catalogue changes"
_BEFORE_A_STEP = 0.05
_STAFF = Actor.command("simulate")
"""As what two people have agreed on is carried out; how they agree, other acts tell."""


class Known(NamedTuple):
    """What a catalogue said of a method from then on."""

    at: datetime
    account: int
    code: str
    is_contracted: bool
    least: Money | None
    most: Money | None

    def refuses(self, amount: Money) -> bool:
        """Whether no payment of this amount may be promised."""
        is_outside = (self.least is not None and amount < self.least) or (self.most is not None and amount > self.most)
        return not self.is_contracted or is_outside


def comes_before(world: World, seed: int, number: int) -> bool:
    """Whether a change comes before this step of the history of this seed."""
    if not world.is_rearranged:
        return False
    return random.Random(f"{seed}:{number}:catalogue").random() < _BEFORE_A_STEP  # noqa: S311 - a story, not a secret


def the_catalogue_changes(world: World, rng: random.Random) -> str:
    """A method is withdrawn, or has other limits from now on; what was changed before is as often put back."""
    account: AcquirerAccount = world.accounts[rng.choice(sorted(world.accounts))]
    code = rng.choice(sorted(WALLETS))
    currency = WALLETS[code]
    method = PaymentMethod.objects.get(account=account, code=code)
    price = PRICES[currency]
    said: dict[str, Any] = rng.choice(
        (
            {"is_contracted": not method.is_contracted},
            {"is_contracted": True, "minimum_value": price + 100, "maximum_value": None},
            {"is_contracted": True, "minimum_value": None, "maximum_value": max(price - 100, 100)},
            {"is_contracted": True, "minimum_value": None, "maximum_value": None},
        )
    )
    at = clock.now()  # whoever overtakes its commit may take hours
    try:
        catalogue.change(method, said, by=_STAFF, note="the contract was changed")
    finally:  # whoever dies after the commit has changed it all the same
        method = PaymentMethod.objects.get(account=account, code=code)
        least, most = method.money(method.minimum_value), method.money(method.maximum_value)
        world.catalogue.append(Known(at, account.pk, code, method.is_contracted, least, most))
    limits = " ".join(str(amount) for amount in (least, most) if amount) or "no limits"
    return f"{code} of {account.slug}: {'contracted' if method.is_contracted else 'withdrawn'}, {limits}"


def nothing_withheld_is_charged(end: "Ending") -> list[str]:
    """Whatever was promised while a method was withdrawn, or beyond its limits, should not have been.

    In the very moment of a change, either may have come first.
    """
    broken: list[str] = []
    for payment in end.payments:
        account, code, at = payment.account.pk, payment.wallet_account.wallet, payment.created_at
        theirs = [it for it in end.world.catalogue if (it.account, it.code) == (account, code)]
        before = [it for it in theirs if it.at < at]
        in_this_moment = [it for it in theirs if it.at == at]
        if before and not in_this_moment and before[-1].refuses(payment.amount):
            broken.append(f"{payment} of {payment.amount} was promised while {before[-1]}")
    return broken
