"""Twenty people press the button at once. Exact money, exact rows, on SQLite and on PostgreSQL."""

import functools
import json
import random
from collections import Counter
from typing import Any

import pytest
import requests

from authorizations import operations as binding
from authorizations.states import WalletStatus
from payments import operations as paying
from payments.errors import CancelNotPossible, OrderNotPayable, RefundExceedsPayment, RefundNotPossible
from payments.models import Cancel, Order, Payment, Refund
from payments.operations import calling_off
from payments.states import CancelStatus, Messenger, OrderStatus, PaymentStatus, ReasonCode, RefundStatus
from portal import idempotency, work
from portal.acquirer import signing
from portal.acquirer.results import Outcome, PaymentResult
from portal.idempotency import KeyInFlight
from portal.models import AcquirerAccount, IdempotencyKey, Incident, Notification
from portal.sandbox.server import Sandbox
from tests.concurrency.crowd import all_at_once, refusals, times
from tests.story import PHONE, PHP, Acquirer, Customer, Shop

MANY = 20


@pytest.fixture
def order(buyer: Customer, shop: Shop) -> Order:
    """499.00 PHP, to be paid from a bound wallet."""
    buyer.binds("GCASH")
    return shop.sells("Monthly pass", PHP(499_00), to=buyer)


@pytest.fixture
def paid(order: Order, shop: Shop) -> Payment:
    """The same, paid."""
    payment = shop.charges(order)
    assert payment.status == PaymentStatus.SUCCEEDED
    return payment


def given_back(acquirer: Acquirer, buyer: Customer) -> int:
    return sum(money.value for money in acquirer.gave_back_to(buyer))


def agreed(payment: Payment) -> Payment:
    """The payment's row, once its sums are what its cancels and refunds say."""
    payment.refresh_from_db()
    promised = sum(
        Refund.objects.filter(payment=payment, gives_back_kept=False)
        .exclude(status=RefundStatus.FAILED)
        .values_list("amount_value", flat=True)
    ) + sum(
        Cancel.objects.filter(payment=payment, gives_back_kept=False)
        .exclude(status=CancelStatus.REFUSED)
        .values_list("amount_value", flat=True)
    )
    assert payment.returned_value == promised <= payment.amount_value
    return payment


