"""Fifty clients in two processes press the button at once, at a portal of several processes.

Told in exact figures: what moved and what did not, how many calls crossed the wire, and what every client heard.
"""

import json
import threading
from collections import Counter
from typing import Any

import pytest

from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from payments.models import Cancel, Order, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, RefundStatus
from portal import clock
from portal.acquirer import signing
from portal.models import AcquirerKey, JournalEntry, Notification
from tests.concurrency.client import Wish, all_at_once
from tests.crash import books
from tests.crash.premises import WORKER, Premises
from tests.crash.town import Shopper, Town
from tests.factories import acquirer_key

CLIENTS = 50


@pytest.fixture
def ana(town: Town) -> Shopper:
    """Somebody with a session."""
    ana = town.shopper("ana")
    ana.comes_in()
    return ana


def wish(shopper: Shopper, path: str, body: dict[str, Any], *, key: str = "", token: str = "") -> Wish:
    """A POST to the API, under a fresh key unless one is given."""
    headers = {
        "Authorization": f"Bearer {token or shopper.caller.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": key or clock.fresh_id("K"),
    }
    return Wish(f"{shopper.town.premises.url}/api/v1/{path}", json.dumps(body), headers)


def heard(answers: list[Any]) -> Counter[tuple[int, str]]:
    return Counter(answer.said for answer in answers)


def calls(town: Town, api: str) -> int:
    """How many calls crossed the wire."""
    return len(town.control.calls(api=api))


def moved(town: Town, name: str = "ana") -> tuple[list[int], list[int]]:
    """What left the purse, and what came back."""
    taken, given = town.control.taken_from(name), town.control.given_back_to(name)
    return [one.value for one in taken], [one.value for one in given]


def test_fifty_pays_of_one_order_debit_once(town: Town, ana: Shopper) -> None:
    wallet_id, number = ana.binds("GCASH"), ana.orders("PHP")
    body = {"wallet_id": wallet_id, "terminal_type": "WAP", "os_type": "ANDROID"}

    answers = all_at_once([wish(ana, f"orders/{number}/pay", body) for _ in range(CLIENTS)])

    assert heard(answers) == {(200, ""): 1, (409, "order_not_payable"): CLIENTS - 1}
    assert calls(town, "pay") == 1
    assert moved(town) == ([499_00], [])
    assert (Payment.objects.get().status, Order.objects.get().status) == (PaymentStatus.SUCCEEDED, OrderStatus.PAID)
    assert books.complaints(town) == []


def test_one_key_from_ten_clients_is_one_payment(town: Town, ana: Shopper) -> None:
    wallet_id, number = ana.binds("GCASH"), ana.orders("PHP")
    body = {"wallet_id": wallet_id, "terminal_type": "WAP", "os_type": "ANDROID"}

    answers = all_at_once([wish(ana, f"orders/{number}/pay", body, key="the-key") for _ in range(10)])

    assert set(heard(answers)) == {(200, "")}
    assert {answer.body["payment"]["id"] for answer in answers} == {Payment.objects.get().payment_request_id}
    assert {answer.body["status"] for answer in answers} <= {"PAID", "PENDING"}
    assert ana.pays(number, str(wallet_id), key="the-key")["status"] == "PAID"
    assert calls(town, "pay") == 1
    assert moved(town) == ([499_00], [])


def test_fifty_refunds_give_back_no_more_than_was_paid(town: Town, ana: Shopper) -> None:
    number = ana.buys()
    body = {"amount": {"value": "2000", "currency": "PHP"}}

    answers = all_at_once(
        [wish(ana, f"orders/{number}/refunds", body, token=town.server.token) for _ in range(CLIENTS)]
    )

    assert heard(answers) == {(201, ""): 24, (422, "refund_exceeds_payment"): CLIENTS - 24}  # 24 × 20.00 of 499.00
    assert len({answer.body["id"] for answer in answers if answer.status == 201}) == 24
    assert calls(town, "refund") == 24
    assert moved(town) == ([499_00], [20_00] * 24)
    assert Counter(Refund.objects.values_list("status", flat=True)) == {RefundStatus.SUCCEEDED: 24}
    assert Payment.objects.get().returned_value == 480_00
    assert books.complaints(town) == []


def test_fifty_cancels_are_one(town: Town, ana: Shopper) -> None:
    number = ana.buys()

    answers = all_at_once([wish(ana, f"orders/{number}/cancel", {}, token=town.server.token) for _ in range(CLIENTS)])

    assert set(heard(answers)) <= {(200, ""), (409, "order_not_withdrawable")}
    assert calls(town, "cancel") == 1
    assert moved(town) == ([499_00], [499_00])
    assert Cancel.objects.get().status == CancelStatus.CONFIRMED
    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert books.complaints(town) == []


