"""A simulated year of subscriptions: month ends, a leap day, summer time, pauses, trials, dead tokens, meters that are
read early, late or never, other plans from the next date on, and leaving.

``python -m tests.simulation.year`` tells it of 1,000 subscriptions (``--count``), on the real portal and the real
sandbox in one process; the suite tells a small one. What should have been charged is found a second time by walking
through every day of the year with a rule in plain words, which shares no code with the calendar it is held against.
"""

import argparse
import calendar
import itertools
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

FIRST, LAST = datetime(2027, 3, 2, 4, 30, tzinfo=UTC), datetime(2028, 3, 4, 4, 30, tzinfo=UTC)
"""With the 29th of February in it, and both ends of summer time."""
_STEP = timedelta(days=9)
_ZONES = ("Asia/Manila", "Europe/London", "America/New_York")
_HOUR = 10
_REFUSED_SHARE = 0.04
_READ_SHARE = 0.5
_PROMISES = ("one movement", "every intent ends", "nothing forgotten", "nobody else's", "charged once")
"""Of the simulator's, those that hold in a world whose purses were filled."""


def plans_of(account: Any) -> Iterator[Any]:
    """Every rhythm in every zone: terms that fit each other."""
    from payments.models import Plan, Product  # noqa: PLC0415 - Django is set up by now
    from payments.subscriptions.states import Interval  # noqa: PLC0415
    from portal.simulation.stage import PRICES  # noqa: PLC0415

    product = Product.objects.get(account=account, sku="pass")
    rhythms = (
        (Interval.MONTH, 31, 0, None, False),
        (Interval.MONTH, 29, 7, None, False),
        (Interval.MONTH, None, 0, 6, False),
        (Interval.WEEK, 7, 0, 20, False),
        (Interval.YEAR, 29, 0, None, False),
        (Interval.MONTH, 30, 30, None, False),
        (Interval.MONTH, 28, 0, 5, True),
        (Interval.WEEK, 3, 0, None, True),
    )
    for number, ((interval, anchor, trial, count, is_metered), zone) in enumerate(itertools.product(rhythms, _ZONES)):
        for currency, value in PRICES.items():
            yield Plan(
                account=account,
                product=product,
                code=f"year-{number}-{currency.lower()}",
                name="A year",
                currency=currency,
                amount_value=None if is_metered else value * (1 + number % 2),
                interval=interval,
                anchor_day=anchor,
                trial_days=trial,
                cycle_count=count,
                zone=zone,
                charge_hour=_HOUR,
            )


