"""Everybody at once: answers, cancels, staff, the clock and a second worker meet in the order that hurts most."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from authorizations import operations as binding
from authorizations.operations import binding as exchanging
from authorizations.operations import tokens
from authorizations.states import AuthorizationStatus, WalletStatus
from payments import operations as paying
from payments.errors import OrderNotPayable
from payments.models import Cancel, Payment
from payments.operations import calling_off, cancels, refunds
from payments.states import CancelStatus, Messenger, OrderStatus, PaymentStatus, ReasonCode, RefundStatus
from portal import clock, registry, work
from portal.acquirer.results import (
    Advice,
    Outcome,
    PaymentResult,
    Quote,
    RefundResult,
    SignatureVerdict,
    WireExchange,
)
from portal.actor import Actor
from portal.models import AcquirerAccount, Incident, JournalEntry
from portal.sandbox.control import SandboxControl
from tests.story import PHP, Acquirer, Customer, Shop

STAFF = Actor.command("story")


class Killed(BaseException):
    """The process ends here."""


def kill(*_: Any, **__: Any) -> Any:
    raise Killed


@pytest.fixture
def order(buyer: Customer, shop: Shop) -> Any:
    """499.00 PHP, to be paid from a bound wallet."""
    buyer.binds("GCASH")
    return shop.sells("Monthly pass", PHP(499_00), to=buyer)


def cancels_a_payment(payment: Payment) -> Cancel:
    return paying.cancel(payment, by=STAFF, reason_code=ReasonCode.BUYER_REQUEST)


# A worker that looks between a promise and its sending: whoever promised is at it, and hears what comes of it.


@pytest.fixture
def looking_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    def let_the_worker_look_before(module: Any, name: str) -> None:
        send = getattr(module, name)

        def look_and_send(*args: Any, **options: Any) -> Any:
            if not options.get("is_leased"):
                for kind, due_work in registry.due_work.items():
                    work.claim(kind, due_work, work.BATCH)  # and is at it, while we go on
            return send(*args, **options)

        monkeypatch.setattr(module, name, look_and_send)

    for module, name in (
        (exchanging, "ask_token"),
        (tokens, "ask_revoke"),
        (refunds, "send"),
        (cancels, "ask_cancel"),
    ):
        let_the_worker_look_before(module, name)


@pytest.mark.usefixtures("looking_in_between")
def test_who_promised_hears_the_answer_though_a_worker_looks_in_between(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    assert wallet.authorizations.get().status == AuthorizationStatus.BOUND

    first, second = (shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer)) for _ in range(2))
    assert shop.refunds(first).status == RefundStatus.SUCCEEDED
    assert shop.cancels(second).status == CancelStatus.CONFIRMED
    assert binding.revoke(wallet, by=STAFF).status == WalletStatus.REVOKED
    for api in ("applyToken", "refund", "cancel", "revoke"):
        assert len(acquirer.calls(api)) == 1, api


# Cancels and what becomes of the payment when they do not happen.


def test_killed_after_a_refused_cancel_the_payment_is_still_asked_about(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_lost", notification="notifyPayment")
    payment = shop.charges(order)
    acquirer.will("http_500", api="cancel")
    acquirer.will("answer_code", api="cancel", code="PROCESS_FAIL")
    cancel = cancels_a_payment(payment)
    shop.clock_moves(minutes=1)
    cancel.refresh_from_db()
    assert cancel.is_refused_on_repeat

    with monkeypatch.context() as patched:
        patched.setattr(cancels, "record_payment_result", kill)
        with pytest.raises(Killed):
            paying.ask_cancel(cancel)
    shop.clock_moves(minutes=10)

    payment.refresh_from_db()
    order.refresh_from_db()
    cancel.refresh_from_db()
    assert (cancel.status, payment.status, order.status, payment.returned_value) == (
        CancelStatus.REFUSED,
        PaymentStatus.SUCCEEDED,
        OrderStatus.PAID,
        0,
    )


def test_a_cancel_that_is_refused_over_and_over_climbs_the_ladder_and_ends_as_an_incident(
    order: Any, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("payment_stays_processing", expires=False)
    payment = shop.charges(order)
    acquirer.will("http_500", api="cancel")
    acquirer.will("answer_code", api="cancel", code="PROCESS_FAIL", minutes=60 * 24 * 4)
    cancels_a_payment(payment)

    shop.clock_moves(hours=1)
    assert len(acquirer.calls("cancel")) <= 6  # at once, 1, 5, 15 minutes; not every five seconds
    assert Incident.objects.count() == 0
    shop.clock_moves(hours=40)
    assert Incident.objects.get().kind == "PAYMENT_UNKNOWN"
    calls = len(acquirer.calls("cancel"))
    shop.clock_moves(days=1)
    assert len(acquirer.calls("cancel")) <= calls + 2

    acquirer.heals()
    shop.clock_moves(days=2)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.CANCELLED
    assert Incident.objects.get().closed_at is not None


def test_a_cancel_asked_for_while_the_worker_asks_leaves_the_rest_to_the_cancel(
    order: Any, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("payment_stays_processing", expires=False)
    payment = shop.charges(order)
    acquirer.will("http_500", api="cancel", calls=3)
    acquirer.meanwhile("inquiryPayment", lambda: cancels_a_payment(Payment.objects.get()))
    shop.clock_moves(seconds=10)

    payment.refresh_from_db()
    assert (payment.due_at, payment.lease_until) == (None, None)
    asked = len(acquirer.calls("inquiryPayment"))
    shop.clock_moves(seconds=40)
    assert len(acquirer.calls("inquiryPayment")) == asked  # nobody polls beside the cancel's ladder


def test_a_final_payment_waits_for_nothing(order: Any, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("payment_stays_processing", expires=False)
    payment = shop.charges(order)

    def finishes() -> None:
        acquirer.engine.finish_payment(payment.payment_request_id)
        acquirer.tick()

    acquirer.meanwhile("inquiryPayment", finishes)
    shop.clock_moves(seconds=4)
    payment.refresh_from_db()
    assert (payment.status, payment.due_at, payment.lease_until) == (PaymentStatus.SUCCEEDED, None, None)


def test_giving_back_that_fails_when_nobody_watches_is_an_incident(order: Any, shop: Shop, acquirer: Acquirer) -> None:
    payment = shop.charges(order)
    acquirer.will("http_500", api="cancel")
    acquirer.will("answer_code", api="cancel", code="CANCEL_WINDOW_EXCEED", minutes=60)
    given = shop.gives_back(payment)
    assert given.status == CancelStatus.REQUESTED  # "it is on its way", the person reads
    shop.clock_moves(minutes=10)
    given.refresh_from_db()
    payment.refresh_from_db()
    assert (given.status, payment.returned_value) == (CancelStatus.REFUSED, 0)
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject_label) == ("CANCEL_REFUSED", payment.payment_request_id)


def test_a_person_who_presses_ten_times_climbs_no_ladder(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(order)
    acquirer.will("http_500", api="cancel", calls=12)
    for _ in range(12):
        cancel = cancels_a_payment(payment)
        paying.ask(payment, by=STAFF)
    assert (cancel.status, cancel.times_sent, cancel.attempts) == (CancelStatus.REQUESTED, 12, 1)
    assert Incident.objects.count() == 0
    shop.clock_moves(minutes=2)
    cancel.refresh_from_db()
    assert cancel.status == CancelStatus.CONFIRMED
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


def test_cancels_of_people_that_are_refused_climb_no_ladder(order: Any, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("payment_stays_processing", seconds=100, expires=False)
    payment = shop.charges(order)
    acquirer.will("answer_code", api="cancel", code="PROCESS_FAIL", minutes=3)
    for _ in range(10):
        assert cancels_a_payment(payment).status == CancelStatus.REFUSED
    assert Incident.objects.count() == 0
    shop.clock_moves(minutes=4)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED


def test_a_person_who_asks_twenty_times_does_not_bring_the_cancel_on(
    order: Any, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("payment_stays_processing", seconds=50, expires=False)
    payment = shop.charges(order)
    for _ in range(25):
        paying.ask(payment, by=STAFF)
    shop.clock_moves(minutes=1)
    payment.refresh_from_db()
    assert (payment.status, payment.cancels.count()) == (PaymentStatus.SUCCEEDED, 0)


def test_asking_about_a_cancel_is_a_line_in_the_journal(order: Any, shop: Shop, acquirer: Acquirer) -> None:
    payment = shop.charges(order)
    acquirer.will("http_500", api="cancel")
    cancel = cancels_a_payment(payment)
    from django.contrib.auth import get_user_model  # noqa: PLC0415

    person = Actor.person(get_user_model().objects.create_user("mia"))
    paying.ask_cancel(cancel, by=person)
    entry = JournalEntry.objects.get()
    assert (entry.act, entry.subject_type, entry.actor_name) == ("ask the acquirer", "payments.Cancel", "mia")


def test_an_answer_older_than_the_cancel_is_no_contradiction(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    payment = shop.charges(order)
    # We ask; before the answer arrives, the payment is cancelled; and time passes.
    acquirer.meanwhile("inquiryPayment", lambda: (shop.seconds_pass(2), cancels_a_payment(payment)))
    paying.ask(Payment.objects.get(), by=STAFF)
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.CANCELLED
    assert Incident.objects.count() == 0
    shop.comes_to_rest()
    assert len(acquirer.calls("inquiryPayment")) == 2  # asked again, and agreed with
    assert Incident.objects.count() == 0
    assert payment.contradictions.count() == 0


def test_a_refusal_is_not_believed_on_an_answer_that_is_older(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    """The acquirer says "paid"; then a cancel gets through, unheard; the old answer must not close it as refused."""
    payment = shop.charges(order)
    acquirer.will("http_500", api="cancel")
    cancel = cancels_a_payment(payment)
    acquirer.will("answer_code", api="cancel", code="PROCESS_FAIL")
    shop.clock_moves(seconds=61)
    cancel.refresh_from_db()
    assert (cancel.is_refused_on_repeat, cancel.times_sent) == (True, 2)

    def another_gets_through() -> None:
        acquirer.will("answer_lost", api="cancel")
        acquirer.will("http_500", api="inquiryPayment")
        paying.ask_cancel(Cancel.objects.get())

    acquirer.meanwhile("inquiryPayment", another_gets_through)
    paying.ask_cancel(cancel)
    cancel.refresh_from_db()
    payment.refresh_from_db()
    assert (cancel.status, payment.status, payment.returned_value) == (
        CancelStatus.CONFIRMED,
        PaymentStatus.CANCELLED,
        499_00,
    )
    assert acquirer.gave_back_to(buyer) == [PHP(499_00)]


@pytest.mark.parametrize("answer", ["it comes", "it is lost", "the payment fails"])
def test_an_order_that_was_called_off_while_it_was_being_paid_takes_no_other_payment(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer, answer: str
) -> None:
    fails = {"then": "FAIL", "code": "RISK_REJECT", "seconds": 30} if answer == "the payment fails" else {}
    acquirer.will("payment_stays_processing", expires=False, **fails)
    shop.charges(order)
    if answer != "it comes":
        acquirer.will("http_500", api="cancel")
    calling_off.call_off(order, by=Actor.merchant_server("shop"), reason_code=ReasonCode.OUT_OF_STOCK)
    shop.clock_moves(minutes=5)
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    with pytest.raises(OrderNotPayable):
        shop.charges(order)
    assert acquirer.took_from(buyer) == []


def test_a_cancelled_attempt_leaves_the_order_to_be_paid(order: Any, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("payment_stays_processing", expires=False)
    cancels_a_payment(shop.charges(order))
    order.refresh_from_db()
    assert order.status == OrderStatus.INIT


# What never left.


def unreachable(shop: Shop) -> str:
    """Let nothing listen where the acquirer was; returns where it was."""
    url = shop.account.gateway_url
    AcquirerAccount.objects.update(gateway_url="http://127.0.0.1:9")
    return url


def test_what_never_left_is_not_sent_once_a_cancel_is_wanted(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    url = unreachable(shop)
    order.refresh_from_db()
    payment = shop.charges(order)
    assert not payment.may_have_arrived
    payment = Payment.objects.get()
    AcquirerAccount.objects.update(gateway_url=url)
    cancels_a_payment(payment)
    shop.clock_moves(minutes=1)
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, payment.result_code, payment.returned_value) == (PaymentStatus.FAILED, "NEVER_SENT", 0)
    assert payment.cancels.get().status == CancelStatus.REFUSED
    assert order.status == OrderStatus.INIT
    assert acquirer.calls("pay") == []


def test_never_sent_is_not_said_of_what_was_sent_in_the_meantime(order: Any, shop: Shop, acquirer: Acquirer) -> None:
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(order)
    never = PaymentResult(outcome=Outcome.FAIL, code="NEVER_SENT", advice=Advice.NEW_ID)
    paying.record_payment_result(payment, never, heard_from=Messenger.US)  # by a worker that looked long ago
    assert payment.status == PaymentStatus.PROCESSING


def test_a_refund_that_cannot_leave_climbs_the_ladder_and_ends_as_an_incident(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    payment = shop.charges(order)
    url = unreachable(shop)
    refund = shop.refunds(Payment.objects.get(), PHP(100_00))
    shop.clock_moves(hours=1)
    refund.refresh_from_db()
    assert refund.times_sent <= 6
    shop.clock_moves(hours=40)
    assert Incident.objects.get().kind == "REFUND_UNKNOWN"

    AcquirerAccount.objects.update(gateway_url=url)
    shop.clock_moves(days=1)
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.status, payment.returned_value) == (RefundStatus.SUCCEEDED, 100_00)
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]
    assert Incident.objects.get().closed_at is not None


def test_a_refund_that_is_lost_and_denied_over_and_over_does_not_run_hot(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    payment = shop.charges(order)
    acquirer.will("request_lost", api="refund", minutes=60 * 24 * 3)
    refund = shop.refunds(payment, PHP(100_00))
    shop.clock_moves(hours=40)
    assert len(acquirer.calls("refund")) <= 10
    assert len(acquirer.calls("inquiryRefund")) <= 40
    assert Incident.objects.get().kind == "REFUND_UNKNOWN"
    acquirer.heals()
    shop.clock_moves(days=2)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]


def test_whoever_was_slow_does_not_take_the_refusal_of_a_repeat_for_that_of_the_first(
    order: Any, shop: Shop, acquirer: Acquirer, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = shop.charges(order)
    acquirer.will("answer_lost", api="refund")
    acquirer.will("notification_lost", notification="notifyRefund")
    send = refunds.send

    def slowly(refund: Any) -> Any:
        monkeypatch.setattr(refunds, "send", send)
        shop.clock_moves(seconds=21)  # the worker takes its caller for dead, sends it, and hears nothing
        acquirer.will("answer_code", api="refund", code="PROCESS_FAIL")
        return send(refund)

    monkeypatch.setattr(refunds, "send", slowly)
    refund = shop.refunds(payment, PHP(100_00))

    assert len(acquirer.calls("refund")) == 2
    assert refund.status == RefundStatus.PROCESSING
    shop.clock_moves(minutes=10)
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.status, payment.returned_value) == (RefundStatus.SUCCEEDED, 100_00)


def test_a_person_who_asks_three_times_is_not_three_denials(order: Any, shop: Shop, acquirer: Acquirer) -> None:
    payment = shop.charges(order)
    acquirer.will("request_lost", api="refund")
    refund = shop.refunds(payment, PHP(100_00))
    for _ in range(5):
        paying.ask_refund(refund, by=STAFF)
    assert (refund.times_denied, refund.times_sent) == (0, 1)
    shop.clock_moves(minutes=2)
    refund.refresh_from_db()
    assert (refund.status, refund.times_sent) == (RefundStatus.SUCCEEDED, 2)


def test_an_unbelieved_refusal_of_a_repeat_closes_nothing(
    order: Any, buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    payment = shop.charges(order)
    acquirer.will("request_lost", api="refund", calls=2)
    refund = shop.refunds(payment, PHP(100_00))
    shop.clock_moves(seconds=62)
    refund.refresh_from_db()
    assert refund.times_sent == 2
    unbelieved = WireExchange(
        api="refund", method="POST", url="http://127.0.0.1/", request_headers={}, request_body=b"{}",
        sent_at=clock.now(), duration_ms=1, verdict=SignatureVerdict.WRONG, result_code="PROCESS_FAIL",
        result_status="F", error="answer_wrongly_signed",
    )  # fmt: skip
    result = RefundResult(outcome=Outcome.UNKNOWN, code="PROCESS_FAIL", exchange=unbelieved)
    paying.record_refund_result(refund, result, heard_from=Messenger.REFUND_ANSWER)
    assert (refund.status, refund.is_refused_on_repeat) == (RefundStatus.PROCESSING, False)
    shop.clock_moves(minutes=30)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert acquirer.gave_back_to(buyer) == [PHP(100_00)]


# Answers with odd contents.


@pytest.mark.parametrize("price", [Decimal("1E+30"), Decimal("9" * 24), Decimal("1.123456789012345678901")])
def test_a_rate_nobody_can_store_does_not_keep_a_success_out(
    order: Any, shop: Shop, acquirer: Acquirer, price: Any
) -> None:
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(order)
    result = PaymentResult(
        outcome=Outcome.SUCCESS, code="SUCCESS", amount=PHP(499_00), quote=Quote(currency_pair="PHP/USD", price=price)
    )
    paying.record_payment_result(payment, result, heard_from=Messenger.NOTIFICATION)
    assert payment.status == PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("year", [1970, 9999])
def test_a_time_out_of_this_world_moves_no_deadline(order: Any, shop: Shop, acquirer: Acquirer, year: int) -> None:
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(order)
    paid_at = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    result = PaymentResult(outcome=Outcome.SUCCESS, code="SUCCESS", amount=PHP(499_00), paid_at=paid_at)
    paying.record_payment_result(payment, result, heard_from=Messenger.NOTIFICATION)
    assert payment.paid_at == clock.now()
    assert cancels_a_payment(payment).status == CancelStatus.CONFIRMED


# Tokens.


def test_two_payments_refused_for_one_dead_token_refresh_it_once(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    old_token = wallet.access_token
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN", calls=2)
    two = shop.sells("Two", PHP(10_00), to=buyer)
    acquirer.meanwhile("pay", lambda: shop.charges(two), moment="come")  # both are sent before either is answered
    assert shop.charges(shop.sells("One", PHP(10_00), to=buyer)).status == PaymentStatus.FAILED
    assert [payment.status for payment in two.payments.all()] == [PaymentStatus.FAILED]
    shop.clock_moves(minutes=2)
    wallet.refresh_from_db()
    assert (wallet.status, wallet.access_token != old_token) == (WalletStatus.ACTIVE, True)
    assert shop.charges(shop.sells("Three", PHP(10_00), to=buyer)).status == PaymentStatus.SUCCEEDED


def test_one_refusal_heard_twice_is_one_doubt(buyer: Customer, shop: Shop, acquirer: Acquirer) -> None:
    wallet = buyer.binds("GCASH")
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN")
    acquirer.will("http_500", api="applyToken", calls=3)  # the refresh takes its time; the notification comes meanwhile
    shop.charges(shop.sells("One", PHP(10_00), to=buyer))
    shop.clock_moves(minutes=20)
    wallet.refresh_from_db()
    assert (wallet.status, wallet.doubted_at is not None) == (WalletStatus.ACTIVE, True)


def test_success_with_an_older_token_says_nothing_of_the_present_one(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    acquirer.will("notification_late", notification="notifyPayment", seconds=3)
    shop.charges(shop.sells("Old", PHP(10_00), to=buyer))
    binding.refresh(wallet)
    acquirer.will("payment_fails", code="INVALID_ACCESS_TOKEN")
    shop.charges(shop.sells("New", PHP(10_00), to=buyer))
    acquirer.will("http_500", api="applyToken", minutes=2)
    shop.clock_moves(seconds=4)
    wallet.refresh_from_db()
    assert wallet.doubted_at is not None


@pytest.mark.parametrize("code", ["SYSTEM_ERROR", "PROCESS_FAIL"])
def test_a_refusal_that_is_not_about_the_token_does_not_end_the_consent(
    buyer: Customer, shop: Shop, acquirer: Acquirer, code: str
) -> None:
    wallet = buyer.binds("GCASH")
    assert wallet.access_token_expires_at is not None
    acquirer.will("http_500", api="applyToken")
    acquirer.will("answer_code", api="applyToken", code=code)
    shop.clock_moves_to(wallet.access_token_expires_at - timedelta(days=9))
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.ACTIVE
    assert shop.charges(shop.sells("One", PHP(10_00), to=buyer)).status == PaymentStatus.SUCCEEDED


def live_tokens(acquirer: Acquirer) -> int:
    tokens = SandboxControl(acquirer.sandbox.url).tokens()
    return sum(token["status"] == "ACTIVE" and token["kind"] == "AGREEMENT" for token in tokens)


def test_a_revoke_while_a_refresh_is_on_its_way_ends_the_new_token_too(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    acquirer.meanwhile("applyToken", lambda: binding.revoke(buyer.wallet(), by=STAFF))
    binding.refresh(wallet)
    shop.clock_moves(minutes=10)
    wallet.refresh_from_db()
    assert (wallet.status, wallet.access_token, wallet.refresh_token) == (WalletStatus.REVOKED, "", "")
    assert live_tokens(acquirer) == 0


def test_a_revoke_after_a_lost_refresh_says_that_a_newer_token_may_live(
    buyer: Customer, shop: Shop, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    acquirer.will("answer_lost", api="applyToken")
    binding.refresh(wallet)
    binding.revoke(wallet, by=STAFF)
    shop.clock_moves(minutes=10)
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.REVOKED
    assert live_tokens(acquirer) == 0 or Incident.objects.filter(kind="REVOKE_REFUSED", closed_at=None).exists()
