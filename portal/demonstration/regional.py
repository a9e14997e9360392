"""The last days of a second account: the shop has begun to bind some wallets through another acquirer.

Its products and customers are its own, its calls are signed with its own keys, and the desk shows both beside each
other. Its reports are its own, too: every morning finance imports what was cleared the day before, and what is paid for
the clearings of the days before that, and the bank credits it the same day.
"""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial

from django.db.models import Count

from payments import operations as paying
from payments.models import Payment
from payments.states import PaymentStatus, ReasonCode
from portal import clock
from portal.actor import Actor
from portal.clock import ACQUIRER_ZONE
from portal.demonstration import statements
from portal.demonstration.customers import Customer
from portal.errors import PortalError
from portal.models import AcquirerAccount
from portal.money import Money
from portal.sandbox.control import SandboxControl
from reconciliation import bank
from reconciliation import operations as reconciling
from reconciliation.models import SummaryRow
from reconciliation.reading import gather
from reconciliation.row_types import SETTLED

_OPENS = time(9, 40)
"""When finance reads what was written at eight."""
At = Callable[[datetime, Callable[[], object]], None]

# fmt: off
_BUYS = (
    # user,     wallet,      hours before the end at which they bind, and at which they buy what
    ("ana",     "MAYA",      190, ((189, "CUP"), (141, "KAPE-PASS"), (69, "CUP"), (46, "BEANS-250"), (21, "CUP"))),
    ("farah",   "TNG",       163, ((162, "MUG"), (65, "BEANS-1000"), (30, "COLD-BREW"))),
    ("meiling", "ALIPAY_HK", 138, ((137, "KAPE-PASS"), (94, "GIFT"), (59, "KAPE-PASS"), (28, "BEANS-250"))),
    ("jisoo",   "KAKAOPAY",  115, ((114, "CUP"), (90, "BEANS-250"), (51, "CUP"), (11, "CUP"))),
    ("meiling", "ALIPAY_CN", 70,  ((69, "BEANS-1000"), (45, "CUP"))),
)
# fmt: on
_GIVES_BACK, _CANCELS, _LEAVES = 0, 1, 3
"""Who has a part given back, whose order is cancelled at once, and who ends it in the wallet: by their place above."""


def plan(
    control: SandboxControl,
    account: AcquirerAccount,
    span: tuple[datetime, datetime],
    at: At,
    *,
    by: Actor,
    finance: Actor,
) -> None:
    """Note down what happens. ``by``: who gives money back; ``finance``: who reads reports and statements."""
    start, end = span
    for place, (user, wallet, binds, buys) in enumerate(_BUYS):
        customer = Customer(control, account, user, wallet)
        # In a history too short for that, soon after it begins.
        at(max(end - timedelta(hours=binds), start + timedelta(minutes=50 + place)), customer.binds)
        for number, (hours, sku) in enumerate(buys):
            back = _BACK.get(place) if number == 0 else None
            at(end - timedelta(hours=hours), partial(_buys, customer, sku, back, by))
    leaver = Customer(control, account, *_BUYS[_LEAVES][:2])
    at(end - timedelta(hours=8), lambda: leaver.revokes_in_the_wallet("tries fewer apps"))
    morning = datetime.combine(start.astimezone(ACQUIRER_ZONE).date(), _OPENS, ACQUIRER_ZONE)
    while morning < end:
        at(morning, partial(_reads, control, account, finance))
        morning += timedelta(days=1)


def _buys(customer: Customer, sku: str, back: Callable[[Payment, Actor], object] | None, by: Actor) -> None:
    if customer.active_wallet is None:  # not yet, in a short history
        return
    payment = customer.pays(customer.orders([(sku, 1)]))
    if back is not None and payment.status == PaymentStatus.SUCCEEDED:
        try:
            back(payment, by)
        except PortalError:
            return


def _reads(control: SandboxControl, account: AcquirerAccount, finance: Actor) -> None:
    """What the acquirer wrote this morning, and what the bank credited for it."""
    today = f"{clock.now().astimezone(ACQUIRER_ZONE):%Y%m%d}"
    files = [
        (file["name"], control.report(today, file["name"], account.client_id).encode())
        for file in control.reports()
        if (file["client_id"], file["day"]) == (account.client_id, today)
    ]
    for delivery in gather(files):
        reconciling.import_report(delivery.name, delivery.content, by=finance, account=account)
    settled = SummaryRow.objects.filter(file__account=account, summary_type=SETTLED).exclude(settlement_value=0)
    alone = settled.values("file").annotate(count=Count("pk")).filter(count=1).values("file")
    paid = settled.filter(file__in=alone, settlement_value__gt=0, batch__bank_credits=None)
    arrived = [(row.net, row.batch.batch_id) for row in paid.select_related("batch").order_by("pk")]
    arrived += [(payout.pays, payout.number) for payout in bank.payouts(account)]
    statements.arrive(account, "ALIPAYPLUS", arrived, by=finance)


def _gives_a_part_back(payment: Payment, by: Actor) -> None:
    part = Money(payment.amount_value // 2 // 100 * 100, payment.currency)
    paying.refund(payment, part, by=by, reason_code=ReasonCode.BUYER_REQUEST, note="One of two was cold.")


def _cancels(payment: Payment, by: Actor) -> None:
    paying.give_money_back(payment, by=by, reason_code=ReasonCode.OUT_OF_STOCK, note="The last one was chipped.")


_BACK: dict[int, Callable[[Payment, Actor], object]] = {_GIVES_BACK: _gives_a_part_back, _CANCELS: _cancels}
