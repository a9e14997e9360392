"""Each result of my.signContract × each outcome of a payment × both places to bind, on containers that differ.

The suite tells 48 of them, in which every result, outcome and place is met; ``python -m tests.miniprogram`` all 264.

A story is one buyer's: bind from the page of payment methods or at the cashier, with what the wallet reports; where
nothing was bound, bind again; then pay, with what the wallet, the network or the worker does. At its end the money is
the wallet's and the portal's, once.
"""

import os
from collections.abc import Callable, Sequence
from itertools import cycle

import pytest

from authorizations import operations as binding
from authorizations.models import Authorization, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from payments.models import Order, Payment
from payments.states import OrderStatus, PaymentStatus
from portal.models import Incident
from tests.miniprogram.__main__ import WHOLE_PRODUCT
from tests.miniprogram.phone import DEVICES, Phone
from tests.story import PHP

PRICE = PHP(349_00)
BEANS = {"name": "Barako beans", "price": "349.00 PHP"}
A = AuthorizationStatus

# What the wallet reports.


def bound_at_once(phone: Phone) -> None:
    phone.taps("methods.link", times=2)
    decision = phone.agrees()
    phone.signs(code=decision.auth_code, state=decision.auth_state)
    assert phone.seen["signings"] == 1  # the second tap found the first one still going


def callback_twice(phone: Phone) -> None:
    decision = phone.taps("methods.link").agrees()
    phone.signs(code=decision.auth_code, state=decision.auth_state, times=2, shown="after")
    assert len(phone.asked("POST /authorizations/")) == 1


def cancelled(phone: Phone) -> None:
    phone.taps("methods.link").fails("6001")
    assert phone.seen["toasts"][-1:]
    _nothing_is_bound(phone, A.CANCELLED)
    bound_at_once_again(phone)


def no_network(phone: Phone) -> None:
    phone.taps("methods.link").fails("6002", shown="after")
    _nothing_is_bound(phone, A.FAILED)
    bound_at_once_again(phone)


def signing_failed(phone: Phone) -> None:
    phone.taps("methods.link").fails("7002")
    _nothing_is_bound(phone, A.FAILED)
    bound_at_once_again(phone)


def unknown_and_agreed(phone: Phone) -> None:
    phone.taps("methods.link").agrees()
    phone.fails("7001").sees("binding.checking")
    phone.waits(4)  # the acquirer tells the portal, and the page asks the portal


def unknown_and_never_agreed(phone: Phone) -> None:
    phone.taps("methods.link").fails("7001", shown="after").sees("binding.checking")
    phone.passes(19).sees("binding.checking")
    phone.passes(2).sees("binding.unconfirmed")
    phone.taps("common.checkAgain").passes(21).sees("binding.unconfirmed")
    _nothing_is_bound(phone, A.OFFERED)
    bound_at_once_again(phone)


def error_nobody_knows(phone: Phone) -> None:
    phone.taps("methods.link").agrees()
    phone.fails("6004").waits(4)


def error_without_a_word(phone: Phone) -> None:
    phone.taps("methods.link").agrees()
    phone.fails(None).waits(4)


def no_callback(phone: Phone) -> None:
    phone.taps("methods.link").agrees()
    phone.comes_back().passes(2).sees("binding.opening")
    phone.passes(1).sees("binding.checking")
    phone.waits(4)


def callback_after_all(phone: Phone) -> None:
    decision = phone.taps("methods.link").agrees()
    phone.shop.acquirer.will("notification_lost", notification="notifyAuthorization")
    phone.comes_back().passes(3).sees("binding.checking")
    phone.answers_late(code=decision.auth_code, state=decision.auth_state).passes(4)


def answer_of_somebody_else(phone: Phone) -> None:
    decision = phone.taps("methods.link").agrees()
    phone.shop.acquirer.will("notification_lost", notification="notifyAuthorization")
    phone.signs(code=decision.auth_code, state="A20260302FORGED")
    assert Incident.objects.filter(kind="AUTH_STATE_MISMATCH").exists()
    assert not WalletAccount.objects.filter(buyer__reference=_reference(phone)).exists()
    bound_at_once_again(phone)


def bound_at_once_again(phone: Phone) -> None:
    """A new attempt of the server's: the old link, state and code are not used again."""
    before = set(Authorization.objects.values_list("auth_state", flat=True))
    decision = phone.taps("methods.link").agrees()
    phone.signs(code=decision.auth_code, state=decision.auth_state)
    assert decision.auth_state not in before


