"""What notifyPayment and notifyRefund change. No inquiry inside a notification: it is a messenger of its own."""

from payments.models import Payment, Refund
from payments.operations import record_payment_result, record_refund_result
from payments.states import Messenger
from portal.acquirer.results import PaymentMessage, RefundMessage
from portal.models import AcquirerAccount


def apply_payment(account: AcquirerAccount, message: PaymentMessage) -> bool:
    """Apply a verified notifyPayment. False when there is no such payment here (yet).

    Source: https://docs.antom.com/ac/ams/paymentrn_online
    """
    payment = Payment.objects.filter(order__account=account, payment_request_id=message.payment_request_id).first()
    if payment is None:
        return False
    if not message.is_pending:
        record_payment_result(payment, message.payment, heard_from=Messenger.NOTIFICATION)
    return True


def apply_refund(account: AcquirerAccount, message: RefundMessage) -> bool:
    """Apply a verified notifyRefund. False when there is no such refund here (yet).

    Source: https://docs.antom.com/ac/ams/notify_refund
    """
    refund = Refund.objects.filter(payment__order__account=account, refund_request_id=message.refund_request_id).first()
    if refund is None:
        return False
    record_refund_result(refund, message.refund, heard_from=Messenger.REFUND_NOTIFICATION)
    return True
