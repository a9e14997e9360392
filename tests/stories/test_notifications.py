"""Messages from the acquirer: verified, stored, applied once, answered; forged ones change nothing."""

import json
from typing import Any

import pytest
import requests

from payments.states import PaymentStatus
from portal import inbox
from portal.acquirer import signing
from portal.models import AcquirerAccount, Incident, Notification, NotificationStatus
from portal.sandbox.server import Sandbox
from tests.story import PHP, Acquirer, Customer, Shop

ACCEPTED = {"result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"}}


@pytest.fixture
def deliver(account: AcquirerAccount, sandbox: Sandbox, portal_url: str) -> Any:
    """Send a message as the acquirer would, or with something wrong about it."""

    def send(
        message: object, *, key: Any = None, kind: str = "payment", body: bytes | None = None, **wrong: str
    ) -> Any:
        path = f"/notify/{account.slug}/{kind}"
        sent = body if body is not None else json.dumps(message).encode()
        signed_with = key or signing.load_private_key(sandbox.engine.context.keys.acquirer)
        content = signing.content_to_sign("POST", wrong.get("path", path), account.client_id, "1772416800000", sent)
        headers = {
            "client-id": wrong.get("client", account.client_id),
            "request-time": wrong.get("time", "1772416800000"),
            "signature": signing.signature_header(signing.sign(signed_with, content)),
            "content-type": "application/json; charset=UTF-8",
        }
        return requests.post(
            portal_url + path, data=wrong.get("sent", "").encode() or sent, headers=headers, timeout=10
        )

    return send


def paid_message(payment_request_id: str, value: str = "49900") -> dict[str, Any]:
    return {
        "notifyType": "PAYMENT_RESULT",
        "result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success"},
        "paymentRequestId": payment_request_id,
        "paymentId": "202603021140108001001888A0210000042",
        "paymentAmount": {"currency": "PHP", "value": value},
        "paymentCreateTime": "2026-03-02T10:00:00+08:00",
        "paymentTime": "2026-03-02T10:00:01+08:00",
    }


def test_the_same_message_many_times_is_one_row_and_one_effect(
    buyer: Customer, shop: Shop, acquirer: Acquirer, deliver: Any
) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_lost", notification="notifyPayment")
    payment = shop.charges(shop.sells("Pass", PHP(499_00), to=buyer))
    for _ in range(5):
        assert deliver(paid_message(payment.payment_request_id)).json() == ACCEPTED
    payment.refresh_from_db()
    row = Notification.objects.get(subject=payment.payment_request_id)
    assert (payment.status, row.status, row.deliveries) == (PaymentStatus.SUCCEEDED, NotificationStatus.APPLIED, 5)
    assert payment.changes.filter(target="SUCCEEDED").count() == 1


def test_a_message_for_something_unknown_is_kept_acknowledged_and_tried_again(
    buyer: Customer, shop: Shop, deliver: Any
) -> None:
    assert deliver(paid_message("P20260302NOBODYKNOWSTHIS00")).json() == ACCEPTED
    row = Notification.objects.get()
    assert row.status == NotificationStatus.WAITING
    shop.clock_moves(days=3)
    row.refresh_from_db()
    assert row.status == NotificationStatus.UNAPPLIED
    assert Incident.objects.get().kind == inbox.UNAPPLIED


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/notify/sandbox/other"},
        {"client": "SANDBOX_SOMEBODY_ELSE"},
        {"time": "1772416800001"},
        {"sent": '{"notifyType": "PAYMENT_RESULT"}'},
    ],
    ids=["path", "client", "time", "body"],
)
def test_whatever_was_tampered_with_is_refused(
    buyer: Customer, shop: Shop, acquirer: Acquirer, deliver: Any, wrong: dict[str, str]
) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(shop.sells("Pass", PHP(499_00), to=buyer))
    answer = deliver(paid_message(payment.payment_request_id), **wrong)
    payment.refresh_from_db()
    assert answer.status_code == 401
    assert payment.status == PaymentStatus.PROCESSING
    assert Notification.objects.filter(is_verified=True, kind="notifyPayment").count() == 0


def test_a_forged_copy_does_not_shut_out_the_real_message(
    buyer: Customer, shop: Shop, acquirer: Acquirer, deliver: Any
) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(shop.sells("Pass", PHP(499_00), to=buyer))
    message = paid_message(payment.payment_request_id)
    assert deliver(message, key=signing.new_private_key()).status_code == 401
    assert deliver(message).status_code == 200
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED


def test_forged_messages_are_kept_up_to_a_cap(shop: Shop, deliver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "UNVERIFIED_KEPT", 3)
    stranger = signing.new_private_key()
    for number in range(6):
        deliver(paid_message(f"P{number}"), key=stranger)
    assert Notification.objects.filter(status=NotificationStatus.REFUSED).count() == 3


def test_pending_is_not_paid(buyer: Customer, shop: Shop, acquirer: Acquirer, deliver: Any) -> None:
    buyer.binds("GCASH")
    acquirer.will("payment_stays_processing", seconds=30)
    payment = shop.charges(shop.sells("Pass", PHP(499_00), to=buyer))
    deliver(paid_message(payment.payment_request_id) | {"notifyType": "PAYMENT_PENDING"})
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.PROCESSING


def test_a_failure_after_a_success_is_kept_and_changes_nothing(
    buyer: Customer, shop: Shop, acquirer: Acquirer, deliver: Any
) -> None:
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Pass", PHP(499_00), to=buyer))
    message = paid_message(payment.payment_request_id)
    message["result"] = {"resultCode": "PROCESS_FAIL", "resultStatus": "F", "resultMessage": "failed"}
    deliver(message)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED
    assert [c.said for c in payment.contradictions.all()] == ["FAIL"]
    assert Incident.objects.get().kind == "PAYMENT_CONTRADICTION"


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b"null", b'"text"', b"{}", b'{"notifyType": "PAYMENT_RESULT"}', b"\xff\xfe", b"[" * 5000],
)
def test_what_cannot_be_read_is_kept_for_a_person(shop: Shop, deliver: Any, body: bytes) -> None:
    answer = deliver(None, body=body) if body else deliver(None, body=b" ")
    assert answer.status_code == 200
    assert Notification.objects.get().status == NotificationStatus.UNAPPLIED
    assert Incident.objects.get().kind == inbox.UNAPPLIED


def test_other_methods_accounts_and_sizes_are_refused(shop: Shop, portal_url: str) -> None:
    assert requests.get(f"{portal_url}/notify/sandbox/payment", timeout=10).status_code == 405
    assert requests.post(f"{portal_url}/notify/nobody/payment", timeout=10).status_code == 404
    large = requests.post(f"{portal_url}/notify/sandbox/payment", data=b"x" * (inbox.LARGEST_BODY + 1), timeout=10)
    assert large.status_code == 413
    assert requests.post(f"{portal_url}/notify/sandbox/payment", data=b"{}", timeout=10).status_code == 401
    assert Notification.objects.filter(is_verified=True).count() == 0
