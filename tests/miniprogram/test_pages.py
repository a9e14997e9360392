"""What else happens to a mini program: wallets ended elsewhere, apps killed, sessions over, subscriptions."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from authorizations import operations as binding
from authorizations.models import Authorization, BuyerSession, WalletAccount
from authorizations.states import AuthorizationStatus, Messenger, WalletStatus
from payments import operations as paying
from payments.models import Order, Payment, Subscription
from payments.states import OrderStatus, ReasonCode
from payments.subscriptions import operations as recurring
from payments.subscriptions.states import SubscriptionStatus
from portal.acquirer.results import Secret
from portal.models import PaymentMethod
from tests.miniprogram.phone import DEVICES, Phone
from tests.story import PHONE, PHP

BEANS = {"name": "Barako beans", "price": "349.00 PHP"}


def binds(phone: Phone) -> Phone:
    """Bind from the page of payment methods."""
    decision = phone.visits("methods").taps("methods.link").agrees()
    return phone.signs(code=decision.auth_code, state=decision.auth_state).sees("methods.linked")


# Payment methods.


def test_before_binding_the_buyer_reads_what_they_agree_to(phone: Phone) -> None:
    phone.visits("methods").sees("methods.once").sees("methods.noPassword").sees("methods.end")
    phone.sees("methods.limits", limits="100,000 PHP per day")
    assert Authorization.objects.count() == 0  # a link is asked for by the tap, since it works once and runs out


def test_limits_are_told_in_the_language_of_the_phone(phone_of: Callable[..., Phone]) -> None:
    PaymentMethod.objects.filter(code="GCASH").update(limits="100,000 PHP per day; 500,000 PHP per month; ask us")
    phone = phone_of("ana", device=DEVICES["Chinese"]).opens().visits("methods")
    phone.sees("methods.limits", limits="每天 100,000 PHP；每月 500,000 PHP；ask us")


def test_a_wallet_that_was_ended_elsewhere_is_known_when_the_page_is_shown_again(phone: Phone) -> None:
    binds(phone).hides()
    binding.revoke(WalletAccount.objects.get(), by=phone.shop.staff)
    phone.sees("methods.linked").shows_again().sees("methods.lead").sees_no("methods.linkedSince", since="2 March 2026")


def test_removing_names_what_ends_with_it_and_asks_first(phone: Phone) -> None:
    binds(phone)
    wallet = WalletAccount.objects.get()
    plan = phone.shop.offers(PHP(499_00), name="Coffee every month", trial_days=7)
    recurring.start(wallet.buyer, plan, wallet, by=phone.shop.staff)

    phone.taps("methods.remove")
    assert "This ends with it: Coffee every month (499.00 PHP)." in phone.seen["dialog"]
    phone.decides(is_sure=False).sees("methods.linked")
    assert WalletAccount.objects.get().status == WalletStatus.ACTIVE

    phone.taps("methods.remove", times=2).decides(is_sure=True).was_told("methods.removed").sees("methods.lead")
    assert [one.status for one in WalletAccount.objects.all()] == [WalletStatus.REVOKED]
    assert len(phone.asked("POST /wallets")) == 1


def test_a_wallet_whose_end_is_unknown_stays_in_sight_and_cannot_be_used(phone: Phone) -> None:
    binds(phone)
    phone.shop.acquirer.will("answer_lost", api="revoke", calls=2)
    phone.taps("methods.remove").decides(is_sure=True).sees("methods.removing").sees("methods.ending")
    with pytest.raises(AssertionError, match="is disabled"):
        phone.taps("methods.remove")
    phone.waits(120).sees("methods.lead")


def test_an_app_we_do_not_know_and_one_that_is_too_old_are_told_so(phone_of: Callable[..., Phone]) -> None:
    phone_of("ana", device={"claims": "NEWPAY"}).opens().sees("common.notHere")
    assert BuyerSession.objects.count() == 0
    phone_of("ana", device={"signing": "none"}).opens().visits("methods").taps("methods.link").sees("binding.outdated")
    assert Authorization.objects.count() == 0


@pytest.mark.parametrize("site", ["none", "fails"])
def test_without_getsiteinfo_the_name_of_the_app_is_a_hint(phone_of: Callable[..., Phone], site: str) -> None:
    binds(phone_of("ana", device={"site": site}).opens())


def test_an_app_that_was_killed_while_signing_finds_out_at_its_next_start(phone: Phone) -> None:
    phone.visits("methods").taps("methods.link").agrees()
    attempt = Authorization.objects.get()
    assert phone.seen["stored"] == {"attempt": attempt.public_id}
    phone.shop.clock_moves(seconds=5)
    phone.launches()
    assert phone.seen["toasts"] == [phone.say("binding.linked")]
    assert phone.seen["stored"] == {}


def test_a_wallet_that_is_bound_already_is_not_asked_again(phone: Phone) -> None:
    phone.visits("methods")
    shop, buyer = phone.shop, BuyerSession.objects.latest("pk").buyer
    attempt = binding.begin(buyer, "GCASH", terminal=PHONE, redirect_url=f"{shop.url}/return", by=shop.staff)
    assert isinstance(attempt, Authorization)
    decision = shop.acquirer.engine.agree(attempt.auth_url, phone.user)
    binding.redeem(attempt, Secret(decision.auth_code), heard_from=Messenger.REDIRECT)

    phone.taps("methods.link").sees("methods.linked").was_told("binding.linked")
    assert phone.seen["signings"] == 0


def test_a_code_that_is_still_being_confirmed_is_asked_about(phone: Phone) -> None:
    phone.shop.acquirer.will("answer_code", api="applyToken", code="AUTH_IN_PROCESS", calls=2)
    decision = phone.visits("methods").taps("methods.link").agrees()
    phone.signs(code=decision.auth_code, state=decision.auth_state).sees("binding.checking")
    phone.shop.clock_moves(minutes=2)
    phone.passes(2).was_told("binding.linked").sees("methods.linked")


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_a_code_that_is_refused_is_said_in_words(phone_of: Callable[..., Phone], device: dict[str, str]) -> None:
    phone = phone_of("ana", device=device).opens()
    phone.shop.acquirer.will("answer_code", api="applyToken", code="USER_STATUS_ABNORMAL")
    decision = phone.visits("methods").taps("methods.link").agrees()
    phone.signs(code=decision.auth_code, state=decision.auth_state).sees("methods.lead")
    phone.reads({"en": "There is a problem with your wallet account.", "zh": "您的钱包账户存在异常"}[phone.language])


def test_an_answer_lost_after_the_code_was_brought_is_asked_about(phone: Phone) -> None:
    decision = phone.visits("methods").taps("methods.link").agrees()
    phone.loses("answer", "POST /authorizations/.*/code")
    phone.signs(code=decision.auth_code, state=decision.auth_state).sees("binding.checking")
    phone.passes(2).sees("methods.linked")
    assert len(phone.asked("POST /authorizations/")) == 1  # the code works once, and is not sent again


# The order, while the buyer is away.


def test_an_order_that_was_closed_meanwhile_says_so_and_the_wallet_stays_bound(phone: Phone) -> None:
    decision = phone.taps("shop.buy", **BEANS).taps("methods.link").agrees()
    paying.withdraw(Order.objects.get(), by=phone.shop.staff, reason_code=ReasonCode.OTHER)
    phone.signs(code=decision.auth_code, state=decision.auth_state).sees("cashier.closed")
    phone.was_told("binding.linked").taps("common.back").is_on("shop").sees("shop.cancelled")
    assert WalletAccount.objects.get().status == WalletStatus.ACTIVE
    assert Payment.objects.count() == 0


def test_a_second_tap_orders_nothing_more_and_a_lost_answer_neither(phone: Phone) -> None:
    phone.loses("answer", "POST /orders", times=3).taps("shop.buy", times=2, **BEANS).passes(4).is_on("shop")
    assert phone.seen["toasts"] == [phone.say("common.unreachable")]
    phone.taps("shop.buy", **BEANS).is_on("cashier")
    assert Order.objects.count() == 1


def test_a_buyer_calls_an_unpaid_order_off(phone: Phone) -> None:
    phone.taps("shop.buy", **BEANS).taps("cashier.drop").decides(is_sure=False).is_on("cashier")
    phone.taps("cashier.drop").decides(is_sure=True).is_on("shop").was_told("cashier.dropped")
    assert Order.objects.get().status == OrderStatus.CANCELLED


def test_what_was_ordered_is_found_again_and_where_it_stands(phone: Phone) -> None:
    phone.taps("shop.buy", **BEANS).goes_back().is_on("shop").sees("shop.toBePaid")
    phone.taps_order("Barako beans").is_on("cashier")
    binds(phone)
    phone.visits("shop").taps_order("Barako beans").taps("cashier.pay", amount="349.00 PHP").sees("result.paid")
    phone.reads("2 March 2026").goes_back().sees("shop.paid").taps_order("Barako beans").is_on("result")
    phone.shop.gives_back(Payment.objects.get())
    phone.hides().shows_again().sees("result.returned")


def test_a_session_that_has_ended_is_opened_anew_without_a_word(phone: Phone) -> None:
    BuyerSession.objects.update(ended_at=timezone.now())
    phone.visits("methods").sees("methods.lead")
    assert BuyerSession.objects.count() == 2


def test_without_a_network_every_page_says_so_and_tries_again(phone: Phone) -> None:
    phone.loses("request", "GET", times=3).visits("methods").passes(4).sees("common.unreachable")
    phone.taps("common.tryAgain").sees("methods.lead")


# Subscriptions.


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_a_buyer_subscribes_pauses_goes_on_and_ends_it(phone_of: Callable[..., Phone], device: dict[str, str]) -> None:
    phone = phone_of("ana", device=device).opens()
    phone.shop.offers(PHP(499_00), name="Pass", trial_days=7)
    phone.visits("subscriptions").sees("subscriptions.empty").sees("subscriptions.linkFirst")
    phone.taps("subscriptions.openMethods")
    binds(phone)

    price = phone.say("subscriptions.price", amount="499.00 PHP", interval=phone.say("intervals.MONTH"))
    phone.visits("subscriptions").reads(price)
    phone.taps("subscriptions.start", times=2)
    assert price in phone.seen["dialog"]  # how much, how often, from which wallet
    phone.decides(is_sure=True).was_told("subscriptions.started").sees("subscriptions.isActive")
    day = phone.say("common.day", day=9, month=phone.say("months.m3"), year=2026)
    phone.sees("subscriptions.next", amount="499.00 PHP", day=day)
    assert Subscription.objects.count() == 1
    assert phone.paid() == []

    phone.taps("subscriptions.pause").sees("subscriptions.isPaused").sees("subscriptions.noNext")
    phone.taps("subscriptions.resume").sees("subscriptions.isActive")
    phone.taps("subscriptions.end").decides(is_sure=True).was_told("subscriptions.ended").sees("subscriptions.empty")
    assert [one.status for one in Subscription.objects.all()] == [SubscriptionStatus.CANCELLED]


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_a_buyer_says_how_much_a_metered_plan_may_take(phone_of: Callable[..., Phone], device: dict[str, str]) -> None:
    phone = phone_of("ana", device=device).opens()
    plan = phone.shop.offers(None, name="Electricity")
    binds(phone)
    month = phone.say("intervals.MONTH")
    phone.visits("subscriptions").sees("subscriptions.metered", interval=month)
    for nothing in (None, "", "0", "12.345", "1,5", "-5", "1e3"):
        if nothing is not None:
            phone.types("subscriptions.limit", nothing, currency="PHP")
        phone.taps("subscriptions.start").was_told("subscriptions.sayLimit", example="1500.00")
        assert phone.seen["dialog"] == ""
    phone.types("subscriptions.limit", "1,500.5", currency="PHP").taps("subscriptions.start", times=2)
    agreed = phone.say("subscriptions.startMeteredText", interval=month, amount="1,500.50 PHP")
    assert agreed in phone.seen["dialog"]
    phone.decides(is_sure=True).was_told("subscriptions.started")
    phone.sees("subscriptions.upTo", amount="1,500.50 PHP", interval=month)
    begun = Subscription.objects.get()
    assert (begun.plan, begun.most) == (plan, PHP(1500_50))
    assert phone.paid() == []


def test_a_charge_that_failed_says_why_and_where_to_agree_again(phone: Phone) -> None:
    binds(phone)
    phone.shop.offers(PHP(499_00), name="Pass")
    phone.shop.acquirer.engine.revoke_in_the_wallet("ana", "GCASH")
    phone.visits("subscriptions").taps("subscriptions.start").decides(is_sure=True)
    phone.shop.clock_moves(minutes=2)

    phone.hides().shows_again().sees("subscriptions.isUnpaid")
    phone.reads("The wallet has ended the authorization. Authorize it again.")
    decision = (
        phone.taps("subscriptions.agree").is_on("methods").sees("methods.dead").taps("methods.linkAgain").agrees()
    )
    phone.signs(code=decision.auth_code, state=decision.auth_state).sees("methods.linked")
    phone.shop.clock_moves(minutes=2)
    phone.visits("subscriptions").sees("subscriptions.isActive")
    assert phone.paid() == [PHP(499_00)]
    assert Authorization.objects.filter(status=AuthorizationStatus.BOUND).count() == 2


# What a wallet takes, and how it looks.


def test_a_wallet_that_does_not_take_the_amount_is_not_offered_for_it(phone: Phone) -> None:
    PaymentMethod.objects.filter(code="GCASH").update(maximum_value=100_00)
    phone.visits("shop").taps("shop.buy", **BEANS).is_on("cashier").sees("cashier.none").sees_no(
        "cashier.payWith", wallet="GCash"
    )
    assert Authorization.objects.count() == 0


def test_a_wallet_is_shown_by_the_logo_of_the_catalogue(phone: Phone) -> None:
    PaymentMethod.objects.filter(code="GCASH").update(logo_url="https://ours.example/gcash.png")
    phone.visits("methods").sees("methods.lead")
    assert phone.seen["images"] == ["https://ours.example/gcash.png"]


def test_a_refusal_without_a_status_is_taken_for_a_session_that_has_ended(phone_of: Callable[..., Phone]) -> None:
    phone = phone_of("ana", device={"httpErrors": "nameless"}).opens()
    BuyerSession.objects.update(ended_at=timezone.now())
    phone.visits("methods").sees("methods.lead")
    assert BuyerSession.objects.count() == 2
