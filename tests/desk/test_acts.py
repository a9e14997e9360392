"""Acts on money and consent against the real sandbox: what is said before, what is done once, what is said after."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from authorizations.models import WalletAccount
from authorizations.states import WalletStatus
from payments.models import Cancel, Payment, Refund
from payments.states import CancelStatus, OrderStatus, PaymentStatus, ReasonCode, RefundStatus
from portal.models import AcquirerAccount, IdempotencyKey, JournalEntry
from portal.money import Money
from portal.roles import OPERATOR
from tests.desk.conftest import Desk, Form, act_url, page_url, words
from tests.story import PHP, Acquirer, Customer, Shop

PRICE = PHP(1_499_00)


@pytest.fixture
def operator(shop: Shop) -> Desk:
    """Somebody who may give money back."""
    return Desk(OPERATOR)


@pytest.fixture
def paid(shop: Shop, buyer: Customer) -> Payment:
    """A payment of 1,499.00 PHP through GCash, paid a moment ago."""
    buyer.binds("GCASH")
    payment = shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))
    assert payment.status == PaymentStatus.SUCCEEDED
    return payment


# Before the button.


def test_the_page_says_what_a_refund_will_do(operator: Desk, paid: Payment) -> None:
    page = operator.reads(act_url(paid, "refund"))

    assert "Refund 1,499.00 PHP Paid Not settled yet Order" in page
    assert "of 1,499.00 PHP that can still be given back" in page
    assert f"The amount goes back to GCash {paid.wallet_account.login_label} as a refund." in page
    assert "A cancel is still possible until 3 Mar 2026 00:15 UTC+8; it costs no refund fee." in page
    assert page.endswith("the acquirer’s day is UTC+8")
    assert operator.begins(act_url(paid, "refund")).saying == "Refund 1,499.00 PHP"


def test_opening_the_page_does_nothing(operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer) -> None:
    for name in ("ask", "refund", "cancel", "give_back"):
        operator.opens(act_url(paid, name))

    paid.refresh_from_db()
    assert (paid.status, paid.returned_value) == (PaymentStatus.SUCCEEDED, 0)
    assert (Refund.objects.count(), Cancel.objects.count(), JournalEntry.objects.count()) == (0, 0, 0)
    assert acquirer.gave_back_to(buyer) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"amount": "200.00"}, "Choose a reason."),
        ({"amount": "200.00", "reason_code": "BECAUSE"}, "Select a valid choice."),
        ({"amount": "200.00", "reason_code": "NO_FINAL_ANSWER"}, "Select a valid choice."),
        ({"amount": "200.00", "reason_code": "OTHER"}, "Say in a few words what the reason is."),
        ({"amount": "200.00", "reason_code": "OTHER", "note": "   "}, "Say in a few words what the reason is."),
        ({"amount": "", "reason_code": "DAMAGED"}, "This field is required."),
        ({"amount": "0", "reason_code": "DAMAGED"}, "The amount must be above zero."),
        ({"amount": "-1", "reason_code": "DAMAGED"}, "The amount must be above zero."),
        ({"amount": "1.999", "reason_code": "DAMAGED"}, "PHP has 2 decimals"),
        ({"amount": "1499.01", "reason_code": "DAMAGED"}, "At most 1,499.00 PHP can be given back."),
        ({"amount": "1.499,00", "reason_code": "DAMAGED"}, "is not an amount. Write it like 1499.00."),
        ({"amount": "14e2", "reason_code": "DAMAGED"}, "is not an amount"),
        ({"amount": "½", "reason_code": "DAMAGED"}, "is not an amount"),
        ({"amount": "9" * 24, "reason_code": "DAMAGED"}, "too large"),
        ({"amount": "9" * 500, "reason_code": "DAMAGED"}, "at most 24 characters"),
        ({"amount": "1\x00", "reason_code": "DAMAGED"}, "Null characters are not allowed."),
        ({"amount": "200.00", "reason_code": "DAMAGED", "note": "x" * 257}, "at most 256 characters"),
        ({"amount": "200.00", "reason_code": "DAMAGED", "once": ""}, "This form has gone stale."),
        ({"amount": "200.00", "reason_code": "DAMAGED", "once": "forged:token"}, "This form has gone stale."),
    ],
)
def test_a_form_that_does_not_hold_is_sent_back_and_nothing_moves(
    operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer, said: dict[str, str], sentence: str
) -> None:
    page = operator.begins(act_url(paid, "refund")).sends("Refund 200.00 PHP", **said)

    assert sentence in page
    paid.refresh_from_db()
    assert paid.returned_value == 0
    assert (Refund.objects.count(), JournalEntry.objects.count(), IdempotencyKey.objects.count()) == (0, 0, 0)
    assert acquirer.gave_back_to(buyer) == []


def test_a_form_of_another_act_or_of_another_person_is_refused(
    operator: Desk, paid: Payment, person: Callable[..., Desk]
) -> None:
    form = operator.begins(act_url(paid, "refund"))
    said = {"amount": "200.00", "reason_code": "DAMAGED", "once": form.once}
    colleague = person(OPERATOR)

    other_act = operator.begins(act_url(paid, "give_back")).sends("Give back 200.00 PHP", **said)
    other_person = colleague.begins(act_url(paid, "refund")).sends("Refund 200.00 PHP", **said)

    assert "This form belongs to another act." in other_act
    assert "This form belongs to another act." in other_person
    assert Refund.objects.count() == 0


# The button.


def test_a_refund_is_done_once_and_told_in_words(
    operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer
) -> None:
    form = operator.begins(act_url(paid, "refund"))

    page = form.sends("Refund 200.00 PHP", amount="200.00", reason_code="DAMAGED", note="Lid cracked, ticket 8841")

    label = paid.wallet_account.login_label
    assert f"200.00 PHP went back to GCash {label}." in page
    refund = Refund.objects.get()
    assert (refund.status, refund.amount, refund.reason_code) == (RefundStatus.SUCCEEDED, PHP(200_00), "DAMAGED")
    paid.refresh_from_db()
    assert paid.refundable == PHP(1_299_00)
    assert acquirer.gave_back_to(buyer) == [PHP(200_00)]
    entry = JournalEntry.objects.get()
    assert (entry.act, entry.user, entry.reason_code, entry.note, entry.subject_id) == (
        "refund",
        operator.user,
        "DAMAGED",
        "Lid cracked, ticket 8841",
        str(paid.pk),
    )
    told = operator.reads(page_url(paid))
    assert "1,499.00 PHP Paid Given back 200.00 PHP" in told
    assert "Cancel until not possible: a part was given back" in told
    assert "Refunded 200.00 PHP: the answer to refund said so" in told
    assert f"Refund of 200.00 PHP promised by {operator.user.username} 2 Mar 10:00:00" in told
    assert "Damaged or wrong goods: Lid cracked, ticket 8841" in told
    assert "Paid: the answer to pay said so" in told
    assert "Can be given back 1,299.00 PHP" in told


def test_what_never_left_is_told_so_and_a_question_without_result_is_no_success(
    operator: Desk, paid: Payment, shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    acquirer.will("refund_stays_processing", seconds=600)
    shop.refunds(paid, paid.amount)
    shop.clock_moves(minutes=2)
    told = operator.reads(page_url(paid))
    assert "inquiryRefund brought no final result" in told
    assert "inquiryRefund said SUCCESS" not in told

    AcquirerAccount.objects.update(gateway_url="http://127.0.0.1:1")
    refused = shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))
    shop.clock_moves(minutes=15)
    told = operator.reads(page_url(refused))
    assert "pay never left the portal" in told
    assert "Failed: nothing left the portal" in told
    assert "It may have arrived" not in told


def test_a_refund_nobody_knows_the_end_of_is_not_called_given_back(
    operator: Desk, paid: Payment, shop: Shop, acquirer: Acquirer
) -> None:
    acquirer.will("refund_stays_processing", seconds=600)
    shop.refunds(paid, paid.amount)
    for page in (page_url(paid), "/admin/payments/payment/", "/admin/payments/order/"):
        told = operator.reads(page)
        assert "Giving back 1,499.00 PHP" in told
        assert "Given back 1,499.00" not in told
    assert "Given back 0.00 PHP On its way back 1,499.00 PHP" in operator.reads(page_url(paid))

    shop.clock_moves(minutes=30)
    assert "Given back 1,499.00 PHP" in operator.reads(page_url(paid))


def test_the_same_form_twice_refunds_once(operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer) -> None:
    form = operator.begins(act_url(paid, "refund"))
    said = {"amount": "200.00", "reason_code": "DAMAGED"}

    first = form.sends("Refund 200.00 PHP", **said)
    again = form.sends("Refund 200.00 PHP", **said)

    assert "200.00 PHP went back" in first
    assert "That was already done with this form; nothing was repeated." in again
    assert acquirer.gave_back_to(buyer) == [PHP(200_00)]
    assert (Refund.objects.count(), JournalEntry.objects.count()) == (1, 1)


def test_the_same_form_twice_is_told_so_even_when_it_would_not_hold_any_more(operator: Desk, paid: Payment) -> None:
    form = operator.begins(act_url(paid, "refund"))
    said = {"amount": "1000.00", "reason_code": "DAMAGED"}
    form.sends("Refund 1,000.00 PHP", **said)

    assert "nothing was repeated" in form.sends("Refund 1,000.00 PHP", **said)  # 499.00 PHP are left
    assert Refund.objects.count() == 1


def test_the_back_button_and_another_amount_are_one_refund_and_a_new_form(
    operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer
) -> None:
    form = operator.begins(act_url(paid, "refund"))
    form.sends("Refund 200.00 PHP", amount="200.00", reason_code="DAMAGED")

    response = form.presses("Refund 300.00 PHP", amount="300.00", reason_code="DAMAGED")

    page = response.content.decode()
    assert "This form was already sent once, with other words, and that was done." in words(page)
    assert acquirer.gave_back_to(buyer) == [PHP(200_00)]
    Form(operator, form.url, page).sends(amount="300.00", reason_code="DAMAGED")
    assert acquirer.gave_back_to(buyer) == [PHP(200_00), PHP(300_00)]


def test_a_button_that_says_another_amount_does_nothing_and_is_shown_again(
    operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer
) -> None:
    form = operator.begins(act_url(paid, "refund"))

    response = form.presses(amount="200.00", reason_code="DAMAGED")  # the button still says 1,499.00 PHP

    page = response.content.decode()
    assert "Read the button once more: it says what will be done now." in words(page)
    assert acquirer.gave_back_to(buyer) == []
    again = Form(operator, form.url, page)
    assert again.saying == "Refund 200.00 PHP"
    again.sends(amount="200.00", reason_code="DAMAGED")
    assert acquirer.gave_back_to(buyer) == [PHP(200_00)]


def test_a_button_says_no_amount_where_none_can_be_read(operator: Desk, paid: Payment) -> None:
    form = operator.begins(act_url(paid, "refund"))
    again = form.presses(amount="12x", reason_code="DAMAGED").content.decode()
    assert Form(operator, form.url, again).saying == "Refund"
    assert "12x" in again
    assert not Refund.objects.exists()


def _at_once(presses: list[Callable[[], Any]]) -> list[str]:
    barrier, answers = Barrier(len(presses)), []

    def press(one: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            answers.append(words(one().content.decode()))
        finally:
            connection.close()

    threads = [Thread(target=press, args=(one,)) for one in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_double_click_refunds_once(operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer) -> None:
    form = operator.begins(act_url(paid, "refund"))
    data = {"once": form.once, "saying": form.saying, "amount": "1499.00", "reason_code": "DAMAGED"}
    browsers = []
    for _ in range(4):
        client = Client()
        client.cookies = operator.client.cookies.copy()
        browsers.append(client)

    answers = _at_once([lambda client=client: client.post(form.url, data, follow=True) for client in browsers])

    assert len(answers) == 4
    assert acquirer.gave_back_to(buyer) == [PRICE]
    assert Refund.objects.count() == 1
    assert JournalEntry.objects.count() == 1


def test_two_people_at_once_give_the_money_back_once(
    operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer, person: Callable[..., Desk]
) -> None:
    forms = [desk.begins(act_url(paid, "refund")) for desk in (operator, person(OPERATOR))]

    answers = _at_once([lambda form=form: form.presses(amount="1499.00", reason_code="DAMAGED") for form in forms])

    assert acquirer.gave_back_to(buyer) == [PRICE]
    assert Refund.objects.count() == 1
    assert sum("1,499.00 PHP went back" in answer for answer in answers) == 1
    assert sum("can be given back" in answer or "given back" in answer for answer in answers) >= 1


def test_the_second_of_two_people_reads_why(operator: Desk, paid: Payment, person: Callable[..., Desk]) -> None:
    late = person(OPERATOR).begins(act_url(paid, "refund"))
    operator.begins(act_url(paid, "refund")).sends(amount="1499.00", reason_code="DAMAGED")

    assert "Everything was given back, or is on its way back." in late.sends(amount="1499.00", reason_code="DAMAGED")
    assert Refund.objects.count() == 1


def test_a_refusal_is_its_sentence_and_the_form_may_be_sent_again(
    operator: Desk, paid: Payment, shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    paid.order.account.acquirer_keys.update(retired_at=paid.created_at)
    form = operator.begins(act_url(paid, "refund"))

    page = form.sends(amount="1499.00", reason_code="DAMAGED")

    assert "The acquirer account Sandbox has no public key of the acquirer yet." in page
    assert Refund.objects.count() == 0
    paid.order.account.acquirer_keys.update(retired_at=None)
    assert "1,499.00 PHP went back" in form.sends(amount="1499.00", reason_code="DAMAGED")
    assert acquirer.gave_back_to(buyer) == [PRICE]


def test_a_lost_answer_is_told_as_unknown_and_heals(
    operator: Desk, paid: Payment, shop: Shop, acquirer: Acquirer, buyer: Customer
) -> None:
    acquirer.will("answer_lost", api="refund")

    page = operator.begins(act_url(paid, "refund")).sends(amount="1499.00", reason_code="DAMAGED")

    assert "The refund of 1,499.00 PHP is promised; its result is not known yet. We keep asking." in page
    refund = Refund.objects.get()
    assert refund.status == RefundStatus.PROCESSING
    assert "Its result is not known" not in page
    told = operator.reads(page_url(refund))
    assert "No answer to refund: outcome unknown" in told
    assert "The acquirer was asked. The refund is refunded." in operator.begins(act_url(refund, "ask_refund")).sends()
    assert acquirer.gave_back_to(buyer) == [PRICE]


def test_a_refused_refund_says_the_acquirer_s_code(operator: Desk, paid: Payment, acquirer: Acquirer) -> None:
    acquirer.will("refund_fails", code="REFUND_WINDOW_EXCEED")

    page = operator.begins(act_url(paid, "refund")).sends(amount="1499.00", reason_code="DAMAGED")

    assert "The refund failed: REFUND_WINDOW_EXCEED" in page
    paid.refresh_from_db()
    assert paid.returned_value == 0


# Giving back, cancelling, asking.


def test_giving_back_before_the_deadline_cancels(
    operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer
) -> None:
    form = operator.begins(act_url(paid, "give_back"))
    assert "All of it: a cancel, without a refund fee, until 3 Mar 2026 00:15 UTC+8." in words(form.page)
    assert form.saying == "Give back 1,499.00 PHP"

    page = form.sends(amount="1499.00", reason_code="BUYER_REQUEST")

    assert f"The payment is cancelled. 1,499.00 PHP went back to GCash {paid.wallet_account.login_label}." in page
    assert Cancel.objects.get().status == CancelStatus.CONFIRMED
    assert Refund.objects.count() == 0
    assert acquirer.gave_back_to(buyer) == [PRICE]
    paid.refresh_from_db()
    assert (paid.status, paid.order.status) == (PaymentStatus.CANCELLED, OrderStatus.CANCELLED)


def test_giving_a_part_back_before_the_deadline_refunds(operator: Desk, paid: Payment) -> None:
    page = operator.begins(act_url(paid, "give_back")).sends(
        "Give back 99.00 PHP", amount="99.00", reason_code="BUYER_REQUEST"
    )

    assert "99.00 PHP went back" in page
    assert (Refund.objects.count(), Cancel.objects.count()) == (1, 0)
    rest = words(operator.begins(act_url(paid, "give_back")).page)
    assert "Part of it was given back, so this will be a refund." in rest
    assert ("Cancel until" in rest, "Refund until" in rest) == (False, True)


def test_giving_back_after_the_deadline_refunds_and_says_so(operator: Desk, paid: Payment, shop: Shop) -> None:
    shop.clock_moves(hours=20)
    form = operator.begins(act_url(paid, "give_back"))

    assert "The time to cancel has passed, so this will be a refund." in words(form.page)
    assert "1,499.00 PHP went back" in form.sends(amount="1499.00", reason_code="BUYER_REQUEST")
    assert "A cancel is not possible" in operator.reads(act_url(paid, "cancel"))


def test_an_unknown_payment_is_cancelled_whole(operator: Desk, shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))
    assert payment.status == PaymentStatus.PROCESSING
    form = operator.begins(act_url(payment, "give_back"))
    assert 'name="amount"' not in form.page

    page = form.sends(reason_code="BUYER_REQUEST")

    assert "The payment is cancelled. GCash" in page
    assert "was not debited, or has 1,499.00 PHP back." in page
    assert acquirer.took_from(buyer) == acquirer.gave_back_to(buyer) == [PRICE]


def test_cancelling_needs_a_reason_and_happens_once(
    operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer
) -> None:
    form = operator.begins(act_url(paid, "cancel"))
    assert form.saying == "Cancel the payment of 1,499.00 PHP"
    assert "Choose a reason." in form.sends()

    assert "is cancelled" in form.sends(reason_code="FRAUD")
    assert "nothing was repeated" in form.sends(reason_code="FRAUD")

    assert acquirer.gave_back_to(buyer) == [PRICE]
    assert JournalEntry.objects.filter(act="cancel").count() == 1


def test_asking_finds_what_a_lost_answer_hid(operator: Desk, shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))

    page = operator.begins(act_url(payment, "ask")).sends()

    assert "The acquirer was asked. The payment is paid." in page
    told = operator.reads(page_url(payment))
    assert "Paid: inquiryPayment said so" in told
    assert "No answer to pay: outcome unknown" in told
    assert acquirer.took_from(buyer) == [PRICE]


def test_asking_is_kind_about_an_answer_that_is_not_there_yet(
    operator: Desk, shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    buyer.binds("GCASH")
    acquirer.will("payment_stays_processing", seconds=3600)
    payment = shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))

    assert "The acquirer has no final answer yet. We keep asking." in operator.begins(act_url(payment, "ask")).sends()
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.PROCESSING


def test_an_order_has_the_acts_of_its_payment(
    operator: Desk, paid: Payment, acquirer: Acquirer, buyer: Customer
) -> None:
    order = paid.order
    assert "1,499.00 PHP Paid Not settled yet Order" in operator.reads(page_url(order))

    page = operator.begins(act_url(order, "refund")).sends("Refund 1.00 PHP", amount="1.00", reason_code="DAMAGED")

    assert "1.00 PHP went back" in page
    assert acquirer.gave_back_to(buyer) == [PHP(1_00)]
    assert "Order placed by a command" in operator.reads(page_url(order))


def test_an_order_nobody_paid_is_withdrawn_and_has_nothing_to_give_back(
    operator: Desk, shop: Shop, buyer: Customer
) -> None:
    order = shop.sells("Monthly pass", PRICE, to=buyer)
    assert "Nobody has paid this order." in operator.reads(act_url(order, "give_back"))

    page = operator.begins(act_url(order, "withdraw")).sends(reason_code="OUT_OF_STOCK")

    assert f"Order {order.number} is withdrawn." in page
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    assert JournalEntry.objects.get(act="withdraw order").reason_code == ReasonCode.OUT_OF_STOCK
    assert "The order is cancelled." in operator.reads(act_url(order, "withdraw"))


def test_what_is_failed_offers_no_way_back(operator: Desk, shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    buyer.binds("GCASH")
    acquirer.will("payment_fails", code="USER_BALANCE_NOT_ENOUGH")
    payment = shop.charges(shop.sells("Monthly pass", PRICE, to=buyer))
    assert payment.status == PaymentStatus.FAILED

    page = operator.reads(page_url(payment))

    assert "1,499.00 PHP Failed: balance" in page
    assert "Give the money back…" not in page
    assert "Nothing can be given back: it failed." in operator.reads(act_url(payment, "give_back"))
    for name in ("refund", "cancel", "give_back"):
        response = operator.client.post(act_url(payment, name), {"reason_code": "DAMAGED", "amount": "1"})
        assert response.status_code == 200
    assert (Refund.objects.count(), Cancel.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("wallet", "value", "typed", "shown"),
    [("KAKAOPAY", 48_000, "48,000", "48,000 KRW"), ("DANA", 15_000_00, "15,000", "15,000 IDR")],
)
def test_amounts_are_read_by_the_currency_s_own_exponent(
    operator: Desk, shop: Shop, buyer: Customer, acquirer: Acquirer, wallet: str, value: int, typed: str, shown: str
) -> None:
    buyer.binds(wallet)
    currency = shown.split()[1]
    payment = shop.charges(shop.sells("Harbour tour", Money(value, currency), to=buyer))
    form = operator.begins(act_url(payment, "refund"))
    assert form.saying == f"Refund {shown}"

    page = form.sends(amount=typed, reason_code="DAMAGED")

    assert f"{shown} went back" in page
    assert acquirer.gave_back_to(buyer) == [Money(value, currency)]


# Consent.


def test_revoking_a_wallet_needs_a_reason_and_ends_it_on_both_sides(
    operator: Desk, shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    form = operator.begins(act_url(wallet, "revoke"))
    assert "is not debited any more, whatever the acquirer answers." in words(form.page)
    assert "Choose a reason." in form.sends()

    page = form.sends(reason_code="BUYER_REQUEST")

    assert "The wallet is revoked. It is not debited any more." in page
    wallet.refresh_from_db()
    assert wallet.status == WalletStatus.REVOKED
    assert "nothing was repeated" in form.sends(reason_code="BUYER_REQUEST")
    assert JournalEntry.objects.filter(act="revoke").count() == 1
    assert len(acquirer.calls("revoke")) == 1
    assert "This wallet is revoked." in operator.reads(act_url(wallet, "revoke"))
    told = operator.reads(page_url(wallet))
    assert "Revoked: the answer to revoke confirmed it" in told
    assert "Revoke promised: it is not debited any more" in told


def test_a_revoke_without_an_answer_holds_at_once(
    operator: Desk, shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    acquirer.will("request_lost", api="revoke", calls=5)

    page = operator.begins(act_url(wallet, "revoke")).sends(reason_code="FRAUD")

    assert "The wallet is not debited any more. The acquirer has not confirmed yet" in page
    assert WalletAccount.objects.get(pk=wallet.pk).status == WalletStatus.REVOKING
