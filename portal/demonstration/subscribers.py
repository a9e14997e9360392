"""Who is charged again and again in the demo's month: one who pays, one who paused, one whose charge failed at first.

Nothing is drawn here: the rest of the month stays as it is.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from payments.models import Plan, Product, Subscription
from payments.subscriptions import operations
from payments.subscriptions.states import Interval
from portal import clock
from portal.acquirer.wallets import currency_of
from portal.actor import Actor
from portal.demonstration.customers import Customer
from portal.models import AcquirerAccount
from portal.sandbox.control import SandboxControl

PRICES = {"IDR": 219_000_00, "MYR": 69_00, "THB": 549_00}
"""Of a bag of beans a week, in minor units."""
PAYS, PAUSES, RECOVERS = "DANA", "TNG", "TRUEMONEY"
"""By wallet, since each of them has one regular."""
_ZONE = "Asia/Singapore"
_AROUND = timedelta(minutes=10)

At = Callable[[datetime, Callable[[], object]], None]
"""Notes down what happens at a moment."""


def offer(account: AcquirerAccount, *, by: Actor) -> None:
    """A bag of beans every week."""
    product = Product.objects.get(account=account, sku="BEANS-250")
    for currency, value in PRICES.items():
        plan = Plan(
            account=account,
            product=product,
            code=f"beans-weekly-{currency.lower()}",
            name="Beans every week",
            currency=currency,
            amount_value=value,
            interval=Interval.WEEK,
            zone=_ZONE,
        )
        operations.add_plan(plan, by=by)


def subscribe(customer: Customer) -> Subscription | None:
    """Agree to a bag a week; None for somebody without a wallet."""
    wallet = customer.active_wallet
    if wallet is None:
        return None
    plan = Plan.objects.get(code=f"beans-weekly-{currency_of(customer.wallet).lower()}")
    return operations.start(customer.buyer, plan, wallet, by=customer.by)


def pause(customer: Customer) -> None:
    """Go on holiday. Raises SubscriptionNotPossible while a charge is being made."""
    subscription = Subscription.objects.filter(buyer=customer.buyer).first()
    if subscription is not None:
        operations.pause(subscription, by=customer.by, note="On holiday.")


def fail_once(control: SandboxControl, customer: Customer, purse: int, at: At) -> None:
    """Let the purse be empty around the next charge: it is tried again a day later, and paid."""
    subscription = Subscription.objects.filter(buyer=customer.buyer).first()
    if subscription is None or subscription.next_on is None:
        return
    moment = max(subscription.moment(subscription.next_on), clock.now() + _AROUND)
    at(moment - _AROUND, lambda: control.set_balance(customer.user, customer.wallet, 1))
    at(moment + _AROUND, lambda: control.set_balance(customer.user, customer.wallet, purse))