SIGNINGS = (
    bound_at_once,
    callback_twice,
    cancelled,
    no_network,
    signing_failed,
    unknown_and_agreed,
    unknown_and_never_agreed,
    error_nobody_knows,
    error_without_a_word,
    no_callback,
    callback_after_all,
    answer_of_somebody_else,
)


def _nothing_is_bound(phone: Phone, status: AuthorizationStatus) -> None:
    attempt = Authorization.objects.filter(buyer__reference=_reference(phone)).latest("pk")
    assert attempt.status == status
    assert not WalletAccount.objects.filter(buyer=attempt.buyer).exists()


def _reference(phone: Phone) -> str:
    """The buyer as the portal knows them: by a digest of the wallet's user."""
    number = phone.asked("POST /authorizations")
    assert number
    return Authorization.objects.latest("pk").buyer.reference


# What becomes of the payment, from the cashier on.


def paid(phone: Phone) -> None:
    phone.taps("cashier.pay", amount=PRICE, times=2)
    assert len(phone.asked("POST /orders/")) == 1  # the second tap found the first one still going
    phone.is_on("result").sees("result.paid")


def too_little_money(phone: Phone) -> None:
    engine = phone.shop.acquirer.engine
    engine.set_balance(phone.user, "GCASH", 100_00)
    phone.taps("cashier.pay", amount=PRICE).is_on("result").sees("result.notPaid")
    assert phone.paid() == []
    engine.set_balance(phone.user, "GCASH", 400_00)
    phone.taps("result.choose").is_on("cashier").taps("cashier.pay", amount=PRICE).sees("result.paid")
    keys = [one["key"] for one in phone.asked("POST /orders/")]
    assert len(set(keys)) == 2  # a new press is a new act


def pending_then_paid(phone: Phone) -> None:
    phone.shop.acquirer.will("payment_stays_processing", seconds=20, then="SUCCESS")
    phone.taps("cashier.pay", amount=PRICE).is_on("result").sees("result.processing").sees_no("result.notPaid")
    phone.waits(10).sees("result.processing")
    phone.waits(15).sees("result.paid")


def pending_then_refused(phone: Phone) -> None:
    phone.shop.acquirer.will("payment_stays_processing", seconds=20, then="FAIL", code="RISK_REJECT")
    phone.taps("cashier.pay", amount=PRICE).sees("result.processing")
    phone.waits(25).sees("result.notPaid")
    phone.reads({"en": "The wallet declined.", "zh": "钱包拒绝了此次请求"}[phone.language])
    phone.taps("result.choose").taps("cashier.pay", amount=PRICE).sees("result.paid")


def pending_for_longer_than_anybody_looks(phone: Phone) -> None:
    phone.shop.acquirer.will("payment_stays_processing", seconds=20, then="SUCCESS")
    phone.taps("cashier.pay", amount=PRICE).passes(74).sees("result.processing")
    phone.passes(4).sees("result.later").sees_no("result.notPaid")
    asked = len(phone.asked("GET /orders/"))
    phone.passes(60)
    assert len(phone.asked("GET /orders/")) == asked  # and nobody asks on
    phone.shop.clock_moves(seconds=30)
    phone.hides().shows_again().sees("result.paid")


def answer_lost(phone: Phone) -> None:
    phone.loses("answer", "POST /orders/.*/pay").taps("cashier.pay", amount=PRICE).passes(1)
    phone.is_on("result").sees("result.paid")
    assert len({one["key"] for one in phone.asked("POST /orders/")}) == 1


def all_answers_lost(phone: Phone) -> None:
    phone.loses("answer", "POST /orders/.*/pay", times=3).taps("cashier.pay", amount=PRICE).passes(4)
    phone.is_on("cashier").sees("common.unreachable").sees("cashier.twice")
    phone.taps("cashier.pay", amount=PRICE).is_on("result").sees("result.paid")
    assert len({one["key"] for one in phone.asked("POST /orders/")}) == 1  # the same press, as long as it is unknown


def request_lost(phone: Phone) -> None:
    phone.loses("request", "POST /orders/.*/pay", times=2).taps("cashier.pay", amount=PRICE).passes(4)
    phone.is_on("result").sees("result.paid")


def error_page_of_a_proxy(phone: Phone) -> None:
    phone.loses("page", "POST /orders/.*/pay").taps("cashier.pay", amount=PRICE).passes(1).sees("result.paid")


