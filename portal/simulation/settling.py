"""Days that close: their reports are imported, twice now and then, and some of them are wrong on purpose."""

import random
from datetime import timedelta

from django.db.models import Q

from portal import clock
from portal.actor import Actor
from portal.errors import Conflict
from portal.sandbox import reports, settlement
from portal.simulation.stage import CLIENTS
from portal.simulation.world import Planted, Report, World
from reconciliation import operations as reconciling
from reconciliation.errors import QuestionOpen
from reconciliation.models import AmountUnit, Discrepancy, FeeSign, Reason, SettlementWatch
from reconciliation.reading import gather
from reconciliation.reading.archives import set_of

FINANCE = Actor.command("simulate")
PLANTS = {
    "fee_differs": {Reason.FEE_DIFFERS, Reason.NET_DIFFERS},
    "amount_short": {Reason.AMOUNT_DIFFERS, Reason.FEE_DIFFERS},
    "missing_row": set(),
    "unknown_row": {Reason.NOT_IN_OUR_BOOKS},
    "duplicated_row": {Reason.DUPLICATE},
}
"""What the sandbox can plant, and what a matching that sees it opens."""
_MOST_PLANTED = 2
_COMES_LATER = 0.5
"""How often a row that is left out stands in the next batch."""
_LONG_AFTER = timedelta(days=40)
"""By then nothing is waited for any more."""
_IDLE_TAKEN = 5
"""Of so many cycles in which nothing moved, the reports of one are imported: most cycles of a short history are idle,
and a report that says nothing costs as much time as three steps."""
SLUGS = {client_id: slug for slug, client_id in CLIENTS.items()}
"""Whose reports they are, by client."""


def reports_are_imported(world: World, rng: random.Random) -> str:
    """Somebody of finance imports a report that is there: a new one, or one that was imported before."""
    if not world.is_settled:
        return ""
    written = _written(world)
    waiting = [one for one in written if one not in world.imported]
    known = sorted(world.imported)
    if not waiting and not known:
        return ""
    chosen = rng.choice(known if known and (not waiting or rng.random() < 0.2) else waiting)
    return f"{written[chosen][0]}: {_imports(world, chosen, written[chosen])}"


def something_is_planted(world: World, rng: random.Random) -> str:
    """The next settlement report will be wrong."""
    if not world.is_settled or len(world.planted) >= _MOST_PLANTED:
        return ""
    slug, kind = rng.choice(sorted(CLIENTS)), rng.choice(tuple(PLANTS))
    options = {"later": True} if kind == "missing_row" and rng.random() < _COMES_LATER else {}
    world.engine.plant(kind, client_id=CLIENTS[slug], **options)
    world.planted.append(Planted(slug, kind))
    return f"planted in a report of {slug}: {kind}"


def every_report_is_imported(world: World) -> None:
    """At the end, in any order: what nobody imported yet, half of it late, and a second look at what opened too early.

    By then all that it has is missing, and is found.
    """
    written = _written(world)
    waiting = [one for one in written if one not in world.imported]
    world.rng.shuffle(waiting)
    for place, report in enumerate(waiting):
        if place == len(waiting) // 2:
            missing_in_the_end()
        _imports(world, report, written[report])
    early = Discrepancy.objects.filter(closed_at=None, row__isnull=False).exclude(row__superseded_by__isnull=False)
    for pk in list(early.order_by("pk").values_list("pk", flat=True)):
        one = Discrepancy.objects.get(pk=pk)
        if one.is_open:
            try:
                reconciling.check_again(one, by=FINANCE)
            except Conflict:
                continue


def missing_in_the_end() -> set[str]:
    """Our ids of what no report has, as it is known once nothing is waited for any more."""
    for held in SettlementWatch.objects.select_related("account").order_by("pk"):
        reconciling.look(held, at=clock.now() + _LONG_AFTER)
        reconciling.rest(held)
    missing = Discrepancy.objects.filter(reason=Reason.MISSING, closed_at=None)
    found = missing.select_related("payment", "refund")
    return {str(one.payment or one.refund) for one in found}


def left_out(world: World) -> set[str]:
    """The ids of payments and refunds that stand in no batch, by the acquirer's own books."""
    rows = world.engine.store.all(
        "SELECT request_id FROM transactions "
        "WHERE kind IN ('PAYMENT', 'REFUND') AND (batch_id IS NULL OR batch_id = ?)",
        (settlement.WITHHELD,),
    )
    return {row["request_id"] for row in rows}


def still_open() -> list[Discrepancy]:
    """What is open in the reports, with what each is about."""
    rows = Discrepancy.objects.filter(closed_at=None, file__isnull=False).filter(
        Q(row=None) | Q(row__superseded_by=None)
    )
    return list(rows.select_related("row__match__payment", "row__match__refund", "file__account").order_by("pk"))


def _written(world: World) -> dict[Report, list[str]]:
    """The reports that are worth reading, oldest day first, and the names of the files that each came in."""
    found: dict[Report, list[str]] = {}
    idle = _idle_batches(world)
    for row in sorted(reports.listing(world.engine.context), key=lambda row: (row["day"], row["name"])):
        if idle.isdisjoint(row["name"].split("_")):
            found.setdefault(Report(row["client_id"], row["day"], set_of(row["name"])), []).append(row["name"])
    return found


def _idle_batches(world: World) -> set[str]:
    """The clearings without a movement that nobody imports, and what was paid for such ones alone, which is nothing."""
    rows = world.engine.store.all(
        "WITH batches AS (SELECT batch_id, settlement_batch_id, number % ? != 0 AND gross_value = 0 AND fee_value = 0 "
        "AND batch_id NOT IN (SELECT batch_id FROM transactions WHERE batch_id IS NOT NULL) AS is_idle "
        "FROM clearing_batches) "
        "SELECT batch_id FROM batches WHERE is_idle UNION ALL SELECT settlement_batch_id FROM batches "
        "WHERE settlement_batch_id IS NOT NULL GROUP BY settlement_batch_id HAVING min(is_idle)",
        (_IDLE_TAKEN,),
    )
    return {row["batch_id"] for row in rows}


def _imports(world: World, report: Report, names: list[str]) -> str:
    account = world.accounts[SLUGS[report.client_id]]
    (given,) = gather([(name, _content(world, report, name)) for name in names])
    assert given.refusal is None, given.refusal  # noqa: S101 - all of its parts are there
    try:
        outcome = reconciling.import_report(given.name, given.content, by=FINANCE, account=account)
    except QuestionOpen:  # few rows, and none of them tells: finance knows what the contract says
        unit = AmountUnit.MINOR if world.edition == "E1" else AmountUnit.MAJOR
        answers = reconciling.Answers(unit, FeeSign.CHARGE_NEGATIVE)
        outcome = reconciling.import_report(given.name, given.content, by=FINANCE, account=account, answers=answers)
    world.imported.add(report)
    return str(outcome.result)


def _content(world: World, report: Report, name: str) -> bytes:
    file = reports.stored(world.engine.context, report.day, name, report.client_id)
    assert file is not None  # noqa: S101 - it was listed
    return file.content.encode()
