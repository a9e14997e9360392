"""The last days of a second account: the shop has just begun to bind some wallets through another acquirer.

Its products and customers are its own, its calls are signed with its own keys, and the desk shows both beside each
other.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from payments import operations as paying
from payments.models import Payment
from payments.states import PaymentStatus, ReasonCode
from portal.actor import Actor
from portal.demonstration.customers import Customer
from portal.errors import PortalError
from portal.models import AcquirerAccount
from portal.money import Money
from portal.sandbox.control import SandboxControl

At = Callable[[datetime, Callable[[], object]], None]

# fmt: off
_BUYS = (
    # user,     wallet,      hours before the end at which they bind, and at which they buy what
    ("ana",     "MAYA",      70, ((69, "CUP"), (46, "BEANS-250"), (21, "CUP"))),
    ("farah",   "TNG",       66, ((65, "MUG"), (30, "COLD-BREW"))),
    ("meiling", "ALIPAY_HK", 60, ((59, "KAPE-PASS"), (28, "BEANS-250"))),
    ("jisoo",   "KAKAOPAY",  52, ((51, "CUP"), (11, "CUP"))),
    ("meiling", "ALIPAY_CN", 48, ((47, "BEANS-1000"),)),
)
# fmt: on
_GIVES_BACK, _CANCELS, _LEAVES = 0, 1, 3
"""Who has a part given back, whose order is cancelled at once, and who ends it in the wallet: by their place above."""


def plan(control: SandboxControl, account: AcquirerAccount, end: datetime, at: At, *, by: Actor) -> None:
    """Note down what happens. ``by``: who gives money back."""
    for place, (user, wallet, binds, buys) in enumerate(_BUYS):
        customer = Customer(control, account, user, wallet)
        at(end - timedelta(hours=binds), customer.binds)
        for number, (hours, sku) in enumerate(buys):
            back = _BACK.get(place) if number == 0 else None
            at(end - timedelta(hours=hours), partial(_buys, customer, sku, back, by))
    leaver = Customer(control, account, *_BUYS[_LEAVES][:2])
    at(end - timedelta(hours=8), lambda: leaver.revokes_in_the_wallet("tries fewer apps"))


def _buys(customer: Customer, sku: str, back: Callable[[Payment, Actor], object] | None, by: Actor) -> None:
    if customer.active_wallet is None:  # a history too short for them to have bound it
        return
    payment = customer.pays(customer.orders([(sku, 1)]))
    if back is not None and payment.status == PaymentStatus.SUCCEEDED:
        try:
            back(payment, by)
        except PortalError:
            return


def _gives_a_part_back(payment: Payment, by: Actor) -> None:
    part = Money(payment.amount_value // 2 // 100 * 100, payment.currency)
    paying.refund(payment, part, by=by, reason_code=ReasonCode.BUYER_REQUEST, note="One of two was cold.")


def _cancels(payment: Payment, by: Actor) -> None:
    paying.give_money_back(payment, by=by, reason_code=ReasonCode.OUT_OF_STOCK, note="The last one was chipped.")


_BACK: dict[int, Callable[[Payment, Actor], object]] = {_GIVES_BACK: _gives_a_part_back, _CANCELS: _cancels}
