"""Web server, worker and import die at named seams, by SIGKILL; they are started again, and nothing is lost.

A few of the seams, since every death costs a start; all of them are told by ``python -m tests.crash.storm``.
"""

from portal.models import AcquirerAccount
from tests.crash import books, scenes, stage, statements
from tests.crash.premises import WORKER, Premises
from tests.crash.town import Town

SEAMS = [
    "pay.answered",
    "notify.effected",
    "inquiryPayment.answered",
    "work.payments.heard",
    "charge.answered",
    "subscription.skip.recorded",
    "declare.answered",
]


def test_whoever_dies_at_a_seam_loses_nothing(premises: Premises, town: Town) -> None:
    premises.start(WORKER)
    scenes.tell(town, SEAMS)
    assert scenes.import_reports(town, ("import.rows",)) in (3, 6)  # where the rest went past midnight, of two days
    assert books.complaints(town) == []


REPEATED = [
    "pay.answered",
    "refund.promised",
    "refund.answered",
    "cancel.answered",
    "notify.effected",
    "consult.answered",
    "code.recorded",
    "revoke.answered",
    "refresh.answered",
    "work.payments.heard",
    "work.refunds.recorded",
]


def test_nothing_is_lost_either_with_an_acquirer_that_is_repeated_instead_of_asked(premises: Premises) -> None:
    premises.start(WORKER)
    town = Town(premises, ["ana", "budi", "carla", "dewi"], AcquirerAccount.Adapter.ALIPAYPLUS)
    scenes.tell(town, REPEATED)
    premises.clock_moves(hours=24)  # what the dead web server did not hear is told once more
    assert books.complaints(town) == []


def test_nothing_is_lost_either_at_the_seams_that_it_alone_has(premises: Premises) -> None:
    premises.start(WORKER)
    town = Town(premises, ["ana"], AcquirerAccount.Adapter.ALIPAYPLUS)
    scenes.tell(town, ["question.answered", "question.recorded", "repeat.answered"])
    assert books.complaints(town) == []


def test_every_seam_has_its_scene() -> None:
    def both(*apis: str) -> set[str]:
        return {f"{api}.{moment}" for api in apis for moment in ("promised", "answered")}

    wanted = both("pay", "cancel", "refund", "consult", "applyToken", "refresh", "revoke", "inquiryPayment", "charge")
    acts = ("pause", "resume", "skip", "change", "cancel", "amounts")
    doors = ("pay", "cancel", "refunds", "code", "revoke", "notify", "subscriptions", "charge_again")
    wanted |= {f"{door}.recorded" for door in (*doors, *(f"subscription.{act}" for act in acts))}
    kinds = ("payments", "refunds", "wallets", "subscriptions", "subscription charges")
    wanted |= {f"work.{kind}.recorded" for kind in kinds}
    wanted |= {"notify.kept", "notify.effected", "work.payments.heard"}
    assert set(stage.SCENES) == wanted
    assert set(stage.WHERE_REFUNDS_ARE_ASKED_ABOUT) == both("inquiryRefund")
    assert set(stage.WHERE_REFUNDS_ARE_REPEATED) == both("repeat")
    assert set(stage.WHERE_WALLETS_ASK) == {f"question.{moment}" for moment in ("kept", "answered", "recorded")}
    customs = {"declarations.recorded", "amend.recorded", "work.declarations.recorded"}
    assert set(stage.WHERE_CUSTOMS_ARE) == both("declare") | both("inquiryDeclarationRequests") | customs


def test_death_before_the_first_statements_of_a_door_and_of_a_webhook(premises: Premises, town: Town) -> None:
    """All statements of all acts are told by ``python -m tests.crash.storm --statements``."""
    premises.start(WORKER)
    backend = town.listens()
    try:
        assert statements.sweep(town, "revoke", most=2) == 2
        assert statements.sweep(town, "work.webhooks", most=2) == 2
    finally:
        backend.close()
