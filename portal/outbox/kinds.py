"""What the merchant's systems can be told: one table, shown in README and in the desk."""

from enum import StrEnum


class Kind(StrEnum):
    """The kinds of events. A name never changes its meaning; a new meaning is a new name."""

    ORDER_PAID = "order.paid"
    ORDER_FAILED = "order.failed"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_REFUNDED = "order.refunded"
    WALLET_BOUND = "wallet.bound"
    WALLET_REVOKED = "wallet.revoked"
    WALLET_NEEDS_AUTHORIZATION = "wallet.needs_authorization"
    SUBSCRIPTION_STARTED = "subscription.started"
    SUBSCRIPTION_CHARGED = "subscription.charged"
    SUBSCRIPTION_CHARGE_FAILED = "subscription.charge_failed"
    SUBSCRIPTION_NEEDS_AUTHORIZATION = "subscription.needs_authorization"
    SUBSCRIPTION_NEEDS_AMOUNT = "subscription.needs_amount"
    SUBSCRIPTION_PAST_DUE = "subscription.past_due"
    SUBSCRIPTION_RECOVERED = "subscription.recovered"
    SUBSCRIPTION_PAUSED = "subscription.paused"
    SUBSCRIPTION_RESUMED = "subscription.resumed"
    SUBSCRIPTION_ENDED = "subscription.ended"
    DECLARATION_ACCEPTED = "declaration.accepted"
    DECLARATION_REFUSED = "declaration.refused"


PING = "ping"
"""Sent by a person who tests an endpoint, and by the clock to one that was dead. It is about nothing."""

KINDS: dict[Kind, str] = {
    Kind.ORDER_PAID: "The order is paid. Deliver.",
    Kind.ORDER_FAILED: "A payment of the order ended without money. The order can be paid by another one.",
    Kind.ORDER_CANCELLED: "The order is closed: it was withdrawn unpaid, or its payment was cancelled and given back.",
    Kind.ORDER_REFUNDED: "An amount was given back by refund: once for every refund, of a part or of all.",
    Kind.WALLET_BOUND: "A buyer's wallet is bound and can be debited.",
    Kind.WALLET_REVOKED: "The binding of a wallet has ended, from either side. It is debited no more.",
    Kind.WALLET_NEEDS_AUTHORIZATION: "The token of a wallet died. It can be debited once the buyer has agreed again.",
    Kind.SUBSCRIPTION_STARTED: "A buyer has agreed to a plan; `next_on` is its first charge.",
    Kind.SUBSCRIPTION_CHARGED: "A cycle is paid. Deliver what it pays for.",
    Kind.SUBSCRIPTION_CHARGE_FAILED: "A charge failed: `trouble` says why, `next_try_at` when it is tried again.",
    Kind.SUBSCRIPTION_NEEDS_AUTHORIZATION: "A cycle waits for its buyer to agree again in the wallet. Ask them.",
    Kind.SUBSCRIPTION_NEEDS_AMOUNT: "A cycle of a metered plan is due, and its amount was not posted. Post it.",
    Kind.SUBSCRIPTION_PAST_DUE: "Grace is over and a cycle is not paid. Stop the service; no further cycle opens.",
    Kind.SUBSCRIPTION_RECOVERED: "Nothing is unpaid any more. The service goes on.",
    Kind.SUBSCRIPTION_PAUSED: "No cycle opens until it is resumed.",
    Kind.SUBSCRIPTION_RESUMED: "Cycles open again, from `next_on` on. What passed meanwhile is not made up for.",
    Kind.SUBSCRIPTION_ENDED: "It is over: cancelled, its consent ended, given up unpaid, or all of it is done.",
    Kind.DECLARATION_ACCEPTED: "Customs has accepted a declaration of the order, or of a part of it.",
    Kind.DECLARATION_REFUSED: "A declaration was refused: `status` says by customs (REFUSED) or before it (FAILED).",
}