class Year:
    """One year, in a world of the simulator."""

    def __init__(self, world: Any, count: int, seed: int) -> None:
        self.world, self.count = world, count
        self.random = random.Random(f"{seed}:year")
        self.subscriptions: list[Any] = []
        self.dead: list[Any] = []
        """Buyers whose token died, and who agree again at the next step."""
        self.wishes: dict[int, list[tuple[datetime, Any]]] = defaultdict(list)
        """By subscription: which plan was wanted, and when; as a person would note it who asked."""
        self.read: dict[int, set[date]] = defaultdict(set)
        """By subscription: the dates whose amount was taken."""
        self.skipped: dict[int, set[date]] = defaultdict(set)
        self.first_plans: dict[int, Any] = {}
        self.plans: dict[str, list[Any]] = {}

    def tell(self) -> None:
        """Live through it."""
        self.begin()
        while self._now() < LAST:
            self._something_happens()
            self.pass_until(min(self._now() + _STEP, LAST))
        self._agree_again()
        self.pass_until(LAST + timedelta(hours=1))

    @staticmethod
    def _now() -> datetime:
        from portal import clock  # noqa: PLC0415

        return clock.now()

    def pass_until(self, target: datetime) -> None:
        """Do everything on both sides at the moment it falls due."""
        world = self.world
        while True:
            if world.engine.tick() + world.works():
                continue
            moment = min((at for at in world.moments() if at > self._now()), default=target)
            if moment >= target:
                break
            world.clock.set(moment)
        world.clock.set(max(target, self._now()))

    def begin(self) -> None:
        """Everybody agrees in one moment; nothing is opened yet."""
        from authorizations.models import WalletAccount  # noqa: PLC0415
        from payments.subscriptions import operations  # noqa: PLC0415
        from portal.acquirer.wallets import currency_of  # noqa: PLC0415
        from portal.actor import Actor  # noqa: PLC0415

        self.pass_until(FIRST)

        account = self.world.accounts["sim"]
        by_currency = self.plans
        for plan in plans_of(account):
            operations.add_plan(plan, by=Actor.command("year"))
            by_currency.setdefault(plan.currency, []).append(plan)
        wallets = list(
            WalletAccount.objects.filter(buyer__account=account, status="ACTIVE").select_related("buyer", "account")
        )
        for wallet in wallets:
            self.world.engine.set_balance(wallet.buyer.reference, wallet.wallet, 10**12)
        for number in range(self.count):
            wallet = wallets[number % len(wallets)]
            plan = self.random.choice(by_currency[currency_of(wallet.wallet)])
            ends_on = (FIRST + timedelta(days=self.random.randrange(60, 400))).date() if number % 7 == 0 else None
            begun = operations.start(
                wallet.buyer,
                plan,
                wallet,
                by=Actor.buyer(wallet.buyer.reference),
                most=self._most(plan),
                ends_on=ends_on,
            )
            self.subscriptions.append(begun)
            self.first_plans[begun.pk] = plan

    def _something_happens(self) -> None:
        """Some pause, some resume, some leave; now and then a token dies, and its buyer agrees again later."""
        from payments.subscriptions import operations  # noqa: PLC0415
        from portal.actor import Actor  # noqa: PLC0415
        from portal.errors import PortalError  # noqa: PLC0415

        self._agree_again()
        for begun in self.random.sample(self.subscriptions, max(self.count // 12, 1)):
            begun.refresh_from_db()
            by, kind = Actor.buyer("year"), self.random.random()
            try:
                if begun.status == "PAUSED":
                    operations.resume(begun, by=by)
                elif kind < 0.6:
                    operations.pause(begun, by=by)
                elif kind < 0.75:
                    day = begun.next_on or LAST.date()
                    operations.skip(begun, day, by=by)
                    self.skipped[begun.pk].add(day)
                elif kind < 0.8:
                    operations.cancel(begun, by=by, at_period_end=kind < 0.78)
                else:
                    self._wants_another_plan(begun)
            except PortalError:
                continue  # refused in words, e.g. while a charge of it is unpaid
        for begun in self.subscriptions:
            if self.random.random() < _READ_SHARE:
                self._reads_a_meter(begun)
        if self.random.random() < 0.4:
            self._a_token_dies()
        if self.random.random() < _REFUSED_SHARE:
            self.world.engine.set_fault("answer_code", api="pay", code="USER_BALANCE_NOT_ENOUGH")

    @staticmethod
    def _most(plan: Any) -> Any:
        from portal.money import Money  # noqa: PLC0415
        from portal.simulation.stage import PRICES  # noqa: PLC0415

        return Money(PRICES[plan.currency] * 2, plan.currency) if plan.is_metered else None

    def _wants_another_plan(self, begun: Any) -> None:
        from payments.subscriptions import operations  # noqa: PLC0415
        from portal.actor import Actor  # noqa: PLC0415

        # Of one zone, so that a day is the same day for both.
        others = [one for one in self.plans[begun.plan.currency] if one.zone == begun.plan.zone]
        plan = self.random.choice(others)
        operations.change_plan(begun, plan, by=Actor.buyer("year"), most=self._most(plan))
        self.wishes[begun.pk].append((self._now(), plan))

    def _reads_a_meter(self, begun: Any) -> None:
        from payments.subscriptions import operations  # noqa: PLC0415
        from portal.actor import Actor  # noqa: PLC0415
        from portal.errors import PortalError  # noqa: PLC0415
        from portal.money import Money  # noqa: PLC0415
        from portal.simulation.stage import PRICES  # noqa: PLC0415

        begun.refresh_from_db()
        waiting = begun.cycles.filter(status="AWAITING_AMOUNT").first()
        day = waiting.due_on if waiting is not None else begun.next_on
        if day is None or not begun.plan.is_metered:
            return
        amount = Money(PRICES[begun.plan.currency] * self.random.choice((1, 2, 2, 3)), begun.plan.currency)
        with suppress(PortalError):  # paused, over, more than was agreed to, or another plan comes
            operations.post_amount(begun, day, amount, by=Actor.merchant_server("year"))
            self.read[begun.pk].add(day)

    def _a_token_dies(self) -> None:
        from authorizations.models import WalletAccount  # noqa: PLC0415

        # GCash tells no merchant: it is found out when it is next debited.
        wallet = WalletAccount.objects.filter(status="ACTIVE", wallet="GCASH", account__slug="sim").first()
        if wallet is not None:
            client = wallet.account.client_id
            if self.world.engine.revoke_in_the_wallet(wallet.buyer.reference, wallet.wallet, client):
                self.dead.append(wallet.buyer)

    def _agree_again(self) -> None:
        from authorizations.models import WalletAccount  # noqa: PLC0415
        from portal.simulation.stage import _bind  # noqa: PLC0415

        for buyer in list(self.dead):
            known = WalletAccount.objects.filter(buyer=buyer, wallet="GCASH", status="ACTIVE").exists()
            if not known:  # found out meanwhile
                _bind(self.world.engine, buyer, "GCASH")
                self.dead.remove(buyer)

    def mistakes(self) -> list[str]:
        """What was charged that should not have been, and the other way round; by day, of every subscription."""
        from portal.simulation.promises import PROMISES, Ending  # noqa: PLC0415

        end = Ending(self.world)
        found = [sentence for name in _PROMISES for sentence in PROMISES[name](end)]
        for begun in self.subscriptions:
            begun.refresh_from_db()
            known = {cycle.due_on: cycle for cycle in begun.cycles.all()}
            for cycle in known.values():
                local = cycle.opened_at.astimezone(ZoneInfo(begun.plan.zone))
                is_at_once = cycle.opened_at - begun.started_at < timedelta(minutes=1)
                is_on_time = (local.date(), local.hour) == (cycle.due_on, _HOUR)
                if cycle.status not in ("SKIPPED", "PLANNED") and not is_on_time and not is_at_once:
                    found.append(f"{cycle} opened at {local}")
            charged = {day for day, cycle in known.items() if cycle.order_id is not None}
            wanted = set(self._wanted(begun))
            if charged != wanted:
                odd = ", ".join(map(str, sorted(charged ^ wanted)))
                found.append(f"{begun} ({begun.plan.interval}, {begun.plan.anchor_day}, {begun.plan.zone}): {odd}")
        return found

    def _wanted(self, begun: Any) -> Iterator[date]:
        """Every day on which it should have been charged, as a person with a wall calendar would find them."""
        plan, zone = self.first_plans[begun.pk], ZoneInfo(begun.plan.zone)
        day = begun.started_at.astimezone(zone).date() + timedelta(days=plan.trial_days)
        first: date | None = None
        meant: int | None = None
        count = 0
        while day <= min(LAST.date() + timedelta(days=1), begun.ends_on or date.max):
            is_one = _is_one(plan, day, first, meant)
            first = first or (day if is_one else None)
            moment = datetime(day.year, day.month, day.day, _HOUR, tzinfo=zone)
            moment = max(moment.astimezone(UTC), begun.started_at)
            if is_one and moment <= self._now() and self._was_open(begun, moment) and day not in self.skipped[begun.pk]:
                wish = next((new for at, new in reversed(self.wishes[begun.pk]) if at <= moment), plan)
                if wish.pk != plan.pk:  # it takes the place of the other on this date
                    meant = _meant(plan, day, first, meant)
                    plan, first, count = wish, day, 0
                is_agreed = plan.cycle_count is None or count < plan.cycle_count
                if is_agreed and (not plan.is_metered or day in self.read[begun.pk]):
                    yield day
                    count += 1
            day += timedelta(days=1)

    def _was_open(self, begun: Any, moment: datetime) -> bool:
        """Whether it was active or in grace then."""
        if begun.ended_at is not None and begun.ended_at < moment:
            return False
        # In the same moment its last charge may end it, but what pauses it or ends it unpaid or unwanted comes first.
        if begun.changes.filter(at=moment, target__in=("PAUSED", "CANCELLED", "PAST_DUE")).exists():
            return False
        changes = list(begun.changes.filter(at__lt=moment).order_by("at", "pk"))
        return not changes or changes[-1].target in ("ACTIVE", "IN_GRACE")


def _is_one(plan: Any, day: date, first: date | None, meant: int | None) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if day == first:
        return True
    if plan.interval == "WEEK":
        is_same_week = first is not None and day.isocalendar()[:2] == first.isocalendar()[:2]
        return bool(day.isoweekday() == plan.anchor_day) and not is_same_week
    if first is None and plan.anchor_day is None:
        return True
    if first is not None and (day.year, day.month) == (first.year, first.month):
        return False
    if first is not None and plan.interval == "YEAR" and day.month != first.month:
        return False
    return day.day == min(plan.anchor_day or meant or (first or day).day, last)


def _meant(plan: Any, day: date, first: date | None, meant: int | None) -> int | None:
    """The day of the month that a plan means, where the last day of a short month stands for it."""
    wanted = plan.anchor_day or meant or (first or day).day
    is_short = day.day == calendar.monthrange(day.year, day.month)[1] < wanted
    return wanted if plan.interval != "WEEK" and is_short else None


def main() -> int:
    """Tell a year, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="subscriptions; usually 1000")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.count < 1:
        parser.error("--count is at least 1")
    with tempfile.TemporaryDirectory(prefix="year-") as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DATABASE_URL": "sqlite://:memory:",
            "PORTAL_DATA": folder,
            "PORTAL_CHECKPOINTS": f"{folder}/checkpoints",
            "PORTAL_ENVIRONMENT": "sandbox",
        }
        import django  # noqa: PLC0415

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        from payments.models import Cycle, Payment  # noqa: PLC0415
        from portal.sandbox.context import new_keys  # noqa: PLC0415
        from portal.simulation.history import Teller  # noqa: PLC0415

        begun = time.monotonic()
        with Teller(new_keys()).world(options.seed) as world:
            year = Year(world, options.count, options.seed)
            year.tell()
            mistakes = year.mistakes()
            said = (options.count, Cycle.objects.count(), Payment.objects.count(), time.monotonic() - begun)
            sys.stdout.write("{} subscriptions, {} cycles, {} payments in {:.0f} s\n".format(*said))
        sys.stdout.writelines(f"{mistake}\n" for mistake in mistakes)
        sys.stdout.write("Exactly one charge for every due cycle.\n" if not mistakes else "")
        return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