def test_refunds_and_cancels_of_one_order_at_once(premises: Premises, town: Town, ana: Shopper) -> None:
    number = ana.buys()
    part = {"amount": {"value": "10000", "currency": "PHP"}}
    premises.start(WORKER)

    answers = all_at_once(
        [wish(ana, f"orders/{number}/refunds", part, token=town.server.token) for _ in range(CLIENTS // 2)]
        + [wish(ana, f"orders/{number}/cancel", {}, token=town.server.token) for _ in range(CLIENTS // 2)]
    )
    premises.clock_moves(minutes=30)

    known = {"cancel_not_possible", "refund_not_possible", "refund_exceeds_payment", "order_not_withdrawable", ""}
    assert {code for _, code in heard(answers)} <= known
    taken, given = moved(town)
    assert taken == [499_00]
    if Cancel.objects.exclude(status=CancelStatus.REFUSED).exists():
        assert (given, Refund.objects.count()) == ([499_00], 0)
    else:
        assert (given, Refund.objects.count()) == ([100_00] * 4, 4)
    assert books.complaints(town) == []


def test_two_people_at_the_desk_refund_everything_at_once(town: Town, ana: Shopper) -> None:
    number = ana.buys()
    payment = Payment.objects.get(order__number=number)
    clerks = [town.staff("omar"), town.staff("sari")]
    for clerk in clerks:
        clerk.signs_in()
    forms = [clerk.opens(payment, "refund") for clerk in clerks]
    pages: list[str] = []
    start = threading.Barrier(2)

    def press(form: Any) -> None:
        start.wait(30)
        pages.append(form.is_sent(reason_code="DAMAGED"))

    threads = [threading.Thread(target=press, args=(form,)) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum("499.00 PHP went back to GCash" in page for page in pages) == 1, pages
    assert calls(town, "refund") == 1
    assert moved(town) == ([499_00], [499_00])
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    assert JournalEntry.objects.filter(act="refund").count() == 1
    assert books.complaints(town) == []


def test_one_notification_delivered_fifty_times_counts_once(town: Town, ana: Shopper) -> None:
    town.control.fault("answer_lost", api="pay")
    town.control.fault("notification_lost", notification="notifyPayment")
    number = ana.orders("PHP")
    assert ana.pays(number, str(ana.binds("GCASH")))["status"] == "PENDING"
    payment = Payment.objects.get()
    path, at = "/notify/sandbox/payment", "1795200000000"
    body = json.dumps(
        {
            "notifyType": "PAYMENT_RESULT",
            "result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"},
            "paymentRequestId": payment.payment_request_id,
            "paymentId": town.control.payments(order_id=number)[0]["payment_id"],
            "paymentAmount": {"currency": "PHP", "value": "49900"},
        }
    )
    AcquirerKey.objects.create(
        account=town.account, version="9", public_key=signing.public_pem(acquirer_key().public_key())
    )
    content = signing.content_to_sign("POST", path, town.account.client_id, at, body.encode())
    headers = {
        "client-id": town.account.client_id,
        "request-time": at,
        "signature": signing.signature_header(signing.sign(acquirer_key(), content), key_version="9"),
        "content-type": "application/json; charset=UTF-8",
    }

    answers = all_at_once([Wish(town.premises.url + path, body, headers)] * CLIENTS)

    assert {answer.status for answer in answers} == {200}
    assert {answer.body["result"]["resultCode"] for answer in answers} == {"SUCCESS"}
    row = Notification.objects.get(kind="notifyPayment")
    assert (row.deliveries, row.status) == (CLIENTS, "APPLIED")
    payment.refresh_from_db()
    assert [change.target for change in payment.changes.all()] == [PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED]
    assert payment.order.changes.count() == 1
    assert calls(town, "inquiryPayment") == 0  # no question inside a notification


def test_ten_buyers_who_bring_one_code_at_once_bind_one_wallet(town: Town) -> None:
    buyers = [town.newcomer() for _ in range(10)]
    attempts = [buyer.begins("GCASH") for buyer in buyers]
    code = buyers[0].agrees(attempts[0])["auth_code"]
    wishes = [
        wish(buyer, f"authorizations/{one['id']}/code", {"auth_code": code, "auth_state": one["auth_state"]})
        for buyer, one in zip(buyers, attempts, strict=True)
    ]

    answers = all_at_once(wishes)

    assert heard(answers) == {(200, ""): 1, (422, "auth_state_mismatch"): 9}
    assert calls(town, "applyToken") == 1
    assert WalletAccount.objects.get().status == WalletStatus.ACTIVE
    assert Counter(Authorization.objects.values_list("status", flat=True)) == {
        AuthorizationStatus.BOUND: 1,
        AuthorizationStatus.OFFERED: 9,
    }


def test_ten_requests_with_ones_own_code_bind_one_wallet(town: Town, ana: Shopper) -> None:
    begun = ana.begins("GCASH")
    code = ana.agrees(begun)

    answers = all_at_once([wish(ana, f"authorizations/{begun['id']}/code", dict(code)) for _ in range(10)])

    assert set(heard(answers)) == {(200, "")}
    assert {answer.body["status"] for answer in answers} <= {"BOUND", "CODE_RECEIVED"}
    assert calls(town, "applyToken") == 1
    assert WalletAccount.objects.get().status == WalletStatus.ACTIVE
