"""The states of orders, payments, cancels and refunds, as tables. README's diagrams are drawn from them.

Few states, each one a thing an operator would say aloud. "We do not know" is a state (PROCESSING), never an exception.
"""

from enum import StrEnum

from django.db.models import TextChoices

from portal.machine import Machine


class OrderStatus(TextChoices):
    """What the buyer owes."""

    INIT = "INIT", "To be paid"
    PAID = "PAID", "Paid"
    CANCELLED = "CANCELLED", "Cancelled"
    """Withdrawn before payment, or its payment was cancelled afterwards."""
    REFUNDED = "REFUNDED", "Refunded"
    """Everything was given back by refund."""


class OrderEvent(StrEnum):
    """What happens to an order."""

    PAYMENT_SUCCEEDED = "payment succeeded"
    WITHDRAWN = "withdrawn"
    PAYMENT_CANCELLED = "payment cancelled"
    ALL_REFUNDED = "all refunded"


O, OE = OrderStatus, OrderEvent  # noqa: E741 - a table reads best with one letter
# fmt: off
ORDER: Machine[OrderStatus, OrderEvent] = Machine(
    # from        on                      to
    (O.INIT,      OE.PAYMENT_SUCCEEDED,   O.PAID),
    (O.INIT,      OE.WITHDRAWN,           O.CANCELLED),
    (O.PAID,      OE.PAYMENT_CANCELLED,   O.CANCELLED),
    (O.PAID,      OE.ALL_REFUNDED,        O.REFUNDED),
)
# fmt: on


class PaymentStatus(TextChoices):
    """One ``paymentRequestId``."""

    INITIATED = "INITIATED", "Initiated"
    PROCESSING = "PROCESSING", "Unknown"
    SUCCEEDED = "SUCCEEDED", "Paid"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"
    REVERSED = "REVERSED", "Reversed"


class PaymentEvent(StrEnum):
    """What happens to a payment."""

    PAY_SENT = "pay sent"
    RESULT_SUCCESS = "result success"
    RESULT_FAIL = "result fail"
    CANCEL_CONFIRMED = "cancel confirmed"
    SETTLEMENT_REVERSED = "settlement reversed"


S, E = PaymentStatus, PaymentEvent
# fmt: off
PAYMENT: Machine[PaymentStatus, PaymentEvent] = Machine(
    # from          on                      to
    (S.INITIATED,   E.PAY_SENT,             S.PROCESSING),  # paymentRequestId is on disk
    (S.PROCESSING,  E.RESULT_SUCCESS,       S.SUCCEEDED),   # resultStatus S, whoever brings it
    (S.PROCESSING,  E.RESULT_FAIL,          S.FAILED),      # resultStatus F; U moves nothing
    (S.PROCESSING,  E.CANCEL_CONFIRMED,     S.CANCELLED),
    (S.SUCCEEDED,   E.CANCEL_CONFIRMED,     S.CANCELLED),   # within the cancellable period
    (S.FAILED,      E.SETTLEMENT_REVERSED,  S.REVERSED),    # a PAYMENT_REVERSAL row: the money came after all
    (S.CANCELLED,   E.SETTLEMENT_REVERSED,  S.REVERSED),
)
# fmt: on


class CancelStatus(TextChoices):
    """One wish to cancel a payment. The amount is reserved from the first moment."""

    REQUESTED = "REQUESTED", "Unknown"
    CONFIRMED = "CONFIRMED", "Confirmed"
    REFUSED = "REFUSED", "Refused"


class CancelEvent(StrEnum):
    """What happens to a cancel."""

    CONFIRMED = "cancel confirmed"
    REFUSED = "cancel refused"


C, CE = CancelStatus, CancelEvent
# fmt: off
CANCEL: Machine[CancelStatus, CancelEvent] = Machine(
    # from         on             to
    (C.REQUESTED,  CE.CONFIRMED,  C.CONFIRMED),
    (C.REQUESTED,  CE.REFUSED,    C.REFUSED),
)
# fmt: on