def test_twenty_pays_of_one_order_debit_once(order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    wallet = buyer.wallet()
    outcomes = all_at_once(
        *times(MANY, lambda: paying.pay(order, wallet, by=buyer.by, terminal=PHONE)),
    )
    assert refusals(outcomes, OrderNotPayable) == MANY - 1
    assert Payment.objects.get().status == PaymentStatus.SUCCEEDED
    assert acquirer.took_from(buyer) == [PHP(499_00)]
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert order.changes.count() == 1


def test_twenty_pays_of_one_order_with_the_answer_lost_debit_once(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("answer_lost", api="pay", calls=MANY)
    wallet = buyer.wallet()
    outcomes = all_at_once(*times(MANY, lambda: paying.pay(order, wallet, by=buyer.by, terminal=PHONE)))
    assert refusals(outcomes, OrderNotPayable) == MANY - 1
    shop.clock_moves(minutes=5)
    assert Payment.objects.get().status == PaymentStatus.SUCCEEDED
    assert acquirer.took_from(buyer) == [PHP(499_00)]
    assert len(acquirer.calls("pay")) == 1


def test_twenty_refunds_that_together_exceed_the_payment(
    paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    outcomes = all_at_once(*times(MANY, lambda: shop.refunds(Payment.objects.get(pk=paid.pk), PHP(50_00))))
    assert refusals(outcomes, RefundExceedsPayment) == MANY - 9  # 9 × 50.00 go into 499.00
    assert Counter(refund.status for refund in Refund.objects.all()) == {RefundStatus.SUCCEEDED: 9}
    assert agreed(paid).returned_value == 450_00
    assert acquirer.gave_back_to(buyer) == [PHP(50_00)] * 9


def test_two_refunds_of_everything_are_one(paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    outcomes = all_at_once(*times(2, lambda: shop.refunds(Payment.objects.get(pk=paid.pk), PHP(499_00))))
    assert refusals(outcomes, RefundExceedsPayment) == 1
    paid.order.refresh_from_db()
    assert (agreed(paid).returned_value, paid.order.status) == (499_00, OrderStatus.REFUNDED)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_twenty_cancels_are_one(paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    outcomes = all_at_once(*times(MANY, lambda: shop.cancels(paid)))
    shop.clock_moves(minutes=5)
    assert refusals(outcomes) == 0
    assert {cancel.pk for cancel in outcomes} == {Cancel.objects.get().pk}
    assert Cancel.objects.get().status == CancelStatus.CONFIRMED
    paid.order.refresh_from_db()
    assert (agreed(paid).status, paid.order.status) == (PaymentStatus.CANCELLED, OrderStatus.CANCELLED)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


@pytest.mark.parametrize("fault", [None, "answer_lost", "http_500"])
def test_refunds_and_cancels_at_once_never_give_back_more_than_was_paid(
    paid: Payment, buyer: Customer, shop: Shop, acquirer: Acquirer, fault: str | None
) -> None:
    if fault:
        acquirer.will(fault, api="refund", calls=3)
        acquirer.will(fault, api="cancel", calls=3)
    outcomes = all_at_once(
        *times(10, lambda: shop.cancels(paid)),
        *times(10, lambda: shop.refunds(Payment.objects.get(pk=paid.pk), PHP(100_00))),
    )
    shop.clock_moves(hours=2)
    agreed(paid)
    if Cancel.objects.exclude(status=CancelStatus.REFUSED).exists():
        assert refusals(outcomes[10:], RefundNotPossible) + refusals(outcomes[10:], RefundExceedsPayment) == 10
        assert acquirer.gave_back_to(buyer) == [PHP(499_00)]
    else:
        assert refusals(outcomes[:10], CancelNotPossible) == 10
        assert refusals(outcomes[10:], RefundExceedsPayment) == 6
        assert acquirer.gave_back_to(buyer) == [PHP(100_00)] * 4
    assert given_back(acquirer, buyer) == paid.returned_value


def test_withdrawing_and_paying_at_once_end_in_one_of_the_two(
    order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.wallet()
    all_at_once(
        *times(8, lambda: paying.withdraw(order, by=buyer.by)),
        *times(8, lambda: paying.pay(order, wallet, by=buyer.by, terminal=PHONE)),
    )
    order.refresh_from_db()
    if order.status == OrderStatus.CANCELLED:
        assert Payment.objects.count() == 0
        assert acquirer.took_from(buyer) == []
    else:
        assert (order.status, Payment.objects.get().status) == (OrderStatus.PAID, PaymentStatus.SUCCEEDED)
        assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_revoking_and_paying_at_once(order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    wallet = buyer.wallet()
    all_at_once(
        *times(5, lambda: binding.revoke(buyer.wallet(), by=buyer.by)),
        *times(5, lambda: paying.pay(order, wallet, by=buyer.by, terminal=PHONE)),
        *times(3, lambda: binding.refresh(buyer.wallet())),
    )
    shop.clock_moves(minutes=10)
    assert buyer.wallet().status == WalletStatus.REVOKED
    paid = Payment.objects.filter(status=PaymentStatus.SUCCEEDED).count()
    assert paid <= 1
    assert acquirer.took_from(buyer) == [PHP(499_00)] * paid


def notified(account: AcquirerAccount, sandbox: Sandbox, portal_url: str, message: dict[str, Any]) -> int:
    """Send a signed notifyPayment as the acquirer does; the HTTP status of the answer."""
    path = f"/notify/{account.slug}/payment"
    body = json.dumps(message).encode()
    key = signing.load_private_key(sandbox.engine.context.keys.acquirer)
    content = signing.content_to_sign("POST", path, account.client_id, "1772416800000", body)
    headers = {
        "client-id": account.client_id,
        "request-time": "1772416800000",
        "signature": signing.signature_header(signing.sign(key, content)),
        "content-type": "application/json; charset=UTF-8",
    }
    return requests.post(portal_url + path, data=body, headers=headers, timeout=60).status_code


def says(payment: Payment, code: str = "SUCCESS", letter: str = "S") -> dict[str, Any]:
    return {
        "notifyType": "PAYMENT_RESULT",
        "result": {"resultCode": code, "resultStatus": letter, "resultMessage": code.lower()},
        "paymentRequestId": payment.payment_request_id,
        "paymentId": "202603021140108001001888A0210000042",
        "paymentAmount": {"currency": "PHP", "value": "49900"},
        "paymentTime": "2026-03-02T10:00:01+08:00",
    }


def test_one_notification_delivered_thirty_times_at_once_counts_once(
    order: Order, shop: Shop, acquirer: Acquirer, sandbox: Sandbox, portal_url: str
) -> None:
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_lost", notification="notifyPayment")
    payment = shop.charges(order)
    send = functools.partial(notified, shop.account, sandbox, portal_url, says(payment))
    assert all_at_once(*times(30, send)) == [200] * 30
    row = Notification.objects.get(kind="notifyPayment")
    payment.refresh_from_db()
    assert (row.deliveries, row.status, payment.status) == (30, "APPLIED", PaymentStatus.SUCCEEDED)
    assert [change.target for change in payment.changes.all()] == ["PROCESSING", "SUCCEEDED"]
    assert payment.order.changes.count() == 1


def test_news_that_contradict_each_other_at_once_end_in_one_final_status(
    order: Order, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_lost", notification="notifyPayment")
    payment = shop.charges(order)
    good = PaymentResult(outcome=Outcome.SUCCESS, code="SUCCESS", amount=PHP(499_00))
    bad = PaymentResult(outcome=Outcome.FAIL, code="PROCESS_FAIL")

    def hears(result: PaymentResult, messenger: Messenger) -> None:
        paying.record_payment_result(Payment.objects.get(pk=payment.pk), result, heard_from=messenger)

    all_at_once(
        *times(10, lambda: hears(good, Messenger.NOTIFICATION)),
        *times(10, lambda: hears(bad, Messenger.PAY_ANSWER)),
        *times(5, lambda: paying.ask(Payment.objects.get(pk=payment.pk))),
    )
    shop.comes_to_rest()  # the acquirer is asked who is right: the money was taken
    payment.refresh_from_db()
    assert payment.changes.count() == 2
    contradiction = payment.contradictions.get()
    is_open = contradiction.settled_at is None
    assert (payment.status, contradiction.said, is_open) in {
        (PaymentStatus.SUCCEEDED, "FAIL", False),
        (PaymentStatus.FAILED, "SUCCESS", True),
    }
    assert Incident.objects.filter(closed_at=None).count() == is_open


def test_one_key_from_ten_clients_makes_one_payment(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    """Ten different orders under one key: no other lock could save us."""
    wallet = buyer.binds("GCASH")
    orders = [shop.sells(f"Pass {number}", PHP(499_00), to=buyer) for number in range(10)]

    def remember(row: Any) -> None:
        idempotency.remember("client", "key", "body", resource_type=row._meta.label, resource_id=str(row.pk))

    outcomes = all_at_once(
        *(
            functools.partial(paying.pay, order, wallet, by=buyer.by, terminal=PHONE, remember=remember)
            for order in orders
        )
    )
    assert refusals(outcomes, KeyInFlight) == 9
    assert IdempotencyKey.objects.get().resource_id == str(Payment.objects.get().pk)
    assert acquirer.took_from(buyer) == [PHP(499_00)]


def test_two_workers_handle_each_due_row_once(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay", calls=30)
    acquirer.will("notification_lost", notification="notifyPayment", calls=30)
    payments = [shop.charges(shop.sells(f"Pass {n}", PHP(10_00), to=buyer)) for n in range(30)]
    assert {payment.status for payment in payments} == {PaymentStatus.PROCESSING}
    due_at = max(Payment.objects.values_list("due_at", flat=True))
    shop.clock_stands_at(due_at)

    lines = [line for outcome in all_at_once(*times(2, work.run_all_due)) for line in outcome]

    assert len(lines) == 30
    assert len(acquirer.calls("inquiryPayment")) == 30
    assert Counter(Payment.objects.values_list("questions_asked", "status")) == {(1, PaymentStatus.SUCCEEDED): 30}
    assert acquirer.took_from(buyer) == [PHP(10_00)] * 30


def test_two_workers_cancel_and_refund_each_row_once(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    payments = [shop.charges(shop.sells(f"Pass {n}", PHP(10_00), to=buyer)) for n in range(20)]
    acquirer.will("request_lost", api="cancel", calls=10)
    acquirer.will("answer_lost", api="refund", calls=10)
    for payment in payments[:10]:
        shop.cancels(payment)
    for payment in payments[10:]:
        shop.refunds(payment)
    moments = [*Cancel.objects.values_list("due_at", flat=True), *Refund.objects.values_list("due_at", flat=True)]
    shop.clock_stands_at(max(moments))

    lines = [line for outcome in all_at_once(*times(3, work.run_all_due)) for line in outcome]

    assert len([line for line in lines if line.startswith(("cancel", "refund"))]) == 20
    assert set(Cancel.objects.values_list("times_sent", "status")) == {(2, CancelStatus.CONFIRMED)}
    assert set(Refund.objects.values_list("times_sent", "status")) == {(1, RefundStatus.SUCCEEDED)}
    assert acquirer.gave_back_to(buyer) == [PHP(10_00)] * 20


def test_two_people_give_kept_money_back_at_once(order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("answer_code", api="pay", code="PROCESS_FAIL", work_done=True)
    payment = shop.charges(order)
    shop.clock_moves(minutes=1)
    outcomes = all_at_once(*times(8, lambda: shop.gives_back(Payment.objects.get(pk=payment.pk))))
    assert refusals(outcomes, RefundNotPossible) == 7
    payment.refresh_from_db()
    assert (payment.status, payment.kept_returned_value) == (PaymentStatus.FAILED, 499_00)
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


@pytest.mark.parametrize("seed", range(4))
def test_everybody_at_once(order: Order, buyer: Customer, shop: Shop, acquirer: Acquirer, seed: int) -> None:
    """Buyers, staff, the merchant's server, messages and three workers, on one order; then quiet, then agreement."""
    draw = random.Random(seed)
    for api in ("pay", "cancel", "refund", "inquiryPayment"):
        acquirer.will(draw.choice(["answer_lost", "request_lost", "http_500", "answer_unsigned"]), api=api, calls=2)
    wallet = buyer.wallet()

    def newest() -> Payment:
        return Payment.objects.latest("pk")

    shop.charges(order)
    acts = [
        *times(3, lambda: paying.pay(order, wallet, by=buyer.by, terminal=PHONE)),
        *times(3, lambda: paying.ask(newest(), by=shop.staff)),
        *times(3, lambda: shop.cancels(newest())),
        *times(3, lambda: shop.refunds(newest(), PHP(200_00))),
        *times(2, lambda: shop.gives_back(newest())),
        *times(2, lambda: calling_off.call_off(order, by=shop.staff, reason_code=ReasonCode.OTHER)),
        *times(3, work.run_all_due),
        *times(2, acquirer.tick),
    ]
    draw.shuffle(acts)
    all_at_once(*acts)
    acquirer.heals()
    shop.clock_moves(hours=3)

    taken = sum(money.value for money in acquirer.took_from(buyer))
    order.refresh_from_db()
    assert not Payment.objects.filter(status=PaymentStatus.PROCESSING).exists()
    kept = taken - given_back(acquirer, buyer)
    held = [agreed(payment) for payment in Payment.objects.all()]
    succeeded = [payment for payment in held if payment.status == PaymentStatus.SUCCEEDED]
    assert kept == sum(payment.amount_value - payment.returned_value for payment in succeeded)
    expected = {
        0: {OrderStatus.INIT, OrderStatus.CANCELLED},
        1: {OrderStatus.PAID, OrderStatus.REFUNDED},
    }[len(succeeded)]
    assert order.status in expected
