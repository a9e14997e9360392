"""Changing a rule: an act like any other that may need a second person, with defaults of its own."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from portal import clock, journal
from portal.actor import Actor
from portal.approvals.asking import permit
from portal.approvals.rules import RULES, RuleFacts, facts_of, shown, when_words
from portal.errors import InvalidInput
from portal.idempotency import Remember
from portal.models import Approval, ApprovalRule
from portal.registry import ApprovalKind, Rule


def change_rule(facts: RuleFacts, *, by: Actor, note: str = "", remember: Remember | None = None) -> ApprovalRule:
    """Put a rule in force, or in the place of the one of its kind, role, currency and account.

    Raises InvalidInput, and ApprovalNeeded unless another person approved these very facts.
    """
    facts.check(Group.objects.values_list("name", flat=True))
    said = asdict(facts)
    identity = {name: said[name] for name in ("kind", "role", "person", "currency", "account")}
    with transaction.atomic():
        permit(RULES, "change rule", by=by, label=" · ".join(v for v in identity.values() if v), params=said)
        before = ApprovalRule.objects.select_for_update().filter(**identity).first()
        rule, _ = ApprovalRule.objects.update_or_create(**identity, defaults={**said, "changed_at": clock.now()})
        journal.write(
            "change approval rule",
            by=by,
            subject=rule,
            note=note,
            before=None if before is None else shown(before),
            after=shown(rule),
        )
        if remember:
            remember(rule)
    return rule


def _carry_out(approval: Approval, by: Actor, remember: Remember) -> str:
    rule = change_rule(_facts(approval), by=by, note=approval.note, remember=remember)
    return f"The rule {rule} is now: {when_words(rule)}."


def _foresee(approval: Approval) -> Sequence[str]:
    facts = _facts(approval)
    held = ApprovalRule.objects.filter(
        kind=facts.kind, role=facts.role, person=facts.person, currency=facts.currency, account=facts.account
    ).first()
    after = ApprovalRule(**asdict(facts))
    said = [f"From then on {after}: {when_words(after)}, decided by {' or '.join(after.approvers)}."]
    if held is not None and facts_of(held) != facts:
        said.append(f"Now it is: {when_words(held)}, decided by {' or '.join(held.approvers)}.")
    return said


def _facts(approval: Approval) -> RuleFacts:
    try:
        return RuleFacts(**approval.params)
    except TypeError:
        raise InvalidInput(field="rule", problem="it was asked for in words this version does not know.") from None


def kind(*approvers: str) -> ApprovalKind:
    """The kind of changing rules; always under four eyes of these roles, until somebody changes that rule."""
    default: Any = Rule(approvers=approvers, is_always=True)
    return ApprovalKind("Change an approval rule", _carry_out, foresee=_foresee, defaults=(default,))
