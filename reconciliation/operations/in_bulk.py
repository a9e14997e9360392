"""Several discrepancies at once: many ordinary acts with one parent in the journal, and a result for each.

One that is refused stops no other, and one that needs a second person becomes a request of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction

from portal import approvals, journal
from portal.actor import Actor
from portal.approvals import ApprovalNeeded
from portal.errors import PortalError
from reconciliation.models import Discrepancy
from reconciliation.operations.discrepancies import Remember

ASSIGN_SEVERAL = "assign discrepancies"
CLOSE_SEVERAL = "close discrepancies"
WRITE_OFF_SEVERAL = "write discrepancies off"
"""What ``each`` is called in the journal."""


@dataclass(frozen=True)
class ItemResult:
    """What became of one."""

    discrepancy: Discrepancy
    is_done: bool
    sentence: str
    is_asked: bool = False
    """Whether it waits for a second person now."""


def each(
    act: str,
    chosen: Sequence[Discrepancy],
    do: Callable[[Discrepancy], None],
    *,
    by: Actor,
    reason_code: str = "",
    note: str = "",
    remember: Remember | None = None,
) -> list[ItemResult]:
    """Do ``do`` to each of them. The journal has a line before the first and one with every result after the last."""
    with transaction.atomic(durable=True):
        begun = journal.write(
            f"begin to {act}",
            by=by,
            reason_code=reason_code,
            note=note,
            after={"chosen": [str(one) for one in chosen]},
        )
        if remember is not None:
            remember(begun)
    results = [_done(one, do, by) for one in chosen]
    done = sum(result.is_done for result in results)
    with transaction.atomic(durable=True):
        journal.write(
            f"end to {act}",
            by=by,
            reason_code=reason_code,
            note=note,
            after={str(result.discrepancy): result.sentence for result in results},
            outcome=f"{done} of {len(results)} done.",
        )
    return results


def _done(one: Discrepancy, do: Callable[[Discrepancy], None], by: Actor) -> ItemResult:
    try:
        do(one)
    except ApprovalNeeded as needed:
        try:
            asked = approvals.ask(needed, by=by)
        except PortalError as refusal:
            return ItemResult(one, is_done=False, sentence=refusal.message)
        return ItemResult(one, is_done=False, sentence=f"{needed.why}: request {asked.number}.", is_asked=True)
    except PortalError as refusal:
        return ItemResult(one, is_done=False, sentence=refusal.message)
    return ItemResult(one, is_done=True, sentence="Done.")
