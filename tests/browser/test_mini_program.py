"""Stories of a buyer with the mini program in the hand: linking, paying, ending, and what goes wrong on the way."""

import re

from playwright.sync_api import APIResponse, BrowserContext, Route, expect

from authorizations.models import Authorization, BuyerSession, WalletAccount
from authorizations.states import AuthorizationStatus, WalletStatus
from payments import operations as paying
from payments.models import Order, Payment
from payments.states import OrderStatus, PaymentStatus, ReasonCode
from payments.subscriptions import operations as recurring
from payments.subscriptions.states import SubscriptionStatus
from portal.actor import Actor
from portal.models import Incident
from tests.browser.people import Phone
from tests.story import PHP, Acquirer

PAY = "Pay 349.00 PHP"
REVOKE_CALL = re.compile(r"POST /wallets/\S+/revoke")
PAY_CALL = re.compile(r"POST /orders/\S+/pay")


def attempts() -> list[str]:
    """How every attempt to bind stands, oldest first."""
    return list(Authorization.objects.order_by("pk").values_list("status", flat=True))


def wallets() -> list[tuple[str, str]]:
    """Every bound wallet and how it stands."""
    return list(WalletAccount.objects.order_by("pk").values_list("wallet", "status"))


def payments() -> list[str]:
    """How every payment stands, oldest first."""
    return list(Payment.objects.order_by("pk").values_list("status", flat=True))


def close_the_order() -> None:
    """The shop closes the buyer's only order."""
    order = Order.objects.get()
    paying.withdraw(order, by=Actor.command("story"), reason_code=ReasonCode.BUYER_REQUEST)


# Linking.


