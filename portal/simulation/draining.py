"""Staff lets one account run out in favour of the other, or lets buyers bind through them in another order.

Nothing moves that is bound: it is debited, refreshed and given back where it was bound, drained or not.
"""

import random
from typing import TYPE_CHECKING

from authorizations.models import Authorization
from portal import accounts, clock
from portal.actor import Actor
from portal.models import AcquirerAccount
from portal.simulation.world import World

if TYPE_CHECKING:
    from portal.simulation.promises import Ending

_STAFF = Actor.command("simulate")
"""As what two people have agreed on is carried out; how they agree, other acts tell."""


def an_account_is_drained(world: World, rng: random.Random) -> str:
    """An account binds nothing new from now on, or does again; or another one is preferred. Raises Conflict."""
    # Read anew: the rows of the opening are those of all histories.
    there = {slug: AcquirerAccount.objects.get(slug=slug) for slug in sorted(world.accounts)}
    account = there[rng.choice(sorted(there))]
    if rng.random() < 0.4:
        through = rng.sample(list(there.values()), k=rng.choice((1, 2, 2)))
        accounts.order_places(account, through, by=_STAFF, note="the other is cheaper")
        return f"buyers of {account.slug} bind through {', '.join(one.slug for one in through)}"
    is_drained = account.drained_at is None
    at = clock.now()  # whoever overtakes its commit may take hours
    try:
        if is_drained:
            accounts.drain(account, by=_STAFF, note="its contract ends")
        else:
            accounts.open_again(account, by=_STAFF, note="its contract was prolonged")
    finally:  # whoever dies after the commit has done it all the same
        stands = AcquirerAccount.objects.get(pk=account.pk)
        if (stands.drained_at is not None) is is_drained:
            world.drained.append((at, account.pk, is_drained))
    return f"{account.slug} is {'drained' if is_drained else 'open again'}"


def a_drained_account_binds_nothing(end: "Ending") -> list[str]:
    """No attempt to bind was begun through an account that was drained then.

    In the very moment of a change, either may have come first.
    """
    broken: list[str] = []
    for attempt in Authorization.objects.order_by("pk") if end.world.drained else ():
        told = [it for it in end.world.drained if it[1] == attempt.account_id and it[0] <= attempt.created_at]
        if told and told[-1][0] < attempt.created_at and told[-1][2]:
            broken.append(f"{attempt} was begun through an account that is drained since {told[-1][0]}")
    return broken
