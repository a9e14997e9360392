"""Setting what follows a failed charge: under approval, and journaled with what it was before."""

from typing import Any

from django.db import transaction

from payments.models import RetryPolicy
from payments.subscriptions.policies import DEFAULTS, Policy, of_row
from payments.subscriptions.states import Trouble
from portal import approvals, catalogue, clock, journal
from portal.actor import Actor
from portal.errors import InvalidInput
from portal.idempotency import Remember
from portal.models import AcquirerAccount

RETRY_POLICY = "retry policy"
"""The kind, for ``portal.approvals``."""


def set_policy(
    policy: Policy,
    *,
    account: str = "",
    wallet: str = "",
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> RetryPolicy:
    """Let this policy hold from now on, for an account (its slug), a wallet, both, or all. Cycles that wait keep their
    next try; it counts from their next failure.

    Raises ApprovalNeeded, and InvalidInput for what cannot be a policy.
    """
    policy.check()
    if wallet and not catalogue.is_known(wallet):
        raise InvalidInput(field="wallet", problem=f"there is no wallet {wallet}.")
    if account and not AcquirerAccount.objects.filter(slug=account).exists():
        raise InvalidInput(field="account", problem=f"there is no account {account}.")
    key: dict[str, Any] = {"account": account, "wallet": wallet, "trouble": policy.trouble}
    with transaction.atomic(durable=True):
        held = RetryPolicy.objects.select_for_update().filter(**key).first()
        approvals.permit(
            RETRY_POLICY,
            "set policy",
            by=by,
            label=str(held or RetryPolicy(**key)),
            params={**key, **policy.as_columns()},
            sentence=f"{policy.trouble.label}{_where(account, wallet)}: {policy.words()}.",
            note=note,
        )
        before = of_row(held).as_columns() if held else DEFAULTS[policy.trouble].as_columns()
        facts: dict[str, Any] = {**policy.as_columns(), "changed_at": clock.now(), "changed_by": by.name}
        row, _ = RetryPolicy.objects.update_or_create(**key, defaults=facts)
        changed = journal.differing(_plain(before), _plain(policy.as_columns()))
        journal.write("set retry policy", by=by, subject=row, note=note, **changed)
        if remember:
            remember(row)
    return row


def install_policies(**kwargs: Any) -> None:
    """Make a row of every default that has none, so that people see and change them. Safe to repeat."""
    state = kwargs.get("apps")
    if state is not None and "retrypolicy" not in state.all_models.get("payments", {}):
        return
    held = set(RetryPolicy.objects.filter(account="", wallet="").values_list("trouble", flat=True))
    for trouble in Trouble:
        if trouble not in held:
            RetryPolicy.objects.create(**DEFAULTS[trouble].as_columns())


def _where(account: str, wallet: str) -> str:
    where = " and ".join(part for part in (account, wallet) if part)
    return f", for {where}" if where else ""


def _plain(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Trouble) else value for name, value in columns.items()}
