"""What the merchant's own systems hear of subscriptions. Called where one moves, in that transaction."""

from typing import Any

from payments.models import Cycle, Subscription
from portal import outbox
from portal.outbox.events import listening, moment


def started(subscription: Subscription) -> None:
    """A buyer has agreed."""
    _tell(outbox.Kind.SUBSCRIPTION_STARTED, subscription)


def is_heard(account_id: int) -> bool:
    """Whether anybody listens to charges of an account, for who tells of many."""
    return bool(listening(outbox.Kind.SUBSCRIPTION_CHARGED, account_id))


def charged(subscription: Subscription, cycle: Cycle) -> None:
    """A cycle is paid."""
    _tell(outbox.Kind.SUBSCRIPTION_CHARGED, subscription, cycle)


def charge_failed(subscription: Subscription, cycle: Cycle) -> None:
    """A charge of a cycle failed; the cycle says what follows."""
    _tell(outbox.Kind.SUBSCRIPTION_CHARGE_FAILED, subscription, cycle)


def needs_authorization(subscription: Subscription, cycle: Cycle) -> None:
    """A cycle waits for the buyer to agree again."""
    _tell(outbox.Kind.SUBSCRIPTION_NEEDS_AUTHORIZATION, subscription, cycle)


def needs_amount(subscription: Subscription, cycle: Cycle) -> None:
    """A metered cycle is due and nobody has said what it costs."""
    _tell(outbox.Kind.SUBSCRIPTION_NEEDS_AMOUNT, subscription, cycle)


def past_due(subscription: Subscription) -> None:
    """Grace is over."""
    _tell(outbox.Kind.SUBSCRIPTION_PAST_DUE, subscription)


def recovered(subscription: Subscription) -> None:
    """Nothing is unpaid any more."""
    _tell(outbox.Kind.SUBSCRIPTION_RECOVERED, subscription)


def paused(subscription: Subscription) -> None:
    """No cycle opens until it is resumed."""
    _tell(outbox.Kind.SUBSCRIPTION_PAUSED, subscription)


def resumed(subscription: Subscription) -> None:
    """Cycles open again."""
    _tell(outbox.Kind.SUBSCRIPTION_RESUMED, subscription)


def over(subscription: Subscription) -> None:
    """It was cancelled, or every cycle is done."""
    _tell(outbox.Kind.SUBSCRIPTION_ENDED, subscription)


def _tell(kind: outbox.Kind, subscription: Subscription, cycle: Cycle | None = None) -> None:
    outbox.tell(kind, subscription, label=subscription.number, data=lambda: _said(subscription, cycle))


def _said(subscription: Subscription, cycle: Cycle | None) -> dict[str, Any]:
    return {
        "subscription": subscription.number,
        "reference": subscription.reference,
        "customer": subscription.buyer.reference,
        "plan": subscription.plan.code,
        "status": subscription.status,
        "trouble": subscription.trouble,
        "end": subscription.end_code,
        "next_on": subscription.next_on.isoformat() if subscription.next_on else None,
        "grace_until": moment(subscription.grace_until),
        "past_due_until": moment(subscription.past_due_until),
        "wallet_id": subscription.wallet_account.public_id,
        "cycle": _cycle(cycle) if cycle is not None else None,
    }


def _cycle(cycle: Cycle) -> dict[str, Any]:
    return {
        "number": cycle.number,
        "due_on": cycle.due_on.isoformat(),
        "status": cycle.status,
        "amount": cycle.amount.to_wire() if cycle.amount else None,
        "order": cycle.order.number if cycle.order else None,
        "tries": cycle.tries,
        "trouble": cycle.trouble,
        "result_code": cycle.result_code,
        "next_try_at": moment(cycle.due_at) if cycle.status == "RETRYING" else None,
    }
