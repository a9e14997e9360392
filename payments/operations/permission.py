"""Whether a person gives money back on their own, or a second person approves it first (``portal.approvals``)."""

from typing import Any

from payments.models import Payment
from portal import approvals
from portal.acquirer.wallets import name_of
from portal.actor import Actor
from portal.money import Money

MONEY_BACK = "refund"
"""The kind under which every way back of money stands."""
REFUND, CANCEL, GIVE_BACK = "refund", "cancel", "give back"


def permit(payment: Payment, amount: Money, act: str, *, by: Actor, reason_code: str, note: str, **params: Any) -> None:
    """Let it pass, or raise ApprovalNeeded. Inside the promise's transaction, before anything of it is written."""
    approvals.permit(
        MONEY_BACK,
        act,
        by=by,
        subject=payment,
        amount=amount,
        account=payment.account,
        params={"payment_request_id": payment.payment_request_id, "amount": str(amount), **params},
        sentence=words(payment, amount, act),
        reason_code=reason_code,
        note=note,
    )


def words(payment: Payment, amount: Money, act: str) -> str:
    """``700.00 PHP goes back to GCash 63-9****31111 by refund.`` Which payment it is stands beside it."""
    wallet = payment.wallet_account
    to = f"{name_of(wallet.wallet)} {wallet.login_label}".strip()
    if act == REFUND:
        return f"{amount} goes back to {to} by refund."
    if act == CANCEL:
        return f"{amount} goes back to {to} by cancel, whole."
    return f"{amount} goes back to {to} by cancel or refund."
