"""The verbs of paying: orders, payments, cancels, refunds. Only here are transactions opened and the gateway called."""

from payments.operations.cancels import ask_cancel, cancel, cancel_unfinished, record_cancel_result
from payments.operations.kept import give_kept_back
from payments.operations.money_back import give_money_back
from payments.operations.orders import place_merchant_order, place_order, withdraw
from payments.operations.payments import (
    ask,
    check,
    look_again,
    pay,
    record_inquiry,
    record_payment_result,
    send_again,
)
from payments.operations.refunds import (
    ask_refund,
    record_refund_inquiry,
    record_refund_result,
    refund,
    send_refund_again,
)

__all__ = [
    "ask",
    "ask_cancel",
    "ask_refund",
    "cancel",
    "cancel_unfinished",
    "check",
    "give_kept_back",
    "give_money_back",
    "look_again",
    "pay",
    "place_merchant_order",
    "place_order",
    "record_cancel_result",
    "record_inquiry",
    "record_payment_result",
    "record_refund_inquiry",
    "record_refund_result",
    "refund",
    "send_again",
    "send_refund_again",
    "withdraw",
]
