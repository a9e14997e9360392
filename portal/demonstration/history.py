"""A month of an invented coffee shop: an agenda of moments, and what people do at each of them.

The choices come from one seed, so two demos tell alike stories; ids, keys and the days themselves are new. Mishaps are
dealt out in turn rather than drawn, so that a short history has them too. Whatever is left open at the end is meant:
it is what the desk's first page shows a visitor.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from authorizations import operations as binding
from authorizations.models import WalletAccount
from authorizations.states import WalletStatus
from payments import operations as paying
from payments.models import LIVE, Cancel, Order, Payment, Refund
from payments.states import OrderStatus, PaymentStatus, ReasonCode
from portal import approvals, clock
from portal.acquirer import PaymentRequest
from portal.acquirer.results import Secret
from portal.clock import ACQUIRER_ZONE, SystemClock
from portal.demonstration import declarations, regional, statements, subscribers
from portal.demonstration.customers import SERVER_TERMINAL, Customer
from portal.demonstration.installation import person
from portal.demonstration.timekeeping import Time
from portal.errors import PortalError
from portal.gateways import acquirer_for, notification_url
from portal.models import AcquirerAccount, Incident
from portal.money import Money
from portal.sandbox.control import SandboxControl
from reconciliation import bank
from reconciliation import operations as reconciling
from reconciliation.models import Discrepancy, Resolution, SettlementRow

_Mishap = tuple[Callable[[], object] | None, Callable[[Payment], None] | None]
"""What is done before a payment, and what is done about it afterwards."""

SEED = 1
_TRANSFER_COST = 7_50
"""What a bank on the way keeps of one transfer, in minor units of what is settled."""
REPORTS = ("transactionItems", "settlementItems", "settlementSummary")
"""In the order in which they are imported: what is settled refers to what happened."""


@dataclass(frozen=True)
class Regular:
    """Somebody who comes back: a user of the sandbox in one wallet."""

    user: str
    wallet: str
    weight: int
    """How often, compared with the others."""
    joins: float
    """When they bind the wallet, as a share of the history."""
    purse: int
    """What the wallet is filled up to, in minor units; 0 leaves it as poor as it is."""


# fmt: off
REGULARS = (
    Regular("ana",     "GCASH",       12, 0.00, 25_000_00),
    Regular("budi",    "DANA",        11, 0.00, 12_500_000_00),
    Regular("farah",   "TNG",         10, 0.01, 3_200_00),
    Regular("meiling", "ALIPAY_HK",    9, 0.02, 14_000_00),
    Regular("somchai", "TRUEMONEY",    8, 0.05, 18_000_00),
    Regular("somchai", "DIRECT_DEBIT_SIAMCOMMERCIALBANK", 4, 0.10, 60_000_00),
    Regular("paolo",   "GCASH",        3, 0.12, 0),
    Regular("yuki",    "PAYPAY",       6, 0.15, 180_000),
    Regular("jisoo",   "KAKAOPAY",     8, 0.20, 850_000),
    Regular("ana",     "MAYA",         4, 0.30, 25_000_00),
    Regular("farah",   "BOOST",        3, 0.40, 2_000_00),
    Regular("meiling", "ALIPAY_CN",    4, 0.50, 20_000_00),
)
_BASKET = ("CUP", "CUP", "CUP", "CUP", "CUP", "BEANS-250", "BEANS-250", "COLD-BREW", "COLD-BREW", "MUG", "KAPE-PASS",
           "BEANS-1000", "GIFT", "CLASS")
_BUSY = (8, 8, 8, 9, 9, 10, 11, 12, 12, 13, 14, 15, 16, 17, 18, 18, 19, 20, 21)
"""Hours (UTC+8) at which people buy, the busy ones more often."""
# fmt: on
_SUBSCRIPTION = {"PHP": 899_00, "IDR": 219_000_00, "MYR": 69_00, "KRW": 21_900, "THB": 549_00, "HKD": 179_00}
_SUBSCRIPTION |= {"CNY": 159_00, "JPY": 2_980}
_REFUSALS = ("RISK_REJECT", "USER_PAYMENT_VERIFICATION_FAILED", "USER_STATUS_ABNORMAL", "FRAUD_REJECT")
_LATELY = (171, 143, 108, 84, 57, 38, 14, 6)
"""Minutes before the end at which somebody buys, whatever the hour: a visitor at night sees fresh payments, too."""
_QUIET = timedelta(hours=3)
"""Before the end: nothing goes wrong but what is meant to be found there."""
_MORNING = time(6)
_OPENS = time(9, 30)
"""When finance imports what the acquirer wrote at midnight."""
_ENDS_AFTER_END = timedelta(days=6)
"""When a consent ends that cannot be refreshed: soon enough to be seen among those that do."""
_STRAY_BEFORE_END = timedelta(hours=35)
"""Far enough back for the portal to have given up on its notification (a day and a half of trying)."""


def begins(end: datetime, days: int) -> datetime:
    """When a history of so many days begins: in the morning of its first day at the latest.

    One that began in the evening would have no sale on its first day, and in a short history nothing to be wrong about.
    """
    start = end - timedelta(days=days)
    return min(start, datetime.combine(start.astimezone(ACQUIRER_ZONE).date(), _MORNING, ACQUIRER_ZONE))


class History:
    """One history, from ``start`` until ``end``, under a clock that stands at ``start``."""

    def __init__(
        self,
        control: SandboxControl,
        account: AcquirerAccount,
        *,
        start: datetime,
        end: datetime,
        passed: Callable[[int], None],
        second: AcquirerAccount | None = None,
    ) -> None:
        """``passed(day)`` is told how many days have gone by. ``second``: an account that has its last days, too."""
        self._control, self._account, self._passed = control, account, passed
        self._start, self._end, self._second = start, end, second
        self._time = Time(control)
        self._random = random.Random(SEED)  # noqa: S311 - a story, not a secret
        self._agenda: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._customers = [(regular, Customer(control, account, regular.user, regular.wallet)) for regular in REGULARS]
        self._mishaps = itertools.cycle(self._dealt())
        self._refusals = itertools.cycle(_REFUSALS)
        self._bills = itertools.count(1)
        self._stray_id = ""
        self._support, self._operator, self._finance = (person(name) for name in ("support", "operator", "finance"))

    def make(self) -> None:
        """Let it all happen."""
        self._plan()
        days = 0
        while self._agenda:
            moment, _, act = heapq.heappop(self._agenda)
            self._time.pass_until(moment)
            act()
            gone = (clock.now() - self._start) // timedelta(days=1)
            if gone > days:
                days = gone
                self._passed(days)
        self._time.pass_until(self._end)
        self._control.clear_faults()

    def catch_up(self) -> None:
        """Let the time pass that the making took, up to this very moment of the machine's own clock."""
        self._time.pass_until(SystemClock().now())

    # The agenda.

    def _at(self, moment: datetime, act: Callable[[], object]) -> None:
        """Note something down, unless it lies outside of the history."""
        if self._start <= moment < self._end:
            heapq.heappush(self._agenda, (moment, next(self._numbers), act))

    def _later(self, act: Callable[[], object], **span: float) -> None:
        self._at(clock.now() + timedelta(**span), act)

    def _after(self, share: float) -> datetime:
        return self._start + (self._end - self._start) * share

    def _plan(self) -> None:
        for regular, customer in self._customers:
            self._at(self._after(regular.joins) + timedelta(minutes=self._random.randrange(1, 40)), customer.binds)
        self._plan_days()
        self._plan_reports()
        self._plan_consents()
        self._plan_subscriptions()
        alipay = self._named(declarations.WALLET)
        declarations.plan(self._control, self._account, alipay, self._end, self._at, by=self._operator)
        if self._second is not None:
            span = self._start, self._end
            regional.plan(self._control, self._second, span, self._at, by=self._operator, finance=self._finance)
        # On a day whose report is imported, whatever time of day it is now: the newest report is the visitor's.
        today = self._moment(self._end.astimezone(ACQUIRER_ZONE).date(), time(0))
        self._at(min(self._end - _STRAY_BEFORE_END, today - timedelta(hours=25)), self._another_system_pays)
        self._at(self._end - timedelta(minutes=41), self._leave_a_refund_unknown)
        self._at(self._end - timedelta(minutes=33), self._leave_a_request_waiting)
        # Its cancel is tried after 1, 2, 7 and 22 minutes, and then not for an hour.
        self._at(self._end - timedelta(minutes=25), self._leave_a_payment_unknown)
        for minutes in _LATELY:
            self._at(self._end - timedelta(minutes=minutes), self._somebody_buys)

    def _plan_days(self) -> None:
        day = self._start.astimezone(ACQUIRER_ZONE).date()
        while (opens := self._moment(day, _MORNING)) < self._end:
            self._at(max(opens, self._start), self._fill_purses)
            times = self._random.randrange(8, 14) + 2 * (day.weekday() >= 5)
            for _ in range(times):
                moment = self._moment(day, time(self._random.choice(_BUSY), self._random.randrange(60)))
                if self._start + timedelta(hours=1) < moment < self._end - _QUIET:
                    self._at(moment, self._somebody_buys)
            day += timedelta(days=1)

    def _plan_reports(self) -> None:
        first = self._start.astimezone(ACQUIRER_ZONE).date() + timedelta(days=1)
        nights = (self._moment(first + timedelta(days=index), time(0)) for index in itertools.count())
        midnights = list(itertools.takewhile(lambda night: night < self._end, nights))
        # The newest reports are left for a visitor to import. The day before has a row that is short, and is imported.
        for midnight in midnights[:-1]:
            day = clock.acquirer_day(midnight - timedelta(days=1))
            opening = midnight.astimezone(ACQUIRER_ZONE).replace(hour=_OPENS.hour, minute=_OPENS.minute)
            self._at(opening, partial(self._read_the_bank, is_last=midnight in midnights[-2:-1]))
            self._at(opening, partial(self._import, day))
        for midnight, kind in zip(midnights[-2:], ("amount_short", "fee_differs"), strict=False):
            self._at(midnight - timedelta(minutes=20), partial(self._plant, kind))

    def _plan_consents(self) -> None:
        by_wallet = {customer.wallet: customer for _, customer in reversed(self._customers)}
        self._at(self._after(0.08), by_wallet["PAYPAY"].refuses)
        self._at(self._after(0.18), Customer(self._control, self._account, "jisoo", "NAVERPAY").begins)
        bank = Customer(self._control, self._account, "somchai", "KPLUS")
        self._at(self._after(0.70), lambda: self._agrees_until(bank, self._end + _ENDS_AFTER_END))
        hong_kong = by_wallet["ALIPAY_HK"]
        self._at(self._after(0.60), lambda: hong_kong.revokes_in_the_wallet("spending too much on coffee"))
        self._at(self._after(0.75), hong_kong.binds)
        self._at(self._after(0.85), lambda: self._support_revokes(by_wallet["BOOST"]))
        # GCash tells no merchant: the portal finds out when it next debits.
        ana = by_wallet["GCASH"]
        self._at(self._end - timedelta(hours=21), lambda: ana.revokes_in_the_wallet("changed my mind"))
        self._at(self._end - timedelta(hours=20), lambda: self._bill(ana))

    def _agrees_until(self, customer: Customer, moment: datetime) -> None:
        """To a consent that ends then, and that the portal cannot refresh."""
        days = (moment - clock.now()) / timedelta(days=1)
        self._control.fault("consent_short", wallet=customer.wallet, days=days)
        customer.binds()
        customer.pays(customer.orders([("CUP", 1)]))

    def _plan_subscriptions(self) -> None:
        by_wallet = {customer.wallet: (regular, customer) for regular, customer in self._customers}
        self._at(self._after(0.06), lambda: subscribers.offer(self._account, by=self._operator))
        for wallet in (subscribers.PAYS, subscribers.PAUSES, subscribers.RECOVERS):
            self._at(self._after(0.07), partial(subscribers.subscribe, by_wallet[wallet][1]))
        away = by_wallet[subscribers.PAUSES][1]
        self._at(self._after(0.55), lambda: _unless_refused(lambda: subscribers.pause(away)))
        regular, customer = by_wallet[subscribers.RECOVERS]
        self._at(self._after(0.4), lambda: subscribers.fail_once(self._control, customer, regular.purse, self._at))

    @staticmethod
    def _moment(day: date, at: time) -> datetime:
        return datetime.combine(day, at, ACQUIRER_ZONE)

    # Buying.

    def _somebody_buys(self) -> None:
        active = set(
            WalletAccount.objects.filter(account=self._account, status=WalletStatus.ACTIVE).values_list(
                "buyer__reference", "wallet"
            )
        )
        bound = [(regular.weight, customer) for regular, customer in self._customers if customer.known_as in active]
        if not bound:
            return
        weights, customers = zip(*bound, strict=True)
        customer = self._random.choices(customers, weights)[0]
        lines = dict.fromkeys(self._random.sample(_BASKET, self._random.choice((1, 1, 1, 2, 2, 3))), 1)
        order = customer.orders([(sku, self._random.choice((1, 1, 2)) if sku == "CUP" else 1) for sku in lines])
        mishap = next(self._mishaps) if clock.now() < self._end - _QUIET else None
        before, afterwards = mishap or (None, None)
        if before is not None:
            before()
        payment = customer.pays(order)
        if payment.status == PaymentStatus.SUCCEEDED and afterwards is not None:
            afterwards(payment)
        elif payment.status == PaymentStatus.FAILED and self._random.random() < 0.4:
            self._later(partial(self._give_up, customer, order), minutes=30)
        elif payment.status != PaymentStatus.SUCCEEDED:
            self._later(partial(self._try_again, customer, order), minutes=12)

    def _dealt(self) -> list[_Mishap]:
        """What happens to one payment after the other: something before it, something after it, mostly nothing."""
        fault = self._control.fault
        plain: _Mishap = (None, None)
        often: list[_Mishap] = [
            plain,
            (lambda: fault("answer_lost", api="pay"), None),
            plain,
            (None, partial(self._give_back_soon, share=0.4)),
            plain,
            (lambda: fault("notification_doubled", notification="notifyPayment"), None),
            (None, self._cancel_soon),
            plain,
            (lambda: fault("payment_fails", code=next(self._refusals)), None),
            plain,
            plain,
            (lambda: fault("notification_wrongly_signed", notification="notifyPayment"), None),
            (None, partial(self._give_back_soon, share=1.0)),
            plain,
            (lambda: fault("notification_late", notification="notifyPayment", seconds=90), None),
            plain,
            (None, partial(self._give_back_soon, share=0.25)),
            plain,
            (lambda: fault("http_500", api="pay", work_done=True), None),
            plain,
            (lambda: fault("notification_lost", notification="notifyPayment"), None),
            plain,
            plain,
        ]
        seldom: list[_Mishap] = [
            (lambda: fault("payment_stays_processing", seconds=20), None),
            plain,
            (lambda: fault("request_lost", api="pay"), None),
        ]
        half = len(often) // 2
        return [*often[:half], *seldom, *often[half:], *often, *often]

    def _try_again(self, customer: Customer, order: Order) -> None:
        order.refresh_from_db()
        is_free = not order.payments.filter(status__in=LIVE).exists()
        if order.status == OrderStatus.INIT and is_free and customer.active_wallet:
            customer.pays(order)

    def _give_up(self, customer: Customer, order: Order) -> None:
        order.refresh_from_db()
        if order.status == OrderStatus.INIT:
            paying.withdraw(order, by=customer.by)

    def _bill(self, customer: Customer) -> None:
        """Let the shop's server charge a subscription."""
        if customer.active_wallet:
            reference = f"SUB-{clock.now():%Y%m}-{next(self._bills):04d}"
            customer.is_charged(customer.is_billed(_SUBSCRIPTION[customer.currency], "Bean subscription", reference))

    def _fill_purses(self) -> None:
        """Pay-day in the wallets; and once a week the shop's server charges the subscriptions."""
        held = {
            (person["id"], account["wallet"]): account["balance"]
            for person in self._control.users()
            for account in person["accounts"]
        }
        for regular, customer in self._customers:
            if held[regular.user, regular.wallet] < regular.purse // 2:
                self._control.set_balance(regular.user, regular.wallet, regular.purse)
            if regular.purse and clock.now().weekday() == 0:
                self._later(partial(self._bill, customer), minutes=self._random.randrange(10, 90))

    # Giving back.

    def _give_back_soon(self, payment: Payment, *, share: float) -> None:
        self._later(partial(self._refund, payment, share), hours=self._random.randrange(3, 50))

    def _cancel_soon(self, payment: Payment) -> None:
        self._later(partial(self._cancel, payment), minutes=self._random.randrange(4, 30))

    def _refund(self, payment: Payment, share: float) -> None:
        payment.refresh_from_db()
        step = 100 if payment.currency in ("IDR", "PHP", "THB", "MYR") else 1
        amount = Money(max(int(payment.amount_value * share) // step, 1) * step, payment.currency)
        reason, note = self._random.choice(
            (
                (ReasonCode.BUYER_REQUEST, "Called this morning, was very kind about it."),
                (ReasonCode.DAMAGED, "Bag arrived open."),
                (ReasonCode.OUT_OF_STOCK, "Roaster is being repaired."),
            )
        )
        _unless_refused(
            lambda: paying.refund(
                payment, amount if share < 1 else payment.refundable, by=self._operator, reason_code=reason, note=note
            )
        )

    def _cancel(self, payment: Payment) -> None:
        reason = ReasonCode.BUYER_REQUEST
        _unless_refused(
            lambda: paying.give_money_back(payment, by=self._operator, reason_code=reason, note="Ordered by mistake.")
        )

    def _support_revokes(self, customer: Customer) -> None:
        wallet_account = customer.active_wallet
        if wallet_account is not None:
            binding.revoke(wallet_account, by=self._support, reason_code="BUYER_REQUEST", note="Asked by e-mail.")

    # Reports.

    def _import(self, day: str) -> None:
        whose = self._account.client_id
        written = self._control.reports()
        names = {file["kind"]: file["name"] for file in written if (file["client_id"], file["day"]) == (whose, day)}
        for kind in REPORTS:
            if kind in names:
                content = self._control.report(day, names[kind], whose).encode()
                reconciling.import_report(names[kind], content, by=self._finance, account=self._account)
        self._explain_the_other_system()

    def _read_the_bank(self, *, is_last: bool) -> None:
        """What was settled before today has arrived; the newest, less what the transfer cost, waits for a word."""
        awaited = bank.counting(self._account).filter(bank.OPEN_AT_BANK, bank_credits=None)
        arrived = [
            (bank.open_of(batch) - Money(_TRANSFER_COST if is_last else 0, batch.currency), batch.batch_id)
            for batch in awaited.order_by("initiated_on", "pk")
        ]
        statements.arrive(self._account, "ANTOM", arrived, by=self._finance)

    def _explain_the_other_system(self) -> None:
        rows = SettlementRow.objects.filter(transaction_request_id=self._stray_id) if self._stray_id else ()
        for discrepancy in Discrepancy.objects.filter(row__in=rows, closed_at=None):
            reconciling.close(
                discrepancy,
                by=self._finance,
                resolution=Resolution.OTHER_CHANNEL,
                note="Sold at the pop-up stall; its till uses the same merchant id.",
            )

    def _plant(self, kind: str) -> None:
        """Let the report of the day that ends be wrong about its largest payment that nobody touched."""
        today = self._moment(clock.now().astimezone(ACQUIRER_ZONE).date(), time(0))
        paid = Payment.objects.filter(
            wallet_account__account=self._account, status=PaymentStatus.SUCCEEDED, paid_at__gte=today, returned_value=0
        )
        chosen = max(paid, key=lambda payment: payment.gross_settlement_value or 0, default=None)
        if chosen is not None:
            wrong_by = max(chosen.amount_value // 1000 * 100, 100) if kind == "amount_short" else 25
            self._control.plant(kind, request_id=chosen.payment_request_id, by=wrong_by)

    # What is left open.

    def _another_system_pays(self) -> None:
        """A till that shares the merchant's id charges a wallet: the portal is told of a payment it never made."""
        wallet_account = (
            WalletAccount.objects.filter(account=self._account, buyer=self._named("DANA").buyer).order_by("pk").last()
        )
        if wallet_account is None:
            return
        self._stray_id = clock.fresh_id("STALL")
        acquirer_for(self._account).pay(
            PaymentRequest(
                payment_request_id=self._stray_id,
                amount=Money(57_000_00, "IDR"),
                wallet=wallet_account.wallet,
                access_token=Secret(wallet_account.access_token),
                order_reference=clock.fresh_id("STALL"),
                order_description="Pop-up stall",
                settlement_currency=self._account.settlement_currency,
                expires_at=clock.now() + timedelta(seconds=50),
                notify_url=notification_url(self._account, "payment"),
                terminal=SERVER_TERMINAL,
            )
        )

    def _leave_a_refund_unknown(self) -> None:
        payment = (
            Payment.objects.filter(
                wallet_account__account=self._account,
                status=PaymentStatus.SUCCEEDED,
                returned_value=0,
                wallet_account__wallet__in=("TNG", "DANA", "TRUEMONEY", "KAKAOPAY"),
            )
            .order_by("pk")
            .last()
        )
        if payment is not None:
            self._control.fault("refund_stays_processing")
            paying.refund(
                payment,
                payment.refundable,
                by=self._operator,
                reason_code=ReasonCode.DAMAGED,
                note="Sent a photograph of the mug, in pieces.",
            )

    def _leave_a_request_waiting(self) -> None:
        """Support may only ask; finance decides. About a payment that is too new to be given back otherwise."""
        paid = Payment.objects.filter(
            wallet_account__account=self._account,
            status=PaymentStatus.SUCCEEDED,
            returned_value=0,
            created_at__gt=self._end - _QUIET,
        )
        payment = paid.exclude(payment_id="").order_by("pk").first()
        if payment is None:
            return
        try:
            paying.refund(
                payment,
                payment.refundable,
                by=self._support,
                reason_code=ReasonCode.BUYER_REQUEST,
                note="Ordered for the wrong branch, and wrote at once.",
            )
        except approvals.ApprovalNeeded as needed:
            approvals.ask(needed, by=self._support)

    def _leave_a_payment_unknown(self) -> None:
        customer = self._named("DANA")
        order = customer.orders([("COLD-BREW", 1), ("MUG", 1)])
        self._control.fault("payment_stays_processing", expires=False)
        self._control.fault("answer_code", api="cancel", code="UNKNOWN_EXCEPTION", calls=4)
        customer.pays(order)

    def _named(self, wallet: str) -> Customer:
        return next(customer for _, customer in self._customers if customer.wallet == wallet)


def _unless_refused(act: Callable[[], object]) -> None:
    """Do it as staff would: what the portal refuses by now, with a sentence, is left alone."""
    try:
        act()
    except PortalError:
        return


@dataclass(frozen=True)
class Figures:
    """What a history amounts to."""

    orders: int
    payments: int
    refunds: int
    cancels: int
    wallets: int
    open_discrepancies: int
    open_incidents: int


def figures() -> Figures:
    """Count what there is."""
    return Figures(
        orders=Order.objects.count(),
        payments=Payment.objects.count(),
        refunds=Refund.objects.count(),
        cancels=Cancel.objects.count(),
        wallets=WalletAccount.objects.count(),
        open_discrepancies=Discrepancy.objects.filter(closed_at=None).count(),
        open_incidents=Incident.objects.filter(closed_at=None).count(),
    )
