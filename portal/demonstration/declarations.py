"""What is declared to China customs in the demo: one parcel accepted, one turned down and declared anew, one refused
and left for a person, one in two parts of which customs still looks at the second.

All in the last hours, so that a short history has them, too. Nothing is drawn here: the rest of the month stays as it
is.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from payments.customs import operations
from payments.customs.promising import Buyer
from payments.customs.states import CertificateKind, CustomsOffice, RuleScope
from payments.models import Payment
from payments.states import PaymentStatus
from portal.actor import Actor
from portal.demonstration.customers import Customer
from portal.models import AcquirerAccount
from portal.money import Money
from portal.sandbox.control import SandboxControl

WALLET = "ALIPAY_CN"
_BEANS = ("BEANS-250", "BEANS-1000")
"""Food: declared by the account's rule. What else is sent, somebody declares by hand."""
_NAMES: dict[str, Any] = {"merchant_customs_code": "3301961A7X", "merchant_customs_name": "Kape Trading Ltd"}
_PAYER = Buyer(CertificateKind.ID_CARD, "110101199001011234", "Meiling Chan")
_SOMEBODY_ELSE = Buyer(CertificateKind.ID_CARD, "310101198505054321", "Chan Siu Ming")
_LOOKS_LONG = timedelta(hours=20)

At = Callable[[datetime, Callable[[], object]], None]
"""Notes down what happens at a moment."""


def plan(
    control: SandboxControl, account: AcquirerAccount, customer: Customer, end: datetime, at: At, *, by: Actor
) -> None:
    """Note down what is declared before the end, for somebody who pays by Alipay."""
    at(end - timedelta(minutes=166), partial(_set_the_rule, account, by=by))
    for minutes, act in (
        (164, _by_the_rule),
        (148, _turned_down_and_declared_anew),
        (126, _refused_by_customs),
        (96, _in_two_parts),
    ):
        at(end - timedelta(minutes=minutes), partial(act, control, customer, by))


def _set_the_rule(account: AcquirerAccount, *, by: Actor) -> None:
    operations.set_rule(
        account, customs_code=CustomsOffice.NINGBO, scope=RuleScope.PRODUCTS, skus=[*_BEANS], is_active=True, by=by,
        note="Food needs a declaration of its own.", **_NAMES,
    )  # fmt: skip


def _buys(customer: Customer, *skus: str) -> Payment | None:
    """Pay for it; None for somebody without a wallet, or whose payment is not made."""
    if customer.active_wallet is None:
        return None
    payment = customer.pays(customer.orders([(sku, 1) for sku in skus]))
    return payment if payment.status == PaymentStatus.SUCCEEDED else None


def _by_the_rule(control: SandboxControl, customer: Customer, by: Actor) -> None:
    _buys(customer, "BEANS-1000", "MUG")


def _turned_down_and_declared_anew(control: SandboxControl, customer: Customer, by: Actor) -> None:
    payment = _buys(customer, "COLD-BREW")
    if payment is not None:
        control.fault("answer_code", api="declare", code="INVALID_CONTRACT")
        _declare(payment, payment.amount, by, buyer=_PAYER)
        _declare(payment, payment.amount, by, buyer=_PAYER)


def _refused_by_customs(control: SandboxControl, customer: Customer, by: Actor) -> None:
    payment = _buys(customer, "MUG")
    if payment is not None:
        control.fault("customs_refuses")
        _declare(payment, payment.amount, by, buyer=_SOMEBODY_ELSE)


def _in_two_parts(control: SandboxControl, customer: Customer, by: Actor) -> None:
    payment = _buys(customer, "MUG", "COLD-BREW")
    if payment is None:
        return
    mug = payment.order.items.get(sku="MUG")
    first = Money(mug.unit_value, payment.currency)
    _declare(payment, first, by, buyer=_PAYER, suborder_id="PARCEL-1")
    control.fault("customs_silent", seconds=_LOOKS_LONG.total_seconds())
    _declare(payment, payment.amount - first, by, buyer=_PAYER, suborder_id="PARCEL-2")


def _declare(payment: Payment, amount: Money, by: Actor, **more: Any) -> None:
    operations.declare(payment, amount, office=CustomsOffice.ZONGSHU, by=by, **_NAMES, **more)
