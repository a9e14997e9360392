"""Until when the acquirer does what, in its own day (UTC+8)."""

from datetime import datetime, time, timedelta

from portal.acquirer.wallets import USUAL_CANCEL_DAYS, USUAL_CANCEL_MINUTES, Wallet
from portal.clock import ACQUIRER_ZONE


def cancel_deadline(paid_at: datetime, *, method: Wallet | None) -> datetime | None:
    """Usually 00:15 of the acquirer's next day; None where what is paid cannot be cancelled.

    ``method``: as the account's catalogue has it. Sources: https://docs.antom.com/ac/tokenized/cancel,
    https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq_ns/cancel_payment
    """
    if method is not None and not method.cancellable_when_paid:
        return None
    days, minutes = (USUAL_CANCEL_DAYS, USUAL_CANCEL_MINUTES)
    if method is not None:
        days, minutes = method.cancel_days, method.cancel_minutes
    last_day = paid_at.astimezone(ACQUIRER_ZONE).date() + timedelta(days=days)
    return datetime.combine(last_day, time(tzinfo=ACQUIRER_ZONE)) + timedelta(minutes=minutes)
