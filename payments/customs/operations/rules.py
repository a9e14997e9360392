"""Setting what is declared by itself: journaled with what it was before."""

from typing import Any

from django.db import transaction

from payments.customs.states import CustomsOffice, RuleScope
from payments.models import CustomsRule
from portal import clock, journal
from portal.actor import Actor
from portal.errors import InvalidInput
from portal.idempotency import Remember
from portal.models import AcquirerAccount

_COLUMNS = ("customs_code", "merchant_customs_code", "merchant_customs_name", "scope", "skus", "is_active")


def set_rule(
    account: AcquirerAccount,
    *,
    customs_code: str,
    merchant_customs_code: str,
    merchant_customs_name: str,
    scope: str,
    skus: list[str],
    is_active: bool,
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> CustomsRule:
    """Let what is paid from now on be declared so. What is declared already stays as it is. Raises InvalidInput."""
    if customs_code not in CustomsOffice.values:
        raise InvalidInput(field="customs_code", problem="choose one of the customs offices.")
    if not (merchant_customs_code.strip() and merchant_customs_name.strip()):
        raise InvalidInput(field="merchant_customs_code", problem="give code and name as customs has registered them.")
    if scope == RuleScope.PRODUCTS and not skus:
        raise InvalidInput(field="skus", problem="name at least one product.")
    facts: dict[str, Any] = {
        "customs_code": customs_code,
        "merchant_customs_code": merchant_customs_code.strip(),
        "merchant_customs_name": merchant_customs_name.strip(),
        "scope": scope,
        "skus": skus if scope == RuleScope.PRODUCTS else [],
        "is_active": is_active,
    }
    with transaction.atomic(durable=True):
        held = CustomsRule.objects.select_for_update().filter(account=account).first()
        before = {name: getattr(held, name) if held else None for name in _COLUMNS}
        changed = {"changed_at": clock.now(), "changed_by": by.name}
        rule, _ = CustomsRule.objects.update_or_create(account=account, defaults={**facts, **changed})
        journal.write("set customs rule", by=by, subject=rule, note=note, **journal.differing(before, facts))
        if remember:
            remember(rule)
    return rule