class RefundStatus(TextChoices):
    """One ``refundRequestId``. The amount is reserved from the first moment."""

    INITIATED = "INITIATED", "Initiated"
    PROCESSING = "PROCESSING", "Unknown"
    SUCCEEDED = "SUCCEEDED", "Refunded"
    FAILED = "FAILED", "Failed"
    REVERSED = "REVERSED", "Reversed"


class RefundEvent(StrEnum):
    """What happens to a refund."""

    REFUND_SENT = "refund sent"
    RESULT_SUCCESS = "result success"
    RESULT_FAIL = "result fail"
    SETTLEMENT_REVERSED = "settlement reversed"


R, RE = RefundStatus, RefundEvent
# fmt: off
REFUND: Machine[RefundStatus, RefundEvent] = Machine(
    # from          on                       to
    (R.INITIATED,   RE.REFUND_SENT,          R.PROCESSING),  # refundRequestId is on disk
    (R.PROCESSING,  RE.RESULT_SUCCESS,       R.SUCCEEDED),
    (R.PROCESSING,  RE.RESULT_FAIL,          R.FAILED),
    (R.SUCCEEDED,   RE.SETTLEMENT_REVERSED,  R.REVERSED),    # a REFUND_REVERSAL row
)
# fmt: on


class Messenger(TextChoices):
    """Who brought the news of a change."""

    US = "US", "us"
    PAY_ANSWER = "PAY_ANSWER", "the answer to pay"
    INQUIRY = "INQUIRY", "inquiryPayment"
    NOTIFICATION = "NOTIFICATION", "notifyPayment"
    CANCEL_ANSWER = "CANCEL_ANSWER", "the answer to cancel"
    REFUND_ANSWER = "REFUND_ANSWER", "the answer to refund"
    REFUND_INQUIRY = "REFUND_INQUIRY", "inquiryRefund"
    REFUND_NOTIFICATION = "REFUND_NOTIFICATION", "notifyRefund"
    SETTLEMENT = "SETTLEMENT", "a settlement report"
    DECLARE_ANSWER = "DECLARE_ANSWER", "the answer to declare"
    DECLARE_INQUIRY = "DECLARE_INQUIRY", "inquiryDeclarationRequests"
    CLOCK = "CLOCK", "the clock"


class ReasonCode(TextChoices):
    """Why money goes back, in the merchant's words; kept with every staff act."""

    BUYER_REQUEST = "BUYER_REQUEST", "Buyer asked for it"
    DUPLICATE = "DUPLICATE", "Paid twice"
    OUT_OF_STOCK = "OUT_OF_STOCK", "Cannot deliver"
    DAMAGED = "DAMAGED", "Damaged or wrong goods"
    FRAUD = "FRAUD", "Suspected fraud"
    NO_FINAL_ANSWER = "NO_FINAL_ANSWER", "No final answer in time"
    OTHER = "OTHER", "Other (see note)"


class BulkStatus(TextChoices):
    """Where a bulk refund stands."""

    DRAFT = "DRAFT", "To be looked at"
    """Read and previewed; nothing happens before it is started."""
    STARTED = "STARTED", "Being done"
    STOPPED = "STOPPED", "Stopped"
    """A person stopped it; what is not promised yet waits."""
    FINISHED = "FINISHED", "Finished"
    """Every line has its refund, or its refusal."""
    DISCARDED = "DISCARDED", "Discarded"


class LineStatus(TextChoices):
    """Where a line of a bulk refund stands. What becomes of its refund, the refund says."""

    PROBLEM = "PROBLEM", "Left out"
    DRAFT = "DRAFT", "Ready"
    WAITING = "WAITING", "Waiting"
    PROMISED = "PROMISED", "Refund made"
    REFUSED = "REFUSED", "Refused"
    """The refund was refused before anything was sent; it may be tried again."""
