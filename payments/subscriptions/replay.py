"""A policy tried on the past: what it would have recovered, and what that would have cost, had it held then.

Every cycle whose first charge failed in the last days, for the trouble, account and wallet that the policy is about, is
told again with the policy's own arithmetic. What happened to money nobody can know that nobody asked for, so a try of
the policy is judged by what was seen:

- at or after the moment at which the charge was really paid, it would have been paid;
- before a moment at which it really failed again, it would have failed;
- in between, or after the last failure of one that was never paid, nobody knows: it is counted as failed, and its cycle
  apart, as perhaps recovered.

Nothing is tried once the policy's grace and its time past due are over: the subscription has ended then. What a buyer
paid by hand says when there was money, and is no try of the clock's.

The cost is tries: each refusal is shown to the buyer by the wallet, and counted by risk control. Reads only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Prefetch

from authorizations.models import secrets_of
from payments.models import Cycle, Payment, RetryPolicy
from payments.states import PaymentStatus
from payments.subscriptions.failures import trouble_of
from payments.subscriptions.policies import Policy, fitting, zone_of
from portal import clock
from portal.actor import ActorKind
from portal.money import Money

DAYS = 90
MOST_ROWS = 20_000


@dataclass
class Tally:
    """Cycles, and their amounts by currency in minor units."""

    count: int = 0
    values: dict[str, int] = field(default_factory=dict)

    def add(self, amount: Money) -> None:
        """Count one in."""
        self.count += 1
        self.values[amount.currency] = self.values.get(amount.currency, 0) + amount.value

    def sums(self) -> list[Money]:
        """By currency, never added across them."""
        return [Money(value, currency) for currency, value in sorted(self.values.items())]


@dataclass
class Replay:
    """What was, and what would have been."""

    failed: Tally = field(default_factory=Tally)
    """Cycles whose first charge failed so."""
    was_recovered: Tally = field(default_factory=Tally)
    was_tried: int = 0
    """Charges after the first one, in reality."""
    recovered: Tally = field(default_factory=Tally)
    perhaps: Tally = field(default_factory=Tally)
    """Tried at a moment about which nobody knows anything."""
    tried: int = 0
    is_cut: bool = False
    """There were more failures than are looked at; the newest were."""


@dataclass(frozen=True)
class History:
    """How one cycle really went."""

    failures: tuple[datetime, ...]
    paid_at: datetime | None


def replay(policy: Policy, *, account: str = "", wallet: str = "", days: int = DAYS) -> Replay:
    """Try a policy on the failures of the last days that it would govern: those for which no row is more exact. Four
    queries, whatever there is."""
    found = Replay()
    now = clock.now()
    payments = Payment.objects.select_related("wallet_account").prefetch_related("cancels").order_by("pk")
    payments = payments.defer(*secrets_of("wallet_account"))
    others = list(RetryPolicy.objects.filter(trouble=policy.trouble).exclude(account=account, wallet=wallet))
    own = RetryPolicy(account=account, wallet=wallet, trouble=policy.trouble)
    rows = (
        Cycle.objects.filter(first_failed_at__gte=now - timedelta(days=days), order__isnull=False)
        .select_related("subscription__plan", "subscription__account", "order")
        .prefetch_related(Prefetch("order__payments", payments))
        .order_by("-first_failed_at", "-pk")
    )
    if account:
        rows = rows.filter(subscription__account__slug=account)
    if wallet:
        rows = rows.filter(Exists(Payment.objects.filter(order=OuterRef("order"), wallet_account__wallet=wallet)))
    cycles = list(rows[: MOST_ROWS + 1])
    found.is_cut = len(cycles) > MOST_ROWS
    for cycle in cycles[:MOST_ROWS]:
        tried = list(cycle.order.payments.all()) if cycle.order else []
        first = tried[0] if tried else None
        if first is None or cycle.amount is None or first.status == PaymentStatus.SUCCEEDED:
            continue
        if trouble_of(first) is not policy.trouble or wallet not in ("", first.wallet_account.wallet):
            continue
        where = {"account": cycle.subscription.account.slug, "wallet": first.wallet_account.wallet}
        if fitting([*others, own], policy.trouble, **where) is not own:
            continue
        history = _history(tried)
        zone = zone_of(first.wallet_account.wallet, cycle.subscription.plan.zone)
        later = sum(it.actor_kind == ActorKind.CLOCK for it in tried[1:])
        _count(found, cycle.amount, history, *again(policy, history, zone, now), later=later)
    return found


def again(policy: Policy, history: History, zone: str, now: datetime) -> tuple[str, int]:
    """``recovered``, ``perhaps`` or ``failed``, and how many tries after the first the policy would have made."""
    failures, tries, is_unknown = [history.failures[0]], 0, False
    ends = failures[0] + timedelta(days=policy.grace_days + policy.past_due_days)
    while (at := policy.next_try(failures, zone)) is not None and at <= min(now, ends):
        tries += 1
        if history.paid_at is not None and at >= history.paid_at:
            return "recovered", tries
        is_unknown = is_unknown or at > history.failures[-1]
        failures.append(at)
    return ("perhaps" if is_unknown else "failed"), tries


def _history(tried: Sequence[Payment]) -> History:
    paid = [it.paid_at or it.finished_at for it in tried if it.status == PaymentStatus.SUCCEEDED]
    failures = [it.finished_at or it.created_at for it in tried if it.status != PaymentStatus.SUCCEEDED]
    return History(tuple(failures), paid[0] if paid else None)


def _count(found: Replay, amount: Money, history: History, verdict: str, tries: int, *, later: int) -> None:
    found.failed.add(amount)
    found.was_tried += later
    found.tried += tries
    if history.paid_at is not None:
        found.was_recovered.add(amount)
    if verdict == "recovered":
        found.recovered.add(amount)
    elif verdict == "perhaps":
        found.perhaps.add(amount)
