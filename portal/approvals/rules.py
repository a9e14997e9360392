"""The rules: when an act needs a second person, and who that may be.

Every rule that fits an act is asked, and one that is exceeded is enough. The code brings a default for each kind; the
row of the same kind, role, person, currency and account takes its place. Rows are made of the defaults after every
migration, so that people see and change them in the desk; a change is itself an act of the kind ``rules``.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.models import User

from portal import registry
from portal.errors import InvalidInput
from portal.models import ApprovalRule
from portal.money import Money, MoneyError
from portal.roles import ADMINISTRATOR

RULES = "rules"
"""The kind of changing a rule."""
_LONGEST_HOURS = 24 * 30
"""A request that nobody decides ends after a month at the latest."""


def effective_rules(kind: str = "") -> list[ApprovalRule]:
    """The rules in force: rows, and the defaults no row has taken the place of (these are not saved)."""
    rows = ApprovalRule.objects.filter(kind=kind) if kind else ApprovalRule.objects.all()
    held = {_identity(row): row for row in rows}
    for name, entry in registry.approvals.items():
        if kind in ("", name):
            for default in entry.defaults:
                row = ApprovalRule(kind=name, **_facts(default))
                held.setdefault(_identity(row), row)
    return sorted((row for row in held.values() if row.is_in_force), key=_identity)


def install_rules(**kwargs: Any) -> None:
    """Make rows of the defaults that have none. Safe to repeat; called after every migration."""
    state = kwargs.get("apps")
    if state is not None and "approvalrule" not in state.all_models.get("portal", {}):
        return
    held = {_identity(row) for row in ApprovalRule.objects.all()}
    for name, entry in registry.approvals.items():
        for default in entry.defaults:
            row = ApprovalRule(kind=name, **_facts(default))
            if _identity(row) not in held:
                row.save()


def roles_of(user: User) -> set[str]:
    """The roles a person holds; whoever owns the desk holds the administrator's without being given it."""
    held = set(user.groups.values_list("name", flat=True))
    return held | {ADMINISTRATOR} if user.is_superuser else held


def rule_words(rule: ApprovalRule) -> str:
    """``above 5,000.00 PHP, or above 20,000.00 PHP a day: Finance or Administrator``."""
    return f"{when_words(rule)}: {' or '.join(rule.approvers)}"


def when_words(rule: ApprovalRule) -> str:
    """When it asks for a second person."""
    if not rule.is_in_force:
        return "never"
    if rule.is_always:
        return "always"
    parts = []
    if rule.above_value is not None:
        parts.append(f"above {Money(rule.above_value, rule.currency)}")
    if rule.above_a_day_value is not None:
        parts.append(f"above {Money(rule.above_a_day_value, rule.currency)} a day")
    if rule.above_a_day_count is not None:
        parts.append(f"more than {rule.above_a_day_count} a day")
    return ", or ".join(parts) or "never"


@dataclass(frozen=True)
class RuleFacts:
    """What a person says about a rule. Amounts are in minor units of its currency."""

    kind: str
    role: str
    currency: str
    account: str
    is_in_force: bool
    is_always: bool
    above_value: int | None
    above_a_day_value: int | None
    above_a_day_count: int | None
    approvers: list[str]
    expires_hours: int
    person: str = ""

    def check(self, roles: Iterable[str]) -> None:
        """Raise InvalidInput for what cannot be a rule."""
        known = set(roles)
        if registry.approvals.get(self.kind) is None:
            raise InvalidInput(field="kind", problem=f"there is no kind {self.kind}.")
        if self.person and not User.objects.filter(username=self.person).exists():
            raise InvalidInput(field="person", problem=f"there is nobody called {self.person}.")
        if self.role and self.role not in known:
            raise InvalidInput(field="role", problem=f"there is no role {self.role}.")
        if not self.approvers or set(self.approvers) - known:
            raise InvalidInput(field="approvers", problem="name at least one role, of those there are.")
        if not 1 <= self.expires_hours <= _LONGEST_HOURS:
            raise InvalidInput(field="expires_hours", problem=f"give 1 to {_LONGEST_HOURS} hours.")
        for value in (self.above_value, self.above_a_day_value):
            if value is None:
                continue
            if not self.currency:
                raise InvalidInput(field="currency", problem="an amount needs its currency.")
            if value < 0:
                raise InvalidInput(field="above", problem="an amount is not below zero.")
        if self.currency:
            try:
                Money(1, self.currency)
            except MoneyError as reason:
                raise InvalidInput(field="currency", problem=str(reason)) from None


def shown(rule: ApprovalRule) -> dict[str, Any]:
    """A rule as the journal keeps it."""
    return {name: getattr(rule, name) for name in RuleFacts.__dataclass_fields__}


def facts_of(rule: ApprovalRule) -> RuleFacts:
    """A rule as a person would say it."""
    return RuleFacts(**shown(rule))


def _facts(default: registry.Rule) -> dict[str, Any]:
    return {**asdict(default), "approvers": list(default.approvers)}


def _identity(rule: ApprovalRule) -> tuple[str, str, str, str, str]:
    return rule.kind, rule.role, rule.person, rule.currency, rule.account
