"""One scene per seam: somebody acts, the process dies at that seam, is started again, and the act is repeated.

A scene is told in two parts, with a ``yield`` between them: what happens, and what is true once all has come to rest.
Between the two parts of all scenes lie one long rest and nothing else. Every promise is then looked for in the books;
what a scene asserts is only its own end.
"""

from collections.abc import Iterator

import pytest

from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal.sandbox.control import ControlFailed
from reconciliation.models import FileStatus, ReportFile, ReportPart
from tests.crash import agreements  # noqa: F401 - its scenes are told, too
from tests.crash.premises import WEB, WORKER
from tests.crash.stage import (
    PATIENCE_SECONDS,
    REFUND,
    WHERE_REFUNDS_ARE_ASKED_ABOUT,
    WHERE_REFUNDS_ARE_REPEATED,
    WHERE_WALLETS_ASK,
    Stage,
    scene,
    scenes_of,
)
from tests.crash.town import Town


def tell(town: Town, seams: list[str]) -> None:
    """Tell the scenes of these seams, let all come to rest, and hear how each ends."""
    with town.premises.standing_still(), town.premises.supervised(WEB, WORKER):
        stage, known = Stage(town), scenes_of(town.account)
        telling = [(seam, known[seam](stage, seam)) for seam in seams]
        for _, told in telling:
            next(told)
        town.premises.clock_moves(hours=3)
        for seam, told in telling:
            town.premises.wait_until_struck(seam, seconds=0)
            try:
                next(told, None)
            except AssertionError as reason:
                raise AssertionError(f"{seam}: {reason}") from reason


def _payment(number: str) -> Payment:
    return Payment.objects.filter(order__number=number).latest("pk")


# The web server dies; whoever asked it asks again.


@scene("pay.promised", "pay.answered", "pay.recorded")
def paying(stage: Stage, seam: str) -> Iterator[None]:
    number = stage.ana.orders("PHP")
    with stage.dies_at(seam):
        answer = stage.ana.pays(number, stage.wallet_id)
    assert answer["status"] == ("PAID" if seam == "pay.recorded" else "PENDING"), answer
    yield
    never_left = seam == "pay.promised"
    assert Payment.objects.filter(order__number=number).count() == 1
    assert _payment(number).status == (PaymentStatus.FAILED if never_left else PaymentStatus.SUCCEEDED)
    assert Order.objects.get(number=number).status == (OrderStatus.INIT if never_left else OrderStatus.PAID)


@scene("cancel.promised", "cancel.answered", "cancel.recorded")
def cancelling(stage: Stage, seam: str) -> Iterator[None]:
    number = stage.paid()
    with stage.dies_at(seam):
        stage.town.server.post(f"orders/{number}/cancel")
    yield
    assert (_payment(number).status, Order.objects.get(number=number).status) == (
        PaymentStatus.CANCELLED,
        OrderStatus.CANCELLED,
    )
    assert Cancel.objects.get(payment__order__number=number).status == CancelStatus.CONFIRMED


@scene("refund.promised", "refund.answered", "refunds.recorded")
def refunding(stage: Stage, seam: str) -> Iterator[None]:
    number = stage.paid()
    with stage.dies_at(seam):
        stage.town.server.post(f"orders/{number}/refunds", REFUND)
    yield
    assert Refund.objects.get(payment__order__number=number).status == RefundStatus.SUCCEEDED
    assert _payment(number).returned_value == 100_00


@scene("consult.promised", "consult.answered")
def asking_where_to_agree(stage: Stage, seam: str) -> Iterator[None]:
    budi = stage.town.newcomer()
    with stage.dies_at(seam):
        begun = budi.begins("GCASH")
    assert begun["status"] == "OFFERED"  # by the second attempt; the first one lapses
    yield
    statuses = Authorization.objects.filter(buyer__reference=budi.name).values_list("status", flat=True)
    assert set(statuses) == {AuthorizationStatus.EXPIRED}, list(statuses)


@scene("applyToken.promised", "applyToken.answered", "code.recorded")
def bringing_a_code(stage: Stage, seam: str) -> Iterator[None]:
    carla = stage.town.newcomer()
    begun = carla.begins("GCASH")
    assert begun["status"] == "OFFERED", begun
    code = carla.agrees(begun)
    with stage.dies_at(seam):
        carla.brings(begun, code)
    yield
    # The code was used up and its answer lost: she authorizes again, unless the acquirer's message brought the token.
    ends = {AuthorizationStatus.BOUND, AuthorizationStatus.FAILED}
    attempt = Authorization.objects.get(public_id=begun["id"])
    assert attempt.status in (ends if seam == "applyToken.answered" else {AuthorizationStatus.BOUND}), attempt.status


@scene("revoke.promised", "revoke.answered", "revoke.recorded")
def revoking(stage: Stage, seam: str) -> Iterator[None]:
    dewi = stage.town.newcomer()
    wallet_id = dewi.binds("DANA")
    with stage.dies_at(seam):
        dewi.caller.post(f"wallets/{wallet_id}/revoke")
    yield
    assert WalletAccount.objects.get(public_id=wallet_id).status == WalletStatus.REVOKED
    tokens = stage.control.tokens(user_id=dewi.name, wallet="DANA", status="ACTIVE", kind="AGREEMENT")
    assert tokens == []


