"""Death before every single statement that a door, the worker or an import sends to the database: one by one.

Nobody names these seams: they are counted. Each act is done once with its first statement deadly, then once with its
second, and so on until it comes to its end alive; whoever did it repeats the request, as clients do.
"""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from payments.models import Cycle, Subscription
from portal.gateways import acquirer_for
from portal.models import AcquirerAccount
from reconciliation.models import FileStatus, ReportFile
from tests.crash import books
from tests.crash.agreements import (
    AMENDED,
    AMOUNT,
    refused_by_customs,
    refused_for_want_of_money,
    subscribed,
)
from tests.crash.premises import WEB, WORKER
from tests.crash.stage import OFFICE, REFUND, Stage
from tests.crash.town import DAILY, LATER, METERED, PURSE, Town

MOST = 200
Act = Callable[[Stage, Callable[[], None]], None]


def _pays(stage: Stage, arm: Callable[[], None]) -> None:
    number = stage.ana.orders("PHP")
    arm()
    stage.ana.pays(number, stage.wallet_id)


def _cancels(stage: Stage, arm: Callable[[], None]) -> None:
    number = stage.paid()
    arm()
    stage.town.server.post(f"orders/{number}/cancel")


def _refunds(stage: Stage, arm: Callable[[], None]) -> None:
    number = stage.paid()
    arm()
    stage.town.server.post(f"orders/{number}/refunds", REFUND)


def _brings_a_code(stage: Stage, arm: Callable[[], None]) -> None:
    buyer = stage.town.newcomer()
    begun = buyer.begins("GCASH")
    code = buyer.agrees(begun)
    stage.control.tick()
    arm()
    buyer.brings(begun, code)


def _revokes(stage: Stage, arm: Callable[[], None]) -> None:
    buyer = stage.town.newcomer()
    wallet_id = buyer.binds("GCASH")
    arm()
    buyer.caller.post(f"wallets/{wallet_id}/revoke")


def _hears(stage: Stage, arm: Callable[[], None]) -> None:
    stage.control.fault("answer_lost", api="pay")
    number = stage.ana.orders("PHP")
    stage.control.tick()
    arm()
    stage.ana.pays(number, stage.wallet_id)
    stage.control.tick()
    stage.premises.wait_until_served()


def _asks(stage: Stage, arm: Callable[[], None]) -> None:
    stage.unknown()
    arm()
    stage.premises.clock_moves(minutes=4)


def _asks_about_a_refund(stage: Stage, arm: Callable[[], None]) -> None:
    number = stage.paid()
    stage.control.fault("refund_stays_processing", seconds=600)
    stage.town.server.post(f"orders/{number}/refunds", REFUND)
    arm()
    stage.premises.clock_moves(minutes=20)


def _cancels_again(stage: Stage, arm: Callable[[], None]) -> None:
    number = stage.paid()
    stage.control.fault("answer_lost", api="cancel")
    stage.town.server.post(f"orders/{number}/cancel")
    arm()
    stage.premises.clock_moves(minutes=4)


def _refreshes(stage: Stage, arm: Callable[[], None]) -> None:
    buyer = stage.town.newcomer()
    wallet_id = buyer.binds("GCASH")
    number = buyer.orders("PHP")
    stage.control.fault("answer_code", api="pay", code="INVALID_ACCESS_TOKEN", wallet="GCASH")
    arm()
    buyer.pays(number, str(wallet_id))
    stage.premises.clock_moves(minutes=1)


def _tells(stage: Stage, arm: Callable[[], None]) -> None:
    arm()
    stage.paid()
    stage.premises.clock_moves(minutes=1)


def _agrees(stage: Stage, arm: Callable[[], None]) -> None:
    arm()
    subscribed(stage, LATER)


def _changes(act: str) -> Act:
    def changes(stage: Stage, arm: Callable[[], None]) -> None:
        buyer, number = subscribed(stage, LATER)
        day = str(Subscription.objects.get(number=number).next_on)
        wish = {"skip": {"due_on": day}, "change": {"plan": DAILY}}.get(act, {})
        arm()
        buyer.caller.post(f"subscriptions/{number}/{act}", wish)

    return changes


def _resumes(stage: Stage, arm: Callable[[], None]) -> None:
    buyer, number = subscribed(stage, LATER)
    buyer.caller.post(f"subscriptions/{number}/pause")
    arm()
    buyer.caller.post(f"subscriptions/{number}/resume")


def _charges_again(stage: Stage, arm: Callable[[], None]) -> None:
    _, number = refused_for_want_of_money(stage)
    form = stage.clerk().opens(Subscription.objects.get(number=number), "charge_again")
    arm()
    form.is_sent_until_heard(reason_code="BUYER_REQUEST")


def _posts_an_amount(stage: Stage, arm: Callable[[], None]) -> None:
    _, number = subscribed(stage, METERED)
    cycles = Cycle.objects.filter(subscription__number=number)
    stage.waits_until(cycles.exists, "due")
    arm()
    said = {"due_on": str(cycles.get().due_on), "amount": AMOUNT}
    stage.town.server.post(f"subscriptions/{number}/amounts", said)


