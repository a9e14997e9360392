"""What notifyPayment and notifyRefund change. No inquiry inside a notification: it is a messenger of its own."""

from collections.abc import Callable

from payments.models import Payment, Refund
from payments.operations import record_payment_result, record_refund_result
from payments.states import Messenger
from portal.acquirer.results import PaymentMessage, RefundMessage
from portal.models import AcquirerAccount
from portal.statements import Found, Given

_PAYMENT = Found(
    lambda: (
        Payment.objects.select_related("order", "wallet_account__account")
        .filter(wallet_account__account_id=Given("account"), payment_request_id=Given("payment_request_id"))
        .order_by()
    )
)
_REFUND = Found(
    lambda: (
        Refund.objects.select_related("payment__order", "payment__wallet_account__account")
        .filter(payment__wallet_account__account_id=Given("account"), refund_request_id=Given("refund_request_id"))
        .order_by()
    )
)


def apply_payment(account: AcquirerAccount, message: PaymentMessage, done: Callable[[], None]) -> bool:
    """Apply a verified notifyPayment. False when there is no such payment here (yet).

    Source: https://docs.antom.com/ac/ams/paymentrn_online
    """
    payment = _PAYMENT.first(account=account.pk, payment_request_id=message.payment_request_id)
    if payment is None:
        return False
    if not message.is_pending:
        record_payment_result(payment, message.payment, heard_from=Messenger.NOTIFICATION, done=done)
    return True


def apply_refund(account: AcquirerAccount, message: RefundMessage, done: Callable[[], None]) -> bool:
    """Apply a verified notifyRefund. False when there is no such refund here (yet). Noted as ``done`` afterwards.

    Source: https://docs.antom.com/ac/ams/notify_refund
    """
    refund = _REFUND.first(account=account.pk, refund_request_id=message.refund_request_id)
    if refund is None:
        return False
    record_refund_result(refund, message.refund, heard_from=Messenger.REFUND_NOTIFICATION)
    return True
