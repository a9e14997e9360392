"""The process dies at a seam: after the promise and before the wire, or after the wire and before the record.

Whoever was killed, the rows remember; the clock finishes the job, and both sides' books agree.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from authorizations import operations as binding
from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, Messenger, WalletStatus
from payments import operations as paying
from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal import work
from portal.acquirer.client import Answer, SignedClient
from portal.acquirer.results import Secret
from portal.actor import Actor
from portal.sandbox.control import SandboxControl
from tests.story import PHP, Acquirer, Customer, Shop

STAFF = Actor.command("story")
MOMENTS = ["before the wire", "after the wire"]


class Killed(BaseException):
    """The process ends here. No handler of ours catches it."""


@contextmanager
def killed(moment: str, api: str) -> Iterator[None]:
    """Let the process die at the first call of this API, before it leaves or when its answer has come."""
    real = SignedClient.post

    def post(self: SignedClient, name: str, path: str, message: Any) -> Answer:
        if name != api:
            return real(self, name, path, message)
        if moment == "after the wire":
            real(self, name, path, message)
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SignedClient, "post", post)
        with pytest.raises(Killed):
            yield


@pytest.fixture
def order(buyer: Customer, shop: Shop) -> Order:
    """499.00 PHP, to be paid from a bound wallet."""
    buyer.binds("GCASH")
    return shop.sells("Monthly pass", PHP(499_00), to=buyer)


@pytest.fixture
def agreement(buyer: Customer, acquirer: Acquirer) -> Iterator[None]:
    """At the end: what the portal holds as paid and given back is what the sandbox took and gave back."""
    yield
    paid = Payment.objects.exclude(paid_at=None)
    assert sorted(payment.amount_value for payment in paid) == sorted(m.value for m in acquirer.took_from(buyer))
    refunds = Refund.objects.filter(status=RefundStatus.SUCCEEDED).values_list("amount_value", flat=True)
    cancels = Cancel.objects.filter(status=CancelStatus.CONFIRMED, payment__paid_at__isnull=False)
    given = [*refunds, *cancels.values_list("amount_value", flat=True)]
    assert sorted(given) == sorted(m.value for m in acquirer.gave_back_to(buyer))
    assert Payment.objects.filter(status=PaymentStatus.PROCESSING).count() == 0
    assert work.next_due() is None or WalletAccount.objects.filter(due_at__isnull=False).exists()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.usefixtures("agreement")
def test_at_pay(order: Order, shop: Shop, acquirer: Acquirer, moment: str) -> None:
    with killed(moment, "pay"):
        shop.charges(order)
    assert Payment.objects.get().status == PaymentStatus.PROCESSING
    shop.clock_moves(minutes=15)
    order.refresh_from_db()
    ended = (Payment.objects.get().status, order.status)
    assert (
        ended
        == {
            "before the wire": (PaymentStatus.FAILED, OrderStatus.INIT),
            "after the wire": (PaymentStatus.SUCCEEDED, OrderStatus.PAID),
        }[moment]
    )
    assert len(acquirer.calls("pay")) == (moment == "after the wire")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.usefixtures("agreement")
def test_at_the_clocks_question_and_cancel(order: Order, shop: Shop, acquirer: Acquirer, moment: str) -> None:
    acquirer.will("payment_stays_processing", expires=False)
    shop.charges(order)
    with killed(moment, "inquiryPayment"):
        shop.clock_moves(seconds=10)
    with killed(moment, "cancel"):
        shop.clock_moves(minutes=10)
    shop.clock_moves(minutes=15)
    order.refresh_from_db()
    assert (Payment.objects.get().status, Cancel.objects.get().status, order.status) == (
        PaymentStatus.CANCELLED,
        CancelStatus.CONFIRMED,
        OrderStatus.INIT,
    )


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.usefixtures("agreement")
def test_at_cancel(order: Order, shop: Shop, moment: str) -> None:
    payment = shop.charges(order)
    with killed(moment, "cancel"):
        shop.cancels(payment)
    shop.clock_moves(minutes=15)
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, order.status, payment.returned_value) == (
        PaymentStatus.CANCELLED,
        OrderStatus.CANCELLED,
        499_00,
    )


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.usefixtures("agreement")
def test_at_refund_and_at_asking_about_it(order: Order, shop: Shop, acquirer: Acquirer, moment: str) -> None:
    acquirer.will("refund_stays_processing", seconds=400)  # no message comes before the clock asks
    payment = shop.charges(order)
    with killed(moment, "refund"):
        shop.refunds(payment, PHP(100_00))
    with killed(moment, "inquiryRefund"):
        shop.clock_moves(minutes=5)
    shop.clock_moves(minutes=15)
    payment.refresh_from_db()
    assert (Refund.objects.get().status, payment.returned_value) == (RefundStatus.SUCCEEDED, 100_00)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("way", ["inquiryPayment", "cancel"])
def test_at_giving_kept_money_back(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer, way: str, moment: str
) -> None:
    acquirer.will("answer_code", api="pay", code="PROCESS_FAIL", work_done=True)
    payment = shop.charges(order)
    shop.clock_moves(minutes=1)
    with killed(moment, way):
        shop.gives_back(payment)
    if way == "inquiryPayment":
        assert Cancel.objects.count() == 0  # nothing was promised yet: the person acts again
        shop.gives_back(payment)
    shop.clock_moves(minutes=15)
    payment.refresh_from_db()
    assert (payment.status, payment.kept_returned_value) == (PaymentStatus.FAILED, 499_00)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def live_tokens(acquirer: Acquirer) -> int:
    tokens = SandboxControl(acquirer.sandbox.url).tokens()
    return sum(token["status"] == "ACTIVE" and token["kind"] == "AGREEMENT" for token in tokens)


@pytest.mark.parametrize("moment", MOMENTS)
def test_at_revoke(buyer: Customer, shop: Shop, acquirer: Acquirer, moment: str) -> None:
    wallet = buyer.binds("GCASH")
    with killed(moment, "revoke"):
        binding.revoke(wallet, by=STAFF)
    shop.clock_moves(minutes=15)
    wallet.refresh_from_db()
    assert (wallet.status, live_tokens(acquirer)) == (WalletStatus.REVOKED, 0)


@pytest.mark.parametrize("moment", MOMENTS)
def test_at_refresh(buyer: Customer, shop: Shop, acquirer: Acquirer, moment: str) -> None:
    wallet = buyer.binds("GCASH")
    with killed(moment, "applyToken"):
        binding.refresh(wallet)
    shop.clock_moves(minutes=15)
    wallet.refresh_from_db()
    assert (wallet.status, live_tokens(acquirer)) == (WalletStatus.ACTIVE, 1)
    assert shop.charges(shop.sells("Pass", PHP(10_00), to=buyer)).status == PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("moment", MOMENTS)
def test_at_redeeming_a_code(buyer: Customer, shop: Shop, acquirer: Acquirer, moment: str) -> None:
    buyer.owns("GCASH")
    attempt = buyer.begins("GCASH")
    assert isinstance(attempt, Authorization)
    code, _ = buyer.agrees(attempt)
    with killed(moment, "applyToken"):
        binding.redeem(attempt, Secret(code), heard_from=Messenger.BUYER)
    shop.clock_moves(hours=1)
    attempt.refresh_from_db()
    expected = {"before the wire": AuthorizationStatus.BOUND, "after the wire": AuthorizationStatus.FAILED}
    assert attempt.status == expected[moment]  # the code was used up: authorize again, and nothing was charged
    assert acquirer.took_from(buyer) == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_at_consult(buyer: Customer, shop: Shop, moment: str) -> None:
    buyer.owns("GCASH")
    with killed(moment, "consult"):
        buyer.begins("GCASH")
    shop.clock_moves(hours=1)
    assert Authorization.objects.get().status == AuthorizationStatus.EXPIRED
    assert buyer.binds("GCASH").status == WalletStatus.ACTIVE


RECORDS: list[tuple[str, Callable[[Shop, Payment], Any]]] = [
    ("payments.operations.cancels.record_cancel_result", lambda shop, payment: shop.cancels(payment)),
    ("payments.operations.refunds.record_refund_result", lambda shop, payment: shop.refunds(payment, PHP(100_00))),
]


@pytest.mark.parametrize(("seam", "act"), RECORDS, ids=["cancel", "refund"])
@pytest.mark.usefixtures("agreement")
def test_over_and_over_at_the_same_record(
    order: Order, shop: Shop, seam: str, act: Callable[[Shop, Payment], Any]
) -> None:
    """Three processes in a row die with the answer in hand."""
    payment = shop.charges(order)

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(seam, die)
        with pytest.raises(Killed):
            act(shop, payment)
        for _ in range(2):
            try:
                shop.clock_moves(minutes=5)
            except Killed:
                continue
    shop.clock_moves(hours=1)
    payment.refresh_from_db()
    assert payment.returned_value in (499_00, 100_00)
    assert not Cancel.objects.filter(status=CancelStatus.REQUESTED).exists()
    assert not Refund.objects.filter(status=RefundStatus.PROCESSING).exists()


def test_a_message_whose_handler_dies_is_applied_by_the_worker(
    order: Order, shop: Shop, acquirer: Acquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(order)

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("payments.notifications.record_payment_result", die)
        acquirer.tick()  # the acquirer gets no answer
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.PROCESSING
    paying.ask(payment)
    shop.clock_moves(minutes=5)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED
    assert not work.run_all_due()
