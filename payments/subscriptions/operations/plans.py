"""What is offered again and again: acts of staff, journaled. The terms of a plan never change."""

import zoneinfo
from typing import Any

from django.db import IntegrityError, transaction

from payments.errors import AmountNotAllowed
from payments.models import Plan
from portal import journal
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.idempotency import Remember
from portal.money import MoneyError

MOST_EVERY = 365


class PlanCodeTaken(Conflict):
    """The account has another plan under this code."""

    code = "plan_code_taken"
    sentence = "Another plan of this account has the code {plan}."


def add_plan(plan: Plan, *, by: Actor, remember: Remember | None = None) -> Plan:
    """Offer a new plan. Raises InvalidInput for terms that cannot be, PlanCodeTaken for a code that is."""
    _check(plan)
    try:
        with transaction.atomic():
            plan.save()
            journal.write("add plan", by=by, subject=plan, after=shown(plan))
            if remember:
                remember(plan)
    except IntegrityError:
        raise PlanCodeTaken(plan=plan.code) from None
    return plan


def edit_plan(plan: Plan, *, name: str, is_offered: bool, by: Actor, remember: Remember | None = None) -> Plan:
    """Change a plan's name, and whether it may be started. What runs goes on."""
    with transaction.atomic():
        before = shown(plan)
        plan.name, plan.is_offered = name, is_offered
        plan.save(update_fields=["name", "is_offered"])
        journal.write("edit plan", by=by, subject=plan, **journal.differing(before, shown(plan)))
        if remember:
            remember(plan)
    return plan


def shown(plan: Plan) -> dict[str, Any]:
    """A plan as the journal keeps it."""
    return {
        "code": plan.code,
        "name": plan.name,
        "product": plan.product.sku,
        "amount": str(plan.amount) if plan.amount else f"metered, {plan.currency}",
        "every": f"{plan.every} {plan.interval}",
        "anchor day": plan.anchor_day,
        "trial days": plan.trial_days,
        "charges": plan.cycle_count,
        "zone": plan.zone,
        "hour": plan.charge_hour,
        "is_offered": plan.is_offered,
    }


def _check(plan: Plan) -> None:
    if plan.zone not in zoneinfo.available_timezones():
        raise InvalidInput(field="zone", problem="this is no time zone; give one such as Asia/Manila.")
    if not 1 <= plan.every <= MOST_EVERY:
        raise InvalidInput(field="every", problem=f"give a number from 1 to {MOST_EVERY}.")
    if plan.product.account_id != plan.account_id:
        raise InvalidInput(field="product", problem="it is sold under another account.")
    if plan.amount is not None:
        try:
            plan.amount.payable()
        except MoneyError as reason:
            raise AmountNotAllowed(field="amount", problem=str(reason)) from None
