"""Whether portal and sandbox say the same of every cent: the sandbox's books are the independent truth.

Compared per order, wallet and currency, to the minor unit: what was debited, refunded, cancelled. Then every payment's
and refund's status, the bound wallets with the tokens in force, the balance of the books, and the law of every report.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from authorizations.models import WalletAccount
from authorizations.states import WalletStatus
from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus, PaymentStatus, RefundStatus
from portal.models import AcquirerAccount
from portal.money import Money
from portal.sandbox.control import ControlFailed, SandboxControl
from reconciliation import queries as reports
from reconciliation.models import FileStatus, ReportFile

Key = tuple[str, str, str, str]
"""Order number, wallet, currency, what happened."""

_PAYMENT_SAID: dict[str, str] = {
    PaymentStatus.SUCCEEDED: "SUCCESS",
    PaymentStatus.FAILED: "FAIL",
    PaymentStatus.CANCELLED: "CANCELLED",
    PaymentStatus.PROCESSING: "PROCESSING",
}
_REFUND_SAID: dict[str, str] = {
    RefundStatus.SUCCEEDED: "SUCCESS",
    RefundStatus.FAILED: "FAIL",
    RefundStatus.PROCESSING: "PROCESSING",
}
_MOVEMENTS = ("PAYMENT", "REFUND", "CANCEL")
_SHOWN_AT_MOST = 500
"""What the sandbox's lists end at."""
_NEVER_ARRIVED = "nothing"
"""The sandbox has no row of it: a failed payment or refund need not have one."""


def differences(control: SandboxControl, account: AcquirerAccount) -> list[str]:
    """Everything the two say differently, as sentences; empty when they agree to the minor unit."""
    payments = control.payments(client_id=account.client_id)
    refunds = control.refunds(client_id=account.client_id)
    if len(payments) >= _SHOWN_AT_MOST:
        return [f"The sandbox shows its newest {_SHOWN_AT_MOST} payments only: a longer story cannot be compared."]
    return [
        *_money(control, payments, refunds, account),
        *_statuses(payments, refunds, account),
        *_consents(control.tokens(client_id=account.client_id), account),
        *_books(control),
        *_laws(account),
    ]


def _money(
    control: SandboxControl,
    payments: Iterable[dict[str, Any]],
    refunds: Iterable[dict[str, Any]],
    account: AcquirerAccount,
) -> list[str]:
    orders = {payment["payment_id"]: payment["order_id"] for payment in payments}
    order_of = {payment["payment_request_id"]: payment["order_id"] for payment in payments}
    order_of |= {refund["refund_request_id"]: orders[refund["payment_id"]] for refund in refunds}
    theirs: Counter[Key] = Counter()
    for kind in _MOVEMENTS:
        for entry in control.ledger(kind=kind):
            place, _, rest = entry["account"].partition(":")
            if place == "wallet" and entry["reference"] in order_of:
                wallet = rest.partition(":")[0]
                theirs[order_of[entry["reference"]], wallet, entry["currency"], kind] += abs(entry["value"])
    ours = _our_money(account)
    return [
        f"Order {order}, {wallet}: {kind} of {Money(ours[key], currency)} here, {Money(theirs[key], currency)} there."
        for key in sorted({*ours, *theirs})
        if ours[key] != theirs[key]
        for order, wallet, currency, kind in [key]
    ]


def _our_money(account: AcquirerAccount) -> Counter[Key]:
    ours: Counter[Key] = Counter()
    paid = Payment.objects.filter(wallet_account__account=account, paid_at__isnull=False)
    for payment in paid.select_related("order", "wallet_account"):
        ours[_key(payment, "PAYMENT")] += payment.amount_value
    refunded = Refund.objects.filter(payment__wallet_account__account=account, status=RefundStatus.SUCCEEDED)
    for refund in refunded.select_related("payment__order", "payment__wallet_account"):
        ours[_key(refund.payment, "REFUND")] += refund.amount_value
    cancelled = Cancel.objects.filter(
        payment__wallet_account__account=account, status=CancelStatus.CONFIRMED, payment__paid_at__isnull=False
    )
    for cancel in cancelled.select_related("payment__order", "payment__wallet_account"):
        ours[_key(cancel.payment, "CANCEL")] += cancel.amount_value
    return ours


def _key(payment: Payment, kind: str) -> Key:
    return payment.order.number, payment.wallet_account.wallet, payment.currency, kind


def _statuses(
    payments: Iterable[dict[str, Any]], refunds: Iterable[dict[str, Any]], account: AcquirerAccount
) -> list[str]:
    ours = Payment.objects.filter(wallet_account__account=account).values_list("payment_request_id", "status")
    found = _compare(
        "Payment",
        {request_id: _PAYMENT_SAID.get(status, status) for request_id, status in ours},
        {row["payment_request_id"]: row["status"] for row in payments},
    )
    given_back = Refund.objects.filter(payment__wallet_account__account=account).values_list(
        "refund_request_id", "status"
    )
    return found + _compare(
        "Refund",
        {request_id: _REFUND_SAID.get(status, status) for request_id, status in given_back},
        {row["refund_request_id"]: row["status"] for row in refunds},
    )


def _compare(what: str, ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    return [
        f"{what} {request_id} is {here} here and {there} there."
        for request_id in sorted({*ours, *theirs})
        for here, there in [(ours.get(request_id, "unknown"), theirs.get(request_id, _NEVER_ARRIVED))]
        if here != there and (here, there) != ("FAIL", _NEVER_ARRIVED)
    ]


def _consents(tokens: Iterable[dict[str, Any]], account: AcquirerAccount) -> list[str]:
    theirs = {
        token["access_token_sha256"]: (token["user_id"], token["wallet"])
        for token in tokens
        if token["status"] == "ACTIVE" and token["kind"] == "AGREEMENT"
    }
    found = []
    for wallet in WalletAccount.objects.filter(account=account, status=WalletStatus.ACTIVE).select_related("buyer"):
        digest = hashlib.sha256(wallet.access_token.encode()).hexdigest()
        if theirs.pop(digest, None) is None:
            found.append(f"{wallet.wallet} of {wallet.buyer} is active here and ended there.")
    found += [f"{wallet} of {user} is active there and not here." for user, wallet in sorted(theirs.values())]
    return found


def _books(control: SandboxControl) -> list[str]:
    try:
        control.ledger_balances()
    except ControlFailed as complaint:
        return [str(complaint)]
    return []


def _laws(account: AcquirerAccount) -> list[str]:
    """The law of every imported file, added up anew."""
    found = []
    for file in ReportFile.objects.filter(account=account, status=FileStatus.IMPORTED):
        for law in reports.law(file):
            if law.reported != law.matched + law.explained + law.open:
                found.append(
                    f"{file.name}: reported {law.reported}, but matched {law.matched} + explained {law.explained} "
                    f"+ open {law.open}."
                )
    return found
