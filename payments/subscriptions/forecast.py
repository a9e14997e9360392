"""What will be charged in the days to come, per wallet and currency; and what of it will fail, as is known today.

Reads only. Currencies stand beside each other and never add up.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Case, Count, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models import Sum as Sums

from authorizations.consents import ends_for_good
from authorizations.models import WalletAccount, secrets_of
from authorizations.states import CONSENT_ENDED, WalletStatus
from payments.models import Cycle, Subscription
from payments.subscriptions.calendar import day_in
from payments.subscriptions.operations.stepping import date_of
from payments.subscriptions.queries import with_posted
from payments.subscriptions.states import OPENING, RUNNING, STUCK, CycleStatus, SubscriptionStatus, Trouble
from portal import catalogue, clock
from portal.acquirer.wallets import Wallet
from portal.models import PaymentMethod
from portal.money import Money, MoneyError

MOST_ROWS = 20_000
"""Subscriptions that are looked at; a forecast of more says so."""
_Methods = Mapping[tuple[int, str], PaymentMethod]

REVOKED = "the consent was revoked"
NEEDS_AUTHORIZATION = "needs authorization"
CONSENT_ENDS = "the consent ends before"
NOT_CONTRACTED = "the wallet is not contracted"
OTHER_CURRENCY = "the wallet is in another currency"
BELOW_THE_MINIMUM = "below the wallet's minimum"
OVER_THE_LIMIT = "over the wallet's limit"
PAST_DUE_BY_THEN = "past due by then, unless the unpaid one is paid"
UNPOSTED = "no amount was posted"


@dataclass(frozen=True)
class Charge:
    """One charge to come. ``amount``: None where it is metered and nobody posted it yet."""

    subscription: Subscription
    due_on: date
    amount: Money | None
    why_not: str = ""
    """Why it will fail; empty where nothing speaks against it."""
    is_retry: bool = False


@dataclass
class Sum:
    """Charges to come of one wallet in one currency."""

    wallet: str
    currency: str
    count: int = 0
    value: int = 0
    unknown_count: int = 0
    """Metered charges whose amount nobody knows."""
    failing: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By reason: how many, and how much of it in minor units."""

    def add(self, charge: Charge) -> None:
        """Count one in."""
        self.count += 1
        value = charge.amount.value if charge.amount else 0
        self.unknown_count += charge.amount is None
        self.value += value
        if charge.why_not:
            count, failing = self.failing.get(charge.why_not, (0, 0))
            self.failing[charge.why_not] = (count + 1, failing + value)

    @property
    def total(self) -> Money:
        return Money(self.value, self.currency)


@dataclass(frozen=True)
class Stuck:
    """Cycles that wait for somebody, of one wallet, currency and reason."""

    wallet: str
    currency: str
    why: str
    count: int
    value: int | None
    """None where nobody has said what they cost."""
    trouble: str = ""
    """``Trouble``; empty where nothing failed."""


@dataclass
class Forecast:
    """All of it."""

    until: datetime
    sums: list[Sum]
    failing: list[Charge]
    """Soonest first."""
    stuck: "list[Stuck]"
    """What is unpaid and not tried again by the clock, so that no moment can be foreseen."""
    is_cut: bool = False


def forecast(days: int) -> Forecast:
    """The charges of the next so many days. Five queries, whatever there is."""
    until = clock.now() + timedelta(days=days)
    sums: dict[tuple[str, str], Sum] = {}
    failing: list[Charge] = []
    rows = list(_coming(until)[: MOST_ROWS + 1])
    methods = catalogue.everything()
    charges = [charge for subscription in rows[:MOST_ROWS] for charge in _charges(subscription, until, methods)]
    retries = list(_retrying(until)[: MOST_ROWS + 1])
    charges += _retries(retries[:MOST_ROWS], methods)
    for charge in charges:
        subscription = charge.subscription
        key = (subscription.wallet_account.wallet, subscription.plan.currency)
        sums.setdefault(key, Sum(*key)).add(charge)
        if charge.why_not:
            failing.append(charge)
    failing.sort(key=lambda charge: (charge.due_on, charge.subscription.pk))
    is_cut = len(rows) > MOST_ROWS or len(retries) > MOST_ROWS
    return Forecast(until, [sums[key] for key in sorted(sums)], failing, [*_stuck(), *_unposted()], is_cut)


def _stuck() -> list[Stuck]:
    wallet = F("subscription__wallet_account__wallet")
    unpaid = Cycle.objects.filter(status__in=STUCK, subscription__status__in=RUNNING).order_by()
    rows = unpaid.values("currency", "trouble", wallet=wallet).annotate(count=Count("pk"), value=Sums("amount_value"))
    return [
        Stuck(
            row["wallet"],
            row["currency"],
            str(Trouble(row["trouble"]).label),
            row["count"],
            row["value"],
            row["trouble"],
        )
        for row in rows.order_by("wallet", "currency", "trouble")
    ]


