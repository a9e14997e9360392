"""When the demo's history begins, whatever the hour at which somebody makes it, and what its second account has."""

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal import clock
from portal.actor import Actor
from portal.clock import ACQUIRER_ZONE
from portal.demonstration import goods, regional
from portal.demonstration.history import begins
from portal.models import AcquirerAccount
from portal.sandbox.control import SandboxControl
from reconciliation import bank
from reconciliation.models import BankCredit, Batch, Discrepancy, SummaryRow
from tests.partner import connected
from tests.story import Acquirer, Shop, StoryClock

MINUTES = st.integers(0, 365 * 24 * 60)


@given(minutes=MINUTES, days=st.integers(2, 60))
def test_its_first_day_is_a_day_of_business_and_not_an_evening(minutes: int, days: int) -> None:
    end = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    start = begins(end, days)
    assert start.astimezone(ACQUIRER_ZONE).time() <= time(6)
    assert timedelta(0) <= end - timedelta(days=days) - start < timedelta(days=1)


def test_a_second_account_is_cleared_paid_and_tied_out(
    account: AcquirerAccount, acquirer: Acquirer, story_clock: StoryClock
) -> None:
    wallets = ("MAYA", "TNG", "ALIPAY_HK", "KAKAOPAY", "ALIPAY_CN")
    second = connected(account, acquirer, wallets, settlement_currency="USD", settlement_days=2)
    goods.stock(second)
    shop, agenda, numbers = (
        Shop(second, acquirer, story_clock),
        list[tuple[datetime, int, Callable[[], object]]](),
        itertools.count(),
    )
    start = clock.now()
    end = start + timedelta(days=4, hours=12)

    def at(moment: datetime, act: Callable[[], object]) -> None:
        if start <= moment < end:
            heapq.heappush(agenda, (moment, next(numbers), act))

    operator, finance = Actor.command("operator"), Actor.command("finance")
    control = SandboxControl(acquirer.sandbox.url)
    regional.plan(control, second, (start, end), at, by=operator, finance=finance)
    while agenda:
        moment, _, act = heapq.heappop(agenda)
        shop.clock_moves_to(moment)
        act()

    cleared = Batch.objects.filter(row_count__gt=0)
    paid = SummaryRow.objects.filter(summary_type="SETTLED", batch__in=cleared)
    assert cleared.count() > paid.count() > 1, "the newest are not paid yet"
    assert {(row.state, row.reported_value) for row in paid} == {("MATCHED", row.batch.net_value) for row in paid}
    assert set(BankCredit.objects.values_list("batch", "status")) == {(row.batch_id, "MATCHED") for row in paid}
    assert bank.counting(second).filter(bank.OPEN_AT_BANK, bank_credits__isnull=False).count() == 0
    assert Discrepancy.objects.count() == 0