def test_a_wallet_is_linked_from_the_page_of_payment_methods(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods")
    phone.shows("You agree once, in GCash. From then on we charge what you order here, when you press Pay.")

    phone.taps("Link GCash").decides("Agree").returns()

    phone.shows("GCash is linked.").shows("Linked since 2 March 2026")
    assert wallets() == [("GCASH", WalletStatus.ACTIVE)]
    assert Authorization.objects.get().return_to == "pages/methods/methods"


def test_a_wallet_is_linked_at_the_cashier_and_the_buyer_still_presses_pay(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").taps("Buy Barako beans").shows("Link it once")
    order = Order.objects.get()
    phone.taps("Link GCash").decides("Agree").returns()

    phone.shows("GCash is linked.")
    expect(phone.program.get_by_role("radio", name="GCash")).to_have_attribute("aria-checked", "true")
    assert phone.took() == []
    assert Payment.objects.count() == 0

    phone.taps(PAY).shows("Paid. Thank you!")
    assert phone.took() == [PHP(349_00)]
    assert [(one.number, one.status) for one in Order.objects.all()] == [(order.number, OrderStatus.PAID)]


def test_a_buyer_who_refuses_stays_where_they_were(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods")
    phone.taps("Link GCash").decides("Not now").returns()

    phone.shows("Nothing was linked.").shows("Pay with GCash, in one tap")
    assert attempts() == [AuthorizationStatus.CANCELLED]
    assert wallets() == []


def test_a_wallet_closed_before_deciding_is_a_refusal(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods").taps("Link GCash")
    phone.closes_the_wallet()

    phone.shows("Nothing was linked.")
    assert attempts() == [AuthorizationStatus.CANCELLED]


def test_after_a_refusal_the_next_try_is_a_new_attempt(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods")
    phone.taps("Link GCash").decides("Not now").returns().shows("Nothing was linked.")
    phone.taps("Link GCash").decides("Agree").returns().shows("Linked since")

    assert attempts() == [AuthorizationStatus.CANCELLED, AuthorizationStatus.BOUND]
    states = Authorization.objects.values_list("auth_state", flat=True)
    assert len(set(states)) == 2


def test_a_lost_callback_heals_when_the_acquirer_tells_the_portal(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods").taps("Link GCash")
    phone.agrees_and_loses_the_callback().closes_the_wallet()

    phone.shows("Checking with GCash…")
    assert wallets() == []
    phone.shop.clock_moves(seconds=5)
    phone.shows("GCash is linked.").shows("Linked since")
    assert wallets() == [("GCASH", WalletStatus.ACTIVE)]


def test_a_callback_that_never_comes_is_not_waited_for(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods").wishes("signing", "never").taps("Link GCash")
    phone.decides("Agree").returns()

    phone.shows("Opening GCash…").shows("Checking with GCash…")
    phone.shop.clock_moves(seconds=5)
    phone.shows("GCash is linked.")


def test_a_wallet_that_never_confirms_can_be_checked_again(
    phone: Phone, acquirer: Acquirer, context: BrowserContext
) -> None:
    context.clock.install()
    phone.belongs_to("ana", "GCASH").opens("Payment methods").taps("Link GCash")
    phone.agrees_and_loses_the_callback().closes_the_wallet().shows("Checking with GCash…")

    phone.waits_until("The wallet has not confirmed yet.", at_most_seconds=30)
    phone.shop.clock_moves(seconds=5)
    phone.taps("Check again").waits_until("GCash is linked.", at_most_seconds=5)
    assert attempts() == [AuthorizationStatus.BOUND]


def test_an_app_that_was_quit_while_signing_finds_out_at_its_next_start(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods").taps("Link GCash")
    phone.agrees_and_loses_the_callback()
    phone.page.reload()
    phone.shop.clock_moves(seconds=5)

    phone.page.locator("#open").click()
    phone.shows("GCash is linked.").opens("Payment methods").shows("Linked since")


def test_no_network_while_signing_links_nothing_and_says_so(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods").wishes("signing", "6002").taps("Link GCash")
    phone.shows("There was no connection, so nothing was linked. Try again.")
    assert wallets() == []

    phone.taps("Link GCash").decides("Agree").returns().shows("Linked since")


def test_a_code_with_another_authstate_is_refused_and_reported(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods").wishes("signing", "state").taps("Link GCash")
    phone.decides("Agree").returns()

    phone.shows("This answer did not belong to you, so nothing was linked. Please start again.")
    assert wallets() == []
    assert [incident.kind for incident in Incident.objects.all()] == ["AUTH_STATE_MISMATCH"]


def test_a_callback_that_comes_twice_is_used_once(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").opens("Payment methods").wishes("signing", "twice").taps("Link GCash")
    phone.decides("Agree").returns().shows("Linked since")

    assert wallets() == [("GCASH", WalletStatus.ACTIVE)]
    assert len(acquirer.calls("applyToken")) == 1


def test_an_app_too_old_to_sign_is_told_to_update(phone: Phone) -> None:
    phone.wishes_before("site", "old app").comes_back().opens("Payment methods").taps("Link GCash")
    phone.shows("Please update this app: it is too old to link automatic payments.")
    assert attempts() == []


def test_a_wallet_the_shop_does_not_know_is_told_so(phone: Phone) -> None:
    phone.wishes_before("site", "unknown").comes_back()
    phone.shows("NEWPAY").shows("Try again")
    assert BuyerSession.objects.count() == 0


# Paying.


def test_a_purse_without_enough_money_is_said_in_words_and_a_new_press_is_a_new_payment(phone: Phone) -> None:
    phone.belongs_to("paolo", "GCASH").binds().opens("Shop").taps("Buy Barako beans").taps(PAY)
    phone.shows("Not paid").shows("There is not enough money in the wallet. Top it up, or use another one.")
    assert phone.took("paolo") == []

    phone.sandbox.engine.set_balance("paolo", "GCASH", 400_00)
    phone.taps("Choose how to pay").taps(PAY).shows("Paid. Thank you!")
    assert phone.took("paolo") == [PHP(349_00)]
    assert payments() == [PaymentStatus.FAILED, PaymentStatus.SUCCEEDED]


def test_a_payment_nobody_knows_of_is_never_shown_as_failed(phone: Phone, acquirer: Acquirer) -> None:
    acquirer.will("payment_stays_processing", seconds=20)
    phone.belongs_to("ana", "GCASH").binds().opens("Shop").taps("Buy Barako beans").taps(PAY)
    phone.shows("Processing…").shows_no("Not paid")

    phone.shop.clock_moves(seconds=25)
    phone.shows("Paid. Thank you!")
    assert phone.took() == [PHP(349_00)]


def test_after_75_seconds_the_buyer_need_not_wait_any_longer(
    phone: Phone, acquirer: Acquirer, context: BrowserContext
) -> None:
    acquirer.will("payment_stays_processing", seconds=20)
    context.clock.install()
    phone.belongs_to("ana", "GCASH").binds().opens("Shop").taps("Buy Barako beans").taps(PAY)
    phone.shows("Processing…")

    asked = phone.waits_until("We will inform you", at_most_seconds=85)
    assert asked >= 70
    phone.shows_no("Not paid")
    phone.shop.clock_moves(seconds=25)
    phone.taps("Back to the shop").shows("Your orders")
    expect(phone.program.get_by_role("button", name="Barako beans Paid 349.00 PHP")).to_be_visible()


def test_a_lost_answer_to_pay_is_asked_for_under_the_same_key(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").binds().opens("Shop").taps("Buy Barako beans").shows(PAY)
    phone.wishes("network", "lost answer").taps(PAY).shows("Paid. Thank you!")

    assert phone.took() == [PHP(349_00)]
    assert payments() == [PaymentStatus.SUCCEEDED]
    expect(phone.happened.locator(".line", has_text=PAY_CALL)).to_have_count(2)


def test_a_request_lost_on_its_way_is_sent_again(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").shows("Barako beans")
    phone.wishes("network", "lost request").taps("Buy Barako beans").shows("Link it once")
    assert Order.objects.count() == 1


def test_two_quick_taps_pay_once(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").binds().opens("Shop").taps("Buy Barako beans").shows(PAY)
    phone.program.get_by_role("button", name=PAY).evaluate("button => { button.click(); button.click() }")
    phone.shows("Paid. Thank you!")

    assert phone.took() == [PHP(349_00)]
    expect(phone.happened.locator(".line", has_text=PAY_CALL)).to_have_count(1)


def test_a_device_that_reports_http_errors_as_failures_tells_the_same_story(phone: Phone) -> None:
    phone.wishes_before("http-errors", "fail").wishes("spelling", "errorMessage").comes_back()
    phone.binds().opens("Shop").taps("Buy Barako beans").shows(PAY)
    close_the_order()
    phone.taps(PAY).shows("This order is closed")
    assert phone.took() == []


def test_an_order_that_was_closed_meanwhile_is_not_paid(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").taps("Buy Barako beans").taps("Link GCash")
    phone.wallet.get_by_role("button", name="Agree", exact=True).wait_for()
    close_the_order()
    phone.decides("Agree").returns()

    phone.shows("GCash is linked.").shows("This order is closed")
    assert wallets() == [("GCASH", WalletStatus.ACTIVE)]
    assert phone.took() == []


def test_a_buyer_drops_an_order_before_paying(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").taps("Buy Barako beans").taps("Cancel this order")
    phone.answers("Cancel the order")

    phone.shows("The order is cancelled.").shows("Your orders")
    assert [order.status for order in Order.objects.all()] == [OrderStatus.CANCELLED]


def test_a_session_that_ended_is_opened_anew_without_a_word(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").shows("Barako beans")
    phone.shop.clock_moves(hours=25)
    phone.taps("Buy Barako beans").shows("Link it once")
    assert BuyerSession.objects.count() == 2
    assert BuyerSession.objects.values("buyer").distinct().count() == 1


# Ending.


def test_a_buyer_ends_a_wallet_in_the_mini_program(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").binds().taps("Remove GCash")
    phone.shows("We can no longer charge it.")
    phone.answers("Remove GCash")

    phone.shows("GCash is removed.").shows("Pay with GCash, in one tap")
    assert wallets() == [("GCASH", WalletStatus.REVOKED)]
    assert len(acquirer.calls("revoke")) == 1


def test_what_ends_with_a_wallet_is_named_before_it_is_removed(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").binds()
    wallet = WalletAccount.objects.get()
    plan = phone.shop.offers(PHP(499_00), trial_days=3, name="Beans every week")
    subscription = recurring.start(wallet.buyer, plan, wallet, by=Actor.buyer(wallet.buyer.reference))
    phone.taps("Remove GCash").shows("This ends with it: Beans every week.")
    phone.answers("Remove GCash")

    phone.shows("GCash is removed.")
    phone.shop.clock_moves(days=4)
    subscription.refresh_from_db()
    assert subscription.status == SubscriptionStatus.CANCELLED


def test_a_buyer_who_changes_their_mind_keeps_the_wallet(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").binds().taps("Remove GCash")
    phone.answers("Keep it")

    phone.shows("Linked since")
    assert wallets() == [("GCASH", WalletStatus.ACTIVE)]
    assert acquirer.calls("revoke") == []


def test_an_end_without_an_answer_shows_the_wallet_as_going(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").binds()
    acquirer.will("request_lost", api="revoke", calls=9)
    phone.taps("Remove GCash")
    phone.answers("Remove GCash")

    phone.shows("Removing…")
    expect(phone.happened.locator(".line", has_text=REVOKE_CALL).locator(".chip.good")).to_be_visible()
    expect(phone.program.get_by_role("button", name="Remove GCash")).to_be_disabled()
    assert wallets() == [("GCASH", WalletStatus.REVOKING)]
    acquirer.heals()
    phone.shop.clock_moves(minutes=5)
    phone.shows("GCash is removed.").shows("Pay with GCash, in one tap")


def test_an_answer_older_than_what_was_pressed_is_not_drawn(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").binds().goes_home()
    kept: list[tuple[Route, APIResponse]] = []

    def keep(route: Route) -> None:
        if not kept and "/payment-methods" in (route.request.post_data or ""):
            kept.append((route, route.fetch()))
        else:
            route.continue_()

    phone.page.route("**/miniprogram/request", keep)
    phone.comes_back()  # it asks how the wallet stands, and hears of it late
    acquirer.will("request_lost", api="revoke", calls=9)
    phone.taps("Remove GCash")
    phone.answers("Remove GCash")
    phone.shows("Removing…")
    expect(phone.happened.locator(".line", has_text=REVOKE_CALL).locator(".chip.good")).to_be_visible()
    ((route, answer),) = kept
    route.fulfill(response=answer)
    expect(phone.happened.locator(".chip.wait")).to_have_count(0)
    # At once: two seconds later the page asks again by itself.
    assert phone.program.get_by_role("button", name="Remove GCash").is_disabled()
    assert phone.program.get_by_text("Removing…").first.is_visible()


def test_a_wallet_ended_in_its_own_app_is_gone_when_the_page_is_shown_again(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("farah", "TNG").binds().goes_home()
    phone.page.locator("#visit").click()
    phone.wallet.get_by_role("link", name="End…").click()
    phone.decides("End payments to Kape & Co").wallet.get_by_text("Ended.").wait_for()
    phone.shop.comes_to_rest()
    phone.closes_the_wallet().comes_back()

    phone.shows("in one tap").shows_no("Linked since")
    assert wallets() == [("TNG", WalletStatus.REVOKED)]


def test_a_wallet_that_ended_it_silently_is_linked_again_at_the_next_payment(phone: Phone, acquirer: Acquirer) -> None:
    phone.belongs_to("ana", "GCASH").binds().opens("Shop").taps("Buy Barako beans").shows(PAY)
    phone.sandbox.engine.revoke_in_the_wallet("ana", "GCASH")
    phone.shop.comes_to_rest()
    phone.taps(PAY).shows("Not paid").shows("Authorize it again")
    phone.shop.comes_to_rest()

    phone.taps("Choose how to pay").taps("Link GCash").decides("Agree").returns().shows("GCash is linked.")
    phone.taps(PAY).shows("Paid. Thank you!")
    assert phone.took() == [PHP(349_00)]
    assert payments() == [PaymentStatus.FAILED, PaymentStatus.SUCCEEDED]


# The phone itself.


def test_nothing_secret_is_shown_or_kept_on_the_phone(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").binds()
    seen = phone.page.content()
    kept = phone.page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    codes = [row["code"] for row in phone.sandbox.engine.store.all("SELECT code FROM codes")]
    tokens = [row["access_token"] for row in phone.sandbox.engine.store.all("SELECT access_token FROM tokens")]
    states = list(Authorization.objects.values_list("auth_state", flat=True))

    assert len(codes) == 2
    assert "bs_••••" in seen
    assert [secret for secret in [*codes, *tokens, *states] if secret in seen or secret in kept] == []
    assert kept == "[{},{}]"


def test_the_keyboard_is_enough(phone: Phone) -> None:
    phone.belongs_to("ana", "GCASH").shows("Barako beans")
    button = phone.program.get_by_role("button", name="Buy Barako beans")
    button.focus()
    button.press("Enter")
    phone.shows("Link it once")
    expect(phone.program.get_by_role("heading", name="Pay", exact=True)).to_be_focused()
    phone.program.get_by_role("button", name="Link GCash").press("Enter")
    expect(phone.page.locator("#wallet-close")).to_be_focused()
    phone.page.keyboard.press("Escape")
    phone.shows("Nothing was linked.")


def test_on_a_real_phone_the_frame_is_the_screen(phone: Phone) -> None:
    phone.page.set_viewport_size({"width": 390, "height": 844})
    phone.belongs_to("ana", "GCASH").binds()
    box = phone.page.locator("#program").bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)
    for page in (phone.page.main_frame, *phone.page.frames):
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    phone.program.get_by_role("button", name="What happened").click()
    expect(phone.page.get_by_role("heading", name="What happened")).to_be_visible()
    phone.page.get_by_role("button", name="Back to the phone").click()
    phone.shows("Linked since")


def test_whoever_reads_further_down_is_told_of_new_lines(phone: Phone) -> None:
    phone.page.set_viewport_size({"width": 1360, "height": 560})
    phone.belongs_to("ana", "GCASH").opens("Payment").opens("Shop")
    more = phone.page.locator("#watch-more")
    expect(more).to_be_hidden()
    phone.happened.evaluate("list => { list.style.maxHeight = '80px'; list.scrollTop = list.scrollHeight }")
    phone.opens("Payment")
    expect(more).to_contain_text("new line")
    more.click()
    expect(more).to_be_hidden()
    assert phone.happened.evaluate("list => list.scrollTop") == 0