def _unposted() -> list[Stuck]:
    wallet = F("subscription__wallet_account__wallet")
    waiting = Cycle.objects.filter(status=CycleStatus.AWAITING_AMOUNT, subscription__status__in=OPENING).order_by()
    rows = waiting.values("currency", wallet=wallet).annotate(count=Count("pk")).order_by("wallet", "currency")
    return [Stuck(row["wallet"], row["currency"], UNPOSTED, row["count"], None) for row in rows]


def _coming(until: datetime) -> QuerySet[Any]:
    last = (until + timedelta(days=1)).date()
    rows = Subscription.objects.filter(status__in=OPENING, next_on__lte=last, ends_with_period=False)
    found: QuerySet[Any] = (
        with_posted(rows)
        .select_related("plan", "next_plan", "wallet_account", "buyer")
        .defer(*secrets_of("wallet_account"))
        .annotate(
            **_of_the_wallet(),
            is_stuck=Exists(Cycle.objects.filter(subscription=OuterRef("pk"), status__in=STUCK)),
        )
        .order_by("next_on", "pk")
    )
    return found


def _of_the_wallet(path: str = "") -> dict[str, Any]:
    """What is asked of a subscription's wallet without reading its tokens; ``path`` leads to the subscription."""
    newer = WalletAccount.objects.filter(
        buyer=OuterRef(f"{path}buyer"), wallet=OuterRef(f"{path}wallet_account__wallet"), status=WalletStatus.ACTIVE
    )
    has_none = When(**{f"{path}wallet_account__refresh_token": ""}, then=Value(value=False))
    can_refresh = Case(has_none, default=Value(value=True), output_field=BooleanField())
    return {"can_refresh": can_refresh, "is_bound_anew": Exists(newer)}


def _charges(subscription: Any, until: datetime, methods: _Methods) -> Iterator[Charge]:
    """``subscription`` was read by ``_coming``."""
    number, day, made = subscription.next_number, subscription.next_on, subscription.charges_made
    if subscription.next_plan is not None:
        subscription.take_next_plan()
    posted = subscription.posted_value
    while day is not None and (moment := subscription.moment(day)) <= until:
        amount = subscription.plan.amount
        if amount is None and posted is not None:
            amount = Money(posted, subscription.plan.currency)
        why_not = _why_not(subscription, subscription, amount, moment, methods)
        if subscription.status == SubscriptionStatus.IN_GRACE and subscription.is_stuck:
            is_over = subscription.grace_until is not None and subscription.grace_until <= moment
            why_not = PAST_DUE_BY_THEN if is_over else why_not
        yield Charge(subscription, day, amount, why_not)
        number, made, posted = number + 1, made + 1, None
        day = date_of(subscription, number, charges_made=made)


def _why_not(subscription: Subscription, row: Any, amount: Money | None, moment: datetime, methods: _Methods) -> str:
    """``row`` was asked ``_of_the_wallet``."""
    wallet: Any = subscription.wallet_account
    if wallet.status in CONSENT_ENDED:
        return REVOKED
    if wallet.status != WalletStatus.ACTIVE:
        return "" if row.is_bound_anew else NEEDS_AUTHORIZATION
    wallet.can_refresh = row.can_refresh
    ends = wallet.access_token_expires_at
    if ends is not None and ends <= moment and ends_for_good(wallet):
        return CONSENT_ENDS
    method = methods.get((wallet.account_id, wallet.wallet))
    if method is None or not method.is_contracted:
        return NOT_CONTRACTED
    if amount is not None:
        return _beyond(method.facts(), amount)
    return ""


def _beyond(facts: Wallet, amount: Money) -> str:
    try:
        facts.check(amount)
    except MoneyError:
        if not facts.takes(amount.currency):
            return OTHER_CURRENCY
        return BELOW_THE_MINIMUM if facts.minimum is not None and amount < facts.minimum else OVER_THE_LIMIT
    return ""


def _retrying(until: datetime) -> QuerySet[Any]:
    """Unpaid cycles that are tried again by then."""
    return (
        Cycle.objects.filter(status=CycleStatus.RETRYING, due_at__lte=until, subscription__status__in=RUNNING)
        .select_related("subscription__plan", "subscription__wallet_account", "subscription__buyer")
        .defer(*secrets_of("subscription__wallet_account"))
        .annotate(**_of_the_wallet("subscription__"))
        .order_by("due_at", "pk")
    )


def _retries(rows: Iterable[Any], methods: _Methods) -> Iterator[Charge]:
    for cycle in rows:
        if cycle.due_at is not None:
            subscription = cycle.subscription
            why_not = _why_not(subscription, cycle, cycle.amount, cycle.due_at, methods)
            day = day_in(cycle.due_at, subscription.plan.zone)
            yield Charge(subscription, day, cycle.amount, why_not, is_retry=True)
