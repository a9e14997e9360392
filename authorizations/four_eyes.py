"""Ending a binding under four eyes: one is everyday work, many on one day are not."""

from authorizations.models import WalletAccount
from authorizations.operations.tokens import revoke
from authorizations.states import WalletStatus
from portal.actor import Actor
from portal.idempotency import Remember
from portal.models import Approval
from portal.registry import ApprovalKind, Rule
from portal.roles import ADMINISTRATOR, FINANCE

A_DAY = 20
"""So many a person ends on their own."""


def carry_out(approval: Approval, by: Actor, remember: Remember) -> str:
    """End the binding as it was asked for."""
    wallet = revoke(_wallet(approval), by=by, reason_code=approval.reason_code, note=approval.note, remember=remember)
    return f"The wallet is {str(wallet.get_status_display()).lower()}."


def objection(approval: Approval) -> str:
    """Why it could not be ended now."""
    return "It is revoked already." if _wallet(approval).status == WalletStatus.REVOKED else ""


def _wallet(approval: Approval) -> WalletAccount:
    return WalletAccount.objects.select_related("account", "buyer").get(pk=approval.subject_id)


KIND = ApprovalKind(
    "Revoke a wallet",
    carry_out,
    foresee=lambda approval: [approval.sentence, "It is debited no more, until its buyer agrees again."],
    objection=objection,
    defaults=(Rule(approvers=(FINANCE, ADMINISTRATOR), above_a_day_count=A_DAY),),
)