def _pays_a_cycle(stage: Stage, arm: Callable[[], None]) -> None:
    buyer, number = refused_for_want_of_money(stage)
    cycle = Cycle.objects.get(subscription__number=number)
    arm()
    buyer.pays(str(cycle.order), str(cycle.subscription.wallet_account.public_id))


def _falls_due(stage: Stage, arm: Callable[[], None]) -> None:
    arm()
    subscribed(stage, DAILY)
    stage.premises.clock_moves(minutes=4)


def _falls_due_without_money(stage: Stage, arm: Callable[[], None]) -> None:
    buyer = stage.town.newcomer()
    wallet_id = str(buyer.binds("GCASH"))
    stage.control.set_balance(buyer.name, "GCASH", 0)
    arm()
    buyer.subscribes(DAILY, wallet_id)
    stage.premises.clock_moves(minutes=4)
    stage.control.set_balance(buyer.name, "GCASH", PURSE)


def _declares(stage: Stage, arm: Callable[[], None]) -> None:
    number = stage.declarable()
    arm()
    stage.town.server.post(f"orders/{number}/declarations", OFFICE)


def _transmits_again(stage: Stage, arm: Callable[[], None]) -> None:
    declaration = refused_by_customs(stage)
    form = stage.clerk().opens(declaration, "amend")
    arm()
    form.is_sent_until_heard("Transmit it again: Amount → 100.00 CNY", **AMENDED)


def _asks_customs(stage: Stage, arm: Callable[[], None]) -> None:
    number = stage.declarable()
    stage.town.server.post(f"orders/{number}/declarations", OFFICE)
    arm()
    stage.premises.clock_moves(minutes=10)


def _imports(stage: Stage, arm: Callable[[], None]) -> None:
    path = _a_report(stage)
    arm()
    status, said = stage.premises.runs_command("import_report", str(path))
    assert status in (0, -signal.SIGKILL), said
    assert status != 0 or ReportFile.objects.filter(name=path.name, status=FileStatus.IMPORTED).exists(), said


def _a_report(stage: Stage) -> Path:
    folder = stage.premises.folder / "swept"
    if not folder.exists():
        stage.paid()
        files = stage.premises.fetch_reports(stage.town.account)
        folder.mkdir()
        for path in files:
            shutil.copy(path, folder)
    return next(folder.glob("transactionItems_*"))


ACTS: dict[str, Act] = {
    "pay": _pays,
    "cancel": _cancels,
    "refunds": _refunds,
    "code": _brings_a_code,
    "revoke": _revokes,
    "notify": _hears,
    "work.payments": _asks,
    "work.cancels": _cancels_again,
    "work.refunds": _asks_about_a_refund,
    "work.wallets": _refreshes,
    "work.webhook events": _tells,
    "work.webhooks": _tells,
    "subscriptions": _agrees,
    "subscription.pause": _changes("pause"),
    "subscription.resume": _resumes,
    "subscription.skip": _changes("skip"),
    "subscription.change": _changes("change"),
    "subscription.cancel": _changes("cancel"),
    "subscription.amounts": _posts_an_amount,
    "pay of a cycle": _pays_a_cycle,
    "charge_again": _charges_again,
    "work.subscriptions": _falls_due,
    "work.subscription charges": _falls_due,
    "work.subscription charges of the unpaid": _falls_due_without_money,
    "declarations": _declares,
    "amend": _transmits_again,
    "work.declarations": _asks_customs,
    "import": _imports,
}
"""By the door, or the worker's kind; ``… of …`` is another act at the same door."""
_OF_CUSTOMS = ("declarations", "amend", "work.declarations")


def acts_of(account: AcquirerAccount) -> list[str]:
    """The acts that this account knows."""
    can_declare = acquirer_for(account).capabilities.can_declare_customs
    return [act for act in ACTS if can_declare or act not in _OF_CUSTOMS]


def sweep(town: Town, act: str, *, most: int = MOST) -> int:
    """Die before each statement of an act, let all come to rest, look for every cent; how many statements it has.

    With ``most``, no more than so many. The clock stands still meanwhile.
    """
    door = act.partition(" of ")[0]
    with town.premises.standing_still(), town.premises.supervised(WEB, WORKER):
        stage = Stage(town)
        for number in range(1, most + 1):
            seam = f"{door}.statement.{number}"
            ACTS[act](stage, lambda seam=seam: town.premises.arm(seam))  # type: ignore[misc]
            was_struck = town.premises.disarm(seam)
            if not was_struck:
                break
        town.premises.clock_moves(hours=3)
    if was_struck:
        assert most < MOST, f"{act} does not come to an end"
        number += 1
    assert number > 1, f"nobody died at {act}"
    found = books.complaints(town)
    assert found == [], books.told(found)
    return number - 1
