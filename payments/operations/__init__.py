"""The verbs of paying: orders, payments, cancels, refunds. Only here are transactions opened and the gateway called."""

from payments.operations.bulk import discard_bulk, draft_bulk, resume_bulk, start_bulk, stop_bulk, work_line
from payments.operations.cancels import ask_cancel, cancel, cancel_unfinished, record_cancel_result
from payments.operations.kept import give_kept_back
from payments.operations.money_back import give_money_back
from payments.operations.orders import place_merchant_order, place_order, withdraw
from payments.operations.paying_many import pay_many
from payments.operations.payments import (
    AT_ONCE,
    ask,
    check,
    inquire,
    look_again,
    pay,
    record_inquiries,
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
    "AT_ONCE",
    "ask",
    "ask_cancel",
    "ask_refund",
    "cancel",
    "cancel_unfinished",
    "check",
    "discard_bulk",
    "draft_bulk",
    "give_kept_back",
    "give_money_back",
    "inquire",
    "look_again",
    "pay",
    "pay_many",
    "place_merchant_order",
    "place_order",
    "record_cancel_result",
    "record_inquiries",
    "record_inquiry",
    "record_payment_result",
    "record_refund_inquiry",
    "record_refund_result",
    "refund",
    "resume_bulk",
    "send_again",
    "send_refund_again",
    "start_bulk",
    "stop_bulk",
    "withdraw",
    "work_line",
]