@scene("notify.kept", "notify.effected", "notify.recorded")
def hearing(stage: Stage, seam: str) -> Iterator[None]:
    stage.control.fault("answer_lost", api="pay")
    number = stage.ana.orders("PHP")
    with stage.dies_at(seam):
        stage.ana.pays(number, stage.wallet_id)
    yield
    payment = _payment(number)
    assert payment.status == PaymentStatus.SUCCEEDED
    assert [change.target for change in payment.changes.all()] == [PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED]


# The worker dies during the rest.


@scene("inquiryPayment.promised", "inquiryPayment.answered", "work.payments.recorded")
def asking_about_a_payment(stage: Stage, seam: str) -> Iterator[None]:
    number = stage.unknown()
    stage.premises.arm(seam)
    yield
    assert _payment(number).status == PaymentStatus.SUCCEEDED


@scene("work.payments.heard")
def asking_about_several_payments(stage: Stage, seam: str) -> Iterator[None]:
    numbers = [stage.unknown() for _ in range(3)]
    stage.premises.arm(seam)
    yield
    payments = [_payment(number) for number in numbers]
    assert [payment.status for payment in payments] == [PaymentStatus.SUCCEEDED] * 3
    assert [payment.changes.count() for payment in payments] == [2] * 3


@scene("inquiryRefund.promised", "inquiryRefund.answered", among=WHERE_REFUNDS_ARE_ASKED_ABOUT)
@scene("work.refunds.recorded")
def asking_about_a_refund(stage: Stage, seam: str) -> Iterator[None]:
    number = stage.paid()
    stage.control.fault("refund_stays_processing", seconds=600)
    stage.town.server.post(f"orders/{number}/refunds", REFUND)
    stage.premises.arm(seam)
    yield
    assert Refund.objects.get(payment__order__number=number).status == RefundStatus.SUCCEEDED


@scene("repeat.promised", "repeat.answered", among=WHERE_REFUNDS_ARE_REPEATED)
def repeating_a_refund(stage: Stage, seam: str) -> Iterator[None]:
    number = stage.paid()
    stage.control.fault("refund_stays_processing", seconds=600)
    stage.town.server.post(f"orders/{number}/refunds", REFUND)
    stage.premises.arm(seam)
    yield
    assert Refund.objects.get(payment__order__number=number).status == RefundStatus.SUCCEEDED
    assert _payment(number).returned_value == 100_00


@scene("question.kept", "question.answered", "question.recorded", among=WHERE_WALLETS_ASK)
def being_asked_before_it_ends(stage: Stage, seam: str) -> Iterator[None]:
    dewi = stage.town.newcomer()
    wallet_id = dewi.binds("DANA")
    with stage.dies_at(seam), pytest.raises(ControlFailed, match="end it there"):
        stage.control.revoke_in_the_wallet(dewi.name, "DANA")
    assert len(stage.control.tokens(user_id=dewi.name, wallet="DANA", status="ACTIVE", kind="AGREEMENT")) == 1
    dewi.orders("IDR")  # whoever comes waits until the door is open again
    stage.control.revoke_in_the_wallet(dewi.name, "DANA")  # she presses once more
    yield
    assert WalletAccount.objects.get(public_id=wallet_id).status == WalletStatus.REVOKED
    assert stage.control.tokens(user_id=dewi.name, wallet="DANA", status="ACTIVE", kind="AGREEMENT") == []


@scene("refresh.promised", "refresh.answered", "work.wallets.recorded")
def refreshing(stage: Stage, seam: str) -> Iterator[None]:
    dewi = stage.town.newcomer()
    wallet_id = dewi.binds("GCASH")
    assert wallet_id is not None
    stage.control.fault("answer_code", api="pay", code="INVALID_ACCESS_TOKEN", wallet="GCASH")
    stage.premises.arm(seam)
    number = dewi.orders("PHP")
    assert dewi.pays(number, wallet_id)["status"] == "FAILED"
    stage.premises.wait_until_struck(seam, seconds=PATIENCE_SECONDS)
    yield
    wallet = WalletAccount.objects.get(public_id=wallet_id)
    # The lost answer of a refresh may have held both new tokens: then the buyer authorizes again.
    ends = {WalletStatus.ACTIVE, WalletStatus.NEEDS_AUTHORIZATION}
    assert wallet.status in (ends if seam == "refresh.answered" else {WalletStatus.ACTIVE}), wallet.status


# The import dies; whoever started it starts it again.

IMPORT_SEAMS = ("import.rows", "import.decided", "import.recorded")


def import_reports(town: Town, seams: tuple[str, ...] = IMPORT_SEAMS) -> int:
    """Let the acquirer's day end, and import its reports by the command, which dies at each seam; how many they are."""
    premises = town.premises
    files = premises.fetch_reports(town.account)
    for seam in seams:
        before = ReportFile.objects.filter(status=FileStatus.IMPORTED).count()
        premises.arm(seam)
        status, _ = premises.runs_command("import_report", *files)
        assert premises.disarm(seam), f"nobody died at {seam}"
        assert status < 0, status
        after = ReportFile.objects.filter(status=FileStatus.IMPORTED).count()
        assert after - before == (seam == "import.recorded"), (seam, before, after)
    status, said = premises.runs_command("import_report", *files)
    assert status == 0, said
    names = {path.rsplit("/", 1)[-1] for path in files}
    taken = ReportPart.objects.filter(name__in=names, file__status=FileStatus.IMPORTED)
    assert set(taken.values_list("name", flat=True)) == names
    return len(files)
