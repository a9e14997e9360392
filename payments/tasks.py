"""What the clock starts: ask about payments, cancels and refunds without a final answer. Safe to run twice at once."""

import time
from collections.abc import Callable, Iterator, Sequence

from payments import operations, queries
from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus, PaymentStatus, RefundStatus
from portal import clock, due
from portal.acquirer import Acquirer
from portal.acquirer.results import PaymentInquiry
from portal.gateways import acquirer_for
from portal.models import AcquirerAccount
from portal.statements import Found, Given, given_ids
from portal.statements import ids as given_as

PATIENCE_SECONDS = 1.0
"""So long an answer may wait for others, by whatever clock."""

_PAYMENT = Found(
    lambda: Payment.objects.select_related("order__buyer", "wallet_account__account").filter(pk=Given("pk")).order_by()
)
_ASKED_ABOUT = Found(
    lambda: (
        Payment.objects.select_related("wallet_account")
        .only("payment_request_id", "payment_id", "wallet_account__account")
        .filter(pk__in=given_ids(operations.AT_ONCE), status=PaymentStatus.PROCESSING, may_have_arrived=True)
        .order_by()
    )
)
"""What a question says, and whom it goes to: the whole payment is read when its answer is recorded."""
_ACCOUNT = Found(lambda: AcquirerAccount.objects.filter(pk=Given("pk")).order_by())
_CANCEL = Found(
    lambda: (
        Cancel.objects.select_related("payment__order", "payment__wallet_account__account")
        .filter(pk=Given("pk"))
        .order_by()
    )
)
_REFUND = Found(
    lambda: (
        Refund.objects.select_related("payment__order", "payment__wallet_account__account")
        .filter(pk=Given("pk"))
        .order_by()
    )
)


def work_payment(pk: int) -> str:
    """Act on a payment without a final answer: send what never left, ask, and at last cancel.

    Of a final one that somebody contradicted, the acquirer is asked.
    """
    payment = _PAYMENT.get(pk=pk)
    if payment.status == PaymentStatus.PROCESSING and not payment.may_have_arrived:
        operations.send_again(payment)
    elif payment.status == PaymentStatus.PROCESSING:
        _ask_then_cancel(payment)
    else:
        operations.check(payment)
    payment.refresh_from_db()
    return _line(payment)


def work_payments(ids: Sequence[int], may_go_on: Callable[[], bool]) -> Iterator[tuple[int, str]]:
    """Ask about payments without a final answer, one after the other, and record together what was heard meanwhile.

    Only what surrounds the wire is shared: no transaction is open while a question is on its way, and no answer waits
    for others longer than PATIENCE and one more question. Killed before they are recorded, the answers are asked for
    again once the leases are over.
    """
    for start in range(0, len(ids), operations.AT_ONCE):
        heard: list[tuple[Payment, PaymentInquiry]] = []
        first_at = 0.0
        for payment, acquirer in _to_ask(ids[start : start + operations.AT_ONCE]):
            if heard and time.monotonic() - first_at > PATIENCE_SECONDS:
                yield from _record(heard, may_go_on)
                heard = []
            if not may_go_on():
                break
            heard.append((payment, operations.inquire(payment, acquirer)))
            first_at = first_at if len(heard) > 1 else time.monotonic()
        yield from _record(heard, may_go_on)


def _to_ask(ids: Sequence[int]) -> Iterator[tuple[Payment, Acquirer]]:
    """Those of the payments that are asked about, in the order of the ids, and whom to ask."""
    found = {payment.pk: payment for payment in _ASKED_ABOUT.all(**given_as(ids, operations.AT_ONCE))}
    accounts = {key: _ACCOUNT.get(pk=key) for key in {payment.wallet_account.account_id for payment in found.values()}}
    acquirers = {key: acquirer_for(account) for key, account in accounts.items()}
    for pk in ids:
        if payment := found.get(pk):
            payment.wallet_account.account = accounts[payment.wallet_account.account_id]
            yield payment, acquirers[payment.wallet_account.account_id]


def _record(
    heard: Sequence[tuple[Payment, PaymentInquiry]], may_go_on: Callable[[], bool]
) -> Iterator[tuple[int, str]]:
    if not heard:
        return
    operations.record_inquiries(heard)
    for payment, _ in heard:
        if payment.status == PaymentStatus.PROCESSING:
            if not may_go_on():
                continue  # it may have to be cancelled, which could outlive the lease
            _go_on_asking_or_cancel(payment)
            payment.refresh_from_db()
        yield payment.pk, _line(payment)


def _line(payment: Payment) -> str:
    return f"payment {payment.payment_request_id}: {payment.get_status_display()}"


def _ask_then_cancel(payment: Payment) -> None:
    operations.ask(payment)
    if payment.status == PaymentStatus.PROCESSING:
        _go_on_asking_or_cancel(payment)


def _go_on_asking_or_cancel(payment: Payment) -> None:
    capabilities = acquirer_for(payment.account).capabilities
    polled_until = payment.created_at + capabilities.payment_poll * capabilities.payment_poll_count
    # People ask too: what counts is that both the questions were asked and their time has passed.
    if payment.questions_asked < capabilities.payment_poll_count or clock.now() < polled_until:
        operations.look_again(payment, at=clock.now() + capabilities.payment_poll)
    else:
        operations.cancel_unfinished(payment)


def work_cancel(pk: int) -> str:
    """Act on a cancel without a final answer."""
    cancel = _CANCEL.get(pk=pk)
    if cancel.status == CancelStatus.REQUESTED:
        operations.ask_cancel(cancel, is_leased=True)
    return f"cancel of {cancel.payment.payment_request_id}: {cancel.get_status_display()}"


def work_refund(pk: int) -> str:
    """Act on a refund without a final answer: send what never arrived, ask about the rest."""
    refund = _REFUND.get(pk=pk)
    if refund.status == RefundStatus.PROCESSING:
        denials = acquirer_for(refund.payment.account).capabilities.refund_missing_after
        never_arrived = refund.times_denied >= denials and not refund.is_refused_on_repeat
        if not refund.times_sent or not refund.may_have_arrived or never_arrived:
            operations.send_refund_again(refund)
        else:
            operations.ask_refund(refund, is_leased=True)
    return f"refund {refund.refund_request_id}: {refund.get_status_display()}"


payments_due = due.work_on(queries.payments_to_look_at, work_payment, many=work_payments)
cancels_due = due.work_on(queries.waiting_cancels, work_cancel)


def work_bulk_line(pk: int) -> str:
    """Make the refund of a line of a bulk refund."""
    line = operations.work_line(pk)
    return f"line {line.number} of {line.bulk}: {line.get_status_display()}"


refunds_due = due.work_on(queries.waiting_refunds, work_refund)
bulk_lines_due = due.work_on(queries.waiting_bulk_lines, work_bulk_line)
