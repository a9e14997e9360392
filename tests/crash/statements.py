"""Death before every single statement that a door, the worker or an import sends to the database: one by one.

Nobody names these seams: they are counted. Each act is done once with its first statement deadly, then once with its
second, and so on until it comes to its end alive; whoever did it repeats the request, as clients do.
"""

import shutil
import signal
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path

from portal import clock
from portal.clock import ACQUIRER_ZONE
from reconciliation.models import FileStatus, ReportFile
from tests.crash import books
from tests.crash.premises import WEB, WORKER
from tests.crash.scenes import REFUND, Stage
from tests.crash.town import Town

MOST = 200


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
        midnight = datetime.combine(clock.now().astimezone(ACQUIRER_ZONE), time.min, ACQUIRER_ZONE) + timedelta(days=1)
        stage.premises.clock_moves_to(midnight + timedelta(minutes=30))
        folder.mkdir()
        for path in stage.premises.fetch_reports():
            shutil.copy(path, folder)
    return next(folder.glob("transactionItems_*"))


ACTS: dict[str, Callable[[Stage, Callable[[], None]], None]] = {
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
    "import": _imports,
}


def sweep(town: Town, act: str, *, most: int = MOST) -> int:
    """Die before each statement of an act, let all come to rest, look for every cent; how many statements it has.

    With ``most``, no more than so many. The clock stands still meanwhile.
    """
    with town.premises.standing_still(), town.premises.supervised(WEB, WORKER):
        stage = Stage(town)
        for number in range(1, most + 1):
            seam = f"{act}.statement.{number}"
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
