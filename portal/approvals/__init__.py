"""Four eyes: what a second person decides before it is done.

A verb that may need a second person asks ``permit`` inside the transaction of its promise, whoever calls it and from
wherever::

    with transaction.atomic(durable=True):
        …
        approvals.permit("refund", "refund", by=by, subject=payment, amount=amount, account=account, params={…})
        …                                   # raises ApprovalNeeded: nothing of the transaction stays
        if remember:
            remember(promised)

The desk turns ``ApprovalNeeded`` into a request (``ask``), which another person approves or declines. Once approved,
the kind's ``carry_out`` (``portal.registry.ApprovalKind``) calls the same verb again, by the requester and under the
request (``Actor.approval``), so that everything is checked once more; ``permit`` then lets exactly what was asked pass,
and the request is marked as done inside the verb's own promise, through ``remember``. So two approvers, an approver
and a requester who withdraws, a worker that takes over from a killed process: one of them moves the row, and what was
asked happens once.

Only people are asked. Buyers, the clock and the merchant's servers keep their documented powers: a merchant key is not
a person who could have a second one beside it, and whoever holds one answers for it elsewhere.

``permit`` counts what a person does on their own in a day, in a row that it holds until the promise is committed: two
acts at once cannot slip under one limit together.
"""

from portal.approvals.asking import ApprovalNeeded, actor_of, alone_up_to, ask, permit, person_of, would_need
from portal.approvals.carrying_out import approvals_due, carry_out
from portal.approvals.changing import change_rule
from portal.approvals.changing import kind as rules_kind
from portal.approvals.deciding import (
    APPROVAL_BROKEN_GLASS,
    approve,
    break_glass,
    decline,
    deputies_of,
    end_deputy,
    may_break_glass,
    name_deputy,
    objection_to_deciding,
    objection_to_reviewing,
    review,
    withdraw,
)
from portal.approvals.rules import RULES, RuleFacts, effective_rules, install_rules, roles_of, rule_words, when_words

__all__ = [
    "APPROVAL_BROKEN_GLASS",
    "RULES",
    "ApprovalNeeded",
    "RuleFacts",
    "actor_of",
    "alone_up_to",
    "approvals_due",
    "approve",
    "ask",
    "break_glass",
    "carry_out",
    "change_rule",
    "decline",
    "deputies_of",
    "effective_rules",
    "end_deputy",
    "install_rules",
    "may_break_glass",
    "name_deputy",
    "objection_to_deciding",
    "objection_to_reviewing",
    "permit",
    "person_of",
    "review",
    "roles_of",
    "rule_words",
    "rules_kind",
    "when_words",
    "withdraw",
    "would_need",
]
