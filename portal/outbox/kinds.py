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
}