def ended_at_the_desk_meanwhile(phone: Phone) -> None:
    wallet = WalletAccount.objects.latest("pk")
    binding.revoke(wallet, by=phone.shop.staff, reason_code="OTHER", note="")
    phone.taps("cashier.pay", amount=PRICE).is_on("cashier")
    phone.reads({"en": "This wallet cannot be charged any more.", "zh": "该钱包已无法扣款。"}[phone.language])
    assert not Payment.objects.filter(order=Order.objects.latest("pk")).exists()  # refused before anything was sent
    bound_at_once_again(phone)
    phone.taps("cashier.pay", amount=PRICE).sees("result.paid")


def ended_in_the_wallet_which_tells_nobody(phone: Phone) -> None:
    phone.shop.acquirer.engine.revoke_in_the_wallet(phone.user, "GCASH", reason="no longer needed")
    phone.taps("cashier.pay", amount=PRICE).is_on("result").sees("result.notPaid")
    phone.reads({"en": "The wallet has ended the authorization.", "zh": "钱包已终止授权"}[phone.language])
    phone.waits(1).taps("result.choose").is_on("cashier").sees("methods.link")
    bound_at_once_again(phone)
    phone.taps("cashier.pay", amount=PRICE).sees("result.paid")


PAYMENTS = (
    paid,
    too_little_money,
    pending_then_paid,
    pending_then_refused,
    pending_for_longer_than_anybody_looks,
    answer_lost,
    all_answers_lost,
    request_lost,
    error_page_of_a_proxy,
    ended_at_the_desk_meanwhile,
    ended_in_the_wallet_which_tells_nobody,
)

# Where it is bound.


def from_methods(phone: Phone, sign: Callable[[Phone], None]) -> None:
    phone.visits("methods").sees("methods.lead")
    sign(phone)
    phone.is_on("methods").sees("methods.linked").was_told("binding.linked")
    phone.visits("shop").taps("shop.buy", **BEANS).is_on("cashier")


def at_the_cashier(phone: Phone, sign: Callable[[Phone], None]) -> None:
    phone.taps("shop.buy", **BEANS).is_on("cashier").sees("cashier.payWith")
    sign(phone)
    phone.is_on("cashier").was_told("binding.linked")


ENTRIES = (from_methods, at_the_cashier)


def _of_payments(sign: Callable[[Phone], None], entry: Callable[..., None]) -> Sequence[Callable[[Phone], None]]:
    """Two, so that in all tests together each is met four times or more; of the whole product all."""
    if os.environ.get(WHOLE_PRODUCT):
        return PAYMENTS
    place = SIGNINGS.index(sign) * len(ENTRIES) + ENTRIES.index(entry)
    return [PAYMENTS[number % len(PAYMENTS)] for number in (2 * place, 2 * place + 1)]


def test_each_outcome_is_met_at_each_place() -> None:
    for entry in ENTRIES:
        assert {pay for sign in SIGNINGS for pay in _of_payments(sign, entry)} == set(PAYMENTS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
@pytest.mark.parametrize("sign", SIGNINGS, ids=lambda sign: sign.__name__)
def test_whatever_the_wallet_reports_the_buyer_pays_once(
    phone_of: Callable[..., Phone], sign: Callable[[Phone], None], entry: Callable[..., None]
) -> None:
    first = SIGNINGS.index(sign) + ENTRIES.index(entry)
    names = list(DEVICES)
    devices = cycle(names[first % len(names) :] + names[: first % len(names)])
    for number, pay in enumerate(_of_payments(sign, entry)):
        phone = phone_of(f"buyer-{number}", device=DEVICES[next(devices)]).opens()
        entry(phone, sign)
        assert len(phone.seen["chosen"]) == 1  # the wallet is chosen, and nothing is charged for binding it
        assert phone.paid() == []

        pay(phone)

        assert phone.paid() == [PRICE], pay.__name__
        order = Order.objects.latest("pk")
        assert order.status == OrderStatus.PAID
        succeeded = Payment.objects.filter(order=order, status=PaymentStatus.SUCCEEDED)
        assert [one.amount for one in succeeded] == [PRICE]
        assert WalletAccount.objects.filter(buyer=order.buyer, status=WalletStatus.ACTIVE).count() == 1
        wallet = WalletAccount.objects.filter(buyer=order.buyer).latest("pk")
        codes = Authorization.objects.filter(buyer=order.buyer).values_list("auth_code", flat=True)
        phone.holds_no([wallet.access_token, wallet.user_id, *codes, "bs_"])
        phone.shop.acquirer.heals()
